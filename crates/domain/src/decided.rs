//! A decision: the new state together with the event that says so. Neither is to be had without the other.

use crate::event::Event;

/// What a rule decided. Only this crate can make one; only the store takes it apart, after both are durable.
#[derive(Debug)]
#[must_use = "a decision that is not recorded has not happened"]
pub struct Decided<T> {
    state: T,
    event: Event,
}

impl<T> Decided<T> {
    pub(crate) fn new(state: T, event: Event) -> Self {
        Self { state, event }
    }

    /// The state that will be when the event is recorded.
    pub fn state(&self) -> &T {
        &self.state
    }

    /// The event, to be recorded.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Both parts. The state means nothing until the event is recorded.
    pub fn into_parts(self) -> (T, Event) {
        (self.state, self.event)
    }
}
