//! Pictures beside the text, and what is drawn once more in its place.

use std::sync::Arc;

use user_agent::notifier::{Illustration, Notifier, Picture, Popup, Report};

use crate::support::{Bus, block_on, clickable, popup, tagged, titled};
use crate::{Stage, click};

/// Red, and as large as this.
fn picture(width: u32, height: u32) -> Arc<Picture> {
    let count = usize::try_from(width * height).unwrap();
    Arc::new(Picture::new(width, height, [255, 0, 0, 255].repeat(count)).unwrap())
}

type ImageData = (i32, i32, i32, bool, i32, i32, Vec<u8>);

#[test]
fn the_larger_picture_is_given_as_pixels() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        for (illustration, size) in [
            (Illustration { icon: Some(picture(2, 3)), image: None }, Some((2, 3))),
            (Illustration { icon: Some(picture(2, 3)), image: Some(picture(512, 256)) }, Some((512, 256))),
            (Illustration::default(), None),
        ] {
            let popup = Popup { illustration, ..popup(1, "s", titled("One")) };
            stage.notifier.show(popup).await.unwrap();
            let shown = stage.desktop.shown().await;
            let data = shown.hint::<ImageData>("image-data");
            assert_eq!(data.as_ref().map(|(width, height, ..)| (*width, *height)), size);
            if let Some((width, height, row, alpha, bits, channels, pixels)) = data {
                assert_eq!((row, alpha, bits, channels), (width * 4, true, 8, 4));
                assert_eq!(pixels, [255, 0, 0, 255].repeat(usize::try_from(width * height).unwrap()));
            }
            assert_eq!((shown.app_icon.as_str(), shown.hints.contains_key("image-path")), ("", false));
        }
    });
}

#[test]
fn a_late_picture_comes_silently_to_what_is_on_screen_still() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let first = stage.show(1, clickable("One", &["Show log"])).await;
        let gone = stage.show(2, clickable("Two", &[])).await;
        let illustrated = |entry, notification| {
            let illustration = Illustration { icon: None, image: Some(picture(4, 4)) };
            Popup { illustration, ..popup(entry, "s", notification) }
        };
        stage.desktop.emit("NotificationClosed", &(gone.id, 2_u32)).await;
        assert!(matches!(stage.report().await, Report::Closed { id, .. } if id == gone.id));
        stage.notifier.redraw(illustrated(2, clickable("Two", &[]))).await.unwrap();
        stage.notifier.redraw(illustrated(1, clickable("One", &["Show log"]))).await.unwrap();
        let again = stage.desktop.shown().await;
        assert_eq!((again.summary.as_str(), again.replaces_id, again.id), ("One", first.id, first.id));
        assert!(again.is_silenced() && again.hints.contains_key("image-data"));
        stage.desktop.emit("ActionInvoked", &(again.id, again.key("Show log"))).await;
        assert_eq!(stage.clicked().await, click(1, Some(0), None));
    });
}

#[test]
fn a_summary_is_drawn_again_in_its_place_by_its_tag() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let summary = |title: &str| Popup { entry: None, ..popup(0, "s", tagged(title, "more")) };
        stage.notifier.redraw(summary("Never shown")).await.unwrap();
        stage.notifier.show(summary("2 more")).await.unwrap();
        let first = stage.desktop.shown().await;
        assert_eq!(first.summary, "2 more");
        stage.notifier.redraw(summary("1 more")).await.unwrap();
        let again = stage.desktop.shown().await;
        assert_eq!((again.summary.as_str(), again.replaces_id), ("1 more", first.id));
        assert!(again.is_silenced());
    });
}
