//! What can happen to a share. All of it is on the record.

use evidence::{Fact, ShareTerms};
use jiff::SignedDuration;

use super::{Direction, Revocation, Shared, Terms};
use crate::event::Happening;
use crate::identifiers::ShareId;
use crate::officer::Role;

/// A step in the life of a share.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is described where its entry is, in evidence::Fact")]
pub enum ShareStep {
    Proposed { terms: Terms },
    Approved { share: ShareId, role: Role },
    Used { share: ShareId, counterpart: String, direction: Direction, what: Shared, items: u64 },
    OutcomeReported { share: ShareId },
    Revoked { share: ShareId, reason: Revocation },
}

impl ShareStep {
    /// The word on the record.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Proposed { .. } => "share-proposed",
            Self::Approved { .. } => "share-approved",
            Self::Used { .. } => "share-used",
            Self::OutcomeReported { .. } => "share-outcome-reported",
            Self::Revoked { .. } => "share-revoked",
        }
    }

    /// The share it is about.
    pub fn share(&self) -> &ShareId {
        match self {
            Self::Proposed { terms } => &terms.share,
            Self::Approved { share, .. }
            | Self::Used { share, .. }
            | Self::OutcomeReported { share }
            | Self::Revoked { share, .. } => share,
        }
    }

    /// What the record says of it.
    pub(crate) fn fact(self) -> Fact {
        match self {
            Self::Proposed { terms } => Fact::ShareProposed(published(&terms)),
            Self::Approved { share, role } => {
                Fact::ShareApproved { share: share.to_string(), role: role.word().into() }
            }
            Self::Used { share, counterpart, direction, what, items } => Fact::ShareUsed {
                share: share.to_string(),
                counterpart,
                direction: direction.word().into(),
                what: what.word().into(),
                items,
            },
            Self::OutcomeReported { share } => Fact::ShareOutcomeReported { share: share.to_string() },
            Self::Revoked { share, reason } => {
                Fact::ShareRevoked { share: share.to_string(), reason: reason.word().into() }
            }
        }
    }
}

impl From<ShareStep> for Happening {
    fn from(step: ShareStep) -> Self {
        Self::ShareStep(step)
    }
}

/// Whether a fact is about this share.
pub(super) fn is_about(fact: &Fact, share: &ShareId) -> bool {
    let named = match fact {
        Fact::ShareProposed(terms) => &terms.share,
        Fact::ShareApproved { share, .. }
        | Fact::ShareUsed { share, .. }
        | Fact::ShareOutcomeReported { share }
        | Fact::ShareRevoked { share, .. } => share,
        _ => return false,
    };
    named == share.as_str()
}

fn published(terms: &Terms) -> ShareTerms {
    ShareTerms {
        share: terms.share.to_string(),
        direction: terms.direction.word().into(),
        counterpart: terms.counterpart.clone(),
        what: terms.what.word().into(),
        agreement: terms.agreement.clone(),
        basis: terms.basis.clone(),
        expires: terms.expires,
        outcome_due_seconds: terms.outcome_due.as_secs().unsigned_abs(),
    }
}

/// The terms that the record tells.
pub(super) fn remembered(terms: &ShareTerms) -> Result<Terms, String> {
    let due = i64::try_from(terms.outcome_due_seconds).map_err(|_| "its outcome is never due".to_owned())?;
    Ok(Terms {
        share: ShareId::new(&terms.share).map_err(|error| error.to_string())?,
        direction: Direction::from_word(&terms.direction)
            .ok_or_else(|| format!("{:?} is no direction", terms.direction))?,
        counterpart: terms.counterpart.clone(),
        what: Shared::from_word(&terms.what).ok_or_else(|| format!("{:?} is nothing to share", terms.what))?,
        agreement: terms.agreement.clone(),
        basis: terms.basis.clone(),
        expires: terms.expires,
        outcome_due: SignedDuration::from_secs(due),
    })
}
