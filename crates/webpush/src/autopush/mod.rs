//! The autopush protocol between user agent and push service: its messages, and the user agent's side of a session
//! as a state machine without I/O.

pub mod message;
pub mod session;

pub use message::{AckCode, ClientMessage, ServerMessage, UnregisterCode};
pub use session::{Event, Identity, Moment, Session};
