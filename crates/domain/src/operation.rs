//! An operation: a named purpose over time, to which deployments belong.

use evidence::Fact;
use evidence::authorisation::is_verifying_key;
use jiff::Timestamp;

use crate::decided::Decided;
use crate::deployment::Plan;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::OperationId;
use crate::officer::{Officer, Role};
use crate::policy::{OutsideAuthoriser, Policy};
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
    /// Ed25519 verifying key, `<name>+<8 hexadecimal digits>+<base64>`, of a body outside the force that has to sign each
    /// deployment. Where one is named it is asked for, whatever a later policy says.
    pub outside_authoriser: Option<String>,
}

impl Operation {
    /// Opens the operation under a policy.
    pub fn open(self, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::AuthorisingOfficer], "open an operation", now)?;
        match &self.outside_authoriser {
            None if policy.outside_authoriser == OutsideAuthoriser::Needed => {
                return Err(Refusal::OutsideAuthoriserMissing);
            }
            Some(key) if !is_verifying_key(key) => return Err(Refusal::OutsideKeyMalformed),
            _ => {}
        }
        let happening = Happening::OperationOpened {
            operation: self.operation.clone(),
            title: self.title.clone(),
            force: self.force.clone(),
            purpose: self.purpose.clone(),
            policy_digest: policy.digest.clone(),
            outside_authoriser: self.outside_authoriser.clone(),
        };
        let event = Event { at: now, actor: Actor::Officer(by), happening };
        Ok(Decided::new(self, event))
    }

    /// The operation that an entry opened, if it opened one.
    pub fn remembered(fact: &Fact) -> Option<Self> {
        let Fact::OperationOpened { operation, title, force, purpose, outside_authoriser, .. } = fact else {
            return None;
        };
        Some(Self {
            operation: OperationId::new(operation).ok()?,
            title: title.clone(),
            force: force.clone(),
            purpose: purpose.clone(),
            outside_authoriser: outside_authoriser.clone(),
        })
    }

    /// The key of the outside body for a plan of this operation; a plan of another is refused.
    pub fn outside_key_for(&self, plan: &Plan) -> Result<Option<&String>, Refusal> {
        if plan.operation == self.operation {
            Ok(self.outside_authoriser.as_ref())
        } else {
            Err(Refusal::OfAnotherOperation { operation: plan.operation.to_string() })
        }
    }
}
