//! `cargo xtask test`: everything the tests need, then every test.

use std::fmt;

use anyhow::bail;

use crate::{
    packages,
    process::{cargo, run, run_watched},
    provision::Senders,
    steps::Steps,
    ui,
    workspace::Workspace,
};

/// # Errors
/// When something cannot be provided or built, or a test fails.
pub(crate) fn test(workspace: &Workspace, steps: &mut Steps, arguments: &[String]) -> anyhow::Result<()> {
    steps.take("system packages", || packages::ensure(&packages::test()))?;
    let senders = steps.take("sender libraries", || Senders::provide(workspace))?;
    steps.take("build", || build(workspace))?;
    steps.take("tests of the window's pages", || ui::test(workspace))?;
    let mut count = Count::default();
    let result = steps.take("tests", || {
        let mut test = cargo();
        test.current_dir(&workspace.root).args(["test", "--workspace", "--no-fail-fast"]).args(arguments);
        test.envs(senders.variables()).env("BELFRY_TEST_BIN_DIR", &workspace.programs);
        run_watched(&mut test, |line| count.add(line))?;
        if count.runs > 0 && count.passed == 0 {
            bail!("no test ran");
        }
        Ok(())
    });
    // Each test program closes with its own count, the last ones often with none.
    if count.runs > 0 {
        steps.close_with(count.to_string());
    }
    result
}

/// Builds the programs of the workspace, with the window's pages in the app. Always the whole of it: with `--package` cargo would choose other features
/// for the dependencies and keep a second copy of everything.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<()> {
    ui::build(workspace)?;
    run(cargo().current_dir(&workspace.root).args(["build", "--workspace"]))
}

/// The results of several test programs.
#[derive(Default)]
struct Count {
    runs: u32,
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Count {
    /// Counts in a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        self.runs += 1;
        for part in counts.split("; ") {
            match part.split_once(' ').map(|(number, what)| (number.parse::<u32>(), what)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                Some((Ok(number), "ignored")) => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_programs_are_added_up() {
        let mut count = Count::default();
        count.add(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        count.add("test store::tests::results ... ok");
        count.add("test result: FAILED. 30 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(count.to_string(), "33 passed, 2 failed, 1 skipped");
    }
}
