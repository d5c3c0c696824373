//! Runs a whole evaluation: pictures to templates, templates to scores, scores to results.

use std::path::Path;

use face::{Contract, Faces, Score, ScoreKind};

use crate::acquire::Acquired;
use crate::comparisons::Comparisons;
use crate::curve::RateCurve;
use crate::error::EvaluationError;
use crate::groups::{self, Bootstrap, Group, GroupRates, Rate};
use crate::identification::{self, Split};
use crate::index::Index;
use crate::operating_point::OperatingPoint;
use crate::results::{
    ByPoint, DetPoint, FORMAT, FailureToAcquire, GroupResult, GroupThreshold, Identification, Model, Results,
    SplitResult, Verification,
};

/// False match rates at which the false non-match rate is given.
const FMR_POINTS: [f64; 4] = [0.1, 0.01, 0.001, 0.0001];
/// False-positive identification rates at which the true-positive rate is given.
const FPIR_POINTS: [f64; 3] = [0.1, 0.01, 0.001];
/// False match rates at which groups are measured: the first the set supports. 0.001 is where national tests compare groups.
const GROUP_FMR_POINTS: [f64; 3] = [0.001, 0.01, 0.1];
/// Distance between two published points of the trade-off, in standard deviations of either axis; bounds them to a few hundred.
const DET_STEP_PROBITS: f64 = 0.05;
/// The most splits and resamples: beyond them figures do not change, only the time.
const SPLITS_MAX: u32 = 1_000;
const RESAMPLES_MAX: u32 = 100_000;
/// Fewer resamples cannot place the ends of a 95 % interval.
const RESAMPLES_MIN: u32 = 100;

/// What is drawn at random, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seed of everything random.
    pub seed: u64,
    /// How many times the people are divided into enrolled and not.
    pub splits: u32,
    /// How many times people are drawn anew for the intervals of groups.
    pub resamples: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, splits: 10, resamples: 1_000 }
    }
}

/// A finished evaluation: its results, and the scores they come from.
pub struct Evaluation {
    /// What was found.
    pub results: Results,
    pub(crate) comparisons: Comparisons,
    pub(crate) curve: RateCurve,
    pub(crate) score: ScoreKind,
}

impl Evaluation {
    /// Evaluates opened models on a set. `progress` is told after each picture how many are done.
    pub fn run(
        faces: &mut Faces,
        index: &Index,
        pictures: &Path,
        settings: Settings,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self, EvaluationError> {
        settings.check()?;
        let groups = groups::groups(index)?;
        let acquired = Acquired::from_pictures(faces, index, pictures, progress)?;
        Self::measure(model(faces), faces.recognizer.contract().score, index, groups, acquired, settings)
    }

    fn measure(
        model: Model,
        score: ScoreKind,
        index: &Index,
        groups: Vec<Group>,
        acquired: Acquired,
        settings: Settings,
    ) -> Result<Self, EvaluationError> {
        let identities = index.rows.iter().map(|row| row.identity).collect();
        let comparisons = Comparisons::all_pairs(&acquired.templates, identities)?;
        let curve = comparisons.curve().ok_or_else(|| too_little(index, &acquired))?;
        let splits = identification::splits(&comparisons, settings.seed, settings.splits);
        let group_point = GROUP_FMR_POINTS.iter().find_map(|&fmr| curve.threshold_at(fmr));
        let mut results = Results {
            format: FORMAT,
            model,
            set_sha256: acquired.set_sha256,
            images: index.rows.len(),
            identities: index.identities,
            failures_to_acquire: acquired.failures.len(),
            failures: acquired
                .failures
                .into_iter()
                .map(|failure| FailureToAcquire { row: failure.row + 1, reason: failure.reason })
                .collect(),
            several_faces: acquired.several_faces,
            copies: acquired.copies,
            seed: settings.seed,
            verification: verification(&curve, score),
            identification: identification(&splits, score),
            group_threshold: group_point.map(|point| GroupThreshold {
                target_fmr: point.target,
                fmr: point.rate,
                threshold: shown(score, point.threshold),
            }),
            resamples: settings.resamples,
            groups: group_results(&comparisons, &groups, group_point, settings),
            notes: Vec::new(),
        };
        results.notes = notes(&results);
        Ok(Self { results, comparisons, curve, score })
    }
}

/// A score in the model's own unit: a distance as such, although inside larger is always more alike.
pub(crate) fn shown(kind: ScoreKind, score: f32) -> f32 {
    kind.shown(Score(score))
}

impl Settings {
    fn check(self) -> Result<(), EvaluationError> {
        let refuse = |option, found: u32, next| Err(EvaluationError::Option { option, found: found.to_string(), next });
        match self {
            Self { splits: 0 | SPLITS_MAX.., .. } => refuse("--splits", self.splits, "give a number from 1 to 999"),
            Self { resamples: ..RESAMPLES_MIN | RESAMPLES_MAX.., .. } => {
                refuse("--resamples", self.resamples, "give a number from 100 to 99999")
            }
            _ => Ok(()),
        }
    }
}

fn model(faces: &Faces) -> Model {
    let contract: &Contract = faces.recognizer.contract();
    Model {
        bundle: faces.bundle.clone(),
        detector: faces.detector.name().to_owned(),
        recogniser: contract.model.clone(),
        weights_sha256: contract.weights_sha256.clone(),
        alignment: contract.alignment.clone(),
        score: match contract.score {
            ScoreKind::Cosine => "cosine",
            ScoreKind::Euclidean => "euclidean",
        },
        engine: faces.engine.name(),
    }
}

fn too_little(index: &Index, acquired: &Acquired) -> EvaluationError {
    let first = acquired.failures.first().map_or(String::new(), |failure| format!(" (the first: {})", failure.reason));
    EvaluationError::TooLittle {
        found: format!(
            "{} pictures of {} people, {} without a face{first}, leave no pair of one person or no pair of two people",
            index.rows.len(),
            index.identities,
            acquired.failures.len(),
        ),
        next: "give at least two people and two usable pictures of one of them",
    }
}

fn verification(curve: &RateCurve, score: ScoreKind) -> Verification {
    let equal = curve.equal_error();
    let point = |fmr: f64| curve.threshold_at(fmr).map(|point| curve.at(point.threshold));
    Verification {
        genuine: curve.genuine_pairs(),
        genuine_missed: curve.genuine_pairs() - curve.genuine().len(),
        impostor: curve.impostor().len(),
        eer: equal.rate,
        eer_low: equal.low,
        eer_high: equal.high,
        eer_threshold: shown(score, equal.threshold),
        fnmr_at_fmr: by_point(&FMR_POINTS, |fmr| point(fmr).map(|point| point.fnmr)),
        threshold_at_fmr: by_point(&FMR_POINTS, |fmr| point(fmr).map(|point| shown(score, point.threshold))),
        auc: curve.area(),
        decidability: curve.decidability(),
        det: trade_off(curve, score),
    }
}

/// The points of the trade-off that are far enough from each other to be seen apart.
fn trade_off(curve: &RateCurve, score: ScoreKind) -> Vec<DetPoint> {
    let mut kept: Vec<DetPoint> = Vec::new();
    let mut last = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for point in curve.points() {
        let at = (probit(point.fmr, curve.impostor().len()), probit(point.fnmr, curve.genuine_pairs()));
        if (at.0 - last.0).abs().max((at.1 - last.1).abs()) >= DET_STEP_PROBITS {
            kept.push(DetPoint { threshold: shown(score, point.threshold), fmr: point.fmr, fnmr: point.fnmr });
            last = at;
        }
    }
    kept
}

/// A rate in standard deviations of the normal distribution; none and all of `trials` are drawn as half an error away from that.
pub(crate) fn probit(rate: f64, trials: usize) -> f64 {
    let half = 0.5 / trials.max(1) as f64;
    -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * rate.clamp(half, 1.0 - half))
}

fn identification(splits: &[Split], score: ScoreKind) -> Identification {
    let smallest = |of: fn(&Split) -> usize| splits.iter().map(of).min().unwrap_or(0);
    let rates = |fpir: f64| splits.iter().map(|split| Some(split.found_at(fpir)?.tpir)).collect::<Option<Vec<f64>>>();
    let range = |rates: Vec<f64>| {
        let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
        [lowest, rates.iter().copied().fold(f64::NEG_INFINITY, f64::max)]
    };
    Identification {
        enrolled: smallest(|split| split.enrolled),
        mated: smallest(|split| split.mated),
        non_mated: smallest(Split::non_mated),
        tpir_at_fpir: by_point(&FPIR_POINTS, |fpir| rates(fpir).map(|all| all.iter().sum::<f64>() / all.len() as f64)),
        tpir_range_at_fpir: by_point(&FPIR_POINTS, |fpir| rates(fpir).map(range)),
        splits: splits.iter().map(|split| split_result(split, score)).collect(),
    }
}

fn split_result(split: &Split, score: ScoreKind) -> SplitResult {
    SplitResult {
        enrolled: split.enrolled,
        mated: split.mated,
        non_mated: split.non_mated(),
        tpir_at_fpir: by_point(&FPIR_POINTS, |fpir| split.found_at(fpir).map(|found| found.tpir)),
        threshold_at_fpir: by_point(&FPIR_POINTS, |fpir| {
            split.found_at(fpir).map(|found| shown(score, found.point.threshold))
        }),
    }
}

fn group_results(
    comparisons: &Comparisons,
    groups: &[Group],
    point: Option<OperatingPoint>,
    settings: Settings,
) -> Vec<GroupResult> {
    let bootstrap = Bootstrap { seed: settings.seed, resamples: settings.resamples };
    // Without a threshold nothing can match; the group is named all the same, without rates.
    let threshold = point.map_or(f32::INFINITY, |point| point.threshold);
    let supported = |rate: Option<Rate>| rate.filter(|_| point.is_some());
    let result = |group: &Group| {
        let rates: GroupRates = groups::measure(comparisons, group, threshold, bootstrap);
        let (fmr, fnmr) = (supported(rates.fmr), supported(rates.fnmr));
        GroupResult {
            column: group.column.clone(),
            group: group.value.clone(),
            identities: rates.identities,
            images: group.rows.len(),
            impostor: rates.impostor,
            genuine: rates.genuine,
            fmr: fmr.map(|rate| rate.rate),
            fmr_ci95: fmr.map(|rate| rate.ci95),
            fnmr: fnmr.map(|rate| rate.rate),
            fnmr_ci95: fnmr.map(|rate| rate.ci95),
            note: if point.is_some() { rates.note() } else { Some("the set supports no threshold".to_owned()) },
        }
    };
    groups.iter().map(result).collect()
}

fn notes(results: &Results) -> Vec<String> {
    let mut notes = Vec::new();
    let verification = &results.verification;
    for fmr in unsupported(&verification.fnmr_at_fmr) {
        notes.push(format!("no figure at FMR {fmr}: {} impostor pairs do not reach that far", verification.impostor));
    }
    for fpir in unsupported(&results.identification.tpir_at_fpir) {
        let searches = results.identification.non_mated;
        let reason = if results.identification.mated == 0 {
            "a split has no second picture of anybody enrolled to search with".to_owned()
        } else {
            format!("{searches} searches for people not enrolled do not reach that far")
        };
        notes.push(format!("no figure at FPIR {fpir}: {reason}"));
    }
    if let Some(point) = results.group_threshold.filter(|point| point.target_fmr > GROUP_FMR_POINTS[0]) {
        notes.push(format!("groups are measured at FMR {}, the lowest the set supports", point.target_fmr));
    }
    if results.several_faces > 0 {
        notes.push(format!("{} pictures show several faces; the largest was taken", results.several_faces));
    }
    if results.copies > 0 {
        notes.push(format!("{} pictures are copies of another: rates look better than they are", results.copies));
    }
    if results.failures_to_acquire > 0 {
        notes.push(
            "a picture without a face counts as a miss of its person, and as no attempt by a stranger".to_owned(),
        );
    }
    notes
}

fn unsupported<T>(points: &ByPoint<T>) -> impl Iterator<Item = &String> {
    points.iter().rev().filter(|(_, value)| value.is_none()).map(|(point, _)| point)
}

fn by_point<T>(points: &[f64], value: impl Fn(f64) -> Option<T>) -> ByPoint<T> {
    points.iter().map(|&point| (point.to_string(), value(point))).collect()
}
