//! The witness protocol (C2SP tlog-witness): what a witness answers to a checkpoint, and how one is asked. Pure: state,
//! request and time in, answer and new state out; who keeps the state and carries the bytes is somebody else's work.
//!
//! The one promise of a witness: of two checkpoints of one log that it cosigned, the later grew out of the earlier. It
//! holds only while the state that `weigh` returns is kept before its answer is sent, one request of a log at a time.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use tlog_tiles::{EMPTY_HASH, Hash};

use crate::EvidenceError;
use crate::checkpoint::{CHECKPOINT_BYTES_MAX, Checkpoint, CheckpointVerifier};
use crate::cosignature::{Cosigner, note_of};
use crate::proof::verify_consistency;

/// Most lines of a proof of consistency in a request (C2SP tlog-witness).
pub const PROOF_LINES_MAX: usize = 63;
/// Most bytes of a request: the proof's lines of 45 bytes, the line before them, and the checkpoint.
pub const REQUEST_BYTES_MAX: usize = CHECKPOINT_BYTES_MAX + (PROOF_LINES_MAX + 2) * 64;
/// Where a request goes below a witness's address.
pub const ADD_CHECKPOINT_PATH: &str = "add-checkpoint";
/// The media type of an answer that holds a size.
pub const SIZE_TYPE: &str = "text/x.tlog.size";
const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// What is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// A request whose log is known and whose checkpoint that log signed.
#[derive(Debug)]
pub struct Request {
    checkpoint: Checkpoint,
    note: Vec<u8>,
    old_size: u64,
    proof: Vec<[u8; 32]>,
}

impl Request {
    /// The log it is about.
    pub fn origin(&self) -> &str {
        &self.checkpoint.origin
    }

    /// The number of entries that the log claims.
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }
}

/// What is to be kept, durably, before the answer goes out.
#[derive(Debug)]
pub struct Cosigned {
    /// The log's own signed checkpoint: from now on the latest that was cosigned.
    pub keep: Vec<u8>,
    /// What is then sent back.
    pub answer: Answer,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug)]
pub struct Declined {
    /// What is sent back.
    pub answer: Answer,
    /// Whether the log contradicted itself: it signed two different states of one size. Such a request is worth keeping,
    /// because nobody but the log's owner can have made it.
    pub contradiction: bool,
}

/// A witness: its key and the logs it follows.
pub struct Witness {
    cosigner: Cosigner,
    logs: BTreeMap<String, CheckpointVerifier>,
}

impl Witness {
    /// With its own key and one key for each log that it follows.
    pub fn new(cosigner: Cosigner, logs: Vec<CheckpointVerifier>) -> Result<Self, EvidenceError> {
        let mut known = BTreeMap::new();
        for log in logs {
            let origin = log.origin().to_owned();
            if known.insert(origin.clone(), log).is_some() {
                return Err(EvidenceError::Key { reason: format!("two keys are given for the log {origin}") });
            }
        }
        Ok(Self { cosigner, logs: known })
    }

    /// The logs it follows.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// Takes a request apart as far as its log's signature: 400, 404 or 403 where it goes no further.
    pub fn read(&self, body: &[u8]) -> Result<Request, Answer> {
        let (old_size, proof, note) = split_request(body).map_err(|found| answer(400, &found))?;
        let text = note_of(note).map_err(|error| answer(400, &error.to_string()))?;
        let claimed =
            tlog_tiles::Checkpoint::from_bytes(text.text()).map_err(|error| answer(400, &error.to_string()))?;
        let Some(log) = self.logs.get(claimed.origin()) else {
            return Err(answer(404, &format!("this witness does not follow the log {:?}", claimed.origin())));
        };
        let checkpoint = log.open(note).map_err(|error| answer(403, &error.to_string()))?;
        if old_size > checkpoint.size {
            return Err(answer(400, &format!("old {old_size} is more than the checkpoint's {}", checkpoint.size)));
        }
        Ok(Request { checkpoint, note: note.to_owned(), old_size, proof })
    }

    /// Compares a request with the latest checkpoint cosigned for that log, as kept, and cosigns it or says why not.
    pub fn weigh(&self, request: &Request, kept: Option<&[u8]>, now: Timestamp) -> Result<Cosigned, Declined> {
        let broken = |error: EvidenceError| declined(500, &format!("the state of this witness: {error}"));
        let seen = kept.map(|note| self.open_kept(request.origin(), note)).transpose().map_err(broken)?;
        let (size, root) = seen.map_or((0, EMPTY_HASH), |seen| (seen.size, seen.root));
        if request.old_size != size {
            return Err(Declined { answer: size_answer(size), contradiction: false });
        }
        let Checkpoint { size: new_size, root: new_root, .. } = &request.checkpoint;
        if *new_size == size && *new_root != root {
            return Err(Declined { answer: size_answer(size), contradiction: true });
        }
        let follows = match size {
            0 if request.proof.is_empty() => Ok(()),
            0 => Err("every log grows out of an empty one, which takes no proof".to_owned()),
            _ => verify_consistency(size, *new_size, &root.0, &new_root.0, &request.proof)
                .map_err(|error| error.to_string()),
        };
        follows.map_err(|found| declined(422, &found))?;
        let note = note_of(&request.note).map_err(broken)?;
        let body = self.cosigner.line(note.text(), now).map_err(broken)?;
        Ok(Cosigned { keep: request.note.clone(), answer: Answer { status: 200, content_type: TEXT_TYPE, body } })
    }

    /// What the log signed, read from what this witness kept: it cannot be changed without that log's key.
    fn open_kept(&self, origin: &str, note: &[u8]) -> Result<Checkpoint, EvidenceError> {
        let log = self
            .logs
            .get(origin)
            .ok_or_else(|| EvidenceError::Checkpoint { reason: format!("the log {origin} is not followed") })?;
        log.open(note)
    }
}

/// The body that asks for a cosignature: C2SP tlog-witness, `add-checkpoint`.
pub fn request(old_size: u64, proof: &[Hash], note: &[u8]) -> Vec<u8> {
    let mut body = format!("old {old_size}\n").into_bytes();
    for hash in proof {
        body.extend(BASE64_STANDARD.encode(hash.0).into_bytes());
        body.push(b'\n');
    }
    body.push(b'\n');
    body.extend(note);
    body
}

/// What a witness answered, as its client understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Lines of cosignatures, not checked yet.
    Cosigned(Vec<u8>),
    /// It knows the log up to this size, and asks for a proof from there.
    Knows(u64),
    /// Anything else.
    Declined(String),
}

impl Reply {
    /// Reads an answer.
    pub fn read(status: u16, body: &[u8]) -> Self {
        let words = || String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned();
        match status {
            200 => Self::Cosigned(body.to_owned()),
            409 => match words().parse() {
                Ok(size) => Self::Knows(size),
                Err(_) => Self::Declined(format!("it answered 409 without a size: {}", words())),
            },
            status => Self::Declined(format!("it answered {status}: {}", words())),
        }
    }
}

/// Old size, proof and note of a request.
type Parts<'a> = (u64, Vec<[u8; 32]>, &'a [u8]);

fn split_request(body: &[u8]) -> Result<Parts<'_>, String> {
    if body.len() > REQUEST_BYTES_MAX {
        return Err(format!("{} bytes are more than {REQUEST_BYTES_MAX}", body.len()));
    }
    let (first, mut rest) = line(body).ok_or("the first line is missing")?;
    let old_size = first.strip_prefix("old ").and_then(number).ok_or("the first line is not `old <size>`")?;
    let mut proof = Vec::new();
    loop {
        let (hash, after) = line(rest).ok_or("the empty line before the checkpoint is missing")?;
        rest = after;
        if hash.is_empty() {
            return Ok((old_size, proof, rest));
        }
        if proof.len() == PROOF_LINES_MAX {
            return Err(format!("the proof has more than {PROOF_LINES_MAX} lines"));
        }
        proof.push(hash_of(hash).ok_or_else(|| format!("line {} of the proof is not a hash", proof.len() + 1))?);
    }
}

/// The next line, without its end, and what follows it.
pub(crate) fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// A number in decimal, without sign or leading zero.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// A hash in base64, in its one spelling.
pub(crate) fn hash_of(text: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 32] = BASE64_STANDARD.decode(text).ok()?.try_into().ok()?;
    (BASE64_STANDARD.encode(bytes) == text).then_some(bytes)
}

fn answer(status: u16, sentence: &str) -> Answer {
    Answer { status, content_type: TEXT_TYPE, body: format!("{sentence}\n").into_bytes() }
}

fn size_answer(size: u64) -> Answer {
    Answer { status: 409, content_type: SIZE_TYPE, body: format!("{size}\n").into_bytes() }
}

fn declined(status: u16, sentence: &str) -> Declined {
    Declined { answer: answer(status, sentence), contradiction: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosignature::{WitnessKey, add_cosignatures};
    use crate::proof::prove_consistency;
    use crate::{CheckpointSigner, KeyPair, Log, MemoryTiles};

    const ORIGIN: &str = "example.org/log";

    fn now() -> Timestamp {
        "2026-03-01T09:00:00Z".parse().expect("a date")
    }

    fn log_keys(seed: u8) -> KeyPair {
        KeyPair::from_seed(ORIGIN, [seed; 32]).expect("keys")
    }

    fn witness() -> (Witness, WitnessKey) {
        let pair = KeyPair::of_witness("witness.example/w1", [3; 32]).expect("keys");
        let log = CheckpointVerifier::new(&log_keys(7).verifying).expect("key");
        let cosigner = Cosigner::new(&pair.signing).expect("cosigner");
        (Witness::new(cosigner, vec![log]).expect("witness"), WitnessKey::new(&pair.verifying).expect("key"))
    }

    /// A log of `entries` lines that all begin with `word`, and its signed note.
    fn log(word: &str, entries: u32) -> (MemoryTiles, Vec<u8>) {
        let (mut log, mut tiles) = (Log::new(), MemoryTiles::default());
        let lines: Vec<_> = (0..entries).map(|n| format!("{word} {n}")).collect();
        log.append(&mut tiles, &lines).expect("appends");
        let signer = CheckpointSigner::new(&log_keys(7).signing).expect("signer");
        (tiles, signer.sign(log.size(), log.root()).expect("signs").note)
    }

    /// Status and body of the answer, and what is kept afterwards.
    fn ask(witness: &Witness, body: &[u8], kept: &mut Option<Vec<u8>>) -> (u16, String) {
        let answer = match witness.read(body) {
            Err(answer) => answer,
            Ok(request) => match witness.weigh(&request, kept.as_deref(), now()) {
                Err(declined) => declined.answer,
                Ok(cosigned) => {
                    *kept = Some(cosigned.keep);
                    cosigned.answer
                }
            },
        };
        assert_eq!(answer.content_type == SIZE_TYPE, answer.status == 409);
        (answer.status, String::from_utf8(answer.body).expect("text"))
    }

    #[test]
    fn a_log_that_grows_is_cosigned_again_and_again() {
        let ((witness, key), mut kept) = (witness(), None);
        for (older, newer) in [(0_u32, 1), (1, 1), (1, 3), (3, 256), (256, 700), (700, 700)] {
            let (tiles, note) = log("entry", newer);
            let proof = match older {
                0 => vec![],
                older => prove_consistency(&tiles, u64::from(older), u64::from(newer)).expect("proof"),
            };
            let (status, lines) = ask(&witness, &request(u64::from(older), &proof, &note), &mut kept);
            assert_eq!(status, 200, "{older} to {newer}: {lines}");
            let (cosigned, names) =
                add_cosignatures(&note, lines.as_bytes(), std::slice::from_ref(&key)).expect("adds");
            assert_eq!(names, ["witness.example/w1"]);
            assert_eq!(key.find(&cosigned).expect("good"), Some(now()));
            assert_eq!(kept, Some(note));
        }
    }

    #[test]
    fn each_request_that_must_be_declined_gets_the_status_of_the_specification() {
        let ((witness, _), (tiles, note)) = (witness(), log("entry", 5));
        let kept_at_5 = Some(note.clone());
        let (_, other_5) = log("other", 5);
        let (_, other_9) = log("other", 9);
        let (tiles_9, note_9) = log("entry", 9);
        let proof = prove_consistency(&tiles_9, 5, 9).expect("proof");
        let short = &proof[1..];
        let of_stranger =
            CheckpointSigner::new(&KeyPair::from_seed("example.org/else", [7; 32]).expect("keys").signing);
        let stranger = of_stranger.expect("signer").sign(5, Hash([1; 32])).expect("signs").note;
        let forged =
            CheckpointSigner::new(&log_keys(8).signing).expect("signer").sign(9, Hash([1; 32])).expect("signs").note;
        let wrong_proof = prove_consistency(&tiles, 3, 5).expect("proof");
        let table: Vec<(&str, Vec<u8>, u16, &str)> = vec![
            ("not a request", b"hello".to_vec(), 400, "first line"),
            ("a size with a leading zero", [b"old 05\n\n", &note_9[..]].concat(), 400, "old <size>"),
            ("no empty line", b"old 5\n".to_vec(), 400, "empty line"),
            ("no hash", [b"old 5\nAAAA\n\n", &note_9[..]].concat(), 400, "line 1"),
            ("too long a proof", request(5, &[Hash([0; 32]); 64], &note_9), 400, "more than 63"),
            ("no note", b"old 5\n\nhello\n".to_vec(), 400, "malformed"),
            ("old above new", request(10, &[], &note_9), 400, "more than"),
            ("another log", request(5, &[], &stranger), 404, "does not follow"),
            ("another key", request(5, &[], &forged), 403, ""),
            ("from nothing", request(0, &[], &note_9), 409, "5\n"),
            ("from too early", request(3, &proof, &note_9), 409, "5\n"),
            ("two states of one size", request(5, &[], &other_5), 409, "5\n"),
            ("a fork", request(5, &proof, &other_9), 422, ""),
            ("a proof cut short", request(5, short, &note_9), 422, ""),
            ("a proof for other sizes", request(5, &wrong_proof, &note_9), 422, ""),
            ("a proof where none is due", request(5, &proof, &note), 422, ""),
        ];
        for (what, body, status, says) in table {
            let mut kept = kept_at_5.clone();
            let (found, text) = ask(&witness, &body, &mut kept);
            assert_eq!(found, status, "{what}: {text}");
            assert!(text.contains(says), "{what}: {text}");
            assert_eq!(kept, kept_at_5, "{what}");
        }
        let (status, text) = ask(&witness, &request(0, &proof, &note_9), &mut None);
        assert_eq!((status, text.contains("takes no proof")), (422, true));
    }

    #[test]
    fn a_contradiction_is_told_from_a_late_request_and_a_broken_state_cosigns_nothing() {
        let ((witness, _), (_, note)) = (witness(), log("entry", 5));
        let contradiction = |body: &[u8], kept: &[u8]| {
            let request = witness.read(body).expect("reads");
            witness.weigh(&request, Some(kept), now()).expect_err("declined")
        };
        assert!(contradiction(&request(5, &[], &log("other", 5).1), &note).contradiction);
        assert!(!contradiction(&request(0, &[], &note), &note).contradiction);
        let broken = contradiction(&request(5, &[], &note), &note[..note.len() - 9]);
        assert_eq!((broken.answer.status, broken.contradiction), (500, false));
    }

    #[test]
    fn answers_are_understood_by_the_one_who_asked() {
        assert_eq!(Reply::read(200, b"x"), Reply::Cosigned(b"x".to_vec()));
        assert_eq!(Reply::read(409, b"17\n"), Reply::Knows(17));
        assert!(matches!(Reply::read(409, b"seventeen"), Reply::Declined(_)));
        assert!(matches!(Reply::read(403, &[b'x'; 1_000]), Reply::Declined(words) if words.len() < 300));
    }
}
