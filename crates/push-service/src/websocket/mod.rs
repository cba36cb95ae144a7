//! The user agents' side: autopush over WebSocket. Source: autopush-websocket.md.

mod close;
mod connection;
mod socket;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use http::{HeaderValue, StatusCode, header};

use crate::service::Service;

/// Firefox offers it; others offer nothing and get nothing.
const SUBPROTOCOL: &str = "push-notification";

/// Room for a few frames of the usual size. Kept small: it is paid for every idle connection.
const READ_BUFFER: usize = 1024;

/// What waits to be written before the connection is given up: a few of the largest notifications.
const MAX_WRITE_BUFFER: usize = 256 * 1024;

/// `/`, or `/TOKEN` where user agents have to know one.
pub(crate) fn routes(restricted: bool) -> Router<Arc<Service>> {
    match restricted {
        false => Router::new().route("/", get(upgrade)),
        true => Router::new().route("/{token}", any(upgrade_with_token)),
    }
}

/// Without the token there is nothing here, whatever the method.
async fn upgrade_with_token(
    service: State<Arc<Service>>,
    token: Result<Path<String>, PathRejection>,
    asked: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let known = service.registration_token.as_ref().zip(token.ok());
    match known.is_some_and(|(expected, Path(token))| expected.is(&token)) {
        true => upgrade(service, asked).await,
        false => StatusCode::NOT_FOUND.into_response(),
    }
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
