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
