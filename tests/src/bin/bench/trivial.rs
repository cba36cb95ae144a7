//! An endpoint that reads each body and answers 201, and does nothing else.

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;

/// Serves for ever; prints where.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let answer = async |_: Bytes| {
        let location = "http://127.0.0.1:8030/m/AAAAAAAAAAAAAAAAAAAAAA";
        (
            StatusCode::CREATED,
            [(HeaderName::from_static("location"), location), (HeaderName::from_static("ttl"), "60")],
        )
    };
    Ok(axum::serve(listener, Router::new().route("/{token}", post(answer))).await?)
}
