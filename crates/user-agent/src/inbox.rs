//! One message's journey from the socket to the history: known channel, new version, decrypted, read, decided, committed.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use rusqlite::Transaction;
use webpush::autopush::AckCode;
use webpush::payload::{Content, Context, Control, Notification, Payload};
use webpush::{
    ChannelId, EncryptedMessage, MessageVersion, PushMessage, SubscriptionKeys, encryption, secrets,
};

use crate::api::{Badge, EntryId};
use crate::crash;
use crate::keys::KeyTable;
use crate::notifier::{Popup, Withdrawal};
use crate::permission::{Decision, DeviceSettings, Load, decide};
use crate::pictures::Illustration;
use crate::store::entries::{self, NewEntry};
use crate::store::sites::{self, SiteRow};
use crate::store::withheld::{self, Reason, Withheld};
use crate::store::{StoreError, channels};

/// What became of one message.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) channel_id: ChannelId,
    pub(crate) version: MessageVersion,
    /// What to tell the push service once the transaction is committed.
    pub(crate) ack: AckCode,
    pub(crate) outcome: Outcome,
}

/// The ways a message can end.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Committed, to be shown.
    Show(Box<Popup>),
    /// Committed to the history only.
    Recorded { entry: EntryId, site: String, notification: Box<Notification> },
    /// Nothing to show; what it means for the history is committed. These are to be taken off the screen.
    Controlled { withdrawn: Option<Withdrawal> },
    /// The site is blocked.
    Discarded { site: String },
    /// Received before.
    Duplicate,
    /// No such channel. `removed`: we remember giving it up, and the service should be told again.
    UnknownChannel { removed: bool },
    /// Committed as a failed entry.
    Undecryptable { site: String, reason: String },
    /// The keyring does not have the channel's keys: committed as it came, until it does.
    KeyMissing { site: String },
    /// A row of ours could not be read: committed as it came, and tried again at the next start.
    Unreadable { error: StoreError },
}

/// A message that was withheld and has been read.
#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) received_at: Timestamp,
    pub(crate) outcome: Outcome,
}

/// The most that one transaction releases.
const RELEASED_AT_ONCE: usize = 50;

/// Takes in the messages of one read from the socket, in one transaction. Nothing may be acknowledged before it is
/// committed. `notifications`: whether this process, or a later one, shows any.
///
/// Every message gets an answer: the push service sends no further stored ones before the last is acknowledged. One whose
/// keys are missing is stored as it came; so is one that trips over a damaged row, without the others.
pub(crate) fn receive(
    tx: &Transaction<'_>,
    keys: &KeyTable,
    notifications: bool,
    messages: Vec<PushMessage>,
    now: Timestamp,
) -> Result<Vec<Receipt>, StoreError> {
    let device = DeviceSettings { notifications, silence: sites::silence(tx)? };
    let local = now.to_zoned_datetime(TimeZone::system());
    let mut receipts = Vec::with_capacity(messages.len());
    for message in messages {
        let received = alone(tx, || receive_one(tx, keys, &device, &message, &local));
        let PushMessage { channel_id, version, content } = message;
        let (ack, outcome) = match received {
            Ok(received) => received,
            Err(error) if error.is_of_the_file() => return Err(error),
            Err(error) => keep_unread(tx, channel_id, &version, content.as_ref(), error, now)?,
        };
        receipts.push(Receipt { channel_id, version, ack, outcome });
        crash::point("mid-catch-up");
    }
    Ok(receipts)
}

/// Reads what was withheld, as far as its keys are here by now, after this id. Returns what became of it, and the id to go
/// on from while there is more.
pub(crate) fn release(
    tx: &Transaction<'_>,
    keys: &KeyTable,
    notifications: bool,
    after: i64,
    now: Timestamp,
) -> Result<(Vec<Released>, Option<i64>), StoreError> {
    let device = DeviceSettings { notifications, silence: sites::silence(tx)? };
    let local = now.to_zoned_datetime(TimeZone::system());
    let waiting = withheld::after(tx, after, RELEASED_AT_ONCE)?;
    let more = waiting.last().filter(|_| waiting.len() == RELEASED_AT_ONCE).map(|last| last.id);
    let mut released = Vec::new();
    for message in waiting {
        let Withheld { id, channel_id, received_at, content } = message;
        let read = alone(tx, || {
            let Some(site) = sites::site_of_channel(tx, channel_id)? else {
                return Ok(Some(Outcome::UnknownChannel { removed: false }));
            };
            let decision = decide(&site.settings, &device, Load::default(), &local);
            match keys.get(channel_id) {
                _ if decision == Decision::Discard => Ok(Some(Outcome::Discarded { site: site.name })),
                None if content.is_some() => Ok(None),
                keys => read(tx, site, keys.as_ref(), decision, content.as_ref(), received_at)
                    .map(|(_, it)| Some(it)),
            }
        });
        match read {
            Ok(Some(outcome)) => {
                withheld::remove(tx, id)?;
                released.push(Released { received_at, outcome });
            }
            Ok(None) => {}
            Err(error) if error.is_of_the_file() => return Err(error),
            Err(error) => tracing::warn!(%error, "a message that waits can still not be read"),
        }
    }
    Ok((released, more))
}

fn receive_one(
    tx: &Transaction<'_>,
    keys: &KeyTable,
    device: &DeviceSettings,
    message: &PushMessage,
    local: &ZonedDateTime,
) -> Result<(AckCode, Outcome), StoreError> {
    let now = local.timestamp();
    let PushMessage { channel_id, version, content } = message;
    let Some(site) = sites::site_of_channel(tx, *channel_id)? else {
        let removed = channels::is_removed(tx, *channel_id)?;
        return Ok((AckCode::NotDelivered, Outcome::UnknownChannel { removed }));
    };
    if !channels::mark_seen(tx, *channel_id, version, now)? {
        return Ok((AckCode::NotDelivered, Outcome::Duplicate));
    }
    // What else is on screen counts when it is shown.
    let decision = decide(&site.settings, device, Load::default(), local);
    if decision == Decision::Discard {
        return Ok((AckCode::NotDelivered, Outcome::Discarded { site: site.name }));
    }
    let keys = keys.get(*channel_id);
    // An empty push needs no keys.
    if keys.is_none() && content.is_some() {
        if withheld::keep(tx, *channel_id, content.as_ref(), Reason::Keys, now)? {
            return Ok((AckCode::Delivered, Outcome::KeyMissing { site: site.name }));
        }
        let reason =
            "the site's keys are missing, and too many of its messages wait for them already".to_owned();
        record_failure(tx, &site, &reason, now)?;
        return Ok((AckCode::DecryptFailed, Outcome::Undecryptable { site: site.name, reason }));
    }
    read(tx, site, keys.as_ref(), decision, content.as_ref(), now)
}

/// Decrypts a message and makes it an entry.
fn read(
    tx: &Transaction<'_>,
    site: SiteRow,
    keys: Option<&SubscriptionKeys>,
    decision: Decision,
    content: Option<&EncryptedMessage>,
    received_at: Timestamp,
) -> Result<(AckCode, Outcome), StoreError> {
    let decrypted = match (content, keys) {
        (Some(content), Some(keys)) => {
            encryption::decrypt(keys, content).map(Some).map_err(|error| error.to_string())
        }
        (Some(_), None) => Err("the site's keys are missing".to_owned()),
        (None, _) => Ok(None),
    };
    let plaintext = match decrypted {
        Ok(plaintext) => plaintext,
        Err(reason) => {
            record_failure(tx, &site, &reason, received_at)?;
            return Ok((AckCode::DecryptFailed, Outcome::Undecryptable { site: site.name, reason }));
        }
    };
    let context = Context { site: &site.name, base: site.url.as_ref() };
    if site.needs_pairing {
        // The sender has the new subscription: it has just used it.
        sites::set_needs_pairing(tx, &site.id, false)?;
    }
    let payload = Payload::parse(plaintext.as_deref().unwrap_or_default(), context, &site.mapping);
    if let Some(badge) = payload.app_badge {
        sites::set_badge(tx, &site.id, Badge::of(badge))?;
    }
    let notification = match payload.content {
        Content::Notification(notification) => *notification,
        Content::Control(control) => match control.notification(context) {
            Some(notification) => notification,
            None => {
                let withdrawn = obey(tx, site, control)?;
                return Ok((AckCode::Delivered, Outcome::Controlled { withdrawn }));
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
        received_at,
        notification: &notification,
        raw: raw.as_deref(),
        show,
        failure: None,
    };
    let entry = entries::insert(tx, &new)?;
    let outcome = match show {
        Some(sound) => Outcome::Show(Box::new(Popup {
            entry: Some(entry),
            website: site.url,
            links: site.settings.links,
            site_id: site.id,
            site_name: site.name,
            notification,
            illustration: Illustration::default(),
            sound,
            passes_silence: site.settings.dnd_bypass,
            received_at,
        })),
        None => Outcome::Recorded { entry, site: site.name, notification: Box::new(notification) },
    };
    Ok((AckCode::Delivered, outcome))
}

/// Runs `work` so that its failure undoes what it did and nothing else.
fn alone<T>(tx: &Transaction<'_>, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    tx.execute_batch("SAVEPOINT message")?;
    let result = work();
    let end = if result.is_ok() { "RELEASE message" } else { "ROLLBACK TO message; RELEASE message" };
    // After some failures SQLite has undone the whole transaction; then the first error tells more.
    match (result, tx.execute_batch(end)) {
        (Ok(result), ended) => ended.map(|()| result).map_err(StoreError::from),
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(ended)) => Err(if error.is_of_the_file() { error } else { ended.into() }),
    }
}

/// Keeps a message that nothing could be made of for the next start.
fn keep_unread(
    tx: &Transaction<'_>,
    channel: ChannelId,
    version: &MessageVersion,
    content: Option<&EncryptedMessage>,
    error: StoreError,
    now: Timestamp,
) -> Result<(AckCode, Outcome), StoreError> {
    if !channels::mark_seen(tx, channel, version, now)? {
        return Ok((AckCode::NotDelivered, Outcome::Duplicate));
    }
    if withheld::keep(tx, channel, content, Reason::Failed, now)? {
        return Ok((AckCode::Delivered, Outcome::Unreadable { error }));
    }
    // Without its site it cannot even be a failed entry; then it is not acknowledged.
    let site = sites::site_of_channel(tx, channel)?.ok_or(error)?;
    let reason = "a row of the database is damaged, and too many messages wait for it already".to_owned();
    record_failure(tx, &site, &reason, now)?;
    Ok((AckCode::DecryptFailed, Outcome::Undecryptable { site: site.name, reason }))
}

/// What was seen or revoked elsewhere is neither unread here nor shown any more.
fn obey(tx: &Transaction<'_>, site: SiteRow, control: Control) -> Result<Option<Withdrawal>, StoreError> {
    match control {
        Control::Withdraw(tags) => {
            for tag in &tags {
                entries::withdraw(tx, &site.id, Some(tag))?;
            }
            let last = entries::last(tx)?;
            Ok(Some(Withdrawal::Sent { site_id: site.id, tags: Some(tags), last }))
        }
        Control::WithdrawAll => {
            entries::withdraw(tx, &site.id, None)?;
            Ok(Some(Withdrawal::Sent { site_id: site.id, tags: None, last: entries::last(tx)? }))
        }
        // The first two are for a person; the badge has been stored.
        Control::Activate { .. } | Control::SubscriptionExpiring | Control::Badge => Ok(None),
    }
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
