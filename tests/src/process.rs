//! Child processes that die with their owner, whose lines can be awaited and whose stderr explains a failure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long anything awaited may take before a test gives up. Far above what is needed: two cores may be compiling.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The whole environment of a child; nothing is inherited.
pub type Environment = BTreeMap<OsString, OsString>;

/// A running child. Killed when dropped.
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Stderr,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({}, {:?})", self.name, self.child.id())
    }
}

impl Process {
    /// Starts a program with exactly this environment. Its standard input is a pipe, kept open.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        environment: &Environment,
    ) -> Result<Self> {
        let (name, mut child) = spawn(program, arguments, environment)?;
        let stdout = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
        let stderr = Stderr::collect(child.stderr.take().context("stderr is piped")?);
        let stdin = child.stdin.take();
        Ok(Self { name, child, stdin, stdout, stderr })
    }

    /// Its number, while it runs.
    pub fn id(&self) -> Result<u32> {
        self.child.id().with_context(|| format!("{} has ended", self.name))
    }

    /// Writes to its standard input and closes it.
    pub async fn feed(&mut self, input: &[u8]) -> Result<()> {
        let mut stdin = self.stdin.take().context("standard input is closed")?;
        stdin.write_all(input).await.with_context(|| format!("write to {}", self.name))?;
        stdin.shutdown().await.with_context(|| format!("close the input of {}", self.name))
    }

    /// The next line it prints. Cancel-safe.
    pub async fn line(&mut self) -> Result<String> {
        match timeout(PATIENCE, self.stdout.next_line()).await {
            Ok(Ok(None)) => Err(self.failure("ended its output").await),
            Ok(Ok(Some(line))) => Ok(line),
            Ok(Err(error)) => Err(error).with_context(|| format!("read from {}", self.name)),
            Err(_) => Err(self.failure("printed nothing in time").await),
        }
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until it has written this to stderr so many times.
    pub async fn logged(&mut self, what: &str, times: usize) -> Result<()> {
        let enough = |text: &String| text.matches(what).count() >= times;
        let mut text = self.stderr.text.clone();
        match timeout(PATIENCE, text.wait_for(enough)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(self.failure(&format!("did not log {what:?} {times} times")).await),
        }
    }

    /// An error that says what went wrong and shows its stderr.
    pub async fn failure(&mut self, what: &str) -> anyhow::Error {
        let status = match self.child.try_wait() {
            Ok(Some(status)) => {
                self.stderr.drained().await;
                format!(" ({status})")
            }
            Ok(None) | Err(_) => String::new(),
        };
        anyhow!("{} {what}{status}; its stderr:\n{}", self.name, self.stderr())
    }

    /// SIGKILL: no chance to tidy up. Returns its stderr once it is gone.
    pub async fn kill(mut self) -> Result<String> {
        self.child.kill().await.with_context(|| format!("kill {}", self.name))?;
        self.stderr.drained().await;
        Ok(self.stderr())
    }

    /// SIGTERM, as a service manager would send it. Returns its exit status and stderr once it has ended.
    pub async fn terminate(mut self) -> Result<(ExitStatus, String)> {
        self.signal(Signal::TERM)?;
        self.ended().await
    }

    /// Waits for it to end by itself.
    pub async fn ended(&mut self) -> Result<(ExitStatus, String)> {
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => {
                self.stderr.drained().await;
                Ok((status.with_context(|| format!("wait for {}", self.name))?, self.stderr()))
            }
            Err(_) => Err(self.failure("did not end in time").await),
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.id()?).ok().and_then(Pid::from_raw).context("a process id")?;
        kill_process(pid, signal).with_context(|| format!("signal {}", self.name))
    }
}

/// Runs a program to its end.
pub async fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    environment: &Environment,
    input: &[u8],
) -> Result<Output> {
    let (name, mut child) = spawn(program, arguments, environment)?;
    let mut stdin = child.stdin.take().context("stdin is piped")?;
    // A program may well end without reading what it is given.
    let _ = stdin.write_all(input).await;
    drop(stdin);
    match timeout(PATIENCE, child.wait_with_output()).await {
        Ok(output) => output.with_context(|| format!("run {name}")),
        Err(_) => bail!("{name} did not end in {PATIENCE:?}"),
    }
}

/// Its standard output, or an error with everything it printed when it failed.
pub fn succeeded(name: &str, output: &Output) -> Result<String> {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("{name}: {}\nstdout:\n{stdout}\nstderr:\n{stderr}", output.status);
    }
    Ok(stdout.into_owned())
}

/// Returns once the process with this number has ended, whoever started it.
pub async fn gone(id: u32) -> Result<()> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).context("a process id")?;
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(error) => return Err(error).context("watch a process"),
    };
    let patience = rustix::event::Timespec::try_from(PATIENCE)?;
    let wait = move || poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience));
    match tokio::task::spawn_blocking(wait).await?? {
        0 => bail!("process {id} did not end in {PATIENCE:?}"),
        _ => Ok(()),
    }
}

/// A program on the search path of this process.
pub fn find_program(name: &str) -> Result<std::path::PathBuf> {
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).with_context(
        || {
            format!(
                "`{name}` is not installed; `cargo xtask test` and `cargo xtask demo` install what they need"
            )
        },
    )
}

/// A program with exactly this environment, and what to call it in a message. All it reads and writes is piped.
fn spawn<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    environment: &Environment,
) -> Result<(String, Child)> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment).kill_on_drop(true);
    let name = describe(&command);
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {name}"))?;
    Ok((name, child))
}

/// The program's name and first words, short enough for a message.
fn describe(command: &Command) -> String {
    let command = command.as_std();
    let name =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let words = command.get_args().map(OsStr::to_string_lossy).filter(|word| word.len() < 60).take(6);
    words.fold(name, |text, word| text + " " + &word)
}

struct Stderr {
    text: watch::Receiver<String>,
    reader: Option<JoinHandle<()>>,
}

impl Stderr {
    fn collect(pipe: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let (collected, text) = watch::channel(String::new());
        let reader = tokio::spawn(async move {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                collected.send_modify(|text| {
                    text.push_str(&line);
                    text.push('\n');
                });
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        self.text.borrow().clone()
    }

    async fn drained(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = timeout(Duration::from_secs(5), reader).await;
        }
    }
}
