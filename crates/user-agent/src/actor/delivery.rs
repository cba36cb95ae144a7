//! Messages: committed, then acknowledged, then told.

use jiff::Timestamp;
use webpush::autopush::UnregisterCode;
use webpush::{ChannelId, PushMessage};

use super::{Actor, FIRST_RETRY};
use crate::api::{Disposition, Event};
use crate::config::{Mode, Notify, PushServiceUrl};
use crate::crash;
use crate::inbox::{self, Outcome};
use crate::requests;
use crate::store::StoreError;

impl Actor {
    /// Commit, then acknowledge, then show.
    pub(super) async fn messages(
        &mut self,
        url: PushServiceUrl,
        messages: Vec<PushMessage>,
    ) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let keys = self.shared.keys.clone();
        let notifications = self.shared.mode != Mode::Receive(Notify::None);
        let count = messages.len();
        let receipts = self
            .shared
            .store
            .write(move |tx| inbox::receive(tx, &keys, notifications, messages, now))
            .await?;
        crash::point("after-commit");
        self.retry = FIRST_RETRY;
        let acks: Vec<_> = receipts
            .iter()
            .map(|receipt| (receipt.channel_id, receipt.version.clone(), receipt.ack))
            .collect();
        tracing::info!(service = %url, received = count, acknowledged = acks.len(), "messages stored");
        self.with(&url, |service| service.acknowledge(acks));
        for receipt in receipts {
            self.outcome(&url, receipt.channel_id, receipt.outcome, now);
        }
        self.shared.signals.show.notify_one();
        self.shared.tell(Event::Changed);
        Ok(())
    }

    /// Reads what was withheld, as far as its keys are here.
    pub(super) async fn release(&self) -> Result<(), StoreError> {
        let notifications = self.shared.mode != Mode::Receive(Notify::None);
        let mut from = Some(0);
        while let Some(after) = from {
            let (keys, now) = (self.shared.keys.clone(), Timestamp::now());
            let work =
                self.shared.store.write(move |tx| inbox::release(tx, &keys, notifications, after, now));
            let (released, more) = work.await?;
            if !released.is_empty() {
                tracing::info!(released = released.len(), "messages that waited have been read");
                self.shared.signals.show.notify_one();
                self.shared.tell(Event::Changed);
            }
            for message in released {
                self.deliver(message.outcome, message.received_at);
            }
            from = more;
        }
        Ok(())
    }

    fn outcome(&self, url: &PushServiceUrl, channel: ChannelId, outcome: Outcome, received_at: Timestamp) {
        if let Outcome::UnknownChannel { removed: true } = outcome {
            self.with(url, |service| service.unregister(channel, UnregisterCode::UserRequest));
        } else {
            self.deliver(outcome, received_at);
        }
    }

    /// Shows it, and tells whoever listens.
    fn deliver(&self, outcome: Outcome, received_at: Timestamp) {
        let push = |id, site, title, body, navigate, disposition| Event::Push {
            id,
            site,
            received_at,
            title,
            body,
            navigate,
            disposition,
        };
        match outcome {
            Outcome::Show(popup) => {
                let n = popup.notification;
                let shown = Disposition::Shown;
                self.shared.tell(push(popup.entry, popup.site_name, n.title, n.body, n.navigate, shown));
            }
            Outcome::Recorded { entry, site, notification: n } => {
                self.shared.tell(push(Some(entry), site, n.title, n.body, n.navigate, Disposition::Recorded));
            }
            Outcome::Controlled { withdrawn } => {
                if let Some(withdrawn) = withdrawn {
                    requests::withdraw_soon(&self.shared, withdrawn);
                }
            }
            Outcome::Discarded { site } => {
                self.shared.tell(push(
                    None,
                    site,
                    String::new(),
                    String::new(),
                    None,
                    Disposition::Discarded,
                ));
            }
            Outcome::Duplicate | Outcome::UnknownChannel { .. } => {}
            Outcome::Undecryptable { site, reason } => {
                self.report(Some(site), format!("a push could not be decrypted: {reason}"));
            }
            Outcome::KeyMissing { site } => {
                let reason = "the keyring does not have this site's keys: a push was kept and is read when they are back";
                self.report(Some(site), reason.into());
            }
            Outcome::Unreadable { error } => {
                self.report(None, format!("a push was kept and is read later: {error}"));
            }
        }
    }
}
