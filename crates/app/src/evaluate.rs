//! `overt evaluate`: measures a bundle on a test set and writes what was found.

use std::path::PathBuf;
use std::process::ExitCode;

use evaluation::results::{ByPoint, Results};
use evaluation::{Evaluation, EvaluationError, Index, Settings};
use indicatif::{ProgressBar, ProgressStyle};

/// Measures error rates on a test set of recorded pictures.
#[derive(clap::Args)]
pub(crate) struct Evaluate {
    /// CSV file with the columns path, identity and any group columns.
    #[arg(long, value_name = "FILE")]
    index: PathBuf,
    /// Folder the paths of the index start from.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Pair of models to measure.
    #[arg(long, default_value = "open")]
    bundle: String,
    /// Folder for results.json, scores.csv and report.html.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of everything drawn at random.
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
    /// How many times the people are divided into enrolled and not.
    #[arg(long, default_value_t = Settings::default().splits)]
    splits: u32,
    /// How many times people are drawn anew for the intervals of groups.
    #[arg(long, default_value_t = Settings::default().resamples)]
    resamples: u32,
    /// Print results.json instead of a table.
    #[arg(long)]
    json: bool,
}
