//! Before it is live: announced, prepared, started. Or withdrawn.

use evidence::Equipment;
use jiff::{SignedDuration, Timestamp};

use super::mandate::Mandate;
use super::running::Live;
use super::sources::{self, Sources};
use super::{Plan, require_role};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::OfficerId;
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::threshold::Threshold;

/// How long before a start signs may have been confirmed: longer ago was another day.
pub const SIGNAGE_AGE_MAX: SignedDuration = SignedDuration::from_hours(12);

/// Announced to the public; is being prepared.
#[derive(Clone, Debug, PartialEq)]
pub struct Announced {
    pub(super) plan: Plan,
    pub(super) mandate: Mandate,
    pub(super) notice: NoticePublished,
    pub(super) preparation: Preparation,
}

/// Given up before it began.
#[derive(Clone, Debug, PartialEq)]
pub struct Withdrawn {
    pub(super) plan: Plan,
}

/// Proof that the public was told, and when. Made only by [`super::Approved::announce`] or from the record.
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
    pub(super) sources: Sources,
}

/// Proof that every condition of a start was met at one moment. [`Live`] cannot be made without it.
#[derive(Debug)]
pub(super) struct StartAuthorised {
    pub(super) by: OfficerId,
    pub(super) at: Timestamp,
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

    /// Confirms, on the spot and on the day, the signs with the public page's address and QR code, and the way round the zone.
    pub fn confirm_signage(
        mut self,
        officer: &Officer,
        signs: u32,
        alternative_route: &str,
        page: &str,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = require_role(officer, Role::Operator, "confirm the signs", now)?;
        if signs == 0 || alternative_route.trim().is_empty() || page.trim().is_empty() {
            return Err(Refusal::SignageNotConfirmed);
        }
        self.preparation.signage = Some(SignageConfirmed { at: now });
        let happening = Happening::SignageConfirmed {
            deployment: self.plan.deployment.clone(),
            signs,
            alternative_route: alternative_route.to_owned(),
            page: page.to_owned(),
            role: officer.role,
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
        let threshold = equipment.threshold.clone();
        let happening = Happening::Started { deployment: self.plan.deployment.clone(), equipment };
        let event = Event { at: now, actor: Actor::Officer(authorised.by.clone()), happening };
        Ok(Decided::new(self.begin(threshold, authorised.at), event))
    }

    /// Gives it up.
    pub fn withdraw(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Withdrawn>, Refusal> {
        withdrawn(self.plan, officer, reason, now)
    }

    /// By whose decision.
    pub fn mandate(&self) -> &Mandate {
        &self.mandate
    }

    /// The deployment as it runs from `started` on.
    pub(super) fn begin(self, threshold: String, started: Timestamp) -> Live {
        let people = self.preparation.watchlist.map_or(0, |frozen| frozen.people);
        Live::begin(self.plan, self.mandate, self.preparation.sources, people, threshold, started)
    }

    fn authorise_start(
        &self,
        officer: &Officer,
        threshold: &Threshold,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<StartAuthorised, Refusal> {
        let by = require_role(officer, Role::Operator, "start a deployment", now)?;
        self.mandate.check(now)?;
        self.check_watchlist(policy, now)?;
        self.check_signage(now)?;
        // The policy may have changed since the plan was proposed.
        sources::check_policy(&self.plan, policy)?;
        self.preparation.sources.check_start(&self.plan)?;
        self.check_notice(policy, now)?;
        if now < self.plan.starts || now >= self.plan.ends {
            return Err(Refusal::OutsideWindow { starts: self.plan.starts, ends: self.plan.ends });
        }
        check_threshold(threshold, policy)?;
        Ok(StartAuthorised { by, at: now })
    }

    /// The notice stands from its publication; one that could not wait is published and its lead time waived.
    fn check_notice(&self, policy: &Policy, now: Timestamp) -> Result<(), Refusal> {
        let published = self.notice.at;
        let lead = if self.mandate.is_urgent() { SignedDuration::ZERO } else { policy.notice_lead };
        let earliest = published.saturating_add(lead).unwrap_or(Timestamp::MAX);
        if now < earliest { Err(Refusal::NoticeTooLate { published, lead, earliest }) } else { Ok(()) }
    }

    fn check_signage(&self, now: Timestamp) -> Result<(), Refusal> {
        match &self.preparation.signage {
            Some(signage) if signage.at > now => Err(Refusal::SignageNotConfirmed),
            Some(signage) if now.duration_since(signage.at) > SIGNAGE_AGE_MAX => {
                Err(Refusal::SignageTooOld { confirmed: signage.at, age_max: SIGNAGE_AGE_MAX })
            }
            Some(_) => Ok(()),
            None => Err(Refusal::SignageNotConfirmed),
        }
    }

    fn check_watchlist(&self, policy: &Policy, now: Timestamp) -> Result<(), Refusal> {
        // A clock that went back makes no list fresh.
        let frozen = self.preparation.watchlist.as_ref().filter(|frozen| frozen.at <= now);
        let frozen = frozen.ok_or(Refusal::WatchlistNotFrozen)?;
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

/// The threshold is the one that the policy in force states for its model, and was measured tight enough.
fn check_threshold(threshold: &Threshold, policy: &Policy) -> Result<(), Refusal> {
    if threshold.fpir() > policy.threshold_fpir_max {
        return Err(Refusal::ThresholdTooLoose { fpir: threshold.fpir(), fpir_max: policy.threshold_fpir_max });
    }
    if policy.threshold_for(threshold.model())? == threshold { Ok(()) } else { Err(Refusal::ThresholdNotInPolicy) }
}

pub(super) fn withdrawn(
    plan: Plan,
    officer: &Officer,
    reason: &str,
    now: Timestamp,
) -> Result<Decided<Withdrawn>, Refusal> {
    let by = officer.act_as(&[Role::Proposer, Role::AuthorisingOfficer], "withdraw a deployment", now)?;
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    let happening = Happening::Withdrawn { deployment: plan.deployment.clone(), reason: reason.to_owned() };
    let event = Event { at: now, actor: Actor::Officer(by), happening };
    Ok(Decided::new(Withdrawn { plan }, event))
}
