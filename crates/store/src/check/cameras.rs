//! Doubting what is kept of cameras: a commitment whose salt is lost could never be opened again.

use evidence::Fact;

use super::Findings;
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Every camera on the record against the salt that is kept for it.
    pub(super) fn check_cameras(&self, findings: &mut Findings) -> Result<(), StoreError> {
        for d in self.deployment_ids("SELECT DISTINCT deployment FROM events WHERE kind = 'camera-declared'")? {
            for (_, entry) in self.entries(Some(&d))? {
                let Fact::CameraDeclared(declared) = entry.fact else { continue };
                if self.camera_salt(&d, &declared.camera)?.is_none() {
                    let found = format!(
                        "the salt of the address of camera {} is missing: nobody can be shown which camera it was",
                        declared.camera
                    );
                    findings.tell(format!("deployment {d}"), found);
                }
            }
        }
        Ok(())
    }
}
