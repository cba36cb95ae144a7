//! What the site answers. Everything that changes something is a form posted from the site's own page.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use url::Url;
use webpush::application_server::DeclarativeMessage;
use webpush::payload::{Action, Notification};
use webpush::{ApplicationServerKey, PushSubscription};

use crate::page;
use crate::sender::{Outcome, Sender};
use crate::store::{StoreError, Subscriptions};

/// Far above the longest form, far below what would hurt.
const MOST_BODY: usize = 16 * 1024;
const LONGEST_NAME: usize = 100;
const LONGEST_TITLE: usize = 200;
const LONGEST_TEXT: usize = 2_000;

/// Nothing is loaded from elsewhere and no script or style stands in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Everything the site has.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) public_key: ApplicationServerKey,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) sender: Sender,
}

pub(crate) fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/subscriptions", post(subscribe))
        .route("/subscriptions/remove", post(remove))
        .route("/send", post(send))
        .route(
            "/style.css",
            get(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("assets/style.css"))),
        )
        .route(
            "/page.js",
            get(([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("assets/page.js"))),
        )
        .route(
            "/sw.js",
            get(([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("assets/sw.js"))),
        )
        .layer(middleware::from_fn(guard))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(site)
}

/// Why a form was not accepted: shown to the person who sent it.
#[derive(Debug)]
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(reason: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.into())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let status = match error {
            StoreError::Full => StatusCode::CONFLICT,
            StoreError::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Html(page::refusal(&self.1))).into_response()
    }
}

async fn index(State(site): State<Arc<Site>>) -> Html<String> {
    Html(page::index(&site.public_key, &site.subscriptions.all()))
}

#[derive(Deserialize)]
struct Subscribe {
    #[serde(default)]
    name: String,
    /// The JSON form of W3C's `PushSubscription`, as browsers and Belfry write it.
    subscription: String,
}

async fn subscribe(State(site): State<Arc<Site>>, Form(form): Form<Subscribe>) -> Result<Redirect, Refusal> {
    let name = bounded("The name", &form.name, LONGEST_NAME)?;
    let subscription: PushSubscription = serde_json::from_str(form.subscription.trim())
        .map_err(|error| Refusal::bad(format!("That is not a push subscription: {error}.")))?;
    site.subscriptions.add(name, subscription)?;
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
struct Remove {
    id: u64,
}

async fn remove(State(site): State<Arc<Site>>, Form(form): Form<Remove>) -> Result<Redirect, Refusal> {
    site.subscriptions.remove(&[form.id])?;
    Ok(Redirect::to("/"))
}

/// The form's fields; what is left empty is not sent.
#[derive(Deserialize)]
struct Message {
    title: String,
    #[serde(default)]
    body: String,
    link: String,
    #[serde(default)]
    button1: String,
    #[serde(default)]
    link1: String,
    #[serde(default)]
    button2: String,
    #[serde(default)]
    link2: String,
}

impl Message {
    fn notification(&self) -> Result<Notification, Refusal> {
        let mut actions = Vec::new();
        for (number, label, link) in [(1, &self.button1, &self.link1), (2, &self.button2, &self.link2)] {
            let label = bounded("A button's label", label, LONGEST_NAME)?;
            if !label.is_empty() {
                actions.push(Action {
                    action: format!("button{number}"),
                    title: label.to_owned(),
                    navigate: Some(web_link(link)?),
                    ..Action::default()
                });
            }
        }
        Ok(Notification {
            title: bounded("The title", &self.title, LONGEST_TITLE)?.to_owned(),
            body: bounded("The text", &self.body, LONGEST_TEXT)?.to_owned(),
            navigate: Some(web_link(&self.link)?),
            actions,
            ..Notification::default()
        })
    }
}

async fn send(State(site): State<Arc<Site>>, Form(form): Form<Message>) -> Result<Html<String>, Refusal> {
    let message = DeclarativeMessage::from(form.notification()?);
    let document = message.document().map_err(|error| Refusal::bad(error.to_string()))?;
    let subscribers = site.subscriptions.all();
    let outcomes = site.sender.send(&subscribers, document.to_string().as_bytes()).await;
    let results: Vec<_> = subscribers.iter().zip(&outcomes).collect();
    let gone = results.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Gone(_)));
    let gone: Vec<u64> = gone.map(|(subscriber, _)| subscriber.id).collect();
    if !gone.is_empty() {
        site.subscriptions.remove(&gone)?;
    }
    Ok(Html(page::results(&results)))
}

/// Refuses forms posted from other sites' pages, and hardens every answer.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = if request.method().is_safe() || is_own_page(request.headers()) {
        next.run(request).await
    } else {
        Refusal(StatusCode::FORBIDDEN, "This form was sent from another site.".to_owned()).into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer` browsers would not name the page a form comes from either.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Browsers name the page a form comes from; programs such as curl do not.
fn is_own_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    // Behind a proxy that ends TLS the page's scheme differs from ours.
    let named = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    own.is_some() && named == own
}

fn bounded<'a>(what: &str, text: &'a str, longest: usize) -> Result<&'a str, Refusal> {
    let text = text.trim();
    if text.chars().count() > longest {
        return Err(Refusal::bad(format!("{what} has more than {longest} characters.")));
    }
    Ok(text)
}

fn web_link(text: &str) -> Result<Url, Refusal> {
    match Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(_) | Err(_) => Err(Refusal::bad("A link starts with http:// or https://.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        let (title, link) = ("Done".to_owned(), "https://example.com/".to_owned());
        let empty = String::new;
        Message {
            title,
            body: empty(),
            link,
            button1: empty(),
            link1: empty(),
            button2: empty(),
            link2: empty(),
        }
    }

    #[test]
    fn a_button_without_a_label_is_left_out_and_one_with_a_bad_link_refused() {
        assert!(message().notification().unwrap().actions.is_empty());
        let second = Message { button2: "Log".into(), link2: "https://example.com/log".into(), ..message() };
        let actions = second.notification().unwrap().actions;
        assert_eq!((actions.len(), actions[0].title.as_str()), (1, "Log"));
        for link in ["", "javascript:alert(1)", "file:///etc/passwd", "/relative"] {
            let bad = Message { button1: "x".into(), link1: link.into(), ..message() };
            assert!(bad.notification().is_err(), "{link}");
            assert!(Message { link: link.into(), ..message() }.notification().is_err(), "{link}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert!(Message { title: "é".repeat(LONGEST_TITLE), ..message() }.notification().is_ok());
        assert!(Message { title: "é".repeat(LONGEST_TITLE + 1), ..message() }.notification().is_err());
        assert!(Message { body: "x".repeat(LONGEST_TEXT + 1), ..message() }.notification().is_err());
    }

    #[test]
    fn forms_of_other_sites_are_told_apart() {
        let headers = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8040"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
            }
            headers
        };
        for own in [None, Some("http://127.0.0.1:8040"), Some("https://127.0.0.1:8040")] {
            assert!(is_own_page(&headers(own)), "{own:?}");
        }
        for other in ["http://127.0.0.1:8041", "https://evil.example", "null", "http://127.0.0.1:80401"] {
            assert!(!is_own_page(&headers(Some(other))), "{other}");
        }
    }
}
