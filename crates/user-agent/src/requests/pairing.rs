//! Adding and removing sites. Adding: key stored, row committed as pending, registered, endpoint committed. Removing: row
//! first, key last.

use std::time::Duration;

use futures_util::future::try_join_all;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::timeout;
use webpush::autopush::UnregisterCode;
use webpush::{ApplicationServerKey, ChannelId, SubscriptionKeys};

use super::{Shared, default_push_service, keyring, services, view, withdraw};
use crate::actor::Order;
use crate::api::{CommandError, ErrorCode, Event, NewSite, Response, origin, site_name};
use crate::config::{Mode, PushServiceUrl};
use crate::keys::{Prompt, SubscriptionRecord};
use crate::notifier::Withdrawal;
use crate::store::sites::{self, SiteRow};
use crate::store::{StoreError, channels};

/// How long a push service may take to hand out an endpoint.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a removal waits for the push service; afterwards it is told at the next connection.
const UNREGISTER_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn add(shared: &Shared, new: NewSite) -> Result<Response, CommandError> {
    let name = site_name(&new.name)?;
    let url = new.url.as_ref().map(origin).transpose()?;
    let service = match new.push_service {
        Some(service) => service,
        None => default_push_service(shared).await?,
    };
    service.check_secure(shared.allow_insecure)?;
    if shared.mode == Mode::Offline {
        return Err(CommandError::new(ErrorCode::Internal, "adding a site needs the push service"));
    }
    let wanted = name.clone();
    if shared.store.read(move |c| Ok(sites::find_site(c, &wanted)?)).await?.is_some() {
        return Err(name_taken(&name));
    }

    let id = new_site_id()?;
    let (channel, keys) = new_channel(shared, &name, &service).await?;
    let (row_id, row_name, row_service, key) = (id.clone(), name.clone(), service.clone(), new.vapid_key);
    let committed = shared.store.write(move |tx| {
        sites::insert_site(tx, &row_id, &row_name, url.as_ref(), Timestamp::now())?;
        let is_new_service = sites::add_push_service(tx, &row_service)?;
        channels::insert(tx, channel, &row_id, &row_service, key)?;
        Ok(is_new_service)
    });
    let is_new_service = match committed.await {
        Ok(is_new_service) => is_new_service,
        Err(error) => {
            discard_key(shared, channel).await;
            return Err(taken(error, &name));
        }
    };
    shared.keys.insert(channel, keys);
    shared.tell(Event::Changed);

    match register(shared, &service, channel, new.vapid_key).await {
        Ok(()) => {
            let row = shared.store.read(move |c| Ok(sites::find_site(c, &id)?)).await?;
            let row =
                row.ok_or_else(|| CommandError::new(ErrorCode::NotFound, "the site was removed meanwhile"))?;
            Ok(Response::Site(Box::new(view(shared, row, true))))
        }
        Err(error) => {
            roll_back(shared, id, &service, channel).await;
            if is_new_service {
                forget_again(shared, service).await;
            }
            Err(error)
        }
    }
}

/// A channel id and keys, which the keyring has before anything else knows of them.
pub(super) async fn new_channel(
    shared: &Shared,
    site: &str,
    service: &PushServiceUrl,
) -> Result<(ChannelId, SubscriptionKeys), CommandError> {
    let (channel, keys) = new_keys()?;
    // Whatever happens before the row is committed, the key does not outlive this.
    shared.store.write(move |tx| Ok(channels::forsake_key(tx, channel)?)).await?;
    let record = SubscriptionRecord::before_its_row(channel, &keys, site, service);
    shared.keyring.save(record, Prompt::Allowed).await?;
    Ok((channel, keys))
}

/// A channel id and keys, which nothing knows of.
pub(super) fn new_keys() -> Result<(ChannelId, SubscriptionKeys), CommandError> {
    let channel = ChannelId::from_random_bytes(random()?);
    Ok((channel, SubscriptionKeys::generate(&mut UnwrapErr(SysRng))))
}

pub(super) fn new_site_id() -> Result<String, CommandError> {
    random().map(site_id)
}

pub(super) async fn register(
    shared: &Shared,
    service: &PushServiceUrl,
    channel: ChannelId,
    key: Option<ApplicationServerKey>,
) -> Result<(), CommandError> {
    let (reply, answer) = oneshot::channel();
    let order = Order::Register { service: service.clone(), channel, key, reply };
    shared.orders.send(order).map_err(|_| stopping())?;
    match timeout(REGISTER_TIMEOUT, answer).await {
        Ok(Ok(registered)) => registered,
        Ok(Err(_)) => Err(stopping()),
        Err(_) => {
            let reason = shared.status.borrow().get(service).and_then(|status| status.reason.clone());
            let reason = reason.unwrap_or_else(|| "it does not answer".into());
            let message = format!("no endpoint from {service} within 30 s: {reason}");
            Err(CommandError::new(ErrorCode::Offline, message))
        }
    }
}

/// Nothing stays of a site that never got an endpoint: nobody can have been given one.
async fn roll_back(shared: &Shared, id: String, service: &PushServiceUrl, channel: ChannelId) {
    let removed = shared.store.write(move |tx| {
        sites::delete_site(tx, &id)?;
        Ok(channels::forget(tx, channel)?)
    });
    if let Err(error) = removed.await {
        tracing::error!(%error, "a site that could not be added was not removed");
    }
    drop_channel(shared, service.clone(), channel).await;
    shared.tell(Event::Changed);
}

/// Gives up channels that never got an endpoint. A service that never answered may have been named by mistake.
pub(super) async fn abandon(shared: &Shared, channels: Vec<(PushServiceUrl, ChannelId)>) {
    for (service, channel) in channels {
        drop_channel(shared, service.clone(), channel).await;
        let url = service.clone();
        let uaid = shared.store.read(move |c| {
            Ok(sites::push_services(c)?.into_iter().find(|row| row.url == url).and_then(|row| row.uaid))
        });
        match uaid.await {
            Ok(None) => forget_again(shared, service).await,
            Ok(Some(_)) => {}
            Err(error) => tracing::warn!(%error, "whether a push service ever answered is not known"),
        }
    }
}

/// Gives a channel up that nobody was given, and deletes its key.
pub(super) async fn drop_channel(shared: &Shared, service: PushServiceUrl, channel: ChannelId) {
    drop(give_up(shared, service, channel, UnregisterCode::UserRequest));
    shared.keys.remove(channel);
    discard_key(shared, channel).await;
}

/// A push service was named for one site only, perhaps by mistake: it is not tried for ever. It stays if by now other sites
/// are there, or new ones go there.
async fn forget_again(shared: &Shared, service: PushServiceUrl) {
    match services::remove(shared, service).await {
        Ok(_) => {}
        Err(error) if error.code == ErrorCode::Invalid => tracing::debug!("{error}"),
        Err(error) => {
            tracing::warn!(%error, "the push service of a site that did not come to be there was not removed");
        }
    }
}

/// Tells the service that a channel is given up. The answer is whether it has confirmed.
pub(super) fn give_up(
    shared: &Shared,
    service: PushServiceUrl,
    channel: ChannelId,
    code: UnregisterCode,
) -> oneshot::Receiver<()> {
    let (reply, confirmed) = oneshot::channel();
    if shared.mode != Mode::Offline {
        let _ = shared.orders.send(Order::Unregister { service, channel, code, reply });
    }
    confirmed
}

pub(super) async fn remove(shared: &Shared, row: SiteRow) -> Result<Response, CommandError> {
    let id = row.id.clone();
    let channels = shared.store.write(move |tx| {
        let channels = channels::of_site(tx, &id)?;
        sites::delete_site(tx, &id)?;
        Ok(channels)
    });
    let channels = channels.await?;
    shared.signals.tidy.notify_one();
    shared.tell(Event::Changed);
    let unregistered = drop_channels(shared, channels, UnregisterCode::UserRequest, &row.id).await;
    Ok(Response::Removed { unregistered })
}

/// Gives a site's channels up, and deletes their keys. Returns whether the services have confirmed.
pub(super) async fn drop_channels(
    shared: &Shared,
    channels: Vec<(PushServiceUrl, ChannelId)>,
    code: UnregisterCode,
    site_id: &str,
) -> bool {
    let give_up =
        |(service, channel): &(PushServiceUrl, ChannelId)| give_up(shared, service.clone(), *channel, code);
    let confirmations: Vec<_> = channels.iter().map(give_up).collect();
    withdraw(shared, &Withdrawal::Site(site_id.to_owned())).await;
    let confirmed = timeout(UNREGISTER_TIMEOUT, try_join_all(confirmations)).await;
    for (_, channel) in channels {
        shared.keys.remove(channel);
        discard_key(shared, channel).await;
    }
    matches!(confirmed, Ok(Ok(_)))
}

pub(crate) async fn discard_key(shared: &Shared, channel: ChannelId) {
    if let Err(error) = keyring::delete(shared, channel).await {
        tracing::warn!(%error, "the keyring still has an item of a removed site; it is deleted later");
    }
}

/// A broken uniqueness rule is a name that is taken.
pub(super) fn taken(error: StoreError, name: &str) -> CommandError {
    if let StoreError::Sqlite(rusqlite::Error::SqliteFailure(cause, _)) = &error
        && cause.code == rusqlite::ErrorCode::ConstraintViolation
    {
        return name_taken(name);
    }
    error.into()
}

fn name_taken(name: &str) -> CommandError {
    CommandError::new(
        ErrorCode::Exists,
        format!("there is already a site called {name:?}: choose another name"),
    )
}

pub(super) fn stopping() -> CommandError {
    CommandError::new(ErrorCode::Internal, "the receiver is stopping")
}

fn random<const N: usize>() -> Result<[u8; N], CommandError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| CommandError::new(ErrorCode::Internal, error.to_string()))?;
    Ok(bytes)
}

/// Ten characters that cannot be taken for one another.
fn site_id(random: [u8; 10]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    random
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
        .map(|byte| char::from(*byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_ten_unambiguous_characters() {
        let id = site_id([255; 10]);
        assert_eq!(id, "9999999999");
        assert!(!site_id(std::array::from_fn(|n| n as u8)).contains(['l', 'o', '0', '1']));
    }
}
