//! A launch agent. Written from launchd.plist(5) and launchctl(1).

use std::io;
use std::path::PathBuf;

use directories::BaseDirs;

use super::{Supervised, succeed, write};

const LABEL: &str = "belfry-local";

pub(super) async fn start(supervised: &Supervised<'_>) -> io::Result<bool> {
    let path = path()?;
    write(&path, &agent(supervised))?;
    // What is loaded may be of before.
    let _ = succeed("launchctl", &["bootout", &format!("{}/{LABEL}", domain())]).await;
    succeed("launchctl", &["bootstrap", &domain(), &path.to_string_lossy()]).await.map(|()| true)
}

pub(super) async fn remove() -> io::Result<bool> {
    let path = path()?;
    if !path.exists() {
        return Ok(false);
    }
    let unloaded = succeed("launchctl", &["bootout", &format!("{}/{LABEL}", domain())]).await;
    std::fs::remove_file(path)?;
    unloaded.map(|()| true)
}

fn path() -> io::Result<PathBuf> {
    let folders = BaseDirs::new().ok_or_else(|| io::Error::other("there is no home folder"))?;
    Ok(folders.home_dir().join("Library/LaunchAgents").join(format!("{LABEL}.plist")))
}

fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn agent(supervised: &Supervised<'_>) -> String {
    let words = [supervised.program].into_iter().chain(supervised.arguments.iter().copied());
    let words: String = words.map(|word| format!("<string>{}</string>", escaped(word))).collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>{LABEL}</string>
<key>ProgramArguments</key><array>{words}</array>
<key>RunAtLoad</key><true/>
<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
</dict></plist>
"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
