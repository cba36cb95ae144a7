//! What each fault does to a connection, with plain sockets on both sides.

use std::io::ErrorKind;
use std::ops::Range;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;

const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
/// A text frame of 100 bytes.
const FRAME: [u8; 102] = {
    let mut frame = [b'x'; 102];
    frame[0] = 0x81;
    frame[1] = 100;
    frame
};

/// A user agent and a push service with a proxy between them.
struct Ends {
    proxy: Proxy,
    user_agent: TcpStream,
    push_service: TcpStream,
}

impl Ends {
    /// The fault meets whatever comes first.
    async fn with(framing: Framing, fault: Fault) -> Self {
        Self::spaced(framing, fault, 0..1).await
    }

    async fn spaced(framing: Framing, fault: Fault, spacing: Range<u32>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let schedule = Schedule { seed: 7, faults: vec![fault], spacing };
        let proxy = Proxy::start(listener.local_addr().unwrap(), framing, schedule).unwrap();
        let user_agent = TcpStream::connect(proxy.address()).await.unwrap();
        let (push_service, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        Self { proxy, user_agent, push_service }
    }

    /// Sends to the user agent, and reads there until the connection ends.
    async fn received(&mut self, sent: &[u8]) -> std::io::Result<Vec<u8>> {
        self.push_service.write_all(sent).await.unwrap();
        let mut received = Vec::new();
        timeout(PATIENCE, self.user_agent.read_to_end(&mut received)).await.unwrap()?;
        Ok(received)
    }

    async fn passes(&mut self, sent: &[u8]) {
        self.push_service.write_all(sent).await.unwrap();
        assert_eq!(read(&mut self.user_agent, sent.len()).await, sent);
    }
}

async fn read(socket: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    timeout(PATIENCE, socket.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

#[tokio::test]
async fn until_told_otherwise_everything_goes_through_both_ways() {
    let mut ends = Ends::with(Framing::WebSocket, Fault::Reset).await;
    ends.passes(HEAD).await;
    ends.user_agent.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut ends.push_service, 18).await, b"GET / HTTP/1.1\r\n\r\n");
    for _ in 0..100 {
        ends.passes(&FRAME).await;
    }
    assert_eq!(ends.proxy.figures().to_string(), "none");
    ends.push_service.write_all(b"\x81").await.unwrap();
    drop(ends.push_service);
    let mut rest = Vec::new();
    ends.user_agent.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"\x81", "also what is cut short at the end");
}

#[tokio::test]
async fn a_cut_is_a_reset_or_an_end() {
    let mut ends = Ends::with(Framing::WebSocket, Fault::Reset).await;
    ends.proxy.break_things();
    assert_eq!(ends.received(HEAD).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(ends.push_service.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    let mut ends = Ends::with(Framing::WebSocket, Fault::End).await;
    ends.proxy.break_things();
    assert_eq!(ends.received(HEAD).await.unwrap(), b"");
    assert_eq!(ends.push_service.read_u8().await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_half_open_connection_carries_nothing_and_is_reset_at_last() {
    let mut ends = Ends::with(Framing::WebSocket, Fault::HalfOpen).await;
    ends.proxy.break_things();
    ends.push_service.write_all(HEAD).await.unwrap();
    ends.proxy.happened(Fault::HalfOpen, 1).await.unwrap();
    ends.user_agent.write_all(b"taken and forwarded to nobody").await.unwrap();
    assert_eq!(ends.user_agent.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(ends.push_service.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn of_a_truncated_frame_only_a_part_arrives() {
    let mut ends = Ends::spaced(Framing::WebSocket, Fault::Truncate, 2..3).await;
    ends.proxy.break_things();
    let sent = [HEAD, &FRAME, &FRAME].concat();
    let received = ends.received(&sent).await.unwrap();
    assert!(received.len() < sent.len() && received.len() >= HEAD.len() + FRAME.len(), "{}", received.len());
    assert!(sent.starts_with(&received));
}

#[tokio::test]
async fn garbage_stands_between_two_frames() {
    let mut ends = Ends::with(Framing::WebSocket, Fault::Garbage).await;
    ends.proxy.break_things();
    ends.passes(HEAD).await;
    ends.push_service.write_all(&FRAME).await.unwrap();
    ends.proxy.happened(Fault::Garbage, 1).await.unwrap();
    ends.proxy.heal();
    ends.push_service.shutdown().await.unwrap();
    let mut received = Vec::new();
    ends.user_agent.read_to_end(&mut received).await.unwrap();
    assert!(received.ends_with(&FRAME), "the frame itself is as it was");
    assert!(received.len() > FRAME.len());
}

#[tokio::test]
async fn what_is_slow_arrives_whole() {
    for fault in [Fault::Delay, Fault::SlowLoris] {
        let mut ends = Ends::with(Framing::WebSocket, fault).await;
        ends.proxy.break_things();
        ends.passes(&[HEAD, &FRAME].concat()).await;
        assert_eq!(ends.proxy.figures().count(fault), 2);
    }
}

#[tokio::test]
async fn for_a_while_nobody_is_let_in() {
    let mut ends = Ends::with(Framing::WebSocket, Fault::Refuse).await;
    ends.proxy.break_things();
    assert!(ends.received(HEAD).await.is_err());
    // The connection is reset at once, the listener goes a moment later: there is no event for either.
    let mut attempts = tokio::time::interval(Duration::from_millis(2));
    let refused = async {
        while TcpStream::connect(ends.proxy.address()).await.is_ok() {
            attempts.tick().await;
        }
        while TcpStream::connect(ends.proxy.address()).await.is_err() {
            attempts.tick().await;
        }
    };
    timeout(PATIENCE, refused).await.unwrap();
}

#[tokio::test]
async fn one_bit_of_a_tls_record_is_another_one() {
    let mut ends = Ends::with(Framing::Tls, Fault::Alter).await;
    ends.proxy.break_things();
    let record = [&[23, 3, 3, 0, 200][..], &[0; 200]].concat();
    ends.push_service.write_all(&record).await.unwrap();
    let received = read(&mut ends.user_agent, record.len()).await;
    let bits: u32 = received.iter().zip(&record).map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!((bits, &received[..5]), (1, &record[..5]));
}
