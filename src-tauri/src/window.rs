//! The window: made when it is asked for, gone when it is closed.

use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Emitter as _, Manager as _, Url, WebviewUrl, WebviewWindowBuilder};

const LABEL: &str = "main";

/// Shows the window and brings it to the front, at a place such as `#/sites/add` when one is given.
pub(crate) fn open(app: &AppHandle, place: Option<&str>) -> tauri::Result<()> {
    let Some(window) = app.get_webview_window(LABEL) else {
        return create(app, place);
    };
    if let Some(place) = place {
        window.emit("navigate", place)?;
    }
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

pub(crate) fn is_open(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL).is_some()
}

fn create(app: &AppHandle, place: Option<&str>) -> tauri::Result<()> {
    let page = format!("index.html{}", place.unwrap_or_default());
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App(page.into()))
        .title("Belfry")
        .inner_size(960.0, 640.0)
        .min_inner_size(480.0, 480.0)
        // Nothing of what the window shows is written anywhere but into the encrypted database.
        .incognito(!is_driven())
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    Ok(())
}

/// Whether a test drives the window: WebKit lets it into the context only that Tauri opens for it, which keeps files.
fn is_driven() -> bool {
    cfg!(debug_assertions)
        && std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|value| value == "true")
}

/// Only what is embedded here: links of sites are opened by the engine, in the browser.
fn is_own_page(url: &Url) -> bool {
    url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_never_leaves_its_own_pages() {
        let own = |url: &str| is_own_page(&url.parse().unwrap());
        assert!(own("tauri://localhost/#/sites/add"));
        assert!(own("http://tauri.localhost/"));
        for url in ["https://site.example/", "http://tauri.localhost.example/", "file:///etc/passwd"] {
            assert!(!own(url), "{url}");
        }
    }
}
