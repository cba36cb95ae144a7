//! A notification of our own: which sites need their new subscription.

use jiff::Timestamp;
use webpush::payload::Notification;

use super::{Run, Trouble};
use crate::api::Links;
use crate::notifier::Popup;
use crate::pictures::Illustration;
use crate::store::sites;

/// As that of a summary, no sender can write it.
const TAG: &str = "\u{1}notice";

impl Run {
    /// Says once which sites need their new subscription.
    pub(super) async fn tell_of_pairing(&mut self) -> Result<(), Trouble> {
        let rows = self.shared.store.read(|c| Ok(sites::sites(c)?)).await?;
        let names: Vec<_> = rows.into_iter().filter(|row| row.wants_pairing()).map(|row| row.name).collect();
        if let Some(notification) = pairing_notice(&names) {
            let popup = Popup {
                entry: None,
                site_id: String::new(),
                site_name: "Belfry".to_owned(),
                website: None,
                links: Links::default(),
                notification,
                illustration: Illustration::default(),
                sound: true,
                passes_silence: false,
                received_at: Timestamp::now(),
            };
            let card = self.show(popup).await?;
            self.handed(Vec::new(), card).await?;
        }
        self.shared.store.write(|tx| Ok(sites::delete_setting(tx, sites::PAIRING_NOTICE)?)).await?;
        Ok(())
    }
}

fn pairing_notice(names: &[String]) -> Option<Notification> {
    let title = match names {
        [] => return None,
        [name] => format!("{name} needs pairing again"),
        names => format!("{} sites need pairing again", names.len()),
    };
    let cause = "The push service has forgotten this computer. Nothing arrives until the new subscription is given to";
    Some(Notification {
        title,
        body: format!("{cause} {}.", names.join(", ")),
        tag: TAG.to_owned(),
        require_interaction: true,
        ..Notification::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_notice_names_every_site() {
        assert_eq!(pairing_notice(&[]), None);
        assert_eq!(pairing_notice(&["Backups".into()]).unwrap().title, "Backups needs pairing again");
        let notice = pairing_notice(&["Backups".into(), "Mail".into()]).unwrap();
        assert_eq!(notice.title, "2 sites need pairing again");
        assert!(notice.body.ends_with("Backups, Mail."), "{}", notice.body);
    }
}
