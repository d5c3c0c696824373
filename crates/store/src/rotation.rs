//! Replacing a deployment's key while it is in use: on demand, and before it has lain too long.
//!
//! A replacement, in order, each step durable before the next:
//! 1. the next key is written beside the one in use;
//! 2. one transaction records `key-rotated`, seals the data key with the next key and notes its fingerprint;
//! 3. the key before is overwritten and removed, and the next one takes its name.
//!
//! A crash before step 2 leaves the key as it was, and the next opening destroys the unused one; after it, the next
//! opening does step 3. Whoever had copied the old key's file opens nothing that they had not copied with it.

use domain::{Actor, DeploymentId};
use jiff::{SignedDuration, Timestamp};

use crate::error::{Doing as _, StoreError};
use crate::recorded::Recorded;
use crate::sealing::note_next;
use crate::store::Store;

/// A key that has lain this long is replaced. Longer than a deployment lasts and shorter than an alert is kept, so that
/// only what is kept for long sees a new key. Our choice: NIST SP 800-57 part 1, 5.3.6, leaves such periods to whoever
/// weighs the risk, and allows two years.
const KEY_AGE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Store {
    /// Replaces the key of a deployment, and returns how many it has had. What is sealed stays as it is and is not
    /// opened: an administrator who may see no face may do this.
    pub fn rotate_key(
        &mut self,
        d: &DeploymentId,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Recorded<u32>, StoreError> {
        self.deployment(d)?;
        self.refuse_earlier(now)?;
        self.key_folder().settle(d)?;
        let (new, generation) = self.key_folder().make_next(d)?;
        let decided = domain::custody::rotate_key(d, generation, actor, now);
        let rotated = self.record(decided, |transaction, _| note_next(transaction, d, &new))?;
        let settled = self.key_folder().settle(d);
        settled.map_err(|source| StoreError::NotWiped { deployment: d.to_string(), source: Box::new(source) })?;
        Ok(rotated)
    }

    /// Replaces every key that has lain too long. Returns the deployments whose keys were replaced.
    pub fn rotate_due(&mut self, now: Timestamp) -> Result<Vec<DeploymentId>, StoreError> {
        let mut rotated = Vec::new();
        for (d, since) in self.keys_in_use()? {
            if now.duration_since(since) >= KEY_AGE_MAX {
                self.rotate_key(&d, Actor::System, now)?;
                rotated.push(d);
            }
        }
        Ok(rotated)
    }

    /// The deployments whose keys lie longer than they may.
    pub(crate) fn keys_too_old(&self, now: Timestamp) -> Result<Vec<DeploymentId>, StoreError> {
        let old = |(d, since): (DeploymentId, Timestamp)| (now.duration_since(since) > KEY_AGE_MAX).then_some(d);
        Ok(self.keys_in_use()?.into_iter().filter_map(old).collect())
    }

    /// Leaves for each deployment the file of its key in use, and none where no key is in use: a crash may have come
    /// between a key and its noting. The key of a deployment that is not on this record is nobody's to destroy here: it may be of
    /// a newer copy.
    pub(crate) fn settle_keys(&self) -> Result<(), StoreError> {
        let noted = self.deployment_ids("SELECT deployment FROM sealing_keys")?;
        for d in &noted {
            self.key_folder().settle(d)?;
        }
        for d in self.deployments()?.iter().filter(|d| !noted.contains(d)) {
            self.key_folder().destroy(d)?;
        }
        Ok(())
    }

    fn keys_in_use(&self) -> Result<Vec<(DeploymentId, Timestamp)>, StoreError> {
        let doing = "listing keys";
        let mut statement = self
            .connection
            .prepare_cached("SELECT deployment, since_ns FROM sealing_keys WHERE destroying = 0 ORDER BY deployment")
            .doing(doing)?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
            .doing(doing)?;
        rows.map(|row| {
            let (d, since) = row.doing(doing)?;
            Ok((crate::deployments::deployment_id(&d)?, crate::log::timestamp(since)?))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::Role;

    use super::*;
    use crate::scenes::{LIVE_IMAGE, Scene, officer};

    fn key_bytes(scene: &mut Scene) -> Vec<u8> {
        let d = scene.d();
        fs::read(scene.store().key_folder().path(&d)).unwrap()
    }

    fn administrator() -> Actor {
        Actor::Officer(officer(Role::Operator).id)
    }

    #[test]
    fn a_replaced_key_opens_everything_and_the_key_before_opens_nothing() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let (before, old) = (scene.alert(), key_bytes(&mut scene));
        let (d, now) = (scene.d(), scene.tick());
        assert_eq!(*scene.store().rotate_key(&d, administrator(), now).unwrap(), 2);
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
            let (d, now, old) = (scene.d(), scene.tick(), key_bytes(&mut scene));
            let (new, generation) = scene.store().key_folder().make_next(&d).unwrap();
            if noted {
                let decided = domain::custody::rotate_key(&d, generation, administrator(), now);
                scene.store().record(decided, |transaction, _| note_next(transaction, &d, &new)).unwrap();
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
        assert_eq!(scene.store().rotate_due(now).unwrap(), vec![]);
        let now = scene.pass(SignedDuration::from_mins(2));
        scene.store().adopt_policy(crate::EXERCISE_POLICY, &officer(Role::AuthorisingOfficer), now).unwrap();
        let told = scene.store().check().unwrap();
        assert!(told.iter().any(|finding| finding.found.contains("its key has lain longer")), "{told:?}");
        let d = scene.d();
        assert_eq!(scene.store().rotate_due(now).unwrap(), vec![d]);
        let told = scene.store().check().unwrap();
        assert!(!told.iter().any(|finding| finding.found.contains("its key has lain longer")), "{told:?}");
        assert_eq!(scene.store().rotate_due(now).unwrap(), vec![]);
    }

    #[test]
    fn nothing_is_replaced_where_nothing_is_sealed() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        scene.purged();
        let (d, now) = (scene.d(), scene.tick());
        let refused = scene.store().rotate_key(&d, administrator(), now);
        assert!(matches!(refused, Err(StoreError::Destroyed { .. })));
        assert_eq!(fs::read_dir(scene.dir().join("keys")).unwrap().count(), 1);
    }
}
