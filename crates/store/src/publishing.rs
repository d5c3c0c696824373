//! Publishing: the entries in the database become tiles and a signed checkpoint in the public folder.
//!
//! The database is the record and the tiles are its image: a crash anywhere leaves tiles that the next publication
//! writes again with the same bytes. What was once published is never written differently (`evidence` refuses).

use std::fs;

use domain::DeploymentId;
use evidence::checkpoint::SignedCheckpoint;
use evidence::layout::{CHECKPOINT_PATH, superseded_folders};
use evidence::{CheckpointVerifier, Log, TileStorage as _};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use crate::directory::{DirectoryTiles, read_if_there, remove};
use crate::error::{Doing as _, DoingWith as _, StoreError};
use crate::log::{entry_count, nanoseconds, timestamp};
use crate::store::Store;
use crate::trace;

/// Entries turned into tiles at a time: bounds memory to some megabytes.
const BATCH_ENTRIES_MAX: u64 = 4096;

/// What the latest published checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of entries it covers.
    pub size: u64,
    /// Root of the tree over them, base64.
    pub root: String,
}

impl Store {
    /// Writes the tiles of every entry recorded so far, then a signed checkpoint over them, into the public folder.
    /// Where nothing is new the checkpoint stays as it is.
    pub fn publish(&mut self, now: Timestamp) -> Result<Checkpoint, StoreError> {
        let (size_before, size) = (self.published.size(), entry_count(&self.connection)?);
        let mut tiles = self.directory.tiles();
        while self.published.size() < size {
            let batch = entry_bytes(&self.connection, self.published.size(), BATCH_ENTRIES_MAX)?;
            if batch.is_empty() {
                let found = format!("entry {} of {size} is not there", self.published.size());
                return Err(StoreError::Damaged { what: "the record in the database".into(), found });
            }
            self.published.append(&mut tiles, &batch)?;
        }
        let root = self.published.root();
        let signed = self.signer.sign(size, root)?;
        evidence::publish(&mut tiles, &signed)?;
        self.note_checkpoint(now)?;
        for folder in superseded_folders(size_before, size) {
            let path = self.directory.public().join(folder);
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).doing_with("removing superseded tiles", &path);
                }
                _ => {}
            }
        }
        trace::published(size, size - size_before);
        Ok(Checkpoint { size, root: root.to_string() })
    }

    /// Ends a publication that a crash cut short after its checkpoint was signed: the note that is public is kept and
    /// listed as it is, whoever has signed it since.
    pub(crate) fn finish_publication(&self) -> Result<(), StoreError> {
        let (mut tiles, size) = (self.directory.tiles(), self.published.size());
        let Some(note) = tiles.read(CHECKPOINT_PATH).doing_with("reading", self.directory.public())? else {
            return Ok(());
        };
        let doing = "looking for a checkpoint";
        let mut noted = self.connection.prepare_cached("SELECT 1 FROM checkpoints WHERE size = ?1").doing(doing)?;
        if noted.exists([size]).doing(doing)? {
            return Ok(());
        }
        evidence::publish(&mut tiles, &SignedCheckpoint { size, note })?;
        self.note_checkpoint(self.last_recorded()?.unwrap_or_default())
    }

    fn note_checkpoint(&self, at: Timestamp) -> Result<(), StoreError> {
        let (size, root) = (self.published.size(), self.published.root());
        let at = nanoseconds(at)?;
        self.note_vouched(size, at, &root.0)
    }

    /// Publishes where there is something new and the last checkpoint is as old as the policy lets it be, or there is none
    /// yet. For whoever keeps time while others record.
    pub fn publish_if_due(&mut self, now: Timestamp) -> Result<Option<Checkpoint>, StoreError> {
        let Some(policy) = self.policy()? else { return Ok(None) };
        let due = match self.last_published()? {
            Some((size, _)) if size == entry_count(&self.connection)? => false,
            Some((_, at)) => now.duration_since(at) >= policy.checkpoint_interval,
            None => true,
        };
        if due { self.publish(now).map(Some) } else { Ok(None) }
    }

    /// Size and time of the latest checkpoint.
    fn last_published(&self) -> Result<Option<(u64, Timestamp)>, StoreError> {
        let doing = "reading the latest checkpoint";
        let mut statement = self
            .connection
            .prepare_cached("SELECT size, at_ns FROM checkpoints ORDER BY size DESC LIMIT 1")
            .doing(doing)?;
        let found: Option<(u64, i64)> =
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional().doing(doing)?;
        found.map(|(size, at)| Ok((size, timestamp(at)?))).transpose()
    }

    /// Brings the public files that stand beside the log in line with the record: a crash may come between a text and
    /// its entry, so missing ones are written, and ones that never came on the record are removed.
    pub(crate) fn restore_public_files(&self) -> Result<(), StoreError> {
        let mut tiles = self.directory.tiles();
        let texts = self.public_texts()?;
        for (path, text) in &texts {
            let place = self.directory.public().join(path);
            if read_if_there(&place).doing_with("reading", &place)?.as_deref() != Some(text.as_bytes()) {
                tiles.write(path, text.as_bytes()).doing_with("writing", &place)?;
            }
        }
        for path in self.texts_not_recorded(&texts)? {
            let place = self.directory.public().join(path);
            remove(&place).doing_with("removing", &place)?;
        }
        Ok(())
    }

    /// Files among the public texts that nothing on the record speaks of.
    pub(crate) fn texts_not_recorded(&self, texts: &[(String, String)]) -> Result<Vec<String>, StoreError> {
        let mut strays = Vec::new();
        for folder in ["notices", "policies"] {
            let place = self.directory.public().join(folder);
            let files = match fs::read_dir(&place) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                files => files.doing_with("listing", &place)?,
            };
            for file in files {
                let name = file.doing_with("listing", &place)?.file_name();
                let path = format!("{folder}/{}", name.to_string_lossy());
                if !texts.iter().any(|(known, _)| *known == path) {
                    strays.push(path);
                }
            }
        }
        Ok(strays)
    }

    /// Path and text of every public file that stands beside the log.
    pub(crate) fn public_texts(&self) -> Result<Vec<(String, String)>, StoreError> {
        let doing = "reading what is public";
        let mut texts = vec![("key".to_owned(), format!("{}\n", self.verifying_key))];
        for sql in [
            "SELECT 'notices/' || deployment || '.txt', text FROM notices",
            "SELECT DISTINCT 'policies/' || digest || '.toml', text FROM policies",
        ] {
            let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).doing(doing)?;
            texts.extend(rows.collect::<Result<Vec<_>, _>>().doing(doing)?);
        }
        Ok(texts)
    }
}

/// Where a deployment's notice lies in the public folder.
pub(crate) fn notice_path(deployment: &DeploymentId) -> String {
    format!("notices/{deployment}.txt")
}

/// Where a policy profile lies in the public folder.
pub(crate) fn policy_path(digest: &str) -> String {
    format!("policies/{digest}.toml")
}

/// The log as its tiles and checkpoint tell it, if that is an earlier state of the database's record.
pub(crate) fn resume(
    tiles: &DirectoryTiles,
    verifier: &CheckpointVerifier,
    connection: &Connection,
) -> Result<Log, StoreError> {
    let found = tiles.read(CHECKPOINT_PATH).map_err(|source| StoreError::Disk {
        doing: "reading the published",
        path: CHECKPOINT_PATH.into(),
        source,
    })?;
    let Some(note) = found else { return Ok(Log::new()) };
    let checkpoint = verifier.open(&note)?;
    let entries = entry_count(connection)?;
    if checkpoint.size > entries {
        return Err(StoreError::OlderCopy { entries, published: checkpoint.size });
    }
    Ok(Log::resume(tiles, checkpoint.size, checkpoint.root)?)
}

/// The bytes of up to `most` entries from number `first`, in order and without gaps.
pub(crate) fn entry_bytes(connection: &Connection, first: u64, most: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    let doing = "reading entries";
    let mut statement = connection
        .prepare_cached("SELECT seq, bytes FROM entries WHERE seq >= ?1 ORDER BY seq LIMIT ?2")
        .doing(doing)?;
    let mut rows = statement.query([first, most]).doing(doing)?;
    let mut batch = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        let number: u64 = row.get(0).doing(doing)?;
        if number != first + batch.len() as u64 {
            break;
        }
        batch.push(row.get(1).doing(doing)?);
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use crate::scenes::Scene;

    #[test]
    fn a_checkpoint_is_due_when_something_is_new_and_the_last_is_old_enough() {
        let mut scene = Scene::new();
        let now = scene.tick();
        assert_eq!(scene.store().publish_if_due(now).unwrap(), None, "there is no policy, and no log either");
        scene.operation();
        let interval = scene.store().policy().unwrap().unwrap().checkpoint_interval;
        let now = scene.tick();
        assert!(scene.store().publish_if_due(now).unwrap().is_some(), "the first is due at once");
        let now = scene.pass(interval);
        assert_eq!(scene.store().publish_if_due(now).unwrap(), None, "nothing is new");
        scene.propose("kx-1");
        let now = scene.tick();
        assert!(scene.store().publish_if_due(now).unwrap().is_some(), "the last is of long before");
        scene.propose("kx-2");
        let now = scene.pass(interval - SignedDuration::from_secs(3));
        assert_eq!(scene.store().publish_if_due(now).unwrap(), None, "not yet");
        let now = scene.pass(SignedDuration::from_secs(3));
        let published = scene.store().publish_if_due(now).unwrap().unwrap();
        assert_eq!(published.size, scene.store().entries(None).unwrap().len() as u64);
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }
}
