//! Charter: a test set of recorded pictures goes in; error rates, operating points and differences between groups come out.
//!
//! This crate measures. It never reads a deployment's data, decides nothing, keeps no template beyond the run, and shows
//! no picture of anybody. A rate that a set is too small to support is not given: it is null, with a note, never a guess.
//! People are row numbers here; the names in an index are not read further than to tell them apart.
//!
//! Reading order: an index is read, pictures become templates, all pairs are compared, rates are measured on the scores
//! (one to one, one to many, by group), and the results are written down.

pub mod error;
pub mod index;
pub mod acquire;
pub mod comparisons;
pub mod interval;
pub mod operating_point;
pub mod curve;
pub mod identification;
pub mod groups;
pub mod results;
mod evaluate;
mod plots;
mod report;
mod files;

pub use error::EvaluationError;
pub use evaluate::{Evaluation, Settings};
pub use index::Index;
pub use operating_point::OperatingPoint;
pub use report::percent;
