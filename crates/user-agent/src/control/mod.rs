//! The owner's local socket: how other processes of the same user speak to the engine that owns a profile.
//!
//! JSON, one message per line. The server greets with the version of the protocol; then requests carry a number that
//! their answer repeats, and several may be under way. Events follow once they are asked for. A Unix socket in the
//! profile's folder, or a named pipe on Windows.

mod connection;
mod server;
mod wire;

#[cfg(unix)]
#[path = "unix.rs"]
mod transport;
#[cfg(windows)]
#[path = "windows.rs"]
mod transport;

pub(crate) use connection::{ConnectError, connect};
pub(crate) use server::{ControlServer, serve};

#[cfg(test)]
mod tests;
