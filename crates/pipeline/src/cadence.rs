//! Which frames are examined: about eight a second, twelve while people cover each other, fewer when the machine cannot keep up, none while
//! nothing moves.
//!
//! What gives way under load, in this order: first every second examination; then every second one again; then masked
//! pictures come once in two seconds. Memory never gives way, nor does a queue grow.

use std::time::Duration;

use capture::Skip;
use face::PictureView;
use zeroize::Zeroize as _;

/// Time between two examined frames. Somebody who walks moves less than the width of a face meanwhile, so that they are followed;
/// a passage of a second is seen eight times. A little more than three frames of 25 a second, so that uneven gaps between frames
/// do not make it ten.
pub const EXAMINED_EVERY: Duration = Duration::from_millis(130);
/// The same while people are so near each other that one covers another: of some there is only a moment to be seen. In crowds of ten in a
/// small picture 46 of 60 listed passages are found where 41 were, and by every frame 50; in pictures of 1080p, where fewer are
/// covered, 101 of 120 where 99 were (`overt bench live --fast`, 2026-11-30).
const EXAMINED_EVERY_IN_A_CROWD: Duration = Duration::from_millis(80);
/// Longest time without an examination, however still the picture is.
const STILL_MAX: Duration = Duration::from_secs(1);
/// Blocks across in which movement is looked for, and a scene remembered. No more than a masked view has (see [`crate::mask`]): what is kept of
/// a frame from one examination to the next must not tell anybody.
const BLOCKS_ACROSS: u32 = crate::mask::COLUMNS_MAX;
/// How much the brightness of a block changes, of 255, when something moves in it; noise averages out over a block.
const MOVED_MIN: u8 = 3;
/// How old a frame may be when its examination begins: older, and the machine is behind.
const AGE_BEHIND: Duration = Duration::from_millis(200);
/// Below this age there is time to spare.
const AGE_AHEAD: Duration = Duration::from_millis(60);
/// Between two frames: more, and they come too seldom.
const SELDOM: Duration = Duration::from_millis(200);
/// Frames after which that is known.
const CAME_MIN: u32 = 30;
/// Examined frames in a row that are late, or in time, before the load counts as another.
const LATE_IN_A_ROW: u32 = 4;
const IN_TIME_IN_A_ROW: u32 = 40;

/// Which frames are examined while the machine keeps up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rhythm {
    /// One every [`EXAMINED_EVERY`], more where people cover each other, and fewer where nothing moves.
    #[default]
    Usual,
    /// All of them, whatever it costs: what the usual rhythm is measured against.
    EveryFrame,
}

/// How much is given up so that a camera's frames are examined in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    /// Nothing.
    #[default]
    Usual,
    /// Every second examination.
    FewerExaminations,
    /// Three of four examinations.
    FewestExaminations,
    /// That, and masked pictures come more seldom.
    FewerPictures,
}

/// Chooses the frames of one camera.
#[derive(Default)]
pub struct Cadence {
    rhythm: Rhythm,
    crowded: bool,
    examined: Option<Duration>,
    before: Option<Duration>,
    /// What the picture was like when it was last examined.
    blocks: Vec<u8>,
    load: Load,
    late: u32,
    in_time: u32,
    /// Frames that came, and the mean time between them, in seconds.
    came: u32,
    between_s: f32,
    /// The frames that others need come too seldom to do with.
    needs_every_frame: bool,
}

impl Load {
    /// All of them, from the least.
    pub const ALL: [Self; 4] = [Self::Usual, Self::FewerExaminations, Self::FewestExaminations, Self::FewerPictures];

    /// As screens say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Usual => "keeps up",
            Self::FewerExaminations => "examines every second frame of those it should",
            Self::FewestExaminations => "examines every fourth frame of those it should",
            Self::FewerPictures => "examines every fourth frame of those it should, and shows fewer pictures",
        }
    }

    /// One of so many examinations is left.
    fn one_in(self) -> u32 {
        match self {
            Self::Usual => 1,
            Self::FewerExaminations => 2,
            Self::FewestExaminations | Self::FewerPictures => 4,
        }
    }

    fn step(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|load| *load == self).unwrap_or(0);
        at.checked_add_signed(by).and_then(|at| Self::ALL.get(at).copied()).unwrap_or(self)
    }
}

impl Cadence {
    /// With this rhythm.
    pub fn new(rhythm: Rhythm) -> Self {
        Self { rhythm, ..Self::default() }
    }

    /// Whether people cover each other in what was examined last, and there is time to look more often.
    pub fn crowd(&mut self, crowded: bool) {
        self.crowded = crowded;
    }

    fn looks_more_often(&self) -> bool {
        self.crowded && self.load == Load::Usual
    }

    /// Time between two examinations.
    fn examined_every(&self) -> Duration {
        self.load.one_in() * if self.looks_more_often() { EXAMINED_EVERY_IN_A_CROWD } else { EXAMINED_EVERY }
    }

    /// Whether it is time to examine the frame at `offset`: the one that comes nearest to the rhythm.
    pub fn is_due(&mut self, offset: Duration) -> bool {
        let frame_interval = self.before.map_or(Duration::ZERO, |before| offset.saturating_sub(before));
        self.before = Some(offset);
        self.came = self.came.saturating_add(1);
        self.between_s += 0.1 * (frame_interval.as_secs_f32() - self.between_s);
        self.needs_every_frame |= self.came > CAME_MIN && self.between_s > SELDOM.as_secs_f32();
        let Some(examined) = self.examined.filter(|_| self.rhythm == Rhythm::Usual) else { return true };
        // A clock that was put back begins anew.
        offset < examined || offset - examined + frame_interval / 2 >= self.examined_every()
    }

    /// Whether anything moved since the last examination, by the picture's [`blocks`]. Nothing is examined where nothing moves and nobody is in view.
    pub fn is_still(&self, now: &[u8], offset: Duration) -> bool {
        let recent = self.examined.is_some_and(|examined| offset.saturating_sub(examined) < STILL_MAX);
        if self.rhythm == Rhythm::EveryFrame {
            return false;
        }
        let same = |(a, b): (&u8, &u8)| a.abs_diff(*b) < MOVED_MIN;
        recent && now.len() == self.blocks.len() && now.iter().zip(&self.blocks).all(same)
    }

    /// The frame at `offset` with these [`blocks`] is examined, `age` after it arrived.
    pub fn examined(&mut self, blocks: Vec<u8>, offset: Duration, age: Duration) {
        self.examined = Some(offset);
        self.blocks = blocks;
        self.late = if age > AGE_BEHIND { self.late + 1 } else { 0 };
        self.in_time = if is_in_time(age) { self.in_time + 1 } else { 0 };
        if self.late >= LATE_IN_A_ROW {
            (self.load, self.late) = (self.load.step(1), 0);
        } else if self.in_time >= IN_TIME_IN_A_ROW {
            (self.load, self.in_time) = (self.load.step(-1), 0);
        }
    }

    /// What the picture was like is dropped: the next frame that is due is examined, still or not.
    pub fn forget(&mut self) {
        self.crowded = false;
        self.blocks.zeroize();
        self.blocks = Vec::new();
    }

    /// What is left out before decoding. Frames that no other frame needs are, as long as those that others need come often
    /// enough: a camera that sends B-frames sends eight or more of the latter a second, which is all that is examined unless people cover each
    /// other.
    pub fn skip(&self) -> Skip {
        let all = self.looks_more_often() || self.needs_every_frame && self.load == Load::Usual;
        if all || self.rhythm == Rhythm::EveryFrame { Skip::Nothing } else { Skip::NonReference }
    }

    /// What is given up now.
    pub fn load(&self) -> Load {
        self.load
    }
}

/// Whether a frame that is so old when its examination begins leaves time to spare.
pub fn is_in_time(age: Duration) -> bool {
    age < AGE_AHEAD
}

/// How bright the picture is, coarsely: what movement is seen in.
pub fn blocks(picture: PictureView<'_>) -> Vec<u8> {
    picture.brightness(picture.width().div_ceil(BLOCKS_ACROSS))
}

#[cfg(test)]
mod tests {
    use face::Picture;

    use super::*;

    fn grey(value: u8) -> Picture {
        Picture::from_rgb(320, 180, vec![value; 3 * 320 * 180]).expect("whole")
    }

    /// How many of the frames of ten seconds are examined.
    fn examined_in_ten_seconds(cadence: &mut Cadence, frames_per_second: u64, age: Duration) -> u64 {
        let picture = grey(90);
        let mut examined = 0;
        for frame in 0..10 * frames_per_second {
            let offset = Duration::from_nanos(frame * 1_000_000_000 / frames_per_second);
            if cadence.is_due(offset) {
                examined += 1;
                cadence.examined(blocks(picture.view().into()), offset, age);
            }
        }
        examined
    }

    #[test]
    fn common_frame_rates_are_examined_five_to_eight_times_a_second() {
        // Every third of 25, every second of 12.5 (here 12), every fourth of 30, every frame of 5.
        for (rate, examined) in [(25, 84), (12, 60), (30, 75), (5, 50), (50, 84)] {
            let found = examined_in_ten_seconds(&mut Cadence::default(), rate, Duration::ZERO);
            assert!(found.abs_diff(examined) <= 1, "{rate}: {found}");
        }
    }

    #[test]
    fn people_who_cover_each_other_are_looked_at_more_often_and_their_frames_all_decoded() {
        for (rate, examined) in [(25, 125), (12, 120), (30, 150), (5, 50)] {
            let mut cadence = Cadence::default();
            cadence.crowd(true);
            let found = examined_in_ten_seconds(&mut cadence, rate, Duration::ZERO);
            assert!(found.abs_diff(examined) <= 1, "{rate}: {found}");
            assert_eq!(cadence.skip(), Skip::Nothing);
            cadence.crowd(false);
            assert_eq!(cadence.skip(), Skip::NonReference);
        }
        let mut behind = Cadence::default();
        behind.crowd(true);
        let found = examined_in_ten_seconds(&mut behind, 25, Duration::from_millis(400));
        assert!(found < 84 && behind.skip() == Skip::NonReference, "{found}: load goes before it");
    }

    #[test]
    fn a_machine_that_is_behind_examines_less_step_by_step_and_more_again_when_there_is_time() {
        let mut cadence = Cadence::default();
        let usual = examined_in_ten_seconds(&mut cadence, 25, Duration::from_millis(100));
        assert_eq!(cadence.load(), Load::Usual, "late, but not too late");
        let behind = examined_in_ten_seconds(&mut cadence, 25, Duration::from_millis(400));
        assert_eq!(cadence.load(), Load::FewerPictures);
        assert!(2 * behind < usual, "{behind} of {usual}");
        for _ in 0..40 {
            examined_in_ten_seconds(&mut cadence, 25, Duration::ZERO);
        }
        assert_eq!(cadence.load(), Load::Usual);
    }

    #[test]
    fn frames_that_nobody_needs_are_left_out_while_the_others_come_often_enough() {
        let skip_at = |interval_ms: u64| {
            let mut cadence = Cadence::default();
            for frame in 0..100 {
                cadence.is_due(Duration::from_millis(frame * interval_ms));
            }
            cadence.skip()
        };
        assert_eq!((skip_at(40), skip_at(120), skip_at(360)), (Skip::NonReference, Skip::NonReference, Skip::Nothing));
        assert_eq!(Cadence::new(Rhythm::EveryFrame).skip(), Skip::Nothing);
    }

    #[test]
    fn a_still_picture_is_examined_once_a_second() {
        let mut cadence = Cadence::default();
        let picture = grey(90);
        let still = blocks(picture.view().into());
        assert!(!cadence.is_still(&still, Duration::ZERO), "the first is always examined");
        cadence.examined(still.clone(), Duration::ZERO, Duration::ZERO);
        assert!(cadence.is_still(&still, Duration::from_millis(900)));
        assert!(!cadence.is_still(&still, Duration::from_millis(1_000)));
        // Somebody ten pixels wide, twenty steps brighter than what was there.
        let mut pixels = picture.view().pixels.to_vec();
        for y in 80..90 {
            pixels[3 * (320 * y + 100)..3 * (320 * y + 110)].fill(110);
        }
        let moved = Picture::from_rgb(320, 180, pixels).expect("whole");
        assert!(!cadence.is_still(&blocks(moved.view().into()), Duration::from_millis(500)));
    }
}
