//! What is shown of what arrives.

use anyhow::Result;
use belfry_tests::belfry::Belfry;
use belfry_tests::desk::{Desk, titled};

async fn setting(belfry: &Belfry, key: &str) -> Result<String> {
    Ok(belfry.command(["config", "get", key]).await?.trim().to_owned())
}

#[tokio::test]
async fn a_burst_becomes_a_few_notifications_and_one_that_counts_the_rest() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    // However slowly they come.
    belfry.command(["site", "set", "Backups", "burst=5/3600"]).await?;
    for number in 0..17 {
        desk.send(&subscription, &titled(&format!("Push {number}"))).await?;
    }
    for number in 0..5 {
        assert_eq!(desk.notifications.next().await?.summary, format!("Push {number}"));
    }
    let last = loop {
        let shown = desk.notifications.next().await?;
        assert!(shown.summary.ends_with(" more from Backups"), "{shown:?}");
        assert!(shown.is_silenced() && shown.is_clickable());
        if shown.summary.starts_with("12 ") {
            break shown;
        }
    };
    assert!(last.body.contains("Push 16"), "{last:?}");
    assert_eq!(desk.notifications.on_screen(), 6, "it was replaced as it grew");
    assert_eq!(belfry.json(["inbox"]).await?.len(), 17);
    Ok(())
}

#[tokio::test]
async fn a_snoozed_site_is_quiet_until_somebody_wakes_it() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let site = belfry.json(["site", "set", "Backups", "snooze=1h"]).await?.remove(0);
    assert!(site["snoozed_until"].is_string() && site.get("subscription").is_none(), "{site}");
    desk.send(&subscription, &titled("Asleep")).await?;
    assert_eq!(run.next("push").await?["disposition"], "recorded");
    belfry.command(["site", "set", "Backups", "snooze=off", "sound=off"]).await?;
    desk.send(&subscription, &titled("Awake")).await?;
    let shown = desk.notifications.next().await?;
    assert_eq!((shown.summary.as_str(), shown.is_silenced()), ("Awake", true));
    assert_eq!(belfry.json(["inbox"]).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn do_not_disturb_by_the_clock_lets_through_what_may_pass() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Alarm", &[]).await?;
    assert_eq!(setting(&belfry, "dnd-schedule").await?, "off");
    // All day long.
    belfry.command(["config", "set", "dnd-schedule", "00:00-00:00,mon-sun"]).await?;
    assert_eq!(setting(&belfry, "dnd-schedule").await?, "00:00-00:00");
    desk.send(&subscription, &titled("Unheard")).await?;
    assert_eq!(run.next("push").await?["disposition"], "recorded");
    belfry.command(["site", "set", "Alarm", "dnd-bypass=on"]).await?;
    desk.send(&subscription, &titled("Alarm")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Alarm");
    belfry.command(["site", "set", "Alarm", "dnd-bypass=off"]).await?;
    assert!(belfry.command(["dnd"]).await?.contains("by the schedule"));
    belfry.command(["dnd", "off"]).await?;
    desk.send(&subscription, &titled("Ended by hand")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Ended by hand");
    belfry.command(["config", "set", "dnd-schedule"]).await?;
    assert_eq!(setting(&belfry, "dnd-schedule").await?, "off");
    let late = belfry.output(["config", "set", "dnd-schedule", "late"]).await?;
    assert_eq!(late.status.code(), Some(2), "{late:?}");
    Ok(())
}

#[tokio::test]
async fn settings_are_kept_without_a_receiver_too() -> Result<()> {
    let desk = Desk::start().await?;
    let belfry = desk.profile("p")?;
    for (key, value, default) in [
        ("history-days", "7", "90"),
        ("history-per-site", "off", "10000"),
        ("push-service", "wss://push.example/", "wss://push.services.mozilla.com/"),
    ] {
        assert_eq!(setting(&belfry, key).await?, default);
        let set = belfry.json(["config", "set", key, value]).await?.remove(0);
        assert_eq!(
            (&set["key"], &set["value"], &set["is_default"]),
            (&key.into(), &value.into(), &false.into())
        );
        assert_eq!(setting(&belfry, key).await?, value);
        belfry.command(["config", "set", key]).await?;
        assert_eq!(setting(&belfry, key).await?, default);
    }
    Ok(())
}
