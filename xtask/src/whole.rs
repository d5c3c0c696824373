//! Everything there is to check, in one run: each step is tried, and the last line counts them all.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::test_log::TestLog;
use crate::{layers, outsiders, tidy};

/// What `overt models install` is asked for: bundles that the tests use, the first with the pictures of exercises. What cannot be
/// had here is skipped, and so are its tests.
const MODELS: [&[&str]; 3] = [&["open", "--pictures"], &["lab"], &["lab-dlib"]];

/// What is off unless it is asked for, and has tests of its own.
const FEATURE: &str = "overt/otlp";

/// The programs in Python that check us from outside, by folder under `tests`.
const OUTSIDERS: [&str; 2] = ["independent", "residue"];

/// Runs every check, or, given filters, only the tests whose names hold one; `true` when nothing failed.
pub(crate) fn test(root: &Path, filters: &[String]) -> Result<bool> {
    let mut tally = Tally::default();
    if filters.is_empty() {
        tally.step("formatting", || passes(cargo(root).args(["fmt", "--all", "--check"])));
        tally.step("tidy", || Ok(Outcome::of(tidy::print(&tidy::check(root)?))));
        tally.step("layers", || Ok(Outcome::of(layers::print(&layers::check(root)?))));
        tally.step("licences, sources and wrappers", || licences(root));
        tally.skipped.push(ADVISORIES.to_owned());
        tally.step("clippy", || clippy(root));
        for names in MODELS {
            tally.step(&format!("models install {}", names.join(" ")), || models(root, names));
        }
    }
    if filters.is_empty() {
        for folder in OUTSIDERS {
            tally.step(&format!("tests/{folder}"), || outsiders::test(root, folder));
        }
    }
    if filters.is_empty() {
        // Before the others: what is built last is what stays under `target/release`, and that is to be the plain binary.
        println!("\n== tests of the feature {FEATURE}");
        tally.add(&run_tests(root, &["--features", FEATURE, "--test", "otlp"], filters)?);
    }
    println!("\n== tests");
    tally.add(&run_tests(root, &[], filters)?);
    Ok(tally.close())
}

/// Advisories come over the network from a place that not every machine reaches, and change without us.
const ADVISORIES: &str =
    "security advisories are not part of this run: `cargo deny check advisories` fetches and applies them";

/// Cargo in the repository, without what the cargo that runs us has set for this crate: build scripts that watch those
/// variables would be run again, and everything above them built twice.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let ours =
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if ours {
            command.env_remove(name);
        }
    }
    command.current_dir(root);
    command
}

/// Cargo's exit code when it could not build, and Rust's after a panic: neither is a lack of this machine.
const DID_NOT_BUILD: i32 = 101;

/// What came of one step.
pub(crate) enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be tried, and why.
    Skipped(String),
}

impl Outcome {
    fn of(passed: bool) -> Self {
        if passed { Self::Passed } else { Self::Failed }
    }
}

/// What has passed so far, and by name what has not.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: Vec<String>,
    skipped: Vec<String>,
}

impl Tally {
    /// Runs one step. An error of a step is its failure, so that the others still run.
    fn step(&mut self, name: &str, check: impl FnOnce() -> Result<Outcome>) {
        println!("\n== {name}");
        match check() {
            Ok(Outcome::Passed) => self.passed += 1,
            Ok(Outcome::Failed) => self.failed.push(name.to_owned()),
            Ok(Outcome::Skipped(reason)) => {
                println!("skipped: {reason}");
                self.skipped.push(format!("{name}: {reason}"));
            }
            Err(error) => {
                println!("{error:#}");
                self.failed.push(format!("{name}: {error:#}"));
            }
        }
    }

    fn add(&mut self, log: &TestLog) {
        self.passed += log.passed();
        self.failed.extend(log.failed().map(str::to_owned));
        self.skipped.extend(log.skipped().map(str::to_owned));
    }

    /// Names what did not pass and prints the counts, alone on the last line; `true` when nothing failed.
    fn close(&self) -> bool {
        println!();
        self.skipped.iter().for_each(|line| println!("skipped: {line}"));
        self.failed.iter().for_each(|line| println!("failed: {line}"));
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped.len());
        self.failed.is_empty()
    }
}

/// Runs a command and says whether it succeeded.
pub(crate) fn passes(command: &mut Command) -> Result<Outcome> {
    let status = command.status().with_context(|| format!("could not run {}", command.get_program().display()))?;
    Ok(Outcome::of(status.success()))
}

fn licences(root: &Path) -> Result<Outcome> {
    let present = cargo(root).args(["deny", "--version"]).output().is_ok_and(|output| output.status.success());
    if !present {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed (`cargo install cargo-deny --locked`, some minutes)".to_owned(),
        ));
    }
    passes(cargo(root).args(["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]))
}

fn clippy(root: &Path) -> Result<Outcome> {
    let lints = ["clippy", "--release", "--workspace", "--all-targets", "--features", FEATURE, "--locked", "--quiet"];
    passes(cargo(root).args(lints).args(["--", "-D", "warnings"]))
}

fn models(root: &Path, names: &[&str]) -> Result<Outcome> {
    let install = ["run", "--release", "--locked", "--quiet", "--package", "overt", "--", "models", "install"];
    let output = cargo(root).args(install).args(names).stdin(Stdio::null()).output().context("could not run cargo")?;
    if output.status.success() {
        return Ok(Outcome::Passed);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(DID_NOT_BUILD) {
        println!("{said}");
        return Ok(Outcome::Failed);
    }
    let reason = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Ok(Outcome::Skipped(reason.trim().to_owned()))
}

/// Runs the fuzz targets; `false` where one of them found something.
pub(crate) fn fuzz(root: &Path, options: &[String]) -> Result<bool> {
    let mut command = cargo(root);
    command.args(["run", "--release", "--locked", "--quiet", "--package", "fuzz", "--"]).args(options);
    Ok(command.status().context("could not run cargo")?.success())
}

/// Runs the tests and passes on what is worth reading of their output.
fn run_tests(root: &Path, choice: &[&str], filters: &[String]) -> Result<TestLog> {
    let mut command = cargo(root);
    command.args(["test", "--release", "--workspace", "--locked", "--no-fail-fast"]).args(choice);
    command.args(["--", "--show-output"]).args(filters).stdout(Stdio::piped());
    let mut run = command.spawn().context("could not run cargo test")?;
    let output = run.stdout.take().context("cargo test has no output")?;
    let mut log = TestLog::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("could not read what the tests print")?;
        if let Some(shown) = log.read(&String::from_utf8_lossy(&line)) {
            println!("{shown}");
        }
    }
    let status = run.wait().context("could not wait for cargo test")?;
    log.end(status.success());
    Ok(log)
}
