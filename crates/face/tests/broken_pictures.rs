//! Every kind of broken, huge or odd picture: a clear refusal or the right pixels, never a panic. All inputs are made here.

use std::io::Cursor;

use face::Picture;
use face::decode::{self, Limits, PictureError};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};

fn decoded(data: &[u8]) -> Result<Picture, PictureError> {
    decode::bytes("in.bin", data, &Limits::default())
}

/// The refusal of some bytes, which must name the file.
fn refused(data: &[u8]) -> PictureError {
    let error = decoded(data).map(|picture| (picture.width(), picture.height())).expect_err("a refusal");
    assert!(error.to_string().starts_with("in.bin: "), "{error}");
    error
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).expect("encoding");
    out.into_inner()
}

/// Two rows of three pixels, all different.
fn small() -> DynamicImage {
    ImageBuffer::from_fn(3, 2, |x, y| Rgb([(40 * x) as u8, (100 * y) as u8, 200])).into()
}

/// A JPEG of enough pixels that cutting it hurts.
fn jpeg() -> Vec<u8> {
    let image =
        ImageBuffer::from_fn(160, 120, |x, y| Rgb([(x * 7 % 256) as u8, (y * 5 % 256) as u8, ((x ^ y) % 256) as u8]));
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, 90).encode_image(&image).expect("encoding");
    out
}

#[test]
fn every_format_is_read_by_its_content() {
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Pnm] {
        let picture = decoded(&encoded(&small(), format)).expect("a whole picture");
        assert_eq!((picture.width(), picture.height()), (3, 2));
        assert_eq!(picture.view().pixels, small().as_bytes(), "{format:?}");
    }
    let picture = decoded(&jpeg()).expect("a whole picture");
    assert_eq!((picture.width(), picture.height()), (160, 120));
    // The extension lies; the content decides.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("portrait.jpg");
    std::fs::write(&path, encoded(&small(), ImageFormat::Png)).expect("written");
    assert_eq!(decode::file(&path, &Limits::default()).expect("a whole picture").width(), 3);
}

#[test]
fn nothing_and_noise_are_refused_by_name() {
    assert!(matches!(refused(&[]), PictureError::Empty { .. }));
    assert!(matches!(refused(b"hello, this is text"), PictureError::NotRead { .. }));
    assert!(refused(b"GIF89a\x01\x00\x01\x00\x80\x00\x00").to_string().contains("this is a GIF"));
    assert!(refused(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00").to_string().contains("HEIF"));
    let missing =
        decode::file(std::path::Path::new("no/such/file.jpg"), &Limits::default()).map(|_| ()).expect_err("a refusal");
    assert!(missing.to_string().starts_with("no/such/file.jpg: could not be read"), "{missing}");
}

#[test]
fn a_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = decode::file(folder.path(), &Limits::default()).map(|_| ()).expect_err("a refusal");
    assert!(matches!(error, PictureError::Unreadable { .. }), "{error}");
}

#[test]
fn every_way_of_cutting_a_picture_short_is_refused() {
    let whole = [
        jpeg(),
        encoded(&small(), ImageFormat::Png),
        encoded(&small(), ImageFormat::WebP),
        encoded(&small(), ImageFormat::Pnm),
    ];
    for data in &whole {
        for tenth in 0..10 {
            let error = refused(&data[..data.len() * tenth / 10]);
            assert!(!matches!(error, PictureError::TooManyPixels { .. }), "{error}");
        }
    }
    // One byte is enough where the last byte means something: not in a WebP's padding or a PNG's end mark.
    for data in [&whole[0], &whole[3]] {
        assert!(decoded(&data[..data.len() - 1]).is_err());
    }
}

#[test]
fn changed_bytes_never_panic() {
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Pnm, ImageFormat::Jpeg] {
        let whole = if format == ImageFormat::Jpeg { jpeg() } else { encoded(&small(), format) };
        for at in 0..whole.len().min(700) {
            for value in [0x00, 0x7f, 0xff] {
                let mut data = whole.clone();
                data[at] = value;
                let _ = decode::bytes("in.bin", &data, &Limits { bytes_max: 1 << 20, pixels_max: 1 << 16 });
            }
        }
    }
}

#[test]
fn a_bomb_is_refused_from_its_header() {
    // A PNM that announces 30,000 x 30,000 pixels in twenty bytes; a PNG and a JPEG that announce as much.
    let pnm = b"P6\n30000 30000\n255\n\0".to_vec();
    let mut png = encoded(&small(), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let crc = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&crc);
    let mut jpeg = jpeg();
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a baseline frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x75, 0x30, 0x75, 0x30]);
    for data in [pnm, png, jpeg] {
        let error = refused(&data);
        assert!(matches!(error, PictureError::TooManyPixels { width: 30_000, height: 30_000, .. }), "{error}");
    }
    // A strip: few pixels, but no side may be this long.
    let strip = refused(b"P5\n60000 1\n255\n\0");
    assert!(matches!(strip, PictureError::TooManyPixels { width: 60_000, .. }), "{strip}");
}

#[test]
fn limits_count_bytes_and_pixels() {
    let data = encoded(&small(), ImageFormat::Png);
    let with = |bytes_max, pixels_max| decode::bytes("in.bin", &data, &Limits { bytes_max, pixels_max }).map(|_| ());
    assert!(with(data.len() as u64, 6).is_ok());
    assert!(matches!(with(data.len() as u64 - 1, 6), Err(PictureError::TooManyBytes { .. })));
    assert!(matches!(with(data.len() as u64, 5), Err(PictureError::TooManyPixels { .. })));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.png");
    std::fs::write(&path, &data).expect("written");
    let error = decode::file(&path, &Limits { bytes_max: 10, pixels_max: 6 }).map(|_| ()).expect_err("a refusal");
    assert!(matches!(error, PictureError::TooManyBytes { .. }), "{error}");
}

#[test]
fn one_pixel_is_a_picture() {
    let image: DynamicImage = ImageBuffer::from_pixel(1, 1, Rgb([1u8, 2, 3])).into();
    let picture = decoded(&encoded(&image, ImageFormat::Png)).expect("a whole picture");
    assert_eq!(picture.view().pixels, [1, 2, 3]);
}

#[test]
fn grey_deep_and_transparent_pictures_become_rgb() {
    let cases: [(DynamicImage, [u8; 3]); 7] = [
        (ImageBuffer::from_pixel(2, 2, Luma([77u8])).into(), [77; 3]),
        (ImageBuffer::from_pixel(2, 2, LumaA([200u8, 128])).into(), [100; 3]),
        (ImageBuffer::from_pixel(2, 2, Rgba([200u8, 100, 50, 255])).into(), [200, 100, 50]),
        (ImageBuffer::from_pixel(2, 2, Rgba([200u8, 100, 50, 0])).into(), [0; 3]),
        (ImageBuffer::from_pixel(2, 2, Luma([0x8080u16])).into(), [0x80; 3]),
        (ImageBuffer::from_pixel(2, 2, Rgb([0xFFFFu16, 0x0101, 0])).into(), [255, 1, 0]),
        (ImageBuffer::from_pixel(2, 2, Rgba([0xFFFFu16, 0x8080, 0, 0xFFFF])).into(), [255, 128, 0]),
    ];
    for (image, expected) in cases {
        let picture = decoded(&encoded(&image, ImageFormat::Png)).expect("a whole picture");
        assert_eq!(picture.view().pixels, expected.repeat(4), "{:?}", image.color());
    }
    let bitmap = decoded(b"P1\n2 1\n1 0\n").expect("a whole picture");
    assert_eq!(bitmap.view().pixels, [0, 0, 0, 255, 255, 255]);
    let deep = decoded(b"P5\n1 1\n65535\n\x80\x80").expect("a whole picture");
    assert_eq!(deep.view().pixels, [0x80; 3]);
}

#[test]
fn moving_pictures_are_refused() {
    let mut png = encoded(&small(), ImageFormat::Png);
    // An animation control chunk (two frames, for ever) after the header makes it an animated PNG.
    let mut chunk = 8u32.to_be_bytes().to_vec();
    chunk.extend(b"acTL\0\0\0\x02\0\0\0\0");
    chunk.extend(crc32(&chunk[4..]).to_be_bytes());
    png.splice(33..33, chunk);
    let error = refused(&png);
    assert!(matches!(error, PictureError::Animated { .. }) && error.to_string().contains("animated PNG"), "{error}");

    let error = refused(&animated_webp());
    assert!(matches!(error, PictureError::Animated { .. }) && error.to_string().contains("animated WebP"), "{error}");

    let two = [encoded(&small(), ImageFormat::Pnm), encoded(&small(), ImageFormat::Pnm)].concat();
    let error = refused(&two);
    assert!(matches!(error, PictureError::Animated { .. }), "{error}");
}

#[test]
fn the_orientation_in_the_metadata_is_applied() {
    // Where the first pixel of the stored picture (3 x 2) is seen, as column and row, for the eight values of the tag.
    let seen = [(1, 0, 0), (2, 2, 0), (3, 2, 1), (4, 0, 1), (5, 0, 0), (6, 1, 0), (7, 1, 2), (8, 0, 2)];
    for (tag, column, row) in seen {
        let picture = decoded(&with_orientation(tag)).expect("a whole picture");
        let expected = if tag < 5 { (3, 2) } else { (2, 3) };
        assert_eq!((picture.width(), picture.height()), expected, "tag {tag}");
        let at = 3 * (row * picture.width() + column) as usize;
        assert_eq!(picture.view().pixels[at..at + 3], small().as_bytes()[..3], "tag {tag}");
        let others = picture.view().pixels.chunks_exact(3).filter(|pixel| **pixel == small().as_bytes()[..3]).count();
        assert_eq!(others, 1, "tag {tag}");
    }
}

#[test]
fn cmyk_is_converted() {
    // Adobe stores CMYK inverted: 255 is no ink. No ink is white; cyan alone is red's absence; black is black.
    for (inks, expected) in [
        ([255, 255, 255, 255], [255, 255, 255]),
        ([0, 255, 255, 255], [0, 255, 255]),
        ([255, 0, 0, 255], [255, 0, 0]),
        ([255, 255, 255, 0], [0, 0, 0]),
        ([255, 255, 255, 128], [128, 128, 128]),
    ] {
        let picture = decoded(&cmyk_jpeg(inks)).expect("a whole picture");
        let pixel = &picture.view().pixels[..3];
        let near = pixel.iter().zip(expected).all(|(found, expected): (&u8, u8)| found.abs_diff(expected) <= 2);
        assert!(near, "{inks:?}: {pixel:?}, expected {expected:?}");
    }
}

/// The small picture as a PNG with an Exif chunk that carries an orientation.
fn with_orientation(tag: u8) -> Vec<u8> {
    let mut png = encoded(&small(), ImageFormat::Png);
    // Little-endian TIFF: one entry, tag 0x0112, type SHORT, one value.
    let exif = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[tag, 0, 0, 0], &[0; 4]].concat();
    let mut chunk = (exif.len() as u32).to_be_bytes().to_vec();
    chunk.extend(b"eXIf");
    chunk.extend(exif);
    chunk.extend(crc32(&chunk[4..]).to_be_bytes());
    png.splice(33..33, chunk);
    png
}

/// A WebP whose header says "animated", with one frame.
fn animated_webp() -> Vec<u8> {
    let still = encoded(&small(), ImageFormat::WebP);
    // After "RIFF", a length and "WEBP" comes the one chunk of the still picture.
    let bitstream = &still[12..];
    let chunk = |name: &[u8], body: &[u8]| [name, &(body.len() as u32).to_le_bytes(), body].concat();
    let extended = chunk(b"VP8X", &[0x02, 0, 0, 0, 2, 0, 0, 1, 0, 0]);
    let animation = chunk(b"ANIM", &[0; 6]);
    let frame = chunk(b"ANMF", &[&[0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 40, 0, 0, 0], bitstream].concat());
    let body = [b"WEBP".as_slice(), &extended, &animation, &frame].concat();
    chunk(b"RIFF", &body)
}

/// An 8 x 8 baseline JPEG of four components with Adobe's marker, one value for each.
fn cmyk_jpeg(inks: [u8; 4]) -> Vec<u8> {
    let segment =
        |marker: u8, body: &[u8]| [&[0xFF, marker], &(body.len() as u16 + 2).to_be_bytes()[..], body].concat();
    let adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0");
    // All quantisers 8: the first coefficient is then the value less 128.
    let quantisers = segment(0xDB, &[&[0][..], &[8; 64]].concat());
    let components = (1..=4).flat_map(|id| [id, 0x11, 0]);
    let frame = segment(0xC0, &[8, 0, 8, 0, 8, 4].into_iter().chain(components).collect::<Vec<u8>>());
    // Nine four-bit codes for the categories 0 to 8 of the first coefficient; one one-bit code for "end of block".
    let first = segment(0xC4, &[&[0x00, 0, 0, 0, 9][..], &[0; 12], &[0, 1, 2, 3, 4, 5, 6, 7, 8]].concat());
    let rest = segment(0xC4, &[&[0x10, 1][..], &[0; 15], &[0]].concat());
    let scan = segment(0xDA, &[4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    let mut bits = String::new();
    for ink in inks {
        let value = i32::from(ink) - 128;
        let category = 32 - value.unsigned_abs().leading_zeros();
        bits += &format!("{category:04b}");
        // Negative values are stored as value - 1 in the same number of bits.
        let stored = if value < 0 { value + (1 << category) - 1 } else { value };
        if category > 0 {
            bits += &format!("{stored:0width$b}", width = category as usize);
        }
        bits += "0";
    }
    let mut data = Vec::new();
    for byte in bits.as_bytes().chunks(8) {
        let byte = byte.iter().chain([b'1'; 8].iter()).take(8).fold(0, |byte, bit| (byte << 1) | (bit - b'0'));
        data.push(byte);
        if byte == 0xFF {
            data.push(0);
        }
    }
    [&[0xFF, 0xD8][..], &adobe, &quantisers, &frame, &first, &rest, &scan, &data, &[0xFF, 0xD9]].concat()
}

/// The checksum of PNG chunks (ISO 3309).
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
