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
    /// The signed note it was read from.
    pub(crate) note: Vec<u8>,
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
        let reason =
            format!("it promises {} entries, {LOG_ENTRIES_MAX} are the most that are checked", checkpoint.size);
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
    Ok(Structure { checkpoint: walk.checkpoint, note, kept: walk.next_kept as u64, tiles: walk.tiles, listed })
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
    VerifyError::Refused { file: file.to_owned(), reason: reason.to_string() }
}

fn difference(found: &[u8], expected: &[u8]) -> String {
    if found.len() != expected.len() {
        return format!("it has {} bytes where the entries give {}", found.len(), expected.len());
    }
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    format!("it differs at byte {at} from what the entries give")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, Dice};
    use crate::{CheckpointSigner, KeyPair, Log, MemoryTiles, Verdict, publish, verify};
    use std::path::Path;

    const GOLDEN_KEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

    fn read_folder(folder: &Path, prefix: &str, log: &mut MemoryTiles) {
        for entry in std::fs::read_dir(folder).expect("folder").flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                read_folder(&entry.path(), &format!("{name}/"), log);
            } else {
                log.files.insert(name, std::fs::read(entry.path()).expect("file"));
            }
        }
    }

    /// The golden log of transparency-dev/tessera.
    fn golden() -> Option<MemoryTiles> {
        let mut log = MemoryTiles::default();
        read_folder(&samples::shared("vectors/tlog/log")?, "", &mut log);
        Some(log)
    }

    fn keys() -> KeyPair {
        KeyPair::from_seed("example.org/log", [7; 32]).expect("keys")
    }

    /// A log grown in steps, a checkpoint published after each.
    fn grown(sizes: &[u64], text: impl Fn(u64) -> String) -> MemoryTiles {
        let signer = CheckpointSigner::new(&keys().signing).expect("signer");
        let (mut log, mut storage) = (Log::new(), MemoryTiles::default());
        for size in sizes {
            let entries: Vec<_> = (log.size()..*size).map(&text).collect();
            log.append(&mut storage, &entries).expect("appends");
            publish(&mut storage, &signer.sign(*size, log.root()).expect("signs")).expect("publishes");
        }
        storage
    }

    fn check(log: &dyn Published) -> Result<Verdict, VerifyError> {
        verify(log, &keys().verifying)
    }

    /// The file that is named in a refusal.
    fn refused_file(result: Result<Verdict, VerifyError>) -> String {
        match result {
            Err(VerifyError::Refused { file, .. }) => file,
            other => panic!("expected a refusal that names a file, got {other:?}"),
        }
    }

    #[test]
    fn the_golden_log_is_accepted_and_its_entries_are_said_to_be_somebody_elses() {
        let Some(log) = golden() else { return };
        let verdict = verify(&log, GOLDEN_KEY).expect("accepted");
        assert_eq!((verdict.entries, verdict.checkpoints, verdict.tiles), (15, 16, 30));
        assert_eq!(verdict.root, "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
        assert!(verdict.record.is_none());
        assert!(verdict.not_proven.iter().any(|sentence| sentence.contains("only the structure")));
    }

    #[test]
    fn every_changed_byte_of_the_golden_log_is_refused_by_name() {
        let Some(log) = golden() else { return };
        for (path, bytes) in log.files.iter().filter(|(path, _)| !path.starts_with(".state")) {
            for at in 0..bytes.len() {
                let mut changed = log.clone();
                changed.files.get_mut(path).expect("exists")[at] ^= 1;
                assert_eq!(refused_file(verify(&changed, GOLDEN_KEY)), *path, "byte {at}");
            }
            let mut longer = log.clone();
            longer.files.get_mut(path).expect("exists").push(b'\n');
            assert_eq!(refused_file(verify(&longer, GOLDEN_KEY)), *path, "longer");
        }
    }

    #[test]
    fn logs_of_every_shape_are_accepted() {
        for sizes in [&[0][..], &[1], &[255], &[256], &[257], &[0, 1, 2, 3], &[100, 256, 300, 511, 512, 600]] {
            let verdict = check(&grown(sizes, |n| format!("entry {n}"))).expect("accepted");
            assert_eq!(Some(&verdict.entries), sizes.last());
            assert_eq!(verdict.checkpoints, sizes.len() as u64);
        }
    }

    #[test]
    fn a_changed_byte_of_any_file_of_a_larger_log_is_refused_by_name() {
        let log = grown(&[100, 256, 300, 520], |n| format!("entry number {n}"));
        let mut dice = Dice(3);
        for (path, bytes) in &log.files {
            let last = bytes.len() - 1;
            for at in [0, 1, last, dice.below(last as u64) as usize, dice.below(last as u64) as usize] {
                let mut changed = log.clone();
                changed.files.get_mut(path).expect("exists")[at] ^= 0x10;
                let named = refused_file(check(&changed));
                // A size changed in the list is told as the list or as the checkpoint it now points to.
                assert!(named == *path || path == KEPT_INDEX_PATH, "{path} byte {at}: {named}");
            }
        }
    }

    #[test]
    fn a_missing_file_is_refused_by_name_unless_nothing_needs_it() {
        let log = grown(&[100, 256, 300, 520], |n| format!("entry {n}"));
        let superseded = ["000.p/100", "001.p/44", "tile/1/000.p/1"];
        for path in log.files.keys() {
            let mut fewer = log.clone();
            fewer.files.remove(path);
            match check(&fewer) {
                Ok(_) if superseded.iter().any(|end| path.ends_with(end)) || path == KEPT_INDEX_PATH => {}
                Err(VerifyError::NoLog) => assert_eq!(path, CHECKPOINT_PATH),
                other => assert_eq!(refused_file(other), *path),
            }
        }
    }

    #[test]
    fn a_partial_tile_of_another_width_is_refused() {
        let log = grown(&[100], |n| format!("entry {n}"));
        for path in ["tile/0/000.p/100", "tile/entries/000.p/100"] {
            let mut shorter = log.clone();
            let bytes = shorter.files.get_mut(path).expect("exists");
            bytes.truncate(bytes.len() - 32);
            assert_eq!(refused_file(check(&shorter)), path);
            let mut longer = log.clone();
            longer.files.get_mut(path).expect("exists").extend([0; 32]);
            assert_eq!(refused_file(check(&longer)), path);
        }
    }

    #[test]
    fn what_a_crash_or_a_deletion_leaves_is_accepted() {
        let mut log = grown(&[100, 300], |n| format!("entry {n}"));
        let later = grown(&[100, 300, 600], |n| format!("entry {n}"));
        // Tiles of a batch whose checkpoint was never published, and partial tiles that grew full and were deleted.
        for (path, bytes) in later.files.iter().filter(|(path, _)| path.starts_with("tile/")) {
            log.files.entry(path.clone()).or_insert_with(|| bytes.clone());
        }
        log.files.retain(|path, _| !path.starts_with("tile/0/001.p/") && !path.starts_with("tile/entries/001.p/"));
        assert_eq!(check(&log).expect("accepted").entries, 300);
    }

    #[test]
    fn a_rewritten_or_shortened_history_is_refused() {
        let honest = grown(&[100, 300], |n| format!("entry {n}"));
        let mut rewritten = grown(&[300], |n| if n == 50 { "nothing".into() } else { format!("entry {n}") });
        for path in ["checkpoints/100", KEPT_INDEX_PATH] {
            rewritten.files.insert(path.into(), honest.files[path].clone());
        }
        assert_eq!(refused_file(check(&rewritten)), "checkpoints/100");
        let mut shortened = honest.clone();
        shortened.files.insert(CHECKPOINT_PATH.into(), honest.files["checkpoints/100"].clone());
        assert_eq!(refused_file(check(&shortened)), "checkpoints/300");
    }

    #[test]
    fn impossible_sizes_and_huge_files_are_refused() {
        let signer = CheckpointSigner::new(&keys().signing).expect("signer");
        for size in [u64::MAX, LOG_ENTRIES_MAX + 1] {
            let mut log = grown(&[3], |n| format!("entry {n}"));
            let signed = signer.sign(size, Hash([0; 32])).expect("signs");
            log.files.insert(CHECKPOINT_PATH.into(), signed.note);
            assert_eq!(refused_file(check(&log)), CHECKPOINT_PATH);
        }
        let mut log = grown(&[3], |n| format!("entry {n}"));
        let signed = signer.sign(LOG_ENTRIES_MAX, Hash([0; 32])).expect("signs");
        log.files.insert(CHECKPOINT_PATH.into(), signed.note);
        assert_eq!(refused_file(check(&log)), "tile/entries/000");
        for (path, bytes) in [
            (CHECKPOINT_PATH, crate::checkpoint::CHECKPOINT_BYTES_MAX + 1),
            (KEPT_INDEX_PATH, KEPT_INDEX_BYTES_MAX + 1),
            ("tile/0/000.p/3", TILE_BYTES_MAX + 1),
            ("tile/entries/000.p/3", BUNDLE_BYTES_MAX + 1),
        ] {
            let mut log = grown(&[3], |n| format!("entry {n}"));
            log.files.insert(path.into(), vec![b'0'; bytes]);
            assert_eq!(refused_file(check(&log)), path);
        }
    }

    /// A source that cannot be listed, as over HTTP.
    struct Unlisted(MemoryTiles);

    impl Published for Unlisted {
        fn fetch(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, FetchError> {
            self.0.fetch(path, bytes_max)
        }

        fn list(&self, _: &str, _: usize) -> Result<Option<Vec<String>>, FetchError> {
            Ok(None)
        }
    }

    #[test]
    fn a_source_that_cannot_be_listed_is_checked_by_its_index() {
        let mut log = grown(&[100, 300], |n| format!("entry {n}"));
        let verdict = check(&Unlisted(log.clone())).expect("accepted");
        assert_eq!(verdict.checkpoints, 2);
        assert!(verdict.not_proven.iter().any(|sentence| sentence.contains("cannot be listed")));
        log.files.remove("checkpoints/100");
        assert_eq!(refused_file(check(&Unlisted(log))), "checkpoints/100");
    }

    #[test]
    fn no_log_another_key_and_a_failing_source_are_told_apart() {
        assert!(matches!(check(&MemoryTiles::default()), Err(VerifyError::NoLog)));
        let log = grown(&[3], |n| format!("entry {n}"));
        assert!(matches!(verify(&log, "no key"), Err(VerifyError::Key(_))));
        assert!(matches!(verify(&log, &keys().signing), Err(VerifyError::Key(_))));
        assert_eq!(refused_file(verify(&log, GOLDEN_KEY)), CHECKPOINT_PATH);
        struct Failing;
        impl Published for Failing {
            fn fetch(&self, path: &str, _: usize) -> Result<Option<Vec<u8>>, FetchError> {
                Err(FetchError::Failed { path: path.into(), reason: "no answer".into() })
            }
            fn list(&self, _: &str, _: usize) -> Result<Option<Vec<String>>, FetchError> {
                Ok(None)
            }
        }
        assert!(matches!(check(&Failing), Err(VerifyError::Unreadable(_))));
    }
}
