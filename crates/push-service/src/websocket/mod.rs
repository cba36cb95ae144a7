//! The user agents' side: autopush over WebSocket. Source: autopush-websocket.md.

mod close;
mod connection;
mod socket;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};

use crate::service::Service;

/// Firefox offers it; others offer nothing and get nothing.
const SUBPROTOCOL: &str = "push-notification";

/// Room for a few frames of the usual size. Kept small: it is paid for every idle connection.
const READ_BUFFER: usize = 1024;

/// What waits to be written before the connection is given up: a few of the largest notifications.
const MAX_WRITE_BUFFER: usize = 256 * 1024;

/// `/`
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/", get(upgrade))
}

async fn upgrade(
    State(service): State<Arc<Service>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let headers = [
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
        ];
        let hint = "This is a push service: user agents connect here by WebSocket.\n";
        return (StatusCode::UPGRADE_REQUIRED, headers, hint).into_response();
    };
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_frame_size(socket::MAX_READ)
        .max_message_size(socket::MAX_READ)
        .on_upgrade(move |socket| connection::serve(socket, service))
}
