//! Shares, rebuilt from their entries; the use of one is recorded before anything passes, and nothing passes without.

use domain::deployment::Recollection;
use domain::{AlertId, DeploymentId, Direction, Officer, Share, ShareId, Shared};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::error::{Doing as _, StoreError};
use crate::log::recollection_of;
use crate::recorded::Recorded;
use crate::store::Store;

/// The evidence of an alert as it leaves: the face as it was seen and where. No template, no score, nobody's name.
pub struct AlertExport {
    /// The alert.
    pub alert: AlertId,
    /// Its deployment.
    pub deployment: DeploymentId,
    /// When it was raised.
    pub raised: Timestamp,
    /// The face as it was seen, PNG.
    pub live_png: Zeroizing<Vec<u8>>,
    /// Number of the frame in its recording.
    pub frame_number: u64,
    /// Where in the recording, in milliseconds from its beginning.
    pub offset_ms: u64,
}

impl Store {
    /// A share in its present state, rebuilt from its entries.
    pub fn share(&self, share: &ShareId) -> Result<Recorded<Share>, StoreError> {
        let replayed = Share::replay(share, &self.share_history()?)
            .map_err(|found| StoreError::Damaged { what: format!("share {share}"), found })?;
        let known = replayed.ok_or_else(|| StoreError::Unknown { what: "the share", name: share.to_string() });
        known.map(Recorded::new)
    }

    /// Every share on the record, in the order in which they were proposed.
    pub fn shares(&self) -> Result<Vec<Recorded<Share>>, StoreError> {
        let proposed = self.share_history()?.into_iter().filter_map(|recollection| match recollection.entry.fact {
            evidence::Fact::ShareProposed(terms) => Some(terms.share),
            _ => None,
        });
        proposed
            .map(|name| {
                let share = ShareId::new(&name).map_err(|error| StoreError::Damaged {
                    what: format!("share {name:?}"),
                    found: error.to_string(),
                })?;
                self.share(&share)
            })
            .collect()
    }

    /// The evidence of an alert leaves under a share: the only way out there is. The use is on the record first; without
    /// a share that is in force for this the refusal says why, and nothing leaves.
    pub fn export_alert(
        &mut self,
        a: &AlertId,
        share: &ShareId,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<AlertExport, StoreError> {
        let alert = self.alert(a)?;
        let hold = self.standing_hold(a)?;
        let share = self.share(share)?.into_inner();
        let exported = domain::share::export(&alert, hold.as_ref(), &share, officer, now)?;
        let (opened, particulars) = match &hold {
            Some(hold) if now < hold.until() => self.open_held(hold)?,
            _ => self.open_evidence(a, &alert.raised().deployment)?,
        };
        let passed = share.pass(Direction::Out, Shared::AlertEvidence, 1, officer, now)?;
        self.record(passed, |_, _| Ok(()))?;
        self.record(exported, |_, _| Ok(()))?;
        let raised = alert.raised();
        Ok(AlertExport {
            alert: a.clone(),
            deployment: raised.deployment.clone(),
            raised: raised.raised,
            live_png: opened.live_png,
            frame_number: particulars.frame_number,
            offset_ms: particulars.offset_ms,
        })
    }

    /// Revokes every share of which it was not reported in time what came of it. Returns them.
    pub(crate) fn revoke_overdue_shares(&mut self, now: Timestamp) -> Result<Vec<ShareId>, StoreError> {
        let mut revoked = Vec::new();
        for share in self.shares()? {
            let overdue = share.state() != "revoked" && share.outcome_due().is_some_and(|due| now >= due);
            if overdue {
                let name = share.terms().share.clone();
                self.record(share.into_inner().revoke_overdue(now)?, |_, _| Ok(()))?;
                revoked.push(name);
            }
        }
        Ok(revoked)
    }

    /// Everything on the record about shares, oldest first.
    pub(crate) fn share_history(&self) -> Result<Vec<Recollection>, StoreError> {
        self.history_of(
            "SELECT n.seq, n.bytes, v.actor FROM events v JOIN entries n ON n.event = v.seq
             WHERE v.kind GLOB 'share-*' ORDER BY v.seq",
        )
    }

    /// Everything on the record about complaints, oldest first.
    pub(crate) fn complaint_history(&self) -> Result<Vec<Recollection>, StoreError> {
        self.history_of(
            "SELECT n.seq, n.bytes, v.actor FROM events v JOIN entries n ON n.event = v.seq
             WHERE v.kind GLOB 'complaint-*' ORDER BY v.seq",
        )
    }

    fn history_of(&self, sql: &str) -> Result<Vec<Recollection>, StoreError> {
        let doing = "reading the record";
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut history = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            history.push(recollection_of(row)?);
        }
        Ok(history)
    }
}
