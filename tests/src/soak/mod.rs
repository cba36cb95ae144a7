//! Everything together for a while: a stream of pushes, a network that breaks connections, and a receiver and a push
//! service whose power fails. In the end every push that was accepted is in the history once, and has been shown.

mod application_server;
mod ledger;
mod outages;
mod progress;

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use self::application_server::ApplicationServer;
use self::ledger::{Ledger, number};
use self::outages::{Receiver, Service};
use self::progress::Progress;
use crate::belfry::{Belfry, Run, is_a};
use crate::desk::Desk;
use crate::faults::{Fault, Figures, Framing, Proxy, Schedule};
use crate::port::Port;

/// Who pushes. The last one signs.
const SITES: [&str; 3] = ["Backups", "Builds", "Doors"];

/// How many frames pass between two faults, both directions counted: a second or two of a busy connection.
const SPACING: std::ops::Range<u32> = 0..30;

/// What to do.
#[derive(Debug, Clone)]
pub struct Soak {
    /// Decides what goes wrong, and when.
    pub seed: u64,
    /// Over how long the pushes are spread.
    pub span: Duration,
    /// How many pushes must be accepted.
    pub pushes: u32,
    /// How often the receiver's power fails.
    pub kills: u32,
    /// How often the push service's does.
    pub service_kills: u32,
    /// What goes wrong between them.
    pub faults: Vec<Fault>,
    /// What their connection carries.
    pub framing: Framing,
}

/// What has happened. Only a soak in which nothing was lost or doubled has one.
#[derive(Debug)]
pub struct Report {
    seed: u64,
    accepted: usize,
    unanswered: usize,
    kills: u32,
    service_kills: u32,
    /// What went wrong on the way.
    pub faults: Figures,
    /// Notifications shown again, each after a kill.
    pub repeated: u32,
    took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, accepted, unanswered, kills, service_kills, faults, repeated, took } = self;
        let seconds = took.as_secs();
        write!(
            f,
            "seed {seed}: {accepted} pushes accepted ({unanswered} more unanswered), {kills} kills, \
             {service_kills} of the service; faults: {faults}; notifications repeated: {repeated}; {seconds} s"
        )
    }
}

impl Soak {
    /// Does it. Fails with the seed when a push was lost or doubled, or something was written that must not be.
    pub async fn run(&self) -> Result<Report> {
        self.attempt().await.with_context(|| format!("with the seed {}", self.seed))
    }

    async fn attempt(&self) -> Result<Report> {
        let began = Instant::now();
        let mut desk = Desk::start().await?;
        let port = Port::reserve()?;
        let mut service = Service::start(&desk.session, &port, self.framing, self.seed).await?;
        let schedule = Schedule { seed: self.seed, faults: self.faults.clone(), spacing: SPACING };
        let proxy = Proxy::start(port.address(), self.framing, schedule)?;
        let url = proxy.url(&service.running()?.websocket)?;
        let belfry = desk.profile("p")?.trusting(service.running()?.ca.as_deref());
        let sites = ApplicationServer::pair(&belfry, &url, service.running()?).await?;

        let progress = Progress::new(self.pushes, self.kills, self.service_kills);
        let mut receiver = Receiver::new(&belfry, &mut desk.notifications, self.seed);
        proxy.break_things();
        let (ledger, (), ()) = tokio::try_join!(
            sites.push(self.seed, self.span, &progress),
            receiver.suffer(&progress),
            service.suffer(&progress),
        )?;
        proxy.heal();
        let mut run = receiver.start()?;
        settle(&belfry, &mut run, &ledger).await?;
        sites.farewell().await?;
        // Notifications are shown in order: once this one is, all before it are.
        receiver.shows(ledger::FAREWELL).await?;
        receiver.end(run).await?;

        let repeated = ledger.judge(&history(&belfry).await?, receiver.shown(), receiver.kills())?;
        let mut logs = receiver.into_logs();
        logs.extend(service.end().await?);
        sites.check_logs(&logs)?;
        Ok(Report {
            seed: self.seed,
            accepted: ledger.accepted(),
            unanswered: ledger.unanswered(),
            kills: self.kills,
            service_kills: self.service_kills,
            faults: proxy.figures(),
            repeated,
            took: began.elapsed(),
        })
    }
}

/// Waits until everything accepted is in the history.
async fn settle(belfry: &Belfry, run: &mut Run, ledger: &Ledger) -> Result<()> {
    // From here on, whatever is new comes with an event.
    run.next("connected").await?;
    let present: BTreeSet<u32> = history(belfry).await?.iter().filter_map(title_number).collect();
    let mut missing = ledger.missing(&present);
    while !missing.is_empty() {
        let count = missing.len();
        let event = run.event().await.with_context(|| format!("{count} are still to come: {missing:?}"))?;
        if is_a(&event, "push")
            && let Some(number) = title_number(&event)
        {
            missing.remove(&number);
        }
    }
    Ok(())
}

/// Everything in the history.
async fn history(belfry: &Belfry) -> Result<Vec<Value>> {
    belfry.json(["inbox", "--limit", "1000000"]).await
}

fn title_number(value: &Value) -> Option<u32> {
    number(value.get("title")?.as_str()?)
}
