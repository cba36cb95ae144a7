//! Plain text, what scripts and Apprise send: `curl`-like senders, log lines, a JSON string. And no text at all.

use super::plaintext::Plaintext;
use super::{Content, Context, Notification, bounds};

/// Several lines: the first is the title. A single one is the body, under the site's name.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Content> {
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
    Some(Notification { title: title.to_owned(), body: body.to_owned(), ..Notification::default() }.into())
}

/// No payload, or only white space.
pub(super) fn read_empty(plaintext: &Plaintext, context: Context<'_>) -> Option<Content> {
    let text = bounds::lines(plaintext.words()?, bounds::BODY);
    let title = format!("New notification from {}", context.site);
    text.trim().is_empty().then(|| Notification { title, ..Notification::default() }.into())
}
