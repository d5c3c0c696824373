//! Before the public is told: drafted, proposed, its documents filled, approved by another person.

use std::collections::BTreeMap;

use evidence::authorisation::plan_is_signed;
use jiff::Timestamp;

use super::before::{Announced, NoticePublished, Preparation, Withdrawn, withdrawn};
use super::mandate::{Mandate, urgent_approver};
use super::{Plan, require_role, sources};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening, published_plan};
use crate::identifiers::OfficerId;
use crate::officer::{Officer, Role};
use crate::operation::Operation;
use crate::policy::{OutsideAuthoriser, Policy};
use crate::refusal::Refusal;

/// A plan that nobody has proposed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it is to be.
    pub plan: Plan,
}

/// Proposed; waits for somebody else's approval.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposed {
    pub(super) plan: Plan,
    pub(super) proposer: OfficerId,
    pub(super) documents: Documents,
}

/// Approved by somebody other than the proposer; waits for the public notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Approved {
    pub(super) plan: Plan,
    pub(super) mandate: Mandate,
    pub(super) documents: Documents,
    pub(super) outside: Outside,
}

/// Digests of the documents that were completed, by slot.
pub(super) type Documents = BTreeMap<String, String>;

/// Whether a body outside the force has signed the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    Unsigned,
    Signed,
}

impl Draft {
    /// Proposes the plan.
    pub fn propose(self, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<Decided<Proposed>, Refusal> {
        let proposer = officer.act_as(&policy.roles.propose, "propose a deployment", now)?;
        let plan = self.plan;
        if !policy.purposes.contains(&plan.purpose) {
            return Err(Refusal::PurposeNotInPolicy { purpose: plan.purpose });
        }
        if !policy.place_grounds.contains(&plan.place_ground) {
            return Err(Refusal::PlaceGroundNotInPolicy { ground: plan.place_ground });
        }
        sources::check_policy(&plan, policy)?;
        check_digest("the evidence for the place", &plan.place_evidence)?;
        if plan.ends <= plan.starts {
            return Err(Refusal::WindowBackwards);
        }
        if plan.ends.duration_since(plan.starts) > policy.deployment_length_max {
            return Err(Refusal::WindowTooLong { length_max: policy.deployment_length_max });
        }
        let actor = Actor::Officer(proposer.clone());
        let event = Event { at: now, actor, happening: Happening::Proposed { plan: plan.clone() } };
        Ok(Decided::new(Proposed { plan, proposer, documents: Documents::new() }, event))
    }
}

impl Proposed {
    /// What it is to be.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Digests of the documents filled so far, by slot.
    pub fn documents(&self) -> &BTreeMap<String, String> {
        &self.documents
    }

    /// Fills one of the policy's document slots; until the approval it may be filled again.
    pub fn fill_document(
        mut self,
        officer: &Officer,
        slot: &str,
        digest: String,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let event = filled(&self.plan, officer, slot, &digest, policy, now)?;
        self.documents.insert(slot.to_owned(), digest);
        Ok(Decided::new(self, event))
    }

    /// Another person approves it.
    pub fn approve(self, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<Decided<Approved>, Refusal> {
        let approver = officer.act_as(&policy.roles.approve, "approve a deployment", now)?;
        if approver == self.proposer {
            return Err(Refusal::ProposerMayNotApprove);
        }
        let happening = Happening::Approved { deployment: self.plan.deployment.clone(), role: officer.role };
        let event = Event { at: now, actor: Actor::Officer(approver), happening };
        let mandate = Mandate::ordinary(self.proposer.clone());
        Ok(Decided::new(self.approved(mandate), event))
    }

    /// Another person of lower rank approves it because it cannot wait. It lapses, and everything of it is purged, unless
    /// somebody who may approve ratifies it within the policy's time.
    pub fn approve_urgently(
        self,
        officer: &Officer,
        ground: &str,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Approved>, Refusal> {
        let approver = urgent_approver(officer, policy, now)?;
        let Some(ratification) = policy.urgent_ratification else { return Err(Refusal::NoUrgentRoute) };
        if approver == self.proposer {
            return Err(Refusal::ProposerMayNotApprove);
        }
        if !policy.urgent_grounds.iter().any(|known| known == ground) {
            return Err(Refusal::UrgentGroundNotInPolicy { ground: ground.to_owned() });
        }
        let ratify_by = now.saturating_add(ratification).unwrap_or(now);
        let happening = Happening::ApprovedUrgently {
            deployment: self.plan.deployment.clone(),
            role: officer.role,
            ground: ground.to_owned(),
            ratify_by,
        };
        let event = Event { at: now, actor: Actor::Officer(approver.clone()), happening };
        let mandate = Mandate::urgent(self.proposer.clone(), approver, ratify_by);
        Ok(Decided::new(self.approved(mandate), event))
    }

    /// Gives it up.
    pub fn withdraw(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Withdrawn>, Refusal> {
        withdrawn(self.plan, officer, reason, now)
    }

    pub(super) fn approved(self, mandate: Mandate) -> Approved {
        Approved { plan: self.plan, mandate, documents: self.documents, outside: Outside::Unsigned }
    }
}

impl Approved {
    /// What it is to be.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// By whose decision.
    pub fn mandate(&self) -> &Mandate {
        &self.mandate
    }

    /// Digests of the documents filled so far, by slot.
    pub fn documents(&self) -> &BTreeMap<String, String> {
        &self.documents
    }

    /// Fills a slot that is still empty: what the approver saw stays as it is.
    pub fn fill_document(
        mut self,
        officer: &Officer,
        slot: &str,
        digest: String,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let event = filled(&self.plan, officer, slot, &digest, policy, now)?;
        if self.documents.contains_key(slot) {
            return Err(Refusal::DocumentApprovedAlready { slot: slot.to_owned() });
        }
        self.documents.insert(slot.to_owned(), digest);
        Ok(Decided::new(self, event))
    }

    /// Enters the outside body's signature over this plan, by the key that the operation names.
    pub fn enter_outside_signature(
        mut self,
        officer: &Officer,
        operation: &Operation,
        signature: &str,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let roles = [Role::Proposer, Role::AuthorisingOfficer];
        let by = officer.act_as(&roles, "enter the outside body's signature", now)?;
        let key = operation.outside_key_for(&self.plan)?.ok_or(Refusal::OutsideAuthoriserMissing)?;
        if !plan_is_signed(key, &published_plan(&self.plan), signature) {
            return Err(Refusal::OutsideSignatureWrong);
        }
        self.outside = Outside::Signed;
        let happening =
            Happening::OutsideAuthorised { deployment: self.plan.deployment.clone(), signature: signature.to_owned() };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Tells the public, once every document is there and the outside body, where there is one, has signed: the digest is
    /// of the notice's text as published.
    pub fn announce(
        self,
        officer: &Officer,
        notice_digest: String,
        operation: &Operation,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Announced>, Refusal> {
        let by = require_role(officer, Role::AuthorisingOfficer, "publish the notice of a deployment", now)?;
        self.mandate.check(now)?;
        if let Some(slot) = policy.documents.iter().find(|slot| !self.documents.contains_key(*slot)) {
            return Err(Refusal::DocumentMissing { slot: slot.clone() });
        }
        let named = operation.outside_key_for(&self.plan)?.is_some();
        let needed = named || policy.outside_authoriser == OutsideAuthoriser::Needed;
        if needed && self.outside == Outside::Unsigned {
            return Err(Refusal::OutsideSignatureMissing);
        }
        let happening = Happening::NoticePublished { deployment: self.plan.deployment.clone(), notice_digest };
        let event = Event { at: now, actor: Actor::Officer(by), happening };
        Ok(Decided::new(self.announced(NoticePublished { at: now }), event))
    }

    /// Gives it up.
    pub fn withdraw(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Withdrawn>, Refusal> {
        withdrawn(self.plan, officer, reason, now)
    }

    pub(super) fn announced(self, notice: NoticePublished) -> Announced {
        Announced { plan: self.plan, mandate: self.mandate, notice, preparation: Preparation::default() }
    }
}

fn filled(
    plan: &Plan,
    officer: &Officer,
    slot: &str,
    digest: &str,
    policy: &Policy,
    now: Timestamp,
) -> Result<Event, Refusal> {
    let roles = [Role::Proposer, Role::AuthorisingOfficer, Role::DataProtectionOfficer];
    let by = officer.act_as(&roles, "fill a document slot", now)?;
    if !policy.documents.iter().any(|known| known == slot) {
        return Err(Refusal::DocumentSlotUnknown { slot: slot.to_owned() });
    }
    check_digest("the document", digest)?;
    let happening = Happening::DocumentFilled {
        deployment: plan.deployment.clone(),
        slot: slot.to_owned(),
        digest: digest.to_owned(),
    };
    Ok(Event { at: now, actor: Actor::Officer(by), happening })
}

/// A SHA-256 in lower-case hexadecimal.
pub(super) fn check_digest(what: &'static str, digest: &str) -> Result<(), Refusal> {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digest.len() == 64 && digest.bytes().all(plain) { Ok(()) } else { Err(Refusal::DigestMalformed { what }) }
}
