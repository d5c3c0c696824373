//! Who was to be found in the clips, and how what was told compares with that: one rule for ours and for every peer.

use std::collections::BTreeSet;

use super::clips::Clip;

/// A person at a camera. Somebody who is told there twice is found once.
pub(super) type Sighting = (String, usize);

/// What really happened, as far as listed people go.
pub(super) struct Truth {
    /// Passed, and were out of view before the clip ended.
    passed: BTreeSet<Sighting>,
    /// Could be seen at all.
    seen: BTreeSet<Sighting>,
}

/// What is to be said of what was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// Passed and were told.
    pub(super) found: usize,
    /// Alerts of people who were not there.
    pub(super) wrong: usize,
}

impl Judged {
    /// The fewer found and the more wrong.
    pub(super) fn worst(of: [Self; 2]) -> Self {
        let [one, other] = of;
        Self { found: one.found.min(other.found), wrong: one.wrong.max(other.wrong) }
    }
}

impl Truth {
    pub(super) fn of(clips: &[Clip]) -> Self {
        let at = |clip: &Clip, person| (clip.camera.clone(), person);
        Self {
            passed: clips.iter().flat_map(|clip| clip.passed().map(|person| at(clip, person))).collect(),
            seen: clips.iter().flat_map(|clip| clip.seen().map(|person| at(clip, person))).collect(),
        }
    }

    /// How many were to be found.
    pub(super) fn passed(&self) -> usize {
        self.passed.len()
    }

    pub(super) fn judge(&self, told: &[Sighting]) -> Judged {
        Judged {
            found: self.passed.iter().filter(|one| told.contains(one)).count(),
            wrong: told.iter().filter(|one| !self.seen.contains(one)).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sightings(of: &[(&str, usize)]) -> BTreeSet<Sighting> {
        of.iter().map(|(camera, person)| ((*camera).to_owned(), *person)).collect()
    }

    #[test]
    fn found_are_those_who_passed_and_wrong_those_who_were_not_there() {
        let truth = Truth {
            passed: sightings(&[("camera 1", 2), ("camera 1", 4), ("camera 2", 2)]),
            seen: sightings(&[("camera 1", 2), ("camera 1", 4), ("camera 1", 6), ("camera 2", 2)]),
        };
        let judged = |told: &[(&str, usize)]| truth.judge(&sightings(told).into_iter().collect::<Vec<_>>());
        assert_eq!(judged(&[]), Judged { found: 0, wrong: 0 });
        // Person 6 was still in view when the clip ended; person 4 passed another camera.
        let told = [("camera 1", 2), ("camera 1", 6), ("camera 2", 4), ("camera 2", 8)];
        assert_eq!(judged(&told), Judged { found: 1, wrong: 2 });
        let worst = Judged::worst([Judged { found: 3, wrong: 0 }, Judged { found: 2, wrong: 1 }]);
        assert_eq!(worst, Judged { found: 2, wrong: 1 });
    }
}
