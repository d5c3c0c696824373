//! Doubting what is sealed: that it opens with its key, and is what the record committed to.

use domain::{AlertId, DeploymentId};
use evidence::Fact;

use super::Findings;
use crate::alerts::{self, alert_id};
use crate::error::{Doing as _, StoreError};
use crate::sealing::{KeyState, Place, SealingKey};
use crate::store::Store;

/// The salt of an alert's commitment, and its three sealed columns.
pub(crate) type SealedAlert = (Vec<u8>, [Vec<u8>; 3]);

impl Store {
    /// Every sealed value of every deployment whose key is in use.
    pub(super) fn check_sealed(&self, findings: &mut Findings) -> Result<(), StoreError> {
        for d in self.sealed_deployments()? {
            if self.key_folder().state(&d)? != KeyState::InUse {
                continue;
            }
            match self.key_folder().read(&d) {
                Ok(key) => self.check_alerts(&key, &d, findings)?,
                Err(error) => findings.tell_of_key(format!("deployment {d}"), error)?,
            }
            if self.watchlist_keys().state(&d)? != KeyState::InUse {
                continue;
            }
            match self.watchlist_keys().read(&d) {
                Ok(key) => self.check_watchlist(&key, &d, findings)?,
                Err(error) => findings.tell_of_key(format!("deployment {d}"), error)?,
            }
        }
        Ok(())
    }

    fn check_watchlist(&self, key: &SealingKey, d: &DeploymentId, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking a watchlist";
        let mut statement = self
            .connection
            .prepare("SELECT number, facts, image, template FROM watchlist_entries WHERE deployment = ?1")
            .doing(doing)?;
        let mut rows = statement.query([d.as_str()]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let name = row.get::<_, i64>(0).doing(doing)?.to_string();
            for (position, column) in
                [(1, "watchlist_entries.facts"), (2, "watchlist_entries.image"), (3, "watchlist_entries.template")]
            {
                let sealed: Vec<u8> = row.get(position).doing(doing)?;
                if let Err(error) = key.open(&Place { deployment: d, column, row: &name }, &sealed) {
                    findings.tell(format!("deployment {d}"), error.to_string());
                }
            }
        }
        for (number, entry) in self.entries_that_decode(d)? {
            if let Fact::WatchlistFrozen { commitment, .. } = entry
                && self.watchlist_commitment(d)? != commitment
            {
                findings.tell(format!("entry {number}"), "the watchlist is not the one committed to");
            }
        }
        Ok(())
    }

    fn check_alerts(&self, key: &SealingKey, d: &DeploymentId, findings: &mut Findings) -> Result<(), StoreError> {
        let raised = self.entries_that_decode(d)?.into_iter().filter_map(|(number, fact)| match fact {
            Fact::AlertRaised { alert, evidence_commitment, .. } => Some((number, alert, evidence_commitment)),
            _ => None,
        });
        let raised: Vec<_> = raised.collect();
        for (alert, _) in self.sealed_particulars(d)? {
            if !raised.iter().any(|(_, name, _)| name == alert.as_str()) {
                findings.tell(format!("alert {alert}"), "nothing on the record speaks of it");
            }
        }
        for (number, alert, commitment) in raised {
            let alert = alert_id(&alert)?;
            match self.sealed_alert(&alert)? {
                None => findings.tell(format!("entry {number}"), "the evidence it speaks of is not there"),
                Some((salt, sealed)) => {
                    let committed = alerts::commitment(&salt, [&sealed[0], &sealed[1], &sealed[2]]);
                    if committed != commitment {
                        findings.tell(format!("entry {number}"), "the evidence is not what was committed to");
                    }
                    check_alert(key, d, &alert, &sealed, findings);
                    match self.alert_listing(d, &alert).and_then(|_| self.alert_listed_image(&alert)) {
                        Ok(_) => {}
                        Err(error @ (StoreError::SealBroken { .. } | StoreError::Damaged { .. })) => {
                            findings.tell(format!("alert {alert}"), error.to_string());
                        }
                        Err(other) => return Err(other),
                    }
                }
            }
        }
        Ok(())
    }

    /// The facts on the record about a deployment, without those that are damaged: they are told elsewhere.
    fn entries_that_decode(&self, d: &DeploymentId) -> Result<Vec<(u64, Fact)>, StoreError> {
        match self.entries(Some(d)) {
            Ok(entries) => Ok(entries.into_iter().map(|(number, entry)| (number, entry.fact)).collect()),
            Err(StoreError::Damaged { .. }) => Ok(Vec::new()),
            Err(other) => Err(other),
        }
    }

    /// The evidence of an alert as it lies on the disk.
    pub(crate) fn sealed_alert(&self, alert: &AlertId) -> Result<Option<SealedAlert>, StoreError> {
        use rusqlite::OptionalExtension as _;
        let doing = "checking an alert";
        let mut statement = self
            .connection
            .prepare_cached("SELECT salt, particulars, live, template FROM alerts WHERE alert = ?1")
            .doing(doing)?;
        statement
            .query_row([alert.as_str()], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?])))
            .optional()
            .doing(doing)
    }
}

fn check_alert(key: &SealingKey, d: &DeploymentId, alert: &AlertId, sealed: &[Vec<u8>; 3], findings: &mut Findings) {
    for (column, sealed) in ["alerts.particulars", "alerts.live", "alerts.template"].into_iter().zip(sealed) {
        if let Err(error) = key.open(&Place { deployment: d, column, row: alert.as_str() }, sealed) {
            findings.tell(format!("deployment {d}"), error.to_string());
        }
    }
}
