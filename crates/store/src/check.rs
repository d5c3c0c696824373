//! The doubter: everything kept is compared with everything else, and what does not agree is told.
//!
//! It trusts nothing but the keys: the database against itself, every entry against its hash, its event and the tiles
//! that were published of it, every deployment against the order of its life and the state of what is sealed for it.

mod kept;
mod listed;
mod record;
mod cameras;
mod redress;
mod sealed;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;

use domain::{Deployment, DeploymentId};
use jiff::Timestamp;

use crate::disclosure;
use crate::error::{Doing as _, DoingWith as _, StoreError};
use crate::sealing::{KeyKind, KeyState};
use crate::store::Store;

/// Most findings that are told; there is no use in more.
const FINDINGS_MAX: usize = 1000;

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: a table, a file, a deployment.
    pub place: String,
    /// What was found, as a sentence.
    pub found: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.found)
    }
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Tells of a key that is missing or wrong; another failure is the check's own.
    fn tell_of_key(&mut self, place: impl Into<String>, error: StoreError) -> Result<(), StoreError> {
        match error {
            StoreError::KeyMissing { .. } | StoreError::KeyWrong { .. } | StoreError::SealBroken { .. } => {
                self.tell(place, error.to_string());
                Ok(())
            }
            other => Err(other),
        }
    }

    pub(crate) fn tell(&mut self, place: impl Into<String>, found: impl Into<String>) {
        if self.0.len() < FINDINGS_MAX {
            self.0.push(Finding { place: place.into(), found: found.into() });
        }
    }

    /// Tells of damage; anything else that went wrong stops the check.
    fn tell_error(&mut self, place: impl Into<String>, error: StoreError) -> Result<(), StoreError> {
        match error {
            StoreError::Damaged { .. }
            | StoreError::Unknown { .. }
            | StoreError::Destroyed { .. }
            | StoreError::SealBroken { .. }
            | StoreError::KeyMissing { .. }
            | StoreError::KeyWrong { .. } => {
                self.tell(place, error.to_string());
                Ok(())
            }
            other => Err(other),
        }
    }
}

impl Store {
    /// Compares everything kept with everything else; empty when all agrees. Reads all of it, and changes nothing.
    /// Clocks are held against the time of the last event, so a store that nobody uses is not told it is late.
    pub fn check(&self) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Findings::default();
        // What is in memory would agree with itself.
        self.remembered.replace(None);
        self.check_database(&mut findings)?;
        self.check_record(&mut findings)?;
        self.check_published(&mut findings)?;
        self.check_public_texts(&mut findings)?;
        self.check_chain(&mut findings)?;
        self.check_kept(&mut findings)?;
        let now = self.last_recorded()?.unwrap_or(Timestamp::UNIX_EPOCH);
        let with_rows = self.sealed_deployments()?;
        for d in self.deployments()? {
            match self.deployment(&d) {
                Ok(deployment) => {
                    self.check_deployment(&deployment, with_rows.contains(&d), now, &mut findings)?;
                }
                Err(StoreError::Damaged { what, found }) => findings.tell(what, found),
                Err(other) => return Err(other),
            }
        }
        self.check_sealed(&mut findings)?;
        self.check_listed(now, &mut findings)?;
        self.check_suppressions(now, &mut findings)?;
        self.check_redress(now, &mut findings)?;
        self.check_cameras(&mut findings)?;
        self.check_keys(&mut findings)?;
        for name in self.keys_too_old(now)? {
            findings.tell(format!("keys/{name}.key"), "it has lain longer than a key may; replace it");
        }
        Ok(findings.0)
    }

    /// SQLite's own checks, and that every column is declared.
    fn check_database(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking the database";
        for pragma in ["PRAGMA integrity_check(100)", "PRAGMA foreign_key_check"] {
            let mut statement = self.connection.prepare(pragma).doing(doing)?;
            let mut rows = statement.query([]).doing(doing)?;
            while let Some(row) = rows.next().doing(doing)? {
                let found: String = row.get(0).doing(doing)?;
                match pragma {
                    "PRAGMA foreign_key_check" => {
                        findings.tell(found, "a row of it refers to another that is not there");
                    }
                    _ if found != "ok" => findings.tell("the database", found),
                    _ => {}
                }
            }
        }
        for column in disclosure::differences(&self.connection).doing(doing)? {
            findings.tell(column, "the column is declared and missing, or there and not declared");
        }
        Ok(())
    }

    /// What one deployment's state demands of what is kept for it.
    fn check_deployment(
        &self,
        deployment: &Deployment,
        sealed: bool,
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let d = &deployment.plan().deployment;
        let place = format!("deployment {d}");
        match deployment {
            Deployment::Purged(_) | Deployment::Withdrawn(_) => {
                if sealed {
                    findings.tell(&place, format!("it is {}, and something sealed for it is kept", deployment.state()));
                }
            }
            Deployment::Ended(ended) => {
                let due = self.due(ended, self.policy_if_readable()?.as_ref())?;
                if due <= now {
                    findings.tell(&place, format!("it had to be purged by {due}"));
                }
                if self.key_folder().state(d)? == KeyState::Destroying {
                    findings.tell(&place, "its purge was begun and not finished");
                }
                if self.watchlist_keys().state(d)? != KeyState::None {
                    findings.tell(&place, "its watchlist has outlived its end");
                }
            }
            other => {
                if self.key_folder().state(d)? == KeyState::Destroying {
                    findings.tell(&place, format!("it is {}, and its key is said to be destroyed", other.state()));
                }
                let ends = other.plan().ends;
                if ends <= now && sealed {
                    findings.tell(&place, format!("it is {} although its window ended at {ends}", other.state()));
                }
            }
        }
        Ok(())
    }

    /// Every deployment that has a sealed row.
    fn sealed_deployments(&self) -> Result<BTreeSet<DeploymentId>, StoreError> {
        let named = self.deployment_ids(
            "SELECT deployment FROM alerts UNION SELECT deployment FROM watchlist_entries
             UNION SELECT deployment FROM watchlists UNION SELECT deployment FROM sealing_keys
             UNION SELECT deployment FROM watchlist_keys",
        )?;
        Ok(named.into_iter().collect())
    }

    /// That the keys' folder holds the keys in use and nothing else.
    fn check_keys(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let folder = self.directory.keys();
        let known: BTreeSet<_> = self.keys()?.into_iter().map(|key| key.name).chain(self.own_key_names()?).collect();
        for file in fs::read_dir(folder).doing_with("listing the keys", folder)? {
            let name = file.doing_with("listing the keys", folder)?.file_name();
            let name = name.to_string_lossy();
            if name != "log.key" && !name.strip_suffix(".key").is_some_and(|name| known.contains(name)) {
                findings.tell(format!("keys/{name}"), "no key of that name is in use; it should not be there");
            }
        }
        for key in self.keys()? {
            let state = KeyKind::of_name(&key.name).map(|(kind, whose)| self.keys_of(kind).state(&whose));
            let place = format!("keys/{}.key", key.name);
            match state.transpose()? {
                Some(KeyState::None) => findings.tell(place, "nothing is sealed with it; it should not be there"),
                Some(KeyState::Destroying) => {}
                Some(KeyState::InUse) | None => {
                    if let Err(error) = self.key_files().read(&key.name) {
                        findings.tell_of_key(place, error)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod planted;

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::directory::DATABASE;
    use crate::scenes::Scene;

    /// An exercise that has ended, published; beside it one that is purged.
    fn scene() -> Scene {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-0");
        scene.purged();
        scene.ended("kx-1");
        let now = scene.tick();
        scene.store().publish(now).unwrap();
        assert_eq!(scene.store().check().unwrap(), vec![]);
        scene
    }

    /// An exercise that is live, with its watchlist.
    fn live() -> Scene {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let now = scene.tick();
        scene.store().publish(now).unwrap();
        assert_eq!(scene.store().check().unwrap(), vec![]);
        scene
    }

    /// What the check says after somebody else's hands were in the database.
    fn after_sql(sql: &str) -> String {
        after_sql_when(scene, sql)
    }

    fn after_sql_when(scene: fn() -> Scene, sql: &str) -> String {
        let mut scene = scene();
        scene.close();
        let connection = Connection::open(scene.dir().join(DATABASE)).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        drop(connection);
        scene.reopen();
        told(&mut scene)
    }

    fn after_file(change: impl FnOnce(&std::path::Path)) -> String {
        let mut scene = scene();
        change(&scene.dir());
        told(&mut scene)
    }

    fn told(scene: &mut Scene) -> String {
        let findings = scene.store().check().unwrap();
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn planted_changes_of_the_record_are_found() {
        let altered = after_sql(
            "UPDATE entries SET bytes = CAST(replace(CAST(bytes AS TEXT), 'concourse', 'platform1') AS BLOB) WHERE seq = 2",
        );
        for found in ["entry 2: its bytes do not have the hash", "public/tile/entries/", "its root is not that"] {
            assert!(altered.contains(found), "{found}: {altered}");
        }
        let dropped = after_sql("DELETE FROM entries WHERE seq = 5");
        for found in ["entry 5 is missing", "the database has fewer", "neither on the public record nor withheld"] {
            assert!(dropped.contains(found), "{found}: {dropped}");
        }
        let moved = after_sql("UPDATE events SET at_ns = at_ns + 60000000000 WHERE seq = 3");
        for found in ["it does not say what its event says", "event 4: it is dated before"] {
            assert!(moved.contains(found), "{found}: {moved}");
        }
        let approved_by_proposer = after_sql("UPDATE events SET actor = 'proposer' WHERE kind = 'deployment-approved'");
        assert!(approved_by_proposer.contains("not approved by another person"), "{approved_by_proposer}");
    }

    #[test]
    fn planted_changes_of_what_is_sealed_are_found() {
        let purged = after_sql(
            "INSERT INTO alerts SELECT 'a1', entry + 1, 'kx-0', salt, particulars, live, template FROM alerts",
        );
        assert!(purged.contains("deployment kx-0: it is purged, and something sealed for it is kept"), "{purged}");
        let swapped = after_sql_when(
            live,
            "UPDATE watchlist_entries SET image = (SELECT image FROM watchlist_entries WHERE number = 2) WHERE number = 1",
        );
        for found in ["opening watchlist_entries.image 1 of kx-1", "the watchlist is not the one committed to"] {
            assert!(swapped.contains(found), "{found}: {swapped}");
        }
        let gone = after_sql("DELETE FROM alerts");
        assert!(gone.contains("the evidence it speaks of is not there"), "{gone}");
        let listing = after_sql("UPDATE alert_listings SET image = zeroblob(100)");
        assert!(listing.contains("opening alert_listings.image"), "{listing}");
        let unlisted = after_sql("DELETE FROM alert_listings");
        assert!(unlisted.contains("what it is about is gone"), "{unlisted}");
        let changed = after_sql("UPDATE alerts SET live = zeroblob(100)");
        for found in ["opening alerts.live", "the evidence is not what was committed to"] {
            assert!(changed.contains(found), "{found}: {changed}");
        }
        let planted =
            after_sql("INSERT INTO alerts SELECT 'a0', 0, deployment, salt, particulars, live, template FROM alerts");
        assert!(planted.contains("alert a0: nothing on the record speaks of it"), "{planted}");
    }

    #[test]
    fn planted_changes_of_files_are_found() {
        let tile = after_file(|dir| {
            fs::remove_file(fs::read_dir(dir.join("public/tile/0/000.p")).unwrap().next().unwrap().unwrap().path())
                .unwrap();
        });
        assert!(tile.contains("public/tile/0/000.p/") && tile.contains("is missing"), "{tile}");
        let notice = after_file(|dir| fs::write(dir.join("public/notices/kx-1.txt"), "Nothing happens.").unwrap());
        assert!(notice.contains("public/notices/kx-1.txt: it is not the text on the record"), "{notice}");
        let stray = after_file(|dir| fs::write(dir.join("public/notices/kx-9.txt"), "Hello.").unwrap());
        assert!(stray.contains("public/notices/kx-9.txt: nothing on the record speaks of it"), "{stray}");
        let key = after_file(|dir| {
            fs::rename(dir.join("keys/deployment-kx-1.key"), dir.join("keys/deployment-kx-0.key")).unwrap()
        });
        for found in ["keys/deployment-kx-0.key: no key of that name is in use", "it is missing"] {
            assert!(key.contains(found), "{found}: {key}");
        }
        let wrong = after_file(|dir| fs::write(dir.join("keys/deployment-kx-1.key"), [7; 32]).unwrap());
        assert!(wrong.contains("it is not the key that was used"), "{wrong}");
        let checkpoint = after_file(|dir| fs::write(dir.join("public/checkpoint"), "overt").unwrap());
        assert!(checkpoint.contains("cannot open a checkpoint"), "{checkpoint}");
    }

    #[test]
    fn planted_changes_of_what_outlives_a_list_are_found() {
        let keyless = after_sql("DELETE FROM commitment_keys WHERE deployment = 'kx-0'");
        assert!(keyless.contains("commitments of kx-0: they are kept without their key"), "{keyless}");
        let late = after_sql("UPDATE commitment_keys SET until_ns = 0 WHERE deployment = 'kx-0'");
        assert!(late.contains("commitments of kx-0: they had to be destroyed by 1970"), "{late}");
        let planted = after_sql(
            "INSERT INTO suppression_keys SELECT 'aa', fingerprint, 0 FROM suppression_keys;
             INSERT INTO suppressions VALUES ('aa', 'kx-1', 'a0', 0, x'00', x'00', x'00')",
        );
        for found in ["suppression aa: it had to be erased by 1970", "keys/suppression-aa.key: it is missing"] {
            assert!(planted.contains(found), "{found}: {planted}");
        }
    }

    #[test]
    fn an_undeclared_column_is_found() {
        let column = after_sql("ALTER TABLE alerts ADD COLUMN name TEXT");
        assert!(column.contains("alerts.name"), "{column}");
    }
}
