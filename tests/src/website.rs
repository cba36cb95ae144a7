//! A website on this computer that notices who visits: what notifications link to.

use std::collections::HashSet;
use std::future::ready;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{Html, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A page that a browser may subscribe from, and its service worker.
const PAGE: &str = include_str!("../firefox/page.html");
const WORKER: &str = include_str!("../firefox/worker.js");
const PICTURE: &[u8] = include_bytes!("../demo/disk.png");
const ICON: &[u8] = include_bytes!("../demo/site.png");

/// Listens on a free port of the loopback interface until it is dropped.
#[derive(Debug)]
pub struct Website {
    address: SocketAddr,
    visits: mpsc::UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

impl Website {
    /// Starts it.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, visits) = mpsc::unbounded_channel();
        let picture =
            |bytes: &'static [u8]| get(move || ready(([(header::CONTENT_TYPE, "image/png")], bytes)));
        let router = Router::new()
            .route("/disk.png", picture(PICTURE))
            .route("/icon.png", picture(ICON))
            .route("/page.html", get(|| ready(Html(PAGE))))
            .route("/worker.js", get(|| ready(([(header::CONTENT_TYPE, "text/javascript")], WORKER))))
            .fallback(visited)
            .layer(middleware::from_fn_with_state(sender, note));
        let task = tokio::spawn(async move {
            // Ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, visits, task })
    }

    /// The URL of a page or picture on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.address.port())
    }

    /// The paths of all requests so far that nobody has waited for, in their order.
    pub fn asked(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.visits.try_recv().ok()).collect()
    }

    /// Returns once each of these pages has been opened, in whichever order and however long that takes.
    pub async fn visited(&mut self, paths: &[String]) -> Result<()> {
        let mut missing: HashSet<_> = paths.iter().collect();
        while !missing.is_empty() {
            let visited = self.visits.recv().await.context("the website has stopped")?;
            missing.remove(&visited);
        }
        Ok(())
    }
}

impl Drop for Website {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn note(State(visits): State<mpsc::UnboundedSender<String>>, request: Request, next: Next) -> Response {
    // Nobody waits for visitors any more at the end.
    let _ = visits.send(request.uri().path().to_owned());
    next.run(request).await
}

async fn visited() -> Html<&'static str> {
    Html(
        "<!doctype html><meta charset=utf-8><meta name=color-scheme content=\"light dark\"><title>Belfry</title>\
         <style>body{font:1rem/1.5 system-ui;max-width:32rem;margin:20vh auto;padding:0 1rem}</style>\
         <p>This page was opened by a notification.",
    )
}
