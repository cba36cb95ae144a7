//! What application servers are answered: every status of push-service-http.md §3.3 that applies, and the order of
//! the checks.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::support::{CHANNEL, Server, UserAgent, raw_exchange, soon};

async fn paired() -> (Server, UserAgent, String) {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    (server, user_agent, endpoint)
}

#[tokio::test]
async fn an_accepted_push_is_answered_with_its_location_and_the_ttl_in_use() {
    let (server, mut user_agent, endpoint) = paired().await;
    for (asked, used) in [("0", "0"), ("60", "60"), ("2592000", "2592000"), ("99999999999", "2592000")] {
        let answer = server.post(&endpoint, &[("ttl", asked)], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (201, ""));
        assert_eq!(answer.header("ttl"), Some(used));
        let base = format!("{}m/", server.service.endpoint_url());
        assert!(answer.header("location").unwrap().starts_with(&base));
        assert_eq!(user_agent.version().await, answer.version());
    }
}

#[tokio::test]
async fn a_receipt_asked_for_and_a_content_type_change_nothing() {
    let (server, _user_agent, endpoint) = paired().await;
    let headers = [("ttl", "60"), ("prefer", "respond-async"), ("content-type", "text/html")];
    let answer = server.post(&endpoint, &headers, "").await;
    assert_eq!((answer.status, answer.header("link")), (201, None));
}

#[tokio::test]
async fn the_short_form_of_an_endpoint_is_the_open_one() {
    let (server, _user_agent, endpoint) = paired().await;
    assert_eq!(server.post(&endpoint.replace("/v1/", "/"), &[("ttl", "0")], "").await.status, 201);
}

/// Headers, body and the errno they lead to.
type Case<'a> = (&'a [(&'a str, &'a str)], &'static str, u64);

#[tokio::test]
async fn headers_that_break_a_rule_are_refused() {
    let (server, _user_agent, endpoint) = paired().await;
    let long = "a".repeat(33);
    let coded = |value| ("content-encoding", value);
    let cases: &[Case] = &[
        (&[], "", 111),
        (&[("ttl", "abc")], "", 111),
        (&[("ttl", "1.5")], "", 111),
        (&[("ttl", "")], "", 111),
        (&[("ttl", "99999999999999999999")], "", 111),
        (&[("ttl", "-1")], "", 114),
        (&[("ttl", "1"), ("topic", "")], "", 113),
        (&[("ttl", "1"), ("topic", "a b")], "", 113),
        (&[("ttl", "1"), ("topic", "a.b")], "", 113),
        (&[("ttl", "1"), ("topic", &long)], "", 113),
        (&[("ttl", "1")], "x", 110),
        (&[("ttl", "1"), coded("aesgcm128")], "x", 110),
        (&[("ttl", "1"), coded("gzip")], "x", 110),
        (&[("ttl", "1"), coded("aes128gcm"), ("encryption", "salt=AAAA")], "x", 110),
        (&[("ttl", "1"), coded("aes128gcm"), ("crypto-key", "dh=AAAA")], "x", 110),
        (&[("ttl", "1"), coded("aesgcm")], "x", 110),
        (&[("ttl", "1"), coded("aesgcm"), ("encryption", "salt=AAAA"), ("crypto-key", "x=A")], "x", 110),
    ];
    for (headers, body, errno) in cases {
        let answer = server.post(&endpoint, headers, *body).await;
        assert_eq!(answer.refusal(), (400, Some(*errno)), "{headers:?}");
    }
}

#[tokio::test]
async fn an_urgency_that_is_no_level_is_taken_for_the_default() {
    let (server, _user_agent, endpoint) = paired().await;
    for urgency in ["very-low", "high", "nonsense"] {
        assert_eq!(server.post(&endpoint, &[("ttl", "1"), ("urgency", urgency)], "").await.status, 201);
    }
}

#[tokio::test]
async fn bodies_are_taken_up_to_the_limit_and_refused_beyond() {
    let (server, mut user_agent, endpoint) = paired().await;
    let headers = [("ttl", "60"), ("content-encoding", "aes128gcm")];
    for length in [1, 4096, 5630] {
        assert_eq!(server.post(&endpoint, &headers, vec![7; length]).await.status, 201, "{length}");
        let data = user_agent.notification().await["data"].as_str().unwrap().to_owned();
        assert_eq!(data.len(), (length * 4).div_ceil(3));
    }
    for length in [5631, 100_000] {
        let answer = server.post(&endpoint, &headers, vec![7; length]).await;
        assert_eq!(answer.refusal(), (413, Some(104)), "{length}");
    }
}

#[tokio::test]
async fn a_body_in_chunks_is_limited_too() {
    let (server, _user_agent, endpoint) = paired().await;
    let address = server.service.address();
    let path = url::Url::parse(&endpoint).unwrap().path().to_owned();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nttl: 60\r\ncontent-encoding: aes128gcm\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}{chunk}0\r\n\r\n"
    );
    let answer = raw_exchange(address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"errno\":104"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_garbled_or_breaks_off_is_refused() {
    let (server, mut user_agent, endpoint) = paired().await;
    let address = server.service.address();
    let path = url::Url::parse(&endpoint).unwrap().path().to_owned();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nttl: 60\r\ncontent-encoding: aes128gcm\r\nconnection: close\r\n"
    );
    let garbled = format!("{head}transfer-encoding: chunked\r\n\r\n4\r\nabcd\r\nnonsense\r\n");
    let answer = raw_exchange(address, garbled.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"errno\":null"), "{answer}");
    let mut sender = TcpStream::connect(address).await.unwrap();
    sender.write_all(format!("{head}content-length: 9\r\n\r\nabcd").as_bytes()).await.unwrap();
    sender.shutdown().await.unwrap();
    let mut answer = String::new();
    soon(sender.read_to_string(&mut answer)).await.unwrap();
    assert!(!answer.contains(" 201 "), "{answer}");
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn an_endpoint_revoked_while_its_message_is_on_the_way_answers_gone() {
    let (server, mut user_agent, endpoint) = paired().await;
    let address = server.service.address();
    let path = url::Url::parse(&endpoint).unwrap().path().to_owned();
    let mut sender = BufReader::new(TcpStream::connect(address).await.unwrap());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nttl: 60\r\ncontent-encoding: aes128gcm\r\n\
         content-length: 1\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
    );
    sender.write_all(head.as_bytes()).await.unwrap();
    // The body is asked for once everything before it was found in order.
    let mut line = String::new();
    soon(sender.read_line(&mut line)).await.unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    user_agent.unregister(CHANNEL).await;
    sender.write_all(b"x").await.unwrap();
    let mut answer = String::new();
    soon(sender.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.contains("HTTP/1.1 410 ") && answer.contains("\"errno\":106"), "{answer}");
    user_agent.settle().await;
}

#[tokio::test]
async fn unknown_endpoints_and_paths_are_not_found_and_nothing_is_said() {
    let (server, _user_agent, endpoint) = paired().await;
    let base = server.service.endpoint_url();
    let never_issued = "A".repeat(43);
    for path in [
        format!("wpush/v1/{never_issued}"),
        format!("wpush/v2/{never_issued}"),
        "wpush/v1/short".to_owned(),
        "wpush/v1/%FF%FE".to_owned(),
        format!("wpush/v3/{never_issued}"),
        "wpush/v1/".to_owned(),
        "elsewhere".to_owned(),
    ] {
        let answer = server.post(&format!("{base}{path}"), &[("ttl", "60")], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
    let as_restricted = server.post(&endpoint.replace("/v1/", "/v2/"), &[("ttl", "60")], "").await;
    assert_eq!(as_restricted.status, 404);
}

#[tokio::test]
async fn another_method_is_refused_with_those_allowed() {
    let (server, _user_agent, endpoint) = paired().await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = server.request(method, &endpoint, &[], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (405, ""));
        assert!(answer.header("allow").unwrap().contains("POST"));
    }
    let message = format!("{}m/AAAAAAAAAAAAAAAAAAAAAA", server.service.endpoint_url());
    let answer = server.request(Method::GET, &message, &[], "").await;
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").unwrap().contains("DELETE"));
}

#[tokio::test]
async fn a_message_id_of_another_service_is_refused() {
    let (server, _user_agent, _endpoint) = paired().await;
    for id in ["x", "gAAAAABlU_EA=", "%FF"] {
        let url = format!("{}m/{id}", server.service.endpoint_url());
        assert_eq!(server.request(Method::DELETE, &url, &[], "").await.refusal(), (400, None), "{id}");
    }
}

#[tokio::test]
async fn of_several_faults_the_first_in_autopushs_order_is_reported() {
    let (server, mut user_agent, endpoint) = paired().await;
    let too_large = vec![7; 6000];
    let bad_vapid = ("authorization", "Basic eA==");

    let everything = [bad_vapid, ("ttl", "abc"), ("topic", ""), ("content-encoding", "gzip")];
    let unknown = format!("{}wpush/v1/{}", server.service.endpoint_url(), "A".repeat(43));
    assert_eq!(server.post(&unknown, &everything, too_large.clone()).await.status, 404);
    assert_eq!(server.post(&endpoint, &everything, too_large.clone()).await.refusal(), (401, Some(109)));
    assert_eq!(server.post(&endpoint, &everything[1..], too_large.clone()).await.refusal(), (413, Some(104)));
    assert_eq!(server.post(&endpoint, &everything[1..], "x").await.refusal(), (400, Some(111)));
    let from_topic = [("ttl", "1"), ("topic", ""), ("content-encoding", "gzip")];
    assert_eq!(server.post(&endpoint, &from_topic, "x").await.refusal(), (400, Some(113)));

    let under_the_other_path = endpoint.replace("/v1/", "/v2/");
    assert_eq!(server.post(&under_the_other_path, &everything, "x").await.refusal(), (401, Some(109)));
    assert_eq!(server.post(&under_the_other_path, &everything[1..], "x").await.status, 404);

    user_agent.unregister(CHANNEL).await;
    assert_eq!(server.post(&endpoint, &everything, too_large.clone()).await.refusal(), (401, Some(109)));
    assert_eq!(server.post(&endpoint, &everything[1..], too_large).await.refusal(), (410, Some(106)));
}

#[tokio::test]
async fn pages_of_any_origin_may_send() {
    let (server, _user_agent, endpoint) = paired().await;
    let asked = [
        ("origin", "https://site.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "ttl,content-encoding"),
    ];
    let message = format!("{}m/AAAAAAAAAAAAAAAAAAAAAA", server.service.endpoint_url());
    let (restricted, short) = (endpoint.replace("/v1/", "/v2/"), endpoint.replace("/v1/", "/"));
    for url in [&endpoint, &restricted, &short, &message] {
        let answer = server.request(Method::OPTIONS, url, &asked, "").await;
        assert_eq!(answer.status, 200);
        for (name, value) in [
            ("access-control-allow-origin", "https://site.example"),
            ("access-control-allow-methods", "GET, DELETE, PUT, POST"),
            ("access-control-allow-headers", "ttl,content-encoding"),
            ("access-control-max-age", "3600"),
        ] {
            assert_eq!(answer.header(name), Some(value));
        }
    }
    for ttl in ["60", "abc"] {
        let answer = server.post(&endpoint, &[("origin", "https://site.example"), ("ttl", ttl)], "").await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://site.example"));
        assert_eq!(answer.header("access-control-expose-headers"), Some("location, ttl"));
        assert_eq!(answer.header("vary"), Some("origin"));
    }
    assert_eq!(
        server.post(&endpoint, &[("ttl", "60")], "").await.header("access-control-allow-origin"),
        None
    );
}

#[tokio::test]
async fn the_service_says_that_it_is_well_and_which_version_it_is() {
    let server = Server::start().await;
    let url = format!("{}health", server.service.endpoint_url());
    let answer = server.request(Method::GET, &url, &[], "").await;
    let expected = json!({"status": "OK", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!((answer.status, answer.json()), (200, expected));
}
