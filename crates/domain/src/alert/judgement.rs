//! Judging an alert: by one person, or by two of whom the second is told neither the first judgement nor the score.

use evidence::commitment;
use jiff::{SignedDuration, Timestamp};

use super::{AlertRefusal, AlertStep, Origin, Raised};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::OfficerId;
use crate::officer::{Officer, Role};
use crate::policy::{Adjudicators, Policy};
use crate::refusal::Refusal;

/// What somebody saw in the two images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The same person, as far as can be seen: worth speaking to them.
    SamePerson,
    /// Not the same person.
    NotThisPerson,
    /// It cannot be told from the images.
    CannotTell,
}

/// An alert that the first of two people has judged. It does not tell what they saw.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedOnce {
    pub(super) alert: Raised,
    pub(super) judge: OfficerId,
    pub(super) commitment: String,
}

/// A first judgement as the store keeps it for the second, and shows it to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstJudgement {
    /// What the first judge saw.
    pub judgement: Judgement,
    /// Salt of its commitment, hexadecimal.
    pub salt: String,
}

/// Whose judgement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinions {
    /// One person's.
    One,
    /// Two people's, each made without knowing the other.
    Two {
        /// What the first saw.
        first: Judgement,
        /// What the second saw.
        second: Judgement,
    },
}

/// An alert that was judged, by as many people as the policy asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjudicated {
    /// The alert.
    pub alert: Raised,
    /// The judgement that stands. What two people see differently cannot be told.
    pub judgement: Judgement,
    pub(super) opinions: Opinions,
}

impl Raised {
    /// A person judges the alert, where one suffices. They must have looked at it.
    pub fn adjudicate(
        self,
        officer: &Officer,
        judgement: Judgement,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Adjudicated>, Refusal> {
        if policy.second_adjudicator == Adjudicators::Two {
            return Err(AlertRefusal::SecondJudgeNeeded.into());
        }
        let (by, seconds_to_decide) = self.may_judge(officer, now)?;
        let (deployment, alert) = (self.deployment.clone(), self.alert.clone());
        let happening = match self.origin {
            Origin::Passage => Happening::AlertAdjudicated { deployment, alert, judgement, seconds_to_decide },
            Origin::Seeded => AlertStep::SeedJudged { deployment, alert, judgement, seconds_to_decide }.into(),
        };
        let event = Event { at: now, actor: Actor::Officer(by), happening };
        Ok(Decided::new(Adjudicated { alert: self, judgement, opinions: Opinions::One }, event))
    }

    /// The first of two people judges the alert; `salt` is fresh and kept with the judgement until the second.
    pub fn judge_first(
        self,
        officer: &Officer,
        first: &FirstJudgement,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<JudgedOnce>, Refusal> {
        if policy.second_adjudicator == Adjudicators::One {
            return Err(AlertRefusal::OneJudgeSuffices.into());
        }
        let (judge, seconds_to_decide) = self.may_judge(officer, now)?;
        let commitment = commitment::judgement(self.alert.as_str(), &first.salt, first.judgement.word());
        let (deployment, alert, judgement) = (self.deployment.clone(), self.alert.clone(), first.judgement);
        let step = match self.origin {
            Origin::Passage => {
                AlertStep::JudgedOnce { deployment, alert, commitment: commitment.clone(), seconds_to_decide }
            }
            Origin::Seeded => AlertStep::SeedJudged { deployment, alert, judgement, seconds_to_decide },
        };
        let event = Event { at: now, actor: Actor::Officer(judge.clone()), happening: step.into() };
        Ok(Decided::new(JudgedOnce { alert: self, judge, commitment }, event))
    }

    /// Who judges, and the seconds since they first looked.
    fn may_judge(&self, officer: &Officer, now: Timestamp) -> Result<(OfficerId, u64), Refusal> {
        let by = officer.act_as(&[Role::Operator], "adjudicate an alert", now)?;
        self.check_time(now)?;
        let waited = now.duration_since(self.first_look(&by)?).max(SignedDuration::ZERO);
        Ok((by, waited.as_secs().unsigned_abs()))
    }
}

impl JudgedOnce {
    /// The alert, without what was seen in it.
    pub fn raised(&self) -> &Raised {
        &self.alert
    }

    /// Another person judges the alert. `first` comes from the store, which showed it to nobody.
    pub fn judge_second(
        self,
        officer: &Officer,
        first: &FirstJudgement,
        judgement: Judgement,
        now: Timestamp,
    ) -> Result<Decided<Adjudicated>, Refusal> {
        let (by, seconds_to_decide) = self.alert.may_judge(officer, now)?;
        if by == self.judge {
            return Err(AlertRefusal::SameJudge.into());
        }
        if commitment::judgement(self.alert.alert.as_str(), &first.salt, first.judgement.word()) != self.commitment {
            return Err(AlertRefusal::FirstJudgementAltered.into());
        }
        let (deployment, alert) = (self.alert.deployment.clone(), self.alert.alert.clone());
        let step = match self.alert.origin {
            Origin::Passage => AlertStep::JudgedTwice {
                deployment,
                alert,
                first: first.judgement,
                salt: first.salt.clone(),
                second: judgement,
                seconds_to_decide,
            },
            Origin::Seeded => AlertStep::SeedJudged { deployment, alert, judgement, seconds_to_decide },
        };
        let event = Event { at: now, actor: Actor::Officer(by), happening: step.into() };
        Ok(Decided::new(Adjudicated::by_two(self.alert, first.judgement, judgement), event))
    }
}

impl Adjudicated {
    pub(super) fn by_two(alert: Raised, first: Judgement, second: Judgement) -> Self {
        let judgement = if first == second { first } else { Judgement::CannotTell };
        Self { alert, judgement, opinions: Opinions::Two { first, second } }
    }

    /// Whose judgement stands.
    pub fn opinions(&self) -> Opinions {
        self.opinions
    }

    /// Whether two people saw different things in it.
    pub fn is_disputed(&self) -> bool {
        matches!(self.opinions, Opinions::Two { first, second } if first != second)
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
