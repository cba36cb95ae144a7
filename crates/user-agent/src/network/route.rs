//! The way out, as far as it can be seen from here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The addresses this computer would use for the internet; `None`: there is no way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Route {
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
}

impl Route {
    /// Asks the kernel, and sends nothing.
    pub(super) fn current() -> Self {
        // Reserved for documentation (RFC 5737, RFC 3849): nobody's, but outside.
        let v4 = Ipv4Addr::new(192, 0, 2, 1);
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        Self {
            v4: source(Ipv4Addr::UNSPECIFIED.into(), v4.into()),
            v6: source(Ipv6Addr::UNSPECIFIED.into(), v6.into()),
        }
    }
}

/// Connecting a UDP socket chooses its address and does nothing else.
fn source(any: IpAddr, outside: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(outside, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_chosen_by_the_routing_table() {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        assert_eq!(source(Ipv4Addr::UNSPECIFIED.into(), loopback), Some(loopback));
        assert_eq!(source(Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()), None);
    }
}
