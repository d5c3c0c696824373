//! The staff of an exercise: four people in four roles, so that the rules which need another person have one.

use anyhow::Result;
use domain::{Officer, OfficerId, Role};
use jiff::{SignedDuration, Timestamp};

/// An exercise trains those who take part in it: for its own day, and no longer.
const TRAINED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The staff of an exercise, by pseudonym.
pub(crate) struct Staff {
    /// Proposes.
    pub proposer: Officer,
    /// Approves, adopts the policy, publishes the notice.
    pub authoriser: Officer,
    /// Builds the watchlist.
    pub lister: Officer,
    /// Starts, adjudicates.
    pub operator: Officer,
}

impl Staff {
    /// The four, for an exercise that begins now.
    pub(crate) fn of_an_exercise(now: Timestamp) -> Result<Self> {
        let trained_until = now.saturating_add(TRAINED_FOR)?;
        let officer =
            |name: &str, role| Ok::<_, anyhow::Error>(Officer { id: OfficerId::new(name)?, role, trained_until });
        Ok(Self {
            proposer: officer("exercise-proposer", Role::Proposer)?,
            authoriser: officer("exercise-authorising-officer", Role::AuthorisingOfficer)?,
            lister: officer("exercise-watchlist-officer", Role::WatchlistOfficer)?,
            operator: officer("exercise-operator", Role::Operator)?,
        })
    }
}
