//! How often one endpoint is posted to and one address asks, where the service is not its owner's alone.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderName};

use crate::endpoint::Refusal;
use crate::id::Hash;
use crate::service::Service;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// After so many questions those who have not asked lately are struck off, or the lists would only grow.
const TIDY_AFTER: u32 = 4096;

/// Requests in a minute, which may also come all at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Messages for one endpoint.
    pub per_endpoint: NonZeroU32,
    /// Requests of any kind from one IPv4 address or one /64 of IPv6, which is what one household gets.
    pub per_address: NonZeroU32,
}

impl Default for RateLimits {
    /// Room for a lively chat, and for an application server with a thousand users here.
    fn default() -> Self {
        const { Self { per_endpoint: NonZeroU32::new(120).unwrap(), per_address: NonZeroU32::new(3000).unwrap() } }
    }
}

/// What was asked lately.
pub(crate) struct Limits {
    endpoints: DefaultKeyedRateLimiter<Hash>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    asked: AtomicU32,
}

/// Asked too often; how long to wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooOften(pub(crate) Duration);

impl Limits {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            endpoints: RateLimiter::keyed(Quota::per_minute(limits.per_endpoint)),
            addresses: RateLimiter::keyed(Quota::per_minute(limits.per_address)),
            asked: AtomicU32::new(0),
        }
    }

    /// One more message for this endpoint.
    pub(crate) fn endpoint(&self, token: &Hash) -> Result<(), TooOften> {
        let limiter = &self.endpoints;
        limiter
            .check_key(token)
            .map_err(|not_until| TooOften(not_until.wait_time_from(limiter.clock().now())))
    }

    /// One more request from this address.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), TooOften> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % TIDY_AFTER == TIDY_AFTER - 1 {
            self.endpoints.retain_recent();
            self.addresses.retain_recent();
        }
        let limiter = &self.addresses;
        let address = household(address);
        limiter
            .check_key(&address)
            .map_err(|not_until| TooOften(not_until.wait_time_from(limiter.clock().now())))
    }
}

/// Answers 429 to an address that asks too often.
pub(crate) async fn by_address(
    State(service): State<Arc<Service>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(limits) = &service.limits
        && let Err(TooOften(wait)) =
            limits.address(client(peer.ip(), request.headers(), &service.trusted_proxies))
    {
        return Refusal::TooOften(wait).into_response();
    }
    next.run(request).await
}

/// Who asks. Only proxies that are trusted are believed when they say for whom they ask: anybody can send the header.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let values = headers.get_all(FORWARDED_FOR).iter();
    let forwarded: Vec<_> = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    let mut client = peer.to_canonical();
    let mut before = forwarded.into_iter().rev().map(address);
    // Every proxy adds whom it heard at the end.
    while trusted.contains(&client) {
        match before.next() {
            Some(Some(address)) => client = address,
            Some(None) | None => break,
        }
    }
    client
}

/// An address, which some proxies write with a port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    text.parse().or_else(|_| with_port()).ok().map(|address: IpAddr| address.to_canonical())
}

fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn limits(per_endpoint: u32, per_address: u32) -> Limits {
        let [per_endpoint, per_address] = [per_endpoint, per_address].map(|n| NonZeroU32::new(n).unwrap());
        Limits::new(RateLimits { per_endpoint, per_address })
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_about_whom_it_heard() {
        let trusted = [ip("127.0.0.1"), ip("10.0.0.1")];
        for (peer, forwarded, expected) in [
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:127.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("127.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["203.0.113.9", "198.51.100.7, 10.0.0.1"], "198.51.100.7"),
            ("127.0.0.1", &["198.51.100.7, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["10.0.0.1"], "10.0.0.1"),
            ("127.0.0.1", &["[2001:db8::1]:1"], "2001:db8::1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED_FOR, value.parse().unwrap());
            }
            assert_eq!(client(ip(peer), &headers, &trusted), ip(expected), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn each_endpoint_and_each_household_has_its_own_limit() {
        let limits = limits(1, 1);
        assert!(limits.endpoint(&[1; 32]).is_ok() && limits.endpoint(&[2; 32]).is_ok());
        let TooOften(wait) = limits.endpoint(&[1; 32]).unwrap_err();
        assert!((55..=60).contains(&wait.as_secs()), "{wait:?}");
        for fresh in ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1"] {
            assert_eq!(limits.address(ip(fresh)), Ok(()), "{fresh}");
        }
        for known in ["192.0.2.1", "2001:db8:0:1:ffff::2"] {
            assert!(limits.address(ip(known)).is_err(), "{known}");
        }
    }

    #[test]
    fn addresses_that_fell_silent_are_struck_off() {
        // So many a minute that each is silent at once.
        let limits = limits(1, u32::MAX);
        for n in 0..3 * TIDY_AFTER {
            limits.address(IpAddr::V4(n.into())).unwrap();
        }
        assert!(limits.addresses.len() <= TIDY_AFTER as usize, "{}", limits.addresses.len());
    }
}
