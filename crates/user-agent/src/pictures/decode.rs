//! From bytes that a stranger chose to a small picture. What they claim to be is not asked: the first bytes decide.

use std::fmt;
use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType as RowFilter, PngEncoder};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder as _, ImageError, ImageFormat,
    ImageReader, Limits,
};

use super::Refusal;

/// What a camera's picture has. Looked at before anything is decoded.
const MOST_PIXELS: u64 = 16 * 1024 * 1024;
const LONGEST_EDGE: u32 = 16 * 1024;

/// Bytes that decoding may take, by the decoder's own reckoning: as many pixels with four bytes each.
const MOST_MEMORY: u64 = 64 * 1024 * 1024;

/// A decoded picture. `Debug` shows its size only.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Picture {
    /// `None`: these are not the pixels of a picture of this size.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let bytes = u64::from(width) * u64::from(height) * 4;
        (bytes > 0 && u64::try_from(pixels.len()) == Ok(bytes)).then_some(Self { width, height, pixels })
    }

    /// In pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// In pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Red, green, blue and alpha of each pixel, 8 bits each, row by row from the top, without gaps.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// As a PNG file. `None`: it could not be written, which only a lack of memory explains.
    pub(crate) fn png(&self) -> Option<Vec<u8>> {
        let mut file = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, RowFilter::Adaptive);
        let colours = ExtendedColorType::Rgba8;
        encoder.write_image(&self.pixels, self.width, self.height, colours).ok().map(|()| file)
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} × {})", self.width, self.height)
    }
}

/// The first frame, no edge longer than `edge`. Takes up to a second of a processor.
pub(super) fn decode(bytes: &[u8], edge: u32) -> Result<Picture, Refusal> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| Refusal::NoPicture)?;
    let known = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Ico,
        ImageFormat::Bmp,
    ];
    // Other parts of the program may have taught the library others.
    if !reader.format().is_some_and(|format| known.contains(&format)) {
        return Err(Refusal::NoPicture);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_EDGE);
    limits.max_image_height = Some(LONGEST_EDGE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Refusal::TooManyPixels);
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    // A camera that was held upright says so beside the pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = shrunk(DynamicImage::from_decoder(decoder)?, edge);
    picture.apply_orientation(orientation);
    let picture = picture.into_rgba8();
    let (width, height) = picture.dimensions();
    Picture::new(width, height, picture.into_raw()).ok_or(Refusal::NoPicture)
}

/// Keeps its aspect. The library's fast way for most of the way, its good one for the rest.
fn shrunk(mut picture: DynamicImage, edge: u32) -> DynamicImage {
    let is_longer = |picture: &DynamicImage, edge: u32| picture.width().max(picture.height()) > edge;
    if is_longer(&picture, edge * 4) {
        picture = picture.thumbnail(edge * 2, edge * 2);
    }
    if is_longer(&picture, edge) {
        picture = picture.resize(edge, edge, FilterType::Triangle);
    }
    picture
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooManyPixels,
            ImageError::Decoding(_)
            | ImageError::Encoding(_)
            | ImageError::Parameter(_)
            | ImageError::Unsupported(_)
            | ImageError::IoError(_) => Self::NoPicture,
        }
    }
}
