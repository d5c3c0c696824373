//! Doubting the record: entries against hashes and events, and what was published against entries.

use std::io;

use evidence::layout::CHECKPOINT_PATH;
use evidence::lifecycle::Story;
use evidence::{CheckpointVerifier, Log, TileStorage, checkpoint::kept_path, line};
use rusqlite::Row;

use super::Findings;
use crate::directory::{DirectoryTiles, read_if_there};
use crate::error::{Doing as _, DoingWith as _, StoreError};
use crate::log::{leaf_hash, nanoseconds};
use crate::publishing::entry_bytes;
use crate::store::Store;

/// Entries read at a time; a multiple of 256, so that no partial tile arises between batches.
const BATCH_ENTRIES: u64 = 4096;

impl Store {
    /// Every entry against its hash, its event, its place and the story that the record tells.
    pub(super) fn check_record(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking the record";
        let mut statement = self
            .connection
            .prepare(
                "SELECT n.seq, n.bytes, n.leaf_hash, v.at_ns, v.kind, v.deployment, v.withheld
                 FROM entries n LEFT JOIN events v ON v.seq = n.event ORDER BY n.seq",
            )
            .doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let (mut expected, mut story) = (0_u64, Story::default());
        while let Some(row) = rows.next().doing(doing)? {
            let number: u64 = row.get(0).doing(doing)?;
            if number != expected {
                findings.tell("entries", format!("entry {expected} is missing; the next is {number}"));
            }
            expected = number + 1;
            check_entry(row, number, &mut story, findings)?;
        }
        let (_, problems, untold) = story.finish();
        for problem in problems {
            findings.tell(format!("entry {}", problem.entry), problem.sentence);
        }
        if untold > 0 {
            findings.tell("the record", format!("{untold} more problems"));
        }
        self.check_events(findings)
    }

    /// Every event is published or withheld, and none is dated before the one it follows.
    fn check_events(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking the events";
        for (sql, found) in [
            (
                "SELECT v.seq FROM events v LEFT JOIN entries n ON n.event = v.seq
                 WHERE (n.seq IS NULL) = (v.withheld IS NULL)",
                "it is neither on the public record nor withheld for a reason, or both",
            ),
            (
                "SELECT seq FROM (SELECT seq, at_ns < lag(at_ns) OVER (ORDER BY seq) AS back FROM events) WHERE back",
                "it is dated before the event it follows",
            ),
        ] {
            let mut statement = self.connection.prepare(sql).doing(doing)?;
            let numbers = statement.query_map([], |row| row.get::<_, i64>(0)).doing(doing)?;
            for number in numbers {
                findings.tell(format!("event {}", number.doing(doing)?), found);
            }
        }
        Ok(())
    }

    /// Every published file against the entries, and every checkpoint against the tree over them.
    pub(super) fn check_published(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let tiles = self.directory.tiles();
        let verifier = CheckpointVerifier::new(&self.verifying_key)?;
        let read = |path: &str| tiles.read(path).doing_with("reading", &self.directory.public().join(path));
        let mut sizes = self.checkpoint_sizes()?;
        match read(CHECKPOINT_PATH)?.map(|note| verifier.open(&note)) {
            Some(Ok(checkpoint)) if sizes.last() != Some(&checkpoint.size) => {
                findings.tell(
                    CHECKPOINT_PATH,
                    format!("it covers {} entries, the database says otherwise", checkpoint.size),
                );
                sizes.push(checkpoint.size);
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => findings.tell(CHECKPOINT_PATH, error.to_string()),
            None if sizes.is_empty() => {}
            None => findings.tell(CHECKPOINT_PATH, "it is missing, although checkpoints were published"),
        }
        sizes.sort_unstable();
        let mut log = Log::new();
        for (position, size) in sizes.iter().enumerate() {
            let mut compared = Compared { tiles: &tiles, newest: position + 1 == sizes.len(), findings };
            if !self.grow(&mut log, *size, &mut compared)? {
                findings.tell("the record", format!("{size} entries were published, the database has fewer"));
                return Ok(());
            }
            let path = kept_path(*size);
            match read(&path)?.map(|note| verifier.open(&note)) {
                Some(Ok(kept)) if kept.root == log.root() => {}
                Some(Ok(_)) => findings.tell(path, "its root is not that of the entries in the database"),
                Some(Err(error)) => findings.tell(path, error.to_string()),
                None => findings.tell(path, "the checkpoint is missing"),
            }
        }
        Ok(())
    }

    /// Grows the log to a size, comparing the tiles; false where the database has too few entries.
    fn grow(&self, log: &mut Log, size: u64, compared: &mut Compared<'_, '_>) -> Result<bool, StoreError> {
        while log.size() < size {
            // Up to the next multiple, so that partial tiles arise at the checkpoints' sizes only.
            let most = (BATCH_ENTRIES - log.size() % BATCH_ENTRIES).min(size - log.size());
            let batch = entry_bytes(&self.connection, log.size(), most)?;
            if batch.len() as u64 != most {
                return Ok(false);
            }
            log.append(compared, &batch)?;
        }
        Ok(true)
    }

    fn checkpoint_sizes(&self) -> Result<Vec<u64>, StoreError> {
        let doing = "reading the checkpoints";
        let mut statement = self.connection.prepare("SELECT size FROM checkpoints ORDER BY size").doing(doing)?;
        let sizes = statement.query_map([], |row| row.get(0)).doing(doing)?;
        sizes.collect::<Result<_, _>>().doing(doing)
    }

    /// The texts that stand beside the log, as on the record, and no others.
    pub(super) fn check_public_texts(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let texts = self.public_texts()?;
        for (path, text) in &texts {
            let place = self.directory.public().join(path);
            match read_if_there(&place).doing_with("reading", &place)? {
                Some(bytes) if bytes == text.as_bytes() => {}
                Some(_) => findings.tell(format!("public/{path}"), "it is not the text on the record"),
                None => findings.tell(format!("public/{path}"), "it is missing"),
            }
        }
        for path in self.texts_not_recorded(&texts)? {
            findings.tell(format!("public/{path}"), "nothing on the record speaks of it");
        }
        Ok(())
    }
}

fn check_entry(row: &Row<'_>, number: u64, story: &mut Story, findings: &mut Findings) -> Result<(), StoreError> {
    let doing = "checking an entry";
    let place = format!("entry {number}");
    let bytes: Vec<u8> = row.get(1).doing(doing)?;
    let hash: Vec<u8> = row.get(2).doing(doing)?;
    if hash != leaf_hash(&bytes) {
        findings.tell(&place, "its bytes do not have the hash that was recorded with it");
    }
    let entry = match line::decode(&bytes) {
        Ok(entry) => entry,
        Err(error) => {
            findings.tell(&place, error.to_string());
            return Ok(());
        }
    };
    story.read(number, &entry);
    let at: Option<i64> = row.get(3).doing(doing)?;
    let kind: Option<String> = row.get(4).doing(doing)?;
    let deployment: Option<String> = row.get(5).doing(doing)?;
    let kind = format!("\"fact\":{{\"kind\":\"{}\"", kind.unwrap_or_default());
    let agrees = at == Some(nanoseconds(entry.at)?)
        && deployment.as_deref() == entry.fact.deployment()
        && String::from_utf8_lossy(&bytes).contains(&kind);
    if !agrees {
        findings.tell(&place, "it does not say what its event says");
    }
    Ok(())
}

/// Takes what a log would write and compares it with what is there.
struct Compared<'a, 'f> {
    tiles: &'a DirectoryTiles,
    /// Whether this is the newest checkpoint: only its partial tiles must still be there.
    newest: bool,
    findings: &'f mut Findings,
}

impl TileStorage for Compared<'_, '_> {
    fn read(&self, _: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        match self.tiles.read(path)? {
            Some(there) if there == bytes => {}
            Some(_) => self.findings.tell(format!("public/{path}"), "it does not hold what the database holds"),
            None if path.contains(".p/") && !self.newest => {}
            None => self.findings.tell(format!("public/{path}"), "it is missing"),
        }
        Ok(())
    }
}
