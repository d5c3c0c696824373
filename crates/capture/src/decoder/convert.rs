//! A decoded picture of any pixel format becomes upright RGB with square pixels.

use ffmpeg_next as ffmpeg;

use ffmpeg::ffi;
use ffmpeg::format::Pixel;
use ffmpeg::frame;
use ffmpeg::software::scaling;

use crate::frame::wipe;

/// Pixels wider or narrower than this are taken for a damaged header, and for square.
const PIXEL_STRETCH_MAX: u64 = 4;
/// Pictures at least this high are taken for BT.709 when they do not say; lower ones for BT.601.
const HIGH_DEFINITION_LINES: u32 = 720;
/// Longest side that is converted.
const SIDE_MAX: u64 = 32_768;

/// Where the corners of the stored picture belong: what a phone held sideways writes into its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orientation {
    /// Direction in which the stored picture's columns run when shown.
    across: (i8, i8),
    /// Direction in which its rows run when shown.
    down: (i8, i8),
}

/// Size of a picture as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Converts one frame after the other; set up again when their size or format changes.
pub(crate) struct Converter {
    orientation: Orientation,
    set_up: Option<(Source, Scaler)>,
    rgb: frame::Video,
}

struct Scaler(scaling::Context);

/// What a conversion depends on.
#[derive(Clone, Copy, PartialEq)]
struct Source {
    format: Pixel,
    stored: Shape,
    square: Shape,
    colours: i32,
    full_range: bool,
}

impl Orientation {
    pub(crate) const UPRIGHT: Self = Self { across: (1, 0), down: (0, 1) };

    /// Reads the nine numbers (32-bit, native order) of a display matrix. Only quarter turns and mirrorings are
    /// applied; any other matrix counts as upright.
    pub(crate) fn from_display_matrix(matrix: &[u8]) -> Self {
        let sign = |index: usize| {
            let bytes = matrix.get(4 * index..4 * index + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
            bytes.map(|bytes| i32::from_ne_bytes(bytes).signum() as i8)
        };
        match (sign(0), sign(1), sign(3), sign(4)) {
            (Some(a), Some(b), Some(c), Some(d)) if (a, d) == (0, 0) && b != 0 && c != 0 => {
                Self { across: (0, b), down: (c, 0) }
            }
            (Some(a), Some(b), Some(c), Some(d)) if (b, c) == (0, 0) && a != 0 && d != 0 => {
                Self { across: (a, 0), down: (0, d) }
            }
            _ => Self::UPRIGHT,
        }
    }

    /// Width and height as stored of a picture that is shown with these.
    pub(crate) fn stored_of(self, width: u32, height: u32) -> (u32, u32) {
        if self.across.0 == 0 { (height, width) } else { (width, height) }
    }

    fn shown(self, stored: Shape) -> Shape {
        if self.across.0 == 0 { Shape { width: stored.height, height: stored.width } } else { stored }
    }

    /// Copies rows of stored RGB into their shown places. `target` holds exactly the shown picture.
    fn place(self, stored: Shape, stride_bytes: usize, source: &[u8], target: &mut [u8]) {
        let row_bytes = 3 * stored.width as usize;
        if self == Self::UPRIGHT {
            for (to, from) in target.chunks_exact_mut(row_bytes).zip(source.chunks(stride_bytes)) {
                to.copy_from_slice(&from[..row_bytes]);
            }
            return;
        }
        let shown = self.shown(stored);
        let (width, height) = (i64::from(shown.width), i64::from(shown.height));
        let first = |step: (i8, i8), last: (i64, i64)| {
            (if step.0 < 0 { last.0 } else { 0 }, if step.1 < 0 { last.1 } else { 0 })
        };
        let last = (width - 1, height - 1);
        let (across, down) = (first(self.across, last), first(self.down, last));
        for (y, row) in source.chunks(stride_bytes).take(stored.height as usize).enumerate() {
            let (mut left, mut top) = (across.0 + down.0, across.1 + down.1);
            left += y as i64 * i64::from(self.down.0);
            top += y as i64 * i64::from(self.down.1);
            for pixel in row[..row_bytes].chunks_exact(3) {
                let at = 3 * (top * width + left) as usize;
                target[at..at + 3].copy_from_slice(pixel);
                left += i64::from(self.across.0);
                top += i64::from(self.across.1);
            }
        }
    }
}

impl Orientation {
    /// Copies one plane of bytes into its shown place, whose rows are `to_stride_bytes` apart.
    pub(crate) fn place_bytes(
        self,
        (width, height): (u32, u32),
        stride_bytes: usize,
        source: &[u8],
        to_stride_bytes: usize,
        to: &mut [u8],
    ) {
        let shown = self.shown(Shape { width, height });
        let first = |step: i8, side: u32| if step < 0 { i64::from(side) - 1 } else { 0 };
        let left = first(self.across.0 + self.down.0, shown.width);
        let top = first(self.across.1 + self.down.1, shown.height);
        for (y, row) in source.chunks(stride_bytes).take(height as usize).enumerate() {
            for (x, value) in row.iter().take(width as usize).enumerate() {
                let along = |across: i8, down: i8| x as i64 * i64::from(across) + y as i64 * i64::from(down);
                let (column, line) =
                    (left + along(self.across.0, self.down.0), top + along(self.across.1, self.down.1));
                if let Some(place) = to.get_mut(line as usize * to_stride_bytes + column as usize) {
                    *place = *value;
                }
            }
        }
    }
}

impl Shape {
    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Bytes of its RGB.
    pub(crate) fn bytes(self) -> usize {
        3 * self.pixels() as usize
    }
}

impl Converter {
    pub(crate) fn new(orientation: Orientation) -> Self {
        Self { orientation, set_up: None, rgb: frame::Video::empty() }
    }

    /// The size `decoded` will be shown at; `None` when it has no size, or sides beyond what is converted.
    pub(crate) fn prepare(&self, decoded: &frame::Video) -> Option<Shape> {
        Source::of(decoded).map(|source| self.orientation.shown(source.square))
    }

    /// Writes `decoded` as RGB into `pixels`, which has the bytes of the shape that `prepare` named.
    pub(crate) fn convert(&mut self, decoded: &frame::Video, pixels: &mut [u8]) -> Result<(), String> {
        let source = Source::of(decoded).ok_or("a frame without a size")?;
        if pixels.len() != source.square.bytes() {
            return Err(format!("a buffer of {} bytes for {} pixels", pixels.len(), source.square.pixels()));
        }
        let Scaler(context) = match &mut self.set_up {
            Some((set_up, scaler)) if *set_up == source => scaler,
            other => {
                wipe_frame(&mut self.rgb);
                self.rgb = frame::Video::empty();
                &mut other.insert((source, source.scaler()?)).1
            }
        };
        context.run(decoded, &mut self.rgb).map_err(|error| format!("its pixels can not be converted: {error}"))?;
        let stride_bytes = self.rgb.stride(0);
        self.orientation.place(source.square, stride_bytes, self.rgb.data(0), pixels);
        Ok(())
    }
}

impl Drop for Converter {
    fn drop(&mut self) {
        wipe_frame(&mut self.rgb);
    }
}

impl Source {
    fn of(decoded: &frame::Video) -> Option<Self> {
        let stored = Shape { width: decoded.width(), height: decoded.height() };
        let square = square_pixels(stored, decoded.aspect_ratio())?;
        // SAFETY: `decoded` owns an AVFrame that FFmpeg filled; the field is a plain enumeration.
        let colours = unsafe { (*decoded.as_ptr()).colorspace as i32 };
        let unspecified = ffi::AVColorSpace::AVCOL_SPC_UNSPECIFIED as i32;
        let guessed = if stored.height >= HIGH_DEFINITION_LINES { ffi::SWS_CS_ITU709 } else { ffi::SWS_CS_ITU601 };
        let colours = if colours == unspecified { guessed } else { colours };
        Some(Self { format: decoded.format(), stored, square, colours, full_range: is_full_range(decoded) })
    }

    fn scaler(&self) -> Result<Scaler, String> {
        let (from, to) = (self.stored, self.square);
        // Exact rounding and full chroma, so that the same recording gives the same pixels on every processor.
        let flags = scaling::Flags::BILINEAR | scaling::Flags::ACCURATE_RND | scaling::Flags::BITEXACT;
        let context =
            scaling::Context::get(self.format, from.width, from.height, Pixel::RGB24, to.width, to.height, flags);
        let mut context =
            context.map_err(|_| format!("pixels of the kind {:?}, which can not be converted", self.format))?;
        // SAFETY: the context was just made; the two tables are constants inside FFmpeg. For RGB sources the call
        // changes nothing and says so, which is no fault.
        unsafe {
            let table = ffi::sws_getCoefficients(self.colours);
            let target = ffi::sws_getCoefficients(ffi::SWS_CS_DEFAULT);
            let unity = 1 << 16;
            ffi::sws_setColorspaceDetails(
                context.as_mut_ptr(),
                table,
                self.full_range.into(),
                target,
                1,
                0,
                unity,
                unity,
            );
        }
        Ok(Scaler(context))
    }
}

/// Whether 0 is black and 255 white.
pub(crate) fn is_full_range(decoded: &frame::Video) -> bool {
    // SAFETY: `decoded` owns an AVFrame that FFmpeg filled; the field is a plain enumeration.
    let range = unsafe { (*decoded.as_ptr()).color_range };
    let jpeg = matches!(decoded.format(), Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P);
    jpeg || range == ffi::AVColorRange::AVCOL_RANGE_JPEG
}

/// Whether the colours have the weights of BT.709 or BT.2020 rather than of BT.601.
pub(crate) fn is_high_definition(decoded: &frame::Video) -> bool {
    use ffi::AVColorSpace::{AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M, AVCOL_SPC_UNSPECIFIED};
    // SAFETY: `decoded` owns an AVFrame that FFmpeg filled; the field is a plain enumeration.
    match unsafe { (*decoded.as_ptr()).colorspace } {
        AVCOL_SPC_UNSPECIFIED => decoded.height() >= HIGH_DEFINITION_LINES,
        AVCOL_SPC_BT470BG | AVCOL_SPC_SMPTE170M => false,
        _ => true,
    }
}

/// The size with square pixels: the shorter side is stretched, so that no detail is lost.
fn square_pixels(stored: Shape, ratio: ffmpeg::Rational) -> Option<Shape> {
    let (width, height) = (u64::from(stored.width), u64::from(stored.height));
    let across = u64::try_from(ratio.numerator()).unwrap_or(0);
    let down = u64::try_from(ratio.denominator()).unwrap_or(0);
    let stretched = across != down && across > 0 && down > 0;
    let believable = across <= PIXEL_STRETCH_MAX * down && down <= PIXEL_STRETCH_MAX * across;
    let (width, height) = match (stretched && believable, across > down) {
        (false, _) => (width, height),
        (true, true) => (width * across / down, height),
        (true, false) => (width, height * down / across),
    };
    let fits = |side: u64| (1..=SIDE_MAX).contains(&side).then_some(side as u32);
    Some(Shape { width: fits(width)?, height: fits(height)? })
}

fn wipe_frame(picture: &mut frame::Video) {
    if picture.planes() > 0 && picture.width() > 0 {
        wipe(picture.data_mut(0));
    }
}
