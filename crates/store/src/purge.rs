//! The end of what was sealed: the key first, then the rows together with their line on the record, then freed space.
//!
//! A purge, in order, each step durable before the next:
//! 0. the database notes that the key is being destroyed; from here on nothing of the deployment opens;
//! 1. the key file is overwritten and removed;
//! 2. one transaction deletes the sealed rows, records `deployment-purged` and notes that freed space must be wiped;
//! 3. the database is rewritten without deleted rows, the write-ahead log emptied, and the note of step 2 removed.
//!
//! A crash before step 0 leaves everything as it was. After it, `purge_due` finishes the purge whatever the time; what
//! only step 3 lacks, the next opening finishes. A withdrawal does step 2 first (with `deployment-withdrawn`), because a
//! refused withdrawal must leave the deployment whole; then 1 and 3, which the next opening finishes after a crash.

use domain::deployment::Destroyed;
use domain::{Decided, Deployment, DeploymentId, Ended, Policy, Purged};
use evidence::Fact;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use crate::database;
use crate::error::{Doing as _, StoreError};
use crate::recorded::Recorded;
use crate::sealing::{KeyKind, KeyState};
use crate::store::Store;
use crate::trace;
use crate::watchlist::delete_list;

impl Store {
    /// Destroys everything sealed for a deployment that has ended, its key first, and records that it is done.
    pub fn purge(&mut self, ended: Recorded<Ended>, now: Timestamp) -> Result<Recorded<Purged>, StoreError> {
        let d = ended.plan().deployment.clone();
        self.refuse_earlier(now)?;
        let ended = self.deployment(&d)?.expect_ended()?;
        self.reveal_seeds(&ended, now)?;
        let ended = ended.into_inner();
        self.destroy_watchlist(&d, now)?;
        self.begin_destruction(&d)?;
        self.key_folder().destroy(&d)?;
        let purged = self.record_purge(ended, &d, now)?;
        self.wipe().map_err(|source| StoreError::NotWiped { deployment: d.to_string(), source: Box::new(source) })?;
        Ok(purged)
    }

    /// Purges every ended deployment whose time has come, and finishes purges that a crash cut short. Its time is the
    /// policy's, and never later than the record promised for any of its alerts. Returns those purged. In
    /// the same run everything else that has a clock goes: held evidence, complaints, codes of receipts, overdue shares.
    pub fn purge_due(&mut self, now: Timestamp) -> Result<Vec<DeploymentId>, StoreError> {
        self.end_suppressions_due(now)?;
        let policy = self.policy_if_readable()?;
        let mut purged = Vec::new();
        for d in self.deployment_ids("SELECT deployment FROM sealing_keys ORDER BY deployment")? {
            let Deployment::Ended(ended) = self.deployment(&d)?.into_inner() else { continue };
            self.destroy_watchlist(&d, now)?;
            let begun = self.key_folder().state(&d)? == KeyState::Destroying;
            if begun || now >= self.due(&ended, policy.as_ref())? {
                self.purge(Recorded::new(ended), now)?;
                purged.push(d);
            }
        }
        self.run_other_clocks(now)?;
        self.destroy_commitments_due(now)?;
        Ok(purged)
    }

    /// Everything else that has a clock: holds, complaints, codes of receipts, shares whose outcome is overdue.
    fn run_other_clocks(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.purge_holds(now)?;
        self.forget_complaints(now)?;
        self.forget_receipts(now)?;
        self.revoke_overdue_shares(now)?;
        Ok(())
    }

    /// When a deployment that has ended must be purged at the latest: where no profile can be read, nothing is kept but
    /// what the record promised to keep.
    pub(crate) fn due(&self, ended: &Ended, policy: Option<&Policy>) -> Result<Timestamp, StoreError> {
        let entries = self.entries(Some(&ended.plan().deployment))?;
        let promised = entries.iter().filter_map(|(_, entry)| match &entry.fact {
            Fact::AlertRaised { expires, .. } => Some(*expires),
            _ => None,
        });
        let promised = promised.min();
        Ok(match policy {
            Some(policy) => ended.purge_due(policy).min(promised.unwrap_or(Timestamp::MAX)),
            None => promised.unwrap_or(ended.ended()),
        })
    }

    /// Records a withdrawal, and destroys what had been sealed for the deployment.
    pub(crate) fn record_withdrawal<T>(
        &mut self,
        decided: Decided<T>,
        d: &DeploymentId,
    ) -> Result<Recorded<T>, StoreError> {
        let something_sealed = self.key_folder().state(d)? != KeyState::None;
        let withdrawn = self.record(decided, |transaction, _| {
            if something_sealed {
                delete_withdrawn(transaction, d)?;
                note_wipe_due(transaction)?;
            }
            Ok(())
        })?;
        if something_sealed {
            let destroyed = self.finish_withdrawal(d).and_then(|()| self.wipe());
            destroyed.map_err(|source| StoreError::NotWiped { deployment: d.to_string(), source: Box::new(source) })?;
        }
        Ok(withdrawn)
    }

    /// Finishes what a crash cut short and no decision is needed for: keys of withdrawn deployments, and wiping.
    pub(crate) fn finish_interrupted(&mut self) -> Result<(), StoreError> {
        for d in self.deployment_ids("SELECT deployment FROM sealing_keys WHERE destroying = 1")? {
            if matches!(*self.deployment(&d)?, Deployment::Withdrawn(_)) {
                self.finish_withdrawal(&d)?;
            }
        }
        self.finish_watchlists()?;
        self.finish_suppressions()?;
        if wipe_is_due(&self.connection)? { self.wipe() } else { self.empty_log_of_writes() }
    }

    fn begin_destruction(&mut self, d: &DeploymentId) -> Result<(), StoreError> {
        let doing = "noting that a key is being destroyed";
        let transaction = self.connection.transaction().doing(doing)?;
        note_destruction(&transaction, d)?;
        transaction.commit().doing(doing)
    }

    fn record_purge(&mut self, ended: Ended, d: &DeploymentId, now: Timestamp) -> Result<Recorded<Purged>, StoreError> {
        let count = |sql| {
            self.connection.query_row(sql, [d.as_str()], |row| row.get::<_, u64>(0)).doing("counting what is sealed")
        };
        let destroyed = Destroyed {
            alerts: count(
                "SELECT count(*) FROM alerts WHERE deployment = ?1 AND alert NOT IN (SELECT alert FROM held_alerts)",
            )?,
            watchlist_images: count("SELECT count(*) FROM watchlist_entries WHERE deployment = ?1")?,
        };
        let purged = self.record(ended.purge(destroyed, now), |transaction, _| {
            delete_sealed(transaction, d)?;
            forget_key(transaction, d)?;
            note_wipe_due(transaction)
        })?;
        trace::purged(&destroyed);
        Ok(purged)
    }

    /// The key of alerts is forgotten last: while it is noted, the next opening finishes all of them.
    fn finish_withdrawal(&mut self, d: &DeploymentId) -> Result<(), StoreError> {
        for kind in [KeyKind::Watchlist, KeyKind::Commitments, KeyKind::Evidence] {
            self.keys_of(kind).destroy(d)?;
            kind.forget(&self.connection, d)?;
        }
        Ok(())
    }

    /// Leaves nothing of deleted rows in the write-ahead log.
    pub(crate) fn empty_log_of_writes(&mut self) -> Result<(), StoreError> {
        self.connection.flush_prepared_statement_cache();
        database::empty_write_ahead_log(&self.connection)
    }

    /// Wipes freed space and empties the write-ahead log.
    pub(crate) fn wipe(&mut self) -> Result<(), StoreError> {
        // Kept statements would hold the database's old pages in memory; VACUUM wants none running.
        self.connection.flush_prepared_statement_cache();
        database::wipe_freed_space(&self.connection)?;
        self.connection
            .execute("DELETE FROM settings WHERE name = 'wipe_due'", [])
            .doing("noting that freed space is wiped")?;
        database::empty_write_ahead_log(&self.connection)?;
        trace::wiped();
        Ok(())
    }
}

fn note_destruction(connection: &Connection, d: &DeploymentId) -> Result<(), StoreError> {
    KeyKind::Evidence.begin_destruction(connection, d)
}

fn delete_sealed(transaction: &Transaction<'_>, d: &DeploymentId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM first_judgements WHERE deployment = ?1",
        "DELETE FROM seed_judgements WHERE seed IN (SELECT seed FROM seeds WHERE deployment = ?1)",
        "DELETE FROM seeds WHERE deployment = ?1",
        "DELETE FROM seedings WHERE deployment = ?1",
        "DELETE FROM alert_listings WHERE deployment = ?1",
        "DELETE FROM alerts WHERE deployment = ?1",
    ] {
        transaction.execute(sql, [d.as_str()]).doing("deleting what was sealed")?;
    }
    delete_list(transaction, d)
}

/// A list that was never used: its people were compared with nobody, so nothing has to answer for it.
fn delete_withdrawn(transaction: &Transaction<'_>, d: &DeploymentId) -> Result<(), StoreError> {
    for kind in [KeyKind::Watchlist, KeyKind::Commitments, KeyKind::Evidence] {
        kind.begin_destruction(transaction, d)?;
    }
    delete_sealed(transaction, d)?;
    transaction
        .execute("DELETE FROM listed_commitments WHERE deployment = ?1", [d.as_str()])
        .doing("deleting commitments")
        .map(drop)
}

fn forget_key(connection: &Connection, d: &DeploymentId) -> Result<(), StoreError> {
    KeyKind::Evidence.forget(connection, d)
}

/// Notes that freed space still holds what was deleted.
pub(crate) fn note_wipe_due(connection: &Connection) -> Result<(), StoreError> {
    connection
        .execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('wipe_due', 'yes')", [])
        .doing("noting that freed space must be wiped")
        .map(drop)
}

fn wipe_is_due(connection: &Connection) -> Result<bool, StoreError> {
    let due = connection.query_row("SELECT 1 FROM settings WHERE name = 'wipe_due'", [], |_| Ok(())).optional();
    due.map(|due| due.is_some()).doing("looking for unfinished wiping")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::Role;
    use jiff::SignedDuration;

    use super::*;
    use crate::directory::DATABASE;
    use crate::scenes::{Scene, officer, remnants, sealed_bytes};

    #[test]
    fn after_a_purge_no_file_holds_anything_that_was_sealed() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        let sealed = sealed_bytes(&mut scene);
        assert_eq!(sealed.len(), 1 + 1 + 2 + 3 + 1, "the list itself ended with the deployment");
        assert_eq!(remnants(&scene.dir(), &sealed), sealed.len(), "before");
        let (d, key) = (scene.d(), scene.d());
        let key = scene.store().key_folder().path(&key);
        scene.purged();
        assert_eq!(remnants(&scene.dir(), &sealed), 0, "after");
        assert!(!key.exists());
        assert_eq!(scene.store().alerts(&d).unwrap(), vec![]);
        assert!(matches!(scene.store().listed_image(&d, 1), Err(StoreError::Destroyed { .. })));
        assert_eq!(scene.store().check().unwrap(), vec![]);
        scene.close();
        assert_eq!(remnants(&scene.dir(), &sealed), 0, "closed");
    }

    #[test]
    fn another_deployment_is_left_whole() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        let first = scene.d();
        let kept = scene.ended("kx-2");
        let ended = scene.store().deployment(&first).unwrap().expect_ended().unwrap();
        let now = scene.tick();
        scene.store().purge(ended, now).unwrap();
        let (d, now) = (scene.d(), scene.tick());
        assert_eq!(scene.store().alerts(&d).unwrap().len(), 1);
        scene.store().view_evidence(&kept, &officer(Role::Operator), now).unwrap();
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn a_crash_at_any_step_is_finished_and_none_before_it_changes_anything() {
        for steps in 0..=3 {
            let mut scene = Scene::new();
            scene.operation();
            let alert = scene.ended("kx-1");
            let sealed = sealed_bytes(&mut scene);
            let (d, now) = (scene.d(), scene.tick());
            let ended = scene.deployment().expect_ended().unwrap().into_inner();
            if steps >= 1 {
                scene.store().begin_destruction(&d).unwrap();
            }
            if steps >= 2 {
                scene.store().key_folder().destroy(&d).unwrap();
            }
            if steps >= 3 {
                scene.store().record_purge(ended, &d, now).unwrap();
            }
            scene.reopen();
            let now = scene.tick();
            let purged = scene.store().purge_due(now).unwrap();
            if steps == 0 {
                assert_eq!(purged, vec![]);
                scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
                continue;
            }
            assert_eq!(purged, if steps == 3 { vec![] } else { vec![d] }, "{steps}");
            assert!(matches!(*scene.deployment(), Deployment::Purged(_)));
            assert_eq!(remnants(&scene.dir(), &sealed), 0, "{steps}");
            assert_eq!(scene.store().check().unwrap(), vec![]);
        }
    }

    #[test]
    fn a_purge_comes_due_with_the_policy_and_no_later_than_promised() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        let now = scene.pass(SignedDuration::from_hours(23));
        assert_eq!(scene.store().purge_due(now).unwrap(), vec![]);
        assert_eq!(scene.store().check().unwrap(), vec![]);
        // A policy that keeps longer does not prolong what is on the record.
        let longer = crate::EXERCISE_POLICY
            .replace("[alert_retention]\nvalue = \"24 h\"", "[alert_retention]\nvalue = \"48 h\"");
        assert_ne!(longer, crate::EXERCISE_POLICY);
        let now = scene.pass(SignedDuration::from_hours(2));
        scene.store().adopt_policy(&longer, &officer(Role::AuthorisingOfficer), now).unwrap();
        let late: Vec<_> = scene.store().check().unwrap().into_iter().map(|finding| finding.found).collect();
        assert!(late[0].starts_with("it had to be purged by"), "{late:?}");
        let d = scene.d();
        assert_eq!(scene.store().purge_due(now).unwrap(), vec![d]);
        assert_eq!(scene.store().purge_due(now).unwrap(), vec![]);
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn a_refused_purge_destroys_nothing() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        let ended = scene.deployment().expect_ended().unwrap();
        let back = scene.pass(SignedDuration::from_secs(-1));
        assert!(matches!(scene.store().purge(ended, back), Err(StoreError::Refusal(_))));
        let now = scene.tick();
        scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
    }

    #[test]
    fn a_withdrawal_destroys_the_watchlist_also_after_a_crash() {
        for crashes in [false, true] {
            let mut scene = Scene::new();
            scene.operation();
            scene.ready("kx-1");
            let sealed = sealed_bytes(&mut scene);
            assert_eq!(remnants(&scene.dir(), &sealed), sealed.len());
            let (announced, now) = (scene.deployment().expect_announced().unwrap(), scene.tick());
            let withdrawn = announced.into_inner().withdraw(&officer(Role::Proposer), "rain", now).unwrap();
            if crashes {
                let d = scene.d();
                let recorded = scene.store().record(withdrawn, |transaction, _| {
                    delete_withdrawn(transaction, &d)?;
                    note_wipe_due(transaction)
                });
                recorded.unwrap();
                scene.reopen();
            } else {
                scene.store().commit(withdrawn).unwrap();
            }
            assert!(matches!(*scene.deployment(), Deployment::Withdrawn(_)));
            assert_eq!(remnants(&scene.dir(), &sealed), 0);
            assert_eq!(scene.store().check().unwrap(), vec![]);
        }
    }

    #[test]
    fn the_write_ahead_log_is_empty_after_a_purge() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        // The end emptied the log already, with the watchlist.
        scene.adjudicate(&alert);
        let log = scene.dir().join(format!("{DATABASE}-wal"));
        assert!(fs::metadata(&log).unwrap().len() > 0);
        scene.purged();
        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    }
}
