//! Following faces inside one camera's view, so that one passage is one decision. Nothing here crosses to another camera.
//!
//! The method is that of SORT (Bewley et al., 2016) without its Kalman filter: constant velocity and greedy overlap.

use std::time::Duration;

use face::{Detection, Point, Rect};

/// Most faces followed at once in one view; the least confident beyond it are not followed.
pub const TRACKS_MAX: usize = 256;
/// Least overlap (intersection over union) between where a face was expected and where one was found.
const OVERLAP_MIN: f32 = 0.25;
/// Farthest, in face widths, that a face may be found from where it was expected when the boxes do not overlap enough: for
/// each [`STEP`] since it was seen, and at most.
const DRIFT_WIDTHS_A_STEP: f32 = 0.6;
const DRIFT_WIDTHS_MAX: f32 = 1.2;
/// The time between frames for which the drift was chosen: 12.5 a second.
const STEP: Duration = Duration::from_millis(80);
/// Largest ratio of sizes between two views of one face in consecutive frames.
const SIZE_RATIO_MAX: f32 = 1.5;
/// Time without a view after which a passage is over, or [`FRAMES_UNSEEN_MAX`] frames where that is longer.
pub const UNSEEN_MAX: Duration = Duration::from_millis(800);
/// Frames without a view that are forgiven in footage of few frames a second.
const FRAMES_UNSEEN_MAX: u32 = 3;
/// Views needed before a track counts as a face seen: one detection alone may be an accident.
pub const CONFIRMING_VIEWS: u32 = 2;

/// One face being followed.
#[derive(Clone, Copy, Debug)]
pub struct Track {
    /// Number of the passage within this camera's run.
    pub passage: u64,
    /// Where it was last seen.
    pub face: Rect,
    /// Views so far.
    pub views: u32,
    /// Pixels a second.
    velocity: Point,
    seen_at: Duration,
    now: Duration,
}

/// What a frame changed.
#[derive(Debug, Default)]
pub struct Changes {
    /// Passage and index of the detection that continues or begins it.
    pub seen: Vec<(u64, usize)>,
    /// Passages that are over.
    pub ended: Vec<u64>,
}

/// Follows the faces of one view.
#[derive(Debug, Default)]
pub struct Tracker {
    tracks: Vec<Track>,
    passages: u64,
    now: Duration,
}

impl Tracker {
    /// Takes the detections of the next frame, `now` after the source's first one.
    pub fn advance(&mut self, detections: &[Detection], now: Duration) -> Changes {
        let mut changes = Changes::default();
        let unseen_max = UNSEEN_MAX.max(FRAMES_UNSEEN_MAX * now.saturating_sub(self.now));
        self.now = now;
        self.tracks.iter_mut().for_each(|track| track.now = now);
        let mut taken = vec![false; detections.len()];
        for (track, found) in self.pairs(detections) {
            taken[found] = true;
            self.tracks[track].see(detections[found].face);
            changes.seen.push((self.tracks[track].passage, found));
        }
        for (found, detection) in detections.iter().enumerate() {
            if !taken[found] && self.tracks.len() < TRACKS_MAX {
                self.tracks.push(Track::begin(self.passages, detection.face, now));
                changes.seen.push((self.passages, found));
                self.passages += 1;
            }
        }
        let over = |track: &Track| track.unseen() > unseen_max;
        changes.ended = self.tracks.iter().filter(|track| over(track)).map(|track| track.passage).collect();
        self.tracks.retain(|track| !over(track));
        changes
    }

    /// Every passage still open is over: the footage ended.
    pub fn finish(&mut self) -> Vec<u64> {
        self.tracks.drain(..).map(|track| track.passage).collect()
    }

    /// The faces being followed, also those missed in the last frame.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Pairs of track and detection, best overlap first; each is used once.
    fn pairs(&self, detections: &[Detection]) -> Vec<(usize, usize)> {
        let mut candidates = Vec::new();
        for (track_index, track) in self.tracks.iter().enumerate() {
            let expected = track.expected();
            for (found, detection) in detections.iter().enumerate() {
                if let Some(closeness) = closeness(&expected, &detection.face, track.unseen()) {
                    candidates.push((closeness, track_index, found));
                }
            }
        }
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let (mut tracks_used, mut found_used) = (vec![false; self.tracks.len()], vec![false; detections.len()]);
        candidates.retain(|&(_, track, found)| {
            let free = !tracks_used[track] && !found_used[found];
            if free {
                (tracks_used[track], found_used[found]) = (true, true);
            }
            free
        });
        candidates.into_iter().map(|(_, track, found)| (track, found)).collect()
    }
}

impl Track {
    fn begin(passage: u64, face: Rect, now: Duration) -> Self {
        Self { passage, face, views: 1, velocity: Point { x: 0.0, y: 0.0 }, seen_at: now, now }
    }

    /// Whether it was found in the last frame.
    pub fn in_view(&self) -> bool {
        self.seen_at == self.now
    }

    /// Where the face should be now.
    pub fn expected(&self) -> Rect {
        let seconds = self.unseen().as_secs_f32();
        Rect {
            left: self.face.left + self.velocity.x * seconds,
            top: self.face.top + self.velocity.y * seconds,
            ..self.face
        }
    }

    fn see(&mut self, face: Rect) {
        let seconds = self.unseen().as_secs_f32().max(f32::EPSILON);
        let (from, to) = (self.face.centre(), face.centre());
        // Half of the newest movement, half of what was known, if anything was: a detector's box trembles by a pixel or two.
        let newest = if self.views == 1 { 1.0 } else { 0.5 };
        self.velocity.x += newest * ((to.x - from.x) / seconds - self.velocity.x);
        self.velocity.y += newest * ((to.y - from.y) / seconds - self.velocity.y);
        self.face = face;
        self.views += 1;
        self.seen_at = self.now;
    }

    /// How long ago it was seen.
    fn unseen(&self) -> Duration {
        self.now.saturating_sub(self.seen_at)
    }
}

/// How well a found face continues an expected one: overlap, or else a smaller number by distance; `None` if it does not.
fn closeness(expected: &Rect, found: &Rect, unseen: Duration) -> Option<f32> {
    let ratio = (expected.width / found.width).max(found.width / expected.width);
    if ratio.is_nan() || ratio > SIZE_RATIO_MAX {
        return None;
    }
    let overlap = expected.overlap(found);
    if overlap >= OVERLAP_MIN {
        return Some(overlap);
    }
    let (a, b) = (expected.centre(), found.centre());
    let widths = (a.x - b.x).hypot(a.y - b.y) / expected.width.max(1.0);
    let steps = unseen.as_secs_f32() / STEP.as_secs_f32();
    let widths_max = (DRIFT_WIDTHS_A_STEP * steps.max(1.0)).min(DRIFT_WIDTHS_MAX);
    (widths <= widths_max).then_some(OVERLAP_MIN * (1.0 - widths / DRIFT_WIDTHS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: f32, top: f32, side: f32) -> Detection {
        let point = Point { x: left, y: top };
        Detection { face: Rect { left, top, width: side, height: side }, confidence: 0.9, points: [point; 5] }
    }

    #[test]
    fn one_walk_is_one_passage_even_with_gaps() {
        let mut tracker = Tracker::default();
        for step in 0..60 {
            let missing = step % 7 == 3 || (20..25).contains(&step);
            let found = if missing { vec![] } else { vec![at(10.0 + 6.0 * step as f32, 50.0, 40.0)] };
            assert!(tracker.advance(&found, STEP * step).ended.is_empty());
        }
        assert_eq!(tracker.finish(), vec![0]);
    }

    #[test]
    fn two_people_who_cross_stay_two() {
        let mut tracker = Tracker::default();
        for step in 0..50 {
            let x = 8.0 * step as f32;
            tracker.advance(&[at(x, 100.0, 40.0), at(400.0 - x, 130.0, 44.0)], STEP * step);
        }
        let ends: Vec<(u64, f32)> = tracker.tracks().iter().map(|track| (track.passage, track.face.left)).collect();
        assert_eq!(ends, vec![(0, 392.0), (1, 8.0)]);
    }

    #[test]
    fn a_passage_ends_after_the_stated_time_without_a_view() {
        let mut tracker = Tracker::default();
        tracker.advance(&[at(0.0, 0.0, 40.0)], STEP);
        for step in 2..=11 {
            assert!(tracker.advance(&[], STEP * step).ended.is_empty(), "{step}");
        }
        assert_eq!(tracker.advance(&[], STEP * 12).ended, vec![0]);
        assert!(tracker.tracks().is_empty());
    }

    #[test]
    fn stills_taken_a_second_apart_are_followed_too() {
        let mut tracker = Tracker::default();
        for second in 0..9 {
            let found = if second == 4 { vec![] } else { vec![at(10.0, 50.0, 40.0)] };
            assert!(tracker.advance(&found, Duration::from_secs(second)).ended.is_empty(), "{second}");
        }
        assert_eq!(tracker.finish(), vec![0]);
    }

    #[test]
    fn somebody_elsewhere_is_somebody_else() {
        let mut tracker = Tracker::default();
        tracker.advance(&[at(0.0, 0.0, 40.0)], STEP);
        assert_eq!(tracker.advance(&[at(300.0, 0.0, 40.0)], 2 * STEP).seen, vec![(1, 0)]);
    }

    #[test]
    fn no_more_faces_are_followed_than_stated() {
        let mut tracker = Tracker::default();
        let crowd: Vec<_> = (0..TRACKS_MAX + 20).map(|n| at(100.0 * n as f32, 0.0, 40.0)).collect();
        assert_eq!(tracker.advance(&crowd, STEP).seen.len(), TRACKS_MAX);
    }
}
