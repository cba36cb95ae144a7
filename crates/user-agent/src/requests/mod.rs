//! What each request of a front end means. Every one runs in a task of its own, so that a slow one (a prompt of the
//! keyring, a search, a service out of reach) holds up nothing else.

pub(crate) mod diagnose;
mod editing;
pub(crate) mod keyring;
mod mapping;
mod opening;
mod pairing;
mod picture;
mod services;
mod settings;
mod transfer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, ZonedDateTime};
use tokio::sync::{Notify, broadcast, mpsc, watch};

use crate::actor::Order;
use crate::api::{
    CommandError, EntryId, ErrorCode, Event, PushServiceStatus, Request, Response, Site, SiteState, Status,
};
use crate::client::Command;
use crate::config::{MOZILLA, Mode, PushServiceUrl};
use crate::keys::{KeyTable, Keyring};
use crate::notifier::{Notifier, Withdrawal};
use crate::permission::SiteSettings;
use crate::pictures::Pictures;
use crate::service::Skew;
use crate::store::sites::{self, SiteRow};
use crate::store::{Store, StoreError, entries};
use crate::tasks::Tasks;
use crate::view;

pub(crate) use opening::reported;
pub(crate) use pairing::discard_key;
pub(crate) use settings::history_limits;

/// The setting that names where new sites go.
pub(crate) const DEFAULT_PUSH_SERVICE: &str = "default_push_service";

/// What requests and the actor share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) profile: PathBuf,
    pub(crate) mode: Mode,
    pub(crate) allow_insecure: bool,
    pub(crate) ask_first: bool,
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) keys: KeyTable,
    pub(crate) notifier: Option<Arc<dyn Notifier>>,
    pub(crate) pictures: Pictures,
    pub(crate) skew: Skew,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    pub(crate) status: watch::Sender<Arc<BTreeMap<PushServiceUrl, PushServiceStatus>>>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) tasks: Tasks,
}

/// What wakes the parts that wait for something in the database.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// Something is to be shown, or may be by now.
    pub(crate) show: Notify,
    /// Do Not Disturb or a snooze has changed.
    pub(crate) silence: Notify,
    /// Something was deleted, or the history's limits have changed.
    pub(crate) tidy: Notify,
}

impl Shared {
    /// Tells whoever listens.
    pub(crate) fn tell(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.events.send(event);
    }
}

/// Answers a request.
pub(crate) fn spawn(shared: Shared, command: Command) {
    shared.tasks.clone().spawn(async move {
        let result = answer(&shared, command.request).await;
        let _ = command.reply.send(result);
    });
}

async fn answer(shared: &Shared, request: Request) -> Result<Response, CommandError> {
    match request {
        Request::Status => status(shared).await,
        Request::AddSite(new) => pairing::add(shared, new).await,
        Request::ListSites => {
            let rows = shared.store.read(|c| Ok(sites::sites(c)?)).await?;
            Ok(Response::Sites(rows.into_iter().map(|row| view(shared, row, false)).collect()))
        }
        Request::ShowSite { site } => {
            Ok(Response::Site(Box::new(view(shared, find(shared, site).await?, true))))
        }
        Request::SetSite { site, changes } => editing::set(shared, site, changes).await,
        Request::DisconnectSite { site } => editing::disconnect(shared, find(shared, site).await?).await,
        Request::RemoveSite { site } => pairing::remove(shared, find(shared, site).await?).await,
        Request::ExportSites { passphrase, local } => transfer::export(shared, passphrase, local).await,
        Request::ImportSites { document, passphrase, local } => {
            transfer::import(shared, document, passphrase, local).await
        }
        Request::ListEntries(filter) => {
            let site = match filter.site.clone() {
                Some(site) => Some(find(shared, site).await?.id),
                None => None,
            };
            let list = shared.store.read(move |c| Ok(entries::list(c, &filter, site.as_deref())?)).await?;
            Ok(Response::Entries(list))
        }
        Request::ShowEntry { id } => {
            let (entry, raw) =
                shared.store.read(move |c| Ok(entries::find(c, id)?)).await?.ok_or_else(|| no_entry(id))?;
            let (raw, raw_base64) = match raw.map(String::from_utf8) {
                None => (None, None),
                Some(Ok(text)) => (Some(text), None),
                Some(Err(binary)) => (None, Some(STANDARD.encode(binary.as_bytes()))),
            };
            Ok(Response::Entry { entry, raw, raw_base64 })
        }
        Request::ListPayloads { site } => mapping::payloads(shared, find(shared, site).await?).await,
        Request::PreviewMapping { id, pointers } => mapping::preview(shared, id, pointers).await,
        Request::ShowPicture { id } => picture::show(shared, id).await,
        Request::MarkRead { ids } => change_entries(shared, ids, false, entries::mark_read).await,
        Request::DeleteEntries { ids } => {
            let now = Timestamp::now();
            change_entries(shared, ids, false, move |c, ids| entries::delete(c, ids, now)).await
        }
        Request::RestoreEntries { ids } => change_entries(shared, ids, true, entries::restore).await,
        Request::OpenEntry { id, action, confirmed } => {
            opening::open(shared, id, action, confirmed, None).await.map(|_| Response::Done)
        }
        Request::SetDoNotDisturb { value } => {
            let now = ZonedDateTime::now();
            let switch = shared.store.write(move |tx| {
                let silence = sites::silence(tx)?.switched(value, &now);
                Ok(sites::set_silence(tx, &silence)?)
            });
            switch.await?;
            silence_changed(shared);
            status(shared).await
        }
        Request::SetDefaultPushService { url } => {
            services::set_default(shared, url).await?;
            status(shared).await
        }
        Request::Unlock => {
            shared.keyring.unlock().await?;
            keyring::reload(shared).await?;
            keyring::sweep(shared.clone());
            Ok(Response::Done)
        }
        Request::ListPushServices => services::list(shared).await,
        Request::AddPushService { url } => services::add(shared, url).await,
        Request::RemovePushService { url } => services::remove(shared, url).await,
        Request::ListSettings => settings::list(shared).await,
        Request::SetSetting { key, value, confirmed } => settings::set(shared, key, value, confirmed).await,
        Request::Diagnose => Ok(Response::Checks(diagnose::run(shared).await)),
    }
}

/// What is quiet, or when, has changed.
fn silence_changed(shared: &Shared) {
    shared.signals.silence.notify_one();
    shared.signals.show.notify_one();
    shared.tell(Event::Changed);
}

async fn status(shared: &Shared) -> Result<Response, CommandError> {
    let push_services: Vec<_> = shared.status.borrow().values().cloned().collect();
    let default_push_service = default_push_service(shared).await?;
    let read = shared.store.read(|c| {
        let chosen = sites::setting(c, DEFAULT_PUSH_SERVICE)?.is_some();
        Ok((chosen, sites::sites(c)?, sites::silence(c)?, entries::unread(c)?))
    });
    let (chosen, sites, silence, unread) = read.await?;
    let now = ZonedDateTime::now();
    let quiet = silence.is_active(&now);
    let first_run = !chosen && sites.is_empty();
    let is_wanting = |site: &SiteRow| {
        site.wants_pairing() || (site.connected && shared.keys.get(site.channel_id).is_none())
    };
    let needs_pairing = sites.iter().any(is_wanting);
    Ok(Response::Status(Status {
        condition: view::condition(&push_services, quiet, unread, needs_pairing),
        headline: view::headline(&push_services, first_run, quiet),
        push_services,
        default_push_service,
        first_run,
        do_not_disturb: silence.by_hand,
        quiet,
        quiet_until: silence.end(&now),
        unread,
        locked: None,
    }))
}

/// Whether somebody has chosen a push service.
pub(crate) async fn is_chosen(shared: &Shared) -> Result<bool, StoreError> {
    shared.store.read(|c| Ok(sites::setting(c, DEFAULT_PUSH_SERVICE)?.is_some())).await
}

/// Where new sites go: what was last chosen, else Mozilla's.
pub(crate) async fn default_push_service(shared: &Shared) -> Result<PushServiceUrl, StoreError> {
    let stored = shared.store.read(|c| Ok(sites::setting(c, DEFAULT_PUSH_SERVICE)?)).await?;
    let text = stored.as_deref().unwrap_or(MOZILLA);
    text.parse().map_err(|_| StoreError::Damaged("the default push service"))
}

async fn find(shared: &Shared, site: String) -> Result<SiteRow, CommandError> {
    let name = site.clone();
    let row = shared.store.read(move |c| Ok(sites::find_site(c, &site)?)).await?;
    row.ok_or_else(|| CommandError::new(ErrorCode::NotFound, format!("no site is called {name:?}")))
}

fn no_entry(id: EntryId) -> CommandError {
    CommandError::new(ErrorCode::NotFound, format!("no entry has the id {id}"))
}

/// The site as front ends see it; its subscription only where it was asked for.
fn view(shared: &Shared, row: SiteRow, with_subscription: bool) -> Site {
    let keys = shared.keys.get(row.channel_id);
    let (has_keys, now) = (keys.is_some(), Timestamp::now());
    let state_label = view::state_label(&row, has_keys, now);
    let snoozed = view::snoozed(&row, has_keys, now).is_some();
    let subscription = keys
        .filter(|_| with_subscription)
        .zip(row.endpoint.clone())
        .map(|(keys, endpoint)| keys.subscription(endpoint));
    let SiteSettings { state, snoozed_until, sound, links, images, burst, dnd_bypass } = row.settings;
    // What a blocked site sends is not read: its badge is old.
    let badge = row.badge.filter(|_| state != SiteState::Blocked);
    Site {
        id: row.id,
        name: row.name,
        url: row.url,
        state,
        state_label,
        snoozed,
        snoozed_until,
        sound,
        links,
        images,
        burst,
        dnd_bypass,
        mapping: row.mapping,
        push_service: row.push_service,
        moving_to: row.moving_to,
        connected: row.connected,
        needs_pairing: row.needs_pairing,
        vapid_key: row.application_server_key,
        added_at: row.added_at,
        unread: row.unread,
        badge,
        subscription,
    }
}

/// Takes notifications off the screen.
async fn withdraw(shared: &Shared, which: &Withdrawal) {
    if let Some(notifier) = &shared.notifier
        && let Err(error) = notifier.withdraw(which).await
    {
        tracing::debug!(%error, "cannot take notifications off the screen");
    }
}

async fn change_entries(
    shared: &Shared,
    ids: Vec<EntryId>,
    deleted: bool,
    change: impl FnOnce(&rusqlite::Connection, &[EntryId]) -> rusqlite::Result<()> + Send + 'static,
) -> Result<Response, CommandError> {
    let changed = ids.clone();
    let missing = shared.store.write(move |tx| {
        let missing = entries::first_missing(tx, &ids, deleted)?;
        if missing.is_none() {
            change(tx, &ids)?;
        }
        Ok(missing)
    });
    if let Some(id) = missing.await? {
        return Err(no_entry(id));
    }
    // Whatever was done with them, a person has seen them. None of those restored is on screen.
    withdraw_soon(shared, Withdrawal::Entries(changed));
    shared.signals.tidy.notify_one();
    shared.signals.show.notify_one();
    shared.tell(Event::Changed);
    Ok(Response::Done)
}

/// The same for who cannot wait.
pub(crate) fn withdraw_soon(shared: &Shared, which: Withdrawal) {
    let shared = shared.clone();
    shared.tasks.clone().spawn(async move { withdraw(&shared, &which).await });
}
