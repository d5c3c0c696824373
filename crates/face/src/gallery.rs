//! The gallery: enrolled templates of one contract, searched exactly.
//!
//! The answer is that of scoring every row in single precision: the same rows in the same order with the same bits, on every
//! machine and with any number of threads; equal scores are ordered by person, then image. It is found faster: a scan over
//! one byte a value says how well each row can score at most ([`bound`] has the proof), and only rows that may be in the
//! answer are scored. So nothing is approximated, and a gallery made to defeat the scan costs time, not rows.

mod best;
mod bound;
mod codes;
pub(crate) mod kernel;
mod rows;
mod scan;
mod search;

#[cfg(test)]
mod adversaries;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use crate::sealed_memory::Protection;
use crate::template::{Contract, ContractMismatch, Score, Template};
use best::Per;
use rows::Rows;
use scan::Instructions;
use search::{Question, Search};

/// Most rows of a gallery: twice the largest custody collections, which with 512 values a row fills 82 GB.
pub const ROWS_MAX: usize = 40_000_000;

/// Most probes of one search, so that one call cannot hold all threads for long.
pub const PROBES_MAX: usize = 1024;

/// One row found by a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The caller's number for the person.
    pub person: u32,
    /// The caller's number for the image.
    pub image: u32,
    /// How alike; larger is more.
    pub score: Score,
}

/// Why a gallery did not take a template or answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GalleryError {
    /// The template is of another model, other weights or another alignment.
    #[error(transparent)]
    Contract(#[from] ContractMismatch),
    /// There is nothing to compare with, which is not the answer "nobody".
    #[error("the gallery of {contract} is not ready: it has no rows; enrol at least one template before searching")]
    NotReady {
        /// The gallery's contract.
        contract: String,
    },
    /// The same person and image twice would leave ties without an order.
    #[error("image {image} of person {person} is in the gallery already; give every row its own pair of numbers")]
    Duplicate {
        /// The person's number.
        person: u32,
        /// The image's number.
        image: u32,
    },
    /// The gallery is full.
    #[error("the gallery has its limit of {ROWS_MAX} rows; split the list")]
    Full,
    /// A search asked for nothing.
    #[error("a search for the best 0 rows has no answer; ask for at least one")]
    NothingAsked,
    /// Too many probes at once.
    #[error("{asked} probes in one search, over the limit of {PROBES_MAX}; search in parts")]
    TooManyProbes {
        /// Probes in the call.
        asked: usize,
    },
}

/// Collects the rows of a gallery.
pub struct GalleryBuilder {
    gallery: Gallery,
    known: HashSet<(u32, u32)>,
}

impl GalleryBuilder {
    /// Adds one row; the template's own memory is wiped when this returns, whatever it returns.
    pub fn add(&mut self, person: u32, image: u32, template: Template) -> Result<(), GalleryError> {
        let gallery = &mut self.gallery;
        gallery.contract.check(template.contract())?;
        if gallery.keys.len() >= ROWS_MAX {
            return Err(GalleryError::Full);
        }
        if !self.known.insert((person, image)) {
            return Err(GalleryError::Duplicate { person, image });
        }
        gallery.rows.push(template.padded_values());
        gallery.keys.push((person, image));
        Ok(())
    }

    /// The finished gallery.
    pub fn build(self) -> Gallery {
        self.gallery
    }
}

/// Enrolled templates of one contract, in sealed memory.
pub struct Gallery {
    contract: Arc<Contract>,
    /// Person and image of every row.
    keys: Vec<(u32, u32)>,
    rows: Rows,
    instructions: Instructions,
}

impl Gallery {
    /// An empty gallery to fill with templates of this contract.
    pub fn builder(contract: Arc<Contract>) -> GalleryBuilder {
        let rows = Rows::new(contract.score, contract.dimensions.max(1));
        GalleryBuilder {
            gallery: Self { contract, keys: Vec::new(), rows, instructions: Instructions::best() },
            known: HashSet::new(),
        }
    }

    /// What its templates depend on.
    pub fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.keys.len()
    }

    /// What the system granted to keep all of it out of dumps and swap.
    pub fn protection(&self) -> Protection {
        self.rows.protection()
    }

    /// The instruction set that the scan uses here. The answers are the same with every one.
    pub fn instructions(&self) -> &'static str {
        self.instructions.name()
    }

    /// Bytes that a search for one probe reads of every row.
    pub fn scanned_bytes(&self) -> usize {
        self.rows.scanned_bytes()
    }

    /// Adds up every byte that [`Gallery::scanned_bytes`] counts, on this thread: the least work that reads them all, beside
    /// which a bench can see how near a search comes to what the memory gives.
    pub fn read_whole(&self) -> u64 {
        (0..self.rows.blocks()).map(|block| self.rows.block(block).read_whole()).fold(0, u64::wrapping_add)
    }

    /// The `top` best rows, best first (ties: lower person, then lower image). Fewer when the gallery has fewer.
    pub fn search(&self, probe: &Template, top: usize) -> Result<Vec<Hit>, GalleryError> {
        self.find(&[probe], Question { per: Per::Row, top, least: f32::NEG_INFINITY }).map(only)
    }

    /// As [`Gallery::search`], of the rows that score `least` or more.
    pub fn search_at_least(&self, probe: &Template, least: Score, top: usize) -> Result<Vec<Hit>, GalleryError> {
        self.find(&[probe], Question { per: Per::Row, top, least: least.0 }).map(only)
    }

    /// As [`Gallery::search`] for several probes, in their order; reads the gallery fewer times than one by one.
    pub fn search_many(&self, probes: &[&Template], top: usize) -> Result<Vec<Vec<Hit>>, GalleryError> {
        self.find(probes, Question { per: Per::Row, top, least: f32::NEG_INFINITY })
    }

    /// The `top` most alike persons, each with the best of their rows.
    pub fn best_per_person(&self, probe: &Template, top: usize) -> Result<Vec<Hit>, GalleryError> {
        self.find(&[probe], Question { per: Per::Person, top, least: f32::NEG_INFINITY }).map(only)
    }

    /// As [`Gallery::best_per_person`] for several probes, in their order.
    pub fn best_per_person_many(&self, probes: &[&Template], top: usize) -> Result<Vec<Vec<Hit>>, GalleryError> {
        self.find(probes, Question { per: Per::Person, top, least: f32::NEG_INFINITY })
    }

    /// Checks the question and answers it.
    fn find(&self, probes: &[&Template], question: Question) -> Result<Vec<Vec<Hit>>, GalleryError> {
        self.check(probes, question)?;
        Ok(Search::new(self, question, probes).run())
    }

    fn check(&self, probes: &[&Template], question: Question) -> Result<(), GalleryError> {
        if probes.len() > PROBES_MAX {
            return Err(GalleryError::TooManyProbes { asked: probes.len() });
        }
        if question.top == 0 {
            return Err(GalleryError::NothingAsked);
        }
        for probe in probes {
            self.contract.check(probe.contract())?;
        }
        match self.keys.is_empty() {
            true => Err(GalleryError::NotReady { contract: self.contract.to_string() }),
            false => Ok(()),
        }
    }
}

/// The answer to the one probe asked about.
fn only(mut answers: Vec<Vec<Hit>>) -> Vec<Hit> {
    answers.pop().unwrap_or_default()
}
