//! `overt bench search`: exact search in a gallery of random unit vectors, beside faiss and beside what the memory gives.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use face::{Contract, Gallery, ScoreKind, Template};
use rayon::ThreadPoolBuilder;
use serde::Serialize;

use super::TURN_SECONDS_MAX;
use super::figures::{Figures, PeerFigures, Times};
use super::machine::{load, tell};
use super::peer::Peer;

/// The peer's program, so that it is found wherever the binary runs.
const PEER: &str = include_str!("../../../../benches/peers/search.py");
/// Most rows: what a gallery takes.
const ROWS_MAX: usize = face::gallery::ROWS_MAX;
/// Most values of a row.
const DIMS_MAX: usize = 4096;
/// Searches before anything is measured.
const WARM_UP_RUNS: usize = 2;
/// The order of single-precision sums may put two rows in another order when their scores are this near.
const TIE: f32 = 1e-5;

/// What `overt bench search` takes.
#[derive(clap::Args)]
pub(crate) struct SearchArgs {
    /// Rows of the gallery.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    rows: usize,
    /// Values of a row.
    #[arg(long, value_name = "N", default_value_t = 512)]
    dims: usize,
    /// Probes of one search.
    #[arg(long, value_name = "N", default_value_t = 1)]
    probes: usize,
    /// Rows asked for, best first.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// How rows are compared.
    #[arg(long, value_name = "SCORE", default_value = "cosine")]
    score: ScoreName,
    /// Threads of ours and of the peer.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// How long to measure each.
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    seconds: f64,
    /// Compare with faiss-cpu on the same rows in the same run.
    #[arg(long)]
    peer: bool,
    /// The Python that has faiss and numpy.
    #[arg(long, value_name = "PATH", default_value = "python3", requires = "peer")]
    python: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// How rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum ScoreName {
    /// Cosine of the angle; the peer's inner product.
    Cosine,
    /// Euclidean distance; the peer's squared distance.
    Distance,
}

/// Builds the gallery and measures.
pub(crate) fn run(args: SearchArgs) -> anyhow::Result<ExitCode> {
    check(&args)?;
    let gallery = gallery(&args)?;
    let probes: Vec<Template> = (args.rows..args.rows + args.probes)
        .map(|row| random(gallery.contract(), row))
        .collect::<anyhow::Result<_>>()?;
    let probes: Vec<&Template> = probes.iter().collect();
    let mut peer = if args.peer { Some(start_peer(&args)?) } else { None };
    let pool = ThreadPoolBuilder::new().num_threads(args.threads).build().context("starting threads")?;
    let load_before = load();
    let times = pool.install(|| measure(&gallery, &probes, peer.as_mut(), &args))?;
    let report = Report::new(&args, &gallery, peer.as_ref(), &times, [load_before, load()]);
    tell("search", &report, args.json, Report::text)?;
    Ok(ExitCode::SUCCESS)
}

fn check(args: &SearchArgs) -> anyhow::Result<()> {
    let sound = (1..=ROWS_MAX).contains(&args.rows)
        && (1..=DIMS_MAX).contains(&args.dims)
        && (1..=face::gallery::PROBES_MAX).contains(&args.probes)
        && (1..=args.rows).contains(&args.top)
        && (1..=256).contains(&args.threads)
        && (0.1..=3600.0).contains(&args.seconds);
    if !sound {
        bail!(
            "--rows is 1 to {ROWS_MAX}, --dims 1 to {DIMS_MAX}, --probes 1 to {}, --top 1 to the rows, --threads 1 to 256, --seconds 0.1 to 3600",
            face::gallery::PROBES_MAX
        );
    }
    Ok(())
}

fn gallery(args: &SearchArgs) -> anyhow::Result<Gallery> {
    let score = match args.score {
        ScoreName::Cosine => ScoreKind::Cosine,
        ScoreName::Distance => ScoreKind::Euclidean,
    };
    let contract = Arc::new(Contract {
        model: "random".into(),
        weights_sha256: "00".repeat(32),
        alignment: "none".into(),
        score,
        dimensions: args.dims,
    });
    let mut builder = Gallery::builder(Arc::clone(&contract));
    for row in 0..args.rows {
        builder.add(u32::try_from(row)?, 0, random(&contract, row)?)?;
    }
    Ok(builder.build())
}

/// The unit vector of this number. Whole numbers up to the last step, so that the peer makes the same bits.
fn random(contract: &Arc<Contract>, number: usize) -> anyhow::Result<Template> {
    let first = number * contract.dimensions;
    let whole: Vec<i64> = (first..first + contract.dimensions).map(|at| bell(mixed(at as u64))).collect();
    let length = (whole.iter().map(|value| value * value).sum::<i64>() as f64).sqrt();
    let values = whole.iter().map(|value| (*value as f64 / length) as f32).collect();
    Template::new(Arc::clone(contract), values).context("a random vector of no length")
}

/// The finaliser of splitmix64 over a counter.
fn mixed(counter: u64) -> u64 {
    let mut number = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// The sum of a number's four quarters less its mean: nearly a normal distribution, as templates have.
fn bell(number: u64) -> i64 {
    let quarters = [number, number >> 16, number >> 32, number >> 48];
    quarters.iter().map(|quarter| (quarter & 0xFFFF) as i64).sum::<i64>() - 131_070
}

fn start_peer(args: &SearchArgs) -> anyhow::Result<Peer> {
    let score = match args.score {
        ScoreName::Cosine => "cosine",
        ScoreName::Distance => "distance",
    };
    let numbers = [("--rows", args.rows), ("--dims", args.dims), ("--probes", args.probes), ("--top", args.top)];
    let numbers = numbers.into_iter().chain([("--threads", args.threads)]);
    let mut arguments: Vec<String> = numbers.flat_map(|(name, value)| [name.into(), value.to_string()]).collect();
    arguments.extend(["--score".into(), score.into()]);
    Peer::start(&args.python, PEER, &arguments)
}

/// The times of ours, of the peer, and of reading.
#[derive(Default)]
struct AllTimes {
    ours: Times,
    peer: Times,
    read: Times,
}

/// Measures in turns: a search, the peer's search, and reading as many bytes.
fn measure(
    gallery: &Gallery,
    probes: &[&Template],
    mut peer: Option<&mut Peer>,
    args: &SearchArgs,
) -> anyhow::Result<AllTimes> {
    for _ in 0..WARM_UP_RUNS {
        let found = gallery.search_many(probes, args.top)?;
        if let Some(peer) = peer.as_deref() {
            agree(gallery, probes, &found, &peer.found)?;
        }
    }
    let turns = (args.seconds / TURN_SECONDS_MAX).ceil().max(1.0);
    let turn_seconds = args.seconds / turns;
    let mut times = AllTimes::default();
    for _ in 0..turns as usize {
        times.ours.turn(turn_seconds, || {
            black_box(gallery.search_many(probes, args.top)?);
            Ok(())
        })?;
        times.read.turn(turn_seconds, || {
            black_box(gallery.read_whole());
            Ok(())
        })?;
        if let Some(peer) = peer.as_deref_mut() {
            times.peer.runs_ms.extend(peer.turn(turn_seconds)?);
            times.peer.processor_ms = peer.processor_ms;
        }
    }
    Ok(times)
}

/// Refuses to measure when the peer finds another best row than ours, ties but for rounding left out.
fn agree(gallery: &Gallery, probes: &[&Template], ours: &[Vec<face::Hit>], theirs: &[u32]) -> anyhow::Result<()> {
    for ((hits, their), probe) in ours.iter().zip(theirs).zip(probes) {
        let best = hits.first().context("a search without an answer")?;
        let score = probe.compare(&random(gallery.contract(), *their as usize)?)?;
        if best.person != *their && best.score.0 - score.0 > TIE {
            bail!("the peer says that row {their} is the best, ours that row {} is: one of them is wrong", best.person);
        }
    }
    Ok(())
}

/// All that is printed.
#[derive(Serialize)]
struct Report {
    rows: usize,
    dims: usize,
    probes: usize,
    top: usize,
    score: ScoreName,
    threads: usize,
    instructions: &'static str,
    memory_locked: bool,
    ours: Figures,
    peer: Option<PeerFigures>,
    /// The peer's median over ours.
    ratio: Option<f64>,
    /// The peer's fastest run over ours, in which other work on the machine weighs least.
    ratio_of_fastest: Option<f64>,
    /// The peer's processor time over ours.
    ratio_of_processor_time: Option<f64>,
    /// One probe reads so many bytes.
    scanned_bytes: usize,
    /// Adding up the same bytes on one thread.
    read: Figures,
    read_gb_per_second: f64,
    scan_gb_per_second: f64,
    /// The scan's share of the plain read, from medians, from the fastest runs and from processor time.
    share_of_read: f64,
    share_of_read_fastest: f64,
    share_of_read_processor_time: f64,
    /// Processes waiting for a processor before and after: above the threads measured, other work was in the way.
    load: [Option<f64>; 2],
}

impl Report {
    fn new(
        args: &SearchArgs,
        gallery: &Gallery,
        peer: Option<&Peer>,
        times: &AllTimes,
        load: [Option<f64>; 2],
    ) -> Self {
        let (ours, read) = (Figures::of(&times.ours), Figures::of(&times.read));
        let peer = peer
            .map(|peer| PeerFigures { name: format!("faiss-cpu {}", peer.version), figures: Figures::of(&times.peer) });
        let gb_per_second = |ms: f64| gallery.scanned_bytes() as f64 / ms / 1e6;
        Self {
            rows: args.rows,
            dims: args.dims,
            probes: args.probes,
            top: args.top,
            score: args.score,
            threads: args.threads,
            instructions: gallery.instructions(),
            memory_locked: gallery.protection().locked,
            ratio: peer.as_ref().map(|peer| peer.figures.median_ms / ours.median_ms),
            ratio_of_fastest: peer.as_ref().map(|peer| peer.figures.fastest_ms / ours.fastest_ms),
            ratio_of_processor_time: peer.as_ref().map(|peer| peer.figures.processor_ms / ours.processor_ms),
            peer,
            scanned_bytes: gallery.scanned_bytes(),
            read_gb_per_second: gb_per_second(read.median_ms),
            scan_gb_per_second: gb_per_second(ours.median_ms),
            share_of_read: read.median_ms / ours.median_ms,
            share_of_read_fastest: read.fastest_ms / ours.fastest_ms,
            share_of_read_processor_time: read.processor_ms / ours.processor_ms,
            ours,
            read,
            load,
        }
    }

    fn text(&self) -> String {
        let Report { rows, dims, probes, top, threads, instructions, .. } = self;
        let mut lines = vec![
            format!("{rows} rows of {dims}, {probes} probe(s), best {top}, {threads} thread(s), {instructions}"),
            format!("ours {}", self.ours.text()),
        ];
        let ratios = [self.ratio, self.ratio_of_fastest, self.ratio_of_processor_time];
        if let (Some(peer), [Some(ratio), Some(fastest), Some(processor)]) = (&self.peer, ratios) {
            lines.push(format!("peer {} ({})", peer.figures.text(), peer.name));
            lines.push(format!(
                "ratio {ratio:.2} by medians, {fastest:.2} by the fastest runs, {processor:.2} by processor time"
            ));
        }
        lines.push(format!(
            "reading as many bytes {} ({:.1} GB/s); the scan reaches {:.0} % by medians, {:.0} % by the fastest runs, {:.0} % by processor time",
            self.read.text(),
            self.read_gb_per_second,
            100.0 * self.share_of_read,
            100.0 * self.share_of_read_fastest,
            100.0 * self.share_of_read_processor_time
        ));
        lines.join("\n")
    }
}
