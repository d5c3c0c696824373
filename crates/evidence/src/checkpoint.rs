//! Checkpoints: the operator's signed word on how many entries there are and what their root is.
//!
//! C2SP tlog-checkpoint inside C2SP signed-note, one Ed25519 signature. The signing key is trusted for one thing: who
//! holds it can sign another history. They cannot hide that they did from anybody who kept an earlier checkpoint.

use signed_note::{Note, StandardSigner, StandardVerifier, Verifier, VerifierList};
use tlog_tiles::Hash;

use crate::EvidenceError;
use crate::keys::{PRIVATE_PREFIX, bad_key};
use crate::layout::{CHECKPOINT_PATH, KEPT_FOLDER, KEPT_INDEX_PATH};
use crate::storage::{self, TileStorage};

/// Most bytes of a checkpoint that is opened: room for some hundred cosignatures.
pub const CHECKPOINT_BYTES_MAX: usize = 65_536;
/// A signed note that says: the log has `size` entries and this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Number of entries.
    pub size: u64,
    /// The note's bytes, as the file holds them.
    pub note: Vec<u8>,
}

/// Signs checkpoints.
pub struct CheckpointSigner(StandardSigner);

impl CheckpointSigner {
    /// From the text of a signing key.
    pub fn new(signing: &str) -> Result<Self, EvidenceError> {
        StandardSigner::new(signing)
            .map(Self)
            .map_err(|error| bad_key(&format!("{error} (a signing key begins with PRIVATE+KEY+)")))
    }

    /// The name of the log, which is the first line of every checkpoint.
    pub fn origin(&self) -> &str {
        signed_note::Signer::name(&self.0)
    }

    /// Signs. The same size and root give the same bytes, always.
    pub fn sign(&self, size: u64, root: Hash) -> Result<SignedCheckpoint, EvidenceError> {
        let text = tlog_tiles::Checkpoint::new(self.origin(), size, root, "").map_err(|error| refused(&error))?;
        let mut note = Note::new(&text.to_bytes(), &[]).map_err(|error| refused(&error))?;
        note.add_sigs(&[&self.0]).map_err(|error| refused(&error))?;
        Ok(SignedCheckpoint { size, note: note.to_bytes() })
    }
}

/// What a checkpoint says, its signature found good.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Signatures by other keys, which nobody has checked.
    pub signatures_unchecked: usize,
}

/// Opens checkpoints signed by one key.
#[derive(Clone)]
pub struct CheckpointVerifier(StandardVerifier);

impl CheckpointVerifier {
    /// From the text of a verifying key, `<origin>+<id>+<key>`.
    pub fn new(verifying: &str) -> Result<Self, EvidenceError> {
        if verifying.starts_with(PRIVATE_PREFIX) {
            return Err(bad_key(
                "it is the secret signing key; verify with the public one, and keep this one to yourself",
            ));
        }
        StandardVerifier::new(verifying)
            .map(Self)
            .map_err(|error| bad_key(&format!("{error}; a key reads <origin>+<8 hexadecimal digits>+<base64>")))
    }

    /// The name of the log this key belongs to.
    pub fn origin(&self) -> &str {
        self.0.name()
    }

    /// Opens a signed note: exactly one spelling, signed by this key, and about this key's log.
    pub fn open(&self, note: &[u8]) -> Result<Checkpoint, EvidenceError> {
        if note.len() > CHECKPOINT_BYTES_MAX {
            return Err(refused(&format!("{} bytes are more than {CHECKPOINT_BYTES_MAX}", note.len())));
        }
        let parsed = Note::from_bytes(note).map_err(|error| refused(&error))?;
        let known = VerifierList::new(vec![Box::new(self.0.clone())]);
        let (_, unchecked) = parsed.verify(&known).map_err(|error| refused(&error))?;
        if parsed.to_bytes() != note {
            return Err(refused(&"the note is not in its canonical spelling"));
        }
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(parsed.text()).map_err(|error| refused(&error))?;
        if checkpoint.origin() != self.origin() {
            return Err(refused(&format!(
                "it is of the log {:?}, the key is of {:?}",
                checkpoint.origin(),
                self.origin()
            )));
        }
        Ok(Checkpoint {
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root: *checkpoint.hash(),
            signatures_unchecked: unchecked.len(),
        })
    }
}

/// Where the kept copy of the checkpoint of this size lies.
pub fn kept_path(size: u64) -> String {
    format!("{KEPT_FOLDER}/{size}")
}

/// Makes a checkpoint public: `checkpoint`, then its kept copy, then the list. Doing it again does nothing: cosignatures
/// that were added meanwhile stay. All tiles of that size must have been written before. Every older checkpoint stays,
/// so that anyone can see the log only grew.
pub fn publish(storage: &mut impl TileStorage, signed: &SignedCheckpoint) -> Result<(), EvidenceError> {
    let mut index = storage::read(storage, KEPT_INDEX_PATH)?.unwrap_or_default();
    let last = String::from_utf8_lossy(&index).lines().last().and_then(|line| line.parse::<u64>().ok());
    match last {
        Some(published) if published > signed.size => {
            return Err(EvidenceError::WouldShrink { size: signed.size, published });
        }
        _ => {}
    }
    let kept = kept_path(signed.size);
    // Looked at first: a second, different checkpoint of one size must not become public even for a moment.
    let note = match storage::read(storage, &kept)? {
        Some(there) if is_cosigned(&there, &signed.note) => there,
        Some(_) => return Err(EvidenceError::WouldRewrite { path: kept }),
        None => signed.note.clone(),
    };
    storage::write(storage, CHECKPOINT_PATH, &note)?;
    storage::write_once(storage, &kept, &note)?;
    if last != Some(signed.size) {
        index.extend_from_slice(format!("{}\n", signed.size).as_bytes());
        storage::write(storage, KEPT_INDEX_PATH, &index)?;
    }
    Ok(())
}

/// Puts further signatures under a checkpoint that is public already: its kept copy first, so that after a crash the
/// next `publish` brings `checkpoint` in line. `cosigned` is the same checkpoint with lines added at its end.
pub fn publish_cosigned(
    storage: &mut impl TileStorage,
    signed: &SignedCheckpoint,
    cosigned: &[u8],
) -> Result<(), EvidenceError> {
    let kept = kept_path(signed.size);
    let known = storage::read(storage, &kept)?.is_some_and(|there| is_cosigned(&there, &signed.note));
    if !known || !is_cosigned(cosigned, &signed.note) || cosigned.len() > CHECKPOINT_BYTES_MAX {
        return Err(EvidenceError::WouldRewrite { path: kept });
    }
    storage::write(storage, &kept, cosigned)?;
    let newest = storage::read(storage, CHECKPOINT_PATH)?.is_some_and(|there| is_cosigned(&there, &signed.note));
    if newest { storage::write(storage, CHECKPOINT_PATH, cosigned) } else { Ok(()) }
}

/// Whether a note is this signed one, with nothing but further lines of signatures after it.
fn is_cosigned(note: &[u8], signed: &[u8]) -> bool {
    note.starts_with(signed)
        && (note == signed || Note::from_bytes(note).is_ok_and(|read| signed.starts_with(read.text())))
}

fn refused(reason: &impl std::fmt::Display) -> EvidenceError {
    EvidenceError::Checkpoint { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyPair;
    use crate::storage::MemoryTiles;
    use tlog_tiles::EMPTY_HASH;

    fn keys() -> KeyPair {
        KeyPair::from_seed("example.org/log", [7; 32]).expect("keys")
    }

    #[test]
    fn a_signed_checkpoint_opens_and_says_what_was_signed() {
        let keys = keys();
        let signer = CheckpointSigner::new(&keys.signing).expect("signer");
        let signed = signer.sign(12, Hash([9; 32])).expect("signs");
        assert_eq!(signer.sign(12, Hash([9; 32])).expect("signs"), signed);
        let opened = CheckpointVerifier::new(&keys.verifying).expect("key").open(&signed.note).expect("opens");
        assert_eq!((opened.origin.as_str(), opened.size, opened.root), ("example.org/log", 12, Hash([9; 32])));
        assert_eq!(opened.signatures_unchecked, 0);
    }

    #[test]
    fn keys_are_those_of_the_specification() {
        // The example key of C2SP signed-note's reference implementation.
        let signing = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let pair = KeyPair::from_signing_text(signing).expect("reads");
        assert_eq!(pair.verifying, "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
        CheckpointSigner::new(&pair.signing).expect("signs");
        for bad in ["", "PRIVATE+KEY+a+00000000+AYEK", &pair.verifying, &signing.replace("c74f", "c74e")] {
            assert!(KeyPair::from_signing_text(bad).is_err(), "{bad}");
            assert!(CheckpointSigner::new(bad).is_err(), "{bad}");
        }
        assert!(KeyPair::from_seed("two words", [1; 32]).is_err());
        assert!(CheckpointVerifier::new(signing).is_err_and(|error| error.to_string().contains("secret")));
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let keys = keys();
        let verifier = CheckpointVerifier::new(&keys.verifying).expect("key");
        let note = CheckpointSigner::new(&keys.signing).expect("signer").sign(3, EMPTY_HASH).expect("signs").note;
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut changed = note.clone();
                changed[at] ^= 1 << bit;
                assert!(verifier.open(&changed).is_err(), "byte {at} bit {bit}");
            }
            assert!(verifier.open(&note[..at]).is_err(), "cut at {at}");
        }
        let other = KeyPair::from_seed("example.org/log", [8; 32]).expect("keys");
        assert!(CheckpointVerifier::new(&other.verifying).expect("key").open(&note).is_err());
        assert!(verifier.open(&[b'x'; CHECKPOINT_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn publishing_keeps_every_checkpoint_and_never_goes_back() {
        let signer = CheckpointSigner::new(&keys().signing).expect("signer");
        let mut storage = MemoryTiles::default();
        for size in [0, 3, 3, 9] {
            publish(&mut storage, &signer.sign(size, Hash([1; 32])).expect("signs")).expect("publishes");
        }
        assert_eq!(storage.files[KEPT_INDEX_PATH], b"0\n3\n9\n");
        assert_eq!(storage.files[CHECKPOINT_PATH], storage.files["checkpoints/9"]);
        let before = storage.clone();
        let back = signer.sign(3, Hash([1; 32])).expect("signs");
        assert!(matches!(publish(&mut storage, &back), Err(EvidenceError::WouldShrink { .. })));
        let other = signer.sign(9, Hash([2; 32])).expect("signs");
        assert!(matches!(publish(&mut storage, &other), Err(EvidenceError::WouldRewrite { .. })));
        assert_eq!(storage, before);
    }
}
