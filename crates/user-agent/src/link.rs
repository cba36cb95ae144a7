//! Opening links in the user's browser.

use std::io;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use thiserror::Error;
use url::Url;

/// Where a browser or a desktop's opener looks for an activation token: Wayland's and X11's variable.
const TOKEN_VARIABLES: [&str; 2] = ["XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID"];

/// Why a link was not opened.
#[derive(Debug, Error)]
pub enum LinkError {
    /// Only web pages are opened: other schemes start programs or read files.
    #[error("only http and https links are opened, not {scheme}:")]
    Refused {
        /// The link's scheme.
        scheme: String,
    },
    /// No program to open links with could be started.
    #[error("no program opens links: {0}")]
    NoOpener(#[source] io::Error),
}

/// Opens a web page with the desktop's opener, once, and does not wait for it. `token` lets the browser come to the
/// front. Succeeds when an opener was started; what becomes of the page is the browser's affair.
pub fn open(url: &Url, token: Option<&str>) -> Result<(), LinkError> {
    if !is_web(url) {
        return Err(LinkError::Refused { scheme: url.scheme().to_owned() });
    }
    launch(open::commands(url.as_str()), token).map(drop)
}

/// Nothing else is ever opened.
pub(crate) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Starts the first of these programs that exists. The thread ends when the program does: it would stay a zombie
/// otherwise.
fn launch(commands: Vec<Command>, token: Option<&str>) -> Result<JoinHandle<()>, LinkError> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for mut command in commands {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for variable in TOKEN_VARIABLES {
            match token {
                Some(token) => command.env(variable, token),
                // One of our own start would be a stranger's to the browser.
                None => command.env_remove(variable),
            };
        }
        // A browser started here must not end with the terminal's Ctrl-C.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        match command.spawn() {
            Ok(mut child) => {
                let reaper = std::thread::Builder::new().name("link".into()).stack_size(64 * 1024);
                return reaper.spawn(move || drop(child.wait())).map_err(LinkError::NoOpener);
            }
            Err(error) => failure = error,
        }
    }
    Err(LinkError::NoOpener(failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_are_opened() {
        for link in
            ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "mailto:a@b", "ssh://a/"]
        {
            let error = open(&Url::parse(link).unwrap(), None).unwrap_err();
            let LinkError::Refused { scheme } = error else { panic!("{error}") };
            assert!(link.starts_with(&scheme), "{link}");
        }
    }

    #[cfg(unix)]
    mod with_a_stand_in {
        use std::fs;
        use std::os::unix::fs::PermissionsExt as _;
        use std::path::Path;

        use super::*;

        /// The opener's commands, with only this folder to find programs in.
        fn commands(url: &str, path: &Path) -> Vec<Command> {
            let mut commands = open::commands(url);
            for command in &mut commands {
                command.env("PATH", path);
            }
            commands
        }

        fn stand_in(folder: &Path, name: &str, status: u8) {
            let log = folder.join("log").display().to_string();
            let script = format!(
                "#!/bin/sh\n/usr/bin/printf '%s|' {name} $# \"$@\" \"$XDG_ACTIVATION_TOKEN\" \
                 \"$DESKTOP_STARTUP_ID\" >>'{log}'\nexit {status}\n"
            );
            fs::write(folder.join(name), script).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o700)).unwrap();
        }

        #[test]
        fn the_first_opener_is_called_exactly_once_even_if_it_fails() {
            let folder = tempfile::tempdir().unwrap();
            stand_in(folder.path(), "xdg-open", 4);
            stand_in(folder.path(), "gio", 0);
            let url = "https://a.example/?q=$(id)&x=';%20b";
            launch(commands(url, folder.path()), Some("tok-1")).unwrap().join().unwrap();
            let log = fs::read_to_string(folder.path().join("log")).unwrap();
            assert_eq!(log, format!("xdg-open|1|{url}|tok-1|tok-1|"));
        }

        #[test]
        fn a_missing_opener_is_skipped_and_without_a_token_none_is_passed() {
            let folder = tempfile::tempdir().unwrap();
            stand_in(folder.path(), "gio", 0);
            let mut commands = commands("https://a.example/", folder.path());
            for command in &mut commands {
                command.env("XDG_ACTIVATION_TOKEN", "stale");
            }
            launch(commands, None).unwrap().join().unwrap();
            let log = fs::read_to_string(folder.path().join("log")).unwrap();
            assert_eq!(log, "gio|2|open|https://a.example/|||");
        }

        #[test]
        fn without_any_opener_it_says_so() {
            let folder = tempfile::tempdir().unwrap();
            let error = launch(commands("https://a.example/", folder.path()), None).unwrap_err();
            assert!(matches!(error, LinkError::NoOpener(_)), "{error}");
        }
    }
}
