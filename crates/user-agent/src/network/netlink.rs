//! The kernel's own word that addresses, routes or links have changed. Works with and without NetworkManager.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::route::Route;
use super::tell;

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV4_ROUTE`, `RTMGRP_IPV6_IFADDR`, `RTMGRP_IPV6_ROUTE` of
/// `linux/rtnetlink.h`.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// As many messages as are taken at a time.
const MOST: usize = 1000;

/// Networks change in steps: an address, a route, the other family's.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// Tells when the way out has changed, for as long as the kernel says when to look.
pub(super) async fn follow(routes: Routes, changes: &mpsc::Sender<()>) {
    let routes = Arc::new(routes);
    let stirred = || {
        let routes = routes.clone();
        async move { routes.stirred().await }
    };
    compare(stirred, Route::current, SETTLE, changes).await;
}

/// Tells when what `current` sees has changed. Looks at once and again when it has settled, so that neither the end of
/// a network nor the state it comes to rest in is missed; much stirring costs a look a second.
pub(super) async fn compare<T, F, E>(
    stirred: impl Fn() -> F,
    current: impl Fn() -> T,
    settle: Duration,
    changes: &mpsc::Sender<()>,
) where
    T: PartialEq,
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    let mut seen = current();
    loop {
        if let Err(error) = stirred().await {
            tracing::warn!(%error, "the network is no longer watched");
            return;
        }
        let between = current();
        sleep(settle).await;
        let after = current();
        if between != seen || after != seen {
            tell(changes, "the network changed");
        }
        seen = after;
    }
}

/// A subscription to the groups above.
#[derive(Debug)]
pub(super) struct Routes(AsyncFd<OwnedFd>);

impl Routes {
    pub(super) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        #[expect(deprecated, reason = "sound for an `OwnedFd`; its successor is unsafe, which we forbid")]
        AsyncFd::with_interest(socket, Interest::READABLE).map(Self)
    }

    /// Something has changed since the last time. What, is not looked at: the messages are many, and about more than
    /// matters here.
    pub(super) async fn stirred(&self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            for n in 0..=MOST {
                // One byte: the kernel throws the rest of the message away.
                match recv(self.0.get_ref(), &mut [0; 1], RecvFlags::empty()) {
                    // An overflow: there were even more.
                    Ok(_) | Err(Errno::NOBUFS) if n == MOST => return Ok(()),
                    Ok(_) | Err(Errno::NOBUFS | Errno::INTR) => {}
                    Err(Errno::AGAIN) if n == 0 => {
                        ready.clear_ready();
                        break;
                    }
                    Err(Errno::AGAIN) => {
                        ready.clear_ready();
                        return Ok(());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}
