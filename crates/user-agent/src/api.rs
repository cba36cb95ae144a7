//! What front ends ask of the engine and hear from it. The same values travel in-process, over the control socket and to
//! the window; the JSON of [`Event`] and [`Entry`] is the command line's contract.

mod badge;
mod entry;
mod error;
mod event;
mod payloads;
mod permission;
mod redacted;
pub mod rfc3339;
mod settings;
mod site;
mod status;
mod transfer;
pub(crate) mod typed;

use serde::{Deserialize, Serialize};

use crate::config::PushServiceUrl;

pub use crate::trouble::Trouble;
pub use badge::Badge;
pub use entry::{Entry, EntryAction, EntryFilter, EntryId, EntryPicture};
pub use error::{CommandError, ErrorCode};
pub use event::{Disposition, Event, UaidState};
pub use payloads::{PointerRemark, Preview, RawPayload, TypedPointer};
pub(crate) use permission::Verdict;
pub use permission::{Burst, Images, Links};
pub(crate) use settings::OFF;
pub use settings::{Setting, SettingKey};
pub(crate) use site::origin;
pub use site::{Destination, NewSite, Site, SiteChange, SiteState, site_name, site_origin, vapid_key};
pub use status::{Check, Condition, DoNotDisturb, PushService, PushServiceStatus, Severity, Status};
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
    /// Answered by [`Response::Settings`], all of them. A limit under which messages that are there would be deleted is an
    /// error, [`ErrorCode::Unconfirmed`], and changes nothing.
    SetSetting {
        /// Which.
        key: SettingKey,
        /// `None`: the default.
        value: Option<String>,
        /// A person has seen how many messages are deleted and wants that.
        #[serde(default)]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        confirmed: bool,
    },
    /// Answered by [`Response::Checks`].
    Diagnose,
}

impl Request {
    /// The push service that is forgotten when this has been done: whoever runs it may have no more use for it.
    pub fn removed_push_service(&self) -> Option<&PushServiceUrl> {
        if let Self::RemovePushService { url } = self { Some(url) } else { None }
    }
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
        /// The decrypted payload without its secrets; `None` when there was none, it could not be decrypted, or it is no text.
        raw: Option<String>,
        /// The same in base64, where it is no text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        raw_base64: Option<String>,
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
