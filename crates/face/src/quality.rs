//! Quality measures of one face, named as in ISO/IEC 29794-5.

use crate::detect::Detection;
use crate::picture::RgbView;

/// Measures of one detected face. Each field's doc gives unit and range; `docs/reference/quality.md` gives the methods.
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
        let _ = picture;
        Self {
            inter_eye_distance_px: 0.0, sharpness: 0.0, luminance_mean: 0.0, illumination_uniformity: 0.0, over_exposure: 0.0,
            under_exposure: 0.0, yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0, detector_confidence: detection.confidence,
        }
    }
}
