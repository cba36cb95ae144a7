//! The built `belfry`, run as a script would run it. What needs a keyring is tested by the workspace member `tests`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows these in test functions, not in what they share"
)]

mod failures;
mod keys;
mod service;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// A backstop: nothing here takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// `belfry` with a profile of its own and nothing of the tester's surroundings.
fn belfry(home: &Path) -> Command {
    let mut belfry = Command::new(env!("CARGO_BIN_EXE_belfry"));
    belfry
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env_remove("BELFRY_PROFILE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    belfry
}

async fn run(home: &Path, arguments: &[&str]) -> Output {
    feed(home, arguments, "").await
}

async fn feed(home: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = belfry(home).args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It need not read all of it.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    soon(child.wait_with_output()).await.unwrap()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("took too long")
}

/// Checks a failure with `--json`: status 1, one line on stderr, the same as the only line on stdout. Returns code and
/// message.
fn failure(output: &Output) -> (String, String) {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    let error: Value = serde_json::from_str(&stdout).unwrap();
    let text = |member: &str| error["error"][member].as_str().unwrap().to_owned();
    assert_eq!(stderr, format!("belfry: {}\n", text("message")));
    (text("code"), text("message"))
}
