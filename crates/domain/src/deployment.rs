//! The life of a deployment. Each state is a type; a transition consumes it and returns the next, with the event that says so.

mod before;
mod lease;
mod listing;
mod replay;
mod running;

use jiff::Timestamp;

use crate::identifiers::{DeploymentId, OfficerId, OperationId};
use crate::refusal::Refusal;

pub use before::{
    Announced, Approved, Draft, FrozenWatchlist, NoticePublished, Preparation, Proposed, SignageConfirmed, Withdrawn,
};
pub use lease::Lease;
pub use replay::{Inconsistent, Recollection};
pub use running::{Destroyed, Ended, Live, Paused, Purged};

/// What kind of use it is. An exercise reads recorded files; nothing in this version can open a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Recorded files only, for training, demonstration and measurement.
    Exercise,
}

impl Kind {
    /// The word on the record and on every screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exercise => "exercise",
        }
    }
}

/// What a deployment is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its name on the record.
    pub deployment: DeploymentId,
    /// The operation it belongs to.
    pub operation: OperationId,
    /// What kind of use.
    pub kind: Kind,
    /// Why, from the policy's vocabulary.
    pub purpose: String,
    /// Where, in words.
    pub place: String,
    /// Number of cameras; for an exercise, of recordings.
    pub cameras: u32,
    /// Beginning of the window.
    pub starts: Timestamp,
    /// End of the window.
    pub ends: Timestamp,
}

/// A deployment in whichever state it is.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each state is documented at its type")]
pub enum Deployment {
    Proposed(Proposed),
    Approved(Approved),
    Announced(Announced),
    Live(Live),
    Paused(Paused),
    Ended(Ended),
    Purged(Purged),
    Withdrawn(Withdrawn),
}

impl Deployment {
    /// The word for its state.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Proposed(_) => "proposed",
            Self::Approved(_) => "approved",
            Self::Announced(_) => "announced",
            Self::Live(_) => "live",
            Self::Paused(_) => "paused",
            Self::Ended(_) => "ended",
            Self::Purged(_) => "purged",
            Self::Withdrawn(_) => "withdrawn",
        }
    }

    /// What it is to be.
    pub fn plan(&self) -> &Plan {
        match self {
            Self::Proposed(state) => state.plan(),
            Self::Approved(state) => state.plan(),
            Self::Announced(state) => state.plan(),
            Self::Live(state) => state.plan(),
            Self::Paused(state) => state.plan(),
            Self::Ended(state) => state.plan(),
            Self::Purged(state) => state.plan(),
            Self::Withdrawn(state) => state.plan(),
        }
    }
}

/// `expect_live` and its kin: the state asked for, or the refusal that names the one found.
macro_rules! expect {
    ($($(#[$doc:meta])* $function:ident -> $state:ident, $attempted:literal;)*) => {
        impl Deployment {
            $($(#[$doc])*
            pub fn $function(self) -> Result<$state, Refusal> {
                match self {
                    Self::$state(state) => Ok(state),
                    other => Err(Refusal::WrongState { attempted: $attempted, state: other.state() }),
                }
            })*
        }
    };
}

expect! {
    /// The deployment, if it is proposed.
    expect_proposed -> Proposed, "approved";
    /// The deployment, if it is approved.
    expect_approved -> Approved, "announced";
    /// The deployment, if it is announced.
    expect_announced -> Announced, "prepared or started";
    /// The deployment, if it is live.
    expect_live -> Live, "run";
    /// The deployment, if it is paused.
    expect_paused -> Paused, "resumed";
    /// The deployment, if it has ended.
    expect_ended -> Ended, "purged";
}

/// Whose action it was, checked against the role it needs.
fn require_role(
    officer: &crate::officer::Officer,
    role: crate::officer::Role,
    attempted: &'static str,
    now: Timestamp,
) -> Result<OfficerId, Refusal> {
    officer.act_as(&[role], attempted, now)
}
