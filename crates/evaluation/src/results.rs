//! The published form of an evaluation: `results.json`, described by `docs/reference/results.schema.json`.

use std::collections::BTreeMap;

use serde::Serialize;

/// Name and version of the form.
pub const FORMAT: &str = "overt-evaluation-results/1";

/// Rates by the point they were measured at, written as a decimal fraction; null where the set cannot support the point.
pub type ByPoint<T> = BTreeMap<String, Option<T>>;

/// Everything an evaluation found. Rates are fractions, 0 to 1.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// [`FORMAT`].
    pub format: &'static str,
    /// What was measured.
    pub model: Model,
    /// SHA-256 over every line of the index and every file of the set.
    pub set_sha256: String,
    /// Pictures in the index.
    pub images: usize,
    /// People in the index.
    pub identities: usize,
    /// Pictures that yielded no template.
    pub failures_to_acquire: usize,
    /// Those pictures, each with its reason.
    pub failures: Vec<FailureToAcquire>,
    /// Pictures with more than one face, of which the largest was taken.
    pub several_faces: usize,
    /// Pictures that are byte for byte another picture of the set.
    pub copies: usize,
    /// Seed of the splits and of the intervals.
    pub seed: u64,
    /// One-to-one comparison.
    pub verification: Verification,
    /// One-to-many search among enrolled people and strangers.
    pub identification: Identification,
    /// Where the rates by group were measured; null when the set supports no point.
    pub group_threshold: Option<GroupThreshold>,
    /// How often people were drawn anew for the intervals of the groups.
    pub resamples: u32,
    /// Error rates inside each group.
    pub groups: Vec<GroupResult>,
    /// What a reader must know before using a figure.
    pub notes: Vec<String>,
}

/// The models and the engine.
#[derive(Clone, Debug, Serialize)]
pub struct Model {
    /// The bundle.
    pub bundle: String,
    /// The detector.
    pub detector: String,
    /// The recogniser.
    pub recogniser: String,
    /// SHA-256 of the recogniser's weights.
    pub weights_sha256: String,
    /// Alignment and pre-processing.
    pub alignment: String,
    /// `cosine` (larger is more alike) or `euclidean` (smaller is more alike): the unit of every score and threshold here.
    pub score: &'static str,
    /// The engine.
    pub engine: &'static str,
}

/// A picture that yielded no template.
#[derive(Clone, Debug, Serialize)]
pub struct FailureToAcquire {
    /// Line of the picture in the index, from 1, the heading not counted.
    pub row: usize,
    /// Why, beginning with the path as the index gives it.
    pub reason: String,
}

/// One-to-one comparison of all pairs.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// Pairs of one person.
    pub genuine: usize,
    /// Those of them that could not be compared, and count as not matching.
    pub genuine_missed: usize,
    /// Compared pairs of two people.
    pub impostor: usize,
    /// Equal error rate.
    pub eer: f64,
    /// The smaller of the two rates at the crossing.
    pub eer_low: f64,
    /// The larger of the two rates at the crossing.
    pub eer_high: f64,
    /// The threshold of the crossing.
    pub eer_threshold: f32,
    /// False non-match rate at the lowest threshold whose false match rate is at most the key.
    pub fnmr_at_fmr: ByPoint<f64>,
    /// That threshold.
    pub threshold_at_fmr: ByPoint<f32>,
    /// Area under the curve of true match against false match.
    pub auc: f64,
    /// d' of the two score distributions; null when neither varies.
    pub decidability: Option<f64>,
    /// The detection error trade-off, thinned.
    pub det: Vec<DetPoint>,
}

/// One point of the detection error trade-off.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DetPoint {
    /// The threshold.
    pub threshold: f32,
    /// False match rate.
    pub fmr: f64,
    /// False non-match rate.
    pub fnmr: f64,
}

/// One-to-many search. The counts are those of the smallest split.
#[derive(Clone, Debug, Serialize)]
pub struct Identification {
    /// People enrolled, each with one picture.
    pub enrolled: usize,
    /// Searches for an enrolled person.
    pub mated: usize,
    /// Searches for a person who is not enrolled.
    pub non_mated: usize,
    /// Mean over the splits of the true-positive rate at the lowest threshold whose false-positive rate is at most the key.
    pub tpir_at_fpir: ByPoint<f64>,
    /// The lowest and the highest of those rates among the splits.
    pub tpir_range_at_fpir: ByPoint<[f64; 2]>,
    /// Every split.
    pub splits: Vec<SplitResult>,
}

/// One division of the people into enrolled and not.
#[derive(Clone, Debug, Serialize)]
pub struct SplitResult {
    /// People enrolled.
    pub enrolled: usize,
    /// Searches for an enrolled person.
    pub mated: usize,
    /// Searches for a person who is not enrolled.
    pub non_mated: usize,
    /// True-positive rate at each false-positive rate.
    pub tpir_at_fpir: ByPoint<f64>,
    /// The threshold.
    pub threshold_at_fpir: ByPoint<f32>,
}

/// Where the rates by group were measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GroupThreshold {
    /// The false match rate asked for, over all pairs of the set.
    pub target_fmr: f64,
    /// The one measured.
    pub fmr: f64,
    /// The threshold.
    pub threshold: f32,
}

/// Error rates inside one group.
#[derive(Clone, Debug, Serialize)]
pub struct GroupResult {
    /// The column of the index, or two joined by " & ".
    pub column: String,
    /// The value, or two joined by " & ".
    pub group: String,
    /// People in the group.
    pub identities: usize,
    /// Pictures of them.
    pub images: usize,
    /// Compared pairs of two people, both of the group.
    pub impostor: usize,
    /// Pairs of one person.
    pub genuine: usize,
    /// False match rate; null without a pair to measure it on.
    pub fmr: Option<f64>,
    /// Its 95 % interval.
    pub fmr_ci95: Option<[f64; 2]>,
    /// False non-match rate; null without a pair to measure it on.
    pub fnmr: Option<f64>,
    /// Its 95 % interval.
    pub fnmr_ci95: Option<[f64; 2]>,
    /// What a reader must know before using the rates.
    pub note: Option<String>,
}
