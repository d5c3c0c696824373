//! One camera's frames in; views worth comparing out. The same code serves the run and the residue scan.

use std::collections::BTreeMap;

use face::{Detection, EngineError, Faces, Picture, PictureView, Rect};

use crate::track::{CONFIRMING_VIEWS, Tracker};
use crate::view::{Passage, View, sharp, worth_at_most};
use crate::window::Seen;

/// How far around a face the picture for the operator reaches, in widths of the face. A chip lies within it.
const SURROUNDINGS_WIDTHS: f32 = 0.6;

/// Examines the frames of one camera.
pub struct Examiner {
    face_side_px_min: u32,
    tracker: Tracker,
    passages: BTreeMap<u64, Passage>,
    /// Every detection of the last frame, also those too small to follow: all of them are masked.
    detections: Vec<Detection>,
}

/// What one frame yielded.
#[derive(Default)]
pub struct Examined {
    /// Passages that became a face seen in this frame.
    pub faces_seen: u64,
    /// Views to compare now, by passage.
    pub due: Vec<(u64, View)>,
    /// Passages that ended in this frame.
    pub ended: Vec<u64>,
}

/// A face and a little around it, cut from its frame.
struct CloseUp {
    picture: Picture,
    /// The detection, in the pixels of the cut.
    detection: Detection,
}

impl Examiner {
    /// `face_side_px_min` is the least side of a face that is followed and compared.
    pub fn new(face_side_px_min: u32) -> Self {
        Self { face_side_px_min, tracker: Tracker::default(), passages: BTreeMap::new(), detections: Vec::new() }
    }

    /// Takes the next frame.
    pub fn examine(&mut self, seen: &Seen<'_>, faces: &mut Faces) -> Result<Examined, EngineError> {
        let detections = faces.detector.detect(seen.picture())?;
        let side_min = self.face_side_px_min as f32;
        let large: Vec<Detection> =
            detections.iter().copied().filter(|found| found.face.width.min(found.face.height) >= side_min).collect();
        let changes = self.tracker.advance(&large, seen.offset());
        let mut examined = Examined::default();
        self.detections = detections;
        for (number, found) in changes.seen {
            let passage = self.passages.entry(number).or_default();
            passage.count_view();
            if let Some(view) = worth_keeping(passage, seen, &large[found]) {
                passage.offer(view);
            }
            examined.due.extend(passage.take_due().map(|view| (number, view)));
        }
        examined.faces_seen = self.newly_confirmed();
        self.close(changes.ended, &mut examined);
        Ok(examined)
    }

    /// The footage ended: every passage is over.
    pub fn finish(&mut self) -> Examined {
        let mut examined = Examined::default();
        let ended = self.tracker.finish();
        self.close(ended, &mut examined);
        self.detections.clear();
        examined
    }

    /// A candidate was found in this passage: nothing more of it is compared or held.
    pub fn decide(&mut self, passage: u64) {
        if let Some(passage) = self.passages.get_mut(&passage) {
            passage.decide();
        }
    }

    /// Whether nobody is being followed.
    pub fn nobody_in_view(&self) -> bool {
        self.tracker.tracks().is_empty()
    }

    /// The boxes of the faces being followed, each with its passage.
    pub fn followed(&self) -> impl Iterator<Item = (u64, Rect)> + '_ {
        self.tracker.tracks().iter().map(|track| {
            let face = if track.in_view() { track.face } else { track.expected() };
            (track.passage, face)
        })
    }

    /// Every face a screen must mask or may show: those followed, with their passage, and all other detections without one.
    pub fn shown(&self) -> impl Iterator<Item = (Option<u64>, Rect)> + '_ {
        let followed: Vec<(u64, Rect)> = self.followed().collect();
        let boxes: Vec<Rect> = followed.iter().map(|(_, face)| *face).collect();
        let others = self.detections.iter().map(|found| found.face);
        let others = others.filter(move |face| boxes.iter().all(|other| face != other));
        followed.into_iter().map(|(passage, face)| (Some(passage), face)).chain(others.map(|face| (None, face)))
    }

    fn newly_confirmed(&self) -> u64 {
        let newly = |track: &&crate::track::Track| track.in_view() && track.views == CONFIRMING_VIEWS;
        self.tracker.tracks().iter().filter(newly).count() as u64
    }

    fn close(&mut self, ended: Vec<u64>, examined: &mut Examined) {
        for number in ended {
            let Some(mut passage) = self.passages.remove(&number) else { continue };
            if passage.views() >= CONFIRMING_VIEWS {
                examined.due.extend(passage.take_last().map(|view| (number, view)));
                examined.ended.push(number);
            }
        }
    }
}

/// The view of a detection, if its passage wants it. Pixels are looked at only where the view could be the best one.
fn worth_keeping(passage: &Passage, seen: &Seen<'_>, detection: &Detection) -> Option<View> {
    let worth_at_most = worth_at_most(detection);
    if !passage.wants(worth_at_most) {
        return None;
    }
    let close = CloseUp::of(seen.picture(), detection);
    let worth = worth_at_most * sharp(close.picture.view(), &close.detection);
    passage.wants(worth).then(|| View {
        surroundings: close.picture,
        found: close.detection,
        face: detection.face,
        frame_number: seen.number(),
        offset: seen.offset(),
        worth,
    })
}

impl CloseUp {
    fn of(picture: PictureView<'_>, detection: &Detection) -> Self {
        let (picture, [left, top]) = surroundings(picture, &detection.face);
        let (left, top) = (left as f32, top as f32);
        let face = Rect { left: detection.face.left - left, top: detection.face.top - top, ..detection.face };
        let points = detection.points.map(|point| face::Point { x: point.x - left, y: point.y - top });
        Self { picture, detection: Detection { face, points, ..*detection } }
    }
}

/// The face and a little around it, as an operator needs it, and where its corner lies.
pub fn surroundings(picture: PictureView<'_>, face: &Rect) -> (Picture, [u32; 2]) {
    let margin = SURROUNDINGS_WIDTHS * face.width;
    picture.cut(&Rect {
        left: face.left - margin,
        top: face.top - margin,
        width: face.width + 2.0 * margin,
        height: face.height + 2.0 * margin,
    })
}
