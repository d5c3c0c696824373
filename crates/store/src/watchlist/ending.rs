//! The end of a watchlist: when its deployment ends, its key is destroyed, then its rows, and the record says so.
//!
//! What an open alert still needs was copied when it was raised: what is known of the listed person, and the one image the
//! alert is about, sealed with the alert. Everything else of the list ends here, hours or days before the purge.
//!
//! In order, each step durable before the next: 0. the end is on the record; 1. the database notes that the key is being
//! destroyed; 2. the key file is overwritten and removed; 3. one transaction deletes the rows, forgets the key and records
//! `watchlist-destroyed`, and SQLite overwrites what it deletes (`secure_delete`); 4. the write-ahead log is emptied. After a
//! crash at any of them, the next opening goes on. The database is rewritten as a whole at the purge.

use domain::{Decided, Deployment, DeploymentId, Ended};
use jiff::Timestamp;
use rusqlite::Connection;

use crate::error::{Doing as _, StoreError};
use crate::recorded::Recorded;
use crate::sealing::{KeyKind, KeyState};
use crate::store::Store;

impl Store {
    /// Records that a deployment has ended, and destroys its watchlist.
    pub(crate) fn record_end<T>(&mut self, decided: Decided<T>, d: &DeploymentId) -> Result<Recorded<T>, StoreError> {
        let at = decided.event().at;
        let recorded = self.record(decided, |_, _| Ok(()))?;
        let destroyed = self.destroy_watchlist(d, at);
        destroyed.map_err(|source| StoreError::ListRemains { deployment: d.to_string(), source: Box::new(source) })?;
        Ok(recorded)
    }

    /// Destroys the watchlist of a deployment that has ended, if it is still there.
    pub(crate) fn destroy_watchlist(&mut self, d: &DeploymentId, now: Timestamp) -> Result<(), StoreError> {
        if self.watchlist_keys().state(d)? == KeyState::None {
            return Ok(());
        }
        let ended = self.deployment(d)?.expect_ended()?.into_inner();
        KeyKind::Watchlist.begin_destruction(&self.connection, d)?;
        self.watchlist_keys().destroy(d)?;
        self.record_destruction(&ended, d, now)?;
        self.empty_log_of_writes()
    }

    /// Destroys the watchlist of every deployment that has ended: what a crash cut short.
    pub(crate) fn finish_watchlists(&mut self) -> Result<(), StoreError> {
        let Some(last) = self.last_recorded()? else { return Ok(()) };
        for d in self.deployment_ids("SELECT deployment FROM watchlist_keys ORDER BY deployment")? {
            if matches!(*self.deployment(&d)?, Deployment::Ended(_)) {
                self.destroy_watchlist(&d, last)?;
            }
        }
        Ok(())
    }

    fn record_destruction(&mut self, ended: &Ended, d: &DeploymentId, now: Timestamp) -> Result<(), StoreError> {
        let images = self.listed_numbers(d)?.len() as u64;
        let recorded = self.record(ended.watchlist_destroyed(images, now), |transaction, _| {
            delete_list(transaction, d)?;
            KeyKind::Watchlist.forget(transaction, d)
        });
        recorded.map(drop)
    }
}

/// Deletes every row of a watchlist.
pub(crate) fn delete_list(connection: &Connection, d: &DeploymentId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM watchlist_flags WHERE deployment = ?1",
        "DELETE FROM watchlist_approvals WHERE deployment = ?1",
        "DELETE FROM watchlist_entries WHERE deployment = ?1",
        "DELETE FROM watchlists WHERE deployment = ?1",
    ] {
        connection.execute(sql, [d.as_str()]).doing("deleting a watchlist")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use evidence::Fact;

    use super::*;
    use crate::scenes::{LISTED_IMAGE, Scene, files_holding};

    fn destroyed(scene: &mut Scene) -> Vec<u64> {
        let d = scene.d();
        let images = |(_, entry): (u64, evidence::Entry)| match entry.fact {
            Fact::WatchlistDestroyed { images, key_destroyed: true, .. } => Some(images),
            _ => None,
        };
        scene.store().entries(Some(&d)).unwrap().into_iter().filter_map(images).collect()
    }

    #[test]
    fn the_list_ends_with_its_deployment_and_an_open_alert_keeps_what_it_is_about() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        let d = scene.d();
        assert_eq!(destroyed(&mut scene), [3]);
        assert!(matches!(scene.store().listed_image(&d, 2), Err(StoreError::Destroyed { .. })));
        assert!(!scene.store().watchlist_keys().path(&d).exists());
        let rows: u64 = scene
            .store()
            .connection
            .query_row(
                "SELECT (SELECT count(*) FROM watchlist_entries) + (SELECT count(*) FROM watchlists)
                 + (SELECT count(*) FROM watchlist_keys)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(rows, 0);
        assert_eq!(scene.store().alert_listed_image(&alert).unwrap().as_slice(), LISTED_IMAGE);
        assert_eq!(scene.store().alerts(&d).unwrap()[0].label, crate::scenes::LABEL);
        scene.purged();
        assert!(matches!(scene.store().alert_listed_image(&alert), Err(StoreError::Destroyed { .. })));
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn after_the_end_no_file_holds_anything_that_was_sealed_for_the_list() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        scene.alert();
        let d = scene.d();
        let key = scene.store().watchlist_keys().path(&d);
        let mut sealed = vec![std::fs::read(key).unwrap()];
        let mut statement = scene
            .store()
            .connection
            .prepare(
                "SELECT facts FROM watchlist_entries UNION ALL SELECT image FROM watchlist_entries
                 UNION ALL SELECT template FROM watchlist_entries UNION ALL SELECT salt FROM watchlists",
            )
            .unwrap();
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        sealed.extend(rows.map(Result::unwrap));
        drop(statement);
        let left = |scene: &Scene| {
            let piece = |value: &&Vec<u8>| files_holding(&scene.dir(), &value[value.len() - 24..]) > 0;
            sealed.iter().filter(piece).count()
        };
        assert_eq!((sealed.len(), left(&scene)), (1 + 9 + 1, 1 + 9 + 1));
        scene.end();
        assert_eq!(left(&scene), 0);
    }

    #[test]
    fn a_crash_at_any_step_is_finished_by_the_next_opening() {
        for steps in 0..=3 {
            let mut scene = Scene::new();
            scene.operation();
            scene.live("kx-1");
            scene.alert();
            scene.receipt();
            let (d, now) = (scene.d(), scene.tick());
            let live = scene.deployment().expect_live().unwrap().into_inner();
            let ended = live.end("the recordings ran out", now).unwrap();
            let ended = scene.store().record(ended, |_, _| Ok(())).unwrap().into_inner();
            if steps >= 1 {
                KeyKind::Watchlist.begin_destruction(&scene.store().connection, &d).unwrap();
            }
            if steps >= 2 {
                scene.store().watchlist_keys().destroy(&d).unwrap();
            }
            if steps >= 3 {
                scene.store().record_destruction(&ended, &d, now).unwrap();
            }
            let findings = scene.store().check().unwrap();
            assert_eq!(
                findings.is_empty(),
                steps >= 3,
                "the check tells of a list that outlived its end: {findings:?}"
            );
            scene.reopen();
            assert_eq!(destroyed(&mut scene), [3], "{steps}");
            assert!(!scene.store().watchlist_keys().path(&d).exists(), "{steps}");
            assert_eq!(scene.store().check().unwrap(), vec![], "{steps}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_destroyed_is_told_and_goes_later() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let (d, now) = (scene.d(), scene.tick());
        // A folder in the place of the key file cannot be overwritten.
        let key = scene.store().watchlist_keys().path(&d);
        std::fs::remove_file(&key).unwrap();
        std::fs::create_dir(&key).unwrap();
        let live = scene.deployment().expect_live().unwrap().into_inner();
        let ended = live.end("the recordings ran out", now).unwrap();
        let error = scene.store().commit(ended).unwrap_err();
        assert!(matches!(error, StoreError::ListRemains { .. }) && error.to_string().contains("kx-1"), "{error}");
        assert!(matches!(*scene.deployment(), Deployment::Ended(_)), "the end stands");
        std::fs::remove_dir(&key).unwrap();
        let now = scene.tick();
        assert_eq!(scene.store().purge_due(now).unwrap(), vec![]);
        assert_eq!(destroyed(&mut scene), [3]);
    }
}
