//! One camera's frames in; views worth comparing out. The same code serves the run and the residue scan.

use std::collections::BTreeMap;

use capture::Frame;
use face::{Detection, EngineError, Faces, Picture, Quality, Rect, RgbView};

use crate::track::{CONFIRMING_VIEWS, Tracker};
use crate::view::{Passage, View, worth};

/// How far around a face the picture for the operator reaches, in widths of the face.
const SURROUNDINGS_WIDTHS: f32 = 0.45;

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

impl Examiner {
    /// `face_side_px_min` is the least side of a face that is followed and compared.
    pub fn new(face_side_px_min: u32) -> Self {
        Self { face_side_px_min, tracker: Tracker::default(), passages: BTreeMap::new(), detections: Vec::new() }
    }

    /// Takes the next frame.
    pub fn examine(&mut self, frame: &Frame, faces: &mut Faces) -> Result<Examined, EngineError> {
        let picture = view_of(frame);
        let detections = faces.detector.detect(picture)?;
        let side_min = self.face_side_px_min as f32;
        let large: Vec<Detection> =
            detections.iter().copied().filter(|found| found.face.width.min(found.face.height) >= side_min).collect();
        let changes = self.tracker.advance(&large);
        let mut examined = Examined::default();
        self.detections = detections;
        for (number, found) in changes.seen {
            let detection = &large[found];
            let passage = self.passages.entry(number).or_default();
            passage.count_view();
            let worth = worth(&Quality::measure(picture, detection));
            if passage.wants(worth) {
                let face = detection.face;
                passage.offer(View {
                    chip: faces.recognizer.align(picture, detection),
                    surroundings: surroundings(picture, &face),
                    face,
                    frame_number: frame.number,
                    offset: frame.offset,
                    worth,
                });
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
        examined
    }

    /// A candidate was found in this passage: nothing more of it is compared or held.
    pub fn decide(&mut self, passage: u64) {
        if let Some(passage) = self.passages.get_mut(&passage) {
            passage.decide();
        }
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

/// A frame as the face crate sees it.
pub fn view_of(frame: &Frame) -> RgbView<'_> {
    RgbView { width: frame.width, height: frame.height, stride_bytes: 3 * frame.width as usize, pixels: &frame.pixels }
}

/// The face and a little around it, as an operator needs it.
pub fn surroundings(picture: RgbView<'_>, face: &Rect) -> Picture {
    let margin = SURROUNDINGS_WIDTHS * face.width;
    let left = (face.left - margin).clamp(0.0, picture.width as f32 - 1.0) as u32;
    let top = (face.top - margin).clamp(0.0, picture.height as f32 - 1.0) as u32;
    let right = ((face.right() + margin).ceil().max(left as f32 + 1.0) as u32).min(picture.width);
    let bottom = ((face.bottom() + margin).ceil().max(top as f32 + 1.0) as u32).min(picture.height);
    let mut pixels = Vec::with_capacity(3 * ((right - left) * (bottom - top)) as usize);
    for y in top..bottom {
        pixels.extend_from_slice(&picture.row(y)[3 * left as usize..3 * right as usize]);
    }
    match Picture::from_rgb(right - left, bottom - top, pixels) {
        Some(cut) => cut,
        // Not reachable: both sides are at least one pixel and every row was copied whole.
        None => unreachable!("a cut-out of at least one pixel"),
    }
}
