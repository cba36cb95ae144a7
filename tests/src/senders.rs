//! Real application servers: each library sends as its own documentation shows.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use url::Url;
use webpush::vapid::VapidKey;

use crate::belfry::Subscription;
use crate::process::{self, find_program};
use crate::session::Session;

/// A library that sends pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// `pywebpush` for Python.
    Pywebpush,
    /// `web-push` for Node.
    NodeWebPush,
    /// The `web-push` crate for Rust.
    RustWebPush,
    /// The command line of Apprise with its `vapid://` service. It takes https alone and always signs; the first line of
    /// the payload is its title.
    Apprise,
}

/// What to send, to whom, and how.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// As `belfry site add` printed it.
    pub subscription: &'a Subscription,
    /// The payload.
    pub payload: &'a str,
    /// The push service's certificate authority.
    pub ca: Option<&'a Path>,
    /// The sender's key in PEM, when it identifies itself.
    pub vapid_key: Option<&'a Path>,
}

const PYTHON: &str = r#"
import json, sys
from pywebpush import webpush
subscription, payload, key = sys.argv[1:4]
identity = {"vapid_private_key": key, "vapid_claims": {"sub": "mailto:tests@example.com"}} if key else {}
response = webpush(json.loads(subscription), payload, ttl=600, **identity)
print(response.status_code)
"#;

/// It takes a key as two numbers in base64url, so Node's own `crypto` reads the PEM.
const NODE: &str = r#"
const webpush = require("web-push");
const [subscription, payload, key] = process.argv.slice(1);
const options = { TTL: 600 };
if (key) {
    const { d, x, y } = require("crypto").createPrivateKey(require("fs").readFileSync(key)).export({ format: "jwk" });
    const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
    const publicKey = point.toString("base64url");
    options.vapidDetails = { subject: "mailto:tests@example.com", publicKey, privateKey: d };
}
webpush.sendNotification(JSON.parse(subscription), payload, options).then(
    (result) => console.log(result.statusCode),
    (error) => { console.error(error); process.exitCode = 1; },
);
"#;

/// Whom Apprise sends to, where its address names no one: the sender itself.
const APPRISE_USER: &str = "tests@example.com";

impl Sender {
    /// Sends. Fails with what the library printed when the push service did not accept the push.
    pub async fn send(self, session: &Session, sending: &Sending<'_>) -> Result<()> {
        let mut environment = session.environment().clone();
        let mut arguments: Vec<OsString> = Vec::new();
        let Sending { subscription, payload, ca, vapid_key } = sending;
        let program = match self {
            Self::Pywebpush => {
                if let Some(ca) = ca {
                    environment.insert("REQUESTS_CA_BUNDLE".into(), ca.into());
                }
                let key = vapid_key.map(Path::as_os_str).unwrap_or_default();
                arguments.extend([OsString::from("-c"), PYTHON.into()]);
                arguments.extend([OsString::from(&subscription.line), payload.into(), key.into()]);
                prepared("BELFRY_TEST_PYTHON")?
            }
            Self::NodeWebPush => {
                if let Some(ca) = ca {
                    environment.insert("NODE_EXTRA_CA_CERTS".into(), ca.into());
                }
                environment.insert("NODE_PATH".into(), prepared("BELFRY_TEST_NODE_MODULES")?.into());
                arguments.extend([OsString::from("-e"), NODE.into(), "--".into()]);
                let key = vapid_key.map(Path::as_os_str).unwrap_or_default();
                arguments.extend([OsString::from(&subscription.line), payload.into(), key.into()]);
                find_program("node")?
            }
            Self::RustWebPush => {
                let file = session.file("rust-sender.json", &subscription.line)?;
                arguments.extend([OsString::from(file), payload.into()]);
                arguments.extend(["--ttl".into(), "600".into()]);
                for (option, path) in [("--ca", ca), ("--vapid-pem", vapid_key)] {
                    if let Some(path) = path {
                        arguments.extend([OsString::from(option), path.into()]);
                    }
                }
                prepared("BELFRY_TEST_RUST_SENDER")?
            }
            Self::Apprise => {
                if let Some(ca) = ca {
                    environment.insert("REQUESTS_CA_BUNDLE".into(), ca.into());
                }
                let subscriptions = format!("{{\"{APPRISE_USER}\":{}}}", subscription.line);
                let subscriptions = session.file("apprise.json", &subscriptions)?;
                let mut service = Url::parse(&format!("vapid://{APPRISE_USER}/"))?;
                service
                    .query_pairs_mut()
                    .append_pair("ttl", "60")
                    .append_pair("subfile", text(&subscriptions)?);
                if let Some(key) = vapid_key {
                    service.query_pairs_mut().append_pair("keyfile", text(key)?);
                }
                let (title, body) = payload.split_once('\n').unwrap_or(("", payload));
                let options = ["--title", title, "--body", body, service.as_str()];
                arguments.extend(options.into_iter().map(OsString::from));
                prepared("BELFRY_TEST_PYTHON")?.with_file_name("apprise")
            }
        };
        let output = process::run(&program, arguments, &environment, b"").await?;
        process::succeeded(&format!("{self:?}"), &output)?;
        Ok(())
    }
}

/// A fresh key for an application server: the file that holds it, and its public half for `--vapid-key`.
pub fn vapid_key(session: &Session, name: &str) -> Result<(PathBuf, String)> {
    let key = VapidKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
    let file = session.file(name, key.to_pem()?.as_bytes())?;
    Ok((file, key.public().to_string()))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// What `cargo xtask test` has made ready. Missing, it is a failure: a sender left out would look like one that works.
pub(crate) fn prepared(variable: &str) -> Result<PathBuf> {
    let value = std::env::var_os(variable)
        .with_context(|| format!("{variable} is not set; run the tests through `cargo xtask test`"))?;
    Ok(value.into())
}
