//! The push service under a user's service manager: kept running, started by its socket, and gone when it is removed.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use belfry_tests::belfry::{Subscription, sibling};
use belfry_tests::desk::{Desk, titled};
use belfry_tests::port::{self, Port};
use belfry_tests::process::{self, find_program};
use belfry_tests::service_manager::ServiceManager;
use rustix::process::{Pid, Signal, kill_process};

const LOCAL: &str = "belfry-local.service";
const UNIT: &str = "belfry-push-service";
const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/systemd");

#[tokio::test]
async fn local_is_kept_running_by_the_users_service_manager_until_it_is_removed() -> Result<()> {
    let mut desk = Desk::start().await?;
    let manager = ServiceManager::start(&desk.session).await?;
    let belfry = desk.profile("p")?;
    let subscription = belfry.add_site("Backups", &["--push-service", "local"]).await?;
    let first = manager.main_process(&desk.session, LOCAL).await?;

    // It dies while nobody receives.
    kill(first)?;
    process::gone(first).await?;
    port::listening(address(&subscription)?).await?;
    assert_ne!(manager.main_process(&desk.session, LOCAL).await?, first);
    desk.send(&subscription, &titled("After its death")).await?;

    // The user logs out and in again, and starts no program.
    manager.logout().await?;
    assert!(desk.session.processes("serve")?.is_empty(), "it ends with the session");
    let manager = ServiceManager::start(&desk.session).await?;
    port::listening(address(&subscription)?).await?;
    desk.send(&subscription, &titled("After a login")).await?;
    let mut run = belfry.run(&["--push-service", "local"])?;
    assert_eq!(run.next("connected").await?["uaid"], "kept");
    for title in ["After its death", "After a login"] {
        assert_eq!(desk.notifications.next().await?.summary, title);
    }
    assert_eq!(desk.session.processes("serve")?.len(), 1, "it was not started twice");

    // Nobody needs it any more.
    belfry.command(["site", "remove", "Backups", "--yes"]).await?;
    belfry.command(["config", "set", "push-service", "mozilla"]).await?;
    belfry.command(["service", "remove", "local"]).await?;
    assert!(desk.session.processes("serve")?.is_empty(), "it has ended");
    let state = manager.systemctl(&desk.session, &["show", "--value", "--property=LoadState", LOCAL]).await?;
    assert_eq!(state, "not-found");
    Ok(())
}

#[tokio::test]
async fn a_socket_unit_starts_it_on_demand_and_keeps_its_address_open_meanwhile() -> Result<()> {
    let mut desk = Desk::start().await?;
    let port = Port::reserve()?;
    install(&desk, port.address())?;
    let manager = ServiceManager::start(&desk.session).await?;
    manager.systemctl(&desk.session, &["start", "belfry-push-service.socket"]).await?;
    assert!(desk.session.processes("serve")?.is_empty(), "nobody has asked for it");

    let belfry = desk.profile("p")?;
    let mut run = belfry.run(&["--push-service", &format!("ws://{}/", port.address())])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    ensure!(subscription.endpoint().starts_with(&format!("http://{}/", port.address())));
    let first = manager.main_process(&desk.session, UNIT).await?;

    // Whoever connects while it is away waits instead of being refused.
    manager.systemctl(&desk.session, &["stop", UNIT]).await?;
    process::gone(first).await?;
    desk.send(&subscription, &titled("It was away")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "It was away");
    assert_ne!(manager.main_process(&desk.session, UNIT).await?, first);
    Ok(())
}

#[tokio::test]
async fn the_units_are_what_systemd_takes_them_for() -> Result<()> {
    let desk = Desk::start().await?;
    for whose in ["system", "user"] {
        let folder = desk.session.folder().join(whose);
        fs::create_dir(&folder)?;
        for kind in ["service", "socket"] {
            copy(&Path::new(UNITS).join(whose), &folder, kind, None)?;
        }
        let manager = format!("--{whose}");
        let service = folder.join(format!("{UNIT}.service"));
        let arguments = ["verify".as_ref(), manager.as_ref(), "--man=no".as_ref(), service.as_os_str()];
        let analyze = find_program("systemd-analyze")?;
        let output = process::run(&analyze, arguments, desk.session.environment(), b"").await?;
        process::succeeded("systemd-analyze verify", &output)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let about_us: Vec<_> = said.lines().filter(|line| line.contains(UNIT)).collect();
        assert!(about_us.is_empty(), "{about_us:#?}");
    }
    Ok(())
}

/// Puts the user's units where the service manager finds them, listening at this address.
fn install(desk: &Desk, listen: SocketAddr) -> Result<()> {
    let units = desk.session.folder().join("config/systemd/user");
    fs::create_dir_all(&units)?;
    for kind in ["service", "socket"] {
        copy(&Path::new(UNITS).join("user"), &units, kind, Some(listen))?;
    }
    Ok(())
}

/// As a package would, except for where the program is.
fn copy(from: &Path, to: &Path, kind: &str, listen: Option<SocketAddr>) -> Result<()> {
    let name = format!("{UNIT}.{kind}");
    let program = sibling("belfry")?;
    let mut text = fs::read_to_string(from.join(&name))?;
    text = text.replace("/usr/bin/belfry", program.to_str().context("a path in UTF-8")?);
    if let Some(listen) = listen {
        text = text.replace("127.0.0.1:8030", &listen.to_string());
    }
    Ok(fs::write(to.join(&name), text)?)
}

/// Where a subscription's push service listens.
fn address(subscription: &Subscription) -> Result<SocketAddr> {
    let url = url::Url::parse(&subscription.endpoint())?;
    let addresses = url.socket_addrs(|| None)?;
    addresses.into_iter().next().context("an address")
}

fn kill(process: u32) -> Result<()> {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw).context("a process id")?;
    Ok(kill_process(pid, Signal::KILL)?)
}
