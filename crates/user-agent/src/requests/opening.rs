//! Opening what notifications link to: nothing but web pages, and of those what the site's policy allows.

use url::Url;

use super::{Shared, no_entry, withdraw_soon};
use crate::api::{CommandError, EntryId, ErrorCode, Event, Links, Verdict};
use crate::link;
use crate::notifier::{Activation, Report, Withdrawal};
use crate::store::cards;
use crate::store::entries::{self, Clicked};

/// What the notifier has told.
pub(crate) fn reported(shared: &Shared, reports: Vec<Report>) {
    let mut closed = Vec::new();
    for report in reports {
        match report {
            Report::Clicked(activation) => {
                let clicked = shared.clone();
                shared.tasks.spawn(async move { activate(&clicked, activation).await });
            }
            Report::Closed { server, id } => closed.push((server, id)),
        }
    }
    if !closed.is_empty() {
        let store = shared.store.clone();
        shared.tasks.spawn(async move {
            if let Err(error) = store.write(move |tx| Ok(cards::remove(tx, &closed)?)).await {
                tracing::warn!(%error, "what is no longer on screen is not forgotten");
            }
        });
    }
}

/// A click on a notification.
async fn activate(shared: &Shared, activation: Activation) {
    let Activation { entry, action, token } = activation;
    let Some(id) = entry else {
        return shared.tell(Event::Open { entry: None, action: None, asks: false });
    };
    let event = match open(shared, id, action, false, token.as_deref()).await {
        Ok(true) => return,
        Ok(false) => Event::Open { entry, action: None, asks: false },
        Err(CommandError { code: ErrorCode::Unconfirmed, .. }) => Event::Open { entry, action, asks: true },
        Err(error) => return tracing::warn!(code = ?error.code, "a click opened nothing"),
    };
    shared.tell(event);
}

/// Opens what the entry or its button links to; false: there is nothing to open. The entry is read by then, and no longer on
/// screen.
pub(super) async fn open(
    shared: &Shared,
    id: EntryId,
    action: Option<usize>,
    confirmed: bool,
    token: Option<&str>,
) -> Result<bool, CommandError> {
    let found = shared.store.write(move |tx| {
        entries::mark_read(tx, &[id])?;
        Ok(entries::clicked(tx, id)?)
    });
    let Clicked { site, site_url, links, notification } = found.await?.ok_or_else(|| no_entry(id))?;
    withdraw_soon(shared, Withdrawal::Entries(vec![id]));
    shared.signals.show.notify_one();
    shared.tell(Event::Changed);
    let (navigate, request) = match action {
        None => (notification.navigate, notification.request),
        Some(index) => {
            let action = notification.actions.into_iter().nth(index);
            action.map(|action| (action.navigate, action.request)).unwrap_or_default()
        }
    };
    let url = match (navigate, request) {
        (Some(url), _) => url,
        (None, None) => return Ok(false),
        (None, Some(_)) => {
            let reason = "the button asks for a request in the background, which is not sent without consent";
            shared.tell(Event::Failed { site: Some(site), reason: reason.into() });
            return Err(CommandError::new(ErrorCode::Rejected, reason));
        }
    };
    let opened = check(&url, site_url.as_ref(), links, confirmed).and_then(|()| {
        link::open(&url, token).map_err(|error| CommandError::new(ErrorCode::Rejected, error.to_string()))
    });
    opened.map(|()| true).inspect_err(|error| {
        shared.tell(Event::Failed { site: Some(site), reason: error.message.clone() });
    })
}

/// Whether the site's policy lets this link be opened. Whether it is a web page at all is looked at in any case.
fn check(url: &Url, site: Option<&Url>, links: Links, confirmed: bool) -> Result<(), CommandError> {
    let rejected = |reason| Err(CommandError::new(ErrorCode::Rejected, reason));
    match links.judge(url, site) {
        _ if !link::is_web(url) => Ok(()),
        Verdict::Opened => Ok(()),
        Verdict::Asked if confirmed => Ok(()),
        Verdict::Asked => Err(CommandError::new(
            ErrorCode::Unconfirmed,
            "the link leaves the site: look at it in the window or in `belfry inbox show`, or set links=any",
        )),
        Verdict::Refused if site.is_none() => {
            rejected("only links to the site's own host are opened, and it is not known: set url=ORIGIN")
        }
        Verdict::Refused => rejected("only links to the site's own host are opened"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_judged_by_its_host() {
        let site = Url::parse("https://example.org/").unwrap();
        let judge = |link: &str, links, confirmed| {
            check(&link.parse().unwrap(), Some(&site), links, confirmed).map_err(|error| error.code)
        };
        for own in ["https://example.org/a?b", "http://example.org:8080/", "https://EXAMPLE.org/"] {
            for links in [Links::Own, Links::Ask, Links::Any] {
                assert_eq!(judge(own, links, false), Ok(()), "{own}");
            }
        }
        for other in [
            "https://example.org.evil.example/",
            "https://sub.example.org/",
            "https://example.org@evil.example/",
            "https://ехample.org/",
        ] {
            assert_eq!(judge(other, Links::Own, true), Err(ErrorCode::Rejected), "{other}");
            assert_eq!(judge(other, Links::Ask, false), Err(ErrorCode::Unconfirmed), "{other}");
            assert_eq!(judge(other, Links::Ask, true), Ok(()), "{other}");
            assert_eq!(judge(other, Links::Any, false), Ok(()), "{other}");
        }
    }

    #[test]
    fn without_a_known_host_nothing_is_its_own() {
        let link = Url::parse("https://example.org/").unwrap();
        let error = check(&link, None, Links::Own, true).unwrap_err();
        assert!(error.message.contains("url="), "{error}");
    }
}
