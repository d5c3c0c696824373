//! Who acts: a member of staff in one role.

use crate::identifiers::OfficerId;

/// What somebody may do. One person acts in one role at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Plans a deployment and proposes it.
    Proposer,
    /// May approve a deployment; never its proposer.
    AuthorisingOfficer,
    /// Builds and freezes the watchlist.
    WatchlistOfficer,
    /// Starts and ends comparison on the day, and adjudicates alerts.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Proposer, Self::AuthorisingOfficer, Self::WatchlistOfficer, Self::Operator];

    /// The role for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proposer => "proposer",
            Self::AuthorisingOfficer => "authorising officer",
            Self::WatchlistOfficer => "watchlist officer",
            Self::Operator => "operator",
        }
    }
}

/// A member of staff acting in a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Officer {
    /// Who.
    pub id: OfficerId,
    /// As what.
    pub role: Role,
}
