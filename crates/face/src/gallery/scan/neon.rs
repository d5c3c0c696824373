//! The scan with NEON, which every 64-bit ARM processor has: products of bytes with two bytes each, added in pairs.

use std::arch::aarch64::*;

use super::super::codes::{Asked, STEP};
use super::PASS_PROBES;

/// Probes that share one reading of a row: with four, all sums stay in registers.
const PROBES: usize = 4;

/// See [`super::Instructions::dots`].
pub(super) fn dots(rows: &[i8], width: usize, asked: &Asked, first: usize, out: &mut [i32]) {
    let count = rows.len() / width;
    let probes = (asked.count() - first).min(PASS_PROBES);
    for (row, codes) in rows.chunks_exact(width).enumerate() {
        let mut done = 0;
        while done < probes {
            let probe = |number: usize| asked.codes(first + done + number);
            let out = &mut out[done * count + row..];
            done += match probes - done {
                1 => some_probes(codes, [probe(0)], out, count),
                2 => some_probes(codes, [probe(0), probe(1)], out, count),
                3 => some_probes(codes, [probe(0), probe(1), probe(2)], out, count),
                _ => some_probes::<PROBES>(codes, [probe(0), probe(1), probe(2), probe(3)], out, count),
            };
        }
    }
}

/// One row with `P` probes: `out[probe * count]`; returns `P`.
#[inline(always)]
fn some_probes<const P: usize>(row: &[i8], probes: [&[i8]; P], out: &mut [i32], count: usize) -> usize {
    let probes = probes.map(|probe| &probe[..row.len()]);
    let mut sums = [[zero(); 2]; P];
    for (step, codes) in row.chunks_exact(STEP).enumerate() {
        for quarter in 0..STEP / 16 {
            let codes = load(&codes[quarter * 16..]);
            for (sums, probe) in sums.iter_mut().zip(probes) {
                add_products(sums, codes, load(&probe[step * STEP + quarter * 16..]));
            }
        }
    }
    for (number, [even, odd]) in sums.into_iter().enumerate() {
        // SAFETY: every 64-bit ARM processor has NEON.
        out[number * count] = unsafe { vaddvq_s32(vaddq_s32(even, odd)) };
    }
    P
}

/// Sixteen products: each fits two bytes (127 x 127), pairs of them are added into four.
#[inline(always)]
fn add_products(sums: &mut [int32x4_t; 2], row: int8x16_t, probe: int8x16_t) {
    // SAFETY: as above.
    unsafe {
        sums[0] = vpadalq_s16(sums[0], vmull_s8(vget_low_s8(row), vget_low_s8(probe)));
        sums[1] = vpadalq_s16(sums[1], vmull_high_s8(row, probe));
    }
}

#[inline(always)]
fn zero() -> int32x4_t {
    // SAFETY: as above.
    unsafe { vdupq_n_s32(0) }
}

/// The first sixteen codes.
#[inline(always)]
fn load(codes: &[i8]) -> int8x16_t {
    let codes = &codes[..16];
    // SAFETY: sixteen bytes are there to read, aligned or not; and as above.
    unsafe { vld1q_s8(codes.as_ptr()) }
}
