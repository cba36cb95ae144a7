//! Pictures in notifications.

use anyhow::{Context as _, Result};
use belfry_tests::desk::{Desk, declarative};
use belfry_tests::notifications::Shown;
use belfry_tests::website::Website;
use serde_json::json;

/// Width, height and the colour in the middle of the picture in a notification, if it has one.
fn picture(shown: &Shown) -> Result<Option<(i32, i32, [u8; 4])>> {
    let Some(value) = shown.hints.get("image-data") else { return Ok(None) };
    let data: (i32, i32, i32, bool, i32, i32, Vec<u8>) = value.try_clone()?.try_into()?;
    let (width, height, row, alpha, bits, channels, pixels) = data;
    assert_eq!((row, alpha, bits, channels), (width * 4, true, 8, 4));
    assert_eq!(i32::try_from(pixels.len())?, row * height);
    let middle = usize::try_from(row * (height / 2) + width / 2 * 4)?;
    let colour = pixels.get(middle..middle + 4).context("a pixel in the middle")?;
    Ok(Some((width, height, colour.try_into()?)))
}

/// The colour in the middle of the next notification's picture, once that has this size: at once or, on a busy computer,
/// when it is shown again in its place.
async fn pictured(desk: &mut Desk, size: (i32, i32)) -> Result<[u8; 4]> {
    let mut shown = desk.notifications.next().await?;
    loop {
        match picture(&shown)? {
            Some((width, height, colour)) if (width, height) == size => return Ok(colour),
            _ => {}
        }
        let again = desk.notifications.next().await.context("a notification with the picture")?;
        assert_eq!(again.replaces_id, shown.id, "another one before the picture has come");
        assert!(again.is_silenced());
        shown = again;
    }
}

#[tokio::test]
async fn a_push_shows_the_pictures_that_its_site_may_load() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let mut website = Website::start().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let own = belfry.add_site("Own", &["--url", &website.url("/")]).await?;
    let other = belfry.add_site("Other", &["--url", "https://example.com/"]).await?;
    let (icon, image) = (website.url("/icon.png"), website.url("/disk.png"));
    let push = |members| declarative("Picture", "https://example.com/", members);

    // The icon's middle is light, the picture's is dark.
    desk.send(&own, &push(json!({ "icon": icon }))).await?;
    let colour = pictured(&mut desk, (96, 96)).await?;
    assert!(colour[0] > 200, "{colour:?}");
    desk.send(&own, &push(json!({ "icon": icon, "image": image }))).await?;
    let colour = pictured(&mut desk, (512, 192)).await.context("as large as is sensible, in its shape")?;
    assert!(colour[0] < 100, "{colour:?}");

    // The same for who has no business on this computer, and where the person wants none.
    let both = |who| push(json!({ "icon": format!("{icon}?{who}"), "image": format!("{image}?{who}") }));
    belfry.command(["site", "set", "Other", "images=always"]).await?;
    desk.send(&other, &both("other")).await?;
    assert_eq!(picture(&desk.notifications.next().await?)?, None);
    belfry.command(["site", "set", "Own", "images=never"]).await?;
    desk.send(&own, &both("never")).await?;
    assert_eq!(picture(&desk.notifications.next().await?)?, None);
    // The picture's address is in the history all the same.
    run.next("push").await?;
    let entries = belfry.json(["inbox", "--site", "Other"]).await?;
    assert_eq!(entries[0]["image"], format!("{image}?other"));
    // It was not merely late: what is asked for after it has come, and nothing before.
    belfry.command(["site", "set", "Own", "images=own"]).await?;
    desk.send(&own, &push(json!({ "icon": format!("{icon}?last") }))).await?;
    pictured(&mut desk, (96, 96)).await?;
    assert_eq!(website.asked(), ["/icon.png", "/disk.png", "/icon.png"]);
    Ok(())
}

#[tokio::test]
async fn what_is_not_a_picture_harms_no_notification() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let website = Website::start().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let site = belfry.add_site("Own", &["--url", &website.url("/")]).await?;
    // A page, nobody there, nothing of the web.
    for image in [website.url("/page"), "http://localhost:1/a.png".into(), "file:///etc/passwd".into()] {
        desk.send(&site, &declarative("Shown", "https://example.com/", json!({ "image": image }))).await?;
        let shown = desk.notifications.next().await?;
        assert_eq!((shown.summary.as_str(), picture(&shown)?, shown.app_icon.as_str()), ("Shown", None, ""));
    }
    Ok(())
}
