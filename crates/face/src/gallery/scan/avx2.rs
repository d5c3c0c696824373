//! The scan with AVX2, which has no exact product of bytes: codes are widened to two bytes, whose products cannot overflow.

use std::arch::x86_64::*;

use super::super::codes::{Asked, STEP};
use super::PASS_PROBES;

/// Rows that one probe meets together: their eight sums are added up across in one go.
const ROWS: usize = 8;

/// Probes that share one reading of two rows: with four, the eight sums and both rows stay in registers.
const PROBES: usize = 4;

/// See [`super::Instructions::dots`].
#[target_feature(enable = "avx2")]
pub(super) fn dots(rows: &[i8], width: usize, asked: &Asked, first: usize, out: &mut [i32]) {
    let count = rows.len() / width;
    let probes = (asked.count() - first).min(PASS_PROBES);
    if probes == 1 {
        return one_probe(rows, width, asked.wide(first), out);
    }
    // Eight rows lie in the nearest cache while all probes of the pass meet them.
    for (eighth, rows) in rows.chunks(ROWS * width).enumerate() {
        let mut done = 0;
        while done < probes {
            let at = eighth * ROWS + done * count;
            let probe = |number: usize| asked.wide(first + done + number);
            done += match probes - done {
                1 => some_probes(rows, width, [probe(0)], &mut out[at..], count),
                2 => some_probes(rows, width, [probe(0), probe(1)], &mut out[at..], count),
                3 => some_probes(rows, width, [probe(0), probe(1), probe(2)], &mut out[at..], count),
                _ => some_probes(rows, width, [probe(0), probe(1), probe(2), probe(3)], &mut out[at..], count),
            };
        }
    }
}

/// See [`super::Instructions::sift`].
#[target_feature(enable = "avx2")]
pub(super) fn sift(dots: &[i32], scales: &[f32], biases: &[f32], scale: f32, limit: f32, kept: &mut Vec<usize>) {
    super::sift(dots, scales, biases, scale, limit, kept);
}

/// Each row with one probe, strictly one after the other: the rows come from memory in one stream.
#[target_feature(enable = "avx2")]
fn one_probe(rows: &[i8], width: usize, probe: &[i16], out: &mut [i32]) {
    let mut eights = rows.chunks_exact(ROWS * width);
    let mut outs = out.chunks_exact_mut(ROWS);
    for (rows, out) in eights.by_ref().zip(outs.by_ref()) {
        let mut sums = [_mm256_setzero_si256(); ROWS];
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(width)) {
            *sum = one_row(row, probe);
        }
        out.copy_from_slice(&across(sums));
    }
    for (row, out) in eights.remainder().chunks_exact(width).zip(outs.into_remainder()) {
        let zero = _mm256_setzero_si256();
        *out = across([one_row(row, probe), zero, zero, zero, zero, zero, zero, zero])[0];
    }
}

/// The products of one row with one probe in eight partial sums.
#[target_feature(enable = "avx2")]
#[inline]
fn one_row(row: &[i8], probe: &[i16]) -> __m256i {
    let mut sums = [_mm256_setzero_si256(); 4];
    for (row, probe) in row.chunks_exact(STEP).zip(probe.chunks_exact(STEP)) {
        for (quarter, sum) in sums.iter_mut().enumerate() {
            let products = _mm256_madd_epi16(widened(row, quarter * 16), wide(probe, quarter * 16));
            *sum = _mm256_add_epi32(*sum, products);
        }
    }
    _mm256_add_epi32(_mm256_add_epi32(sums[0], sums[1]), _mm256_add_epi32(sums[2], sums[3]))
}

/// `P` probes, at most four, with all rows, two rows at a time; returns `P`.
#[target_feature(enable = "avx2")]
#[inline]
fn some_probes<const P: usize>(
    rows: &[i8],
    width: usize,
    probes: [&[i16]; P],
    out: &mut [i32],
    count: usize,
) -> usize {
    for (pair, rows) in rows.chunks(2 * width).enumerate() {
        let (upper, lower) = rows.split_at(width);
        // An odd last row is multiplied twice, and the second result is not kept.
        let sums = two_rows(upper, if lower.is_empty() { upper } else { lower }, probes);
        let sums = across(sums);
        for probe in 0..P {
            let at = probe * count + 2 * pair;
            out[at] = sums[2 * probe];
            if !lower.is_empty() {
                out[at + 1] = sums[2 * probe + 1];
            }
        }
    }
    P
}

/// Two rows with `P` probes: partial sums, the rows of one probe beside each other.
#[target_feature(enable = "avx2")]
#[inline]
fn two_rows<const P: usize>(upper: &[i8], lower: &[i8], probes: [&[i16]; P]) -> [__m256i; 2 * PROBES] {
    let mut sums = [_mm256_setzero_si256(); 2 * PROBES];
    let probes = probes.map(|probe| &probe[..upper.len()]);
    for (step, (upper, lower)) in upper.chunks_exact(STEP).zip(lower.chunks_exact(STEP)).enumerate() {
        for quarter in 0..STEP / 16 {
            let (upper, lower) = (widened(upper, quarter * 16), widened(lower, quarter * 16));
            for (probe, values) in probes.iter().enumerate() {
                let values = wide(values, step * STEP + quarter * 16);
                sums[2 * probe] = _mm256_add_epi32(sums[2 * probe], _mm256_madd_epi16(upper, values));
                sums[2 * probe + 1] = _mm256_add_epi32(sums[2 * probe + 1], _mm256_madd_epi16(lower, values));
            }
        }
    }
    sums
}

/// Sixteen codes from `at` on, two bytes each.
#[target_feature(enable = "avx2")]
#[inline]
fn widened(codes: &[i8], at: usize) -> __m256i {
    let codes = &codes[at..at + 16];
    // SAFETY: sixteen bytes are there to read, aligned or not.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) })
}

/// Sixteen wide codes from `at` on.
#[target_feature(enable = "avx2")]
#[inline]
fn wide(codes: &[i16], at: usize) -> __m256i {
    let codes = &codes[at..at + 16];
    // SAFETY: thirty-two bytes are there to read, aligned or not.
    unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) }
}

/// The sum over each of eight registers.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn across(sums: [__m256i; 8]) -> [i32; 8] {
    let [a, b, c, d, e, f, g, h] = sums;
    let low = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    let high = _mm256_hadd_epi32(_mm256_hadd_epi32(e, f), _mm256_hadd_epi32(g, h));
    // Each half of both holds four sums over four lanes: the halves are put in order and added.
    let whole =
        _mm256_add_epi32(_mm256_permute2x128_si256::<0x20>(low, high), _mm256_permute2x128_si256::<0x31>(low, high));
    let mut out = [0; 8];
    // SAFETY: the array has room for the thirty-two bytes, aligned or not.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), whole) };
    out
}
