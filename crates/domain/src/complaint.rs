//! Complaints: received and answered by the data-protection officer, counted in public, and forgotten when their time is over.

use jiff::Timestamp;

use evidence::Fact;

use crate::alert::AlertRefusal;
use crate::decided::Decided;
use crate::deployment::Recollection;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::{ComplaintId, DeploymentId};
use crate::officer::{Officer, Role};
use crate::policy::{Held, Policy};
use crate::refusal::Refusal;

/// How a complainant names the occasion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// By the code of an alert receipt.
    AlertReceipt,
    /// By place and time.
    PlaceAndTime,
}

/// What came of a complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The complainant was right.
    Upheld,
    /// The complainant was not.
    NotUpheld,
}

/// A complaint that is kept. Its words are the store's to seal.
#[derive(Clone, Debug, PartialEq)]
pub struct Complaint {
    complaint: ComplaintId,
    received: Timestamp,
    finding: Option<Finding>,
}

/// A step in the life of a complaint.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is described where its entry is, in evidence::Fact")]
pub enum ComplaintStep {
    Received { complaint: ComplaintId, occasion: Occasion, about_deployment: Option<DeploymentId> },
    Answered { complaint: ComplaintId, finding: Finding },
    Forgotten { complaint: ComplaintId },
}

impl Complaint {
    /// The data-protection officer takes a complaint in.
    pub fn receive(
        complaint: ComplaintId,
        occasion: Occasion,
        about_deployment: Option<DeploymentId>,
        text: &str,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::DataProtectionOfficer], "receive a complaint", now)?;
        require_words(text)?;
        let received = Self { complaint: complaint.clone(), received: now, finding: None };
        let step = ComplaintStep::Received { complaint, occasion, about_deployment };
        Ok(Decided::new(received, Event { at: now, actor: Actor::Officer(by), happening: step.into() }))
    }

    /// The data-protection officer answers it.
    pub fn answer(
        self,
        officer: &Officer,
        finding: Finding,
        text: &str,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::DataProtectionOfficer], "answer a complaint", now)?;
        if now < self.received {
            return Err(Refusal::ClockWentBack { last: self.received });
        }
        if self.finding.is_some() {
            return Err(AlertRefusal::ComplaintAnswered.into());
        }
        require_words(text)?;
        let step = ComplaintStep::Answered { complaint: self.complaint.clone(), finding };
        let event = Event { at: now, actor: Actor::Officer(by), happening: step.into() };
        Ok(Decided::new(Self { finding: Some(finding), ..self }, event))
    }

    /// Decides that its words go, because their time is over: the software does it, by the clock.
    pub fn forget(&self, until: Timestamp, now: Timestamp) -> Result<Decided<()>, Refusal> {
        if now < until {
            return Err(AlertRefusal::ComplaintNotDue { until }.into());
        }
        let step = ComplaintStep::Forgotten { complaint: self.complaint.clone() };
        Ok(Decided::new((), Event { at: now, actor: Actor::System, happening: step.into() }))
    }

    /// Whether somebody may read its words.
    pub fn may_read(&self, officer: &Officer, now: Timestamp) -> Result<(), Refusal> {
        officer.act_as(&[Role::DataProtectionOfficer], "read a complaint", now).map(drop)
    }

    /// Its name.
    pub fn complaint(&self) -> &ComplaintId {
        &self.complaint
    }

    /// When it was received.
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// What came of it, once it is answered.
    pub fn finding(&self) -> Option<Finding> {
        self.finding
    }

    /// Until when the policy lets its words be kept.
    pub fn until(&self, policy: &Policy) -> Timestamp {
        policy.kept(Held::Complaint).gone_by(self.received)
    }

    /// The complaint, from every entry about complaints, oldest first; nothing where it is unknown or forgotten.
    pub fn replay(complaint: &ComplaintId, history: &[Recollection]) -> Result<Option<Self>, String> {
        let mut known: Option<Self> = None;
        let its = |name: &String| name == complaint.as_str();
        for Recollection { entry, .. } in history {
            known = match (known, &entry.fact) {
                (None, Fact::ComplaintReceived { complaint: name, .. }) if its(name) => {
                    Some(Self { complaint: complaint.clone(), received: entry.at, finding: None })
                }
                (Some(Self { finding: None, received, .. }), Fact::ComplaintAnswered { complaint: name, finding })
                    if its(name) =>
                {
                    let word = finding;
                    let finding = Finding::from_word(word).ok_or_else(|| format!("{word:?} is no finding"))?;
                    Some(Self { complaint: complaint.clone(), received, finding: Some(finding) })
                }
                (Some(_), Fact::ComplaintForgotten { complaint: name }) if its(name) => None,
                (
                    _,
                    Fact::ComplaintReceived { complaint: name, .. }
                    | Fact::ComplaintAnswered { complaint: name, .. }
                    | Fact::ComplaintForgotten { complaint: name },
                ) if its(name) => return Err("it was received, answered or forgotten out of order".into()),
                (known, _) => known,
            };
        }
        Ok(known)
    }
}

fn require_words(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() { Err(AlertRefusal::ComplaintEmpty.into()) } else { Ok(()) }
}

impl ComplaintStep {
    /// The word on the record.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Received { .. } => "complaint-received",
            Self::Answered { .. } => "complaint-answered",
            Self::Forgotten { .. } => "complaint-forgotten",
        }
    }

    /// The complaint it is about.
    pub fn complaint(&self) -> &ComplaintId {
        match self {
            Self::Received { complaint, .. } | Self::Answered { complaint, .. } | Self::Forgotten { complaint } => {
                complaint
            }
        }
    }

    /// What the record says of it: everything but the words.
    pub(crate) fn fact(self) -> Fact {
        match self {
            Self::Received { complaint, occasion, about_deployment } => Fact::ComplaintReceived {
                complaint: complaint.to_string(),
                about: occasion.word().into(),
                about_deployment: about_deployment.map(|deployment| deployment.to_string()),
            },
            Self::Answered { complaint, finding } => {
                Fact::ComplaintAnswered { complaint: complaint.to_string(), finding: finding.word().into() }
            }
            Self::Forgotten { complaint } => Fact::ComplaintForgotten { complaint: complaint.to_string() },
        }
    }
}

impl From<ComplaintStep> for Happening {
    fn from(step: ComplaintStep) -> Self {
        Self::ComplaintStep(step)
    }
}

impl Occasion {
    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlertReceipt => "alert receipt",
            Self::PlaceAndTime => "place and time",
        }
    }
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 2] = [Self::Upheld, Self::NotUpheld];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::NotUpheld => "not upheld",
        }
    }

    /// The finding for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|finding| finding.word() == word)
    }
}

#[cfg(test)]
mod tests;
