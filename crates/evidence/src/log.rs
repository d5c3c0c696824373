//! Appending to the log: entries in, tiles out.
//!
//! Order of writing, so that a crash at any point loses nothing that was promised: first the tiles and bundles that
//! the batch filled, then the partial ones at the right edge, then (`publish`) the checkpoint, then its kept copy and
//! the list of kept checkpoints. Until the checkpoint is replaced, nothing new is public. No file of the tree is ever
//! changed: doing a batch again after a crash writes the same bytes to the same paths, and anything else is refused.

use tlog_tiles::{Hash, record_hash};

use crate::edge::Edge;
use crate::layout::{
    LOG_ENTRIES_MAX, TILE_HEIGHT, TILE_LEVELS_MAX, TILE_WIDTH, TileId, TileKind, partial_bundle, partial_tile,
    push_entry, split_bundle, tile_bytes, tile_hashes,
};
use crate::storage::{self, TileStorage};
use crate::{ENTRY_BYTES_MAX, EvidenceError};

/// Most entries of one call of `append`.
pub const BATCH_ENTRIES_MAX: usize = 65_536;

/// A log at a known size, ready for more.
#[derive(Clone, Debug, Default)]
pub struct Log {
    edge: Edge,
    /// The entries of the right-most, partial bundle as the file holds them.
    bundle: Vec<u8>,
}

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// The log of `size` entries that the storage holds, which must have this root. Files beyond that size, left by a
    /// crash before their checkpoint was published, are not looked at.
    pub fn resume(storage: &impl TileStorage, size: u64, root: Hash) -> Result<Self, EvidenceError> {
        refuse_above_limit(size)?;
        let mut rows = Vec::new();
        for level in 0..TILE_LEVELS_MAX as u8 {
            rows.push(match partial_tile(level, size) {
                Some(tile) => read_hashes(storage, tile, size)?,
                None => Vec::new(),
            });
        }
        let bundle = match partial_bundle(size) {
            Some(tile) => read_bundle(storage, tile, size, &rows[0])?,
            None => Vec::new(),
        };
        let edge = Edge::from_rows(size, rows);
        if edge.root() != root {
            return Err(EvidenceError::RootDiffers {
                size,
                found: edge.root().to_string(),
                expected: root.to_string(),
            });
        }
        Ok(Self { edge, bundle })
    }

    /// Appends these entries and writes every tile that changes. Where it fails the log stays as it was, and the same
    /// call may be made again. At most `BATCH_ENTRIES_MAX` entries of at most 65,535 bytes each.
    pub fn append(
        &mut self,
        storage: &mut impl TileStorage,
        entries: &[impl AsRef<[u8]>],
    ) -> Result<(), EvidenceError> {
        self.refuse_batch(entries)?;
        let mut next = self.clone();
        let mut files = Vec::new();
        for entry in entries {
            next.push(entry.as_ref(), &mut files);
        }
        next.push_partial_files(self.size(), &mut files);
        for (tile, bytes) in files {
            storage::write_once(storage, &tile.path(), &bytes)?;
        }
        *self = next;
        Ok(())
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Root of the tree over all entries (RFC 6962, section 2.1).
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    fn refuse_batch(&self, entries: &[impl AsRef<[u8]>]) -> Result<(), EvidenceError> {
        if entries.len() > BATCH_ENTRIES_MAX {
            return Err(EvidenceError::BatchTooLarge { entries: entries.len(), entries_max: BATCH_ENTRIES_MAX });
        }
        refuse_above_limit(self.size() + entries.len() as u64)?;
        match entries.iter().map(|entry| entry.as_ref().len()).max() {
            Some(bytes) if bytes > ENTRY_BYTES_MAX => {
                Err(EvidenceError::EntryTooLong { bytes, bytes_max: ENTRY_BYTES_MAX })
            }
            _ => Ok(()),
        }
    }

    /// Takes one entry in and adds the files it fills.
    fn push(&mut self, entry: &[u8], files: &mut Vec<(TileId, Vec<u8>)>) {
        push_entry(&mut self.bundle, entry);
        if self.size() % TILE_WIDTH as u64 == TILE_WIDTH as u64 - 1 {
            let full = TileId { kind: TileKind::Entries, index: self.size() / TILE_WIDTH as u64, width: TILE_WIDTH };
            files.push((full, std::mem::take(&mut self.bundle)));
        }
        self.edge.push(record_hash(entry), |tile, hashes| {
            files.push((tile, tile_bytes(hashes)));
        });
    }

    /// Adds the partial files of the right edge, where they differ from those of `size_before`.
    fn push_partial_files(&self, size_before: u64, files: &mut Vec<(TileId, Vec<u8>)>) {
        let size = self.size();
        if size == size_before {
            return;
        }
        if let Some(tile) = partial_bundle(size) {
            files.push((tile, self.bundle.clone()));
        }
        for (tile, hashes) in self.edge.partial_tiles() {
            let TileKind::Hashes(level) = tile.kind else { continue };
            let shift = TILE_HEIGHT * u32::from(level);
            if size >> shift != size_before >> shift {
                files.push((tile, tile_bytes(hashes)));
            }
        }
    }
}

fn refuse_above_limit(entries: u64) -> Result<(), EvidenceError> {
    if entries > LOG_ENTRIES_MAX {
        return Err(EvidenceError::LogTooLarge { entries, entries_max: LOG_ENTRIES_MAX });
    }
    Ok(())
}

/// The hashes of a tile, from its file of that width or, where that was deleted, from the full tile it grew into.
pub(crate) fn read_hashes(storage: &impl TileStorage, tile: TileId, size: u64) -> Result<Vec<Hash>, EvidenceError> {
    let (path, bytes) = read_tile(storage, tile, size)?;
    let mut hashes = tile_hashes(&bytes);
    if hashes.len() < tile.width || bytes.len() % 32 != 0 {
        return Err(EvidenceError::TileMalformed {
            path,
            found: format!("it has {} bytes, {} hashes take {}", bytes.len(), tile.width, tile.width * 32),
        });
    }
    hashes.truncate(tile.width);
    Ok(hashes)
}

fn read_bundle(storage: &impl TileStorage, tile: TileId, size: u64, row: &[Hash]) -> Result<Vec<u8>, EvidenceError> {
    let (path, mut bytes) = read_tile(storage, tile, size)?;
    let length = match split_bundle(&bytes, tile.width) {
        Ok((entries, length)) if entries.iter().map(|entry| record_hash(entry)).eq(row.iter().copied()) => length,
        Ok(_) => {
            let found = "its entries are not those whose hashes the tile beside it holds".into();
            return Err(EvidenceError::TileMalformed { path, found });
        }
        Err(found) => return Err(EvidenceError::TileMalformed { path, found }),
    };
    bytes.truncate(length);
    Ok(bytes)
}

fn read_tile(storage: &impl TileStorage, tile: TileId, size: u64) -> Result<(String, Vec<u8>), EvidenceError> {
    for path in [tile.path(), tile.full().path()] {
        if let Some(bytes) = storage::read(storage, &path)? {
            return Ok((path, bytes));
        }
    }
    Err(EvidenceError::TileMissing { path: tile.path(), size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Dice;
    use crate::storage::MemoryTiles;
    use tlog_tiles::{EMPTY_HASH, node_hash};

    fn entry(n: u64) -> Vec<u8> {
        format!("entry {n}").into_bytes()
    }

    fn entries(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
        range.map(entry).collect()
    }

    /// Computed naively: RFC 6962, section 2.1, over entries 0..size.
    fn defined_root(first: u64, size: u64) -> Hash {
        match size - first {
            0 => EMPTY_HASH,
            1 => record_hash(&entry(first)),
            n => {
                let k = first + (1 << (n - 1).ilog2());
                node_hash(defined_root(first, k), defined_root(k, size))
            }
        }
    }

    #[test]
    fn every_size_in_any_batches_gives_the_defined_root_and_resumes() {
        let mut dice = Dice(1);
        for size in (0..70).chain(250..262).chain(505..520).chain([600]) {
            let (mut log, mut storage) = (Log::new(), MemoryTiles::default());
            while log.size() < size {
                let next = (log.size() + dice.below(60)).min(size);
                log.append(&mut storage, &entries(log.size()..next)).expect("appends");
                if dice.below(4) == 0 {
                    log = Log::resume(&storage, log.size(), log.root()).expect("resumes");
                }
            }
            assert_eq!(log.root(), defined_root(0, size), "{size}");
        }
    }

    #[test]
    fn batches_of_any_size_leave_the_same_final_files() {
        let (mut whole, mut at_once) = (Log::new(), MemoryTiles::default());
        whole.append(&mut at_once, &entries(0..600)).expect("appends");
        let names: Vec<_> = at_once.files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "tile/0/000",
                "tile/0/001",
                "tile/0/002.p/88",
                "tile/1/000.p/2",
                "tile/entries/000",
                "tile/entries/001",
                "tile/entries/002.p/88"
            ]
        );
        let (mut log, mut one_by_one) = (Log::new(), MemoryTiles::default());
        for n in 0..600 {
            log.append(&mut one_by_one, &[entry(n)]).expect("appends");
        }
        assert_eq!(log.root(), whole.root());
        for (path, bytes) in &at_once.files {
            assert_eq!(one_by_one.files.get(path), Some(bytes), "{path}");
        }
    }

    /// A storage that fails at its n-th write, with or without having written: a crash seen from outside.
    struct Failing {
        tiles: MemoryTiles,
        writes_left: u64,
        fails_after_writing: bool,
    }

    impl TileStorage for Failing {
        fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
            self.tiles.read(path)
        }

        fn write(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
            if self.writes_left > 0 || self.fails_after_writing {
                self.tiles.write(path, bytes)?;
            }
            if self.writes_left == 0 {
                return Err(std::io::Error::other("no more"));
            }
            self.writes_left -= 1;
            Ok(())
        }
    }

    #[test]
    fn a_batch_cut_short_anywhere_is_done_again_with_the_same_result() {
        for fails_after_writing in [false, true] {
            for writes_left in 0..7 {
                let mut storage = Failing { tiles: MemoryTiles::default(), writes_left: u64::MAX, fails_after_writing };
                let mut log = Log::new();
                log.append(&mut storage, &entries(0..200)).expect("appends");
                storage.writes_left = writes_left;
                let before = (log.size(), log.root());
                assert!(log.append(&mut storage, &entries(200..520)).is_err(), "{writes_left}");
                assert_eq!((log.size(), log.root()), before);
                // Begun again by another process, which knows only what was published, and batches otherwise.
                storage.writes_left = u64::MAX;
                let mut again = Log::resume(&storage, before.0, before.1).expect("resumes");
                again.append(&mut storage, &entries(200..300)).expect("appends");
                again.append(&mut storage, &entries(300..520)).expect("appends");
                assert_eq!(again.root(), defined_root(0, 520));
            }
        }
    }

    #[test]
    fn history_is_never_rewritten() {
        let mut storage = MemoryTiles::default();
        let mut log = Log::new();
        log.append(&mut storage, &entries(0..10)).expect("appends");
        let mut fork = Log::new();
        let error = fork.append(&mut storage, &entries(1..11)).expect_err("other entries, same places");
        assert!(matches!(&error, EvidenceError::WouldRewrite { path } if path == "tile/entries/000.p/10"), "{error}");
        assert_eq!(fork.size(), 0);
    }

    #[test]
    fn damaged_storage_does_not_resume() {
        let mut storage = MemoryTiles::default();
        let mut log = Log::new();
        log.append(&mut storage, &entries(0..300)).expect("appends");
        for path in ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"] {
            let mut damaged = storage.clone();
            let bytes = damaged.files.get_mut(path).expect("exists");
            *bytes.last_mut().expect("not empty") ^= 1;
            assert!(Log::resume(&damaged, 300, log.root()).is_err(), "{path}");
            damaged.files.get_mut(path).expect("exists").pop();
            assert!(Log::resume(&damaged, 300, log.root()).is_err(), "{path} shorter");
            damaged.files.remove(path);
            assert!(Log::resume(&damaged, 300, log.root()).is_err(), "{path} missing");
        }
        assert!(Log::resume(&storage, 300, EMPTY_HASH).is_err());
        assert!(Log::resume(&storage, u64::MAX, EMPTY_HASH).is_err());
        Log::resume(&storage, 300, log.root()).expect("undamaged");
    }

    #[test]
    fn a_deleted_partial_is_read_from_the_full_tile() {
        let mut storage = MemoryTiles::default();
        let mut log = Log::new();
        log.append(&mut storage, &entries(0..100)).expect("appends");
        let root = log.root();
        log.append(&mut storage, &entries(100..256)).expect("appends");
        for folder in crate::layout::superseded_folders(100, 256) {
            storage.files.retain(|path, _| !path.starts_with(&folder));
        }
        let mut again = Log::resume(&storage, 100, root).expect("resumes");
        again.append(&mut storage, &entries(100..256)).expect("appends the same");
        assert_eq!(again.root(), log.root());
    }

    #[test]
    fn limits_are_refused_before_anything_is_written() {
        let mut storage = MemoryTiles::default();
        let mut log = Log::new();
        let long = vec![vec![0; ENTRY_BYTES_MAX + 1]];
        assert!(matches!(log.append(&mut storage, &long), Err(EvidenceError::EntryTooLong { .. })));
        let many = vec![[0_u8; 1]; BATCH_ENTRIES_MAX + 1];
        assert!(matches!(log.append(&mut storage, &many), Err(EvidenceError::BatchTooLarge { .. })));
        log.append(&mut storage, &[] as &[&[u8]]).expect("nothing");
        assert!(storage.files.is_empty());
        log.append(&mut storage, &[vec![0; ENTRY_BYTES_MAX]]).expect("the longest entry");
    }
}
