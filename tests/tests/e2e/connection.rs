//! How the push service is reached, and when again.

use std::ffi::OsStr;
use std::fs;
use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use belfry_tests::desk::Desk;
use belfry_tests::process::PATIENCE;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A push service that greets, and sends away for good if it is told to.
#[derive(Clone)]
struct Greeter {
    greeted: mpsc::UnboundedSender<()>,
    sends_away: bool,
}

impl Greeter {
    /// Its address, and a sign of each greeting.
    async fn start(sends_away: bool) -> Result<(SocketAddr, mpsc::UnboundedReceiver<()>)> {
        let (greeted, greetings) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let greeter = Self { greeted, sends_away };
        let upgrade = get(move |upgrade: WebSocketUpgrade| {
            let greeter = greeter.clone();
            ready(upgrade.on_upgrade(|socket| greeter.greet(socket)))
        });
        tokio::spawn(axum::serve(listener, Router::new().route("/", upgrade)).into_future());
        Ok((address, greetings))
    }

    async fn greet(self, mut socket: WebSocket) {
        if let Some(Ok(Message::Text(_))) = socket.recv().await {
            let hello = json!({"messageType": "hello", "uaid": "a", "status": 200}).to_string();
            let _ = socket.send(Message::text(hello)).await;
            if self.sends_away {
                let away = CloseFrame { code: 4774, reason: "".into() };
                let _ = socket.send(Message::Close(Some(away))).await;
            }
            let _ = self.greeted.send(());
            while let Some(Ok(_)) = socket.recv().await {}
        }
    }
}

/// An HTTP proxy that leads everywhere to this address. Its own address, and what it is asked for.
async fn proxy_to(service: SocketAddr) -> Result<(SocketAddr, mpsc::UnboundedReceiver<String>)> {
    let (asked, requests) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = String::new();
            while let Ok(byte) = client.read_u8().await {
                head.push(byte.into());
                if head.ends_with("\r\n\r\n") {
                    break;
                }
            }
            let _ = asked.send(head.lines().next().unwrap_or_default().to_owned());
            tokio::spawn(async move {
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                tokio::io::copy_bidirectional(&mut client, &mut TcpStream::connect(service).await?).await
            });
        }
    });
    Ok((address, requests))
}

#[tokio::test]
async fn a_service_that_said_to_stay_away_is_tried_again_when_the_computer_wakes() -> Result<()> {
    let mut desk = Desk::start().await?;
    // This session's bus plays the system's as well.
    let bus = desk.session.environment().get(OsStr::new("DBUS_SESSION_BUS_ADDRESS"));
    let bus = bus.context("the bus")?.clone();
    desk.session.set("DBUS_SYSTEM_BUS_ADDRESS", bus);
    let logind = desk.session.connect().await?;
    logind.request_name("org.freedesktop.login1").await?;

    let (service, mut greetings) = Greeter::start(true).await?;
    let belfry = desk.profile("p")?;
    let mut run = belfry.run(&["--push-service", &format!("ws://{service}/")])?;
    timeout(PATIENCE, greetings.recv()).await?.context("the service has ended")?;
    assert_eq!(run.next("disconnected").await?["retry_in_ms"], Value::Null);
    timeout(PATIENCE, async {
        loop {
            let (path, interface) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
            logind.emit_signal(None::<&str>, path, interface, "PrepareForSleep", &false).await?;
            // Again and again: it may not be listening yet.
            if let Ok(greeted) = timeout(Duration::from_millis(200), greetings.recv()).await {
                return greeted.context("the service has ended");
            }
        }
    })
    .await??;
    assert_eq!(run.next("disconnected").await?["retry_in_ms"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_used_and_one_of_the_settings_instead_of_it() -> Result<()> {
    let mut desk = Desk::start().await?;
    let (service, _greetings) = Greeter::start(false).await?;
    let (environments, mut asked) = proxy_to(service).await?;
    desk.session.set("HTTP_PROXY", format!("http://{environments}"));
    let belfry = desk.profile("p")?;
    // Nobody listens there, and no name has to be looked up to find that out.
    let options = ["--push-service", "ws://0.0.0.0:9/", "--allow-insecure"];
    let mut run = belfry.run(&options)?;
    run.next("connected").await?;
    run.terminate().await?;
    assert_eq!(asked.try_recv()?, "CONNECT 0.0.0.0:9 HTTP/1.1");

    let (settings, mut asked_instead) = proxy_to(service).await?;
    fs::write(belfry.profile().join("config.toml"), format!("proxy = \"http://{settings}\""))?;
    let mut run = belfry.run(&options)?;
    run.next("connected").await?;
    run.terminate().await?;
    assert_eq!(asked_instead.try_recv()?, "CONNECT 0.0.0.0:9 HTTP/1.1");
    assert!(asked.try_recv().is_err(), "the environment's was asked as well");

    fs::write(belfry.profile().join("config.toml"), "proxy = \"none\"")?;
    let mut run = belfry.run(&options)?;
    let event = run.next("disconnected").await?;
    let reason = event["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("cannot reach 0.0.0.0:9") && !reason.contains("proxy"), "{event}");
    Ok(())
}
