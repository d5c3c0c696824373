//! Alert receipts: a code is handed to whoever was spoken to, its hash is kept, and whoever holds the code may ask.

use domain::receipt::RECEIPT_CODE_BYTES;
use domain::{
    Adjudicated, AlertId, AlertReceipt, AlertRefusal, AlertState, DeploymentId, Engaged, Engagement, Officer,
    ReceiptCode,
};
use evidence::Fact;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use crate::alerts::alert_id;
use crate::deployments::deployment_id;
use crate::error::{Doing as _, StoreError};
use crate::log::{nanoseconds, timestamp};
use crate::recorded::Recorded;
use crate::store::Store;

/// What a code answers about.
pub(crate) struct Answering {
    pub(crate) alert: AlertId,
    pub(crate) deployment: DeploymentId,
    pub(crate) until: Timestamp,
}

impl Store {
    /// Records whether the person of an alert was spoken to. Whoever was gets the code of an alert receipt: it is
    /// returned here once, and only its hash is kept.
    pub fn engage(
        &mut self,
        judged: Recorded<Adjudicated>,
        officer: &Officer,
        engagement: Engagement,
        now: Timestamp,
    ) -> Result<(Recorded<Engaged>, Option<ReceiptCode>), StoreError> {
        let (alert, deployment) = (judged.alert.alert.clone(), judged.alert.deployment.clone());
        let until = now.saturating_add(self.policy_in_force()?.complaint_retention).unwrap_or(now);
        let decided = judged.into_inner().engage(officer, engagement, now)?;
        let code = match engagement {
            Engagement::SpokenTo => Some(fresh_code()?),
            Engagement::NotFound | Engagement::NotEngaged(_) => None,
        };
        let until = nanoseconds(until)?;
        let engaged = self.record(decided, |transaction, _| {
            let Some(code) = &code else { return Ok(()) };
            transaction
                .execute(
                    "INSERT INTO alert_receipts (code_hash, alert, deployment, until_ns) VALUES (?1, ?2, ?3, ?4)",
                    params![hash(code), alert.as_str(), deployment.as_str(), until],
                )
                .doing("keeping the hash of a receipt's code")
                .map(drop)
        })?;
        Ok((engaged, code))
    }

    /// What the receipt with this code says now. Anybody who holds the code may ask, while a complaint can name it; a
    /// code that is wrong and one that is too old are told apart by nobody.
    pub fn receipt(&self, code: &str, now: Timestamp) -> Result<AlertReceipt, StoreError> {
        let Answering { alert, deployment, until } = self.answering(code, now)?;
        let state = self.alert(&alert)?;
        let hold = self.standing_hold(&alert)?;
        let damaged = |found: &str| StoreError::Damaged { what: format!("alert {alert}"), found: found.into() };
        let (mut plan, mut camera, mut equipment) = (None, None, None);
        for (_, entry) in self.entries(Some(&deployment))? {
            match entry.fact {
                Fact::DeploymentProposed(proposed) => plan = Some(proposed),
                Fact::DeploymentStarted { equipment: used, .. } => equipment = Some(used),
                Fact::AlertRaised { alert: name, camera: seen_by, .. } if name == alert.as_str() => {
                    camera = Some(seen_by);
                }
                _ => {}
            }
        }
        let (Some(plan), Some(camera), Some(equipment)) = (plan, camera, equipment) else {
            return Err(damaged("its deployment is not told whole"));
        };
        let raised = state.raised();
        let held_until = hold.map_or(raised.expires, |hold| hold.until().max(raised.expires));
        let (engagement, outcome) = match &*state {
            AlertState::Engaged(engaged) => (Some(engaged.engagement), None),
            AlertState::Closed(closed) => (closed.engagement, Some(closed.outcome)),
            AlertState::Raised(_) | AlertState::JudgedOnce(_) | AlertState::Adjudicated(_) => (None, None),
        };
        let (Some(engagement), Some(judged)) = (engagement, state.adjudicated()) else {
            return Err(damaged("a receipt was given, but nobody was spoken to"));
        };
        Ok(AlertReceipt {
            force: self.force_of(&plan.operation)?,
            deployment: plan.deployment,
            deployment_kind: plan.deployment_kind,
            place: plan.place,
            camera,
            raised: raised.raised,
            purpose: plan.purpose,
            threshold: equipment.threshold,
            threshold_fpir: equipment.threshold_fpir,
            judgement: judged.judgement.word().into(),
            engagement: engagement.word().into(),
            outcome: outcome.map(|outcome| outcome.word().into()),
            deleted_by: held_until,
            answers_until: until,
            alert: alert.to_string(),
        })
    }

    /// What a code answers about, while it does.
    pub(crate) fn answering(&self, code: &str, now: Timestamp) -> Result<Answering, StoreError> {
        let unknown = || StoreError::Refusal(AlertRefusal::ReceiptUnknown.into());
        let code = ReceiptCode::parse(code).ok_or_else(unknown)?;
        let doing = "looking for a receipt";
        let mut statement = self
            .connection
            .prepare_cached("SELECT alert, deployment, until_ns FROM alert_receipts WHERE code_hash = ?1")
            .doing(doing)?;
        let found: Option<(String, String, i64)> = statement
            .query_row([hash(&code)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()
            .doing(doing)?;
        let (alert, deployment, until) = found.ok_or_else(unknown)?;
        let until = timestamp(until)?;
        if now >= until {
            return Err(unknown());
        }
        Ok(Answering { alert: alert_id(&alert)?, deployment: deployment_id(&deployment)?, until })
    }

    /// Forgets codes whose time is over.
    pub(crate) fn forget_receipts(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        let now = nanoseconds(now)?;
        self.connection
            .execute("DELETE FROM alert_receipts WHERE until_ns <= ?1", [now])
            .doing("forgetting codes of receipts")
    }

    /// The organisation that answers for an operation.
    fn force_of(&self, operation: &str) -> Result<String, StoreError> {
        let opened = self.entries(None)?.into_iter().find_map(|(_, entry)| match entry.fact {
            Fact::OperationOpened { operation: name, force, .. } if name == operation => Some(force),
            _ => None,
        });
        opened.ok_or_else(|| StoreError::Unknown { what: "the operation", name: operation.to_owned() })
    }
}

fn fresh_code() -> Result<ReceiptCode, StoreError> {
    let mut bytes = [0; RECEIPT_CODE_BYTES];
    getrandom::fill(&mut bytes).map_err(StoreError::Randomness)?;
    Ok(ReceiptCode::from_random(bytes))
}

/// The hash that is kept of a code. It has 80 random bits, so a plain hash tells as little as a slow one would.
fn hash(code: &ReceiptCode) -> [u8; 32] {
    Sha256::new().chain_update("overt receipt code 1\n").chain_update(code.as_bytes()).finalize().into()
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::{Outcome, Refusal, Role, WhyNot};
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::{Scene, files_holding, officer};

    pub(crate) fn engaged(engagement: Engagement) -> (Scene, AlertId, Option<ReceiptCode>) {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        scene.adjudicate(&alert);
        let (judged, now) = (scene.store().alert(&alert).unwrap().expect_adjudicated().unwrap(), scene.tick());
        let (_, code) = scene.store().engage(judged, &officer(Role::EngagementOfficer), engagement, now).unwrap();
        assert_eq!(scene.store().check().unwrap(), vec![]);
        (scene, alert, code)
    }

    #[test]
    fn whoever_holds_the_code_reads_the_receipt_until_its_time_is_over() {
        let (mut scene, alert, code) = engaged(Engagement::SpokenTo);
        let code = code.unwrap().to_string();
        for plain in [code.clone(), code.replace('-', "")] {
            assert_eq!(files_holding(&scene.dir(), plain.as_bytes()), 0, "only a hash is kept");
        }
        let now = scene.tick();
        let receipt = scene.store().receipt(&code.to_lowercase(), now).unwrap();
        assert_eq!((receipt.place.as_str(), receipt.force.as_str()), ("concourse", "Example force"));
        assert_eq!((receipt.camera.as_str(), receipt.threshold.as_str()), ("c1", "0.5"));
        assert_eq!((receipt.outcome, receipt.alert), (None, alert.to_string()));
        let AlertState::Engaged(engaged) = scene.store().alert(&alert).unwrap().into_inner() else { panic!("engaged") };
        let (policy, now) = (scene.store().policy().unwrap().unwrap(), scene.tick());
        let closed = engaged.record_outcome(&officer(Role::EngagementOfficer), Outcome::IdentityRefuted, &policy, now);
        scene.store().commit(closed.unwrap()).unwrap();
        scene.purged();
        scene.reopen();
        let now = scene.tick();
        let receipt = scene.store().receipt(&code, now).unwrap();
        assert_eq!(receipt.outcome.as_deref(), Some("identity refuted"), "after the purge too");
        let text = receipt.text(&ReceiptCode::parse(&code).unwrap());
        for said in [&code, "concourse", "identity refuted", "0.001", "Example force"] {
            assert!(text.contains(said), "{said}: {text}");
        }
        let now = scene.pass(policy.complaint_retention);
        let late = scene.store().receipt(&code, now);
        let unknown = |result: Result<AlertReceipt, StoreError>| matches!(result, Err(StoreError::Refusal(found)) if found == AlertRefusal::ReceiptUnknown.into());
        assert!(unknown(late));
        assert!(unknown(scene.store().receipt("0000-0000-0000-0000", now)));
        assert!(unknown(scene.store().receipt("'; DROP TABLE alerts", now)));
        scene.store().purge_due(now).unwrap();
        let kept: u64 =
            scene.store().connection.query_row("SELECT count(*) FROM alert_receipts", [], |row| row.get(0)).unwrap();
        assert_eq!((kept, scene.store().check().unwrap()), (0, vec![]));
    }

    #[test]
    fn nobody_is_engaged_but_by_an_engagement_officer_after_the_same_person_was_seen() {
        for engagement in [Engagement::NotFound, Engagement::NotEngaged(WhyNot::Recording)] {
            let (mut scene, alert, code) = engaged(engagement);
            assert!(code.is_none());
            let AlertState::Engaged(engaged) = scene.store().alert(&alert).unwrap().into_inner() else {
                panic!("engaged")
            };
            let (policy, now) = (scene.store().policy().unwrap().unwrap(), scene.tick());
            let outcome = |outcome| {
                engaged.clone().record_outcome(&officer(Role::EngagementOfficer), outcome, &policy, now).map(drop)
            };
            assert_eq!(outcome(Outcome::IdentityConfirmed), Err(AlertRefusal::NobodySpokenTo.into()));
            assert_eq!(outcome(Outcome::NoAction), Ok(()));
            let arrest = AlertRefusal::OutcomeNotInPolicy { outcome: "arrest" };
            assert_eq!(outcome(Outcome::Arrest), Err(arrest.into()));
        }
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        scene.adjudicate(&alert);
        let (judged, now) = (scene.store().alert(&alert).unwrap().expect_adjudicated().unwrap(), scene.tick());
        let refused = scene.store().engage(judged, &officer(Role::Operator), Engagement::SpokenTo, now);
        assert!(matches!(refused, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
    }

    #[test]
    fn an_outcome_is_put_right_by_those_who_may_also_after_the_purge() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        scene.adjudicate(&alert);
        scene.close_alert(&alert);
        scene.purged();
        let policy = scene.store().policy().unwrap().unwrap();
        let now = scene.pass(SignedDuration::from_hours(100));
        let AlertState::Closed(closed) = scene.store().alert(&alert).unwrap().into_inner() else { panic!("closed") };
        let reason = domain::Reclassification::ComplaintUpheld;
        let by = |who: Role, outcome| closed.clone().reclassify(&officer(who), outcome, reason, &policy, now);
        assert!(matches!(by(Role::Operator, Outcome::IdentityRefuted), Err(Refusal::RoleMayNot { .. })));
        let same = by(Role::DataProtectionOfficer, Outcome::IdentityConfirmed).unwrap_err();
        assert_eq!(same, AlertRefusal::OutcomeUnchanged { outcome: "identity confirmed" }.into());
        let d = scene.d();
        assert_eq!(scene.store().alert_figures(&d).unwrap().true_alerts, 1);
        let decided = by(Role::DataProtectionOfficer, Outcome::IdentityRefuted).unwrap();
        scene.store().commit(decided).unwrap();
        let figures = scene.store().alert_figures(&d).unwrap();
        assert_eq!((figures.true_alerts, figures.false_alerts, figures.reclassified), (0, 1, 1));
        assert_eq!((figures.faces_seen, figures.false_alert_rate()), (1, Some(1.0)));
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }
}
