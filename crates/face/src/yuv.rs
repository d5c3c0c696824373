//! A decoded video frame as decoders leave it: brightness and colour in planes of their own, read in place.

mod cut;

use crate::picture::{Picture, block_means};

/// A borrowed frame in YUV. The planes are read where they lie; nothing is converted that nobody looks at.
#[derive(Clone, Copy)]
pub struct YuvView<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Brightness, one byte a pixel.
    pub luma: Plane<'a>,
    /// Colour, one pair of bytes for a block of pixels.
    pub chroma: Chroma<'a>,
    /// How the numbers are meant.
    pub colours: Colours,
}

/// Rows of bytes with a fixed distance between their beginnings.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    /// From the beginning of one row to that of the next.
    pub stride_bytes: usize,
    /// The rows; the last may end without its padding.
    pub bytes: &'a [u8],
}

/// The two colour differences.
#[derive(Clone, Copy)]
pub enum Chroma<'a> {
    /// In a plane each (I420 and its kin).
    Planar {
        /// Blue difference.
        u: Plane<'a>,
        /// Red difference.
        v: Plane<'a>,
        /// Pixels across that share a value: 1 or 2.
        across: u32,
        /// Pixels down that share a value: 1 or 2.
        down: u32,
    },
    /// In turn in one plane, for blocks of two by two (NV12).
    Interleaved(Plane<'a>),
}

/// How brightness and colour differences become red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    /// The weights.
    pub matrix: Matrix,
    /// The range of the numbers.
    pub range: Range,
}

/// Which recommendation the weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601: standard definition, and JPEG.
    Bt601,
    /// ITU-R BT.709: high definition.
    Bt709,
}

/// Which numbers stand for black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// 16 to 235, as video is.
    Limited,
    /// 0 to 255, as JPEG is.
    Full,
}

/// Of so many rows one is read where brightness is all that is asked.
pub(crate) const ROWS_BETWEEN: usize = 4;

/// Factors that turn one pixel into red, green and blue.
#[derive(Clone, Copy)]
pub(crate) struct Factors {
    black: f32,
    luma: f32,
    red_of_v: f32,
    green_of_u: f32,
    green_of_v: f32,
    blue_of_u: f32,
}

impl Colours {
    pub(crate) fn factors(self) -> Factors {
        // ITU-R BT.601-7 and BT.709-6; limited range has 219 steps of brightness and 224 of colour.
        let (red_of_v, green_of_u, green_of_v, blue_of_u) = match self.matrix {
            Matrix::Bt601 => (1.402, -0.344_136, -0.714_136, 1.772),
            Matrix::Bt709 => (1.574_8, -0.187_324, -0.468_124, 1.855_6),
        };
        let (black, luma, chroma) = match self.range {
            Range::Limited => (16.0, 255.0 / 219.0, 255.0 / 224.0),
            Range::Full => (0.0, 1.0, 1.0),
        };
        Factors {
            black,
            luma,
            red_of_v: red_of_v * chroma,
            green_of_u: green_of_u * chroma,
            green_of_v: green_of_v * chroma,
            blue_of_u: blue_of_u * chroma,
        }
    }
}

impl Chroma<'_> {
    /// Pixels across and down that share a value.
    pub(crate) fn shared(&self) -> (u32, u32) {
        match self {
            Self::Planar { across, down, .. } => (*across, *down),
            Self::Interleaved(_) => (2, 2),
        }
    }
}

impl Factors {
    /// What a pair of colour values adds to the brightness, for red, green and blue.
    #[inline(always)]
    pub(crate) fn tint(&self, u: u8, v: u8) -> [f32; 3] {
        let (u, v) = (f32::from(u) - 128.0, f32::from(v) - 128.0);
        [self.red_of_v * v, self.green_of_u * u + self.green_of_v * v, self.blue_of_u * u]
    }

    /// The brightness, 0 to 255 or a little beyond.
    #[inline(always)]
    pub(crate) fn brightness(&self, y: u8) -> f32 {
        (f32::from(y) - self.black) * self.luma
    }

    /// Red, green and blue, 0 to 255.
    #[inline(always)]
    pub(crate) fn rgb(&self, y: u8, u: u8, v: u8) -> [f32; 3] {
        let y = self.brightness(y);
        self.tint(u, v).map(|tint| (y + tint).clamp(0.0, 255.0))
    }
}

impl<'a> Plane<'a> {
    /// `length` bytes of a row from `start` on; nothing where the plane is too short.
    pub(crate) fn piece(&self, row: u32, start: usize, length: usize) -> &'a [u8] {
        let from = self.stride_bytes * row as usize + start;
        self.bytes.get(from..from + length).unwrap_or_default()
    }
}

impl<'a> YuvView<'a> {
    /// A view of planes that hold what the size asks for; `None` where one is too short or its rows overlap.
    pub fn new(width: u32, height: u32, luma: Plane<'a>, chroma: Chroma<'a>, colours: Colours) -> Option<Self> {
        let holds = |plane: &Plane<'_>, row_bytes: u32, rows: u32| {
            let row_bytes = row_bytes as usize;
            let needed = plane.stride_bytes.checked_mul(rows.saturating_sub(1) as usize)?.checked_add(row_bytes)?;
            (plane.stride_bytes >= row_bytes && plane.bytes.len() >= needed).then_some(())
        };
        if width == 0 || height == 0 {
            return None;
        }
        holds(&luma, width, height)?;
        match &chroma {
            Chroma::Planar { u, v, across, down } => {
                if !(1..=2).contains(across) || !(1..=2).contains(down) {
                    return None;
                }
                let (columns, rows) = (width.div_ceil(*across), height.div_ceil(*down));
                holds(u, columns, rows)?;
                holds(v, columns, rows)?;
            }
            Chroma::Interleaved(plane) => holds(plane, 2 * width.div_ceil(2), height.div_ceil(2))?,
        }
        Some(Self { width, height, luma, chroma, colours })
    }

    /// A part of the frame as RGB. The part must lie inside.
    pub(crate) fn cut(&self, left: u32, top: u32, width: u32, height: u32) -> Option<Picture> {
        cut::cut(self, [left, top, width, height])
    }

    /// The mean brightness of every block, from 0 to 255 whatever the range of the numbers.
    pub(crate) fn luma_means(&self, block_px: u32, columns: usize) -> Vec<u8> {
        let rows = (0..self.height).step_by(ROWS_BETWEEN).map(|y| self.luma.piece(y, 0, self.width as usize));
        let mut means = block_means(rows, 1, (block_px as usize, block_px as usize / ROWS_BETWEEN), columns);
        let factors = self.colours.factors();
        means.iter_mut().for_each(|mean| *mean = (factors.rgb(*mean, 128, 128)[1] + 0.5) as u8);
        means
    }

    /// The mean colour of every block of an even number of pixels.
    pub(crate) fn block_means(&self, block_px: u32, columns: u32, rows: u32) -> Vec<u8> {
        let (width, columns) = (self.width as usize, columns as usize);
        let means = |plane: &Plane<'a>, channels: usize, (across, down): (u32, u32)| {
            let row_bytes = channels * width.div_ceil(across as usize);
            let lines = (0..self.height.div_ceil(down)).map(|y| plane.piece(y, 0, row_bytes));
            // Blocks are even and values are shared by one pixel or two, so a block is a whole number of them both ways.
            let (block, block_rows) = ((block_px / across) as usize, (block_px / down) as usize);
            block_means(lines, channels, (block, block_rows), columns)
        };
        let luma = means(&self.luma, 1, (1, 1));
        let (u, v) = match &self.chroma {
            Chroma::Planar { u, v, across, down } => (means(u, 1, (*across, *down)), means(v, 1, (*across, *down))),
            Chroma::Interleaved(plane) => {
                let both = means(plane, 2, (2, 2));
                (both.iter().copied().step_by(2).collect(), both.iter().copied().skip(1).step_by(2).collect())
            }
        };
        let factors = self.colours.factors();
        let colours = luma.iter().zip(u.iter().zip(&v)).take(columns * rows as usize);
        colours.flat_map(|(y, (u, v))| factors.rgb(*y, *u, *v).map(|value| (value + 0.5) as u8)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: Colours = Colours { matrix: Matrix::Bt709, range: Range::Limited };

    /// Eight by four pixels of one colour, with padding in every row.
    fn flat(y: u8, u: u8, v: u8, colours: Colours, look: impl Fn(YuvView<'_>)) {
        let (luma, blue, red) = (vec![y; 10 * 4], vec![u; 6 * 2], vec![v; 6 * 2]);
        let both: Vec<u8> = (0..10 * 2).map(|at| if at % 2 == 0 { u } else { v }).collect();
        let luma = Plane { stride_bytes: 10, bytes: &luma };
        let plane = |bytes| Plane { stride_bytes: 6, bytes };
        for chroma in [
            Chroma::Planar { u: plane(&blue), v: plane(&red), across: 2, down: 2 },
            Chroma::Interleaved(Plane { stride_bytes: 10, bytes: &both }),
        ] {
            look(YuvView::new(8, 4, luma, chroma, colours).expect("whole planes"));
        }
    }

    #[test]
    fn black_white_and_the_primaries_come_out_as_the_recommendations_say() {
        // Test signals of ITU-R BT.709-6 and BT.601-7, 100 % bars in 8 bits.
        let sd = Colours { matrix: Matrix::Bt601, range: Range::Limited };
        let jpeg = Colours { matrix: Matrix::Bt601, range: Range::Full };
        for (yuv, colours, rgb) in [
            ((16, 128, 128), VIDEO, [0, 0, 0]),
            ((235, 128, 128), VIDEO, [255, 255, 255]),
            ((63, 102, 240), VIDEO, [255, 0, 0]),
            ((173, 42, 26), VIDEO, [0, 255, 0]),
            ((32, 240, 118), VIDEO, [0, 0, 255]),
            ((81, 90, 240), sd, [255, 0, 0]),
            ((145, 54, 34), sd, [0, 255, 0]),
            ((76, 85, 255), jpeg, [255, 0, 0]),
            ((255, 128, 128), jpeg, [255, 255, 255]),
        ] {
            flat(yuv.0, yuv.1, yuv.2, colours, |view| {
                let picture = view.cut(2, 1, 5, 3).expect("inside");
                for pixel in picture.view().pixels.chunks_exact(3) {
                    let near = pixel.iter().zip(rgb).all(|(found, wanted)| i32::from(*found).abs_diff(wanted) <= 2);
                    assert!(near, "{yuv:?}: {pixel:?} for {rgb:?}");
                }
            });
        }
    }

    #[test]
    fn planes_that_are_too_short_are_no_view() {
        let bytes = [0; 100];
        let plane = |stride_bytes, length| Plane { stride_bytes, bytes: &bytes[..length] };
        let chroma = |length| Chroma::Planar { u: plane(4, length), v: plane(4, 8), across: 2, down: 2 };
        assert!(YuvView::new(8, 4, plane(8, 32), chroma(8), VIDEO).is_some());
        assert!(YuvView::new(8, 4, plane(8, 31), chroma(8), VIDEO).is_none());
        assert!(YuvView::new(8, 4, plane(8, 32), chroma(7), VIDEO).is_none());
        assert!(YuvView::new(8, 4, plane(7, 100), chroma(8), VIDEO).is_none(), "rows overlap");
        assert!(YuvView::new(8, 4, plane(8, 32), Chroma::Interleaved(plane(8, 15)), VIDEO).is_none());
        assert!(YuvView::new(0, 4, plane(8, 32), chroma(8), VIDEO).is_none());
        assert!(YuvView::new(u32::MAX, u32::MAX, plane(usize::MAX, 100), chroma(8), VIDEO).is_none());
    }
}
