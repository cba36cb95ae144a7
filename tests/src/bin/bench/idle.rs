//! User agents that are connected and do nothing.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};
use belfry_tests::autopush::UserAgent;
use belfry_tests::belfry::PushService;
use belfry_tests::session::Session;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::service::Memory;
use crate::{data_folder, service};

/// How many connect at the same time.
const AT_ONCE: usize = 32;

/// How long the push service may tidy up before its memory is read.
const REST: Duration = Duration::from_secs(3);

/// What so many take.
#[derive(Debug)]
pub(crate) struct Idle {
    sockets: usize,
    program: u64,
    before: Memory,
    after: Memory,
}

/// Lets them register with one run of the push service, and connects them to the next, which then has nothing to remember
/// but them.
pub(crate) async fn measure(session: &Session, sockets: usize) -> Result<Idle> {
    let folder = data_folder()?;
    let data = folder.path().join("data");
    let service = PushService::start(session, &data, &[]).await?;
    let registrations = stream::iter(0..sockets).map(async |_| {
        let mut user_agent = UserAgent::connect(&service.websocket, None).await?;
        user_agent.register(None).await?;
        anyhow::Ok(user_agent.uaid)
    });
    let uaids: Vec<_> = registrations.buffer_unordered(AT_ONCE).try_collect().await?;
    service.kill().await?;

    let service = PushService::start(session, &data, &[]).await?;
    tokio::time::sleep(REST).await;
    let before = service::memory(service.id()?)?;
    let connections = stream::iter(&uaids).map(async |uaid| {
        let user_agent = UserAgent::connect(&service.websocket, Some(uaid)).await?;
        ensure!(user_agent.uaid == *uaid, "a user agent was forgotten");
        Ok(user_agent)
    });
    let mut user_agents: Vec<_> = connections.buffer_unordered(AT_ONCE).try_collect().await?;
    tokio::time::sleep(REST).await;
    let after = service::memory(service.id()?)?;
    for user_agent in &mut user_agents {
        user_agent.settle().await?;
    }
    let program = std::fs::metadata(belfry_tests::belfry::sibling("belfry")?)?.len() / 1024;
    service.kill().await?;
    Ok(Idle { sockets, program, before, after })
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sockets, program, before, after } = self;
        let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / *sockets as f64;
        writeln!(f, "the program: {:.1} MB", *program as f64 / 1024.0)?;
        writeln!(f, "idle, nobody connected: RSS {} KB, PSS {} KB", before.rss, before.pss)?;
        writeln!(f, "{sockets} idle user agents:  RSS {} KB, PSS {} KB", after.rss, after.pss)?;
        let (rss, pss) = (each(after.rss, before.rss), each(after.pss, before.pss));
        write!(f, "for each of them: RSS {rss:.1} KB, PSS {pss:.1} KB")
    }
}
