//! Decoding one still picture from untrusted bytes, within limits that hold before anything is allocated.
//!
//! What the content is decides, never the file's extension. Grey becomes RGB, 16 bits a channel become 8, a transparent
//! picture is laid on black, CMYK is converted, and the orientation in the metadata is applied. Colour profiles are ignored.
//! Animations are refused: which of their pictures would be meant is not ours to guess.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::pnm::PnmDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat};
use zeroize::Zeroizing;

use crate::picture::Picture;

/// Largest file read unless the caller says otherwise: several times what a phone writes.
pub const BYTES_MAX: u64 = 64 << 20;

/// Largest picture decoded unless the caller says otherwise: 80 megapixels are 240 MB as RGB.
pub const PIXELS_MAX: u64 = 80_000_000;

/// Longest side of a picture, so that no strip of 80,000,000 x 1 reaches a detector.
pub const SIDE_PX_MAX: u32 = 32_768;

/// What a picture may cost. Checked from the file's size and its header, before pixels are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, bytes.
    pub bytes_max: u64,
    /// Largest picture, pixels.
    pub pixels_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: BYTES_MAX, pixels_max: PIXELS_MAX }
    }
}

/// Why a picture was not decoded. `name` is the file as the caller named it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what each field is")]
pub enum PictureError {
    /// The file could not be read.
    #[error("{name}: could not be read: {found}; check that it exists and may be read")]
    Unreadable { name: String, found: io::Error },
    /// The file holds nothing.
    #[error("{name}: the file is empty (0 bytes); fetch it again")]
    Empty { name: String },
    /// The file is larger than the limit.
    #[error("{name}: the file has more than {bytes_max} bytes, the limit; export it smaller")]
    TooManyBytes { name: String, bytes_max: u64 },
    /// The header announces more pixels than the limit.
    #[error(
        "{name}: its header announces {width} x {height} pixels, over the limit of {pixels_max} pixels and {SIDE_PX_MAX} a side; \
         nothing was decoded; export it smaller"
    )]
    TooManyPixels { name: String, width: u32, height: u32, pixels_max: u64 },
    /// The content is of a kind that is not read.
    #[error("{name}: {found}; JPEG, PNG, WebP and PNM are read; convert it")]
    NotRead { name: String, found: String },
    /// The content moves.
    #[error("{name}: {found} with several frames, of which none is the picture; export the one meant as a still")]
    Animated { name: String, found: &'static str },
    /// The content is broken.
    #[error("{name}: damaged {format}: {found}; fetch or export it again")]
    Damaged { name: String, format: &'static str, found: String },
}

/// Reads and decodes one file.
pub fn file(path: &Path, limits: &Limits) -> Result<Picture, PictureError> {
    let name = path.display().to_string();
    let read = || {
        let mut data = Zeroizing::new(Vec::new());
        // One byte over the limit is enough to know; this also holds for files whose size is not known beforehand.
        File::open(path)?.take(limits.bytes_max.saturating_add(1)).read_to_end(&mut data)?;
        Ok(data)
    };
    let data = read().map_err(|found| PictureError::Unreadable { name: name.clone(), found })?;
    bytes(&name, &data, limits)
}

/// Decodes one picture; `name` is what errors call it.
pub fn bytes(name: &str, data: &[u8], limits: &Limits) -> Result<Picture, PictureError> {
    let name = || name.to_owned();
    if data.is_empty() {
        return Err(PictureError::Empty { name: name() });
    }
    if data.len() as u64 > limits.bytes_max {
        return Err(PictureError::TooManyBytes { name: name(), bytes_max: limits.bytes_max });
    }
    let format = image::guess_format(data)
        .map_err(|_| PictureError::NotRead { name: name(), found: what_else(data).to_owned() })?;
    let source = Source { name: name(), format: format_name(format), limits };
    let reader = Cursor::new(data);
    match format {
        ImageFormat::Jpeg => {
            if !jpeg_ends(data) {
                return Err(source.damaged("it is cut short (no end marker)"));
            }
            source.pixels(JpegDecoder::new(reader).map_err(|error| source.error(error))?)
        }
        ImageFormat::Png => {
            let decoder = PngDecoder::with_limits(reader, source.allocation()).map_err(|error| source.error(error))?;
            if decoder.is_apng().map_err(|error| source.error(error))? {
                return Err(PictureError::Animated { name: name(), found: "an animated PNG" });
            }
            source.pixels(decoder)
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(reader).map_err(|error| source.error(error))?;
            if decoder.has_animation() {
                return Err(PictureError::Animated { name: name(), found: "an animated WebP" });
            }
            source.pixels(decoder)
        }
        ImageFormat::Pnm => source.only_pnm(reader),
        other => Err(PictureError::NotRead { name: name(), found: format!("this is {}", format_name(other)) }),
    }
}

/// The file being decoded, for its errors and limits.
struct Source<'a> {
    name: String,
    format: &'static str,
    limits: &'a Limits,
}

impl Source<'_> {
    /// Checks the announced size, then decodes, converts and turns the picture upright.
    fn pixels(&self, mut decoder: impl ImageDecoder) -> Result<Picture, PictureError> {
        let (width, height) = decoder.dimensions();
        let count = u64::from(width) * u64::from(height);
        if count > self.limits.pixels_max || width.max(height) > SIDE_PX_MAX {
            let pixels_max = self.limits.pixels_max;
            return Err(PictureError::TooManyPixels { name: self.name.clone(), width, height, pixels_max });
        }
        decoder.set_limits(self.allocation()).map_err(|error| self.error(error))?;
        // Unreadable metadata does not make a picture unreadable.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let color = decoder.color_type();
        let length =
            usize::try_from(decoder.total_bytes()).map_err(|_| self.damaged("its size is beyond this machine"))?;
        let mut raw = Zeroizing::new(vec![0; length]);
        decoder.read_image(&mut raw).map_err(|error| self.error(error))?;
        let rgb = to_rgb(color, raw).ok_or_else(|| self.damaged("its channels are none of grey, RGB and RGBA"))?;
        upright(width, height, rgb, orientation).ok_or_else(|| self.damaged("it has no pixels"))
    }

    /// A PNM file may hold several pictures one after the other; only a single one is read.
    fn only_pnm(&self, mut reader: Cursor<&[u8]>) -> Result<Picture, PictureError> {
        let picture = self.pixels(PnmDecoder::new(&mut reader).map_err(|error| self.error(error))?)?;
        let position = usize::try_from(reader.position()).unwrap_or(usize::MAX);
        let mut rest = reader.get_ref().get(position..).unwrap_or_default().trim_ascii_start().iter();
        match (rest.next(), rest.next()) {
            (Some(b'P'), Some(b'1'..=b'7')) => Err(PictureError::Animated { name: self.name.clone(), found: "a PNM" }),
            _ => Ok(picture),
        }
    }

    /// The decoders' own limit, a second line behind the check of the announced size: 16-bit RGBA is 8 bytes a pixel.
    fn allocation(&self) -> image::Limits {
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(self.limits.pixels_max.saturating_mul(8).saturating_add(1 << 20));
        limits
    }

    fn damaged(&self, found: impl Into<String>) -> PictureError {
        PictureError::Damaged { name: self.name.clone(), format: self.format, found: found.into() }
    }

    /// A decoder's error in our words: what it does not support is not damage.
    fn error(&self, error: ImageError) -> PictureError {
        match error {
            ImageError::Unsupported(found) => PictureError::NotRead {
                name: self.name.clone(),
                found: format!("a {} of a kind not supported: {found}", self.format),
            },
            other => self.damaged(other.to_string()),
        }
    }
}

/// Interleaved 8-bit RGB of decoded pixels; `None` for a colour type that no decoder here yields.
fn to_rgb(color: ColorType, mut raw: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
    let rgb = match color {
        ColorType::Rgb8 => std::mem::take(&mut *raw),
        ColorType::L8 => raw.iter().flat_map(|grey| [*grey; 3]).collect(),
        ColorType::La8 => raw.chunks_exact(2).flat_map(|p| [on_black(p[0], p[1]); 3]).collect(),
        ColorType::Rgba8 => raw.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]].map(|c| on_black(c, p[3]))).collect(),
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let eight = match color {
                ColorType::L16 => ColorType::L8,
                ColorType::La16 => ColorType::La8,
                ColorType::Rgb16 => ColorType::Rgb8,
                _ => ColorType::Rgba8,
            };
            return to_rgb(
                eight,
                Zeroizing::new(raw.chunks_exact(2).map(|p| sixteen_to_eight([p[0], p[1]])).collect()),
            );
        }
        _ => return None,
    };
    Some(rgb)
}

/// The nearest of 256 steps to one of 65,536 (native byte order, as the decoders write them).
fn sixteen_to_eight(bytes: [u8; 2]) -> u8 {
    ((u32::from(u16::from_ne_bytes(bytes)) + 128) / 257) as u8
}

/// A half-transparent value on a black ground, rounded.
fn on_black(value: u8, alpha: u8) -> u8 {
    ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8
}

/// The picture as its orientation says it should be looked at.
fn upright(width: u32, height: u32, rgb: Vec<u8>, orientation: Orientation) -> Option<Picture> {
    use Orientation as O;
    if orientation == O::NoTransforms {
        return Picture::from_rgb(width, height, rgb);
    }
    let rgb = Zeroizing::new(rgb);
    let (w, h) = (width as usize, height as usize);
    let turned = matches!(orientation, O::Rotate90 | O::Rotate270 | O::Rotate90FlipH | O::Rotate270FlipH);
    let (wide, high) = if turned { (h, w) } else { (w, h) };
    let mut out = Vec::with_capacity(rgb.len());
    for y in 0..high {
        for x in 0..wide {
            let (from_x, from_y) = match orientation {
                O::NoTransforms => (x, y),
                O::FlipHorizontal => (w - 1 - x, y),
                O::Rotate180 => (w - 1 - x, h - 1 - y),
                O::FlipVertical => (x, h - 1 - y),
                O::Rotate90 => (y, h - 1 - x),
                O::Rotate270 => (w - 1 - y, x),
                O::Rotate90FlipH => (y, x),
                O::Rotate270FlipH => (w - 1 - y, h - 1 - x),
            };
            let start = 3 * (from_y * w + from_x);
            out.extend_from_slice(rgb.get(start..start + 3)?);
        }
    }
    Picture::from_rgb(wide as u32, high as u32, out)
}

/// Whether a JPEG's compressed data reach their end marker. The decoder is lenient and would fill what is missing with grey.
fn jpeg_ends(data: &[u8]) -> bool {
    let mut at = 2;
    // Segments before the first scan carry their length; a thumbnail inside one has an end marker of its own.
    while let Some([0xFF, marker, high, low]) = data.get(at..at + 4) {
        match marker {
            0xDA => return data[at..].windows(2).any(|pair| pair == [0xFF, 0xD9]),
            0xFF => at += 1,
            _ => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
        }
    }
    // Odd headers are the decoder's to judge.
    data.windows(2).any(|pair| pair == [0xFF, 0xD9])
}

/// What content of no known picture format seems to be. Phones write HEIF, so it is worth its name.
fn what_else(data: &[u8]) -> &'static str {
    match data.get(4..8) {
        Some(b"ftyp") => "this is a HEIF picture or a video",
        _ => "this is no picture of a kind known here",
    }
}

/// What a format is called in messages.
fn format_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Pnm => "PNM",
        ImageFormat::Gif => "a GIF",
        ImageFormat::Tiff => "a TIFF",
        ImageFormat::Bmp => "a BMP",
        ImageFormat::Ico => "an icon",
        ImageFormat::Avif => "an AVIF",
        ImageFormat::Hdr | ImageFormat::OpenExr => "a high-dynamic-range picture",
        _ => "a picture of a kind not read here",
    }
}
