//! Templates as whole numbers of one byte, with what each loses by it measured rather than assumed.

use crate::sealed_memory::Sealed;

/// Coded rows are padded with zeros to a multiple of this many values: one register of the widest instruction set.
pub(super) const STEP: usize = 64;

/// Largest magnitude of a code. -128 is left out, so that every code has its negative.
const CODE_MAX: i32 = 127;

/// The number of codes that a row of `dimensions` values takes with its padding.
pub(super) fn padded(dimensions: usize) -> usize {
    dimensions.next_multiple_of(STEP)
}

/// How a vector was coded, and what the codes lose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Coding {
    /// What one step of a code stands for.
    pub(super) scale: f32,
    /// Length of the vector.
    pub(super) length: f64,
    /// Length of what the codes stand for.
    pub(super) coded_length: f64,
    /// Length of the difference of the two.
    pub(super) error: f64,
}

/// Codes `values`; `codes` must be at least as long, and the rest of it stays as it is.
///
/// Any choice of codes would be sound, because the error is measured against the values themselves: rounding here,
/// or a scale that single precision cannot hold, makes a search slower but never wrong.
pub(super) fn code(values: &[f32], codes: &mut [i8]) -> Coding {
    let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = largest / CODE_MAX as f32;
    if scale > 0.0 {
        for (code, value) in codes.iter_mut().zip(values) {
            // Truncation of a positive number is its floor; with the half this rounds to the nearest.
            let steps = (value / scale + (CODE_MAX as f32 + 1.5)) as i32 - (CODE_MAX + 1);
            *code = steps.clamp(-CODE_MAX, CODE_MAX) as i8;
        }
    }
    let (mut length, mut coded_length, mut error) = (0.0f64, 0.0f64, 0.0f64);
    for (code, value) in codes.iter().zip(values) {
        let (value, coded) = (f64::from(*value), f64::from(*code) * f64::from(scale));
        length += value * value;
        coded_length += coded * coded;
        error += (value - coded) * (value - coded);
    }
    Coding { scale, length: length.sqrt(), coded_length: coded_length.sqrt(), error: error.sqrt() }
}

/// The probes of one search as codes, in sealed memory like the templates they were made from.
pub(super) struct Asked {
    width: usize,
    /// All probes one after the other, `width` codes each.
    codes: Sealed<i8>,
    /// The same with two bytes a code, which is what AVX2 multiplies.
    #[cfg(target_arch = "x86_64")]
    wide: Sealed<i16>,
    codings: Vec<Coding>,
}

impl Asked {
    /// Codes all probes.
    pub(super) fn new(probes: &[&[f32]], dimensions: usize) -> Self {
        let width = padded(dimensions);
        let mut codes = Sealed::<i8>::zeroed(width * probes.len());
        let codings =
            probes.iter().zip(codes.chunks_exact_mut(width)).map(|(probe, codes)| code(probe, codes)).collect();
        Self {
            width,
            #[cfg(target_arch = "x86_64")]
            wide: widened(&codes),
            codes,
            codings,
        }
    }

    /// Number of probes.
    pub(super) fn count(&self) -> usize {
        self.codings.len()
    }

    /// How a probe was coded.
    pub(super) fn coding(&self, probe: usize) -> &Coding {
        &self.codings[probe]
    }

    /// The codes of one probe.
    pub(super) fn codes(&self, probe: usize) -> &[i8] {
        &self.codes[probe * self.width..][..self.width]
    }

    /// The codes of one probe, two bytes each.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn wide(&self, probe: usize) -> &[i16] {
        &self.wide[probe * self.width..][..self.width]
    }
}

/// The same codes, two bytes each.
#[cfg(target_arch = "x86_64")]
fn widened(codes: &[i8]) -> Sealed<i16> {
    let mut wide = Sealed::zeroed(codes.len());
    wide.iter_mut().zip(codes).for_each(|(wide, code)| *wide = i16::from(*code));
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_nearest_steps_and_the_error_is_what_they_leave() {
        let mut codes = [9; 4];
        // The largest value is 127 steps of one half.
        let coding = code(&[63.5, -0.75, 0.1, -63.5], &mut codes);
        assert_eq!((codes, coding.scale), ([127, -1, 0, -127], 0.5));
        assert!((coding.error - (0.25f64.powi(2) + f64::from(0.1f32).powi(2)).sqrt()).abs() < 1e-12);
        assert!((coding.coded_length - (2.0 * 63.5f64.powi(2) + 0.25).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_scale_is_coded_as_zero_and_its_whole_length_is_error() {
        let least = f32::from_bits(1);
        for values in [[0.0; 3], [least, -least, 0.0]] {
            let mut codes = [0; 3];
            let coding = code(&values, &mut codes);
            assert_eq!((codes, coding.scale, coding.coded_length), ([0; 3], 0.0, 0.0));
            assert_eq!(coding.error, coding.length);
        }
    }

    #[test]
    fn the_largest_numbers_are_coded_without_overflow() {
        let mut codes = [0; 2];
        let coding = code(&[f32::MAX, -f32::MAX], &mut codes);
        assert_eq!(codes, [127, -127]);
        assert!(coding.error.is_finite() && coding.error < 1e-6 * coding.length);
    }
}
