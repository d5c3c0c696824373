//! The parsers under fire: for each its samples, the words of its format, and the promise that its answer must keep.

use std::sync::LazyLock;

use evaluation::Index;
use evidence::cosignature::add_cosignatures;
use evidence::witness::{self, Reply, Witness};
use evidence::{
    Checkpoint, CheckpointSigner, CheckpointVerifier, Cosigner, KeyPair, Log, MemoryTiles, OfflineProof,
    TileStorage as _, WitnessKey, line, proof, publish, verify,
};
use jiff::Timestamp;

/// One parser.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Words of the format.
    pub(crate) words: &'static [&'static str],
    /// Inputs that are valid.
    pub(crate) samples: fn() -> Vec<Vec<u8>>,
    /// Gives an input; panics where a promise is broken, otherwise says what came of it.
    pub(crate) run: fn(&[u8]) -> String,
}

/// All of them.
pub(crate) const ALL: &[Target] = &[
    Target { name: "note", words: NOTE_WORDS, samples: note_samples, run: note },
    Target { name: "checkpoint", words: NOTE_WORDS, samples: request_samples, run: checkpoint },
    Target { name: "reply", words: NOTE_WORDS, samples: reply_samples, run: reply },
    Target { name: "key", words: KEY_WORDS, samples: key_samples, run: key },
    Target { name: "entry", words: ENTRY_WORDS, samples: entry_samples, run: entry },
    Target { name: "tiles", words: TILE_WORDS, samples: tile_samples, run: tiles },
    Target { name: "proof", words: PROOF_WORDS, samples: proof_samples, run: offline_proof },
    Target { name: "merkle", words: &[], samples: merkle_samples, run: merkle },
    Target { name: "policy", words: POLICY_WORDS, samples: policy_samples, run: policy },
    Target { name: "csv", words: CSV_WORDS, samples: csv_samples, run: csv },
];

const ORIGIN: &str = "example.org/log";
const NOTE_WORDS: &[&str] = &["\n\n", "— ", "\n", "old ", "old 0\n\n", "example.org/log", " ", "+", "AAAA", "=", "3\n"];
const KEY_WORDS: &[&str] = &["PRIVATE+KEY+", "+", "=", "==", "AQ", "BA", "example.org/log", "00000000"];
const ENTRY_WORDS: &[&str] = &[
    "{\"at\":\"2026-03-01T09:00:00Z\",\"fact\":{\"kind\":\"",
    "deployment-proposed",
    "deletion-receipt",
    "alert-raised",
    "\"deployment\":\"d1\"",
    "\"counts\":{",
    "\\u0000",
    "null",
    "{}",
    "[]",
    "-1",
    "1e99",
    "\"by_ground\":{",
    "}}",
    "9999-12-31T23:59:59.999999999Z",
    "-009999-01-01T00:00:00Z",
];
const TILE_WORDS: &[&str] = &["\u{0}\u{5}", "\u{0}\u{0}", "\u{1}", "0\n3\n"];
const PROOF_WORDS: &[&str] =
    &["c2sp.org/tlog-proof@v1\n", "extra ", "index ", "\n\n", "AAAA\n", "index 18446744073709551615\n"];
const POLICY_WORDS: &[&str] = &[
    "value = ",
    "source = \"\"",
    "[[threshold]]\n",
    "\n[lease]\n",
    "\"1000000 h\"",
    "nan",
    "inf",
    "-1",
    "[]",
    "\"\"",
    "'''",
    "\"-1 s\"",
];
const CSV_WORDS: &[&str] = &["path,identity", ",", "\"", "\"\"", "\n", "\r\n", "group_sex", "../../x.png", "\u{feff}"];

/// Entries of the log in the samples. They are of nobody's record, so that the samples and the corpus, which are signed,
/// stay what they are when the record learns to say more.
const LINES: [&[u8]; 4] = [b"line 0", b"line 1", b"line 2", b"line 3"];
/// What is parsed one by one is of this record; `the_samples_are_what_they_should_be` tells when it no longer is.
const RECORD: &str = include_str!("../corpus/entry/lawful.txt");

/// Made once: what every input is measured against.
struct Fixture {
    log_key: CheckpointVerifier,
    witness_key: WitnessKey,
    witness: Witness,
    /// A log that was published twice, so that it has partial tiles of two widths and two kept checkpoints.
    log: MemoryTiles,
    note: Vec<u8>,
    /// A witness's answer to it, and the same checkpoint cosigned.
    reply: Vec<u8>,
    cosigned: Vec<u8>,
    genuine: Checkpoint,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let witness = KeyPair::of_witness("witness.example/w1", [3; 32]).expect("keys");
    let witness_key = WitnessKey::new(&witness.verifying).expect("key");
    let log_key = CheckpointVerifier::new(&log_keys().verifying).expect("key");
    let witness =
        Witness::new(Cosigner::new(&witness.signing).expect("cosigner"), vec![log_key.clone()]).expect("witness");
    let (mut log, mut tiles) = (Log::new(), MemoryTiles::default());
    let signer = CheckpointSigner::new(&log_keys().signing).expect("signer");
    for part in [&LINES[..2], &LINES[2..]] {
        log.append(&mut tiles, part).expect("appends");
        publish(&mut tiles, &signer.sign(log.size(), log.root()).expect("signs")).expect("publishes");
    }
    let note = tiles.files["checkpoint"].clone();
    let request = witness.read(&witness::request(0, &[], &note)).expect("reads");
    let reply = witness.weigh(&request, None, at()).expect("cosigns").answer.body;
    let cosigned = add_cosignatures(&note, &reply, std::slice::from_ref(&witness_key)).expect("adds").0;
    let genuine = log_key.open(&note).expect("opens");
    Fixture { log_key, witness_key, witness, log: tiles, note, reply, cosigned, genuine }
});

fn log_keys() -> KeyPair {
    KeyPair::from_seed(ORIGIN, [7; 32]).expect("keys")
}

fn at() -> Timestamp {
    Timestamp::from_second(1_772_355_600).expect("a date")
}

fn note_samples() -> Vec<Vec<u8>> {
    vec![FIXTURE.note.clone(), FIXTURE.cosigned.clone()]
}

/// A note that opens is one that was signed: its text is that of the sample, whatever stands under it.
fn note(input: &[u8]) -> String {
    let found = FIXTURE.witness_key.find(input);
    let added = add_cosignatures(input, &FIXTURE.cosigned, std::slice::from_ref(&FIXTURE.witness_key));
    match FIXTURE.log_key.open(input) {
        Ok(opened) => {
            assert_eq!(
                opened,
                FIXTURE
                    .log_key
                    .open(&FIXTURE.note)
                    .map(|of| evidence::Checkpoint { signatures_unchecked: opened.signatures_unchecked, ..of })
                    .expect("opens")
            );
            assert_eq!(split_text(input), split_text(&FIXTURE.note), "a text that nobody signed was opened");
            format!("opened, {} more, cosigned {found:?}, added {}", opened.signatures_unchecked, added.is_ok())
        }
        Err(error) => {
            format!("{error}; {}", found.map_or_else(|error| error.to_string(), |at| format!("{}", at.is_some())))
        }
    }
}

fn split_text(note: &[u8]) -> Vec<u8> {
    let end = note.windows(2).rposition(|pair| pair == b"\n\n").unwrap_or(note.len());
    note[..end].to_owned()
}

fn request_samples() -> Vec<Vec<u8>> {
    let newest = FIXTURE.genuine.size;
    let proof = proof::prove_consistency(&FIXTURE.log, 2, newest).expect("proof");
    vec![
        witness::request(0, &[], &FIXTURE.note),
        witness::request(2, &proof, &FIXTURE.note),
        witness::request(newest, &[], &FIXTURE.cosigned),
    ]
}

/// Whatever a witness is asked, it cosigns only what the log signed.
fn checkpoint(input: &[u8]) -> String {
    match FIXTURE.witness.read(input) {
        Err(answer) => format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
        Ok(request) => {
            let genuine = [FIXTURE.genuine.size, 2];
            assert!(genuine.contains(&request.size()), "a checkpoint that nobody signed was read");
            let kept = &FIXTURE.log.files["checkpoints/2"];
            let weighed = FIXTURE.witness.weigh(&request, Some(kept), at());
            weighed.map_or_else(
                |declined| format!("{}: {}", declined.answer.status, String::from_utf8_lossy(&declined.answer.body)),
                |_| "cosigned".into(),
            )
        }
    }
}

fn reply_samples() -> Vec<Vec<u8>> {
    vec![FIXTURE.reply.clone(), b"17\n".to_vec(), b"no\n".to_vec()]
}

/// Whatever a witness answers, only its own signature is added, and the log's stays first.
fn reply(input: &[u8]) -> String {
    let understood = [200, 409, 422].map(|status| Reply::read(status, input));
    let note = &FIXTURE.note;
    let added = match add_cosignatures(note, input, std::slice::from_ref(&FIXTURE.witness_key)) {
        Ok((cosigned, names)) => {
            assert!(cosigned.starts_with(note));
            assert_eq!(names.is_empty(), cosigned == *note);
            FIXTURE.log_key.open(&cosigned).expect("it still opens");
            format!("{} added", names.len())
        }
        Err(error) => error.to_string(),
    };
    format!("{added}; {}", matches!(understood[1], Reply::Knows(_)))
}

fn key_samples() -> Vec<Vec<u8>> {
    let witness = KeyPair::of_witness("witness.example/w1", [3; 32]).expect("keys");
    [log_keys(), witness]
        .into_iter()
        .flat_map(|pair| [pair.signing.into_bytes(), pair.verifying.into_bytes()])
        .collect()
}

/// A key that is read has the spelling that it would be written in.
fn key(input: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(input) else { return "no text".into() };
    for pair in [KeyPair::from_signing_text(text), KeyPair::of_witness_from_signing_text(text)].into_iter().flatten() {
        assert_eq!(pair.signing, text);
    }
    let of_log = CheckpointVerifier::new(text).map_or_else(|error| error.to_string(), |_| "a log's".into());
    let of_witness = WitnessKey::new(text).map_or_else(|error| error.to_string(), |_| "a witness's".into());
    format!("{of_log}; {of_witness}")
}

fn entry_samples() -> Vec<Vec<u8>> {
    let lines = RECORD.lines().map(|line| line.as_bytes().to_owned());
    lines.chain([RECORD.trim_end().as_bytes().to_owned()]).collect()
}

/// Every line that is read has one spelling, and any story can be read to its end.
fn entry(input: &[u8]) -> String {
    let mut story = evidence::lifecycle::Story::default();
    let mut told = String::new();
    for (number, text) in input.split(|byte| *byte == b'\n').enumerate() {
        match line::decode(text) {
            Ok(entry) => {
                assert_eq!(line::encode(&entry).expect("encodes"), text);
                story.read(number as u64, &entry);
            }
            Err(error) => told = error.to_string(),
        }
    }
    let (tallies, problems, _) = story.finish();
    let sentence = problems.last().map(|problem| problem.sentence.clone()).unwrap_or_default();
    format!("{sentence}; {told}; {}", tallies.receipts.min(1))
}

/// A log as bytes: for each file a number for its path, its length in two bytes, and its bytes.
fn tile_samples() -> Vec<Vec<u8>> {
    let log = &FIXTURE.log;
    let pack = |paths: &[&str]| {
        let mut bytes = Vec::new();
        for (number, path) in PATHS.iter().enumerate().filter(|(_, path)| paths.contains(path)) {
            let Some(file) = log.files.get(*path) else { continue };
            bytes.push(number as u8);
            bytes.extend((file.len() as u16).to_be_bytes());
            bytes.extend(file);
        }
        bytes
    };
    vec![pack(PATHS), pack(&["checkpoint", "tile/0/000.p/4", "tile/entries/000.p/4"])]
}

const PATHS: &[&str] = &[
    "checkpoint",
    "checkpoints/index",
    "checkpoints/2",
    "checkpoints/4",
    "tile/0/000.p/2",
    "tile/0/000.p/4",
    "tile/entries/000.p/2",
    "tile/entries/000.p/4",
    "tile/0/000",
    "tile/entries/000",
    "tile/1/000.p/1",
    "checkpoint.3",
];

static VERIFYING: LazyLock<String> = LazyLock::new(|| log_keys().verifying);

/// A log that verifies holds exactly the entries that were signed.
fn tiles(input: &[u8]) -> String {
    let mut storage = MemoryTiles::default();
    let mut rest = input;
    while let [number, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let path = PATHS[usize::from(*number) % PATHS.len()];
        storage.write(path, &after[..length]).expect("memory takes it");
        rest = &after[length..];
    }
    let genuine = &FIXTURE.genuine;
    let resumed = Log::resume(&storage, genuine.size, genuine.root);
    let proved = proof::prove_inclusion(&storage, genuine.size, 1).is_ok();
    match verify(&storage, &VERIFYING) {
        Ok(verdict) => {
            // The older checkpoint was signed too: a log may be shown as it was then.
            assert!([genuine.size, 2].contains(&verdict.entries), "entries that nobody signed were verified");
            format!("verified, {} kept, {} tiles, {}", verdict.checkpoints, verdict.tiles, verdict.deployments.len())
        }
        Err(error) => {
            format!("{error}; {}; {proved}", resumed.map_or_else(|error| error.to_string(), |_| "resumed".into()))
        }
    }
}

fn proof_samples() -> Vec<Vec<u8>> {
    let make = |index: usize| {
        let made = OfflineProof::make(&FIXTURE.log, &FIXTURE.cosigned, &FIXTURE.log_key, index as u64, LINES[index]);
        made.expect("makes").to_text().into_bytes()
    };
    vec![make(0), make(LINES.len() - 1)]
}

/// A proof that is read has one spelling; one that holds is of an entry of the log.
fn offline_proof(input: &[u8]) -> String {
    let read = match OfflineProof::parse(input) {
        Ok(read) => read,
        Err(error) => return error.to_string(),
    };
    if std::str::from_utf8(input).is_ok() {
        assert_eq!(read.to_text().as_bytes(), input, "two spellings of one proof");
    }
    match read.verify(&FIXTURE.log_key, None) {
        Ok(proven) => {
            assert!(LINES.contains(&proven.bytes.as_slice()), "an entry that is not in the log was proven");
            format!("proven {}", proven.entry.is_some())
        }
        Err(error) => error.to_string(),
    }
}

/// Sizes, indexes, roots and hashes for the two checks of RFC 6962.
fn merkle_samples() -> Vec<Vec<u8>> {
    let (tiles, genuine) = (&FIXTURE.log, &FIXTURE.genuine);
    let (size, root) = (genuine.size, genuine.root.0);
    let numbers = |one: u64, other: u64| [one.to_be_bytes(), other.to_be_bytes()].concat();
    let older = FIXTURE.log_key.open(&tiles.files["checkpoints/2"]).expect("opens").root.0;
    let hashes = |proof: Vec<evidence::Hash>| proof.iter().flat_map(|hash| hash.0).collect::<Vec<_>>();
    let entry = tiles.files["tile/0/000.p/4"][..32].to_owned();
    let inclusion = hashes(proof::prove_inclusion(tiles, size, 0).expect("proof"));
    let consistency = hashes(proof::prove_consistency(tiles, 2, size).expect("proof"));
    vec![
        [&numbers(0, size)[..], &entry, &root, &inclusion].concat(),
        [&numbers(2, size)[..], &older, &root, &consistency].concat(),
    ]
}

/// Two proofs of one claim that both hold would be a collision of the hash.
fn merkle(input: &[u8]) -> String {
    let Some((numbers, rest)) = input.split_at_checked(16) else { return "too short".into() };
    let number = |at: usize| numbers[at..at + 8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let (first, second) = rest.split_at(rest.len().min(32));
    let (second, hashes) = second.split_at(second.len().min(32));
    let hashes: Vec<_> = hashes.chunks(32).collect();
    let inclusion = proof::verify_inclusion(number(0), number(8), first, second, &hashes);
    let consistency = proof::verify_consistency(number(0), number(8), first, second, &hashes);
    let cut = &hashes[..hashes.len().saturating_sub(1)];
    if !hashes.is_empty() && inclusion.is_ok() {
        assert!(proof::verify_inclusion(number(0), number(8), first, second, cut).is_err());
    }
    if !hashes.is_empty() && consistency.is_ok() {
        assert!(proof::verify_consistency(number(0), number(8), first, second, cut).is_err());
    }
    let words = |result: Result<(), evidence::EvidenceError>| {
        result.map_or_else(|error| error.to_string(), |()| "holds".into())
    };
    format!("{}; {}", words(inclusion), words(consistency))
}

fn policy_samples() -> Vec<Vec<u8>> {
    store::SHIPPED_POLICIES.iter().map(|(_, text)| text.as_bytes().to_vec()).collect()
}

/// A profile is read and explained, sound or not, with a source for each sentence; or refused with a sentence.
fn policy(input: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(input) else { return "no text".into() };
    match store::explain(text) {
        Ok(explained) => {
            let mut sentences = explained.parts.iter().flat_map(|part| &part.sentences);
            assert!(sentences.all(|sentence| !sentence.source.trim().is_empty()));
            assert!(explained.to_string().contains(&explained.digest));
            format!("{} contradictions", explained.contradictions.len().min(1))
        }
        Err(error) => error.to_string(),
    }
}

fn csv_samples() -> Vec<Vec<u8>> {
    vec![
        b"path,identity,group_sex,group_age\na/1.png,ann,f,18-29\na/2.png,ann,f,18-29\nb/1.png,bo,,\n".to_vec(),
        b"\xef\xbb\xbfpath,identity\r\n\"x, y.png\",\"o\"\"n\"\r\n".to_vec(),
    ]
}

/// What is read of an index is what its numbers say.
fn csv(input: &[u8]) -> String {
    match Index::parse(input) {
        Ok(index) => {
            assert!(!index.rows.is_empty());
            for row in &index.rows {
                assert!(row.identity < index.identities && row.groups.len() == index.group_columns.len());
            }
            format!("{} columns", index.group_columns.len())
        }
        Err((found, next)) => format!("{found}; {next}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Campaign;
    use std::path::Path;

    /// Inputs of each target in the ordinary tests; a long run is `cargo xtask fuzz --seconds 600`.
    const SMOKE_INPUTS: usize = 1_500;

    #[test]
    fn every_parser_bears_the_corpus_and_some_thousand_changes() {
        for target in ALL {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
            let mut campaign = Campaign::new(target, &corpus, 1).unwrap();
            campaign.run(SMOKE_INPUTS);
            assert_eq!(campaign.failures(), [], "{}", target.name);
            assert!(campaign.answers() > 1, "{}: all inputs earn the same answer", target.name);
        }
    }

    #[test]
    fn the_samples_are_what_they_should_be() {
        assert!(note(&note_samples()[1]).contains("opened, 1 more"));
        assert_eq!(checkpoint(&request_samples()[1]), "cosigned");
        assert!(tiles(&tile_samples()[0]).contains("verified, 2 kept"));
        assert!(proof_samples().iter().all(|sample| offline_proof(sample) == "proven false"));
        assert!(merkle(&merkle_samples()[0]).starts_with("holds") && merkle(&merkle_samples()[1]).ends_with("holds"));
        assert_eq!(policy(&policy_samples()[0]), "0 contradictions");
        assert_eq!(csv(&csv_samples()[0]), "2 columns");
        assert!(entry(&entry_samples()[4]).starts_with("; ; "), "{}", entry(&entry_samples()[4]));
    }
}
