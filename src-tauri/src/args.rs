//! The command line: of this process, and of a later one that hands its over.

use std::path::PathBuf;

use clap::{ArgAction, Parser};
use user_agent::api::CommandError;
use user_agent::config::{Mode, Notify, Options, PushServiceName, default_profile};

/// Receives Web Push on the desktop: tray, window, and the receiver behind them.
#[derive(Debug, Clone, Parser)]
#[command(name = "belfry-desktop", version)]
pub(crate) struct Arguments {
    /// The profile's folder [default: `belfry` in the system's folder for application data]
    #[arg(long, env = "BELFRY_PROFILE", value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// Stored as the push service of new sites: `mozilla`, `local`, or a ws:// or wss:// URL
    #[arg(long, value_name = "URL")]
    pub(crate) push_service: Option<PushServiceName>,
    /// Start in the tray
    #[arg(long)]
    hidden: bool,
    /// Open the window where a site or script is added
    #[arg(long, conflicts_with = "hidden")]
    add: bool,
    /// Switch do-not-disturb on, or off again; starts in the tray
    #[arg(long, conflicts_with = "add")]
    do_not_disturb: bool,
    /// End the running Belfry
    #[arg(long, conflicts_with_all = ["hidden", "add", "do_not_disturb"])]
    quit: bool,
    /// Also trust the certificate authorities in this PEM file; may be repeated
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// Allow plain ws:// to other computers
    #[arg(long)]
    allow_insecure: bool,
    /// Log what happens to stderr; twice: in detail
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What a launch asks of the app, whether it starts it or finds it running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Launch {
    /// Shows the window, at this place when one is given.
    Open(Option<&'static str>),
    /// Runs in the tray.
    Hide,
    /// Switches do-not-disturb.
    ToggleDoNotDisturb,
    /// Ends the app.
    Quit,
}

/// Where in the window a site is added.
const ADD: &str = "#/sites/add";

impl Arguments {
    pub(crate) fn launch(&self) -> Launch {
        match self {
            Self { quit: true, .. } => Launch::Quit,
            Self { do_not_disturb: true, .. } => Launch::ToggleDoNotDisturb,
            Self { add: true, .. } => Launch::Open(Some(ADD)),
            Self { hidden: true, .. } => Launch::Hide,
            Self { .. } => Launch::Open(None),
        }
    }

    /// How to start the engine, should no other process own the profile.
    pub(crate) fn engine(&self) -> Result<Options, CommandError> {
        let profile = self.profile.clone().or_else(default_profile);
        Ok(Options {
            profile: profile
                .ok_or_else(|| CommandError::invalid("this system names no data folder: give --profile"))?,
            mode: Mode::Receive(Notify::Auto),
            push_service: None,
            ca_files: self.ca.clone(),
            allow_insecure: self.allow_insecure,
            ask_first: true,
            passphrase: Default::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["belfry-desktop"], arguments].concat())
    }

    fn launch(arguments: &[&str]) -> Launch {
        parse(arguments).unwrap().launch()
    }

    #[test]
    fn a_launch_opens_the_window_unless_it_says_otherwise() {
        assert_eq!(launch(&[]), Launch::Open(None));
        assert_eq!(launch(&["--profile", "p", "--push-service", "mozilla"]), Launch::Open(None));
        assert_eq!(launch(&["--hidden"]), Launch::Hide);
    }

    #[test]
    fn every_action_of_the_desktop_entry_is_understood() {
        let entry = include_str!("../belfry.desktop");
        let launches: Vec<_> = entry
            .lines()
            .filter_map(|line| line.strip_prefix("Exec=belfry-desktop"))
            .map(|arguments| launch(&arguments.split_whitespace().collect::<Vec<_>>()))
            .collect();
        let expected =
            [Launch::Open(None), Launch::Open(Some(ADD)), Launch::ToggleDoNotDisturb, Launch::Quit];
        assert_eq!(launches, expected);
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(parse(&["--hidden", "--add"]).is_err());
        assert!(parse(&["--quit", "--do-not-disturb"]).is_err());
        assert!(parse(&["--push-service", "https://push.example/"]).is_err());
    }
}
