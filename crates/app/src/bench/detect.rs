//! `overt bench detect`: what a detector's graph costs at several input sizes, one engine after the other.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use face::bundle::{self, PreparedGraph};
use face::engine;
use face::models::{self, Kind, ModelError};
use face::{EngineKind, OpenOptions};

use super::Figures;

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
}

/// Measures every installed detector on every engine that works here.
pub(crate) fn run(args: DetectArgs) -> anyhow::Result<ExitCode> {
    let sizes = args.sizes.iter().map(|size| parse(size)).collect::<anyhow::Result<Vec<_>>>()?;
    if !(0.1..=3600.0).contains(&args.seconds) || args.threads == 0 {
        bail!("--seconds is 0.1 to 3600 and --threads at least 1");
    }
    let options = OpenOptions::usual()?;
    let fastest = bundle::choose_engine(&options)?;
    let mut lines =
        vec![format!("{:16} {:12} {:>9} {:>8} {:>11}", "detector", "engine", "size", "threads", "median ms")];
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
                let median_ms = measure(&manifest.name, &prepared, engine, (*width, *height), &args)?;
                let size = format!("{width}x{height}");
                lines.push(format!(
                    "{:16} {:12} {size:>9} {:>8} {median_ms:>11.2}",
                    manifest.name,
                    engine.name(),
                    args.threads
                ));
            }
        }
    }
    std::io::stdout().write_all((lines.join("\n") + "\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The median time of one run, milliseconds.
fn measure(
    name: &str,
    prepared: &PreparedGraph,
    engine: EngineKind,
    (width, height): (usize, usize),
    args: &DetectArgs,
) -> anyhow::Result<f64> {
    let mut graph = engine::load(engine, name, &prepared.onnx_bytes, args.threads)?;
    let input: Vec<f32> = (0..3 * width * height).map(|place| (place * 31 % 251) as f32).collect();
    let mut runs_ms = Vec::new();
    graph.run([1, 3, height, width], &input)?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs_f64(args.seconds) {
        let before = Instant::now();
        graph.run([1, 3, height, width], &input)?;
        runs_ms.push(before.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(Figures::of(&runs_ms, 1).median_ms)
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
