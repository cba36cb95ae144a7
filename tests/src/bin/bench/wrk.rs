//! The load: wrk, in one thread.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use belfry_tests::process::find_program;
use tokio::process::Command;

/// The size of what is posted, in bytes.
pub(crate) const BODY: u32 = 300;

const SCRIPT: &str = include_str!("post.lua");

/// What it measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Requests that were answered.
    pub(crate) answered: u64,
    pub(crate) took: Duration,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

impl Load {
    /// Answered in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

/// What is posted.
#[derive(Debug)]
pub(crate) struct Posts<'a> {
    /// All of one service; each in turn.
    pub(crate) endpoints: &'a [String],
    pub(crate) ttl: u32,
    pub(crate) authorization: Option<String>,
}

impl Posts<'_> {
    /// Fails when one is not answered 201.
    pub(crate) async fn send(&self, folder: &Path, connections: u32, seconds: u32) -> Result<Load> {
        let Self { endpoints, ttl, authorization } = self;
        let base = url::Url::parse(endpoints.first().context("an endpoint")?)?;
        let paths: Result<Vec<_>> =
            endpoints.iter().map(|endpoint| Ok(url::Url::parse(endpoint)?.path().to_owned())).collect();
        let (script, list) = (folder.join("post.lua"), folder.join("paths"));
        std::fs::write(&script, SCRIPT)?;
        std::fs::write(&list, paths?.join("\n"))?;
        let output = Command::new(find_program("wrk")?)
            .args(["--threads", "1", "--connections", &connections.to_string()])
            .args(["--duration", &format!("{seconds}s"), "--script"])
            .arg(&script)
            .arg(base.origin().ascii_serialization())
            .envs([("BENCH_TTL", ttl.to_string()), ("BENCH_BODY", BODY.to_string())])
            .env("BENCH_PATHS", &list)
            .envs(authorization.as_ref().map(|value| ("BENCH_AUTHORIZATION", value)))
            .kill_on_drop(true)
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.strip_prefix("figures: "));
        let line = line.with_context(|| format!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
        let figures: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let &[answered, took, errors, median, p99, max] = figures.as_slice() else {
            anyhow::bail!("wrk: {line}");
        };
        ensure!(errors == 0, "{errors} requests failed, {answered} were answered");
        let micros = Duration::from_micros;
        Ok(Load { answered, took: micros(took), median: micros(median), p99: micros(p99), max: micros(max) })
    }
}
