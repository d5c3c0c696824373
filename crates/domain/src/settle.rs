//! What becomes of a face: nobody, a candidate for a person to look at, or unusable. The face is taken by value.

use jiff::Timestamp;

use crate::deployment::Lease;
use crate::refusal::Refusal;
use crate::tally::Tally;
use crate::threshold::{Score, Threshold};

/// The closest row of the watchlist.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// Number of the watchlist entry.
    pub entry: u32,
    /// How alike.
    pub score: Score,
}

/// What became of a face. `Nobody` and `Unusable` have no field that could hold one.
pub enum Settlement<F> {
    /// It reached nobody on the watchlist and has been dropped.
    Nobody,
    /// It reached the threshold; it becomes visible only once recorded.
    Candidate(PendingAlert<F>),
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

/// Decides about one passage. `face` is dropped here unless it is a candidate; the tally moves in the same step.
pub fn settle<F>(
    face: F,
    nearest: Option<Nearest>,
    threshold: &Threshold,
    lease: &Lease,
    now: Timestamp,
    tally: &mut Tally,
) -> Settlement<F> {
    let met = match &nearest {
        Some(nearest) => threshold.is_met_by(&nearest.score),
        None => Ok(false),
    };
    let lawful = lease.check(now);
    match (lawful, met, nearest) {
        (Ok(()), Ok(true), Some(nearest)) => {
            tally.template_kept();
            Settlement::Candidate(PendingAlert { face, nearest, expires: lease.alert_expiry(now) })
        }
        (Err(refusal), _, _) | (Ok(()), Err(refusal), _) => {
            tally.template_destroyed();
            Settlement::Unusable(refusal)
        }
        (Ok(()), Ok(_), _) => {
            tally.template_destroyed();
            Settlement::Nobody
        }
    }
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
