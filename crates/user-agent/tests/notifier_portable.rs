//! The portable notifier on Linux, where it can be watched. notify-rust takes the bus from the environment, so each
//! test runs itself again with a bus of its own there.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;

use support::{Bus, Subject, block_on};
use user_agent::notifier::portable::PortableNotifier;

/// Set in the second run.
const SECOND_RUN: &str = "BELFRY_TEST_SECOND_RUN";
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

conformance!(run);

fn run(name: &str, test: fn(Subject) -> Pin<Box<dyn Future<Output = ()>>>) {
    if std::env::var_os(SECOND_RUN).is_some() {
        let address = std::env::var(BUS).unwrap();
        let make = |_: &str, activations| Arc::new(PortableNotifier::new(activations)) as _;
        return block_on(test(Subject { address, make, listens_late: true }));
    }
    let bus = Bus::start();
    let again = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .envs([(SECOND_RUN, "1"), (BUS, &bus.address)])
        .output()
        .unwrap();
    let (out, error) = (String::from_utf8_lossy(&again.stdout), String::from_utf8_lossy(&again.stderr));
    assert!(again.status.success() && out.contains("1 passed"), "{out}\n{error}");
}
