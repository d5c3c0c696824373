//! Whether every file of a log is what the signed checkpoint promises: the whole tree computed again from the entries.
//!
//! One pass from left to right, one bundle of entries in memory at a time. Every tile at every level, every partial
//! tile that can be found and every kept checkpoint is compared byte for byte with what the entries give.

use tlog_tiles::{Hash, record_hash};

use crate::checkpoint::{Checkpoint, CheckpointVerifier, kept_path};
use crate::edge::{Edge, perfect_root};
use crate::layout::{
    BUNDLE_BYTES_MAX, CHECKPOINT_PATH, KEPT_FOLDER, KEPT_INDEX_PATH, LOG_ENTRIES_MAX, TILE_BYTES_MAX, TILE_HEIGHT,
    TILE_WIDTH, TileId, TileKind, split_bundle, tile_bytes, tile_hashes,
};
use crate::verify::{FetchError, Published, VerifyError};

/// Most kept checkpoints of one log.
pub const KEPT_MAX: usize = 1_000_000;
/// Most names in one folder of a log: kept checkpoints, and what else may lie there.
pub const FOLDER_NAMES_MAX: usize = 2 * KEPT_MAX;
/// Most bytes of the list of kept checkpoints: 13 digits and a line's end each.
const KEPT_INDEX_BYTES_MAX: usize = KEPT_MAX * 14;
/// How earlier checkpoints are named beside `checkpoint` by some logs of others.
const KEPT_BESIDE_PREFIX: &str = "checkpoint.";

/// A structure that was found whole.
pub(crate) struct Structure {
    pub(crate) checkpoint: Checkpoint,
    /// Kept checkpoints that are of this same history.
    pub(crate) kept: u64,
    /// Tiles and bundles compared.
    pub(crate) tiles: u64,
    /// Whether the source could be asked for files that nothing points to.
    pub(crate) listed: bool,
}

/// Checks the whole log; `visit` is handed every entry with its number, in order, once its bundle has been found to
/// agree with its tile.
pub(crate) fn check(
    source: &dyn Published,
    key: &CheckpointVerifier,
    visit: &mut dyn FnMut(u64, &[u8]),
) -> Result<Structure, VerifyError> {
    // The kept ones are listed first: a log that grows meanwhile then never seems to have gone back.
    let (kept, listed) = kept_checkpoints(source)?;
    let Some(note) = fetch(source, CHECKPOINT_PATH, crate::checkpoint::CHECKPOINT_BYTES_MAX)? else {
        return Err(VerifyError::NoLog);
    };
    let checkpoint = key.open(&note).map_err(|error| refused(CHECKPOINT_PATH, error))?;
    if checkpoint.size > LOG_ENTRIES_MAX {
        let reason = format!("it promises {} entries, {LOG_ENTRIES_MAX} are the most that are checked", checkpoint.size);
        return Err(refused(CHECKPOINT_PATH, reason));
    }
    if let Some((_, path)) = kept.last().filter(|(size, _)| *size > checkpoint.size) {
        let reason = format!("it is kept, but `checkpoint` has only {} entries: the log went back", checkpoint.size);
        return Err(refused(path, reason));
    }
    let mut walk = Walk { source, key, checkpoint, edge: Edge::default(), kept, next_kept: 0, tiles: 0, listed };
    walk.check_kept(&[(0, Edge::default().root())])?;
    while walk.edge.size() < walk.checkpoint.size {
        walk.check_bundle(visit)?;
    }
    walk.check_right_edge()?;
    Ok(Structure {
        checkpoint: walk.checkpoint,
        kept: walk.next_kept as u64,
        tiles: walk.tiles,
        listed,
    })
}

struct Walk<'a> {
    source: &'a dyn Published,
    key: &'a CheckpointVerifier,
    checkpoint: Checkpoint,
    /// The tree over the entries read so far, computed here.
    edge: Edge,
    /// Size and path of every kept checkpoint, ascending.
    kept: Vec<(u64, String)>,
    next_kept: usize,
    tiles: u64,
    listed: bool,
}

impl Walk<'_> {
    /// The next up to 256 entries, the tile of their hashes, and whatever that fills.
    fn check_bundle(&mut self, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), VerifyError> {
        let first = self.edge.size();
        let width = (self.checkpoint.size - first).min(TILE_WIDTH as u64) as usize;
        let id = TileId { kind: TileKind::Entries, index: first / TILE_WIDTH as u64, width };
        let (path, bundle) = self.fetch_tile(id, BUNDLE_BYTES_MAX)?;
        let (entries, length) = split_bundle(&bundle, width).map_err(|found| refused(&path, found))?;
        if path == id.path() && length != bundle.len() {
            return Err(refused(&path, format!("{} bytes follow its {width} entries", bundle.len() - length)));
        }
        let hashes: Vec<_> = entries.iter().map(|entry| record_hash(entry)).collect();
        let (mut filled, mut roots) = (Vec::new(), Vec::new());
        for hash in &hashes {
            self.edge.push(*hash, |tile, hashes| filled.push((tile, hashes.to_vec())));
            if self.is_kept(self.edge.size()) {
                roots.push((self.edge.size(), self.edge.root()));
            }
        }
        self.check_entry_hashes(id, &path, &hashes)?;
        self.check_superseded(id, |width| split_bundle(&bundle, width).map(|(_, length)| &bundle[..length]))?;
        // The entries' own tile has been checked above; what it filled further up is not yet.
        for (tile, hashes) in filled.iter().filter(|(tile, _)| tile.kind != TileKind::Hashes(0)) {
            self.check_hashes(*tile, hashes)?;
        }
        self.check_kept(&roots)?;
        for (entry, number) in entries.iter().zip(first..) {
            visit(number, entry);
        }
        Ok(())
    }

    /// Compares the hashes of a bundle's entries with their tile; where they differ, says which of the two files is
    /// not the one that the checkpoint was signed over.
    fn check_entry_hashes(&mut self, bundle: TileId, bundle_path: &str, hashes: &[Hash]) -> Result<(), VerifyError> {
        let tile = TileId { kind: TileKind::Hashes(0), ..bundle };
        match self.check_hashes(tile, hashes) {
            Err(VerifyError::Refused { file, reason }) if file == tile.path() || file == tile.full().path() => {
                if self.entries_are_promised(tile, hashes)? {
                    Err(VerifyError::Refused { file, reason })
                } else {
                    Err(refused(bundle_path, "its entries are not those whose hashes the log promises"))
                }
            }
            other => other,
        }
    }

    /// Whether these entries' hashes lead to what is promised further up: the parent tile, or the signed root.
    fn entries_are_promised(&self, tile: TileId, hashes: &[Hash]) -> Result<bool, VerifyError> {
        if self.edge.size() == self.checkpoint.size && self.edge.root() == self.checkpoint.root {
            return Ok(true);
        }
        if tile.width < TILE_WIDTH {
            return Ok(false);
        }
        let siblings = (self.checkpoint.size >> TILE_HEIGHT) - tile.index / TILE_WIDTH as u64 * TILE_WIDTH as u64;
        let parent = TileId {
            kind: TileKind::Hashes(1),
            index: tile.index / TILE_WIDTH as u64,
            width: siblings.min(TILE_WIDTH as u64) as usize,
        };
        let (_, bytes) = self.fetch_tile(parent, TILE_BYTES_MAX)?;
        let promised = tile_hashes(&bytes).get((tile.index % TILE_WIDTH as u64) as usize).copied();
        Ok(promised == Some(perfect_root(hashes)))
    }

    /// Compares a tile of hashes, and its superseded partial versions, with what the entries give.
    fn check_hashes(&mut self, tile: TileId, hashes: &[Hash]) -> Result<(), VerifyError> {
        let (path, bytes) = self.fetch_tile(tile, TILE_BYTES_MAX)?;
        let expected = tile_bytes(hashes);
        // A partial tile may have been deleted for the full one it grew into, of which only the beginning is promised.
        let agrees = if path == tile.path() { bytes == expected } else { bytes.starts_with(&expected) };
        if !agrees {
            return Err(refused(&path, difference(&bytes, &expected)));
        }
        self.tiles += 1;
        self.check_superseded(tile, |width| Ok(&expected[..width * 32]))
    }

    /// Compares every partial version of a tile that still lies beside it, up to the tile's own width.
    fn check_superseded<'b>(
        &mut self,
        tile: TileId,
        prefix: impl Fn(usize) -> Result<&'b [u8], String>,
    ) -> Result<(), VerifyError> {
        if tile.kind == TileKind::Entries {
            self.tiles += 1;
        }
        if !self.listed {
            return Ok(());
        }
        let names = self.source.list(&tile.partials_folder(), TILE_WIDTH * 2).map_err(fetch_failed)?;
        let widths = names.unwrap_or_default().into_iter().filter_map(|name| canonical_number(&name));
        for width in widths.filter(|width| (1..tile.width as u64).contains(width)) {
            let partial = TileId { width: width as usize, ..tile };
            let path = partial.path();
            let expected = prefix(partial.width).map_err(|found| refused(&path, found))?;
            let bytes = fetch(self.source, &path, expected.len())?.unwrap_or_default();
            if bytes != expected {
                return Err(refused(&path, difference(&bytes, expected)));
            }
            self.tiles += 1;
        }
        Ok(())
    }

    /// The partial tiles above the entries' own, and the signed root.
    fn check_right_edge(&mut self) -> Result<(), VerifyError> {
        let edge = self.edge.clone();
        for (tile, hashes) in edge.partial_tiles().filter(|(tile, _)| tile.kind != TileKind::Hashes(0)) {
            self.check_hashes(tile, hashes)?;
        }
        if edge.root() != self.checkpoint.root {
            let reason = format!(
                "its root {} is not that of the {} entries, which is {}",
                self.checkpoint.root,
                edge.size(),
                edge.root()
            );
            return Err(refused(CHECKPOINT_PATH, reason));
        }
        Ok(())
    }

    fn is_kept(&self, size: u64) -> bool {
        self.kept.binary_search_by_key(&size, |(kept, _)| *kept).is_ok()
    }

    /// Opens the kept checkpoints of these sizes and compares their roots with those computed here.
    fn check_kept(&mut self, roots: &[(u64, Hash)]) -> Result<(), VerifyError> {
        for (size, root) in roots {
            while let Some((kept, path)) = self.kept.get(self.next_kept).filter(|(kept, _)| kept == size) {
                let Some(note) = fetch(self.source, path, crate::checkpoint::CHECKPOINT_BYTES_MAX)? else {
                    return Err(refused(path, "it is missing, although the log lists it"));
                };
                let checkpoint = self.key.open(&note).map_err(|error| refused(path, error))?;
                if checkpoint.size != *kept {
                    return Err(refused(path, format!("it is of {} entries, not {kept}", checkpoint.size)));
                }
                if checkpoint.root != *root {
                    let reason = format!(
                        "its root {} is not that of the first {kept} entries, which is {root}: history was rewritten after it was signed",
                        checkpoint.root
                    );
                    return Err(refused(path, reason));
                }
                self.next_kept += 1;
            }
        }
        Ok(())
    }

    /// A file the log must have, or the full tile that a deleted partial one grew into; with its path.
    fn fetch_tile(&self, tile: TileId, bytes_max: usize) -> Result<(String, Vec<u8>), VerifyError> {
        for path in [tile.path(), tile.full().path()] {
            if let Some(bytes) = fetch(self.source, &path, bytes_max)? {
                return Ok((path, bytes));
            }
        }
        let reason = format!("it is missing, although the log has {} entries", self.checkpoint.size);
        Err(refused(&tile.path(), reason))
    }
}

/// Size and path of every kept checkpoint, ascending, and whether the source can be listed.
fn kept_checkpoints(source: &dyn Published) -> Result<(Vec<(u64, String)>, bool), VerifyError> {
    let index = fetch(source, KEPT_INDEX_PATH, KEPT_INDEX_BYTES_MAX)?.unwrap_or_default();
    let mut kept = Vec::new();
    let (mut before, text) = (None, String::from_utf8_lossy(&index));
    for line in text.lines() {
        let size = canonical_number(line).filter(|size| before.is_none_or(|before| before < *size));
        let Some(size) = size.filter(|_| text.ends_with('\n') && !text.contains('\r')) else {
            return Err(refused(KEPT_INDEX_PATH, "it is not a list of ascending sizes, one a line"));
        };
        before = Some(size);
        kept.push((size, kept_path(size)));
    }
    let folder = source.list(KEPT_FOLDER, FOLDER_NAMES_MAX).map_err(fetch_failed)?;
    let beside = source.list("", FOLDER_NAMES_MAX).map_err(fetch_failed)?;
    let listed = beside.is_some();
    kept.extend(folder.iter().flatten().filter_map(|name| canonical_number(name)).map(|size| (size, kept_path(size))));
    kept.extend(beside.iter().flatten().filter_map(|name| {
        let size = canonical_number(name.strip_prefix(KEPT_BESIDE_PREFIX)?)?;
        Some((size, name.clone()))
    }));
    kept.sort_unstable();
    kept.dedup();
    if kept.len() > KEPT_MAX {
        return Err(refused(KEPT_FOLDER, format!("it holds more than {KEPT_MAX} checkpoints")));
    }
    Ok((kept, listed))
}

/// A number as this format writes it: decimal, without sign or leading zero.
fn canonical_number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

fn fetch(source: &dyn Published, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, VerifyError> {
    source.fetch(path, bytes_max).map_err(fetch_failed)
}

/// A file beyond its limit is the log's fault; anything else is the way to it.
fn fetch_failed(error: FetchError) -> VerifyError {
    match error {
        FetchError::TooLarge { path, limit } => refused(&path, format!("it is larger than the {limit} it may have")),
        error => VerifyError::Unreadable(error),
    }
}

fn refused(file: &str, reason: impl ToString) -> VerifyError {
    VerifyError::Refused {
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}

fn difference(found: &[u8], expected: &[u8]) -> String {
    if found.len() != expected.len() {
        return format!("it has {} bytes where the entries give {}", found.len(), expected.len());
    }
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    format!("it differs at byte {at} from what the entries give")
}
