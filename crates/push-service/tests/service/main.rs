//! The service over real sockets: a WebSocket client plays the user agent, an HTTP client the application server.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows these in test functions, not in what they share"
)]

mod admission;
mod clock;
mod connection;
mod delivery;
mod endpoint;
mod identity;
mod limits;
mod registration;
mod restart;
mod storage;
mod support;
mod tls;
mod vapid;
