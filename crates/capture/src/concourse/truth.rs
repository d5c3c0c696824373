//! What really happened in the rendered concourse: who was where, how large and how well seen, in every frame.

use std::time::Duration;

use super::figure::Figure;
use super::scene::{self, Camera, Pose};
use super::script::Script;
use super::sprite::{Rect, Sprite};

/// A face counts as clearly seen when at least this part of it is.
pub const CLEARLY_SEEN: f32 = 0.75;
/// A face counts as being at its largest from this part of its largest width on.
pub const AT_LARGEST: f32 = 0.95;
/// Places in a face that are looked at, in each direction.
const PROBES: u8 = 9;

/// The ground truth of one rendering.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    passages: Vec<PassageTruth>,
    frames: Vec<Vec<FaceTruth>>,
}

/// One walk through the picture, as it could be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct PassageTruth {
    /// Its place in the script.
    pub passage: usize,
    /// Who walked.
    pub sprite: usize,
    /// Offset of the first frame in which any of the face is seen.
    pub from: Duration,
    /// Offset of the last one.
    pub to: Duration,
    /// Largest width of the face in the frames in which it is clearly seen, pixels; 0 when it never is.
    pub largest_face_px: f32,
    /// Frames in which it is clearly seen and about as large as that.
    pub frames_at_largest: u32,
}

/// One face in one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceTruth {
    /// The walk's place in the script.
    pub passage: usize,
    /// The face, upright, in picture pixels; it may reach beyond the picture.
    pub face: Rect,
    /// How much of it is in the picture and not hidden by somebody nearer, 0 (exclusive) to 1.
    pub visible_fraction: f32,
}

impl Truth {
    /// Every walk in which any of the face is seen, in the script's order.
    pub fn passages(&self) -> &[PassageTruth] {
        &self.passages
    }

    /// The faces in a frame of which anything is seen, the farthest first.
    pub fn at(&self, frame: u64) -> &[FaceTruth] {
        usize::try_from(frame).ok().and_then(|frame| self.frames.get(frame)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn of(script: &Script, sprites: &[Sprite], figures: &[Figure], camera: &Camera, frames: u64) -> Self {
        let faces = |frame: u64| {
            let poses = scene::poses(script, sprites, camera, super::moment_of(script, frame));
            faces_seen(&poses, script, sprites, figures, camera)
        };
        let frames: Vec<_> = (0..frames).map(faces).collect();
        let passages = (0..script.passages.len()).filter_map(|passage| summary(passage, script, &frames)).collect();
        Self { passages, frames }
    }
}

fn faces_seen(
    poses: &[Pose],
    script: &Script,
    sprites: &[Sprite],
    figures: &[Figure],
    camera: &Camera,
) -> Vec<FaceTruth> {
    let mut faces = Vec::with_capacity(poses.len());
    for (index, pose) in poses.iter().enumerate() {
        let face = pose.face(&sprites[script.passages[pose.passage].sprite].face);
        let nearer = &poses[index + 1..];
        let seen = |x: f32, y: f32| {
            let inside = (0.0..camera.width).contains(&x) && (0.0..camera.height).contains(&y);
            inside && !nearer.iter().any(|other| figures[other.passage].covers(other, x, y))
        };
        let visible_fraction = fraction_of(&face, seen);
        if visible_fraction > 0.0 {
            faces.push(FaceTruth { passage: pose.passage, face, visible_fraction });
        }
    }
    faces
}

/// The part of a grid of places in `face` for which `seen` holds.
fn fraction_of(face: &Rect, seen: impl Fn(f32, f32) -> bool) -> f32 {
    let place = |probe: u8| (f32::from(probe) + 0.5) / f32::from(PROBES);
    let grid = (0..PROBES).flat_map(|down| (0..PROBES).map(move |across| (place(across), place(down))));
    let hits =
        grid.filter(|(across, down)| seen(face.left + across * face.width, face.top + down * face.height)).count();
    hits as f32 / (f32::from(PROBES) * f32::from(PROBES))
}

fn summary(passage: usize, script: &Script, frames: &[Vec<FaceTruth>]) -> Option<PassageTruth> {
    let seen = || {
        let of_frame = |faces: &'_ [FaceTruth]| faces.iter().find(|face| face.passage == passage).cloned();
        frames.iter().enumerate().filter_map(move |(frame, faces)| Some((frame as u64, of_frame(faces)?)))
    };
    let (first, last) = (seen().next()?.0, seen().next_back()?.0);
    let clear = || seen().filter(|(_, face)| face.visible_fraction >= CLEARLY_SEEN).map(|(_, face)| face.face.width);
    let largest_face_px = clear().fold(0.0, f32::max);
    let frames_at_largest = clear().filter(|width| *width >= AT_LARGEST * largest_face_px).count();
    Some(PassageTruth {
        passage,
        sprite: script.passages[passage].sprite,
        from: super::offset_of(script, first),
        to: super::offset_of(script, last),
        largest_face_px,
        frames_at_largest: u32::try_from(frames_at_largest).unwrap_or(u32::MAX),
    })
}
