//! Plain text, what scripts and Apprise send: `curl`-like senders, log lines, a JSON string. And no text at all.

use linkify::{LinkFinder, LinkKind};
use url::Url;

use super::plaintext::Plaintext;
use super::{Action, Context, Notification, Reading, bounds};

/// Several lines: the first is the title. A single one is the body, under the site's name. Links in it are offered as
/// buttons, and a single one is where a click leads.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let text = bounds::lines(plaintext.words()?, bounds::TITLE + bounds::BODY);
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let (title, body) = match text.split_once('\n') {
        Some((first, rest)) if first.chars().count() <= bounds::TITLE => {
            (first.trim(), rest.trim_matches('\n'))
        }
        // A title of many lines' length would lose its end.
        _ => (context.site, text),
    };
    let links = links(text);
    let navigate = match links.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let actions = links.into_iter().map(open).collect();
    let (title, body) = (title.to_owned(), body.to_owned());
    Some(Notification { title, body, navigate, actions, ..Notification::default() }.into())
}

/// Web pages named in a text, each once.
fn links(text: &str) -> Vec<Url> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let mut links: Vec<Url> = Vec::new();
    let found = finder.links(text).filter_map(|link| Url::parse(link.as_str()).ok());
    for url in found.filter(|url| matches!(url.scheme(), "http" | "https") && bounds::fits(url)) {
        if !links.contains(&url) {
            links.push(url);
        }
        if links.len() == bounds::ACTIONS {
            break;
        }
    }
    links
}

/// Named after its host, as it is resolved: what a look-alike says of itself does not count.
fn open(url: Url) -> Action {
    let title = format!("Open {}", url.host_str().unwrap_or("link"));
    Action { action: "open".into(), title, navigate: Some(url), ..Action::default() }
}

/// No payload, or only white space.
pub(super) fn read_empty(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let text = bounds::lines(plaintext.words()?, bounds::BODY);
    let title = format!("New notification from {}", context.site);
    text.trim().is_empty().then(|| Notification { title, ..Notification::default() }.into())
}
