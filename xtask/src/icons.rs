//! `cargo xtask icons`: every size and format of the icons, drawn from the SVG files in `icons/`.
//!
//! The results are committed, so that a build needs none of this.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    packages,
    process::{command, run},
    workspace::Workspace,
};

/// Pixels, and the names that icon themes and bundles look for.
const APP: &[(u32, &str)] = &[
    (16, "16x16"),
    (22, "22x22"),
    (24, "24x24"),
    (32, "32x32"),
    (48, "48x48"),
    (64, "64x64"),
    (128, "128x128"),
    (256, "256x256"),
    (512, "512x512"),
    (32, "16x16@2x"),
    (64, "32x32@2x"),
    (256, "128x128@2x"),
    (512, "256x256@2x"),
];
/// Up to here the drawing with less in it is used.
const SMALL: u32 = 32;
const ICO: &[&str] = &["16x16", "24x24", "32x32", "48x48", "64x64", "256x256"];
const ICNS: &[&str] = &["16x16", "32x32", "64x64", "128x128", "256x256", "512x512"];

const TRAY: &[&str] = &["ok", "unread", "do-not-disturb", "offline", "problem"];
const TRAY_SIZES: &[u32] = &[16, 22, 24, 32, 44];
/// What each style sheet is for is said in it.
const TRAY_STYLES: &[&str] = &["both", "template"];

/// # Errors
/// When `rsvg-convert` is missing or fails, or a file cannot be written.
pub(crate) fn icons(workspace: &Workspace) -> anyhow::Result<()> {
    packages::ensure(&packages::icons())?;
    let icons = workspace.root.join("icons");
    let app = icons.join("app");
    fs::create_dir_all(&app).with_context(|| format!("make {}", app.display()))?;
    for (size, name) in APP {
        let drawing = if *size <= SMALL { "belfry-small.svg" } else { "belfry.svg" };
        draw(&icons.join(drawing), *size, None, &png(&app, name))?;
    }
    write_ico(&app).context("write icon.ico")?;
    write_icns(&app).context("write icon.icns")?;

    let tray = icons.join("tray");
    for style in TRAY_STYLES {
        let folder = tray.join(style);
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let sheet = folder.with_extension("css");
        for name in TRAY {
            let drawing = tray.join(name).with_extension("svg");
            for size in TRAY_SIZES {
                draw(&drawing, *size, Some(&sheet), &folder.join(format!("{name}-{size}.png")))?;
            }
        }
    }
    Ok(())
}

fn png(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.png"))
}

fn draw(drawing: &Path, size: u32, style: Option<&Path>, picture: &Path) -> anyhow::Result<()> {
    let mut convert = command("rsvg-convert");
    let size = size.to_string();
    convert.args(["--width", &size, "--height", &size]);
    if let Some(style) = style {
        convert.arg("--stylesheet").arg(style);
    }
    run(convert.arg("--output").arg(picture).arg(drawing))
}

/// For Windows.
fn write_ico(app: &Path) -> anyhow::Result<()> {
    let mut icon = ico::IconDir::new(ico::ResourceType::Icon);
    for name in ICO {
        let picture = ico::IconImage::read_png(BufReader::new(File::open(png(app, name))?))?;
        icon.add_entry(ico::IconDirEntry::encode(&picture)?);
    }
    Ok(icon.write(File::create(app.join("icon.ico"))?)?)
}

/// For macOS.
fn write_icns(app: &Path) -> anyhow::Result<()> {
    let mut icon = icns::IconFamily::new();
    for name in ICNS {
        icon.add_icon(&icns::Image::read_png(BufReader::new(File::open(png(app, name))?))?)?;
    }
    Ok(icon.write(File::create(app.join("icon.icns"))?)?)
}
