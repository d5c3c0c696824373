//! The proof that a row left out cannot be in the answer: how low an estimate must be before the exact score need not be made.
//!
//! With `x` a row, `q` a probe and `x'`, `q'` what their codes stand for,
//!
//! ```text
//! <q, x> = <q', x'> + <q - q', x'> + <q, x - x'>
//! ```
//!
//! and by Cauchy and Schwarz the last two are at most `|q - q'| |x'| + |q| |x - x'|`. All four lengths are measured when
//! the codes are made. `<q', x'>` is the integer sum of the codes' products times both scales: exact but for the
//! rounding counted here. The score to be compared with is not `<q, x>` either but what the single-precision kernel
//! makes of it, so its rounding (at most `gamma |q| |x|`, Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., eq. 3.5)
//! is counted too. docs/reference/search.md has the whole argument.

use super::codes::Coding;
use super::kernel;
use crate::template::ScoreKind;

/// Half the distance from one to the next single-precision number: the most that one operation rounds by, relatively.
const UNIT: f64 = 1.0 / (1u64 << 24) as f64;

/// Twice the least positive single-precision number: the most one operation loses where numbers run out below.
const LEAST: f64 = 2.9e-45;

/// Share added for the double-precision arithmetic of the bound itself, which is good to 2e-11 for the longest rows.
const DOUBLE: f64 = 1e-9;

/// Longest vector whose squares and products stay far inside single precision; a block with a longer one is scored whole.
const LENGTH_MAX: f64 = (1u64 << 50) as f64;

/// Most codes of a row whose products sum to less than an `i32` holds: 131072 x 127 x 127.
const CODES_MAX: usize = 131_072;

/// The greatest lengths among the rows of one block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    length: f64,
    coded_length: f64,
    error: f64,
}

impl Extent {
    /// Takes one more row.
    pub(super) fn include(&mut self, row: &Coding) {
        self.length = self.length.max(row.length);
        self.coded_length = self.coded_length.max(row.coded_length);
        self.error = self.error.max(row.error);
    }
}

/// What is added to a row's estimate so that estimates rank as scores do: nothing for the cosine; for the distance minus half the
/// squared length, since `|q - x|^2 = |q|^2 - 2 (<q, x> - |x|^2 / 2)`. Rounded once.
pub(super) fn bias(kind: ScoreKind, row: &Coding) -> f32 {
    match kind {
        ScoreKind::Cosine => 0.0,
        ScoreKind::Euclidean => (row.length * row.length * -0.5) as f32,
    }
}

/// A row of the block whose estimate is below this scores certainly below `floor`; minus infinity where nothing is certain.
///
/// The estimate is `((dot as f32) * row_scale) * probe_scale + bias` with every operation rounded to single precision, `dot` the
/// sum of the products of the codes.
pub(super) fn limit(kind: ScoreKind, width: usize, probe: &Coding, block: &Extent, floor: f32) -> f32 {
    if width > CODES_MAX || probe.length.max(block.length) > LENGTH_MAX {
        return f32::NEG_INFINITY;
    }
    let least = LEAST * width as f64;
    // The kernel adds each lane's products one after the other, then halves sixteen lanes four times; a term itself is
    // rounded at most three times.
    let steps = (width / kernel::LANES + 8) as f64 * UNIT;
    let gamma = steps / (1.0 - steps);
    let (cut, kernel) = match kind {
        // The clamp makes of every sum below -1 a score of -1, which is then not below the floor.
        ScoreKind::Cosine if floor <= -1.0 => return f32::NEG_INFINITY,
        ScoreKind::Cosine => (f64::from(floor), gamma * probe.length * block.length),
        ScoreKind::Euclidean => {
            // The rounded root of a sum is over the distance when the sum is over its square by more than the next number's.
            let distance = f64::from(floor);
            let squared = (distance * distance * (1.0 + 4.0 * UNIT) + least) / (1.0 - gamma);
            let own = probe.length * probe.length;
            ((own - squared) / 2.0, DOUBLE * (own + squared))
        }
    };
    let lost = probe.error * block.coded_length + probe.length * block.error;
    let estimate = UNIT * (8.0 * probe.coded_length * block.coded_length + 4.0 * block.length * block.length);
    let slack = (lost + estimate + kernel) * (1.0 + DOUBLE) + least;
    // Rounding to single precision may go up by half a step; the next number down is below.
    ((cut - slack) as f32).next_down()
}

/// Whether a row may be left out. What is not a number is below nothing: only a row that is certainly below may go.
#[inline(always)]
pub(super) fn is_below(estimate: f32, limit: f32) -> bool {
    estimate < limit
}
