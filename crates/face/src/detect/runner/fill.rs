//! Turns rows of bytes into the three planes of numbers that a detector reads.

use super::PixelForm;
use super::input::Planes;
use crate::yuv::Factors;

/// A frame as it was scaled: its colour is shared by so many pixels across and down, 1 or 2.
pub(super) struct ScaledYuv<'a> {
    pub(super) size: [usize; 2],
    pub(super) luma: &'a [u8],
    pub(super) u: &'a [u8],
    pub(super) v: &'a [u8],
    pub(super) across: usize,
    pub(super) down: usize,
}

/// Pixels whose colour is worked out in one go: it stays in the nearest cache until every row that shares it is written.
const PIECE_PX: usize = 256;

/// What colour adds to the brightness of each pixel of a piece: red, green, blue.
type Tints = [[f32; PIECE_PX]; 3];

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
        let coloured = width / self.across;
        let mut tints: Tints = [[0.0; PIECE_PX]; 3];
        for top in (0..height).step_by(self.down) {
            let row = top / self.down * coloured;
            for left in (0..width).step_by(PIECE_PX) {
                let length = PIECE_PX.min(width - left);
                let colours = row + left / self.across..row + (left + length) / self.across;
                tint(&mut tints, &self.u[colours.clone()], &self.v[colours], self.across, factors);
                for y in top..(top + self.down).min(height) {
                    let luma = &self.luma[y * width + left..][..length];
                    for (plane, tints) in planes.row(y, width).into_iter().zip(&tints) {
                        numbers(luma, tints, &mut plane[left..left + length], factors, form);
                    }
                }
            }
        }
        // What is left here is colours of a picture.
        tints.iter_mut().for_each(|tints| tints.fill(0.0));
        zeroize::optimization_barrier(&tints);
    }
}

/// Works out what colour adds to each pixel of a piece.
#[inline(always)]
fn tint(tints: &mut Tints, u: &[u8], v: &[u8], across: usize, factors: &Factors) {
    let [red, green, blue] = tints;
    if across == 1 {
        for ((((u, v), red), green), blue) in u.iter().zip(v).zip(red).zip(green).zip(blue) {
            [*red, *green, *blue] = factors.tint(*u, *v);
        }
        return;
    }
    let pairs = |plane| <[f32]>::as_chunks_mut::<2>(plane).0;
    let (red, green, blue) = (pairs(red), pairs(green), pairs(blue));
    for ((((u, v), red), green), blue) in u.iter().zip(v).zip(red).zip(green).zip(blue) {
        let [r, g, b] = factors.tint(*u, *v);
        (*red, *green, *blue) = ([r; 2], [g; 2], [b; 2]);
    }
}

/// The numbers of one plane from brightness and what colour adds.
#[inline(always)]
fn numbers(luma: &[u8], tints: &[f32; PIECE_PX], out: &mut [f32], factors: &Factors, form: PixelForm) {
    for ((luma, tint), out) in luma.iter().zip(tints).zip(out) {
        *out = form.number((factors.brightness(*luma) + tint).clamp(0.0, 255.0));
    }
}
