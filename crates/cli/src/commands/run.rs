//! `belfry run`: receive in the foreground.

use std::sync::mpsc;
use std::time::Duration;

use push_service::local;
use tokio::sync::oneshot;
use user_agent::api::{Disposition, Event, UaidState, rfc3339};
use user_agent::attach;
use user_agent::client::Events;
use user_agent::config::{Mode, Options};

use super::exec::Exec;
use super::push_service_url;
use crate::args::{Global, Run};
use crate::exit::Failure;
use crate::output::{Output, json, plain, write_line};
use crate::stop::Stop;

/// How long the last lines may take to be read.
const LAST_LINES: Duration = Duration::from_secs(2);

pub(crate) async fn run(global: &Global, run: Run, output: Output) -> Result<(), Failure> {
    let mode = Mode::Receive(run.notify.into());
    let options = Options { push_service: push_service_url(run.push_service).await?, ..global.engine(mode)? };
    let mut stop = Stop::listen()?;
    let exec = run.exec.map(|command| Exec::start(command, &options.profile));
    let engine = tokio::select! {
        engine = attach::own(options) => engine?,
        () = stop.requested() => return Ok(()),
    };
    let mut listeners = Listeners { output, printer: Printer::start(), exec };
    let mut events = engine.client().events_from_start();

    let result = loop {
        tokio::select! {
            event = events.next() => match event {
                Some(event) => {
                    revive_local(&event);
                    listeners.hear(&event)?;
                }
                None => break Err(Failure::internal("the receiver has stopped")),
            },
            () = stop.requested() => break Ok(()),
        }
    };
    let finish = async {
        engine.shutdown().await;
        // What was still acknowledged on the way down.
        while let Some(event) = already(&mut events).await {
            listeners.hear(&event)?;
        }
        listeners.finish().await;
        Ok::<(), Failure>(())
    };
    tokio::select! {
        finished = finish => finished?,
        () = stop.requested() => tracing::warn!("stopped before every command of --exec was done"),
    }
    result
}

/// The local push service does not come back by itself, and the receiver is who needs it.
fn revive_local(event: &Event) {
    if let Event::Disconnected { push_service, .. } = event
        && push_service.is_loopback()
    {
        let url = push_service.url().clone();
        tokio::spawn(async move { local::revive(&url).await });
    }
}

/// An event that has happened by now.
async fn already(events: &mut Events) -> Option<Event> {
    tokio::select! {
        biased;
        event = events.next() => event,
        () = std::future::ready(()) => None,
    }
}

/// Who is told of events: neither holds up the other, nor the receiver.
struct Listeners {
    output: Output,
    printer: Printer,
    exec: Option<Exec>,
}

impl Listeners {
    fn hear(&mut self, event: &Event) -> Result<(), Failure> {
        if self.output.is_json() {
            if let Some(event) = contract(event) {
                self.printer.print(json(&event)?);
            }
        } else if let Some(line) = line(event) {
            self.printer.print(line);
        }
        if let Some(exec) = &self.exec {
            exec.hear(event)?;
        }
        Ok(())
    }

    async fn finish(self) {
        if let Some(exec) = self.exec {
            exec.finish().await;
        }
        self.printer.finish().await;
    }
}

/// What scripts are told; the rest is for windows.
fn contract(event: &Event) -> Option<&Event> {
    match event {
        Event::Handed { .. } | Event::Open { .. } | Event::Changed => None,
        Event::Connected { .. }
        | Event::Disconnected { .. }
        | Event::Push { .. }
        | Event::Failed { .. }
        | Event::Locked { .. }
        | Event::Unlocked => Some(event),
    }
}

/// What people are told.
fn line(event: &Event) -> Option<String> {
    let line = match event {
        Event::Connected { push_service, uaid: UaidState::Kept | UaidState::New } => {
            format!("connected to {push_service}")
        }
        Event::Connected { push_service, uaid: UaidState::Replaced } => format!(
            "connected to {push_service}, which had forgotten this profile: its sites have to be paired again"
        ),
        Event::Disconnected { push_service, retry_in_ms, reason } => {
            let retry = match retry_in_ms {
                Some(milliseconds) => format!("next attempt in {} s", milliseconds.div_ceil(1000)),
                None => "waiting for the network".to_owned(),
            };
            format!("disconnected from {push_service}: {reason}; {retry}")
        }
        Event::Push { id, site, received_at, title, body, navigate, disposition } => {
            let id = id.map_or_else(String::new, |id| format!(" [{id}]"));
            let text = [title.as_str(), body].into_iter().filter(|text| !text.is_empty());
            let text = text.collect::<Vec<_>>().join(" — ");
            let link = navigate.as_ref().map_or_else(String::new, |url| format!(" <{url}>"));
            let became = match disposition {
                Disposition::Shown => "",
                Disposition::Recorded => " (recorded)",
                Disposition::Discarded => " (discarded)",
            };
            format!("{}{id} {site}: {text}{link}{became}", rfc3339::format(*received_at))
        }
        Event::Locked { reason, code } => {
            format!("Locked: waiting for the keyring ({reason}); {}", code.remedy())
        }
        Event::Unlocked => "the keyring is unlocked".to_owned(),
        Event::Failed { site: Some(site), reason } => format!("{site}: {reason}"),
        Event::Failed { site: None, reason } => reason.clone(),
        // A click on a notification that opens no link; one that is asked about has been told of as failed.
        Event::Open { entry: None, .. } => "see `belfry inbox --unread`".to_owned(),
        Event::Open { entry: Some(id), asks: false, .. } => format!("see `belfry inbox show {id}`"),
        Event::Handed { .. } | Event::Open { asks: true, .. } | Event::Changed => return None,
    };
    Some(plain(&line))
}

/// Writes lines in a thread of its own: a reader that stalls must not stall the receiver.
struct Printer {
    lines: mpsc::Sender<String>,
    done: oneshot::Receiver<()>,
}

impl Printer {
    fn start() -> Self {
        let (lines, queue) = mpsc::channel::<String>();
        let (finished, done) = oneshot::channel();
        std::thread::spawn(move || {
            let mut open = true;
            for line in queue {
                if open && let Err(error) = write_line(&line) {
                    tracing::warn!(%error, "standard output is closed: receiving goes on, unprinted");
                    open = false;
                }
            }
            let _ = finished.send(());
        });
        Self { lines, done }
    }

    fn print(&self, line: String) {
        // The thread lives as long as this.
        let _ = self.lines.send(line);
    }

    async fn finish(self) {
        drop(self.lines);
        if tokio::time::timeout(LAST_LINES, self.done).await.is_err() {
            tracing::warn!("nobody reads standard output: its last lines are lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use user_agent::api::{EntryId, Trouble};

    use super::*;

    fn push(disposition: Disposition) -> Event {
        Event::Push {
            id: Some("7".parse().unwrap()),
            site: "Backups".into(),
            received_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            title: "Done\u{1b}[2J".into(),
            body: "3 files\n2 folders".into(),
            navigate: Some("https://example.com/".parse().unwrap()),
            disposition,
        }
    }

    #[test]
    fn people_read_a_push_on_one_line_that_cannot_steer_their_terminal() {
        assert_eq!(
            line(&push(Disposition::Recorded)).unwrap(),
            "2026-11-23T10:00:00.000Z [7] Backups: Done [2J — 3 files 2 folders <https://example.com/> (recorded)"
        );
    }

    #[test]
    fn what_only_views_need_is_not_printed() {
        assert!(contract(&Event::Changed).is_none());
        assert!(line(&Event::Changed).is_none());
        assert!(contract(&push(Disposition::Shown)).is_some());
    }

    #[test]
    fn a_click_that_opens_no_link_says_where_to_read() {
        let open = |entry, asks| Event::Open { entry, action: None, asks };
        assert_eq!(line(&open(Some(EntryId(7)), false)).unwrap(), "see `belfry inbox show 7`");
        assert!(line(&open(None, false)).unwrap().contains("inbox --unread"));
        assert!(line(&open(Some(EntryId(7)), true)).is_none() && contract(&open(None, false)).is_none());
    }

    #[test]
    fn a_locked_keyring_says_what_to_do() {
        let event = Event::Locked { reason: "no password yet".into(), code: Trouble::KeyringLocked };
        let line = line(&event).unwrap();
        assert!(line.starts_with("Locked: waiting for the keyring (no password yet)"), "{line}");
        assert!(line.contains("belfry unlock"), "{line}");
        assert!(contract(&event).is_some() && contract(&Event::Unlocked).is_some());
    }

    #[test]
    fn a_lost_connection_says_when_it_is_tried_again() {
        let event = |retry_in_ms| Event::Disconnected {
            push_service: "mozilla".parse().unwrap(),
            retry_in_ms,
            reason: "no route".into(),
        };
        assert!(line(&event(Some(1500))).unwrap().ends_with("no route; next attempt in 2 s"));
        assert!(line(&event(None)).unwrap().ends_with("waiting for the network"));
    }
}
