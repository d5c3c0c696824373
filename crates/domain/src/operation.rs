//! An operation: a named purpose over time, to which deployments belong.

use jiff::Timestamp;

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::OperationId;
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;

/// A named purpose over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its name on the record.
    pub operation: OperationId,
    /// Its title, in words.
    pub title: String,
    /// Who runs the system and answers for it.
    pub force: String,
    /// What it is for, in words.
    pub purpose: String,
}

impl Operation {
    /// Opens the operation under a policy.
    pub fn open(self, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::AuthorisingOfficer], "open an operation", now)?;
        let happening = Happening::OperationOpened {
            operation: self.operation.clone(),
            title: self.title.clone(),
            force: self.force.clone(),
            purpose: self.purpose.clone(),
            policy_digest: policy.digest.clone(),
        };
        let event = Event { at: now, actor: Actor::Officer(by), happening };
        Ok(Decided::new(self, event))
    }
}
