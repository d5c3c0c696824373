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

#[cfg(test)]
mod tests {
    use domain::{HoldGround, HoldTerms, OfficerId, Origin, Refusal, Role, ShareRefusal, Terms};
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::{LIVE_IMAGE, Scene, officer, template};

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn name(name: &str) -> ShareId {
        ShareId::new(name).unwrap()
    }

    fn propose(scene: &mut Scene, share: &str, direction: Direction, what: Shared) {
        let (policy, now) = (scene.store().policy().unwrap().unwrap(), scene.tick());
        let terms = Terms {
            share: name(share),
            direction,
            counterpart: "Example prosecutor".into(),
            what,
            agreement: "memorandum 7".into(),
            basis: "statute".into(),
            expires: now + DAY * 10,
            outcome_due: DAY * 2,
        };
        let proposed = Share::propose(terms, &officer(Role::WatchlistOfficer), &policy, now).unwrap();
        scene.store().commit(proposed).unwrap();
    }

    fn approved(scene: &mut Scene, share: &str, direction: Direction, what: Shared) {
        propose(scene, share, direction, what);
        let (proposed, now) = (scene.store().share(&name(share)).unwrap().into_inner(), scene.tick());
        let approved = proposed.approve(&officer(Role::AuthorisingOfficer), now).unwrap();
        scene.store().commit(approved).unwrap();
    }

    fn export(scene: &mut Scene, alert: &AlertId, share: &str) -> Result<AlertExport, StoreError> {
        let now = scene.tick();
        scene.store().export_alert(alert, &name(share), &officer(Role::AuthorisingOfficer), now)
    }

    fn refused<T>(result: Result<T, StoreError>) -> Refusal {
        match result {
            Err(StoreError::Refusal(refusal)) => refusal,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it was not refused"),
        }
    }

    #[test]
    fn evidence_leaves_only_under_a_share_in_force_for_it_and_is_counted() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        assert!(matches!(export(&mut scene, &alert, "s1"), Err(StoreError::Unknown { .. })));
        propose(&mut scene, "s1", Direction::Out, Shared::AlertEvidence);
        assert_eq!(refused(export(&mut scene, &alert, "s1")), ShareRefusal::NotApproved.into());
        approved(&mut scene, "s2", Direction::Out, Shared::Statistics);
        let other = ShareRefusal::ForOther {
            agreed: "statistics going out".into(),
            attempted: "alert evidence going out".into(),
        };
        assert_eq!(refused(export(&mut scene, &alert, "s2")), other.into());
        approved(&mut scene, "s3", Direction::Out, Shared::AlertEvidence);
        let before = scene.store().entries(None).unwrap().len();
        let exported = export(&mut scene, &alert, "s3").unwrap();
        assert_eq!((exported.live_png.as_slice(), exported.frame_number), (LIVE_IMAGE, 77));
        let entries = scene.store().entries(None).unwrap();
        assert_eq!(entries.len(), before + 1, "one public count");
        assert!(!format!("{:?}", entries[before]).contains(alert.as_str()), "which alert it was is not public");
        assert_eq!(scene.store().share(&name("s3")).unwrap().items(), 1);
        let now = scene.tick();
        let operator = scene.store().export_alert(&alert, &name("s3"), &officer(Role::Operator), now);
        assert!(matches!(refused(operator), Refusal::RoleMayNot { .. }));
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn an_overdue_outcome_stops_a_share_at_once_and_revokes_it_at_the_next_clock() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        let now = scene.tick();
        let terms = HoldTerms { ground: HoldGround::LegalProceedings, until: now + DAY * 5 };
        scene.store().hold(&alert, &officer(Role::AuthorisingOfficer), terms, now).unwrap();
        approved(&mut scene, "s1", Direction::Out, Shared::AlertEvidence);
        export(&mut scene, &alert, "s1").unwrap();
        scene.pass(DAY + DAY / 2);
        export(&mut scene, &alert, "s1").unwrap();
        scene.pass(DAY);
        assert!(matches!(
            refused(export(&mut scene, &alert, "s1")),
            Refusal::Share(ShareRefusal::OutcomeOverdue { .. })
        ));
        let now = scene.tick();
        scene.store().purge_due(now).unwrap();
        let share = scene.store().share(&name("s1")).unwrap();
        assert_eq!(share.state(), "revoked");
        assert_eq!(
            refused(export(&mut scene, &alert, "s1")),
            ShareRefusal::Revoked { reason: "outcome overdue" }.into()
        );
        approved(&mut scene, "s2", Direction::Out, Shared::AlertEvidence);
        export(&mut scene, &alert, "s2").unwrap();
        let (share, now) = (scene.store().share(&name("s2")).unwrap().into_inner(), scene.tick());
        let reported = share.report_outcome(&officer(Role::AuthorisingOfficer), now).unwrap();
        scene.store().commit(reported).unwrap();
        scene.pass(DAY * 3);
        assert!(
            matches!(refused(export(&mut scene, &alert, "s2")), Refusal::AlertExpired { .. }),
            "the share is in force, but neither the alert nor its hold is"
        );
        let now = scene.tick();
        scene.store().purge_due(now).unwrap();
        assert_eq!(scene.store().shares().unwrap().len(), 2);
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn an_image_of_another_body_enters_only_under_a_share_that_is_in_force() {
        let mut scene = Scene::new();
        scene.operation();
        scene.announced("kx-1");
        let list = |scene: &mut Scene, share: &str| {
            let (announced, now) = (scene.deployment().expect_announced().unwrap(), scene.tick());
            let template = template(1);
            let mut entry = crate::scenes::entry("exercise subject 1", &template);
            entry.facts.origin = Origin::Share(name(share));
            scene.store().list(&announced, &officer(Role::WatchlistOfficer), entry, now)
        };
        assert!(matches!(list(&mut scene, "s1"), Err(StoreError::Unknown { .. })));
        propose(&mut scene, "s1", Direction::In, Shared::WatchlistImages);
        assert_eq!(refused(list(&mut scene, "s1")), ShareRefusal::NotApproved.into());
        let (proposed, now) = (scene.store().share(&name("s1")).unwrap().into_inner(), scene.tick());
        let proposer =
            domain::Officer { id: OfficerId::new("watchlist-officer").unwrap(), ..officer(Role::AuthorisingOfficer) };
        let own = proposed.clone().approve(&proposer, now).unwrap_err();
        assert_eq!(own, ShareRefusal::ProposerMayNotApprove.into());
        scene.store().commit(proposed.approve(&officer(Role::AuthorisingOfficer), now).unwrap()).unwrap();
        list(&mut scene, "s1").unwrap();
        assert_eq!(scene.store().share(&name("s1")).unwrap().items(), 1);
        let d = scene.d();
        let key = scene.store().watchlist_keys().read(&d).unwrap();
        assert_eq!(scene.store().listed_facts(&key, &d, 1).unwrap().facts.origin, Origin::Share(name("s1")));
        let (share, now) = (scene.store().share(&name("s1")).unwrap().into_inner(), scene.tick());
        let revoked = share.revoke(&officer(Role::DataProtectionOfficer), domain::Revocation::Misused, now).unwrap();
        scene.store().commit(revoked).unwrap();
        let late = refused(list(&mut scene, "s1"));
        assert_eq!(late, ShareRefusal::Revoked { reason: "used for something else" }.into());
        assert_eq!(late.to_string(), "the share was revoked (used for something else); propose a new one");
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }
}
