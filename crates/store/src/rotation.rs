//! Replacing a key while it is in use: on demand, and before it has lain too long.
//!
//! A replacement, in order, each step durable before the next:
//! 1. the next key is written beside the one in use;
//! 2. one transaction records `key-rotated`, seals the data key with the next key and notes its fingerprint;
//! 3. the key before is overwritten and removed, and the next one takes its name.
//!
//! A crash before step 2 leaves the key as it was, and the next opening destroys the unused one; after it, the next
//! opening does step 3. Whoever had copied the old key's file opens nothing that they had not copied with it.

use domain::{Decided, Officer, Refusal};
use jiff::{SignedDuration, Timestamp};

use crate::error::StoreError;
use crate::key_file::{KeyAge, KeyFiles, note_next};
use crate::recorded::Recorded;
use crate::sealing::{KeyKind, KeyState};
use crate::store::Store;

/// A key that has lain this long is replaced. Longer than a deployment lasts and shorter than an alert is kept, so that
/// only what is kept for long sees a new key. Our choice: NIST SP 800-57 part 1, section 5.3.6, leaves such periods to
/// whoever weighs the risk, and allows two years.
const KEY_AGE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Store {
    /// The keys in `keys/`, but the log's: how often each was replaced, and since when it is in use.
    pub fn keys(&self) -> Result<Vec<KeyAge>, StoreError> {
        self.key_files().all()
    }

    /// Replaces the key of this name (`Store::keys`), and returns how many it has had. What is sealed stays as it is and is
    /// not opened: an administrator, who may see no face, does this.
    pub fn rotate_key(&mut self, name: &str, officer: &Officer, now: Timestamp) -> Result<Recorded<u32>, StoreError> {
        if !self.keys()?.iter().any(|key| key.name == name) {
            return Err(StoreError::Unknown { what: "the key", name: name.to_owned() });
        }
        self.rotate(name, now, |generation| domain::custody::rotate_key(name, generation, officer, now))
    }

    /// Replaces every key that has lain too long. Returns their names.
    pub fn rotate_due(&mut self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let mut rotated = Vec::new();
        for KeyAge { name, since, .. } in self.keys()? {
            if now.duration_since(since) >= KEY_AGE_MAX {
                let decided = |generation| Ok(domain::custody::rotate_key_when_due(&name, generation, now));
                match self.rotate(&name, now, decided) {
                    Ok(_) => rotated.push(name),
                    // The check tells of it; the clock goes on.
                    Err(
                        StoreError::KeyMissing { .. } | StoreError::KeyWrong { .. } | StoreError::SealBroken { .. },
                    ) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(rotated)
    }

    fn rotate(
        &mut self,
        name: &str,
        now: Timestamp,
        decide: impl FnOnce(u32) -> Result<Decided<u32>, Refusal>,
    ) -> Result<Recorded<u32>, StoreError> {
        self.refuse_earlier(now)?;
        self.key_files().settle(name)?;
        // Decided before anything is written: a refusal leaves no file behind.
        let decided = decide(self.key_files().generation(name)?.saturating_add(1))?;
        let next = self.key_files().make_next(name)?;
        let rotated = self.record(decided, |transaction, _| note_next(transaction, name, &next))?;
        let settled = self.key_files().settle(name);
        settled.map_err(|source| StoreError::NotWiped { deployment: name.to_owned(), source: Box::new(source) })?;
        Ok(rotated)
    }

    /// The keys that lie longer than they may.
    pub(crate) fn keys_too_old(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let old = |key: KeyAge| (now.duration_since(key.since) > KEY_AGE_MAX).then_some(key.name);
        Ok(self.keys()?.into_iter().filter_map(old).collect())
    }

    /// Ends what a crash left half made: replacements, and keys that were made and never used.
    pub(crate) fn settle_keys(&self) -> Result<(), StoreError> {
        for KeyAge { name, .. } in self.keys()? {
            let state = KeyKind::of_name(&name).map(|(kind, whose)| self.keys_of(kind).state(&whose));
            match state.transpose()? {
                Some(KeyState::None) => self.key_files().destroy(&name)?,
                _ => self.key_files().settle(&name)?,
            }
        }
        Ok(())
    }

    /// The key files.
    pub(crate) fn key_files(&self) -> KeyFiles<'_> {
        KeyFiles { folder: self.directory.keys(), connection: &self.connection }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::Role;

    use super::*;
    use crate::scenes::{LIVE_IMAGE, Scene, officer};

    const KEY: &str = "deployment-kx-1";

    fn key_bytes(scene: &mut Scene) -> Vec<u8> {
        let d = scene.d();
        fs::read(scene.store().key_folder().path(&d)).unwrap()
    }

    #[test]
    fn a_replaced_key_opens_everything_and_the_key_before_opens_nothing() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let (before, old) = (scene.alert(), key_bytes(&mut scene));
        let (d, now) = (scene.d(), scene.tick());
        let refused = scene.store().rotate_key(KEY, &officer(Role::Operator), now);
        assert!(matches!(refused, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        assert!(!scene.dir().join("keys/deployment-kx-1.next.key").exists(), "a refusal leaves nothing");
        assert_eq!(*scene.store().rotate_key(KEY, &officer(Role::Administrator), now).unwrap(), 2);
        let new = key_bytes(&mut scene);
        assert_ne!(old, new);
        assert_eq!(crate::scenes::files_holding(&scene.dir(), &old), 0, "the key before is nowhere");
        let after = scene.alert();
        scene.reopen();
        for alert in [before, after] {
            let now = scene.tick();
            let opened = scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
            assert_eq!(opened.live_png.as_slice(), LIVE_IMAGE);
        }
        assert_eq!(scene.store().check().unwrap(), vec![], "the commitments on the record still fit");
        let path = scene.store().key_folder().path(&d);
        fs::write(&path, old).unwrap();
        assert!(matches!(scene.store().alerts(&d), Err(StoreError::KeyWrong { .. })));
        fs::write(&path, new).unwrap();
    }

    #[test]
    fn a_crash_on_either_side_of_the_noting_is_finished_by_the_next_opening() {
        for noted in [false, true] {
            let mut scene = Scene::new();
            scene.operation();
            let alert = scene.ended("kx-1");
            let (now, old) = (scene.tick(), key_bytes(&mut scene));
            let next = scene.store().key_files().make_next(KEY).unwrap();
            if noted {
                let decided = domain::custody::rotate_key_when_due(KEY, next.generation, now);
                scene.store().record(decided, |transaction, _| note_next(transaction, KEY, &next)).unwrap();
            }
            scene.reopen();
            assert_eq!(key_bytes(&mut scene) == old, !noted);
            let now = scene.tick();
            scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
            assert_eq!(scene.store().check().unwrap(), vec![]);
        }
    }

    #[test]
    fn a_key_is_replaced_when_it_has_lain_too_long_and_the_check_tells_of_one_that_was_not() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let now = scene.pass(KEY_AGE_MAX - SignedDuration::from_mins(1));
        assert!(scene.store().rotate_due(now).unwrap().is_empty());
        let now = scene.pass(SignedDuration::from_mins(2));
        scene.store().adopt_policy(crate::EXERCISE_POLICY, &officer(Role::AuthorisingOfficer), now).unwrap();
        let told = scene.store().check().unwrap();
        assert!(told.iter().any(|finding| finding.found.contains("it has lain longer")), "{told:?}");
        assert!(scene.store().rotate_due(now).unwrap().iter().any(|name| name == KEY));
        let told = scene.store().check().unwrap();
        assert!(!told.iter().any(|finding| finding.found.contains("it has lain longer")), "{told:?}");
        assert!(scene.store().rotate_due(now).unwrap().is_empty());
    }

    #[test]
    fn a_key_that_was_made_and_never_used_is_gone_after_a_restart() {
        let mut scene = Scene::new();
        scene.operation();
        scene.announced("kx-1");
        let d = scene.d();
        scene.store().key_folder().make(&d).unwrap();
        scene.reopen();
        assert!(scene.store().keys().unwrap().is_empty());
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn nothing_is_replaced_where_nothing_is_sealed() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        scene.purged();
        let now = scene.tick();
        let refused = scene.store().rotate_key(KEY, &officer(Role::Administrator), now);
        assert!(matches!(refused, Err(StoreError::Unknown { .. })));
        assert!(scene.store().keys().unwrap().iter().all(|key| key.name != KEY));
        assert!(!scene.dir().join("keys/deployment-kx-1.key").exists());
    }
}
