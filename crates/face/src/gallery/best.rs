//! The best rows found so far for one probe, and the score that a further row must reach to matter.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering as Memory};

use super::Hit;
use crate::template::Score;

/// What a search lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Per {
    /// Every row for itself: a person with several images can come several times.
    Row,
    /// Each person's best row.
    Person,
}

/// The highest floor that any thread has found for one probe. Only speed depends on it: whatever a thread reads here, rows
/// below it are certainly not in the answer.
pub(super) struct Floor(AtomicU32);

impl Floor {
    /// Starts at the score that is asked for at least.
    pub(super) fn new(least: f32) -> Self {
        Self(AtomicU32::new(ordered(least)))
    }

    pub(super) fn read(&self) -> f32 {
        unordered(self.0.load(Memory::Relaxed))
    }

    fn raise(&self, to: f32) {
        self.0.fetch_max(ordered(to), Memory::Relaxed);
    }
}

/// Numbers whose order is that of the floats (`f32::total_cmp`).
fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

fn unordered(order: u32) -> f32 {
    f32::from_bits(if order >> 31 == 1 { order & !(1 << 31) } else { !order })
}

/// The best hits so far of one probe on one thread.
pub(super) struct Best {
    top: usize,
    per: Per,
    hits: Vec<Hit>,
}

impl Best {
    /// Nothing found yet; `top` at least 1.
    pub(super) fn new(top: usize, per: Per) -> Self {
        Self { top, per, hits: Vec::new() }
    }

    /// Takes rows with their scores, and raises the floor when there are enough.
    pub(super) fn offer(&mut self, keys: &[(u32, u32)], scores: &[f32], floor: &Floor) {
        let least = floor.read();
        let good = keys.iter().zip(scores).filter(|(_, score)| **score >= least);
        self.hits.extend(good.map(|((person, image), score)| Hit {
            person: *person,
            image: *image,
            score: Score(*score),
        }));
        // Sorting only when the list has grown by a quarter keeps the cost of a long answer near that of one sort.
        if self.hits.len() > self.top + self.top / 4 {
            self.settle(floor);
        }
    }

    /// Takes what another thread found.
    pub(super) fn merge(&mut self, other: Self, floor: &Floor) {
        self.hits.extend(other.hits);
        self.settle(floor);
    }

    /// The hits, best first.
    pub(super) fn into_hits(mut self, floor: &Floor) -> Vec<Hit> {
        self.settle(floor);
        self.hits
    }

    /// Orders the hits, drops what is not among the best and raises the floor.
    fn settle(&mut self, floor: &Floor) {
        self.hits.sort_unstable_by(order);
        if self.per == Per::Person {
            let mut seen = HashSet::new();
            self.hits.retain(|hit| seen.insert(hit.person));
        }
        self.hits.truncate(self.top);
        if let Some(last) = self.hits.last().filter(|_| self.hits.len() == self.top) {
            floor.raise(last.score.0);
        }
    }
}

/// Best first; equal scores by person, then image, which no two rows share.
pub(super) fn order(left: &Hit, right: &Hit) -> Ordering {
    right.score.0.total_cmp(&left.score.0).then(left.person.cmp(&right.person)).then(left.image.cmp(&right.image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_only_rise_in_the_order_of_floats() {
        let falling = [f32::INFINITY, 1.0, 1e-40, 0.0, -1e-40, -1.0, f32::MIN, f32::NEG_INFINITY];
        for value in falling {
            assert_eq!(unordered(ordered(value)).to_bits(), value.to_bits());
        }
        assert!(falling.windows(2).all(|pair| ordered(pair[0]) > ordered(pair[1])));
        let floor = Floor::new(-2.0);
        floor.raise(-3.0);
        assert_eq!(floor.read(), -2.0);
        floor.raise(0.5);
        assert_eq!(floor.read(), 0.5);
    }
}
