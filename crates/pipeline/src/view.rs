//! Which views of a passage are worth comparing: few, each clearly better than the last.

use std::time::Duration;

use face::quality::{inter_eye_distance_px, pose, sharpness};
use face::{Chip, Detection, EngineError, Faces, Picture, Rect, RgbView};

/// Most templates made of one passage. Each is one more look, and one more chance of a false candidate.
pub const VIEWS_COMPARED_MAX: u32 = 2;
/// Views seen before the first is compared: the first ones of somebody approaching are the worst.
const VIEWS_BEFORE_FIRST: u32 = 4;
/// Least worth of a view compared while the passage lasts; where none reaches it, the best one is compared at the end.
/// Measured on the rendered concourse: of views compared as soon as a face had 50 pixels, most candidates were wrong.
const WORTH_EARLY_MIN: f32 = 0.4;
/// Views between two comparisons.
const VIEWS_BETWEEN: u32 = 3;
/// How much better a view must be than the last one compared, while the passage lasts. The second look is the last one: taken at a little
/// more than the first (1.2 times), it was spent long before somebody was nearest, and 90 of 120 listed passages were found
/// where 99 are now, with as many templates (`overt bench live --fast`, four clips, 2026-11-30; 97 at 1.6).
const GAIN_MIN: f32 = 2.0;
/// How much better the best view must be than the last one compared to be compared when the passage ends.
const GAIN_MIN_AT_END: f32 = 1.05;
/// Least overlap (intersection over union) of a face with what is found in its close-up for the two to be the same face.
const SAME_FACE_OVERLAP_MIN: f32 = 0.4;
/// Distance between the eyes, in pixels, beyond which more does not help: recognisers read chips of 112 to 150 pixels.
const EYES_ENOUGH_PX: f32 = 45.0;

/// The best view of a passage not compared yet. Held in memory only, wiped when replaced or dropped.
pub struct View {
    /// The face and a little around it, for a person to look at should it become an alert.
    pub surroundings: Picture,
    /// Where the face is in it.
    pub found: Detection,
    /// Where the face was in its frame.
    pub face: Rect,
    /// Frame it was seen in.
    pub frame_number: u64,
    /// Time of that frame since the footage began.
    pub offset: Duration,
    /// How useful it is, 0 to 1.
    pub worth: f32,
}

impl View {
    /// The aligned face, cut out only when it is compared: most views are replaced by a better one before. Its points are looked
    /// for again in the cut, which is larger than the face was where it was found; where none is found there, they stay as they are.
    pub fn chip(&self, faces: &mut Faces) -> Result<Chip, EngineError> {
        let again = faces.detector.look_closely(self.surroundings.view().into())?;
        let same = |face: &Detection| face.face.overlap(&self.found.face);
        let nearest = again.into_iter().max_by(|a, b| same(a).total_cmp(&same(b)));
        let found = nearest.filter(|face| same(face) >= SAME_FACE_OVERLAP_MIN).unwrap_or(self.found);
        Ok(faces.recognizer.align(self.surroundings.view(), &found))
    }
}

/// What is known of a passage.
#[derive(Default)]
pub struct Passage {
    best: Option<View>,
    views: u32,
    views_at_last: u32,
    compared: u32,
    compared_worth: f32,
    decided: bool,
    promising: u32,
    usable: bool,
}

/// The most that a view can be worth, 0 to 1, before its pixels are looked at: size of the face, how frontal, how sure the
/// detector is. What is missing is [`sharp`], by which it is multiplied.
pub fn worth_at_most(detection: &Detection) -> f32 {
    let size = (inter_eye_distance_px(detection) / EYES_ENOUGH_PX).clamp(0.0, 1.0);
    let pose = pose(&detection.points);
    let frontal = pose.yaw_deg.to_radians().cos().max(0.0) * pose.pitch_deg.to_radians().cos().max(0.0);
    size * frontal * detection.confidence.clamp(0.0, 1.0)
}

/// What is left of a view's worth for its sharpness, 0.3 to 1.
pub fn sharp(picture: RgbView<'_>, detection: &Detection) -> f32 {
    0.3 + 0.7 * (sharpness(picture, detection) / 100.0).clamp(0.0, 1.0)
}

impl Passage {
    /// Whether a view of this worth would be the best not compared yet. Asked before a chip is cut.
    pub fn wants(&self, worth: f32) -> bool {
        let gain = if self.compared == 0 { 0.0 } else { GAIN_MIN_AT_END * self.compared_worth };
        let open = !self.decided && self.compared < VIEWS_COMPARED_MAX;
        open && worth > gain && self.best.as_ref().is_none_or(|best| worth > best.worth)
    }

    /// Counts a view that was seen, offered or not, and can be worth this at most.
    pub fn count_view(&mut self, worth_at_most: f32) {
        self.views += 1;
        self.promising += u32::from(worth_at_most >= WORTH_EARLY_MIN);
    }

    /// Keeps a view as the best; the one before is wiped.
    pub fn offer(&mut self, view: View) {
        self.usable |= view.worth >= WORTH_EARLY_MIN;
        self.best = Some(view);
    }

    /// The best view, when it is time to compare it.
    pub fn take_due(&mut self) -> Option<View> {
        let best = self.best.as_ref()?;
        let due = if self.compared == 0 {
            self.views >= VIEWS_BEFORE_FIRST && best.worth >= WORTH_EARLY_MIN
        } else {
            self.views >= self.views_at_last + VIEWS_BETWEEN && best.worth >= GAIN_MIN * self.compared_worth
        };
        if due { self.take() } else { None }
    }

    /// The best view, when the passage is over and it has not been compared.
    pub fn take_last(&mut self) -> Option<View> {
        self.take()
    }

    /// A candidate was found: no more views of this passage are compared, and none is held.
    pub fn decide(&mut self) {
        self.decided = true;
        self.best = None;
    }

    /// Views seen so far.
    pub fn views(&self) -> u32 {
        self.views
    }

    /// Views that were large, frontal and sure enough to be compared early, were they sharp: sharpness is not measured for each.
    pub fn promising_views(&self) -> u32 {
        self.promising
    }

    /// Whether any view was good enough to be compared early. The best one was measured whole, so this is exact.
    pub fn is_usable(&self) -> bool {
        self.usable
    }

    /// Whether a candidate was found.
    pub fn is_decided(&self) -> bool {
        self.decided
    }

    fn take(&mut self) -> Option<View> {
        if self.decided || self.compared >= VIEWS_COMPARED_MAX {
            return None;
        }
        let view = self.best.take()?;
        self.compared += 1;
        self.compared_worth = view.worth;
        self.views_at_last = self.views;
        Some(view)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use face::{Contract, Detector, EngineKind, PictureView, Point, Recognizer, ScoreKind, Template};

    use super::*;

    fn offer(passage: &mut Passage, worth: f32) {
        passage.count_view(worth);
        if passage.wants(worth) {
            let surroundings = Picture::from_rgb(1, 1, vec![0; 3]).expect("one pixel");
            let face = Rect { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
            let found = Detection { face, confidence: 1.0, points: [Point { x: 0.0, y: 0.0 }; 5] };
            passage.offer(View { surroundings, found, face, frame_number: 0, offset: Duration::ZERO, worth });
        }
    }

    #[test]
    fn a_steady_passage_is_compared_once_early_and_not_again() {
        let mut passage = Passage::default();
        let mut compared = 0;
        for _ in 0..40 {
            offer(&mut passage, 0.5);
            compared += usize::from(passage.take_due().is_some());
        }
        compared += usize::from(passage.take_last().is_some());
        assert_eq!(compared, 1);
    }

    #[test]
    fn an_approaching_face_is_compared_a_few_times_and_never_more_than_stated() {
        let mut passage = Passage::default();
        let mut worths = Vec::new();
        for step in 1..200 {
            offer(&mut passage, 0.005 * step as f32);
            worths.extend(passage.take_due().map(|view| view.worth));
        }
        worths.extend(passage.take_last().map(|view| view.worth));
        assert_eq!(worths.len(), VIEWS_COMPARED_MAX as usize);
        assert!(worths.windows(2).all(|pair| pair[1] >= GAIN_MIN * pair[0]));
    }

    #[test]
    fn a_short_passage_is_compared_at_its_end_by_its_best_view() {
        let mut passage = Passage::default();
        for worth in [0.2, 0.6, 0.4] {
            offer(&mut passage, worth);
            assert!(passage.take_due().is_none());
        }
        assert_eq!(passage.take_last().map(|view| view.worth), Some(0.6));
    }

    #[test]
    fn a_passage_is_usable_from_the_first_view_that_could_be_compared_early() {
        let mut passage = Passage::default();
        offer(&mut passage, 0.3);
        assert!(!passage.is_usable());
        for worth in [0.4, 0.39, 0.5, 0.45] {
            offer(&mut passage, worth);
        }
        assert!(passage.is_usable());
        assert_eq!((passage.views(), passage.promising_views()), (5, 3));
    }

    #[test]
    fn a_decided_passage_holds_and_wants_nothing() {
        let mut passage = Passage::default();
        offer(&mut passage, 0.5);
        passage.decide();
        assert!(!passage.wants(1.0) && passage.take_last().is_none());
    }

    /// Finds this in every close-up.
    struct Again(Vec<Detection>);

    impl Detector for Again {
        fn name(&self) -> &str {
            "again"
        }

        fn detect(&mut self, _: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
            Ok(Vec::new())
        }

        fn look_closely(&mut self, _: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
            Ok(self.0.clone())
        }

        fn forget(&mut self) -> Result<(), EngineError> {
            Ok(())
        }
    }

    /// Tells by the one pixel of its chip where the face was that it aligned.
    struct Aligning(Arc<Contract>);

    impl Recognizer for Aligning {
        fn contract(&self) -> &Arc<Contract> {
            &self.0
        }

        fn align(&self, _: RgbView<'_>, detection: &Detection) -> Chip {
            Chip::from_rgb(1, vec![detection.points[0].x as u8; 3]).expect("one pixel")
        }

        fn embed(&mut self, _: &[Chip]) -> Result<Vec<Template>, EngineError> {
            Ok(Vec::new())
        }

        fn forget(&mut self) -> Result<(), EngineError> {
            Ok(())
        }
    }

    #[test]
    fn a_chip_is_cut_by_the_points_of_the_close_up_where_the_same_face_is_found_in_it() {
        let found = |left: f32, point: f32| Detection {
            face: Rect { left, top: 20.0, width: 40.0, height: 40.0 },
            confidence: 0.9,
            points: [Point { x: point, y: 30.0 }; 5],
        };
        let surroundings = Picture::from_rgb(100, 80, vec![0; 3 * 100 * 80]).expect("whole");
        let (frame_number, offset, worth) = (0, Duration::ZERO, 0.5);
        let (of_frame, face) = (found(20.0, 7.0), found(20.0, 7.0).face);
        let view = View { surroundings, found: of_frame, face, frame_number, offset, worth };
        let contract = Contract {
            model: "aligning".into(),
            weights_sha256: "0".repeat(64),
            alignment: "none".into(),
            score: ScoreKind::Cosine,
            dimensions: 1,
        };
        let mut faces = Faces {
            detector: Box::new(Again(Vec::new())),
            recognizer: Box::new(Aligning(Arc::new(contract))),
            engine: EngineKind::BuiltIn,
            bundle: "drawn".into(),
        };
        // Nobody; the same face a little aside; somebody beside it, who is not taken for it; both.
        let (same, beside) = (found(23.0, 9.0), found(62.0, 200.0));
        for (again, cut_at) in [(vec![], 7), (vec![same], 9), (vec![beside], 7), (vec![beside, same], 9)] {
            faces.detector = Box::new(Again(again));
            assert_eq!(view.chip(&mut faces).expect("a chip").pixels()[0], cut_at);
        }
    }
}
