//! One deployment's public page: what, where, when, why and under which rules; what was counted; and the log that proves it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HOST};
use axum::response::{Html, IntoResponse, Response};
use domain::DeploymentId;
use evidence::{CameraDeclaration, CheckpointVerifier, Entry, line};
use store::{Sentence, Store};

use super::facts::{self, Said};
use super::record::Record;
use super::table;
use crate::answer::{Fault, show};
use crate::house::House;
use crate::page::{Page, Wanted};
use crate::words;

/// Entries of the log on one page.
const ENTRIES_SHOWN_MAX: usize = 50;
/// Receipts shown: one a minute for the longest deployment there may be, 24 hours.
const RECEIPTS_SHOWN_MAX: usize = 24 * 60;
/// Most characters of a host that is repeated in the command to verify (the longest name in the DNS, and a port).
const HOST_CHARS_MAX: usize = 253 + 6;

#[derive(Template)]
#[template(path = "deployment.html")]
struct DeploymentPage {
    page: Page,
    deployment: String,
    state: &'static str,
    place: String,
    what: Vec<Row>,
    notice: Option<String>,
    notice_facts: Option<Dated>,
    policy: Option<PolicyPart>,
    equipment: Vec<Row>,
    recordings: Vec<RecordingRow>,
    cameras: Vec<CameraRow>,
    table: Vec<Row>,
    beyond: Vec<Row>,
    totals: Vec<Row>,
    receipts: Vec<ReceiptRow>,
    receipts_left_out: usize,
    purged: Option<String>,
    log: LogPart,
}

/// Something and what is said of it.
struct Row {
    name: String,
    value: String,
}

/// A digest and when it was put on the record.
struct Dated {
    at: String,
    digest: String,
}

struct PolicyPart {
    profile: String,
    version: u32,
    digest: String,
    /// Whether the operation was opened under this very text.
    is_the_one_adopted: bool,
    settings: Vec<Sentence>,
}

struct RecordingRow {
    camera: String,
    bytes: String,
    digest: String,
}

struct CameraRow {
    camera: String,
    commitment: String,
    /// Least side of a face, where the camera has one of its own.
    face_side: Option<String>,
    zone: String,
}

struct ReceiptRow {
    from: String,
    to: String,
    faces_seen: String,
    made: String,
    destroyed: String,
    kept: String,
}

struct LogPart {
    checkpoint: Option<CheckpointWords>,
    recorded: u64,
    waiting: u64,
    key: String,
    address: String,
    entries: Vec<EntryRow>,
    of_this_deployment: usize,
    newer: Option<usize>,
    older: Option<usize>,
}

struct CheckpointWords {
    origin: String,
    size: String,
    root: String,
}

struct EntryRow {
    number: u64,
    at: String,
    at_iso: String,
    title: &'static str,
    sentence: String,
    json: String,
}

/// `GET /deployments/{deployment}`
pub(crate) async fn page(
    State(house): State<House>,
    Path(deployment): Path<String>,
    wanted: Wanted,
    headers: HeaderMap,
) -> Result<Html<String>, Fault> {
    let id = named(&deployment)?;
    let (asked, address) = (house.clone(), log_address(&headers));
    let page = house.ask_store(move |store| DeploymentPage::look(store, &asked, &id, wanted.page(), address)).await;
    show(&page.map_err(Fault::for_public)?)
}

/// `GET /deployments/{deployment}/table.csv`
pub(crate) async fn csv(State(house): State<House>, Path(deployment): Path<String>) -> Result<Response, Fault> {
    let (id, now) = (named(&deployment)?, house.now());
    let name = format!("attachment; filename=\"{id}.csv\"");
    let text = house.ask_store(move |store| {
        store.deployment(&id)?;
        let record = Record::read(id.as_str(), &store.entries(Some(&id))?);
        Ok(table::csv(&table::values(id.as_str(), &record, now)))
    });
    let text = text.await.map_err(Fault::for_public)?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8"), (CONTENT_DISPOSITION, name.as_str())], text).into_response())
}

impl DeploymentPage {
    fn look(store: &Store, house: &House, id: &DeploymentId, number: usize, address: String) -> Result<Self, Fault> {
        let deployment = store.deployment(id)?;
        let entries = store.entries(None)?;
        let record = Record::read(id.as_str(), &entries);
        let place = deployment.plan().place.clone();
        let values = table::values(id.as_str(), &record, house.now());
        let receipts_left_out = record.receipts.len().saturating_sub(RECEIPTS_SHOWN_MAX);
        Ok(Self {
            page: Page::public(format!("{id}, {place}"), deployment.plan().kind),
            deployment: id.to_string(),
            state: deployment.state(),
            what: what(&record),
            notice: store.notice(id)?,
            notice_facts: record
                .notice
                .as_ref()
                .map(|(at, digest)| Dated { at: words::moment(*at), digest: digest.clone() }),
            policy: PolicyPart::look(store, &record)?,
            equipment: equipment(&record),
            recordings: recordings(&record),
            cameras: cameras(&record),
            table: table::COLUMNS.iter().zip(values).map(|(name, value)| row(name, value)).collect(),
            beyond: beyond(&record),
            totals: totals(&record),
            receipts: record.receipts.iter().skip(receipts_left_out).rev().map(ReceiptRow::new).collect(),
            receipts_left_out,
            purged: record.purged.as_ref().map(purged),
            log: LogPart::look(house, id, &entries, number, address)?,
            place,
        })
    }
}

impl PolicyPart {
    fn look(store: &Store, record: &Record) -> Result<Option<Self>, Fault> {
        let (Some(policy), Some(text)) = (store.policy()?, store.policy_text()?) else { return Ok(None) };
        let adopted = record.operation.as_ref().map(|operation| &operation.policy_digest);
        Ok(Some(Self {
            is_the_one_adopted: adopted == Some(&policy.digest),
            settings: store::explain(&text)?.parts.into_iter().flat_map(|part| part.sentences).collect(),
            profile: policy.profile,
            version: policy.version,
            digest: policy.digest,
        }))
    }
}

impl ReceiptRow {
    fn new(receipt: &super::record::Receipt) -> Self {
        let counts = receipt.counts;
        Self {
            from: words::clock_time(receipt.from),
            to: words::clock_time(receipt.to),
            faces_seen: words::grouped(counts.faces_seen),
            made: words::grouped(counts.templates_made),
            destroyed: words::grouped(counts.templates_destroyed),
            kept: words::grouped(counts.alerts_kept),
        }
    }
}

impl LogPart {
    fn look(
        house: &House,
        id: &DeploymentId,
        entries: &[(u64, Entry)],
        number: usize,
        address: String,
    ) -> Result<Self, Fault> {
        let own: Vec<_> = entries.iter().filter(|(_, entry)| is_about(entry, id)).collect();
        let pages = own.len().div_ceil(ENTRIES_SHOWN_MAX).max(1);
        let number = number.clamp(1, pages);
        let shown = own.iter().rev().skip((number - 1) * ENTRIES_SHOWN_MAX).take(ENTRIES_SHOWN_MAX);
        let rows = shown.map(|(number, entry)| EntryRow::new(*number, entry)).collect::<Result<_, Fault>>()?;
        let checkpoint = checkpoint(house);
        let (recorded, covered) = (entries.len() as u64, checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size));
        Ok(Self {
            checkpoint: checkpoint.map(|checkpoint| CheckpointWords {
                origin: checkpoint.origin,
                size: words::grouped(checkpoint.size),
                root: checkpoint.root.to_string(),
            }),
            recorded,
            waiting: recorded.saturating_sub(covered),
            key: house.verifying_key().trim().to_owned(),
            address,
            entries: rows,
            of_this_deployment: own.len(),
            newer: (number > 1).then(|| number - 1),
            older: (number < pages).then(|| number + 1),
        })
    }
}

impl EntryRow {
    fn new(number: u64, entry: &Entry) -> Result<Self, Fault> {
        let Said { title, sentence } = facts::say(&entry.fact);
        let bytes =
            line::encode(entry).map_err(|_| Fault::Broken("an entry of the record could not be written out"))?;
        let json = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { number, at: words::moment(entry.at), at_iso: entry.at.to_string(), title, sentence, json })
    }
}

fn what(record: &Record) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(operation) = &record.operation {
        rows.push(row("Who", operation.force.clone()));
        rows.push(row("Operation", format!("{}: {}", operation.title, operation.purpose)));
    }
    if let Some(plan) = &record.plan {
        let sources = match plan.deployment_kind.as_str() {
            "live" => "live (cameras, each declared with its zone)".to_owned(),
            kind => format!("{kind} (recorded pictures only; no camera is opened)"),
        };
        let window = format!("{} to {}", words::moment(plan.starts), words::moment(plan.ends));
        rows.extend([
            row("What", sources),
            row("Where", plan.place.clone()),
            row("Window", window),
            row("Why", plan.purpose.clone()),
        ]);
    }
    if let Some((at, role)) = &record.approved {
        rows.push(row("Approved", format!("by another person than proposed it ({role}), {}", words::moment(*at))));
    }
    if let Some((signs, route)) = &record.signage {
        rows.push(row("Signs", format!("{} confirmed", words::plural(u64::from(*signs), "sign"))));
        rows.push(row("Way round", route.clone()));
    }
    if let Some((at, _)) = &record.started {
        rows.push(row("Began", words::moment(*at)));
    }
    if let Some((at, reason)) = &record.ended {
        rows.push(row("Ended", format!("{}: {reason}", words::moment(*at))));
    }
    rows
}

fn equipment(record: &Record) -> Vec<Row> {
    let Some((_, equipment)) = &record.started else { return Vec::new() };
    vec![
        row("Threshold", format!("{}, in the model's own units", equipment.threshold)),
        row("Measured false-positive identification rate (FPIR)", equipment.threshold_fpir.clone()),
        row("Evaluation in which it was measured", equipment.threshold_evaluation.clone()),
        row("Recogniser", equipment.recogniser.clone()),
        row("SHA-256 of its weights", equipment.weights_sha256.clone()),
        row("Detector", equipment.detector.clone()),
        row("Engine", equipment.engine.clone()),
        row("Software", equipment.software.clone()),
    ]
}

fn recordings(record: &Record) -> Vec<RecordingRow> {
    let of = |facts: &super::record::RecordingFacts| RecordingRow {
        camera: facts.camera.clone(),
        bytes: if facts.bytes == 0 { "rendered".into() } else { words::grouped(facts.bytes) },
        digest: facts.digest.clone(),
    };
    record.recordings.iter().map(of).collect()
}

fn cameras(record: &Record) -> Vec<CameraRow> {
    let of = |declared: &CameraDeclaration| CameraRow {
        camera: declared.camera.clone(),
        commitment: declared.source_commitment.clone(),
        face_side: declared.face_side_px_min.map(|side| words::plural(side.into(), "pixel")),
        zone: declared.zone.to_string(),
    };
    record.cameras.iter().map(of).collect()
}

/// What the usual table lacks.
fn beyond(record: &Record) -> Vec<Row> {
    let (alerts, faces) = (record.alert_totals(), record.counted().faces_seen);
    let mut rows = Vec::new();
    if let Some(interval) = table::rate_interval(alerts.incorrect, faces) {
        rows.push(row("Incorrect alert rate, exact 95 % interval", interval));
    }
    rows.push(row("Alerts of which nobody knows whether they are right", words::grouped(alerts.unconfirmed)));
    rows.push(row("Alerts that nobody has judged", words::grouped(alerts.unjudged)));
    let seconds = record.decision_seconds();
    if let (Some(median), Some(longest)) = (seconds.get(seconds.len() / 2), seconds.last()) {
        let value =
            format!("median {}, longest {}", words::plural(*median, "second"), words::plural(*longest, "second"));
        rows.push(row("Time from alert to judgement", value));
    }
    if let Some(list) = &record.watchlist {
        rows.push(row("Images on the watchlist", words::grouped(list.images)));
        rows.extend(
            list.by_ground
                .iter()
                .map(|(ground, people)| row(&format!("Listed as “{ground}”"), words::grouped(*people))),
        );
    }
    rows
}

fn totals(record: &Record) -> Vec<Row> {
    let counts = record.counted();
    let row = |name: &str, count| row(name, words::grouped(count));
    vec![
        row("Faces seen", counts.faces_seen),
        row("Templates made", counts.templates_made),
        row("Templates destroyed", counts.templates_destroyed),
        row("Templates kept, sealed, for an alert", counts.alerts_kept),
    ]
}

fn purged(facts: &super::record::PurgeFacts) -> String {
    let key = if facts.key_destroyed {
        "and so was the key that sealed them"
    } else {
        "but the key that sealed them was not"
    };
    format!(
        "On {}, {} and {} were destroyed, {key}.",
        words::moment(facts.at),
        words::plural(facts.alerts, "sealed alert"),
        words::plural(facts.watchlist_images, "watchlist image")
    )
}

/// The newest checkpoint, if it opens with the log's own key.
fn checkpoint(house: &House) -> Option<evidence::Checkpoint> {
    let note = std::fs::read(house.public_dir().join(evidence::layout::CHECKPOINT_PATH)).ok()?;
    CheckpointVerifier::new(house.verifying_key().trim()).ok()?.open(&note).ok()
}

/// Whether an entry belongs on the page: it is about the deployment, or about no deployment at all.
fn is_about(entry: &Entry, id: &DeploymentId) -> bool {
    entry.fact.deployment().is_none_or(|deployment| deployment == id.as_str())
}

/// Where the log is found by whoever sees the page; the host is repeated only when it looks like one.
fn log_address(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    let lawful = !host.is_empty() && host.len() <= HOST_CHARS_MAX && host.bytes().all(plain);
    format!("http://{}/log", if lawful { host } else { "127.0.0.1" })
}

pub(super) fn named(deployment: &str) -> Result<DeploymentId, Fault> {
    DeploymentId::new(deployment).map_err(|error| Fault::NotAName(error.to_string()))
}

fn row(name: &str, value: String) -> Row {
    Row { name: name.to_owned(), value }
}
