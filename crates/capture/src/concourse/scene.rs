//! Where everybody is at a moment: the camera's geometry, and each walk as a place, a size and a lean.

use std::time::Duration;

use super::script::{Passage, Path, Script, Side};
use super::sprite::{Rect, Sprite};

/// Width of a face, metres: what turns pixels into metres. Bizygomatic breadth of adults is 0.13 to 0.15 m, and
/// detectors draw their boxes a little wider.
const FACE_WIDTH_M: f32 = 0.16;
/// Height of the middle of a face below the top of the head, metres.
const FACE_BELOW_CROWN_M: f32 = 0.12;
/// The camera hangs a little above people's heads, metres.
const CAMERA_HEIGHT_M: f32 = 1.85;
/// Focal length as a multiple of the picture's width: a field of view of 49 degrees.
const FOCAL_WIDTHS: f32 = 1.1;
/// Height of the horizon, from the top of the picture.
const HORIZON: f32 = 0.25;
/// Speed at which people leave to the side, metres a second.
const LEAVING_M_PER_S: f32 = 1.3;
/// Length of two steps, metres, and how much a walking head rises and sways.
const STRIDE_S: f32 = 1.05;
const RISE_M: f32 = 0.018;
const SWAY_M: f32 = 0.012;
/// Largest magnification of a sprite: beyond it a face is only blurred.
pub(crate) const ENLARGEMENT_MAX: f32 = 2.0;

/// The camera: how metres become pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// Pixels that one metre covers at a distance of one metre.
    pub(crate) focal_px: f32,
    pub(crate) horizon: f32,
    pub(crate) height_m: f32,
}

/// One person at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    pub(crate) passage: usize,
    /// Middle of the face, pixels.
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// Width of the face, pixels.
    pub(crate) face_px: f32,
    /// Where the feet are, pixels from the top.
    pub(crate) feet_y: f32,
    /// Sine and cosine of the head's lean.
    pub(crate) lean: (f32, f32),
    /// How far the person moves across while the shutter is open, pixels.
    pub(crate) smear_px: f32,
    /// Phase of the steps, in turns.
    pub(crate) steps: f32,
}

impl Camera {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as f32, height as f32);
        Self { width, height, focal_px: FOCAL_WIDTHS * width, horizon: HORIZON * height, height_m: CAMERA_HEIGHT_M }
    }
}

impl Pose {
    /// The face, upright, in picture pixels.
    pub(crate) fn face(&self, sprite: &Rect) -> Rect {
        let height = self.face_px * sprite.height / sprite.width;
        Rect { left: self.x - 0.5 * self.face_px, top: self.y - 0.5 * height, width: self.face_px, height }
    }
}

/// Everybody who is in the scene at `time`, the farthest first: the order in which they are painted.
pub(crate) fn poses(script: &Script, sprites: &[Sprite], camera: &Camera, time: Duration) -> Vec<Pose> {
    let mut poses: Vec<Pose> = (script.passages.iter().enumerate())
        .filter_map(|(index, passage)| pose(index, passage, sprites.get(passage.sprite)?, camera, time))
        .collect();
    poses.sort_by(|a, b| a.face_px.total_cmp(&b.face_px).then(a.passage.cmp(&b.passage)));
    poses
}

fn pose(index: usize, passage: &Passage, sprite: &Sprite, camera: &Camera, time: Duration) -> Option<Pose> {
    let since = time.checked_sub(passage.start).filter(|since| *since < passage.duration)?.as_secs_f32();
    let nearest_px = passage.nearest_face_px.min(ENLARGEMENT_MAX * sprite.face.width);
    let place = Place::at(passage, nearest_px, since, camera);
    let before = Place::at(passage, nearest_px, (since - 0.02).max(0.0), camera);
    let metre_px = camera.focal_px / place.distance_m;
    let walking = if place.standing { 0.25 } else { 1.0 };
    let steps = since / STRIDE_S + index as f32 * 0.37;
    let face_m = passage.stature_m - FACE_BELOW_CROWN_M + walking * RISE_M * wave(2.0 * steps);
    let x_m = place.x_m + walking * SWAY_M * wave(steps);
    let x = 0.5 * camera.width + x_m * metre_px;
    let moved_m_per_s = (place.x_m - before.x_m) / 0.02;
    Some(Pose {
        passage: index,
        x,
        y: camera.horizon + (camera.height_m - face_m) * metre_px,
        face_px: metre_px * FACE_WIDTH_M,
        feet_y: camera.horizon + camera.height_m * metre_px,
        lean: sine_cosine(passage.tilt_degrees.to_radians() * wave(steps * 0.5 + 0.2)),
        smear_px: (moved_m_per_s * metre_px * passage.exposure.as_secs_f32()).abs(),
        steps,
    })
}

/// A place on the floor.
struct Place {
    x_m: f32,
    distance_m: f32,
    standing: bool,
}

impl Place {
    fn at(passage: &Passage, nearest_px: f32, since_s: f32, camera: &Camera) -> Self {
        let distance_of = |face_px: f32| camera.focal_px * FACE_WIDTH_M / face_px;
        let across = |fraction: f32, distance_m: f32| (fraction - 0.5) * camera.width * distance_m / camera.focal_px;
        let near_m = distance_of(nearest_px);
        let duration_s = passage.duration.as_secs_f32();
        match passage.path {
            Path::Crossing { from } => {
                // A little outside of both sides, so that the whole bust enters and leaves.
                let margin = 1.6 * nearest_px / camera.width;
                let (start, end) = (across(-margin, near_m), across(1.0 + margin, near_m));
                let (start, end) = if from == Side::Left { (start, end) } else { (end, start) };
                Self { x_m: start + (end - start) * since_s / duration_s, distance_m: near_m, standing: false }
            }
            Path::Approach { far_across, far_face_px, near_across, pause, leaves } => {
                let far_m = distance_of(far_face_px.min(nearest_px));
                let (far_x_m, near_x_m) = (across(far_across, far_m), across(near_across, near_m));
                let edge = across(if leaves == Side::Left { -0.05 } else { 1.05 }, near_m);
                let beyond = 1.6 * FACE_WIDTH_M * if leaves == Side::Left { -1.0 } else { 1.0 };
                let leaving_m = edge + beyond - near_x_m;
                let leaving_s = (leaving_m.abs() / LEAVING_M_PER_S).min(0.4 * duration_s);
                let approach_s = (duration_s - leaving_s - pause.as_secs_f32()).max(0.1);
                let walked = (since_s / approach_s).min(1.0);
                let left = ((since_s - duration_s + leaving_s) / leaving_s.max(0.1)).clamp(0.0, 1.0);
                Self {
                    x_m: far_x_m + (near_x_m - far_x_m) * walked + leaving_m * left * left * (2.0 - left),
                    distance_m: far_m + (near_m - far_m) * walked,
                    standing: walked >= 1.0 && left <= 0.0,
                }
            }
        }
    }
}

/// A sine of so many turns, to 0.1 %, from sums and products alone: these are the same on every processor, which a
/// system's own sine is not.
pub(crate) fn wave(turns: f32) -> f32 {
    let half = 2.0 * (turns - turns.floor());
    let (half, sign) = if half < 1.0 { (half, 1.0) } else { (half - 1.0, -1.0) };
    let parabola = 4.0 * half * (1.0 - half);
    sign * (0.225 * (parabola * parabola - parabola) + parabola)
}

/// Sine and cosine of a small angle (below 0.3), for the same reason.
fn sine_cosine(radians: f32) -> (f32, f32) {
    let square = radians * radians;
    (radians * (1.0 - square / 6.0), 1.0 - square / 2.0 + square * square / 24.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wave_is_a_sine() {
        for step in -40..40 {
            let turns = step as f32 / 16.0;
            let expected = (turns * std::f32::consts::TAU).sin();
            assert!((wave(turns) - expected).abs() < 0.002, "{turns}: {} and {expected}", wave(turns));
        }
        let (sine, cosine) = sine_cosine(0.1);
        assert!((sine - 0.1_f32.sin()).abs() < 1e-5 && (cosine - 0.1_f32.cos()).abs() < 1e-5);
    }
}
