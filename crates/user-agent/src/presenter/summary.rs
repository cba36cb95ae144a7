//! One notification that stands for several of a site. It grows with them, shrinks as they are read or taken back, and goes
//! with the last of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use webpush::payload::Notification;

use super::{Run, Trouble};
use crate::api::EntryId;
use crate::notifier::{Popup, Withdrawal};
use crate::store::entries::{self, Pending};

/// Replaces the summary on screen when it grows. No sender can write it: control characters are taken from what they send.
pub(super) const TAG: &str = "\u{1}more";

/// Of more entries than these it is not followed what becomes of them: they stay counted.
const FOLLOWED: usize = 1_000;

/// What the summaries on screen stand for, by site.
#[derive(Debug, Default)]
pub(super) struct Summaries(BTreeMap<String, Summary>);

#[derive(Debug)]
struct Summary {
    count: usize,
    /// The last of them, oldest first.
    entries: Vec<EntryId>,
    popup: Popup,
    /// It grows no more.
    ended: bool,
}

impl Summaries {
    /// Something was shown by itself: what comes from now on is counted anew.
    pub(super) fn end(&mut self, site_id: &str) {
        if let Some(summary) = self.0.get_mut(site_id) {
            summary.ended = true;
        }
    }

    /// How many there would be with so many more.
    fn count_with(&self, site_id: &str, more: usize) -> usize {
        let growing = self.0.get(site_id).filter(|summary| !summary.ended);
        growing.map_or(0, |summary| summary.count).saturating_add(more)
    }

    /// It is on screen, and stands for these as well.
    fn shown(&mut self, popup: Popup, more: Vec<EntryId>) {
        if self.0.get(&popup.site_id).is_some_and(|summary| summary.ended) {
            self.0.remove(&popup.site_id);
        }
        let new = || Summary { count: 0, entries: Vec::new(), popup: popup.clone(), ended: false };
        let summary = self.0.entry(popup.site_id.clone()).or_insert_with(new);
        summary.count = summary.count.saturating_add(more.len());
        summary.entries.extend(more);
        let forgotten = summary.entries.len().saturating_sub(FOLLOWED);
        summary.entries.drain(..forgotten);
        summary.popup = popup;
    }

    /// Of each site the entries that are followed.
    fn followed(&self) -> Vec<(String, Vec<EntryId>)> {
        self.0.iter().map(|(site_id, summary)| (site_id.clone(), summary.entries.clone())).collect()
    }

    /// Only these of the followed are left. Returns what is to be on screen then, with the count; `None`: nothing.
    fn keep(&mut self, site_id: &str, left: Vec<EntryId>) -> Option<(Popup, usize)> {
        let summary = self.0.get_mut(site_id)?;
        let gone = summary.entries.len().saturating_sub(left.len());
        summary.count = summary.count.saturating_sub(gone);
        summary.entries = left;
        let left = (summary.popup.clone(), summary.count);
        if left.1 > 0 {
            return Some(left);
        }
        self.0.remove(site_id);
        None
    }
}

impl Run {
    /// One notification for all of these, in place of the site's last one of that kind.
    pub(super) async fn summarize(&mut self, held: Vec<Pending>) -> Result<(), Trouble> {
        let ids: Vec<_> = held.iter().map(|pending| pending.id).collect();
        let Some(Pending { popup, .. }) = held.into_iter().last() else { return Ok(()) };
        let notification = Notification {
            title: title(self.summaries.count_with(&popup.site_id, ids.len()), &popup.site_name),
            body: popup.notification.title,
            tag: TAG.to_owned(),
            ..Notification::default()
        };
        let popup = Popup { entry: None, notification, sound: false, received_at: Timestamp::now(), ..popup };
        let card = self.show(popup.clone()).await?;
        self.summaries.shown(popup, ids.clone());
        Ok(self.handed(ids, card).await?)
    }

    /// Leaves those out that have been read, deleted or taken back meanwhile.
    pub(super) async fn recount(&mut self) -> Result<(), Trouble> {
        for (site_id, followed) in self.summaries.followed() {
            let ids = followed.clone();
            let read = self.shared.store.read(move |c| {
                let left = entries::still_wanted(c, &ids)?;
                let last = left.last().map(|id| entries::title(c, *id)).transpose()?;
                Ok((left, last))
            });
            let (left, last) = read.await?;
            if left.len() == followed.len() {
                continue;
            }
            let outcome = match self.summaries.keep(&site_id, left) {
                Some((mut popup, count)) => {
                    popup.notification.title = title(count, &popup.site_name);
                    popup.notification.body = last.unwrap_or_default();
                    self.notifier.redraw(popup).await
                }
                None => {
                    let tags = Some(vec![TAG.to_owned()]);
                    let all = EntryId(i64::MAX);
                    self.notifier.withdraw(&Withdrawal::Sent { site_id, tags, last: all }).await
                }
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, "a summary counts what has been read");
            }
        }
        Ok(())
    }
}

fn title(count: usize, site: &str) -> String {
    format!("{count} more from {site}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Links;
    use crate::pictures::Illustration;

    fn popup(site_id: &str) -> Popup {
        Popup {
            entry: None,
            site_id: site_id.into(),
            site_name: "Backups".into(),
            website: None,
            links: Links::Any,
            notification: Notification::default(),
            illustration: Illustration::default(),
            sound: false,
            passes_silence: false,
            received_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn ids(ids: std::ops::Range<i64>) -> Vec<EntryId> {
        ids.map(EntryId).collect()
    }

    #[test]
    fn a_summary_grows_until_something_is_shown_by_itself() {
        let mut summaries = Summaries::default();
        assert_eq!(summaries.count_with("a", 2), 2);
        summaries.shown(popup("a"), ids(0..2));
        summaries.shown(popup("b"), ids(2..3));
        assert_eq!((summaries.count_with("a", 10), summaries.count_with("b", 1)), (12, 2));
        summaries.end("a");
        assert_eq!(summaries.count_with("a", 1), 1);
        assert_eq!(summaries.keep("a", ids(1..2)).map(|(_, count)| count), Some(1), "it is on screen still");
        summaries.shown(popup("a"), ids(3..4));
        assert_eq!(summaries.followed(), [("a".into(), ids(3..4)), ("b".into(), ids(2..3))]);
    }

    #[test]
    fn a_summary_shrinks_and_ends_with_the_last() {
        let mut summaries = Summaries::default();
        summaries.shown(popup("a"), ids(0..3));
        assert_eq!(summaries.keep("a", ids(2..3)).map(|(_, count)| count), Some(1));
        assert_eq!(summaries.keep("a", Vec::new()), None);
        assert!(summaries.followed().is_empty());
    }

    #[test]
    fn memory_is_bounded_and_the_count_is_not() {
        let mut summaries = Summaries::default();
        for start in (0..5_000).step_by(500) {
            summaries.shown(popup("a"), ids(start..start + 500));
        }
        assert_eq!(summaries.followed(), [("a".to_owned(), ids(4_000..5_000))]);
        assert_eq!(summaries.keep("a", Vec::new()).map(|(_, count)| count), Some(4_000));
    }
}
