//! The receiver: it holds the connection to the push service, decrypts, stores, decides and shows. Front ends speak to
//! it through [`Client`] and never see what is inside.

mod actor;
pub mod api;
pub mod attach;
mod background;
pub mod client;
mod clock;
pub mod config;
mod control;
mod crash;
mod engine;
mod host;
mod inbox;
mod keys;
pub mod link;
mod network;
pub mod notifier;
mod opening;
mod permission;
mod pictures;
mod presenter;
pub mod profile;
mod requests;
mod service;
mod store;
mod tasks;
#[cfg(test)]
mod tests;
pub mod transfer;
pub mod tray;
mod trouble;
mod view;

pub use client::Client;
pub use engine::UserAgent;
