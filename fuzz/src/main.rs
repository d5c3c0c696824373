//! Throws changed inputs at every parser of what others write, and tells what panicked, took too long or broke a promise.
//!
//! Inputs are samples that are valid, changed by chance; a change that earns an answer not seen before is changed further.
//! Answers stand in for coverage: they are what a stable compiler lets us see. Randomness is seeded, so every run repeats.
#![allow(clippy::print_stdout, reason = "this is a command, and what it prints is its result")]

mod campaign;
mod changes;
mod targets;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use campaign::Campaign;

const USAGE: &str = "usage: fuzz [--seconds N] [--target NAME] [--seed N] [--keep]

  --seconds N    for each target, 10 when absent
  --target NAME  one target only
  --seed N       of the randomness, 1 when absent
  --keep         put small inputs that earned a new answer into the corpus";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    time: Duration,
    target: Option<String>,
    seed: u64,
    keep: bool,
}

/// Runs every target; `false` means that one of them found something.
fn run() -> Result<bool> {
    let options = options(std::env::args().skip(1))?;
    let folder = folder()?;
    let chosen: Vec<_> =
        targets::ALL.iter().filter(|target| options.target.as_ref().is_none_or(|name| name == target.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = targets::ALL.iter().map(|target| target.name).collect();
        bail!("there is no such target; there are {}", names.join(", "));
    }
    // What panics is told in one line, with the input; the usual report would be printed many times over.
    std::panic::set_hook(Box::new(|_| {}));
    let mut sound = true;
    for target in chosen {
        let mut campaign = Campaign::new(target, &folder.join("corpus").join(target.name), options.seed)?;
        campaign.run_for(options.time);
        println!("{}", campaign.words());
        if options.keep {
            campaign.keep(&folder.join("corpus").join(target.name))?;
        }
        sound &= campaign.tell_failures(&folder.join("found"))?;
    }
    Ok(sound)
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options { time: Duration::from_secs(10), target: None, seed: 1, keep: false };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} lacks its value\n{USAGE}"));
        match argument.as_str() {
            "--seconds" => options.time = Duration::from_secs(value()?.parse().context("--seconds takes a number")?),
            "--target" => options.target = Some(value()?),
            "--seed" => options.seed = value()?.parse().context("--seed takes a number")?,
            "--keep" => options.keep = true,
            _ => bail!("unknown: {argument}\n{USAGE}"),
        }
    }
    Ok(options)
}

/// This crate's folder: the corpus is in the repository.
fn folder() -> Result<PathBuf> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    here.filter(|here| Path::new(here).is_dir()).context("run this as `cargo xtask fuzz`, from the repository")
}
