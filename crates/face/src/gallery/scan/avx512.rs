//! The scan with AVX-512 VNNI, which multiplies bytes and adds four products in one instruction.
//!
//! The instruction takes one side without a sign. The row is that side, each code raised by 128; what this adds to the sum
//! is 128 times the sum of the probe's codes, which is taken off at the end. Sums wrap, so the difference is exact.

use std::arch::x86_64::*;

use super::super::codes::{Asked, STEP};
use super::super::rows::Block;
use super::PASS_PROBES;
use super::avx2::{across, ahead};

/// Rows that one probe meets together: a register of sums, or of estimates.
const ROWS: usize = 16;

/// See [`super::Instructions::dots`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
pub(super) fn dots(rows: &[i8], width: usize, asked: &Asked, first: usize, out: &mut [i32]) {
    let count = rows.len() / width;
    let probes = (asked.count() - first).min(PASS_PROBES);
    if probes == 1 {
        return one_probe(rows, width, asked.codes(first), out);
    }
    // A pass of fewer than eight probes repeats its last one and drops what comes of it.
    let eight = std::array::from_fn(|number| asked.codes(first + number.min(probes - 1)));
    eight_probes(rows, width, eight, out, count);
    for (number, out) in out.chunks_exact_mut(count).enumerate() {
        let raised = too_much(asked.codes(first + number));
        out.iter_mut().for_each(|sum| *sum = sum.wrapping_sub(raised));
    }
}

/// See [`super::Instructions::sift_one`]. The sums stay in registers, and nothing comes between one read of the memory and the next:
/// sums that were written down and looked at block by block kept it waiting for a third of the time.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
pub(super) fn sift_one(block: &Block<'_>, probe: &[i8], scale: f32, limit: f32, kept: &mut Vec<usize>) {
    let raised = _mm512_set1_epi32(too_much(probe));
    let (scale, limit) = (_mm512_set1_ps(scale), _mm512_set1_ps(limit));
    let mut biases = block.biases.chunks(ROWS);
    for (first, (rows, scales)) in block.codes.chunks(ROWS * probe.len()).zip(block.scales.chunks(ROWS)).enumerate() {
        let sums = _mm512_sub_epi32(sums(rows, probe), raised);
        // As [`super::estimate`], rounded after each operation.
        let product = _mm512_mul_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), numbers(scales)), scale);
        let estimates = biases.next().map_or(product, |biases| _mm512_add_ps(product, numbers(biases)));
        // As [`super::is_below`]: what is not a number is not below.
        let mut left = _mm512_mask_cmp_ps_mask::<_CMP_NLT_UQ>(lanes(scales.len()), estimates, limit);
        while left != 0 {
            kept.push(first * ROWS + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}

/// Each row with one probe, strictly one after the other: the rows come from memory in one stream.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
fn one_probe(rows: &[i8], width: usize, probe: &[i8], out: &mut [i32]) {
    let raised = _mm512_set1_epi32(too_much(probe));
    for (rows, out) in rows.chunks(ROWS * width).zip(out.chunks_mut(ROWS)) {
        let sums = _mm512_sub_epi32(sums(rows, probe), raised);
        // SAFETY: only as many lanes are written as `out` has room for.
        unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr(), lanes(out.len()), sums) };
    }
}

/// The sums of up to sixteen rows with one probe, in their order; zero where there is no row.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
#[inline]
fn sums(rows: &[i8], probe: &[i8]) -> __m512i {
    let mut sums = [_mm512_setzero_si512(); ROWS];
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(probe.len())) {
        for (row, probe) in row.as_chunks::<STEP>().0.iter().zip(probe.as_chunks::<STEP>().0) {
            *sum = _mm512_dpbusd_epi32(*sum, raised(row), load(probe));
        }
    }
    let pairs: [__m512i; 8] = std::array::from_fn(|at| {
        let (one, two) = (sums[2 * at], sums[2 * at + 1]);
        _mm512_add_epi32(_mm512_unpacklo_epi32(one, two), _mm512_unpackhi_epi32(one, two))
    });
    let fours: [__m512i; 4] = std::array::from_fn(|at| {
        let (one, two) = (pairs[2 * at], pairs[2 * at + 1]);
        _mm512_add_epi32(_mm512_unpacklo_epi64(one, two), _mm512_unpackhi_epi64(one, two))
    });
    // Each quarter of these four holds sums of its own over four rows.
    let upper = quarters(fours[0], fours[1]);
    let lower = quarters(fours[2], fours[3]);
    quarters(upper, lower)
}

/// Neighbouring quarters of each added, those of `one` before those of `two`.
#[target_feature(enable = "avx512f")]
#[inline]
fn quarters(one: __m512i, two: __m512i) -> __m512i {
    _mm512_add_epi32(_mm512_shuffle_i32x4::<0b10_00_10_00>(one, two), _mm512_shuffle_i32x4::<0b11_01_11_01>(one, two))
}

/// A lane for each of up to sixteen numbers.
fn lanes(count: usize) -> __mmask16 {
    // Shifted in thirty-two bits, since sixteen lanes are all there are.
    ((1u32 << count) - 1) as __mmask16
}

/// Up to sixteen numbers; zero where there is none.
#[target_feature(enable = "avx512f")]
#[inline]
fn numbers(numbers: &[f32]) -> __m512 {
    // SAFETY: only as many lanes are read as there are numbers.
    unsafe { _mm512_maskz_loadu_ps(lanes(numbers.len()), numbers.as_ptr()) }
}

/// What raised codes add to the sum of every row.
fn too_much(probe: &[i8]) -> i32 {
    probe.iter().fold(0i32, |sum, code| sum.wrapping_add(i32::from(*code))).wrapping_mul(128)
}

/// Eight probes with all rows, two rows at a time: sixteen sums stay in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
fn eight_probes(rows: &[i8], width: usize, probes: [&[i8]; PASS_PROBES], out: &mut [i32], count: usize) {
    for (pair, rows) in rows.chunks(2 * width).enumerate() {
        // The two streams of a pair of rows are none to the processor; so the next rows are called for in their order.
        ahead(rows);
        let (upper, lower) = rows.split_at(width);
        // An odd last row is multiplied twice, and the second result is not kept.
        let sums = two_rows(upper, if lower.is_empty() { upper } else { lower }, probes);
        for (row, sums) in sums.into_iter().enumerate().take(rows.len() / width) {
            for (out, sum) in out.chunks_exact_mut(count).zip(across(sums)) {
                out[2 * pair + row] = sum;
            }
        }
    }
}

/// Two rows with eight probes: for each row the partial sums of every probe.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
#[inline]
fn two_rows(upper: &[i8], lower: &[i8], probes: [&[i8]; PASS_PROBES]) -> [[__m256i; PASS_PROBES]; 2] {
    let (upper, lower) = (upper.as_chunks::<STEP>().0, lower.as_chunks::<STEP>().0);
    let lower = &lower[..upper.len()];
    let mut steps: [&[[i8; STEP]]; PASS_PROBES] = [&[]; PASS_PROBES];
    for (steps, probe) in steps.iter_mut().zip(probes) {
        // With one length for all, the compiler sees that no index below is out of bounds.
        *steps = &probe.as_chunks::<STEP>().0[..upper.len()];
    }
    let mut sums = [[_mm512_setzero_si512(); PASS_PROBES]; 2];
    for step in 0..upper.len() {
        let (upper, lower) = (raised(&upper[step]), raised(&lower[step]));
        for probe in 0..PASS_PROBES {
            let codes = load(&steps[probe][step]);
            sums[0][probe] = _mm512_dpbusd_epi32(sums[0][probe], upper, codes);
            sums[1][probe] = _mm512_dpbusd_epi32(sums[1][probe], lower, codes);
        }
    }
    let mut halves = [[_mm256_setzero_si256(); PASS_PROBES]; 2];
    for row in 0..2 {
        for probe in 0..PASS_PROBES {
            halves[row][probe] = halved(sums[row][probe]);
        }
    }
    halves
}

/// The upper half added to the lower.
#[target_feature(enable = "avx512f")]
#[inline]
fn halved(sum: __m512i) -> __m256i {
    _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum))
}

/// Sixty-four codes raised by 128, without a sign.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn raised(codes: &[i8; STEP]) -> __m512i {
    _mm512_xor_si512(load(codes), _mm512_set1_epi8(i8::MIN))
}

/// Sixty-four codes.
#[target_feature(enable = "avx512f")]
#[inline]
fn load(codes: &[i8; STEP]) -> __m512i {
    // SAFETY: sixty-four bytes are there to read, aligned or not.
    unsafe { _mm512_loadu_si512(codes.as_ptr().cast()) }
}
