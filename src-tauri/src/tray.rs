//! Draws the tray's menu, which `user-agent` computes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tauri::image::Image;
use tauri::menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Wry, include_image};
use tokio::sync::oneshot;
use user_agent::api::{CommandError, Condition};
use user_agent::tray::{Action, Item, Tray};

use crate::app::{Notice, Notices};

const ID: &str = "belfry";

/// The icon, once there is one.
pub(crate) struct Icon {
    app: AppHandle,
    notices: Notices,
    pictures: PathBuf,
    icon: Option<TrayIcon>,
    shown: Option<Tray>,
    /// Where the system's library for icons is missing: asking again would fail again.
    unavailable: bool,
}

impl Icon {
    /// Keeps the pictures that Linux's panels read in the profile's folder: elsewhere the profiles of a person would
    /// overwrite each other's.
    pub(crate) fn new(app: AppHandle, notices: Notices, profile: &Path) -> Self {
        let pictures = profile.join("tray");
        Self { app, notices, pictures, icon: None, shown: None, unavailable: false }
    }

    /// Draws this, unless it is what is there.
    pub(crate) async fn show(&mut self, tray: Tray) {
        if self.unavailable || self.shown.as_ref() == Some(&tray) {
            return;
        }
        let (app, notices, icon) = (self.app.clone(), self.notices.clone(), self.icon.clone());
        let (shown, value, pictures) = (self.shown.clone(), tray.clone(), self.pictures.clone());
        let (reply, drawn) = oneshot::channel();
        let on_main_thread = self.app.run_on_main_thread(move || {
            // A library that is missing is told by a panic, which must not reach the loop that this is called from.
            let drawn = catch_unwind(AssertUnwindSafe(|| match icon {
                Some(icon) => redraw(&app, &icon, shown.as_ref(), &value).map(|()| icon),
                None => create(&app, notices, &pictures, &value),
            }));
            let _ = reply.send(drawn);
        });
        match (on_main_thread, drawn.await) {
            (Ok(()), Ok(Ok(Ok(icon)))) => (self.icon, self.shown) = (Some(icon), Some(tray)),
            (Ok(()), Ok(Err(_))) => {
                tracing::warn!("no tray icon: libayatana-appindicator is missing");
                self.unavailable = true;
            }
            (Ok(()), Ok(Ok(Err(error)))) | (Err(error), _) => tracing::warn!("no tray icon: {error}"),
            (Ok(()), Err(_)) => {}
        }
    }

    /// Has the menu drawn again: a check mark changes by itself when it is clicked.
    pub(crate) fn touched(&mut self) {
        if let Some(shown) = &mut self.shown {
            shown.items.clear();
        }
    }

    pub(crate) fn remove(&mut self) {
        (self.icon, self.shown) = (None, None);
        drop(self.app.remove_tray_by_id(ID));
    }
}

/// What there is to show while there is no engine. The reason is too long for a menu.
pub(crate) fn without_engine(error: &CommandError) -> Tray {
    let button = |action, label: &str| Item::Button { action, label: label.into() };
    let items = vec![
        Item::Text("Not receiving: open Belfry to see why".into()),
        Item::Separator,
        button(Action::Open, "Open Belfry"),
        button(Action::Quit, "Quit"),
    ];
    Tray { icon: Condition::Problem, headline: error.message.clone(), unread: 0, items }
}

/// Changes what differs: hosts take a new menu for a new icon.
fn redraw(app: &AppHandle, icon: &TrayIcon, shown: Option<&Tray>, tray: &Tray) -> tauri::Result<()> {
    if shown.is_none_or(|shown| shown.icon != tray.icon) {
        icon.set_icon(Some(picture(tray.icon)))?;
    }
    if shown.is_none_or(|shown| shown.headline != tray.headline) {
        icon.set_tooltip(Some(&tray.headline))?;
    }
    if shown.is_none_or(|shown| shown.items != tray.items) {
        icon.set_menu(Some(menu(app, &tray.items)?))?;
    }
    Ok(())
}

fn create(app: &AppHandle, notices: Notices, pictures: &Path, tray: &Tray) -> tauri::Result<TrayIcon> {
    let clicks = notices.clone();
    TrayIconBuilder::with_id(ID)
        .icon(picture(tray.icon))
        .icon_as_template(cfg!(target_os = "macos"))
        .temp_dir_path(pictures)
        .tooltip(&tray.headline)
        .menu(&menu(app, &tray.items)?)
        .show_menu_on_left_click(cfg!(target_os = "macos"))
        .on_menu_event(move |_, event| {
            if let Some(action) = action(event.id().as_ref()) {
                notices.send(Notice::Chosen(action));
            }
        })
        .on_tray_icon_event(move |_, event| {
            let left = matches!(
                event,
                TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. }
            );
            if left && !cfg!(target_os = "macos") {
                clicks.send(Notice::Chosen(Action::Open));
            }
        })
        .build(app)
}

fn menu(app: &AppHandle, items: &[Item]) -> tauri::Result<Menu<Wry>> {
    Menu::with_items(app, &references(&lines(app, items)?))
}

fn lines(app: &AppHandle, items: &[Item]) -> tauri::Result<Vec<Box<dyn IsMenuItem<Wry>>>> {
    items.iter().map(|item| line(app, item)).collect()
}

fn line(app: &AppHandle, item: &Item) -> tauri::Result<Box<dyn IsMenuItem<Wry>>> {
    Ok(match item {
        Item::Text(text) => Box::new(MenuItem::new(app, literal(text), false, None::<&str>)?),
        Item::Separator => Box::new(PredefinedMenuItem::separator(app)?),
        Item::Button { action, label } => {
            Box::new(MenuItem::with_id(app, id(action), literal(label), true, None::<&str>)?)
        }
        Item::Check { action, label, checked } => {
            Box::new(CheckMenuItem::with_id(app, id(action), literal(label), true, *checked, None::<&str>)?)
        }
        Item::Submenu { label, items } => {
            let items = lines(app, items)?;
            Box::new(Submenu::with_items(app, literal(label), true, &references(&items))?)
        }
    })
}

fn references(items: &[Box<dyn IsMenuItem<Wry>>]) -> Vec<&dyn IsMenuItem<Wry>> {
    items.iter().map(AsRef::as_ref).collect()
}

/// A menu line is known by what it does.
fn id(action: &Action) -> String {
    // An action is always JSON; an empty id does nothing.
    serde_json::to_string(action).unwrap_or_default()
}

fn action(id: &str) -> Option<Action> {
    serde_json::from_str(id).ok()
}

/// An ampersand would mark the next letter as the line's key.
fn literal(text: &str) -> String {
    text.replace('&', "&&")
}

#[cfg(not(target_os = "macos"))]
fn picture(condition: Condition) -> Image<'static> {
    match condition {
        Condition::Ok => include_image!("../icons/tray/both/ok-44.png"),
        Condition::Unread => include_image!("../icons/tray/both/unread-44.png"),
        Condition::DoNotDisturb => include_image!("../icons/tray/both/do-not-disturb-44.png"),
        Condition::Offline => include_image!("../icons/tray/both/offline-44.png"),
        Condition::Problem => include_image!("../icons/tray/both/problem-44.png"),
    }
}

#[cfg(target_os = "macos")]
fn picture(condition: Condition) -> Image<'static> {
    match condition {
        Condition::Ok => include_image!("../icons/tray/template/ok-44.png"),
        Condition::Unread => include_image!("../icons/tray/template/unread-44.png"),
        Condition::DoNotDisturb => include_image!("../icons/tray/template/do-not-disturb-44.png"),
        Condition::Offline => include_image!("../icons/tray/template/offline-44.png"),
        Condition::Problem => include_image!("../icons/tray/template/problem-44.png"),
    }
}

#[cfg(test)]
mod tests {
    use user_agent::api::{ErrorCode, SiteState};

    use super::*;

    #[test]
    fn a_chosen_line_does_what_it_was_drawn_for() {
        let actions = [
            Action::SetState("s1".into(), SiteState::Blocked),
            Action::SetState("s1".into(), SiteState::History),
            Action::CopySubscription("s\"2".into()),
            Action::SetDoNotDisturb(true),
            Action::Open,
            Action::Quit,
        ];
        for chosen in actions {
            assert_eq!(action(&id(&chosen)), Some(chosen));
        }
        assert_eq!(action(""), None);
        assert_eq!(action("17"), None);
    }

    #[test]
    fn a_name_with_an_ampersand_is_shown_as_it_is() {
        assert_eq!(literal("R&D"), "R&&D");
    }

    #[test]
    fn without_an_engine_the_tray_says_so_and_leads_to_the_reason() {
        let tray = without_engine(&CommandError::new(ErrorCode::Keyring, "the keyring is locked"));
        assert_eq!(tray.icon, Condition::Problem);
        assert_eq!(tray.headline, "the keyring is locked");
        for (action, label) in [(Action::Open, "Open Belfry"), (Action::Quit, "Quit")] {
            assert!(tray.items.contains(&Item::Button { action, label: label.into() }));
        }
    }
}
