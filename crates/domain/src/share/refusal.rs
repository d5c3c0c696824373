//! Why a rule about shares said no.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::refusal::Refusal;

/// A lawful no about what passes between the force and other bodies.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum ShareRefusal {
    TermsMissing,
    LengthWrong { expires_max: Timestamp },
    OutcomeDueWrong { due_max: SignedDuration },
    ProposerMayNotApprove,
    ApprovedAlready,
    NotApproved,
    Revoked { reason: &'static str },
    Expired { expired: Timestamp },
    OutcomeOverdue { due: Timestamp },
    ForOther { agreed: String, attempted: String },
    NothingPassed,
    NotOverdue { due: Option<Timestamp> },
}

impl ShareRefusal {
    /// The rule it comes from.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::ProposerMayNotApprove => {
                "separation of roles: a share is approved by another person than proposed it"
            }
            Self::OutcomeDueWrong { .. } | Self::OutcomeOverdue { .. } | Self::NotOverdue { .. } => {
                "what came of a shared image is reported, or nothing more is shared"
            }
            Self::TermsMissing
            | Self::LengthWrong { .. }
            | Self::ApprovedAlready
            | Self::NotApproved
            | Self::Revoked { .. }
            | Self::Expired { .. }
            | Self::ForOther { .. }
            | Self::NothingPassed => "no image or list enters or leaves but under a share that is agreed and in force",
        }
    }
}

impl fmt::Display for ShareRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TermsMissing => {
                write!(out, "the share lacks a counterpart, an agreement or a legal basis; state all three")
            }
            Self::LengthWrong { expires_max } => {
                write!(out, "a share proposed now ends between now and {expires_max}; choose such a time")
            }
            Self::OutcomeDueWrong { due_max } => {
                write!(out, "the outcome of a share is due within {due_max:#} of its use; choose that or less")
            }
            Self::ProposerMayNotApprove => {
                write!(out, "whoever proposed this share may not approve it; ask another authorising officer")
            }
            Self::ApprovedAlready => write!(out, "the share is approved already"),
            Self::NotApproved => write!(out, "the share is not approved; ask an authorising officer first"),
            Self::Revoked { reason } => write!(out, "the share was revoked ({reason}); propose a new one"),
            Self::Expired { expired } => write!(out, "the share expired at {expired}; propose a new one"),
            Self::OutcomeOverdue { due } => {
                write!(out, "what came of its earlier use had to be reported by {due}; nothing more passes under it")
            }
            Self::ForOther { agreed, attempted } => {
                write!(out, "the share is for {agreed}, not for {attempted}; propose another for that")
            }
            Self::NothingPassed => write!(out, "nothing passed under this share that could be counted or reported"),
            Self::NotOverdue { due: Some(due) } => write!(out, "its outcome is due by {due} and not overdue"),
            Self::NotOverdue { due: None } => write!(out, "no outcome is due, so none is overdue"),
        }
    }
}

impl From<ShareRefusal> for Refusal {
    fn from(refusal: ShareRefusal) -> Self {
        Self::Share(refusal)
    }
}
