//! `overt evaluate`: measures a bundle on a labelled set of still images and writes what was found.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use evaluation::results::{ByPoint, Results};
use evaluation::{Evaluation, Index, Settings, percent};
use face::bundle::DEFAULT_BUNDLE;
use face::{Bundle, OpenOptions};
use indicatif::{ProgressBar, ProgressStyle};

/// What `overt evaluate` takes.
#[derive(clap::Args)]
pub(crate) struct EvaluateArgs {
    /// CSV file with the columns path, identity and any group columns.
    #[arg(long, value_name = "FILE")]
    index: PathBuf,
    /// Folder that the paths of the index start from.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Pair of models to measure.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_BUNDLE)]
    bundle: String,
    /// Folder for results.json, scores.csv and report.html.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of everything drawn at random.
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed)]
    seed: u64,
    /// How many times the people are divided into enrolled and not.
    #[arg(long, value_name = "N", default_value_t = Settings::default().splits)]
    splits: u32,
    /// How many times people are drawn anew for the intervals of groups.
    #[arg(long, value_name = "N", default_value_t = Settings::default().resamples)]
    resamples: u32,
    /// Print results.json instead of a table.
    #[arg(long)]
    json: bool,
}

/// Evaluates, writes the files asked for, and prints the figures.
pub(crate) fn run(args: EvaluateArgs) -> anyhow::Result<ExitCode> {
    let index = Index::open(&args.index)?;
    // A wrong folder is told before the models are loaded.
    index.locate(&args.images)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut faces = Bundle::open(&args.bundle, OpenOptions { threads, ..OpenOptions::usual()? })?;
    let settings = Settings { seed: args.seed, splits: args.splits, resamples: args.resamples };
    let bar = progress_bar(index.rows.len());
    let progress = &mut |done: usize| bar.set_position(done as u64);
    let evaluation = Evaluation::run(&mut faces, &index, &args.images, settings, progress)?;
    bar.finish_and_clear();
    if let Some(folder) = &args.out {
        evaluation.write(folder)?;
        eprintln!("wrote results.json, scores.csv and report.html to {}", folder.display());
    }
    let text = if args.json { evaluation.json() } else { table(&evaluation.results) };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn progress_bar(pictures: usize) -> ProgressBar {
    let bar = ProgressBar::new(pictures as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} pictures, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The figures as a person reads them on a terminal.
fn table(results: &Results) -> String {
    let (model, pairs, search) = (&results.model, &results.verification, &results.identification);
    let mut lines = vec![
        format!("{}: {} and {} on {}", model.bundle, model.detector, model.recogniser, model.engine),
        format!(
            "{} pictures of {} people, {} without a usable face",
            results.images, results.identities, results.failures_to_acquire
        ),
    ];
    lines.extend(results.failures.iter().map(|failure| format!("  {}", failure.reason)));
    lines.push(String::new());
    lines.push(format!(
        "one to one    {} genuine and {} impostor pairs, equal error rate {}",
        pairs.genuine,
        pairs.impostor,
        percent(pairs.eer)
    ));
    lines.extend(rows("misses at", "false matches", &pairs.fnmr_at_fmr));
    lines.push(format!(
        "one to many   {} enrolled, {} searches for them, {} for others",
        search.enrolled, search.mated, search.non_mated
    ));
    lines.extend(rows("found at", "false alarms", &search.tpir_at_fpir));
    lines.extend(group_table(results));
    lines.extend(results.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n") + "\n"
}

fn group_table(results: &Results) -> Vec<String> {
    let Some(point) = results.group_threshold.filter(|_| !results.groups.is_empty()) else { return Vec::new() };
    let width = results.groups.iter().map(|group| group.group.chars().count()).max().unwrap_or(0).max(5);
    let mut lines = vec![
        format!(
            "groups        at threshold {}, where {} of all impostor pairs match; 95 % intervals",
            point.threshold,
            percent(point.fmr)
        ),
        format!("  {:width$}  people  {:28}  {:28}", "group", "false matches", "misses"),
    ];
    lines.extend(results.groups.iter().map(|group| {
        let (fmr, fnmr) = (with_interval(group.fmr, group.fmr_ci95), with_interval(group.fnmr, group.fnmr_ci95));
        format!("  {:width$}  {:>6}  {fmr:28}  {fnmr:28}", group.group, group.identities).trim_end().to_owned()
    }));
    lines
}

fn rows(rate: &str, at: &str, points: &ByPoint<f64>) -> Vec<String> {
    let row = |(point, value): (&String, &Option<f64>)| {
        let point = point.parse().map_or_else(|_| point.clone(), percent);
        format!("  {rate} {point:>8} {at}  {:>9}", value.map_or("-".to_owned(), percent))
    };
    points.iter().rev().map(row).collect()
}

fn with_interval(rate: Option<f64>, interval: Option<[f64; 2]>) -> String {
    match (rate, interval) {
        (Some(rate), Some([low, high])) => format!("{} ({} to {})", percent(rate), percent(low), percent(high)),
        _ => "-".to_owned(),
    }
}
