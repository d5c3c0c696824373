//! A deployment whose process was killed: the next command counts what is known of it and ends it. Software resumes none.

use anyhow::Result;
use domain::DeploymentId;
use jiff::Timestamp;
use store::Store;

/// Ends every deployment that the record has running, in a data directory that nobody else holds. Returns their names.
pub(super) fn end(store: &mut Store, now: Timestamp) -> Result<Vec<DeploymentId>> {
    let mut ended = Vec::new();
    for name in store.unfinished()? {
        if pipeline::recover(store, &name, now)? {
            ended.push(name);
        }
    }
    Ok(ended)
}
