//! What a witness keeps: its key and, of each log it follows, the latest checkpoint that it cosigned.
//!
//! `key` is for this process alone. Who takes it can vouch for histories that this witness never saw; they cannot write
//! in any log. Who deletes `latest-…` makes the witness forget: it would then cosign another history of that log, so a
//! witness whose folder is lost is given up, not begun anew under the same key.

use std::fs;
use std::path::{Path, PathBuf};

use evidence::witness::{Answer, Declined, Witness};
use evidence::{Cosigner, KeyPair};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::directory::{self, PRIVATE_FILE};
use crate::error::{DoingWith as _, StoreError};
use crate::policy_file::hexadecimal;

/// Most contradictions of logs that are kept as evidence.
const CONTRADICTIONS_MAX: usize = 1_000;

/// A witness's folder, held by this process until dropped.
pub struct WitnessFolder {
    root: PathBuf,
    keys: KeyPair,
    _lock: fs::File,
}

impl WitnessFolder {
    /// Opens a witness's folder, which is made, with a fresh key under this name, where it is missing.
    pub fn open(root: &Path, name: &str) -> Result<Self, StoreError> {
        directory::make_private_folder(root)?;
        let lock = directory::lock(root)?;
        let path = root.join("key");
        let keys = match directory::read_if_there(&path).doing_with("reading the key", &path)? {
            Some(text) => read_keys(&path, &Zeroizing::new(text), name)?,
            None => {
                let mut seed = Zeroizing::new([0; 32]);
                getrandom::fill(seed.as_mut()).map_err(StoreError::Randomness)?;
                let keys = KeyPair::of_witness(name, *seed)?;
                directory::write_new_private(&path, keys.signing.as_bytes()).doing_with("writing the key", &path)?;
                keys
            }
        };
        Ok(Self { root: root.to_owned(), keys, _lock: lock })
    }

    /// The key by which its cosignatures are known, as text.
    pub fn verifying_key(&self) -> &str {
        &self.keys.verifying
    }

    /// What signs for it.
    pub fn cosigner(&self) -> Result<Cosigner, StoreError> {
        Ok(Cosigner::new(&self.keys.signing)?)
    }

    /// Answers a request. A cosignature is handed out only after the checkpoint it is for has reached the disk; that this
    /// takes the folder as its only owner is what keeps two requests at once from being weighed against one state.
    pub fn answer(&mut self, witness: &Witness, body: &[u8], now: Timestamp) -> Result<Answer, StoreError> {
        let request = match witness.read(body) {
            Ok(request) => request,
            Err(answer) => return Ok(answer),
        };
        let path = self.root.join(format!("latest-{}", hexadecimal(&Sha256::digest(request.origin()))));
        let kept = directory::read_if_there(&path).doing_with("reading", &path)?;
        match witness.weigh(&request, kept.as_deref(), now) {
            Ok(cosigned) => {
                directory::write_durably(&self.root, &path, &cosigned.keep, PRIVATE_FILE)
                    .doing_with("writing", &path)?;
                Ok(cosigned.answer)
            }
            Err(Declined { answer, contradiction }) => {
                if contradiction {
                    self.keep_contradiction(body)?;
                }
                Ok(answer)
            }
        }
    }

    /// Keeps a request in which a log contradicts what it signed before: evidence that only its owner can have made.
    fn keep_contradiction(&self, body: &[u8]) -> Result<(), StoreError> {
        let folder = self.root.join("contradictions");
        let path = folder.join(hexadecimal(&Sha256::digest(body)));
        let count = fs::read_dir(&folder).map_or(0, Iterator::count);
        if count >= CONTRADICTIONS_MAX || path.exists() {
            return Ok(());
        }
        directory::write_durably(&self.root, &path, body, PRIVATE_FILE).doing_with("writing", &path)
    }
}

fn read_keys(path: &Path, text: &[u8], name: &str) -> Result<KeyPair, StoreError> {
    let wrong = || StoreError::KeyWrong { path: path.to_owned() };
    let text = std::str::from_utf8(text).map_err(|_| wrong())?;
    let keys = KeyPair::of_witness_from_signing_text(text.trim_end()).map_err(|_| wrong())?;
    if !keys.verifying.starts_with(&format!("{name}+")) {
        let named = keys.verifying.split('+').next().unwrap_or_default();
        let found = format!("its key is named {named}, not {name}; give that name, or another folder");
        return Err(StoreError::Damaged { what: format!("the witness in {}", path.display()), found });
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use evidence::{CheckpointSigner, CheckpointVerifier, Log, MemoryTiles, proof, witness};

    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T09:00:00Z".parse().unwrap()
    }

    fn log_keys() -> KeyPair {
        KeyPair::from_seed("example.org/log", [7; 32]).unwrap()
    }

    /// A request to cosign a log of `size` lines that begin with `word`, coming from `old_size`.
    fn request(word: &str, old_size: u64, size: u64) -> Vec<u8> {
        let (mut log, mut tiles) = (Log::new(), MemoryTiles::default());
        let lines: Vec<_> = (0..size).map(|n| format!("{word} {n}")).collect();
        log.append(&mut tiles, &lines).unwrap();
        let note = CheckpointSigner::new(&log_keys().signing).unwrap().sign(size, log.root()).unwrap().note;
        let proof = if old_size == 0 { vec![] } else { proof::prove_consistency(&tiles, old_size, size).unwrap() };
        witness::request(old_size, &proof, &note)
    }

    fn open(root: &Path) -> (WitnessFolder, Witness) {
        let folder = WitnessFolder::open(root, "panel.example").unwrap();
        let log = CheckpointVerifier::new(&log_keys().verifying).unwrap();
        let witness = Witness::new(folder.cosigner().unwrap(), vec![log]).unwrap();
        (folder, witness)
    }

    #[test]
    fn what_was_cosigned_is_remembered_after_a_restart() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("witness");
        let (mut folder, witness) = open(&root);
        let key = folder.verifying_key().to_owned();
        assert_eq!(folder.answer(&witness, &request("a", 0, 5), now()).unwrap().status, 200);
        assert!(matches!(WitnessFolder::open(&root, "panel.example"), Err(StoreError::Locked { .. })));
        drop(folder);
        let (mut folder, witness) = open(&root);
        assert_eq!(folder.verifying_key(), key);
        let fork = folder.answer(&witness, &request("b", 0, 9), now()).unwrap();
        assert_eq!((fork.status, fork.body.as_slice()), (409, &b"5\n"[..]));
        assert_eq!(folder.answer(&witness, &request("b", 5, 9), now()).unwrap().status, 422);
        assert_eq!(folder.answer(&witness, &request("a", 5, 9), now()).unwrap().status, 200);
        drop(folder);
        assert!(WitnessFolder::open(&root, "another.example").is_err());
    }

    #[test]
    fn a_log_that_contradicts_itself_leaves_its_evidence_once() {
        let place = tempfile::tempdir().unwrap();
        let (mut folder, witness) = open(place.path());
        assert_eq!(folder.answer(&witness, &request("a", 0, 5), now()).unwrap().status, 200);
        for _ in 0..2 {
            assert_eq!(folder.answer(&witness, &request("b", 5, 5), now()).unwrap().status, 409);
        }
        let kept: Vec<_> = fs::read_dir(place.path().join("contradictions")).unwrap().flatten().collect();
        assert_eq!(kept.len(), 1);
        assert_eq!(fs::read(kept[0].path()).unwrap(), request("b", 5, 5));
    }

    #[test]
    fn nothing_is_cosigned_that_cannot_be_kept() {
        let place = tempfile::tempdir().unwrap();
        let (mut folder, witness) = open(place.path());
        // A folder stands where the checkpoint is to be kept: reading it fails, whoever runs the test.
        let path = place.path().join(format!("latest-{}", hexadecimal(&Sha256::digest("example.org/log"))));
        fs::create_dir(&path).unwrap();
        assert!(matches!(folder.answer(&witness, &request("a", 0, 5), now()), Err(StoreError::Disk { .. })));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "half a checkpo").unwrap();
        assert_eq!(folder.answer(&witness, &request("a", 0, 5), now()).unwrap().status, 500);
    }

    #[test]
    fn the_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let (mut folder, witness) = open(&place.path().join("witness"));
        folder.answer(&witness, &request("a", 0, 5), now()).unwrap();
        for file in fs::read_dir(place.path().join("witness")).unwrap().flatten() {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
        }
    }
}
