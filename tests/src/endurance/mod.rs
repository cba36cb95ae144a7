//! The push service by itself, under load, while its power fails again and again. In the end everything it has accepted
//! is delivered, with one version, however often.

mod ledger;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use fastrand::Rng;
use futures_util::future::try_join_all;
use reqwest::{Client, StatusCode};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use webpush::{MessageVersion, PushMessage};

use self::ledger::Ledger;
use crate::autopush::UserAgent;
use crate::belfry::PushService;
use crate::port::Port;
use crate::process::PATIENCE;
use crate::session::Session;

/// How many post at the same time.
const SENDERS: usize = 8;

/// To how many.
const USER_AGENTS: usize = 4;

/// How many may be owed to one of them: well below what the push service keeps for one.
const MOST_OWED: usize = 500;

/// The longest body, in bytes.
const LONGEST: usize = 4_000;

/// How long nothing may have come before a user agent acknowledges what it has.
const LULL: Duration = Duration::from_millis(20);

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Endurance {
    /// Decides what happens when.
    pub seed: u64,
    /// How often the power fails.
    pub kills: u32,
}

/// What has happened. Only one in which nothing was lost or renamed has a report.
#[derive(Debug)]
pub struct Report {
    seed: u64,
    accepted: usize,
    unanswered: usize,
    redelivered: usize,
    kills: u32,
    took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, accepted, unanswered, redelivered, kills, took } = self;
        write!(
            f,
            "seed {seed}: {kills} kills of the push service under load; {accepted} messages accepted ({unanswered} \
             more unanswered), each delivered with one version, {redelivered} of them more than once; {} s",
            took.as_secs()
        )
    }
}

/// Where everything stands.
struct Course {
    ledger: RefCell<Ledger>,
    accepted: watch::Sender<usize>,
    delivered: watch::Sender<usize>,
    /// Which run of the push service; `None`: it is down.
    run: watch::Sender<Option<u32>>,
    /// The last failure has been.
    over: watch::Sender<bool>,
    /// Nothing more is posted.
    posted: Cell<bool>,
}

impl Endurance {
    /// Does it. Fails with the seed when something was lost or had two versions.
    pub async fn run(&self) -> Result<Report> {
        self.attempt().await.with_context(|| format!("with the seed {}", self.seed))
    }

    async fn attempt(&self) -> Result<Report> {
        let began = Instant::now();
        let session = Session::without_keyring().await?;
        let port = Port::reserve()?;
        let address = format!("http://{}/", port.address());
        let data = session.folder().join("push-service");
        let service = PushService::restart(&session, &data, &address, &[]).await?;
        let url = service.websocket.clone();
        let mut user_agents = Vec::new();
        for _ in 0..USER_AGENTS {
            let mut user_agent = UserAgent::connect(&url, None).await?;
            let endpoint = user_agent.register(None).await?;
            user_agents.push((user_agent.uaid.clone(), endpoint));
            user_agent.close().await?;
        }
        let endpoints: Vec<_> = user_agents.iter().map(|(_, endpoint)| endpoint.clone()).collect();
        let client = crate::http_client_that_never_repeats().build()?;

        let course = Course {
            ledger: RefCell::default(),
            accepted: watch::Sender::new(0),
            delivered: watch::Sender::new(0),
            run: watch::Sender::new(Some(0)),
            over: watch::Sender::new(false),
            posted: Cell::new(false),
        };
        let rng = |number: usize| Rng::with_seed(self.seed.wrapping_add(number as u64));
        let senders = (0..SENDERS).map(|number| course.post(&client, &endpoints, rng(number)));
        let posting = async {
            try_join_all(senders).await?;
            course.posted.set(true);
            Ok(())
        };
        let receiving = user_agents
            .iter()
            .enumerate()
            .map(|(index, (uaid, _))| course.receive(index, &url, uaid, rng(SENDERS + index)));
        let power = Power { session: &session, data, address, rng: rng(SENDERS + USER_AGENTS) };
        let failing = power.fail(service, self.kills, &course);
        let (service, (), _) = tokio::try_join!(failing, posting, try_join_all(receiving))?;
        service.kill().await?;
        let ledger = course.ledger.into_inner();
        Ok(Report {
            seed: self.seed,
            accepted: ledger.accepted(),
            unanswered: ledger.unanswered(),
            redelivered: ledger.redelivered(),
            kills: self.kills,
            took: began.elapsed(),
        })
    }
}

/// What comes and goes.
struct Power<'a> {
    session: &'a Session,
    data: PathBuf,
    address: String,
    rng: Rng,
}

impl Power<'_> {
    /// Fails as often as it has to, always while messages are accepted. Returns the last run of the push service.
    async fn fail(mut self, mut service: PushService, kills: u32, course: &Course) -> Result<PushService> {
        for run in 1..=kills {
            let so_far = *course.accepted.borrow();
            let more = self.rng.usize(1..200);
            let under_way = |accepted: &usize| *accepted >= so_far + more;
            timeout(PATIENCE, course.accepted.subscribe().wait_for(under_way)).await.context("no load")??;
            sleep(Duration::from_micros(self.rng.u64(0..3_000))).await;
            course.run.send_replace(None);
            service.kill().await?;
            sleep(Duration::from_millis(self.rng.u64(0..50))).await;
            service = PushService::restart(self.session, &self.data, &self.address, &[]).await?;
            course.run.send_replace(Some(run));
        }
        course.over.send_replace(true);
        Ok(service)
    }
}

impl Course {
    /// Posts until it is over.
    async fn post(&self, client: &Client, endpoints: &[String], mut rng: Rng) -> Result<()> {
        while !*self.over.borrow() {
            let user_agent = rng.usize(0..endpoints.len());
            let endpoint = endpoints.get(user_agent).context("an endpoint")?;
            let settled =
                |_: &usize| self.ledger.borrow().owed(user_agent) < MOST_OWED || *self.over.borrow();
            timeout(PATIENCE, self.delivered.subscribe().wait_for(settled))
                .await
                .context("no delivery")??;
            let stored = rng.u8(0..10) > 0;
            let number = self.ledger.borrow_mut().post(user_agent, stored);
            let body = format!("{number} {}", "x".repeat(rng.usize(0..LONGEST)));
            let run = *self.run.borrow();
            let request = client.post(endpoint).header("content-encoding", "aes128gcm").body(body);
            match request.header("ttl", if stored { "3600" } else { "0" }).send().await {
                Ok(answer) if answer.status() == StatusCode::CREATED => {
                    let location = answer.headers().get("location").context("a location")?.to_str()?;
                    let version = location.rsplit('/').next().context("a message id")?;
                    self.ledger.borrow_mut().accept(number, version)?;
                    self.accepted.send_modify(|accepted| *accepted += 1);
                }
                Ok(answer) => bail!("message {number} was answered {}", answer.status()),
                // It may have been accepted all the same.
                Err(_) => self.power_is_back(run).await?,
            }
        }
        Ok(())
    }

    /// Comes and goes until it is over, and then stays until it has everything it is owed.
    async fn receive(&self, index: usize, url: &str, uaid: &str, mut rng: Rng) -> Result<()> {
        loop {
            let run = *self.run.borrow();
            match UserAgent::connect(url, Some(uaid)).await {
                Ok(mut user_agent) => {
                    ensure!(user_agent.uaid == uaid, "the push service has forgotten user agent {index}");
                    match self.stay(index, &mut user_agent, &mut rng).await? {
                        Stay::Done => return Ok(()),
                        Stay::Left => sleep(Duration::from_millis(rng.u64(0..200))).await,
                        Stay::Dropped => self.power_is_back(run).await?,
                    }
                }
                Err(_) => self.power_is_back(run).await?,
            }
        }
    }

    async fn stay(&self, index: usize, user_agent: &mut UserAgent, rng: &mut Rng) -> Result<Stay> {
        let mut left = rng.u32(1..300);
        let mut unacknowledged: Vec<MessageVersion> = Vec::new();
        loop {
            match timeout(LULL, user_agent.push()).await {
                Ok(Ok(push)) => {
                    self.deliver(index, &push)?;
                    unacknowledged.push(push.version);
                    left = left.saturating_sub(1);
                    // What is left unacknowledged comes again.
                    if left == 0 && !*self.over.borrow() {
                        return Ok(Stay::Left);
                    }
                    if rng.u8(0..4) > 0 {
                        continue;
                    }
                }
                Ok(Err(_)) => return Ok(Stay::Dropped),
                Err(_) if unacknowledged.is_empty() => {
                    if self.posted.get() && self.ledger.borrow().owed(index) == 0 {
                        return Ok(Stay::Done);
                    }
                    continue;
                }
                Err(_) => {}
            }
            if user_agent.acknowledge(unacknowledged.drain(..)).await.is_err() {
                return Ok(Stay::Dropped);
            }
        }
    }

    fn deliver(&self, index: usize, push: &PushMessage) -> Result<()> {
        let body = push.content.as_ref().and_then(|content| content.data.as_deref()).context("a body")?;
        let number = std::str::from_utf8(body)?.split(' ').next().context("a number")?.parse()?;
        self.ledger.borrow_mut().deliver(index, number, push.version.as_str())?;
        self.delivered.send_modify(|delivered| *delivered += 1);
        Ok(())
    }

    /// Returns once the push service is back after the run it failed in; an error if that one has not ended.
    async fn power_is_back(&self, before: Option<u32>) -> Result<()> {
        let mut run = self.run.subscribe();
        let back = run.wait_for(|run| run.is_some() && *run != before);
        timeout(PATIENCE, back)
            .await
            .context("the push service did not answer, though nobody killed it")??;
        Ok(())
    }
}

/// How a user agent's connection ended.
enum Stay {
    /// It has everything.
    Done,
    /// It went away by itself.
    Left,
    /// The push service is gone.
    Dropped,
}
