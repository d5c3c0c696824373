//! What becomes of a face: nobody, a candidate for a person to look at, or unusable. The face is taken by value.

use jiff::Timestamp;

use crate::deployment::Lease;
use crate::refusal::Refusal;
use crate::tally::Tally;
use crate::threshold::{Score, Threshold};
use crate::watchlist::NearestSuppressed;

/// The closest row of the watchlist.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// Number of the watchlist entry.
    pub entry: u32,
    /// How alike.
    pub score: Score,
}

/// One person of the watchlist as the face reached them, and the nearest suppression against that very person.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The closest row of that person.
    pub nearest: Nearest,
    /// The closest of those who were wrongly stopped for looking like that person.
    pub suppressed: Option<NearestSuppressed>,
}

/// What became of a face. `Nobody`, `Suppressed` and `Unusable` have no field that could hold one.
pub enum Settlement<F> {
    /// It reached nobody on the watchlist and has been dropped.
    Nobody,
    /// It reached the threshold; it becomes visible only once recorded.
    Candidate(PendingAlert<F>),
    /// It reached somebody listed, and is nearer to somebody wrongly stopped before for looking like them. It has been
    /// dropped, and counted.
    Suppressed,
    /// It could not be compared and has been dropped.
    Unusable(Refusal),
}

/// A candidate that nobody can see yet: the store records it, or it is dropped.
#[must_use = "a candidate that is not recorded is lost"]
pub struct PendingAlert<F> {
    face: F,
    nearest: Nearest,
    expires: Timestamp,
}

/// Decides about one passage where nobody is suppressed.
pub fn settle<F>(
    face: F,
    nearest: Option<Nearest>,
    threshold: &Threshold,
    lease: &Lease,
    now: Timestamp,
    tally: &mut Tally,
) -> Settlement<F> {
    let hits = nearest.map(|nearest| Hit { nearest, suppressed: None });
    settle_among(face, hits, threshold, lease, now, tally)
}

/// Decides about one passage; `hits` are the people of the watchlist, nearest first. The first who is reached and for whom
/// nobody is suppressed makes the candidate. `face` is dropped here unless it is one; the tally moves in the same step.
pub fn settle_among<F>(
    face: F,
    hits: impl IntoIterator<Item = Hit>,
    threshold: &Threshold,
    lease: &Lease,
    now: Timestamp,
    tally: &mut Tally,
) -> Settlement<F> {
    match lease.check(now).and_then(|()| choose(hits, threshold, now)) {
        Ok(Chosen::Row(nearest)) => {
            tally.template_kept();
            Settlement::Candidate(PendingAlert { face, nearest, expires: lease.alert_expiry(now) })
        }
        Ok(Chosen::Suppressed) => {
            tally.template_suppressed();
            Settlement::Suppressed
        }
        Ok(Chosen::Nobody) => {
            tally.template_destroyed();
            Settlement::Nobody
        }
        Err(refusal) => {
            tally.template_destroyed();
            Settlement::Unusable(refusal)
        }
    }
}

/// What the people reached come to.
enum Chosen {
    Row(Nearest),
    Suppressed,
    Nobody,
}

fn choose(hits: impl IntoIterator<Item = Hit>, threshold: &Threshold, now: Timestamp) -> Result<Chosen, Refusal> {
    let mut otherwise = Chosen::Nobody;
    for Hit { nearest, suppressed } in hits {
        if !threshold.is_met_by(&nearest.score)? {
            continue;
        }
        let outweighed = match suppressed {
            Some(suppressed) => suppressed.outweighs(&nearest, threshold, now)?,
            None => false,
        };
        if !outweighed {
            return Ok(Chosen::Row(nearest));
        }
        otherwise = Chosen::Suppressed;
    }
    Ok(otherwise)
}

impl<F> PendingAlert<F> {
    /// Number of the watchlist entry it reached.
    pub fn entry(&self) -> u32 {
        self.nearest.entry
    }

    /// How alike, in the model's own units.
    pub fn score_value(&self) -> f32 {
        self.nearest.score.value()
    }

    /// When it must be gone.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The face, to be sealed as evidence by the store, and what remains of the candidate without it.
    pub fn part(self) -> (F, PendingAlert<()>) {
        (self.face, PendingAlert { face: (), nearest: self.nearest, expires: self.expires })
    }

    /// The face, to be sealed as evidence by the store.
    pub fn into_face(self) -> F {
        self.face
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::ModelId;

    #[test]
    fn a_candidate_says_whom_it_reached_how_alike_and_until_when_with_its_face_and_without() {
        let expires = Timestamp::UNIX_EPOCH;
        let nearest = Nearest { entry: 7, score: Score::new(ModelId::new("m"), 0.75).unwrap() };
        let pending = PendingAlert { face: "a face", nearest, expires };
        assert_eq!((pending.entry(), pending.score_value(), pending.expires()), (7, 0.75, expires));
        let (face, rest) = pending.part();
        assert_eq!(face, "a face");
        assert_eq!((rest.entry(), rest.score_value(), rest.expires()), (7, 0.75, expires));
    }
}
