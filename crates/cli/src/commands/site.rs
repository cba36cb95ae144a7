//! `belfry site …`.

use std::io::{self, IsTerminal as _, Write as _};

use jiff::Timestamp;
use serde_json::json;
use user_agent::Client;
use user_agent::api::{
    Badge, CommandError, ErrorCode, NewSite, Request, Response, Site, SiteChange, SiteState, rfc3339,
};
use user_agent::config::Mode;
use webpush::payload::MappedField;
use webpush::{ApplicationServerKey, PushSubscription};

use super::{ask, confirmed, mixed_up, push_service_at, push_service_url, transfer, with_engine};
use crate::args::{Change, Global, SiteAdd, SiteCommand, SiteSet};
use crate::exit::Failure;
use crate::output::{Output, json, plain, table};

pub(crate) async fn run(global: &Global, command: SiteCommand, output: Output) -> Result<(), Failure> {
    match command {
        SiteCommand::Add(add) => self::add(global, *add, output).await,
        SiteCommand::List => list(global, output).await,
        SiteCommand::Show { site, subscription } => show(global, site, subscription, output).await,
        SiteCommand::Set(set) => self::set(global, set, output).await,
        SiteCommand::Remove { site, yes } => remove(global, site, yes, output).await,
        SiteCommand::Export { file, with_keys } => transfer::export(global, file, with_keys, output).await,
        SiteCommand::Import { file } => transfer::import(global, file, output).await,
    }
}

/// A site's subscription, or why there is none.
pub(super) fn subscription(site: &Site) -> Result<&PushSubscription, Failure> {
    site.subscription.as_ref().ok_or_else(|| {
        let message = format!("{:?} has no subscription yet: its push service has not answered", site.name);
        CommandError::new(ErrorCode::Offline, message).into()
    })
}

pub(super) async fn ask_site(client: &Client, request: Request) -> Result<Site, Failure> {
    let Response::Site(site) = client.request(request).await? else { return Err(mixed_up()) };
    Ok(*site)
}

async fn add(global: &Global, add: SiteAdd, output: Output) -> Result<(), Failure> {
    let push_service = push_service_url(add.push_service).await?;
    let new = NewSite { name: add.name, url: add.url, vapid_key: add.vapid_key, push_service };
    let add = async |client: &Client| ask_site(client, Request::AddSite(new)).await;
    let site = with_engine(global, Mode::Online, add).await?;
    output.line(&json(subscription(&site)?)?).map_err(|failure| match failure {
        Failure::OutputClosed => Failure::internal(format!(
            "{:?} was added, but its subscription could not be printed: see `belfry site show --subscription`",
            site.name
        )),
        failure @ Failure::Command(_) => failure,
    })
}

async fn list(global: &Global, output: Output) -> Result<(), Failure> {
    let Response::Sites(sites) = ask(global, Mode::Offline, Request::ListSites).await? else {
        return Err(mixed_up());
    };
    if output.is_json() {
        return sites.iter().try_for_each(|site| output.value(site));
    }
    if sites.is_empty() {
        return output.line("No sites. `belfry site add NAME` makes one.");
    }
    let row = |site: &Site| {
        let remark = match site {
            Site { connected: false, .. } => Some("disconnected".to_owned()),
            Site { needs_pairing: true, .. } => Some("needs pairing again".to_owned()),
            Site { snoozed_until: Some(end), .. } if *end > Timestamp::now() => {
                Some(format!("snoozed {}", until(*end)))
            }
            _ => None,
        };
        let remarks: Vec<_> = moving(site).into_iter().chain(remark).collect();
        [
            plain(&site.name),
            site.id.clone(),
            site.state.to_string(),
            site.unread.to_string(),
            site.push_service.to_string(),
            remarks.join(", "),
        ]
    };
    let rows: Vec<_> = sites.iter().map(row).collect();
    output.line(&table(["NAME", "ID", "STATE", "UNREAD", "PUSH SERVICE", ""], &rows))
}

async fn show(global: &Global, site: String, only_subscription: bool, output: Output) -> Result<(), Failure> {
    let show = async |client: &Client| ask_site(client, Request::ShowSite { site }).await;
    let site = with_engine(global, Mode::Offline, show).await?;
    if only_subscription {
        return output.line(&json(subscription(&site)?)?);
    }
    output.print(&site, || details(&site))
}

async fn set(global: &Global, set: SiteSet, output: Output) -> Result<(), Failure> {
    let mut changes = Vec::new();
    for change in set.changes {
        changes.push(match change {
            Change::Known(change) => change,
            Change::PushService(name) => SiteChange::PushService(push_service_at(name).await?),
        });
    }
    let moves =
        changes.iter().any(|change| matches!(change, SiteChange::VapidKey(_) | SiteChange::PushService(_)));
    let mode = if moves { Mode::Online } else { Mode::Offline };
    let name = set.site;
    let set = async |client: &Client| {
        let before = ask_site(client, Request::ShowSite { site: name }).await?;
        let after = ask_site(client, Request::SetSite { site: before.id.clone(), changes }).await?;
        Ok((before, after))
    };
    let (before, mut site) = with_engine(global, mode, set).await?;
    if before.subscription == site.subscription || !moves {
        if before.moving_to.is_some() && site.moving_to.is_none() {
            // What counts is that it does.
            let _ = writeln!(
                io::stderr(),
                "{} stays where it is: its subscription goes on, and its sender needs no other.",
                plain(&site.name)
            );
        }
        // Nobody asked for the secret.
        site.subscription = None;
        return output.print(&site, || details(&site));
    }
    if output.is_json() {
        return output.value(&site);
    }
    let advice = format!(
        "Give {} this subscription in place of the old one, which no longer works:",
        plain(&site.name)
    );
    // The subscription is what counts.
    let _ = writeln!(io::stderr(), "{advice}");
    output.line(&json(subscription(&site)?)?)
}

async fn remove(global: &Global, name: String, yes: bool, output: Output) -> Result<(), Failure> {
    if !yes && !io::stdin().is_terminal() {
        let message = "a removed site's subscription never works again: confirm with --yes";
        return Err(CommandError::invalid(message).into());
    }
    let remove = async |client: &Client| {
        let site = ask_site(client, Request::ShowSite { site: name }).await?;
        let question =
            || format!("Remove {} and its history? Its subscription never works again.", plain(&site.name));
        if !yes && !confirmed(&question())? {
            return Err(CommandError::invalid("nothing was removed").into());
        }
        let request = Request::RemoveSite { site: site.id.clone() };
        let Response::Removed { unregistered } = client.request(request).await? else {
            return Err(mixed_up());
        };
        Ok((site, unregistered))
    };
    let (site, unregistered) = with_engine(global, Mode::Online, remove).await?;
    let removed = json!({ "removed": site.id, "name": site.name, "unregistered": unregistered });
    output.print(&removed, || {
        let service = if unregistered { "" } else { " The push service is told at the next connection." };
        format!("Removed {}.{service}", plain(&site.name))
    })
}

fn until(end: Timestamp) -> String {
    format!("until {}", rfc3339::format(end))
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Where its subscription is going to be, if it is not there yet.
fn moving(site: &Site) -> Option<String> {
    let next = site.moving_to.as_ref().filter(|next| next.push_service != site.push_service)?;
    Some(format!("moving to {}", next.push_service))
}

/// Where its subscription is, and where it is going to be.
fn push_service(site: &Site) -> String {
    match moving(site) {
        Some(moving) => format!("{moving}; until then at {}", site.push_service),
        None => site.push_service.to_string(),
    }
}

/// Who may use its subscription, and who is going to.
fn sender(site: &Site) -> String {
    let name =
        |key: Option<ApplicationServerKey>| key.map_or_else(|| "any".to_owned(), |key| key.to_string());
    match &site.moving_to {
        Some(next) if next.vapid_key != site.vapid_key => {
            format!(
                "{} once there is a new subscription; until then {}",
                name(next.vapid_key),
                name(site.vapid_key)
            )
        }
        Some(_) | None => name(site.vapid_key),
    }
}

fn details(site: &Site) -> String {
    let state = match site.state {
        SiteState::Alert => "alert: notifications with sound",
        SiteState::Quiet => "quiet: notifications without sound",
        SiteState::History => "history: no notifications",
        SiteState::Blocked => "blocked: pushes are discarded unread",
    };
    let mut lines = vec![
        format!("name          {}", plain(&site.name)),
        format!("id            {}", site.id),
        format!("url           {}", site.url.as_ref().map_or("none", url::Url::as_str)),
        format!("state         {state}"),
        format!("snoozed       {}", site.snoozed_until.map_or_else(|| "no".to_owned(), until)),
        format!("sound         {}", on_off(site.sound)),
        format!("links         {}", site.links.as_str()),
        format!("images        {}", site.images.as_str()),
        format!("burst         {}", site.burst),
        format!("dnd-bypass    {}", on_off(site.dnd_bypass)),
        format!("push service  {}", push_service(site)),
        format!("sender        {}", sender(site)),
        format!("added         {}", rfc3339::format(site.added_at)),
        format!("unread        {}", site.unread),
    ];
    for field in MappedField::ALL {
        if let Some(pointer) = site.mapping.get(field) {
            lines.push(format!("{:<14}{}", format!("map.{}", field.as_str()), plain(pointer.as_str())));
        }
    }
    lines.extend(site.badge.map(|badge| match badge {
        Badge::Flag => "badge         the site has news".to_owned(),
        Badge::Count(count) => format!("badge         {count} new at the site"),
    }));
    if !site.connected {
        lines.push("It is disconnected: allowing it again makes a new subscription.".to_owned());
    } else if site.needs_pairing {
        lines.push("The push service has replaced its subscription: give the site the new one.".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use user_agent::api::Destination;

    use super::*;

    #[test]
    fn details_of_a_site_keep_its_subscription_to_themselves() {
        let site: Site = serde_json::from_value(json!({
            "id": "a1", "name": "Backups", "url": null, "state": "quiet", "state_label": "Quiet",
            "push_service": "mozilla",
            "snoozed_until": null, "sound": true, "links": "any", "images": "own", "burst": "5/10",
            "dnd_bypass": false, "mapping": {"link": "/data/to"}, "connected": true, "needs_pairing": true, "vapid_key": null, "added_at": "2026-11-23T10:00:00Z", "unread": 2,
            "subscription": {"endpoint": "https://push.example/secret", "expirationTime": null, "keys": {
                "p256dh": "BDzM_h01bGr8NjrvHghw8chYifNdrx0qMYlWvzRqMeY7T8KDvnp6-9oxiSsRFwVk5Gtwb1AGIdW4DqCPExxpWFY",
                "auth": "AAAAAAAAAAAAAAAAAAAAAA"}}
        }))
        .unwrap();
        let details = details(&site);
        assert!(details.contains("push service  wss://push.services.mozilla.com/"), "{details}");
        assert!(details.contains("give the site the new one"), "{details}");
        assert!(details.contains("map.link      /data/to") && !details.contains("map.title"), "{details}");
        assert!(!details.contains("secret") && !details.contains("AAAA"), "{details}");
        assert!(subscription(&site).is_ok());
        let moving_to = Some(Destination {
            push_service: "wss://push.example/".parse().unwrap(),
            vapid_key: site.vapid_key,
        });
        let moving = self::details(&Site { moving_to, ..site.clone() });
        let words = "moving to wss://push.example/; until then at wss://push.services.mozilla.com/";
        assert!(moving.contains(words) && moving.contains("sender        any\n"), "{moving}");
        assert!(subscription(&Site { subscription: None, ..site }).is_err());
    }
}
