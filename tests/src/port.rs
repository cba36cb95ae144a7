//! Ports for programs that must be told which one to listen at.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Duration, interval, timeout};

use crate::process::PATIENCE;

/// A port of the loopback interface that no other program is given while this exists. One that reuses addresses may
/// listen at it; while none does, connections to it are refused.
#[derive(Debug)]
pub struct Port {
    _socket: TcpSocket,
    address: SocketAddr,
}

impl Port {
    /// Reserves a free one.
    pub fn reserve() -> Result<Self> {
        // Bound and never listening: as long as both sides allow it, Linux lets another socket listen here.
        let socket = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        Ok(Self { _socket: socket, address })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns once a program listens there.
    pub async fn listening(&self) -> Result<()> {
        listening(self.address).await
    }

    /// Listens at it, until the listener is dropped.
    pub fn listen(&self) -> Result<TcpListener> {
        bound(self.address)?.listen(128).with_context(|| format!("listen at {}", self.address))
    }
}

/// Returns once a program listens at this address. That is the one thing here that is asked for again and again: such
/// programs tell nobody, and the system has no event for it.
pub async fn listening(address: SocketAddr) -> Result<()> {
    let asking = async {
        let mut ticks = interval(Duration::from_millis(5));
        while TcpStream::connect(address).await.is_err() {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, asking).await.with_context(|| format!("nobody listens at {address}"))
}

fn bound(address: SocketAddr) -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address).with_context(|| format!("bind to {address}"))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn a_port_is_kept_while_nobody_listens_at_it() {
        let port = Port::reserve().unwrap();
        for _ in 0..2 {
            let refused = TcpStream::connect(port.address()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            assert!(
                std::net::TcpListener::bind(port.address()).is_ok(),
                "whoever reuses addresses may listen"
            );
            let _listener = port.listen().unwrap();
            TcpStream::connect(port.address()).await.unwrap();
        }
    }
}
