//! A user unit of systemd's.

use std::io;
use std::path::PathBuf;

use directories::BaseDirs;

use super::{Supervised, succeed, write};

const UNIT: &str = "belfry-local.service";

pub(super) async fn start(supervised: &Supervised<'_>) -> io::Result<bool> {
    // Fails where systemd is not installed, and where it does not run for this user.
    if systemctl(&["show", "--property=Version"]).await.is_err() {
        return Ok(false);
    }
    if write(&path()?, &unit(supervised))? {
        systemctl(&["daemon-reload"]).await?;
    }
    // After too many failures systemd starts it no more, until it is told that this is forgotten.
    let _ = systemctl(&["reset-failed", UNIT]).await;
    systemctl(&["enable", "--now", UNIT]).await.map(|()| true)
}

pub(super) async fn remove() -> io::Result<bool> {
    let path = path()?;
    if !path.exists() {
        return Ok(false);
    }
    systemctl(&["disable", "--now", UNIT]).await?;
    std::fs::remove_file(path)?;
    systemctl(&["daemon-reload"]).await.map(|()| true)
}

fn path() -> io::Result<PathBuf> {
    let folders = BaseDirs::new().ok_or_else(|| io::Error::other("there is no home folder"))?;
    Ok(folders.config_dir().join("systemd/user").join(UNIT))
}

async fn systemctl(arguments: &[&str]) -> io::Result<()> {
    succeed("systemctl", &[["--user"].as_slice(), arguments].concat()).await
}

/// Once it says that it is ready, it listens.
fn unit(supervised: &Supervised<'_>) -> String {
    let words = [supervised.program].into_iter().chain(supervised.arguments.iter().copied());
    let command: Vec<_> = words.map(quoted).collect();
    format!(
        "# Written by Belfry; `belfry service remove local` removes it.\n\
         [Unit]\n\
         Description=Belfry's push service for programs on this computer\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={}\n\
         Restart=on-failure\n\
         RestartSec=1\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        command.join(" ")
    )
}

/// A word of a command line as systemd reads it: systemd.service(5), "Command lines".
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '%' | '$' => quoted.extend([c, c]),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_they_were_after_systemd_has_read_them() {
        let supervised =
            Supervised { program: "/opt/My \"Apps\"/belfry", arguments: &["--data", "/100%/$HOME\\\n"] };
        let unit = unit(&supervised);
        let line = r#"ExecStart="/opt/My \"Apps\"/belfry" "--data" "/100%%/$$HOME\\\n""#;
        assert!(unit.lines().any(|it| it == line), "{unit}");
    }
}
