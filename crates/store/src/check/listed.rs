//! Doubting what outlives a list: commitments to who was listed, and people suppressed, each with its key and its time.

use domain::Deployment;
use jiff::Timestamp;

use super::Findings;
use crate::error::StoreError;
use crate::sealing::{KeyKind, KeyState};
use crate::store::Store;

impl Store {
    /// That commitments have their key, belong to a deployment that was not given up, and are not past their time.
    pub(super) fn check_listed(&self, now: Timestamp, findings: &mut Findings) -> Result<(), StoreError> {
        let named = self
            .deployment_ids("SELECT deployment FROM commitment_keys UNION SELECT deployment FROM listed_commitments")?;
        for d in named {
            let place = format!("commitments of {d}");
            let keys = self.keys_of(KeyKind::Commitments);
            match keys.state(&d)? {
                KeyState::InUse => match keys.read_bytes(&d) {
                    Ok(_) => {}
                    Err(error) => findings.tell_of_key(&place, error)?,
                },
                KeyState::Destroying => findings.tell(&place, "their destruction was begun and not finished"),
                KeyState::None => findings.tell(&place, "they are kept without their key"),
            }
            match self.deployment(&d) {
                Ok(found) if matches!(*found, Deployment::Withdrawn(_)) => {
                    findings.tell(&place, "the deployment was withdrawn, and they are kept");
                }
                Ok(found) => {
                    let over = matches!(*found, Deployment::Purged(_));
                    if let Some(until) = self.commitments_until(&d)?.filter(|until| over && *until <= now) {
                        findings.tell(&place, format!("they had to be destroyed by {until}"));
                    }
                }
                Err(StoreError::Damaged { .. }) => {}
                Err(StoreError::Unknown { .. }) => findings.tell(&place, "nothing on the record speaks of it"),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// That every suppression opens with its key and is not past its time.
    pub(super) fn check_suppressions(&self, now: Timestamp, findings: &mut Findings) -> Result<(), StoreError> {
        for found in self.suppressions()? {
            let place = format!("suppression {}", found.suppression);
            if found.expires <= now {
                findings.tell(&place, format!("it had to be erased by {}", found.expires));
            }
            let keys = self.keys_of(KeyKind::Suppression);
            if keys.state(&found.suppression)? != KeyState::InUse {
                findings.tell(&place, "its erasure was begun and not finished");
                continue;
            }
            let key = match keys.read(&found.suppression) {
                Ok(key) => key,
                Err(error) => {
                    findings.tell_of_key(&place, error)?;
                    continue;
                }
            };
            for column in ["suppressions.consent", "suppressions.template", "suppressions.link"] {
                match self.open_suppression(&key, &found.suppression, column) {
                    Ok(_) => {}
                    Err(error @ StoreError::SealBroken { .. }) => findings.tell(&place, error.to_string()),
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(())
    }
}
