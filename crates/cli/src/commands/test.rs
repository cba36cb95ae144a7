//! `belfry test`: a push to oneself, through the real push service.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{self, timeout};
use user_agent::Client;
use user_agent::api::{
    CommandError, Disposition, EntryId, ErrorCode, Event, NewSite, Request, Response, Site, SiteState,
    Status, rfc3339,
};
use user_agent::attach::{Attached, attach};
use user_agent::client::Events;
use user_agent::config::Mode;
use webpush::application_server::{DeclarativeMessage, Push};
use webpush::payload::Notification;
use webpush::{PushSubscription, Ttl, Urgency};

use super::site::{ask_site, subscription};
use super::{mixed_up, send};
use crate::args::Global;
use crate::exit::Failure;
use crate::output::{Output, plain};
use crate::stop::Stop;

/// How long the push may take to come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the notification server may take: a little longer than until the receiver says why it waits.
const SHOWING: Duration = Duration::from_secs(15);

/// How soon after a failure of the site the push may still be told of, or its notification, which then is not what has
/// failed.
const AFTER_A_FAILURE: Duration = Duration::from_secs(2);

const TEMPORARY: &str = "Belfry test";

/// Something to open, since a declarative message must have a link: the standard at work.
const LINK: &str = "https://www.w3.org/TR/push-api/";

pub(crate) async fn run(global: &Global, site: Option<String>, output: Output) -> Result<(), Failure> {
    let attached = attach(global.engine(Mode::Online)?).await?;
    let result = run_on(global, &attached, site, output).await;
    attached.finish().await;
    result
}

async fn run_on(
    global: &Global,
    attached: &Attached,
    site: Option<String>,
    output: Output,
) -> Result<(), Failure> {
    let mut stop = Stop::listen()?;
    let client = &attached.client();
    let mut stages = Stages { output, start: Instant::now(), last: Instant::now() };
    let target = tokio::select! {
        target = target(client, site) => target?,
        () = stop.requested() => return Err(stopped()),
    };
    // A receiver shows notifications; an engine that was started for this test does not.
    let is_shown = !attached.is_owner();
    let result = tokio::select! {
        result = round_trip(global, client, is_shown, &target, &mut stages) => result,
        () = stop.requested() => Err(stopped()),
    };
    if target.temporary_because.is_some() {
        let removed = remove(client, &target.site, &mut stages).await;
        return result.and(removed);
    }
    result
}

fn stopped() -> Failure {
    CommandError::new(ErrorCode::Timeout, "stopped before the push came back").into()
}

struct Target {
    site: Site,
    /// Why none of the user's sites would do; then this one is removed afterwards.
    temporary_because: Option<String>,
}

/// The site that was named, else the first that takes a push from anyone; a temporary one where that does not work.
async fn target(client: &Client, name: Option<String>) -> Result<Target, Failure> {
    let lasting = |site| Target { site, temporary_because: None };
    let (why, push_service) = match name {
        Some(site) => {
            let site = ask_site(client, Request::ShowSite { site }).await?;
            if site.state == SiteState::Blocked {
                let message = format!("{:?} is blocked: its pushes are discarded unread", site.name);
                return Err(CommandError::invalid(message).into());
            }
            let why = match (&site.vapid_key, site.needs_pairing) {
                (Some(_), _) => "accepts only its own sender",
                // A push that arrives means that its sender has the new subscription.
                (None, true) => "still waits for its sender to be paired again",
                (None, false) => return Ok(lasting(site)),
            };
            (format!("{} {why}", site.name), Some(site.push_service))
        }
        None => {
            if let Some(site) = suited(client).await? {
                return Ok(lasting(site));
            }
            ("no site accepts any sender".to_owned(), None)
        }
    };
    let new = NewSite { name: TEMPORARY.to_owned(), url: None, vapid_key: None, push_service };
    match ask_site(client, Request::AddSite(new)).await {
        Ok(site) => Ok(Target { site, temporary_because: Some(why) }),
        // One that an interrupted test left, or that somebody made: it serves, and it stays.
        Err(Failure::Command(error)) if error.code == ErrorCode::Exists => {
            ask_site(client, Request::ShowSite { site: TEMPORARY.to_owned() }).await.map(lasting)
        }
        Err(failure) => Err(failure),
    }
}

/// The first site that takes a push from anyone, and shows or records it.
async fn suited(client: &Client) -> Result<Option<Site>, Failure> {
    let Response::Sites(sites) = client.request(Request::ListSites).await? else { return Err(mixed_up()) };
    for site in sites {
        if site.vapid_key.is_none() && !site.needs_pairing && site.state != SiteState::Blocked {
            let site = ask_site(client, Request::ShowSite { site: site.id }).await?;
            if site.subscription.is_some() {
                return Ok(Some(site));
            }
        }
    }
    Ok(None)
}

async fn round_trip(
    global: &Global,
    client: &Client,
    is_shown: bool,
    target: &Target,
    stages: &mut Stages,
) -> Result<(), Failure> {
    let site = &target.site;
    let subscription = subscription(site)?;
    let subscribed = match &target.temporary_because {
        Some(why) => format!("subscribed the temporary site {TEMPORARY:?}: {}", plain(why)),
        None => format!("the site {} is subscribed", plain(&site.name)),
    };
    let temporary = target.temporary_because.is_some();
    stages.passed(Stage::Subscribed { site: &site.name, temporary }, &subscribed)?;

    let code = code()?;
    let body = format!("It works. This is test {code}.");
    let payload = document(&body, &code)?;
    let mut events = client.events();
    let accepted = send::post(global, &push(subscription, &payload)).await?;
    stages.passed(
        Stage::Accepted { status: accepted.status.as_u16() },
        &format!("the push service accepted the push: {}", accepted.status),
    )?;

    let received = timeout(PATIENCE, received(&mut events, &site.name, &body)).await.map_err(|_| {
        let message =
            format!("the push did not come back within {} s: see `belfry doctor`", PATIENCE.as_secs());
        CommandError::new(ErrorCode::Timeout, message)
    })??;
    let disposition = received.disposition;
    let (text, because) = match disposition {
        Disposition::Shown => ("received, decrypted and to be shown".to_owned(), None),
        Disposition::Recorded => {
            let because = unshown_because(client, site).await?;
            let text = "received, decrypted and recorded, without a notification";
            (
                because.as_ref().map_or_else(|| text.to_owned(), |because| format!("{text}: {because}")),
                because,
            )
        }
        Disposition::Discarded => ("received and discarded".to_owned(), None),
    };
    stages.passed(Stage::Received { disposition, because: because.as_deref() }, &text)?;
    match received.id.filter(|_| disposition == Disposition::Shown) {
        Some(id) if is_shown => shown(client, &mut events, site, id, received, stages).await?,
        Some(_) if temporary => {
            let text = "no notification: neither `belfry run` nor the app runs now, and the temporary site is not kept";
            stages.passed(Stage::NotShown, text)?;
        }
        Some(_) => {
            let text = "no notification yet: it waits for `belfry run` or the app, and neither runs now";
            stages.passed(Stage::Waits, text)?;
        }
        None => {}
    }
    stages.total()
}

/// What of the settings keeps the site's notifications from being shown now.
async fn unshown_because(client: &Client, site: &Site) -> Result<Option<String>, Failure> {
    let site = ask_site(client, Request::ShowSite { site: site.id.clone() }).await?;
    let Response::Status(status) = client.request(Request::Status).await? else { return Err(mixed_up()) };
    Ok(unshown_by(&site, &status, Timestamp::now()))
}

fn unshown_by(site: &Site, status: &Status, now: Timestamp) -> Option<String> {
    match site.state {
        SiteState::History => return Some("the site is history only".to_owned()),
        SiteState::Blocked => return Some("the site is blocked".to_owned()),
        SiteState::Alert | SiteState::Quiet => {}
    }
    if let Some(end) = site.snoozed_until.filter(|end| now < *end) {
        return Some(format!("the site is snoozed until {}", rfc3339::format(end)));
    }
    if status.quiet && !site.dnd_bypass {
        return Some(match status.quiet_until {
            Some(end) => format!("Do Not Disturb is on until {}", rfc3339::format(end)),
            None => "Do Not Disturb is on, until `belfry dnd off`".to_owned(),
        });
    }
    None
}

/// Waits until the notification server has taken the notification.
async fn shown(
    client: &Client,
    events: &mut Events,
    site: &Site,
    id: EntryId,
    received: Received,
    stages: &mut Stages,
) -> Result<(), Failure> {
    if !received.handed.contains(&id)
        && let Err(reason) = taken(async || events.next().await, &site.name, id, received.failed).await
    {
        if is_no_longer_to_be_shown(client, id).await? {
            return stages.passed(Stage::Recorded, "read or silenced meanwhile: no notification");
        }
        let message = format!("the push came back, and its notification was not shown: {reason}");
        return Err(CommandError::new(ErrorCode::Notifications, message).into());
    }
    stages.passed(Stage::Notified, "the notification server has taken the notification")
}

/// An error: why not, as far as the receiver says. What of the site has `failed` may be something else, which only the
/// notification can show.
async fn taken(
    mut next: impl AsyncFnMut() -> Option<Event>,
    name: &str,
    id: EntryId,
    mut failed: Option<String>,
) -> Result<(), String> {
    let last = time::Instant::now() + SHOWING;
    let soon = || last.min(time::Instant::now() + AFTER_A_FAILURE);
    let mut until = if failed.is_some() { soon() } else { last };
    while let Ok(event) = time::timeout_at(until, next()).await {
        match event {
            Some(Event::Handed { ids }) if ids.contains(&id) => return Ok(()),
            Some(Event::Failed { site: Some(site), reason }) if site == name && failed.is_none() => {
                failed = Some(reason);
                until = soon();
            }
            Some(_) => {}
            None => return Err(failed.unwrap_or_else(|| "the receiver has stopped".to_owned())),
        }
    }
    Err(failed.unwrap_or_else(|| {
        let waited = SHOWING.as_secs();
        format!("the notification server has not taken it within {waited} s: see `belfry doctor`")
    }))
}

async fn is_no_longer_to_be_shown(client: &Client, id: EntryId) -> Result<bool, Failure> {
    let answer = client.request(Request::ShowEntry { id }).await?;
    let Response::Entry { entry, .. } = answer else { return Err(mixed_up()) };
    Ok(entry.read || entry.disposition != Disposition::Shown)
}

fn push<'a>(subscription: &'a PushSubscription, payload: &'a [u8]) -> Push<'a> {
    // A test that nobody waits for any more is of no use later.
    let ttl = Ttl::from_seconds(60);
    Push { subscription, payload, ttl, urgency: Urgency::High, topic: None, identity: None }
}

fn document(body: &str, code: &str) -> Result<Vec<u8>, Failure> {
    let notification = Notification {
        title: "Belfry test".to_owned(),
        body: body.to_owned(),
        navigate: LINK.parse().ok(),
        tag: format!("belfry-test-{code}"),
        ..Notification::default()
    };
    let message = DeclarativeMessage::from(notification);
    let document = message.document().map_err(|error| Failure::internal(error.to_string()))?;
    Ok(document.to_string().into_bytes())
}

/// The push as the receiver tells of it, and what it has told before.
struct Received {
    id: Option<EntryId>,
    disposition: Disposition,
    /// Entries whose notifications were taken: the receiver may be faster in showing than in telling.
    handed: Vec<EntryId>,
    /// What of the site has failed.
    failed: Option<String>,
}

/// Waits for this push; a failure of the same site that it does not follow is its failure.
async fn received(events: &mut Events, name: &str, text: &str) -> Result<Received, Failure> {
    let mut told = Vec::new();
    let mut failed: Option<String> = None;
    loop {
        let next = match &failed {
            None => events.next().await,
            Some(reason) => match timeout(AFTER_A_FAILURE, events.next()).await {
                Ok(next) => next,
                Err(_) => return Err(Failure::internal(reason)),
            },
        };
        let Some(event) = next else { return Err(Failure::internal("the receiver has stopped")) };
        match event {
            Event::Push { id, site, body, disposition, .. } if site == name && body == text => {
                return Ok(Received { id, disposition, handed: told, failed });
            }
            Event::Failed { site: Some(site), reason } if site == name => failed = Some(reason),
            Event::Handed { ids } => told.extend(ids),
            Event::Disconnected { reason, .. } => tracing::warn!(reason, "the connection was lost"),
            Event::Push { .. }
            | Event::Failed { .. }
            | Event::Connected { .. }
            | Event::Locked { .. }
            | Event::Unlocked
            | Event::Open { .. }
            | Event::Changed => {}
        }
    }
}

async fn remove(client: &Client, site: &Site, stages: &mut Stages) -> Result<(), Failure> {
    client.request(Request::RemoveSite { site: site.id.clone() }).await?;
    stages.passed(Stage::Removed, "removed the temporary site")
}

/// Six hexadecimal digits that tell this test from others.
fn code() -> Result<String, Failure> {
    let mut bytes = [0; 3];
    getrandom::fill(&mut bytes).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Prints each stage with its time.
struct Stages {
    output: Output,
    start: Instant,
    last: Instant,
}

impl Stages {
    fn passed(&mut self, stage: Stage<'_>, text: &str) -> Result<(), Failure> {
        let ms = milliseconds(self.last.elapsed());
        self.last = Instant::now();
        self.output.print(&Passed { stage, ms }, || format!("{ms:>6} ms  {text}"))
    }

    fn total(&self) -> Result<(), Failure> {
        let ms = milliseconds(self.start.elapsed());
        self.output.print(&Passed { stage: Stage::Done, ms }, || format!("{ms:>6} ms  in all"))
    }
}

/// A line of `test --json`.
#[derive(Serialize)]
struct Passed<'a> {
    #[serde(flatten)]
    stage: Stage<'a>,
    ms: u64,
}

#[derive(Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
enum Stage<'a> {
    Subscribed {
        site: &'a str,
        temporary: bool,
    },
    Accepted {
        status: u16,
    },
    Received {
        disposition: Disposition,
        /// What of the settings keeps it from being shown.
        #[serde(skip_serializing_if = "Option::is_none")]
        because: Option<&'a str>,
    },
    /// The notification server has taken the notification.
    Notified,
    /// There is a notification once a receiver runs.
    Waits,
    /// There is none: nobody shows any now, and the temporary site is removed.
    NotShown,
    /// There is none, because somebody has read it or wants silence by now.
    Recorded,
    Done,
    Removed,
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_push_is_its_own() {
        let (one, other) = (code().unwrap(), code().unwrap());
        assert_ne!(one, other);
        let document: serde_json::Value = serde_json::from_slice(&document("b", &one).unwrap()).unwrap();
        assert_eq!(document["notification"]["tag"], format!("belfry-test-{one}"));
        assert_eq!(document["web_push"], 8030);
    }

    #[test]
    fn what_keeps_a_notification_away_is_named() {
        let (site, status) = (site(), status());
        let (now, end) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + Duration::from_secs(60));
        let unshown = |site: &Site, status: &Status| unshown_by(site, status, now).unwrap_or_default();
        assert_eq!(unshown(&site, &status), "");
        let quiet = Status { quiet: true, ..status.clone() };
        assert_eq!(unshown(&site, &quiet), "Do Not Disturb is on, until `belfry dnd off`");
        assert_eq!(unshown(&Site { dnd_bypass: true, ..site.clone() }, &quiet), "");
        let quiet = Status { quiet_until: Some(end), ..quiet };
        assert_eq!(unshown(&site, &quiet), "Do Not Disturb is on until 1970-01-01T00:01:00.000Z");
        let snoozed = Site { snoozed_until: Some(end), ..site.clone() };
        assert_eq!(unshown(&snoozed, &quiet), "the site is snoozed until 1970-01-01T00:01:00.000Z");
        assert_eq!(unshown_by(&snoozed, &status, end), None);
        let history = Site { state: SiteState::History, ..snoozed };
        assert_eq!(unshown(&history, &quiet), "the site is history only");
    }

    fn site() -> Site {
        let site = serde_json::json!({
            "id": "a", "name": "Backups", "url": null, "state": "alert", "state_label": "Alerts",
            "snoozed_until": null, "sound": true, "links": "any", "images": "own", "burst": "5/10",
            "dnd_bypass": false, "mapping": {}, "push_service": "wss://push.example/", "connected": true,
            "needs_pairing": false, "vapid_key": null, "added_at": "2026-11-25T00:00:00.000Z", "unread": 0,
            "badge": null, "subscription": null,
        });
        serde_json::from_value(site).unwrap()
    }

    fn status() -> Status {
        let status = serde_json::json!({
            "push_services": [], "default_push_service": "wss://push.example/", "first_run": false,
            "do_not_disturb": "off", "quiet": false, "unread": 0, "locked": null, "condition": "ok",
            "headline": "",
        });
        serde_json::from_value(status).unwrap()
    }

    async fn taken_of(events: Vec<Event>, failed: Option<&str>) -> Result<(), String> {
        let mut events = events.into_iter();
        taken(async || events.next(), "Backups", EntryId(7), failed.map(Into::into)).await
    }

    #[tokio::test]
    async fn what_else_fails_of_the_site_is_no_failure_of_a_notification_that_is_shown() {
        let failed = |reason: &str| Event::Failed { site: Some("Backups".into()), reason: reason.into() };
        let handed = |ids: &[i64]| Event::Handed { ids: ids.iter().copied().map(EntryId).collect() };
        let shown = vec![Event::Changed, failed("a link was refused"), handed(&[6]), handed(&[7])];
        for before in [None, Some("another push could not be decrypted")] {
            assert_eq!(taken_of(shown.clone(), before).await, Ok(()));
        }
        let not = async |events, before| taken_of(events, before).await.unwrap_err();
        assert_eq!(
            not(vec![failed("the first"), failed("the second"), handed(&[6])], None).await,
            "the first"
        );
        assert_eq!(not(vec![failed("the second")], Some("the first")).await, "the first");
        let elsewhere = Event::Failed { site: Some("Mail".into()), reason: "no".into() };
        assert_eq!(not(vec![elsewhere], None).await, "the receiver has stopped");
    }
}
