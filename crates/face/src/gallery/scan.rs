//! The scan over the codes: sums of products of whole numbers, and which rows may be in the answer by them.
//!
//! Whole numbers add up to the same in any order, so every instruction set gives the same sums; what follows from them is
//! computed in single precision, each operation rounded once, which is the same everywhere too.

use super::bound::is_below;
use super::codes::Asked;
use super::rows::Block;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

/// Probes of one pass over the rows.
pub(super) const PASS_PROBES: usize = 8;

/// Rows whose estimates are looked at together.
const SIFTED_ROWS: usize = 16;

/// The instruction sets a scan is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instructions {
    /// AVX-512 with byte products (VNNI).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every 64-bit ARM processor has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Whatever the compiler makes of plain loops.
    Portable,
}

impl Instructions {
    /// All that are written for this kind of processor, best first.
    pub(super) const ALL: &[Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
        Self::Portable,
    ];

    /// Whether this processor has them.
    pub(super) fn present(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vnni")
                    && is_x86_feature_detected!("avx2")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            Self::Portable => true,
        }
    }

    /// The best that this processor has.
    pub(super) fn best() -> Self {
        Self::ALL.iter().copied().find(|set| set.present()).unwrap_or(Self::Portable)
    }

    /// What an operator calls them.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512 VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "NEON",
            Self::Portable => "portable",
        }
    }

    /// For up to [`PASS_PROBES`] probes from `first` on, the sum of the products of codes with every row:
    /// `out[probe * row_count + row]`.
    pub(super) fn dots(self, rows: &[i8], width: usize, asked: &Asked, first: usize, out: &mut [i32]) {
        let count = rows.len() / width;
        let probes = (asked.count() - first).min(PASS_PROBES);
        self.check(rows, width, count);
        assert_eq!(out.len(), count * probes, "one sum for each pair");
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has just been found to have them.
            Self::Avx512 => unsafe { avx512::dots(rows, width, asked, first, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx2 => unsafe { avx2::dots(rows, width, asked, first, out) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::dots(rows, width, asked, first, out),
            Self::Portable => portable(rows, width, asked, first, out),
        }
    }

    /// What every scan needs of the processor and the rows.
    fn check(self, rows: &[i8], width: usize, count: usize) {
        assert!(self.present(), "{} is not what this processor has", self.name());
        assert!(width.is_multiple_of(super::codes::STEP) && rows.len() == count * width, "rows must be padded");
    }

    /// The rows of a block that may reach the floor of the last probe, as [`Self::dots`] and [`Self::sift`] would leave them; `dots` is
    /// a place to compute in.
    pub(super) fn sift_one(
        self,
        block: &Block<'_>,
        asked: &Asked,
        limit: f32,
        dots: &mut Vec<i32>,
        kept: &mut Vec<usize>,
    ) {
        let probe = asked.count() - 1;
        let (codes, scale) = (asked.codes(probe), asked.coding(probe).scale);
        self.check(block.codes, codes.len(), block.scales.len());
        kept.clear();
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has just been found to have them.
            Self::Avx512 => unsafe { avx512::sift_one(block, codes, scale, limit, kept) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx2 => unsafe { avx2::sift_one(block, asked.wide(probe), scale, limit, kept) },
            _ => {
                dots.resize(block.scales.len(), 0);
                self.dots(block.codes, codes.len(), asked, probe, dots);
                self.sift(dots, block, scale, limit, kept);
            }
        }
    }

    /// The rows of a block that may reach the floor of a probe: those whose estimate is not below `limit`.
    pub(super) fn sift(self, dots: &[i32], block: &Block<'_>, scale: f32, limit: f32, kept: &mut Vec<usize>) {
        kept.clear();
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `dots` has found before that the processor has them; both sets include AVX2.
            Self::Avx512 | Self::Avx2 => unsafe { avx2::sift(dots, block.scales, block.biases, scale, limit, kept) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => sift(dots, block.scales, block.biases, scale, limit, kept, 0),
            Self::Portable => sift(dots, block.scales, block.biases, scale, limit, kept, 0),
        }
    }
}

/// The definition, which the others are compared with.
fn portable(rows: &[i8], width: usize, asked: &Asked, first: usize, out: &mut [i32]) {
    let count = rows.len() / width;
    for (number, out) in out.chunks_exact_mut(count).enumerate() {
        let probe = asked.codes(first + number);
        for (row, out) in rows.chunks_exact(width).zip(out) {
            let products = row.iter().zip(probe).map(|(row, probe)| i32::from(*row) * i32::from(*probe));
            *out = products.fold(0, i32::wrapping_add);
        }
    }
}

/// What a row can be expected to score, in the terms of [`super::bound`]; `biases` has one for each row or none at all.
#[inline(always)]
pub(super) fn estimate(dots: &[i32], scales: &[f32], biases: &[f32], scale: f32, row: usize) -> f32 {
    let product = (dots[row] as f32 * scales[row]) * scale;
    if biases.is_empty() { product } else { product + biases[row] }
}

/// [`Instructions::sift`], written once; rows kept are told with `number` added.
#[inline(always)]
fn sift(dots: &[i32], scales: &[f32], biases: &[f32], scale: f32, limit: f32, kept: &mut Vec<usize>, number: usize) {
    let scales = &scales[..dots.len()];
    if biases.is_empty() {
        sift_with(dots.len(), |row| estimate(dots, scales, &[], scale, row), limit, kept, number);
    } else {
        let biases = &biases[..dots.len()];
        sift_with(dots.len(), |row| estimate(dots, scales, biases, scale, row), limit, kept, number);
    }
}

#[inline(always)]
fn sift_with(rows: usize, estimate: impl Fn(usize) -> f32, limit: f32, kept: &mut Vec<usize>, number: usize) {
    let mut first = 0;
    while first < rows {
        let end = (first + SIFTED_ROWS).min(rows);
        let mut all_below = true;
        for row in first..end {
            all_below &= is_below(estimate(row), limit);
        }
        if !all_below {
            kept.extend((first..end).filter(|row| !is_below(estimate(*row), limit)).map(|row| number + row));
        }
        first = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::codes;

    /// Codes from a small generator, the extremes among them.
    fn row_codes(seed: u32, count: usize) -> Vec<i8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 29 {
                0 => 127,
                1 => -127,
                _ => ((state >> 8) % 255) as i32 - 127,
            }
        };
        (0..count).map(|_| next() as i8).collect()
    }

    #[test]
    fn every_instruction_set_gives_the_sums_of_the_definition() {
        for set in Instructions::ALL {
            if !set.present() {
                println!("skipped: this processor does not have {}", set.name());
                continue;
            }
            for dimensions in [1, 64, 100, 128, 512, 4096] {
                for (rows, probes) in [(1, 1), (7, 3), (8, 1), (19, 1), (33, 4), (17, 7), (40, 8), (5, 11)] {
                    let width = codes::padded(dimensions);
                    let data = row_codes(rows as u32, rows * width);
                    // As values, codes with the largest among them are coded as themselves.
                    let asked: Vec<Vec<f32>> = (0..probes)
                        .map(|probe| row_codes(99 + probe, width).into_iter().map(f32::from).collect())
                        .collect();
                    let asked: Vec<&[f32]> = asked.iter().map(Vec::as_slice).collect();
                    let asked = Asked::new(&asked, width);
                    let mut first = 0;
                    while first < asked.count() {
                        let pass = (asked.count() - first).min(PASS_PROBES);
                        let mut out = vec![i32::MIN; rows * pass];
                        set.dots(&data, width, &asked, first, &mut out);
                        let expected: Vec<i32> = (first..first + pass)
                            .flat_map(|probe| data.chunks_exact(width).map(move |row| (row, probe)).collect::<Vec<_>>())
                            .map(|(row, probe)| {
                                let pairs = row.iter().zip(asked.codes(probe));
                                pairs.map(|(row, probe)| i64::from(*row) * i64::from(*probe)).sum::<i64>() as i32
                            })
                            .collect();
                        assert_eq!(out, expected, "{set:?}, {dimensions} values, {rows} rows, {probes} probes");
                        first += pass;
                    }
                }
            }
        }
    }

    #[test]
    fn the_greatest_sums_do_not_overflow_on_any_instruction_set() {
        let width = 4096;
        let most = vec![127.0; width];
        let least = vec![-127.0; width];
        let asked = Asked::new(&[&most, &least], width);
        for set in Instructions::ALL.iter().filter(|set| set.present()) {
            let mut out = [0; 4];
            let rows = [vec![127i8; width], vec![-127; width]].concat();
            set.dots(&rows, width, &asked, 0, &mut out);
            let whole = 127 * 127 * width as i32;
            assert_eq!(out, [whole, -whole, -whole, whole], "{set:?}");
        }
    }

    #[test]
    fn one_probe_leaves_the_rows_that_the_definition_leaves_on_every_instruction_set() {
        for (dimensions, rows) in [(64, 1), (128, 15), (128, 16), (100, 17), (512, 40), (128, 256)] {
            let width = codes::padded(dimensions);
            let data = row_codes(rows as u32, rows * width);
            let probes = [7, 8].map(|seed| row_codes(seed, width).into_iter().map(f32::from).collect::<Vec<f32>>());
            let asked = Asked::new(&[&probes[0], &probes[1]], width);
            let mut scales: Vec<f32> = (1..=rows).map(|row| 1.0 + row as f32 / 64.0).collect();
            scales[rows / 2] = f32::NAN;
            for biases in [vec![], (0..rows).map(|row| row as f32 * 100.0).collect()] {
                let block = Block {
                    first: 0,
                    values: &[],
                    codes: &data,
                    scales: &scales,
                    biases: &biases,
                    extent: &Default::default(),
                };
                let mut dots = vec![0; rows];
                Instructions::Portable.dots(&data, width, &asked, 1, &mut dots);
                let estimates = (0..rows).map(|row| estimate(&dots, &scales, &biases, asked.coding(1).scale, row));
                let mut limits: Vec<f32> = estimates.filter(|estimate| !estimate.is_nan()).collect();
                limits.extend([f32::NEG_INFINITY, f32::INFINITY]);
                for limit in limits {
                    let mut expected = Vec::new();
                    sift(&dots, &scales, &biases, asked.coding(1).scale, limit, &mut expected, 0);
                    for set in Instructions::ALL.iter().filter(|set| set.present()) {
                        let (mut place, mut kept) = (vec![9; 3], vec![9; 3]);
                        set.sift_one(&block, &asked, limit, &mut place, &mut kept);
                        assert_eq!(kept, expected, "{set:?}, {rows} rows of {dimensions}, {limit}, {biases:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_kept_and_a_tie_with_the_limit_too() {
        let mut kept = Vec::new();
        let dots: Vec<i32> = (0..40).collect();
        let mut scales = vec![1.0; 40];
        scales[3] = f32::NAN;
        sift(&dots, &scales, &[], 1.0, 30.0, &mut kept, 0);
        assert_eq!(kept, [vec![3], (30..40).collect()].concat());
        kept.clear();
        sift(&dots, &scales, &[1.0; 40], 1.0, 39.5, &mut kept, 0);
        assert_eq!(kept, [3, 39]);
        kept.clear();
        sift(&dots[..20], &scales[..20], &[], 1.0, 18.0, &mut kept, 100);
        assert_eq!(kept, [103, 118, 119]);
    }
}
