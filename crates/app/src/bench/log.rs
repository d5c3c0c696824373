//! `overt bench log`: the record at size, on the path that every decision takes: rule, database, tiles, checkpoint.
//!
//! Nothing is written past the rules: each entry is decided by `domain`, recorded by `store` in a transaction with its
//! event, published as tiles and a signed checkpoint, and every batch is on the disk before the next begins. Time is
//! set by hand, because a million receipts of real minutes would take two years.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use domain::{
    Age, Approved, Counts, Decided, DeploymentId, Draft, EntryFacts, Equipment, Kind, Live, Officer, OfficerId,
    Operation, OperationId, Plan, Policy, Reference, Retention, Role,
};
use evidence::{CheckpointVerifier, OfflineProof};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use store::{NewEntry, Recorded, Store};

use super::machine::tell;
use crate::verify::DirectoryLog;

/// Seconds of comparison that one receipt covers.
const RECEIPT_SECONDS: i64 = 1;
/// Entries whose proofs are timed.
const PROOFS: u64 = 1_000;
/// Writes whose durability is timed.
const SYNCS: usize = 200;

/// What `overt bench log` takes.
#[derive(clap::Args)]
pub(crate) struct LogArgs {
    /// Entries of the log.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    entries: u64,
    /// Entries that become durable together.
    #[arg(long, value_name = "N", default_value_t = 4_096)]
    batch: usize,
    /// The folder in which the log is made and left; a new one in the temporary directory, removed afterwards, when absent.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Serialize)]
struct Report {
    entries: u64,
    batch: usize,
    /// Seconds for all of them, deciding included.
    append_seconds: f64,
    appends_per_second: f64,
    /// Of these seconds, those in which the database was written, and those in which tiles and checkpoints were.
    database_seconds: f64,
    publish_seconds: f64,
    /// How many small files a second this disk takes, each on it before the next, measured before and after.
    syncs_per_second: [f64; 2],
    verify_seconds: f64,
    verified: bool,
    tiles: u64,
    proof_ms: Quantiles,
    proof_check_ms: Quantiles,
}

/// Times of single proofs, in milliseconds.
#[derive(Serialize)]
struct Quantiles {
    median: f64,
    p99: f64,
    max: f64,
}

/// Runs it.
pub(crate) fn run(args: LogArgs) -> Result<ExitCode> {
    let temporary = tempfile::tempdir().context("making a temporary folder")?;
    let root = args.data.clone().unwrap_or_else(|| temporary.path().join("log"));
    std::fs::create_dir_all(&root).with_context(|| format!("making {}", root.display()))?;
    ensure!((1..=store::BATCH_DECISIONS_MAX).contains(&args.batch), "--batch is 1 to {}", store::BATCH_DECISIONS_MAX);
    let before = syncs_per_second(&root)?;
    let mut station = Station::open(&root)?;
    let begun = Instant::now();
    station.run_until(args.entries, args.batch)?;
    let append_seconds = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let log = DirectoryLog::open(station.store.public_dir())?;
    let verdict = evidence::verify(&log, station.store.verifying_key())?;
    let verify_seconds = begun.elapsed().as_secs_f64();
    let (proof_ms, proof_check_ms) = proofs(&station.store, verdict.entries)?;
    let report = Report {
        entries: verdict.entries,
        batch: args.batch,
        append_seconds,
        appends_per_second: verdict.entries as f64 / append_seconds,
        database_seconds: station.database_seconds,
        publish_seconds: station.publish_seconds,
        syncs_per_second: [before, syncs_per_second(&root)?],
        verify_seconds,
        verified: verdict.record.is_some(),
        tiles: verdict.tiles,
        proof_ms,
        proof_check_ms,
    };
    tell("log", &report, args.json, Report::words)?;
    Ok(ExitCode::SUCCESS)
}

impl Report {
    fn words(&self) -> String {
        format!(
            "{} entries in batches of {}: {:.0} durable appends a second ({:.1} s; {:.1} s database, {:.1} s publication)\n\
             durable small writes: {:.0} a second before, {:.0} after\n\
             check of the whole log: {:.2} s, {} tiles\n\
             proof of one entry: median {:.3} ms, 99 of 100 below {:.3} ms; checking it: median {:.3} ms",
            self.entries,
            self.batch,
            self.appends_per_second,
            self.append_seconds,
            self.database_seconds,
            self.publish_seconds,
            self.syncs_per_second[0],
            self.syncs_per_second[1],
            self.verify_seconds,
            self.tiles,
            self.proof_ms.median,
            self.proof_ms.p99,
            self.proof_check_ms.median
        )
    }
}

/// Where nothing is compared; there is nothing else to show for that.
const PLACE: &str = "no place: nothing is compared";

/// A place where one exercise follows another.
struct Station {
    store: Store,
    policy: Policy,
    now: Timestamp,
    deployments: u32,
    entries: u64,
    database_seconds: f64,
    publish_seconds: f64,
}

impl Station {
    fn open(root: &Path) -> Result<Self> {
        let mut store = Store::create(root, "overt.invalid/bench")?;
        let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
        let policy = store.adopt_policy(store::EXERCISE_POLICY, &officer(Role::AuthorisingOfficer)?, now)?.into_inner();
        let operation = Operation {
            operation: OperationId::new("bench")?,
            title: "Measurement".into(),
            force: "the operator of this machine".into(),
            purpose: "To measure the record.".into(),
            outside_authoriser: None,
        };
        store.commit(operation.open(&officer(Role::AuthorisingOfficer)?, &policy, now)?)?;
        let mut station =
            Self { store, policy, now, deployments: 0, entries: 0, database_seconds: 0.0, publish_seconds: 0.0 };
        station.publish()?;
        Ok(station)
    }

    /// Deployments, one after another, until the log has this many entries.
    fn run_until(&mut self, entries: u64, batch: usize) -> Result<()> {
        while self.entries < entries {
            let mut live = self.started()?.into_inner();
            self.publish()?;
            let window_ends = live.plan().ends;
            loop {
                let left = window_ends.duration_since(self.now).as_secs() / RECEIPT_SECONDS - 1;
                let wanted = entries.saturating_sub(self.entries + 1).min(left.max(0).unsigned_abs()).min(batch as u64);
                if wanted == 0 {
                    break;
                }
                live = self.seal(live, wanted)?;
            }
            let ended = live.end("the recordings ran out", self.now)?;
            self.record(|store| store.commit(ended))?;
            self.publish()?;
        }
        Ok(())
    }

    /// Decides this many receipts and records them together.
    fn seal(&mut self, mut live: Live, receipts: u64) -> Result<Live> {
        let mut decided: Vec<Decided<Live>> = Vec::with_capacity(usize::try_from(receipts)?);
        for number in 0..receipts {
            self.now = self.now.checked_add(SignedDuration::from_secs(RECEIPT_SECONDS))?;
            let made = number % 7;
            let counts =
                Counts { faces_seen: made, templates_made: made, templates_destroyed: made, ..Counts::default() };
            decided.push(live.clone().count(counts, self.now)?);
            live = live.count(counts, self.now)?.into_parts().0;
        }
        let recorded = self.record(|store| store.commit_all(decided))?;
        self.publish()?;
        recorded.into_iter().next_back().map(Recorded::into_inner).context("no receipt was sealed")
    }

    /// A deployment, from its proposal to its start, each step of which is recorded by itself.
    fn started(&mut self) -> Result<Recorded<Live>> {
        self.deployments += 1;
        self.now = self.now.checked_add(SignedDuration::from_mins(10))?;
        let starts = self.now;
        let plan = Plan {
            deployment: DeploymentId::new(&format!("bench-{}", self.deployments))?,
            operation: OperationId::new("bench")?,
            kind: Kind::Exercise,
            purpose: self.policy.purposes.first().context("the policy names no purpose")?.clone(),
            place: PLACE.into(),
            place_ground: self.policy.place_grounds.first().context("the policy names no ground for a place")?.clone(),
            place_evidence: store::sha256_hex(PLACE.as_bytes()),
            cameras: 1,
            starts,
            ends: starts.checked_add(self.policy.deployment_length_max)?,
        };
        let store = &mut self.store;
        let proposed = store.commit(Draft { plan }.propose(&officer(Role::Proposer)?, &self.policy, starts)?)?;
        let authoriser = officer(Role::AuthorisingOfficer)?;
        let approved: Recorded<Approved> =
            store.commit(proposed.into_inner().approve(&authoriser, &self.policy, starts)?)?;
        let announced = store.publish_notice(approved, &authoriser, "A measurement; nothing is compared.\n", starts)?;
        let facts = EntryFacts {
            label: "nobody".into(),
            ground: self.policy.grounds.first().context("the policy names no ground")?.clone(),
            image_source: "a grey square".into(),
            supplier: "this measurement".into(),
            legal_basis: "none needed: it shows nobody".into(),
            image_date: "2026-01-01".parse()?,
            retention: Retention::Retained,
            age_at_image: Age::AtLeast(u8::MAX),
            age: Age::AtLeast(u8::MAX),
            protected: None,
            origin: domain::Origin::Own,
        };
        let reference = Reference::new("nobody")?;
        let entry = NewEntry { facts, reference, image_png: b"grey", template: &[0.5; 128], alike: &[] };
        store.list(&announced, &officer(Role::WatchlistOfficer)?, entry, starts)?;
        let announced = store.freeze_watchlist(announced, &officer(Role::WatchlistOfficer)?, starts)?.into_inner();
        let operator = officer(Role::Operator)?;
        let signed =
            store.commit(announced.confirm_signage(&operator, 1, "there is nothing to go round", "none", starts)?)?;
        let declared = signed.into_inner().declare_recording(&operator, "c1", "00".repeat(32), 0, starts)?;
        let declared = store.commit(declared)?.into_inner();
        self.now = starts.checked_add(self.policy.notice_lead)?;
        let threshold = self.policy.thresholds.first().context("the policy has no threshold")?;
        let started = declared.start(&operator, equipment(threshold), threshold, &self.policy, self.now)?;
        Ok(store.commit(started)?)
    }

    fn record<T>(&mut self, write: impl FnOnce(&mut Store) -> Result<T, store::StoreError>) -> Result<T> {
        let begun = Instant::now();
        let recorded = write(&mut self.store)?;
        self.database_seconds += begun.elapsed().as_secs_f64();
        Ok(recorded)
    }

    fn publish(&mut self) -> Result<()> {
        let begun = Instant::now();
        self.entries = self.store.publish(self.now)?.size;
        self.publish_seconds += begun.elapsed().as_secs_f64();
        Ok(())
    }
}

fn officer(role: Role) -> Result<Officer> {
    Ok(Officer { id: OfficerId::new(&role.word().replace(' ', "-"))?, role, trained_until: Timestamp::MAX })
}

fn equipment(threshold: &domain::Threshold) -> Equipment {
    Equipment {
        software: format!("overt {}", env!("CARGO_PKG_VERSION")),
        detector: "none".into(),
        recogniser: "none".into(),
        weights_sha256: "00".repeat(32),
        engine: "none".into(),
        threshold: threshold.value().to_string(),
        threshold_fpir: threshold.fpir().to_string(),
        threshold_evaluation: threshold.evaluation().to_owned(),
    }
}

/// How long it takes to make a proof of an entry from the store, and to check one from its text.
fn proofs(store: &Store, entries: u64) -> Result<(Quantiles, Quantiles)> {
    let key = CheckpointVerifier::new(store.verifying_key())?;
    let (mut made_ms, mut checked_ms) = (Vec::new(), Vec::new());
    for number in 0..PROOFS {
        // All over the log, in no order: a large odd step visits every remainder.
        let index = number.wrapping_mul(2_654_435_761) % entries;
        let begun = Instant::now();
        let text = store.proof_of(index)?;
        made_ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
        let begun = Instant::now();
        let proven = OfflineProof::parse(text.as_bytes())?.verify(&key, None)?;
        checked_ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
        ensure!(proven.index == index, "a proof of entry {index} proves entry {}", proven.index);
    }
    Ok((Quantiles::of(made_ms), Quantiles::of(checked_ms)))
}

impl Quantiles {
    fn of(mut times_ms: Vec<f64>) -> Self {
        times_ms.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = times_ms.len().saturating_sub(1);
            times_ms.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
        };
        Self { median: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}

/// Files of one page, each made durable as the store makes its files durable: the file, its name, its folder.
fn syncs_per_second(root: &Path) -> Result<f64> {
    let folder = tempfile::tempdir_in(root).context("making a folder")?;
    let begun = Instant::now();
    for number in 0..SYNCS {
        let mut file = std::fs::File::create(folder.path().join(number.to_string()))?;
        file.write_all(&[0x5a; 4096])?;
        file.sync_all()?;
        std::fs::File::open(folder.path())?.sync_all()?;
    }
    Ok(SYNCS as f64 / begun.elapsed().as_secs_f64())
}
