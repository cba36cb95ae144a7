//! Changing sites. A change that needs a new subscription keeps the old one until the new one is there.

use webpush::ChannelId;
use webpush::autopush::UnregisterCode;

use super::{Shared, find, keyring, pairing, silence_changed, view, withdraw};
use crate::api::{
    CommandError, Destination, ErrorCode, Event, Response, SiteChange, SiteState, origin, site_name,
};
use crate::config::{Mode, PushServiceUrl};
use crate::notifier::Withdrawal;
use crate::store::channels;
use crate::store::sites::{self, SiteRow};

/// What changes make of a site's subscription.
enum Course {
    /// It stays as it is, or moves to where it was moving.
    Goes,
    /// It does not move where it was moving.
    Stays,
    /// A new one is to take its place.
    Moves(Destination),
}

/// What was stored.
struct Edited {
    /// Where the new channel is to get its endpoint.
    destination: Option<Destination>,
    /// Channels that were to take the place of the site's subscription, and are not any more.
    given_up: Vec<(PushServiceUrl, ChannelId)>,
}

pub(super) async fn set(
    shared: &Shared,
    site: String,
    changes: Vec<SiteChange>,
) -> Result<Response, CommandError> {
    let changes = changes.into_iter().map(|change| checked(shared, change)).collect::<Result<Vec<_>, _>>()?;
    let row = find(shared, site).await?;
    let mut new = None;
    if let Course::Moves(destination) = changed(&row, &changes).1 {
        new = Some(pairing::new_channel(shared, &row.name, &destination.push_service).await?);
    }
    let result = commit(shared, &row, changes, new.as_ref().map(|(channel, _)| *channel)).await;
    let moved = match (result, new) {
        (Ok(Edited { destination: Some(destination), given_up }), Some((channel, keys))) => {
            shared.keys.insert(channel, keys);
            pairing::abandon(shared, given_up).await;
            Some((channel, destination))
        }
        (result, new) => {
            if let Some((channel, _)) = new {
                pairing::discard_key(shared, channel).await;
            }
            pairing::abandon(shared, result?.given_up).await;
            None
        }
    };
    silence_changed(shared);
    if let Some((channel, destination)) = moved
        && shared.mode != Mode::Offline
    {
        subscribe(shared, channel, destination).await?;
    }
    let row = find(shared, row.id).await?;
    keyring::save_record(shared, row.channel_id).await;
    if row.settings.state == SiteState::Blocked {
        withdraw(shared, &Withdrawal::Site(row.id.clone())).await;
    }
    Ok(Response::Site(Box::new(view(shared, row, true))))
}

/// Everything in one transaction, on the site as it is by then: what others change meanwhile stays changed.
async fn commit(
    shared: &Shared,
    row: &SiteRow,
    changes: Vec<SiteChange>,
    new: Option<ChannelId>,
) -> Result<Edited, CommandError> {
    let id = row.id.clone();
    let name = changed(row, &changes).0.name;
    let commit = shared.store.write(move |tx| {
        let Some(row) = sites::find_site(tx, &id)?.filter(|row| row.id == id) else {
            return Ok(Err(CommandError::new(ErrorCode::NotFound, "the site was removed meanwhile")));
        };
        let (row, course) = changed(&row, &changes);
        let (destination, given_up) = match (course, new) {
            (Course::Goes, _) => (None, Vec::new()),
            (Course::Stays, _) => (None, channels::stay(tx, &id)?),
            (Course::Moves(destination), Some(channel)) => {
                let given_up = channels::stay(tx, &id)?;
                let Destination { push_service, vapid_key } = &destination;
                sites::add_push_service(tx, push_service)?;
                channels::insert(tx, channel, &id, push_service, *vapid_key)?;
                (Some(destination), given_up)
            }
            (Course::Moves(_), None) => {
                let message = "its subscription has changed meanwhile: nothing was changed, try again";
                return Ok(Err(CommandError::invalid(message)));
            }
        };
        sites::update_site(tx, &row)?;
        Ok(Ok(Edited { destination, given_up }))
    });
    commit.await.map_err(|error| pairing::taken(error, &name))?
}

/// The site with these changes, and what they make of its subscription.
fn changed(before: &SiteRow, changes: &[SiteChange]) -> (SiteRow, Course) {
    let mut row = before.clone();
    let here = before.whereabouts();
    let heading = before.moving_to.clone().unwrap_or_else(|| here.clone());
    let mut wanted = heading.clone();
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
            SiteChange::VapidKey(key) => wanted.vapid_key = key,
            SiteChange::PushService(service) => wanted.push_service = service,
            SiteChange::Map { field, pointer } => row.mapping.set(field, pointer),
            SiteChange::Paired => row.needs_pairing = false,
        }
    }
    let is_allowed = !before.connected && row.settings.state != SiteState::Blocked;
    let course = if wanted == heading && !is_allowed {
        Course::Goes
    } else if wanted == here && before.connected {
        Course::Stays
    } else {
        Course::Moves(wanted)
    };
    (row, course)
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
async fn subscribe(
    shared: &Shared,
    channel: ChannelId,
    destination: Destination,
) -> Result<(), CommandError> {
    let Destination { push_service, vapid_key } = destination;
    let Err(error) = pairing::register(shared, &push_service, channel, vapid_key).await else {
        return Ok(());
    };
    if error.code == ErrorCode::Rejected {
        shared.store.write(move |tx| Ok(channels::refuse(tx, channel)?)).await?;
        pairing::drop_channel(shared, push_service, channel).await;
        shared.tell(Event::Changed);
        return Err(error);
    }
    if error.code == ErrorCode::NotFound {
        // Given up meanwhile: nobody asks again.
        return Err(error);
    }
    let message = format!(
        "{}. It is asked again; until then the old subscription serves, and goes on if the change is taken back. See \
         `belfry site show`",
        error.message
    );
    Err(CommandError::new(error.code, message))
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
