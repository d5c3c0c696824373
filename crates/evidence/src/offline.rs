//! An entry that is proven without the log: the paper an auditor takes home (C2SP tlog-proof).
//!
//! The file holds the signed checkpoint, the entry's place, the hashes between the two and, as `extra`, the entry
//! itself. The format does not vouch for `extra`; here it is hashed and compared, so that a changed entry is refused.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tlog_tiles::{Hash, record_hash};

use crate::checkpoint::{CHECKPOINT_BYTES_MAX, Checkpoint, CheckpointVerifier};
use crate::proof::{PROOF_HASHES_MAX, prove_inclusion, verify_inclusion};
use crate::storage::TileStorage;
use crate::witness::{hash_of, line, number};
use crate::{ENTRY_BYTES_MAX, Entry, EvidenceError, line as entry_line};

/// The first line of every such file.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// How such a file's name ends.
pub const FILE_ENDING: &str = "tlog-proof";
/// Most bytes of such a file: the longest entry in base64, the hashes, the checkpoint, and the words between them.
pub const FILE_BYTES_MAX: usize = ENTRY_BYTES_MAX.div_ceil(3) * 4 + PROOF_HASHES_MAX * 45 + CHECKPOINT_BYTES_MAX + 256;

/// A proof that an entry is in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflineProof {
    /// Number of the entry, from 0.
    index: u64,
    /// The entry's bytes.
    entry: Option<Vec<u8>>,
    /// From the entry's sibling up to the root's child.
    hashes: Vec<[u8; 32]>,
    /// The signed checkpoint, as published.
    note: Vec<u8>,
}

/// What was proven.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// The state of the log that the entry was found in.
    pub checkpoint: Checkpoint,
    /// Number of the entry, from 0.
    pub index: u64,
    /// What the entry says, where it is one of this record.
    pub entry: Option<Entry>,
    /// The entry's bytes.
    pub bytes: Vec<u8>,
}

impl OfflineProof {
    /// Proves that `entry` is number `index` of the log whose signed checkpoint this is, from its tiles. What was made
    /// is checked before it is handed out.
    pub fn make(
        storage: &impl TileStorage,
        note: &[u8],
        key: &CheckpointVerifier,
        index: u64,
        entry: &[u8],
    ) -> Result<Self, EvidenceError> {
        let size = key.open(note)?.size;
        let hashes = prove_inclusion(storage, size, index)?.into_iter().map(|hash: Hash| hash.0).collect();
        let proof = Self { index, entry: Some(entry.to_owned()), hashes, note: note.to_owned() };
        proof.verify(key, None)?;
        Ok(proof)
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(entry) = &self.entry {
            text += &format!("extra {}\n", BASE64_STANDARD.encode(entry));
        }
        text += &format!("index {}\n", self.index);
        self.hashes.iter().for_each(|hash| text += &format!("{}\n", BASE64_STANDARD.encode(hash)));
        text + "\n" + &String::from_utf8_lossy(&self.note)
    }

    /// Reads a file: one spelling of each, nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(refused(&format!("{} bytes are more than {FILE_BYTES_MAX}", bytes.len())));
        }
        let next = |rest| line(rest).ok_or_else(|| refused("it ends too early, or is not text"));
        let (header, rest) = next(bytes)?;
        if header != HEADER {
            return Err(refused(&format!("its first line is not {HEADER}")));
        }
        let (mut found, mut rest) = next(rest)?;
        let mut entry = None;
        if let Some(extra) = found.strip_prefix("extra ") {
            let decoded = BASE64_STANDARD.decode(extra).ok().filter(|bytes| BASE64_STANDARD.encode(bytes) == extra);
            entry = Some(decoded.ok_or_else(|| refused("what follows `extra` is not base64"))?);
            (found, rest) = next(rest)?;
        }
        let index = found.strip_prefix("index ").and_then(number).ok_or_else(|| refused("it has no `index` line"))?;
        let mut hashes = Vec::new();
        loop {
            (found, rest) = next(rest)?;
            if found.is_empty() {
                break;
            }
            if hashes.len() == PROOF_HASHES_MAX {
                return Err(refused(&format!("it has more than {PROOF_HASHES_MAX} hashes")));
            }
            hashes.push(hash_of(found).ok_or_else(|| refused("a line before the checkpoint is not a hash"))?);
        }
        Ok(Self { index, entry, hashes, note: rest.to_owned() })
    }

    /// Checks it against the log's key. `entry` is needed where the file does not hold the entry itself.
    pub fn verify(&self, key: &CheckpointVerifier, entry: Option<&[u8]>) -> Result<Proven, EvidenceError> {
        let checkpoint = key.open(&self.note)?;
        let bytes = match (entry, &self.entry) {
            (Some(entry), _) => entry.to_owned(),
            (None, Some(entry)) => entry.clone(),
            (None, None) => return Err(refused("the file does not hold the entry; give it beside the file")),
        };
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EvidenceError::EntryTooLong { bytes: bytes.len(), bytes_max: ENTRY_BYTES_MAX });
        }
        verify_inclusion(self.index, checkpoint.size, &record_hash(&bytes).0, &checkpoint.root.0, &self.hashes)?;
        let entry = match entry_line::looks_like_ours(&bytes) {
            true => Some(entry_line::decode(&bytes)?),
            false => None,
        };
        Ok(Proven { checkpoint, index: self.index, entry, bytes })
    }

    /// The signed checkpoint in it, with whatever cosignatures stood under it.
    pub fn checkpoint(&self) -> &[u8] {
        &self.note
    }
}

fn refused(reason: &str) -> EvidenceError {
    EvidenceError::Proof { reason: format!("of the file: {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CheckpointSigner, KeyPair, Log, MemoryTiles, samples};

    fn key() -> CheckpointVerifier {
        CheckpointVerifier::new(&KeyPair::from_seed("example.org/log", [7; 32]).expect("keys").verifying).expect("key")
    }

    /// The lawful record as a log: its lines, tiles and signed checkpoint.
    fn record() -> (Vec<Vec<u8>>, MemoryTiles, Vec<u8>) {
        let lines: Vec<_> = samples::lawful().iter().map(|entry| entry_line::encode(entry).expect("encodes")).collect();
        let (mut log, mut tiles) = (Log::new(), MemoryTiles::default());
        log.append(&mut tiles, &lines).expect("appends");
        let keys = KeyPair::from_seed("example.org/log", [7; 32]).expect("keys");
        let signed = CheckpointSigner::new(&keys.signing).expect("signer").sign(log.size(), log.root()).expect("signs");
        (lines, tiles, signed.note)
    }

    #[test]
    fn every_entry_is_proven_from_its_file_alone() {
        let (lines, tiles, note) = record();
        for (index, entry) in lines.iter().enumerate() {
            let made = OfflineProof::make(&tiles, &note, &key(), index as u64, entry).expect("makes");
            let read = OfflineProof::parse(made.to_text().as_bytes()).expect("reads");
            assert_eq!(read, made);
            let proven = read.verify(&key(), None).expect("proven");
            assert_eq!(proven.entry.as_ref(), Some(&samples::lawful()[index]));
            assert_eq!((proven.index, proven.checkpoint.size), (index as u64, lines.len() as u64));
        }
        assert!(OfflineProof::make(&tiles, &note, &key(), 2, &lines[3]).is_err(), "another entry");
        assert!(OfflineProof::make(&tiles, &note, &key(), 99, &lines[3]).is_err(), "no such entry");
    }

    #[test]
    fn the_text_is_that_of_the_specification() {
        // The example of C2SP tlog-proof, with whole hashes and without an entry: the parts stand where they should.
        let (lines, tiles, note) = record();
        let text = OfflineProof::make(&tiles, &note, &key(), 4, &lines[4]).expect("makes").to_text();
        let parts: Vec<_> = text.lines().collect();
        assert_eq!(parts[0], "c2sp.org/tlog-proof@v1");
        assert_eq!(parts[1], format!("extra {}", BASE64_STANDARD.encode(&lines[4])));
        assert_eq!(parts[2], "index 4");
        // 20 entries: five hashes up to the root, then an empty line and the checkpoint as it is.
        assert!(parts[3..8].iter().all(|hash| hash.len() == 44) && parts[8].is_empty(), "{text}");
        assert!(text.ends_with(std::str::from_utf8(&note).expect("text")));
        let without = "c2sp.org/tlog-proof@v1\nindex 4\n".to_owned() + text.split_once("index 4\n").expect("index").1;
        let bare = OfflineProof::parse(without.as_bytes()).expect("reads");
        assert!(bare.verify(&key(), None).is_err_and(|error| error.to_string().contains("give it beside")));
        assert_eq!(bare.verify(&key(), Some(&lines[4])).expect("proven").index, 4);
        assert!(bare.verify(&key(), Some(&lines[5])).is_err());
    }

    #[test]
    fn every_changed_bit_is_refused() {
        let (lines, tiles, note) = record();
        let text = OfflineProof::make(&tiles, &note, &key(), 4, &lines[4]).expect("makes").to_text().into_bytes();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            let proven = OfflineProof::parse(&changed).and_then(|proof| proof.verify(&key(), None));
            assert!(proven.is_err(), "byte {at}");
            let cut = OfflineProof::parse(&text[..at]).and_then(|proof| proof.verify(&key(), None));
            assert!(cut.is_err(), "cut at {at}");
        }
        assert!(OfflineProof::parse(&vec![b'x'; FILE_BYTES_MAX + 1]).is_err());
    }
}
