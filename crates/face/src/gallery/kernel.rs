//! The one SIMD kernel: how alike a few probes are to many rows, the same bits on every machine.
//!
//! Each pair is summed in sixteen fixed lanes which are then added in one fixed order, and products are rounded before they
//! are added (no fused multiply-add). So the result does not depend on the instruction set, the number of threads or the
//! neighbours in a block: an alert raised on one machine can be reproduced bit for bit on another. The price is small, because
//! reading the rows from memory is what takes the time. The code is plain Rust, compiled once for each instruction set.

use crate::template::ScoreKind;

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
    assert!(width > 0 && width.is_multiple_of(LANES) && rows.len().is_multiple_of(width), "rows must be padded to whole lanes");
    assert!(probes.iter().all(|probe| probe.len() == width), "probes must be as wide as the rows");
    assert_eq!(out.len(), rows.len() / width * probes.len(), "one score for each pair");
    match kind {
        ScoreKind::Cosine => dispatch::<Product>(rows, width, probes, out),
        ScoreKind::Euclidean => dispatch::<SquaredDifference>(rows, width, probes, out),
    }
}

/// What is summed over the values of a pair, and how the sum becomes a score.
trait Term {
    /// One value's share of the sum.
    fn term(row: f32, probe: f32) -> f32;
    /// The score of the whole sum; adding zero turns -0 into 0, so that equal scores have equal bits.
    fn score(sum: f32) -> f32;
}

/// Cosine of vectors of unit length. Rounding can carry the sum past 1, which no cosine is.
struct Product;

impl Term for Product {
    #[inline(always)]
    fn term(row: f32, probe: f32) -> f32 {
        row * probe
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
    fn term(row: f32, probe: f32) -> f32 {
        let difference = row - probe;
        difference * difference
    }

    #[inline(always)]
    fn score(sum: f32) -> f32 {
        0.0 - sum.sqrt()
    }
}

/// Runs the kernel compiled for the best instruction set of this processor.
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
    // NEON is part of every 64-bit ARM target and SSE2 of every 64-bit x86 one, so the plain build uses them.
    all_pairs::<T, 2>(rows, width, probes, out);
}

/// The kernel with 32 registers of 16 lanes: four rows at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512<T: Term>(rows: &[f32], width: usize, probes: &[&[f32]], out: &mut [f32]) {
    all_pairs::<T, 4>(rows, width, probes, out);
}

/// The kernel with 16 registers of 8 lanes: two rows at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<T: Term>(rows: &[f32], width: usize, probes: &[&[f32]], out: &mut [f32]) {
    all_pairs::<T, 2>(rows, width, probes, out);
}

/// Probes scored together, so that a row read from memory is used more than once.
const PROBES_TOGETHER: usize = 3;

/// All rows against all probes, `R` rows and up to [`PROBES_TOGETHER`] probes at a time.
#[inline(always)]
fn all_pairs<T: Term, const R: usize>(rows: &[f32], width: usize, probes: &[&[f32]], out: &mut [f32]) {
    let count = rows.len() / width;
    for (group, together) in probes.chunks(PROBES_TOGETHER).enumerate() {
        let out = &mut out[group * PROBES_TOGETHER * count..][..together.len() * count];
        match *together {
            [a, b, c] => some_probes::<T, R, 3>(rows, width, [a, b, c], out),
            [a, b] => some_probes::<T, R, 2>(rows, width, [a, b], out),
            [a] => some_probes::<T, 4, 1>(rows, width, [a], out),
            _ => {}
        }
    }
}

/// All rows against `P` probes; the rows left over after groups of `R` are done one by one.
#[inline(always)]
fn some_probes<T: Term, const R: usize, const P: usize>(rows: &[f32], width: usize, probes: [&[f32]; P], out: &mut [f32]) {
    let count = rows.len() / width;
    let mut groups = rows.chunks_exact(R * width);
    let mut first = 0;
    for group in groups.by_ref() {
        let sums = sums::<T, R, P>(group, width, probes);
        for (row, sums) in sums.iter().enumerate() {
            for (probe, sum) in sums.iter().enumerate() {
                out[probe * count + first + row] = T::score(*sum);
            }
        }
        first += R;
    }
    for row in groups.remainder().chunks_exact(width) {
        let [sums] = sums::<T, 1, P>(row, width, probes);
        for (probe, sum) in sums.iter().enumerate() {
            out[probe * count + first] = T::score(*sum);
        }
        first += 1;
    }
}

/// The sums of `R` rows with `P` probes, each pair in its own sixteen lanes.
#[inline(always)]
fn sums<T: Term, const R: usize, const P: usize>(rows: &[f32], width: usize, probes: [&[f32]; P]) -> [[f32; P]; R] {
    let rows: [&[f32]; R] = std::array::from_fn(|row| &rows[row * width..][..width]);
    let probes: [&[f32]; P] = std::array::from_fn(|probe| &probes[probe][..width]);
    let mut lanes = [[[0.0f32; LANES]; P]; R];
    for start in (0..width).step_by(LANES) {
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            let row: &[f32; LANES] = whole_step(row, start);
            for (probe, lanes) in probes.iter().zip(lanes) {
                let probe = whole_step(probe, start);
                for lane in 0..LANES {
                    lanes[lane] += T::term(row[lane], probe[lane]);
                }
            }
        }
    }
    lanes.map(|row| row.map(add_up))
}

/// The sixteen values at `start`. Both lengths are multiples of [`LANES`], which `scores` has checked.
#[inline(always)]
fn whole_step(values: &[f32], start: usize) -> &[f32; LANES] {
    values[start..start + LANES].first_chunk().expect("a slice of sixteen values")
}

/// The sum of the lanes, always in the same order: halves onto halves.
#[inline(always)]
fn add_up(lanes: [f32; LANES]) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 8]);
    let four: [f32; 4] = std::array::from_fn(|lane| eight[lane] + eight[lane + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}
