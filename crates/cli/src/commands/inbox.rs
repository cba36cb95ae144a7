//! `belfry inbox`: what arrived.

use std::io::IsTerminal as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::json;
use user_agent::api::{Disposition, Entry, EntryFilter, EntryId, Request, Response, rfc3339};
use user_agent::config::Mode;

use super::{ask, mixed_up};
use crate::args::{Global, Inbox, InboxCommand};
use crate::exit::Failure;
use crate::output::{Output, plain, plain_lines};

pub(crate) async fn run(global: &Global, inbox: Inbox, output: Output) -> Result<(), Failure> {
    match inbox.command {
        None => {
            let Inbox { site, search, unread, limit, command: _ } = inbox;
            list(global, EntryFilter { site, search, unread, limit }, output).await
        }
        Some(InboxCommand::Show { id, raw }) => show(global, id, raw, output).await,
        Some(InboxCommand::Read { ids }) => {
            done(global, Request::MarkRead { ids: ids.clone() }).await?;
            output.print(&json!({ "read": ids }), || format!("Marked {} as read.", entries(ids.len())))
        }
        Some(InboxCommand::Delete { ids }) => {
            done(global, Request::DeleteEntries { ids: ids.clone() }).await?;
            output.print(&json!({ "deleted": ids }), || format!("Deleted {}.", entries(ids.len())))
        }
    }
}

async fn list(global: &Global, filter: EntryFilter, output: Output) -> Result<(), Failure> {
    let Response::Entries(entries) = ask(global, Mode::Offline, Request::ListEntries(filter)).await? else {
        return Err(mixed_up());
    };
    if output.is_json() {
        return entries.iter().try_for_each(|entry| output.value(entry));
    }
    if entries.is_empty() {
        return output.line("Nothing.");
    }
    entries.iter().try_for_each(|entry| output.line(&line(entry)))
}

async fn show(global: &Global, id: EntryId, with_raw: bool, output: Output) -> Result<(), Failure> {
    let answer = ask(global, Mode::Offline, Request::ShowEntry { id }).await?;
    let Response::Entry { entry, raw, raw_base64 } = answer else { return Err(mixed_up()) };
    if output.is_json() {
        let raw_base64 = raw_base64.filter(|_| with_raw);
        return output.value(&Shown { entry: &entry, raw: with_raw.then_some(raw), raw_base64 });
    }
    if !with_raw {
        return output.line(&details(&entry));
    }
    let for_a_terminal = std::io::stdout().is_terminal();
    match (raw, raw_base64) {
        // A file or a program gets the payload as it is; a terminal must not be steered by it.
        (Some(text), _) if for_a_terminal => output.line(&plain_lines(&text)),
        (Some(text), _) => output.line(&text),
        (None, Some(base64)) => {
            let bytes = STANDARD.decode(base64).map_err(|_| mixed_up())?;
            if for_a_terminal { output.line(&hex(&bytes)) } else { output.bytes(&bytes) }
        }
        (None, None) => output.line(""),
    }
}

/// An entry, with its payload where that was asked for.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Option<String>>,
    /// In place of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
}

async fn done(global: &Global, request: Request) -> Result<(), Failure> {
    let Response::Done = ask(global, Mode::Offline, request).await? else { return Err(mixed_up()) };
    Ok(())
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// Sixteen bytes a line: where they begin, each in hexadecimal digits, and what of them is ASCII.
fn hex(bytes: &[u8]) -> String {
    let line = |(number, bytes): (usize, &[u8])| {
        let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let printable = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
        let text: String = bytes.iter().map(printable).collect();
        format!("{:08x}  {:<47}  {text}", number * 16, digits.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn line(entry: &Entry) -> String {
    let unread = if entry.read { ' ' } else { '*' };
    let text = match &entry.failure {
        Some(failure) => failure.clone(),
        None if entry.body.is_empty() => entry.title.clone(),
        None => format!("{} — {}", entry.title, entry.body),
    };
    plain(&format!("{:>5} {unread} {}  {}: {text}", entry.id, rfc3339::format(entry.received_at), entry.site))
}

fn details(entry: &Entry) -> String {
    let became = match entry.disposition {
        Disposition::Shown => "shown",
        Disposition::Recorded => "recorded without a notification",
        Disposition::Discarded => "discarded",
    };
    let read = if entry.read { "read" } else { "unread" };
    let mut lines = vec![
        format!("{}, {}, {became}, {read}", plain(&entry.site), rfc3339::format(entry.received_at)),
        String::new(),
        plain(&entry.title),
    ];
    if !entry.body.is_empty() {
        lines.push(plain_lines(&entry.body));
    }
    let mut links = Vec::new();
    links.extend(entry.navigate.as_ref().map(|url| format!("opens   {url}")));
    links.extend(entry.image.as_ref().map(|url| format!("image   {url}")));
    for action in &entry.actions {
        let opens = action.navigate.as_ref().map_or("nothing", url::Url::as_str);
        links.push(format!("button  {}: {opens}", plain(&action.title)));
    }
    // On a line of its own, as it is to be copied.
    links.extend(entry.command.as_ref().map(|command| format!("run\n{}", plain(command))));
    links.extend(entry.failure.as_ref().map(|failure| format!("failed  {}", plain(failure))));
    if !links.is_empty() {
        lines.push(String::new());
        lines.extend(links);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        serde_json::from_value(json!({
            "id": "7", "site": "Backups", "received_at": "2026-11-23T10:00:00Z", "title": "Done\u{1b}c",
            "body": "3 files\n2 folders", "navigate": "https://example.com/", "image": null, "tag": "",
            "actions": [{"title": "Log", "navigate": "https://example.com/log"}], "read": false,
            "disposition": "shown", "failure": null
        }))
        .unwrap()
    }

    #[test]
    fn an_entry_is_one_line_in_the_list() {
        assert_eq!(line(&entry()), "    7 * 2026-11-23T10:00:00.000Z  Backups: Done c — 3 files 2 folders");
        let failed = Entry { failure: Some("wrong key".into()), read: true, ..entry() };
        assert_eq!(line(&failed), "    7   2026-11-23T10:00:00.000Z  Backups: wrong key");
    }

    #[test]
    fn a_command_stands_alone_so_that_it_can_be_copied() {
        let entry = Entry { command: Some("curl 'https://example.com/'".into()), ..entry() };
        assert!(details(&entry).ends_with("\nrun\ncurl 'https://example.com/'"), "{}", details(&entry));
        assert_eq!(serde_json::to_value(&entry).unwrap()["command"], "curl 'https://example.com/'");
    }

    #[test]
    fn the_payload_is_a_member_only_where_it_was_asked_for() {
        let json = |raw| serde_json::to_value(Shown { entry: &entry(), raw, raw_base64: None }).unwrap();
        assert!(json(None).get("raw").is_none());
        assert_eq!(json(Some(None))["raw"], serde_json::Value::Null);
        assert_eq!(json(Some(Some("p".into())))["raw"], "p");
        assert_eq!(json(None)["id"], "7");
    }

    #[test]
    fn binary_data_is_shown_byte_by_byte() {
        assert_eq!(
            hex(b"\x00\x1b[2J\xffPush 0123456789"),
            "00000000  00 1b 5b 32 4a ff 50 75 73 68 20 30 31 32 33 34  ..[2J.Push 01234\n\
             00000010  35 36 37 38 39                                   56789"
        );
    }

    #[test]
    fn an_entry_is_shown_with_its_links() {
        assert_eq!(
            details(&entry()),
            "Backups, 2026-11-23T10:00:00.000Z, shown, unread\n\nDone c\n3 files\n2 folders\n\n\
             opens   https://example.com/\nbutton  Log: https://example.com/log"
        );
    }
}
