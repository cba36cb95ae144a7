//! A service in a temporary folder, and what application servers are answered.

use std::path::Path;
use std::sync::Arc;

use push_service::{Clock, Config, PushService, Timing};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::user_agent::UserAgent;
use super::{config, soon, unhurried};

pub(crate) struct Server {
    pub(crate) service: PushService,
    pub(crate) folder: Arc<TempDir>,
    pub(crate) http: reqwest::Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_timed(unhurried()).await
    }

    pub(crate) async fn start_timed(timing: Timing) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), timing).await
    }

    pub(crate) async fn start_in(folder: Arc<TempDir>, timing: Timing) -> Self {
        let config = config(folder.path());
        Self::started(folder, config, timing, Clock::default()).await
    }

    /// With another configuration than usual.
    pub(crate) async fn start_with(configure: impl FnOnce(&Path) -> Config) -> Self {
        Self::start_by(Clock::default(), configure).await
    }

    /// With another configuration than usual, and by a clock of the test's.
    pub(crate) async fn start_by(clock: Clock, configure: impl FnOnce(&Path) -> Config) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let config = configure(folder.path());
        Self::started(folder, config, unhurried(), clock).await
    }

    async fn started(folder: Arc<TempDir>, config: Config, timing: Timing, clock: Clock) -> Self {
        let service = PushService::start_with(config, timing, clock).await.unwrap();
        // Only https would need it, but reqwest asks for it when it is made.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { service, folder, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// A service on the same data after this one died without a goodbye.
    pub(crate) async fn crash_and_restart(self) -> Self {
        let Self { service, folder, .. } = self;
        drop(service);
        Self::start_in(folder, unhurried()).await
    }

    /// A second look at the database: it sees only what is committed.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("push-service.sqlite3")).unwrap()
    }

    pub(crate) fn origin(&self) -> String {
        self.service.endpoint_url().origin().ascii_serialization()
    }

    pub(crate) async fn connect(&self) -> UserAgent {
        UserAgent::connect(self.service.websocket_url(), None).await.unwrap().0
    }

    /// Connected, with the hello answered.
    pub(crate) async fn user_agent(&self, uaid: Option<&str>) -> UserAgent {
        let mut user_agent = self.connect().await;
        user_agent.hello(json!(uaid)).await;
        user_agent
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self.http.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(soon(request.send()).await.unwrap()).await
    }

    pub(crate) async fn post(
        &self,
        endpoint: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        self.request(Method::POST, endpoint, headers, body).await
    }

    /// Posts a body that passes for an encrypted one; returns its version.
    pub(crate) async fn push(&self, endpoint: &str, ttl: &str, body: &'static str) -> String {
        self.push_with(endpoint, &[("ttl", ttl)], body).await
    }

    pub(crate) async fn push_with(
        &self,
        endpoint: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> String {
        let headers = [headers, &[("content-encoding", "aes128gcm")]].concat();
        let answer = self.post(endpoint, &headers, body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.version()
    }
}

/// What an application server was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: soon(response.text()).await.unwrap() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    /// Status and errno, which must come in autopush's error body.
    pub(crate) fn refusal(&self) -> (u16, Option<u64>) {
        let body = self.json();
        assert_eq!(body["code"], self.status);
        for text in ["error", "message", "more_info"] {
            assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        }
        assert_eq!(self.header("content-type"), Some("application/json"));
        (self.status, body["errno"].as_u64())
    }

    pub(crate) fn version(&self) -> String {
        self.header("location").unwrap().rsplit('/').next().unwrap().to_owned()
    }
}
