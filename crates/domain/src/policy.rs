//! The policy profile in force: every number a rule needs, checked once when it is adopted.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::refusal::Refusal;
use crate::threshold::{ModelId, Threshold};

/// Hard ceiling on how long an alert may be kept. FIELD: 24 h in South Wales; no profile may exceed 31 days.
pub const ALERT_RETENTION_MAX: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Hard ceiling on how long one deployment may last.
pub const DEPLOYMENT_LENGTH_MAX: SignedDuration = SignedDuration::from_hours(24);
/// Hard ceiling on how long frames may flow without asking the store whether the deployment is still live.
pub const LEASE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// Hard ceiling on the age of a watchlist. FIELD: built at most 24 h before a deployment.
pub const WATCHLIST_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

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
    /// Oldest a watchlist may be when the deployment starts.
    pub watchlist_age_max: SignedDuration,
    /// Most people on a watchlist.
    pub watchlist_people_max: u32,
    /// How long a deployment may last.
    pub deployment_length_max: SignedDuration,
    /// How long frames flow before the store is asked again.
    pub lease: SignedDuration,
    /// How long an alert's evidence is kept.
    pub alert_retention: SignedDuration,
    /// Largest false-positive identification rate a threshold may have been measured at.
    pub threshold_fpir_max: f64,
    /// Least side of a face, in pixels, that is compared.
    pub face_side_px_min: u32,
    /// One measured threshold for each model that may be used.
    pub thresholds: Vec<Threshold>,
    /// Why: closed vocabulary.
    pub purposes: Vec<String>,
    /// Who: closed vocabulary of grounds for listing.
    pub grounds: Vec<String>,
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

    /// Every contradiction found, in the order of the settings; empty when the profile may be adopted.
    pub fn faults(&self) -> Vec<PolicyFault> {
        let mut faults = Vec::new();
        let mut within = |setting, value: SignedDuration, ceiling: SignedDuration| {
            if value <= SignedDuration::ZERO || value > ceiling {
                faults.push(PolicyFault {
                    setting,
                    wrong: format!(
                        "found {}; it must be longer than nothing and at most {}",
                        words(value),
                        words(ceiling)
                    ),
                });
            }
        };
        within("watchlist_age_max", self.watchlist_age_max, WATCHLIST_AGE_MAX);
        within("deployment_length_max", self.deployment_length_max, DEPLOYMENT_LENGTH_MAX);
        within("lease", self.lease, LEASE_MAX);
        within("alert_retention", self.alert_retention, ALERT_RETENTION_MAX);
        if self.notice_lead.is_negative() {
            faults.push(PolicyFault { setting: "notice_lead", wrong: "it may not be negative".into() });
        }
        if !(self.threshold_fpir_max > 0.0 && self.threshold_fpir_max <= 0.1) {
            let wrong = format!("found {}; it must be above 0 and at most 0.1", self.threshold_fpir_max);
            faults.push(PolicyFault { setting: "threshold_fpir_max", wrong });
        }
        for threshold in &self.thresholds {
            if threshold.fpir() > self.threshold_fpir_max {
                let wrong = format!(
                    "{} was measured at {}, above threshold_fpir_max",
                    threshold.model().as_str(),
                    threshold.fpir()
                );
                faults.push(PolicyFault { setting: "thresholds", wrong });
            }
        }
        if self.alert_retention < self.deployment_length_max {
            let wrong = "an alert would expire while its deployment may still run; keep alerts at least as long".into();
            faults.push(PolicyFault { setting: "alert_retention", wrong });
        }
        if self.watchlist_people_max == 0 {
            faults.push(PolicyFault {
                setting: "watchlist_people_max",
                wrong: "a watchlist of nobody finds nobody".into(),
            });
        }
        for (setting, words) in [("purposes", &self.purposes), ("grounds", &self.grounds)] {
            if words.is_empty() || words.iter().any(|word| word.trim().is_empty()) {
                faults.push(PolicyFault { setting, wrong: "the vocabulary is empty or has an empty word".into() });
            }
        }
        faults
    }
}

/// A duration as people say it.
fn words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sound() -> Policy {
        Policy {
            profile: "exercise".into(),
            version: 1,
            digest: "00".into(),
            notice_lead: SignedDuration::from_secs(10),
            watchlist_age_max: SignedDuration::from_hours(24),
            watchlist_people_max: 100,
            deployment_length_max: SignedDuration::from_hours(2),
            lease: SignedDuration::from_secs(30),
            alert_retention: SignedDuration::from_hours(24),
            threshold_fpir_max: 0.01,
            face_side_px_min: 40,
            thresholds: vec![Threshold::new(ModelId::new("m"), 0.5, 0.001, "set".into()).unwrap()],
            purposes: vec!["exercise".into()],
            grounds: vec!["exercise subject".into()],
        }
    }

    type Breakage = (&'static str, fn(&mut Policy));

    #[test]
    fn a_sound_policy_has_no_faults_and_each_ceiling_is_held() {
        assert_eq!(sound().faults(), vec![]);
        let broken: Vec<Breakage> = vec![
            ("watchlist_age_max", |p| p.watchlist_age_max = SignedDuration::from_hours(25)),
            ("deployment_length_max", |p| p.deployment_length_max = SignedDuration::ZERO),
            ("alert_retention", |p| p.alert_retention = SignedDuration::from_hours(1)),
            ("thresholds", |p| p.thresholds.push(Threshold::new(ModelId::new("n"), 0.5, 0.05, "set".into()).unwrap())),
            ("lease", |p| p.lease = SignedDuration::from_mins(6)),
            ("alert_retention", |p| p.alert_retention = SignedDuration::from_hours(31 * 24 + 1)),
            ("notice_lead", |p| p.notice_lead = SignedDuration::from_secs(-1)),
            ("threshold_fpir_max", |p| p.threshold_fpir_max = f64::NAN),
            ("watchlist_people_max", |p| p.watchlist_people_max = 0),
            ("purposes", |p| p.purposes.clear()),
            ("grounds", |p| p.grounds.push(" ".into())),
        ];
        for (setting, break_it) in broken {
            let mut policy = sound();
            break_it(&mut policy);
            let found: Vec<_> = policy.faults().iter().map(|fault| fault.setting).collect();
            assert_eq!(found, vec![setting]);
        }
    }
}
