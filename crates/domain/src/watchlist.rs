//! One entry of the list of people sought in one deployment, and what must be known of it.

use jiff::civil::Date;

use crate::identifiers::ShareId;
use crate::policy::Policy;
use crate::refusal::Refusal;

/// What is recorded of a watchlist entry beside its image. In an exercise the label is `exercise subject N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFacts {
    /// What operators see.
    pub label: String,
    /// Why the person is listed, from the policy's closed vocabulary.
    pub ground: String,
    /// Where the image comes from.
    pub image_source: String,
    /// On what legal basis it is held.
    pub legal_basis: String,
    /// When the image was taken, as far as known.
    pub image_date: Date,
    /// Whose image it is.
    pub origin: Origin,
}

/// Where a listed image comes from: an image of another body enters only under a share that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The force's own.
    Own,
    /// Another body's, under this share.
    Share(ShareId),
}

impl EntryFacts {
    /// Checks the entry against the policy in force.
    pub fn check(&self, policy: &Policy) -> Result<(), Refusal> {
        if !policy.grounds.contains(&self.ground) {
            return Err(Refusal::GroundNotInPolicy { ground: self.ground.clone() });
        }
        let blank = [&self.label, &self.image_source, &self.legal_basis].iter().any(|text| text.trim().is_empty());
        if blank { Err(Refusal::WatchlistEntryIncomplete) } else { Ok(()) }
    }
}
