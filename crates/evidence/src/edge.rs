//! The right edge of the tree: all that is needed to append an entry or to know the root, a few kilobytes at any size.

use tlog_tiles::{EMPTY_HASH, Hash, node_hash};

use crate::layout::{TILE_HEIGHT, TILE_WIDTH, TileId, TileKind};

/// The tree of the first `size` entries, reduced to what later entries can still change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    size: u64,
    /// Roots of the perfect subtrees that the tree falls into, largest first: one per set bit of `size`.
    peaks: Vec<Hash>,
    /// The partial tile of each level: fewer than 256 hashes each.
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge that a log's partial tiles describe, lowest level first. Each row's width must be that of `size`.
    pub(crate) fn from_rows(size: u64, rows: Vec<Vec<Hash>>) -> Self {
        let mut peaks = Vec::new();
        for row in rows.iter().rev() {
            let mut rest = &row[..];
            while !rest.is_empty() {
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                peaks.push(perfect_root(subtree));
                rest = after;
            }
        }
        Self { size, peaks, rows }
    }

    /// Appends the hash of one entry; `full` is told of every tile of hashes that this fills.
    pub(crate) fn push(&mut self, entry_hash: Hash, mut full: impl FnMut(TileId, &[Hash])) {
        let (mut hash, mut height, mut subtrees_before) = (entry_hash, 0, self.size);
        loop {
            if height % TILE_HEIGHT == 0 {
                self.push_to_row((height / TILE_HEIGHT) as usize, hash, subtrees_before, &mut full);
            }
            if subtrees_before & 1 == 0 {
                break;
            }
            // An odd count of subtrees of this height to the left: the last of them is the last peak.
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(left, hash);
            height += 1;
            subtrees_before >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    fn push_to_row(&mut self, level: usize, hash: Hash, hashes_before: u64, full: &mut impl FnMut(TileId, &[Hash])) {
        if self.rows.len() <= level {
            self.rows.resize_with(level + 1, Vec::new);
        }
        let row = &mut self.rows[level];
        row.push(hash);
        if row.len() == TILE_WIDTH {
            let tile = TileId {
                kind: TileKind::Hashes(level as u8),
                index: hashes_before / TILE_WIDTH as u64,
                width: TILE_WIDTH,
            };
            full(tile, row);
            row.clear();
        }
    }

    /// Number of entries.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The root: RFC 6962, section 2.1.
    pub(crate) fn root(&self) -> Hash {
        self.peaks.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or(EMPTY_HASH)
    }

    /// The partial tiles, lowest level first; empty ones are left out.
    pub(crate) fn partial_tiles(&self) -> impl Iterator<Item = (TileId, &[Hash])> {
        let filled = self.rows.iter().enumerate().filter(|(_, row)| !row.is_empty());
        filled.map(|(level, row)| {
            let hashes = self.size >> (TILE_HEIGHT as usize * level);
            let tile =
                TileId { kind: TileKind::Hashes(level as u8), index: hashes / TILE_WIDTH as u64, width: row.len() };
            (tile, &row[..])
        })
    }
}

/// Root of a perfect tree over these hashes, whose number is a power of two.
pub(crate) fn perfect_root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => EMPTY_HASH,
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node_hash(perfect_root(left), perfect_root(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::partial_tile;
    use tlog_tiles::record_hash;

    /// The definition of RFC 6962, section 2.1, word for word.
    fn defined_root(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => EMPTY_HASH,
            1 => leaves[0],
            n => {
                let k = 1 << (n - 1).ilog2();
                node_hash(defined_root(&leaves[..k]), defined_root(&leaves[k..]))
            }
        }
    }

    #[test]
    fn the_root_is_the_defined_one_at_every_size() {
        let leaves: Vec<_> = (0..1100_u32).map(|n| record_hash(&n.to_be_bytes())).collect();
        let mut edge = Edge::default();
        for (n, leaf) in leaves.iter().enumerate() {
            assert_eq!(edge.root(), defined_root(&leaves[..n]), "{n}");
            let rows = edge.rows.clone();
            assert_eq!(Edge::from_rows(n as u64, rows).root(), edge.root(), "rebuilt at {n}");
            edge.push(*leaf, |tile, hashes| {
                assert_eq!(hashes.len(), 256);
                assert_eq!((tile.index, n % 256), (n as u64 / 256, 255));
            });
            for (tile, row) in edge.partial_tiles() {
                let TileKind::Hashes(level) = tile.kind else { panic!("a tile of hashes") };
                assert_eq!(Some(tile), partial_tile(level, edge.size()));
                assert_eq!(row.len(), tile.width);
            }
        }
    }

    #[test]
    fn three_levels_of_tiles_fill_in_turn() {
        let mut edge = Edge::default();
        let mut full = Vec::new();
        for _ in 0..65_536 + 3 {
            edge.push(Hash([7; 32]), |tile, hashes| full.push((tile, perfect_root(hashes))));
        }
        assert_eq!(full.len(), 257);
        assert_eq!(full[255].0.path(), "tile/0/255");
        assert_eq!(full[256].0.path(), "tile/1/000");
        let widths: Vec<_> = edge.partial_tiles().map(|(tile, _)| tile.path()).collect();
        assert_eq!(widths, ["tile/0/256.p/3", "tile/2/000.p/1"]);
        assert_eq!(edge.partial_tiles().nth(1).map(|(_, row)| row[0]), Some(full[256].1));
    }
}
