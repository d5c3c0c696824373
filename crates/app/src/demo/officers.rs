//! The staff of an exercise: four people in four roles, so that the rules which need another person have one.

use anyhow::Result;
use domain::{Officer, OfficerId, Role};

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
    /// The four.
    pub(crate) fn of_an_exercise() -> Result<Self> {
        let officer = |name: &str, role| Ok::<_, anyhow::Error>(Officer { id: OfficerId::new(name)?, role });
        Ok(Self {
            proposer: officer("exercise-proposer", Role::Proposer)?,
            authoriser: officer("exercise-authorising-officer", Role::AuthorisingOfficer)?,
            lister: officer("exercise-watchlist-officer", Role::WatchlistOfficer)?,
            operator: officer("exercise-operator", Role::Operator)?,
        })
    }
}
