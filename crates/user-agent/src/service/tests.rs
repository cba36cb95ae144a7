//! The driver with real sockets on loopback, against a service that does what the test tells it. Time asleep is moved by
//! hand.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::*;
use crate::config::ProxySetting;

/// A backstop; nothing waits this long when it works.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time in which nothing must happen.
const QUIET: Duration = Duration::from_millis(300);

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

struct World {
    listener: TcpListener,
    clock: Clock,
    service: Service,
    events: mpsc::Receiver<(PushServiceUrl, Event)>,
}

type Peer = WebSocketStream<TcpStream>;

impl World {
    fn start() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that a service that does not read is noticed.
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(16).unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let connector = Connector::new(Vec::new(), false, Some(&ProxySetting::Direct)).unwrap();
        let (told, events) = mpsc::channel(16);
        let clock = Clock::default();
        let service = Service::start_with(url, None, Arc::new(connector), told, clock.clone());
        Self { listener, clock, service, events }
    }

    async fn accept(&self) -> TcpStream {
        soon("a connection", self.listener.accept()).await.unwrap().0
    }

    async fn welcome(&mut self) -> Peer {
        let stream = self.accept().await;
        let mut peer = soon("the upgrade", tokio_tungstenite::accept_async(stream)).await.unwrap();
        assert_eq!(heard(&mut peer).await["messageType"], "hello");
        let hello = json!({"messageType": "hello", "uaid": "a", "status": 200});
        peer.send(Message::text(hello.to_string())).await.unwrap();
        assert!(matches!(self.event().await, Event::Connected(_)));
        peer
    }

    async fn event(&mut self) -> Event {
        soon("an event", self.events.recv()).await.unwrap().1
    }

    async fn disconnected(&mut self) -> (Option<Duration>, String) {
        let event = self.event().await;
        let Event::Disconnected { retry_in, reason, trouble: None } = event else { panic!("{event:?}") };
        (retry_in, reason)
    }

    async fn stays_away(&self) {
        assert!(timeout(QUIET, self.listener.accept()).await.is_err(), "it came back");
    }

    /// Answers the upgrade with this and nothing else.
    async fn refuse(&self, answer: &str) {
        let mut stream = self.accept().await;
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn heard(peer: &mut Peer) -> Value {
    let message = soon("a frame", peer.next()).await.unwrap().unwrap();
    let Message::Text(text) = message else { panic!("{message:?}") };
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_service_that_has_gone_without_a_word_is_asked_and_left() {
    let mut world = World::start();
    let mut peer = world.welcome().await;
    world.clock.sleep(seconds(389));
    assert!(timeout(QUIET, peer.next()).await.is_err(), "not long enough");
    world.clock.sleep(seconds(1));
    assert_eq!(heard(&mut peer).await, json!({}));
    peer.send(Message::text("{}")).await.unwrap();
    // Answered: the next question comes after as long a silence, and this time there is no answer.
    assert!(timeout(QUIET, world.events.recv()).await.is_err());
    world.clock.sleep(seconds(390));
    assert_eq!(heard(&mut peer).await, json!({}));
    world.clock.sleep(seconds(10));
    let (retry_in, reason) = world.disconnected().await;
    assert!(reason.contains("silent") && retry_in.unwrap() <= seconds(1), "{reason}");
    world.welcome().await;
}

/// Whoever asks whether the service answers.
fn probe(world: &World) -> oneshot::Receiver<Answered> {
    let (answer, answered) = oneshot::channel();
    world.service.probe(answer);
    answered
}

#[tokio::test]
async fn who_wants_to_know_hears_that_the_service_answers_as_often_as_it_is_asked() {
    let mut world = World::start();
    let first = probe(&world);
    let mut peer = world.welcome().await;
    assert_eq!(soon("the hello", first).await, Ok(Ok(())));
    // More often than the protocol's own ping may be sent, which would end the connection.
    for _ in 0..3 {
        let answered = probe(&world);
        let ping = soon("a ping", peer.next()).await.unwrap().unwrap();
        assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
        peer.flush().await.unwrap();
        assert_eq!(soon("the answer", answered).await, Ok(Ok(())));
    }
    assert!(timeout(QUIET, world.events.recv()).await.is_err(), "it is the same connection");
}

#[tokio::test]
async fn an_open_socket_is_no_answer_and_the_connection_is_made_anew() {
    let mut world = World::start();
    let mut peer = world.welcome().await;
    let mut answered = probe(&world);
    // What it said before it was asked, or by itself.
    peer.send(Message::Pong(Vec::new().into())).await.unwrap();
    peer.send(Message::text("{}")).await.unwrap();
    assert!(timeout(QUIET, &mut answered).await.is_err());
    world.clock.sleep(seconds(10));
    let (retry_in, reason) = world.disconnected().await;
    assert!(reason.contains("silent") && retry_in.unwrap() <= seconds(1), "{reason}");
    assert!(timeout(QUIET, &mut answered).await.is_err());
    world.welcome().await;
    assert_eq!(soon("the hello", answered).await, Ok(Ok(())));
}

#[tokio::test]
async fn somebody_who_waits_is_not_kept_waiting_for_the_next_attempt() {
    let mut world = World::start();
    let head = "HTTP/1.1 500 Internal Server Error\r\n\r\n";
    loop {
        world.refuse(head).await;
        let retry_in = world.disconnected().await.0.unwrap();
        if retry_in > PATIENCE {
            break;
        }
        world.clock.sleep(retry_in);
    }
    world.stays_away().await;
    world.service.attempt_now();
    world.welcome().await;
}

#[tokio::test]
async fn a_connection_that_another_receiver_has_taken_says_so() {
    let mut world = World::start();
    let mut peer = world.welcome().await;
    peer.close(Some(CloseFrame { code: 1011.into(), reason: "SM".into() })).await.unwrap();
    let (_, reason) = world.disconnected().await;
    assert!(reason.contains("1011 SM, as when another receiver"), "{reason}");
}

#[tokio::test]
async fn an_attempt_for_somebody_who_waits_has_all_the_time() {
    let mut world = World::start();
    let mut peer = world.welcome().await;
    peer.close(Some(CloseFrame { code: 4774.into(), reason: "".into() })).await.unwrap();
    assert_eq!(world.disconnected().await.0, None);
    // As the actor does, and the network changes at that moment.
    world.service.register(ChannelId::from_random_bytes([1; 16]), None);
    world.service.attempt_now();
    world.service.reconnect_now();
    let _silent = world.accept().await;
    world.clock.sleep(seconds(29));
    assert!(timeout(QUIET, world.events.recv()).await.is_err(), "it has only just begun");
    world.clock.sleep(seconds(1));
    let (_, reason) = world.disconnected().await;
    assert_eq!(reason, "connecting took too long");
}

#[tokio::test]
async fn who_waits_when_the_connection_is_dropped_waits_for_the_next_one_only() {
    let mut world = World::start();
    let _peer = world.welcome().await;
    world.service.drop_connection("the disk is full".into(), seconds(60));
    let answered = probe(&world);
    world.disconnected().await;
    world.welcome().await;
    assert_eq!(soon("the hello", answered).await, Ok(Ok(())));

    world.service.drop_connection("the disk is full".into(), seconds(60));
    assert!(world.disconnected().await.0.unwrap() >= seconds(60), "nobody waits");
    world.stays_away().await;
}

#[tokio::test]
async fn after_a_night_it_connects_anew_without_asking() {
    let mut world = World::start();
    let mut peer = world.welcome().await;
    world.clock.sleep(seconds(8 * 3600));
    let (retry_in, _) = world.disconnected().await;
    assert!(retry_in.unwrap() <= seconds(1));
    let last = soon("the end", peer.next()).await;
    assert!(!matches!(last, Some(Ok(Message::Text(_)))), "{last:?}");
    world.welcome().await;
}

#[tokio::test]
async fn a_network_change_tests_a_connection_and_ends_a_wait() {
    let mut world = World::start();
    let mut peer = world.welcome().await;
    world.service.reconnect_now();
    assert_eq!(heard(&mut peer).await, json!({}));
    drop(peer);
    world.disconnected().await;
    // Failures until the wait is long.
    loop {
        world.refuse("HTTP/1.1 500 Internal Server Error\r\n\r\n").await;
        let (retry_in, reason) = world.disconnected().await;
        assert!(reason.contains("500"), "{reason}");
        if retry_in.unwrap() > PATIENCE {
            break;
        }
        world.clock.sleep(retry_in.unwrap());
    }
    world.stays_away().await;
    world.service.reconnect_now();
    world.welcome().await;
}

#[tokio::test]
async fn retry_after_is_kept_even_on_another_network() {
    let mut world = World::start();
    let head = "HTTP/1.1 503 Service Unavailable\r\nDate: Fri, 27 Nov 2026 00:00:00 GMT\r\n";
    for after in ["120", "Fri, 27 Nov 2026 00:02:00 GMT"] {
        world.refuse(&format!("{head}Retry-After: {after}\r\n\r\n")).await;
        let (retry_in, reason) = world.disconnected().await;
        assert!(retry_in.unwrap() >= seconds(120) && reason.contains("503"), "{retry_in:?} {reason}");
        world.service.reconnect_now();
        world.stays_away().await;
        world.clock.sleep(seconds(120));
    }
    world.welcome().await;
}

#[tokio::test]
async fn told_to_stay_away_it_waits_for_another_network() {
    let mut world = World::start();
    let mut peer = world.welcome().await;
    peer.close(Some(CloseFrame { code: 4774.into(), reason: "".into() })).await.unwrap();
    assert_eq!(world.disconnected().await.0, None);
    world.clock.sleep(seconds(24 * 3600));
    let mut answered = probe(&world);
    world.stays_away().await;
    assert!(answered.try_recv().is_err(), "nor for somebody who only wants to know");
    world.service.reconnect_now();
    world.welcome().await;
}

#[tokio::test]
async fn stopping_ends_an_attempt_to_connect_at_once() {
    let world = World::start();
    let mut silent = world.accept().await;
    let began = std::time::Instant::now();
    world.service.stop().await;
    assert!(began.elapsed() < STOP_LIMIT, "{:?}", began.elapsed());
    let mut request = Vec::new();
    soon("the end", silent.read_to_end(&mut request)).await.unwrap();
}

#[tokio::test]
async fn stopping_sends_what_is_queued_and_says_goodbye() {
    let mut world = World::start();
    let mut peer = world.welcome().await;
    let version = MessageVersion::try_from("v".to_owned()).unwrap();
    world.service.acknowledge(vec![(ChannelId::from_random_bytes([1; 16]), version, AckCode::Delivered)]);
    // As the actor does.
    drop(world.events);
    world.service.stop().await;
    assert_eq!(heard(&mut peer).await["messageType"], "ack");
    let goodbye = soon("the goodbye", peer.next()).await.unwrap().unwrap();
    assert!(matches!(goodbye, Message::Close(Some(CloseFrame { code: CloseCode::Away, .. }))), "{goodbye:?}");
}

#[tokio::test]
async fn a_service_that_does_not_read_is_given_up() {
    let mut world = World::start();
    let _peer = world.welcome().await;
    let ack = |n: u32| {
        let version = MessageVersion::try_from(format!("{n:0>250}")).unwrap();
        (ChannelId::from_random_bytes([1; 16]), version, AckCode::Delivered)
    };
    // Far more than the sockets' buffers take.
    world.service.acknowledge((0..20_000).map(ack).collect());
    let (_, reason) = world.disconnected().await;
    assert!(reason.contains("does not take data"), "{reason}");
}
