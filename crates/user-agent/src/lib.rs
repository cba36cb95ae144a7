//! The receiver: it holds the connection to the push service, decrypts, stores, decides and shows. Front ends speak to
//! it through [`Client`] and never see what is inside.

pub mod api;
pub mod client;
pub mod config;
mod engine;
pub mod notifier;

pub use client::Client;
pub use engine::UserAgent;
