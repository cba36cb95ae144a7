//! Which addresses are the internet's. Everything else belongs to this computer, its network, or nobody; and so do some of the
//! internet's, which a connection tells by its own end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether anybody could have named this address without knowing the network at hand. Blocks that the IANA's registries of
/// special purposes list are not public as a whole, also where a part of one is.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [0 | 10 | 127, ..] => false,  // this network, private, loopback
        [100, 64..=127, ..] => false, // shared with a provider's other customers
        [169, 254, ..] => false,      // link-local, among them the metadata of clouds
        [172, 16..=31, ..] => false,  // private
        [192, 0, 0 | 2, _] => false,  // protocol assignments, documentation
        [192, 88, 99, _] => false,    // relays from IPv6
        [192, 168, ..] => false,      // private
        [198, 18..=19, ..] => false,  // benchmarks
        [198, 51, 100, _] => false,   // documentation
        [203, 0, 113, _] => false,    // documentation
        [224..=255, ..] => false,     // multicast, reserved, broadcast
        [1..=223, ..] => true,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = inner_v4(address) {
        return is_public_v4(inner);
    }
    match address.segments() {
        [0x2001, 0..=0x01ff, ..] => false, // protocol assignments, among them Teredo
        [0x2001, 0x0db8, ..] => false,     // documentation
        [0x2002, ..] => false,             // 6to4
        [0x3fff, 0..=0x0fff, ..] => false, // documentation
        [0x2000..=0x3fff, ..] => true,
        _ => false, // loopback, unique local, link-local, multicast, what is not assigned
    }
}

/// The IPv4 address that this one stands for: mapped, or by the prefix with which networks without IPv4 reach it (RFC 6052).
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    address.to_ipv4_mapped().or_else(|| match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    })
}

/// Whether the other end of a connection is this computer, or seems to be on the same network: one of 64 bits with IPv6, one
/// of 24 bits with a public IPv4 address. Networks with public addresses are told by nothing else, and what is in them is
/// behind the same firewall. Too many are refused where an IPv4 network is smaller; those of a larger one, or on another of
/// the same house, are not told.
pub(super) fn is_on_link(local: IpAddr, peer: IpAddr) -> bool {
    let (local, peer) = (local.to_canonical(), peer.to_canonical());
    local == peer
        || match (local, peer) {
            (IpAddr::V6(local), IpAddr::V6(peer)) => network_of(local) == network_of(peer),
            (IpAddr::V4(local), IpAddr::V4(peer)) => {
                let ([a, b, c, _], [d, e, f, _]) = (local.octets(), peer.octets());
                is_public_v4(local) && (a, b, c) == (d, e, f)
            }
            // No connection has ends of two kinds.
            (IpAddr::V6(_), IpAddr::V4(_)) | (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
}

/// The first 64 bits: an interface has the rest (RFC 4291 §2.5.4).
fn network_of(address: Ipv6Addr) -> u128 {
    address.to_bits() >> 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_computer_and_its_neighbours_are_on_link() {
        let is_on_link = |local: &str, peer: &str| is_on_link(local.parse().unwrap(), peer.parse().unwrap());
        for (local, peer) in [
            ("2001:4860:1:2::a", "2001:4860:1:2::a"),
            ("2001:4860:1:2::a", "2001:4860:1:2::1"),
            ("2001:4860:1:2::a", "2001:4860:1:2:ffff:ffff:ffff:ffff"),
            ("8.8.8.8", "8.8.8.8"),
            ("8.8.8.8", "8.8.8.0"),
            ("8.8.8.8", "8.8.8.255"),
            ("::ffff:8.8.8.8", "8.8.8.9"),
            ("8.8.8.8", "::ffff:8.8.8.9"),
            ("192.168.1.2", "192.168.1.2"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
        ] {
            assert!(is_on_link(local, peer), "{local} {peer}");
        }
        for (local, peer) in [
            ("2001:4860:1:2::a", "2001:4860:1:3::a"),
            ("2001:4860:1:2::a", "2001:4860:1:1:ffff:ffff:ffff:ffff"),
            ("fd00::1", "2001:4860:1:2::a"),
            ("8.8.8.8", "8.8.7.255"),
            ("8.8.8.8", "8.8.9.0"),
            ("8.8.8.8", "9.8.8.8"),
            ("192.168.1.2", "8.8.8.8"),
            // Private ones are told by themselves.
            ("192.168.1.2", "192.168.1.3"),
            ("8.8.8.8", "2001:4860:1:2::a"),
        ] {
            assert!(!is_on_link(local, peer), "{local} {peer}");
        }
    }

    #[test]
    fn only_the_internets_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::",
            "2001:4860:4860::8888",
            "2a00:1450::1",
            "2000::1",
            "2606:4700::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "64:ff9b::1:808:808",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }
}
