//! Whether a camera still shows what it was set up to show: a camera that was turned pauses the deployment.

use std::time::Duration;

/// How long the scene is averaged: people pass, the scene stays.
const AVERAGED: Duration = Duration::from_secs(10);
/// Least likeness (correlation of brightness, so that clouds and lamps change nothing) between what the camera showed at
/// first and what it shows now.
const LIKENESS_MIN: f32 = 0.5;
/// Least spread of brightness, of 255, in a scene that can be compared: a dark room looks like every other.
const SPREAD_MIN: f32 = 4.0;
/// Averages in a row that are unlike.
const UNLIKE_IN_A_ROW: u32 = 2;

/// Remembers one camera's scene, coarsely.
#[derive(Default)]
pub struct Steadiness {
    first: Option<Vec<f32>>,
    sum: Vec<f32>,
    frames: u32,
    since: Option<Duration>,
    unlike: u32,
}

impl Steadiness {
    /// Takes the [`crate::cadence::blocks`] of a frame, which are far too coarse for anybody to be known; `true` once the camera
    /// has moved.
    pub fn moved(&mut self, now: &[u8], offset: Duration) -> bool {
        if self.sum.len() != now.len() {
            // Another size of picture is another scene as far as can be told.
            *self = Self { sum: vec![0.0; now.len()], ..Self::default() };
        }
        self.sum.iter_mut().zip(now).for_each(|(sum, now)| *sum += f32::from(*now));
        self.frames += 1;
        let since = *self.since.get_or_insert(offset);
        if offset.saturating_sub(since) < AVERAGED {
            return false;
        }
        let scene: Vec<f32> = self.sum.iter().map(|sum| sum / self.frames as f32).collect();
        self.sum.fill(0.0);
        (self.frames, self.since) = (0, Some(offset));
        let Some(first) = &self.first else {
            self.first = Some(scene);
            return false;
        };
        let alike = likeness(first, &scene).is_none_or(|likeness| likeness >= LIKENESS_MIN);
        self.unlike = if alike { 0 } else { self.unlike + 1 };
        self.unlike >= UNLIKE_IN_A_ROW
    }
}

/// Pearson's correlation of two scenes; nothing where either is too even to say.
fn likeness(one: &[f32], other: &[f32]) -> Option<f32> {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (one_mean, other_mean) = (mean(one), mean(other));
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (a - one_mean, b - other_mean);
        both += a * b;
        first += a * a;
        second += b * b;
    }
    let spread = |squares: f32| (squares / one.len() as f32).sqrt();
    (spread(first) >= SPREAD_MIN && spread(second) >= SPREAD_MIN).then(|| both / (first * second).sqrt())
}

#[cfg(test)]
mod tests {
    use face::Picture;

    use super::*;

    /// A room of large squares, seen from `x`, in some light; `passer` stands in it at a place of their own.
    fn room(x: u32, light: f32, passer: u32) -> Picture {
        let value = |column: u32, row: u32| {
            let (left, top) = ((column + x) / 70, row / 60);
            let wall = 40 + (left * 7919 + top * 104_729) % 140;
            let person = (passer..passer + 40).contains(&column) && row > 60;
            if person { 20 } else { (wall as f32 * light) as u8 }
        };
        let pixels = (0..360).flat_map(|row| (0..640).flat_map(move |column| [value(column, row); 3])).collect();
        Picture::from_rgb(640, 360, pixels).expect("whole")
    }

    /// Forty seconds as usual, then forty more; when it was said to have moved.
    fn moved_after(later: impl Fn(u64) -> Picture) -> Option<u64> {
        let mut steadiness = Steadiness::default();
        let usual = |second: u64| room(0, 1.0, (40 * second % 600) as u32);
        (0..80).find(|second| {
            let picture = if *second < 40 { usual(*second) } else { later(*second) };
            steadiness.moved(&crate::cadence::blocks(picture.view().into()), Duration::from_secs(*second))
        })
    }

    #[test]
    fn people_who_pass_and_lamps_that_dim_are_no_movement() {
        assert_eq!(moved_after(|second| room(0, 0.6, (40 * second % 600) as u32)), None);
        assert_eq!(moved_after(|second| room(4, 1.0, (70 * second % 600) as u32)), None, "a camera that trembles");
    }

    #[test]
    fn a_camera_that_was_turned_is_told_within_half_a_minute() {
        let told = moved_after(|second| room(310, 1.0, (40 * second % 600) as u32));
        assert!(told.is_some_and(|second| (50..=70).contains(&second)), "{told:?}");
    }

    #[test]
    fn a_dark_picture_says_nothing() {
        assert_eq!(moved_after(|_| room(310, 0.0, 900)), None);
    }
}
