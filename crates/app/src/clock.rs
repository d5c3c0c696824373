//! The machine's clock: the one place in the binary that reads it.

use domain::Clock;
use jiff::Timestamp;

/// Reads the machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the composition root's clock; rules get the time as an argument"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
