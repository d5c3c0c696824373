//! The threshold ledger, read from the record, and the door at which another threshold than the one in use is refused.

use domain::deployment::Recollection;
use domain::{ModelId, ProposedThreshold, Refusal};
use evidence::{Entry, Fact, Thresholds};

use crate::error::{Doing as _, StoreError};
use crate::log::{actor_of, entry_of};
use crate::store::Store;

impl Store {
    /// Which threshold of each model is in use, and which are proposed.
    pub fn thresholds(&self) -> Result<Thresholds, StoreError> {
        let mut ledger = Thresholds::default();
        for recollection in self.threshold_entries()? {
            // What is wrong on the record is the check's to tell; it was refused when it was to be recorded.
            ledger.read(&recollection.entry.fact);
        }
        Ok(ledger)
    }

    /// The threshold that was proposed last for a model and waits for another officer's approval.
    pub fn proposed_threshold(&self, model: &ModelId) -> Result<ProposedThreshold, StoreError> {
        let unknown = || StoreError::Unknown { what: "a proposed threshold of", name: model.as_str().to_owned() };
        let ledger = self.thresholds()?;
        let waiting = ledger.proposed(model.as_str()).ok_or_else(unknown)?;
        let entries = self.threshold_entries()?;
        let proposals = entries.iter().rev().filter_map(ProposedThreshold::remembered);
        proposals.into_iter().find(|proposed| proposed.change() == waiting).ok_or_else(unknown)
    }

    /// Refuses an entry that does not follow from the ledger: another threshold at a start, or one set without proposal.
    pub(crate) fn refuse_other_threshold(&self, entry: &Entry) -> Result<(), StoreError> {
        match &entry.fact {
            Fact::DeploymentStarted { equipment, .. } => match self.thresholds()?.other_than_set(equipment) {
                Some(set) => Err(Refusal::ThresholdNotInUse { set: set.to_owned() }.into()),
                None => Ok(()),
            },
            Fact::ThresholdProposed { change, .. } | Fact::ThresholdSet { change, .. } => {
                let wrong = self.thresholds()?.read(&entry.fact);
                let name = format!("the threshold of {}", change.model);
                if wrong.is_empty() { Ok(()) } else { Err(StoreError::Outdated { name, found: wrong.join("; ") }) }
            }
            _ => Ok(()),
        }
    }

    fn threshold_entries(&self) -> Result<Vec<Recollection>, StoreError> {
        let doing = "reading the threshold ledger";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT n.seq, n.bytes, v.actor FROM events v JOIN entries n ON n.event = v.seq
                 WHERE v.kind IN ('threshold-proposed', 'threshold-set') ORDER BY v.seq",
            )
            .doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let number: u64 = row.get(0).doing(doing)?;
            let actor = actor_of(row.get(2).doing(doing)?, number)?;
            entries.push(Recollection { actor, entry: entry_of(row, 1, number)? });
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{Role, ThresholdWish};

    use super::*;
    use crate::scenes::{Scene, officer};

    fn wish(model: &ModelId) -> ThresholdWish {
        ThresholdWish {
            model: model.clone(),
            evaluation_digest: "ab".repeat(32),
            reason: "as measured".into(),
            forecast: BTreeMap::from([("everybody".into(), "nothing".into())]),
        }
    }

    #[test]
    fn two_officers_set_a_threshold_and_it_is_read_back_from_the_record() {
        let mut scene = Scene::new();
        scene.operation();
        let policy = scene.store().policy().unwrap().unwrap();
        let model = policy.thresholds[0].model().clone();
        let now = scene.tick();
        assert!(matches!(scene.store().proposed_threshold(&model), Err(StoreError::Unknown { .. })));
        let ledger = scene.store().thresholds().unwrap();
        let proposed = wish(&model).propose(&ledger, &officer(Role::Proposer), &policy, now).unwrap();
        scene.store().commit(proposed).unwrap();
        scene.reopen();
        let waiting = scene.store().proposed_threshold(&model).unwrap();
        let (first, second) = (waiting.clone(), waiting);
        let approver = officer(Role::AuthorisingOfficer);
        scene.store().commit(first.approve(&approver, &policy, now).unwrap()).unwrap();
        let twice = second.approve(&approver, &policy, now).unwrap();
        assert!(matches!(scene.store().commit(twice), Err(StoreError::Outdated { .. })));
        let ledger = scene.store().thresholds().unwrap();
        assert_eq!(ledger.in_use(model.as_str()).unwrap().value, policy.thresholds[0].value().to_string());
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }
}
