//! Where the rows of a gallery lie: each one as it was enrolled, and beside it the same as codes, all in sealed memory.

use super::bound::{self, Extent};
use super::codes::{self, code};
use super::kernel;
use crate::sealed_memory::{Protection, Sealed};
use crate::template::ScoreKind;

/// Rows of one block: 32 KB of codes at 128 values, 128 KB at 512, which a core's own cache holds while several probes read it.
pub(super) const BLOCK_ROWS: usize = 256;

/// Most rows of one segment: with 512 values 134 MB and 34 MB of codes, so that little is reserved in vain.
const SEGMENT_ROWS_MAX: usize = 65_536;

/// All rows, in segments that each are as large as everything before, up to a limit.
pub(super) struct Rows {
    kind: ScoreKind,
    /// Values of one row with its padding.
    width: usize,
    /// Codes of one row with their padding.
    coded_width: usize,
    count: usize,
    segments: Vec<Segment>,
}

/// Some rows that lie one after the other.
struct Segment {
    /// Number of its first row, a multiple of [`BLOCK_ROWS`].
    first: usize,
    capacity: usize,
    values: Sealed<f32>,
    codes: Sealed<i8>,
    /// What one step of a row's codes stands for.
    scales: Sealed<f32>,
    /// What is added to a row's estimate; empty for the cosine, which adds nothing.
    biases: Sealed<f32>,
    /// The greatest lengths in each block.
    extents: Vec<Extent>,
}

/// The rows of one block.
pub(super) struct Block<'a> {
    /// Number of its first row.
    pub(super) first: usize,
    pub(super) values: &'a [f32],
    pub(super) codes: &'a [i8],
    pub(super) scales: &'a [f32],
    /// One for each row, or none.
    pub(super) biases: &'a [f32],
    pub(super) extent: &'a Extent,
}

impl Block<'_> {
    /// The sum of what a scan reads of the block, in eight-byte words, which the compiler adds as fast as memory gives them.
    pub(super) fn read_whole(&self) -> u64 {
        let mut lanes = [0u64; 8];
        for step in self.codes.as_chunks::<{ codes::STEP }>().0 {
            for (lane, word) in lanes.iter_mut().zip(step.as_chunks::<8>().0) {
                *lane = lane.wrapping_add(u64::from_ne_bytes(word.map(i8::cast_unsigned)));
            }
        }
        let beside = [self.scales, self.biases]
            .map(|numbers| numbers.iter().fold(0, |sum: u32, number| sum.wrapping_add(number.to_bits())));
        let whole = lanes.iter().fold(0u64, |sum, lane| sum.wrapping_add(*lane));
        whole.wrapping_add(u64::from(beside[0])).wrapping_add(u64::from(beside[1]))
    }
}

impl Rows {
    /// No rows yet.
    pub(super) fn new(kind: ScoreKind, dimensions: usize) -> Self {
        let (width, coded_width) = (kernel::padded(dimensions), codes::padded(dimensions));
        Self { kind, width, coded_width, count: 0, segments: Vec::new() }
    }

    /// Values of one row with its padding.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Codes of one row with their padding.
    pub(super) fn coded_width(&self) -> usize {
        self.coded_width
    }

    /// Number of blocks; all but the last are full.
    pub(super) fn blocks(&self) -> usize {
        self.count.div_ceil(BLOCK_ROWS)
    }

    /// What the system granted to keep all of it out of dumps and swap.
    pub(super) fn protection(&self) -> Protection {
        self.segments.iter().map(Segment::protection).fold(Protection::FULL, Protection::and)
    }

    /// Bytes that a scan reads: codes, scales and biases.
    pub(super) fn scanned_bytes(&self) -> usize {
        let beside = match self.kind {
            ScoreKind::Cosine => size_of::<f32>(),
            ScoreKind::Euclidean => 2 * size_of::<f32>(),
        };
        self.count * (self.coded_width + beside)
    }

    /// Adds a row of as many values as [`Rows::width`].
    pub(super) fn push(&mut self, values: &[f32]) {
        let full = self.segments.last().is_none_or(|last| self.count == last.first + last.capacity);
        if full {
            let capacity = self.count.clamp(BLOCK_ROWS, SEGMENT_ROWS_MAX);
            self.segments.push(Segment::new(self, capacity));
        }
        let Some(segment) = self.segments.last_mut() else { return };
        let row = self.count - segment.first;
        segment.values[row * self.width..][..self.width].copy_from_slice(values);
        let coding = code(values, &mut segment.codes[row * self.coded_width..][..self.coded_width]);
        segment.scales[row] = coding.scale;
        if self.kind == ScoreKind::Euclidean {
            segment.biases[row] = bound::bias(self.kind, &coding);
        }
        segment.extents[row / BLOCK_ROWS].include(&coding);
        self.count += 1;
    }

    /// The rows of block `number`, which must be below [`Rows::blocks`].
    pub(super) fn block(&self, number: usize) -> Block<'_> {
        let first = number * BLOCK_ROWS;
        let segment = &self.segments[self.segments.partition_point(|segment| segment.first <= first) - 1];
        let at = first - segment.first;
        let rows = (self.count - first).min(BLOCK_ROWS);
        Block {
            first,
            values: &segment.values[at * self.width..][..rows * self.width],
            codes: &segment.codes[at * self.coded_width..][..rows * self.coded_width],
            scales: &segment.scales[at..][..rows],
            biases: segment.biases.get(at..at + rows).unwrap_or_default(),
            extent: &segment.extents[at / BLOCK_ROWS],
        }
    }
}

impl Segment {
    fn new(rows: &Rows, capacity: usize) -> Self {
        let biases = if rows.kind == ScoreKind::Euclidean { capacity } else { 0 };
        Self {
            first: rows.count,
            capacity,
            values: Sealed::zeroed(capacity * rows.width),
            codes: Sealed::zeroed(capacity * rows.coded_width),
            scales: Sealed::zeroed(capacity),
            biases: Sealed::zeroed(biases),
            extents: vec![Extent::default(); capacity / BLOCK_ROWS],
        }
    }

    fn protection(&self) -> Protection {
        let granted = self.values.protection().and(self.codes.protection()).and(self.scales.protection());
        if self.biases.is_empty() { granted } else { granted.and(self.biases.protection()) }
    }
}
