//! One search under way: the scan of every block, and the scores of the rows that it leaves.

use rayon::prelude::*;

use super::best::{Best, Floor, Per};
use super::codes::Asked;
use super::rows::Block;
use super::scan::{self, PASS_PROBES};
use super::{Gallery, Hit, bound, kernel};
use crate::template::Template;

/// Codes read (rows x dimensions x probes) under which starting other threads costs more than it saves.
const PARALLEL_CODES_MIN: usize = 1 << 22;

/// Blocks that one thread takes in one go at least, so that it reads one long stream.
const PARALLEL_BLOCKS_MIN: usize = 16;

/// What is asked about each probe of a search.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub(super) per: Per,
    /// How many hits at most.
    pub(super) top: usize,
    /// Rows that score less are not asked for.
    pub(super) least: f32,
}

/// One search under way, shared by all threads.
pub(super) struct Search<'a> {
    gallery: &'a Gallery,
    question: Question,
    values: Vec<&'a [f32]>,
    asked: Asked,
    /// One for each probe.
    floors: Vec<Floor>,
}

/// What one thread has found, and its places to compute in.
struct Found {
    /// One for each probe.
    best: Vec<Best>,
    dots: Vec<i32>,
    kept: Vec<usize>,
    scores: Vec<f32>,
}

impl<'a> Search<'a> {
    /// Prepares a search of a gallery that is not empty; all probes are of its contract.
    pub(super) fn new(gallery: &'a Gallery, question: Question, probes: &[&'a Template]) -> Self {
        let values: Vec<&[f32]> = probes.iter().map(|probe| probe.padded_values()).collect();
        Self {
            gallery,
            question: Question { top: question.top.min(gallery.rows()), ..question },
            asked: Asked::new(&values, gallery.rows.width()),
            values,
            floors: probes.iter().map(|_| Floor::new(question.least)).collect(),
        }
    }

    /// The answer for each probe, found on this thread when there is little to read.
    pub(super) fn run(&self) -> Vec<Vec<Hit>> {
        let rows = &self.gallery.rows;
        let work = self.gallery.rows().saturating_mul(rows.coded_width()).saturating_mul(self.values.len());
        let blocks = 0..rows.blocks();
        let found = if work < PARALLEL_CODES_MIN {
            blocks.fold(self.nothing(), |found, block| self.scan(found, block))
        } else {
            let blocks = blocks.into_par_iter().with_min_len(PARALLEL_BLOCKS_MIN);
            let parts = blocks.fold(|| self.nothing(), |found, block| self.scan(found, block));
            parts.reduce(|| self.nothing(), |left, right| self.merge(left, right))
        };
        let best = found.best.into_iter().zip(&self.floors);
        best.map(|(best, floor)| best.into_hits(floor)).collect()
    }

    fn nothing(&self) -> Found {
        let best = self.values.iter().map(|_| Best::new(self.question.top, self.question.per)).collect();
        Found { best, dots: Vec::new(), kept: Vec::new(), scores: Vec::new() }
    }

    /// What two threads found together.
    fn merge(&self, mut left: Found, right: Found) -> Found {
        for ((left, right), floor) in left.best.iter_mut().zip(right.best).zip(&self.floors) {
            left.merge(right, floor);
        }
        left
    }

    /// One block with all probes: the scan, then the scores of those rows that may be among the best.
    fn scan(&self, found: Found, block: usize) -> Found {
        let Found { mut best, mut dots, mut kept, mut scores } = found;
        let Gallery { rows, instructions, .. } = self.gallery;
        let block = rows.block(block);
        let count = block.scales.len();
        for first in (0..self.values.len()).step_by(PASS_PROBES) {
            let probes = (self.values.len() - first).min(PASS_PROBES);
            // The pass of a last probe alone, which mostly is all that is asked.
            if probes == 1 && self.floors[first].read() > f32::NEG_INFINITY {
                instructions.sift_one(&block, &self.asked, self.limit(&block, first), &mut dots, &mut kept);
                self.score(&block, first, &kept, &mut scores, &mut best[first]);
                continue;
            }
            dots.resize(count * probes, 0);
            instructions.dots(block.codes, rows.coded_width(), &self.asked, first, &mut dots);
            for (probe, dots) in (first..).zip(dots.chunks_exact(count)) {
                if self.floors[probe].read() == f32::NEG_INFINITY {
                    self.find_floor(&block, probe, dots, &mut scores);
                }
                let limit = self.limit(&block, probe);
                instructions.sift(dots, &block, self.asked.coding(probe).scale, limit, &mut kept);
                self.score(&block, probe, &kept, &mut scores, &mut best[probe]);
            }
        }
        Found { best, dots, kept, scores }
    }

    /// The estimate under which no row of the block can be in the answer for a probe.
    fn limit(&self, block: &Block<'_>, probe: usize) -> f32 {
        let Gallery { contract, rows, .. } = self.gallery;
        let coding = self.asked.coding(probe);
        bound::limit(contract.score, rows.coded_width(), coding, block.extent, self.floors[probe].read())
    }

    /// Scores the most promising rows of the first block before all others, so that most of the others need no score.
    /// Their scores are a floor whatever made them promising.
    fn find_floor(&self, block: &Block<'_>, probe: usize, dots: &[i32], scores: &mut Vec<f32>) {
        // Persons can come twice: with twice as many rows there are mostly enough of them.
        let wanted = self.question.top.saturating_mul(2);
        if wanted >= dots.len() {
            return;
        }
        let scale = self.asked.coding(probe).scale;
        let estimates = (0..dots.len()).map(|row| (scan::estimate(dots, block.scales, block.biases, scale, row), row));
        let mut estimates: Vec<(f32, usize)> = estimates.collect();
        estimates.select_nth_unstable_by(wanted, |left, right| right.0.total_cmp(&left.0));
        let mut first = Best::new(self.question.top, self.question.per);
        for (_, row) in &estimates[..wanted] {
            self.score(block, probe, &[*row], scores, &mut first);
        }
        first.into_hits(&self.floors[probe]);
    }

    /// Scores the rows kept, neighbours together.
    fn score(&self, block: &Block<'_>, probe: usize, kept: &[usize], scores: &mut Vec<f32>, best: &mut Best) {
        let (kind, width) = (self.gallery.contract.score, self.gallery.rows.width());
        for run in kept.chunk_by(|row, next| row + 1 == *next) {
            scores.resize(run.len(), 0.0);
            let values = &block.values[run[0] * width..][..run.len() * width];
            kernel::scores(kind, values, width, &[self.values[probe]], scores);
            let keys = &self.gallery.keys[block.first + run[0]..][..run.len()];
            best.offer(keys, scores, &self.floors[probe]);
        }
    }
}
