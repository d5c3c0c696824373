//! Holds: the evidence of one alert kept beyond its expiry, for a stated ground and time, under a key of its own.
//!
//! The deployment is purged all the same. What is held is the alert's own evidence: the face as it was seen, its template
//! and its particulars. The listed image it was compared with is another person's, and goes.

use evidence::Fact;
use jiff::Timestamp;

use crate::alert::{AlertRefusal, AlertState, AlertStep};
use crate::decided::Decided;
use crate::deployment::Recollection;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::{AlertId, DeploymentId};
use crate::officer::{Officer, Role};
use crate::policy::{Held, Policy};
use crate::refusal::Refusal;

/// Why evidence may be held: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldGround {
    /// Somebody complained about what followed from it.
    Complaint,
    /// It is needed in proceedings before a court or tribunal.
    LegalProceedings,
    /// The person it shows asked for it.
    SubjectsRequest,
}

/// Why and until when evidence is to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldTerms {
    /// Why.
    pub ground: HoldGround,
    /// Until when.
    pub until: Timestamp,
}

/// Evidence that is held, until it is destroyed.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    alert: AlertId,
    deployment: DeploymentId,
    ground: HoldGround,
    until: Timestamp,
}

/// An authorising officer holds the evidence of an alert. `standing` is the hold there is already, if any;
/// `evidence_commitment` is salted and made by the store over what it will keep.
pub fn hold(
    alert: &AlertState,
    standing: Option<&Hold>,
    officer: &Officer,
    terms: HoldTerms,
    evidence_commitment: String,
    policy: &Policy,
    now: Timestamp,
) -> Result<Decided<Hold>, Refusal> {
    let HoldTerms { ground, until } = terms;
    let by = officer.act_as(&[Role::AuthorisingOfficer], "hold the evidence of an alert", now)?;
    let raised = alert.raised();
    raised.refuse_seeded()?;
    raised.check_time(now)?;
    if let Some(hold) = standing {
        return Err(AlertRefusal::HeldAlready { until: hold.until }.into());
    }
    if until <= now {
        return Err(AlertRefusal::HoldOver { until }.into());
    }
    let until_max = policy.kept(Held::HeldAlert).gone_by(raised.raised);
    if until > until_max {
        return Err(AlertRefusal::HoldTooLong { until_max }.into());
    }
    let (deployment, alert) = (raised.deployment.clone(), raised.alert.clone());
    let hold = Hold { alert: alert.clone(), deployment: deployment.clone(), ground, until };
    let step = AlertStep::Held { deployment, alert, ground, until, evidence_commitment };
    Ok(Decided::new(hold, Event { at: now, actor: Actor::Officer(by), happening: step.into() }))
}

impl Hold {
    /// The alert.
    pub fn alert(&self) -> &AlertId {
        &self.alert
    }

    /// Its deployment.
    pub fn deployment(&self) -> &DeploymentId {
        &self.deployment
    }

    /// Why it is held.
    pub fn ground(&self) -> HoldGround {
        self.ground
    }

    /// Until when; once it was lifted, when that was.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// An authorising officer lifts the hold: the evidence goes at the next clock.
    pub fn release(self, officer: &Officer, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::AuthorisingOfficer], "lift a hold", now)?;
        if now >= self.until {
            return Err(AlertRefusal::HoldOver { until: self.until }.into());
        }
        let step = AlertStep::HoldReleased { deployment: self.deployment.clone(), alert: self.alert.clone() };
        let event = Event { at: now, actor: Actor::Officer(by), happening: step.into() };
        Ok(Decided::new(Self { until: now, ..self }, event))
    }

    /// Decides that the data-protection officer may look at what is held. That they did is recorded and not published.
    pub fn view(&self, officer: &Officer, now: Timestamp) -> Result<Decided<()>, Refusal> {
        let by = officer.act_as(&[Role::DataProtectionOfficer], "view held evidence", now)?;
        if now >= self.until {
            return Err(AlertRefusal::HoldOver { until: self.until }.into());
        }
        let happening = Happening::AlertViewed { deployment: self.deployment.clone(), alert: self.alert.clone() };
        Ok(Decided::new((), Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Decides that what is held goes, because the hold is over: the software does it, by the clock.
    pub fn destroy(&self, now: Timestamp) -> Result<Decided<()>, Refusal> {
        if now < self.until {
            return Err(AlertRefusal::HoldNotOver { until: self.until }.into());
        }
        let step = AlertStep::HeldEvidenceDestroyed { deployment: self.deployment.clone(), alert: self.alert.clone() };
        Ok(Decided::new((), Event { at: now, actor: Actor::System, happening: step.into() }))
    }

    /// The hold there is, from every entry about one alert, oldest first; the sentence says what does not fit.
    pub fn replay(history: &[Recollection]) -> Result<Option<Self>, String> {
        let mut standing: Option<Self> = None;
        for Recollection { entry, .. } in history {
            standing = match (standing, &entry.fact) {
                (None, Fact::AlertHeld { deployment, alert, ground: word, until, .. }) => {
                    let wrong = |error: crate::identifiers::NotAnIdentifier| error.to_string();
                    let ground =
                        HoldGround::from_word(word).ok_or_else(|| format!("{word:?} is no ground of a hold"))?;
                    let (alert, deployment) =
                        (AlertId::new(alert).map_err(wrong)?, DeploymentId::new(deployment).map_err(wrong)?);
                    Some(Self { alert, deployment, ground, until: *until })
                }
                (Some(hold), Fact::HoldReleased { .. }) if entry.at < hold.until => {
                    Some(Self { until: entry.at, ..hold })
                }
                (Some(hold), Fact::HeldEvidenceDestroyed { .. }) if entry.at >= hold.until => None,
                (_, Fact::AlertHeld { .. } | Fact::HoldReleased { .. } | Fact::HeldEvidenceDestroyed { .. }) => {
                    return Err("its evidence was held already, was not held, or its hold was not over".into());
                }
                (standing, _) => standing,
            };
        }
        Ok(standing)
    }
}

impl HoldGround {
    /// Every ground.
    pub const ALL: [Self; 3] = [Self::Complaint, Self::LegalProceedings, Self::SubjectsRequest];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::LegalProceedings => "legal proceedings",
            Self::SubjectsRequest => "subject's request",
        }
    }

    /// The ground for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.word() == word)
    }
}
