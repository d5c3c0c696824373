//! Who may be listed only after a higher approval: children, those whose age is not known, and whom the policy names.

use crate::identifiers::OfficerId;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::watchlist::entry::EntryFacts;

/// Why listing somebody needs a higher approval, or that it does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// An adult whom the policy does not protect further.
    NotNeeded,
    /// A child, or somebody who may be one.
    Child,
    /// A word of the policy's vocabulary.
    Named(String),
}

/// Whether a higher approval was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// An authorising officer who did not list the person approved.
    Given,
    /// Nobody did.
    Missing,
}

/// A person on a list, as somebody who approves has them before their eyes.
#[derive(Clone, Debug)]
pub struct Listing<'a> {
    /// Number of the entry that is looked at.
    pub number: u32,
    /// What is known.
    pub facts: &'a EntryFacts,
    /// Everybody who entered an image of this person.
    pub listers: &'a [OfficerId],
}

impl Protection {
    /// What an entry needs.
    pub fn of(facts: &EntryFacts, policy: &Policy) -> Self {
        let adult = facts.age.is_adult(policy) && facts.age_at_image.is_adult(policy);
        match &facts.protected {
            // Somebody who is an adult now and was a child in the picture is listed as a child was photographed.
            _ if !adult => Self::Child,
            Some(word) => Self::Named(word.clone()),
            None => Self::NotNeeded,
        }
    }

    /// The name of the group, on the record.
    pub fn word(&self) -> &str {
        match self {
            Self::NotNeeded => "not needed",
            Self::Child => "child or age unknown",
            Self::Named(word) => word,
        }
    }
}

impl Listing<'_> {
    /// Whether this officer may give the approval that the person needs.
    pub(crate) fn check_approval(&self, by: &OfficerId, reason: &str, policy: &Policy) -> Result<(), Refusal> {
        if self.listers.contains(by) {
            return Err(Refusal::ListerMayNotApprove);
        }
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        match Protection::of(self.facts, policy) {
            Protection::NotNeeded => Err(Refusal::ApprovalNotNeeded),
            Protection::Child | Protection::Named(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watchlist::Age;
    use crate::watchlist::roll::tests::{facts, policy};

    #[test]
    fn children_those_who_may_be_and_whom_the_policy_names_need_an_approval() {
        let of = |change: fn(&mut EntryFacts)| {
            let mut changed = facts("a");
            change(&mut changed);
            Protection::of(&changed, &policy())
        };
        assert_eq!(of(|_| {}), Protection::NotNeeded);
        assert_eq!(of(|f| f.age = Age::AtLeast(17)), Protection::Child);
        assert_eq!(of(|f| f.age_at_image = Age::AtLeast(17)), Protection::Child);
        assert_eq!(of(|f| f.age_at_image = Age::Unknown), Protection::Child);
        assert_eq!(of(|f| f.protected = Some("deceased".into())), Protection::Named("deceased".into()));
    }

    #[test]
    fn whoever_listed_the_person_may_not_approve_and_a_reason_is_given() {
        let (lister, other) = (OfficerId::new("lister").unwrap(), OfficerId::new("other").unwrap());
        let mut child = facts("a");
        child.age = Age::AtLeast(15);
        child.age_at_image = Age::AtLeast(15);
        let listers = [lister.clone()];
        let listing = Listing { number: 1, facts: &child, listers: &listers };
        assert_eq!(listing.check_approval(&other, "risk to life", &policy()), Ok(()));
        assert_eq!(listing.check_approval(&lister, "risk to life", &policy()), Err(Refusal::ListerMayNotApprove));
        assert_eq!(listing.check_approval(&other, " ", &policy()), Err(Refusal::ReasonMissing));
        let adult = facts("b");
        let listing = Listing { facts: &adult, ..listing };
        assert_eq!(listing.check_approval(&other, "why not", &policy()), Err(Refusal::ApprovalNotNeeded));
    }
}
