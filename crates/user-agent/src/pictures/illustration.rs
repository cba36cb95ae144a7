//! The pictures of one notification, which they may delay a little but not keep from being shown.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use url::Url;
use webpush::payload::Notification;

use super::{MISSED, Picture, Pictures, Use, Wanted};
use crate::api::Images;

/// How long the notifications of a site wait for their pictures: the first one alone, or several together.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// When a site is waited for anew, if one notification alone had not used up its patience.
pub(super) const RENEWED: Duration = Duration::from_secs(10);

/// Notifications of a site whose pictures are being loaded at a time. With two pictures each, they leave some of
/// [`super::DOWNLOADS`] to others.
pub(super) const LOADING: usize = 3;

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
    sites: HashMap<String, Patience>,
}

/// How much longer a site is waited for: the notifications of others are next.
#[derive(Debug)]
struct Patience {
    left: Duration,
    renewed_at: Instant,
    /// One for each notification whose pictures may be loaded now.
    turns: Arc<Semaphore>,
}

impl Patience {
    fn is_needed(&self, now: Instant) -> bool {
        self.renewed_at > now || self.turns.available_permits() < LOADING
    }
}

/// Pictures that come after the notification was shown.
pub(crate) type Late = BoxFuture<'static, Illustration>;

impl Illustrator {
    pub(crate) fn new(pictures: Pictures) -> Self {
        Self { pictures, patience: PATIENCE, sites: HashMap::new() }
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
        let at_hand = self.pictures.at_hand(&wishes).await;
        if wishes.are_fulfilled(&at_hand) {
            return (at_hand, None);
        }
        let begun = Instant::now();
        self.sites.retain(|_, site| site.is_needed(begun));
        let site = self.sites.entry(site_id.to_owned()).or_insert_with(|| Patience {
            left: Duration::ZERO,
            renewed_at: begun,
            turns: Arc::new(Semaphore::new(LOADING)),
        });
        if site.renewed_at <= begun {
            (site.left, site.renewed_at) = (self.patience, begun + RENEWED);
        }
        let Ok(turn) = site.turns.clone().try_acquire_owned() else { return (at_hand, None) };
        let pictures = self.pictures.clone();
        let wanted = wishes.clone();
        let mut loading: Late = Box::pin(async move {
            let _turn = turn;
            pictures.all(wanted).await
        });
        if site.left.is_zero() {
            return (at_hand, Some(loading));
        }
        match timeout(site.left, &mut loading).await {
            Ok(illustration) => {
                site.left = site.left.saturating_sub(begun.elapsed());
                (illustration, None)
            }
            Err(_) => {
                if site.left == self.patience {
                    // It is slow, rather than that it sends much.
                    site.renewed_at = begun + MISSED;
                }
                site.left = Duration::ZERO;
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

    fn are_fulfilled(&self, by: &Illustration) -> bool {
        self.icon.is_some() == by.icon.is_some() && self.image.is_some() == by.image.is_some()
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
        self.sites.get(site_id).map_or(self.patience, |site| site.left)
    }

    /// When the site is waited for anew.
    pub(super) fn renewed_at(&mut self, site_id: &str) -> &mut Instant {
        &mut self.sites.get_mut(site_id).unwrap().renewed_at
    }

    /// The site has been waited for until no more than this is left.
    pub(super) fn use_up(&mut self, site_id: &str, left: Duration) {
        self.sites.get_mut(site_id).unwrap().left = left;
    }
}
