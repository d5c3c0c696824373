//! The longer statements of the record about shares and about how reviewers were measured, as tables of fields.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// On what terms something may pass between the force and another body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareTerms {
    /// Its name on the record.
    pub share: String,
    /// `in` or `out`.
    pub direction: String,
    /// The other body.
    pub counterpart: String,
    /// What kind of thing, from a closed vocabulary.
    pub what: String,
    /// The agreement with that body.
    pub agreement: String,
    /// The legal basis.
    pub basis: String,
    /// When it ends, UTC.
    pub expires: Timestamp,
    /// Seconds after a use within which it must be reported what came of it.
    pub outcome_due_seconds: u64,
}

/// The seeded pairs of an exercise and how its reviewers judged them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedFigures {
    /// The deployment.
    pub deployment: String,
    /// The salt of the commitment, hexadecimal.
    pub salt: String,
    /// The names of all that were fixed, in the order of the commitment.
    pub seeds: Vec<String>,
    /// How many of them were shown.
    pub shown: u64,
    /// Judgements made of them; two of a pair that two people judged.
    pub judgements: u64,
    /// Of these, how many took two people for one.
    pub false_accepts: u64,
    /// Of these, how many could not tell.
    pub cannot_tell: u64,
    /// Pairs that two people judged.
    pub judged_twice: u64,
    /// Of these, pairs judged alike.
    pub agreed: u64,
    /// Half of the judgements took at most so many seconds.
    pub seconds_to_decide_p50: u64,
    /// Nine in ten of them took at most so many seconds.
    pub seconds_to_decide_p90: u64,
}
