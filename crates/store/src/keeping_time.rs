//! What the clock does without anybody: deployments that never began lapse, and what is due is destroyed.
//!
//! A deployment that runs is ended by the run itself, which alone knows what it has counted since the last receipt; one
//! whose process died is ended by the recovery. Both ask [`domain::Deployment::due`], as this does.

use std::collections::BTreeMap;

use domain::alert::Truth;
use domain::{DeploymentId, Due, Judgement, Operation, OperationId, Outcome};
use evidence::Fact;
use jiff::Timestamp;
use rusqlite::OptionalExtension as _;

use crate::error::{Doing as _, StoreError};
use crate::log::entry_of;
use crate::store::Store;

impl Store {
    /// Does everything that is due now: gives up what never began and no longer may, and purges what has ended; replaces keys that
    /// have lain too long. Returns the deployments concerned. Where no policy is in force there is no deployment
    /// either; where its text is of an older version, what has ended is purged all the same.
    pub fn keep_time(&mut self, now: Timestamp) -> Result<Vec<DeploymentId>, StoreError> {
        let policy = self.policy_if_readable()?;
        let mut done = Vec::new();
        for d in self.unfinished()? {
            let Some(policy) = &policy else { break };
            let deployment = self.deployment(&d)?.into_inner();
            if let Some(Due::Lapse(_)) = deployment.due(policy, now) {
                self.commit(deployment.lapse(policy, now)?)?;
                done.push(d);
            }
        }
        done.extend(self.purge_due(now)?);
        self.rotate_due(now)?;
        Ok(done)
    }

    /// Alerts of a deployment that a person judged to be of somebody else, or that an identity check showed wrong.
    pub fn false_alerts(&self, d: &DeploymentId) -> Result<u64, StoreError> {
        let not_this_person = Judgement::NotThisPerson.word();
        let mut is_false = BTreeMap::new();
        for (_, entry) in self.entries(Some(d))? {
            let (alert, found) = match entry.fact {
                Fact::AlertAdjudicated { alert, judgement, .. } => (alert, judgement == not_this_person),
                Fact::AlertJudgedTwice { alert, first, second, .. } => {
                    (alert, first == not_this_person || second == not_this_person)
                }
                Fact::OutcomeRecorded { alert, outcome, .. } | Fact::OutcomeReclassified { alert, outcome, .. } => {
                    match Outcome::from_word(&outcome).map(Outcome::truth) {
                        Some(Truth::False) => (alert, true),
                        Some(Truth::True) => (alert, false),
                        // No check was made: what the judgement said stands.
                        Some(Truth::Unconfirmed) | None => continue,
                    }
                }
                _ => continue,
            };
            is_false.insert(alert, found);
        }
        Ok(is_false.into_values().filter(|found| *found).count() as u64)
    }

    /// The operation of this name, as its entry says.
    pub fn operation(&self, operation: &OperationId) -> Result<Operation, StoreError> {
        let doing = "reading an operation";
        let unknown = || StoreError::Unknown { what: "the operation", name: operation.to_string() };
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT n.bytes, n.seq FROM operations o JOIN entries n ON n.seq = o.entry WHERE o.operation = ?1",
            )
            .doing(doing)?;
        let read = statement.query_row([operation.as_str()], |row| Ok((entry_of(row, 0, row.get(1)?), row.get(1)?)));
        let (entry, number): (_, u64) = read.optional().doing(doing)?.ok_or_else(unknown)?;
        let damaged = || StoreError::Damaged {
            what: format!("entry {number}"),
            found: format!("it does not open the operation {operation}"),
        };
        Operation::remembered(&entry?.fact).filter(|found| found.operation == *operation).ok_or_else(damaged)
    }

    /// Deployments that are neither purged nor withdrawn, in the order of their proposals.
    pub fn unfinished(&self) -> Result<Vec<DeploymentId>, StoreError> {
        self.deployment_ids(
            "SELECT deployment FROM events WHERE kind = 'deployment-proposed' AND deployment NOT IN
             (SELECT deployment FROM events WHERE kind IN ('deployment-purged', 'deployment-withdrawn')) ORDER BY seq",
        )
    }
}

#[cfg(test)]
mod tests {
    use domain::Deployment;
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::{LISTED_IMAGE, Scene, files_holding};

    #[test]
    fn a_deployment_that_never_began_lapses_with_its_list_when_its_window_closes() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ready("kx-1");
        let ends = scene.deployment().plan().ends;
        assert_eq!(scene.store().keep_time(ends - SignedDuration::from_secs(1)).unwrap(), vec![]);
        let d = scene.d();
        assert_eq!(scene.store().keep_time(ends).unwrap(), vec![d.clone()]);
        assert!(matches!(*scene.deployment(), Deployment::Withdrawn(_)));
        let rows = scene.store().connection.query_row("SELECT count(*) FROM watchlist_entries", [], |row| row.get(0));
        assert_eq!(rows, Ok(0_u64));
        assert_eq!(files_holding(&scene.dir(), LISTED_IMAGE), 0);
        assert_eq!(scene.store().keep_time(ends).unwrap(), vec![]);
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn what_has_ended_is_purged_when_due() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        let policy = scene.store().policy().unwrap().unwrap();
        let Deployment::Ended(ended) = scene.deployment().into_inner() else { panic!("ended") };
        let due = ended.purge_due(&policy);
        assert_eq!(scene.store().keep_time(due - SignedDuration::from_secs(1)).unwrap(), vec![]);
        assert_eq!(scene.store().keep_time(due).unwrap(), vec![scene.d()]);
        assert!(matches!(*scene.deployment(), Deployment::Purged(_)));
    }

    #[test]
    fn an_operation_is_read_back_as_it_was_opened() {
        let mut scene = Scene::new();
        scene.operation();
        let operation = scene.store().operation(&OperationId::new("op-1").unwrap()).unwrap();
        assert_eq!((operation.title.as_str(), operation.outside_authoriser), ("Exercise", None));
        let none = scene.store().operation(&OperationId::new("op-2").unwrap());
        assert!(matches!(none, Err(StoreError::Unknown { .. })));
    }
}
