//! Where the demonstration takes place: on the desktop at hand, or on one made for it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use belfry_tests::belfry::Belfry;
use belfry_tests::dunst::Dunst;
use belfry_tests::keyring;
use belfry_tests::opener::Opener;
use belfry_tests::overheard::Overheard;
use belfry_tests::page::Page;
use belfry_tests::screen::{Screen, Window};
use belfry_tests::session::Session;

/// A session, and the parts that stand in for a person where there is none.
pub(crate) struct Stage {
    made: Option<Made>,
    pub(crate) session: Session,
}

/// What stands in for a desktop and for its person.
struct Made {
    dunst: Dunst,
    screen: Screen,
    window: Option<Window>,
    opener: Opener,
}

/// Whether there is a desktop to show notifications on.
pub(crate) fn has_desktop() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("DBUS_SESSION_BUS_ADDRESS") && (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"))
}

impl Stage {
    /// A virtual display with dunst, and a stand-in for the browser.
    pub(crate) async fn headless() -> Result<Self> {
        let mut session = Session::start().await?;
        let opener = Opener::install(&mut session)?;
        let screen = Screen::start(&mut session).await?;
        let dunst = Dunst::start(&session).await?;
        Ok(Self { made: Some(Made { dunst, screen, window: None, opener }), session })
    }

    /// The desktop at hand.
    pub(crate) async fn desktop() -> Result<Self> {
        Ok(Self { made: None, session: Session::of_this_person().await? })
    }

    pub(crate) async fn describe(&self) -> Result<String> {
        match &self.made {
            Some(Made { dunst, screen, .. }) => {
                let dunst = dunst.describe().await?;
                Ok(format!("Xvfb {}, {dunst}, gnome-keyring, on a session bus of their own", screen.name()))
            }
            None => Ok("yours, with a profile of its own".to_owned()),
        }
    }

    /// Returns once the app's window is there.
    pub(crate) async fn window(&mut self, belfry: &Belfry) -> Result<()> {
        match &mut self.made {
            Some(made) => made.window = Some(made.screen.shown().await?),
            // Nobody tells when a window appears on this desktop. It is opened before the receiver answers.
            None => drop(belfry.command(["site", "list"]).await?),
        }
        Ok(())
    }

    /// The subscription that a click on the page's button copies. A person's own clipboard is left alone.
    pub(crate) async fn copy_subscription(
        &mut self,
        page: &Page,
        belfry: &Belfry,
        site: &str,
    ) -> Result<String> {
        match &mut self.made {
            Some(made) => {
                page.click("copy-subscription").await?;
                made.screen.copied().await?;
                made.screen.clipboard().await
            }
            None => belfry.command(["site", "show", site, "--subscription"]).await,
        }
    }

    /// Whether the app may be started once more, in the dark.
    pub(crate) fn darken(&mut self) -> bool {
        if self.made.is_some() {
            self.session.set("GTK_THEME", "Adwaita:dark");
        }
        self.made.is_some()
    }

    /// A picture of the app's window on a virtual display.
    pub(crate) async fn window_picture(&self, file: &Path) -> Result<Option<PathBuf>> {
        let Some(Made { screen, window: Some(window), .. }) = &self.made else { return Ok(None) };
        screen.picture(window, file).await?;
        Ok(Some(file.to_owned()))
    }

    /// A picture of the notification on a virtual display.
    pub(crate) async fn picture(&self, folder: &Path) -> Result<Option<PathBuf>> {
        match &self.made {
            Some(made) => made.dunst.picture(folder).await.map(Some),
            None => Ok(None),
        }
    }

    /// Clicks the notification where nobody else can, and returns what was opened.
    pub(crate) async fn click(&mut self) -> Result<Option<String>> {
        let Some(made) = &mut self.made else { return Ok(None) };
        made.dunst.click().await?;
        Ok(Some(made.opener.next().await?.arguments))
    }

    /// Whether the notification daemon can be asked what it has shown.
    pub(crate) fn keeps_history(&self) -> bool {
        self.made.is_some()
    }

    /// Takes the notification off the screen, and returns it as the daemon has kept it.
    pub(crate) async fn close(&self, overheard: &mut Overheard) -> Result<(String, String)> {
        let made = self.made.as_ref().context("this desktop's daemon keeps its history to itself")?;
        made.dunst.close().await?;
        overheard.closed().await?;
        made.dunst.last_closed().await
    }

    /// Deletes the profile's items from a keyring that outlives the demonstration.
    pub(crate) async fn forget_keys(&self, profile: &Path) -> Result<()> {
        if self.made.is_some() {
            return Ok(());
        }
        let id = std::fs::read_to_string(profile.join("id")).context("read the profile's id")?;
        let bus = self.session.bus();
        for item in keyring::items(bus).await? {
            if item.attributes.get("username").is_some_and(|user| user.starts_with(id.trim())) {
                keyring::delete(bus, &item).await?;
            }
        }
        Ok(())
    }
}
