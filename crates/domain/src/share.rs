//! Shares: no image, list or evidence enters or leaves without one, agreed, approved by another person, in force and accounted for.

mod refusal;
mod step;

use evidence::Fact;
use jiff::{SignedDuration, Timestamp};

use crate::alert::{AlertState, AlertStep};
use crate::decided::Decided;
use crate::deployment::Recollection;
use crate::event::{Actor, Event};
use crate::hold::Hold;
use crate::identifiers::{OfficerId, ShareId};
use crate::officer::{Officer, Role};
use crate::policy::{Held, Policy};
use crate::refusal::Refusal;

pub use refusal::ShareRefusal;
pub use step::ShareStep;

/// Which way something passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the force.
    In,
    /// From the force.
    Out,
}

/// What passes: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Images of people to be sought.
    WatchlistImages,
    /// The face of an alert as it was seen. Never a template.
    AlertEvidence,
    /// Counts, about nobody.
    Statistics,
}

/// Why a share ended before its time: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It has served its purpose.
    NoLongerNeeded,
    /// The agreement with the other body ended.
    AgreementEnded,
    /// What passed was used for something else.
    Misused,
    /// What came of it was not reported in time: the clock says so.
    OutcomeOverdue,
}

/// On what terms something may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Its name on the record.
    pub share: ShareId,
    /// Which way.
    pub direction: Direction,
    /// The other body.
    pub counterpart: String,
    /// What.
    pub what: Shared,
    /// The agreement with that body.
    pub agreement: String,
    /// The legal basis.
    pub basis: String,
    /// When it ends.
    pub expires: Timestamp,
    /// How long after a use it must be reported what came of it.
    pub outcome_due: SignedDuration,
}

/// A share in whichever state it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    terms: Terms,
    proposer: OfficerId,
    stage: Stage,
    /// The earliest use of which nothing has been reported.
    unreported_since: Option<Timestamp>,
    /// How many things passed.
    items: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Proposed,
    Approved,
    Revoked(Revocation),
}

/// Roles that may propose a share.
const PROPOSERS: [Role; 4] =
    [Role::Proposer, Role::WatchlistOfficer, Role::AuthorisingOfficer, Role::DataProtectionOfficer];

impl Share {
    /// Proposes a share within the policy's limits.
    pub fn propose(terms: Terms, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let proposer = officer.act_as(&PROPOSERS, "propose a share", now)?;
        let blank = [&terms.counterpart, &terms.agreement, &terms.basis].iter().any(|text| text.trim().is_empty());
        if blank {
            return Err(ShareRefusal::TermsMissing.into());
        }
        let expires_max = policy.kept(Held::Share).gone_by(now);
        if terms.expires <= now || terms.expires > expires_max {
            return Err(ShareRefusal::LengthWrong { expires_max }.into());
        }
        if terms.outcome_due < SignedDuration::from_secs(1) || terms.outcome_due > policy.outcome_due {
            return Err(ShareRefusal::OutcomeDueWrong { due_max: policy.outcome_due }.into());
        }
        let step = ShareStep::Proposed { terms: terms.clone() };
        let share =
            Self { terms, proposer: proposer.clone(), stage: Stage::Proposed, unreported_since: None, items: 0 };
        Ok(Decided::new(share, Event { at: now, actor: Actor::Officer(proposer), happening: step.into() }))
    }

    /// An authorising officer other than the proposer approves it.
    pub fn approve(self, officer: &Officer, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::AuthorisingOfficer], "approve a share", now)?;
        if by == self.proposer {
            return Err(ShareRefusal::ProposerMayNotApprove.into());
        }
        match self.stage {
            Stage::Proposed => {}
            Stage::Approved => return Err(ShareRefusal::ApprovedAlready.into()),
            Stage::Revoked(reason) => return Err(ShareRefusal::Revoked { reason: reason.word() }.into()),
        }
        if now >= self.terms.expires {
            return Err(ShareRefusal::Expired { expired: self.terms.expires }.into());
        }
        let step = ShareStep::Approved { share: self.terms.share.clone(), role: officer.role };
        let event = Event { at: now, actor: Actor::Officer(by), happening: step.into() };
        Ok(Decided::new(Self { stage: Stage::Approved, ..self }, event))
    }

    /// Whether this may pass under it now, whatever a clock has or has not done about it yet.
    pub fn permits(&self, direction: Direction, what: Shared, now: Timestamp) -> Result<(), Refusal> {
        match self.stage {
            Stage::Proposed => return Err(ShareRefusal::NotApproved.into()),
            Stage::Revoked(reason) => return Err(ShareRefusal::Revoked { reason: reason.word() }.into()),
            Stage::Approved => {}
        }
        if now >= self.terms.expires {
            return Err(ShareRefusal::Expired { expired: self.terms.expires }.into());
        }
        if let Some(due) = self.outcome_due().filter(|due| now >= *due) {
            return Err(ShareRefusal::OutcomeOverdue { due }.into());
        }
        if (direction, what) != (self.terms.direction, self.terms.what) {
            let (agreed, attempted) = (self.terms.what.passing(self.terms.direction), what.passing(direction));
            return Err(ShareRefusal::ForOther { agreed, attempted }.into());
        }
        Ok(())
    }

    /// Something passes under it. From now on it is due to be reported what came of it.
    pub fn pass(
        self,
        direction: Direction,
        what: Shared,
        items: u64,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let roles: &[Role] = match (direction, what) {
            (Direction::In, Shared::WatchlistImages) => &[Role::WatchlistOfficer],
            (_, Shared::Statistics) => &[Role::AuthorisingOfficer, Role::DataProtectionOfficer],
            (_, Shared::AlertEvidence | Shared::WatchlistImages) => &[Role::AuthorisingOfficer],
        };
        let by = officer.act_as(roles, "use a share", now)?;
        self.permits(direction, what, now)?;
        if items == 0 {
            return Err(ShareRefusal::NothingPassed.into());
        }
        let step = ShareStep::Used {
            share: self.terms.share.clone(),
            counterpart: self.terms.counterpart.clone(),
            direction,
            what,
            items,
        };
        let share = Self {
            unreported_since: self.unreported_since.or(Some(now)),
            items: self.items.saturating_add(items),
            ..self
        };
        Ok(Decided::new(share, Event { at: now, actor: Actor::Officer(by), happening: step.into() }))
    }

    /// Somebody reports what came of all that passed so far.
    pub fn report_outcome(self, officer: &Officer, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let roles = [Role::WatchlistOfficer, Role::AuthorisingOfficer, Role::DataProtectionOfficer];
        let by = officer.act_as(&roles, "report the outcome of a share", now)?;
        if self.unreported_since.is_none() {
            return Err(ShareRefusal::NothingPassed.into());
        }
        let step = ShareStep::OutcomeReported { share: self.terms.share.clone() };
        let event = Event { at: now, actor: Actor::Officer(by), happening: step.into() };
        Ok(Decided::new(Self { unreported_since: None, ..self }, event))
    }

    /// Ends it before its time.
    pub fn revoke(self, officer: &Officer, reason: Revocation, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let roles = [Role::AuthorisingOfficer, Role::DataProtectionOfficer];
        let by = officer.act_as(&roles, "revoke a share", now)?;
        if reason == Revocation::OutcomeOverdue {
            return self.revoke_overdue(now);
        }
        self.revoked(Actor::Officer(by), reason, now)
    }

    /// Ends it because it was not reported in time what came of it: the software does it, by the clock.
    pub fn revoke_overdue(self, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        match self.outcome_due() {
            Some(due) if now >= due => self.revoked(Actor::System, Revocation::OutcomeOverdue, now),
            due => Err(ShareRefusal::NotOverdue { due }.into()),
        }
    }

    fn revoked(self, actor: Actor, reason: Revocation, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        if let Stage::Revoked(reason) = self.stage {
            return Err(ShareRefusal::Revoked { reason: reason.word() }.into());
        }
        let step = ShareStep::Revoked { share: self.terms.share.clone(), reason };
        let event = Event { at: now, actor, happening: step.into() };
        Ok(Decided::new(Self { stage: Stage::Revoked(reason), ..self }, event))
    }

    /// On what terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// How many things passed under it.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// By when it must be reported what came of what passed, if something did.
    pub fn outcome_due(&self) -> Option<Timestamp> {
        let since = self.unreported_since?;
        Some(since.saturating_add(self.terms.outcome_due).unwrap_or(since))
    }

    /// The word for its state, not counting clocks.
    pub fn state(&self) -> &'static str {
        match self.stage {
            Stage::Proposed => "proposed",
            Stage::Approved => "approved",
            Stage::Revoked(_) => "revoked",
        }
    }

    /// The share, from every entry about shares, oldest first; nothing where it was never proposed.
    pub fn replay(share: &ShareId, history: &[Recollection]) -> Result<Option<Self>, String> {
        let mut known = None;
        for recollection in history.iter().filter(|recollection| step::is_about(&recollection.entry.fact, share)) {
            known = Some(follow(known, recollection)?);
        }
        Ok(known)
    }
}

/// Decides that the evidence of an alert may leave under a share: while it is there, or is held, and nothing else.
pub fn export(
    alert: &AlertState,
    hold: Option<&Hold>,
    share: &Share,
    officer: &Officer,
    now: Timestamp,
) -> Result<Decided<()>, Refusal> {
    let by = officer.act_as(&[Role::AuthorisingOfficer], "export the evidence of an alert", now)?;
    let raised = alert.raised();
    raised.refuse_seeded()?;
    share.permits(Direction::Out, Shared::AlertEvidence, now)?;
    match hold {
        Some(hold) if hold.alert() == &raised.alert && now < hold.until() => {}
        _ => raised.check_time(now)?,
    }
    let (deployment, alert) = (raised.deployment.clone(), raised.alert.clone());
    let step = AlertStep::Exported { deployment, alert, share: share.terms.share.clone() };
    Ok(Decided::new((), Event { at: now, actor: Actor::Officer(by), happening: step.into() }))
}

fn follow(known: Option<Share>, recollection: &Recollection) -> Result<Share, String> {
    let at = recollection.entry.at;
    match (known, &recollection.entry.fact) {
        (None, Fact::ShareProposed(terms)) => {
            let Actor::Officer(proposer) = recollection.actor.clone() else { return Err("nobody proposed it".into()) };
            let terms = step::remembered(terms)?;
            Ok(Share { terms, proposer, stage: Stage::Proposed, unreported_since: None, items: 0 })
        }
        (Some(share @ Share { stage: Stage::Proposed, .. }), Fact::ShareApproved { .. }) => match &recollection.actor {
            Actor::Officer(officer) if *officer != share.proposer => Ok(Share { stage: Stage::Approved, ..share }),
            _ => Err("it was not approved by another person".into()),
        },
        (Some(share), Fact::ShareUsed { items, .. }) => {
            share.permits(share.terms.direction, share.terms.what, at).map_err(|refusal| refusal.to_string())?;
            let items = share.items.saturating_add(*items);
            Ok(Share { unreported_since: share.unreported_since.or(Some(at)), items, ..share })
        }
        (Some(share @ Share { unreported_since: Some(_), .. }), Fact::ShareOutcomeReported { .. }) => {
            Ok(Share { unreported_since: None, ..share })
        }
        (Some(share @ Share { stage: Stage::Proposed | Stage::Approved, .. }), Fact::ShareRevoked { reason, .. }) => {
            let reason = Revocation::from_word(reason).ok_or_else(|| format!("{reason:?} is no reason"))?;
            Ok(Share { stage: Stage::Revoked(reason), ..share })
        }
        (Some(share), _) => Err(format!("it was {} and that allows nothing of the kind", share.state())),
        (None, _) => Err("it was never proposed".into()),
    }
}

impl Direction {
    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// The direction for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::In, Self::Out].into_iter().find(|direction| direction.word() == word)
    }
}

impl Shared {
    /// Everything that can pass.
    pub const ALL: [Self; 3] = [Self::WatchlistImages, Self::AlertEvidence, Self::Statistics];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::WatchlistImages => "watchlist images",
            Self::AlertEvidence => "alert evidence",
            Self::Statistics => "statistics",
        }
    }

    /// What passes for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shared| shared.word() == word)
    }

    /// As people say it: `watchlist images coming in`.
    fn passing(self, direction: Direction) -> String {
        let way = match direction {
            Direction::In => "coming in",
            Direction::Out => "going out",
        };
        format!("{} {way}", self.word())
    }
}

impl Revocation {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::NoLongerNeeded, Self::AgreementEnded, Self::Misused, Self::OutcomeOverdue];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoLongerNeeded => "no longer needed",
            Self::AgreementEnded => "agreement ended",
            Self::Misused => "used for something else",
            Self::OutcomeOverdue => "outcome overdue",
        }
    }

    /// The reason for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

#[cfg(test)]
mod tests;
