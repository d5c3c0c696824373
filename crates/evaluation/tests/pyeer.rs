//! Holds the error-rate curve against the answers of pyeer 0.5.6 on its own example scores.

#![allow(clippy::print_stdout, reason = "a test that is skipped, and a figure that is measured, is said")]

use std::path::{Path, PathBuf};

use evaluation::curve::{RateCurve, RatePoint, Spread, spread};
use serde_json::Value;

/// Single-precision scores against pyeer's double: rates are counts and agree exactly, score units to seven digits.
const TOLERANCE: f64 = 2e-7;

#[test]
fn curves_agree_with_pyeer() {
    let Some(folder) = shared("vectors/pyeer") else { return };
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    let experiments = expected.as_object().expect("an object");
    assert_eq!(experiments.len(), 3);
    let mut wrong = Vec::new();
    for (name, expected) in experiments {
        let genuine = scores(&folder.join(format!("non_hist/{name}_true.txt")));
        let impostor = scores(&folder.join(format!("non_hist/{name}_false.txt")));
        let curve = RateCurve::new(genuine, 0, impostor).expect("finite scores");
        check(&curve, expected, &mut |key, found| {
            let wanted = expected[key].as_f64().expect(key);
            if (found - wanted).abs() > TOLERANCE * wanted.abs().max(1.0) {
                wrong.push(format!("{name} {key}: pyeer {wanted}, here {found}"));
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Distances are compared as their negatives: the rates must not change.
#[test]
fn distances_give_the_same_rates_as_similarities() {
    let Some(folder) = shared("vectors/pyeer") else { return };
    let genuine = scores(&folder.join("non_hist/exp2_true.txt"));
    let impostor = scores(&folder.join("non_hist/exp2_false.txt"));
    let shifted = |scores: &[f32]| scores.iter().map(|score| -(1.0 - score)).collect::<Vec<f32>>();
    let distances = RateCurve::new(shifted(&genuine), 0, shifted(&impostor)).expect("finite scores");
    let similarities = RateCurve::new(genuine, 0, impostor).expect("finite scores");
    assert_eq!(distances.equal_error().rate, similarities.equal_error().rate);
    assert!((distances.area() - similarities.area()).abs() < 1e-12);
}

fn check(curve: &RateCurve, expected: &Value, compare: &mut dyn FnMut(&str, f64)) {
    assert_eq!(curve.genuine_pairs() as u64, expected["genuine"].as_u64().expect("genuine"));
    assert_eq!(curve.impostor().len() as u64, expected["impostor"].as_u64().expect("impostor"));
    let equal = curve.equal_error();
    compare("eer", equal.rate);
    compare("eer_low", equal.low);
    compare("eer_high", equal.high);
    compare("eer_th", f64::from(equal.threshold));
    compare("auc", curve.area());
    compare("decidability", curve.decidability().expect("scores vary"));
    for (scores, [mean, deviation]) in [(curve.genuine(), ["gmean", "gstd"]), (curve.impostor(), ["imean", "istd"])] {
        let Spread { mean: found_mean, deviation: found_deviation } = spread(scores);
        compare(mean, found_mean);
        compare(deviation, found_deviation);
    }
    // pyeer's curve ends at the highest score; ours goes one point further, to where nothing matches.
    let mut points: Vec<RatePoint> = curve.points().collect();
    points.pop();
    for (key, fmr) in [("fmr0", 0.0), ("fmr1000", 0.001), ("fmr100", 0.01), ("fmr20", 0.05), ("fmr10", 0.1)] {
        let point = first_nearest(points.iter(), |point| point.fmr - fmr);
        compare(key, point.fnmr);
        compare(&format!("{key}_th"), f64::from(point.threshold));
    }
    let point = first_nearest(points.iter().rev(), |point| point.fnmr);
    compare("fnmr0", point.fmr);
    compare("fnmr0_th", f64::from(point.threshold));
    let best = first_nearest(points.iter(), |point| point.fmr + point.fnmr);
    compare("j_index", 1.0 - best.fmr - best.fnmr);
    compare("j_index_th", f64::from(best.threshold));
    let (correlation, threshold) = matthews(curve, &points);
    compare("mccoef", correlation);
    compare("mccoef_th", f64::from(threshold));
}

/// pyeer takes the first of the points that come nearest to the rate asked for.
fn first_nearest<'a>(points: impl Iterator<Item = &'a RatePoint>, distance: impl Fn(&RatePoint) -> f64) -> RatePoint {
    let key = |point: &RatePoint| distance(point).abs();
    let nearest = points.copied().reduce(|best, point| if key(&point) < key(&best) { point } else { best });
    nearest.expect("a point")
}

/// The highest Matthews correlation of the curve and its first threshold.
fn matthews(curve: &RateCurve, points: &[RatePoint]) -> (f64, f32) {
    let (genuine, impostor) = (curve.genuine_pairs() as f64, curve.impostor().len() as f64);
    let mut best = (f64::MIN, 0.0);
    for point in points {
        let (fm, fnm) = (point.fmr * impostor, point.fnmr * genuine);
        let (tn, tp) = (impostor - fm, genuine - fnm);
        let product = ((tp + fm) * (tp + fnm)).sqrt() * ((tn + fm) * (tn + fnm)).sqrt();
        let correlation = (tp * tn - fm * fnm) / if product == 0.0 { 1.0 } else { product };
        if correlation > best.0 {
            best = (correlation, point.threshold);
        }
    }
    best
}

fn scores(file: &Path) -> Vec<f32> {
    let text = std::fs::read_to_string(file).expect("a score file");
    let last = |line: &str| line.split_whitespace().last()?.parse().ok();
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| last(line).expect("a score")).collect()
}

fn shared(part: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(part);
    if !folder.is_dir() {
        println!("skipped: {part} (shared/ not found)");
        return None;
    }
    Some(folder)
}
