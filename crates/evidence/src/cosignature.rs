//! Cosignatures: a witness's dated word that a checkpoint grew out of all it had seen of that log before.
//!
//! C2SP tlog-cosignature, the Ed25519 kind (`cosignature/v1`). A witness's key is trusted for one thing: who holds it can
//! say that they saw a log grow which they did not see. They cannot sign for the log, nor change what it says.

use ed25519_dalek::{Signature as Ed25519Signature, Signer as _};
use jiff::Timestamp;
use serde::Serialize;
use signed_note::{Note, Signature};

use crate::EvidenceError;
use crate::checkpoint::CHECKPOINT_BYTES_MAX;
use crate::keys::{WitnessPublic, WitnessSecret};

/// Most signatures under one checkpoint: what C2SP signed-note lets a reader refuse.
pub const SIGNATURES_MAX: usize = 100;
/// How far the clock of a witness may go ahead of the reader's.
const AHEAD_MAX_SECONDS: i64 = 300;
/// Bytes of a cosignature: eight of its date, and those of Ed25519.
const COSIGNATURE_BYTES: usize = 8 + ed25519_dalek::SIGNATURE_LENGTH;

/// Cosigns checkpoints for one witness.
pub struct Cosigner(WitnessSecret);

impl Cosigner {
    /// From the text of a witness's signing key.
    pub fn new(signing: &str) -> Result<Self, EvidenceError> {
        WitnessSecret::read(signing).map(Self)
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The line to be put under the note whose text this is, its line's end included.
    pub(crate) fn line(&self, text: &[u8], at: Timestamp) -> Result<Vec<u8>, EvidenceError> {
        let seconds = u64::try_from(at.as_second()).map_err(|_| refused("a cosignature dated before 1970"))?;
        let signature = self.0.key.sign(&message(seconds, text));
        let bytes = [&seconds.to_be_bytes()[..], &signature.to_bytes()].concat();
        let line =
            Signature::new(self.0.name.clone(), self.0.id, bytes).map_err(|error| refused(&error.to_string()))?;
        Ok(line.to_bytes())
    }
}

/// Knows the cosignatures of one witness.
#[derive(Clone, Debug)]
pub struct WitnessKey(WitnessPublic);

impl WitnessKey {
    /// From the text of a witness's public key, `<name>+<id>+<key>`.
    pub fn new(verifying: &str) -> Result<Self, EvidenceError> {
        WitnessPublic::read(verifying.trim()).map(Self)
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether two texts were of the same key.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }

    /// When this witness cosigned the note: nothing where it did not, an error where its name stands under something
    /// it did not sign.
    pub fn find(&self, note: &[u8]) -> Result<Option<Timestamp>, EvidenceError> {
        let read = note_of(note)?;
        let ours = lines_of(note).filter_map(|line| Signature::from_bytes(line).ok()).find(|line| self.is_of(line));
        ours.map(|line| self.check(read.text(), &line)).transpose()
    }

    fn is_of(&self, line: &Signature) -> bool {
        line.name() == self.0.name && line.id() == self.0.id
    }

    fn check(&self, text: &[u8], line: &Signature) -> Result<Timestamp, EvidenceError> {
        let wrong = || refused(&format!("the cosignature of {} is not its own", self.0.name));
        let bytes: &[u8; COSIGNATURE_BYTES] = line.signature().try_into().map_err(|_| wrong())?;
        let (seconds, signature) = bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
        let seconds = u64::from_be_bytes(*seconds);
        let signature = Ed25519Signature::from_slice(signature).map_err(|_| wrong())?;
        self.0.key.verify_strict(&message(seconds, text), &signature).map_err(|_| wrong())?;
        let seconds = i64::try_from(seconds).map_err(|_| wrong())?;
        Timestamp::from_second(seconds).map_err(|_| wrong())
    }
}

/// The note with those lines added that are cosignatures by these witnesses, and the names of these; a newer one
/// replaces an older one of the same witness. Lines by others are left out, as C2SP tlog-witness asks.
pub fn add_cosignatures(
    note: &[u8],
    lines: &[u8],
    known: &[WitnessKey],
) -> Result<(Vec<u8>, Vec<String>), EvidenceError> {
    if lines.len() > CHECKPOINT_BYTES_MAX {
        return Err(refused(&format!("{} bytes of cosignatures are more than {CHECKPOINT_BYTES_MAX}", lines.len())));
    }
    let text = note_of(note)?.text().to_owned();
    let (mut kept, mut names) = (signatures_of(note), Vec::new());
    for line in lines.split(|byte| *byte == b'\n').filter_map(|line| Signature::from_bytes(line).ok()) {
        let Some(witness) = known.iter().find(|witness| witness.is_of(&line)) else { continue };
        witness.check(&text, &line)?;
        kept.retain(|there| !witness.is_of(there));
        kept.push(line);
        names.push(witness.name().to_owned());
    }
    if kept.len() > SIGNATURES_MAX {
        return Err(refused(&format!("{} signatures are more than {SIGNATURES_MAX}", kept.len())));
    }
    let mut cosigned = text;
    cosigned.push(b'\n');
    kept.iter().for_each(|line| cosigned.extend(line.to_bytes()));
    Ok((cosigned, names))
}

/// Which witnesses are asked for, how many must have cosigned, and how old their word may be.
#[derive(Clone, Debug, Default)]
pub struct Quorum {
    /// Those that count.
    pub witnesses: Vec<WitnessKey>,
    /// How many of them must have cosigned.
    pub least: usize,
    /// The oldest cosignature that counts; nothing where any age will do.
    pub age_max: Option<jiff::SignedDuration>,
}

/// What one witness said of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Word {
    /// The witness.
    pub witness: String,
    /// When it cosigned, by its own clock; nothing where no cosignature of it was found.
    pub cosigned: Option<Timestamp>,
    /// How long ago that was.
    pub age_seconds: Option<i64>,
    /// Whether it counts.
    pub counts: bool,
}

impl Quorum {
    /// What each witness said of this checkpoint; a cosignature that is false is an error.
    pub fn words(&self, note: &[u8], now: Timestamp) -> Result<Vec<Word>, EvidenceError> {
        let word = |witness: &WitnessKey| {
            let cosigned = witness.find(note)?;
            let age = cosigned.map(|at| now.duration_since(at));
            let counts = age
                .is_some_and(|age| age.as_secs() >= -AHEAD_MAX_SECONDS && self.age_max.is_none_or(|most| age <= most));
            let age_seconds = age.map(|age| age.as_secs());
            Ok(Word { witness: witness.name().to_owned(), cosigned, age_seconds, counts })
        };
        self.witnesses.iter().map(word).collect()
    }
}

/// The note that these bytes spell, of bounded length.
pub(crate) fn note_of(bytes: &[u8]) -> Result<Note, EvidenceError> {
    if bytes.len() > CHECKPOINT_BYTES_MAX {
        return Err(refused(&format!("{} bytes are more than {CHECKPOINT_BYTES_MAX}", bytes.len())));
    }
    let note = Note::from_bytes(bytes).map_err(|error| refused(&error.to_string()))?;
    if note.to_bytes() != bytes {
        return Err(refused("the note is not in its canonical spelling"));
    }
    Ok(note)
}

/// What is signed: C2SP tlog-cosignature, "Ed25519 signed message".
fn message(seconds: u64, text: &[u8]) -> Vec<u8> {
    [format!("cosignature/v1\ntime {seconds}\n").as_bytes(), text].concat()
}

fn signatures_of(note: &[u8]) -> Vec<Signature> {
    lines_of(note).filter_map(|line| Signature::from_bytes(line).ok()).collect()
}

/// The lines after the last empty one.
fn lines_of(note: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = note.windows(2).rposition(|pair| pair == b"\n\n").map_or(note.len(), |at| at + 2);
    note[end..].split(|byte| *byte == b'\n')
}

fn refused(reason: &str) -> EvidenceError {
    EvidenceError::Checkpoint { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CheckpointSigner, CheckpointVerifier, Hash, KeyPair};
    use jiff::SignedDuration;

    const TEXT: &[u8] = b"example.org/log\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    const NAME: &str = "witness.example/w1";

    fn witness(seed: u8) -> (Cosigner, WitnessKey) {
        let pair = KeyPair::of_witness(NAME, [seed; 32]).expect("keys");
        (Cosigner::new(&pair.signing).expect("cosigner"), WitnessKey::new(&pair.verifying).expect("key"))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_772_355_600 + seconds).expect("a date")
    }

    fn note() -> Vec<u8> {
        let keys = KeyPair::from_seed("example.org/log", [7; 32]).expect("keys");
        CheckpointSigner::new(&keys.signing).expect("signer").sign(3, Hash([9; 32])).expect("signs").note
    }

    #[test]
    fn a_cosignature_is_the_one_that_another_implementation_makes() {
        // By Python's cryptography from the same key, text and date.
        let line = witness(7).0.line(TEXT, at(0)).expect("cosigns");
        assert_eq!(
            String::from_utf8(line).expect("text"),
            "— witness.example/w1 qkoJ0QAAAABppAAQtFKFTSTGoqtnQ8z5B8QExIq/CzAtcU6FQm8YF5hjx447fMHZUMQn8620VUKitxk0uzOz1ncWPniJlTLB2ij5Bg==\n"
        );
    }

    #[test]
    fn cosignatures_are_added_found_and_replaced_by_newer_ones() {
        let ((cosigner, key), note) = (witness(7), note());
        let text = note_of(&note).expect("note").text().to_owned();
        let (once, names) =
            add_cosignatures(&note, &cosigner.line(&text, at(0)).expect("line"), std::slice::from_ref(&key))
                .expect("adds");
        assert_eq!(names, [NAME]);
        assert_eq!(key.find(&once).expect("good"), Some(at(0)));
        assert!(once.starts_with(&note));
        let (twice, _) =
            add_cosignatures(&once, &cosigner.line(&text, at(60)).expect("line"), std::slice::from_ref(&key))
                .expect("adds");
        assert_eq!(key.find(&twice).expect("good"), Some(at(60)));
        assert_eq!(twice.len(), once.len());
        let log = KeyPair::from_seed("example.org/log", [7; 32]).expect("keys");
        let opened = CheckpointVerifier::new(&log.verifying).expect("key").open(&twice).expect("still the log's");
        assert_eq!(opened.signatures_unchecked, 1);
    }

    #[test]
    fn strangers_are_left_out_and_forgeries_are_refused() {
        let ((cosigner, key), note) = (witness(7), note());
        let text = note_of(&note).expect("note").text().to_owned();
        let stranger = witness(8).0.line(&text, at(0)).expect("line");
        assert_eq!(
            add_cosignatures(&note, &stranger, std::slice::from_ref(&key)).expect("left out"),
            (note.clone(), vec![])
        );
        let of_another_text = cosigner.line(TEXT, at(0)).expect("line");
        assert!(add_cosignatures(&note, &of_another_text, std::slice::from_ref(&key)).is_err());
        let good = add_cosignatures(&note, &cosigner.line(&text, at(0)).expect("line"), std::slice::from_ref(&key))
            .expect("adds")
            .0;
        for position in note.len()..good.len() {
            let mut changed = good.clone();
            changed[position] ^= 1;
            // A changed name, id or spelling is another witness's or no note; a changed date or signature is a forgery.
            assert!(!matches!(key.find(&changed), Ok(Some(_))), "byte {position}");
        }
        assert_eq!(key.find(&note).expect("none"), None);
    }

    #[test]
    fn words_count_when_they_are_neither_too_old_nor_from_the_future() {
        let ((cosigner, key), note) = (witness(7), note());
        let text = note_of(&note).expect("note").text().to_owned();
        let cosigned = add_cosignatures(&note, &cosigner.line(&text, at(0)).expect("line"), std::slice::from_ref(&key))
            .expect("adds")
            .0;
        let hour = SignedDuration::from_hours(1);
        let quorum = |age_max| Quorum { witnesses: vec![key.clone(), witness(8).1], least: 1, age_max };
        for (seconds, age_max, counts) in [
            (0, None, true),
            (3_600, Some(hour), true),
            (3_601, Some(hour), false),
            (3_601, None, true),
            (-300, None, true),
            (-301, None, false),
        ] {
            let words = quorum(age_max).words(&cosigned, at(seconds)).expect("words");
            assert_eq!((words[0].counts, words[0].age_seconds), (counts, Some(seconds)), "{seconds}");
            assert_eq!((words[1].counts, words[1].cosigned), (false, None));
        }
    }
}
