//! The scan with AVX-512 VNNI, which multiplies bytes and adds four products in one instruction.
//!
//! The instruction takes one side without a sign. The row is that side, each code raised by 128; what this adds to the sum
//! is 128 times the sum of the probe's codes, which is taken off at the end. Sums wrap, so the difference is exact.

use std::arch::x86_64::*;

use super::super::codes::{Asked, STEP};
use super::PASS_PROBES;
use super::avx2::{across, ahead};

/// Rows that one probe meets together: their eight sums are added up across in one go.
const ROWS: usize = 8;

/// Bytes behind a block that are called for when it is done. Its sums are looked at next, which takes a tenth of the time that reading it
/// took, and meanwhile the memory would stand idle: with this a loop of this kernel alone
/// reached 90 % of a plain read, without 83 %; whole searches are in docs/reference/performance.md. Calling for bytes during
/// the scan itself made it slower, at every distance from 512 to 8,192: the processor follows one stream by itself.
const NEXT_BYTES: usize = 2048;

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
    let probe = probe.as_chunks::<STEP>().0;
    for (rows, out) in rows.chunks(ROWS * width).zip(out.chunks_mut(ROWS)) {
        let mut sums = [_mm256_setzero_si256(); ROWS];
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(width)) {
            let mut lanes = _mm512_setzero_si512();
            for (row, probe) in row.as_chunks::<STEP>().0.iter().zip(probe) {
                lanes = _mm512_dpbusd_epi32(lanes, raised(row), load(probe));
            }
            *sum = halved(lanes);
        }
        out.copy_from_slice(&across(sums)[..out.len()]);
    }
    // What lies behind the last row is not read, so it need not be ours.
    let next = rows.as_ptr().wrapping_add(rows.len());
    for line in (0..NEXT_BYTES).step_by(STEP) {
        _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(line));
    }
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
