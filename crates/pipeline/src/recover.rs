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
    let live = match store.deployment(deployment)?.into_inner() {
        Deployment::Live(live) => live,
        Deployment::Paused(paused) => {
            store.commit(paused.end("ended after an interruption", now)?)?;
            return Ok(true);
        }
        _ => return Ok(false),
    };
    let raised = store.alerts(deployment)?.len() as u64;
    let kept = raised.saturating_sub(live.counted().alerts_kept);
    let counts = Counts { faces_seen: kept, templates_made: kept, templates_destroyed: 0, alerts_kept: kept };
    let live = store.commit(live.count(counts, now)?)?.into_inner();
    store.commit(live.end("the process was interrupted; counts since the last receipt are of alerts only", now)?)?;
    Ok(true)
}
