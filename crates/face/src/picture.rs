//! A decoded picture: interleaved 8-bit RGB, and borrowed views of pictures in whichever form they came.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use zeroize::Zeroize;

use crate::geometry::Rect;
use crate::yuv::{ROWS_BETWEEN, YuvView};

/// A picture as a detector takes it.
#[derive(Clone, Copy)]
pub enum PictureView<'a> {
    /// A still image.
    Rgb(RgbView<'a>),
    /// A frame of video.
    Yuv(YuvView<'a>),
}

/// A picture in memory: interleaved RGB, 8 bits a channel, rows without padding. Wiped when dropped.
pub struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// A borrowed rectangle of RGB pixels; `stride_bytes` is the distance between the starts of two rows.
#[derive(Clone, Copy)]
pub struct RgbView<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from the start of one row to the start of the next.
    pub stride_bytes: usize,
    /// At least `stride_bytes * (height - 1) + 3 * width` bytes.
    pub pixels: &'a [u8],
}

impl Picture {
    /// Wraps interleaved RGB; `None` when the buffer's length is not `3 * width * height` or a side is zero.
    pub fn from_rgb(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let expected = 3usize.checked_mul(width as usize)?.checked_mul(height as usize)?;
        (expected > 0 && pixels.len() == expected).then_some(Self { width, height, pixels })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The whole picture as a view.
    pub fn view(&self) -> RgbView<'_> {
        RgbView { width: self.width, height: self.height, stride_bytes: 3 * self.width as usize, pixels: &self.pixels }
    }

    /// The pixels, to draw on.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }
}

impl Picture {
    /// The picture in another size, by averages where it shrinks and smoothly where it grows.
    pub fn resized(&self, width: u32, height: u32) -> Option<Self> {
        let source = TypedImageRef::<U8x3>::from_buffer(self.width, self.height, &self.pixels).ok()?;
        let mut pixels = vec![0; 3 * width as usize * height as usize];
        let mut target = TypedImage::<U8x3>::from_buffer(width, height, &mut pixels).ok()?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new().resize_typed(&source, &mut target, &options).ok()?;
        Self::from_rgb(width, height, pixels)
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.pixels.zeroize();
    }
}

impl<'a> From<RgbView<'a>> for PictureView<'a> {
    fn from(view: RgbView<'a>) -> Self {
        Self::Rgb(view)
    }
}

impl<'a> From<YuvView<'a>> for PictureView<'a> {
    fn from(view: YuvView<'a>) -> Self {
        Self::Yuv(view)
    }
}

impl PictureView<'_> {
    /// Width in pixels.
    pub fn width(&self) -> u32 {
        match self {
            Self::Rgb(view) => view.width,
            Self::Yuv(view) => view.width,
        }
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        match self {
            Self::Rgb(view) => view.height,
            Self::Yuv(view) => view.height,
        }
    }

    /// The picture with each `block_px x block_px` pixels averaged into one; an odd side of a block counts as the next even one.
    pub fn averaged(&self, block_px: u32) -> Picture {
        let block_px = block_px.max(2).next_multiple_of(2);
        let (columns, rows) = (self.width().div_ceil(block_px), self.height().div_ceil(block_px));
        let pixels = match self {
            Self::Rgb(view) => view.block_means(block_px, columns, rows),
            Self::Yuv(view) => view.block_means(block_px, columns, rows),
        };
        match Picture::from_rgb(columns, rows, pixels) {
            Some(small) => small,
            // Not reachable: there is one pixel for each block, and at least one block.
            None => unreachable!("a mean for each block"),
        }
    }

    /// About the mean brightness of each `block_px x block_px` pixels, row by row: every fourth row is read. The side of a block
    /// counts as the next multiple of four. Of RGB it is the mean of green.
    pub fn brightness(&self, block_px: u32) -> Vec<u8> {
        let block_px = block_px.max(1).next_multiple_of(ROWS_BETWEEN as u32);
        let columns = self.width().div_ceil(block_px) as usize;
        match self {
            Self::Rgb(_) => self.averaged(block_px).view().pixels.chunks_exact(3).map(|pixel| pixel[1]).collect(),
            Self::Yuv(view) => view.luma_means(block_px, columns),
        }
    }

    /// The whole picture as RGB.
    pub fn to_rgb(&self) -> Picture {
        self.cut(&Rect { left: 0.0, top: 0.0, width: self.width() as f32, height: self.height() as f32 }).0
    }

    /// The part of the picture that a box covers, as a picture of its own, and where its corner lies: whole pixels, cut at
    /// the edges, at least one.
    pub fn cut(&self, part: &Rect) -> (Picture, [u32; 2]) {
        let (width, height) = (self.width(), self.height());
        let left = part.left.clamp(0.0, width as f32 - 1.0) as u32;
        let top = part.top.clamp(0.0, height as f32 - 1.0) as u32;
        let right = (part.right().ceil().max(left as f32 + 1.0) as u32).min(width);
        let bottom = (part.bottom().ceil().max(top as f32 + 1.0) as u32).min(height);
        let cut = match self {
            Self::Rgb(view) => {
                let mut pixels = Vec::with_capacity(3 * ((right - left) * (bottom - top)) as usize);
                for y in top..bottom {
                    pixels.extend_from_slice(&view.row(y)[3 * left as usize..3 * right as usize]);
                }
                Picture::from_rgb(right - left, bottom - top, pixels)
            }
            Self::Yuv(view) => view.cut(left, top, right - left, bottom - top),
        };
        match cut {
            Some(cut) => (cut, [left, top]),
            // Not reachable: both sides are at least one pixel and every row was copied whole.
            None => unreachable!("a cut-out of at least one pixel"),
        }
    }
}

/// The mean of every block of rows of bytes: so many values of each of `channels` across, and so many rows down, make one.
pub(crate) fn block_means<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    channels: usize,
    (block, block_rows): (usize, usize),
    columns: usize,
) -> Vec<u8> {
    let mut means = Vec::new();
    let (mut sums, mut counts) = (vec![0_u32; columns * channels], vec![0_u32; columns]);
    let mut finish = |sums: &mut Vec<u32>, counts: &mut Vec<u32>| {
        let of = |(at, sum): (usize, &u32)| (sum / counts[at / channels].max(1)) as u8;
        means.extend(sums.iter().enumerate().map(of));
        sums.fill(0);
        counts.fill(0);
    };
    let mut waiting = 0;
    for row in rows {
        for (column, cells) in row.chunks(block * channels).take(columns).enumerate() {
            if channels == 1 {
                // The common case, in a form that is done many bytes at a time.
                sums[column] += cells.iter().map(|value| u32::from(*value)).sum::<u32>();
            } else {
                for cell in cells.chunks_exact(channels) {
                    for (sum, value) in sums[column * channels..].iter_mut().zip(cell) {
                        *sum += u32::from(*value);
                    }
                }
            }
            counts[column] += (cells.len() / channels) as u32;
        }
        waiting += 1;
        if waiting == block_rows {
            finish(&mut sums, &mut counts);
            waiting = 0;
        }
    }
    if waiting > 0 {
        finish(&mut sums, &mut counts);
    }
    means
}

impl<'a> RgbView<'a> {
    fn block_means(&self, block_px: u32, columns: u32, rows: u32) -> Vec<u8> {
        let block = (block_px as usize, block_px as usize);
        let mut means = block_means((0..self.height).map(|y| self.row(y)), 3, block, columns as usize);
        means.truncate(3 * (columns * rows) as usize);
        means
    }

    /// The row `y`, `3 * width` bytes.
    pub fn row(&self, y: u32) -> &'a [u8] {
        let start = self.stride_bytes * y as usize;
        &self.pixels[start..start + 3 * self.width as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yuv::{Chroma, Colours, Matrix, Plane, Range};

    /// A picture of four colours, one a quarter, in both forms.
    fn quarters(look: impl Fn(PictureView<'_>)) {
        let (width, height) = (40_u32, 24_u32);
        let value = |x: u32, y: u32| 40 + 90 * u8::from(x >= 20) + 60 * u8::from(y >= 12);
        let luma: Vec<u8> = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y))).collect();
        let grey = vec![128; 20 * 12];
        let plane = |stride_bytes, bytes| Plane { stride_bytes, bytes };
        let chroma = Chroma::Planar { u: plane(20, &grey), v: plane(20, &grey), across: 2, down: 2 };
        let colours = Colours { matrix: Matrix::Bt601, range: Range::Full };
        let view = YuvView::new(width, height, plane(40, &luma), chroma, colours).expect("whole planes");
        look(view.into());
        look(PictureView::Yuv(view).to_rgb().view().into());
    }

    #[test]
    fn blocks_are_means_also_at_the_edges() {
        quarters(|picture| {
            let small = picture.averaged(10);
            assert_eq!((small.width(), small.height()), (4, 3));
            // The middle row holds two rows of the upper quarters and eight of the lower: (2 * 40 + 8 * 100) / 10.
            let row: Vec<u8> = small.view().row(1).iter().step_by(3).copied().collect();
            assert_eq!(row, [88, 88, 178, 178]);
            // Blocks of 12: the first is all of one quarter, the second holds eight columns of it and four of the next.
            assert_eq!(picture.brightness(12)[..2], [40, 70]);
            let whole = picture.averaged(64);
            assert_eq!(whole.view().pixels, [115; 3]);
        });
    }

    #[test]
    fn a_cut_reaches_no_farther_than_the_picture() {
        quarters(|picture| {
            let (cut, corner) = picture.cut(&Rect { left: -5.0, top: 20.0, width: 10.0, height: 100.0 });
            assert_eq!((cut.width(), cut.height(), corner), (5, 4, [0, 20]));
            assert!(cut.view().pixels.iter().all(|value| *value == 100));
            for far in [-1e9, 1e9, f32::NAN] {
                let (cut, _) = picture.cut(&Rect { left: far, top: far, width: 1.0, height: 1.0 });
                assert!(cut.width() >= 1 && cut.height() >= 1);
            }
        });
    }
}
