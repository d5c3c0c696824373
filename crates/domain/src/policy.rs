//! The policy profile in force: every number and word a rule needs, checked once when it is adopted.

mod choices;
mod limits;
mod lengths;
mod numbers;
mod vocabularies;
mod said;
mod schedule;
mod assessment;
mod words;

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::refusal::Refusal;
use crate::threshold::{ModelId, Threshold};

pub use assessment::{RISKS, Risk};
pub use choices::{Adjudicators, OutsideAuthoriser, Roles, SourceKind};
pub use limits::{Range, ranges};
pub use said::{Part, Said};
pub use schedule::{Held, Kept, Term};
pub use vocabularies::{VOCABULARY_WORDS_MAX, WORD_CHARS_MAX};

/// A policy profile. Read from a file by the store; its digest is on the public record.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Name of the profile.
    pub profile: String,
    /// Its version; a changed number is a new version.
    pub version: u32,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub digest: String,

    /// Least time between the public notice and the start.
    pub notice_lead: SignedDuration,
    /// Within what time an urgent approval must be ratified; nothing where there is no urgent route.
    pub urgent_ratification: Option<SignedDuration>,
    /// Oldest a watchlist may be when the deployment starts.
    pub watchlist_age_max: SignedDuration,
    /// Oldest a listed image may be when it is entered.
    pub image_age_max: SignedDuration,
    /// How long a deployment may last.
    pub deployment_length_max: SignedDuration,
    /// How long frames flow before the store is asked again.
    pub lease: SignedDuration,
    /// How long an alert's evidence is kept.
    pub alert_retention: SignedDuration,
    /// How long after the alert a hold may keep its evidence.
    pub alert_hold_max: SignedDuration,
    /// How long a complaint is kept.
    pub complaint_retention: SignedDuration,
    /// How long "was I on a list?" can be answered.
    pub commitment_retention: SignedDuration,
    /// How long a suppression entry lasts.
    pub suppression_length_max: SignedDuration,
    /// How long a share lasts.
    pub share_length_max: SignedDuration,
    /// How long after a share's use its outcome is due.
    pub outcome_due: SignedDuration,
    /// How long training counts.
    pub training_validity: SignedDuration,
    /// How long the record may go without a signed checkpoint.
    pub checkpoint_interval: SignedDuration,

    /// Most people on a watchlist.
    pub watchlist_people_max: u32,
    /// Most images of one person on a watchlist.
    pub images_per_person_max: u32,
    /// From what age on somebody is an adult.
    pub adult_age_years: u32,
    /// How alike two listed people may be, as a share of the threshold, before a person looks at the pair.
    pub look_alike_score: f64,
    /// Least distance between the eyes in a listed image, in pixels.
    pub eye_distance_px_min: u32,
    /// Least sharpness of a listed image, from 0 to 100.
    pub sharpness_min: f64,
    /// Least side of a face, in pixels, that is compared.
    pub face_side_px_min: u32,
    /// Largest false-positive identification rate a threshold may have been measured at.
    pub threshold_fpir_max: f64,
    /// False alerts among faces seen, above which comparison pauses.
    pub false_alert_rate_max: f64,
    /// Faces that must have been seen before that rate counts.
    pub false_alert_faces_min: u64,
    /// Ratio of the error rates of two groups, above which comparison pauses.
    pub differential_ratio_max: f64,
    /// One measured threshold for each model that may be used.
    pub thresholds: Vec<Threshold>,

    /// Why: closed vocabulary.
    pub purposes: Vec<String>,
    /// Who: closed vocabulary of grounds for listing.
    pub grounds: Vec<String>,
    /// Who needs a recorded higher approval before being listed.
    pub protected_grounds: Vec<String>,
    /// Where: closed vocabulary of grounds for a place, each of which needs evidence.
    pub place_grounds: Vec<String>,
    /// What makes a deployment urgent.
    pub urgent_grounds: Vec<String>,
    /// Documents that must be on the record before a deployment is announced.
    pub documents: Vec<String>,
    /// What may follow an alert.
    pub outcomes: Vec<String>,
    /// Lawful powers for operator-initiated use; empty where it is forbidden.
    pub oifr_powers: Vec<String>,
    /// Classes of places for operator-initiated use; empty where it is forbidden.
    pub oifr_place_classes: Vec<String>,

    /// What frames may come from.
    pub sources: Vec<SourceKind>,
    /// How many people judge an alert.
    pub second_adjudicator: Adjudicators,
    /// Whether somebody outside must sign.
    pub outside_authoriser: OutsideAuthoriser,
    /// Who may propose and approve.
    pub roles: Roles,
}

/// A contradiction in a policy profile.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyFault {
    /// The setting.
    pub setting: &'static str,
    /// What is wrong with it, as a sentence.
    pub wrong: String,
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.setting, self.wrong)
    }
}

impl Policy {
    /// Puts the profile in force, if it does not contradict itself.
    pub fn adopt(self, officer: &Officer, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::AuthorisingOfficer], "adopt a policy", now)?;
        let faults = self.faults();
        if !faults.is_empty() {
            let faults = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return Err(Refusal::PolicyContradictsItself { faults });
        }
        let happening = Happening::PolicyAdopted {
            profile: self.profile.clone(),
            version: self.version,
            digest: self.digest.clone(),
        };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// The measured threshold of a model; a model without one may not be used.
    pub fn threshold_for(&self, model: &ModelId) -> Result<&Threshold, Refusal> {
        self.thresholds.iter().find(|threshold| threshold.model() == model).ok_or(Refusal::ThresholdNotMeasured)
    }

    /// The score from which on two listed people are flagged as look-alikes, in the units of the threshold. Where scores
    /// are distances below nothing, a smaller share is further below.
    pub fn look_alike_floor(&self, threshold: &Threshold) -> f64 {
        let value = f64::from(threshold.value());
        if value < 0.0 { value / self.look_alike_score } else { value * self.look_alike_score }
    }

    /// Every contradiction found, in the order of the file; empty when the profile may be adopted.
    pub fn faults(&self) -> Vec<PolicyFault> {
        [lengths::faults(self), numbers::faults(self), vocabularies::faults(self), choices::faults(self)].concat()
    }
}

#[cfg(test)]
pub(crate) mod tests;
