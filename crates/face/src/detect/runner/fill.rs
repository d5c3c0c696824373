//! Turns rows of bytes into the three planes of numbers that a detector reads.

use super::PixelForm;
use super::input::Planes;
use crate::yuv::Factors;

/// A frame as it was scaled: one value of each plane for every pixel.
pub(super) struct ScaledYuv<'a> {
    pub(super) size: [usize; 2],
    pub(super) luma: &'a [u8],
    pub(super) u: &'a [u8],
    pub(super) v: &'a [u8],
}

/// Red, green and blue of every pixel as three planes.
pub(super) fn fill_rgb<'p>(mut planes: Planes<'_>, rows: usize, pixels: impl Fn(usize) -> &'p [u8], form: PixelForm) {
    let number = |value: u8| form.number(f32::from(value));
    for y in 0..rows {
        let row = pixels(y);
        let [red, green, blue] = planes.row(y, row.len() / 3);
        for (((pixel, red), green), blue) in row.chunks_exact(3).zip(red).zip(green).zip(blue) {
            *red = number(pixel[0]);
            *green = number(pixel[1]);
            *blue = number(pixel[2]);
        }
    }
}

impl ScaledYuv<'_> {
    /// The same for a frame in YUV, with the widest instructions that the processor has; the numbers are the same with all of them.
    pub(super) fn fill(&self, planes: Planes<'_>, factors: &Factors, form: PixelForm) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just been found to have it.
            return unsafe { self.fill_avx2(planes, factors, form) };
        }
        self.fill_in(planes, factors, form);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn fill_avx2(&self, planes: Planes<'_>, factors: &Factors, form: PixelForm) {
        self.fill_in(planes, factors, form);
    }

    #[inline(always)]
    fn fill_in(&self, mut planes: Planes<'_>, factors: &Factors, form: PixelForm) {
        let [width, height] = self.size;
        for y in 0..height {
            let row = y * width..(y + 1) * width;
            let (luma, u, v) = (&self.luma[row.clone()], &self.u[row.clone()], &self.v[row]);
            let [red, green, blue] = planes.row(y, width);
            for x in 0..width {
                let rgb = factors.rgb(luma[x], u[x], v[x]).map(|value| form.number(value));
                (red[x], green[x], blue[x]) = (rgb[0], rgb[1], rgb[2]);
            }
        }
    }
}
