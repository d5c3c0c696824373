//! The scan with AVX2, which has no exact product of bytes: codes are widened to two bytes, whose products cannot overflow.

use std::arch::x86_64::*;

use super::super::codes::{Asked, STEP};
use super::super::rows::Block;
use super::{PASS_PROBES, SIFTED_ROWS};

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
        // The two streams of a pair of rows are none to the processor; so the next rows are called for in their order.
        ahead(rows);
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
    super::sift(dots, scales, biases, scale, limit, kept, 0);
}

/// See [`super::Instructions::sift_one`]. As with AVX-512, sums are looked at as soon as there are some, so that reading goes on.
#[target_feature(enable = "avx2")]
pub(super) fn sift_one(block: &Block<'_>, probe: &[i16], scale: f32, limit: f32, kept: &mut Vec<usize>) {
    let width = probe.len();
    let mut biases = block.biases.chunks(SIFTED_ROWS);
    let rows = block.codes.chunks(SIFTED_ROWS * width).zip(block.scales.chunks(SIFTED_ROWS));
    for (first, (rows, scales)) in rows.enumerate() {
        let mut dots = [0; SIFTED_ROWS];
        let dots = &mut dots[..scales.len()];
        one_probe(rows, width, probe, dots);
        super::sift(dots, scales, biases.next().unwrap_or_default(), scale, limit, kept, first * SIFTED_ROWS);
    }
}

/// Each row with one probe, strictly one after the other: the rows come from memory in one stream.
#[target_feature(enable = "avx2")]
fn one_probe(rows: &[i8], width: usize, probe: &[i16], out: &mut [i32]) {
    for (rows, out) in rows.chunks(ROWS * width).zip(out.chunks_mut(ROWS)) {
        ahead(rows);
        let mut sums = [_mm256_setzero_si256(); ROWS];
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(width)) {
            *sum = one_row(row, probe);
        }
        out.copy_from_slice(&across(sums)[..out.len()]);
    }
}

/// The products of one row with one probe in eight partial sums.
#[target_feature(enable = "avx2")]
#[inline]
fn one_row(row: &[i8], probe: &[i16]) -> __m256i {
    let mut sums = [_mm256_setzero_si256(); 2];
    for (row, probe) in row.as_chunks::<STEP>().0.iter().zip(probe.as_chunks::<STEP>().0) {
        for quarter in 0..STEP / 16 {
            let products = _mm256_madd_epi16(widened(row, quarter), wide(probe, quarter));
            sums[quarter % 2] = _mm256_add_epi32(sums[quarter % 2], products);
        }
    }
    _mm256_add_epi32(sums[0], sums[1])
}

/// `P` probes, at most four, with all rows, two rows at a time; returns `P`.
#[target_feature(enable = "avx2")]
#[inline]
fn some_probes<const P: usize>(rows: &[i8], width: usize, probes: [&[i16]; P], out: &mut [i32], count: usize) -> usize {
    for (pair, rows) in rows.chunks(2 * width).enumerate() {
        let (upper, lower) = rows.split_at(width);
        // An odd last row is multiplied twice, and the second result is not kept.
        let sums = across(two_rows(upper, if lower.is_empty() { upper } else { lower }, probes));
        for probe in 0..P {
            let out = &mut out[probe * count + 2 * pair..];
            let taken = rows.len() / width;
            out[..taken].copy_from_slice(&sums[2 * probe..][..taken]);
        }
    }
    P
}

/// Two rows with `P` probes: partial sums, the rows of one probe beside each other.
#[target_feature(enable = "avx2")]
#[inline]
fn two_rows<const P: usize>(upper: &[i8], lower: &[i8], probes: [&[i16]; P]) -> [__m256i; 2 * PROBES] {
    let (upper, lower) = (upper.as_chunks::<STEP>().0, lower.as_chunks::<STEP>().0);
    let lower = &lower[..upper.len()];
    let mut steps: [&[[i16; STEP]]; P] = [&[]; P];
    for (steps, probe) in steps.iter_mut().zip(probes) {
        // With one length for all, the compiler sees that no index below is out of bounds.
        *steps = &probe.as_chunks::<STEP>().0[..upper.len()];
    }
    let mut sums = [_mm256_setzero_si256(); 2 * PROBES];
    for step in 0..upper.len() {
        for quarter in 0..STEP / 16 {
            let (upper, lower) = (widened(&upper[step], quarter), widened(&lower[step], quarter));
            for probe in 0..P {
                let codes = wide(&steps[probe][step], quarter);
                sums[2 * probe] = _mm256_add_epi32(sums[2 * probe], _mm256_madd_epi16(upper, codes));
                sums[2 * probe + 1] = _mm256_add_epi32(sums[2 * probe + 1], _mm256_madd_epi16(lower, codes));
            }
        }
    }
    sums
}

/// Asks for as many bytes behind `rows` as `rows` has; what lies there is not read, so it need not be ours.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn ahead(rows: &[i8]) {
    let next = rows.as_ptr().wrapping_add(rows.len());
    for line in (0..rows.len()).step_by(STEP) {
        _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(line));
    }
}

/// A quarter of the codes of one step, two bytes each.
#[target_feature(enable = "avx2")]
#[inline]
fn widened(codes: &[i8; STEP], quarter: usize) -> __m256i {
    let codes = &codes[quarter * 16..][..16];
    // SAFETY: sixteen bytes are there to read, aligned or not.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) })
}

/// A quarter of the wide codes of one step.
#[target_feature(enable = "avx2")]
#[inline]
fn wide(codes: &[i16; STEP], quarter: usize) -> __m256i {
    let codes = &codes[quarter * 16..][..16];
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
