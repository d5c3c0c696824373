//! By whose decision a deployment runs: approved by another person, or approved urgently by a lower rank until ratified.

use jiff::Timestamp;

use crate::identifiers::OfficerId;
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;

/// Who proposed a deployment, and how it came to be approved. Made only by an approval or from the record.
#[derive(Clone, Debug, PartialEq)]
pub struct Mandate {
    proposer: OfficerId,
    route: Route,
}

#[derive(Clone, Debug, PartialEq)]
enum Route {
    Ordinary,
    Urgent { approver: OfficerId, ratify_by: Timestamp, ratified: bool },
}

impl Mandate {
    pub(super) fn ordinary(proposer: OfficerId) -> Self {
        Self { proposer, route: Route::Ordinary }
    }

    pub(super) fn urgent(proposer: OfficerId, approver: OfficerId, ratify_by: Timestamp) -> Self {
        Self { proposer, route: Route::Urgent { approver, ratify_by, ratified: false } }
    }

    /// Whether it was approved urgently: then the public is told at once instead of beforehand.
    pub fn is_urgent(&self) -> bool {
        matches!(self.route, Route::Urgent { .. })
    }

    /// When it lapses by itself: only an urgent approval that nobody has ratified does.
    pub fn lapses(&self) -> Option<Timestamp> {
        match self.route {
            Route::Urgent { ratify_by, ratified: false, .. } => Some(ratify_by),
            Route::Urgent { ratified: true, .. } | Route::Ordinary => None,
        }
    }

    /// Whether it holds now.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.lapses() {
            Some(by) if now >= by => Err(Refusal::UrgentApprovalLapsed { by }),
            _ => Ok(()),
        }
    }

    /// Somebody who may approve, and neither proposed nor urgently approved it, ratifies an urgent approval.
    pub(super) fn ratify(&mut self, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<OfficerId, Refusal> {
        let by = officer.act_as(&policy.roles.approve, "ratify an urgent approval", now)?;
        self.check(now)?;
        self.ratified_by(&by)?;
        Ok(by)
    }

    /// Notes a ratification, made now or read from the record.
    pub(super) fn ratified_by(&mut self, officer: &OfficerId) -> Result<(), Refusal> {
        match &mut self.route {
            Route::Urgent { ratified: true, .. } | Route::Ordinary => Err(Refusal::NothingToRatify),
            Route::Urgent { approver, .. } if officer == approver || *officer == self.proposer => {
                Err(Refusal::RatifierNotIndependent)
            }
            Route::Urgent { ratified, .. } => {
                *ratified = true;
                Ok(())
            }
        }
    }
}

/// The role of lower rank that may approve urgently must not be one that may ratify as well.
pub(super) fn urgent_approver(officer: &Officer, policy: &Policy, now: Timestamp) -> Result<OfficerId, Refusal> {
    let roles: Vec<Role> = policy.roles.approve_urgent.clone();
    officer.act_as(&roles, "approve a deployment urgently", now)
}
