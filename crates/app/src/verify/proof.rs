//! `overt verify --proof`: checks the proof of one entry, as somebody who has nothing but the file and the log's key.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use evidence::cosignature::Word;
use evidence::offline::{FILE_BYTES_MAX, Proven};
use evidence::{CheckpointVerifier, EvidenceError, OfflineProof, Quorum};
use jiff::Timestamp;
use serde_json::json;

use super::REFUSED;

/// Verifies the file; the exit code is 0 where it holds and 1 where it does not.
pub(super) fn run(file: &Path, key: &str, quorum: &Quorum, now: Timestamp, json: bool) -> Result<ExitCode> {
    let key = CheckpointVerifier::new(key)?;
    let mut bytes = Vec::new();
    let opened = File::open(file).with_context(|| format!("opening {}", file.display()))?;
    opened
        .take(FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("reading {}", file.display()))?;
    let (text, code) = match check(&bytes, &key, quorum, now) {
        Ok((proven, witnesses)) if json => (as_json(&proven, &witnesses), 0),
        Ok((proven, witnesses)) => (words(&proven, &witnesses), 0),
        Err(reason) if json => (json!({ "verified": false, "reason": reason }).to_string(), REFUSED),
        Err(reason) => (format!("REFUSED: {reason}"), REFUSED),
    };
    writeln!(io::stdout().lock(), "{text}").context("printing the verdict")?;
    Ok(ExitCode::from(code))
}

fn check(
    bytes: &[u8],
    key: &CheckpointVerifier,
    quorum: &Quorum,
    now: Timestamp,
) -> Result<(Proven, Vec<Word>), String> {
    let told = |error: EvidenceError| error.to_string();
    let proof = OfflineProof::parse(bytes).map_err(told)?;
    let proven = proof.verify(key, None).map_err(told)?;
    let witnesses = quorum.words(proof.checkpoint(), now).map_err(told)?;
    let vouching = witnesses.iter().filter(|word| word.counts).count();
    if vouching < quorum.least {
        return Err(format!(
            "{vouching} of the witnesses asked for vouch for its checkpoint, {} were to",
            quorum.least
        ));
    }
    Ok((proven, witnesses))
}

/// The entry as the log holds it: one line of JSON, or, in somebody else's log, anything.
fn entry_text(proven: &Proven) -> String {
    String::from_utf8_lossy(&proven.bytes).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn words(proven: &Proven, witnesses: &[Word]) -> String {
    let Proven { checkpoint, index, .. } = proven;
    let mut lines = vec![
        format!(
            "verified: this is entry {index} of {}, when that log had {} entries",
            checkpoint.origin, checkpoint.size
        ),
        format!("  {}", entry_text(proven)),
        "Proven:".into(),
        format!("  - {} signed a log in which this entry stands at that place, word for word.", checkpoint.origin),
    ];
    let vouching = witnesses.iter().filter(|word| word.counts);
    lines.extend(vouching.filter_map(|word| {
        word.cosigned.map(|at| format!("  - {} saw that log grow into this state by {at}.", word.witness))
    }));
    lines.push("Not proven:".into());
    lines.push(
        "  - That what the entry says is true: it is the operator's statement. A receipt of erasure is one too.".into(),
    );
    lines.push("  - What else the log says, before or after: `overt verify` of the whole log tells.".into());
    if !witnesses.iter().any(|word| word.counts) {
        lines.push("  - That others were shown the same log: no witness vouches for it here.".into());
    }
    lines.join("\n")
}

fn as_json(proven: &Proven, witnesses: &[Word]) -> String {
    let Proven { checkpoint, index, entry, .. } = proven;
    let object = json!({
        "verified": true,
        "origin": checkpoint.origin,
        "entries": checkpoint.size,
        "root": checkpoint.root.to_string(),
        "index": index,
        "entry": entry,
        "entry_text": entry_text(proven),
        "witnesses": witnesses,
    });
    format!("{object:#}")
}
