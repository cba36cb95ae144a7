//! One message's journey from the socket to the history: known channel, new version, decrypted, read, decided, committed.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use rusqlite::Transaction;
use webpush::autopush::AckCode;
use webpush::payload::{Content, Context, Control, Notification, Payload};
use webpush::{ChannelId, MessageVersion, PushMessage, encryption, secrets};

use crate::api::EntryId;
use crate::keys::KeyTable;
use crate::notifier::Popup;
use crate::permission::{Decision, DeviceSettings, Load, decide};
use crate::store::entries::{self, NewEntry};
use crate::store::sites::{self, SiteRow};
use crate::store::{StoreError, channels};

/// What became of one message.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) channel_id: ChannelId,
    pub(crate) version: MessageVersion,
    /// What to tell the push service once the transaction is committed. `None`: nothing, so that it sends it again.
    pub(crate) ack: Option<AckCode>,
    pub(crate) outcome: Outcome,
}

/// The ways a message can end.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Committed, to be shown.
    Show(Box<Popup>),
    /// Committed to the history only.
    Recorded { entry: EntryId, site: String, notification: Box<Notification> },
    /// Nothing to show, but something to do; what it means for the history is committed.
    Controlled { site_id: String, control: Control },
    /// The site is blocked.
    Discarded { site: String },
    /// Received before.
    Duplicate,
    /// No such channel. `removed`: we remember giving it up, and the service should be told again.
    UnknownChannel { removed: bool },
    /// Committed as a failed entry.
    Undecryptable { site: String, reason: String },
    /// The keyring does not have the channel's keys: kept by the service until it does.
    KeyMissing { site: String },
}

/// Takes in the messages of one read from the socket, in one transaction. Nothing may be acknowledged before it is
/// committed. `notifications`: whether this process, or a later one, shows any.
pub(crate) fn receive(
    tx: &Transaction<'_>,
    keys: &KeyTable,
    notifications: bool,
    messages: Vec<PushMessage>,
    now: Timestamp,
) -> Result<Vec<Receipt>, StoreError> {
    let device = DeviceSettings { notifications, silence: sites::silence(tx)? };
    let now = now.to_zoned_datetime(TimeZone::system());
    messages.into_iter().map(|message| receive_one(tx, keys, &device, message, &now)).collect()
}

fn receive_one(
    tx: &Transaction<'_>,
    keys: &KeyTable,
    device: &DeviceSettings,
    message: PushMessage,
    local: &ZonedDateTime,
) -> Result<Receipt, StoreError> {
    let now = local.timestamp();
    let PushMessage { channel_id, version, content } = message;
    let receipt = |ack, outcome| Receipt { channel_id, version: version.clone(), ack, outcome };
    let not_delivered = Some(AckCode::NotDelivered);
    let Some(site) = sites::site_of_channel(tx, channel_id)? else {
        let removed = channels::is_removed(tx, channel_id)?;
        return Ok(receipt(not_delivered, Outcome::UnknownChannel { removed }));
    };
    // What else is on screen counts when it is shown.
    let decision = decide(&site.settings, device, Load::default(), local);
    if decision == Decision::Discard {
        let new = channels::mark_seen(tx, channel_id, &version, now)?;
        let outcome = if new { Outcome::Discarded { site: site.name } } else { Outcome::Duplicate };
        return Ok(receipt(not_delivered, outcome));
    }
    let Some(keys) = keys.get(channel_id) else {
        return Ok(receipt(None, Outcome::KeyMissing { site: site.name }));
    };
    if !channels::mark_seen(tx, channel_id, &version, now)? {
        return Ok(receipt(not_delivered, Outcome::Duplicate));
    }
    let plaintext = match content.map(|content| encryption::decrypt(&keys, &content)).transpose() {
        Ok(plaintext) => plaintext,
        Err(error) => {
            let reason = error.to_string();
            record_failure(tx, &site, &reason, now)?;
            let outcome = Outcome::Undecryptable { site: site.name, reason };
            return Ok(receipt(Some(AckCode::DecryptFailed), outcome));
        }
    };
    let context = Context { site: &site.name, base: site.url.as_ref() };
    if site.needs_pairing {
        // The sender has the new subscription: it has just used it.
        sites::set_needs_pairing(tx, &site.id, false)?;
    }
    let notification = match Payload::parse(plaintext.as_deref().unwrap_or_default(), context).content {
        Content::Notification(notification) => *notification,
        Content::Control(control) => match control.notification(context) {
            Some(notification) => notification,
            None => {
                withdraw(tx, &site, &control)?;
                let outcome = Outcome::Controlled { site_id: site.id, control };
                return Ok(receipt(Some(AckCode::Delivered), outcome));
            }
        },
    };
    let raw = plaintext.as_deref().map(secrets::redact);
    let show = match decision {
        Decision::Show { sound } => Some(sound && notification.silent != Some(true)),
        Decision::Summarize => Some(false),
        Decision::Record | Decision::Discard => None,
    };
    let new = NewEntry {
        site_id: &site.id,
        received_at: now,
        notification: &notification,
        raw: raw.as_deref(),
        show,
        failure: None,
    };
    let entry = entries::insert(tx, &new)?;
    let outcome = match show {
        Some(sound) => Outcome::Show(Box::new(Popup {
            entry: Some(entry),
            origin: entries::origin(&site.name, site.url.as_ref()),
            site_id: site.id,
            site_name: site.name,
            notification,
            sound,
        })),
        None => Outcome::Recorded { entry, site: site.name, notification: Box::new(notification) },
    };
    Ok(receipt(Some(AckCode::Delivered), outcome))
}

/// What was seen or revoked elsewhere is neither unread here nor shown at the next start.
fn withdraw(tx: &Transaction<'_>, site: &SiteRow, control: &Control) -> Result<(), StoreError> {
    match control {
        Control::Withdraw(tags) => {
            for tag in tags {
                entries::withdraw(tx, &site.id, Some(tag))?;
            }
        }
        Control::WithdrawAll => entries::withdraw(tx, &site.id, None)?,
        Control::Activate { .. } | Control::SubscriptionExpiring | Control::Badge => {}
    }
    Ok(())
}

fn record_failure(
    tx: &Transaction<'_>,
    site: &SiteRow,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let notification = Notification { title: site.name.clone(), ..Notification::default() };
    let new = NewEntry {
        site_id: &site.id,
        received_at: now,
        notification: &notification,
        raw: None,
        show: None,
        failure: Some(reason),
    };
    entries::insert(tx, &new)?;
    Ok(())
}
