//! Letting others vouch for the published log: what a witness is asked and what it answers, and proofs to take home.

use evidence::checkpoint::{kept_path, publish_cosigned};
use evidence::cosignature::add_cosignatures;
use evidence::layout::CHECKPOINT_PATH;
use evidence::proof::prove_consistency;
use evidence::{Checkpoint, CheckpointVerifier, OfflineProof, TileStorage as _, WitnessKey, witness};

use crate::error::{DoingWith as _, StoreError};
use crate::publishing::entry_bytes;
use crate::store::Store;

/// What a witness is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessRequest {
    /// The number of entries of the checkpoint that it is to cosign.
    pub size: u64,
    /// The body of the request, as C2SP tlog-witness has it.
    pub body: Vec<u8>,
}

impl Store {
    /// What to ask a witness that knows the log up to `old_size` entries (0 where that is not known); nothing before the
    /// first publication. The store opens no connection: somebody else carries it there.
    pub fn witness_request(&self, old_size: u64) -> Result<Option<WitnessRequest>, StoreError> {
        let Some((checkpoint, _)) = self.published_note(CHECKPOINT_PATH)? else { return Ok(None) };
        let Checkpoint { size, root, .. } = checkpoint;
        if old_size > size {
            let found =
                format!("a witness knows {old_size} entries, {size} are published: this is an older copy of it");
            return Err(StoreError::Damaged { what: "the published log".into(), found });
        }
        let proof = match old_size {
            0 => vec![],
            old_size => prove_consistency(&self.directory.tiles(), old_size, size)?,
        };
        let body = witness::request(old_size, &proof, &self.signer.sign(size, root)?.note);
        Ok(Some(WitnessRequest { size, body }))
    }

    /// Puts a witness's answer under the published checkpoint of `size` entries and names who has cosigned it. An answer
    /// by none of these witnesses changes nothing; a false one by any of them is refused.
    pub fn add_cosignatures(
        &mut self,
        size: u64,
        lines: &[u8],
        witnesses: &[WitnessKey],
    ) -> Result<Vec<String>, StoreError> {
        let Some((checkpoint, note)) = self.published_note(&kept_path(size))? else {
            return Err(StoreError::Unknown {
                what: "the checkpoint of this number of entries:",
                name: size.to_string(),
            });
        };
        let (cosigned, names) = add_cosignatures(&note, lines, witnesses)?;
        if !names.is_empty() {
            let signed = self.signer.sign(checkpoint.size, checkpoint.root)?;
            publish_cosigned(&mut self.directory.tiles(), &signed, &cosigned)?;
        }
        Ok(names)
    }

    /// The proof that entry `index` (from 0) is in the log as published, as a file that is checked without the log.
    pub fn proof_of(&self, index: u64) -> Result<String, StoreError> {
        let unknown = || StoreError::Unknown { what: "the published entry", name: index.to_string() };
        let (checkpoint, note) = self.published_note(CHECKPOINT_PATH)?.ok_or_else(unknown)?;
        let entry = entry_bytes(&self.connection, index, 1)?.pop().filter(|_| index < checkpoint.size);
        let key = CheckpointVerifier::new(&self.verifying_key)?;
        let proof = OfflineProof::make(&self.directory.tiles(), &note, &key, index, &entry.ok_or_else(unknown)?)?;
        Ok(proof.to_text())
    }

    /// A published checkpoint, opened, and its bytes.
    fn published_note(&self, path: &str) -> Result<Option<(Checkpoint, Vec<u8>)>, StoreError> {
        let place = self.directory.public().join(path);
        let Some(note) = self.directory.tiles().read(path).doing_with("reading", &place)? else { return Ok(None) };
        let checkpoint = CheckpointVerifier::new(&self.verifying_key)?.open(&note)?;
        Ok(Some((checkpoint, note)))
    }
}

#[cfg(test)]
mod tests {
    use evidence::witness::{Reply, Witness};
    use evidence::{Cosigner, Fact, KeyPair};
    use jiff::Timestamp;

    use super::*;
    use crate::scenes::Scene;

    /// A witness of the scene's log, its key, and what it keeps.
    struct Panel {
        witness: Witness,
        key: WitnessKey,
        kept: Option<Vec<u8>>,
    }

    impl Panel {
        fn new(scene: &mut Scene, seed: u8) -> Self {
            let pair = KeyPair::of_witness("panel.example", [seed; 32]).unwrap();
            let log = CheckpointVerifier::new(scene.store().verifying_key()).unwrap();
            let witness = Witness::new(Cosigner::new(&pair.signing).unwrap(), vec![log]).unwrap();
            Self { witness, key: WitnessKey::new(&pair.verifying).unwrap(), kept: None }
        }

        fn answer(&mut self, body: &[u8], now: Timestamp) -> Reply {
            let request = self.witness.read(body).unwrap();
            let answer = match self.witness.weigh(&request, self.kept.as_deref(), now) {
                Ok(cosigned) => {
                    self.kept = Some(cosigned.keep);
                    cosigned.answer
                }
                Err(declined) => declined.answer,
            };
            Reply::read(answer.status, &answer.body)
        }
    }

    fn cosign(scene: &mut Scene, panel: &mut Panel, old_size: u64, now: Timestamp) -> Vec<String> {
        let request = scene.store().witness_request(old_size).unwrap().unwrap();
        let Reply::Cosigned(lines) = panel.answer(&request.body, now) else { panic!("it follows") };
        scene.store().add_cosignatures(request.size, &lines, std::slice::from_ref(&panel.key)).unwrap()
    }

    fn published(scene: &mut Scene, path: &str) -> Vec<u8> {
        std::fs::read(scene.dir().join("public").join(path)).unwrap()
    }

    #[test]
    fn cosignatures_are_published_kept_and_survive_every_later_publication() {
        let mut scene = Scene::new();
        scene.operation();
        assert_eq!(scene.store().witness_request(0).unwrap(), None);
        let now = scene.tick();
        let first = scene.store().publish(now).unwrap().size;
        let mut panel = Panel::new(&mut scene, 3);
        assert_eq!(cosign(&mut scene, &mut panel, 0, now), ["panel.example"]);
        let cosigned = published(&mut scene, "checkpoint");
        assert_eq!(panel.key.find(&cosigned).unwrap(), Some(now));
        assert_eq!(published(&mut scene, &format!("checkpoints/{first}")), cosigned);
        // The same checkpoint published again, also by a store opened anew, keeps what was added.
        let later = scene.tick();
        scene.store().publish(later).unwrap();
        scene.reopen();
        scene.store().publish(later).unwrap();
        assert_eq!(published(&mut scene, "checkpoint"), cosigned);
        scene.propose("kx-1");
        let now = scene.tick();
        scene.store().publish(now).unwrap();
        assert_eq!(panel.key.find(&published(&mut scene, "checkpoint")).unwrap(), None);
        let behind = scene.store().witness_request(0).unwrap().unwrap();
        assert_eq!(panel.answer(&behind.body, now), Reply::Knows(first));
        assert_eq!(cosign(&mut scene, &mut panel, first, now), ["panel.example"]);
        assert_eq!(scene.store().check().unwrap(), vec![]);
        assert!(matches!(scene.store().witness_request(99), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn what_a_stranger_answers_changes_nothing_and_a_forgery_is_refused() {
        let mut scene = Scene::new();
        scene.operation();
        let now = scene.tick();
        let size = scene.store().publish(now).unwrap().size;
        let (panel, mut stranger) = (Panel::new(&mut scene, 3), Panel::new(&mut scene, 4));
        let request = scene.store().witness_request(0).unwrap().unwrap();
        let Reply::Cosigned(lines) = stranger.answer(&request.body, now) else { panic!("it follows") };
        let before = published(&mut scene, "checkpoint");
        assert!(scene.store().add_cosignatures(size, &lines, &[panel.key]).unwrap().is_empty());
        let mut forged = String::from_utf8(lines).unwrap();
        forged.replace_range(forged.len() - 9..forged.len() - 5, "AAAA");
        assert!(scene.store().add_cosignatures(size, forged.as_bytes(), &[stranger.key]).is_err());
        assert!(scene.store().add_cosignatures(size + 1, b"", &[]).is_err());
        assert_eq!(published(&mut scene, "checkpoint"), before);
    }

    #[test]
    fn a_published_entry_is_proven_by_a_file_and_an_unpublished_one_is_not() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        scene.purged();
        let now = scene.tick();
        let size = scene.store().publish(now).unwrap().size;
        let key = CheckpointVerifier::new(scene.store().verifying_key()).unwrap();
        let receipt =
            scene.store().entries(None).unwrap().into_iter().rev().find_map(|(number, entry)| {
                matches!(entry.fact, Fact::DeletionReceipt { .. }).then_some((number, entry))
            });
        let (number, entry) = receipt.unwrap();
        let text = scene.store().proof_of(number).unwrap();
        let proven = OfflineProof::parse(text.as_bytes()).unwrap().verify(&key, None).unwrap();
        assert_eq!((proven.entry, proven.checkpoint.size), (Some(entry), size));
        scene.propose("kx-2");
        assert!(matches!(scene.store().proof_of(size), Err(StoreError::Unknown { .. })));
    }
}
