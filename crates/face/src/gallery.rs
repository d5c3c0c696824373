//! The gallery: enrolled templates of one contract, searched exactly.
//!
//! Every row is scored; nothing is approximated, sampled or quantised. The answer for given rows and a given probe has the same
//! bits on every machine and with any number of threads, and equal scores are ordered by person, then image.

pub(crate) mod kernel;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;

use crate::sealed_memory::{Protection, Sealed};
use crate::template::{Contract, ContractMismatch, Score, Template};

/// Most rows of a gallery: twice the largest custody collections, which with 512 values a row fills 82 GB.
pub const ROWS_MAX: usize = 40_000_000;

/// Most probes of one search, so that one call cannot hold all threads for long.
pub const PROBES_MAX: usize = 1024;

/// Rows of one block: with 512 values 512 KB, which a core's own cache holds while several probes read it.
const BLOCK_ROWS: usize = 256;

/// Values read (rows x dimensions x probes) under which starting other threads costs more than it saves.
const PARALLEL_VALUES_MIN: usize = 1 << 20;

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

/// What a search lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Per {
    /// Every row for itself: a person with several images can come several times.
    Row,
    /// Each person's best row.
    Person,
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
        let row = gallery.keys.len() % BLOCK_ROWS;
        if row == 0 {
            gallery.blocks.push(Sealed::zeroed(BLOCK_ROWS * gallery.width));
        }
        if let Some(block) = gallery.blocks.last_mut() {
            block[row * gallery.width..][..gallery.width].copy_from_slice(template.padded_values());
        }
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
    /// Values of one row with its padding.
    width: usize,
    /// Person and image of every row.
    keys: Vec<(u32, u32)>,
    /// [`BLOCK_ROWS`] rows each; the last one may have unused rows at its end.
    blocks: Vec<Sealed<f32>>,
}

impl Gallery {
    /// An empty gallery to fill with templates of this contract.
    pub fn builder(contract: Arc<Contract>) -> GalleryBuilder {
        let width = kernel::padded(contract.dimensions.max(1));
        GalleryBuilder {
            gallery: Self { contract, width, keys: Vec::new(), blocks: Vec::new() },
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
        self.blocks.iter().map(Sealed::protection).fold(Protection::FULL, Protection::and)
    }

    /// The `top` best rows, best first (ties: lower person, then lower image). Fewer when the gallery has fewer.
    pub fn search(&self, probe: &Template, top: usize) -> Result<Vec<Hit>, GalleryError> {
        self.find(&[probe], top, Per::Row).map(only)
    }

    /// As [`Gallery::search`] for several probes, in their order; reads the gallery fewer times than one by one.
    pub fn search_many(&self, probes: &[&Template], top: usize) -> Result<Vec<Vec<Hit>>, GalleryError> {
        self.find(probes, top, Per::Row)
    }

    /// The `top` most alike persons, each with the best of their rows.
    pub fn best_per_person(&self, probe: &Template, top: usize) -> Result<Vec<Hit>, GalleryError> {
        self.find(&[probe], top, Per::Person).map(only)
    }

    /// As [`Gallery::best_per_person`] for several probes, in their order.
    pub fn best_per_person_many(&self, probes: &[&Template], top: usize) -> Result<Vec<Vec<Hit>>, GalleryError> {
        self.find(probes, top, Per::Person)
    }

    /// Checks the question and answers it, on this thread when it is small.
    fn find(&self, probes: &[&Template], top: usize, per: Per) -> Result<Vec<Vec<Hit>>, GalleryError> {
        if probes.len() > PROBES_MAX {
            return Err(GalleryError::TooManyProbes { asked: probes.len() });
        }
        if top == 0 {
            return Err(GalleryError::NothingAsked);
        }
        for probe in probes {
            self.contract.check(probe.contract())?;
        }
        if self.keys.is_empty() {
            return Err(GalleryError::NotReady { contract: self.contract.to_string() });
        }
        let values: Vec<&[f32]> = probes.iter().map(|probe| probe.padded_values()).collect();
        let nothing =
            || vec![Best { top: top.min(self.rows()), per, hits: Vec::new(), floor: f32::NEG_INFINITY }; probes.len()];
        let scan = |mut best: Vec<Best>, block: usize| {
            self.scan_block(block, &values, &mut best);
            best
        };
        let work = self.rows().saturating_mul(self.width).saturating_mul(probes.len());
        let best = if work < PARALLEL_VALUES_MIN {
            (0..self.blocks.len()).fold(nothing(), scan)
        } else {
            (0..self.blocks.len()).into_par_iter().fold(nothing, scan).reduce(nothing, |mut left, right| {
                left.iter_mut().zip(right).for_each(|(left, right)| left.merge(right));
                left
            })
        };
        Ok(best.into_iter().map(Best::into_hits).collect())
    }

    /// Scores one block against all probes and keeps what may be among the best.
    fn scan_block(&self, block: usize, probes: &[&[f32]], best: &mut [Best]) {
        let keys = &self.keys[block * BLOCK_ROWS..];
        let keys = &keys[..keys.len().min(BLOCK_ROWS)];
        let rows = &self.blocks[block][..keys.len() * self.width];
        let mut scores = vec![0.0; keys.len() * probes.len()];
        kernel::scores(self.contract.score, rows, self.width, probes, &mut scores);
        for (best, scores) in best.iter_mut().zip(scores.chunks_exact(keys.len())) {
            best.offer(keys, scores);
        }
    }
}

/// The best hits so far of one probe.
#[derive(Clone)]
struct Best {
    top: usize,
    per: Per,
    hits: Vec<Hit>,
    /// Rows below this score are certainly not among the best.
    floor: f32,
}

impl Best {
    /// Takes the rows of one block.
    fn offer(&mut self, keys: &[(u32, u32)], scores: &[f32]) {
        let floor = self.floor;
        let good = keys.iter().zip(scores).filter(|(_, score)| **score >= floor);
        self.hits.extend(good.map(|((person, image), score)| Hit {
            person: *person,
            image: *image,
            score: Score(*score),
        }));
        // Sorting only when the list has doubled keeps the cost of a long answer near that of one sort.
        if self.hits.len() > 2 * self.top + BLOCK_ROWS {
            self.settle();
        }
    }

    /// Takes what another thread found.
    fn merge(&mut self, other: Self) {
        self.hits.extend(other.hits);
        self.settle();
    }

    /// Orders the hits, drops what is not among the best and raises the floor.
    fn settle(&mut self) {
        self.hits.sort_unstable_by(order);
        if self.per == Per::Person {
            let mut seen = HashSet::new();
            self.hits.retain(|hit| seen.insert(hit.person));
        }
        self.hits.truncate(self.top);
        if let Some(last) = self.hits.last().filter(|_| self.hits.len() == self.top) {
            self.floor = last.score.0;
        }
    }

    fn into_hits(mut self) -> Vec<Hit> {
        self.settle();
        self.hits
    }
}

/// Best first; equal scores by person, then image, which no two rows share.
fn order(left: &Hit, right: &Hit) -> Ordering {
    right.score.0.total_cmp(&left.score.0).then(left.person.cmp(&right.person)).then(left.image.cmp(&right.image))
}

/// The answer to the one probe asked about.
fn only(mut answers: Vec<Vec<Hit>>) -> Vec<Hit> {
    answers.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::ScoreKind;

    /// A small generator (xorshift64*), so that the rows are the same everywhere.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f32 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1 << 24) as f32 - 0.5
        }
    }

    fn contract(score: ScoreKind, dimensions: usize) -> Arc<Contract> {
        let weights_sha256 = "00".repeat(32);
        Arc::new(Contract { model: "m".into(), weights_sha256, alignment: "a".into(), score, dimensions })
    }

    fn random(contract: &Arc<Contract>, numbers: &mut Numbers) -> Template {
        let values = (0..contract.dimensions).map(|_| numbers.next()).collect();
        Template::new(Arc::clone(contract), values).expect("sound values")
    }

    fn copy(template: &Template) -> Template {
        Template::new(Arc::clone(template.contract()), template.values().into()).expect("sound values")
    }

    /// The same score in double precision, written as plainly as possible.
    fn reference(left: &Template, right: &Template) -> f64 {
        let pairs = left.values().iter().zip(right.values()).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        match left.contract().score {
            ScoreKind::Cosine => pairs.map(|(a, b)| a * b).sum(),
            ScoreKind::Euclidean => -pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
        }
    }

    #[test]
    fn agrees_with_double_precision_and_with_one_to_one() {
        let mut numbers = Numbers(7);
        for (kind, dimensions, rows, probes) in [
            (ScoreKind::Cosine, 512, 3000, 8),
            (ScoreKind::Cosine, 256, 1, 1),
            (ScoreKind::Cosine, 100, 1025, 2),
            (ScoreKind::Euclidean, 128, 2500, 5),
            (ScoreKind::Euclidean, 1, 7, 3),
        ] {
            let contract = contract(kind, dimensions);
            let templates: Vec<Template> = (0..rows).map(|_| random(&contract, &mut numbers)).collect();
            let mut builder = Gallery::builder(Arc::clone(&contract));
            for (row, template) in templates.iter().enumerate() {
                builder.add(row as u32 / 3, row as u32 % 3, copy(template)).expect("a new row");
            }
            let gallery = builder.build();
            let probes: Vec<Template> = (0..probes).map(|_| random(&contract, &mut numbers)).collect();
            let answers = gallery.search_many(&probes.iter().collect::<Vec<_>>(), rows).expect("an answer");
            for (probe, answer) in probes.iter().zip(&answers) {
                assert_eq!(answer.len(), rows);
                assert!(
                    answer.windows(2).all(|pair| order(&pair[0], &pair[1]) == Ordering::Less),
                    "sorted, no row twice"
                );
                for hit in answer {
                    let template = &templates[(3 * hit.person + hit.image) as usize];
                    assert!((f64::from(hit.score.0) - reference(probe, template)).abs() < 2e-6, "{hit:?}");
                    assert_eq!(probe.compare(template).map(|score| score.0.to_bits()), Ok(hit.score.0.to_bits()));
                }
                assert_eq!(gallery.search(probe, 10).expect("an answer"), answer[..rows.min(10)]);
            }
        }
    }

    #[test]
    fn best_per_person_is_the_row_search_without_repeats() {
        let mut numbers = Numbers(3);
        let contract = contract(ScoreKind::Cosine, 128);
        let mut builder = Gallery::builder(Arc::clone(&contract));
        for row in 0..5000u32 {
            builder
                .add(row.wrapping_mul(2_654_435_761) % 700, row, random(&contract, &mut numbers))
                .expect("a new row");
        }
        let gallery = builder.build();
        let probe = random(&contract, &mut numbers);
        let mut seen = HashSet::new();
        let rows = gallery.search(&probe, 5000).expect("an answer");
        let people: Vec<Hit> = rows.into_iter().filter(|hit| seen.insert(hit.person)).collect();
        for top in [1, 10, 700, 5000] {
            assert_eq!(gallery.best_per_person(&probe, top).expect("an answer"), people[..people.len().min(top)]);
        }
        assert_eq!(
            gallery.best_per_person_many(&[&probe, &probe], 3).expect("an answer"),
            vec![people[..3].to_vec(); 2]
        );
    }

    #[test]
    fn ties_are_ordered_by_person_then_image_whatever_the_order_of_enrolment() {
        let contract = contract(ScoreKind::Cosine, 16);
        let one = random(&contract, &mut Numbers(1));
        let mut builder = Gallery::builder(Arc::clone(&contract));
        for (person, image) in [(5, 0), (2, 9), (2, 1), (9, 0), (0, 4)] {
            builder.add(person, image, copy(&one)).expect("a new row");
        }
        let gallery = builder.build();
        let keys = |hits: Vec<Hit>| hits.iter().map(|hit| (hit.person, hit.image)).collect::<Vec<_>>();
        assert_eq!(keys(gallery.search(&one, 4).expect("an answer")), [(0, 4), (2, 1), (2, 9), (5, 0)]);
        assert_eq!(keys(gallery.best_per_person(&one, 3).expect("an answer")), [(0, 4), (2, 1), (5, 0)]);
    }

    #[test]
    fn the_answer_does_not_depend_on_the_number_of_threads() {
        let mut numbers = Numbers(11);
        let contract = contract(ScoreKind::Euclidean, 128);
        let mut builder = Gallery::builder(Arc::clone(&contract));
        for row in 0..20_000 {
            builder.add(row, 0, random(&contract, &mut numbers)).expect("a new row");
        }
        let gallery = builder.build();
        let probes: Vec<Template> = (0..4).map(|_| random(&contract, &mut numbers)).collect();
        let probes: Vec<&Template> = probes.iter().collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| gallery.search_many(&probes, 50)).expect("an answer")
        };
        let alone = with(1);
        assert_eq!(alone, with(2));
        assert_eq!(alone, with(7));
    }

    #[test]
    fn what_cannot_be_answered_is_an_error() {
        let cosine = contract(ScoreKind::Cosine, 128);
        let probe = random(&cosine, &mut Numbers(2));
        let empty = Gallery::builder(Arc::clone(&cosine)).build();
        assert!(matches!(empty.search(&probe, 1), Err(GalleryError::NotReady { .. })));
        let mut builder = Gallery::builder(Arc::clone(&cosine));
        builder.add(1, 2, copy(&probe)).expect("a new row");
        assert_eq!(builder.add(1, 2, copy(&probe)), Err(GalleryError::Duplicate { person: 1, image: 2 }));
        let other = random(&contract(ScoreKind::Euclidean, 128), &mut Numbers(2));
        assert!(matches!(builder.add(1, 3, copy(&other)), Err(GalleryError::Contract(_))));
        let gallery = builder.build();
        assert_eq!(gallery.search(&probe, 0), Err(GalleryError::NothingAsked));
        assert!(matches!(gallery.search(&other, 1), Err(GalleryError::Contract(_))));
        assert_eq!(
            gallery.search_many(&[&probe; PROBES_MAX + 1], 1),
            Err(GalleryError::TooManyProbes { asked: PROBES_MAX + 1 })
        );
        assert_eq!(gallery.search(&probe, 5).map(|hits| hits.len()), Ok(1));
    }
}
