//! Channels and their endpoints: register and unregister.

use serde_json::json;

use crate::support::{CHANNEL, OTHER_CHANNEL, Server};

const KEY: &str = "BDzM_h01bGr8NjrvHghw8chYifNdrx0qMYlWvzRqMeY7T8KDvnp6-9oxiSsRFwVk5Gtwb1AGIdW4DqCPExxpWFY";

#[tokio::test]
async fn a_channel_gets_an_endpoint_of_the_version_that_fits_its_key() {
    let server = Server::start().await;
    let base = server.service.endpoint_url().to_string();
    let mut user_agent = server.user_agent(None).await;
    let open = user_agent.register(CHANNEL, None).await;
    assert!(open.starts_with(&format!("{base}wpush/v1/")), "{open}");
    for key in [KEY.to_owned(), format!("{KEY}=")] {
        let restricted = user_agent.register(OTHER_CHANNEL, Some(&key)).await;
        assert!(restricted.starts_with(&format!("{base}wpush/v2/")), "{restricted}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let standard_alphabet = KEY.replace('_', "/").replace('-', "+");
    let off_curve = format!("BE{}", "A".repeat(85));
    for key in ["", "AAAA", "!", &standard_alphabet, &off_curve] {
        let reply = user_agent.try_register(CHANNEL, Some(key)).await;
        let expected = json!({"messageType": "register", "channelID": CHANNEL, "status": 400,
            "pushEndpoint": "Failed to generate endpoint"});
        assert_eq!(reply, expected, "{key:?}");
    }
    user_agent.register(CHANNEL, Some(KEY)).await;
}

#[tokio::test]
async fn a_channel_id_in_another_form_than_autopushs_ends_the_connection() {
    let server = Server::start().await;
    for channel in [CHANNEL.to_uppercase(), CHANNEL.replace('-', ""), "x".to_owned()] {
        let mut user_agent = server.user_agent(None).await;
        user_agent.send(json!({"messageType": "register", "channelID": channel})).await;
        assert_eq!(user_agent.closed().await, (1011, "SM".to_owned()), "{channel}");
    }
}

#[tokio::test]
async fn registering_again_gives_another_endpoint_and_all_of_them_work() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let first = user_agent.register(CHANNEL, None).await;
    let second = user_agent.register(CHANNEL, None).await;
    assert_ne!(first, second);
    for endpoint in [&first, &second] {
        let version = server.push(endpoint, "60", "x").await;
        let notification = user_agent.notification().await;
        assert_eq!(
            (&notification["version"], &notification["channelID"]),
            (&json!(version), &json!(CHANNEL))
        );
    }
    user_agent.unregister(CHANNEL).await;
    for endpoint in [&first, &second] {
        assert_eq!(server.post(endpoint, &[("ttl", "60")], "").await.refusal(), (410, Some(106)));
    }
}

#[tokio::test]
async fn the_endpoint_of_a_channel_given_up_answers_gone() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    let kept = user_agent.register(OTHER_CHANNEL, None).await;
    let reply = user_agent.unregister(CHANNEL).await;
    assert_eq!(reply, json!({"messageType": "unregister", "channelID": CHANNEL, "status": 200}));

    let answer = server.post(&endpoint, &[("ttl", "60")], "").await;
    assert_eq!(answer.refusal(), (410, Some(106)));
    assert_eq!(answer.header("cache-control"), Some("max-age=86400"));
    server.push(&kept, "60", "x").await;
    assert_eq!(user_agent.notification().await["channelID"], OTHER_CHANNEL);

    let server = server.crash_and_restart().await;
    let path = endpoint.split_once("/wpush/").unwrap().1;
    let endpoint = format!("{}wpush/{path}", server.service.endpoint_url());
    assert_eq!(server.post(&endpoint, &[("ttl", "60")], "").await.refusal(), (410, Some(106)));
}

/// What its last message has left in memory is forgotten with the channel, for both kinds of message.
#[tokio::test]
async fn an_endpoint_in_use_answers_gone_as_soon_as_its_channel_is_given_up() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    for ttl in ["60", "0"] {
        let version = server.push(&endpoint, ttl, "x").await;
        assert_eq!(user_agent.version().await, version, "ttl {ttl}");
        user_agent.acknowledge(&[version]).await;
    }
    user_agent.unregister(CHANNEL).await;
    for ttl in ["0", "60", "0"] {
        let answer = server.post(&endpoint, &[("ttl", ttl)], "x").await;
        assert_eq!(answer.refusal(), (410, Some(106)), "ttl {ttl}");
    }
}

#[tokio::test]
async fn giving_up_a_channel_nobody_knows_is_no_error() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    assert_eq!(user_agent.unregister(CHANNEL).await["status"], 200);
    let upper = user_agent.unregister(&CHANNEL.to_uppercase()).await;
    assert_eq!((&upper["status"], &upper["channelID"]), (&json!(200), &json!(CHANNEL)));
}

#[tokio::test]
async fn messages_of_a_channel_given_up_are_not_delivered() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let given_up = user_agent.register(CHANNEL, None).await;
    let kept = user_agent.register(OTHER_CHANNEL, None).await;
    let uaid = user_agent.uaid.clone();
    server.push(&given_up, "60", "x").await;
    let expected = server.push(&kept, "60", "y").await;
    user_agent.versions(2).await;
    user_agent.unregister(CHANNEL).await;
    user_agent.close().await;
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    assert_eq!(user_agent.version().await, expected);
    user_agent.expect_nothing_else(&server, &kept).await;
}
