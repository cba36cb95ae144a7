//! What front ends show, computed from the engine's state: the words are the same in tray, window and terminal.

use crate::api::{Condition, DoNotDisturb, PushServiceStatus, SiteState};
use crate::config::{MOZILLA, PushServiceUrl};

/// A site's state in words. What keeps it from working comes before what the user chose.
pub(crate) fn state_label(state: SiteState, needs_pairing: bool, has_keys: bool) -> &'static str {
    if !has_keys {
        return "Keys missing";
    }
    if needs_pairing {
        return "Needs pairing again";
    }
    match state {
        SiteState::Alert => "Alerts",
        SiteState::Quiet => "Quiet",
        SiteState::History => "History only",
        SiteState::Blocked => "Blocked",
    }
}

/// The one thing to tell.
pub(crate) fn condition(
    services: &[PushServiceStatus],
    do_not_disturb: bool,
    unread: u64,
    needs_pairing: bool,
) -> Condition {
    if needs_pairing {
        Condition::Problem
    } else if services.iter().any(|service| !service.connected) {
        Condition::Offline
    } else if do_not_disturb {
        Condition::DoNotDisturb
    } else if unread > 0 {
        Condition::Unread
    } else {
        Condition::Ok
    }
}

/// The connections in one line.
pub(crate) fn headline(
    services: &[PushServiceStatus],
    first_run: bool,
    silence: DoNotDisturb,
    quiet: bool,
) -> String {
    if first_run {
        return "Choose a push service to begin".into();
    }
    let mut away = services.iter().filter(|service| !service.connected);
    let line = match (away.next(), services) {
        (Some(service), _) => format!("Not connected to {}", name(&service.url)),
        (None, []) => "Not connected".into(),
        (None, [one]) => format!("Connected to {}", name(&one.url)),
        (None, several) => format!("Connected to {} push services", several.len()),
    };
    match silence {
        DoNotDisturb::On | DoNotDisturb::Until(_) if quiet => format!("{line} · Do not disturb"),
        DoNotDisturb::Off | DoNotDisturb::On | DoNotDisturb::Until(_) => line,
    }
}

/// A push service as people call it.
pub(crate) fn name(service: &PushServiceUrl) -> String {
    if service.url().as_str() == MOZILLA {
        return "Mozilla".into();
    }
    if service.is_loopback() {
        return "this computer".into();
    }
    service.url().host_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(url: &str, connected: bool) -> PushServiceStatus {
        PushServiceStatus { url: url.parse().unwrap(), connected, reason: None }
    }

    #[test]
    fn the_icon_tells_the_worst_first() {
        let up = [service("mozilla", true)];
        let down = [service("mozilla", true), service("ws://127.0.0.1:1/", false)];
        assert_eq!(condition(&up, false, 0, false), Condition::Ok);
        assert_eq!(condition(&up, false, 3, false), Condition::Unread);
        assert_eq!(condition(&up, true, 3, false), Condition::DoNotDisturb);
        assert_eq!(condition(&down, true, 3, false), Condition::Offline);
        assert_eq!(condition(&down, true, 3, true), Condition::Problem);
    }

    #[test]
    fn the_headline_names_the_service_that_matters() {
        let line = |services: &[PushServiceStatus]| headline(services, false, DoNotDisturb::Off, false);
        assert_eq!(line(&[service("mozilla", true)]), "Connected to Mozilla");
        assert_eq!(
            line(&[service("mozilla", true), service("ws://127.0.0.1:1/", false)]),
            "Not connected to this computer"
        );
        assert_eq!(
            line(&[service("mozilla", true), service("wss://push.example/", true)]),
            "Connected to 2 push services"
        );
        let quiet = headline(&[service("wss://push.example/", true)], false, DoNotDisturb::On, true);
        assert_eq!(quiet, "Connected to push.example · Do not disturb");
    }

    #[test]
    fn pairing_again_comes_before_the_chosen_state() {
        assert_eq!(state_label(SiteState::Quiet, true, true), "Needs pairing again");
        assert_eq!(state_label(SiteState::History, false, true), "History only");
        assert_eq!(state_label(SiteState::Quiet, true, false), "Keys missing");
    }
}
