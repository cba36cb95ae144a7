//! Service workers as their packages are published: what a browser would show for a push, to hold ours against.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::process::{self, find_program};
use crate::senders::prepared;
use crate::session::Session;

const SCRIPT: &str = include_str!("../senders/npm/service-worker.js");

/// Where the workers believe to be.
pub const ORIGIN: &str = "https://app.example/";

/// A service worker that a package brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceWorker {
    /// `ngsw-worker.js` of `@angular/service-worker`.
    Angular,
    /// `@firebase/messaging/sw`, which `firebase/messaging/sw` and the scripts on Google's servers are made of.
    Firebase,
}

/// What a worker had shown, and what clicks on that did.
#[derive(Debug, Deserialize)]
pub struct Drawn {
    /// The first argument of `showNotification`.
    pub title: String,
    /// The second.
    pub options: Map<String, Value>,
    /// What opened by a click: on the notification itself under the empty name, on a button under its action.
    pub clicks: BTreeMap<String, Option<Url>>,
    /// What was requested in the background by these clicks.
    pub requests: Vec<Url>,
}

impl ServiceWorker {
    /// Dispatches a push to the worker, and then every click that is possible. Fails where it shows nothing.
    pub async fn shows(self, session: &Session, payload: &str) -> Result<Drawn> {
        let mut environment = session.environment().clone();
        environment.insert("NODE_PATH".into(), prepared("BELFRY_TEST_NODE_MODULES")?.into());
        let package = match self {
            Self::Angular => "@angular/service-worker",
            Self::Firebase => "@firebase/messaging",
        };
        let arguments = ["-e", SCRIPT, "--", package, payload];
        let output = process::run(&find_program("node")?, arguments, &environment, b"").await?;
        let printed = process::succeeded(package, &output)?;
        serde_json::from_str(&printed).with_context(|| format!("what {package} has shown, not {printed:?}"))
    }
}

impl Drawn {
    /// A text among the options; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.options.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// An address among the options, as the browser resolves it.
    pub fn url(&self, name: &str) -> Option<Url> {
        Url::parse(ORIGIN).ok()?.join(self.options.get(name)?.as_str()?).ok()
    }

    /// A flag among the options.
    pub fn is(&self, name: &str) -> bool {
        self.options.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Name and label of each button.
    pub fn buttons(&self) -> Vec<(&str, &str)> {
        let actions = self.options.get("actions").and_then(Value::as_array);
        actions
            .into_iter()
            .flatten()
            .filter_map(|action| Some((action.get("action")?.as_str()?, action.get("title")?.as_str()?)))
            .collect()
    }

    /// What a click opens.
    pub fn opened_by(&self, action: &str) -> Option<&Url> {
        self.clicks.get(action)?.as_ref()
    }
}
