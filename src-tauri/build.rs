//! Prepares what Tauri embeds: the window's files and the list of what they may call.

use std::{fs, io, path::Path};

/// What the window shows when it was not built.
const PLACEHOLDER: &str = "<!doctype html><title>Belfry</title><h1>The window is missing</h1>\
    <p>Build it, then Belfry: <code>npm ci &amp;&amp; npm run build</code> in <code>ui</code>.</p>\n";

fn main() -> io::Result<()> {
    let window = Path::new("../ui/dist");
    println!("cargo:rerun-if-changed={}", window.display());
    // So that a build of the whole workspace needs no Node.
    if !window.join("index.html").exists() {
        fs::create_dir_all(window)?;
        fs::write(window.join("index.html"), PLACEHOLDER)?;
    }
    let commands = tauri_build::AppManifest::new().commands(&[
        "request",
        "copy_text",
        "local_push_service",
        "start_local_push_service",
        "export_sites",
        "choose_sites_file",
        "import_sites",
    ]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands)).map_err(io::Error::other)
}
