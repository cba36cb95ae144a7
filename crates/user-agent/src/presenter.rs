//! Hands committed entries to the notification server, in order, and marks them handed. A server that is missing or
//! fails is tried again: a notification is late rather than lost.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::api::{Disposition, Event};
use crate::crash;
use crate::notifier::{Notifier, Popup};
use crate::requests::Shared;
use crate::store::entries;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// The queue in front of the notification server.
#[derive(Debug)]
pub(crate) struct Presenter {
    queue: mpsc::UnboundedSender<(Popup, Timestamp)>,
    task: JoinHandle<()>,
}

impl Presenter {
    pub(crate) fn start(notifier: Arc<dyn Notifier>, shared: Shared) -> Self {
        let (queue, popups) = mpsc::unbounded_channel();
        Self { queue, task: tokio::spawn(run(notifier, shared, popups)) }
    }

    pub(crate) fn show(&self, popup: Popup, received_at: Timestamp) {
        // A stopped task leaves the entry pending for the next start.
        let _ = self.queue.send((popup, received_at));
    }

    /// Finishes what is queued, unless the notification server keeps it waiting: that is shown at the next start.
    pub(crate) async fn stop(self) {
        drop(self.queue);
        let abort = self.task.abort_handle();
        if timeout(Duration::from_secs(3), self.task).await.is_err() {
            abort.abort();
        }
    }
}

async fn run(
    notifier: Arc<dyn Notifier>,
    shared: Shared,
    mut popups: mpsc::UnboundedReceiver<(Popup, Timestamp)>,
) {
    while let Some((popup, received_at)) = popups.recv().await {
        crash::point("before-notify");
        show(notifier.as_ref(), &shared, &popup).await;
        crash::point("after-notify");
        let entry = popup.entry;
        tracing::info!(%entry, "notification handed over");
        if let Err(error) = shared.store.write(move |tx| Ok(entries::mark_handed(tx, entry)?)).await {
            tracing::error!(%error, "cannot mark a notification as shown");
        }
        shared.tell(Event::Push {
            id: Some(popup.entry),
            site: popup.site_name,
            received_at,
            title: popup.notification.title,
            body: popup.notification.body,
            navigate: popup.notification.navigate,
            disposition: Disposition::Shown,
        });
    }
}

/// Returns once the notification server has it.
async fn show(notifier: &dyn Notifier, shared: &Shared, popup: &Popup) {
    let mut wait = FIRST_RETRY;
    while let Err(error) = notifier.show(popup.clone()).await {
        tracing::warn!(%error, "a notification could not be shown; it will be tried again");
        if wait == FIRST_RETRY {
            let reason = format!("cannot show a notification yet: {error}");
            shared.tell(Event::Failed { site: Some(popup.site_name.clone()), reason });
        }
        sleep(wait).await;
        wait = (wait * 2).min(LAST_RETRY);
    }
}
