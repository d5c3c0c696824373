//! Engagement: speaking to the person, when whoever judged the alert saw the same person, and only then.

use jiff::Timestamp;

use super::{Adjudicated, AlertRefusal, AlertStep, Judgement};
use crate::decided::Decided;
use crate::event::{Actor, Event};
use crate::officer::{Officer, Role};
use crate::refusal::Refusal;

/// What became of the attempt to speak to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engagement {
    /// They were spoken to, and handed an alert receipt.
    SpokenTo,
    /// They were not found.
    NotFound,
    /// Nobody tried.
    NotEngaged(WhyNot),
}

/// Why nobody tried: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// No officer was free.
    NobodyFree,
    /// It would have put somebody in danger.
    NotSafe,
    /// The matter did not warrant stopping anybody.
    NotProportionate,
    /// The face was seen on a recording: there is nobody to speak to.
    Recording,
}

/// An alert after which somebody was to be spoken to.
#[derive(Clone, Debug, PartialEq)]
pub struct Engaged {
    /// The alert and its judgement.
    pub alert: Adjudicated,
    /// What became of it.
    pub engagement: Engagement,
}

impl Adjudicated {
    /// An engagement officer records whether the person was spoken to.
    pub fn engage(
        self,
        officer: &Officer,
        engagement: Engagement,
        now: Timestamp,
    ) -> Result<Decided<Engaged>, Refusal> {
        let by = officer.act_as(&[Role::EngagementOfficer], "record an engagement", now)?;
        self.alert.refuse_seeded()?;
        self.alert.check_time(now)?;
        if self.is_disputed() {
            return Err(AlertRefusal::Disputed.into());
        }
        if self.judgement != Judgement::SamePerson {
            return Err(AlertRefusal::NotToBeEngaged { judgement: self.judgement.word() }.into());
        }
        let step = AlertStep::Engaged {
            deployment: self.alert.deployment.clone(),
            alert: self.alert.alert.clone(),
            engagement,
        };
        let event = Event { at: now, actor: Actor::Officer(by), happening: step.into() };
        Ok(Decided::new(Engaged { alert: self, engagement }, event))
    }
}

impl Engagement {
    /// Every engagement, in the order of the buttons.
    pub const ALL: [Self; 6] = [
        Self::SpokenTo,
        Self::NotFound,
        Self::NotEngaged(WhyNot::NobodyFree),
        Self::NotEngaged(WhyNot::NotSafe),
        Self::NotEngaged(WhyNot::NotProportionate),
        Self::NotEngaged(WhyNot::Recording),
    ];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::SpokenTo => "spoken to",
            Self::NotFound => "not found",
            Self::NotEngaged(WhyNot::NobodyFree) => "not engaged: nobody free",
            Self::NotEngaged(WhyNot::NotSafe) => "not engaged: not safe",
            Self::NotEngaged(WhyNot::NotProportionate) => "not engaged: not proportionate",
            Self::NotEngaged(WhyNot::Recording) => "not engaged: seen on a recording",
        }
    }

    /// The engagement for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engagement| engagement.word() == word)
    }
}
