//! Whether the desktop shows tray icons. It may begin to long after the start: a panel is often the last thing of a session
//! to come up.

use futures_util::StreamExt as _;
use x11rb::protocol::xproto::ConnectionExt as _;
use zbus::fdo::DBusProxy;

/// Where StatusNotifierItems are registered.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// Reports at once, and whenever it changes. Ends with the bus.
pub(crate) async fn watch(report: impl Fn(bool)) -> zbus::Result<()> {
    let bus = zbus::Connection::session().await?;
    let names = DBusProxy::new(&bus).await?;
    let mut changes = names.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    report(names.name_has_owner(WATCHER.try_into()?).await?);
    while let Some(change) = changes.next().await {
        report(change.args()?.new_owner.is_some());
    }
    Ok(())
}

/// Whether an X11 panel shows icons the older way, which the tray's library falls back to.
pub(crate) fn x11() -> bool {
    owner_of_the_tray().is_some_and(|window| window != x11rb::NONE)
}

fn owner_of_the_tray() -> Option<u32> {
    let (display, screen) = x11rb::connect(None).ok()?;
    let name = format!("_NET_SYSTEM_TRAY_S{screen}");
    let atom = display.intern_atom(true, name.as_bytes()).ok()?.reply().ok()?.atom;
    Some(display.get_selection_owner(atom).ok()?.reply().ok()?.owner)
}
