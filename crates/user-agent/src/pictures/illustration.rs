//! The pictures of one notification, which they may delay a little but not keep from being shown.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout};
use url::Url;
use webpush::payload::Notification;

use super::{MISSED, Picture, Pictures, Use, Wanted};
use crate::api::Images;

/// How long the notifications of a site wait for their pictures: the first one alone, or several together.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// When a site is waited for anew, if what it had was enough.
const RENEWED: Duration = Duration::from_secs(10);

/// What a notification shows besides its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Illustration {
    /// A small picture of the sender.
    pub icon: Option<Arc<Picture>>,
    /// A large picture.
    pub image: Option<Arc<Picture>>,
}

impl Illustration {
    /// The one to show where there is room for one.
    pub fn picture(&self) -> Option<&Picture> {
        self.image.as_deref().or(self.icon.as_deref())
    }
}

/// What a notification may show: [`Wanted`] twice.
#[derive(Clone)]
struct Wishes {
    icon: Option<Wanted>,
    image: Option<Wanted>,
}

/// Finds pictures for notifications that are about to be shown, one after the other.
#[derive(Debug)]
pub(crate) struct Illustrator {
    pictures: Pictures,
    pub(super) patience: Duration,
    /// By site. Without one, it has not been waited for lately.
    left: HashMap<String, Patience>,
}

/// How much longer a site is waited for: the notifications of others are next.
#[derive(Debug)]
struct Patience {
    left: Duration,
    renewed_at: Instant,
}

/// Pictures that come after the notification was shown.
pub(crate) type Late = BoxFuture<'static, Illustration>;

impl Illustrator {
    pub(crate) fn new(pictures: Pictures) -> Self {
        Self { pictures, patience: PATIENCE, left: HashMap::new() }
    }

    /// The pictures that are there soon. If some are late, also what becomes of them, at most ten seconds later.
    pub(crate) async fn illustrate(
        &mut self,
        site_id: &str,
        notification: &Notification,
        site: Option<&Url>,
        images: Images,
    ) -> (Illustration, Option<Late>) {
        let wishes = Wishes::of(notification, site, images);
        if wishes.is_nothing() {
            return (Illustration::default(), None);
        }
        let begun = Instant::now();
        self.left.retain(|_, patience| patience.renewed_at > begun);
        let fresh = || Patience { left: self.patience, renewed_at: begun + RENEWED };
        let patience = self.left.entry(site_id.to_owned()).or_insert_with(fresh);
        if patience.left.is_zero() {
            return (self.pictures.at_hand(&wishes).await, None);
        }
        let pictures = self.pictures.clone();
        let wanted = wishes.clone();
        let mut loading: Late = Box::pin(async move { pictures.all(wanted).await });
        match timeout(patience.left, &mut loading).await {
            Ok(illustration) => {
                patience.left = patience.left.saturating_sub(begun.elapsed());
                (illustration, None)
            }
            Err(_) => {
                *patience = Patience { left: Duration::ZERO, renewed_at: begun + MISSED };
                (self.pictures.at_hand(&wishes).await, Some(loading))
            }
        }
    }
}

impl Wishes {
    fn of(notification: &Notification, site: Option<&Url>, images: Images) -> Self {
        let wish = |url: &Option<Url>, purpose| {
            let wanted = Wanted::new(url.as_ref()?, purpose, site, images);
            wanted.inspect_err(|refusal| tracing::debug!(%refusal, "a picture is not loaded")).ok()
        };
        Self { icon: wish(&notification.icon, Use::Icon), image: wish(&notification.image, Use::Image) }
    }

    fn is_nothing(&self) -> bool {
        self.icon.is_none() && self.image.is_none()
    }
}

impl Pictures {
    async fn all(&self, wishes: Wishes) -> Illustration {
        let load = async |wanted: Option<Wanted>| self.load(wanted?).await.ok();
        let (icon, image) = tokio::join!(load(wishes.icon), load(wishes.image));
        Illustration { icon, image }
    }

    async fn at_hand(&self, wishes: &Wishes) -> Illustration {
        let loaded = async |wanted: &Option<Wanted>| self.loaded(wanted.as_ref()?).await;
        Illustration { icon: loaded(&wishes.icon).await, image: loaded(&wishes.image).await }
    }
}

#[cfg(test)]
impl Illustrator {
    pub(super) fn left(&self, site_id: &str) -> Duration {
        self.left.get(site_id).map_or(self.patience, |patience| patience.left)
    }
}
