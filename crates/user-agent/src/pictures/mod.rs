//! The pictures that pushes name: loaded only where the site's setting allows it, decoded and made small here, kept in
//! memory for a while. Neither a notification server nor the window ever loads one itself.

mod address;
mod decode;
mod download;
mod illustration;
mod wanted;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use decode::Picture;
pub use illustration::Illustration;
pub(crate) use illustration::{Illustrator, Late};
pub(crate) use wanted::{Use, Wanted};

use crate::service::Connector;
use download::Downloader;

/// From the wish to the picture.
const TIME: Duration = Duration::from_secs(10);

/// How long a picture is taken to be the one at its URL: a site that sends a hundred pushes with one icon is asked once.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// How long it is taken to be missing.
const MISSED: Duration = Duration::from_secs(60);

/// Bytes of pixels that are kept: some thirty icons, or eight large pictures.
const CACHE: u64 = 8 * 1024 * 1024;

/// What is kept of a picture that is missing, and besides the pixels of one that is not: about the length of a URL.
const CACHE_ENTRY: usize = 1024;

/// Downloads at a time.
const DOWNLOADS: usize = 8;

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("this site's pictures are not loaded")]
    Never,
    #[error("only pictures from the site's own host are loaded, and it is not known")]
    UnknownHost,
    #[error("only pictures from the site's own host are loaded")]
    Foreign,
    #[error("only pictures from the web are loaded")]
    NotWeb,
    #[error("its URL holds a user name or a password")]
    Credentials,
    #[error("it is at an address of a private network, where the site is not")]
    Private,
    #[error("through a proxy, only pictures from the site's own host are loaded, by https")]
    Proxied,
    #[error("it has moved to another host, or too often")]
    Redirected,
    #[error("the server answered {0}")]
    Status(u16),
    #[error("the server was not reached, or broke off")]
    Unreachable,
    #[error("it did not come in time")]
    TooLate,
    #[error("its file is too large")]
    TooLong,
    #[error("it has too many pixels")]
    TooManyPixels,
    #[error("it is not a picture, or damaged")]
    NoPicture,
}

/// Loads pictures, and keeps the last ones. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pictures(Arc<Inner>);

struct Inner {
    downloader: Downloader,
    cache: Cache<Wanted, Outcome>,
    downloads: Semaphore,
    /// One at a time: each may take much memory.
    decoding: Arc<Semaphore>,
    time: Duration,
}

type Outcome = Result<Arc<Picture>, Refusal>;

impl fmt::Debug for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pictures(..)")
    }
}

impl Pictures {
    /// Loads by the same proxies and certificate authorities as push services are reached.
    pub(crate) fn new(connector: Connector) -> Self {
        Self::with(Downloader { connector, lookup: download::system_lookup() }, TIME)
    }

    fn with(downloader: Downloader, time: Duration) -> Self {
        let cache = Cache::builder().max_capacity(CACHE).weigher(weight).expire_after(Lifetime).build();
        let (downloads, decoding) = (Semaphore::new(DOWNLOADS), Arc::new(Semaphore::new(1)));
        Self(Arc::new(Inner { downloader, cache, downloads, decoding, time }))
    }

    /// The picture. Who wants one that is being loaded waits for that one; it goes on when nobody waits any more, because
    /// the next notification may show it. Ends in ten seconds.
    pub(crate) async fn load(&self, wanted: Wanted) -> Outcome {
        let inner = self.0.clone();
        let loading = tokio::spawn(async move {
            let inner = &inner;
            let key = wanted.clone();
            inner.cache.get_with(key, inner.fetch(wanted)).await
        });
        // It panics only if the system's thread for lookups does.
        loading.await.unwrap_or(Err(Refusal::Unreachable))
    }

    /// The picture, if it has been loaded.
    pub(crate) async fn loaded(&self, wanted: &Wanted) -> Option<Arc<Picture>> {
        self.0.cache.get(wanted).await?.ok()
    }
}

impl Inner {
    async fn fetch(&self, wanted: Wanted) -> Outcome {
        let fetching = async {
            let bytes = {
                let _turn = self.downloads.acquire().await;
                self.downloader.load(&wanted).await?
            };
            let turn = self.decoding.clone().acquire_owned().await;
            let decoding = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                decode::decode(&bytes, wanted.purpose().longest_edge())
            });
            // A decoder that panics has met bytes that make no picture.
            decoding.await.unwrap_or(Err(Refusal::NoPicture)).map(Arc::new)
        };
        let outcome = timeout(self.time, fetching).await.unwrap_or(Err(Refusal::TooLate));
        if let Err(refusal) = &outcome {
            tracing::debug!(%refusal, "a picture was not loaded");
        }
        outcome
    }
}

fn weight(_: &Wanted, outcome: &Outcome) -> u32 {
    let pixels = outcome.as_ref().map_or(0, |picture| picture.pixels().len());
    u32::try_from(pixels + CACHE_ENTRY).unwrap_or(u32::MAX)
}

struct Lifetime;

impl Expiry<Wanted, Outcome> for Lifetime {
    fn expire_after_create(&self, _: &Wanted, outcome: &Outcome, _: Instant) -> Option<Duration> {
        Some(if outcome.is_ok() { KEPT } else { MISSED })
    }
}

#[cfg(test)]
pub(crate) mod tests;
