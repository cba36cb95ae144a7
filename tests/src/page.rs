//! The page in the app's window, seen and used through WebKit's WebDriver. Elements are found by their `data-testid`.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::desktop::Desktop;
use crate::port::Port;
use crate::process::{PATIENCE, Process, find_program};
use crate::session::Session;

/// Answers with the first element that has this id, can be seen and used, and contains this text, once there is one; or,
/// when it is not wanted, once there is none. Waits for changes in the page instead of looking again and again.
const AWAIT_ELEMENT: &str = r#"
const [id, text, wanted, done] = arguments;
const found = () => [...document.querySelectorAll(`[data-testid="${id}"]`)].find((element) =>
    !element.disabled && element.getClientRects().length > 0 && element.textContent.includes(text));
const look = () => {
    const element = found();
    if (wanted ? !element : element) return false;
    observer.disconnect();
    done(element ?? null);
    return true;
};
const observer = new MutationObserver(look);
if (!look()) {
    observer.observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
}
"#;

/// Two frames later everything that has changed is drawn.
const AWAIT_FRAMES: &str =
    "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()));";

/// A page under control. The control ends when it is dropped; the window stays.
#[derive(Debug)]
pub struct Page {
    http: reqwest::Client,
    /// The session's URL.
    session: String,
    driver: Process,
    _port: Port,
}

/// An element of the page.
#[derive(Debug)]
pub struct Element<'a> {
    page: &'a Page,
    reference: String,
}

impl Page {
    /// Takes control of the window of an app that was started to be driven. The window must have been shown.
    pub async fn of(session: &Session, desktop: &Desktop) -> Result<Self> {
        let port = Port::reserve()?;
        let arguments = [
            format!("--port={}", port.address().port()),
            format!("--target={}", desktop.inspector()?.address()),
        ];
        let driver = Process::start(&find_program("WebKitWebDriver")?, arguments, session.environment())?;
        port.listening().await?;
        let sessions = format!("http://{}/session", port.address());
        let mut page = Self { http: crate::http()?, session: sessions, driver, _port: port };
        let patience = u64::try_from(PATIENCE.as_millis())?;
        let capabilities = json!({ "alwaysMatch": { "timeouts": { "script": patience } } });
        let opened = match page.post("", &json!({ "capabilities": capabilities })).await {
            Ok(opened) => opened,
            Err(error) => return Err(page.driver.failure(&format!("opens no session: {error:#}")).await),
        };
        let id = opened.get("sessionId").and_then(Value::as_str).context("a session's id")?;
        page.session = format!("{}/{id}", page.session);
        Ok(page)
    }

    /// The first element with this id, once it can be seen and used.
    pub async fn find(&self, id: &str) -> Result<Element<'_>> {
        self.find_with(id, "").await
    }

    /// The first element with this id that contains this text, once there is one.
    pub async fn find_with(&self, id: &str, text: &str) -> Result<Element<'_>> {
        let answer = self.wait_for(id, text, true).await?;
        let reference = answer.as_object().and_then(|object| object.values().next()?.as_str());
        let reference = reference.with_context(|| format!("an element, not {answer}"))?.to_owned();
        Ok(Element { page: self, reference })
    }

    /// Returns once no element with this id contains this text.
    pub async fn gone(&self, id: &str, text: &str) -> Result<()> {
        self.wait_for(id, text, false).await.map(drop)
    }

    /// Clicks the first element with this id, once that is possible.
    pub async fn click(&self, id: &str) -> Result<()> {
        self.find(id).await?.click().await.with_context(|| format!("click {id}"))
    }

    /// Types into the first element with this id, once that is possible.
    pub async fn type_into(&self, id: &str, text: &str) -> Result<()> {
        let element = self.find(id).await?;
        element.post("value", &json!({ "text": text })).await.with_context(|| format!("type into {id}"))
    }

    /// Runs a script that calls its last argument with the answer.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.post("/execute/async", &json!({ "script": script, "args": arguments })).await
    }

    /// Returns once the page is drawn as it is now.
    pub async fn drawn(&self) -> Result<()> {
        self.run(AWAIT_FRAMES, &[]).await.context("wait for the page to be drawn").map(drop)
    }

    async fn wait_for(&self, id: &str, text: &str, wanted: bool) -> Result<Value> {
        match self.run(AWAIT_ELEMENT, &[json!(id), json!(text), json!(wanted)]).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let page = self.get("/source").await.unwrap_or_default();
                let wanted = if wanted { "is not there" } else { "does not go" };
                Err(error).with_context(|| format!("{id} {text:?} {wanted}: {page}"))
            }
        }
    }

    async fn get(&self, command: &str) -> Result<Value> {
        value(self.http.get(format!("{}{command}", self.session)).send().await?).await
    }

    async fn post(&self, command: &str, body: &Value) -> Result<Value> {
        // Longer than what is waited for in the page.
        let request = self.http.post(format!("{}{command}", self.session)).timeout(PATIENCE * 2);
        value(request.json(body).send().await?).await
    }
}

impl Element<'_> {
    /// Clicks it.
    pub async fn click(&self) -> Result<()> {
        self.post("click", &json!({})).await
    }

    /// Its text, as it is seen.
    pub async fn text(&self) -> Result<String> {
        let text = self.page.get(&format!("/element/{}/text", self.reference)).await?;
        Ok(text.as_str().context("a text")?.to_owned())
    }

    async fn post(&self, command: &str, body: &Value) -> Result<()> {
        self.page.post(&format!("/element/{}/{command}", self.reference), body).await.map(drop)
    }
}

/// The `value` of an answer, or the error that is in its place.
async fn value(response: reqwest::Response) -> Result<Value> {
    let failed = !response.status().is_success();
    let mut answer: Value = response.json().await.context("an answer of the driver's")?;
    let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
    if failed {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        bail!("{}: {}", text("error"), text("message"));
    }
    Ok(value)
}
