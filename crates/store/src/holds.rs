//! Holds: evidence that outlives its deployment, sealed again under a key of its own, and gone when the hold is over.
//!
//! The deployment's key is destroyed at its purge whether something is held or not; what is held opens with nothing else
//! than `keys/hold-<alert>.key`. It ends like a deployment: the key is noted as being destroyed, overwritten and removed,
//! the row goes together with `held-evidence-destroyed`, and freed space is wiped. A crash in between is finished by the
//! next `purge_due`, because a hold that is over stays over.

use domain::{AlertId, Hold, HoldTerms, Officer};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};
use zeroize::Zeroizing;

use crate::alerts::{Opened, Particulars, alert_id, commitment};
use crate::error::{Doing as _, StoreError};
use crate::own_keys::{self, OwnKey};
use crate::recorded::Recorded;
use crate::sealing::{Place, SALT_BYTES, SealingKey, fresh_salt};
use crate::store::Store;

/// Held evidence as it lies on the disk.
pub(crate) struct Held {
    pub(crate) salt: Vec<u8>,
    pub(crate) particulars: Vec<u8>,
    pub(crate) live: Vec<u8>,
    pub(crate) template: Vec<u8>,
}

impl Store {
    /// Holds the evidence of an alert: it is sealed again under a key of its own, and outlives its deployment.
    pub fn hold(
        &mut self,
        a: &AlertId,
        officer: &Officer,
        terms: HoldTerms,
        now: Timestamp,
    ) -> Result<Recorded<Hold>, StoreError> {
        let alert = self.alert(a)?;
        let policy = self.policy_in_force()?;
        let standing = self.standing_hold(a)?;
        // Asked once before anything is made, and decided again with what was made.
        drop(domain::hold::hold(&alert, standing.as_ref(), officer, terms, String::new(), &policy, now)?);
        let d = alert.raised().deployment.clone();
        let from = self.key_folder().read(&d)?;
        let sealed = self.sealed_alert(a)?;
        let Some((_, [particulars, live, template])) = sealed else {
            return Err(StoreError::Destroyed { deployment: d.to_string() });
        };
        let (key, fingerprint) = self.make_own_key(OwnKey::Hold(a))?;
        let again = |from_column, to_column, sealed: &[u8]| {
            let plain = from.open(&Place { deployment: &d, column: from_column, row: a.as_str() }, sealed)?;
            key.seal(&Place { deployment: &d, column: to_column, row: a.as_str() }, &plain)
        };
        let salt: [u8; SALT_BYTES] = fresh_salt()?;
        let held = Held {
            salt: salt.to_vec(),
            particulars: again("alerts.particulars", "held_alerts.particulars", &particulars)?,
            live: again("alerts.live", "held_alerts.live", &live)?,
            template: again("alerts.template", "held_alerts.template", &template)?,
        };
        let decided = domain::hold::hold(&alert, standing.as_ref(), officer, terms, held.commitment(), &policy, now)?;
        self.record(decided, |transaction, entry| {
            own_keys::note(transaction, OwnKey::Hold(a), &fingerprint)?;
            held.insert(transaction, a, d.as_str(), entry)
        })
    }

    /// The hold there is on an alert, on the record, or the refusal that there is none.
    pub fn expect_hold(&self, a: &AlertId) -> Result<Recorded<Hold>, StoreError> {
        let hold = self.standing_hold(a)?.ok_or(StoreError::Refusal(domain::AlertRefusal::NotHeld.into()))?;
        Ok(Recorded::new(hold))
    }

    /// Every hold there is, by alert.
    pub fn holds(&self) -> Result<Vec<Recorded<Hold>>, StoreError> {
        self.held_alerts()?.iter().map(|alert| self.expect_hold(alert)).collect()
    }

    /// Opens held evidence for the data-protection officer; that they looked is recorded first.
    pub fn view_held(&mut self, a: &AlertId, officer: &Officer, now: Timestamp) -> Result<Opened, StoreError> {
        let hold = self.expect_hold(a)?.into_inner();
        self.record(hold.view(officer, now)?, |_, _| Ok(()))?;
        let (opened, _) = self.open_held(&hold)?;
        Ok(opened)
    }

    /// Destroys held evidence whose hold is over: expired or lifted. Returns the alerts.
    pub(crate) fn purge_holds(&mut self, now: Timestamp) -> Result<Vec<AlertId>, StoreError> {
        let mut gone = Vec::new();
        for alert in self.held_alerts()? {
            let hold = self.expect_hold(&alert)?;
            if now >= hold.until() {
                self.destroy_held(&hold, now)?;
                gone.push(alert);
            }
        }
        Ok(gone)
    }

    /// The hold there is on an alert, if there is one.
    pub(crate) fn standing_hold(&self, a: &AlertId) -> Result<Option<Hold>, StoreError> {
        Hold::replay(&self.alert_history(a)?)
            .map_err(|found| StoreError::Damaged { what: format!("the hold of alert {a}"), found })
    }

    /// What is held of an alert, opened.
    pub(crate) fn open_held(&self, hold: &Hold) -> Result<(Opened, Particulars), StoreError> {
        let (a, d) = (hold.alert(), hold.deployment());
        let held = self.held(a)?.ok_or_else(|| StoreError::Damaged {
            what: format!("alert {a}"),
            found: "its evidence is held on the record, and is not there".into(),
        })?;
        let key = self.own_key(OwnKey::Hold(a))?;
        let place = |column| Place { deployment: d, column, row: a.as_str() };
        let particulars = Particulars::read(a, &key.open(&place("held_alerts.particulars"), &held.particulars)?)?;
        let live_png: Zeroizing<Vec<u8>> = key.open(&place("held_alerts.live"), &held.live)?;
        Ok((Opened { live_png, entry: particulars.entry }, particulars))
    }

    /// Held evidence as it lies on the disk.
    pub(crate) fn held(&self, a: &AlertId) -> Result<Option<Held>, StoreError> {
        let doing = "reading held evidence";
        let mut statement = self
            .connection
            .prepare_cached("SELECT salt, particulars, live, template FROM held_alerts WHERE alert = ?1")
            .doing(doing)?;
        let held = |row: &rusqlite::Row<'_>| {
            Ok(Held { salt: row.get(0)?, particulars: row.get(1)?, live: row.get(2)?, template: row.get(3)? })
        };
        statement.query_row([a.as_str()], held).optional().doing(doing)
    }

    /// The alerts of which evidence is held.
    pub(crate) fn held_alerts(&self) -> Result<Vec<AlertId>, StoreError> {
        let doing = "listing held evidence";
        let mut statement =
            self.connection.prepare_cached("SELECT alert FROM held_alerts ORDER BY entry").doing(doing)?;
        let names = statement.query_map([], |row| row.get::<_, String>(0)).doing(doing)?;
        names.map(|name| alert_id(&name.doing(doing)?)).collect()
    }

    fn destroy_held(&mut self, hold: &Hold, now: Timestamp) -> Result<(), StoreError> {
        let decided = hold.destroy(now)?;
        self.refuse_earlier(now)?;
        let a = hold.alert();
        self.destroy_own_key(OwnKey::Hold(a))?;
        self.record(decided, |transaction, _| {
            transaction
                .execute("DELETE FROM held_alerts WHERE alert = ?1", [a.as_str()])
                .doing("deleting held evidence")?;
            own_keys::forget(transaction, OwnKey::Hold(a))?;
            crate::purge::note_wipe_due(transaction)
        })?;
        self.wipe().map_err(|source| StoreError::NotWiped { deployment: a.to_string(), source: Box::new(source) })
    }
}

impl Held {
    /// The commitment to what is held.
    pub(crate) fn commitment(&self) -> String {
        commitment(&self.salt, [&self.particulars, &self.live, &self.template])
    }

    /// Whether everything opens with this key; otherwise what does not.
    pub(crate) fn check(&self, key: &SealingKey, hold: &Hold) -> Result<(), StoreError> {
        for (column, sealed) in [
            ("held_alerts.particulars", &self.particulars),
            ("held_alerts.live", &self.live),
            ("held_alerts.template", &self.template),
        ] {
            key.open(&Place { deployment: hold.deployment(), column, row: hold.alert().as_str() }, sealed)?;
        }
        Ok(())
    }

    fn insert(
        &self,
        transaction: &Transaction<'_>,
        a: &AlertId,
        deployment: &str,
        entry: Option<u64>,
    ) -> Result<(), StoreError> {
        let Self { salt, particulars, live, template } = self;
        transaction
            .execute(
                "INSERT INTO held_alerts (alert, entry, deployment, salt, particulars, live, template)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![a.as_str(), entry, deployment, salt, particulars, live, template],
            )
            .doing("keeping held evidence")
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use domain::{AlertRefusal, Deployment, HoldGround, Refusal, Role};
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::{LIVE_IMAGE, Scene, files_holding, officer};

    fn held(days: i64) -> (Scene, AlertId) {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        hold(&mut scene, &alert, days).unwrap();
        (scene, alert)
    }

    fn hold(scene: &mut Scene, alert: &AlertId, days: i64) -> Result<Recorded<Hold>, StoreError> {
        let now = scene.tick();
        let terms = HoldTerms { ground: HoldGround::Complaint, until: now + SignedDuration::from_hours(24 * days) };
        scene.store().hold(alert, &officer(Role::AuthorisingOfficer), terms, now)
    }

    /// The held values and the hold's key, as they lie on the disk.
    fn held_bytes(scene: &mut Scene, alert: &AlertId) -> Vec<Vec<u8>> {
        let Held { salt, particulars, live, template } = scene.store().held(alert).unwrap().unwrap();
        let key = std::fs::read(scene.dir().join(format!("keys/hold-{alert}.key"))).unwrap();
        vec![salt, particulars, live, template, key]
    }

    fn remnants(scene: &Scene, values: &[Vec<u8>]) -> usize {
        values.iter().filter(|value| files_holding(&scene.dir(), &value[value.len() - 24..]) > 0).count()
    }

    #[test]
    fn what_is_held_outlives_its_deployment_and_goes_with_its_own_key() {
        let (mut scene, alert) = held(3);
        let deployment_key = {
            let d = scene.d();
            std::fs::read(scene.store().key_folder().path(&d)).unwrap()
        };
        assert_eq!(remnants(&scene, std::slice::from_ref(&deployment_key)), 1, "the search finds");
        scene.pass(SignedDuration::from_hours(25));
        let now = scene.tick();
        assert_eq!(scene.store().purge_due(now).unwrap().len(), 1);
        assert!(matches!(*scene.deployment(), Deployment::Purged(_)));
        assert_eq!(remnants(&scene, &[deployment_key]), 0, "the deployment's key is gone all the same");
        assert_eq!(scene.store().check().unwrap(), vec![]);
        scene.reopen();
        let now = scene.tick();
        let opened = scene.store().view_held(&alert, &officer(Role::DataProtectionOfficer), now).unwrap();
        assert_eq!((opened.live_png.as_slice(), opened.entry), (LIVE_IMAGE, 2));
        let other = scene.store().view_held(&alert, &officer(Role::Operator), now);
        assert!(matches!(other, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        let values = held_bytes(&mut scene, &alert);
        assert_eq!(remnants(&scene, &values), values.len(), "before");
        scene.pass(SignedDuration::from_hours(47));
        let late = scene.tick();
        let over = scene.store().view_held(&alert, &officer(Role::DataProtectionOfficer), late);
        assert!(matches!(over, Err(StoreError::Refusal(Refusal::Alert(AlertRefusal::HoldOver { .. })))));
        scene.store().purge_due(late).unwrap();
        assert_eq!(remnants(&scene, &values), 0, "after");
        assert!(matches!(scene.store().expect_hold(&alert), Err(StoreError::Refusal(_))));
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn a_hold_that_is_lifted_goes_at_the_next_clock_and_the_alert_stays_until_its_own() {
        let (mut scene, alert) = held(3);
        assert!(matches!(
            hold(&mut scene, &alert, 4),
            Err(StoreError::Refusal(Refusal::Alert(AlertRefusal::HeldAlready { .. })))
        ));
        let (standing, now) = (scene.store().expect_hold(&alert).unwrap().into_inner(), scene.tick());
        let released = standing.release(&officer(Role::AuthorisingOfficer), now).unwrap();
        scene.store().commit(released).unwrap();
        let found: Vec<_> = scene.store().check().unwrap().into_iter().map(|finding| finding.found).collect();
        assert!(found[0].contains("and its evidence is kept"), "{found:?}");
        let now = scene.tick();
        scene.store().purge_due(now).unwrap();
        assert_eq!(scene.store().held_alerts().unwrap(), vec![]);
        scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
        assert_eq!(scene.store().check().unwrap(), vec![]);
        hold(&mut scene, &alert, 2).unwrap();
        assert_eq!(scene.store().check().unwrap(), vec![], "it may be held again");
    }

    #[test]
    fn a_hold_beyond_the_policy_or_by_somebody_else_makes_no_key() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        let max = scene.store().policy().unwrap().unwrap().alert_hold_max.as_hours() / 24;
        let long = hold(&mut scene, &alert, max + 1);
        assert!(matches!(long, Err(StoreError::Refusal(Refusal::Alert(AlertRefusal::HoldTooLong { .. })))));
        let past = hold(&mut scene, &alert, -1);
        assert!(matches!(past, Err(StoreError::Refusal(Refusal::Alert(AlertRefusal::HoldOver { .. })))));
        let now = scene.tick();
        let terms = HoldTerms { ground: HoldGround::Complaint, until: now + SignedDuration::from_hours(1) };
        let operator = scene.store().hold(&alert, &officer(Role::Operator), terms, now);
        assert!(matches!(operator, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        scene.pass(SignedDuration::from_hours(24));
        assert!(matches!(hold(&mut scene, &alert, 2), Err(StoreError::Refusal(Refusal::AlertExpired { .. }))));
        assert!(!scene.dir().join(format!("keys/hold-{alert}.key")).exists());
        assert!(matches!(scene.store().expect_hold(&alert), Err(StoreError::Refusal(_))));
    }

    #[test]
    fn a_crash_at_any_step_of_the_end_of_a_hold_is_finished() {
        for steps in 0..=2 {
            let (mut scene, alert) = held(1);
            scene.purged();
            let values = held_bytes(&mut scene, &alert);
            let now = scene.pass(SignedDuration::from_hours(25));
            if steps >= 1 {
                scene.store().destroy_own_key(OwnKey::Hold(&alert)).unwrap();
            }
            if steps >= 2 {
                let hold = scene.store().expect_hold(&alert).unwrap();
                let decided = hold.destroy(now).unwrap();
                let recorded = scene.store().record(decided, |transaction, _| {
                    transaction.execute("DELETE FROM held_alerts", []).doing("a test")?;
                    own_keys::forget(transaction, OwnKey::Hold(&alert))?;
                    crate::purge::note_wipe_due(transaction)
                });
                recorded.unwrap();
            }
            scene.reopen();
            let now = scene.tick();
            scene.store().purge_due(now).unwrap();
            assert_eq!(remnants(&scene, &values), 0, "{steps}");
            assert_eq!(scene.store().check().unwrap(), vec![], "{steps}");
        }
    }

    #[test]
    fn planted_changes_of_what_is_held_are_found() {
        for (sql, expected) in [
            ("UPDATE held_alerts SET live = zeroblob(100)", "it is not what was sealed"),
            ("UPDATE held_alerts SET salt = zeroblob(32)", "not what was committed to"),
            ("DELETE FROM held_alerts", "is not there"),
            ("UPDATE own_keys SET fingerprint = zeroblob(32)", "not the key that was used"),
            ("DELETE FROM own_keys", "no key of that name is in use"),
        ] {
            let (mut scene, _) = held(3);
            scene.store().connection.execute(sql, []).unwrap();
            let found: Vec<_> = scene.store().check().unwrap().iter().map(ToString::to_string).collect();
            assert!(found.iter().any(|found| found.contains(expected)), "{sql}: {found:?}");
        }
    }
}
