//! `run --exec`: a command for every push.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use user_agent::api::{Disposition, EntryId, Event};

use crate::exit::Failure;
use crate::output::json;

/// How many run at a time. The others wait in the order of their arrival.
const AT_A_TIME: usize = 4;

/// How long commands may take once `run` was asked to stop.
const GRACE: Duration = Duration::from_secs(30);

/// Runs the command, for one push after another.
pub(crate) struct Exec {
    queue: mpsc::UnboundedSender<Push>,
    running: JoinHandle<()>,
}

struct Push {
    id: Option<EntryId>,
    json: String,
    environment: [(&'static str, String); 4],
}

impl Exec {
    pub(crate) fn start(command: String, profile: &Path) -> Self {
        let (queue, pushes) = mpsc::unbounded_channel();
        // What the command asks of `belfry` is about the same profile.
        let profile = std::path::absolute(profile).unwrap_or_else(|_| profile.to_owned());
        let start = move |push| run(shell(&command, &profile), push);
        Self { queue, running: tokio::spawn(work(pushes, start)) }
    }

    /// Runs the command if this is a push that was shown or recorded.
    pub(crate) fn hear(&self, event: &Event) -> Result<(), Failure> {
        if let Some(push) = Push::of(event)? {
            // It listens as long as this exists.
            let _ = self.queue.send(push);
        }
        Ok(())
    }

    /// Waits until every push had its command, for 30 seconds at most.
    pub(crate) async fn finish(self) {
        drop(self.queue);
        if timeout(GRACE, self.running).await.is_err() {
            tracing::error!("commands of --exec take too long: what they were to be told is in the inbox");
        }
    }
}

impl Push {
    fn of(event: &Event) -> Result<Option<Self>, Failure> {
        let Event::Push { id, site, title, body, navigate, disposition, .. } = event else { return Ok(None) };
        if *disposition == Disposition::Discarded {
            return Ok(None);
        }
        // An environment cannot hold a zero byte.
        let text = |text: &str| text.replace('\0', " ");
        let environment = [
            ("BELFRY_SITE", text(site)),
            ("BELFRY_TITLE", text(title)),
            ("BELFRY_BODY", text(body)),
            ("BELFRY_URL", navigate.as_ref().map(ToString::to_string).unwrap_or_default()),
        ];
        Ok(Some(Self { id: *id, json: json(event)?, environment }))
    }
}

async fn work<F, R>(mut pushes: mpsc::UnboundedReceiver<Push>, start: F)
where
    F: Fn(Push) -> R,
    R: Future<Output = ()> + Send + 'static,
{
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    while let Some(push) = pushes.recv().await {
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { break };
        while running.try_join_next().is_some() {}
        let command = start(push);
        running.spawn(async move {
            command.await;
            drop(turn);
        });
    }
    while running.join_next().await.is_some() {}
}

async fn run(mut command: Command, push: Push) {
    let id = push.id;
    match feed(&mut command, push).await {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::warn!(?id, %status, "the command of --exec failed"),
        Err(error) => tracing::error!(?id, %error, "the command of --exec could not be run"),
    }
}

async fn feed(command: &mut Command, push: Push) -> io::Result<std::process::ExitStatus> {
    // Standard output belongs to `run`.
    let mut child = command.envs(push.environment).stdin(Stdio::piped()).stdout(io::stderr()).spawn()?;
    let input = child.stdin.take();
    let write = async {
        if let Some(mut input) = input {
            // It need not read.
            let _ = input.write_all(format!("{}\n", push.json).as_bytes()).await;
        }
    };
    let ((), status) = tokio::join!(write, child.wait());
    status
}

#[cfg(unix)]
fn shell(command: &str, profile: &Path) -> Command {
    let mut shell = Command::new("sh");
    // A group of its own: Ctrl-C stops `run`, which then lets it finish.
    shell.arg("-c").arg(command).process_group(0).env("BELFRY_PROFILE", profile);
    shell
}

#[cfg(windows)]
fn shell(command: &str, profile: &Path) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").raw_arg(command).env("BELFRY_PROFILE", profile);
    shell
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn push(title: &str, disposition: Disposition) -> Event {
        Event::Push {
            id: Some("7".parse().unwrap()),
            site: "Backups".into(),
            received_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            title: title.into(),
            body: "body".into(),
            navigate: None,
            disposition,
        }
    }

    #[tokio::test]
    async fn every_shown_or_recorded_push_runs_the_command_with_its_text() {
        let temp = tempfile::tempdir().unwrap();
        let command = r#"printf '%s|%s|%s|%s|%s\n' "$BELFRY_SITE" "$BELFRY_TITLE" "$BELFRY_BODY" "$BELFRY_URL" "$(cat)" \
            > "$BELFRY_PROFILE/$BELFRY_TITLE""#;
        let exec = Exec::start(command.into(), temp.path());
        for n in 0..20 {
            exec.hear(&push(&format!("t{n}"), Disposition::Shown)).unwrap();
        }
        exec.hear(&push("nul\0", Disposition::Recorded)).unwrap();
        exec.hear(&push("discarded", Disposition::Discarded)).unwrap();
        exec.hear(&Event::Changed).unwrap();
        exec.finish().await;
        let mut names: Vec<_> =
            std::fs::read_dir(temp.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names.len(), 21, "{names:?}");
        assert!(!temp.path().join("discarded").exists());
        let written = std::fs::read_to_string(temp.path().join("t19")).unwrap();
        let json = serde_json::to_string(&push("t19", Disposition::Shown)).unwrap();
        assert_eq!(written, format!("Backups|t19|body||{json}\n"));
    }

    #[tokio::test]
    async fn no_more_than_a_few_commands_run_at_a_time() {
        let (started, mut starts) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let (queue, pushes) = mpsc::unbounded_channel();
        let working = tokio::spawn({
            let gate = Arc::clone(&gate);
            work(pushes, move |_| {
                let (started, gate) = (started.clone(), Arc::clone(&gate));
                async move {
                    started.send(()).unwrap();
                    gate.acquire().await.unwrap().forget();
                }
            })
        });
        for _ in 0..6 {
            let Ok(Some(push)) = Push::of(&push("t", Disposition::Shown)) else { panic!() };
            queue.send(push).ok().unwrap();
        }
        drop(queue);
        for _ in 0..AT_A_TIME {
            starts.recv().await.unwrap();
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert!(starts.try_recv().is_err());
        gate.add_permits(6);
        working.await.unwrap();
        assert!(starts.recv().await.is_some() && starts.recv().await.is_some());
    }

    #[tokio::test]
    async fn a_command_that_reads_nothing_or_fails_holds_up_nobody() {
        let exec = Exec::start("exit 3".into(), Path::new("."));
        for _ in 0..10 {
            exec.hear(&push(&"x".repeat(100_000), Disposition::Shown)).unwrap();
        }
        exec.finish().await;
    }
}
