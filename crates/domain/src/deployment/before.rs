//! Before it is live: drafted, proposed, approved by another person, announced, prepared. Or withdrawn.

use std::collections::BTreeMap;

use evidence::Equipment;
use jiff::Timestamp;

use super::running::Live;
use super::{Plan, require_role};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::OfficerId;
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::threshold::Threshold;

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
}

/// Approved by somebody other than the proposer; waits for the public notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Approved {
    pub(super) plan: Plan,
}

/// Announced to the public; is being prepared.
#[derive(Clone, Debug, PartialEq)]
pub struct Announced {
    pub(super) plan: Plan,
    pub(super) notice: NoticePublished,
    pub(super) preparation: Preparation,
}

/// Given up before it began.
#[derive(Clone, Debug, PartialEq)]
pub struct Withdrawn {
    pub(super) plan: Plan,
}

/// Proof that the public was told, and when. Made only by [`Approved::announce`] or from the record.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticePublished {
    pub(super) at: Timestamp,
}

/// Proof that the watchlist is fixed. Made only by [`Announced::freeze_watchlist`] or from the record.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenWatchlist {
    pub(super) at: Timestamp,
    pub(super) people: u64,
}

/// Proof that signs and another route were confirmed. Made only by [`Announced::confirm_signage`] or from the record.
#[derive(Clone, Debug, PartialEq)]
pub struct SignageConfirmed {
    pub(super) at: Timestamp,
}

/// What has been prepared so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    pub(super) watchlist: Option<FrozenWatchlist>,
    pub(super) signage: Option<SignageConfirmed>,
    pub(super) recordings: BTreeMap<String, String>,
}

/// Proof that every condition of a start was met at one moment. [`Live`] cannot be made without it.
#[derive(Debug)]
pub(super) struct StartAuthorised {
    pub(super) by: OfficerId,
    pub(super) at: Timestamp,
}

impl Draft {
    /// Proposes the plan.
    pub fn propose(self, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<Decided<Proposed>, Refusal> {
        let proposer = require_role(officer, Role::Proposer, "propose a deployment", now)?;
        let plan = self.plan;
        if !policy.purposes.contains(&plan.purpose) {
            return Err(Refusal::PurposeNotInPolicy { purpose: plan.purpose });
        }
        if plan.ends <= plan.starts {
            return Err(Refusal::WindowBackwards);
        }
        if plan.ends.duration_since(plan.starts) > policy.deployment_length_max {
            return Err(Refusal::WindowTooLong { length_max: policy.deployment_length_max });
        }
        let event = Event {
            at: now,
            actor: Actor::Officer(proposer.clone()),
            happening: Happening::Proposed { plan: plan.clone() },
        };
        Ok(Decided::new(Proposed { plan, proposer }, event))
    }
}

impl Proposed {
    /// What it is to be.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Another person approves it.
    pub fn approve(self, officer: &Officer, _policy: &Policy, now: Timestamp) -> Result<Decided<Approved>, Refusal> {
        let approver = require_role(officer, Role::AuthorisingOfficer, "approve a deployment", now)?;
        if approver == self.proposer {
            return Err(Refusal::ProposerMayNotApprove);
        }
        let happening = Happening::Approved { deployment: self.plan.deployment.clone(), role: officer.role };
        let event = Event { at: now, actor: Actor::Officer(approver), happening };
        Ok(Decided::new(Approved { plan: self.plan }, event))
    }

    /// Gives it up.
    pub fn withdraw(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Withdrawn>, Refusal> {
        withdrawn(self.plan, officer, reason, now)
    }
}

impl Approved {
    /// What it is to be.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Tells the public: the digest is of the notice's text as published.
    pub fn announce(
        self,
        officer: &Officer,
        notice_digest: String,
        now: Timestamp,
    ) -> Result<Decided<Announced>, Refusal> {
        let by = require_role(officer, Role::AuthorisingOfficer, "publish the notice of a deployment", now)?;
        let happening = Happening::NoticePublished { deployment: self.plan.deployment.clone(), notice_digest };
        let event = Event { at: now, actor: Actor::Officer(by), happening };
        let notice = NoticePublished { at: now };
        Ok(Decided::new(Announced { plan: self.plan, notice, preparation: Preparation::default() }, event))
    }

    /// Gives it up.
    pub fn withdraw(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Withdrawn>, Refusal> {
        withdrawn(self.plan, officer, reason, now)
    }
}

impl Announced {
    /// What it is to be.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When the public was told.
    pub fn announced_at(&self) -> Timestamp {
        self.notice.at
    }

    /// Confirms the signs and the way round the zone.
    pub fn confirm_signage(
        mut self,
        officer: &Officer,
        signs: u32,
        alternative_route: &str,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = require_role(officer, Role::Operator, "confirm the signs", now)?;
        if signs == 0 || alternative_route.trim().is_empty() {
            return Err(Refusal::SignageNotConfirmed);
        }
        self.preparation.signage = Some(SignageConfirmed { at: now });
        let happening = Happening::SignageConfirmed {
            deployment: self.plan.deployment.clone(),
            signs,
            alternative_route: alternative_route.to_owned(),
        };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Declares one recording that the exercise will read, by its digest.
    pub fn declare_recording(
        mut self,
        officer: &Officer,
        camera: &str,
        digest: String,
        bytes: u64,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = require_role(officer, Role::Operator, "declare a recording", now)?;
        self.preparation.recordings.insert(camera.to_owned(), digest.clone());
        let happening = Happening::RecordingDeclared {
            deployment: self.plan.deployment.clone(),
            camera: camera.to_owned(),
            digest,
            bytes,
        };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Starts comparison, if every condition is met now.
    pub fn start(
        self,
        officer: &Officer,
        equipment: Equipment,
        threshold: &Threshold,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Live>, Refusal> {
        let authorised = self.authorise_start(officer, threshold, policy, now)?;
        let happening = Happening::Started { deployment: self.plan.deployment.clone(), equipment };
        let event = Event { at: authorised.at, actor: Actor::Officer(authorised.by.clone()), happening };
        Ok(Decided::new(Live::begin(self.plan, self.preparation.recordings, &authorised), event))
    }

    /// Gives it up.
    pub fn withdraw(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Withdrawn>, Refusal> {
        withdrawn(self.plan, officer, reason, now)
    }

    fn authorise_start(
        &self,
        officer: &Officer,
        threshold: &Threshold,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<StartAuthorised, Refusal> {
        let by = require_role(officer, Role::Operator, "start a deployment", now)?;
        self.check_watchlist(policy, now)?;
        match &self.preparation.signage {
            Some(signage) if signage.at <= now => {}
            _ => return Err(Refusal::SignageNotConfirmed),
        }
        if self.preparation.recordings.is_empty() {
            return Err(Refusal::NoRecordingDeclared);
        }
        let (published, lead) = (self.notice.at, policy.notice_lead);
        let earliest = published.saturating_add(lead).unwrap_or(Timestamp::MAX);
        if now < earliest {
            return Err(Refusal::NoticeTooLate { published, lead, earliest });
        }
        if now < self.plan.starts || now >= self.plan.ends {
            return Err(Refusal::OutsideWindow { starts: self.plan.starts, ends: self.plan.ends });
        }
        if threshold.fpir() > policy.threshold_fpir_max {
            return Err(Refusal::ThresholdTooLoose { fpir: threshold.fpir(), fpir_max: policy.threshold_fpir_max });
        }
        Ok(StartAuthorised { by, at: now })
    }

    fn check_watchlist(&self, policy: &Policy, now: Timestamp) -> Result<(), Refusal> {
        let Some(frozen) = &self.preparation.watchlist else { return Err(Refusal::WatchlistNotFrozen) };
        if frozen.people == 0 {
            return Err(Refusal::WatchlistEmpty);
        }
        if now.duration_since(frozen.at) > policy.watchlist_age_max {
            return Err(Refusal::WatchlistTooOld { built: frozen.at, age_max: policy.watchlist_age_max });
        }
        Ok(())
    }
}

impl Withdrawn {
    /// What it was to be.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

fn withdrawn(plan: Plan, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Withdrawn>, Refusal> {
    let by = officer.act_as(&[Role::Proposer, Role::AuthorisingOfficer], "withdraw a deployment", now)?;
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    let happening = Happening::Withdrawn { deployment: plan.deployment.clone(), reason: reason.to_owned() };
    let event = Event { at: now, actor: Actor::Officer(by), happening };
    Ok(Decided::new(Withdrawn { plan }, event))
}
