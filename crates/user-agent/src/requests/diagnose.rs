//! `belfry doctor`: each part looked at, with what to do about what is wrong.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Shared, default_push_service};
use crate::actor::Order;
use crate::api::{Check, PushServiceStatus, Severity};
use crate::config::{Mode, Notify, PushServiceUrl};
use crate::notifier;
use crate::store::sites;

/// How long a push service may take to answer.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn run(shared: &Shared) -> Vec<Check> {
    let (keyring, database, notifications) =
        tokio::join!(keyring(shared), database(shared), notifications(shared));
    let mut checks = vec![keyring, database, notifications];
    checks.extend(push_services(shared).await);
    checks
}

fn ok(check: &str, message: String) -> Check {
    Check { check: check.into(), severity: Severity::Ok, message, remedy: None }
}

fn trouble(check: &str, severity: Severity, message: String, remedy: &str) -> Check {
    Check { check: check.into(), severity, message, remedy: Some(remedy.into()) }
}

async fn keyring(shared: &Shared) -> Check {
    match shared.keyring.vendor().await {
        Ok(vendor) => ok("keyring", vendor),
        Err(error) => {
            let remedy = "unlock the keyring, or start gnome-keyring or KWallet, and run this again";
            trouble("keyring", Severity::Error, error.to_string(), remedy)
        }
    }
}

async fn database(shared: &Shared) -> Check {
    let check = shared.store.read(|c| {
        let verdict: String = c.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let sites: i64 = c.query_row("SELECT count(*) FROM site", [], |row| row.get(0))?;
        let entries: i64 = c.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
        Ok((verdict, sites, entries))
    });
    let remedy = "restore the profile's folder from a backup, or move belfry.db aside to start anew";
    match check.await {
        Ok((verdict, sites, entries)) if verdict == "ok" => {
            ok("database", format!("encrypted, {sites} sites, {entries} messages"))
        }
        Ok((verdict, ..)) => trouble("database", Severity::Error, verdict, remedy),
        Err(error) => trouble("database", Severity::Error, error.to_string(), remedy),
    }
}

async fn notifications(shared: &Shared) -> Check {
    if shared.mode == Mode::Receive(Notify::None) {
        return ok("notifications", "switched off".into());
    }
    let (clicks, _) = mpsc::unbounded_channel();
    let notifier = match &shared.notifier {
        Some(notifier) => Some(notifier.clone()),
        None => notifier::connect(Notify::Auto, clicks).await,
    };
    let Some(notifier) = notifier else {
        return ok("notifications", "switched off".into());
    };
    match notifier.server().await {
        Ok(server) if server.capabilities.is_empty() => ok("notifications", server.name),
        Ok(server) if server.capabilities.iter().any(|capability| capability == "actions") => {
            ok("notifications", format!("{} ({})", server.name, server.capabilities.join(", ")))
        }
        Ok(server) => trouble(
            "notifications",
            Severity::Warning,
            format!("{} shows no buttons and takes no clicks", server.name),
            "use `belfry inbox` to open links, or another notification server",
        ),
        Err(error) => trouble(
            "notifications",
            Severity::Error,
            error.to_string(),
            "start your desktop's notification service, or one such as dunst or mako; messages wait until then",
        ),
    }
}

async fn push_services(shared: &Shared) -> Vec<Check> {
    let mut urls = match shared.store.read(|c| Ok(sites::push_services(c)?)).await {
        Ok(rows) => rows.into_iter().filter(|row| row.in_use).map(|row| row.url).collect(),
        Err(_) => Vec::new(),
    };
    if let Ok(default) = default_push_service(shared).await
        && !urls.contains(&default)
    {
        urls.push(default);
    }
    let mut checks = Vec::new();
    for url in urls {
        let _ = shared.orders.send(Order::Connect(url.clone()));
        checks.push(push_service(shared, &url).await);
    }
    checks
}

async fn push_service(shared: &Shared, url: &PushServiceUrl) -> Check {
    let mut status = shared.status.subscribe();
    let connected = |status: Option<&PushServiceStatus>| status.is_some_and(|status| status.connected);
    let answered = timeout(HANDSHAKE_TIMEOUT, status.wait_for(|services| connected(services.get(url)))).await;
    if matches!(answered, Ok(Ok(_))) {
        return ok("push-service", format!("{url} answers"));
    }
    let reason = shared.status.borrow().get(url).and_then(|status| status.reason.clone());
    let message = format!("{url}: {}", reason.unwrap_or_else(|| "no answer".into()));
    let remedy = "check the network and the address; Belfry keeps trying, and the push service keeps messages meanwhile";
    trouble("push-service", Severity::Error, message, remedy)
}
