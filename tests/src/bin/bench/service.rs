//! What a process takes, and what the machine is.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The time of the CPU a process has had, in total.
pub(crate) fn cpu(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, which may hold anything, ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')').context("a process's figures")?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || -> Result<u64> { Ok(fields.next().context("a process's times")?.parse()?) };
    let total = ticks()? + ticks()?;
    Ok(Duration::from_millis(total * 1000 / rustix::param::clock_ticks_per_second()))
}

/// Memory of a process, in kilobytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    /// Its own, and its share of what it has in common with others.
    pub(crate) pss: u64,
}

pub(crate) fn memory(id: u32) -> Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
    Ok(Memory { rss: kilobytes(&text, "Rss:")?, pss: kilobytes(&text, "Pss:")? })
}

/// The most it has had, in kilobytes (RSS).
pub(crate) fn peak(id: u32) -> Result<u64> {
    kilobytes(&fs::read_to_string(format!("/proc/{id}/status"))?, "VmHWM:")
}

fn kilobytes(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix("kB"));
    Ok(line.with_context(|| name.to_owned())?.trim().parse()?)
}

/// Every user agent takes a file here, and one in the push service.
pub(crate) fn allow_many_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

/// Processors and memory.
pub(crate) fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = std::thread::available_parallelism()?;
    Ok(format!("{count} processors, {}", model.map_or("unknown", |(_, model)| model)))
}

/// Processes that wanted to run during the last minute, on average: the machine is the benchmark's alone when there were
/// none.
pub(crate) fn load_average() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().context("a load")?.to_owned())
}
