//! A part of a frame as a picture of its own, in red, green and blue.

use super::{Chroma, Factors, Plane, YuvView};
use crate::picture::Picture;

/// Pixels of a row that are worked out in one go.
const PIECE_PX: usize = 256;

/// One number of each colour for every pixel of a piece.
type Colours<T> = [[T; PIECE_PX]; 3];

/// A part of the frame as RGB. The part must lie inside.
pub(super) fn cut(view: &YuvView<'_>, [left, top, width, height]: [u32; 4]) -> Option<Picture> {
    let mut pixels = vec![0; 3 * width as usize * height as usize];
    let factors = view.colours.factors();
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been found to have it.
        unsafe { convert_avx2(view, [left, top, width, height], &factors, &mut pixels) };
        return Picture::from_rgb(width, height, pixels);
    }
    convert(view, [left, top, width, height], &factors, &mut pixels);
    Picture::from_rgb(width, height, pixels)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn convert_avx2(view: &YuvView<'_>, part: [u32; 4], factors: &Factors, pixels: &mut [u8]) {
    convert(view, part, factors, pixels);
}

/// Each step is one loop over a piece of a row, which the compiler does many pixels at a time.
#[inline(always)]
fn convert(view: &YuvView<'_>, [left, top, width, height]: [u32; 4], factors: &Factors, pixels: &mut [u8]) {
    let (_, down) = view.chroma.shared();
    let mut tints: Colours<f32> = [[0.0; PIECE_PX]; 3];
    let mut colours: Colours<u8> = [[0; PIECE_PX]; 3];
    for start in (0..width).step_by(PIECE_PX) {
        let length = PIECE_PX.min((width - start) as usize);
        for y in top..top + height {
            if y == top || y.is_multiple_of(down) {
                tint(view, factors, (left + start, y), length, &mut tints);
            }
            let luma = view.luma.piece(y, (left + start) as usize, length);
            for (colours, tints) in colours.iter_mut().zip(&tints) {
                for ((colour, tint), luma) in colours.iter_mut().zip(tints).zip(luma) {
                    // Rounded half up; the value is in range already.
                    *colour = ((factors.brightness(*luma) + tint).clamp(0.0, 255.0) + 0.5) as u8;
                }
            }
            let [red, green, blue] = &colours;
            let row = &mut pixels[3 * ((y - top) * width + start) as usize..][..3 * length];
            for (((pixel, red), green), blue) in row.as_chunks_mut::<3>().0.iter_mut().zip(red).zip(green).zip(blue) {
                *pixel = [*red, *green, *blue];
            }
        }
    }
    // What is left here is a row of a picture.
    tints.iter_mut().for_each(|tints| tints.fill(0.0));
    colours.iter_mut().for_each(|colours| colours.fill(0));
    zeroize::optimization_barrier(&tints);
    zeroize::optimization_barrier(&colours);
}

/// What colour adds to each of the pixels from `(x, y)` on, so many to the right.
#[inline(always)]
fn tint<'a>(view: &YuvView<'a>, factors: &Factors, (x, y): (u32, u32), length: usize, tints: &mut Colours<f32>) {
    let (across, down) = view.chroma.shared();
    let (row, first) = (y / down, (x / across) as usize);
    let count = (x as usize + length).div_ceil(across as usize) - first;
    let skipped = (x % across) as usize;
    let mut put = |at: usize, u: u8, v: u8| {
        let tint = factors.tint(u, v);
        for pixel in (at * across as usize).max(skipped)..((at + 1) * across as usize).min(length + skipped) {
            for (tints, tint) in tints.iter_mut().zip(tint) {
                tints[pixel - skipped] = tint;
            }
        }
    };
    let piece = |plane: Plane<'a>, values: usize| plane.piece(row, values * first, values * count);
    match view.chroma {
        Chroma::Planar { u, v, .. } => {
            for (at, (u, v)) in piece(u, 1).iter().zip(piece(v, 1)).enumerate() {
                put(at, *u, *v);
            }
        }
        Chroma::Interleaved(both) => {
            for (at, [u, v]) in piece(both, 2).as_chunks::<2>().0.iter().enumerate() {
                put(at, *u, *v);
            }
        }
    }
}
