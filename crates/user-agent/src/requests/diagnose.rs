//! `belfry doctor`: each part looked at, with what to do about what is wrong.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Shared, default_push_service};
use crate::actor::Order;
use crate::api::{Check, Severity, SiteState, Trouble, rfc3339};
use crate::config::{Mode, Notify, PushServiceUrl};
use crate::notifier;
use crate::store::sites::{self, SiteRow};
use crate::store::{StoreError, recovery, withheld};

/// How long a push service may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });

/// How far clocks may be apart. Web servers and senders allow for a few minutes.
const CLOCK_LIMIT: Duration = Duration::from_secs(120);

/// How long the session bus may take to answer.
#[cfg(target_os = "linux")]
const BUS_TIMEOUT: Duration = Duration::from_secs(5);

/// With less than this free, a burst could fill the disk.
const LEAST_FREE: u64 = 16 << 20;

pub(super) async fn run(shared: &Shared) -> Vec<Check> {
    let (keyring, database, sites, notifications) =
        tokio::join!(keyring(shared), database(shared), sites_of(shared), notifications(shared));
    let mut checks = vec![receiver(shared.mode), keyring];
    checks.extend(database);
    checks.extend(sites);
    checks.push(notifications);
    checks.extend(silence(shared).await);
    checks.push(tray_host(has_tray().await));
    checks.extend(push_services(shared).await);
    // They have told the time.
    checks.push(clock(shared.skew.get()));
    checks
}

fn ok(check: &str, message: String) -> Check {
    Check { check: check.into(), severity: Severity::Ok, code: None, message, remedy: None }
}

/// A command that has opened the profile for itself receives for no longer than it runs.
fn receiver(mode: Mode) -> Check {
    match mode {
        Mode::Receive(_) => ok("receiver", "runs".into()),
        Mode::Online | Mode::Offline => {
            Trouble::ReceiverAbsent.check("nothing receives for this profile now")
        }
    }
}

async fn keyring(shared: &Shared) -> Check {
    match shared.keyring.vendor().await {
        Ok(vendor) => ok("keyring", vendor),
        Err(error) => error.trouble().check(error.to_string()),
    }
}

/// Reads the whole file and writes a little.
async fn database(shared: &Shared) -> Vec<Check> {
    let path = shared.store.path().to_owned();
    let read = shared.store.read(move |c| {
        if !recovery::is_sound(c)? {
            return Err(StoreError::Unsound);
        }
        let sites: i64 = c.query_row("SELECT count(*) FROM site", [], |row| row.get(0))?;
        let entries: i64 = c.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
        Ok((sites, entries, recovery::kept_aside(c, &path)?))
    });
    let now = Timestamp::now().to_string();
    // Larger than what a page that is there already has room for; undone at once.
    let padding = "x".repeat(64 << 10);
    let probe = shared.store.write(move |tx| {
        sites::set_setting(tx, "diagnosed_at", &padding)?;
        Ok(sites::set_setting(tx, "diagnosed_at", &now)?)
    });
    let (sites, entries, aside) = match (read.await, probe.await) {
        (Ok(found), Ok(())) => found,
        (Err(error), _) | (_, Err(error)) => return vec![error.trouble().check(error.to_string())],
    };
    let mut checks = Vec::new();
    match free_space(shared.store.path()) {
        Some(free) if free < LEAST_FREE => {
            checks.push(Trouble::DiskFull.check(format!("{} KiB are free", free >> 10)));
        }
        Some(_) | None => {
            checks.push(ok("database", format!("encrypted, {sites} sites, {entries} messages")))
        }
    }
    checks.extend(aside.map(|file| {
        Trouble::DatabaseReplaced
            .check(format!("an earlier one was damaged and is kept as {}", file.display()))
    }));
    checks
}

/// Bytes that may still be written, where the system tells.
fn free_space(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    return rustix::fs::statvfs(path).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    #[cfg(not(unix))]
    return std::option::Option::<u64>::None.filter(|_| path.exists());
}

/// What keeps single sites from being received; nothing when all are well.
async fn sites_of(shared: &Shared) -> Vec<Check> {
    let read = shared.store.read(|c| Ok((sites::sites(c)?, withheld::count(c)?)));
    let (sites, withheld) = match read.await {
        Ok(found) => found,
        Err(error) => return vec![error.trouble().check(error.to_string())],
    };
    let names = |wanted: &dyn Fn(&SiteRow) -> bool| {
        let names: Vec<_> = sites.iter().filter(|site| wanted(site)).map(|site| site.name.as_str()).collect();
        Some(names.join(", ")).filter(|names| !names.is_empty())
    };
    let mut checks = Vec::new();
    if let Some(names) = names(&|site| site.connected && shared.keys.get(site.channel_id).is_none()) {
        checks.push(Trouble::SiteKeysMissing.check(format!("the keyring lacks the keys of {names}")));
    }
    if withheld > 0 {
        checks.push(Trouble::MessagesWithheld.check(format!("{withheld} messages are kept unread")));
    }
    if let Some(names) = names(&SiteRow::wants_pairing) {
        checks.push(
            Trouble::PairingNeeded.check(format!("the push service replaced the subscription of {names}")),
        );
    }
    let now = Timestamp::now();
    let unseen: Vec<_> = sites.iter().filter_map(|site| unseen(site, now)).collect();
    if !unseen.is_empty() {
        checks.push(ok("sites", format!("without notifications, as they are set: {}", unseen.join(", "))));
    }
    checks
}

/// A site whose notifications its user does not want now, and why.
fn unseen(site: &SiteRow, now: Timestamp) -> Option<String> {
    let why = match (site.settings.state, site.settings.snoozed_until.filter(|end| now < *end)) {
        (SiteState::Blocked, _) => "blocked".to_owned(),
        (SiteState::History, _) => "history only".to_owned(),
        (SiteState::Alert | SiteState::Quiet, Some(end)) => format!("snoozed until {}", rfc3339::format(end)),
        (SiteState::Alert | SiteState::Quiet, None) => return None,
    };
    Some(format!("{} ({why})", site.name))
}

/// Do Not Disturb, while it is on.
async fn silence(shared: &Shared) -> Option<Check> {
    // That the database cannot be read has a row of its own.
    let silence = shared.store.read(|c| Ok(sites::silence(c)?)).await.ok()?;
    let now = ZonedDateTime::now();
    let until = match silence.end(&now) {
        Some(end) => format!(" until {}", rfc3339::format(end)),
        None => String::new(),
    };
    silence.is_active(&now).then(|| Trouble::DoNotDisturbOn.check(format!("Do Not Disturb is on{until}")))
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
        Ok(server) => Trouble::NotificationsLimited
            .check(format!("{} shows no buttons and takes no clicks", server.name)),
        Err(error) => Trouble::NotificationsAbsent.check(error.to_string()),
    }
}

pub(crate) fn tray_host(found: bool) -> Check {
    if found {
        return ok("tray", "icons are shown".into());
    }
    Trouble::TrayAbsent.check("nothing here shows tray icons")
}

#[cfg(target_os = "linux")]
async fn has_tray() -> bool {
    let asked = async {
        let bus = zbus::Connection::session().await?;
        let watcher = "org.kde.StatusNotifierWatcher".try_into()?;
        zbus::fdo::DBusProxy::new(&bus).await?.name_has_owner(watcher).await.map_err(zbus::Error::from)
    };
    matches!(timeout(BUS_TIMEOUT, asked).await, Ok(Ok(true)))
}

/// There is always one.
#[cfg(not(target_os = "linux"))]
async fn has_tray() -> bool {
    std::future::ready(true).await
}

/// `ahead`: how far this clock is from the push service's.
fn clock(ahead: Option<SignedDuration>) -> Check {
    match ahead {
        None => ok("clock", "no push service has told the time".into()),
        Some(ahead) if ahead.unsigned_abs() < CLOCK_LIMIT => {
            ok("clock", "agrees with the push service's".into())
        }
        Some(ahead) => {
            let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
            Trouble::ClockWrong.check(format!("{:#} {direction} the push service's", ahead.abs()))
        }
    }
}

async fn push_services(shared: &Shared) -> Vec<Check> {
    let mut urls = match shared.store.read(|c| Ok(sites::push_services(c)?)).await {
        Ok(rows) => rows.into_iter().filter(|row| row.in_use).map(|row| row.url).collect(),
        Err(_) => Vec::new(),
    };
    let mut unused = None;
    if let Ok(default) = default_push_service(shared).await
        && !urls.contains(&default)
    {
        // Nothing is received by way of it where all that there is comes by another.
        unused = (!urls.is_empty()).then(|| default.clone());
        urls.push(default);
    }
    let rows = urls.iter().map(async |url| {
        let check = push_service(shared, url).await;
        if unused.as_ref() == Some(url) && check.severity == Severity::Error {
            let message = format!("{} (only new sites would go there)", check.message);
            return Check { severity: Severity::Warning, message, ..check };
        }
        check
    });
    join_all(rows).await
}

/// By a real exchange: that it is connected says little.
async fn push_service(shared: &Shared, url: &PushServiceUrl) -> Check {
    let (reply, answer) = oneshot::channel();
    let _ = shared.orders.send(Order::Probe { service: url.clone(), reply });
    match timeout(ANSWER_TIMEOUT, answer).await {
        Ok(Ok(Ok(()))) => ok("push-service", format!("{url} answers")),
        Ok(Ok(Err(error))) => {
            let check = error.check();
            Check { message: format!("{url}: {}", check.message), ..check }
        }
        unanswered => {
            let since = match unanswered {
                Err(_) => format!("no answer within {} s", ANSWER_TIMEOUT.as_secs()),
                Ok(_) => "it was given up before it answered".to_owned(),
            };
            let status = shared.status.borrow().get(url).cloned();
            let reason = match status {
                Some(status) if status.connected => "; the connection is open".to_owned(),
                Some(status) => status.reason.map(|reason| format!(": {reason}")).unwrap_or_default(),
                None => String::new(),
            };
            Trouble::PushServiceUnreachable.check(format!("{url}: {since}{reason}"))
        }
    }
}
