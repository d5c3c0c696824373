//! Exercises that an earlier process left behind: ended if it was killed, purged in any case, before a new one begins.

use std::path::Path;

use anyhow::{Context, Result};
use domain::{Clock, Deployment};
use store::Store;

/// Ends and purges every exercise left under a directory. One that another process is running is left alone.
pub(crate) fn sweep(directory: &Path, clock: &dyn Clock) -> Result<()> {
    let reading = || format!("looking for earlier exercises in {}", directory.display());
    for entry in std::fs::read_dir(directory).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        if !path.join("overt.db").is_file() {
            continue;
        }
        let mut store = match Store::open(&path) {
            Ok(store) => store,
            Err(store::StoreError::Locked { .. }) => continue,
            Err(error) => {
                eprintln!("the earlier exercise in {} was left as it is: {error}", path.display());
                continue;
            }
        };
        for deployment in store.deployments()? {
            if pipeline::recover(&mut store, &deployment, clock.now())? {
                eprintln!("{deployment} had been interrupted: it is ended");
            }
            if let Deployment::Ended(_) = &*store.deployment(&deployment)? {
                let ended = store.deployment(&deployment)?.expect_ended()?;
                store.purge(ended, clock.now())?;
                eprintln!("{deployment} is purged");
            }
        }
        store.publish(clock.now())?;
    }
    Ok(())
}
