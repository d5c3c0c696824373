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

#[cfg(test)]
mod tests {
    use evidence::{Entry, KeyPair};

    use super::*;
    use crate::event::Publication;
    use crate::identifiers::OfficerId;
    use crate::policy::tests::sound;

    fn now() -> Timestamp {
        "2026-03-01T09:00:00Z".parse().unwrap()
    }

    fn officer(role: Role) -> Officer {
        Officer { id: OfficerId::new("ann").unwrap(), role, trained_until: Timestamp::MAX }
    }

    fn operation(outside_authoriser: Option<&str>) -> Operation {
        Operation {
            operation: OperationId::new("o1").unwrap(),
            title: "Exercise".into(),
            force: "Example force".into(),
            purpose: "To learn".into(),
            outside_authoriser: outside_authoriser.map(str::to_owned),
        }
    }

    fn open(operation: Operation, outside_authoriser: OutsideAuthoriser) -> Result<Operation, Refusal> {
        let policy = Policy { outside_authoriser, ..sound() };
        let opened = operation.open(&officer(Role::AuthorisingOfficer), &policy, now())?;
        Ok(opened.into_parts().0)
    }

    #[test]
    fn an_operation_is_opened_by_an_authorising_officer_and_the_record_gives_it_back() {
        let key = KeyPair::from_seed("panel.example", [7; 32]).unwrap().verifying;
        for operation in [operation(None), operation(Some(&key))] {
            let opened = operation.clone().open(&officer(Role::AuthorisingOfficer), &sound(), now()).unwrap();
            assert_eq!(*opened.state(), operation);
            assert_eq!(opened.event().actor, Actor::Officer(OfficerId::new("ann").unwrap()));
            let Publication::Publish(entry) = opened.event().publication() else { panic!("it is public") };
            let fact = Fact::OperationOpened {
                operation: "o1".into(),
                title: "Exercise".into(),
                force: "Example force".into(),
                purpose: "To learn".into(),
                policy_digest: "00".into(),
                outside_authoriser: operation.outside_authoriser.clone(),
            };
            assert_eq!(*entry, Entry { at: now(), fact });
            assert_eq!(Operation::remembered(&entry.fact), Some(operation));
        }
        let another = Fact::DeploymentResumed { deployment: "d1".into() };
        assert_eq!(Operation::remembered(&another), None);
        for role in Role::ALL.into_iter().filter(|role| *role != Role::AuthorisingOfficer) {
            let refused = operation(None).open(&officer(role), &sound(), now()).map(drop);
            assert_eq!(refused, Err(Refusal::RoleMayNot { role: role.word(), attempted: "open an operation" }));
        }
    }

    #[test]
    fn an_outside_body_is_named_where_the_policy_needs_one_and_always_by_a_verifying_key() {
        use OutsideAuthoriser::{Needed, NotNeeded};
        assert_eq!(open(operation(None), NotNeeded), Ok(operation(None)));
        assert_eq!(open(operation(None), Needed), Err(Refusal::OutsideAuthoriserMissing));
        let keys = KeyPair::from_seed("panel.example", [7; 32]).unwrap();
        for needed in [NotNeeded, Needed] {
            let named = operation(Some(&keys.verifying));
            assert_eq!(open(named.clone(), needed), Ok(named));
            for malformed in ["", "panel.example", &keys.signing] {
                assert_eq!(open(operation(Some(malformed)), needed), Err(Refusal::OutsideKeyMalformed));
            }
        }
    }
}
