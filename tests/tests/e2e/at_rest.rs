//! What a thief finds on the disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use belfry_tests::belfry::{Belfry, PushService, Run, Subscription};
use belfry_tests::desk::{Desk, declarative};
use belfry_tests::keyring;
use belfry_tests::scan::{Secret, files, scan};
use rusqlite::Connection;
use serde_json::json;
use webpush::SubscriptionKeys;

const TITLE: &str = "Zebra-7f3a rendezvous";
const BODY: &str = "Quetzal-91bc under the third bridge";
const LINK: &str = "https://ibis-55d0.example/secret-place";
const BAD_LINK: &str = "javascript:mynah-20cc";

#[tokio::test]
async fn after_a_power_failure_no_file_holds_a_received_text_or_a_private_key() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscriptions = [belfry.add_site("One", &[]).await?, belfry.add_site("Two", &[]).await?];
    let document = declarative(TITLE, LINK, json!({ "body": BODY }));
    for subscription in &subscriptions {
        desk.send(subscription, &document).await?;
        run.next("push").await?;
    }
    // Searching builds what an index needs, in memory or on disk.
    assert_eq!(belfry.json(["inbox", "--search", "zebra"]).await?.len(), 2);
    run.kill().await?;

    let items = keyring::items(desk.session.bus()).await?;
    assert_eq!(items.len(), 3, "one for each subscription, one for the database: {items:?}");
    let mut secrets: Vec<Secret> = [("title", TITLE), ("body", BODY), ("link", LINK)]
        .map(|(what, text)| (what.to_owned(), text.as_bytes().to_vec()))
        .into();
    let mut public_keys = Vec::new();
    let mut database_key = None;
    for item in &items {
        match item.subscription_keys()? {
            Some((private, auth)) => {
                public_keys.push(SubscriptionKeys::from_bytes(&private, &auth)?.public().to_string());
                secrets.push(("private key".to_owned(), private));
                secrets.push(("auth secret".to_owned(), auth));
            }
            None => {
                secrets.push(("database key".to_owned(), item.secret.clone()));
                database_key = Some(item.secret.clone());
            }
        }
    }
    let mut printed: Vec<_> = subscriptions.iter().map(|one| one.parsed.keys.p256dh.to_string()).collect();
    public_keys.sort();
    printed.sort();
    assert_eq!(public_keys, printed, "these are the keys of the printed subscriptions");

    assert!(
        files(belfry.profile())?.iter().any(|file| file.to_string_lossy().ends_with("-wal")),
        "a log is left"
    );
    assert_eq!(scan(belfry.profile(), &secrets)?, []);
    for folder in ["data", "config", "cache", "state", "home", "runtime"] {
        let folder = desk.session.folder().join(folder);
        let elsewhere = scan(&folder, &secrets)?;
        let elsewhere: Vec<_> = elsewhere.iter().filter(|finding| !is_the_keyring(&finding.file)).collect();
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
    }

    // The control: the same scan of the same content, without the encryption.
    let copy = desk.session.folder().join("plaintext");
    decrypted_copy(belfry.profile(), &copy, &database_key.context("the database's key")?)?;
    for item in &items {
        fs::write(copy.join(item.path.rsplit('/').next().context("a name")?), &item.secret)?;
    }
    let findings = scan(&copy, &secrets)?;
    for (what, _) in &secrets {
        assert!(findings.iter().any(|finding| &finding.what == what), "{what} is not found in plaintext");
    }
    Ok(())
}

/// The keyring's own files, encrypted by it.
fn is_the_keyring(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "keyrings")
}

/// The profile's database with its log, as it would be without SQLCipher.
fn decrypted_copy(profile: &Path, target: &Path, key: &[u8]) -> Result<()> {
    let stolen = target.join("stolen");
    fs::create_dir_all(&stolen)?;
    let mut database: Option<PathBuf> = None;
    for file in files(profile)? {
        let name = file.file_name().context("a name")?;
        fs::copy(&file, stolen.join(name))?;
        if file.with_extension("db-wal").is_file() && file.extension().is_some_and(|kind| kind == "db") {
            database = Some(stolen.join(name));
        }
    }
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let connection = Connection::open(database.context("a database")?)?;
    connection.pragma_update(None, "key", format!("x'{hex}'"))?;
    let plain = target.join("plain.db");
    connection.execute("ATTACH DATABASE ?1 AS plain KEY ''", [plain.to_str().context("a path")?])?;
    connection.query_row("SELECT sqlcipher_export('plain')", [], |_| Ok(()))?;
    connection.execute("DETACH DATABASE plain", [])?;
    drop(connection);
    fs::remove_dir_all(stolen)?;
    Ok(())
}

#[tokio::test]
async fn only_its_user_can_read_a_profile() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    belfry.add_site("Backups", &[]).await?;
    for folder in [belfry.profile().to_owned(), desk.service_data()] {
        let mode = |path: &Path| Ok::<_, anyhow::Error>(fs::metadata(path)?.permissions().mode() & 0o777);
        assert_eq!(mode(&folder)?, 0o700, "{}", folder.display());
        // A lock says nothing.
        let holds_something = |file: &PathBuf| fs::metadata(file).is_ok_and(|file| file.len() > 0);
        let files: Vec<_> = files(&folder)?.into_iter().filter(holds_something).collect();
        assert!(!files.is_empty());
        for file in files {
            assert_eq!(mode(&file)? & 0o077, 0, "{}", file.display());
        }
    }
    Ok(())
}

/// A receiver that logs everything it can, with one site.
async fn talkative(desk: &Desk) -> Result<(PushService, Belfry, Run, Subscription)> {
    let (service, belfry) = (desk.service().await?, desk.profile("p")?);
    let mut run = belfry.run(&["--push-service", &service.websocket, "-vv"])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    Ok((service, belfry, run, subscription))
}

#[tokio::test]
async fn nothing_of_a_push_or_a_subscription_is_logged() -> Result<()> {
    let mut desk = Desk::start().await?;
    let (_service, belfry, mut run, subscription) = talkative(&desk).await?;
    desk.send(&subscription, &declarative(TITLE, LINK, json!({ "body": BODY }))).await?;
    run.next("push").await?;
    desk.notifications.next().await?;
    desk.send(&subscription, &declarative(TITLE, BAD_LINK, json!({ "body": BODY }))).await?;
    desk.notifications.next().await?;
    desk.send(&subscription, &declarative(TITLE, LINK, json!({ "body": BODY }))).await?;
    let shown = desk.notifications.next().await?;
    // What was offered is refused by the time it is clicked.
    belfry.command(["site", "set", "Backups", "links=own"]).await?;
    desk.notifications.click(&shown, None).await?;
    run.next("failed").await?;
    let (_, log) = run.terminate().await?;
    assert!(log.contains("WARN"), "the control: that a link was refused is logged: {log:?}");
    let token = subscription.endpoint();
    let token = token.rsplit('/').next().context("a token")?;
    let keys = &subscription.parsed.keys;
    let auth = String::from(keys.auth.clone());
    for (what, text) in [
        ("title", TITLE),
        ("body", BODY),
        ("link", LINK),
        ("bad link", "mynah-20cc"),
        ("token", token),
        ("auth", &auth),
    ] {
        assert!(!log.contains(text), "{what} in the log:\n{log}");
    }
    Ok(())
}

const TOKEN: &str = "kestrel-31ee-acts-for-the-user";

#[tokio::test]
async fn what_lets_others_act_for_the_user_is_neither_shown_nor_kept_nor_logged() -> Result<()> {
    let mut desk = Desk::start().await?;
    let (_service, belfry, mut run, subscription) = talkative(&desk).await?;
    belfry.command(["site", "set", "Backups", "burst=off"]).await?;
    let mastodon = json!({
        "access_token": TOKEN, "preferred_locale": "en", "notification_id": 7, "notification_type": "mention",
        "title": TITLE, "body": BODY, "icon": "https://social.example/a.png",
    });
    let home_assistant = json!({
        "title": TITLE, "body": BODY, "tag": "t", "timestamp": 1_700_000_000_000_u64,
        "data": { "url": LINK, "jwt": TOKEN }, "actions": [{ "action": "open", "title": "Open" }],
    });
    let nobodys = json!({ "title": TITLE, "message": BODY, "extra": { "Access_Token": TOKEN } });
    let within_a_string =
        json!({ "title": TITLE, "body": BODY, "data": json!({ "jwt": TOKEN }).to_string() });
    let cut_off = format!("{{\"title\":\"{TITLE}\",\"body\":\"{BODY}\",\"jwt\":\"{TOKEN}");
    let payloads = [mastodon, home_assistant, nobodys, within_a_string].map(|payload| payload.to_string());
    for payload in payloads.into_iter().chain([cut_off]) {
        desk.send(&subscription, &payload).await?;
        let event = run.next("push").await?;
        let shown = desk.notifications.next().await?;
        assert!(!format!("{event} {shown:?}").contains(TOKEN), "{event} {shown:?}");
        let raw = belfry.command(["inbox", "show", event["id"].as_str().context("an id")?, "--raw"]).await?;
        assert!(raw.contains(TITLE), "the control: the payload itself is kept: {raw}");
        assert!(!raw.contains(TOKEN), "{raw}");
    }
    let log = run.kill().await?;
    assert!(log.contains("DEBUG"), "the control: everything is logged: {log:?}");
    assert!(!log.contains(TOKEN), "{log}");

    let items = keyring::items(desk.session.bus()).await?;
    let is_database = |item: &&keyring::Item| item.subscription_keys().is_ok_and(|keys| keys.is_none());
    let key = &items.iter().find(is_database).context("the database's key")?.secret;
    let copy = desk.session.folder().join("plaintext");
    decrypted_copy(belfry.profile(), &copy, key)?;
    let secrets =
        [("title", TITLE), ("token", TOKEN)].map(|(what, text)| (what.to_owned(), text.as_bytes().to_vec()));
    let found: Vec<_> = scan(&copy, &secrets)?.into_iter().map(|finding| finding.what).collect();
    assert!(found.contains(&"title".to_owned()) && !found.contains(&"token".to_owned()), "{found:?}");
    Ok(())
}
