//! `overt bench embed`: templates a second through a bundle's recogniser, next to Python's onnxruntime on the same graph.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use face::bundle::{self, DEFAULT_BUNDLE};
use face::{Bundle, Chip, EngineKind, OpenOptions, Recognizer, models};
use serde::Serialize;

#[cfg(all(feature = "video", target_os = "linux"))]
use super::clip::{self, Asked, ClipArgs};
use super::machine::tell;
use super::peer::Peer;
use super::{EMBEDDING_RATIO_MIN, MISSED, TURN_SECONDS_MAX};

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
    /// Which engine runs it: onnxruntime or built-in; the fastest installed when absent.
    #[arg(long, value_name = "NAME")]
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
            EngineKind::from_name(name)
                .with_context(|| format!("there is no engine called {name}: onnxruntime or built-in"))
        })
        .transpose()?;
    Ok(OpenOptions { engine, ..OpenOptions::usual()? })
}

fn graph_alone(args: &EmbedArgs) -> anyhow::Result<ExitCode> {
    let EmbedArgs { bundle, seconds, batch, engine, peer, python, json, .. } = args;
    let (seconds, batch) = (*seconds, *batch);
    if !(0.1..=3600.0).contains(&seconds) || !(1..=64).contains(&batch) {
        bail!("--seconds is 0.1 to 3600 and --batch is 1 to 64");
    }
    let options = options(engine.as_deref())?;
    let mut faces = Bundle::open(bundle, &options)?;
    let alignment = faces.recognizer.contract().alignment.clone();
    let chips = chips(&mut *faces.recognizer, batch)?;
    let mut peer = if *peer { Some(start_peer(python, bundle, &options, &chips)?) } else { None };
    let (ours_ms, peer_ms) = measure(&mut *faces.recognizer, &chips, peer.as_mut().map(|(peer, _)| peer), seconds)?;
    let peer = peer.map(|(peer, _graph)| peer);
    let report = Report {
        recogniser: faces.recognizer.contract().model.clone(),
        bundle: bundle.clone(),
        engine: faces.engine.name(),
        alignment,
        threads: options.threads,
        batch,
        ours: Figures::of(&ours_ms, batch),
        ratio: peer
            .as_ref()
            .map(|_| Figures::of(&ours_ms, batch).chips_per_second / Figures::of(&peer_ms, batch).chips_per_second),
        ratio_of_medians: peer
            .as_ref()
            .map(|_| Figures::of(&peer_ms, batch).median_ms / Figures::of(&ours_ms, batch).median_ms),
        peer: peer.as_ref().map(|peer| PeerFigures {
            name: format!("Python onnxruntime {}", peer.version),
            figures: Figures::of(&peer_ms, batch),
        }),
    };
    tell("embed", &report, *json, Report::text)?;
    let missed = report.ratio.is_some_and(|ratio| ratio < EMBEDDING_RATIO_MIN);
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
    /// Our throughput over the peer's.
    ratio: Option<f64>,
    /// The same from medians, in which other work on the machine weighs less.
    ratio_of_medians: Option<f64>,
}

/// The figures of one side.
#[derive(Serialize)]
struct Figures {
    runs: usize,
    chips_per_second: f64,
    median_ms: f64,
}

/// The figures of the peer.
#[derive(Serialize)]
struct PeerFigures {
    name: String,
    #[serde(flatten)]
    figures: Figures,
}

impl Figures {
    /// From the times of all runs, of which there is at least one.
    fn of(runs_ms: &[f64], batch: usize) -> Self {
        let mut sorted = runs_ms.to_vec();
        sorted.sort_by(f64::total_cmp);
        let total_ms: f64 = sorted.iter().sum();
        let median_ms = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
        Self { runs: sorted.len(), chips_per_second: (batch * sorted.len()) as f64 * 1000.0 / total_ms, median_ms }
    }

    fn text(&self) -> String {
        format!("{:.1} chips/s, median {:.3} ms a run, {} runs", self.chips_per_second, self.median_ms, self.runs)
    }
}

impl Report {
    fn text(&self) -> String {
        let Report { bundle, recogniser, engine, threads, batch, .. } = self;
        let mut lines = vec![
            format!("{bundle}: {recogniser} on {engine}, {threads} thread(s), batch {batch}"),
            format!("ours {}", self.ours.text()),
        ];
        if let (Some(peer), Some(ratio), Some(medians)) = (&self.peer, self.ratio, self.ratio_of_medians) {
            lines.push(format!("peer {} ({})", peer.figures.text(), peer.name));
            lines.push(format!(
                "ratio {ratio:.3} of the peer's throughput, {medians:.3} by medians (at least {EMBEDDING_RATIO_MIN} is asked for)"
            ));
        }
        lines.join("\n")
    }
}

/// Measures ours for `seconds` and, in turns, the peer for as long; the times of all runs.
fn measure(
    recognizer: &mut dyn Recognizer,
    chips: &[Chip],
    mut peer: Option<&mut Peer>,
    seconds: f64,
) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let turns = (seconds / TURN_SECONDS_MAX).ceil().max(1.0);
    let turn_seconds = seconds / turns;
    let (mut ours_ms, mut peer_ms) = (Vec::new(), Vec::new());
    for _ in 0..turns as usize {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs_f64(turn_seconds) {
            let before = Instant::now();
            recognizer.embed(chips)?;
            ours_ms.push(before.elapsed().as_secs_f64() * 1000.0);
        }
        if let Some(peer) = peer.as_deref_mut() {
            peer_ms.extend(peer.turn(turn_seconds)?);
        }
    }
    Ok((ours_ms, peer_ms))
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
    let prepared = bundle::prepare(models::catalogue()?.manifest(&recogniser)?, &options.models_dir)?;
    let mut graph = tempfile::Builder::new().suffix(".onnx").tempfile().context("writing the graph for the peer")?;
    graph.write_all(&prepared.onnx_bytes).context("writing the graph for the peer")?;
    let side = chips.first().map_or(0, Chip::side);
    let shape = format!("{},3,{side},{side}", chips.len());
    let path = graph.path().to_string_lossy().into_owned();
    let threads = options.threads.to_string();
    let arguments = [path, "--shape".into(), shape, "--threads".into(), threads, "--serve".into()];
    Ok((Peer::start(python, PEER, &arguments)?, graph))
}
