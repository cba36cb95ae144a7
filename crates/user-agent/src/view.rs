//! What front ends show, computed from the engine's state: the words are the same in tray, window and terminal.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::api::{Condition, PushServiceStatus, SiteState};
use crate::config::{MOZILLA, PushServiceUrl};
use crate::store::sites::SiteRow;

/// A site's state in words. What keeps it from working comes before what the user chose.
pub(crate) fn state_label(row: &SiteRow, has_keys: bool, now: Timestamp) -> String {
    if let Some(end) = snoozed(row, has_keys, now) {
        return format!("Snoozed until {}", until(end, now));
    }
    let label = match row.settings.state {
        SiteState::Blocked if !row.connected => "Blocked and disconnected",
        SiteState::Blocked => "Blocked",
        _ if !row.connected => "Disconnected",
        _ if !has_keys => "Keys missing",
        _ if row.needs_pairing => "Needs pairing again",
        SiteState::History => "History only",
        SiteState::Alert => "Alerts",
        SiteState::Quiet => "Quiet",
    };
    label.to_owned()
}

/// The end of its snooze, if there is nothing more important to tell.
pub(crate) fn snoozed(row: &SiteRow, has_keys: bool, now: Timestamp) -> Option<Timestamp> {
    let notifies = matches!(row.settings.state, SiteState::Alert | SiteState::Quiet);
    let works = row.connected && has_keys && !row.needs_pairing;
    row.settings.snoozed_until.filter(|end| notifies && works && now < *end)
}

/// A time of the day or, further away, with the day: as people here write it.
fn until(end: Timestamp, now: Timestamp) -> String {
    let zone = TimeZone::system();
    let (end, now) = (end.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone));
    let format = if end.date() == now.date() { "%H:%M" } else { "%a %H:%M" };
    end.strftime(format).to_string()
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
pub(crate) fn headline(services: &[PushServiceStatus], first_run: bool, quiet: bool) -> String {
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
    if quiet { format!("{line} · Do not disturb") } else { line }
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
    use webpush::ChannelId;

    use super::*;
    use crate::api::{Burst, Images, Links};
    use crate::permission::SiteSettings;

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
        let line = |services: &[PushServiceStatus]| headline(services, false, false);
        assert_eq!(line(&[service("mozilla", true)]), "Connected to Mozilla");
        assert_eq!(
            line(&[service("mozilla", true), service("ws://127.0.0.1:1/", false)]),
            "Not connected to this computer"
        );
        assert_eq!(
            line(&[service("mozilla", true), service("wss://push.example/", true)]),
            "Connected to 2 push services"
        );
        let quiet = headline(&[service("wss://push.example/", true)], false, true);
        assert_eq!(quiet, "Connected to push.example · Do not disturb");
    }

    fn row(state: SiteState) -> SiteRow {
        SiteRow {
            id: "a".into(),
            name: "Backups".into(),
            url: None,
            settings: SiteSettings {
                state,
                snoozed_until: None,
                sound: true,
                links: Links::Any,
                images: Images::Own,
                burst: Burst::Off,
                dnd_bypass: false,
            },
            mapping: Default::default(),
            needs_pairing: false,
            added_at: Timestamp::UNIX_EPOCH,
            unread: 0,
            badge: None,
            push_service: "mozilla".parse().unwrap(),
            connected: true,
            channel_id: ChannelId::from_random_bytes([1; 16]),
            application_server_key: None,
            endpoint: None,
            moving_to: None,
        }
    }

    #[test]
    fn what_keeps_a_site_from_working_comes_before_the_chosen_state() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let label = |row: &SiteRow| state_label(row, true, now);
        assert_eq!(label(&row(SiteState::History)), "History only");
        assert_eq!(state_label(&row(SiteState::Alert), false, now), "Keys missing");
        assert_eq!(label(&SiteRow { needs_pairing: true, ..row(SiteState::Quiet) }), "Needs pairing again");
        assert_eq!(label(&SiteRow { needs_pairing: true, ..row(SiteState::Blocked) }), "Blocked");
        let gone = SiteRow { connected: false, ..row(SiteState::Blocked) };
        assert_eq!(label(&gone), "Blocked and disconnected");
    }

    #[test]
    fn a_snooze_is_told_until_it_ends() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut snoozed = row(SiteState::Alert);
        snoozed.settings.snoozed_until = Some(now + jiff::SignedDuration::from_secs(1));
        assert!(state_label(&snoozed, true, now).starts_with("Snoozed until "));
        assert_eq!(state_label(&snoozed, false, now), "Keys missing");
        snoozed.settings.snoozed_until = Some(now);
        assert_eq!(state_label(&snoozed, true, now), "Alerts");
    }
}
