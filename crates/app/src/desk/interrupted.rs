//! A deployment whose process was killed: the next command counts what is known of it and ends it. Software resumes none.

use anyhow::Result;
use domain::{Counts, Deployment, DeploymentId};
use jiff::Timestamp;
use store::Store;

/// Ends every deployment that the record has running, in a data directory that nobody else holds. Returns their names.
///
/// What the dead process had counted since its last receipt died with it, and so did every template it held: only alerts
/// were durable, and they are what the last receipt counts. Seeded pairs are no alerts, and no template was made for them.
pub(super) fn end(store: &mut Store, now: Timestamp) -> Result<Vec<DeploymentId>> {
    let reason = "the process was interrupted; counts since the last receipt are of alerts only";
    let mut ended = Vec::new();
    for name in store.unfinished()? {
        let kept = |counted: Counts, alerts: u64| {
            let kept = alerts.saturating_sub(counted.alerts_kept);
            Counts { faces_seen: kept, templates_made: kept, templates_destroyed: 0, alerts_kept: kept }
        };
        let end = match store.deployment(&name)?.into_inner() {
            Deployment::Live(live) => {
                let counts = kept(live.counted(), store.alert_figures(&name)?.alerts);
                store.commit(live.count(counts, now)?)?.into_inner().end(reason, now)?
            }
            Deployment::Paused(paused) => {
                let counts = kept(paused.counted(), store.alert_figures(&name)?.alerts);
                store.commit(paused.count(counts, now)?)?.into_inner().end(reason, now)?
            }
            _ => continue,
        };
        store.commit(end)?;
        ended.push(name);
    }
    Ok(ended)
}
