//! The life of an alert: raised, adjudicated by a person, followed by an outcome. No state here is reached by software alone.

use jiff::{SignedDuration, Timestamp};

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::{AlertId, DeploymentId};
use crate::officer::{Officer, Role};
use crate::refusal::Refusal;
use crate::settle::PendingAlert;

/// What the operator saw in the two images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The same person, as far as can be seen: worth speaking to them.
    SamePerson,
    /// Not the same person.
    NotThisPerson,
    /// It cannot be told from the images.
    CannotTell,
}

/// What followed, in the words of the published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An identity check confirmed the person.
    IdentityConfirmed,
    /// An identity check showed somebody else.
    IdentityRefuted,
    /// No check was made.
    NoAction,
}

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
}

/// An alert that a person has judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjudicated {
    /// The alert.
    pub alert: Raised,
    /// The judgement.
    pub judgement: Judgement,
}

/// An alert of which it is known what followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// The alert and its judgement.
    pub alert: Adjudicated,
    /// What followed.
    pub outcome: Outcome,
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
    let raised = Raised { alert: alert.clone(), deployment: deployment.clone(), raised: now, expires };
    let happening = Happening::AlertRaised {
        deployment: deployment.clone(),
        alert,
        camera: camera.to_owned(),
        evidence_commitment,
        expires,
    };
    Decided::new(raised, Event { at: now, actor: Actor::System, happening })
}

/// Decides that an officer may look at the evidence of an alert. That they did is recorded and not published.
pub fn view(alert: &Raised, officer: &Officer, now: Timestamp) -> Result<Decided<()>, Refusal> {
    let by = officer.act_as(&[Role::Operator, Role::EngagementOfficer], "view the evidence of an alert", now)?;
    alert.check_time(now)?;
    let happening = Happening::AlertViewed { deployment: alert.deployment.clone(), alert: alert.alert.clone() };
    Ok(Decided::new((), Event { at: now, actor: Actor::Officer(by), happening }))
}

impl Raised {
    /// A person judges the alert.
    pub fn adjudicate(
        self,
        officer: &Officer,
        judgement: Judgement,
        now: Timestamp,
    ) -> Result<Decided<Adjudicated>, Refusal> {
        let by = officer.act_as(&[Role::Operator], "adjudicate an alert", now)?;
        self.check_time(now)?;
        let waited = now.duration_since(self.raised).max(SignedDuration::ZERO);
        let happening = Happening::AlertAdjudicated {
            deployment: self.deployment.clone(),
            alert: self.alert.clone(),
            judgement,
            seconds_to_decide: waited.as_secs().unsigned_abs(),
        };
        let event = Event { at: now, actor: Actor::Officer(by), happening };
        Ok(Decided::new(Adjudicated { alert: self, judgement }, event))
    }

    fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        if now < self.raised {
            return Err(Refusal::ClockWentBack { last: self.raised });
        }
        if now >= self.expires { Err(Refusal::AlertExpired { expired: self.expires }) } else { Ok(()) }
    }
}

impl Adjudicated {
    /// A person records what followed.
    pub fn record_outcome(
        self,
        officer: &Officer,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Decided<Closed>, Refusal> {
        let by = officer.act_as(&[Role::Operator, Role::EngagementOfficer], "record an outcome", now)?;
        self.alert.check_time(now)?;
        let happening = Happening::OutcomeRecorded {
            deployment: self.alert.deployment.clone(),
            alert: self.alert.alert.clone(),
            outcome,
        };
        let event = Event { at: now, actor: Actor::Officer(by), happening };
        Ok(Decided::new(Closed { alert: self, outcome }, event))
    }
}

impl Judgement {
    /// Every judgement, in the order of the buttons.
    pub const ALL: [Self; 3] = [Self::SamePerson, Self::NotThisPerson, Self::CannotTell];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::SamePerson => "same person",
            Self::NotThisPerson => "not this person",
            Self::CannotTell => "cannot tell",
        }
    }

    /// The judgement for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|judgement| judgement.word() == word)
    }
}

impl Outcome {
    /// Every outcome, in the order of the buttons.
    pub const ALL: [Self; 3] = [Self::IdentityConfirmed, Self::IdentityRefuted, Self::NoAction];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::IdentityConfirmed => "identity confirmed",
            Self::IdentityRefuted => "identity refuted",
            Self::NoAction => "no action",
        }
    }

    /// The outcome for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}
