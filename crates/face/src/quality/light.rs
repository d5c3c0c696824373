//! Illumination: how bright the face is, how evenly lit, and how much of it is lost in white or black.

use super::{Face, SIDE, face_pixels};

/// From this luma on a pixel counts as nearly white (ISO/IEC 29794-5 counts the top nine of 256 steps).
const WHITE_FROM: u8 = 247;

/// Up to this luma a pixel counts as nearly black (ISO/IEC 29794-5 counts the lowest 26 of 256 steps).
const BLACK_TO: u8 = 25;

/// Steps of the histograms that are compared. Fewer than 256, because the halves of a face have some 2,000 pixels each.
const STEPS: usize = 32;

/// What light does to a face; all 0 to 1.
pub(super) struct Light {
    pub(super) mean: f32,
    pub(super) uniformity: f32,
    pub(super) over: f32,
    pub(super) under: f32,
}

/// Measures the pixels counted as face.
pub(super) fn measure(face: &Face) -> Light {
    let (mut count, mut sum, mut over, mut under) = (0u32, 0u32, 0u32, 0u32);
    let mut halves = [[0u32; STEPS]; 2];
    for (x, y) in face_pixels() {
        let luma = face.at(x, y);
        count += 1;
        sum += u32::from(luma);
        over += u32::from(luma >= WHITE_FROM);
        under += u32::from(luma <= BLACK_TO);
        halves[usize::from(x >= SIDE / 2)][usize::from(luma) * STEPS / 256] += 1;
    }
    let share = |part: u32| part as f32 / count as f32;
    let [left, right] = halves;
    let both: u32 = left.iter().zip(&right).map(|(left, right)| *left.min(right)).sum();
    // The ellipse is symmetric about the middle, so both halves have the same number of pixels.
    Light { mean: share(sum) / 255.0, uniformity: share(2 * both), over: share(over), under: share(under) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::measured;

    #[test]
    fn mean_follows_brightness() {
        for (luma, mean) in [(0, 0.0), (51, 0.2), (204, 0.8), (255, 1.0)] {
            assert!((measured(|_, _| luma).luminance_mean - mean).abs() < 1e-3);
        }
    }

    #[test]
    fn light_from_one_side_is_uneven() {
        let even = measured(|x, y| (100 + (x + y) % 40) as u8).illumination_uniformity;
        let sided = measured(|x, _| (40 + x / 2) as u8).illumination_uniformity;
        let split = measured(|x, _| if x < 112 { 30 } else { 220 }).illumination_uniformity;
        assert!(even > 0.9 && sided < 0.3 && split < 0.05, "{even} {sided} {split}");
    }

    #[test]
    fn white_and_black_are_counted_as_lost() {
        let white = measured(|_, y| if y < 140 { 250 } else { 100 });
        assert!((white.over_exposure - 0.5).abs() < 0.02 && white.under_exposure == 0.0, "{white:?}");
        let black = measured(|_, y| if y < 140 { 20 } else { 100 });
        assert!((black.under_exposure - 0.5).abs() < 0.02 && black.over_exposure == 0.0, "{black:?}");
    }
}
