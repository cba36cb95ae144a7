//! Push services: several may be in use at once, each knows this profile under an id of its own.

use tokio::sync::oneshot;

use super::{Shared, default_push_service};
use crate::actor::Order;
use crate::api::{CommandError, ErrorCode, Event, PushService, Response};
use crate::config::PushServiceUrl;
use crate::requests::DEFAULT_PUSH_SERVICE;
use crate::store::sites;

pub(super) async fn list(shared: &Shared) -> Result<Response, CommandError> {
    let default = default_push_service(shared).await?;
    let known = shared.store.read(|c| {
        let services = sites::push_services(c)?;
        let with_sites = services.into_iter().map(|row| Ok((sites::names_at(c, &row.url)?, row.url)));
        Ok(with_sites.collect::<rusqlite::Result<Vec<_>>>()?)
    });
    let mut known = known.await?;
    if !known.iter().any(|(_, url)| *url == default) {
        known.insert(0, (Vec::new(), default.clone()));
    }
    let status = shared.status.borrow().clone();
    let service = |(sites, url): (Vec<String>, PushServiceUrl)| {
        let state = status.get(&url);
        PushService {
            default: url == default,
            sites,
            connected: state.is_some_and(|state| state.connected),
            reason: state.and_then(|state| state.reason.clone()),
            url,
        }
    };
    Ok(Response::PushServices(known.into_iter().map(service).collect()))
}

pub(super) async fn add(shared: &Shared, url: PushServiceUrl) -> Result<Response, CommandError> {
    url.check_secure(shared.allow_insecure)?;
    let added = url.clone();
    shared.store.write(move |tx| Ok(sites::add_push_service(tx, &added)?)).await?;
    connect(shared, url);
    list(shared).await
}

pub(super) async fn remove(shared: &Shared, url: PushServiceUrl) -> Result<Response, CommandError> {
    if default_push_service(shared).await? == url {
        let message = format!("new sites go to {url}: choose another with `belfry config set push-service`");
        return Err(CommandError::invalid(message));
    }
    let removed = url.clone();
    let result = shared.store.write(move |tx| {
        let names = sites::names_at(tx, &removed)?;
        let known = names.is_empty() && sites::remove_push_service(tx, &removed)?;
        Ok((names, known))
    });
    let (names, known) = result.await?;
    if !names.is_empty() {
        let message = format!("{} at {url}: move or remove first", names.join(", "));
        return Err(CommandError::invalid(message));
    }
    if !known {
        return Err(CommandError::new(ErrorCode::NotFound, format!("{url} is not among the push services")));
    }
    let (done, _) = oneshot::channel();
    let _ = shared.orders.send(Order::Disconnect { service: url, done });
    shared.tell(Event::Changed);
    list(shared).await
}

/// New sites go there from now on.
pub(super) async fn set_default(shared: &Shared, url: PushServiceUrl) -> Result<(), CommandError> {
    url.check_secure(shared.allow_insecure)?;
    let text = url.to_string();
    shared.store.write(move |tx| Ok(sites::set_setting(tx, DEFAULT_PUSH_SERVICE, &text)?)).await?;
    connect(shared, url);
    Ok(())
}

fn connect(shared: &Shared, url: PushServiceUrl) {
    if shared.mode != crate::config::Mode::Offline {
        let _ = shared.orders.send(Order::Connect(url));
    }
    shared.tell(Event::Changed);
}
