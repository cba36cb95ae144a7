//! Who may send: VAPID, and endpoints bound to one key.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use webpush::vapid::VapidKey;

use crate::support::{CHANNEL, OTHER_CHANNEL, Server, UserAgent, now};

const SUBJECT: Option<&str> = Some("mailto:ops@example.net");

fn key() -> VapidKey {
    VapidKey::generate(&mut UnwrapErr(SysRng))
}

/// A service with an open endpoint and one restricted to the returned key.
async fn restricted() -> (Server, UserAgent, String, String, VapidKey) {
    let (server, key) = (Server::start().await, key());
    let mut user_agent = server.user_agent(None).await;
    let open = user_agent.register(CHANNEL, None).await;
    let restricted = user_agent.register(OTHER_CHANNEL, Some(&key.public().to_string())).await;
    (server, user_agent, open, restricted, key)
}

impl Server {
    async fn status(&self, endpoint: &str, headers: &[(&str, &str)]) -> (u16, Option<u64>) {
        let answer = self.post(endpoint, &[headers, &[("ttl", "60")]].concat(), "").await;
        if answer.status == 201 { (201, None) } else { answer.refusal() }
    }

    async fn status_with(&self, endpoint: &str, authorization: &str) -> (u16, Option<u64>) {
        self.status(endpoint, &[("authorization", authorization)]).await
    }
}

#[tokio::test]
async fn a_restricted_endpoint_takes_its_own_sender_and_no_other() {
    let (server, mut user_agent, _, restricted, own) = restricted().await;
    let signed = |key: &VapidKey| key.authorization(&server.origin(), now() + 3600, SUBJECT);
    assert_eq!(server.status_with(&restricted, &signed(&own)).await, (201, None));
    assert_eq!(user_agent.notification().await["channelID"], OTHER_CHANNEL);
    assert_eq!(server.status_with(&restricted, &signed(&key())).await, (401, Some(109)));
    assert_eq!(server.status(&restricted, &[]).await, (401, Some(109)));
}

#[tokio::test]
async fn a_refused_sender_is_told_why_and_not_how_to_log_in() {
    let (server, _user_agent, _, restricted, own) = restricted().await;
    let other = key().authorization(&server.origin(), now() + 3600, SUBJECT);
    let own = own.authorization(&server.origin(), now() + 3600, SUBJECT);
    let without_key = own.split_once(", k=").unwrap().0;
    for (authorization, message) in [
        (None, "Missing VAPID public key"),
        (Some(other.as_str()), "VAPID public key mismatch"),
        (Some(without_key), "Missing VAPID public key"),
        (Some("vapid k=AAAA"), "Missing VAPID token"),
        (Some("Basic eA=="), "Unknown auth scheme"),
        (Some("\u{e4}"), "Unknown auth scheme"),
    ] {
        let mut headers = vec![("ttl", "60")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let answer = server.post(&restricted, &headers, "").await;
        assert_eq!((answer.refusal(), &answer.json()["message"]), ((401, Some(109)), &message.into()));
        assert_eq!(answer.header("www-authenticate"), None);
    }
}

#[tokio::test]
async fn a_key_registered_with_padding_is_the_same_key() {
    let (server, key) = (Server::start().await, key());
    let mut user_agent = server.user_agent(None).await;
    let restricted = user_agent.register(CHANNEL, Some(&format!("{}=", key.public()))).await;
    let signed = key.authorization(&server.origin(), now() + 3600, SUBJECT);
    for authorization in [signed.clone(), format!("{signed}="), signed.replace("vapid", "VAPID")] {
        assert_eq!(
            server.status_with(&restricted, &authorization).await,
            (201, None),
            "the same token again"
        );
    }
}

#[tokio::test]
async fn each_endpoint_of_a_channel_keeps_the_sender_it_was_made_for() {
    let (server, own, next) = (Server::start().await, key(), key());
    let mut user_agent = server.user_agent(None).await;
    let old = user_agent.register(CHANNEL, Some(&own.public().to_string())).await;
    let new = user_agent.register(CHANNEL, Some(&next.public().to_string())).await;
    let signed = |key: &VapidKey| key.authorization(&server.origin(), now() + 3600, SUBJECT);
    for (endpoint, accepted, refused) in [(&old, &own, &next), (&new, &next, &own)] {
        assert_eq!(server.status_with(endpoint, &signed(accepted)).await, (201, None));
        assert_eq!(server.status_with(endpoint, &signed(refused)).await, (401, Some(109)));
    }
}

#[tokio::test]
async fn an_open_endpoint_takes_anyone_but_a_sender_that_identifies_itself_wrongly() {
    let (server, _user_agent, open, _, _) = restricted().await;
    let signed = key().authorization(&server.origin(), now() + 3600, None);
    assert_eq!(server.status(&open, &[]).await, (201, None));
    assert_eq!(server.status_with(&open, &signed).await, (201, None));
    assert_eq!(server.status_with(&open, "Basic eA==").await, (401, Some(109)));
    let elsewhere = key().authorization("https://push.example.org", now() + 3600, None);
    assert_eq!(server.status_with(&open, &elsewhere).await, (401, Some(109)));
}

#[tokio::test]
async fn a_token_must_be_of_today_and_for_this_service() {
    let (server, _user_agent, _, restricted, key) = restricted().await;
    let origin = server.origin();
    for (audience, expires, expected) in [
        (origin.as_str(), now() + 86_000, (201, None)),
        (origin.as_str(), now() - 30, (201, None)),
        (origin.as_str(), now() - 90, (401, Some(109))),
        (origin.as_str(), now() + 86_400 + 60, (401, Some(109))),
        (server.service.endpoint_url().as_str(), now() + 3600, (401, Some(109))),
    ] {
        let signed = key.authorization(audience, expires, SUBJECT);
        assert_eq!(server.status_with(&restricted, &signed).await, expected, "{audience} {expires}");
    }
}

#[tokio::test]
async fn the_draft_forms_need_the_key_in_crypto_key() {
    let (server, _user_agent, open, restricted, key) = restricted().await;
    let signed = key.authorization(&server.origin(), now() + 3600, SUBJECT);
    let token = signed.split_once("t=").unwrap().1.split_once(',').unwrap().0;
    let crypto_key = format!("p256ecdsa={}", key.public());
    for scheme in ["WebPush", "Bearer"] {
        let authorization = format!("{scheme} {token}");
        let headers = [("authorization", authorization.as_str()), ("crypto-key", crypto_key.as_str())];
        assert_eq!(server.status(&restricted, &headers).await, (201, None));
        assert_eq!(server.status(&open, &headers).await, (201, None));
        assert_eq!(server.status(&restricted, &headers[..1]).await, (400, Some(110)));
    }
}

#[tokio::test]
async fn a_sender_is_checked_before_it_learns_that_an_endpoint_is_gone() {
    let (server, mut user_agent, _, restricted, key) = restricted().await;
    user_agent.unregister(OTHER_CHANNEL).await;
    assert_eq!(server.status(&restricted, &[]).await, (401, Some(109)));
    assert_eq!(server.status_with(&restricted, "vapid t=x,k=y").await, (401, Some(109)));
    let other = crate::vapid::key().authorization(&server.origin(), now() + 3600, SUBJECT);
    assert_eq!(server.status_with(&restricted, &other).await, (401, Some(109)));
    let signed = key.authorization(&server.origin(), now() + 3600, SUBJECT);
    assert_eq!(server.status_with(&restricted, &signed).await, (410, Some(106)));
}

#[tokio::test]
async fn a_restricted_endpoint_does_not_open_under_the_other_path() {
    let (server, _user_agent, _, restricted, key) = restricted().await;
    let signed = key.authorization(&server.origin(), now() + 3600, SUBJECT);
    for path in ["/v1/", "/"] {
        let url = restricted.replace("/v2/", path);
        let answer = server.post(&url, &[("ttl", "60"), ("authorization", &signed)], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, ""));
    }
}
