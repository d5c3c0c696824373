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
