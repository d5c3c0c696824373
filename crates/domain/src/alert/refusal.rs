//! Why a rule about alerts, holds, seeded pairs or complaints said no.

use std::fmt;

use jiff::Timestamp;

use crate::refusal::Refusal;

/// A lawful no about what follows an alert.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum AlertRefusal {
    EvidenceNotSeen,
    NotJudged { state: &'static str },
    SecondJudgeNeeded,
    OneJudgeSuffices,
    SameJudge,
    FirstJudgementAltered,
    Disputed,
    NotToBeEngaged { judgement: &'static str },
    NobodySpokenTo,
    OutcomeNotInPolicy { outcome: &'static str },
    OutcomeUnchanged { outcome: &'static str },
    HeldAlready { until: Timestamp },
    HoldTooLong { until_max: Timestamp },
    HoldOver { until: Timestamp },
    HoldNotOver { until: Timestamp },
    NotHeld,
    SeededPair,
    SeedsOutsideExercise,
    SeedsFixedAlready,
    SeedsNone,
    SeedShowsOnePerson { shown: u32, listed: u32 },
    ReceiptUnknown,
    ComplaintEmpty,
    ComplaintAnswered,
    ComplaintNotDue { until: Timestamp },
}

impl AlertRefusal {
    /// The rule it comes from.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::EvidenceNotSeen | Self::NotJudged { .. } => "a person judges what they have seen, before the score",
            Self::SecondJudgeNeeded | Self::OneJudgeSuffices | Self::SameJudge | Self::FirstJudgementAltered => {
                "where the policy asks for two, two people judge without knowing each other's judgement"
            }
            Self::Disputed | Self::NotToBeEngaged { .. } => {
                "somebody is spoken to only where everybody who judged saw the same person"
            }
            Self::NobodySpokenTo => "an identity is checked by speaking to the person",
            Self::OutcomeNotInPolicy { .. } => "closed vocabularies: outcomes are chosen from the policy profile",
            Self::OutcomeUnchanged { .. } => "the record says each thing once",
            Self::HeldAlready { .. } | Self::HoldTooLong { .. } | Self::HoldOver { .. } | Self::HoldNotOver { .. } => {
                "retention: evidence is held for a stated ground, for a time, and never beyond the policy's limit"
            }
            Self::NotHeld => "retention: evidence is gone when its clock runs out, unless it is held",
            Self::SeededPair
            | Self::SeedsOutsideExercise
            | Self::SeedsFixedAlready
            | Self::SeedsNone
            | Self::SeedShowsOnePerson { .. } => {
                "reviewers are measured in exercises, with listed images of different people fixed beforehand"
            }
            Self::ReceiptUnknown => "an alert receipt answers whoever holds its code, while a complaint is possible",
            Self::ComplaintEmpty | Self::ComplaintAnswered | Self::ComplaintNotDue { .. } => {
                "a complaint is received, answered once, and forgotten when its time is over"
            }
        }
    }
}

impl fmt::Display for AlertRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EvidenceNotSeen => write!(out, "you have not looked at this alert; look at its two images first"),
            Self::NotJudged { state } => {
                write!(out, "the alert is {state}; its score is told when it has been judged")
            }
            Self::SecondJudgeNeeded => write!(out, "the policy asks for two judgements; give the first of them"),
            Self::OneJudgeSuffices => write!(out, "the policy asks for one judgement; there is no first of two"),
            Self::SameJudge => write!(out, "you have judged this alert already; another person must be the second"),
            Self::FirstJudgementAltered => {
                write!(out, "the first judgement is not the one on the record; run the check before going on")
            }
            Self::Disputed => {
                write!(out, "two people saw different things in this alert; nobody is stopped or checked because of it")
            }
            Self::NotToBeEngaged { judgement } => {
                write!(out, "the alert was judged {judgement:?}; nobody is spoken to because of it")
            }
            Self::NobodySpokenTo => {
                write!(out, "nobody was spoken to, so no identity was checked; record that no action followed")
            }
            Self::OutcomeNotInPolicy { outcome } => {
                write!(out, "the outcome {outcome:?} is not in the policy's vocabulary; choose one that is")
            }
            Self::OutcomeUnchanged { outcome } => write!(out, "the outcome on the record is {outcome:?} already"),
            other => other.say_more(out),
        }
    }
}

impl AlertRefusal {
    fn say_more(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeldAlready { until } => {
                write!(out, "its evidence is held until {until} already; release that first")
            }
            Self::HoldTooLong { until_max } => {
                write!(out, "the policy lets this evidence be held until {until_max} at most; choose an earlier time")
            }
            Self::HoldOver { until } => write!(out, "the hold would be, or is, over at {until}; choose a later time"),
            Self::HoldNotOver { until } => write!(out, "the evidence is held until {until}; release the hold first"),
            Self::NotHeld => write!(out, "no evidence of this alert is held"),
            Self::SeededPair => {
                write!(
                    out,
                    "this pair was shown to measure reviewers; there is nobody to speak to and nothing to check"
                )
            }
            Self::SeedsOutsideExercise => write!(out, "pairs are seeded in exercises only; this is none"),
            Self::SeedsFixedAlready => write!(out, "the seeded pairs of this exercise are fixed and stay so"),
            Self::SeedsNone => write!(out, "no pair was named; name at least one"),
            Self::SeedShowsOnePerson { shown, listed } => {
                write!(out, "entries {shown} and {listed} show one person; a seeded pair shows two different people")
            }
            Self::ReceiptUnknown => {
                write!(out, "no receipt answers to this code; check the code, or its time is over")
            }
            Self::ComplaintEmpty => write!(out, "the complaint or its answer says nothing; write it down"),
            Self::ComplaintAnswered => write!(out, "the complaint was answered already, and the answer stands"),
            Self::ComplaintNotDue { until } => write!(out, "the complaint is kept until {until}"),
            _ => write!(out, "{}", self.rule()),
        }
    }
}

impl From<AlertRefusal> for Refusal {
    fn from(refusal: AlertRefusal) -> Self {
        Self::Alert(refusal)
    }
}
