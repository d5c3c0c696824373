//! A decoded picture: interleaved 8-bit RGB, and a borrowed view of one.

use zeroize::Zeroize;

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

impl Drop for Picture {
    fn drop(&mut self) {
        self.pixels.zeroize();
    }
}

impl<'a> RgbView<'a> {
    /// The row `y`, `3 * width` bytes.
    pub fn row(&self, y: u32) -> &'a [u8] {
        let start = self.stride_bytes * y as usize;
        &self.pixels[start..start + 3 * self.width as usize]
    }
}
