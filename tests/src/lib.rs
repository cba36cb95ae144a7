//! The harness of the end-to-end tests: what surrounds Belfry on a person's computer, real where that matters and
//! recording where a test must see what happened.
//!
//! | module | stands for |
//! |---|---|
//! | [`session`] | the desktop session: bus, folders, a real gnome-keyring |
//! | [`notifications`] | the desktop's notification server |
//! | [`display`] | a virtual display |
//! | [`dunst`], [`xfce`] | real notification daemons on it |
//! | [`screen`] | what can be seen there: windows, and the clipboard |
//! | [`tray`] | a panel with tray icons |
//! | [`menu`] | a menu of such an icon |
//! | [`overheard`] | an ear on the session's bus |
//! | [`opener`] | `xdg-open`, and so the browser |
//! | [`belfry`] | the built command line |
//! | [`autopush`] | a user agent without the receiver around it |
//! | [`desktop`] | the built app |
//! | [`page`] | the page in its window |
//! | [`desk`] | all of these together |
//! | [`senders`] | application servers, each with its own library |
//! | [`service_worker`] | the service workers of other people's pages |
//! | [`keyring`] | a look into the keyring |
//! | [`prompter`] | whoever answers the keyring's questions |
//! | [`disk`] | a small disk of one's own |
//! | [`scan`] | a look into files |
//! | [`website`] | what notifications link to |
//! | [`process`] | child processes |
//! | [`port`] | ports for them to listen at |
//! | [`faults`] | a bad network |
//! | [`soak`] | all of it for a while, with a bad network and power failures |
//! | [`endurance`] | the push service under load, with power failures |
//!
//! Nothing here sleeps to wait: what a test waits for, it awaits, for at most [`process::PATIENCE`]. Only the bad network
//! and the power failures take their time.

pub mod autopush;
pub mod belfry;
pub mod desk;
pub mod desktop;
pub mod disk;
pub mod display;
mod drawn;
pub mod dunst;
pub mod endurance;
pub mod faults;
pub mod firefox;
pub mod keyring;
pub mod menu;
pub mod notifications;
pub mod opener;
pub mod overheard;
pub mod page;
pub mod port;
pub mod process;
pub mod prompter;
pub mod scan;
pub mod screen;
pub mod senders;
pub mod service_manager;
pub mod service_worker;
pub mod session;
pub mod soak;
pub mod tray;
pub mod website;
pub mod xfce;

use anyhow::Result;

/// An HTTP client for plain requests to the services under test.
pub fn http() -> Result<reqwest::Client> {
    Ok(http_client().build()?)
}

/// One to be configured further.
pub fn http_client() -> reqwest::ClientBuilder {
    // Fails only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(process::PATIENCE)
}

/// One that makes a connection of its own for every request: on one kept from before a power failure, the library itself
/// would try again.
pub fn http_client_that_never_repeats() -> reqwest::ClientBuilder {
    http_client().pool_max_idle_per_host(0)
}
