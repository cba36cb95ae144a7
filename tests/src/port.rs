//! Ports for programs that must be told which one to listen at.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Duration, interval, timeout};

use crate::process::PATIENCE;

/// A port of the loopback interface that no other program is given while this exists. One that reuses addresses may
/// listen at it.
#[derive(Debug)]
pub struct Port {
    _socket: TcpSocket,
    address: SocketAddr,
}

impl Port {
    /// Reserves a free one.
    pub fn reserve() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Bound and never listening: as long as both sides allow it, Linux lets another socket listen here.
        socket.set_reuseaddr(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        Ok(Self { _socket: socket, address })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns once a program listens there. That is the one thing here that is asked for again and again: such programs tell
    /// nobody, and the system has no event for it.
    pub async fn listening(&self) -> Result<()> {
        let asking = async {
            let mut ticks = interval(Duration::from_millis(5));
            while TcpStream::connect(self.address).await.is_err() {
                ticks.tick().await;
            }
        };
        timeout(PATIENCE, asking).await.with_context(|| format!("nobody listens at {}", self.address))
    }
}
