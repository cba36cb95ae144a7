//! Files that are pictures, and files that are not.

use image::codecs::gif::GifEncoder;
use image::{ExtendedColorType, Frame, GrayImage, ImageEncoder as _};
use proptest::prelude::*;

use super::*;
use crate::pictures::decode::decode;

const EDGE: u32 = 256;

const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::Gif,
    ImageFormat::WebP,
    ImageFormat::Ico,
    ImageFormat::Bmp,
];

/// The colour at this place, if it is about one of these.
fn colour(picture: &Picture, x: u32, y: u32) -> &'static str {
    let at = usize::try_from((y * picture.width() + x) * 4).unwrap();
    match picture.pixels()[at..at + 4] {
        [200..=255, 0..=60, 0..=60, 255] => "red",
        [0..=60, 0..=60, 200..=255, 255] => "blue",
        [.., 0] => "nothing",
        _ => "something",
    }
}

#[test]
fn every_format_comes_out_right() {
    for format in FORMATS {
        let picture = decode(&picture(format, 40, 20), EDGE).unwrap();
        assert_eq!((picture.width(), picture.height()), (40, 20), "{format:?}");
        assert_eq!((colour(&picture, 4, 4), colour(&picture, 36, 16)), ("red", "blue"), "{format:?}");
    }
}

#[test]
fn a_large_picture_becomes_small_and_keeps_its_shape() {
    for (size, expected) in [
        ((256, 256), (256, 256)),
        ((300, 150), (256, 128)),
        ((150, 300), (128, 256)),
        ((4_000, 2_000), (256, 128)),
        ((16_000, 4), (256, 1)),
        ((1, 9_000), (1, 256)),
        ((1, 1), (1, 1)),
    ] {
        let small = decode(&picture(ImageFormat::Png, size.0, size.1), EDGE).unwrap();
        assert_eq!((small.width(), small.height()), expected, "{size:?}");
    }
    let small = decode(&picture(ImageFormat::Png, 4_000, 2_000), EDGE).unwrap();
    assert_eq!((colour(&small, 120, 64), colour(&small, 135, 64)), ("red", "blue"));
    assert_eq!(small.pixels().len(), 256 * 128 * 4);
}

#[test]
fn what_is_transparent_stays_so_and_a_png_holds_all_of_it() {
    let mut file = io::Cursor::new(Vec::new());
    let pixels = [[255, 0, 0, 255], [0, 0, 0, 0]].concat();
    RgbaImage::from_raw(2, 1, pixels).unwrap().write_to(&mut file, ImageFormat::Png).unwrap();
    let picture = decode(&file.into_inner(), EDGE).unwrap();
    assert_eq!((colour(&picture, 0, 0), colour(&picture, 1, 0)), ("red", "nothing"));
    assert_eq!(decode(&picture.png().unwrap(), EDGE).unwrap(), picture);
    assert_eq!(format!("{picture:?}"), "Picture(2 × 1)");
}

/// An APP1 segment that says "turn by 90 degrees", as cameras write it.
#[test]
fn a_picture_taken_upright_is_upright() {
    let jpeg = picture(ImageFormat::Jpeg, 80, 40);
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let turned = [&jpeg[..2], &[0xff, 0xe1], &length, exif, &jpeg[2..]].concat();
    let turned = decode(&turned, EDGE).unwrap();
    assert_eq!((turned.width(), turned.height()), (40, 80));
    assert_eq!((colour(&turned, 20, 8), colour(&turned, 20, 72)), ("red", "blue"));
}

#[test]
fn of_an_animation_the_first_frame_counts() {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut file, 30);
    let frame = |colour: [u8; 4]| Frame::new(RgbaImage::from_pixel(8, 8, Rgba(colour)));
    encoder.encode_frame(frame([255, 0, 0, 255])).unwrap();
    for _ in 0..5_000 {
        encoder.encode_frame(frame([0, 0, 255, 255])).unwrap();
    }
    drop(encoder);
    assert_eq!(colour(&decode(&file, EDGE).unwrap(), 4, 4), "red");
}

#[test]
fn what_is_not_one_of_the_formats_is_no_picture() {
    let mut tiff = b"II\x2a\0\x08\0\0\0".to_vec();
    tiff.resize(200, 0);
    for file in [
        &b""[..],
        b"\0",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"file:///etc/passwd\"/></svg>",
        b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><svg>&a;</svg>",
        b"<!DOCTYPE html><title>Not found</title>",
        b"%PDF-1.7",
        b"P6 50000 50000 255\n",
        b"farbfeld\0\0\xc3\x50\0\0\xc3\x50",
        b"qoif\0\0\xc3\x50\0\0\xc3\x50\x04\0",
        b"\0\0\0\x20ftypavif",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM",
        b"\xff\xd8\xff",
        b"RIFF\x10\0\0\0WEBP",
        &tiff,
    ] {
        assert_eq!(decode(file, EDGE), Err(Refusal::NoPicture), "{:?}", String::from_utf8_lossy(file));
    }
}

/// The CRC of a PNG's chunk.
fn crc(bytes: &[u8]) -> [u8; 4] {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step));
    (!crc).to_be_bytes()
}

fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], kind, data, &crc(&[kind, data].concat())].concat()
}

/// A PNG of 8-bit greys with this size in its header and this compressed data in it, whatever that holds.
fn png_of(width: u32, height: u32, before: &[u8], data: &[u8]) -> Vec<u8> {
    png_with(width, height, &[8, 0, 0, 0, 0], before, data)
}

fn png_with(width: u32, height: u32, kind: &[u8], before: &[u8], data: &[u8]) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[&size[..], kind].concat());
    let signature = b"\x89PNG\r\n\x1a\n";
    [&signature[..], &header, before, &chunk(b"IDAT", data), &chunk(b"IEND", b"")].concat()
}

/// 64 MB of zeros in 64 KB, compressed as PNG wants it.
fn bomb() -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.write_image(&GrayImage::new(8_000, 8_000), 8_000, 8_000, ExtendedColorType::L8).unwrap();
    assert!(file.len() < 1_000_000, "{}", file.len());
    let start = file.windows(4).position(|kind| kind == b"IDAT").unwrap();
    let length = u32::from_be_bytes(file[start - 4..start].try_into().unwrap());
    file[start + 4..][..usize::try_from(length).unwrap()].to_vec()
}

#[test]
fn a_header_that_promises_much_is_believed_and_refused() {
    let jpeg = |mut file: Vec<u8>| {
        let frame = file.windows(2).position(|marker| matches!(marker, [0xff, 0xc0 | 0xc2])).unwrap();
        file[frame + 5..frame + 9].fill(0xff);
        file
    };
    let patched = |format, at: usize, bytes: &[u8]| {
        let mut file = picture(format, 40, 20);
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let huge = 50_000_u16.to_le_bytes();
    let bmp = |width: i32, height: i32| {
        patched(ImageFormat::Bmp, 18, &[width.to_le_bytes(), height.to_le_bytes()].concat())
    };
    let ico = {
        let inner = png_of(50_000, 50_000, b"", b"");
        let length = u32::try_from(inner.len()).unwrap().to_le_bytes();
        [&b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0"[..], &length, &22_u32.to_le_bytes(), &inner].concat()
    };
    for (name, file) in [
        ("PNG", png_of(50_000, 50_000, b"", &bomb())),
        ("flat PNG", png_of(u32::MAX / 2, 1, b"", b"")),
        ("PNG of many pixels", png_of(8_000, 8_000, b"", &bomb())),
        ("JPEG", jpeg(picture(ImageFormat::Jpeg, 40, 20))),
        ("GIF", patched(ImageFormat::Gif, 6, &[huge, huge].concat())),
        ("WebP", patched(ImageFormat::WebP, 21, &[0xff, 0xff, 0xff, 0x0f])),
        ("BMP", bmp(50_000, 50_000)),
        ("BMP from its top", bmp(50_000, -50_000)),
        ("BMP at the limit", bmp(i32::MAX, i32::MIN)),
        ("ICO", ico),
    ] {
        let refusal = decode(&file, EDGE).unwrap_err();
        assert!(matches!(refusal, Refusal::TooManyPixels | Refusal::NoPicture), "{name}: {refusal:?}");
    }
    // As many pixels as are allowed, with 16 bits for each of four channels.
    let deep = png_with(4_096, 4_096, &[16, 6, 0, 0, 0], b"", &bomb());
    assert_eq!(decode(&deep, EDGE), Err(Refusal::TooManyPixels));
}

#[test]
fn a_picture_that_swells_beside_its_pixels_takes_no_more_than_they_do() {
    let bomb = bomb();
    assert!(decode(&png_of(1, 1, b"", &bomb), EDGE).is_ok_and(|picture| picture.pixels().len() == 4));
    let profile = chunk(b"iCCP", &[&b"a\0\0"[..], &bomb].concat());
    let text = chunk(b"zTXt", &[&b"a\0\0"[..], &bomb].concat());
    for beside in [profile, text] {
        let file = png_of(1, 1, &beside.repeat(20), &bomb);
        // Whether it is shown without that or not at all is the library's choice.
        if let Ok(picture) = decode(&file, EDGE) {
            assert_eq!(picture.pixels().len(), 4);
        }
    }
}

#[test]
fn a_picture_that_breaks_off_harms_nothing() {
    for format in FORMATS {
        let file = picture(format, 40, 20);
        for end in 0..file.len() {
            if let Ok(picture) = decode(&file[..end], EDGE) {
                assert_eq!((picture.width(), picture.height()), (40, 20), "{format:?} cut at {end}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 3_000 }))]

    #[test]
    fn a_damaged_picture_harms_nothing(
        format in prop::sample::select(&FORMATS[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut file = picture(format, 40, 20);
        for (index, byte) in changes {
            let at = index.index(file.len());
            file[at] = byte;
        }
        if let Ok(picture) = decode(&file, EDGE) {
            prop_assert!(picture.width() <= EDGE && picture.height() <= EDGE);
            prop_assert_eq!(picture.pixels().len(), usize::try_from(picture.width() * picture.height() * 4).unwrap());
        }
    }
}
