//! The example application server: pasted, sent, shown.

use anyhow::{Context as _, Result};
use belfry_tests::belfry::sibling;
use belfry_tests::desk::Desk;
use belfry_tests::process::Process;

#[tokio::test]
async fn a_subscription_pasted_into_the_example_site_is_sent_to_until_it_ends() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.tls_service().await?;
    let ca = service.ca.as_deref().context("a certificate authority")?;
    let belfry = desk.profile("p")?.trusting(Some(ca));
    let _run = desk.run(&belfry, &service).await?;

    let data = desk.session.folder().join("site");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().context("a path")?,
        "--ca",
        ca.to_str().context("a path")?,
    ];
    let mut site = Process::start(&sibling("example-site")?, arguments, desk.session.environment())?;
    let url = site
        .line()
        .await?
        .split_once("http://")
        .map(|(_, rest)| format!("http://{rest}"))
        .context("its URL")?;
    let public_key = site.line().await?.rsplit(' ').next().context("its key")?.to_owned();
    let subscription = belfry.add_site("Example", &["--vapid-key", &public_key]).await?;

    let http = belfry_tests::http()?;
    let page = http.get(&url).send().await?.text().await?;
    assert!(page.contains(&public_key) && page.contains("Nobody yet"), "{page}");
    let subscribe = [("name", "Work <computer>"), ("subscription", subscription.line.as_str())];
    let page = http.post(format!("{url}subscriptions")).form(&subscribe).send().await?.text().await?;
    assert!(page.contains("Work &lt;computer&gt;") && !page.contains("Nobody yet"), "{page}");

    let message = [
        ("title", "Backup finished"),
        ("body", "42 GB in 12 minutes"),
        ("link", "https://example.com/backups"),
        ("button1", "Show log"),
        ("link1", "https://example.com/log"),
        ("button2", ""),
        ("link2", ""),
    ];
    let own = url.trim_end_matches('/');
    let send = |origin| http.post(format!("{url}send")).header("Origin", origin).form(&message);
    let page = send(own).send().await?.text().await?;
    assert!(page.contains("Accepted (201)"), "{page}");
    let shown = desk.notifications.next().await?;
    assert_eq!((shown.summary.as_str(), shown.buttons()), ("Backup finished", vec!["Show log"]));
    assert!(shown.body.ends_with("42 GB in 12 minutes"), "{}", shown.body);
    desk.notifications.press(&shown, "Show log").await?;
    assert_eq!(desk.opener.next().await?.arguments, "https://example.com/log");

    let elsewhere = send("https://elsewhere.example").send().await?;
    assert_eq!(elsewhere.status(), 403);

    belfry.command(["site", "remove", "Example", "--yes"]).await?;
    let page = send(own).send().await?.text().await?;
    assert!(page.contains("Has ended (410)"), "{page}");
    assert!(http.get(&url).send().await?.text().await?.contains("Nobody yet"));
    assert!(desk.notifications.already_shown().is_none());
    Ok(())
}
