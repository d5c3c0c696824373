//! Sixteen numbers that are added, subtracted and multiplied lane by lane, on each instruction set.
//!
//! Every operation rounds each lane once, as IEEE 754 defines it, so all implementations give the same bits.

use super::LANES;

/// Sixteen lanes of single precision.
pub(super) trait Lanes: Copy {
    /// All lanes zero.
    fn zero() -> Self;
    /// The first sixteen of `values`, which must have as many.
    fn load(values: &[f32]) -> Self;
    /// Lane by lane sum.
    fn plus(self, other: Self) -> Self;
    /// Lane by lane difference.
    fn minus(self, other: Self) -> Self;
    /// Lane by lane product.
    fn times(self, other: Self) -> Self;
    /// The sum of all lanes, in one fixed order: upper half onto lower half until one is left.
    fn sum(self) -> f32;
}

/// Lanes the compiler places where it can: NEON on 64-bit ARM, SSE2 on x86.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; LANES]);

impl Lanes for Plain {
    #[inline(always)]
    fn zero() -> Self {
        Self([0.0; LANES])
    }

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        let mut lanes = [0.0; LANES];
        lanes.copy_from_slice(&values[..LANES]);
        Self(lanes)
    }

    #[inline(always)]
    fn plus(mut self, other: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] += other.0[lane];
        }
        self
    }

    #[inline(always)]
    fn minus(mut self, other: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] -= other.0[lane];
        }
        self
    }

    #[inline(always)]
    fn times(mut self, other: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] *= other.0[lane];
        }
        self
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let mut lanes = self.0;
        let mut half = LANES / 2;
        while half > 0 {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
            half /= 2;
        }
        lanes[0]
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

/// The wide registers of x86. These lanes may only be used inside functions compiled for their instruction set, which is why the
/// module is private and `dispatch` the only way to them.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, Lanes};

    /// Two registers of eight.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256, __m256);

    impl Lanes for Avx2 {
        #[inline(always)]
        fn zero() -> Self {
            // SAFETY: used only where AVX2 was found, as for every operation here.
            unsafe { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
        }

        #[inline(always)]
        fn load(values: &[f32]) -> Self {
            let values = &values[..LANES];
            // SAFETY: the slice holds sixteen values; unaligned loads are asked for.
            unsafe { Self(_mm256_loadu_ps(values.as_ptr()), _mm256_loadu_ps(values.as_ptr().add(8))) }
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            // SAFETY: as in `zero`.
            unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn minus(self, other: Self) -> Self {
            // SAFETY: as in `zero`.
            unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn times(self, other: Self) -> Self {
            // SAFETY: as in `zero`.
            unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn sum(self) -> f32 {
            // SAFETY: as in `zero`.
            unsafe { sum_of_eight(_mm256_add_ps(self.0, self.1)) }
        }
    }

    /// One register of sixteen.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    impl Lanes for Avx512 {
        #[inline(always)]
        fn zero() -> Self {
            // SAFETY: used only where AVX-512F was found, as for every operation here.
            unsafe { Self(_mm512_setzero_ps()) }
        }

        #[inline(always)]
        fn load(values: &[f32]) -> Self {
            let values = &values[..LANES];
            // SAFETY: the slice holds sixteen values; an unaligned load is asked for.
            unsafe { Self(_mm512_loadu_ps(values.as_ptr())) }
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            // SAFETY: as in `zero`.
            unsafe { Self(_mm512_add_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn minus(self, other: Self) -> Self {
            // SAFETY: as in `zero`.
            unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn times(self, other: Self) -> Self {
            // SAFETY: as in `zero`.
            unsafe { Self(_mm512_mul_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn sum(self) -> f32 {
            // SAFETY: as in `zero`; AVX-512F contains AVX.
            unsafe {
                let upper = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self.0)));
                sum_of_eight(_mm256_add_ps(_mm512_castps512_ps256(self.0), upper))
            }
        }
    }

    /// Upper half onto lower half, three times.
    ///
    /// # Safety
    /// The processor must have AVX.
    #[inline(always)]
    unsafe fn sum_of_eight(eight: __m256) -> f32 {
        // SAFETY: the caller vouches for AVX.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
}
