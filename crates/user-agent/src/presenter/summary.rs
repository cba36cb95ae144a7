//! One notification that stands for several of a site. It grows with them, shrinks as they are read or taken back, and goes
//! with the last of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use webpush::payload::Notification;

use super::{Run, Trouble};
use crate::api::EntryId;
use crate::notifier::{Card, Popup, Withdrawal};
use crate::store::StoreError;
use crate::store::entries::{self, Pending};

/// Replaces the summary on screen when it grows. No sender can write it: control characters are taken from what they send.
const TAG: &str = "\u{1}more";

/// One that an earlier process has shown: the next one, which does not count what it counts, stands beside it.
const EARLIER_TAG: &str = "\u{1}earlier";

/// What the summaries on screen stand for, by site.
#[derive(Debug, Default)]
pub(super) struct Summaries {
    ours: BTreeMap<String, Summary>,
    /// Those of an earlier process count some of the entries up to these.
    earlier: BTreeMap<String, EntryId>,
}

#[derive(Debug, Clone)]
struct Summary {
    /// What it counts is from here …
    first: EntryId,
    /// … to here.
    last: EntryId,
    count: u32,
    popup: Popup,
    /// It grows no more.
    ended: bool,
}

impl Summaries {
    /// Something was shown by itself: what comes from now on is counted anew.
    pub(super) fn end(&mut self, site_id: &str) {
        if let Some(summary) = self.ours.get_mut(site_id) {
            summary.ended = true;
        }
    }

    /// These are on screen; entries up to `last` may be counted in one of them.
    pub(super) fn restore(&mut self, cards: &mut [Card], last: EntryId) {
        for card in cards.iter_mut().filter(|card| card.tag == TAG) {
            EARLIER_TAG.clone_into(&mut card.tag);
            self.earlier.insert(card.site_id.clone(), last);
        }
    }

    fn growing(&self, site_id: &str) -> Option<&Summary> {
        self.ours.get(site_id).filter(|summary| !summary.ended)
    }
}

impl Run {
    /// One notification for all of these, in place of the site's last one of that kind.
    pub(super) async fn summarize(&mut self, held: Vec<Pending>) -> Result<(), Trouble> {
        let ids: Vec<_> = held.iter().map(|pending| pending.id).collect();
        let Some(Pending { popup, .. }) = held.into_iter().last() else { return Ok(()) };
        let (Some(first), Some(last)) = (ids.first().copied(), ids.last().copied()) else { return Ok(()) };
        let site_id = popup.site_id.clone();
        let (first, before) = match self.summaries.growing(&site_id) {
            Some(growing) => (growing.first, growing.count),
            None => (first, 0),
        };
        let count = before.saturating_add(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let notification = Notification {
            title: title(count, &popup.site_name),
            body: popup.notification.title,
            tag: TAG.to_owned(),
            ..Notification::default()
        };
        let popup = Popup { entry: None, notification, sound: false, received_at: Timestamp::now(), ..popup };
        let card = self.show(popup.clone()).await?;
        self.summaries.ours.insert(site_id, Summary { first, last, count, popup, ended: false });
        Ok(self.handed(ids, card).await?)
    }

    /// Leaves those out of the summaries that have been read, deleted or taken back meanwhile.
    pub(super) async fn recount(&mut self) -> Result<(), StoreError> {
        for (site_id, summary) in self.summaries.ours.clone() {
            let Summary { first, last, count, popup, .. } = summary;
            match self.counted(&site_id, first, last).await? {
                None => {
                    self.summaries.ours.remove(&site_id);
                    self.take_away(site_id, TAG).await;
                }
                Some((left, newest)) if left < count => {
                    let Popup { notification, .. } = &popup;
                    let notification = Notification {
                        title: title(left, &popup.site_name),
                        body: newest,
                        ..notification.clone()
                    };
                    self.redraw(Popup { notification, ..popup }).await;
                    if let Some(summary) = self.summaries.ours.get_mut(&site_id) {
                        summary.count = left;
                    }
                }
                Some(_) => {}
            }
        }
        for (site_id, last) in self.summaries.earlier.clone() {
            if self.counted(&site_id, EntryId(0), last).await?.is_none() {
                self.summaries.earlier.remove(&site_id);
                self.take_away(site_id, EARLIER_TAG).await;
            }
        }
        Ok(())
    }

    async fn counted(
        &self,
        site_id: &str,
        first: EntryId,
        last: EntryId,
    ) -> Result<Option<(u32, String)>, StoreError> {
        let site_id = site_id.to_owned();
        self.shared.store.read(move |c| Ok(entries::summarized(c, &site_id, first, last)?)).await
    }

    async fn redraw(&self, popup: Popup) {
        let site = popup.site_name.clone();
        if let Err(error) = self.patiently(Some(site), self.notifier.redraw(popup)).await {
            tracing::debug!(%error, "a summary counts what has been read");
        }
    }

    async fn take_away(&self, site_id: String, tag: &str) {
        let which = Withdrawal::Sent { site_id, tags: Some(vec![tag.to_owned()]), last: EntryId(i64::MAX) };
        if let Err(error) = self.notifier.withdraw(&which).await {
            tracing::debug!(%error, "a summary of what has been read stays on screen");
        }
    }
}

fn title(count: u32, site: &str) -> String {
    format!("{count} more from {site}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Links;
    use crate::pictures::Illustration;

    fn summary() -> Summary {
        let popup = Popup {
            entry: None,
            site_id: "a".into(),
            site_name: "Backups".into(),
            website: None,
            links: Links::Any,
            notification: Notification::default(),
            illustration: Illustration::default(),
            sound: false,
            passes_silence: false,
            received_at: Timestamp::UNIX_EPOCH,
        };
        Summary { first: EntryId(2), last: EntryId(5), count: 4, popup, ended: false }
    }

    #[test]
    fn a_summary_grows_until_something_is_shown_by_itself() {
        let mut summaries = Summaries::default();
        summaries.ours.insert("a".into(), summary());
        assert_eq!(summaries.growing("a").map(|summary| summary.count), Some(4));
        summaries.end("a");
        summaries.end("b");
        assert!(
            summaries.growing("a").is_none() && summaries.ours.contains_key("a"),
            "it is on screen still"
        );
    }

    #[test]
    fn the_next_summary_does_not_replace_an_earlier_ones() {
        let mut summaries = Summaries::default();
        let tagged = |tag: &str| Card { site_id: "a".into(), tag: tag.into(), ..Card::default() };
        let mut cards = [tagged(TAG), tagged("of a sender")];
        summaries.restore(&mut cards, EntryId(7));
        assert_eq!(cards, [tagged(EARLIER_TAG), tagged("of a sender")]);
        assert_eq!(summaries.earlier, BTreeMap::from([("a".into(), EntryId(7))]));
    }
}
