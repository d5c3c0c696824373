//! `overt bench detect`: what a detector's graph costs at several input sizes, one engine after the other; or, of a clip, what it
//! costs from a frame to boxes, next to Python.

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use face::bundle::{self, PreparedGraph};
use face::engine;
use face::models::{self, Kind, ModelError};
use face::{EngineKind, OpenOptions};
use serde::Serialize;

#[cfg(all(feature = "video", target_os = "linux"))]
use super::clip::{self, Asked, ClipArgs};
use super::figures::{Figures, Times};
use super::machine::tell;

/// Detectors read sides that are multiples of this.
const SIDE_STEP_PX: usize = 32;
/// Largest side measured.
const SIDE_MAX_PX: usize = 3840;

/// What `overt bench detect` takes.
#[derive(clap::Args)]
pub(crate) struct DetectArgs {
    /// Sizes of the input, WIDTHxHEIGHT in multiples of 32 pixels.
    #[arg(long, value_name = "WxH", value_delimiter = ',', default_value = "640x640,640x384,320x320")]
    sizes: Vec<String>,
    /// How long to measure each.
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    seconds: f64,
    /// Threads of each graph.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Pair of models whose detector is measured on a clip.
    #[arg(long, value_name = "NAME", default_value = "lab-dlib")]
    bundle: String,
    /// Compare with Python's onnxruntime on the same graph and the same frames of a clip, in the same run.
    #[arg(long)]
    peer: bool,
    /// The Python that has onnxruntime, numpy and OpenCV.
    #[arg(long, value_name = "PATH", default_value = "python3", requires = "peer")]
    python: String,
    #[cfg(all(feature = "video", target_os = "linux"))]
    #[command(flatten)]
    clip: ClipArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// All that is printed of graphs alone.
#[derive(Serialize)]
struct Report {
    threads: usize,
    runs: Vec<Run>,
}

/// One graph on one engine at one size.
#[derive(Serialize)]
struct Run {
    detector: String,
    engine: &'static str,
    size: String,
    #[serde(flatten)]
    figures: Figures,
}

/// Measures from frames of a clip to boxes, or every installed detector's graph on every engine that works here.
pub(crate) fn run(args: DetectArgs) -> anyhow::Result<ExitCode> {
    if !(0.1..=3600.0).contains(&args.seconds) || args.threads == 0 {
        bail!("--seconds is 0.1 to 3600 and --threads at least 1");
    }
    let options = OpenOptions { threads: args.threads, ..OpenOptions::usual()? };
    #[cfg(all(feature = "video", target_os = "linux"))]
    if let Some(file) = &args.clip.clip {
        let python = args.peer.then_some(args.python.as_str());
        let asked =
            Asked { clip: file, args: &args.clip, bundle: &args.bundle, options, seconds: args.seconds, python };
        let report = clip::detect(&asked)?;
        tell("detect", &report, args.json, clip::Report::text)?;
        return Ok(report.exit_code());
    }
    ensure!(!args.peer, "the peer works on frames of a clip; name one with --clip");
    tell("detect", &graphs_alone(&args, &options)?, args.json, Report::text)?;
    Ok(ExitCode::SUCCESS)
}

fn graphs_alone(args: &DetectArgs, options: &OpenOptions) -> anyhow::Result<Report> {
    let sizes = args.sizes.iter().map(|size| parse(size)).collect::<anyhow::Result<Vec<_>>>()?;
    let fastest = bundle::choose_engine(options)?;
    let mut report = Report { threads: args.threads, runs: Vec::new() };
    for manifest in models::catalogue()?.manifests.iter().filter(|manifest| manifest.kind == Kind::Detector) {
        let prepared = match bundle::prepare(manifest, &options.models_dir) {
            Err(ModelError::Missing { .. }) => continue,
            prepared => prepared?,
        };
        for engine in [EngineKind::OnnxRuntime, EngineKind::BuiltIn] {
            if engine == EngineKind::OnnxRuntime && fastest != engine {
                continue;
            }
            for (width, height) in &sizes {
                report.runs.push(Run {
                    detector: manifest.name.clone(),
                    engine: engine.name(),
                    size: format!("{width}x{height}"),
                    figures: measure(&manifest.name, &prepared, engine, (*width, *height), args)?,
                });
            }
        }
    }
    Ok(report)
}

/// The times of one graph.
fn measure(
    name: &str,
    prepared: &PreparedGraph,
    engine: EngineKind,
    (width, height): (usize, usize),
    args: &DetectArgs,
) -> anyhow::Result<Figures> {
    let mut graph = engine::load(engine, name, &prepared.onnx_bytes, args.threads)?;
    let input: Vec<f32> = (0..3 * width * height).map(|place| (place * 31 % 251) as f32).collect();
    graph.run([1, 3, height, width], &input)?;
    let mut times = Times::default();
    times.turn(args.seconds, || Ok(graph.run([1, 3, height, width], &input).map(drop)?))?;
    Ok(Figures::of(&times))
}

impl Report {
    fn text(&self) -> String {
        let heading = format!("{:16} {:12} {:>9} {:>8} {:>11}", "detector", "engine", "size", "threads", "median ms");
        let line = |run: &Run| {
            let Run { detector, engine, size, figures } = run;
            format!("{detector:16} {engine:12} {size:>9} {:>8} {:>11.2}", self.threads, figures.median_ms)
        };
        std::iter::once(heading).chain(self.runs.iter().map(line)).collect::<Vec<_>>().join("\n")
    }
}

fn parse(size: &str) -> anyhow::Result<(usize, usize)> {
    let (width, height) = size.split_once('x').with_context(|| format!("{size} is not WIDTHxHEIGHT"))?;
    let side = |text: &str| {
        let side: usize = text.parse().with_context(|| format!("{size} is not WIDTHxHEIGHT"))?;
        if side == 0 || side > SIDE_MAX_PX || !side.is_multiple_of(SIDE_STEP_PX) {
            bail!("{size}: sides are multiples of {SIDE_STEP_PX} up to {SIDE_MAX_PX} pixels");
        }
        Ok(side)
    };
    Ok((side(width)?, side(height)?))
}
