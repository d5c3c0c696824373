//! Samples the pixels of a chip from a picture.

use super::Similarity;
use crate::picture::RgbView;

/// Most samples along each side of a chip pixel: beyond sixteenfold reduction more samples change nothing that can be seen.
const SAMPLES_MAX: u32 = 16;

/// The widest chip that is sampled a row at a time.
const SIDE_MAX: usize = 160;

/// How far inside the picture every sample must lie for a chip to be sampled without asking for each whether it does, in pixels. On the
/// right two columns are wanted beside it, below two rows: the second holds the bytes that are read past the last pixel.
const INSIDE_PX: f64 = 0.01;

/// Where the samples of a chip pixel lie in it.
#[derive(Clone, Copy)]
struct Samples {
    /// Along each side.
    count: u32,
}

/// Fills a square chip by bilinear sampling. Where the picture is much finer than the chip, each chip pixel is the mean of a grid of
/// samples about one picture pixel apart, since single samples would pick up noise and edges that no lens would show.
///
/// Points and targets are both in the convention of the software they were published with (whole numbers are pixel centres).
pub(super) fn warp(picture: RgbView<'_>, transform: &Similarity, side: u32, out: &mut [u8]) {
    let samples = Samples { count: (transform.scale().round() as u32).clamp(1, SAMPLES_MAX) };
    if side as usize <= SIDE_MAX && is_inside(picture, transform, side) {
        by_rows(picture, transform, side as usize, samples, out);
    } else {
        by_pixels(picture, transform, side, samples, out);
    }
}

impl Samples {
    fn offset(self, sample: u32) -> f64 {
        (f64::from(sample) + 0.5) / f64::from(self.count) - 0.5
    }

    /// How far right and down each sample lies of the pixel's middle.
    fn offsets(self) -> impl Iterator<Item = (f64, f64)> {
        let count = self.count;
        (0..count * count).map(move |sample| (self.offset(sample % count), self.offset(sample / count)))
    }

    /// The mean of all samples, rounded half up: a sum is never below zero.
    fn mean(self, sum: f32) -> u8 {
        (sum * (1.0 / (self.count * self.count) as f32) + 0.5) as u8
    }
}

/// Whether every sample of the chip lies inside the picture; the map is affine, so its corners say it for all.
fn is_inside(picture: RgbView<'_>, transform: &Similarity, side: u32) -> bool {
    let (right, bottom) = (f64::from(picture.width) - 2.0, f64::from(picture.height) - 3.0);
    let ends = [-0.5, f64::from(side) - 0.5];
    let corners = ends.into_iter().flat_map(|u| ends.map(|v| transform.apply(u, v)));
    // False also for what is no number.
    corners.into_iter().all(|(x, y)| x > INSIDE_PX && y > INSIDE_PX && x < right && y < bottom)
}

/// The definition: each sample asks which of its four neighbours the picture has. What lies outside is black.
fn by_pixels(picture: RgbView<'_>, transform: &Similarity, side: u32, samples: Samples, out: &mut [u8]) {
    for (at, pixel) in out.chunks_exact_mut(3).enumerate() {
        let (column, row) = (at as u32 % side, at as u32 / side);
        let mut sum = [0.0f32; 3];
        for (right, down) in samples.offsets() {
            let (x, y) = transform.apply(f64::from(column) + right, f64::from(row) + down);
            bilinear(picture, x, y, &mut sum);
        }
        for (value, sum) in pixel.iter_mut().zip(sum) {
            *value = samples.mean(sum);
        }
    }
}

/// Adds the picture's colour at a position between four pixels; outside it is black.
fn bilinear(picture: RgbView<'_>, x: f64, y: f64, sum: &mut [f32; 3]) {
    // Also false for a position that is no number.
    if !(x > -1.0 && y > -1.0 && x < f64::from(picture.width) && y < f64::from(picture.height)) {
        return;
    }
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = ((x - left) as f32, (y - top) as f32);
    let (left, top) = (left as i64, top as i64);
    for (row, row_share) in [(top, 1.0 - bottom_share), (top + 1, bottom_share)] {
        if row < 0 || row >= i64::from(picture.height) {
            continue;
        }
        let pixels = picture.row(row as u32);
        for (column, share) in [(left, row_share * (1.0 - right_share)), (left + 1, row_share * right_share)] {
            if column < 0 || column >= i64::from(picture.width) {
                continue;
            }
            let at = 3 * column as usize;
            for (sum, value) in sum.iter_mut().zip(&pixels[at..at + 3]) {
                *sum += share * f32::from(*value);
            }
        }
    }
}

/// Where the samples of one row of a chip lie in the picture.
struct Places {
    /// Byte of the upper left neighbour.
    at: [usize; SIDE_MAX],
    /// How much each neighbour counts: upper left, upper right, lower left, lower right.
    shares: [[f32; 4]; SIDE_MAX],
}

/// The same numbers as [`by_pixels`], bit for bit, for a chip that lies inside: first where a whole row lies, then its colours.
fn by_rows(picture: RgbView<'_>, transform: &Similarity, side: usize, samples: Samples, out: &mut [u8]) {
    let mut places = Places { at: [0; SIDE_MAX], shares: [[0.0; 4]; SIDE_MAX] };
    // Three colours and a fourth number that is never read: four at a time is what processors add.
    let mut sums = [[0.0f32; 4]; SIDE_MAX];
    for (row, pixels) in out.chunks_exact_mut(3 * side).enumerate() {
        sums[..side].fill([0.0; 4]);
        for (right, down) in samples.offsets() {
            places.find(transform, (right, row as f64 + down), side, picture.stride_bytes);
            places.add(picture, &mut sums[..side]);
        }
        for (pixel, sum) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(&sums) {
            *pixel = [sum[0], sum[1], sum[2]].map(|sum| samples.mean(sum));
        }
    }
    // What is left here is a row of somebody's face.
    sums.fill([0.0; 4]);
    zeroize::optimization_barrier(&sums);
}

impl Places {
    /// Finds the places of the samples that begin at `(u, v)` in the chip and go right by one.
    fn find(&mut self, transform: &Similarity, (u, v): (f64, f64), side: usize, stride_bytes: usize) {
        for (column, (at, shares)) in self.at[..side].iter_mut().zip(&mut self.shares).enumerate() {
            let (x, y) = transform.apply(f64::from(column as u32) + u, v);
            // Positions inside are above zero, so this is the floor.
            let (left, top) = (x as i32, y as i32);
            let (right_share, bottom_share) = ((x - f64::from(left)) as f32, (y - f64::from(top)) as f32);
            let (top_share, left_share) = (1.0 - bottom_share, 1.0 - right_share);
            *at = (top as usize).wrapping_mul(stride_bytes).wrapping_add((left as usize).wrapping_mul(3));
            *shares = [
                top_share * left_share,
                top_share * right_share,
                bottom_share * left_share,
                bottom_share * right_share,
            ];
        }
    }

    /// Adds the colour at each place. Eight bytes are read where the six of two neighbours are wanted.
    fn add(&self, picture: RgbView<'_>, sums: &mut [[f32; 4]]) {
        for ((at, shares), sum) in self.at.iter().zip(&self.shares).zip(sums) {
            let upper = &picture.pixels[*at..][..8];
            let lower = &picture.pixels[*at + picture.stride_bytes..][..8];
            for (share, neighbour) in shares.iter().zip([&upper[..4], &upper[3..7], &lower[..4], &lower[3..7]]) {
                for (sum, value) in sum.iter_mut().zip(neighbour) {
                    *sum += share * f32::from(*value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;

    #[test]
    fn a_chip_sampled_by_rows_has_the_bytes_of_one_sampled_by_pixels() {
        let mut state = 3u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let picture = Picture::from_rgb(401, 300, (0..3 * 401 * 300).map(|_| next()).collect()).expect("whole");
        for (scale, degrees) in [(0.3, 12.0), (0.7, -33.0), (1.0, 0.0), (1.4, 5.0), (1.6, 170.0), (1.8, 2.0)] {
            let (sin, cos) = f64::sin_cos(f64::to_radians(degrees));
            let (a, b) = (scale * cos, scale * sin);
            // The chip's middle comes to lie near the picture's.
            let transform = Similarity { a, b, tx: 200.3 - 75.0 * (a - b), ty: 148.7 - 75.0 * (a + b) };
            let samples = Samples { count: (scale.round() as u32).max(1) };
            let (mut rows, mut pixels) = (vec![0; 3 * 150 * 150], vec![0; 3 * 150 * 150]);
            assert!(is_inside(picture.view(), &transform, 150), "{scale} {degrees}");
            by_rows(picture.view(), &transform, 150, samples, &mut rows);
            by_pixels(picture.view(), &transform, 150, samples, &mut pixels);
            assert!(rows == pixels, "{scale} {degrees}");
        }
    }

    #[test]
    fn a_chip_that_touches_the_edge_is_not_inside() {
        let picture = Picture::from_rgb(160, 160, vec![9; 3 * 160 * 160]).expect("whole");
        let moved = |tx, ty| Similarity { a: 1.0, b: 0.0, tx, ty };
        assert!(is_inside(picture.view(), &moved(1.0, 1.0), 150));
        for (tx, ty) in [(0.0, 1.0), (1.0, 0.5), (8.6, 1.0), (1.0, 7.6), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            assert!(!is_inside(picture.view(), &moved(tx, ty), 150), "{tx} {ty}");
        }
    }
}
