//! The threshold ledger: which measured threshold of each model is in use, since when, why, and by whose two signatures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Equipment, Fact};

/// Most models that one record may set thresholds for.
pub const MODELS_MAX: usize = 1_000;

/// A threshold that is to be used from now on, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdChange {
    /// The model: catalogue name, beginning of the weights' digest, alignment.
    pub model: String,
    /// The threshold in the model's own units, as text so that it is exact.
    pub value: String,
    /// The false-positive identification rate that it was measured to give.
    pub fpir: String,
    /// The evaluation in which it was measured.
    pub evaluation: String,
    /// SHA-256 of that evaluation's results, hexadecimal.
    pub evaluation_digest: String,
    /// Why it is set, in words.
    pub reason: String,
    /// What is expected to change, in words, by group of people.
    pub forecast: BTreeMap<String, String>,
    /// The value in use before; nothing where there was none.
    pub previous: Option<String>,
}

/// The ledger as the record tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    proposed: BTreeMap<String, ThresholdChange>,
    in_use: BTreeMap<String, ThresholdChange>,
}

impl Thresholds {
    /// Takes in the next fact; says what is wrong with it. Facts of other kinds change nothing.
    pub fn read(&mut self, fact: &Fact) -> Vec<String> {
        match fact {
            Fact::ThresholdProposed { change, .. } => self.propose(change),
            Fact::ThresholdSet { change, .. } => self.set(change),
            Fact::DeploymentStarted { deployment, equipment } => {
                let wrong = self.other_than_set(equipment);
                wrong
                    .map(|set| {
                        format!("deployment {deployment} started with another threshold than the {set} that is set")
                    })
                    .into_iter()
                    .collect()
            }
            _ => vec![],
        }
    }

    /// What is in use for a model, if the ledger says.
    pub fn in_use(&self, model: &str) -> Option<&ThresholdChange> {
        self.in_use.get(model)
    }

    /// What was proposed last for a model and is not set yet.
    pub fn proposed(&self, model: &str) -> Option<&ThresholdChange> {
        self.proposed.get(model)
    }

    /// The value that is set for the model of this equipment, where the equipment has another.
    pub fn other_than_set(&self, equipment: &Equipment) -> Option<&str> {
        let weights = equipment.weights_sha256.get(..16).unwrap_or(&equipment.weights_sha256);
        let model = format!("{}/{weights}/", equipment.recogniser);
        let set = self.in_use.iter().find(|(name, _)| name.starts_with(&model)).map(|(_, change)| change)?;
        let same = set.value == equipment.threshold && set.evaluation == equipment.threshold_evaluation;
        (!same).then_some(set.value.as_str())
    }

    fn propose(&mut self, change: &ThresholdChange) -> Vec<String> {
        if self.proposed.len() >= MODELS_MAX && !self.proposed.contains_key(&change.model) {
            return vec![format!("thresholds of more than {MODELS_MAX} models are proposed")];
        }
        let mut wrong = Vec::new();
        let in_use = self.in_use.get(&change.model).map(|set| &set.value);
        if in_use != change.previous.as_ref() {
            wrong.push(format!("the threshold of {} is proposed to follow another than the one in use", change.model));
        }
        if change.reason.trim().is_empty() || change.forecast.is_empty() {
            wrong.push(format!(
                "the threshold of {} is proposed without a reason or without its forecast",
                change.model
            ));
        }
        self.proposed.insert(change.model.clone(), change.clone());
        wrong
    }

    fn set(&mut self, change: &ThresholdChange) -> Vec<String> {
        if self.proposed.remove(&change.model).as_ref() != Some(change) {
            return vec![format!("the threshold of {} was set, but not proposed like this", change.model)];
        }
        self.in_use.insert(change.model.clone(), change.clone());
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::threshold_change;

    fn equipment(threshold: &str) -> Equipment {
        Equipment {
            software: "overt".into(),
            detector: "det".into(),
            recogniser: "rec".into(),
            weights_sha256: "0123456789abcdef0123".into(),
            engine: "eng".into(),
            threshold: threshold.into(),
            threshold_fpir: "0.001".into(),
            threshold_evaluation: "set of 2026".into(),
        }
    }

    fn proposed(change: ThresholdChange) -> Fact {
        Fact::ThresholdProposed { change, role: "proposer".into() }
    }

    fn set(change: ThresholdChange) -> Fact {
        Fact::ThresholdSet { change, proposed_by: "proposer".into(), approved_by: "authorising officer".into() }
    }

    fn started(threshold: &str) -> Fact {
        Fact::DeploymentStarted { deployment: "d1".into(), equipment: equipment(threshold) }
    }

    #[test]
    fn a_threshold_is_in_use_from_when_it_is_set_and_every_start_is_measured_by_it() {
        let (mut ledger, change) = (Thresholds::default(), threshold_change());
        assert!(ledger.read(&started("0.4")).is_empty(), "nothing is set yet");
        assert!(ledger.read(&proposed(change.clone())).is_empty());
        assert!(ledger.read(&started("0.4")).is_empty() && ledger.in_use(&change.model).is_none());
        assert!(ledger.read(&set(change.clone())).is_empty());
        assert_eq!(ledger.in_use(&change.model), Some(&change));
        assert!(ledger.read(&started("0.5")).is_empty());
        assert!(ledger.read(&started("0.4"))[0].contains("than the 0.5 that is set"));
        let next = ThresholdChange { value: "0.6".into(), previous: Some("0.5".into()), ..change };
        assert!(ledger.read(&proposed(next.clone())).is_empty());
        assert!(ledger.read(&set(next)).is_empty());
        assert!(!ledger.read(&started("0.5")).is_empty());
    }

    #[test]
    fn what_was_not_proposed_like_this_is_told() {
        let (mut ledger, change) = (Thresholds::default(), threshold_change());
        assert!(ledger.read(&set(change.clone()))[0].contains("not proposed like this"));
        ledger.read(&proposed(change.clone()));
        let other = ThresholdChange { value: "0.1".into(), ..change.clone() };
        assert!(!ledger.read(&set(other)).is_empty());
        let follows = ThresholdChange { previous: Some("0.9".into()), ..change.clone() };
        assert!(ledger.read(&proposed(follows))[0].contains("another than the one in use"));
        let silent = ThresholdChange { reason: " ".into(), ..change.clone() };
        assert!(ledger.read(&proposed(silent))[0].contains("without a reason"));
        let blind = ThresholdChange { forecast: BTreeMap::new(), ..change };
        assert!(ledger.read(&proposed(blind))[0].contains("without its forecast"));
    }
}
