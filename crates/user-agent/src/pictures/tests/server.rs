//! A web server that answers what a test wants, and remembers what it was asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::Url;

/// What becomes of a request.
pub(crate) enum Answer {
    /// These bytes, and the end.
    Whole(Vec<u8>),
    /// These bytes, and nothing more.
    Stalled(Vec<u8>),
    /// These bytes, and zeros for as long as somebody takes them.
    Endless(Vec<u8>),
}

/// An answer with this status and these lines in its head.
pub(crate) fn head(status: u16, lines: &str) -> Answer {
    Answer::Whole(format!("HTTP/1.1 {status} X\r\n{lines}content-length: 0\r\n\r\n").into_bytes())
}

pub(crate) fn moved(location: &str) -> Answer {
    head(302, &format!("location: {location}\r\n"))
}

/// A file, with a length and the type of something else.
pub(crate) fn file(bytes: &[u8]) -> Answer {
    let length = bytes.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n");
    Answer::Whole([head.as_bytes(), bytes].concat())
}

pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    /// After each answer, how many bytes of it were taken.
    taken: mpsc::UnboundedReceiver<usize>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), answer).await
    }

    pub(crate) async fn start_at(
        address: IpAddr,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (done, taken) = mpsc::unbounded_channel();
        let (answer, log) = (Arc::new(answer), asked.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (answer, log, done) = (answer.clone(), log.clone(), done.clone());
                tokio::spawn(async move {
                    let head = read_head(&mut client).await;
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    log.lock().unwrap().push(head);
                    let _ = done.send(give(&mut client, answer(&path)).await);
                });
            }
        });
        Self { address, asked, taken }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    /// The heads of the requests so far, of which there is one for each connection.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How much was taken of the next answer that has come to its end.
    pub(crate) async fn taken(&mut self) -> usize {
        self.taken.recv().await.unwrap()
    }

    /// Nobody has connected: what does now is the first. Connections are accepted in their order.
    pub(crate) async fn assert_untouched(&mut self) {
        let mut control = TcpStream::connect(self.address).await.unwrap();
        control.write_all(b"GET /control HTTP/1.1\r\n\r\n").await.unwrap();
        // What the control is answered may go on for ever.
        while !self.asked().iter().any(|head| head.starts_with("GET /control ")) {
            control.read_u8().await.unwrap();
        }
        assert_eq!(self.asked().len(), 1, "{:?}", self.asked());
    }
}

/// Up to the empty line, or to the end.
pub(crate) async fn read_head(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

pub(crate) async fn give(client: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: Answer) -> usize {
    let (bytes, is_endless, is_over) = match answer {
        Answer::Whole(bytes) => (bytes, false, true),
        Answer::Stalled(bytes) => (bytes, false, false),
        Answer::Endless(bytes) => (bytes, true, false),
    };
    if client.write_all(&bytes).await.is_err() {
        return 0;
    }
    let mut taken = bytes.len();
    if is_endless {
        while let Ok(more) = client.write(&[0; 16 * 1024]).await {
            taken += more;
        }
        return taken;
    }
    if is_over {
        let _ = client.shutdown().await;
    }
    // Until the client closes.
    let _ = client.read_u8().await;
    taken
}
