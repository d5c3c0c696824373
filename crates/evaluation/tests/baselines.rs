//! Reproduces the published baselines of the shared test sets with the two laboratory bundles.

#![allow(clippy::print_stdout, reason = "a test that is skipped, and a figure that is measured, is said")]

use std::path::{Path, PathBuf};

use evaluation::results::Results;
use evaluation::{Evaluation, Index, Settings};
use face::{Bundle, OpenOptions};

/// How far an equal error rate and a true-positive identification rate may be from the baseline, as fractions.
const EER_TOLERANCE: f64 = 0.003;
const TPIR_TOLERANCE: f64 = 0.02;

struct Baseline {
    bundle: &'static str,
    set: &'static str,
    eer: f64,
    tpir_at_1_percent: f64,
}

/// The table "Baselines measured on these files" of the shared sets' README.
const BASELINES: [Baseline; 4] = [
    Baseline { bundle: "lab-dlib", set: "london", eer: 0.0000, tpir_at_1_percent: 1.000 },
    Baseline { bundle: "lab-dlib", set: "orl", eer: 0.0032, tpir_at_1_percent: 0.978 },
    Baseline { bundle: "lab", set: "london", eer: 0.0000, tpir_at_1_percent: 1.000 },
    Baseline { bundle: "lab", set: "orl", eer: 0.0045, tpir_at_1_percent: 0.983 },
];

#[test]
fn london_with_dlib() {
    reproduce(&BASELINES[0]);
}

#[test]
fn orl_with_dlib() {
    reproduce(&BASELINES[1]);
}

#[test]
fn london_with_mobileface() {
    reproduce(&BASELINES[2]);
}

#[test]
fn orl_with_mobileface() {
    reproduce(&BASELINES[3]);
}

fn reproduce(baseline: &Baseline) {
    let Some(results) = evaluate(baseline) else { return };
    let eer = results.verification.eer;
    let tpir = results.identification.tpir_at_fpir["0.01"].expect("the set supports 1 %");
    println!("{} on {}: EER {eer:.4}, TPIR at FPIR 0.01 {tpir:.4}", baseline.bundle, baseline.set);
    assert_eq!(results.failures_to_acquire, 0, "{:?}", results.failures);
    assert!((eer - baseline.eer).abs() <= EER_TOLERANCE, "EER {eer}, baseline {}", baseline.eer);
    let wanted = baseline.tpir_at_1_percent;
    assert!((tpir - wanted).abs() <= TPIR_TOLERANCE, "TPIR {tpir}, baseline {wanted}");
}

fn evaluate(baseline: &Baseline) -> Option<Results> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/faces").join(baseline.set);
    if !folder.is_dir() {
        println!("skipped: {} (shared/ not found)", baseline.set);
        return None;
    }
    let opened = OpenOptions::usual().and_then(|options| Bundle::open(baseline.bundle, options));
    let mut faces = match opened {
        Ok(faces) => faces,
        Err(reason) => {
            println!("skipped: {} on {} ({reason})", baseline.bundle, baseline.set);
            return None;
        }
    };
    let index = Index::parse(&index(&folder)).expect("an index");
    let evaluation = Evaluation::run(&mut faces, &index, &folder, Settings::default(), &mut |_| ());
    Some(evaluation.expect("an evaluation").results)
}

/// One line for each picture: in london a file is named by its person, in orl a folder is.
fn index(folder: &Path) -> Vec<u8> {
    let mut pictures: Vec<PathBuf> =
        entries(folder).iter().filter(|entry| entry.is_dir()).flat_map(|f| entries(f)).collect();
    pictures.sort();
    let mut index = "path,identity\n".to_owned();
    for picture in pictures {
        let path = picture.strip_prefix(folder).expect("below the folder").display().to_string();
        let (above, file) = path.split_once('/').expect("in a folder");
        let identity = file.split_once('_').map_or(above, |(person, _)| person);
        index += &format!("{path},{identity}\n");
    }
    index.into_bytes()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}
