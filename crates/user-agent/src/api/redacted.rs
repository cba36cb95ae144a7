//! `Debug` of what holds a sender's words or links: enough to tell one from another, nothing of the content.

use std::fmt::{Debug, Formatter, Result};

use super::{Entry, EntryAction, EntryPicture, Event, Preview, RawPayload, Response};

impl Debug for Entry {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("read", &self.read)
            .field("disposition", &self.disposition)
            .field("failed", &self.failure.is_some())
            .finish_non_exhaustive()
    }
}

impl Debug for EntryAction {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("EntryAction(…)")
    }
}

impl Debug for RawPayload {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "RawPayload({}, {} bytes)", self.id, self.size)
    }
}

impl Debug for Preview {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Preview(…, {:?})", self.remarks)
    }
}

impl Debug for EntryPicture {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "EntryPicture({} × {})", self.width, self.height)
    }
}

impl Debug for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Connected { push_service, uaid } => {
                write!(f, "Connected({push_service}, {uaid:?})")
            }
            Self::Disconnected { push_service, retry_in_ms, reason } => {
                write!(f, "Disconnected({push_service}, {retry_in_ms:?}, {reason:?})")
            }
            Self::Push { id, site, disposition, .. } => {
                write!(f, "Push({id:?}, {site:?}, {disposition:?}, …)")
            }
            Self::Handed { ids } => write!(f, "Handed({ids:?})"),
            Self::Failed { site, reason } => write!(f, "Failed({site:?}, {reason:?})"),
            Self::Locked { reason, code } => write!(f, "Locked({reason:?}, {code:?})"),
            Self::Unlocked => f.write_str("Unlocked"),
            Self::Open { entry, action, asks } => write!(f, "Open({entry:?}, {action:?}, {asks})"),
            Self::Changed => f.write_str("Changed"),
        }
    }
}

impl Debug for Response {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Status(status) => status.fmt(f),
            Self::Site(site) => site.fmt(f),
            Self::Sites(sites) => sites.fmt(f),
            Self::Removed { unregistered } => write!(f, "Removed({unregistered})"),
            Self::Exported(exported) => write!(f, "Exported({} sites)", exported.sites),
            Self::Imported(imported) => imported.fmt(f),
            Self::Entries(entries) => entries.fmt(f),
            Self::Entry { entry, raw: _, raw_base64: _ } => entry.fmt(f),
            Self::Payloads(payloads) => payloads.fmt(f),
            Self::Preview(preview) => preview.fmt(f),
            Self::Picture(picture) => picture.fmt(f),
            Self::PushServices(services) => services.fmt(f),
            Self::Settings(settings) => settings.fmt(f),
            Self::Checks(checks) => checks.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_a_sender_wrote_is_shown() {
        let entry: Entry = serde_json::from_value(json!({
            "id": "7", "site": "Backups", "received_at": "2026-11-23T10:00:00Z", "title": "wren", "body": "wren",
            "navigate": "https://wren.example/", "image": "https://wren.example/", "tag": "wren",
            "actions": [{"title": "wren", "navigate": "https://wren.example/"}], "read": false,
            "disposition": "shown", "failure": null
        }))
        .unwrap();
        let push: Event = serde_json::from_value(json!({
            "event": "push", "id": "7", "site": "Backups", "received_at": "2026-11-23T10:00:00Z", "title": "wren",
            "body": "wren", "navigate": "https://wren.example/", "disposition": "shown"
        }))
        .unwrap();
        let raw = Response::Entry {
            entry: entry.clone(),
            raw: Some("wren".into()),
            raw_base64: Some("wren".into()),
        };
        let list = Response::Entries(vec![entry.clone()]);
        let payload: RawPayload = serde_json::from_value(json!({
            "id": "7", "received_at": "2026-11-23T10:00:00Z", "text": "wren", "size": 4
        }))
        .unwrap();
        let preview: Preview = serde_json::from_value(json!({
            "title": "wren", "body": "wren", "navigate": "https://wren.example/", "image": null, "tag": "wren",
            "remarks": []
        }))
        .unwrap();
        let (payloads, preview) = (Response::Payloads(vec![payload]), Response::Preview(preview));
        let shown =
            format!("{:?} {:?} {push:?} {raw:?} {list:?} {payloads:?} {preview:?}", entry.actions, entry);
        assert!(!shown.contains("wren") && shown.contains('7'), "{shown}");
    }
}
