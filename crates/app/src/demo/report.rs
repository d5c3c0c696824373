//! The account of an unattended exercise: run, look for residue, purge, look again, verify the log, and say what was found.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use domain::{Clock, Deployment, DeploymentId, Policy};
use face::Faces;
use pipeline::residue::Traces;
use pipeline::{Frames, Residue, Running, SharedStore, Stage, Status};
use serde::Serialize;

use super::account::{Account, account, beside_truth, quantile};
use super::exercise::engine_name;
use super::footage::Material;
use crate::cosign::{Round, Witnesses};
use crate::verify::DirectoryLog;

/// An exercise that has been started.
pub(crate) struct Exercise {
    /// Its record.
    pub store: SharedStore,
    /// Its policy.
    pub policy: Policy,
    /// Its name.
    pub deployment: DeploymentId,
    /// Where its data are.
    pub data_dir: PathBuf,
    /// What it reads.
    pub material: Material,
    /// The models it uses.
    pub bundle: String,
}

/// What `overt demo --once --json` prints. Rates are left to the reader: every number here is a count, or milliseconds.
#[derive(Serialize)]
pub(crate) struct Report {
    deployment: String,
    bundle: String,
    engine: String,
    detector: String,
    recogniser: String,
    faces_seen: u64,
    passages: u64,
    templates_made: u64,
    templates_destroyed: u64,
    alerts_kept: u64,
    alerts: u64,
    /// `null` where the footage has no known truth, like the three after it.
    alerts_correct: Option<usize>,
    alerts_wrong: Option<usize>,
    listed_passages: Option<usize>,
    listed_passages_missed: Option<usize>,
    alert_latency_ms: Latency,
    frames: FramesReport,
    log: LogReport,
    residue: ResidueReport,
    data: PathBuf,
}

#[derive(Serialize)]
struct Latency {
    p50: Option<f64>,
    p99: Option<f64>,
}

#[derive(Serialize)]
struct FramesReport {
    captured: u64,
    processed: u64,
    dropped: u64,
}

#[derive(Serialize)]
struct LogReport {
    entries: u64,
    root: String,
    verified: bool,
    /// Who cosigned it, of the witnesses asked.
    witnesses: Round,
}

#[derive(Serialize)]
struct ResidueReport {
    templates_made_again: u64,
    bytes_scanned: u64,
    hits: u64,
    hits_before_purge: u64,
    hits_after_purge: u64,
}

/// Waits for the end, purges, and accounts for everything. `open` opens the models once more, for the residue scan.
pub(crate) fn to_the_end(
    exercise: &Exercise,
    running: &Running,
    open: impl Fn() -> Result<Faces>,
    mut witnesses: Witnesses,
    clock: &dyn Clock,
) -> Result<Report> {
    let status = running.wait();
    if let Stage::Stopped(reason) = &status.stage {
        anyhow::bail!(
            "the exercise stopped before its end: {reason}; its record is in {}",
            exercise.data_dir.display()
        );
    }
    let raised = running.raised();
    let labels = labels(exercise)?;
    let truth = exercise.material.truth();
    let account = truth
        .map(|truth| account(&truth, &beside_truth(&raised, &labels, |alert| exercise.material.passage_at(alert))));

    let mut faces = open()?;
    let traces = Traces::of(exercise.material.sources()?, exercise.policy.face_side_px_min, &mut faces)?;
    let before = traces.look_in(&exercise.data_dir)?;
    let (verdict, entries, root) = purge_and_verify(exercise, clock)?;
    let witnesses = witnesses.ask(&exercise.store)?;
    let after = traces.look_in(&exercise.data_dir)?;

    let latencies: Vec<f64> = raised.iter().map(|alert| alert.latency_ms).collect();
    let of = |count: fn(&Account) -> usize| account.as_ref().map(count);
    Ok(Report {
        deployment: exercise.deployment.to_string(),
        bundle: exercise.bundle.clone(),
        engine: engine_name(faces.engine).to_owned(),
        detector: faces.detector.name().to_owned(),
        recogniser: faces.recognizer.contract().model.clone(),
        faces_seen: status.counts.faces_seen,
        passages: status.passages,
        templates_made: status.counts.templates_made,
        templates_destroyed: status.counts.templates_destroyed,
        alerts_kept: status.counts.alerts_kept,
        alerts: raised.len() as u64,
        alerts_correct: of(|account| account.alerts_correct),
        alerts_wrong: of(|account| account.alerts_wrong),
        listed_passages: of(|account| account.listed_passages),
        listed_passages_missed: of(|account| account.listed_passages_missed),
        alert_latency_ms: Latency { p50: quantile(&latencies, 0.5), p99: quantile(&latencies, 0.99) },
        frames: frames(&status),
        log: LogReport { entries, root, verified: verdict, witnesses },
        residue: residue(&before, &after),
        data: exercise.data_dir.clone(),
    })
}

fn labels(exercise: &Exercise) -> Result<BTreeMap<u32, String>> {
    let store = exercise.store.lock().map_err(|_| anyhow::anyhow!("the store was left in an unknown state"))?;
    Ok(store.alerts(&exercise.deployment)?.into_iter().map(|row| (row.entry, row.label)).collect())
}

/// Purges the exercise, publishes its last checkpoint and verifies the log as an outsider would.
fn purge_and_verify(exercise: &Exercise, clock: &dyn Clock) -> Result<(bool, u64, String)> {
    let mut store = exercise.store.lock().map_err(|_| anyhow::anyhow!("the store was left in an unknown state"))?;
    let ended = store.deployment(&exercise.deployment)?.expect_ended()?;
    store.purge(ended, clock.now())?;
    let checkpoint = store.publish(clock.now())?;
    let purged = matches!(&*store.deployment(&exercise.deployment)?, Deployment::Purged(_));
    let log = DirectoryLog::open(store.public_dir()).context("reading the public log")?;
    let verdict = evidence::verify::verify(&log, store.verifying_key());
    if let Err(found) = &verdict {
        eprintln!("the log does not verify: {found}");
    }
    Ok((verdict.is_ok() && purged, checkpoint.size, checkpoint.root))
}

fn frames(status: &Status) -> FramesReport {
    let Frames { captured, processed, dropped } = status.frames;
    FramesReport { captured, processed, dropped }
}

fn residue(before: &Residue, after: &Residue) -> ResidueReport {
    for path in before.found_in.iter().chain(&after.found_in) {
        eprintln!("residue was found in {}", path.display());
    }
    ResidueReport {
        templates_made_again: before.templates,
        bytes_scanned: before.bytes_scanned + after.bytes_scanned,
        hits: before.hits + after.hits,
        hits_before_purge: before.hits,
        hits_after_purge: after.hits,
    }
}

impl Report {
    /// Prints the account; the exit code is 1 when a promise was not kept.
    #[allow(clippy::print_stdout, reason = "this is the command's output")]
    pub(crate) fn print(&self, json: bool) -> Result<ExitCode> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
        } else {
            self.print_words();
        }
        let balanced = self.templates_made == self.templates_destroyed + self.alerts_kept;
        let kept = balanced && self.log.verified && self.residue.hits == 0;
        Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    #[allow(clippy::print_stdout, reason = "this is the command's output")]
    fn print_words(&self) {
        println!("{} with {} and {} on {}", self.deployment, self.detector, self.recogniser, self.engine);
        println!("  faces seen            {}", self.faces_seen);
        println!(
            "  templates             {} made, {} destroyed, {} kept as alerts",
            self.templates_made, self.templates_destroyed, self.alerts_kept
        );
        let known = |count: Option<usize>| count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
        println!(
            "  alerts                {} ({} correct, {} wrong)",
            self.alerts,
            known(self.alerts_correct),
            known(self.alerts_wrong)
        );
        println!(
            "  listed passages       {} of at least 60 px, {} missed",
            known(self.listed_passages),
            known(self.listed_passages_missed)
        );
        println!(
            "  frames                {} captured, {} examined, {} dropped",
            self.frames.captured, self.frames.processed, self.frames.dropped
        );
        println!(
            "  log                   {} entries, {}",
            self.log.entries,
            if self.log.verified { "verified" } else { "NOT verified" }
        );
        if !self.log.witnesses.cosigned.is_empty() || !self.log.witnesses.missing.is_empty() {
            println!("  witnesses             {}", self.log.witnesses.words());
        }
        println!("  residue               {} hits in {} bytes", self.residue.hits, self.residue.bytes_scanned);
        println!("  public log            {}", self.data.join("public").display());
    }
}
