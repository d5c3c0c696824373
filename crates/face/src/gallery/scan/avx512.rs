//! The scan with AVX-512 VNNI, which multiplies bytes and adds four products in one instruction.
//!
//! The instruction takes one side without a sign. The row is that side, each code raised by 128; what this adds to the sum
//! is 128 times the sum of the probe's codes, which is taken off at the end. Sums wrap, so the difference is exact.

use std::arch::x86_64::*;

use super::super::codes::{Asked, STEP};
use super::PASS_PROBES;
use super::avx2::across;

/// Rows that one probe meets together: their eight sums are added up across in one go.
const ROWS: usize = 8;

/// See [`super::Instructions::dots`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
pub(super) fn dots(rows: &[i8], width: usize, asked: &Asked, first: usize, out: &mut [i32]) {
    let count = rows.len() / width;
    let probes = (asked.count() - first).min(PASS_PROBES);
    if probes == 1 {
        one_probe(rows, width, asked.codes(first), out);
    } else {
        // A pass of fewer than eight probes repeats its last one and drops what comes of it.
        let eight = std::array::from_fn(|number| asked.codes(first + number.min(probes - 1)));
        eight_probes(rows, width, eight, out, count);
    }
    for (number, out) in out.chunks_exact_mut(count).enumerate() {
        let raised = asked.codes(first + number).iter().fold(0i32, |sum, code| sum.wrapping_add(i32::from(*code)));
        let raised = raised.wrapping_mul(128);
        out.iter_mut().for_each(|sum| *sum = sum.wrapping_sub(raised));
    }
}

/// Each row with one probe, strictly one after the other: the rows come from memory in one stream.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
fn one_probe(rows: &[i8], width: usize, probe: &[i8], out: &mut [i32]) {
    for (rows, out) in rows.chunks(ROWS * width).zip(out.chunks_mut(ROWS)) {
        let mut sums = [_mm256_setzero_si256(); ROWS];
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(width)) {
            let mut lanes = [_mm512_setzero_si512(); 2];
            for (step, (row, probe)) in row.chunks_exact(STEP).zip(probe.chunks_exact(STEP)).enumerate() {
                lanes[step % 2] = _mm512_dpbusd_epi32(lanes[step % 2], raised(row), load(probe));
            }
            *sum = halved(_mm512_add_epi32(lanes[0], lanes[1]));
        }
        out.copy_from_slice(&across(sums)[..out.len()]);
    }
}

/// Eight probes with all rows, two rows at a time: sixteen sums stay in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
fn eight_probes(rows: &[i8], width: usize, probes: [&[i8]; PASS_PROBES], out: &mut [i32], count: usize) {
    let probes = probes.map(|probe| &probe[..width]);
    for (pair, rows) in rows.chunks(2 * width).enumerate() {
        let (upper, lower) = rows.split_at(width);
        // An odd last row is multiplied twice, and the second result is not kept.
        let second = if lower.is_empty() { upper } else { lower };
        let mut sums = [[_mm512_setzero_si512(); PASS_PROBES]; 2];
        for (step, (upper, lower)) in upper.chunks_exact(STEP).zip(second.chunks_exact(STEP)).enumerate() {
            let (upper, lower) = (raised(upper), raised(lower));
            for (number, probe) in probes.iter().enumerate() {
                let probe = load(&probe[step * STEP..]);
                sums[0][number] = _mm512_dpbusd_epi32(sums[0][number], upper, probe);
                sums[1][number] = _mm512_dpbusd_epi32(sums[1][number], lower, probe);
            }
        }
        for (row, sums) in sums.into_iter().enumerate().take(rows.len() / width) {
            let sums = across(sums.map(|sum| halved(sum)));
            for (out, sum) in out.chunks_exact_mut(count).zip(sums) {
                out[2 * pair + row] = sum;
            }
        }
    }
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
fn raised(codes: &[i8]) -> __m512i {
    _mm512_xor_si512(load(codes), _mm512_set1_epi8(i8::MIN))
}

/// The first sixty-four codes.
#[target_feature(enable = "avx512f")]
#[inline]
fn load(codes: &[i8]) -> __m512i {
    let codes = &codes[..STEP];
    // SAFETY: sixty-four bytes are there to read, aligned or not.
    unsafe { _mm512_loadu_si512(codes.as_ptr().cast()) }
}
