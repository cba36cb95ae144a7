//! A receiver behind a network that breaks connections, one way at a time.

use anyhow::{Context as _, Result};
use belfry_tests::desk::{Desk, titled};
use belfry_tests::faults::{Fault, Framing, Proxy, Schedule};
use serde_json::Value;

/// Where a push service listens.
fn address(websocket: &str) -> Result<std::net::SocketAddr> {
    url::Url::parse(websocket)?.socket_addrs(|| None)?.first().copied().context("an address")
}

#[tokio::test]
async fn a_byte_altered_under_tls_ends_the_connection_and_the_push_arrives_by_the_next() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.tls_service().await?;
    let schedule = Schedule { seed: 3, faults: vec![Fault::Alter], spacing: 0..1 };
    let proxy = Proxy::start(address(&service.websocket)?, Framing::Tls, schedule)?;
    let belfry = desk.profile("p")?.trusting(service.ca.as_deref());
    let mut run = belfry.run(&["--push-service", &proxy.url(&service.websocket)?])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let to = desk.session.file("to.json", &subscription.line)?;
    let to = to.to_str().unwrap_or_default();

    for title in ["One", "Two", "Three"] {
        // The first record that comes is the push's.
        let before = proxy.figures().count(Fault::Alter);
        proxy.break_things();
        belfry.feed(["send", "--to", to, "--payload", "-"], &titled(title)).await?;
        proxy.happened(Fault::Alter, before + 1).await?;
        proxy.heal();
        let reason = run.next("disconnected").await?["reason"].as_str().unwrap_or_default().to_owned();
        assert!(reason.contains("peer's message"), "{reason}");
        assert_eq!(run.next("push").await?["title"], title);
        assert_eq!(desk.notifications.next().await?.summary, title);
    }
    let titles: Vec<Value> =
        belfry.json(["inbox"]).await?.iter().map(|entry| entry["title"].clone()).collect();
    assert_eq!(titles, ["Three", "Two", "One"]);
    Ok(())
}
