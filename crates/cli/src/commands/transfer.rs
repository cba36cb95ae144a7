//! `belfry site export` and `site import`: moving sites between profiles and computers.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use push_service::local::Local;
use serde_json::json;
use user_agent::api::{
    CommandError, ErrorCode, ExportedSites, FilePassphrase, ImportedSite, Request, Response,
};
use user_agent::config::{Mode, PushServiceName};
use user_agent::transfer::{MOST_BYTES, is_sealed, needs_local};

use super::{ask, mixed_up, push_service_at};
use crate::args::{Global, Source};
use crate::exit::Failure;
use crate::output::{Output, json, plain};

pub(super) async fn export(
    global: &Global,
    file: PathBuf,
    with_keys: bool,
    output: Output,
) -> Result<(), Failure> {
    // Before anything is asked.
    if file.exists() {
        return Err(exists(&file).into());
    }
    let passphrase = if with_keys { Some(passphrase(true)?) } else { None };
    // Without a folder there is none.
    let local = Local::of_this_user().map_or(Ok(None), |local| local.url())?;
    let local = local.map(|url| String::from(url).parse()).transpose()?;
    let request = Request::ExportSites { passphrase, local };
    let Response::Exported(exported) = ask(global, Mode::Offline, request).await? else {
        return Err(mixed_up());
    };
    let ExportedSites { document, sites, without_keys } = exported;
    write_private(&file, &document)?;
    if with_keys {
        let advice = "The subscriptions move with this file: once it is imported elsewhere, stop receiving here. Two \
            receivers with the same ones keep closing each other's connection.";
        say(advice);
    }
    if !without_keys.is_empty() {
        let names = without_keys.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
        say(&format!("Without keys, because there are none at hand: {names}. They will need pairing again."));
    }
    let name = file.display().to_string();
    output.print(&json!({ "exported": sites, "file": name, "without_keys": without_keys }), || {
        format!("Wrote {} to {}.", count(sites), plain(&name))
    })
}

pub(super) async fn import(global: &Global, file: PathBuf, output: Output) -> Result<(), Failure> {
    let document = Source::File(file).read(MOST_BYTES)?;
    let document = String::from_utf8(document)
        .map_err(|_| CommandError::invalid("this is no file of `belfry site export`: it is no text"))?;
    let passphrase = if is_sealed(&document) { Some(passphrase(false)?) } else { None };
    let local =
        if needs_local(&document) { Some(push_service_at(PushServiceName::Local).await?) } else { None };
    let request = Request::ImportSites { document, passphrase, local };
    let Response::Imported(imported) = ask(global, Mode::Online, request).await? else {
        return Err(mixed_up());
    };
    if output.is_json() {
        imported.iter().try_for_each(|imported| output.value(imported))?;
        return all_have_subscriptions(&imported);
    }
    for imported in &imported {
        output.line(&outcome(imported)?)?;
    }
    if imported.iter().any(|imported| imported.moved) {
        let advice = "These subscriptions are received here from now on. Whoever had them before must not receive any more: \
            it would take them away again. Stop Belfry there, and delete its profile.";
        say(advice);
    }
    output.line(&format!("Imported {}.", count(imported.len())))?;
    all_have_subscriptions(&imported)
}

/// All came in; but who reads only the exit status is to know whether there is something left to do.
fn all_have_subscriptions(imported: &[ImportedSite]) -> Result<(), Failure> {
    let lacking = imported.iter().filter(|imported| imported.reason.is_some());
    let names: Vec<_> = lacking.map(|imported| plain(&imported.site.name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!("imported, but without a subscription yet: {}", names.join(", "));
    Err(CommandError::new(ErrorCode::Offline, message).into())
}

/// A line about the site and, where its sender needs one, its new subscription on a line of its own.
fn outcome(imported: &ImportedSite) -> Result<String, Failure> {
    let ImportedSite { site, moved, reason } = imported;
    let name = plain(&site.name);
    Ok(match (moved, &site.subscription, reason) {
        (true, _, _) => format!("{name}: goes on with its subscription"),
        (false, Some(subscription), _) => {
            format!("{name}: give it this new subscription\n{}", json(subscription)?)
        }
        (false, None, Some(reason)) => format!(
            "{name}: no subscription yet ({}). It comes with a later connection: `belfry site show --subscription`",
            plain(reason)
        ),
        (false, None, None) => format!("{name}: blocked and disconnected, as it was"),
    })
}

/// From the terminal without an echo, twice for a new one; from a script the first line of its standard input.
fn passphrase(new: bool) -> Result<FilePassphrase, CommandError> {
    let cannot = |error: io::Error| CommandError::invalid(format!("no passphrase: {error}"));
    let passphrase = if io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("Passphrase of the file: ").map_err(cannot)?;
        if new && rpassword::prompt_password("Again: ").map_err(cannot)? != typed {
            return Err(CommandError::invalid("the two passphrases differ"));
        }
        typed
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(cannot)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if passphrase.is_empty() {
        let message = "a file with keys has a passphrase: type it, or give it on standard input";
        return Err(CommandError::invalid(message));
    }
    Ok(FilePassphrase(passphrase))
}

/// Never over another file: it may be the only copy of other sites.
fn write_private(file: &Path, document: &str) -> Result<(), CommandError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut created = options.open(file).map_err(|error| {
        let is_there = error.kind() == io::ErrorKind::AlreadyExists;
        if is_there { exists(file) } else { failed(file, &error) }
    })?;
    let written = writeln!(created, "{document}").and_then(|()| created.sync_all());
    written.map_err(|error| {
        // Half of it is worse than none.
        let _ = fs::remove_file(file);
        failed(file, &error)
    })
}

fn exists(file: &Path) -> CommandError {
    CommandError::new(ErrorCode::Exists, format!("{} is there already: name a new file", file.display()))
}

fn failed(file: &Path, error: &io::Error) -> CommandError {
    CommandError::new(ErrorCode::Storage, format!("cannot write {}: {error}", file.display()))
}

fn say(advice: &str) {
    // The result is what counts.
    let _ = writeln!(io::stderr(), "{advice}");
}

fn count(sites: usize) -> String {
    if sites == 1 { "1 site".to_owned() } else { format!("{sites} sites") }
}

#[cfg(test)]
mod tests {
    use user_agent::api::Site;

    use super::*;

    fn imported(name: &str, reason: Option<&str>) -> ImportedSite {
        let site: Site = serde_json::from_value(json!({
            "id": "a1", "name": name, "url": null, "state": "quiet", "state_label": "Quiet", "push_service": "mozilla",
            "snoozed_until": null, "sound": true, "links": "any", "images": "own", "burst": "5/10",
            "dnd_bypass": false, "mapping": {}, "connected": true, "needs_pairing": true, "vapid_key": null,
            "added_at": "2026-11-23T10:00:00Z", "unread": 0, "subscription": null
        }))
        .unwrap();
        ImportedSite { site, moved: false, reason: reason.map(str::to_owned) }
    }

    #[test]
    fn an_import_that_got_no_subscription_for_a_site_fails_and_names_it() {
        let (fine, lacking) = (imported("Backups", None), imported("Builds", Some("no answer")));
        assert!(all_have_subscriptions(std::slice::from_ref(&fine)).is_ok());
        let Err(Failure::Command(error)) = all_have_subscriptions(&[fine, lacking]) else { panic!() };
        assert_eq!(error.code, ErrorCode::Offline);
        assert!(error.message.contains("Builds") && !error.message.contains("Backups"), "{error}");
    }
}
