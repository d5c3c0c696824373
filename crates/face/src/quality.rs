//! Quality measures of one face, named as in ISO/IEC 29794-5.
//!
//! They are measured on the face alone, cut out at a fixed size, so that the same face in a larger picture measures the same.
//! `docs/reference/quality.md` says how each is made and what it is not.

mod light;
mod pose;
mod sharpness;

pub use pose::{Pose, estimate as pose};

use crate::align::Alignment;
use crate::detect::Detection;
use crate::picture::RgbView;
use crate::sealed_memory::Sealed;

/// Measures of one detected face. Each field's doc gives unit and range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Distance between the eye centres, pixels.
    pub inter_eye_distance_px: f32,
    /// Sharpness, 0 (blurred) to 100.
    pub sharpness: f32,
    /// Illumination mean of the face, 0 (black) to 1 (white).
    pub luminance_mean: f32,
    /// Illumination uniformity between the left and right halves of the face, 0 to 1.
    pub illumination_uniformity: f32,
    /// Share of the face's pixels that are nearly white, 0 to 1.
    pub over_exposure: f32,
    /// Share of the face's pixels that are nearly black, 0 to 1.
    pub under_exposure: f32,
    /// Head turn estimated from the five points, degrees, positive towards the person's left.
    pub yaw_deg: f32,
    /// Nod estimated from the five points, degrees, positive up.
    pub pitch_deg: f32,
    /// Tilt from the line between the eyes, degrees, positive clockwise in the picture.
    pub roll_deg: f32,
    /// The detector's confidence that this is a face, 0 to 1; low when much is covered.
    pub detector_confidence: f32,
}

impl Quality {
    /// Measures one detected face of a picture.
    pub fn measure(picture: RgbView<'_>, detection: &Detection) -> Self {
        let face = Face::cut(picture, detection);
        let light = light::measure(&face);
        let pose = pose(&detection.points);
        Self {
            inter_eye_distance_px: inter_eye_distance_px(detection),
            sharpness: sharpness::measure(&face),
            luminance_mean: light.mean,
            illumination_uniformity: light.uniformity,
            over_exposure: light.over,
            under_exposure: light.under,
            yaw_deg: pose.yaw_deg,
            pitch_deg: pose.pitch_deg,
            roll_deg: pose.roll_deg,
            detector_confidence: detection.confidence,
        }
    }
}

/// Side of the cut-out on which measures are taken: ArcFace's, 35 pixels between the eyes.
const SIDE: usize = 112;

/// The luma of one face at a fixed size; wiped when dropped.
struct Face {
    luma: Sealed<u8>,
}

impl Face {
    fn cut(picture: RgbView<'_>, detection: &Detection) -> Self {
        let chip = Alignment::Arcface112.chip(picture, detection);
        let mut luma = Sealed::zeroed(SIDE * SIDE);
        for (luma, pixel) in luma.iter_mut().zip(chip.pixels().chunks_exact(3)) {
            // ITU-R BT.709 weights in 16 bits; they add up to one.
            let sum = 13_933 * u32::from(pixel[0]) + 46_871 * u32::from(pixel[1]) + 4_732 * u32::from(pixel[2]);
            *luma = ((sum + 32_768) >> 16) as u8;
        }
        Self { luma }
    }

    fn at(&self, x: usize, y: usize) -> u8 {
        self.luma[y * SIDE + x]
    }
}

/// The pixels counted as face: an ellipse from the brows to the chin and between the ears of a frontal face, which leaves out
/// hair and background. Middle and axes are set on ArcFace's template (eyes at 38 and 74, mouth at row 92).
fn in_face(x: usize, y: usize) -> bool {
    let (across, down) = ((x as f32 - 55.5) / 32.0, (y as f32 - 70.0) / 38.0);
    across * across + down * down <= 1.0
}

/// All pixels counted as face.
fn face_pixels() -> impl Iterator<Item = (usize, usize)> {
    (0..SIDE * SIDE).map(|at| (at % SIDE, at / SIDE)).filter(|(x, y)| in_face(*x, *y))
}

/// Distance between the middles of the eyes, in pixels of the picture: known before a pixel is read.
pub fn inter_eye_distance_px(detection: &Detection) -> f32 {
    let [right_eye, left_eye, ..] = detection.points;
    (right_eye.x - left_eye.x).hypot(right_eye.y - left_eye.y)
}

/// Sharpness alone, as in [`Quality::sharpness`]: for choosing between views, where there is no time for the rest.
pub fn sharpness(picture: RgbView<'_>, detection: &Detection) -> f32 {
    sharpness::measure(&Face::cut(picture, detection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Point, Rect};
    use crate::picture::Picture;

    /// The published five-point template, doubled in size: a frontal face of 70 px between the eyes.
    pub(super) fn frontal() -> Detection {
        let points = [(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)]
            .map(|(x, y)| Point { x: 2.0 * x, y: 2.0 * y });
        Detection { face: Rect { left: 0.0, top: 0.0, width: 224.0, height: 224.0 }, confidence: 0.8, points }
    }

    /// A grey picture of 224 x 224 whose pixels are `luma(x, y)`.
    pub(super) fn picture(luma: impl Fn(u32, u32) -> u8) -> Picture {
        let pixels = (0..224 * 224).flat_map(|at| [luma(at % 224, at / 224); 3]).collect();
        Picture::from_rgb(224, 224, pixels).expect("a whole picture")
    }

    pub(super) fn measured(luma: impl Fn(u32, u32) -> u8) -> Quality {
        Quality::measure(picture(luma).view(), &frontal())
    }

    #[test]
    fn distance_roll_and_confidence_come_from_the_detection() {
        let quality = measured(|_, _| 128);
        assert!((quality.inter_eye_distance_px - 70.4).abs() < 0.1);
        assert!(quality.roll_deg.abs() < 1.0);
        assert_eq!(quality.detector_confidence, 0.8);
    }

    #[test]
    fn a_detection_without_sense_yields_numbers_and_no_panic() {
        for value in [f32::NAN, f32::INFINITY, 0.0, 1e30] {
            let points = [Point { x: value, y: value }; 5];
            let quality = Quality::measure(picture(|_, _| 9).view(), &Detection { points, ..frontal() });
            assert!(
                (0.0..=100.0).contains(&quality.sharpness)
                    && quality.yaw_deg.is_finite()
                    && quality.pitch_deg.is_finite()
            );
        }
    }
}
