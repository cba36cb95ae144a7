use super::*;

#[tokio::test]
async fn wrong_usage_is_status_2_and_says_so_on_stderr() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        &["bell"][..],
        &["site", "add"],
        &["--json", "send"],
        &["site", "set", "A", "colour=red"],
        &["dnd", "bogus"],
        &["config", "set", "history-days", "many"],
    ] {
        let output = run(home.path(), arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_there_is_never_written_over() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("sites.json");
    std::fs::write(&file, "the only copy").unwrap();
    for options in [&[][..], &["--with-keys"]] {
        let arguments = [&["--json", "site", "export", file.to_str().unwrap()], options].concat();
        let (code, message) = failure(&feed(home.path(), &arguments, "passphrase\n").await);
        assert_eq!((code.as_str(), message.contains("name a new file")), ("exists", true));
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "the only copy");
    let missing = home.path().join("none.json");
    let export = ["--json", "site", "export", missing.to_str().unwrap(), "--with-keys"];
    let (code, message) = failure(&run(home.path(), &export).await);
    assert_eq!((code.as_str(), message.contains("passphrase")), ("invalid", true));
    assert!(!missing.exists());
}

#[tokio::test]
async fn what_cannot_be_imported_says_why_before_anything_is_opened() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("sites.json");
    let import = ["--json", "site", "import", file.to_str().unwrap()];
    assert_eq!(failure(&run(home.path(), &import).await).0, "storage");
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    assert_eq!(failure(&run(home.path(), &import).await).0, "invalid");
    let sealed = r#"{"belfry":"sites","v":1,"sealed":{"v":1,"memory_kib":64,"passes":1,"lanes":1,"salt":"","nonce":"","sealed":""}}"#;
    std::fs::write(&file, sealed).unwrap();
    let (code, message) = failure(&run(home.path(), &import).await);
    assert_eq!((code.as_str(), message.contains("passphrase")), ("invalid", true));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "nothing was made");
}

#[tokio::test]
async fn a_profile_that_is_no_folder_is_what_doctor_finds() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let (code, message) = failure(&run(home.path(), &["--profile", file, "--json", "inbox"]).await);
    assert_eq!((code.as_str(), message.contains("not a folder")), ("invalid", true));

    let output = run(home.path(), &["--profile", file, "--json", "doctor"]).await;
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows[0]["severity"], "error");
    assert!(rows[0]["remedy"].is_string());
    assert_eq!(rows[1]["error"]["code"], "invalid");
}

#[tokio::test]
async fn removing_a_site_needs_a_yes() {
    let home = tempfile::tempdir().unwrap();
    let (code, message) = failure(&run(home.path(), &["--json", "site", "remove", "Backups"]).await);
    assert_eq!(code, "invalid");
    assert!(message.contains("--yes"), "{message}");
}

#[tokio::test]
async fn what_is_not_a_subscription_is_not_sent_to() {
    let home = tempfile::tempdir().unwrap();
    let (code, _) = failure(&feed(home.path(), &["--json", "send", "--to", "-"], "{}").await);
    assert_eq!(code, "invalid");
    let (code, message) = failure(&feed(home.path(), &["--json", "send", "--to", "-"], "no JSON").await);
    assert_eq!(
        (code.as_str(), message.ends_with("as `belfry site add` prints it: it is no JSON")),
        ("invalid", true)
    );
    let both = feed(home.path(), &["--json", "send", "--to", "-", "--payload", "-"], "{}").await;
    assert_eq!((both.status.code(), both.stdout.is_empty()), (Some(2), true));
    assert!(String::from_utf8_lossy(&both.stderr).contains("not both"));
    let (code, _) = failure(&run(home.path(), &["--json", "send", "--to", "/nonexistent"]).await);
    assert_eq!(code, "storage");
}

#[cfg(unix)]
#[tokio::test]
async fn a_profile_is_received_for_once() {
    use tokio::io::AsyncWriteExt as _;
    use user_agent::profile::Profile;

    let home = tempfile::tempdir().unwrap();
    let profile = Profile::open(&home.path().join("p")).unwrap();
    let _lock = profile.lock().unwrap().unwrap();
    let owner = tokio::net::UnixListener::bind(profile.dir().join("control.sock")).unwrap();
    let greet = async {
        let (mut stream, _) = owner.accept().await.unwrap();
        stream.write_all(b"{\"protocol\":1,\"belfry\":\"0.1.0\"}\n").await.unwrap();
        stream
    };
    let dir = profile.dir().to_str().unwrap();
    let arguments = ["--profile", dir, "--json", "run"];
    let (_stream, output) = tokio::join!(soon(greet), run(home.path(), &arguments));
    let (code, message) = failure(&output);
    assert_eq!(code, "profile-in-use");
    assert!(message.contains(dir) && message.contains(&std::process::id().to_string()), "{message}");
}

#[tokio::test]
async fn a_file_without_an_authority_is_refused_before_anything_is_done() {
    let home = tempfile::tempdir().unwrap();
    let (none, other) = (home.path().join("none.pem"), home.path().join("other.pem"));
    std::fs::write(&other, "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    for (file, reason) in [(&none, "it cannot be read: No such file"), (&other, "no certificate in it")] {
        let file = file.to_str().unwrap();
        for command in [&["doctor"][..], &["run"], &["site", "add", "Backups"]] {
            let arguments = [&["--json", "--ca", file], command].concat();
            let (code, message) = failure(&run(home.path(), &arguments).await);
            assert_eq!(code, "invalid", "{command:?}");
            assert!(message.starts_with(&format!("{file}: ")) && message.contains(reason), "{message}");
        }
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no profile was made");
}

#[cfg(unix)]
#[tokio::test]
async fn an_owner_that_is_suspended_is_named_with_what_to_do() {
    use user_agent::profile::Profile;

    let home = tempfile::tempdir().unwrap();
    let profile = Profile::open(&home.path().join("p")).unwrap();
    let _lock = profile.lock().unwrap().unwrap();
    // Its socket takes connections, and nobody answers them.
    let _owner = tokio::net::UnixListener::bind(profile.dir().join("control.sock")).unwrap();
    let arguments = ["--profile", profile.dir().to_str().unwrap(), "--json", "doctor"];
    let output = run(home.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let row: Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&row["check"], &row["code"]), (&"profile".into(), &"profile-in-use".into()), "{row}");
    let (message, remedy) = (row["message"].as_str().unwrap(), row["remedy"].as_str().unwrap());
    assert!(message.contains(&format!("({}) does not answer", std::process::id())), "{row}");
    assert!(remedy.contains("continue it") && !remedy.contains("config.toml"), "{row}");
}
