//! Recording many decisions in one transaction: all of them become true together, or none does.

use domain::{Decided, Declaration, Happening};
use rusqlite::{Transaction, TransactionBehavior};

use crate::error::{Doing as _, StoreError};
use crate::recorded::Recorded;
use crate::store::Store;

/// Most decisions of one transaction: bounds how long others wait, and memory.
pub const BATCH_DECISIONS_MAX: usize = 65_536;

impl Store {
    /// Records these decisions in their order, each measured against those before it, and waits for the disk once. On an
    /// error nothing is recorded. For decisions that `commit` takes and that change nothing beside the record.
    pub fn commit_all<T>(&mut self, decided: Vec<Decided<T>>) -> Result<Vec<Recorded<T>>, StoreError> {
        if decided.len() > BATCH_DECISIONS_MAX {
            let (found, most) = (decided.len() as u64, BATCH_DECISIONS_MAX as u64);
            return Err(StoreError::TooLarge { what: "a batch of decisions", found, most, unit: "decisions" });
        }
        for decision in &decided {
            refuse_other_doors(&decision.event().happening)?;
        }
        let recorded = self.record_in_order(decided);
        if recorded.is_err() {
            // What was read between the writes is no longer on the record.
            self.remembered.replace(None);
        }
        recorded
    }

    fn record_in_order<T>(&mut self, decided: Vec<Decided<T>>) -> Result<Vec<Recorded<T>>, StoreError> {
        let doing = "recording";
        // Unchecked: the record is read through the connection between two writes, and nothing else begins one meanwhile.
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate).doing(doing)?;
        let mut states = Vec::with_capacity(decided.len());
        for decision in decided {
            let (state, event) = decision.into_parts();
            self.insert_event(&event)?;
            states.push(state);
        }
        transaction.commit().doing(doing)?;
        Ok(states.into_iter().map(Recorded::new).collect())
    }
}

/// Only what changes nothing but the record can be recorded with others.
fn refuse_other_doors(happening: &Happening) -> Result<(), StoreError> {
    use Happening as H;
    match happening {
        H::Approved { .. }
        | H::SignageConfirmed { .. }
        | H::Declared(Declaration::Recording { .. })
        | H::Started { .. }
        | H::Paused { .. }
        | H::Resumed { .. }
        | H::AlertAdjudicated { .. }
        | H::OutcomeRecorded { .. }
        | H::MinuteCounted { .. } => Ok(()),
        other => Err(StoreError::OtherDoor { kind: crate::log::kind_word(other), instead: "commit" }),
    }
}

#[cfg(test)]
mod tests {
    use domain::{Counts, Role};

    use super::*;
    use crate::scenes::{Scene, officer};

    /// Receipts of a live deployment, decided one after another and not recorded yet.
    fn receipts(scene: &mut Scene, number: u64) -> Vec<Decided<domain::Live>> {
        let mut live = scene.deployment().expect_live().unwrap().into_inner();
        let mut decided = Vec::new();
        for faces_seen in 0..number {
            let (now, counts) = (scene.tick(), Counts { faces_seen, ..Counts::default() });
            decided.push(live.clone().count(counts, now).unwrap());
            live = live.count(counts, now).unwrap().into_parts().0;
        }
        decided
    }

    #[test]
    fn a_batch_is_recorded_whole_and_in_order() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let before = scene.store().entries(None).unwrap().len();
        let batch = receipts(&mut scene, 40);
        let recorded = scene.store().commit_all(batch).unwrap();
        assert_eq!(recorded.last().unwrap().counted().faces_seen, 780);
        assert_eq!(scene.store().entries(None).unwrap().len(), before + 40);
        assert_eq!(scene.deployment().expect_live().unwrap().counted().faces_seen, 780);
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn where_one_decision_does_not_follow_none_is_recorded() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let before = scene.store().entries(None).unwrap();
        let mut batch = receipts(&mut scene, 5);
        let _left_out = batch.remove(2);
        assert!(matches!(scene.store().commit_all(batch), Err(StoreError::Outdated { .. })));
        assert_eq!(scene.store().entries(None).unwrap(), before);
        let counted = scene.deployment().expect_live().unwrap().counted();
        assert_eq!(counted, Counts::default(), "what was read in the abandoned transaction is forgotten");
        let now = scene.tick();
        let policy = scene.store().policy().unwrap().unwrap();
        let adopted = policy.adopt(&officer(Role::AuthorisingOfficer), now).unwrap();
        assert!(matches!(scene.store().commit_all(vec![adopted]), Err(StoreError::OtherDoor { .. })));
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }
}
