//! Custody of keys: that a key was replaced is on the auditor's record, and says nothing about anybody.

use jiff::Timestamp;

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::refusal::Refusal;

/// The administrator replaces the key of this name by its next, number `generation`. Nothing that is sealed is opened for
/// it, so that whoever may see no face may do it.
pub fn rotate_key(key: &str, generation: u32, officer: &Officer, now: Timestamp) -> Result<Decided<u32>, Refusal> {
    let by = officer.act_as(&[Role::Administrator], "replace a key", now)?;
    Ok(rotated(key, generation, Actor::Officer(by), now))
}

/// The time of a key has come, and the system replaces it.
pub fn rotate_key_when_due(key: &str, generation: u32, now: Timestamp) -> Decided<u32> {
    rotated(key, generation, Actor::System, now)
}

fn rotated(key: &str, generation: u32, actor: Actor, now: Timestamp) -> Decided<u32> {
    let happening = Happening::KeyRotated { key: key.to_owned(), generation };
    Decided::new(generation, Event { at: now, actor, happening })
}
