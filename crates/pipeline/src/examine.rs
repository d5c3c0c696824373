//! One camera's frames in; views worth comparing out. The same code serves the run and the residue scan.

use std::collections::BTreeMap;

use face::{Detection, EngineError, Faces, Picture, PictureView, Rect};

use crate::mask::{COVER, grown};
use crate::track::{CONFIRMING_VIEWS, Tracker};
use crate::view::{Passage, View, sharp, worth_at_most};
use crate::window::Seen;

/// How far around a face the picture for the operator reaches, in widths of the face. A chip lies within it.
const SURROUNDINGS_WIDTHS: f32 = 0.6;
/// The grey of what is covered in it.
const COVERED: u8 = 128;

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
    /// How well each of them was seen.
    pub ended_seen: Vec<PassageSeen>,
}

/// How well somebody was seen in the whole of a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassageSeen {
    /// Whether any view was good enough to be compared early.
    pub usable: bool,
    /// Views that were large, frontal and sure enough for that, were they sharp.
    pub promising_views: u32,
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
            passage.count_view(worth_at_most(&large[found]));
            if let Some(view) = worth_keeping(passage, seen, &large[found], &self.detections) {
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

    /// Whether two people followed are so near each other that one covers the other, or soon may.
    pub fn crowded(&self) -> bool {
        let heads: Vec<Rect> = self.followed().map(|(_, face)| grown(&face, COVER)).collect();
        heads.iter().enumerate().any(|(at, head)| heads[at + 1..].iter().any(|other| head.overlap(other) > 0.0))
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
                let (usable, promising_views) = (passage.is_usable(), passage.promising_views());
                examined.ended_seen.push(PassageSeen { usable, promising_views });
            }
        }
    }
}

/// The view of a detection, if its passage wants it. Pixels are looked at only where the view could be the best one. Of
/// whoever else is `in_view` nothing is in it.
fn worth_keeping(passage: &Passage, seen: &Seen<'_>, detection: &Detection, in_view: &[Detection]) -> Option<View> {
    let worth_at_most = worth_at_most(detection);
    if !passage.wants(worth_at_most) {
        return None;
    }
    let close = CloseUp::of(seen.picture(), detection, in_view);
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
    fn of(picture: PictureView<'_>, detection: &Detection, in_view: &[Detection]) -> Self {
        let (mut picture, [left, top]) = surroundings(picture, &detection.face);
        let (left, top) = (left as f32, top as f32);
        let within = |face: Rect| Rect { left: face.left - left, top: face.top - top, ..face };
        let face = within(detection.face);
        for other in in_view.iter().filter(|other| other.face != detection.face) {
            cover(&mut picture, &grown(&within(other.face), COVER), &face);
        }
        let points = detection.points.map(|point| face::Point { x: point.x - left, y: point.y - top });
        Self { picture, detection: Detection { face, points, ..*detection } }
    }
}

/// Greys a part of a picture, all but what lies within the face that the picture is of.
fn cover(picture: &mut Picture, part: &Rect, face: &Rect) {
    let width = picture.width();
    for (at, pixel) in (0..).zip(picture.pixels_mut().chunks_exact_mut(3)) {
        let (x, y) = ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5);
        let lies_in = |rect: &Rect| rect.left <= x && x < rect.right() && rect.top <= y && y < rect.bottom();
        if lies_in(part) && !lies_in(face) {
            pixel.fill(COVERED);
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use face::Point;

    use super::*;

    fn found(left: f32, top: f32, side: f32) -> Detection {
        let face = Rect { left, top, width: side, height: side };
        Detection { face, confidence: 0.9, points: [Point { x: left + side / 2.0, y: top + side / 2.0 }; 5] }
    }

    #[test]
    fn two_heads_that_touch_are_a_crowd() {
        let crowded = |faces: &[Detection]| {
            let mut examiner = Examiner::new(1);
            examiner.tracker.advance(faces, Duration::ZERO);
            examiner.crowded()
        };
        let (first, far) = (found(0.0, 0.0, 40.0), found(500.0, 0.0, 40.0));
        assert!(!crowded(&[]) && !crowded(&[first]) && !crowded(&[first, far]));
        // A head is half as wide again as its face: from -10 to 50 here.
        assert!(crowded(&[far, first, found(59.0, 0.0, 40.0)]) && !crowded(&[far, first, found(61.0, 0.0, 40.0)]));
    }

    #[test]
    fn of_others_nothing_is_in_the_picture_of_a_face_but_what_overlaps_the_face_itself() {
        let white = Picture::from_rgb(200, 120, vec![255; 3 * 200 * 120]).expect("whole");
        let (subject, beside) = (found(60.0, 40.0, 40.0), found(105.0, 40.0, 20.0));
        let far = found(180.0, 90.0, 20.0);
        let close = CloseUp::of(white.view().into(), &subject, &[far, subject, beside]);
        assert_eq!((close.picture.width(), close.picture.height()), (88, 88));
        // The cut begins at (36, 16); the one beside is covered from 100 to 130 and from 35 to 65, half as wide again.
        for (at, pixel) in (0_u32..).zip(close.picture.view().pixels.chunks_exact(3)) {
            let (x, y) = (at % 88 + 36, at / 88 + 16);
            let covered = (100..130).contains(&x) && (35..65).contains(&y);
            assert_eq!(pixel[0], if covered { COVERED } else { 255 }, "{x}, {y}");
        }
        let over = found(80.0, 40.0, 40.0);
        let close = CloseUp::of(white.view().into(), &subject, &[over]);
        let at = |x: u32, y: u32| close.picture.view().row(y - 16)[3 * (x - 36) as usize];
        assert_eq!((at(99, 60), at(100, 60), at(99, 36)), (255, COVERED, COVERED), "the face itself stays");
    }
}
