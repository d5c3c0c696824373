//! Open-set identification: half the people are enrolled with one picture each, the others must find nobody.

use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use crate::comparisons::Comparisons;
use crate::operating_point::OperatingPoint;

/// One division of the people into enrolled and not, with what searching every other picture gave.
pub struct Split {
    /// People enrolled, those whose enrolled picture yielded no face among them.
    pub enrolled: usize,
    /// Searches for an enrolled person, pictures without a face among them.
    pub mated: usize,
    /// For each mated search that ranked the right person first: the score.
    found: Vec<f32>,
    /// Best score of each non-mated search, ascending. Pictures without a face make no search.
    strangers: Vec<f32>,
}

/// How often enrolled people are found at a stated rate of strangers being taken for somebody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The threshold and the false-positive identification rate (FPIR) measured there.
    pub point: OperatingPoint,
    /// True-positive identification rate: the right person ranked first, at or above the threshold.
    pub tpir: f64,
}

impl Split {
    /// Draws split number `number` of a seed: which half is enrolled, and with which one of their pictures.
    pub fn draw(comparisons: &Comparisons, seed: u64, number: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number);
        let mut people = pictures_by_person(comparisons.identities());
        people.shuffle(&mut random);
        let strangers = people.split_off(people.len() / 2);
        let gallery: Vec<usize> = people.iter().filter_map(|rows| rows.choose(&mut random).copied()).collect();
        let probes: Vec<usize> = people.into_iter().flatten().filter(|row| !gallery.contains(row)).collect();
        Self::search(comparisons, &gallery, &probes, &strangers.concat())
    }

    /// Number of searches for people who are not enrolled.
    pub fn non_mated(&self) -> usize {
        self.strangers.len()
    }

    /// Best scores of the non-mated searches, ascending: what an operating point is measured on.
    pub fn stranger_scores(&self) -> &[f32] {
        &self.strangers
    }

    /// The rate of people found at a false-positive identification rate; `None` when the searches are too few to measure it.
    pub fn found_at(&self, fpir: f64) -> Option<Found> {
        let point = OperatingPoint::measure(&self.strangers, fpir)?;
        let found = self.found.iter().filter(|&&score| score >= point.threshold).count();
        (self.mated > 0).then(|| Found { point, tpir: found as f64 / self.mated as f64 })
    }

    fn search(comparisons: &Comparisons, gallery: &[usize], probes: &[usize], strangers: &[usize]) -> Self {
        let best = |probe: usize, wanted: &dyn Fn(usize) -> bool| {
            let scores = gallery.iter().filter(|&&row| wanted(row)).filter_map(|&row| comparisons.score(probe, row));
            scores.max_by(f32::total_cmp)
        };
        let person = |row: usize| comparisons.identities()[row];
        let mut found = Vec::new();
        for &probe in probes {
            let own = best(probe, &|row| person(row) == person(probe));
            let other = best(probe, &|row| person(row) != person(probe));
            // A tie names two people, one of them wrongly, and so counts as a miss.
            found.extend(own.filter(|&own| other.is_none_or(|other| own > other)));
        }
        let mut strangers: Vec<f32> = strangers.iter().filter_map(|&probe| best(probe, &|_| true)).collect();
        strangers.sort_unstable_by(f32::total_cmp);
        Self { enrolled: gallery.len(), mated: probes.len(), found, strangers }
    }
}

/// Draws `count` splits of a seed.
pub fn splits(comparisons: &Comparisons, seed: u64, count: u32) -> Vec<Split> {
    (0..u64::from(count)).into_par_iter().map(|number| Split::draw(comparisons, seed, number)).collect()
}

fn pictures_by_person(identities: &[usize]) -> Vec<Vec<usize>> {
    let mut people = vec![Vec::new(); identities.iter().max().map_or(0, |last| last + 1)];
    for (row, &identity) in identities.iter().enumerate() {
        people[identity].push(row);
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparisons::tests::{compared, on_a_line};

    fn people(positions: &[[Option<f32>; 3]]) -> Comparisons {
        let identities = (0..positions.len()).flat_map(|person| [person; 3]).collect();
        compared(&on_a_line(positions.as_flattened()), identities)
    }

    #[test]
    fn people_apart_are_all_found() {
        let positions: Vec<_> = (0..8).map(|n| [0.0, 0.1, 0.2].map(|step| Some(n as f32 * 10.0 + step))).collect();
        for split in splits(&people(&positions), 7, 5) {
            assert_eq!((split.enrolled, split.mated, split.non_mated()), (4, 8, 12));
            let found = split.found_at(0.1).expect("12 strangers support 10 %");
            assert_eq!(found.tpir, 1.0);
            assert!(found.point.accepted <= 1);
            assert_eq!(split.found_at(0.05), None);
        }
    }

    #[test]
    fn failures_are_misses_of_the_enrolled_and_no_searches_of_strangers() {
        let positions: Vec<_> = (0..4).map(|n| [Some(n as f32 * 10.0), Some(n as f32 * 10.0), None]).collect();
        let comparisons = people(&positions);
        // Rows 0 and 3 are enrolled; of their other pictures one each has no face.
        let split = Split::search(&comparisons, &[0, 3], &[1, 2, 4, 5], &[6, 7, 8, 9, 10, 11]);
        assert_eq!((split.mated, split.non_mated()), (4, 4));
        assert_eq!(split.found_at(0.25).expect("supported").tpir, 0.5);
        // Enrolled with a picture that has no face, the second person cannot be found at all.
        let split = Split::search(&comparisons, &[0, 5], &[1, 2, 3, 4], &[6, 7, 8, 9, 10, 11]);
        assert_eq!((split.enrolled, split.found_at(0.25).expect("supported").tpir), (2, 0.25));
    }

    #[test]
    fn the_wrong_person_first_is_a_miss() {
        let comparisons = people(&[[Some(0.0), Some(9.0), Some(5.0)], [Some(10.0); 3], [Some(50.0); 3]]);
        let split = Split::search(&comparisons, &[0, 3], &[1, 2], &[6, 7, 8]);
        // 9 is nearer to the other person; 5 is as near to both: neither is found.
        assert_eq!(split.found_at(1.0).expect("supported").tpir, 0.0);
    }

    #[test]
    fn a_seed_repeats_itself_and_another_differs() {
        let positions: Vec<_> = (0..20).map(|n| [0.0, 0.3, 0.7].map(|step| Some((n as f32).sqrt() + step))).collect();
        let comparisons = people(&positions);
        let tops = |seed, number| Split::draw(&comparisons, seed, number).strangers;
        assert_eq!(tops(1, 0), tops(1, 0));
        assert_ne!(tops(1, 0), tops(1, 1));
        assert_ne!(tops(1, 0), tops(2, 0));
    }
}
