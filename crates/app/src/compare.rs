//! `overt compare`: how alike two faces in two still images are, one to one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use face::bundle::DEFAULT_BUNDLE;
use face::{Bundle, Faces, OpenOptions, ScoreKind, Template};
use serde::Serialize;

use crate::inspect::{FaceReport, UNUSABLE_INPUT, find};

/// Said with every score, since a bare number invites a verdict.
const NOTE: &str = "No threshold is applied: a score is not a probability and not an identity. What it means for people like these \
                    is for `overt evaluate` to measure, and for a person to decide.";

/// What `overt compare` takes.
#[derive(clap::Args)]
pub(crate) struct CompareArgs {
    /// A still image with exactly one face.
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another.
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Pair of models that compares.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_BUNDLE)]
    bundle: String,
}

/// All that is printed.
#[derive(Serialize)]
struct Report {
    bundle: String,
    engine: &'static str,
    detector: String,
    recogniser: String,
    weights_sha256: String,
    alignment: String,
    score_kind: &'static str,
    score: f32,
    larger_is_more_alike: bool,
    threshold: Option<f32>,
    note: &'static str,
    images: Vec<Side>,
}

/// One image and its face.
#[derive(Serialize)]
struct Side {
    file: String,
    face: FaceReport,
}

/// Compares two images; both are looked at before either is refused.
pub(crate) fn run(args: CompareArgs) -> anyhow::Result<ExitCode> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut faces = Bundle::open(&args.bundle, OpenOptions { threads, ..OpenOptions::usual()? })?;
    let sides = [&args.first, &args.second].map(|path| {
        let side = only_face(&mut faces, path);
        side.inspect_err(|error| eprintln!("overt: {error:#}")).ok()
    });
    let [Some((first, one)), Some((second, other))] = sides else { return Ok(ExitCode::from(UNUSABLE_INPUT)) };
    let contract = one.contract();
    let kind = contract.score;
    let report = Report {
        bundle: faces.bundle,
        engine: faces.engine.name(),
        detector: faces.detector.name().to_owned(),
        recogniser: contract.model.clone(),
        weights_sha256: contract.weights_sha256.clone(),
        alignment: contract.alignment.clone(),
        score_kind: kind.name(),
        score: kind.shown(one.compare(&other)?),
        larger_is_more_alike: kind == ScoreKind::Cosine,
        threshold: None,
        note: NOTE,
        images: vec![first, second],
    };
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { text(&report) };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The only face of an image and its template. No face and several are refusals: which one was meant is not ours to guess.
fn only_face(faces: &mut Faces, path: &Path) -> anyhow::Result<(Side, Template)> {
    let name = path.display();
    let (picture, found) = find(faces, path)?;
    let [only] = found[..] else {
        ensure!(!found.is_empty(), "{name}: no face was found; give an image in which one face is seen from the front");
        bail!("{name}: {} faces were found; give an image with one, cut out the one meant", found.len());
    };
    let chip = faces.recognizer.align(picture.view(), &only);
    let mut templates =
        faces.recognizer.embed(&[chip]).with_context(|| format!("{name}: no template could be made"))?;
    let template = templates.pop().with_context(|| format!("{name}: the recogniser returned no template"))?;
    Ok((Side { file: name.to_string(), face: FaceReport::of(&picture, &only) }, template))
}

fn text(report: &Report) -> String {
    let mut lines =
        vec![format!("{}: {} and {} on {}", report.bundle, report.detector, report.recogniser, report.engine)];
    for side in &report.images {
        lines.push(side.file.clone());
        lines.push(format!("  {}", FaceReport::HEADING));
        lines.push(format!("  {}", side.face.line()));
    }
    let direction = if report.larger_is_more_alike { "larger is more alike" } else { "smaller is more alike" };
    lines.push(format!("{} {:.4} ({direction})", report.score_kind, report.score));
    lines.push(report.note.to_owned());
    lines.join("\n") + "\n"
}
