//! Announces and times the steps of a command.

use std::time::{Duration, Instant};

use anyhow::Context as _;

/// The steps a command has taken so far.
pub(crate) struct Steps {
    command: String,
    taken: Vec<(&'static str, Duration)>,
    last_line: Option<String>,
}

impl Steps {
    pub(crate) fn new(command: &str) -> Self {
        Self { command: command.to_owned(), taken: Vec::new(), last_line: None }
    }

    /// Runs one step. Its failure names it, so that the last line of the output says where to look.
    pub(crate) fn take<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        println!("==> {name}");
        let start = Instant::now();
        let result = step();
        self.taken.push((name, start.elapsed()));
        result.with_context(|| format!("step `{name}`"))
    }

    /// What to say at the very end, after the times.
    pub(crate) fn close_with(&mut self, line: String) {
        self.last_line = Some(line);
    }

    /// Prints what each step took, if there was more than one, and the last line.
    pub(crate) fn summarise(&self) {
        if self.taken.len() > 1 {
            println!("==> {}: times", self.command);
            for (name, took) in &self.taken {
                println!("{:>9.1} s  {name}", took.as_secs_f64());
            }
        }
        if let Some(line) = &self.last_line {
            println!("{line}");
        }
    }
}
