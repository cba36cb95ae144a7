//! The command line's own promises: exit statuses, `test`, `doctor`.

use anyhow::{Context as _, Result};
use belfry_tests::desk::{Desk, declarative};
use belfry_tests::tray::Panel;
use rustix::process::{Pid, Signal, kill_process};
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
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    belfry.add_site("Backups", &[]).await?;
    let (_, public) = belfry_tests::senders::vapid_key(&desk.session, "sender.pem")?;
    belfry.add_site("Restricted", &["--vapid-key", &public]).await?;
    let stages = |lines: &[Value]| -> Vec<String> {
        lines.iter().map(|line| line["stage"].as_str().unwrap_or("error").to_owned()).collect()
    };
    for site in ["Backups", "Restricted"] {
        assert!(!belfry.command(["test", site]).await?.is_empty());
        assert_eq!(desk.notifications.next().await?.summary, "Belfry test");
    }
    let lines = belfry.json(["test", "Backups"]).await?;
    assert_eq!(stages(&lines), ["subscribed", "accepted", "received", "notified", "done"]);
    assert_eq!(desk.notifications.next().await?.summary, "Belfry test");
    assert_eq!(belfry.error_code(["test", "Nobody"]).await?, "not-found");

    belfry.command(["site", "set", "Backups", "state=history"]).await?;
    assert_eq!(
        stages(&belfry.json(["test", "Backups"]).await?),
        ["subscribed", "accepted", "received", "done"]
    );
    assert!(
        belfry
            .command(["test", "Backups"])
            .await?
            .contains("without a notification: the site is history only")
    );
    belfry.command(["site", "set", "Backups", "state=alert", "snooze=1h"]).await?;
    assert!(belfry.command(["test", "Backups"]).await?.contains("the site is snoozed until "));
    belfry.command(["site", "set", "Backups", "snooze=off"]).await?;
    belfry.command(["dnd", "1h"]).await?;
    assert!(belfry.command(["test", "Backups"]).await?.contains("Do Not Disturb is on until "));
    assert!(belfry.command(["doctor"]).await?.contains("Do Not Disturb is on until "));
    belfry.command(["dnd", "off"]).await?;

    desk.notifications.leave().await?;
    let output = belfry.output(["--json", "test", "Backups"]).await?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let stdout = String::from_utf8(output.stdout)?;
    let lines = stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    assert_eq!(stages(&lines), ["subscribed", "accepted", "received", "error"]);
    let error = &lines[3]["error"];
    assert_eq!(error["code"], "notifications", "{error}");
    assert!(error["message"].as_str().unwrap().contains("no notification server"), "{error}");

    run.terminate().await?;
    let lines = belfry.json(["test", "Backups"]).await?;
    assert_eq!(stages(&lines), ["subscribed", "accepted", "received", "waits", "done"]);
    // The notification goes with the temporary site.
    let lines = belfry.json(["test", "Restricted"]).await?;
    assert_eq!(stages(&lines), ["subscribed", "accepted", "received", "not_shown", "done", "removed"]);
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
    for name in ["receiver", "keyring", "database", "notifications", "push-service", "clock"] {
        assert_eq!(severity(&checks, name), Some(json!("ok")), "{name}: {checks:?}");
    }
    assert_eq!(severity(&checks, "tray"), Some(json!("warning")), "{checks:?}");
    let _panel = Panel::start(&desk.session).await?;
    assert_eq!(severity(&belfry.json(["doctor"]).await?, "tray"), Some(json!("ok")));
    assert!(belfry.command(["doctor"]).await?.contains("belfry-tests"), "the notification server is named");

    desk.notifications.leave().await?;
    // Stopped, it keeps its socket open.
    let stopped = Pid::from_raw(i32::try_from(service.id()?)?).context("a process")?;
    kill_process(stopped, Signal::STOP)?;
    let output = belfry.output(["--json", "doctor"]).await?;
    kill_process(stopped, Signal::CONT)?;
    let stdout = String::from_utf8(output.stdout)?;
    let row = stdout.lines().find(|line| line.contains("\"push-service\"")).context("a row")?;
    assert!(row.contains("push-service-unreachable") && row.contains("no answer"), "{row}");

    run.terminate().await?;
    desk.notifications.come_back().await?;
    let checks = belfry.json(["doctor"]).await?;
    assert_eq!(severity(&checks, "receiver"), Some(json!("warning")), "{checks:?}");
    desk.notifications.leave().await?;
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

#[tokio::test]
async fn a_push_service_whose_certificate_is_not_trusted_is_told_at_once_with_what_to_do() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.tls_service().await?;
    let belfry = desk.profile("p")?;
    let output =
        belfry.output(["--json", "site", "add", "Backups", "--push-service", &service.websocket]).await?;
    let error: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((output.status.code(), &error["error"]["code"]), (Some(1), &json!("offline")));
    let message = error["error"]["message"].as_str().unwrap();
    for part in ["is not trusted", "`--ca FILE`", "`belfry config set ca-file FILE`"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("within 30 s"), "it has waited for nothing: {message}");

    belfry.command(["config", "set", "push-service", &service.websocket]).await?;
    let output = belfry.output(["--json", "doctor"]).await?;
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout)?;
    let row = stdout.lines().find(|line| line.contains("\"push-service\"")).context("a row")?;
    let row: Value = serde_json::from_str(row)?;
    assert_eq!(row["code"], "push-service-untrusted", "{row}");
    assert!(row["remedy"].as_str().unwrap().contains("`--ca FILE`"), "{row}");

    let trusting = belfry.trusting(service.ca.as_deref());
    let rows = trusting.output(["--json", "doctor"]).await?;
    let stdout = String::from_utf8(rows.stdout)?;
    assert!(
        stdout.lines().any(|line| line.contains("\"push-service\"") && line.contains("\"ok\"")),
        "{stdout}"
    );
    trusting.add_site("Backups", &[]).await?;
    Ok(())
}
