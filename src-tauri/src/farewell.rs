//! Closing the window where no tray icon leads back to it: asks once whether to go on receiving.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use user_agent::profile::Profile;

/// What closing the window means on this desktop.
#[derive(Debug)]
pub(crate) struct Farewell {
    tray: AtomicBool,
    receiving: AtomicBool,
    answer: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// The window goes, the receiver stays, here or in another process.
    Keep,
    /// Both go.
    Quit,
    /// Nobody has said yet.
    Ask,
}

/// `desktop.json` in the profile's folder.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    keep_receiving: bool,
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "elsewhere there is always a tray"))]
impl Farewell {
    /// Until told otherwise there is a tray, and nothing to keep.
    pub(crate) fn new(profile: &Profile) -> Self {
        let answer = profile.dir().join("desktop.json");
        Self { tray: AtomicBool::new(true), receiving: AtomicBool::new(false), answer }
    }

    pub(crate) fn found_tray(&self, found: bool) {
        self.tray.store(found, Ordering::Relaxed);
    }

    /// Whether it is this process that receives, or would. Where it is another, closing the window ends nothing.
    pub(crate) fn found_receiver(&self, here: bool) {
        self.receiving.store(here, Ordering::Relaxed);
    }

    pub(crate) fn closing(&self) -> Closing {
        if !self.receiving.load(Ordering::Relaxed) || self.tray.load(Ordering::Relaxed) || older_tray() {
            return Closing::Keep;
        }
        match read(&self.answer) {
            Some(Answer { keep_receiving: true }) => Closing::Keep,
            Some(Answer { keep_receiving: false }) => Closing::Quit,
            None => Closing::Ask,
        }
    }

    pub(crate) fn remember(&self, keep_receiving: bool) {
        let written = serde_json::to_vec(&Answer { keep_receiving })
            .map_err(std::io::Error::other)
            .and_then(|json| fs::write(&self.answer, json));
        if let Err(error) = written {
            tracing::warn!("the answer was not kept: {error}");
        }
    }
}

fn read(path: &Path) -> Option<Answer> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(target_os = "linux")]
fn older_tray() -> bool {
    crate::tray_host::x11()
}

#[cfg(not(target_os = "linux"))]
fn older_tray() -> bool {
    true
}

/// Asks over the window; `answered` hears whether to keep receiving, and nothing when the question is dismissed. On the
/// main thread.
#[cfg(target_os = "linux")]
pub(crate) fn ask(window: &gtk::ApplicationWindow, answered: impl Fn(bool) + 'static) {
    use gtk::prelude::*;
    use gtk::{ButtonsType, DialogFlags, MessageDialog, MessageType, ResponseType};

    let flags = DialogFlags::MODAL | DialogFlags::DESTROY_WITH_PARENT;
    let dialog =
        MessageDialog::new(Some(window), flags, MessageType::Question, ButtonsType::None, "Keep receiving?");
    dialog.set_secondary_text(Some(
        "This desktop shows no tray icons. Without its window, Belfry goes on showing notifications; to come back, start \
         Belfry once more from the applications menu or by belfry-desktop. The answer is remembered.",
    ));
    dialog.add_button("_Quit", ResponseType::Reject);
    dialog.add_button("_Keep receiving", ResponseType::Accept);
    dialog.set_default_response(ResponseType::Accept);
    dialog.connect_response(move |dialog, response| {
        dialog.hide();
        if response == ResponseType::Accept || response == ResponseType::Reject {
            answered(response == ResponseType::Accept);
        }
    });
    dialog.show();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_kept_with_the_profile() {
        let temp = tempfile::tempdir().unwrap();
        let profile = Profile::open(temp.path()).unwrap();
        let path = Farewell::new(&profile).answer;
        assert!(read(&path).is_none());
        for keep in [true, false] {
            Farewell::new(&profile).remember(keep);
            assert_eq!(read(&path).map(|answer| answer.keep_receiving), Some(keep));
        }
    }

    #[test]
    fn with_a_tray_or_a_receiver_elsewhere_closing_never_asks() {
        let temp = tempfile::tempdir().unwrap();
        let farewell = Farewell::new(&Profile::open(temp.path()).unwrap());
        farewell.remember(false);
        for (tray, here) in [(true, true), (true, false), (false, false)] {
            farewell.found_tray(tray);
            farewell.found_receiver(here);
            assert_eq!(farewell.closing(), Closing::Keep, "tray: {tray}, here: {here}");
        }
    }
}
