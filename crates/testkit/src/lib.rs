//! Charter: development only. What tests need in place of the world: a clock that is set by hand, and ears for all that is told to a log.
//!
//! This crate refuses to be part of the binary.

pub mod told;

use std::sync::Mutex;

use domain::Clock;
use jiff::{SignedDuration, Timestamp};

/// A clock that stands still until it is set. Shared between threads by reference or in an `Arc`.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows this moment.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves it forward, or back; returns what it shows then.
    pub fn advance(&self, by: SignedDuration) -> Timestamp {
        let mut now = self.shown();
        *now += by;
        *now
    }

    /// Sets it.
    pub fn set(&self, now: Timestamp) {
        *self.shown() = now;
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Timestamp> {
        // A test that panicked while it held the clock has failed already; the time is whole in any case.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_when_told() {
        let start: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        let clock = ManualClock::at(start);
        assert_eq!(clock.now(), start);
        assert_eq!(clock.advance(SignedDuration::from_secs(5)), start + SignedDuration::from_secs(5));
        assert_eq!(clock.advance(SignedDuration::from_secs(-6)), start - SignedDuration::from_secs(1));
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
