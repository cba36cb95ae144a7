//! The watchers, with a mock logind and NetworkManager on a bus of their own and a network of their own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use zbus::zvariant::Value;

use super::netlink::{SETTLE, compare};
use super::*;

/// A backstop; nothing waits this long when it works.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("waited in vain")
}

#[tokio::test]
async fn a_network_that_comes_to_rest_differently_or_was_away_is_told_once() {
    let (changes, mut told) = mpsc::channel(1);
    let (stir, stirs) = mpsc::unbounded_channel::<()>();
    let (look, mut looks) = mpsc::unbounded_channel::<()>();
    let stirs = tokio::sync::Mutex::new(stirs);
    let network = RefCell::new("home");
    let follower = compare(
        || async { stirs.lock().await.recv().await.ok_or("the test has ended") },
        || {
            look.send(()).unwrap();
            *network.borrow()
        },
        Duration::from_millis(10),
        &changes,
    );
    let test = async {
        soon(looks.recv()).await.unwrap();
        for (between, after, differs) in [
            ("home", "home", false),
            ("home", "work", true),
            ("away", "work", true),
            ("work", "work", false),
            ("home", "home", true),
        ] {
            *network.borrow_mut() = between;
            stir.send(()).unwrap();
            soon(looks.recv()).await.unwrap();
            *network.borrow_mut() = after;
            soon(looks.recv()).await.unwrap();
            assert_eq!(told.try_recv().is_ok(), differs, "{between}, {after}");
            assert!(told.try_recv().is_err(), "told twice");
        }
        drop(stir);
    };
    tokio::join!(follower, test);
}

#[test]
fn a_minute_that_took_longer_was_slept_through() {
    let seconds = Duration::from_secs;
    assert!(!has_slept(seconds(60), seconds(60)));
    assert!(!has_slept(seconds(60), seconds(69)), "the clock was set");
    assert!(!has_slept(seconds(60), Duration::ZERO), "the clock was set back");
    assert!(has_slept(seconds(60), seconds(3600)), "our clock stood still");
    assert!(has_slept(seconds(3600), seconds(3600)), "our clock went on");
}

/// A bus that nothing else is on.
struct Bus {
    address: String,
    _daemon: Child,
}

impl Bus {
    async fn start() -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("dbus-daemon is needed");
        let mut lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
        let address = soon(lines.next_line()).await.unwrap().unwrap();
        Self { address, _daemon: daemon }
    }

    async fn connect(&self, name: &str) -> zbus::Connection {
        let builder = zbus::connection::Builder::address(self.address.as_str()).unwrap();
        builder.name(name.to_owned()).unwrap().build().await.unwrap()
    }
}

/// Emits until it is heard: the watcher may not be listening yet, and what it heard is told once.
async fn until_told(told: &mut mpsc::Receiver<()>, emit: impl AsyncFn()) {
    soon(async {
        loop {
            emit().await;
            if let Ok(told) = timeout(Duration::from_millis(100), told.recv()).await {
                return told.unwrap();
            }
        }
    })
    .await;
}

async fn connectivity(manager: &zbus::Connection, interface: &str, state: u32) {
    let changed = HashMap::from([("Connectivity", Value::from(state))]);
    let body = (interface, changed, Vec::<&str>::new());
    let path = "/org/freedesktop/NetworkManager";
    manager
        .emit_signal(None::<&str>, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", &body)
        .await
        .unwrap();
}

async fn prepare_for_sleep(logind: &zbus::Connection, start: bool) {
    let (path, interface) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
    logind.emit_signal(None::<&str>, path, interface, "PrepareForSleep", &start).await.unwrap();
}

#[tokio::test]
async fn waking_and_full_connectivity_are_told_and_nothing_else_is() {
    let bus = Bus::start().await;
    let (changes, mut told) = mpsc::channel(1);
    let address = bus.address.clone();
    let watching = tokio::spawn(async move { system_bus::watch(Some(&address), &changes).await });
    // Both come later than the watcher.
    let logind = bus.connect("org.freedesktop.login1").await;
    let manager = bus.connect("org.freedesktop.NetworkManager").await;
    let nm = "org.freedesktop.NetworkManager";
    until_told(&mut told, async || prepare_for_sleep(&logind, false).await).await;
    until_told(&mut told, async || connectivity(&manager, nm, 4).await).await;

    while timeout(Duration::from_millis(300), told.recv()).await.is_ok() {}
    prepare_for_sleep(&logind, true).await;
    connectivity(&manager, nm, 2).await;
    connectivity(&manager, "org.freedesktop.NetworkManager.Other", 4).await;
    let impostor = bus.connect("org.example.Impostor").await;
    prepare_for_sleep(&impostor, false).await;
    // Signals of one sender keep their order, so what was not told before this one is never told.
    assert!(timeout(Duration::from_millis(300), told.recv()).await.is_err());
    prepare_for_sleep(&logind, false).await;
    soon(told.recv()).await.unwrap();
    assert!(!watching.is_finished());
}

#[tokio::test]
async fn no_system_bus_is_no_harm() {
    let (changes, _told) = mpsc::channel(1);
    assert!(soon(system_bus::watch(Some("unix:path=/nonexistent/bus"), &changes)).await.is_err());
}

#[tokio::test]
async fn watching_ends_with_its_receiver() {
    let (changes, told) = mpsc::channel(1);
    let watching = tokio::spawn(watch(changes));
    drop(told);
    soon(watching).await.unwrap();
}

/// Runs the test of this name once more, in a network namespace of its own, where it may do as it likes. True: this is
/// there.
pub(crate) async fn is_in_own_network(test: &str) -> bool {
    if std::env::var_os("BELFRY_TEST_OWN_NETWORK").is_some() {
        return true;
    }
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "--"]);
        unshare
    };
    if !unshare().arg("true").status().await.expect("unshare is needed").success() {
        eprintln!("not tested: this system allows no network of one's own");
        return false;
    }
    let inner = unshare()
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("BELFRY_TEST_OWN_NETWORK", "1")
        .output();
    let inner = inner.await.unwrap();
    let said = [inner.stdout, inner.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(inner.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// Changes that network.
pub(crate) async fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().await.expect("ip is needed");
    assert!(status.success(), "ip {arguments}");
}

#[tokio::test]
async fn a_new_way_out_is_told_and_an_address_beside_it_is_not() {
    let test = "network::tests::a_new_way_out_is_told_and_an_address_beside_it_is_not";
    if !is_in_own_network(test).await {
        return;
    }
    assert_eq!(Route::current(), Route::default());
    let mut told = changes();
    tokio::task::yield_now().await;
    for (commands, tells) in [
        (
            &[
                "link add one type veth peer name one-end",
                "link set one-end up",
                "link set one up",
                "address add 10.1.0.2/24 dev one",
            ][..],
            false,
        ),
        (&["route add default dev one"], true),
        (
            &[
                "link add two type veth peer name two-end",
                "link set two-end up",
                "link set two up",
                "address add 10.2.0.2/24 dev two",
                "route add 10.3.0.0/16 dev two",
                "route add default dev two metric 100",
                "-6 address add 2001:db8:1::2/64 dev two nodad",
            ],
            false,
        ),
        (&["-6 route add default dev two"], true),
        (&["route replace default dev two"], true),
        (&["link del two"], true),
    ] {
        for command in commands {
            ip(command).await;
        }
        if tells {
            soon(told.recv()).await.unwrap();
        } else {
            let quiet = timeout(SETTLE * 2, told.recv()).await;
            assert!(quiet.is_err(), "{commands:?}");
        }
    }
}
