//! What has been done, each step with the time it took.

use std::time::Instant;

/// Prints steps as they are done.
pub(crate) struct Steps {
    started: Instant,
    last: Instant,
    name: String,
}

impl Steps {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, name: "start".to_owned() }
    }

    /// The step that is done, and how it went.
    pub(crate) fn done(&mut self, name: &str, text: &str) {
        let taken = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        name.clone_into(&mut self.name);
        println!("{taken:>7.3} s  {name:<18}  {text}");
    }

    /// More about the step.
    pub(crate) fn detail(&self, name: &str, text: &str) {
        println!("           {:<18}  {name}: {text}", "");
    }

    /// The step done last.
    pub(crate) fn last(&self) -> &str {
        &self.name
    }

    pub(crate) fn finished(&self) {
        println!("{:>7.3} s  from start to end", self.started.elapsed().as_secs_f64());
    }
}
