//! One connection through the proxy.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::garbage::garbage;
use super::schedule::Upcoming;
use super::units::{RECORD_HEADER, Units};
use super::{Fault, Framing, Shared};

/// How long a side may take to read, or to end after the other has.
const STALL: Duration = Duration::from_secs(10);

pub(super) struct Relay {
    user_agent: Side,
    push_service: Side,
    shared: Shared,
    upcoming: Upcoming,
}

struct Side {
    socket: TcpStream,
    units: Units,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    UserAgent,
    PushService,
}

impl Relay {
    pub(super) fn new(
        user_agent: TcpStream,
        push_service: TcpStream,
        shared: Shared,
        upcoming: Upcoming,
    ) -> Self {
        let side = |socket| Side { socket, units: Units::new(shared.framing) };
        Self { user_agent: side(user_agent), push_service: side(push_service), upcoming, shared }
    }

    /// Forwards until either side ends, or a fault ends it.
    pub(super) async fn run(mut self) {
        // Otherwise the system would gather what is sent piece by piece.
        let _ = (self.user_agent.socket.set_nodelay(true), self.push_service.socket.set_nodelay(true));
        loop {
            let (unit, from) = tokio::select! {
                unit = self.user_agent.next() => (unit, From::UserAgent),
                unit = self.push_service.next() => (unit, From::PushService),
            };
            let flow = match unit {
                Ok(Some(unit)) => self.pass(&unit, from).await,
                Ok(None) => self.last(from).await,
                Err(error) => Err(error),
            };
            match flow {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return,
                // One is gone without a word: so it is for the other.
                Err(_) => return self.reset(),
            }
        }
    }

    async fn pass(&mut self, unit: &[u8], from: From) -> io::Result<ControlFlow<()>> {
        if !self.shared.faulty.load(Ordering::Relaxed) || !self.upcoming.is_due() {
            return self.forward(unit, from).await;
        }
        let garbage = self.takes_garbage();
        let Some(fault) = self.shared.deal(|fault| fault != Fault::Garbage || garbage) else {
            self.upcoming.postpone();
            return self.forward(unit, from).await;
        };
        self.shared.figures.send_modify(|figures| *figures.0.entry(fault).or_default() += 1);
        self.strike(fault, unit, from).await
    }

    async fn strike(&mut self, fault: Fault, unit: &[u8], from: From) -> io::Result<ControlFlow<()>> {
        match fault {
            Fault::Delay => {
                sleep(self.span(50..1000)).await;
                self.forward(unit, from).await
            }
            Fault::Reset => {
                self.reset();
                Ok(ControlFlow::Break(()))
            }
            Fault::End => self.end().await,
            Fault::HalfOpen => {
                sleep(self.span(300..3000)).await;
                self.reset();
                Ok(ControlFlow::Break(()))
            }
            Fault::Truncate => {
                let part = self.upcoming.rng.usize(0..unit.len().max(1));
                let _ = self.forward(unit.get(..part).unwrap_or_default(), from).await?;
                self.end().await
            }
            Fault::Garbage => {
                let nth = self.shared.figures.borrow().count(Fault::Garbage);
                let frames = garbage(nth as usize, &mut self.upcoming.rng);
                self.user_agent.write(&frames).await?;
                self.forward(unit, from).await
            }
            Fault::SlowLoris => self.drip(unit, from).await,
            Fault::Refuse => {
                let span = self.span(200..2000);
                let _ = self.shared.refusals.send(span);
                self.reset();
                Ok(ControlFlow::Break(()))
            }
            Fault::Alter => {
                let mut unit = unit.to_vec();
                // In the record's body: a length that is wrong would only make the other side wait.
                let place = self.upcoming.rng.usize(RECORD_HEADER..unit.len().max(RECORD_HEADER + 1));
                let bit = 1 << self.upcoming.rng.u8(0..8);
                if let Some(byte) = unit.get_mut(place) {
                    *byte ^= bit;
                }
                self.forward(&unit, from).await
            }
        }
    }

    /// The first bytes one by one or nearly so; the rest together, or it would take minutes.
    async fn drip(&mut self, unit: &[u8], from: From) -> io::Result<ControlFlow<()>> {
        let mut rest = unit;
        for _ in 0..100 {
            let (piece, after) = rest.split_at(self.upcoming.rng.usize(1..=4).min(rest.len()));
            if piece.is_empty() {
                break;
            }
            let _ = self.forward(piece, from).await?;
            sleep(self.span(5..20)).await;
            rest = after;
        }
        self.forward(rest, from).await
    }

    async fn forward(&mut self, bytes: &[u8], from: From) -> io::Result<ControlFlow<()>> {
        match from {
            From::UserAgent => self.push_service.write(bytes).await?,
            From::PushService => self.user_agent.write(bytes).await?,
        }
        Ok(ControlFlow::Continue(()))
    }

    /// One side has ended: what it left unfinished is forwarded, and the other may finish as well.
    async fn last(&mut self, from: From) -> io::Result<ControlFlow<()>> {
        let ended = match from {
            From::UserAgent => &mut self.user_agent,
            From::PushService => &mut self.push_service,
        };
        let rest = std::mem::take(&mut ended.units.buffer);
        let _ = self.forward(&rest, from).await?;
        self.end().await
    }

    /// Both sides are told that nothing more comes.
    async fn end(&mut self) -> io::Result<ControlFlow<()>> {
        for side in [&mut self.user_agent, &mut self.push_service] {
            side.socket.shutdown().await?;
        }
        // With something unread left behind, the system would reset instead.
        let _ = timeout(STALL, async { tokio::join!(self.user_agent.finish(), self.push_service.finish()) })
            .await;
        Ok(ControlFlow::Break(()))
    }

    fn reset(&self) {
        reset(&self.user_agent.socket);
        reset(&self.push_service.socket);
    }

    /// Frames can be put in once the push service has agreed to WebSocket.
    fn takes_garbage(&self) -> bool {
        self.shared.framing == Framing::WebSocket && self.push_service.units.taken() > 1
    }

    fn span(&mut self, milliseconds: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.upcoming.rng.u64(milliseconds))
    }
}

impl Side {
    /// The next unit; `None`: the other side has ended. Cancel-safe.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(unit) = self.units.take()? {
                return Ok(Some(unit));
            }
            if self.socket.read_buf(&mut self.units.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(STALL, self.socket.write_all(bytes)).await?
    }

    async fn finish(&mut self) {
        while self.socket.read_buf(&mut self.units.buffer).await.is_ok_and(|read| read > 0) {
            self.units.buffer.clear();
        }
    }
}

/// The socket is going to be reset when it is dropped.
pub(super) fn reset(socket: &TcpStream) {
    let _ = socket.set_zero_linger();
}
