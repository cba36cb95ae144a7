//! Sites into a file and out of it. All of a file or nothing: whatever is wrong is found before anything is stored.

use std::collections::{BTreeMap, HashSet};

use futures_util::future::join_all;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;
use webpush::{SubscriptionKeys, UserAgentId};

use super::{Shared, keyring, pairing, view};
use crate::actor::{Held, Order};
use crate::api::{
    CommandError, ErrorCode, Event, ExportedSites, FilePassphrase, ImportedSite, Response, origin, site_name,
};
use crate::config::{Mode, PushServiceName, PushServiceUrl};
use crate::keys::{Prompt, SubscriptionRecord};
use crate::permission::SiteSettings;
use crate::store::sites::{self, PushServiceRow, SiteRow};
use crate::store::{StoreError, channels};
use crate::transfer::{self, PortableSite, PortableSubscription};

pub(super) async fn export(
    shared: &Shared,
    passphrase: Option<FilePassphrase>,
    local: Option<PushServiceUrl>,
) -> Result<Response, CommandError> {
    if passphrase.as_ref().is_some_and(|passphrase| passphrase.0.is_empty()) {
        return Err(CommandError::invalid("the passphrase is empty"));
    }
    let (rows, services) = shared.store.read(|c| Ok((sites::sites(c)?, sites::push_services(c)?))).await?;
    let uaid = |url: &PushServiceUrl| {
        services.iter().find(|service| service.url == *url).and_then(|service| service.uaid.clone())
    };
    let mut written = Vec::with_capacity(rows.len());
    let mut without_keys = Vec::new();
    for row in rows {
        let keys = shared.keys.get(row.channel_id).filter(|_| passphrase.is_some() && row.connected);
        let subscription = keys.zip(row.endpoint.clone()).zip(uaid(&row.push_service));
        let subscription = subscription.map(|((keys, endpoint), uaid)| PortableSubscription {
            channel_id: row.channel_id,
            keys: (&keys).into(),
            endpoint,
            uaid,
        });
        if passphrase.is_some() && subscription.is_none() {
            without_keys.push(row.name.clone());
        }
        // A subscription is at the service that it came from, whatever that is called.
        let is_local = passphrase.is_none() && local.as_ref() == Some(&row.push_service);
        written.push(portable(row, subscription, is_local));
    }
    let sites = written.len();
    let document = blocking(move || {
        transfer::write(written, passphrase.as_ref().map(|passphrase| passphrase.0.as_str()))
    });
    Ok(Response::Exported(ExportedSites { document: document.await?, sites, without_keys }))
}

/// Destructured without `..`, so that a new setting does not compile until it comes along. A snooze ends by itself.
fn portable(row: SiteRow, subscription: Option<PortableSubscription>, is_local: bool) -> PortableSite {
    let SiteSettings { state, snoozed_until: _, sound, links, images, burst, dnd_bypass } = row.settings;
    PortableSite {
        name: row.name,
        url: row.url,
        push_service: if is_local { PushServiceName::Local } else { PushServiceName::Url(row.push_service) },
        connected: row.connected,
        needs_pairing: row.needs_pairing,
        vapid_key: row.application_server_key,
        state,
        sound,
        links,
        images,
        burst,
        dnd_bypass,
        mapping: row.mapping,
        subscription,
    }
}

pub(super) async fn import(
    shared: &Shared,
    document: String,
    passphrase: Option<FilePassphrase>,
    local: Option<PushServiceUrl>,
) -> Result<Response, CommandError> {
    if shared.mode == Mode::Offline {
        return Err(CommandError::new(ErrorCode::Internal, "importing sites needs the push service"));
    }
    let read = blocking(move || {
        transfer::read(&document, passphrase.as_ref().map(|passphrase| passphrase.0.as_str()))
    });
    let incoming = Incoming::of(shared, read.await?, local.as_ref())?;
    let (moves, adopted) = (incoming.arrivals.clone(), incoming.identities.clone());

    // Nothing is touched before this has found nothing against it; whatever happens after, no key outlives its row.
    let prepared = shared.store.write(move |tx| {
        if let Some(conflict) = conflict(tx, &moves, &adopted)? {
            return Ok(Err(conflict));
        }
        let known = sites::push_services(tx)?;
        for arrival in &moves {
            channels::forsake_key(tx, arrival.row.channel_id)?;
        }
        let is_new = |(url, uaid): &(&PushServiceUrl, &UserAgentId)| {
            // Without subscriptions of its own a connection does not say who it was before.
            let is_it = |service: &PushServiceRow| service.established && service.uaid.as_ref() == Some(uaid);
            !known.iter().any(|service| service.url == **url && is_it(service))
        };
        Ok(Ok(adopted.iter().filter(is_new).map(|(url, _)| url.clone()).collect::<Vec<_>>()))
    });
    let became_another = prepared.await??;
    // Who we were there must not be stored over who we are going to be.
    let mut held = Vec::with_capacity(became_another.len());
    for service in became_another {
        held.push(hold(shared, service).await?);
    }
    let stored = store(shared, &incoming).await;
    if stored.is_err() {
        discard(shared, &incoming).await;
    } else {
        held.iter().for_each(Held::connect);
    }
    drop(held);
    stored?;
    shared.tell(Event::Changed);
    let finished = join_all(incoming.arrivals.into_iter().map(|arrival| finish(shared, arrival))).await;
    // Those that were removed meanwhile did come in.
    Ok(Response::Imported(finished.into_iter().flatten().collect()))
}

/// A site on its way in.
#[derive(Debug, Clone)]
struct Arrival {
    row: SiteRow,
    /// `None`: it was given up, and gets none.
    keys: Option<SubscriptionKeys>,
    /// Whether its subscription came along.
    moved: bool,
}

#[derive(Debug)]
struct Incoming {
    arrivals: Vec<Arrival>,
    /// What services call whoever had the subscriptions.
    identities: BTreeMap<PushServiceUrl, UserAgentId>,
}

impl Incoming {
    fn of(
        shared: &Shared,
        sites: Vec<PortableSite>,
        local: Option<&PushServiceUrl>,
    ) -> Result<Self, CommandError> {
        let mut incoming = Self { arrivals: Vec::with_capacity(sites.len()), identities: BTreeMap::new() };
        let mut names = HashSet::new();
        let mut channels = HashSet::new();
        for site in sites {
            let name = site.name.clone();
            let arrival = incoming.arrival(shared, site, local).map_err(|error| {
                CommandError::new(error.code, format!("the site {name:?} of the file: {}", error.message))
            })?;
            if !names.insert(arrival.row.name.to_lowercase()) {
                return Err(CommandError::invalid(format!("the file has two sites called {name:?}")));
            }
            if !channels.insert(arrival.row.channel_id) {
                return Err(CommandError::invalid("two sites of the file have the same subscription"));
            }
            incoming.arrivals.push(arrival);
        }
        Ok(incoming)
    }

    fn arrival(
        &mut self,
        shared: &Shared,
        site: PortableSite,
        local: Option<&PushServiceUrl>,
    ) -> Result<Arrival, CommandError> {
        let PortableSite {
            name,
            url,
            push_service,
            connected,
            needs_pairing,
            vapid_key,
            state,
            sound,
            links,
            images,
            burst,
            dnd_bypass,
            mapping,
            subscription,
        } = site;
        let push_service = match push_service {
            PushServiceName::Url(url) => url,
            PushServiceName::Local => local.cloned().ok_or_else(|| {
                CommandError::invalid("it is at the local push service, and there is none here")
            })?,
        };
        push_service.check_secure(shared.allow_insecure)?;
        let moved = subscription.is_some();
        let (channel_id, keys, endpoint) = match subscription {
            Some(PortableSubscription { channel_id, keys, endpoint, uaid }) => {
                let keys = keys.restore().map_err(|_| CommandError::invalid("its keys are damaged"))?;
                let known = self.identities.entry(push_service.clone()).or_insert_with(|| uaid.clone());
                if *known != uaid {
                    let message =
                        format!("its subscription at {push_service} is another receiver’s than the others’");
                    return Err(CommandError::invalid(message));
                }
                (channel_id, Some(keys), Some(endpoint))
            }
            None => {
                let (channel_id, keys) = pairing::new_keys()?;
                (channel_id, connected.then_some(keys), None)
            }
        };
        let row = SiteRow {
            id: pairing::new_site_id()?,
            name: site_name(&name)?,
            url: url.as_ref().map(origin).transpose()?,
            settings: SiteSettings { state, snoozed_until: None, sound, links, images, burst, dnd_bypass },
            mapping,
            // Its sender has another subscription, if any.
            needs_pairing: needs_pairing || keys.is_some() && !moved,
            added_at: Timestamp::now(),
            unread: 0,
            badge: None,
            push_service,
            connected: keys.is_some(),
            channel_id,
            application_server_key: vapid_key,
            endpoint,
            moving_to: None,
        };
        Ok(Arrival { row, keys, moved })
    }
}

/// Why these cannot come in.
fn conflict(
    c: &Connection,
    arrivals: &[Arrival],
    identities: &BTreeMap<PushServiceUrl, UserAgentId>,
) -> Result<Option<CommandError>, StoreError> {
    let exists = |message: String| Some(CommandError::new(ErrorCode::Exists, message));
    let mut taken = Vec::new();
    for Arrival { row, .. } in arrivals {
        if sites::find_site(c, &row.name)?.is_some() {
            taken.push(format!("{:?}", row.name));
        }
    }
    if !taken.is_empty() {
        let names = taken.join(", ");
        return Ok(exists(format!(
            "there are sites with these names already: {names}. Nothing was imported: rename or remove them here, or \
             take them out of the file"
        )));
    }
    for Arrival { row, .. } in arrivals {
        if channels::is_known(c, row.channel_id)? {
            let message = format!("the subscription of {:?} is here already. Nothing was imported", row.name);
            return Ok(exists(message));
        }
    }
    let known = sites::push_services(c)?;
    let own = known.iter().find(|service| {
        service.established
            && identities.get(&service.url).is_some_and(|uaid| service.uaid.as_ref() != Some(uaid))
    });
    Ok(own.and_then(|service| {
        exists(format!(
            "this profile has subscriptions of its own at {}, and a receiver can be only one at a push service. \
             Nothing was imported: import into a new profile, or a file without keys and pair the sites again",
            service.url
        ))
    }))
}

/// The keys into the keyring, then all rows at once.
async fn store(shared: &Shared, incoming: &Incoming) -> Result<(), CommandError> {
    for Arrival { row, keys, .. } in &incoming.arrivals {
        if let Some(keys) = keys {
            let uaid = incoming.identities.get(&row.push_service).filter(|_| row.endpoint.is_some());
            shared.keyring.save(SubscriptionRecord::new(row, uaid, keys), Prompt::Allowed).await?;
        }
    }
    // Messages may come as soon as there are rows.
    for Arrival { row, keys, .. } in &incoming.arrivals {
        if let Some(keys) = keys {
            shared.keys.insert(row.channel_id, keys.clone());
        }
    }
    let (arrivals, identities) = (incoming.arrivals.clone(), incoming.identities.clone());
    let committed = shared.store.write(move |tx| {
        // Others may have been at work since it was looked at.
        if let Some(conflict) = conflict(tx, &arrivals, &identities)? {
            return Ok(Err(conflict));
        }
        for Arrival { row, .. } in &arrivals {
            insert(tx, row)?;
        }
        for (service, uaid) in &identities {
            sites::adopt(tx, service, uaid)?;
        }
        Ok(Ok(()))
    });
    committed.await?
}

fn insert(c: &Connection, row: &SiteRow) -> Result<(), StoreError> {
    sites::insert_site(c, &row.id, &row.name, row.url.as_ref(), row.added_at)?;
    sites::update_site(c, row)?;
    sites::add_push_service(c, &row.push_service)?;
    channels::insert(c, row.channel_id, &row.id, &row.push_service, row.application_server_key)?;
    match &row.endpoint {
        Some(endpoint) => drop(channels::set_endpoint(c, row.channel_id, endpoint)?),
        None if row.connected => {}
        None => {
            // It says where the site was; no service has ever heard of it.
            sites::disconnect_site(c, &row.id)?;
            channels::forget(c, row.channel_id)?;
        }
    }
    Ok(())
}

/// The keys that got no row.
async fn discard(shared: &Shared, incoming: &Incoming) {
    for Arrival { row, .. } in &incoming.arrivals {
        let channel = row.channel_id;
        // Another import of the same file may have been faster.
        let known = shared.store.read(move |c| Ok(channels::is_known(c, channel)?)).await;
        if !known.unwrap_or(true) {
            shared.keys.remove(channel);
            pairing::discard_key(shared, channel).await;
        }
    }
}

/// What is left to do for each when all are stored: a new subscription, unless it has one. `None`: it is gone again.
async fn finish(shared: &Shared, arrival: Arrival) -> Option<ImportedSite> {
    let Arrival { mut row, keys, moved } = arrival;
    let mut reason = None;
    if keys.is_some() && !moved {
        let key = row.application_server_key;
        let registered = pairing::register(shared, &row.push_service, row.channel_id, key).await;
        reason = registered.err().map(|error| error.message);
    }
    match super::find(shared, row.id.clone()).await {
        Ok(stored) => row = stored,
        Err(error) if error.code == ErrorCode::NotFound => return None,
        // All the same it came in.
        Err(error) => reason = Some(error.message),
    }
    keyring::save_record(shared, row.channel_id).await;
    Some(ImportedSite { site: view(shared, row, true), moved, reason })
}

/// Returns once nothing that the service said is listened to; waits for whoever holds it already.
async fn hold(shared: &Shared, service: PushServiceUrl) -> Result<Held, CommandError> {
    let (reply, held) = oneshot::channel();
    shared.orders.send(Order::Hold { service, reply }).map_err(|_| pairing::stopping())?;
    held.await.map_err(|_| pairing::stopping())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(CommandError::new(ErrorCode::Internal, error.to_string())))
}
