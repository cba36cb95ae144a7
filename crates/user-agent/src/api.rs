//! What front ends ask of the engine and hear from it. The same values travel in-process, over the control socket and to
//! the window; the JSON of [`Event`] and [`Entry`] is the command line's contract.

mod badge;
mod payloads;
mod permission;
mod redacted;
mod settings;
mod transfer;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;
use webpush::payload::{FieldMapping, JsonPointer, MappedField};
use webpush::{ApplicationServerKey, PushSubscription};

use crate::config::PushServiceUrl;

pub use crate::trouble::Trouble;
pub use badge::Badge;
pub use payloads::{PointerRemark, Preview, RawPayload, TypedPointer};
pub use permission::{Burst, Images, Links};
pub use settings::{Setting, SettingKey};
pub use transfer::{ExportedSites, FilePassphrase, ImportedSite};

/// What a front end asks. A site is named by its name or its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Answered by [`Response::Status`].
    Status,
    /// Subscribes. Answered by [`Response::Site`] once the endpoint is there; when that takes longer than 30 s
    /// nothing is kept and the answer is an error with the reason.
    AddSite(NewSite),
    /// Answered by [`Response::Sites`], by name.
    ListSites,
    /// Answered by [`Response::Site`].
    ShowSite {
        /// Name or id.
        site: String,
    },
    /// Answered by [`Response::Site`]. A change that makes a new subscription waits for it as `AddSite` does; when that
    /// takes too long the answer is an error, and the subscription comes with a later connection. The old one serves
    /// until then.
    SetSite {
        /// Name or id.
        site: String,
        /// Applied all together or not at all.
        changes: Vec<SiteChange>,
    },
    /// Blocks a site and gives its subscription up for good: senders are told that it is gone. The site stays listed;
    /// allowing it again makes a new subscription. Answered by [`Response::Site`].
    DisconnectSite {
        /// Name or id.
        site: String,
    },
    /// Unregisters and deletes keys and history. Answered by [`Response::Removed`].
    RemoveSite {
        /// Name or id.
        site: String,
    },
    /// Answered by [`Response::Exported`].
    ExportSites {
        /// `None`: without the keys of their subscriptions; else with them, sealed.
        passphrase: Option<FilePassphrase>,
        /// Which push service the user calls `local`: in a file without keys its sites are at whichever the reader does.
        #[cfg_attr(test, ts(type = "string | null"))]
        local: Option<PushServiceUrl>,
    },
    /// Makes sites of a file, all or none; a name that is taken is an error. Those whose keys are in it go on with their
    /// subscription here, the others get a new one. Answered by [`Response::Imported`] when each has it, or after 30 s.
    ImportSites {
        /// The file's content.
        document: String,
        /// For a sealed one.
        passphrase: Option<FilePassphrase>,
        /// Which push service the user calls `local`, if the file needs it.
        #[cfg_attr(test, ts(type = "string | null"))]
        local: Option<PushServiceUrl>,
    },
    /// Answered by [`Response::Entries`], newest first.
    ListEntries(EntryFilter),
    /// Answered by [`Response::Entry`].
    ShowEntry {
        /// Which.
        id: EntryId,
    },
    /// What a site last sent. Answered by [`Response::Payloads`], newest first, ten at most.
    ListPayloads {
        /// Name or id.
        site: String,
    },
    /// What an entry's payload would become under these pointers, which nothing is stored of. Answered by
    /// [`Response::Preview`].
    PreviewMapping {
        /// Which.
        id: EntryId,
        /// Perhaps not yet all of them valid.
        pointers: Vec<TypedPointer>,
    },
    /// Answered by [`Response::Picture`]: an entry's large picture, which is loaded for it. An error where there is none, the
    /// site's setting forbids it, or it does not come.
    ShowPicture {
        /// Which.
        id: EntryId,
    },
    /// Answered by [`Response::Done`]; an unknown id is an error and changes nothing.
    MarkRead {
        /// Which.
        ids: Vec<EntryId>,
    },
    /// Deletes history entries. Answered like `MarkRead`. They can be restored for ten seconds, or until the engine stops.
    DeleteEntries {
        /// Which.
        ids: Vec<EntryId>,
    },
    /// Undoes `DeleteEntries`. Answered like `MarkRead`.
    RestoreEntries {
        /// Which.
        ids: Vec<EntryId>,
    },
    /// Opens what an entry, or one of its buttons, links to, and marks it read. Answered by [`Response::Done`]; a link
    /// that must not be opened is an error, [`ErrorCode::Unconfirmed`] where the site's links are asked about.
    OpenEntry {
        /// Which.
        id: EntryId,
        /// `None`: the entry's own link; else the index of the button.
        #[cfg_attr(test, ts(type = "number | null"))]
        action: Option<usize>,
        /// A person has seen where the link leads and wants it opened.
        #[serde(default)]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        confirmed: bool,
    },
    /// Silences everything, or ends the silence. Answered by [`Response::Status`].
    SetDoNotDisturb {
        /// From now on.
        value: DoNotDisturb,
    },
    /// Where new sites go from now on; connects there at once. Answered by [`Response::Status`].
    SetDefaultPushService {
        /// Its URL.
        #[cfg_attr(test, ts(type = "string"))]
        url: PushServiceUrl,
    },
    /// Has the keyring ask the person for its password. Answered by [`Response::Done`] once it is unlocked; an error when
    /// they say no.
    Unlock,
    /// Answered by [`Response::PushServices`].
    ListPushServices,
    /// Makes a push service known and connects to it. Answered by [`Response::PushServices`].
    AddPushService {
        /// Its URL.
        #[cfg_attr(test, ts(type = "string"))]
        url: PushServiceUrl,
    },
    /// Forgets a push service. One that a site is at, or that new sites go to, stays, and that is an error. Answered by
    /// [`Response::PushServices`].
    RemovePushService {
        /// Its URL.
        #[cfg_attr(test, ts(type = "string"))]
        url: PushServiceUrl,
    },
    /// Answered by [`Response::Settings`], all of them.
    ListSettings,
    /// Answered by [`Response::Settings`], all of them.
    SetSetting {
        /// Which.
        key: SettingKey,
        /// `None`: the default.
        value: Option<String>,
    },
    /// Answered by [`Response::Checks`].
    Diagnose,
}

/// What the engine answers. `Debug` shows nothing of a payload.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "response", content = "value", rename_all = "snake_case")]
pub enum Response {
    /// Done; nothing to say.
    Done,
    /// The engine's state.
    Status(Status),
    /// One site.
    Site(Box<Site>),
    /// Every site.
    Sites(Vec<Site>),
    /// The site is gone from here.
    Removed {
        /// Whether the push service has confirmed; otherwise it is told at the next connection.
        unregistered: bool,
    },
    /// A file of sites.
    Exported(ExportedSites),
    /// The sites of a file.
    Imported(Vec<ImportedSite>),
    /// Some of the history.
    Entries(Vec<Entry>),
    /// One entry, with the payload as it was stored.
    Entry {
        /// The entry.
        entry: Entry,
        /// The decrypted payload without its secrets; `None` when there was none or it could not be decrypted.
        raw: Option<String>,
    },
    /// What a site sent.
    Payloads(Vec<RawPayload>),
    /// What a payload would become.
    Preview(Preview),
    /// An entry's picture.
    Picture(EntryPicture),
    /// Every push service known.
    PushServices(Vec<PushService>),
    /// Every setting.
    Settings(Vec<Setting>),
    /// What `belfry doctor` found.
    Checks(Vec<Check>),
}

/// A site to subscribe for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NewSite {
    /// What people call it; 1 to 100 characters, unique without regard to case.
    pub name: String,
    /// Its origin, which relative links in its pushes belong to.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub url: Option<Url>,
    /// The sender's VAPID public key: the endpoint then accepts that sender only.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub vapid_key: Option<ApplicationServerKey>,
    /// Default: the profile's.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub push_service: Option<PushServiceUrl>,
}

/// One `KEY=VALUE` of `belfry site set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "key", content = "value", rename_all = "snake_case")]
pub enum SiteChange {
    /// Another name.
    Name(String),
    /// Another origin; `None` removes it.
    Url(#[cfg_attr(test, ts(type = "string | null"))] Option<Url>),
    /// Another permission. Allowing a site that was disconnected makes a new subscription.
    State(SiteState),
    /// No notifications until then; `None`: from now on.
    Snooze(#[cfg_attr(test, ts(type = "string | null"))] Option<Timestamp>),
    /// Whether its notifications may be heard.
    Sound(bool),
    /// Which of its links are opened.
    Links(Links),
    /// Which of its pictures are loaded.
    Images(Images),
    /// How many of its notifications are shown one by one.
    Burst(Burst),
    /// Whether it is shown during Do Not Disturb.
    DndBypass(bool),
    /// Another sender's VAPID public key, or any sender: makes a new subscription.
    VapidKey(#[cfg_attr(test, ts(type = "string | null"))] Option<ApplicationServerKey>),
    /// Another push service: makes a new subscription there.
    PushService(#[cfg_attr(test, ts(type = "string"))] PushServiceUrl),
    /// Where its sender puts something; `None`: wherever the payload's dialect says. For what arrives from now on.
    Map {
        /// What.
        #[cfg_attr(test, ts(type = "MappedField"))]
        field: MappedField,
        /// Where.
        #[cfg_attr(test, ts(type = "string | null"))]
        pointer: Option<JsonPointer>,
    },
    /// Its sender has been given the subscription.
    Paired,
}

/// What a site may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SiteState {
    /// Notification with sound.
    Alert,
    /// Notification without sound.
    Quiet,
    /// History only.
    History,
    /// Discarded unread; the subscription stays.
    Blocked,
}

impl SiteState {
    /// As it is written on the command line and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Quiet => "quiet",
            Self::History => "history",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for SiteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SiteState {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        [Self::Alert, Self::Quiet, Self::History, Self::Blocked]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| CommandError::invalid("state is one of alert, quiet, history, blocked"))
    }
}

/// A site as front ends see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Site {
    /// Short, stable, never reused.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its origin.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub url: Option<Url>,
    /// What it may do.
    pub state: SiteState,
    /// Its state in words, for people.
    pub state_label: String,
    /// No notifications before then.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub snoozed_until: Option<Timestamp>,
    /// Whether its notifications may be heard.
    pub sound: bool,
    /// Which of its links are opened.
    pub links: Links,
    /// Which of its pictures are loaded.
    pub images: Images,
    /// How many of its notifications are shown one by one.
    pub burst: Burst,
    /// Whether it is shown during Do Not Disturb.
    pub dnd_bypass: bool,
    /// Where its sender puts things, as far as somebody has said so.
    #[cfg_attr(test, ts(type = "FieldMapping"))]
    pub mapping: FieldMapping,
    /// The push service its subscription lives at, or lived at before it was disconnected.
    #[cfg_attr(test, ts(type = "string"))]
    pub push_service: PushServiceUrl,
    /// Whether it has a subscription or is about to get one.
    pub connected: bool,
    /// Whether the sender must be given the subscription again, because the push service replaced it.
    pub needs_pairing: bool,
    /// The sender's VAPID public key, when the subscription is restricted to it.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub vapid_key: Option<ApplicationServerKey>,
    /// When it was added.
    #[serde(with = "rfc3339")]
    #[cfg_attr(test, ts(type = "string"))]
    pub added_at: Timestamp,
    /// Entries not yet read.
    #[cfg_attr(test, ts(type = "number"))]
    pub unread: u64,
    /// What the site itself says is new there.
    pub badge: Option<Badge>,
    /// What the sender is given. Only in [`Response::Site`]: it is a secret. `None` as well while there is no endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "PushSubscription"))]
    pub subscription: Option<PushSubscription>,
}

/// The number of a history entry. A string in JSON, as all ids are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(type = "string"))]
#[serde(try_from = "String", into = "String")]
pub struct EntryId(pub i64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EntryId {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        text.parse().map(Self).map_err(|_| CommandError::invalid("an entry's id is a whole number"))
    }
}

impl TryFrom<String> for EntryId {
    type Error = CommandError;

    fn try_from(text: String) -> Result<Self, CommandError> {
        text.parse()
    }
}

impl From<EntryId> for String {
    fn from(id: EntryId) -> Self {
        id.to_string()
    }
}

/// Which part of the history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
pub struct EntryFilter {
    /// Only this site's (name or id).
    pub site: Option<String>,
    /// Only entries with all these words in title or body.
    pub search: Option<String>,
    /// Only unread ones.
    pub unread: bool,
    /// At most this many; `None`: 50.
    pub limit: Option<u32>,
}

/// One history entry: the JSON of `belfry inbox --json`. `Debug` shows nothing that a sender wrote.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Entry {
    /// Increasing with arrival.
    pub id: EntryId,
    /// The site's name.
    pub site: String,
    /// When it arrived here.
    #[serde(with = "rfc3339")]
    #[cfg_attr(test, ts(type = "string"))]
    pub received_at: Timestamp,
    /// Plain text, one line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// What a click opens.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub navigate: Option<Url>,
    /// A large picture.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub image: Option<Url>,
    /// What a later one replaces.
    pub tag: String,
    /// Buttons.
    pub actions: Vec<EntryAction>,
    /// What a person is to run in a terminal, where the message is about that. Never a sender's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub command: Option<String>,
    /// Whether someone has seen it.
    pub read: bool,
    /// What became of it.
    pub disposition: Disposition,
    /// Why it could not be decrypted, when it could not.
    pub failure: Option<String>,
}

/// An entry's picture, small enough to be shown as it is. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EntryPicture {
    /// A PNG file in base64.
    pub png: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// A button of an entry. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EntryAction {
    /// Its label.
    pub title: String,
    /// What it opens.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub navigate: Option<Url>,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// In history, and a notification: by itself or counted in one.
    Shown,
    /// In history only.
    Recorded,
    /// Nowhere.
    Discarded,
}

/// What happens, as it happens: the lines of `belfry run --json`. `Debug` shows nothing that a sender wrote.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A push service answered.
    Connected {
        /// Its URL.
        #[cfg_attr(test, ts(type = "string"))]
        push_service: PushServiceUrl,
        /// Whether it knew us.
        uaid: UaidState,
    },
    /// A push service is out of reach.
    Disconnected {
        /// Its URL.
        #[cfg_attr(test, ts(type = "string"))]
        push_service: PushServiceUrl,
        /// Milliseconds until the next attempt; `null`: not before the network changes.
        #[cfg_attr(test, ts(type = "number | null"))]
        retry_in_ms: Option<u64>,
        /// Why.
        reason: String,
    },
    /// A push arrived and is stored. `shown` is what was decided: the desktop gets it as soon as it takes notifications.
    Push {
        /// Its history entry; `null` for a discarded one.
        id: Option<EntryId>,
        /// The site's name.
        site: String,
        /// When it arrived.
        #[serde(with = "rfc3339")]
        #[cfg_attr(test, ts(type = "string"))]
        received_at: Timestamp,
        /// Its title; empty for a discarded one, as are the next two.
        title: String,
        /// Its text.
        body: String,
        /// Its link.
        #[cfg_attr(test, ts(type = "string | null"))]
        navigate: Option<Url>,
        /// What became of it.
        disposition: Disposition,
    },
    /// The keyring cannot be read, so nothing is connected: the push services keep what arrives. Belfry goes on by itself
    /// when the keyring is there and unlocked.
    Locked {
        /// Why.
        reason: String,
        /// The same for programs.
        code: Trouble,
    },
    /// The keyring could be read.
    Unlocked,
    /// Something of a site failed: a push could not be decrypted or shown, a link was refused.
    Failed {
        /// The site's name, where there is one.
        site: Option<String>,
        /// What and why, in one line.
        reason: String,
    },
    /// A click on a notification asks for the window.
    Open {
        /// What it was about; `null`: several pushes, or none.
        entry: Option<EntryId>,
        /// The index of the button that was clicked; `null`: the notification itself.
        #[cfg_attr(test, ts(type = "number | null"))]
        action: Option<usize>,
        /// Whether somebody has to say first whether its link is to be opened; otherwise there is something to read.
        asks: bool,
    },
    /// Sites, settings or history changed: views compute themselves anew.
    Changed,
}

/// What the push service's hello said about us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum UaidState {
    /// Known: every endpoint is valid.
    Kept,
    /// Forgotten: every endpoint was dead and has been registered anew.
    Replaced,
    /// First contact.
    New,
}

/// The engine's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Status {
    /// Every push service in use.
    pub push_services: Vec<PushServiceStatus>,
    /// Where new sites go.
    #[cfg_attr(test, ts(type = "string"))]
    pub default_push_service: PushServiceUrl,
    /// Whether nobody has chosen a push service yet: the window asks before anything is connected.
    pub first_run: bool,
    /// What of Do Not Disturb was switched by hand.
    pub do_not_disturb: DoNotDisturb,
    /// Whether it is quiet now, by hand or by the schedule.
    pub quiet: bool,
    /// Entries not yet read.
    #[cfg_attr(test, ts(type = "number"))]
    pub unread: u64,
    /// Why the keyring cannot be read, while it cannot: nothing is connected, and [`Request::Unlock`] asks for it.
    pub locked: Option<String>,
    /// The one thing that the icon tells.
    pub condition: Condition,
    /// The state of the connection in one line.
    pub headline: String,
}

/// Silence for every site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum DoNotDisturb {
    /// Notifications are shown.
    #[default]
    Off,
    /// Until it is switched off.
    On,
    /// Until then.
    Until(
        #[serde(with = "rfc3339")]
        #[cfg_attr(test, ts(type = "string"))]
        Timestamp,
    ),
}

impl DoNotDisturb {
    /// Whether it is quiet at this time.
    pub fn is_active(self, now: Timestamp) -> bool {
        match self {
            Self::Off => false,
            Self::On => true,
            Self::Until(end) => now < end,
        }
    }
}

/// What the icon tells: the first of these that holds, from the last to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Connected, everything read.
    Ok,
    /// Something is not read yet.
    Unread,
    /// Notifications are silenced.
    DoNotDisturb,
    /// A push service in use is out of reach.
    Offline,
    /// A person has to do something.
    Problem,
}

/// The state of one push service's connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PushServiceStatus {
    /// Its URL.
    #[cfg_attr(test, ts(type = "string"))]
    pub url: PushServiceUrl,
    /// Whether a session is up.
    pub connected: bool,
    /// Why not, when not.
    pub reason: Option<String>,
}

/// A push service, as `belfry service list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PushService {
    /// Its URL.
    #[cfg_attr(test, ts(type = "string"))]
    pub url: PushServiceUrl,
    /// Whether new sites go there.
    pub default: bool,
    /// Names of the sites that have, or had, their subscription there.
    pub sites: Vec<String>,
    /// Whether a session is up.
    pub connected: bool,
    /// Why not, when not.
    pub reason: Option<String>,
}

/// One row of `belfry doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Check {
    /// What was looked at: `keyring`, `database`, `notifications`, `push-service`, `clock`, …
    pub check: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, for programs; `null` when it works.
    pub code: Option<Trouble>,
    /// What was found, one line.
    pub message: String,
    /// What to do, when there is something to do.
    pub remedy: Option<String>,
}

/// How bad a check's result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Works.
    Ok,
    /// Works, with less than it could.
    Warning,
    /// Pushes are not received or not shown.
    Error,
}

/// Why a request failed: a code for programs, a line for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[error("{message}")]
pub struct CommandError {
    /// One of a closed set.
    pub code: ErrorCode,
    /// One line: what happened, and what to do.
    pub message: String,
    /// The row of `belfry doctor` that explains it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub trouble: Option<Trouble>,
}

impl CommandError {
    /// An error with this code and line.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), trouble: None }
    }

    /// An error that `belfry doctor` explains. The line ends with what to do.
    pub fn from_trouble(trouble: Trouble, message: impl fmt::Display) -> Self {
        let message = format!("{message}: {}", trouble.remedy());
        Self { code: trouble.error_code(), message, trouble: Some(trouble) }
    }

    /// The row of `belfry doctor` for a profile that does not open because of this.
    pub fn check(&self) -> Check {
        let trouble = self.trouble.unwrap_or(Trouble::ProfileUnusable);
        // The line may end with the remedy, which has a place of its own in a row.
        let ending = format!(": {}", trouble.remedy());
        trouble.check(self.message.strip_suffix(&ending).unwrap_or(&self.message))
    }

    /// The request itself is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }
}

/// The closed set of error codes, as `--json` prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// A value breaks a rule.
    Invalid,
    /// No such site or entry.
    NotFound,
    /// The name is taken.
    Exists,
    /// The push service could not be reached in time.
    Offline,
    /// The push service or an endpoint answered no.
    Rejected,
    /// A person has to confirm it first.
    Unconfirmed,
    /// The keyring is missing, locked or does not answer.
    Keyring,
    /// The database cannot be read or written.
    Storage,
    /// Another process owns the profile and does not answer.
    ProfileInUse,
    /// The notification server is missing or answered with an error.
    Notifications,
    /// Not in this version.
    Unsupported,
    /// Time ran out.
    Timeout,
    /// Anything else.
    Internal,
}

/// RFC 3339 in UTC with milliseconds.
pub mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// The text of a time.
    pub fn format(time: Timestamp) -> String {
        format!("{time:.3}")
    }

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(*time))
    }

    /// For `#[serde(with)]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_written_as_the_command_line_promises() {
        let connected = Event::Connected { push_service: "mozilla".parse().unwrap(), uaid: UaidState::Kept };
        assert_eq!(
            serde_json::to_value(connected).unwrap(),
            json!({"event": "connected", "push_service": "wss://push.services.mozilla.com/", "uaid": "kept"})
        );
        let push = Event::Push {
            id: Some(EntryId(7)),
            site: "Backups".into(),
            received_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            title: "t".into(),
            body: "b".into(),
            navigate: None,
            disposition: Disposition::Shown,
        };
        assert_eq!(
            serde_json::to_value(&push).unwrap(),
            json!({"event": "push", "id": "7", "site": "Backups", "received_at": "2026-11-23T10:00:00.000Z",
                "title": "t", "body": "b", "navigate": null, "disposition": "shown"})
        );
        let back: Event = serde_json::from_value(serde_json::to_value(&push).unwrap()).unwrap();
        assert_eq!(back, push);
    }
}
