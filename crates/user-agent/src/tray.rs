//! The tray's menu as a plain value: computed here, compared in tests, drawn by the desktop app.

use serde::{Deserialize, Serialize};

use crate::api::{Badge, Condition, Site, SiteState, Status};

/// The icon and its menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tray {
    /// Which icon.
    pub icon: Condition,
    /// The line shown when the pointer rests on it, and the menu's first.
    pub headline: String,
    /// How many messages are unread: the number on the app's icon, where docks show one.
    pub unread: u64,
    /// The menu.
    pub items: Vec<Item>,
}

/// One line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Text that cannot be chosen.
    Text(String),
    /// A line between groups.
    Separator,
    /// Something to do.
    Button {
        /// What choosing it does.
        action: Action,
        /// Its label.
        label: String,
    },
    /// Something that is on or off.
    Check {
        /// What choosing it does.
        action: Action,
        /// Its label.
        label: String,
        /// Whether it is on.
        checked: bool,
    },
    /// A menu of its own.
    Submenu {
        /// Its label.
        label: String,
        /// What is in it.
        items: Vec<Item>,
    },
}

/// What a menu line does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Give a site, by its id, this state.
    SetState(String, SiteState),
    /// Put a site's subscription on the clipboard.
    CopySubscription(String),
    /// Switch do-not-disturb.
    SetDoNotDisturb(bool),
    /// Have the keyring ask for its password.
    Unlock,
    /// Open the window.
    Open,
    /// End the program.
    Quit,
}

/// Sites listed in the menu; the window has them all.
const SITES: usize = 20;

impl Tray {
    /// The tray for this state.
    pub fn new(status: &Status, sites: &[Site]) -> Self {
        let quiet = status.quiet;
        let mut items = vec![Item::Text(status.headline.clone()), Item::Separator];
        if !sites.is_empty() {
            let mut lines: Vec<_> = sites.iter().take(SITES).map(site_menu).collect();
            if sites.len() > SITES {
                lines.push(Item::Separator);
                lines.push(Item::Button { action: Action::Open, label: "All sites…".into() });
            }
            items.push(Item::Submenu { label: "Sites".into(), items: lines });
        }
        items.push(match status.locked {
            None => Item::Check {
                action: Action::SetDoNotDisturb(!quiet),
                label: "Do not disturb".into(),
                checked: quiet,
            },
            // What is set and stored can be reached only after that.
            Some(_) => Item::Button { action: Action::Unlock, label: "Unlock the keyring…".into() },
        });
        items.extend([
            Item::Separator,
            Item::Button { action: Action::Open, label: open_label(status.unread) },
            Item::Button { action: Action::Quit, label: "Quit".into() },
        ]);
        Self { icon: status.condition, headline: status.headline.clone(), unread: status.unread, items }
    }
}

fn open_label(unread: u64) -> String {
    match unread {
        0 => "Open Belfry".into(),
        unread => format!("Open Belfry ({unread} unread)"),
    }
}

/// Allowed first, then the levels. A blocked site keeps none: allowing it means alerts.
fn site_menu(site: &Site) -> Item {
    let set = |state| Action::SetState(site.id.clone(), state);
    let allowed = site.state != SiteState::Blocked;
    let level = |state: SiteState, label: &str| Item::Check {
        action: set(state),
        label: label.into(),
        checked: site.state == state,
    };
    let mut items = vec![
        Item::Check {
            action: set(if allowed { SiteState::Blocked } else { SiteState::Alert }),
            label: "Allowed".into(),
            checked: allowed,
        },
        Item::Separator,
        level(SiteState::Alert, "Alerts"),
        level(SiteState::Quiet, "Quiet"),
        level(SiteState::History, "History only"),
        level(SiteState::Blocked, "Block"),
    ];
    if site.connected {
        items.push(Item::Separator);
        let action = Action::CopySubscription(site.id.clone());
        items.push(Item::Button { action, label: "Copy subscription".into() });
    }
    // What none of the levels says.
    if site.needs_pairing || site.snoozed_until.is_some() || !site.connected {
        items.insert(0, Item::Text(site.state_label.clone()));
    }
    Item::Submenu { label: name_with_badge(site), items }
}

fn name_with_badge(site: &Site) -> String {
    match site.badge {
        None => site.name.clone(),
        Some(Badge::Flag) => format!("{} •", site.name),
        Some(Badge::Count(count)) => format!("{} ({count})", site.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Burst, DoNotDisturb, Images, Links};

    fn status(unread: u64, quiet: bool) -> Status {
        Status {
            push_services: Vec::new(),
            default_push_service: "mozilla".parse().unwrap(),
            first_run: false,
            do_not_disturb: DoNotDisturb::Off,
            quiet,
            quiet_until: None,
            unread,
            locked: None,
            condition: Condition::Unread,
            headline: "Connected to Mozilla".into(),
        }
    }

    fn site(name: &str, state: SiteState) -> Site {
        Site {
            id: format!("id-{name}"),
            name: name.into(),
            url: None,
            state,
            state_label: String::new(),
            snoozed: false,
            snoozed_until: None,
            sound: true,
            links: Links::Any,
            images: Images::Own,
            burst: Burst::Off,
            dnd_bypass: false,
            mapping: Default::default(),
            push_service: "mozilla".parse().unwrap(),
            moving_to: None,
            connected: true,
            needs_pairing: false,
            vapid_key: None,
            added_at: jiff::Timestamp::UNIX_EPOCH,
            unread: 0,
            badge: None,
            subscription: None,
        }
    }

    fn check(action: Action, label: &str, checked: bool) -> Item {
        Item::Check { action, label: label.into(), checked }
    }

    #[test]
    fn without_sites_there_is_the_state_silence_open_and_quit() {
        let tray = Tray::new(&status(0, false), &[]);
        let expected = [
            Item::Text("Connected to Mozilla".into()),
            Item::Separator,
            check(Action::SetDoNotDisturb(true), "Do not disturb", false),
            Item::Separator,
            Item::Button { action: Action::Open, label: "Open Belfry".into() },
            Item::Button { action: Action::Quit, label: "Quit".into() },
        ];
        assert_eq!(tray.items, expected);
        assert_eq!(tray.icon, Condition::Unread);
    }

    #[test]
    fn a_site_shows_allowed_first_and_the_level_it_has() {
        let tray = Tray::new(&status(2, true), &[site("Backups", SiteState::Quiet)]);
        let Some(Item::Submenu { items: sites, .. }) = tray.items.get(2) else { panic!("{tray:?}") };
        let Some(Item::Submenu { label, items }) = sites.first() else { panic!("{tray:?}") };
        assert_eq!(label, "Backups");
        let set = |state| Action::SetState("id-Backups".into(), state);
        assert_eq!(items[0], check(set(SiteState::Blocked), "Allowed", true));
        assert_eq!(items[2], check(set(SiteState::Alert), "Alerts", false));
        assert_eq!(items[3], check(set(SiteState::Quiet), "Quiet", true));
        assert!(tray.items.contains(&check(Action::SetDoNotDisturb(false), "Do not disturb", true)));
        assert!(
            tray.items
                .contains(&Item::Button { action: Action::Open, label: "Open Belfry (2 unread)".into() })
        );
    }

    #[test]
    fn what_a_site_says_is_new_stands_beside_its_name() {
        let badges = [None, Some(Badge::Flag), Some(Badge::Count(12))];
        let sites = badges.map(|badge| Site { badge, ..site("Mail", SiteState::Alert) });
        let tray = Tray::new(&status(0, false), &sites);
        let Some(Item::Submenu { items, .. }) = tray.items.get(2) else { panic!("{tray:?}") };
        let label = |item: &Item| {
            let Item::Submenu { label, .. } = item else { panic!("{item:?}") };
            label.clone()
        };
        let labels: Vec<_> = items.iter().map(label).collect();
        assert_eq!(labels, ["Mail", "Mail •", "Mail (12)"]);
    }

    #[test]
    fn a_blocked_site_can_be_allowed_again() {
        let tray = Tray::new(&status(0, false), &[site("Spam", SiteState::Blocked)]);
        let Some(Item::Submenu { items: sites, .. }) = tray.items.get(2) else { panic!("{tray:?}") };
        let Some(Item::Submenu { items, .. }) = sites.first() else { panic!("{tray:?}") };
        assert_eq!(items[0], check(Action::SetState("id-Spam".into(), SiteState::Alert), "Allowed", false));
    }

    #[test]
    fn many_sites_end_in_a_way_to_the_window() {
        let sites: Vec<_> = (0..30).map(|n| site(&format!("s{n}"), SiteState::Alert)).collect();
        let tray = Tray::new(&status(0, false), &sites);
        let Some(Item::Submenu { items, .. }) = tray.items.get(2) else { panic!("{tray:?}") };
        assert_eq!(items.len(), SITES + 2);
        assert_eq!(items.last(), Some(&Item::Button { action: Action::Open, label: "All sites…".into() }));
    }
}
