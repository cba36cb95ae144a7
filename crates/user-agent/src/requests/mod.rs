//! What each request of a front end means. Every one runs in a task of its own, so that a slow one (a prompt of the
//! keyring, a search, a service out of reach) holds up nothing else.

mod diagnose;
pub(crate) mod keyring;
mod pairing;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, watch};

use crate::actor::Order;
use crate::api::{
    CommandError, DoNotDisturb, EntryId, ErrorCode, Event, PushServiceStatus, Request, Response, Site,
    SiteChange, SiteState, Status,
};
use crate::client::Command;
use crate::config::{MOZILLA, Mode, PushServiceUrl};
use crate::keys::{KeyTable, Keyring};
use crate::link;
use crate::notifier::{Activation, Notifier};
use crate::store::sites::{self, SiteRow};
use crate::store::{Store, StoreError, entries};
use crate::view;

/// The setting that names where new sites go.
pub(crate) const DEFAULT_PUSH_SERVICE: &str = "default_push_service";

/// What requests and the actor share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) mode: Mode,
    pub(crate) allow_insecure: bool,
    pub(crate) ask_first: bool,
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) keys: KeyTable,
    pub(crate) notifier: Option<Arc<dyn Notifier>>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    pub(crate) status: watch::Sender<Arc<BTreeMap<PushServiceUrl, PushServiceStatus>>>,
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
    tokio::spawn(async move {
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
        Request::ShowSite { site } => Ok(Response::Site(view(shared, find(shared, site).await?, true))),
        Request::SetSite { site, changes } => set_site(shared, site, changes).await,
        Request::RemoveSite { site } => pairing::remove(shared, find(shared, site).await?).await,
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
            Ok(Response::Entry { entry, raw: raw.map(|raw| String::from_utf8_lossy(&raw).into_owned()) })
        }
        Request::MarkRead { ids } => change_entries(shared, ids, entries::mark_read).await,
        Request::DeleteEntries { ids } => change_entries(shared, ids, entries::delete).await,
        Request::OpenEntry { id, action } => {
            open_entry(shared, Activation { entry: id, action, token: None }).await.map(|()| Response::Done)
        }
        Request::SetDoNotDisturb { value } => {
            shared.store.write(move |tx| Ok(sites::set_do_not_disturb(tx, value)?)).await?;
            announce_end(shared, value);
            shared.tell(Event::Changed);
            status(shared).await
        }
        Request::SetDefaultPushService { url } => {
            url.check_secure(shared.allow_insecure)?;
            let text = url.to_string();
            shared.store.write(move |tx| Ok(sites::set_setting(tx, DEFAULT_PUSH_SERVICE, &text)?)).await?;
            let _ = shared.orders.send(Order::Connect(url));
            shared.tell(Event::Changed);
            status(shared).await
        }
        Request::Unlock => {
            shared.keyring.unlock().await?;
            keyring::reload(shared).await?;
            keyring::sweep(shared.clone());
            Ok(Response::Done)
        }
        Request::Diagnose => Ok(Response::Checks(diagnose::run(shared).await)),
    }
}

async fn status(shared: &Shared) -> Result<Response, CommandError> {
    let push_services: Vec<_> = shared.status.borrow().values().cloned().collect();
    let default_push_service = default_push_service(shared).await?;
    let read = shared.store.read(|c| {
        let chosen = sites::setting(c, DEFAULT_PUSH_SERVICE)?.is_some();
        Ok((chosen, sites::sites(c)?, sites::do_not_disturb(c)?, entries::unread(c)?))
    });
    let (chosen, sites, do_not_disturb, unread) = read.await?;
    let quiet = do_not_disturb.is_active(Timestamp::now());
    let first_run = !chosen && sites.is_empty();
    let needs_pairing =
        sites.iter().any(|site| site.needs_pairing || shared.keys.get(site.channel_id).is_none());
    Ok(Response::Status(Status {
        condition: view::condition(&push_services, quiet, unread, needs_pairing),
        headline: view::headline(&push_services, first_run, do_not_disturb, quiet),
        push_services,
        default_push_service,
        first_run,
        do_not_disturb,
        unread,
        locked: None,
    }))
}

/// Tells the front ends when a silence with an end is over.
pub(crate) fn announce_end(shared: &Shared, silence: DoNotDisturb) {
    if let DoNotDisturb::Until(end) = silence
        && let Ok(span) = Timestamp::now().duration_until(end).try_into()
    {
        let shared = shared.clone();
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            shared.tell(Event::Changed);
        });
    }
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
    let state_label = view::state_label(row.state, row.needs_pairing, keys.is_some());
    let subscription = keys
        .filter(|_| with_subscription)
        .zip(row.endpoint)
        .map(|(keys, endpoint)| keys.subscription(endpoint));
    Site {
        id: row.id,
        name: row.name,
        url: row.url,
        state: row.state,
        state_label: state_label.to_owned(),
        push_service: row.push_service,
        needs_pairing: row.needs_pairing,
        vapid_key: row.application_server_key,
        added_at: row.added_at,
        unread: row.unread,
        subscription,
    }
}

async fn set_site(shared: &Shared, site: String, changes: Vec<SiteChange>) -> Result<Response, CommandError> {
    let mut row = find(shared, site).await?;
    for change in changes {
        match change {
            SiteChange::Name(name) => row.name = pairing::valid_name(&name)?,
            SiteChange::Url(url) => row.url = url.map(|url| pairing::site_origin(&url)).transpose()?,
            SiteChange::State(state) => row.state = state,
        }
    }
    let stored = row.clone();
    let update = shared.store.write(move |tx| {
        Ok(sites::update_site(tx, &stored.id, &stored.name, stored.url.as_ref(), stored.state)?)
    });
    update.await.map_err(|error| pairing::taken(error, &row.name))?;
    keyring::save_record(shared, row.channel_id).await;
    if row.state == SiteState::Blocked
        && let Some(notifier) = &shared.notifier
        && let Err(error) = notifier.withdraw(&row.id).await
    {
        tracing::debug!(%error, "cannot withdraw a blocked site's notifications");
    }
    shared.tell(Event::Changed);
    Ok(Response::Site(view(shared, row, true)))
}

async fn change_entries(
    shared: &Shared,
    ids: Vec<EntryId>,
    change: fn(&rusqlite::Connection, &[EntryId]) -> rusqlite::Result<()>,
) -> Result<Response, CommandError> {
    let missing = shared.store.write(move |tx| {
        let missing = entries::first_missing(tx, &ids)?;
        if missing.is_none() {
            change(tx, &ids)?;
        }
        Ok(missing)
    });
    if let Some(id) = missing.await? {
        return Err(no_entry(id));
    }
    shared.tell(Event::Changed);
    Ok(Response::Done)
}

/// A click on a notification.
pub(crate) fn activate(shared: Shared, activation: Activation) {
    tokio::spawn(async move {
        if let Err(error) = open_entry(&shared, activation).await {
            tracing::warn!(code = ?error.code, "a click opened nothing");
        }
    });
}

/// Opens what the entry or its button links to, and nothing but web pages. An entry that has no link is only read.
async fn open_entry(shared: &Shared, activation: Activation) -> Result<(), CommandError> {
    let id = activation.entry;
    let found = shared.store.write(move |tx| {
        entries::mark_read(tx, &[id])?;
        Ok(entries::notification_of(tx, id)?)
    });
    let (site, notification) = found.await?.ok_or_else(|| no_entry(id))?;
    shared.tell(Event::Changed);
    let navigate = match activation.action {
        None => notification.navigate,
        Some(index) => notification.actions.into_iter().nth(index).and_then(|action| action.navigate),
    };
    let Some(url) = navigate else { return Ok(()) };
    link::open(&url, activation.token.as_deref()).map_err(|error| {
        shared.tell(Event::Failed { site: Some(site), reason: error.to_string() });
        CommandError::new(ErrorCode::Rejected, error.to_string())
    })
}
