//! Following faces inside one camera's view, so that one passage is one decision. Nothing here crosses to another camera.
//!
//! The method is that of SORT (Bewley et al., 2016) without its Kalman filter: constant velocity and greedy overlap.

use face::{Detection, Point, Rect};

/// Most faces followed at once in one view; the least confident beyond it are not followed.
pub const TRACKS_MAX: usize = 256;
/// Least overlap (intersection over union) between where a face was expected and where one was found.
const OVERLAP_MIN: f32 = 0.25;
/// Farthest, in face widths, that a face may be found from where it was expected when the boxes do not overlap enough.
const DRIFT_WIDTHS_MAX: f32 = 0.6;
/// Largest ratio of sizes between two views of one face in consecutive frames.
const SIZE_RATIO_MAX: f32 = 1.5;
/// Frames without a view after which a passage is over.
pub const MISSED_FRAMES_MAX: u32 = 10;
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
    velocity: Point,
    missed_frames: u32,
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
}

impl Tracker {
    /// Takes the detections of the next frame.
    pub fn advance(&mut self, detections: &[Detection]) -> Changes {
        let mut changes = Changes::default();
        let mut taken = vec![false; detections.len()];
        for (track, found) in self.pairs(detections) {
            taken[found] = true;
            self.tracks[track].see(detections[found].face);
            changes.seen.push((self.tracks[track].passage, found));
        }
        let continued: Vec<u64> = changes.seen.iter().map(|(passage, _)| *passage).collect();
        for track in &mut self.tracks {
            if !continued.contains(&track.passage) {
                track.miss();
            }
        }
        for (found, detection) in detections.iter().enumerate() {
            if !taken[found] && self.tracks.len() < TRACKS_MAX {
                self.tracks.push(Track::begin(self.passages, detection.face));
                changes.seen.push((self.passages, found));
                self.passages += 1;
            }
        }
        let over = |track: &Track| track.missed_frames > MISSED_FRAMES_MAX;
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
                if let Some(closeness) = closeness(&expected, &detection.face) {
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
    fn begin(passage: u64, face: Rect) -> Self {
        Self { passage, face, views: 1, velocity: Point { x: 0.0, y: 0.0 }, missed_frames: 0 }
    }

    /// Whether it was found in the last frame.
    pub fn in_view(&self) -> bool {
        self.missed_frames == 0
    }

    /// Where the face should be in the next frame.
    pub fn expected(&self) -> Rect {
        let steps = (self.missed_frames + 1) as f32;
        Rect {
            left: self.face.left + self.velocity.x * steps,
            top: self.face.top + self.velocity.y * steps,
            ..self.face
        }
    }

    fn see(&mut self, face: Rect) {
        let steps = (self.missed_frames + 1) as f32;
        let (from, to) = (self.face.centre(), face.centre());
        // Half of the newest movement, half of what was known: a detector's box trembles by a pixel or two.
        self.velocity.x = 0.5 * self.velocity.x + 0.5 * (to.x - from.x) / steps;
        self.velocity.y = 0.5 * self.velocity.y + 0.5 * (to.y - from.y) / steps;
        self.face = face;
        self.views += 1;
        self.missed_frames = 0;
    }

    fn miss(&mut self) {
        self.missed_frames += 1;
    }
}

/// How well a found face continues an expected one: overlap, or else a smaller number by distance; `None` if it does not.
fn closeness(expected: &Rect, found: &Rect) -> Option<f32> {
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
    (widths <= DRIFT_WIDTHS_MAX).then_some(OVERLAP_MIN * (1.0 - widths))
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
            assert!(tracker.advance(&found).ended.is_empty());
        }
        assert_eq!(tracker.finish(), vec![0]);
    }

    #[test]
    fn two_people_who_cross_stay_two() {
        let mut tracker = Tracker::default();
        for step in 0..50 {
            let x = 8.0 * step as f32;
            tracker.advance(&[at(x, 100.0, 40.0), at(400.0 - x, 130.0, 44.0)]);
        }
        let ends: Vec<(u64, f32)> = tracker.tracks().iter().map(|track| (track.passage, track.face.left)).collect();
        assert_eq!(ends, vec![(0, 392.0), (1, 8.0)]);
    }

    #[test]
    fn a_passage_ends_after_the_stated_number_of_missed_frames() {
        let mut tracker = Tracker::default();
        tracker.advance(&[at(0.0, 0.0, 40.0)]);
        for _ in 0..MISSED_FRAMES_MAX {
            assert!(tracker.advance(&[]).ended.is_empty());
        }
        assert_eq!(tracker.advance(&[]).ended, vec![0]);
        assert!(tracker.tracks().is_empty());
    }

    #[test]
    fn somebody_elsewhere_is_somebody_else() {
        let mut tracker = Tracker::default();
        tracker.advance(&[at(0.0, 0.0, 40.0)]);
        assert_eq!(tracker.advance(&[at(300.0, 0.0, 40.0)]).seen, vec![(1, 0)]);
    }

    #[test]
    fn no_more_faces_are_followed_than_stated() {
        let mut tracker = Tracker::default();
        let crowd: Vec<_> = (0..TRACKS_MAX + 20).map(|n| at(100.0 * n as f32, 0.0, 40.0)).collect();
        assert_eq!(tracker.advance(&crowd).seen.len(), TRACKS_MAX);
    }
}
