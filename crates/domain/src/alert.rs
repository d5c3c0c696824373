//! The life of an alert: raised, judged by people, engaged, followed by an outcome. No state here is reached by software alone.
//!
//! [`Raised`] has no score, and neither has anything that can be made of it before a person has judged: the score can be
//! asked for only with an [`Adjudicated`] that is on the record.

mod engagement;
mod judgement;
mod outcome;
mod refusal;
mod replay;
mod step;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::{AlertId, DeploymentId, OfficerId};
use crate::officer::{Officer, Role};
use crate::refusal::Refusal;
use crate::settle::PendingAlert;

pub use engagement::{Engaged, Engagement, WhyNot};
pub use judgement::{Adjudicated, FirstJudgement, JudgedOnce, Judgement, Opinions};
pub(crate) use outcome::truth;
pub use outcome::{Closed, Outcome, Reclassification, Truth};
pub use refusal::AlertRefusal;
pub use replay::{Looks, SeedJudgement};
pub use step::AlertStep;

/// An alert a person can see: it is on the record. Made from a [`PendingAlert`] or rebuilt from the record.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// Which alert.
    pub alert: AlertId,
    /// In which deployment.
    pub deployment: DeploymentId,
    /// When it was raised.
    pub raised: Timestamp,
    /// When its evidence must be gone.
    pub expires: Timestamp,
    /// Whose face it shows: not told to whoever judges it.
    origin: Origin,
    /// When each officer first looked at its evidence.
    looks: Looks,
}

/// Where the face of an alert comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Somebody who passed.
    Passage,
    /// A listed image of somebody else, shown in an exercise to measure reviewers.
    Seeded,
}

/// An alert in whichever state it is.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertState {
    /// Waits for a person.
    Raised(Raised),
    /// Judged by the first of two; waits for another person, who is not told what the first one saw.
    JudgedOnce(JudgedOnce),
    /// Judged; waits for what follows.
    Adjudicated(Adjudicated),
    /// Somebody was sent to speak to the person; waits for the outcome.
    Engaged(Engaged),
    /// It is known what followed.
    Closed(Closed),
}

/// Decides that a candidate is recorded; `evidence_commitment` is salted and made by the store over the sealed evidence.
pub fn raise<F>(
    pending: &PendingAlert<F>,
    deployment: &DeploymentId,
    alert: AlertId,
    camera: &str,
    evidence_commitment: String,
    now: Timestamp,
) -> Decided<Raised> {
    let expires = pending.expires();
    let raised = Raised::new(alert.clone(), deployment.clone(), now, expires, Origin::Passage);
    let happening = Happening::AlertRaised {
        deployment: deployment.clone(),
        alert,
        camera: camera.to_owned(),
        evidence_commitment,
        expires,
    };
    Decided::new(raised, Event { at: now, actor: Actor::System, happening })
}

/// Decides that an officer may look at the evidence of an alert. That they did is recorded and not published; the time
/// they take to judge is counted from their first look.
pub fn view(alert: &Raised, officer: &Officer, now: Timestamp) -> Result<Decided<Raised>, Refusal> {
    let by = officer.act_as(&[Role::Operator, Role::EngagementOfficer], "view the evidence of an alert", now)?;
    alert.check_time(now)?;
    let happening = Happening::AlertViewed { deployment: alert.deployment.clone(), alert: alert.alert.clone() };
    let mut seen = alert.clone();
    seen.looks.entry(by.clone()).or_insert(now);
    Ok(Decided::new(seen, Event { at: now, actor: Actor::Officer(by), happening }))
}

impl Raised {
    pub(crate) fn new(
        alert: AlertId,
        deployment: DeploymentId,
        raised: Timestamp,
        expires: Timestamp,
        origin: Origin,
    ) -> Self {
        Self { alert, deployment, raised, expires, origin, looks: BTreeMap::new() }
    }

    /// Refuses what comes after the evidence is gone, or before the alert was there.
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        self.check_clock(now)?;
        if now >= self.expires { Err(Refusal::AlertExpired { expired: self.expires }) } else { Ok(()) }
    }

    fn check_clock(&self, now: Timestamp) -> Result<(), Refusal> {
        if now < self.raised { Err(Refusal::ClockWentBack { last: self.raised }) } else { Ok(()) }
    }

    fn first_look(&self, officer: &OfficerId) -> Result<Timestamp, Refusal> {
        self.looks.get(officer).copied().ok_or_else(|| AlertRefusal::EvidenceNotSeen.into())
    }

    /// Refuses to go on with a pair that was only shown to measure reviewers.
    pub(crate) fn refuse_seeded(&self) -> Result<(), Refusal> {
        match self.origin {
            Origin::Passage => Ok(()),
            Origin::Seeded => Err(AlertRefusal::SeededPair.into()),
        }
    }
}

impl AlertState {
    /// The alert as it was raised.
    pub fn raised(&self) -> &Raised {
        match self {
            Self::Raised(raised) => raised,
            Self::JudgedOnce(once) => once.raised(),
            Self::Adjudicated(adjudicated) => &adjudicated.alert,
            Self::Engaged(engaged) => &engaged.alert.alert,
            Self::Closed(closed) => &closed.alert.alert,
        }
    }

    /// The judgement that stands, once it does.
    pub fn adjudicated(&self) -> Option<&Adjudicated> {
        match self {
            Self::Raised(_) | Self::JudgedOnce(_) => None,
            Self::Adjudicated(adjudicated) => Some(adjudicated),
            Self::Engaged(engaged) => Some(&engaged.alert),
            Self::Closed(closed) => Some(&closed.alert),
        }
    }

    /// Whether nothing more is to follow: its outcome is known, or it was a seeded pair and is judged.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Closed(_) => true,
            Self::Adjudicated(judged) => judged.alert.origin == Origin::Seeded,
            Self::Raised(_) | Self::JudgedOnce(_) | Self::Engaged(_) => false,
        }
    }

    /// The word for its state.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Raised(_) => "raised",
            Self::JudgedOnce(_) => "judged once",
            Self::Adjudicated(_) => "adjudicated",
            Self::Engaged(_) => "engaged",
            Self::Closed(_) => "closed",
        }
    }

    /// The judged alert, whatever followed since, or the refusal that says what is missing. Only with it is a score told.
    pub fn expect_adjudicated(self) -> Result<Adjudicated, Refusal> {
        let state = self.state();
        match self {
            Self::Adjudicated(adjudicated) => Ok(adjudicated),
            Self::Engaged(engaged) => Ok(engaged.alert),
            Self::Closed(closed) => Ok(closed.alert),
            Self::Raised(_) | Self::JudgedOnce(_) => Err(AlertRefusal::NotJudged { state }.into()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
