//! Custody of keys: that a key was replaced is on the auditor's record, and says nothing about anybody.

use jiff::Timestamp;

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};

/// Replaces the key of this name by its next, number `generation`. Nothing that is sealed is opened for it; `actor` is the
/// system when the key's time had come.
pub fn rotate_key(key: &str, generation: u32, actor: Actor, now: Timestamp) -> Decided<u32> {
    let happening = Happening::KeyRotated { key: key.to_owned(), generation };
    Decided::new(generation, Event { at: now, actor, happening })
}
