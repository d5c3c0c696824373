//! A decoded picture as the decoder left it: luminance and chroma planes, borrowed from a shared ring, wiped when given back.

use std::time::{Duration, Instant};

use crate::frame::wipe;
use crate::outside::Outside;
use crate::stamp::Stamp;
use crate::stream::Held;

/// One decoded picture. Its planes lie where the decoder's process put them; dropping it wipes them and gives the place
/// back, so it is held no longer than needed: a stream has a fixed number of places
/// ([`StreamOptions::held_frames_max`](crate::StreamOptions)).
pub struct YuvFrame {
    number: u64,
    connection: u64,
    is_key: bool,
    stamp: Stamp,
    shape: YuvShape,
    storage: Storage,
    /// Counts it while a consumer has it.
    held: Option<Held>,
}

/// Where the planes of one picture lie, and what their numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YuvShape {
    /// Width of the luminance in pixels, at least 1.
    pub width: u32,
    /// Height of the luminance in pixels, at least 1.
    pub height: u32,
    /// How the chroma lies.
    pub layout: Layout,
    /// From one row to the next, bytes: luminance, then chroma. At least as long as a row.
    pub stride_bytes: [usize; 2],
    /// Which numbers are black and white.
    pub range: Range,
    /// Which weights the colours have.
    pub matrix: Matrix,
}

/// How the chroma of a picture lies. Both halve its resolution in both directions, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A plane of blue differences, then one of red differences.
    I420,
    /// One plane in which they take turns.
    Nv12,
}

/// Which luminance is black and which is white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// 16 to 235, chroma 16 to 240.
    Limited,
    /// 0 to 255.
    Full,
}

/// How colours were weighted into luminance and chroma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601: standard definition, JPEG.
    Bt601,
    /// ITU-R BT.709: high definition. Also stands for BT.2020, whose weights differ little for what is done here.
    Bt709,
}

/// One plane of a picture.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    bytes: &'a [u8],
    stride_bytes: usize,
    row_bytes: usize,
    rows: usize,
}

/// The chroma of a picture.
#[derive(Clone, Copy)]
pub enum Chroma<'a> {
    /// Half as wide and half as high as the luminance, rounded up.
    Planar {
        /// Blue differences.
        blue: Plane<'a>,
        /// Red differences.
        red: Plane<'a>,
    },
    /// Rows of blue, red, blue, red …: twice half the width, rounded up, in bytes.
    Interleaved(Plane<'a>),
}

/// Who owns the bytes.
pub(crate) enum Storage {
    /// A place in a decoder's ring.
    #[cfg(all(feature = "video", target_os = "linux"))]
    Slot(crate::isolation::Slot),
    /// Pictures that were rendered or decoded in this process.
    Owned(Vec<u8>),
}

impl YuvFrame {
    pub(crate) fn new(number: u64, connection: u64, stamp: Stamp, shape: YuvShape, storage: Storage) -> Self {
        Self { number, connection, is_key: false, stamp, shape, storage, held: None }
    }

    /// From now on a consumer has it.
    pub(crate) fn handed_out(mut self, held: Held) -> Self {
        self.held = Some(held);
        self
    }

    #[cfg(all(feature = "video", target_os = "linux"))]
    pub(crate) fn with_key(mut self, is_key: bool) -> Self {
        self.is_key = is_key;
        self
    }

    /// Counts from 0 within the stream, across reconnects; a number that is missing was a frame nobody took.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Counts from 0 with each connection to the camera. Between two connections time has passed: what is followed from
    /// frame to frame is not followed across.
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// Whether it was decoded from itself alone.
    pub fn is_key(&self) -> bool {
        self.is_key
    }

    /// When it was captured and when it arrived.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Time since the stream's first frame; never runs backwards.
    pub fn offset(&self) -> Duration {
        self.stamp.offset
    }

    /// When the packet that completed it arrived here.
    pub fn arrived(&self) -> Instant {
        self.stamp.arrived
    }

    /// Width, height, layout, range and weights.
    pub fn shape(&self) -> YuvShape {
        self.shape
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.shape.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.shape.height
    }

    /// The luminance. Its rows are read in place; a decoder that was taken over may still change them while they are
    /// read, so they are numbers to compute with and never lengths or places.
    pub fn luma(&self) -> Plane<'_> {
        let [rows, ..] = self.shape.planes();
        rows.of(self.bytes())
    }

    /// The chroma, in the layout of [`YuvFrame::shape`].
    pub fn chroma(&self) -> Chroma<'_> {
        let [_, first, second] = self.shape.planes();
        match self.shape.layout {
            Layout::I420 => Chroma::Planar { blue: first.of(self.bytes()), red: second.of(self.bytes()) },
            Layout::Nv12 => Chroma::Interleaved(first.of(self.bytes())),
        }
    }

    /// Blanks what nobody may look at: black, without colour. A mask of another size blanks everything.
    pub fn blank(&mut self, outside: &Outside) {
        let (shape, fits) = (self.shape, outside.fits(self.width(), self.height()));
        let black = if shape.range == Range::Full { 0 } else { 16 };
        let [luma, first, second] = shape.planes();
        let pair = if shape.layout == Layout::Nv12 { 2 } else { 1 };
        for (plane, spans, pixel_bytes, value) in
            [(luma, outside.luma(), 1, black), (first, outside.chroma(), pair, 128), (second, outside.chroma(), 1, 128)]
        {
            let bytes = self.bytes_mut();
            for y in 0..plane.rows {
                let from = plane.from + y * plane.stride_bytes;
                let Some(row) = bytes.get_mut(from..from + plane.row_bytes) else { continue };
                match spans.get(y) {
                    Some(spans) if fits => spans.iter().for_each(|span| {
                        row[span.start * pixel_bytes..span.end * pixel_bytes].fill(value);
                    }),
                    _ => row.fill(value),
                }
            }
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.storage {
            #[cfg(all(feature = "video", target_os = "linux"))]
            Storage::Slot(slot) => slot.bytes_mut(),
            Storage::Owned(bytes) => bytes,
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.storage {
            #[cfg(all(feature = "video", target_os = "linux"))]
            Storage::Slot(slot) => slot.bytes(),
            Storage::Owned(bytes) => bytes,
        }
    }
}

impl Drop for YuvFrame {
    fn drop(&mut self) {
        match &mut self.storage {
            // A slot wipes itself when it is dropped, just after this.
            #[cfg(all(feature = "video", target_os = "linux"))]
            Storage::Slot(_) => {}
            Storage::Owned(bytes) => wipe(bytes),
        }
    }
}

impl<'a> Plane<'a> {
    /// Row `y`, without what pads it; empty below the last row.
    pub fn row(&self, y: usize) -> &'a [u8] {
        if y >= self.rows {
            return &[];
        }
        self.bytes.get(y * self.stride_bytes..y * self.stride_bytes + self.row_bytes).unwrap_or(&[])
    }

    /// All rows, top to bottom.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let plane = *self;
        (0..self.rows).map(move |y| plane.row(y))
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.rows
    }

    /// Bytes of a row that are picture.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// From the start of one row to the start of the next.
    pub fn stride_bytes(&self) -> usize {
        self.stride_bytes
    }

    /// From the first byte of the first row on; the last row may lack its padding.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// One plane's place in the bytes of a picture.
#[derive(Clone, Copy)]
struct Placed {
    from: usize,
    stride_bytes: usize,
    row_bytes: usize,
    rows: usize,
}

impl Placed {
    fn of(self, bytes: &[u8]) -> Plane<'_> {
        let Self { from, stride_bytes, row_bytes, rows } = self;
        Plane { bytes: bytes.get(from..from + stride_bytes * rows).unwrap_or(&[]), stride_bytes, row_bytes, rows }
    }
}

impl YuvShape {
    /// Luminance, then one or two planes of chroma; the third is empty for interleaved chroma.
    fn planes(&self) -> [Placed; 3] {
        let (width, height) = (self.width as usize, self.height as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let [luma_stride, chroma_stride] = self.stride_bytes;
        let luma = Placed { from: 0, stride_bytes: luma_stride, row_bytes: width, rows: height };
        let from = luma_stride * height;
        let row_bytes = if self.layout == Layout::I420 { half_width } else { 2 * half_width };
        let first = Placed { from, stride_bytes: chroma_stride, row_bytes, rows: half_height };
        let rows = if self.layout == Layout::I420 { half_height } else { 0 };
        let second = Placed { from: from + chroma_stride * half_height, rows, ..first };
        [luma, first, second]
    }

    /// Bytes of all planes; `None` when a side is zero, a stride is shorter than its row, or the whole is beyond counting.
    pub fn bytes(&self) -> Option<usize> {
        if self.width == 0 || self.height == 0 || self.width.max(self.height) > SIDE_PX_MAX {
            return None;
        }
        // Asked first: what follows multiplies by it.
        if self.stride_bytes.iter().any(|stride| *stride > STRIDE_BYTES_MAX) {
            return None;
        }
        let [luma, first, second] = self.planes();
        let believable = [luma, first].iter().all(|plane| plane.stride_bytes >= plane.row_bytes);
        believable.then(|| second.from + second.stride_bytes * second.rows)
    }

    /// A shape whose rows are not padded beyond 64 bytes, at which rows are quickest to read.
    pub fn packed(width: u32, height: u32, layout: Layout) -> Self {
        let chroma = if layout == Layout::I420 { width.div_ceil(2) } else { 2 * width.div_ceil(2) };
        let padded = |row: u32| (row as usize).next_multiple_of(ROW_ALIGNMENT_BYTES);
        let stride_bytes = [padded(width), padded(chroma)];
        Self { width, height, layout, stride_bytes, range: Range::Limited, matrix: Matrix::Bt709 }
    }
}

/// Longest side of a picture, pixels.
pub const SIDE_PX_MAX: u32 = 16_384;
/// Longest way from one row to the next, bytes.
const STRIDE_BYTES_MAX: usize = 4 * SIDE_PX_MAX as usize;
/// Rows begin at multiples of this.
const ROW_ALIGNMENT_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(shape: YuvShape) -> YuvFrame {
        let bytes: Vec<u8> = (0..shape.bytes().expect("a shape")).map(|at| at as u8).collect();
        YuvFrame::new(0, 0, Stamp::first(std::time::Duration::ZERO), shape, Storage::Owned(bytes))
    }

    #[test]
    fn planes_lie_one_after_the_other_with_chroma_rounded_up() {
        let shape = YuvShape { stride_bytes: [8, 4], ..YuvShape::packed(5, 3, Layout::I420) };
        assert_eq!(shape.bytes(), Some(8 * 3 + 4 * 2 + 4 * 2));
        let frame = frame(shape);
        assert_eq!(frame.luma().row(2), [16, 17, 18, 19, 20]);
        let Chroma::Planar { blue, red } = frame.chroma() else { panic!("planar") };
        assert_eq!((blue.row(1), red.row(1)), (&[28, 29, 30][..], &[36, 37, 38][..]));
        assert!(red.row(2).is_empty(), "there is no third row");
        assert_eq!(red.rows().count(), 2);
    }

    #[test]
    fn interleaved_chroma_has_pairs() {
        let shape = YuvShape { stride_bytes: [8, 8], ..YuvShape::packed(5, 3, Layout::Nv12) };
        assert_eq!(shape.bytes(), Some(8 * 3 + 8 * 2));
        let frame = frame(shape);
        let Chroma::Interleaved(plane) = frame.chroma() else { panic!("interleaved") };
        assert_eq!(plane.row(1), [32, 33, 34, 35, 36, 37]);
    }

    #[test]
    fn shapes_that_can_not_be_have_no_length() {
        let good = YuvShape::packed(1920, 1080, Layout::I420);
        assert_eq!(good.stride_bytes, [1920, 960]);
        assert_eq!(good.bytes(), Some(1920 * 1080 * 3 / 2));
        for bad in [
            YuvShape { width: 0, ..good },
            YuvShape { height: 0, ..good },
            YuvShape { width: SIDE_PX_MAX + 1, ..good },
            YuvShape { stride_bytes: [1919, 960], ..good },
            YuvShape { stride_bytes: [1920, 959], ..good },
            YuvShape { stride_bytes: [usize::MAX, 960], ..good },
        ] {
            assert_eq!(bad.bytes(), None, "{bad:?}");
        }
    }
}
