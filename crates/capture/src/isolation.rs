//! What this process and a decoder's process share: a socket for words, a ring of memory for pictures, and no trust.
//!
//! The decoder reads what a camera sends; after its first packet it may be anybody's. Everything it says is therefore
//! read once, checked against what can be, and never used as a length or a place before that. What it does wrong ends it.

pub(crate) mod message;
pub(crate) mod ring;
pub mod process;
pub(crate) mod socket;
pub(crate) mod session;

pub(crate) use ring::Slot;
