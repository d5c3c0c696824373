//! Doubting what outlives a deployment or has none: held evidence, receipts, complaints, shares; and seeded pairs.

use domain::{AlertId, Deployment};
use evidence::{Fact, commitment};
use jiff::Timestamp;

use super::Findings;
use crate::error::{Doing as _, StoreError};
use crate::own_keys::OwnKey;
use crate::store::Store;

impl Store {
    /// Everything of this page, each against its key, its clock and the record.
    pub(super) fn check_redress(&self, now: Timestamp, findings: &mut Findings) -> Result<(), StoreError> {
        self.check_holds(now, findings)?;
        self.check_complaints(now, findings)?;
        self.check_receipts(now, findings)?;
        self.check_shares(now, findings)?;
        self.check_first_judgements(findings)?;
        self.check_seeds(findings)
    }

    fn check_holds(&self, now: Timestamp, findings: &mut Findings) -> Result<(), StoreError> {
        let kept = self.held_alerts()?;
        for alert in &kept {
            match self.check_hold(alert, now) {
                Ok(None) => {}
                Ok(Some(found)) => findings.tell(format!("alert {alert}"), found),
                Err(error) => findings.tell_error(format!("alert {alert}"), error)?,
            }
        }
        // What the record says is held, and is not there.
        let doing = "checking held evidence";
        let mut statement = self
            .connection
            .prepare("SELECT DISTINCT alert FROM events WHERE kind = 'alert-held' AND alert IS NOT NULL")
            .doing(doing)?;
        let names = statement.query_map([], |row| row.get::<_, String>(0)).doing(doing)?;
        for name in names {
            let alert = crate::alerts::alert_id(&name.doing(doing)?)?;
            match self.standing_hold(&alert) {
                Ok(Some(_)) if !kept.contains(&alert) => {
                    findings.tell(format!("alert {alert}"), "its evidence is held on the record, and is not there");
                }
                Ok(_) => {}
                Err(error) => findings.tell_error(format!("alert {alert}"), error)?,
            }
        }
        Ok(())
    }

    /// What is wrong with the held evidence of an alert.
    fn check_hold(&self, alert: &AlertId, now: Timestamp) -> Result<Option<String>, StoreError> {
        let (Some(hold), Some(held)) = (self.standing_hold(alert)?, self.held(alert)?) else {
            return Ok(Some("evidence of it is kept, and no hold is on the record".into()));
        };
        if hold.until() <= now {
            return Ok(Some(format!("its hold was over at {}, and its evidence is kept", hold.until())));
        }
        held.check(&self.own_key(OwnKey::Hold(alert))?, &hold)?;
        let committed =
            self.alert_history(alert)?.into_iter().rev().find_map(|recollection| match recollection.entry.fact {
                Fact::AlertHeld { evidence_commitment, .. } => Some(evidence_commitment),
                _ => None,
            });
        let agrees = committed.is_some_and(|committed| committed == held.commitment());
        Ok((!agrees).then(|| "the held evidence is not what was committed to".into()))
    }

    fn check_complaints(&self, now: Timestamp, findings: &mut Findings) -> Result<(), StoreError> {
        for complaint in self.complaint_ids()? {
            let place = format!("complaint {complaint}");
            match self.complaint(&complaint).and_then(|_| self.check_complaint(&complaint)) {
                Ok(until) if until <= now => findings.tell(place, format!("it had to be forgotten by {until}")),
                Ok(_) => {}
                Err(error) => findings.tell_error(place, error)?,
            }
        }
        Ok(())
    }

    fn check_receipts(&self, now: Timestamp, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking receipts";
        let now = crate::log::nanoseconds(now)?;
        for (sql, found) in [
            ("SELECT count(*) FROM alert_receipts WHERE until_ns <= ?1", "a code is kept although its time is over"),
            (
                "SELECT count(*) FROM alert_receipts r WHERE ?1 IS NOT NULL AND NOT EXISTS
                 (SELECT 1 FROM events v WHERE v.alert = r.alert AND v.kind = 'alert-engaged')",
                "a code answers about an alert after which nobody was spoken to",
            ),
        ] {
            let count: u64 = self.connection.query_row(sql, [now], |row| row.get(0)).doing(doing)?;
            if count > 0 {
                findings.tell("alert_receipts", found);
            }
        }
        Ok(())
    }

    fn check_shares(&self, now: Timestamp, findings: &mut Findings) -> Result<(), StoreError> {
        match self.shares() {
            Ok(shares) => {
                for share in shares.iter().filter(|share| share.state() != "revoked") {
                    if let Some(due) = share.outcome_due().filter(|due| *due <= now) {
                        let place = format!("share {}", share.terms().share);
                        findings.tell(place, format!("its outcome was due by {due}, and it was not revoked"));
                    }
                }
                Ok(())
            }
            Err(error) => findings.tell_error("the shares", error),
        }
    }

    /// Every first judgement that is kept against the commitment on the record.
    fn check_first_judgements(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking first judgements";
        let mut statement =
            self.connection.prepare("SELECT alert, judgement, salt FROM first_judgements").doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let (name, word, salt): (String, String, String) =
                (row.get(0).doing(doing)?, row.get(1).doing(doing)?, row.get(2).doing(doing)?);
            let kept = commitment::judgement(&name, &salt, &word);
            let history = self.alert_history(&crate::alerts::alert_id(&name)?)?;
            let on_record = history.iter().any(|recollection| {
                matches!(&recollection.entry.fact, Fact::AlertJudgedOnce { judgement_commitment, .. }
                    if *judgement_commitment == kept)
            });
            if !on_record {
                findings.tell(format!("alert {name}"), "its first judgement is not the one committed to");
            }
        }
        Ok(())
    }

    /// Seeded pairs of an exercise that is not purged, against the commitment on the record.
    fn check_seeds(&self, findings: &mut Findings) -> Result<(), StoreError> {
        for d in self.deployment_ids("SELECT deployment FROM seedings ORDER BY deployment")? {
            let place = format!("deployment {d}");
            let purged = match self.deployment(&d) {
                Ok(deployment) => matches!(*deployment, Deployment::Purged(_) | Deployment::Withdrawn(_)),
                Err(error) => {
                    findings.tell_error(place, error)?;
                    continue;
                }
            };
            if purged {
                findings.tell(&place, "its seeded pairs are kept after its end");
                continue;
            }
            let (salt, names) = self.seeding(&d)?;
            let kept = commitment::seeds(d.as_str(), &salt, &names);
            let committed = self
                .entries(Some(&d))?
                .into_iter()
                .any(|(_, entry)| matches!(entry.fact, Fact::SeedsCommitted { commitment, .. } if commitment == kept));
            if !committed {
                findings.tell(place, "its seeded pairs are not those committed to");
            }
        }
        Ok(())
    }
}
