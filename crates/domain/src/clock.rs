//! The seam through which time enters: rules take `now` as an argument, and only the composition root has a clock.

use jiff::Timestamp;

/// Tells the time. The binary has one that reads the machine's clock; tests have one that is set by hand.
pub trait Clock: Send + Sync {
    /// The present moment, UTC.
    fn now(&self) -> Timestamp;
}
