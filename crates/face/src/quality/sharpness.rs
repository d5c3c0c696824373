//! Sharpness: how much of a face's contrast is in its finest detail.

use super::{Face, face_pixels};

/// The share of fine contrast that makes half the scale: set so that the median face of the Face Research Lab London Set, blurred by a
/// Gaussian of one pixel of the cut-out (1/35 of the distance between the eyes), measures 50.
const HALF: f32 = 0.05;

/// Contrast (standard deviation) below which a face is an even patch: less than the noise of 8-bit pixels.
const CONTRAST_MIN: f32 = 1.0;

/// Variance of the Laplacian over the variance of the luma, on a scale from 0 to 100. The quotient does not depend on how bright
/// or contrasty the face is; noise counts as detail.
pub(super) fn measure(face: &Face) -> f32 {
    let luma = |x: usize, y: usize| f32::from(face.at(x, y));
    let (mut count, mut sum, mut squares, mut fine) = (0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for (x, y) in face_pixels() {
        let here = luma(x, y);
        // The ellipse ends well inside the cut-out, so every pixel has its neighbours.
        let laplacian = luma(x - 1, y) + luma(x + 1, y) + luma(x, y - 1) + luma(x, y + 1) - 4.0 * here;
        count += 1.0;
        sum += here;
        squares += here * here;
        fine += laplacian * laplacian;
    }
    let variance = squares / count - (sum / count).powi(2);
    if variance < CONTRAST_MIN * CONTRAST_MIN {
        return 0.0;
    }
    let share = fine / count / variance;
    100.0 * share / (share + HALF)
}

#[cfg(test)]
mod tests {
    use super::super::tests::measured;

    /// Waves of this length in pixels of the picture, half as many of the cut-out.
    fn waves(length_px: f32) -> f32 {
        measured(|x, y| (128.0 + 60.0 * ((x + y) as f32 * std::f32::consts::TAU / length_px).sin()) as u8).sharpness
    }

    #[test]
    fn finer_detail_is_sharper() {
        let (fine, middle, coarse) = (waves(10.0), waves(30.0), waves(90.0));
        assert!(fine > 80.0 && coarse < 20.0 && fine > middle && middle > coarse, "{fine} {middle} {coarse}");
    }

    #[test]
    fn contrast_alone_changes_nothing_and_an_even_patch_has_none() {
        let with = |contrast: f32| measured(|x, y| (128.0 + contrast * ((x + y) as f32 / 4.0).sin()) as u8).sharpness;
        assert!((with(20.0) - with(90.0)).abs() < 3.0);
        assert_eq!(measured(|_, _| 77).sharpness, 0.0);
    }
}
