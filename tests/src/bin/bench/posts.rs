//! Messages: stored, stored and delivered, delivered without being stored.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use belfry_tests::autopush::UserAgent;
use belfry_tests::belfry::{PushService, sibling};
use belfry_tests::process::Process;
use belfry_tests::session::Session;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webpush::vapid::VapidKey;

use crate::wrk::Load;
use crate::{Arguments, data_folder, service, wrk};

/// How many user agents share the stored messages: none of them may have more than the service keeps for one.
const AWAY: usize = 500;

/// How long nothing may have been delivered before nothing more is expected.
const LULL: Duration = Duration::from_secs(2);

pub(crate) const HEADING: &str = "                                 per second    p50       p99       max    CPU each     peak  load before";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// An endpoint that does nothing.
    Trivial,
    /// For user agents that are away.
    Stored,
    /// The same, on endpoints restricted to one application server, which signs.
    Signed,
    /// All for one that is away, so that each new message drops the oldest.
    Overflowing,
    /// For one that is connected and acknowledges.
    Delivered,
    /// For one that is connected, with TTL 0.
    Online,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Figures {
    scenario: Scenario,
    load: Load,
    /// Of the service, for each message.
    cpu: Duration,
    /// Kilobytes.
    peak: u64,
    delivered: Option<u64>,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] =
        [Self::Trivial, Self::Stored, Self::Signed, Self::Overflowing, Self::Delivered, Self::Online];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trivial => "nothing but 201",
            Self::Stored => "stored",
            Self::Signed => "stored, signed (VAPID)",
            Self::Overflowing => "stored, dropping the oldest",
            Self::Delivered => "stored and delivered",
            Self::Online => "delivered, TTL 0",
        }
    }

    pub(crate) async fn measure(self, session: &Session, arguments: &Arguments) -> Result<Figures> {
        let folder = data_folder()?;
        if self == Self::Trivial {
            return trivial(session, folder.path(), arguments).await;
        }
        let data = folder.path().join("data");
        let service = PushService::start(session, &data, &[]).await?;
        let away = match self {
            Self::Stored | Self::Signed => AWAY,
            Self::Overflowing => 1,
            Self::Trivial | Self::Delivered | Self::Online => 0,
        };
        let key = VapidKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
        let restricted_to = (self == Self::Signed).then(|| key.public().to_string());
        let mut endpoints = Vec::new();
        for _ in 0..away {
            let mut user_agent = UserAgent::connect(&service.websocket, None).await?;
            endpoints.push(user_agent.register(restricted_to.as_deref()).await?);
            user_agent.close().await?;
        }
        let mut receiver = None;
        if away == 0 {
            let mut user_agent = UserAgent::connect(&service.websocket, None).await?;
            endpoints.push(user_agent.register(None).await?);
            receiver = Some(Receiver::start(user_agent, self == Self::Delivered));
        }

        let before = service::cpu(service.id()?)?;
        let ttl = if self == Self::Online { 0 } else { 86_400 };
        let authorization = if self == Self::Signed {
            let expires = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 3_600;
            Some(key.authorization(service.endpoint.trim_end_matches('/'), expires, None))
        } else {
            None
        };
        let posts = wrk::Posts { endpoints: &endpoints, ttl, authorization };
        let load = posts.send(folder.path(), arguments.connections, arguments.seconds).await?;
        let delivered = match receiver {
            Some(receiver) => Some(receiver.finish().await?),
            None => None,
        };
        let cpu = service::cpu(service.id()?)? - before;
        let peak = service::peak(service.id()?)?;
        let stored = stored(&data)?;
        // Messages that were under way when the time was up may be there as well.
        let all = load.answered..=load.answered + u64::from(arguments.connections);
        match self {
            Self::Stored | Self::Signed => {
                ensure!(all.contains(&stored), "{stored} of {} are stored", load.answered)
            }
            Self::Overflowing => ensure!(stored == 1000, "{stored} are stored"),
            Self::Delivered => ensure!(
                stored == 0 && delivered.is_some_and(|delivered| all.contains(&delivered)),
                "{delivered:?} of {} were delivered, {stored} are left",
                load.answered
            ),
            Self::Online => ensure!(stored == 0, "{stored} are stored"),
            Self::Trivial => {}
        }
        service.kill().await?;
        let each = cpu.div_f64(load.answered.max(1) as f64);
        Ok(Figures { scenario: self, load, cpu: each, peak, delivered })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let Self { scenario, load, cpu, peak, delivered } = self;
        write!(
            f,
            "{:<30} {:>9.0}/s  {:>6.2} ms  {:>6.2} ms  {:>6.1} ms  {:>5} µs  {:>4} MB",
            scenario.name(),
            load.rate(),
            millis(load.median),
            millis(load.p99),
            millis(load.max),
            cpu.as_micros(),
            peak.div_ceil(1024),
        )?;
        match delivered {
            Some(delivered) if *delivered < load.answered => {
                write!(f, "  {} of {} dropped", load.answered - delivered, load.answered)
            }
            Some(_) | None => Ok(()),
        }
    }
}

async fn trivial(session: &Session, folder: &Path, arguments: &Arguments) -> Result<Figures> {
    let mut process = Process::start(&sibling("bench")?, ["--trivial"], session.environment())?;
    let address = process.line().await?;
    let before = service::cpu(process.id()?)?;
    let endpoints = [format!("http://{address}/{}", "A".repeat(52))];
    let posts = wrk::Posts { endpoints: &endpoints, ttl: 60, authorization: None };
    let load = posts.send(folder, arguments.connections, arguments.seconds).await?;
    let cpu = (service::cpu(process.id()?)? - before).div_f64(load.answered.max(1) as f64);
    let peak = service::peak(process.id()?)?;
    process.kill().await?;
    Ok(Figures { scenario: Scenario::Trivial, load, cpu, peak, delivered: None })
}

fn stored(data: &Path) -> Result<u64> {
    let database = rusqlite::Connection::open(data.join("push-service.sqlite3"))?;
    let count: i64 = database.query_row("SELECT count(*) FROM message", (), |row| row.get(0))?;
    Ok(count.try_into()?)
}

/// A connected user agent that counts.
struct Receiver {
    received: watch::Receiver<u64>,
    task: JoinHandle<Result<()>>,
}

impl Receiver {
    fn start(mut user_agent: UserAgent, acknowledges: bool) -> Self {
        let (count, received) = watch::channel(0);
        let task = tokio::spawn(async move {
            loop {
                if acknowledges {
                    let push = user_agent.push().await?;
                    user_agent.acknowledge([push.version]).await?;
                } else {
                    ensure!(user_agent.frame().await?.as_ref().contains("notification"), "another message");
                }
                count.send_modify(|count| *count += 1);
            }
        });
        Self { received, task }
    }

    /// Waits until no more come. Returns how many did.
    async fn finish(mut self) -> Result<u64> {
        loop {
            let before = *self.received.borrow_and_update();
            match timeout(LULL, self.received.changed()).await {
                Ok(changed) => changed.context("the user agent's connection ended")?,
                Err(_) => {
                    self.task.abort();
                    return Ok(before);
                }
            }
        }
    }
}
