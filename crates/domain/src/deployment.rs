//! The life of a deployment. Each state is a type; a transition consumes it and returns the next, with the event that says so.

mod mandate;
mod proposing;
mod before;
mod sources;
mod source_refusal;
mod running;
mod purged;
mod due;
mod lease;
mod listing;
mod replay;
mod seeding;

use jiff::Timestamp;

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::{DeploymentId, OfficerId, OperationId};
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;

pub use before::{
    Announced, FrozenWatchlist, NoticePublished, Preparation, SIGNAGE_AGE_MAX, SignageConfirmed, Withdrawn,
};
pub use due::{Due, Overdue};
pub use lease::Lease;
pub use mandate::Mandate;
pub use proposing::{Approved, Draft, Proposed};
pub use purged::{Followed, Purged};
pub use replay::{Inconsistent, Recollection};
pub use running::{Cause, Destroyed, Ended, Live, Paused};
pub use seeding::SeedPair;
pub use source_refusal::SourceRefusal;
pub use sources::{CAMERA_NAME_CHARS_MAX, CameraTerms, Declaration};

/// What kind of use it is, and with that what it may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Recorded files only, for training, demonstration and measurement.
    Exercise,
    /// Cameras, each of them declared on the record with its recognition zone.
    Live,
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
    /// Why there, from the policy's vocabulary.
    pub place_ground: String,
    /// SHA-256 of the evidence for that ground, lower-case hexadecimal.
    pub place_evidence: String,
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

impl Deployment {
    /// Somebody who may approve, and neither proposed nor urgently approved it, ratifies an urgent approval in time.
    pub fn ratify(mut self, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let (deployment, state) = (self.plan().deployment.clone(), self.state());
        let Some(mandate) = self.mandate_mut() else {
            return Err(Refusal::WrongState { attempted: "ratified", state });
        };
        let by = mandate.ratify(officer, policy, now)?;
        let happening = Happening::Ratified { deployment, role: officer.role };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// By whose decision, from the approval until everything is destroyed.
    fn mandate_mut(&mut self) -> Option<&mut Mandate> {
        match self {
            Self::Approved(state) => Some(&mut state.mandate),
            Self::Announced(state) => Some(&mut state.mandate),
            Self::Live(state) => Some(&mut state.mandate),
            Self::Paused(state) => Some(&mut state.live.mandate),
            Self::Ended(state) => Some(&mut state.mandate),
            Self::Proposed(_) | Self::Purged(_) | Self::Withdrawn(_) => None,
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
    /// The deployment, if everything sealed for it is destroyed.
    expect_purged -> Purged, "accounted for";
}

/// Whose action it was, checked against the role it needs.
fn require_role(officer: &Officer, role: Role, attempted: &'static str, now: Timestamp) -> Result<OfficerId, Refusal> {
    officer.act_as(&[role], attempted, now)
}
