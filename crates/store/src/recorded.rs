//! The proof that something is on the record: made only after the transaction is durable, or by reading the record.

use std::ops::Deref;

use domain::{
    Adjudicated, AlertState, Announced, Approved, Deployment, Ended, Live, Paused, Proposed, Purged, Refusal,
};

/// A value that is on the record. Nobody outside this crate can make one.
#[derive(Debug)]
pub struct Recorded<T>(T);

impl<T> Recorded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// Another form of the same recorded value.
    pub(crate) fn map<U>(self, form: impl FnOnce(T) -> U) -> Recorded<U> {
        Recorded(form(self.0))
    }

    /// The value itself, for the next decision about it.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Recorded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// `expect_live` and its kin on a recorded deployment: the state asked for, still recorded, or the refusal.
macro_rules! expect {
    ($($function:ident -> $state:ident;)*) => {
        impl Recorded<Deployment> {
            $(
            /// The deployment in this state, still recorded, or the refusal that names the state found.
            pub fn $function(self) -> Result<Recorded<$state>, Refusal> {
                self.0.$function().map(Recorded)
            })*
        }
    };
}

impl Recorded<AlertState> {
    /// The judged alert, whatever followed since, still recorded, or the refusal that says what is missing.
    pub fn expect_adjudicated(self) -> Result<Recorded<Adjudicated>, Refusal> {
        self.0.expect_adjudicated().map(Recorded)
    }
}

expect! {
    expect_proposed -> Proposed;
    expect_approved -> Approved;
    expect_announced -> Announced;
    expect_live -> Live;
    expect_paused -> Paused;
    expect_ended -> Ended;
    expect_purged -> Purged;
}
