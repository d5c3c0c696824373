//! After a crash: a deployment that was live is counted as far as the record goes, and ended. It is never resumed by software.

use domain::{Counts, Deployment, DeploymentId};
use jiff::Timestamp;
use store::Store;

use crate::error::PipelineError;

/// Ends a deployment that a killed process left live or paused. Says whether there was anything to do.
///
/// What the dead process had counted since its last receipt died with it, and so did every template it held: only alerts
/// were durable, and they are what the last receipt counts.
pub fn recover(store: &mut Store, deployment: &DeploymentId, now: Timestamp) -> Result<bool, PipelineError> {
    let reason = "the process was interrupted; counts since the last receipt are of alerts only";
    // Seeded pairs are no alerts, and no template was made for them.
    let raised = store.alert_figures(deployment)?.alerts;
    let ended = match store.deployment(deployment)?.into_inner() {
        Deployment::Live(live) => {
            let counts = alerts_only(raised, live.counted());
            store.commit(live.count(counts, now)?)?.into_inner().end(reason, now)?
        }
        Deployment::Paused(paused) => {
            let counts = alerts_only(raised, paused.counted());
            store.commit(paused.count(counts, now)?)?.into_inner().end(reason, now)?
        }
        _ => return Ok(false),
    };
    store.commit(ended)?;
    Ok(true)
}

/// The alerts that no receipt has counted yet.
fn alerts_only(raised: u64, counted: Counts) -> Counts {
    let kept = raised.saturating_sub(counted.alerts_kept);
    Counts { faces_seen: kept, templates_made: kept, templates_destroyed: 0, alerts_kept: kept }
}
