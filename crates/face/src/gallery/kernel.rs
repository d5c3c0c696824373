//! The one SIMD kernel: how alike a few probes are to many rows, the same bits on every machine.
//!
//! Each pair is summed in sixteen fixed lanes which are then added in one fixed order, and products are rounded before they
//! are added (no fused multiply-add). So the result does not depend on the instruction set, the number of threads or the
//! neighbours in a block: an alert raised on one machine can be reproduced bit for bit on another. The price is small, because
//! reading the rows from memory is what takes the time. The loops are written once; `lanes` holds the few operations that differ.

mod lanes;

use crate::template::ScoreKind;
use lanes::{Lanes, Plain};

/// Lanes a pair is summed in. Rows and probes are padded with zeros to a multiple of it, which changes no sum.
pub(crate) const LANES: usize = 16;

/// The number of values a row of `dimensions` takes with its padding.
pub(crate) fn padded(dimensions: usize) -> usize {
    dimensions.next_multiple_of(LANES)
}

/// The score of one pair, in the bits a search gives it. Both must have the same length, a multiple of [`LANES`].
pub(crate) fn score_pair(kind: ScoreKind, left: &[f32], right: &[f32]) -> f32 {
    let mut out = [0.0];
    scores(kind, left, left.len(), &[right], &mut out);
    out[0]
}

/// Scores every row of `rows` (each `width` values) against every probe: `out[probe * row_count + row]`, larger is more alike.
pub(crate) fn scores(kind: ScoreKind, rows: &[f32], width: usize, probes: &[&[f32]], out: &mut [f32]) {
    let whole = width > 0 && width.is_multiple_of(LANES) && rows.len().is_multiple_of(width);
    assert!(whole, "rows must be padded to whole lanes");
    assert!(probes.iter().all(|probe| probe.len() == width), "probes must be as wide as the rows");
    assert_eq!(out.len(), rows.len() / width * probes.len(), "one score for each pair");
    match kind {
        ScoreKind::Cosine => dispatch::<Product>(rows, width, probes, out),
        ScoreKind::Euclidean => dispatch::<SquaredDifference>(rows, width, probes, out),
    }
}

/// What is summed over the values of a pair, and how the sum becomes a score.
trait Term {
    /// `sum` with the share of sixteen values added.
    fn add<L: Lanes>(sum: L, row: L, probe: L) -> L;
    /// The score of the whole sum; adding zero turns -0 into 0, so that equal scores have equal bits.
    fn score(sum: f32) -> f32;
}

/// Cosine of vectors of unit length. Rounding can carry the sum past 1, which no cosine is.
struct Product;

impl Term for Product {
    #[inline(always)]
    fn add<L: Lanes>(sum: L, row: L, probe: L) -> L {
        sum.plus(row.times(probe))
    }

    #[inline(always)]
    fn score(sum: f32) -> f32 {
        sum.clamp(-1.0, 1.0) + 0.0
    }
}

/// The negative Euclidean distance.
struct SquaredDifference;

impl Term for SquaredDifference {
    #[inline(always)]
    fn add<L: Lanes>(sum: L, row: L, probe: L) -> L {
        let difference = row.minus(probe);
        sum.plus(difference.times(difference))
    }

    #[inline(always)]
    fn score(sum: f32) -> f32 {
        0.0 - sum.sqrt()
    }
}

/// Runs the kernel with the best instruction set of this processor.
fn dispatch<T: Term>(rows: &[f32], width: usize, probes: &[&[f32]], out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has just been found to have AVX-512F.
            return unsafe { avx512::<T>(rows, width, probes, out) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just been found to have AVX2.
            return unsafe { avx2::<T>(rows, width, probes, out) };
        }
    }
    // On 64-bit ARM the plain lanes become NEON, which every such processor has; on x86 SSE2.
    all_pairs::<T, Plain>(rows, width, probes, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512<T: Term>(rows: &[f32], width: usize, probes: &[&[f32]], out: &mut [f32]) {
    all_pairs::<T, lanes::Avx512>(rows, width, probes, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<T: Term>(rows: &[f32], width: usize, probes: &[&[f32]], out: &mut [f32]) {
    all_pairs::<T, lanes::Avx2>(rows, width, probes, out);
}

/// All rows against all probes, up to four at a time: a row read once is used for all of them, and their sums fit the registers.
#[inline(always)]
fn all_pairs<T: Term, L: Lanes>(rows: &[f32], width: usize, probes: &[&[f32]], out: &mut [f32]) {
    let count = rows.len() / width;
    let mut done = 0;
    while done < probes.len() {
        let out = &mut out[done * count..];
        done += match probes[done..] {
            [a, b, c, d, ..] => some_probes::<T, L, 1, 4>(rows, width, [a, b, c, d], out),
            [a, b, c] => some_probes::<T, L, 1, 3>(rows, width, [a, b, c], out),
            [a, b] => some_probes::<T, L, 2, 2>(rows, width, [a, b], out),
            [a] => some_probes::<T, L, 4, 1>(rows, width, [a], out),
            [] => return,
        };
    }
}

/// All rows against `P` probes, `R` rows at a time and the rest one by one; returns `P`.
#[inline(always)]
fn some_probes<T: Term, L: Lanes, const R: usize, const P: usize>(
    rows: &[f32],
    width: usize,
    probes: [&[f32]; P],
    out: &mut [f32],
) -> usize {
    let count = rows.len() / width;
    let mut first = 0;
    while first + R <= count {
        score_rows::<T, L, R, P>(&rows[first * width..][..R * width], width, probes, &mut out[first..], count);
        first += R;
    }
    while first < count {
        score_rows::<T, L, 1, P>(&rows[first * width..][..width], width, probes, &mut out[first..], count);
        first += 1;
    }
    P
}

/// `R` rows with `P` probes, each pair in its own sixteen lanes; `out[probe * count + row]`.
#[inline(always)]
fn score_rows<T: Term, L: Lanes, const R: usize, const P: usize>(
    rows: &[f32],
    width: usize,
    probes: [&[f32]; P],
    out: &mut [f32],
    count: usize,
) {
    let mut sums = [[L::zero(); P]; R];
    let mut start = 0;
    while start < width {
        let mut values = [L::zero(); P];
        for probe in 0..P {
            values[probe] = L::load(&probes[probe][start..start + LANES]);
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            let at = row * width + start;
            let value = L::load(&rows[at..at + LANES]);
            for (sum, probe) in sums.iter_mut().zip(values) {
                *sum = T::add(*sum, value, probe);
            }
        }
        start += LANES;
    }
    for (row, sums) in sums.into_iter().enumerate() {
        for (probe, sum) in sums.into_iter().enumerate() {
            out[probe * count + row] = T::score(sum.sum());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(seed: u32, count: usize) -> Vec<f32> {
        let next = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((*state >> 8) as f32 / 8_388_608.0 - 1.0)
        };
        std::iter::successors(Some(seed), |state| Some(state.wrapping_mul(69_069).wrapping_add(1)))
            .scan(seed, |state, _| next(state))
            .take(count)
            .collect()
    }

    /// The definition, lane by lane, in the plainest code.
    fn defined(kind: ScoreKind, row: &[f32], probe: &[f32]) -> f32 {
        let mut lanes = [0.0f32; LANES];
        for (at, (row, probe)) in row.iter().zip(probe).enumerate() {
            lanes[at % LANES] += match kind {
                ScoreKind::Cosine => row * probe,
                ScoreKind::Euclidean => (row - probe) * (row - probe),
            };
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        match kind {
            ScoreKind::Cosine => lanes[0].clamp(-1.0, 1.0) + 0.0,
            ScoreKind::Euclidean => 0.0 - lanes[0].sqrt(),
        }
    }

    #[test]
    fn every_instruction_set_gives_the_bits_of_the_definition() {
        for kind in [ScoreKind::Cosine, ScoreKind::Euclidean] {
            for (width, rows, probes) in [(16, 1, 1), (128, 9, 7), (256, 6, 2), (512, 5, 3)] {
                let scale = 1.0 / width as f32;
                let data: Vec<f32> = values(3, rows * width).iter().map(|value| value * scale).collect();
                let asked: Vec<Vec<f32>> = (0..probes).map(|probe| values(17 + probe, width)).collect();
                let asked: Vec<&[f32]> = asked.iter().map(Vec::as_slice).collect();
                let expected: Vec<u32> = asked
                    .iter()
                    .flat_map(|probe| data.chunks_exact(width).map(|row| defined(kind, row, probe).to_bits()))
                    .collect();
                let bits = |out: &[f32]| out.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
                let mut out = vec![f32::NAN; expected.len()];
                scores(kind, &data, width, &asked, &mut out);
                assert_eq!(bits(&out), expected, "dispatched, {kind:?}, {width} values");
                let mut out = vec![f32::NAN; expected.len()];
                match kind {
                    ScoreKind::Cosine => all_pairs::<Product, Plain>(&data, width, &asked, &mut out),
                    ScoreKind::Euclidean => all_pairs::<SquaredDifference, Plain>(&data, width, &asked, &mut out),
                }
                assert_eq!(bits(&out), expected, "plain, {kind:?}, {width} values");
            }
        }
    }
}
