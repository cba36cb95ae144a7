//! The application servers of a soak: they post straight to the push service, past the bad network.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use fastrand::Rng;
use futures_util::future::try_join_all;
use reqwest::{Certificate, Client, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use webpush::application_server::{Identity, Push};
use webpush::vapid::VapidKey;
use webpush::{Ttl, Urgency};

use super::SITES;
use super::ledger::{FAREWELL, Ledger, PREFIX, title};
use super::progress::Progress;
use crate::belfry::{Belfry, PushService, Subscription};
use crate::desk::declarative;

/// How many post at the same time.
const SENDERS: u64 = 4;

/// In every push, and never in a log.
const MARK: &str = "nightingale";

/// The longest text of a push, in bytes: with what surrounds it about as much as may be posted.
const LONGEST: usize = 3_500;

#[derive(Debug)]
pub(super) struct ApplicationServer {
    client: Client,
    subscriptions: Vec<Subscription>,
    /// That of the last site.
    key: VapidKey,
}

/// What those who post at the same time share.
struct Stream {
    began: Instant,
    pause: Duration,
    /// The last number given to a push.
    last: Cell<u32>,
    ledger: RefCell<Ledger>,
}

impl ApplicationServer {
    /// Adds the sites through a network that still works, and keeps their subscriptions.
    pub(super) async fn pair(belfry: &Belfry, url: &str, service: &PushService) -> Result<Self> {
        let key = VapidKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
        let public = key.public().to_string();
        let mut run = belfry.run(&["--push-service", url])?;
        run.next("connected").await?;
        let mut subscriptions = Vec::new();
        for (index, site) in SITES.iter().enumerate() {
            let restricted = ["--vapid-key", public.as_str()];
            let options = if index + 1 == SITES.len() { &restricted[..] } else { &[] };
            subscriptions.push(belfry.add_site(site, options).await?);
            // Otherwise many at once would be summed up, and not each be shown.
            belfry.command(["site", "set", site, "burst=off"]).await?;
        }
        let (status, stderr) = run.terminate().await?;
        ensure!(status.success(), "{status}: {stderr}");
        Ok(Self { client: client(service.ca.as_deref())?, subscriptions, key })
    }

    /// Posts until as many as wanted have been accepted.
    pub(super) async fn push(&self, seed: u64, span: Duration, progress: &Progress) -> Result<Ledger> {
        let stream = Stream {
            began: Instant::now(),
            pause: span / progress.pushes.max(1),
            last: Cell::new(0),
            ledger: RefCell::default(),
        };
        let senders = (0..SENDERS).map(|sender| {
            let rng = Rng::with_seed(seed.wrapping_add(sender));
            self.keep_pushing(&stream, rng, progress)
        });
        try_join_all(senders).await?;
        Ok(stream.ledger.into_inner())
    }

    async fn keep_pushing(&self, stream: &Stream, mut rng: Rng, progress: &Progress) -> Result<()> {
        loop {
            progress.may_push().await?;
            sleep_until(stream.began + stream.pause * progress.accepted()).await;
            if progress.accepted() >= progress.pushes {
                return Ok(());
            }
            let number = stream.last.get() + 1;
            stream.last.set(number);
            let service = progress.service();
            let body = format!("{MARK} {}", "x".repeat(rng.usize(0..LONGEST)));
            if self.post(&title(number), &body, &mut rng).await? {
                stream.ledger.borrow_mut().accept(number);
                progress.accept();
            } else {
                stream.ledger.borrow_mut().leave_open(number);
                progress.service_is_back(service).await?;
            }
        }
    }

    /// One last push.
    pub(super) async fn farewell(&self) -> Result<()> {
        ensure!(self.post(FAREWELL, MARK, &mut Rng::with_seed(0)).await?, "the push service did not answer");
        Ok(())
    }

    /// Nothing of a subscription or a push, and no panic, has reached a log.
    pub(super) fn check_logs(&self, logs: &[String]) -> Result<()> {
        let mut forbidden = vec![
            ("a panic", "panicked".to_owned()),
            ("a payload", MARK.to_owned()),
            ("a title", format!("{PREFIX}0")),
        ];
        for Subscription { line, parsed } in &self.subscriptions {
            let token = parsed.endpoint.url().path_segments().and_then(|mut path| path.next_back());
            forbidden.push(("an endpoint", token.context("an endpoint with a path")?.to_owned()));
            let json: Value = serde_json::from_str(line)?;
            for name in ["p256dh", "auth"] {
                let key = json.pointer(&format!("/keys/{name}")).and_then(Value::as_str);
                forbidden.push(("a key", key.context("a key")?.to_owned()));
            }
        }
        for line in logs.iter().flat_map(|log| log.lines()) {
            for (what, text) in &forbidden {
                ensure!(!line.contains(text), "{what} was logged: {line}");
            }
        }
        Ok(())
    }

    /// Whether it was accepted; `false`: there was no answer.
    async fn post(&self, title: &str, body: &str, rng: &mut Rng) -> Result<bool> {
        let index = rng.usize(0..self.subscriptions.len());
        let subscription = self.subscriptions.get(index).context("a subscription")?;
        let document = declarative(title, "https://example.com/", json!({ "body": body }));
        let is_last = index + 1 == self.subscriptions.len();
        let expires = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 3_600;
        let push = Push {
            subscription: &subscription.parsed,
            payload: document.as_bytes(),
            ttl: Ttl::from_seconds(86_400),
            urgency: rng.choice([Urgency::VeryLow, Urgency::Normal, Urgency::High]).unwrap_or_default(),
            topic: None,
            identity: is_last.then_some(Identity { key: &self.key, subject: None, expires }),
        };
        match self.client.execute(push.request()?.try_into()?).await {
            Ok(answer) if answer.status() == StatusCode::CREATED => Ok(true),
            Ok(answer) => bail!("{title} was answered {}", answer.status()),
            // It may have been accepted all the same.
            Err(_) => Ok(false),
        }
    }
}

fn client(ca: Option<&Path>) -> Result<Client> {
    let mut client = crate::http_client_that_never_repeats();
    if let Some(ca) = ca {
        client = client.add_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?);
    }
    Ok(client.build()?)
}
