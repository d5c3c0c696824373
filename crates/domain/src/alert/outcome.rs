//! What followed an alert, whether it made the alert a true or a false one, and how a mistake about it is put right.

use jiff::Timestamp;

use super::{Adjudicated, AlertRefusal, AlertState, AlertStep, Engaged, Engagement, Judgement};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;

/// What followed. Which of these may be recorded is chosen by the policy profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An identity check confirmed the person.
    IdentityConfirmed,
    /// An identity check showed somebody else.
    IdentityRefuted,
    /// No check was made.
    NoAction,
    /// The person was arrested, after a check.
    Arrest,
    /// Something other than an arrest followed a check: a warning, a summons, a report.
    OtherDisposal,
    /// The person was found and was the one to be protected.
    Safeguarding,
}

/// What an identity check made of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It showed the listed person.
    True,
    /// It showed somebody else.
    False,
    /// Nobody checked.
    Unconfirmed,
}

/// Why an outcome is put right: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclassification {
    /// A complaint about it was upheld.
    ComplaintUpheld,
    /// A later check of identity showed otherwise.
    LaterCheck,
    /// Whoever recorded it pressed the wrong button.
    RecordedInError,
}

/// An alert of which it is known what followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// The alert and its judgement.
    pub alert: Adjudicated,
    /// What became of speaking to the person, where that was recorded.
    pub engagement: Option<Engagement>,
    /// What followed.
    pub outcome: Outcome,
}

impl Adjudicated {
    /// A person records what followed, where nobody was to be spoken to.
    pub fn record_outcome(
        self,
        officer: &Officer,
        outcome: Outcome,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Closed>, Refusal> {
        Closed { alert: self, engagement: None, outcome }.decide(officer, policy, now)
    }
}

impl Engaged {
    /// A person records what followed.
    pub fn record_outcome(
        self,
        officer: &Officer,
        outcome: Outcome,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Closed>, Refusal> {
        Closed { alert: self.alert, engagement: Some(self.engagement), outcome }.decide(officer, policy, now)
    }
}

impl Closed {
    fn decide(self, officer: &Officer, policy: &Policy, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::Operator, Role::EngagementOfficer], "record an outcome", now)?;
        let raised = &self.alert.alert;
        raised.refuse_seeded()?;
        raised.check_time(now)?;
        self.outcome.check(policy)?;
        let checked = self.outcome.truth() != Truth::Unconfirmed;
        if checked && self.alert.is_disputed() {
            return Err(AlertRefusal::Disputed.into());
        }
        if checked && self.engagement.is_some_and(|engagement| engagement != Engagement::SpokenTo) {
            return Err(AlertRefusal::NobodySpokenTo.into());
        }
        let happening = Happening::OutcomeRecorded {
            deployment: raised.deployment.clone(),
            alert: raised.alert.clone(),
            outcome: self.outcome,
        };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Puts an outcome right that turned out to be wrong, also after the evidence is gone.
    pub fn reclassify(
        self,
        officer: &Officer,
        outcome: Outcome,
        reason: Reclassification,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let roles = [Role::DataProtectionOfficer, Role::AuthorisingOfficer];
        let by = officer.act_as(&roles, "reclassify an outcome", now)?;
        self.alert.alert.check_clock(now)?;
        outcome.check(policy)?;
        if outcome == self.outcome {
            return Err(AlertRefusal::OutcomeUnchanged { outcome: outcome.word() }.into());
        }
        let step = AlertStep::Reclassified {
            deployment: self.alert.alert.deployment.clone(),
            alert: self.alert.alert.alert.clone(),
            outcome,
            reason,
        };
        let event = Event { at: now, actor: Actor::Officer(by), happening: step.into() };
        Ok(Decided::new(Self { outcome, ..self }, event))
    }
}

impl AlertState {
    /// Whether it was a true alert, once somebody has judged it: by the identity check, and where there was none false
    /// only if whoever judged it saw another person.
    pub fn truth(&self) -> Option<Truth> {
        let judgement = self.adjudicated()?.judgement;
        let checked = match self {
            Self::Closed(closed) => closed.outcome.truth(),
            _ => Truth::Unconfirmed,
        };
        Some(truth(judgement, checked))
    }
}

/// What stands when a person's judgement and an identity check are taken together.
pub(crate) fn truth(judgement: Judgement, checked: Truth) -> Truth {
    match (checked, judgement) {
        (Truth::Unconfirmed, Judgement::NotThisPerson) => Truth::False,
        (checked, _) => checked,
    }
}

impl Outcome {
    /// Every outcome, in the order of the buttons.
    pub const ALL: [Self; 6] = [
        Self::IdentityConfirmed,
        Self::IdentityRefuted,
        Self::NoAction,
        Self::Arrest,
        Self::OtherDisposal,
        Self::Safeguarding,
    ];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::IdentityConfirmed => "identity confirmed",
            Self::IdentityRefuted => "identity refuted",
            Self::NoAction => "no action",
            Self::Arrest => "arrest",
            Self::OtherDisposal => "other disposal",
            Self::Safeguarding => "safeguarding",
        }
    }

    /// The outcome for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    /// What it makes of the alert. Nobody is arrested, dealt with or protected as the listed person without a check.
    pub fn truth(self) -> Truth {
        match self {
            Self::IdentityConfirmed | Self::Arrest | Self::OtherDisposal | Self::Safeguarding => Truth::True,
            Self::IdentityRefuted => Truth::False,
            Self::NoAction => Truth::Unconfirmed,
        }
    }

    fn check(self, policy: &Policy) -> Result<(), Refusal> {
        let known = policy.outcomes.iter().any(|word| word == self.word());
        if known { Ok(()) } else { Err(AlertRefusal::OutcomeNotInPolicy { outcome: self.word() }.into()) }
    }
}

impl Reclassification {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::ComplaintUpheld, Self::LaterCheck, Self::RecordedInError];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::ComplaintUpheld => "complaint upheld",
            Self::LaterCheck => "later check of identity",
            Self::RecordedInError => "recorded in error",
        }
    }

    /// The reason for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}
