//! The command line's own promises: exit statuses, `test`, `doctor`.

use anyhow::Result;
use belfry_tests::desk::{Desk, declarative};
use belfry_tests::tray::Panel;
use serde_json::{Value, json};

#[tokio::test]
async fn wrong_usage_ends_with_2_and_a_failure_with_1() -> Result<()> {
    let desk = Desk::start().await?;
    let belfry = desk.profile("p")?;
    for wrong in
        [vec![], vec!["--colour"], vec!["site"], vec!["site", "add"], vec!["run", "--notify", "loud"]]
    {
        let output = belfry.output(wrong.clone()).await?;
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{wrong:?}");
    }
    let output = belfry.output(["site", "show", "Nobody"]).await?;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim_end().lines().count(), 1);
    assert_eq!(belfry.error_code(["site", "show", "Nobody"]).await?, "not-found");
    for word in ["--help", "--version"] {
        assert!(belfry.output([word]).await?.status.success(), "{word}");
    }
    Ok(())
}

#[tokio::test]
async fn a_test_push_makes_the_round_trip() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    belfry.add_site("Backups", &[]).await?;
    let (_, public) = belfry_tests::senders::vapid_key(&desk.session, "sender.pem")?;
    belfry.add_site("Restricted", &["--vapid-key", &public]).await?;
    for site in ["Backups", "Restricted"] {
        assert!(!belfry.command(["test", site]).await?.is_empty());
    }
    assert!(!belfry.json(["test", "Backups"]).await?.is_empty());
    assert_eq!(belfry.error_code(["test", "Nobody"]).await?, "not-found");
    run.terminate().await?;
    belfry.command(["test", "Backups"]).await?;
    assert_eq!(belfry.json(["site", "list"]).await?.len(), 2, "a temporary channel leaves nothing behind");
    Ok(())
}

#[tokio::test]
async fn a_command_of_ones_own_hears_of_every_push_and_its_text_stays_text() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let exec = r#"xdg-open "$BELFRY_SITE|$BELFRY_TITLE|$BELFRY_URL""#;
    let mut run = belfry.run(&["--push-service", &service.websocket, "--exec", exec])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    for title in ["Done", "$(xdg-open injected)", "\"; xdg-open injected; \""] {
        desk.send(&subscription, &declarative(title, "https://example.com/", json!({}))).await?;
        let expected = format!("Backups|{title}|https://example.com/");
        assert_eq!(desk.opener.next().await?.arguments, expected);
    }
    Ok(())
}

#[tokio::test]
async fn the_doctor_finds_a_healthy_system_healthy_and_a_lame_one_lame() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    let checks = belfry.json(["doctor"]).await?;
    let severity = |checks: &[Value], name: &str| {
        checks.iter().find(|check| check["check"] == name).map(|check| check["severity"].clone())
    };
    for name in ["keyring", "database", "notifications", "push-service", "clock"] {
        assert_eq!(severity(&checks, name), Some(json!("ok")), "{name}: {checks:?}");
    }
    assert_eq!(severity(&checks, "tray"), Some(json!("warning")), "{checks:?}");
    let _panel = Panel::start(&desk.session).await?;
    assert_eq!(severity(&belfry.json(["doctor"]).await?, "tray"), Some(json!("ok")));
    assert!(belfry.command(["doctor"]).await?.contains("belfry-tests"), "the notification server is named");

    desk.notifications.leave().await?;
    run.terminate().await?;
    service.kill().await?;
    let output = belfry.output(["--json", "doctor"]).await?;
    assert!(matches!(output.status.code(), Some(code) if code != 0), "{output:?}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    for name in ["notifications", "push-service"] {
        let line = stdout.lines().find(|line| line.contains(&format!("\"{name}\"")));
        assert!(line.is_some_and(|line| !line.contains("\"ok\"")), "{name}: {stdout}");
    }
    Ok(())
}
