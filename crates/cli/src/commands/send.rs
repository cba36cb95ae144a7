//! `belfry send`: plays the application server.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use user_agent::api::{CommandError, ErrorCode};
use webpush::application_server::{DeclarativeMessage, Identity, Push};
use webpush::payload::{Action, Notification};
use webpush::vapid::VapidKey;
use webpush::{PushSubscription, Ttl};

use crate::args::{Button, Global, Members, Send, Source};
use crate::exit::Failure;
use crate::http;
use crate::output::{Output, plain};

/// The largest subscription or key that is read, in bytes.
const MAX_JSON: usize = 64 * 1024;

/// The largest payload that is read; what push services take is less and checked when it is encrypted.
const MAX_PAYLOAD: usize = 1024 * 1024;

/// The largest part of an error answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Whom a push service may turn to about a sender's pushes: RFC 8292 §2.1 wants someone named, and some services refuse a
/// token without. Nobody can be reached there (RFC 2606); it is a person at a terminal who sends.
const CONTACT: &str = "mailto:belfry@example.invalid";

/// How long a sender's token is valid, in seconds. RFC 8292 §2: at most a day.
const TOKEN_LIFE: u64 = 12 * 60 * 60;

pub(crate) async fn run(global: &Global, send: Send, output: Output) -> Result<(), Failure> {
    let subscription = subscription(&send.to)?;
    let payload = payload(&send)?;
    let key = send.vapid_key.clone().map(|file| vapid_key(&Source::File(file))).transpose()?;
    let push = Push {
        subscription: &subscription,
        payload: &payload,
        ttl: Ttl::from_seconds(send.ttl),
        urgency: send.urgency,
        topic: send.topic.as_ref(),
        identity: key.as_ref().map(identity),
    };
    let accepted = post(global, &push).await?;
    output.print(&accepted, || {
        let location = accepted.location.as_ref().map(|location| format!("\nLocation: {}", plain(location)));
        format!("{}{}", accepted.status, location.unwrap_or_default())
    })
}

/// The push service's yes.
#[derive(Serialize)]
pub(super) struct Accepted {
    #[serde(serialize_with = "as_number")]
    pub(super) status: StatusCode,
    /// The message's own URL.
    pub(super) location: Option<String>,
}

/// Encrypts and posts.
pub(super) async fn post(global: &Global, push: &Push<'_>) -> Result<Accepted, CommandError> {
    let client = http::client(&global.ca_files()?, push.subscription.endpoint.url())?;
    let request = push.request().map_err(|error| CommandError::invalid(error.to_string()))?;
    let request = reqwest::Request::try_from(request).map_err(http::unanswered)?;
    let response = client.execute(request).await.map_err(http::unanswered)?;
    let status = response.status();
    if status.is_success() {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        return Ok(Accepted { status, location: location.map(str::to_owned) });
    }
    let headers = response.headers().clone();
    Err(refused(status, &headers, &answer(response).await))
}

fn as_number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

fn subscription(source: &Source) -> Result<PushSubscription, CommandError> {
    serde_json::from_slice(&source.read(MAX_JSON)?).map_err(|error| {
        let wrong = if error.is_data() { error.to_string() } else { "it is no JSON".to_owned() };
        let message = "this is not a push subscription, {\"endpoint\":…,\"keys\":{\"p256dh\":…,\"auth\":…}}, as `belfry site add` \
            prints it";
        CommandError::invalid(format!("{message}: {wrong}"))
    })
}

fn payload(send: &Send) -> Result<Vec<u8>, CommandError> {
    let document = match (&send.title, &send.navigate) {
        (Some(title), Some(navigate)) => {
            let body = send.body.clone().unwrap_or_default();
            let notification = Notification {
                title: title.clone(),
                body,
                navigate: Some(navigate.clone()),
                ..Notification::default()
            };
            let message = with_members(notification, &send.members);
            message.document().map_err(|error| CommandError::invalid(error.to_string()))?
        }
        (Some(title), None) => match &send.body {
            Some(body) => json!({ "title": title, "body": body }),
            None => json!({ "title": title }),
        },
        (None, _) => {
            return send.payload.as_ref().map_or(Ok(Vec::new()), |payload| payload.read(MAX_PAYLOAD));
        }
    };
    Ok(document.to_string().into_bytes())
}

/// Destructured without `..`, so that an option which nobody sends does not compile.
fn with_members(notification: Notification, members: &Members) -> DeclarativeMessage {
    let Members {
        tag,
        renotify,
        action,
        icon,
        image,
        badge,
        silent,
        vibrate,
        require_interaction,
        lang,
        dir,
        timestamp,
        app_badge,
        mutable,
        data,
    } = members;
    let button = |(number, button): (usize, &Button)| Action {
        // The standard requires a name; only a service worker would ask for it.
        action: format!("action-{}", number + 1),
        title: button.title.clone(),
        navigate: Some(button.navigate.clone()),
        ..Action::default()
    };
    let notification = Notification {
        lang: lang.clone().unwrap_or_default(),
        dir: dir.map(Into::into).unwrap_or_default(),
        tag: tag.clone().unwrap_or_default(),
        icon: icon.clone(),
        image: image.clone(),
        badge: badge.clone(),
        silent: silent.then_some(true),
        renotify: *renotify,
        require_interaction: *require_interaction,
        timestamp: timestamp.map(|time| time.0),
        actions: action.iter().enumerate().map(button).collect(),
        ..notification
    };
    DeclarativeMessage {
        notification,
        app_badge: *app_badge,
        mutable: *mutable,
        vibrate: vibrate.clone(),
        data: data.clone(),
    }
}

fn vapid_key(file: &Source) -> Result<VapidKey, CommandError> {
    let pem = file.read(MAX_JSON)?;
    VapidKey::from_pem(&String::from_utf8_lossy(&pem)).map_err(|error| {
        CommandError::invalid(format!("--vapid-key: {error}, as `belfry vapid generate` prints it"))
    })
}

fn identity(key: &VapidKey) -> Identity<'_> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Identity { key, subject: Some(CONTACT), expires: now + TOKEN_LIFE }
}

/// What a push service says about a refusal, as far as it says it in autopush's way.
#[derive(Debug, Deserialize)]
struct Answer {
    message: Option<String>,
}

async fn answer(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < MAX_ANSWER
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> CommandError {
    let says = serde_json::from_slice::<Answer>(body).ok().and_then(|answer| answer.message);
    let says = says.map(|message| format!(": {}", plain(&message.chars().take(200).collect::<String>())));
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let remedy = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            "the subscription is gone: forget it, and pair the receiver again".to_owned()
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "it does not accept this sender: sign with --vapid-key and the key the subscription is restricted to"
                .to_owned()
        }
        StatusCode::PAYLOAD_TOO_LARGE => "send less, about 4,000 bytes".to_owned(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => match retry_after {
            Some(seconds) => format!("try again in {} s", plain(seconds)),
            None => "try again later".to_owned(),
        },
        status if status.is_redirection() => "it redirects, which senders must not follow".to_owned(),
        status if status.is_server_error() => "try again later".to_owned(),
        _ => "the request was wrong".to_owned(),
    };
    CommandError::new(
        ErrorCode::Rejected,
        format!("the push service answered {status}{}; {remedy}", says.unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Arguments, Command};

    fn payload_of(options: &[&str]) -> String {
        let arguments = ["belfry", "send", "--to", "-"].iter().chain(options);
        let Command::Send(send) = Arguments::try_parse_from(arguments).unwrap().command else { panic!() };
        String::from_utf8(payload(&send).unwrap()).unwrap()
    }

    #[test]
    fn a_title_makes_a_declarative_document_when_there_is_a_link() {
        let document = payload_of(&["--title", "T", "--body", "B", "--navigate", "https://example.com/a"]);
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["web_push"], 8030);
        assert_eq!(
            document["notification"],
            json!({"title": "T", "body": "B", "navigate": "https://example.com/a"})
        );
        let every_member = "--title T --navigate https://a.example/ --body B --tag t --renotify --icon https://a.example/i \
            --image https://a.example/p --badge https://a.example/b --action Log=https://a.example/l \
            --action Map=https://a.example/m --vibrate 100,50 --require-interaction --lang de-CH --dir ltr \
            --timestamp 2026-11-25T10:00:00Z --app-badge 3 --mutable --data {\"n\":1}";
        let document = payload_of(&every_member.split_whitespace().collect::<Vec<_>>());
        let expected = json!({"web_push": 8030, "app_badge": 3, "mutable": true, "notification": {
            "title": "T", "body": "B", "navigate": "https://a.example/", "tag": "t", "renotify": true,
            "icon": "https://a.example/i", "image": "https://a.example/p", "badge": "https://a.example/b",
            "vibrate": [100, 50], "requireInteraction": true, "lang": "de-CH", "dir": "ltr",
            "timestamp": 1_795_600_800_000_u64, "data": {"n": 1}, "actions": [
                {"action": "action-1", "title": "Log", "navigate": "https://a.example/l"},
                {"action": "action-2", "title": "Map", "navigate": "https://a.example/m"}]}});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap(), expected);
        let silent = payload_of(&["--title", "T", "--navigate", "https://a.example/", "--silent"]);
        assert!(silent.contains(r#""silent":true"#), "{silent}");
        assert_eq!(payload_of(&["--title", "T", "--body", "B"]), r#"{"body":"B","title":"T"}"#);
        assert_eq!(payload_of(&["--title", "T"]), r#"{"title":"T"}"#);
        assert_eq!(payload_of(&[]), "");
    }

    #[test]
    fn a_refusal_says_what_the_service_said_and_what_to_do() {
        let refused = |status, body: &[u8]| {
            refused(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body).message
        };
        assert_eq!(
            refused(410, br#"{"code":410,"errno":106,"error":"Gone","message":"No such subscription"}"#),
            "the push service answered 410 Gone: No such subscription; \
             the subscription is gone: forget it, and pair the receiver again"
        );
        assert!(refused(404, b"").contains("the subscription is gone"));
        assert!(refused(401, b"<html>").contains("--vapid-key"));
        assert!(refused(307, b"").contains("redirects"));
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "120".parse().unwrap())]);
        let busy = super::refused(StatusCode::SERVICE_UNAVAILABLE, &headers, b"");
        assert!(busy.message.ends_with("try again in 120 s"), "{busy}");
    }
}
