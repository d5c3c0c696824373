//! `overt bench embed`: templates a second through a bundle's recogniser, next to Python's onnxruntime on the same graph.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::builder::PossibleValuesParser;
use face::bundle::DEFAULT_BUNDLE;
use face::{Bundle, Chip, EngineKind, OpenOptions, Recognizer};
use serde::Serialize;

#[cfg(all(feature = "video", target_os = "linux"))]
use super::clip::{self, Asked, ClipArgs};
use super::figures::{Figures, PeerFigures, Ratios, in_turns};
use super::machine::tell;
use super::peer::Peer;
use super::{EMBEDDING_RATIO_MIN, MISSED, model};

/// The peer's program, so that it is found wherever the binary runs.
const PEER: &str = include_str!("../../../../benches/peers/embed.py");
/// Runs before anything is measured.
const WARM_UP_RUNS: usize = 3;

/// What `overt bench embed` takes.
#[derive(clap::Args)]
pub(crate) struct EmbedArgs {
    /// Pair of models whose recogniser is measured.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_BUNDLE)]
    bundle: String,
    /// How long to measure.
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    seconds: f64,
    /// Chips in one call.
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: usize,
    /// Which engine runs it; the fastest installed when absent.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(EngineKind::ALL.map(EngineKind::name)))]
    engine: Option<String>,
    /// Compare with Python's onnxruntime on the same graph in the same run.
    #[arg(long)]
    peer: bool,
    /// The Python that has onnxruntime and numpy.
    #[arg(long, value_name = "PATH", default_value = "python3", requires = "peer")]
    python: String,
    #[cfg(all(feature = "video", target_os = "linux"))]
    #[command(flatten)]
    clip: ClipArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Measures the graph alone, or end to end on a clip.
pub(super) fn run(args: EmbedArgs) -> anyhow::Result<ExitCode> {
    if !(0.1..=3600.0).contains(&args.seconds) || !(1..=64).contains(&args.batch) {
        bail!("--seconds is 0.1 to 3600 and --batch is 1 to 64");
    }
    #[cfg(all(feature = "video", target_os = "linux"))]
    if let Some(file) = &args.clip.clip {
        let (options, python) = (options(args.engine.as_deref())?, args.peer.then_some(args.python.as_str()));
        let asked =
            Asked { clip: file, args: &args.clip, bundle: &args.bundle, options, seconds: args.seconds, python };
        let report = clip::embed(&asked)?;
        tell("embed", &report, args.json, clip::Report::text)?;
        return Ok(report.exit_code());
    }
    graph_alone(&args)
}

fn options(engine: Option<&str>) -> anyhow::Result<OpenOptions> {
    let engine = engine
        .map(|name| {
            EngineKind::from_name(name).with_context(|| {
                format!("there is no engine called {name}, only {}", EngineKind::ALL.map(EngineKind::name).join(", "))
            })
        })
        .transpose()?;
    Ok(OpenOptions { engine, ..OpenOptions::usual()? })
}

fn graph_alone(args: &EmbedArgs) -> anyhow::Result<ExitCode> {
    let EmbedArgs { bundle, seconds, batch, engine, peer, python, json, .. } = args;
    let (seconds, batch) = (*seconds, *batch);
    let options = options(engine.as_deref())?;
    let mut faces = Bundle::open(bundle, &options)?;
    let alignment = faces.recognizer.contract().alignment.clone();
    let chips = chips(&mut *faces.recognizer, batch)?;
    let mut peer = if *peer { Some(start_peer(python, bundle, &options, &chips)?) } else { None };
    let recognizer = &mut *faces.recognizer;
    let work = |_| Ok(recognizer.embed(&chips).map(drop)?);
    let times = in_turns(1, seconds, work, peer.as_mut().map(|(peer, _)| peer))?;
    let [ours, theirs] = times.map(|times| Figures::of(&times));
    let peer = peer.map(|(peer, _graph)| peer);
    let report = Report {
        recogniser: faces.recognizer.contract().model.clone(),
        bundle: bundle.clone(),
        engine: faces.engine.name(),
        alignment,
        threads: options.threads,
        batch,
        ours,
        ratio: peer.as_ref().map(|_| Ratios::of(&ours, &theirs)),
        peer: peer.map(|peer| PeerFigures { name: format!("Python onnxruntime {}", peer.version), figures: theirs }),
    };
    tell("embed", &report, *json, Report::text)?;
    let missed = report.ratio.is_some_and(|ratio| ratio.medians < EMBEDDING_RATIO_MIN);
    Ok(if missed { ExitCode::from(MISSED) } else { ExitCode::SUCCESS })
}

/// All that is printed.
#[derive(Serialize)]
struct Report {
    bundle: String,
    recogniser: String,
    engine: &'static str,
    alignment: String,
    threads: usize,
    batch: usize,
    ours: Figures,
    peer: Option<PeerFigures>,
    ratio: Option<Ratios>,
}

impl Report {
    fn text(&self) -> String {
        let Report { bundle, recogniser, engine, threads, batch, .. } = self;
        let mut lines = vec![
            format!("{bundle}: {recogniser} on {engine}, {threads} thread(s), batch {batch}"),
            format!("ours {:.1} chips/s, {}", *batch as f64 * 1000.0 / self.ours.median_ms, self.ours.text()),
        ];
        if let (Some(peer), Some(ratio)) = (&self.peer, &self.ratio) {
            lines.push(format!("peer {} ({})", peer.figures.text(), peer.name));
            lines.push(format!("ratio {} (at least {EMBEDDING_RATIO_MIN} is asked for by medians)", ratio.text()));
        }
        lines.join("\n")
    }
}

/// Chips of the size the recogniser reads, filled with a fixed pattern, after a few runs on them.
fn chips(recognizer: &mut dyn Recognizer, batch: usize) -> anyhow::Result<Vec<Chip>> {
    let blank = face::Picture::from_rgb(256, 256, vec![0; 3 * 256 * 256]).context("a blank picture")?;
    let middle = face::Point { x: 128.0, y: 128.0 };
    let points = [(-30.0, -20.0), (30.0, -20.0), (0.0, 10.0), (-25.0, 40.0), (25.0, 40.0)]
        .map(|(x, y)| face::Point { x: middle.x + x, y: middle.y + y });
    let somewhere = face::Detection {
        face: face::Rect { left: 64.0, top: 64.0, width: 128.0, height: 128.0 },
        confidence: 1.0,
        points,
    };
    let side = recognizer.align(blank.view(), &somewhere).side();
    let chips = (0..batch)
        .map(|number| {
            let pixels =
                (0..3 * (side as usize).pow(2)).map(|place| ((place * 31 + number * 17) % 251) as u8).collect();
            Chip::from_rgb(side, pixels).context("a chip")
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    for _ in 0..WARM_UP_RUNS {
        recognizer.embed(&chips)?;
    }
    Ok(chips)
}

/// Starts the peer on the graph that the bundle's recogniser runs; the file with the graph must outlive it.
fn start_peer(
    python: &str,
    bundle: &str,
    options: &OpenOptions,
    chips: &[Chip],
) -> anyhow::Result<(Peer, tempfile::NamedTempFile)> {
    let recogniser = Bundle::resolve(bundle, &options.models_dir)?.recogniser;
    let graph = model::graph_file(&recogniser, &options.models_dir)?;
    let side = chips.first().map_or(0, Chip::side);
    let shape = format!("{},3,{side},{side}", chips.len());
    let path = graph.path().to_string_lossy().into_owned();
    let threads = options.threads.to_string();
    let arguments = [path, "--shape".into(), shape, "--threads".into(), threads, "--serve".into()];
    Ok((Peer::start(python, PEER, &arguments)?, graph))
}
