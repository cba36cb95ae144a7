//! A real Firefox as the user agent of a push service, driven over WebDriver BiDi, which it speaks by itself.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::belfry::{PushService, Subscription};
use crate::process::{self, PATIENCE, Process, find_program};
use crate::session::Session;

const PREFERENCES: &str = include_str!("../firefox/user.js");
const LISTENING: &str = "WebDriver BiDi listening on ";

/// Registers the page's service worker and subscribes, with this application server key if one is given.
const SUBSCRIBE: &str = r#"async (applicationServerKey) => {
    await navigator.serviceWorker.register("/worker.js");
    const { pushManager } = await navigator.serviceWorker.ready;
    const former = await pushManager.getSubscription();
    await former?.unsubscribe();
    const options = applicationServerKey ? { applicationServerKey } : {};
    return JSON.stringify(await pushManager.subscribe({ userVisibleOnly: true, ...options }));
}"#;

const UNSUBSCRIBE: &str = r#"async () => {
    const { pushManager } = await navigator.serviceWorker.ready;
    const subscription = await pushManager.getSubscription();
    return String(await subscription.unsubscribe());
}"#;

/// A profile of Firefox whose push service is ours.
#[derive(Debug, Clone)]
pub struct Profile(PathBuf);

/// A running Firefox without a window. Killed when dropped.
#[derive(Debug)]
pub struct Firefox {
    process: Process,
    driver: WebSocketStream<MaybeTlsStream<TcpStream>>,
    commands: u64,
    /// The tab's id.
    tab: String,
}

impl Profile {
    /// Makes one that trusts the push service's certificate authority.
    pub async fn new(session: &Session, service: &PushService) -> Result<Self> {
        let folder = session.folder().join("firefox");
        fs::create_dir(&folder)?;
        let url = serde_json::to_string(&service.websocket)?;
        let preferences = format!("{PREFERENCES}user_pref(\"dom.push.serverURL\", {url});\n");
        fs::write(folder.join("user.js"), preferences)?;
        let profile = Self(folder);
        if let Some(ca) = &service.ca {
            profile.trust(session, ca).await?;
        }
        Ok(profile)
    }

    async fn trust(&self, session: &Session, ca: &Path) -> Result<()> {
        let mut database = OsString::from("sql:");
        database.push(&self.0);
        let database = ["-d".into(), database];
        let new = ["-N", "--empty-password"].map(OsString::from);
        let add = ["-A", "-n", "Belfry", "-t", "C,,", "-i"].map(OsString::from);
        let certutil = find_program("certutil")?;
        for arguments in [new.into(), [add.as_slice(), &[ca.into()]].concat()] {
            let arguments: Vec<_> = database.iter().cloned().chain(arguments).collect();
            let output = process::run(&certutil, arguments, session.environment(), b"").await?;
            process::succeeded("certutil", &output)?;
        }
        Ok(())
    }
}

impl Firefox {
    /// Starts it.
    pub async fn start(session: &Session, profile: &Profile) -> Result<Self> {
        let arguments = ["--headless", "--no-remote", "--remote-debugging-port", "0", "--profile"];
        let arguments = arguments.map(OsString::from).into_iter().chain([profile.0.clone().into()]);
        let mut process = Process::start(&find_program("firefox-esr")?, arguments, session.environment())?;
        process.logged(LISTENING, 1).await?;
        let log = process.stderr();
        let address = log.split_once(LISTENING).and_then(|(_, rest)| rest.lines().next());
        let address = format!("{}/session", address.context("an address")?);
        let (driver, _) = connect_async(address).await.context("connect to Firefox")?;
        let mut firefox = Self { process, driver, commands: 0, tab: String::new() };
        firefox.command("session.new", json!({ "capabilities": {} })).await?;
        let tabs = firefox.command("browsingContext.getTree", json!({})).await?;
        let tab = tabs.pointer("/contexts/0/context").and_then(Value::as_str);
        firefox.tab = tab.context("a tab")?.to_owned();
        Ok(firefox)
    }

    /// Opens a page and returns once it is loaded.
    pub async fn open(&mut self, url: &str) -> Result<()> {
        let target = json!({ "context": self.tab, "url": url, "wait": "complete" });
        self.command("browsingContext.navigate", target).await.map(drop)
    }

    /// Has the page's service worker subscribed anew, for everybody or for the owner of this key.
    pub async fn subscribe(&mut self, application_server_key: Option<&str>) -> Result<Subscription> {
        let printed: Value = serde_json::from_str(&self.call(SUBSCRIBE, application_server_key).await?)?;
        // Members in the order of the canonical form.
        Subscription::parse(&serde_json::to_string(&serde_json::from_value::<webpush::PushSubscription>(
            printed,
        )?)?)
    }

    /// Ends the service worker's subscription.
    pub async fn unsubscribe(&mut self) -> Result<()> {
        let unsubscribed = self.call(UNSUBSCRIBE, None).await?;
        ensure!(unsubscribed == "true", "unsubscribe() says {unsubscribed}");
        Ok(())
    }

    /// Ends it as a person would.
    pub async fn close(mut self) -> Result<ExitStatus> {
        self.command("browser.close", json!({})).await?;
        Ok(self.process.ended().await?.0)
    }

    async fn call(&mut self, function: &str, argument: Option<&str>) -> Result<String> {
        let argument = match argument {
            Some(text) => json!({ "type": "string", "value": text }),
            None => json!({ "type": "undefined" }),
        };
        let call = json!({
            "functionDeclaration": function,
            "arguments": [argument],
            "awaitPromise": true,
            "target": { "context": self.tab },
        });
        let answer = self.command("script.callFunction", call).await?;
        match answer.pointer("/result/value").and_then(Value::as_str) {
            Some(value) => Ok(value.to_owned()),
            None => bail!("the page answers {answer}"),
        }
    }

    async fn command(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.commands += 1;
        let command = json!({ "id": self.commands, "method": method, "params": parameters });
        self.driver.send(Message::text(command.to_string())).await?;
        let answered = async {
            loop {
                let message = self.driver.next().await.context("Firefox has gone")??;
                let Message::Text(text) = message else { continue };
                let mut answer: Value = serde_json::from_str(&text)?;
                if answer.get("id").and_then(Value::as_u64) != Some(self.commands) {
                    continue;
                }
                match answer.get_mut("result") {
                    Some(result) => return Ok(result.take()),
                    None => bail!("{answer}"),
                }
            }
        };
        let answer = timeout(PATIENCE, answered).await.context("no answer").flatten();
        answer.with_context(|| format!("{method} in Firefox; its stderr:\n{}", self.process.stderr()))
    }
}
