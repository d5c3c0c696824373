//! Where everything lies in a published log, and how entries are packed: C2SP tlog-tiles.

use tlog_tiles::{HASH_SIZE, Hash};

use crate::ENTRY_BYTES_MAX;

/// Hashes in a full tile, and entries in a full bundle (C2SP tlog-tiles fixes the height at 8).
pub const TILE_WIDTH: usize = 256;
/// Binary levels of the tree that one level of tiles spans.
pub const TILE_HEIGHT: u32 = 8;
/// Most entries one log may have. A trillion, which keeps every shift of a size in range.
pub const LOG_ENTRIES_MAX: u64 = 1 << 40;
/// Levels of tiles that a log of `LOG_ENTRIES_MAX` entries has.
pub const TILE_LEVELS_MAX: usize = 6;
/// Most bytes of a tile of hashes.
pub const TILE_BYTES_MAX: usize = TILE_WIDTH * HASH_SIZE;
/// Most bytes of a bundle of entries, each with its length before it.
pub const BUNDLE_BYTES_MAX: usize = TILE_WIDTH * (ENTRY_BYTES_MAX + 2);
/// The signed latest state of the log.
pub const CHECKPOINT_PATH: &str = "checkpoint";
/// The folder of all checkpoints ever published, each a file named by its size.
pub const KEPT_FOLDER: &str = "checkpoints";
/// The list of those sizes, one a line, ascending.
pub const KEPT_INDEX_PATH: &str = "checkpoints/index";

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileKind {
    /// Hashes of the tree at this tile level, 0 being the entries' own hashes.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// One file of a log: which tile, and how much of it is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileId {
    /// What it holds.
    pub kind: TileKind,
    /// Which of its level, counted from the left.
    pub index: u64,
    /// How many hashes or entries it holds, 1 to 256; below 256 the tile is partial.
    pub width: usize,
}

impl TileId {
    /// Path below the log's root: `tile/0/x001/067` or, partial, `tile/0/x001/067.p/8`.
    pub fn path(&self) -> String {
        if self.width == TILE_WIDTH { self.full_path() } else { format!("{}/{}", self.partials_folder(), self.width) }
    }

    /// The same tile once it is full.
    pub fn full(&self) -> Self {
        Self { width: TILE_WIDTH, ..*self }
    }

    /// The folder of this tile's partial versions, each a file named by its width.
    pub fn partials_folder(&self) -> String {
        format!("{}.p", self.full_path())
    }

    fn full_path(&self) -> String {
        let mut name = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            name = format!("x{:03}/{name}", rest % 1000);
            rest /= 1000;
        }
        match self.kind {
            TileKind::Hashes(level) => format!("tile/{level}/{name}"),
            TileKind::Entries => format!("tile/entries/{name}"),
        }
    }
}

/// The right-most, partial tile of hashes at `level` in a log of `size` entries, if there is one.
pub fn partial_tile(level: u8, size: u64) -> Option<TileId> {
    let hashes = size.checked_shr(TILE_HEIGHT * u32::from(level))?;
    partial(TileKind::Hashes(level), hashes)
}

/// The right-most, partial bundle of entries in a log of `size` entries, if there is one.
pub fn partial_bundle(size: u64) -> Option<TileId> {
    partial(TileKind::Entries, size)
}

fn partial(kind: TileKind, items: u64) -> Option<TileId> {
    let width = (items % TILE_WIDTH as u64) as usize;
    (width > 0).then_some(TileId { kind, index: items / TILE_WIDTH as u64, width })
}

/// The folders of partial versions that became superseded when the log grew from `size_before` to `size_after`
/// entries. C2SP tlog-tiles lets a log delete them once a checkpoint of `size_after` is published.
pub fn superseded_folders(size_before: u64, size_after: u64) -> Vec<String> {
    let mut folders = Vec::new();
    for level in 0..TILE_LEVELS_MAX as u8 {
        let Some(edge) = partial_tile(level, size_before) else {
            continue;
        };
        let full_after = (size_after >> (TILE_HEIGHT * u32::from(level))) / TILE_WIDTH as u64;
        if edge.index < full_after {
            folders.push(edge.partials_folder());
            if level == 0 {
                folders.extend(partial_bundle(size_before).map(|bundle| bundle.partials_folder()));
            }
        }
    }
    folders
}

/// Appends an entry to a bundle: its length as 16 bits, most significant byte first, then its bytes.
/// The caller has checked that the length fits.
pub(crate) fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) {
    debug_assert!(entry.len() <= ENTRY_BYTES_MAX);
    bundle.extend_from_slice(&(entry.len() as u16).to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The first `width` entries of a bundle and the bytes they take, or what is wrong with it.
pub(crate) fn split_bundle(bundle: &[u8], width: usize) -> Result<(Vec<&[u8]>, usize), String> {
    let mut entries = Vec::with_capacity(width.min(TILE_WIDTH));
    let mut at = 0;
    while entries.len() < width {
        let rest = &bundle[at..];
        let Some((length, rest)) = rest.split_first_chunk::<2>() else {
            return Err(format!("it ends before entry {} of {width}", entries.len() + 1));
        };
        let bytes = usize::from(u16::from_be_bytes(*length));
        let Some(entry) = rest.get(..bytes) else {
            return Err(format!("it ends inside entry {} of {width}", entries.len() + 1));
        };
        entries.push(entry);
        at += 2 + bytes;
    }
    Ok((entries, at))
}

/// A tile's bytes from its hashes.
pub(crate) fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// A tile's hashes from its bytes; bytes that are no whole hash are left off, the caller has checked the length.
pub(crate) fn tile_hashes(bytes: &[u8]) -> Vec<Hash> {
    let (chunks, _) = bytes.as_chunks::<HASH_SIZE>();
    chunks.iter().map(|chunk| Hash(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |kind, index, width| TileId { kind, index, width }.path();
        assert_eq!(tile(TileKind::Hashes(0), 0, 256), "tile/0/000");
        assert_eq!(tile(TileKind::Hashes(3), 1_234_067, 256), "tile/3/x001/x234/067");
        assert_eq!(tile(TileKind::Hashes(3), 1_234_067, 8), "tile/3/x001/x234/067.p/8");
        assert_eq!(tile(TileKind::Entries, 273, 112), "tile/entries/273.p/112");
        assert_eq!(tile(TileKind::Entries, 1000, 256), "tile/entries/x001/000");
    }

    #[test]
    fn the_example_of_the_specification_has_these_partial_tiles() {
        // C2SP tlog-tiles: a log of 70,000 has tile/0/273.p/112, tile/1/001.p/17 and tile/2/000.p/1.
        let paths: Vec<_> = (0..4).filter_map(|level| partial_tile(level, 70_000)).map(|tile| tile.path()).collect();
        assert_eq!(paths, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(partial_tile(0, 256), None);
        assert_eq!(partial_bundle(0), None);
    }

    #[test]
    fn superseded_partials_are_those_of_tiles_now_full() {
        assert_eq!(superseded_folders(10, 255), Vec::<String>::new());
        assert_eq!(superseded_folders(10, 256), ["tile/0/000.p", "tile/entries/000.p"]);
        assert_eq!(superseded_folders(256, 600), Vec::<String>::new());
        assert_eq!(superseded_folders(65_535, 65_536), ["tile/0/255.p", "tile/entries/255.p", "tile/1/000.p"]);
    }

    #[test]
    fn a_bundle_that_ends_early_is_refused() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, b"one");
        push_entry(&mut bundle, b"");
        push_entry(&mut bundle, b"three");
        let (entries, bytes) = split_bundle(&bundle, 3).expect("whole");
        assert_eq!(entries, [&b"one"[..], b"", b"three"]);
        assert_eq!(bytes, bundle.len());
        assert_eq!(split_bundle(&bundle, 2).expect("prefix").1, 7);
        for cut in 0..bundle.len() {
            assert!(split_bundle(&bundle[..cut], 3).is_err(), "{cut}");
        }
    }
}
