//! "Was I on a list?": keyed commitments to who was listed, which outlive the list and answer yes or no for one reference.
//!
//! A commitment is Argon2id over the person's reference, with a random key of the deployment as its secret. Trusted for:
//! answering for a reference that somebody brings, and nothing else. Who holds the database alone learns how many people
//! were listed, which is public. Who holds the key too can try references one after another, at the price of one Argon2id
//! computation (19 MiB, two passes) each; they cannot turn a commitment into a reference they have not thought of, and
//! cannot compare two deployments' lists. A register of numbers can be gone through in days of computing, so the key is
//! guarded like a sealing key, and destroyed with the commitments when their time is over.

use argon2::{Algorithm, Argon2, Params, Version};
use domain::{Deployment, DeploymentId, Officer, Reference, watchlist};
use hmac::{Hmac, Mac as _};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use crate::error::{Doing as _, StoreError};
use crate::log::{nanoseconds, timestamp};
use crate::purge::note_wipe_due;
use crate::sealing::{KeyKind, KeyState};
use crate::store::Store;

/// Memory of one computation, KiB; the OWASP minimum for Argon2id with two passes (password storage cheat sheet, 2023).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Bytes of a commitment.
const COMMITMENT_BYTES: usize = 32;
/// In what time questions are counted.
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Whether the person of this reference stood on the watchlist of a deployment that is over. Only the data-protection
    /// officer may ask, and only so often a day; that they asked is recorded before anything is computed.
    pub fn was_listed(
        &mut self,
        d: &DeploymentId,
        reference: &Reference,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let deployment = self.deployment(d)?;
        let decided = watchlist::ask(&deployment, officer, self.asked_since(now - DAY)?, now)?;
        if self.commitments_until(d)?.is_none() {
            return Err(StoreError::Unanswerable { deployment: d.to_string() });
        }
        let key = self.keys_of(KeyKind::Commitments).read_bytes(d)?;
        self.record(decided, |_, _| Ok(()))?;
        let asked = commitment(&key, d, reference)?;
        let doing = "looking for a commitment";
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM listed_commitments WHERE deployment = ?1 AND commitment = ?2")
            .doing(doing)?;
        let found = statement.query_row(params![d.as_str(), asked], |_| Ok(())).optional().doing(doing)?;
        Ok(found.is_some())
    }

    /// Until when the question can be answered for a deployment; nothing where its list was never frozen, or it is over.
    pub fn commitments_until(&self, d: &DeploymentId) -> Result<Option<Timestamp>, StoreError> {
        let doing = "looking for commitments";
        let mut statement = self
            .connection
            .prepare_cached("SELECT until_ns FROM commitment_keys WHERE deployment = ?1 AND destroying = 0")
            .doing(doing)?;
        let until: Option<Option<i64>> = statement.query_row([d.as_str()], |row| row.get(0)).optional().doing(doing)?;
        until.flatten().map(timestamp).transpose()
    }

    /// Destroys the commitments of every purged deployment whose time is over, their key first; the record then says how
    /// often they were asked. A destruction that a crash cut short goes on whatever the time.
    pub(crate) fn destroy_commitments_due(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for d in self.deployment_ids("SELECT deployment FROM commitment_keys ORDER BY deployment")? {
            let Deployment::Purged(purged) = self.deployment(&d)?.into_inner() else { continue };
            let begun = self.keys_of(KeyKind::Commitments).state(&d)? == KeyState::Destroying;
            if !begun && self.commitments_until(&d)?.is_some_and(|until| now < until) {
                continue;
            }
            KeyKind::Commitments.begin_destruction(&self.connection, &d)?;
            self.keys_of(KeyKind::Commitments).destroy(&d)?;
            let questions = self.questions(&d)?;
            self.record(watchlist::destroy_commitments(&purged, questions, now), |transaction, _| {
                forget(transaction, &d)?;
                note_wipe_due(transaction)
            })?;
            self.wipe()?;
        }
        Ok(())
    }

    fn asked_since(&self, since: Timestamp) -> Result<u64, StoreError> {
        let doing = "counting questions";
        let mut statement = self
            .connection
            .prepare_cached("SELECT count(*) FROM events WHERE kind = 'listed-asked' AND at_ns > ?1")
            .doing(doing)?;
        statement.query_row([nanoseconds(since)?], |row| row.get(0)).doing(doing)
    }

    fn questions(&self, d: &DeploymentId) -> Result<u64, StoreError> {
        let doing = "counting questions";
        let mut statement = self
            .connection
            .prepare_cached("SELECT count(*) FROM events WHERE deployment = ?1 AND kind = 'listed-asked'")
            .doing(doing)?;
        statement.query_row([d.as_str()], |row| row.get(0)).doing(doing)
    }
}

/// Keeps the commitments of a list that is frozen, until a time.
pub(crate) fn keep(
    connection: &Connection,
    d: &DeploymentId,
    commitments: &[Vec<u8>],
    until: Timestamp,
) -> Result<(), StoreError> {
    let doing = "keeping commitments";
    for commitment in commitments {
        connection
            .prepare_cached("INSERT INTO listed_commitments (deployment, commitment) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![d.as_str(), commitment]))
            .doing(doing)?;
    }
    connection
        .execute(
            "UPDATE commitment_keys SET until_ns = ?2 WHERE deployment = ?1",
            params![d.as_str(), nanoseconds(until)?],
        )
        .doing(doing)
        .map(drop)
}

/// Deletes the commitments of a deployment and forgets their key.
pub(crate) fn forget(connection: &Connection, d: &DeploymentId) -> Result<(), StoreError> {
    connection
        .execute("DELETE FROM listed_commitments WHERE deployment = ?1", [d.as_str()])
        .doing("deleting commitments")?;
    KeyKind::Commitments.forget(connection, d)
}

/// The commitment of one deployment to a reference.
pub(crate) fn commitment(
    key: &[u8; 32],
    d: &DeploymentId,
    reference: &Reference,
) -> Result<[u8; COMMITMENT_BYTES], StoreError> {
    let bug = |found: argon2::Error| StoreError::Bug { doing: "committing to a reference", found: found.to_string() };
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(COMMITMENT_BYTES)).map_err(bug)?;
    let argon2 = Argon2::new_with_secret(key, Algorithm::Argon2id, Version::V0x13, params).map_err(bug)?;
    // The key is random and of this deployment alone; the salt adds that a key used twice would still tell nothing.
    let salt = Sha256::new().chain_update("overt listed 1\n").chain_update(d.as_str()).finalize();
    let mut commitment = [0; COMMITMENT_BYTES];
    argon2.hash_password_into(reference.canonical().as_bytes(), &salt, &mut commitment).map_err(bug)?;
    Ok(commitment)
}

/// What links a listed person to suppressions against them, in any deployment. Stands only in sealed values.
pub(crate) fn link(key: &[u8; 32], reference: &Reference) -> Result<Vec<u8>, StoreError> {
    let keyed = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|found| StoreError::Bug { doing: "linking a reference", found: found.to_string() })?;
    Ok(keyed.chain_update("overt link 1\n").chain_update(reference.canonical()).finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use domain::{Refusal, Role};
    use evidence::Fact;

    use super::*;
    use crate::scenes::{REFERENCE, Scene, files_holding, officer};

    fn ask(scene: &mut Scene, reference: &str) -> Result<bool, StoreError> {
        let (d, now) = (scene.d(), scene.tick());
        let reference = Reference::new(reference).unwrap();
        scene.store().was_listed(&d, &reference, &officer(Role::DataProtectionOfficer), now)
    }

    #[test]
    fn the_question_is_answered_after_deletion_for_a_named_reference_only() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        assert!(matches!(ask(&mut scene, REFERENCE), Err(StoreError::Refusal(Refusal::WrongState { .. }))));
        scene.end();
        scene.purged();
        assert!(ask(&mut scene, REFERENCE).unwrap());
        assert!(ask(&mut scene, &REFERENCE.to_lowercase().replace('/', " ")).unwrap(), "however it is written");
        assert!(!ask(&mut scene, "AB 12 9999").unwrap());
        let (d, now) = (scene.d(), scene.tick());
        let reference = Reference::new(REFERENCE).unwrap();
        for role in [Role::Operator, Role::AuthorisingOfficer, Role::WatchlistOfficer, Role::Proposer] {
            let refused = scene.store().was_listed(&d, &reference, &officer(role), now);
            assert!(matches!(refused, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))), "{}", role.word());
        }
        assert_eq!(scene.store().questions(&d).unwrap(), 3, "the refused ones are not answered");
        assert_eq!(files_holding(&scene.dir(), reference.canonical().as_bytes()), 0);
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn questions_are_limited_a_day_and_counted_on_the_record_when_nobody_can_ask_any_more() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        scene.purged();
        let (d, until) = (scene.d(), scene.d());
        let until = scene.store().commitments_until(&until).unwrap().unwrap();
        for _ in 0..domain::watchlist::QUESTIONS_PER_DAY_MAX {
            ask(&mut scene, REFERENCE).unwrap();
        }
        let refused = ask(&mut scene, REFERENCE);
        assert!(matches!(refused, Err(StoreError::Refusal(Refusal::TooManyQuestions { .. }))));
        scene.pass(SignedDuration::from_hours(24));
        ask(&mut scene, REFERENCE).unwrap();
        let key = scene.store().keys_of(KeyKind::Commitments).path(&d);
        let almost = until - SignedDuration::from_secs(1);
        scene.store().purge_due(almost).unwrap();
        assert!(key.exists());
        scene.set(until);
        scene.store().keep_time(until).unwrap();
        assert!(!key.exists());
        let told = scene.store().entries(Some(&d)).unwrap().into_iter().find_map(|(_, entry)| match entry.fact {
            Fact::CommitmentsDestroyed { questions, .. } => Some(questions),
            _ => None,
        });
        assert_eq!(told, Some(domain::watchlist::QUESTIONS_PER_DAY_MAX + 1));
        assert!(matches!(ask(&mut scene, REFERENCE), Err(StoreError::Unanswerable { .. })));
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn a_destruction_that_a_crash_cut_short_goes_on() {
        for steps in 1..=2 {
            let mut scene = Scene::new();
            scene.operation();
            scene.ended("kx-1");
            scene.purged();
            let d = scene.d();
            KeyKind::Commitments.begin_destruction(&scene.store().connection, &d).unwrap();
            if steps == 2 {
                scene.store().keys_of(KeyKind::Commitments).destroy(&d).unwrap();
            }
            assert!(matches!(ask(&mut scene, REFERENCE), Err(StoreError::Unanswerable { .. })));
            scene.reopen();
            let now = scene.tick();
            scene.store().purge_due(now).unwrap();
            let left: u64 = scene
                .store()
                .connection
                .query_row("SELECT count(*) FROM listed_commitments", [], |row| row.get(0))
                .unwrap();
            assert_eq!(left, 0, "{steps}");
            assert_eq!(scene.store().check().unwrap(), vec![], "{steps}");
        }
    }

    #[test]
    fn commitments_are_of_one_deployment_one_key_and_one_reference() {
        let (one, two) = (DeploymentId::new("one").unwrap(), DeploymentId::new("two").unwrap());
        let reference = |text| Reference::new(text).unwrap();
        let base = commitment(&[1; 32], &one, &reference("AB 12 3456")).unwrap();
        assert_eq!(base, commitment(&[1; 32], &one, &reference("ab12-3456")).unwrap());
        for other in [
            commitment(&[2; 32], &one, &reference("AB 12 3456")).unwrap(),
            commitment(&[1; 32], &two, &reference("AB 12 3456")).unwrap(),
            commitment(&[1; 32], &one, &reference("AB 12 3457")).unwrap(),
        ] {
            assert_ne!(base, other);
        }
        let link = |text| link(&[1; 32], &reference(text)).unwrap();
        assert_ne!(link("AB 12 3456"), link("AB 12 3457"));
    }
}
