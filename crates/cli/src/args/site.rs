//! `belfry site …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;
use user_agent::api;
use user_agent::config::PushServiceName;
use webpush::ApplicationServerKey;

use super::Change;

#[derive(Debug, Subcommand)]
pub(crate) enum SiteCommand {
    /// Subscribe for a site, and print the subscription to give to it
    #[command(
        long_about = "Subscribe for a site, and print the subscription to give to it, as JSON on one line and nothing \
        else.\n\nWhen the push service does not answer within 30 seconds, nothing is kept and the command fails."
    )]
    Add(Box<SiteAdd>),
    /// List the sites
    List,
    /// Show a site
    Show {
        /// Its name or id
        site: String,
        /// Print the subscription as `site add` does, and nothing else
        #[arg(long)]
        subscription: bool,
    },
    /// Change a site
    Set(SiteSet),
    /// Remove a site: its subscription stops working, its history is deleted
    Remove {
        /// Its name or id
        site: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Write all sites to a file
    #[command(
        long_about = "Write all sites, with what is set for them, to a new file: JSON for people to read. A site at the \
        `local` push service is at the `local` one of wherever the file is imported.\n\n\
        With --with-keys also their subscriptions, so that their senders need not be told when they move to another computer \
        or profile. The file is sealed then, by a passphrase that is asked for on the terminal or read from the first line of \
        standard input. A subscription is received in one place: stop receiving here when it has moved. One at the `local` push \
        service can only move to another profile of this computer."
    )]
    Export {
        /// The file, which must not be there yet
        file: PathBuf,
        /// With the keys of their subscriptions, sealed by a passphrase
        #[arg(long)]
        with_keys: bool,
    },
    /// Make the sites of a file
    #[command(
        long_about = "Make the sites of a file that `belfry site export` wrote: all of them or, when a name is taken or \
        anything is wrong with the file, none.\n\n\
        Those whose keys are in the file go on with their subscription. The others get a new one, which is printed: give it to \
        their senders. When the push service of one does not hand it out within 30 seconds, the site is there all the same and \
        gets it with a later connection; the command fails then, after it has printed the rest."
    )]
    Import {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SiteAdd {
    /// What you call it
    #[arg(value_parser = api::site_name)]
    pub(crate) name: String,
    /// Its origin, such as `https://example.com`, which relative links in its pushes belong to
    #[arg(long, value_name = "ORIGIN", value_parser = api::site_origin)]
    pub(crate) url: Option<Url>,
    /// The sender's VAPID public key (base64url): only that sender is accepted then
    #[arg(long, value_name = "KEY", value_parser = api::vapid_key)]
    pub(crate) vapid_key: Option<ApplicationServerKey>,
    /// `mozilla` or a ws:// or wss:// URL [default: the profile's]
    #[arg(long, value_name = "URL")]
    pub(crate) push_service: Option<PushServiceName>,
}

#[derive(Debug, Args)]
#[command(after_help = "Keys:\n  \
    name=NAME\n  \
    url=ORIGIN                              empty: none\n  \
    state=alert|quiet|history|blocked\n  \
    snooze=off|DURATION|until-tomorrow      no notifications until then\n  \
    sound=on|off\n  \
    links=own|any|ask                       which links are opened: own are those to the site's own host\n  \
    images=own|always|never                 which pictures are loaded\n  \
    burst=off|N/SECONDS                     beyond it one notification counts the rest; off: also after a time away\n  \
    dnd-bypass=on|off                       shown during Do Not Disturb; what is urgent or is to stay, also during\n  \
                                            the desktop's own\n  \
    vapid-key=KEY                           empty: any sender. Makes a new subscription\n  \
    push-service=URL                        Makes a new subscription there\n  \
    map.title|body|link|image|tag=POINTER   where the sender puts it: a JSON pointer such as /data/0/name. Empty: where \
    it usually is\n\
    A new subscription is printed: give it to the site in place of the old one, which no longer works. Until there \
    is one the old one serves, and goes on if the change is taken back.\n\
    `belfry inbox show ID --raw` prints what a pointer points into. For what arrives from now on: a pointer that finds \
    no text, number or true/false changes nothing, nor does a link or picture that is none.")]
pub(crate) struct SiteSet {
    /// Its name or id
    pub(crate) site: String,
    /// What to change; all of it or nothing
    #[arg(required = true, value_name = "KEY=VALUE")]
    pub(crate) changes: Vec<Change>,
}
