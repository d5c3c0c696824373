//! Authority to compare, for a short while: when it is not renewed it ends by itself, although no message arrives.

use jiff::Timestamp;

use super::running::Live;
use crate::identifiers::DeploymentId;
use crate::policy::{Held, Kept, Policy};
use crate::refusal::Refusal;

/// A short authority to run one live deployment. Made only from a [`Live`] deployment; renewed by asking the store again.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    deployment: DeploymentId,
    from: Timestamp,
    until: Timestamp,
    alert: Kept,
}

impl Lease {
    pub(super) fn new(live: &Live, policy: &Policy, now: Timestamp) -> Result<Self, Refusal> {
        let plan = live.plan();
        if now < plan.starts || now >= plan.ends {
            return Err(Refusal::OutsideWindow { starts: plan.starts, ends: plan.ends });
        }
        live.mandate.check(now)?;
        let lapses = live.mandate.lapses().unwrap_or(plan.ends);
        let until = now.saturating_add(policy.lease).unwrap_or(plan.ends).min(plan.ends).min(lapses);
        Ok(Self { deployment: plan.deployment.clone(), from: now, until, alert: policy.kept(Held::AlertEvidence) })
    }

    /// Whether the authority holds now. A clock before the lease's beginning is no authority either.
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        if now < self.from {
            return Err(Refusal::ClockWentBack { last: self.from });
        }
        if now >= self.until { Err(Refusal::LeaseExpired { expired: self.until }) } else { Ok(()) }
    }

    /// The deployment it is for.
    pub fn deployment(&self) -> &DeploymentId {
        &self.deployment
    }

    /// When it ends.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// When an alert raised now must be gone.
    pub fn alert_expiry(&self, now: Timestamp) -> Timestamp {
        self.alert.gone_by(now)
    }
}
