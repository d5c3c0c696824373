//! How a source's own time relates to real time.

/// Who sets the pace at which frames come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The source waits for the consumer; nothing is dropped.
    AsFastAsConsumed,
    /// Each frame comes when its offset says. When the queue is full the *oldest* frame is dropped and counted.
    RealTime,
}
