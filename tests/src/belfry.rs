//! The built `belfry`, run as a person or a script would run it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use webpush::PushSubscription;

use crate::process::{self, Environment, Process};
use crate::session::Session;

/// `belfry` with one profile, in one session.
#[derive(Debug, Clone)]
pub struct Belfry {
    program: PathBuf,
    profile: PathBuf,
    environment: Environment,
    options: Vec<OsString>,
}

impl Belfry {
    /// With the profile in this folder, which need not exist yet.
    pub fn new(session: &Session, profile: PathBuf) -> Result<Self> {
        Ok(Self {
            program: sibling("belfry")?,
            profile,
            environment: session.environment().clone(),
            options: Vec::new(),
        })
    }

    /// Also trusts this certificate authority.
    #[must_use]
    pub fn trusting(mut self, ca: Option<&Path>) -> Self {
        if let Some(ca) = ca {
            self.options.extend([OsString::from("--ca"), ca.into()]);
        }
        self
    }

    /// The same with a variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// The same with a global option.
    #[must_use]
    pub fn option(mut self, name: &str, value: &Path) -> Self {
        self.options.extend([OsString::from(name), value.into()]);
        self
    }

    /// The profile's folder.
    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// Runs a command and returns whatever came of it.
    pub async fn output<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Output> {
        process::run(&self.program, self.arguments(arguments), &self.environment, b"").await
    }

    /// Runs a command with input, which must succeed, and returns its standard output.
    pub async fn feed<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Result<String> {
        let arguments = self.arguments(arguments);
        let output = process::run(&self.program, &arguments, &self.environment, input.as_bytes()).await?;
        process::succeeded(&format!("belfry {arguments:?}"), &output)
    }

    /// Runs a command that must succeed and returns its standard output.
    pub async fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<String> {
        self.feed(arguments, "").await
    }

    /// Runs a command with `--json` that must succeed, and returns the object on each line.
    pub async fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Vec<Value>> {
        let text = self.command(with_json(arguments)).await?;
        let parse = |line: &str| {
            serde_json::from_str(line).with_context(|| format!("a JSON object on a line, not {line:?}"))
        };
        text.lines().map(parse).collect()
    }

    /// Runs a command with `--json` that must fail with exit status 1, and returns its error's code. Checks that there is a
    /// one-line reason on stderr and the same on stdout as JSON.
    pub async fn error_code<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String> {
        let output = self.output(with_json(arguments)).await?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.code() == Some(1), "{}\nstdout:\n{stdout}\nstderr:\n{stderr}", output.status);
        let error: Value =
            serde_json::from_str(&stdout).with_context(|| format!("one JSON error, not {stdout:?}"))?;
        let message = error.pointer("/error/message").and_then(Value::as_str).context("error.message")?;
        ensure!(
            stderr.lines().any(|line| line.contains(message)),
            "{message:?} is not on stderr: {stderr:?}"
        );
        ensure!(!message.contains('\n'), "more than one line: {message:?}");
        Ok(error.pointer("/error/code").and_then(Value::as_str).context("error.code")?.to_owned())
    }

    /// `belfry site add NAME`, without `--json`: checks that it prints the subscription in canonical form on one line
    /// and nothing else.
    pub async fn add_site(&self, name: &str, options: &[&str]) -> Result<Subscription> {
        self.subscription(["site", "add", name].into_iter().chain(options.iter().copied())).await
    }

    /// Runs a command that must print a subscription in canonical form on one line and nothing else.
    pub async fn subscription<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Subscription> {
        let printed = self.command(arguments).await?;
        Subscription::parse(printed.strip_suffix('\n').context("the line ends")?)
    }

    /// `belfry --json run` with these options.
    pub fn run(&self, options: &[&str]) -> Result<Run> {
        let arguments = with_json(["run"].into_iter().chain(options.iter().copied()));
        Ok(Run(Process::start(&self.program, self.arguments(arguments), &self.environment)?))
    }

    fn arguments<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Vec<OsString> {
        let profile = [OsString::from("--profile"), self.profile.clone().into()];
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        profile.into_iter().chain(self.options.iter().cloned()).chain(arguments).collect()
    }
}

/// A subscription as `belfry site add` prints it.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The line, as people copy it.
    pub line: String,
    /// The same, parsed.
    pub parsed: PushSubscription,
}

impl Subscription {
    /// Checks that this is a subscription in canonical form and nothing else.
    pub fn parse(line: &str) -> Result<Self> {
        let parsed: PushSubscription =
            serde_json::from_str(line).with_context(|| format!("one subscription, not {line:?}"))?;
        let canonical = serde_json::to_string(&parsed)?;
        ensure!(line == canonical, "not the canonical form:\n{line}\n{canonical}");
        Ok(Self { line: canonical, parsed })
    }

    /// The endpoint.
    pub fn endpoint(&self) -> String {
        self.parsed.endpoint.clone().into()
    }
}

/// A running `belfry run --json`. Killed when dropped.
#[derive(Debug)]
pub struct Run(Process);

impl Run {
    /// The next event of this kind; others before it are passed over.
    pub async fn next(&mut self, kind: &str) -> Result<Value> {
        loop {
            let event = self.event().await.with_context(|| format!("wait for a `{kind}` event"))?;
            if is_a(&event, kind) {
                return Ok(event);
            }
        }
    }

    /// Waits until it has logged this so many times. With `-v` it logs what it does.
    pub async fn logged(&mut self, what: &str, times: usize) -> Result<()> {
        self.0.logged(what, times).await
    }

    /// The next event, whatever it is. Cancel-safe.
    pub async fn event(&mut self) -> Result<Value> {
        let line = self.0.line().await?;
        let event: Value =
            serde_json::from_str(&line).with_context(|| format!("a JSON event, not {line:?}"))?;
        ensure!(event.get("event").is_some_and(Value::is_string), "a line without `event`: {line}");
        Ok(event)
    }

    /// SIGKILL: the power fails. Returns its stderr.
    pub async fn kill(self) -> Result<String> {
        self.0.kill().await
    }

    /// Waits for it to end by itself.
    pub async fn ended(mut self) -> Result<ExitStatus> {
        Ok(self.0.ended().await?.0)
    }

    /// SIGTERM; returns its exit status and stderr.
    pub async fn terminate(self) -> Result<(ExitStatus, String)> {
        self.0.terminate().await
    }
}

/// A running `belfry serve --json`. Killed when dropped.
#[derive(Debug)]
pub struct PushService {
    process: Process,
    /// Where user agents connect.
    pub websocket: String,
    /// Where application servers post.
    pub endpoint: String,
    /// Its own certificate authority, with `--tls auto`.
    pub ca: Option<PathBuf>,
}

impl PushService {
    /// Starts one on a free port of the loopback interface, with its data in this folder.
    pub async fn start(session: &Session, data: &Path, options: &[&str]) -> Result<Self> {
        Self::listen(session.environment(), data, "127.0.0.1:0", options).await
    }

    /// Starts one where another has been: at the same address with the same data.
    pub async fn restart(session: &Session, data: &Path, previous: &str, options: &[&str]) -> Result<Self> {
        let url = url::Url::parse(previous)?;
        let port = url.port().context("a port")?;
        Self::listen(session.environment(), data, &format!("127.0.0.1:{port}"), options).await
    }

    /// Starts one whose power will fail at this place.
    pub async fn start_to_die_at(point: &str, session: &Session, data: &Path) -> Result<Self> {
        let mut environment = session.environment().clone();
        environment.insert("BELFRY_CRASH_AT".into(), point.into());
        Self::listen(&environment, data, "127.0.0.1:0", &[]).await
    }

    async fn listen(environment: &Environment, data: &Path, address: &str, options: &[&str]) -> Result<Self> {
        let mut arguments: Vec<OsString> =
            ["serve", "--json", "--listen", address, "--data"].map(Into::into).into();
        arguments.push(data.into());
        arguments.extend(options.iter().map(Into::into));
        let mut process = Process::start(&sibling("belfry")?, arguments, environment)?;
        let line = process.line().await?;
        let listening: Value =
            serde_json::from_str(&line).with_context(|| format!("a JSON event, not {line:?}"))?;
        ensure!(listening.get("event").is_some_and(|event| event == "listening"), "the first line is {line}");
        let text = |name: &str| listening.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            websocket: text("websocket").context("websocket")?,
            endpoint: text("endpoint").context("endpoint")?,
            ca: text("ca").map(PathBuf::from),
            process,
        })
    }

    /// Its number, while it runs.
    pub fn id(&self) -> Result<u32> {
        self.process.id()
    }

    /// SIGKILL: the power fails. Returns its stderr.
    pub async fn kill(self) -> Result<String> {
        self.process.kill().await
    }

    /// Waits for it to end by itself.
    pub async fn ended(mut self) -> Result<ExitStatus> {
        Ok(self.process.ended().await?.0)
    }
}

/// Whether an event of `run --json` is of this kind.
pub fn is_a(event: &Value, kind: &str) -> bool {
    event.get("event").is_some_and(|name| name == kind)
}

fn with_json<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> impl Iterator<Item = OsString> {
    let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
    [OsString::from("--json")].into_iter().chain(arguments)
}

/// Another program of this workspace: in `BELFRY_TEST_BIN_DIR`, or where cargo has put it, beside this program or above
/// when this is a test.
pub fn sibling(name: &str) -> Result<PathBuf> {
    let folder = match std::env::var_os("BELFRY_TEST_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let program = std::env::current_exe()?;
            let folder = program.parent().context("a folder")?;
            let folder = if folder.ends_with("deps") { folder.parent().context("a folder")? } else { folder };
            folder.to_owned()
        }
    };
    let program = folder.join(name);
    ensure!(
        program.is_file(),
        "{} is not built; run the tests through `cargo xtask test`",
        program.display()
    );
    Ok(program)
}
