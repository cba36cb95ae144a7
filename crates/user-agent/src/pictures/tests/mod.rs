//! Pictures from servers on loopback, well-meaning and hostile.

mod files;
mod loading;
#[cfg(target_os = "linux")]
mod own_network;
pub(crate) mod server;
mod transport;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use image::{ImageFormat, Rgba, RgbaImage};
use url::Url;

use super::download::Lookup;
use super::*;
use crate::api::Images;
use crate::config::ProxySetting;

/// Far beyond what loopback takes.
const LONG: Duration = Duration::from_secs(60);

/// A picture of this size, red on the left and blue on the right, as a file.
fn picture(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let colour = |x| if x < width / 2 { Rgba([255, 0, 0, 255]) } else { Rgba([0, 0, 255, 255]) };
    let picture = image::DynamicImage::from(RgbaImage::from_fn(width, height, |x, _| colour(x)));
    let mut file = io::Cursor::new(Vec::new());
    let written = if format == ImageFormat::Jpeg {
        picture.to_rgb8().write_to(&mut file, format)
    } else {
        picture.write_to(&mut file, format)
    };
    written.unwrap();
    file.into_inner()
}

pub(crate) fn png() -> Vec<u8> {
    picture(ImageFormat::Png, 40, 20)
}

/// Says that every name has these addresses, or that there is none.
fn lookup(addresses: &[&str]) -> Lookup {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Arc::new(move |_| {
        let found = addresses.iter().map(|address| (*address, 0).into()).collect();
        Box::pin(async move { Ok(found) })
    })
}

fn with(proxy: &str, lookup: Lookup, time: Duration) -> Pictures {
    let proxy = ProxySetting::try_from(proxy.to_owned()).unwrap();
    let connector = Connector::new(Vec::new(), false, Some(&proxy)).unwrap();
    Pictures::with(Downloader { connector, lookup }, time)
}

/// Without a proxy, on a network without names.
fn direct() -> Pictures {
    with("none", lookup(&[]), LONG)
}

/// What the site at this URL gets.
async fn of_site(pictures: &Pictures, url: &Url, site: &Url) -> Outcome {
    let wanted = Wanted::new(url, Use::Icon, Some(site), Images::Own)?;
    pictures.load(wanted).await
}

/// What a site somewhere else gets that may load all pictures.
async fn of_anyone(pictures: &Pictures, url: &str) -> Outcome {
    let site = Url::parse("https://site.example/").unwrap();
    let wanted = Wanted::new(&Url::parse(url).unwrap(), Use::Icon, Some(&site), Images::Always)?;
    pictures.load(wanted).await
}
