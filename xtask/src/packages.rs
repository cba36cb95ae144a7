//! Debian packages: what each command needs, what is missing, and how it gets installed.

use std::{
    collections::HashSet,
    env,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    process::Command,
};

use anyhow::bail;

use crate::process::{answer, command, run};

/// Packages for one purpose.
pub(crate) struct Need {
    purpose: &'static str,
    packages: Vec<&'static str>,
}

/// What compiling the workspace needs. Without recommended packages gcc comes without the C library's headers.
pub(crate) fn build() -> Vec<Need> {
    let mut needs = vec![
        Need { purpose: "compile and link", packages: vec!["gcc", "libc6-dev", "pkg-config"] },
        Need { purpose: "SQLCipher's cryptography", packages: vec!["libssl-dev"] },
        Need { purpose: "the app's window", packages: vec!["libwebkit2gtk-4.1-dev"] },
    ];
    // Node may well come from elsewhere: asked for only where it is really missing.
    for (program, package) in [("node", "nodejs"), ("npm", "npm")] {
        if answer(command(program).arg("--version")).is_none() {
            needs.push(Need { purpose: "the window's pages", packages: vec![package] });
        }
    }
    needs
}

/// What the programs need besides when they run.
pub(crate) fn running() -> Vec<Need> {
    let mut needs = build();
    needs.push(Need { purpose: "the app's tray", packages: vec!["libayatana-appindicator3-1"] });
    needs
}

/// What Tauri's build script writes the program's icon and version with, even where nothing is linked.
pub(crate) fn windows_resources() -> Vec<Need> {
    vec![Need {
        purpose: "resources of a Windows program",
        packages: vec!["binutils-mingw-w64-x86-64", "gcc-mingw-w64-x86-64-win32"],
    }]
}

/// What drawing the icons needs.
pub(crate) fn icons() -> Vec<Need> {
    vec![Need { purpose: "pictures from SVG", packages: vec!["librsvg2-bin"] }]
}

/// What the tests and the demo need besides.
pub(crate) fn test() -> Vec<Need> {
    let mut needs = running();
    needs.extend([
        Need { purpose: "a window driven by tests", packages: vec!["webkit2gtk-driver"] },
        Need { purpose: "a private session bus", packages: vec!["dbus", "libglib2.0-bin"] },
        Need { purpose: "a network of a test's own", packages: vec!["iproute2"] },
        Need { purpose: "a real keyring", packages: vec!["gnome-keyring", "libsecret-tools"] },
        Need { purpose: "a virtual display", packages: vec!["xvfb", "xdotool", "x11-utils", "xclip"] },
        Need { purpose: "real notification servers", packages: vec!["dunst", "xfce4-notifyd"] },
        Need {
            purpose: "another user agent for the push service",
            packages: vec!["firefox-esr", "libnss3-tools"],
        },
        Need { purpose: "pictures of notifications", packages: vec!["imagemagick", "fonts-dejavu-core"] },
    ]);
    // Python may well come from elsewhere: asked for only where it is really missing.
    if answer(command("python3").args(["-c", "import ensurepip, venv"])).is_none() {
        needs.push(Need { purpose: "pywebpush", packages: vec!["python3", "python3-venv"] });
    }
    needs
}

/// What the benchmark needs besides.
pub(crate) fn bench() -> Vec<Need> {
    let mut needs = build();
    needs.push(Need { purpose: "load, and a session to be in", packages: vec!["wrk", "dbus"] });
    needs
}

/// What type-checking for other systems needs when the Rust toolchain in use has no standard library for them.
pub(crate) fn check_os() -> Vec<Need> {
    vec![Need {
        purpose: "a compiler with the source of its standard library",
        packages: vec!["rustc-web", "rust-web-src"],
    }]
}

/// Sees to it that the packages are installed: at once for root and in CI, after a question otherwise. On a system
/// without Debian's packages it lists them and goes on, since their counterparts may be there.
///
/// # Errors
/// When packages are missing and may not be installed, or cannot be.
pub(crate) fn ensure(needs: &[Need]) -> anyhow::Result<()> {
    let wanted: Vec<_> = needs.iter().flat_map(|need| need.packages.iter().copied()).collect();
    let Some(installed) = installed(&wanted) else {
        println!("This is no Debian system. Install what corresponds to these packages of Debian's:");
        print(needs, |_| true);
        println!("Going on: whatever is missing will show.");
        return Ok(());
    };
    let missing: Vec<_> = wanted.into_iter().filter(|package| !installed.contains(*package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("These system packages are needed and missing:");
    print(needs, |package| missing.contains(&package));

    let privilege = privilege(&missing)?;
    if let Err(error) = run(&mut apt_get(&privilege, &["update"])) {
        // One unreachable source of several is no reason to stop.
        println!("{error:#}; trying with the lists as they are");
    }
    run(apt_get(&privilege, INSTALL).args(missing))
}

const APT_GET: &[&str] = &[
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    "-qq",
    "-o",
    "Dpkg::Use-Pty=0",
    "-o",
    "DPkg::Lock::Timeout=300",
];
const INSTALL: &[&str] = &["install", "--yes", "--no-install-recommends"];

fn print(needs: &[Need], listed: impl Fn(&str) -> bool) {
    for need in needs {
        let packages: Vec<_> = need.packages.iter().copied().filter(|package| listed(package)).collect();
        if !packages.is_empty() {
            println!("  {}  ({})", packages.join(" "), need.purpose);
        }
    }
}

/// Which of the packages are installed, or nothing where there is no dpkg.
fn installed(packages: &[&str]) -> Option<HashSet<String>> {
    let mut query = command("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status} ${Package}\n"]).args(packages);
    // Its exit status only says that some are unknown, which the list shows anyhow.
    let output = query.output().ok()?;
    let listing = String::from_utf8_lossy(&output.stdout);
    Some(listing.lines().filter_map(|line| line.strip_prefix("installed ")).map(str::to_owned).collect())
}

/// The words to put before a command that only root may run.
fn privilege(missing: &[&str]) -> anyhow::Result<Vec<&'static str>> {
    if answer(command("id").arg("-u")).as_deref() == Some("0") {
        return Ok(vec![]);
    }
    if env::var("CI").is_ok_and(|ci| ci == "true") {
        return Ok(vec!["sudo", "-n"]);
    }
    let install = format!("sudo apt-get install --no-install-recommends {}", missing.join(" "));
    if !io::stdin().is_terminal() {
        bail!("install the packages above first, for example with\n  {install}");
    }
    print!("Install them now?\n  {install}\n[y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("not installed; the packages above are needed");
    }
    Ok(vec!["sudo"])
}

fn apt_get(privilege: &[&str], arguments: &[&str]) -> Command {
    let mut words = privilege.iter().chain(APT_GET).chain(arguments);
    let mut apt_get = command(words.next().unwrap_or(&"env"));
    apt_get.args(words);
    apt_get
}
