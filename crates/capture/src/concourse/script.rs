//! Who walks through the concourse, when, where and how well they can be seen: plain data, the same for a seed.

use std::time::Duration;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Everything that happens, as data. The same sprites, script and seed give the same pixels, bit for bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Width of the picture, pixels.
    pub width: u32,
    /// Height of the picture, pixels.
    pub height: u32,
    /// Time between two frames.
    pub frame_interval: Duration,
    /// Length of the whole.
    pub length: Duration,
    /// The moment that the first frame shows: people may be on their way already.
    pub opens_at: Duration,
    /// Everybody's walk.
    pub passages: Vec<Passage>,
    /// How the light changes.
    pub light: Light,
    /// Standard deviation of the sensor's noise, in 8-bit levels, 0 to 20.
    pub noise_levels: f32,
}

/// One person's walk through the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// Which sprite walks.
    pub sprite: usize,
    /// When it starts.
    pub start: Duration,
    /// How long it takes, 1 s or more.
    pub duration: Duration,
    /// Where it leads.
    pub path: Path,
    /// Width of the face where it is nearest, pixels. A face is never drawn more than twice as large as its sprite
    /// shows it.
    pub nearest_face_px: f32,
    /// Height of the person, metres.
    pub stature_m: f32,
    /// Blur of a lens that is not focused here, pixels.
    pub defocus_px: f32,
    /// How long the shutter is open: what moves faster than a pixel in this time is smeared.
    pub exposure: Duration,
    /// Largest lean of the head to either side, degrees.
    pub tilt_degrees: f32,
}

/// Where a walk leads. Places across the picture are fractions of its width, 0 at the left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Path {
    /// From far away to the nearest place, a pause there, and out to a side.
    Approach {
        /// Where the person appears.
        far_across: f32,
        /// Width of the face there, pixels.
        far_face_px: f32,
        /// The nearest place.
        near_across: f32,
        /// How long the person stays at the nearest place.
        pause: Duration,
        /// Where the person leaves the picture.
        leaves: Side,
    },
    /// From one side to the other at the nearest distance.
    Crossing {
        /// Where the person enters the picture.
        from: Side,
    },
}

/// A side of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where x is 0.
    Left,
    /// Where x is the width.
    Right,
}

/// How the light changes: slowly, as when clouds pass over a glass roof.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// How much the whole picture brightens and darkens: 0.1 is 10 % each way. 0 to 0.4.
    pub swing: f32,
    /// How much brighter one side is than the middle, at most. 0 to 0.4.
    pub slant: f32,
    /// How long one change there and back takes.
    pub period: Duration,
}

/// What [`Script::walk_through`] should aim for.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkThrough {
    /// Width of the picture, pixels.
    pub width: u32,
    /// Height of the picture, pixels.
    pub height: u32,
    /// Time between two frames.
    pub frame_interval: Duration,
    /// Length of the whole; made longer where everybody could not pass in it.
    pub length: Duration,
    /// The moment that the first frame shows.
    pub opens_at: Duration,
    /// Width of the smallest nearest face, pixels.
    pub nearest_face_px_min: f32,
    /// Width of the largest nearest face, pixels.
    pub nearest_face_px_max: f32,
    /// Frames for which everybody is at their largest, at least.
    pub frames_at_largest_min: u32,
    /// One in how many walks twice.
    pub twice_one_in: usize,
}

/// Shortest time between two people's starts. Together with the two lanes it keeps those who pause from hiding each
/// other.
const START_GAP_MIN: Duration = Duration::from_millis(700);
/// One in this many crosses the picture instead of approaching.
const CROSSING_ONE_IN: usize = 6;
/// Shortest pause at the nearest place.
const PAUSE_MIN: Duration = Duration::from_millis(900);
/// Shortest and longest approach without the pause; a crossing takes less.
const WALK_MS_MIN: u64 = 5_500;
const WALK_MS_MAX: u64 = 7_500;
const CROSSING_SHORTER_MS: u64 = 1_500;
/// Shutter of a camera indoors in daylight: 1/125 s.
const EXPOSURE: Duration = Duration::from_millis(8);

impl Default for WalkThrough {
    /// A minute at 12.5 frames a second and 1280 x 720; faces from 40 to 160 pixels.
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            frame_interval: Duration::from_millis(80),
            length: Duration::from_secs(60),
            opens_at: Duration::ZERO,
            nearest_face_px_min: 40.0,
            nearest_face_px_max: 160.0,
            frames_at_largest_min: 8,
            twice_one_in: 4,
        }
    }
}

impl Side {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl Script {
    /// Sends everybody through once and some twice, a few at a time, at distances spread over the whole range. Two
    /// lanes, each leaving to its own side, keep the nearest places free of people in front.
    pub fn walk_through(sprite_count: usize, seed: u64, aim: &WalkThrough) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let pause = aim.frame_interval.saturating_mul(aim.frames_at_largest_min + 3).max(PAUSE_MIN);
        let longest = Duration::from_millis(WALK_MS_MAX) + pause;
        let order = order_of_people(sprite_count, aim, longest, &mut random);
        let (mut crossing_px, mut approaching_px) = spread_sizes(order.len(), aim, &mut random);
        let gap = start_gap(order.len(), aim.length, longest);
        let mut passages: Vec<_> = Vec::with_capacity(order.len());
        for (turn, sprite) in order.into_iter().enumerate() {
            let slot = gap.saturating_mul(u32::try_from(turn).unwrap_or(u32::MAX));
            let sizes = if is_crossing(turn) { &mut crossing_px } else { &mut approaching_px };
            let nearest_face_px = sizes.pop().unwrap_or(aim.nearest_face_px_min);
            passages.push(passage(turn, sprite, slot, nearest_face_px, pause, &mut random));
        }
        let end = passages.iter().map(|passage| passage.start + passage.duration).max().unwrap_or_default();
        Self {
            width: aim.width,
            height: aim.height,
            frame_interval: aim.frame_interval,
            length: aim.length.max(end + Duration::from_millis(400)),
            opens_at: aim.opens_at,
            passages,
            light: Light { swing: 0.10, slant: 0.12, period: Duration::from_secs(23) },
            noise_levels: 3.0,
        }
    }
}

/// Time between two people's starts: as even as the length allows.
fn start_gap(people: usize, length: Duration, longest: Duration) -> Duration {
    let gaps = u32::try_from(people.saturating_sub(1)).unwrap_or(u32::MAX).max(1);
    (length.saturating_sub(longest) / gaps).clamp(START_GAP_MIN, longest.max(START_GAP_MIN))
}

/// Everybody once in a random order; then the first of them again, if there is time to have left the picture by then.
fn order_of_people(count: usize, aim: &WalkThrough, longest: Duration, random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(random);
    let again = count / aim.twice_one_in.max(1);
    let gap = start_gap(count + again, aim.length, longest);
    let turns = |people: usize| gap.saturating_mul(u32::try_from(people).unwrap_or(u32::MAX));
    if turns(count) > longest && turns(count + again) + longest <= aim.length + gap {
        order.extend_from_within(..again);
    }
    order
}

fn is_crossing(turn: usize) -> bool {
    turn % CROSSING_ONE_IN == CROSSING_ONE_IN - 1
}

/// Nearest sizes, evenly spread, in random order: the smallest for those who cross, so that they pass behind those who
/// pause, and the others for those who approach.
fn spread_sizes(count: usize, aim: &WalkThrough, random: &mut ChaCha8Rng) -> (Vec<f32>, Vec<f32>) {
    let range = aim.nearest_face_px_max - aim.nearest_face_px_min;
    let steps = count.saturating_sub(1).max(1) as f32;
    let mut crossing: Vec<f32> = (0..count).map(|step| aim.nearest_face_px_min + range * step as f32 / steps).collect();
    let mut approaching = crossing.split_off(count / CROSSING_ONE_IN);
    crossing.shuffle(random);
    approaching.shuffle(random);
    (crossing, approaching)
}

/// The walk of one turn. Its slot begins at `slot`; a shorter approach starts later in it, so that people reach the
/// nearest place one after the other.
fn passage(
    turn: usize,
    sprite: usize,
    slot: Duration,
    nearest_face_px: f32,
    pause: Duration,
    random: &mut ChaCha8Rng,
) -> Passage {
    let lane = if turn.is_multiple_of(2) { Side::Left } else { Side::Right };
    let near = random.random_range(0.24..0.38);
    let far = random.random_range(0.34..0.47);
    let walk_ms = random.random_range(WALK_MS_MIN..WALK_MS_MAX);
    let (path, duration) = if is_crossing(turn) {
        (Path::Crossing { from: lane.opposite() }, Duration::from_millis(walk_ms - CROSSING_SHORTER_MS))
    } else {
        let [near_across, far_across] = [near, far].map(|at| if lane == Side::Left { at } else { 1.0 - at });
        let far_face_px = nearest_face_px.min(random.random_range(16.0..26.0));
        let path = Path::Approach { far_across, far_face_px, near_across, pause, leaves: lane };
        (path, Duration::from_millis(walk_ms) + pause)
    };
    Passage {
        sprite,
        start: slot + Duration::from_millis(WALK_MS_MAX - walk_ms),
        duration,
        path,
        nearest_face_px,
        stature_m: random.random_range(1.60..1.82),
        defocus_px: random.random_range(0.0..1.0),
        exposure: EXPOSURE,
        tilt_degrees: random.random_range(0.0..4.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_walks_and_a_seed_decides() {
        let aim = WalkThrough::default();
        let script = Script::walk_through(12, 7, &aim);
        assert_eq!(script, Script::walk_through(12, 7, &aim));
        assert_ne!(script, Script::walk_through(12, 8, &aim));
        assert_eq!(script.passages.len(), 15);
        for sprite in 0..12 {
            let walks: Vec<_> = script.passages.iter().filter(|passage| passage.sprite == sprite).collect();
            assert!((1..=2).contains(&walks.len()), "sprite {sprite} walks {} times", walks.len());
            assert!(
                walks.windows(2).all(|pair| pair[0].start + pair[0].duration < pair[1].start),
                "never twice at once"
            );
        }
        let sizes: Vec<f32> = script.passages.iter().map(|passage| passage.nearest_face_px).collect();
        assert!(
            sizes.contains(&40.0) && sizes.contains(&160.0) && sizes.iter().all(|size| (40.0..=160.0).contains(size))
        );
        assert!(script.passages.iter().any(|passage| matches!(passage.path, Path::Crossing { .. })));
        assert!(
            script.length.abs_diff(aim.length) < Duration::from_secs(1),
            "about as long as asked: {:?}",
            script.length
        );
    }

    #[test]
    fn too_many_people_make_it_longer_and_nobody_makes_it_empty() {
        let aim = WalkThrough { length: Duration::from_secs(10), ..WalkThrough::default() };
        let crowd = Script::walk_through(60, 1, &aim);
        assert_eq!(crowd.passages.len(), 60, "nobody twice when time is short");
        assert!(crowd.length > Duration::from_secs(40));
        assert!(Script::walk_through(0, 1, &aim).passages.is_empty());
    }
}
