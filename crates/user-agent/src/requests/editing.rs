//! Changing sites. A change that needs a new subscription keeps the old one until the new one is there.

use webpush::autopush::UnregisterCode;
use webpush::{ChannelId, SubscriptionKeys};

use super::{Shared, find, keyring, pairing, silence_changed, view, withdraw};
use crate::api::{CommandError, ErrorCode, Event, Response, SiteChange, SiteState, origin, site_name};
use crate::config::Mode;
use crate::notifier::Withdrawal;
use crate::store::channels;
use crate::store::sites::{self, SiteRow};

pub(super) async fn set(
    shared: &Shared,
    site: String,
    changes: Vec<SiteChange>,
) -> Result<Response, CommandError> {
    let changes = changes.into_iter().map(|change| checked(shared, change)).collect::<Result<Vec<_>, _>>()?;
    let row = find(shared, site).await?;
    let new = match changed(&row, &changes).1 {
        Some(moved) => Some(pairing::new_channel(shared, &moved.name, &moved.push_service).await?),
        None => None,
    };
    let result = commit(shared, &row, changes, new.as_ref()).await;
    let moved = match (result, new) {
        (Ok(Some(moved)), Some((channel, keys))) => {
            shared.keys.insert(channel, keys);
            Some((channel, moved))
        }
        (result, new) => {
            if let Some((channel, _)) = new {
                pairing::discard_key(shared, channel).await;
            }
            result?;
            None
        }
    };
    silence_changed(shared);
    if let Some((channel, moved)) = moved
        && shared.mode != Mode::Offline
    {
        subscribe(shared, channel, &moved).await?;
    }
    let row = find(shared, row.id).await?;
    keyring::save_record(shared, row.channel_id).await;
    if row.settings.state == SiteState::Blocked {
        withdraw(shared, &Withdrawal::Site(row.id.clone())).await;
    }
    Ok(Response::Site(Box::new(view(shared, row, true))))
}

/// Everything in one transaction, on the site as it is by then: what others change meanwhile stays changed. Returns the
/// site if it gets the new channel.
async fn commit(
    shared: &Shared,
    row: &SiteRow,
    changes: Vec<SiteChange>,
    new: Option<&(ChannelId, SubscriptionKeys)>,
) -> Result<Option<SiteRow>, CommandError> {
    let (id, channel) = (row.id.clone(), new.map(|(channel, _)| *channel));
    let name = changed(row, &changes).0.name;
    let commit = shared.store.write(move |tx| {
        let Some(row) = sites::find_site(tx, &id)?.filter(|row| row.id == id) else {
            return Ok(Err(CommandError::new(ErrorCode::NotFound, "the site was removed meanwhile")));
        };
        let (row, moved) = changed(&row, &changes);
        sites::update_site(tx, &row)?;
        let Some((moved, channel)) = moved.zip(channel) else { return Ok(Ok(None)) };
        sites::add_push_service(tx, &moved.push_service)?;
        channels::insert(tx, channel, &moved.id, &moved.push_service, moved.application_server_key)?;
        Ok(Ok(Some(moved)))
    });
    commit.await.map_err(|error| pairing::taken(error, &name))?
}

/// The site with these changes and, if its subscription has to be a new one for that, again.
fn changed(before: &SiteRow, changes: &[SiteChange]) -> (SiteRow, Option<SiteRow>) {
    let mut row = before.clone();
    for change in changes {
        match change.clone() {
            SiteChange::Name(name) => row.name = name,
            SiteChange::Url(url) => row.url = url,
            SiteChange::State(state) => row.settings.state = state,
            SiteChange::Snooze(until) => row.settings.snoozed_until = until,
            SiteChange::Sound(sound) => row.settings.sound = sound,
            SiteChange::Links(links) => row.settings.links = links,
            SiteChange::Images(images) => row.settings.images = images,
            SiteChange::Burst(burst) => row.settings.burst = burst,
            SiteChange::DndBypass(bypass) => row.settings.dnd_bypass = bypass,
            SiteChange::VapidKey(key) => row.application_server_key = key,
            SiteChange::PushService(service) => row.push_service = service,
            SiteChange::Map { field, pointer } => row.mapping.set(field, pointer),
            SiteChange::Paired => row.needs_pairing = false,
        }
    }
    let differs = row.push_service != before.push_service
        || row.application_server_key != before.application_server_key;
    let is_allowed = !before.connected && row.settings.state != SiteState::Blocked;
    let moved = (differs || is_allowed).then(|| row.clone());
    (row, moved)
}

/// A change as it is stored.
fn checked(shared: &Shared, change: SiteChange) -> Result<SiteChange, CommandError> {
    Ok(match change {
        SiteChange::Name(name) => SiteChange::Name(site_name(&name)?),
        SiteChange::Url(Some(url)) => SiteChange::Url(Some(origin(&url)?)),
        SiteChange::PushService(service) => {
            service.check_secure(shared.allow_insecure)?;
            SiteChange::PushService(service)
        }
        SiteChange::Url(None)
        | SiteChange::State(_)
        | SiteChange::Snooze(_)
        | SiteChange::Sound(_)
        | SiteChange::Links(_)
        | SiteChange::Images(_)
        | SiteChange::Burst(_)
        | SiteChange::DndBypass(_)
        | SiteChange::VapidKey(_)
        | SiteChange::Map { .. }
        | SiteChange::Paired => change,
    })
}

/// Waits for the new subscription. A service that refuses it leaves the old one as it was; one that is out of reach is
/// asked again at the next connection.
async fn subscribe(shared: &Shared, channel: ChannelId, moved: &SiteRow) -> Result<(), CommandError> {
    let registered =
        pairing::register(shared, &moved.push_service, channel, moved.application_server_key).await;
    let Err(error) = registered else { return Ok(()) };
    if error.code != ErrorCode::Rejected {
        let message = format!(
            "{}. It is asked again; until then the old subscription serves. See `belfry site show --subscription`",
            error.message
        );
        return Err(CommandError::new(error.code, message));
    }
    shared.store.write(move |tx| Ok(channels::refuse(tx, channel)?)).await?;
    pairing::give_up(shared, moved.push_service.clone(), channel, UnregisterCode::UserRequest);
    shared.keys.remove(channel);
    pairing::discard_key(shared, channel).await;
    shared.tell(Event::Changed);
    Err(error)
}

/// Blocks a site and gives its subscription up for good.
pub(super) async fn disconnect(shared: &Shared, row: SiteRow) -> Result<Response, CommandError> {
    let id = row.id.clone();
    let given_up = shared.store.write(move |tx| {
        let given_up = channels::of_site(tx, &id)?;
        sites::disconnect_site(tx, &id)?;
        Ok(given_up)
    });
    let given_up = given_up.await?;
    shared.tell(Event::Changed);
    pairing::drop_channels(shared, given_up, UnregisterCode::PermissionRevoked, &row.id).await;
    Ok(Response::Site(Box::new(view(shared, find(shared, row.id).await?, true))))
}
