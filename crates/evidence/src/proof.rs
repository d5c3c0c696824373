//! Proofs that an entry is in a log, or that a log grew out of an earlier one: made from tiles, checked from nothing.
//!
//! RFC 6962, sections 2.1.1 and 2.1.2, as restated in RFC 9162.

use tlog_tiles::{Hash, HashReader, Tile};

use crate::EvidenceError;
use crate::layout::{LOG_ENTRIES_MAX, TILE_HEIGHT, TILE_WIDTH, TileId, TileKind, tile_bytes};
use crate::log::read_hashes;
use crate::storage::TileStorage;

/// Most hashes of a proof: one a level of a tree with 64-bit size, and one more where proofs of consistency need it.
pub const PROOF_HASHES_MAX: usize = 65;

/// Checks that the entry with this hash is number `index` (from 0) of the log of `size` entries with this root.
/// Hashes come from outside, so their length is checked too.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    entry_hash: &[u8],
    root: &[u8],
    proof: &[impl AsRef<[u8]>],
) -> Result<(), EvidenceError> {
    let path = hashes(proof)?;
    tlog_tiles::check_record(&path, size, hash(root)?, index, hash(entry_hash)?).map_err(|error| refused(&error))
}

/// Checks that the log of `newer_size` entries grew out of the one of `older_size`. Every log grows out of an empty
/// one, so that proves nothing and is refused.
pub fn verify_consistency(
    older_size: u64,
    newer_size: u64,
    older_root: &[u8],
    newer_root: &[u8],
    proof: &[impl AsRef<[u8]>],
) -> Result<(), EvidenceError> {
    if older_size == 0 {
        return Err(refused(&"every log grows out of an empty one"));
    }
    if older_size == newer_size {
        // The same log twice: there is nothing to compute, so the roots are compared as they are.
        return match (older_root == newer_root, proof.is_empty()) {
            (true, true) => Ok(()),
            (false, _) => Err(refused(&"two roots are given for one size")),
            (_, false) => Err(refused(&"hashes are left over")),
        };
    }
    let path = hashes(proof)?;
    tlog_tiles::check_tree(&path, newer_size, hash(newer_root)?, older_size, hash(older_root)?)
        .map_err(|error| refused(&error))
}

/// The proof that entry `index` (from 0) is in the log of `size` entries, from its tiles.
pub fn prove_inclusion(storage: &impl TileStorage, size: u64, index: u64) -> Result<Vec<Hash>, EvidenceError> {
    let tiles = Tiles::new(storage, size)?;
    tlog_tiles::prove_record(size, index, &tiles).map_err(|error| tiles.failure(&error))
}

/// The proof that the log of `newer_size` entries grew out of its first `older_size` (at least 1), from its tiles.
pub fn prove_consistency(
    storage: &impl TileStorage,
    older_size: u64,
    newer_size: u64,
) -> Result<Vec<Hash>, EvidenceError> {
    let tiles = Tiles::new(storage, newer_size)?;
    tlog_tiles::prove_tree(newer_size, older_size, &tiles).map_err(|error| tiles.failure(&error))
}

/// The tree of `size` entries, read from tiles.
struct Tiles<'a, S> {
    storage: &'a S,
    size: u64,
    /// Tiles read for this proof: most of its hashes lie in few of them.
    read: std::cell::RefCell<Vec<(TileId, Vec<u8>)>>,
    /// Why a tile could not be read: the library's error type has no place for it.
    reason: std::cell::RefCell<Option<EvidenceError>>,
}

impl<'a, S: TileStorage> Tiles<'a, S> {
    fn new(storage: &'a S, size: u64) -> Result<Self, EvidenceError> {
        if size > LOG_ENTRIES_MAX {
            return Err(refused(&format!("{size} entries are more than a log may have")));
        }
        Ok(Self { storage, size, read: std::cell::RefCell::default(), reason: std::cell::RefCell::new(None) })
    }

    fn failure(&self, error: &tlog_tiles::Error) -> EvidenceError {
        self.reason.take().unwrap_or_else(|| refused(error))
    }

    fn node(&self, node: u64) -> Result<Hash, EvidenceError> {
        let narrowest = Tile::from_index(TILE_HEIGHT as u8, node);
        let (level, index) = (narrowest.level(), narrowest.level_index());
        let hashes_at_level = self.size >> (TILE_HEIGHT * u32::from(level));
        let hashes_left = hashes_at_level.saturating_sub(index * TILE_WIDTH as u64);
        let tile = TileId { kind: TileKind::Hashes(level), index, width: hashes_left.min(TILE_WIDTH as u64) as usize };
        if tile.width == 0 {
            return Err(refused(&"it needs a hash outside the log"));
        }
        let filled = Tile::new(TILE_HEIGHT as u8, level, index, tile.width as u32, narrowest.is_data());
        let mut read = self.read.borrow_mut();
        let position = match read.iter().position(|(there, _)| *there == tile) {
            Some(position) => position,
            None => {
                read.push((tile, tile_bytes(&read_hashes(self.storage, tile, self.size)?)));
                read.len() - 1
            }
        };
        filled.hash_at_index(&read[position].1, node).map_err(|error| refused(&error))
    }
}

impl<S: TileStorage> HashReader for Tiles<'_, S> {
    fn read_hashes(&self, nodes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = |node: &u64| {
            self.node(*node).map_err(|error| {
                self.reason.replace(Some(error));
                tlog_tiles::Error::InvalidTile
            })
        };
        nodes.iter().map(read).collect()
    }
}

fn hashes(proof: &[impl AsRef<[u8]>]) -> Result<Vec<Hash>, EvidenceError> {
    if proof.len() > PROOF_HASHES_MAX {
        return Err(refused(&format!("{} hashes are more than {PROOF_HASHES_MAX}", proof.len())));
    }
    proof.iter().map(|bytes| hash(bytes.as_ref())).collect()
}

fn hash(bytes: &[u8]) -> Result<Hash, EvidenceError> {
    let bytes = bytes.try_into().map_err(|_| refused(&format!("a hash of {} bytes, not 32", bytes.len())))?;
    Ok(Hash(bytes))
}

fn refused(reason: &impl std::fmt::Display) -> EvidenceError {
    EvidenceError::Proof { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryTiles;
    use crate::{Log, samples};
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde_json::Value;
    use std::path::{Path, PathBuf};

    fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("folder").flatten() {
            if entry.path().is_dir() {
                json_files(&entry.path(), found);
            } else if entry.path().extension().is_some_and(|end| end == "json") {
                found.push(entry.path());
            }
        }
    }

    fn bytes(value: &Value) -> Vec<u8> {
        BASE64_STANDARD.decode(value.as_str().expect("text")).expect("base64")
    }

    fn proof(vector: &Value) -> Vec<Vec<u8>> {
        vector["proof"].as_array().map(|hashes| hashes.iter().map(bytes).collect()).unwrap_or_default()
    }

    /// Every vector of transparency-dev/merkle, good and bad.
    fn check_vectors(kind: &str, count: usize, check: impl Fn(&Value) -> Result<(), EvidenceError>) {
        let Some(folder) = samples::shared(&format!("vectors/merkle/{kind}")) else {
            return;
        };
        let mut files = Vec::new();
        json_files(&folder, &mut files);
        assert_eq!(files.len(), count, "{kind}");
        for file in files {
            let vector: Value = serde_json::from_slice(&std::fs::read(&file).expect("file")).expect("json");
            let wants_error = vector["wantErr"].as_bool().expect("wantErr");
            let result = check(&vector);
            assert_eq!(result.is_err(), wants_error, "{} {result:?}", file.display());
        }
    }

    #[test]
    fn published_inclusion_vectors_hold() {
        check_vectors("inclusion", 98, |vector| {
            let number = |name: &str| vector[name].as_u64().expect("number");
            let (leaf, root) = (bytes(&vector["leafHash"]), bytes(&vector["root"]));
            verify_inclusion(number("leafIdx"), number("treeSize"), &leaf, &root, &proof(vector))
        });
    }

    #[test]
    fn published_consistency_vectors_hold() {
        check_vectors("consistency", 98, |vector| {
            let number = |name: &str| vector[name].as_u64().expect("number");
            let (older, newer) = (bytes(&vector["root1"]), bytes(&vector["root2"]));
            verify_consistency(number("size1"), number("size2"), &older, &newer, &proof(vector))
        });
    }

    #[test]
    fn proofs_made_from_tiles_hold_and_changed_ones_do_not() {
        let (mut log, mut storage, mut roots) = (Log::new(), MemoryTiles::default(), vec![]);
        for n in 0..600_u32 {
            roots.push(log.root());
            log.append(&mut storage, &[n.to_be_bytes()]).expect("appends");
        }
        roots.push(log.root());
        for size in [1, 2, 3, 255, 256, 257, 511, 512, 513, 600] {
            let root = roots[size as usize].0;
            for index in [0, 1, 100, 254, 255, 256, 300, 511, 512, 599].into_iter().filter(|index| *index < size) {
                let leaf = tlog_tiles::record_hash(&(index as u32).to_be_bytes()).0;
                let mut proof: Vec<_> =
                    prove_inclusion(&storage, size, index).expect("proof").iter().map(|hash| hash.0).collect();
                verify_inclusion(index, size, &leaf, &root, &proof).expect("holds");
                if let Some(first) = proof.first_mut() {
                    first[0] ^= 1;
                    assert!(verify_inclusion(index, size, &leaf, &root, &proof).is_err());
                }
            }
            for older in [1, 2, 128, 255, 256, 300, 512, 600].into_iter().filter(|older| *older <= size) {
                let proof: Vec<_> =
                    prove_consistency(&storage, older, size).expect("proof").iter().map(|hash| hash.0).collect();
                verify_consistency(older, size, &roots[older as usize].0, &root, &proof).expect("holds");
                let wrong = roots[older as usize - 1].0;
                assert!(verify_consistency(older, size, &wrong, &root, &proof).is_err());
            }
        }
    }

    #[test]
    fn impossible_proofs_are_refused() {
        let mut storage = MemoryTiles::default();
        Log::new().append(&mut storage, &[b"a", b"b", b"c"]).expect("appends");
        assert!(prove_inclusion(&storage, 3, 3).is_err());
        assert!(prove_inclusion(&storage, u64::MAX, 3).is_err());
        assert!(prove_consistency(&storage, 0, 3).is_err());
        assert!(prove_consistency(&storage, 4, 3).is_err());
        let error = prove_inclusion(&storage, 4, 0).expect_err("no such tile");
        assert!(error.to_string().contains("tile/0/000.p/4"), "{error}");
        let long = vec![[0_u8; 32]; PROOF_HASHES_MAX + 1];
        assert!(verify_inclusion(0, u64::MAX, &[0; 32], &[0; 32], &long).is_err());
        assert!(verify_consistency(1, u64::MAX, &[0; 32], &[0; 32], &long[..PROOF_HASHES_MAX]).is_err());
    }
}
