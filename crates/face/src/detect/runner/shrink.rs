//! Reduces a plane of bytes by a whole number: every block of pixels becomes its mean.
//!
//! Video comes in sizes that are whole multiples of what a detector reads (1920 and 1280 wide, read 640 wide), and for these the means
//! take a fifth of the time of a filter for any factor, with the same result.

use zeroize::Zeroizing;

use crate::yuv::Plane;

/// The factors that are written out: full HD, HD, WQHD and 4K read 640 wide, and 4K read at full HD. Sums of 6 x 6 bytes fit two bytes.
const FACTORS: [usize; 4] = [2, 3, 4, 6];

/// A part of a plane in whole pixels of it, and by how much it is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    /// First column and row that are read.
    pub(super) start: [usize; 2],
    /// Columns and rows that come out.
    pub(super) size: [usize; 2],
    /// Columns, and rows, of one block.
    pub(super) factor: usize,
}

impl Blocks {
    /// The blocks in which `source` (left, top, width, height) becomes exactly `size`; `None` where it does not, or not by one of [`FACTORS`].
    pub(super) fn of([left, top, width, height]: [f64; 4], size: [usize; 2]) -> Option<Self> {
        let fits = |factor: &&usize| {
            let across = (size[0] * **factor) as f64;
            let down = (size[1] * **factor) as f64;
            across == width && down == height
        };
        let factor = *FACTORS.iter().find(fits)?;
        let whole = left >= 0.0 && top >= 0.0 && left.fract() == 0.0 && top.fract() == 0.0;
        whole.then_some(Self { start: [left as usize, top as usize], size, factor })
    }

    /// The means of every block of a plane whose pixels have as many values as there are `planes`; each value goes to its own one.
    ///
    /// The plane must hold all blocks. `sums` is a place to compute in, and is wiped afterwards by its owner.
    pub(super) fn means<const CHANNELS: usize>(
        &self,
        plane: Plane<'_>,
        sums: &mut Zeroizing<Vec<u16>>,
        planes: [&mut Zeroizing<Vec<u8>>; CHANNELS],
    ) {
        let [columns, rows] = self.size;
        let length = CHANNELS * columns * self.factor;
        // It only grows: what is cut off would not be wiped.
        if sums.len() < length {
            sums.resize(length, 0);
        }
        let planes = planes.map(|plane| {
            plane.resize(columns * rows, 0);
            &mut plane[..]
        });
        let source = Source { plane, start: CHANNELS * self.start[0], top: self.start[1], length };
        match self.factor {
            2 => means::<2, CHANNELS>(source, columns, &mut sums[..length], planes),
            3 => means::<3, CHANNELS>(source, columns, &mut sums[..length], planes),
            4 => means::<4, CHANNELS>(source, columns, &mut sums[..length], planes),
            _ => means::<6, CHANNELS>(source, columns, &mut sums[..length], planes),
        }
    }
}

/// What is read of every row.
#[derive(Clone, Copy)]
struct Source<'a> {
    plane: Plane<'a>,
    /// First byte of a row that is read.
    start: usize,
    /// First row that is read.
    top: usize,
    /// Bytes of a row that are read.
    length: usize,
}

/// Chooses the widest instructions that the processor has; the means are whole numbers and the same with all of them.
fn means<const FACTOR: usize, const CHANNELS: usize>(
    source: Source<'_>,
    columns: usize,
    sums: &mut [u16],
    planes: [&mut [u8]; CHANNELS],
) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been found to have it.
        return unsafe { means_avx2::<FACTOR, CHANNELS>(source, columns, sums, planes) };
    }
    means_in::<FACTOR, CHANNELS>(source, columns, sums, planes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn means_avx2<const FACTOR: usize, const CHANNELS: usize>(
    source: Source<'_>,
    columns: usize,
    sums: &mut [u16],
    planes: [&mut [u8]; CHANNELS],
) {
    means_in::<FACTOR, CHANNELS>(source, columns, sums, planes);
}

/// Rows are added up first, since that is one long run of bytes; then neighbours.
#[inline(always)]
fn means_in<const FACTOR: usize, const CHANNELS: usize>(
    source: Source<'_>,
    columns: usize,
    sums: &mut [u16],
    mut planes: [&mut [u8]; CHANNELS],
) {
    let rows = planes.first().map_or(0, |plane| plane.len() / columns.max(1));
    for y in 0..rows {
        let row =
            |number: usize| source.plane.piece((source.top + y * FACTOR + number) as u32, source.start, source.length);
        down::<FACTOR>(std::array::from_fn(row), sums);
        across::<FACTOR, CHANNELS>(sums);
        for (channel, plane) in planes.iter_mut().enumerate() {
            let blocks = sums.chunks_exact(FACTOR * CHANNELS);
            for (block, out) in blocks.zip(&mut plane[y * columns..][..columns]) {
                *out = block[channel] as u8;
            }
        }
    }
}

/// The sum of so many rows, byte by byte. (No sum here overflows; saying "wrapping" spares the question, which would cost the speed.)
#[inline(always)]
fn down<const FACTOR: usize>(rows: [&[u8]; FACTOR], sums: &mut [u16]) {
    // With one length for all, the compiler sees that no index below is out of bounds.
    let rows = rows.map(|row| &row[..sums.len()]);
    for (at, sum) in sums.iter_mut().enumerate() {
        *sum = 0;
        for row in rows {
            *sum = sum.wrapping_add(u16::from(row[at]));
        }
    }
}

/// The mean of each sum and the neighbours of its channel behind it. Most of these are not wanted, but all of them in one run take less
/// time than the wanted ones one by one. White stays white for every factor: a reciprocal of sixteen bits is off by less than half a step.
#[inline(always)]
fn across<const FACTOR: usize, const CHANNELS: usize>(sums: &mut [u16]) {
    let block = (FACTOR * FACTOR) as u32;
    let reciprocal = ((1 << 16) + block / 2) / block;
    for at in 0..sums.len().saturating_sub((FACTOR - 1) * CHANNELS) {
        let mut sum = (block / 2) as u16;
        for neighbour in 0..FACTOR {
            sum = sum.wrapping_add(sums[at + neighbour * CHANNELS]);
        }
        sums[at] = (u32::from(sum).wrapping_mul(reciprocal) >> 16) as u16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes from a small generator, with more white than chance gives.
    fn bytes(count: usize) -> Vec<u8> {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 30 == 0 { 255 } else { (state >> 16) as u8 }
        };
        (0..count).map(|_| next()).collect()
    }

    /// The mean of one block in double precision.
    fn mean(bytes: &[u8], stride: usize, blocks: &Blocks, [x, y]: [usize; 2], channel: usize, channels: usize) -> f64 {
        let factor = blocks.factor;
        let at = |row: usize, column: usize| {
            bytes[(blocks.start[1] + y * factor + row) * stride
                + (blocks.start[0] + x * factor + column) * channels
                + channel]
        };
        let all = (0..factor * factor).map(|number| f64::from(at(number / factor, number % factor)));
        all.sum::<f64>() / (factor * factor) as f64
    }

    #[test]
    fn every_block_becomes_its_mean_wherever_it_lies() {
        let data = bytes(300 * 130);
        for factor in FACTORS {
            for start in [[0, 0], [5, 3]] {
                let blocks = Blocks { start, size: [21, 19], factor };
                let mut sums = Zeroizing::default();
                let (mut one, mut other) = (Zeroizing::default(), Zeroizing::default());
                blocks.means(Plane { stride_bytes: 300, bytes: &data }, &mut sums, [&mut one]);
                let near = |found: u8, wanted: f64| (f64::from(found) - wanted).abs() <= 0.56;
                for at in 0..21 * 19 {
                    assert!(near(one[at], mean(&data, 300, &blocks, [at % 21, at / 21], 0, 1)), "{blocks:?} {at}");
                }
                blocks.means(Plane { stride_bytes: 300, bytes: &data }, &mut sums, [&mut one, &mut other]);
                for at in 0..21 * 19 {
                    let place = [at % 21, at / 21];
                    assert!(near(one[at], mean(&data, 300, &blocks, place, 0, 2)), "{blocks:?} {at}");
                    assert!(near(other[at], mean(&data, 300, &blocks, place, 1, 2)), "{blocks:?} {at}");
                }
            }
        }
    }

    #[test]
    fn white_stays_white_and_black_black() {
        for factor in FACTORS {
            let blocks = Blocks { start: [0, 0], size: [17, 2], factor };
            for value in [0, 255] {
                let data = vec![value; 17 * factor * 2 * factor];
                let mut out = Zeroizing::default();
                blocks.means(Plane { stride_bytes: 17 * factor, bytes: &data }, &mut Zeroizing::default(), [&mut out]);
                assert_eq!(**out, [value; 34]);
            }
        }
    }

    #[test]
    fn only_whole_parts_and_factors_make_blocks() {
        let blocks = Blocks { start: [0, 0], size: [640, 360], factor: 3 };
        assert_eq!(Blocks::of([0.0, 0.0, 1920.0, 1080.0], [640, 360]), Some(blocks));
        assert_eq!(Blocks::of([0.0, 0.0, 1920.0, 1079.0], [640, 360]), None);
        assert_eq!(Blocks::of([0.5, 0.0, 1920.0, 1080.0], [640, 360]), None);
        assert_eq!(Blocks::of([0.0, 0.0, 640.0, 360.0], [640, 360]), None, "nothing to reduce");
        assert_eq!(Blocks::of([0.0, 0.0, 3200.0, 1800.0], [640, 360]), None, "five is not written out");
        let part = Blocks { start: [2, 4], size: [10, 20], factor: 2 };
        assert_eq!(Blocks::of([2.0, 4.0, 20.0, 40.0], [10, 20]), Some(part));
    }
}
