//! The list of people sought in one deployment: who may stand on it, what must be known of them, and what is said of it.
//!
//! Reading order: one entry, whether it needs a higher approval, how alike two entries are, the list as a whole and what
//! is published of it; then what outlives it: suppression of a look-alike, and "was I on a list?".

mod composition;
mod entry;
mod likeness;
mod protection;
mod question;
mod roll;
mod suppression;

pub use composition::{GROUP_PEOPLE_MIN, NOT_BROKEN_DOWN, published};
pub use entry::{Age, EntryFacts, Origin, Retention, TEXT_CHARS_MAX};
pub use likeness::{Flag, Likeness};
pub use protection::{Approval, Listing, Protection};
pub use question::{QUESTIONS_PER_DAY_MAX, Reference, ask, commitments_due, destroy_commitments};
pub use roll::Roll;
pub use suppression::{Consent, NearestSuppressed, Suppression, suppress};
