//! Power failures: of the receiver, and of the push service.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use super::progress::Progress;
use crate::belfry::{Belfry, PushService, Run, is_a};
use crate::faults::Framing;
use crate::notifications::NotificationServer;
use crate::port::Port;
use crate::session::Session;

/// How long a receiver that is to die after some pushes may take to receive or show them.
const UNTIL_PUSHES: Duration = Duration::from_secs(5);

/// The receiver, again and again.
#[derive(Debug)]
pub(super) struct Receiver<'a> {
    belfry: &'a Belfry,
    notifications: &'a mut NotificationServer,
    /// Titles of notifications, in order.
    shown: Vec<String>,
    rng: Rng,
    kills: u32,
    logs: Vec<String>,
}

/// When a receiver dies.
enum Death {
    /// At this time.
    At(Instant),
    /// After so many pushes were received, or at this time.
    AfterPushes(u32, Instant),
    /// After so many were shown, or at this time.
    AfterNotifications(u32, Instant),
}

impl<'a> Receiver<'a> {
    pub(super) fn new(belfry: &'a Belfry, notifications: &'a mut NotificationServer, seed: u64) -> Self {
        let rng = Rng::with_seed(seed ^ 0x5eed);
        Self { belfry, notifications, shown: Vec::new(), rng, kills: 0, logs: Vec::new() }
    }

    /// Runs and dies as often as it has to.
    pub(super) async fn suffer(&mut self, progress: &Progress) -> Result<()> {
        while !progress.kills.is_over() {
            let mut run = self.start()?;
            self.receive(&mut run, progress).await?;
            self.kill(run).await?;
            progress.kills.happened();
        }
        Ok(())
    }

    /// A run of it. It connects at once, whatever the one before was waiting for.
    pub(super) fn start(&self) -> Result<Run> {
        self.belfry.run(&["-v"])
    }

    /// Ends a run in an orderly way.
    pub(super) async fn end(&mut self, run: Run) -> Result<()> {
        let (status, stderr) = run.terminate().await?;
        ensure!(status.success(), "the receiver ended with {status}: {stderr}");
        self.logs.push(stderr);
        Ok(())
    }

    /// Returns once a notification with this title has been shown.
    pub(super) async fn shows(&mut self, title: &str) -> Result<()> {
        while self.shown.last().is_none_or(|shown| shown != title) {
            let notification = self.notifications.next().await;
            let count = self.shown.len();
            let notification = notification.with_context(|| format!("{title:?} after {count} others"))?;
            self.shown.push(notification.summary);
        }
        Ok(())
    }

    /// What has been shown.
    pub(super) fn shown(&self) -> &[String] {
        &self.shown
    }

    /// How often it has been killed.
    pub(super) fn kills(&self) -> u32 {
        self.kills
    }

    /// Everything it wrote to stderr.
    pub(super) fn into_logs(self) -> Vec<String> {
        self.logs
    }

    async fn kill(&mut self, run: Run) -> Result<()> {
        self.logs.push(run.kill().await?);
        self.kills += 1;
        Ok(())
    }

    /// Returns at the moment of death, which may come before it is connected.
    async fn receive(&mut self, run: &mut Run, progress: &Progress) -> Result<()> {
        let mut rng = self.rng.fork();
        let due = progress.next(&progress.kills, &mut rng);
        tokio::pin!(due);
        let mut death = None;
        loop {
            let at = match &death {
                None => None,
                Some(Death::AfterPushes(0, _) | Death::AfterNotifications(0, _)) => return Ok(()),
                Some(Death::At(at) | Death::AfterPushes(_, at) | Death::AfterNotifications(_, at)) => {
                    Some(*at)
                }
            };
            tokio::select! {
                event = run.event() => {
                    let event = event?;
                    if let Some(Death::AfterPushes(left, _)) = &mut death
                        && is_a(&event, "push")
                    {
                        *left -= 1;
                    }
                }
                notification = self.notifications.next() => {
                    self.shown.push(notification?.summary);
                    if let Some(Death::AfterNotifications(left, _)) = &mut death {
                        *left -= 1;
                    }
                }
                next = &mut due, if death.is_none() => {
                    ensure!(next?, "a power failure too many");
                    death = Some(self.death());
                }
                () = async { sleep_until(at.unwrap_or_else(Instant::now)).await }, if at.is_some() => return Ok(()),
            }
        }
    }

    fn death(&mut self) -> Death {
        match self.rng.u8(0..3) {
            0 => Death::At(Instant::now() + Duration::from_micros(self.rng.u64(0..500_000))),
            1 => Death::AfterPushes(self.rng.u32(1..10), Instant::now() + UNTIL_PUSHES),
            _ => Death::AfterNotifications(self.rng.u32(1..10), Instant::now() + UNTIL_PUSHES),
        }
    }
}

/// The push service, again and again at the same address with the same data.
#[derive(Debug)]
pub(super) struct Service<'a> {
    session: &'a Session,
    data: PathBuf,
    address: String,
    options: Vec<&'static str>,
    running: Option<PushService>,
    rng: Rng,
    logs: Vec<String>,
}

impl<'a> Service<'a> {
    pub(super) async fn start(
        session: &'a Session,
        port: &Port,
        framing: Framing,
        seed: u64,
    ) -> Result<Self> {
        let mut options = vec!["-v"];
        if framing == Framing::Tls {
            options.extend(["--tls", "auto"]);
        }
        let mut service = Self {
            session,
            data: session.folder().join("push-service"),
            address: format!("http://{}/", port.address()),
            options,
            running: None,
            rng: Rng::with_seed(seed ^ 0xf001),
            logs: Vec::new(),
        };
        service.restart().await?;
        Ok(service)
    }

    pub(super) fn running(&self) -> Result<&PushService> {
        self.running.as_ref().context("the push service is down")
    }

    /// Dies and comes back as often as it has to.
    pub(super) async fn suffer(&mut self, progress: &Progress) -> Result<()> {
        while progress.next(&progress.service_kills, &mut self.rng).await? {
            sleep(Duration::from_micros(self.rng.u64(0..50_000))).await;
            progress.service_is_down();
            self.kill().await?;
            sleep(Duration::from_millis(self.rng.u64(0..200))).await;
            self.restart().await?;
            progress.service_is_up();
            progress.service_kills.happened();
        }
        Ok(())
    }

    /// Ends it. Returns everything it wrote to stderr.
    pub(super) async fn end(mut self) -> Result<Vec<String>> {
        self.kill().await?;
        Ok(self.logs)
    }

    async fn kill(&mut self) -> Result<()> {
        let running = self.running.take().context("the push service is down")?;
        self.logs.push(running.kill().await?);
        Ok(())
    }

    async fn restart(&mut self) -> Result<()> {
        let started = PushService::restart(self.session, &self.data, &self.address, &self.options).await?;
        self.running = Some(started);
        Ok(())
    }
}
