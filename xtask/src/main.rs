//! The workspace's own tools: `tidy` and `layers` hold the house rules, `test` runs everything there is to check.
#![allow(clippy::print_stdout, reason = "these are commands, and what they print is their result")]

mod layers;
mod outsiders;
mod markdown;
mod mutants;
mod ratchet;
mod report;
mod source;
mod test_log;
mod tidy;
mod whole;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "usage: cargo xtask <command>

  tidy             house rules that a compiler does not know: lengths, names, charters, links, forbidden words
  layers           the workspace's edges against the table in ARCHITECTURE.md
  mutants [FILTER…]  takes checks out of the rules one by one; the model checker must name what is broken
  fuzz [OPTION…]   changed inputs at every parser of what others write; --seconds N for each, --target NAME, --keep
  test [FILTER…]   formatting, tidy, layers, licences, clippy, models, then every test; FILTER narrows the tests";

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

/// Runs the command named on the command line; `false` means that it found something wrong.
fn run() -> Result<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = repository_root()?;
    match arguments.split_first() {
        Some((command, [])) if command == "tidy" => Ok(tidy::print(&tidy::check(&root)?)),
        Some((command, [])) if command == "layers" => Ok(layers::print(&layers::check(&root)?)),
        Some((command, filters)) if command == "mutants" => mutants::run(&root, filters),
        Some((command, options)) if command == "fuzz" => whole::fuzz(&root, options),
        Some((command, filters)) if command == "test" => whole::test(&root, filters),
        _ => bail!("no such command: {}\n{USAGE}", arguments.join(" ")),
    }
}

/// The folder above this crate, as told by the cargo that runs us: a build folder shared by two clones must not mix them up.
fn repository_root() -> Result<PathBuf> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`, from the repository")?;
    let root = PathBuf::from(here).parent().map(PathBuf::from);
    root.filter(|root| root.join("ARCHITECTURE.md").is_file())
        .context("ARCHITECTURE.md is not in the folder above xtask/")
}
