//! The hints of a notification, each with exactly the type that the specification gives it.

use serde::Serialize;
use zbus::zvariant::{Type, as_value};

use crate::notifier::presentation::{DESKTOP_ENTRY, Presentation, SOUND_NAME, Sound};
use crate::pictures::Picture;

/// A dictionary of variants, without what is `None`.
#[derive(Serialize, Type)]
#[zvariant(signature = "a{sv}")]
#[serde(rename_all = "kebab-case")]
pub(super) struct Hints<'a> {
    #[serde(with = "as_value")]
    urgency: u8,
    #[serde(with = "as_value")]
    desktop_entry: &'static str,
    #[serde(with = "as_value::optional", skip_serializing_if = "Option::is_none")]
    suppress_sound: Option<bool>,
    #[serde(with = "as_value::optional", skip_serializing_if = "Option::is_none")]
    sound_name: Option<&'static str>,
    #[serde(with = "as_value::optional", skip_serializing_if = "Option::is_none")]
    x_kde_origin_name: Option<&'a str>,
    #[serde(with = "as_value::optional", skip_serializing_if = "Option::is_none")]
    image_data: Option<ImageData<'a>>,
}

/// Width, height, bytes of a row, whether there is an alpha channel, bits of a sample, channels, pixels.
#[derive(Serialize, Type)]
struct ImageData<'a>(i32, i32, i32, bool, i32, i32, &'a [u8]);

impl<'a> Hints<'a> {
    /// `silent`: whatever the notification asks for. `image`: what is shown beside the text; a server shows one picture.
    pub(super) fn new(presentation: &'a Presentation, image: Option<&'a Picture>, silent: bool) -> Self {
        let sound = if silent { Sound::None } else { presentation.sound };
        Self {
            urgency: presentation.urgency.level(),
            desktop_entry: DESKTOP_ENTRY,
            suppress_sound: (sound == Sound::None).then_some(true),
            sound_name: (sound == Sound::Named).then_some(SOUND_NAME),
            x_kde_origin_name: presentation.origin.as_deref(),
            image_data: image.and_then(ImageData::of),
        }
    }
}

impl<'a> ImageData<'a> {
    fn of(picture: &'a Picture) -> Option<Self> {
        let (width, height) = (i32::try_from(picture.width()).ok()?, i32::try_from(picture.height()).ok()?);
        Some(Self(width, height, width.checked_mul(4)?, true, 8, 4, picture.pixels()))
    }
}
