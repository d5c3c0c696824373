//! Custody of keys: that a deployment's key was replaced is on the auditor's record, and says nothing about anybody.

use jiff::Timestamp;

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::DeploymentId;

/// Replaces the key of a deployment by its next, number `generation`. Nothing that is sealed is opened for it; `actor` is
/// the system when the key's time had come.
pub fn rotate_key(deployment: &DeploymentId, generation: u32, actor: Actor, now: Timestamp) -> Decided<u32> {
    let happening = Happening::KeyRotated { deployment: deployment.clone(), generation };
    Decided::new(generation, Event { at: now, actor, happening })
}
