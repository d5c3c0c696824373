//! "Was I on a list?": asked by the data-protection officer after the list is destroyed, answered yes or no, and counted.
//!
//! What can be asked for is a reference from outside, such as a custody number, or a name with a date of birth. The store
//! keeps a keyed commitment of each listed person's reference, which answers for a reference that is put to it and
//! nothing else.

use std::fmt;

use jiff::Timestamp;

use crate::decided::Decided;
use crate::deployment::{Deployment, Plan, Purged};
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::policy::{Held, Policy};
use crate::refusal::Refusal;

/// Most questions in any 24 hours, over all deployments: enough for the people who ask, too few to go through a register.
pub const QUESTIONS_PER_DAY_MAX: u64 = 20;
/// Fewest letters and digits of a reference: below, it would fit too many people.
const REFERENCE_CHARS_MIN: usize = 4;
/// Most letters and digits of a reference.
const REFERENCE_CHARS_MAX: usize = 200;

/// A person's reference outside this software, in the one spelling in which it is compared: letters and digits only, in
/// capitals, so that `ab-12/3456` and `AB 12 3456` are one. Never stored, shown or logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(String);

impl Reference {
    /// Reads a reference as people write it.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        if text.chars().any(char::is_control) {
            return Err(Refusal::ReferenceUnusable);
        }
        let plain: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
        let chars = plain.chars().count();
        if !(REFERENCE_CHARS_MIN..=REFERENCE_CHARS_MAX).contains(&chars) {
            return Err(Refusal::ReferenceUnusable);
        }
        Ok(Self(plain))
    }

    /// The one spelling, for the store's commitment.
    pub fn canonical(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Reference(not shown)")
    }
}

/// Decides that a question may be answered. Asking is an event, whatever the answer.
pub fn ask(
    deployment: &Deployment,
    officer: &Officer,
    asked_in_24_hours: u64,
    now: Timestamp,
) -> Result<Decided<()>, Refusal> {
    let by = officer.act_as(&[Role::DataProtectionOfficer], "ask whether somebody was listed", now)?;
    match deployment {
        Deployment::Ended(_) | Deployment::Purged(_) => {}
        other => return Err(Refusal::WrongState { attempted: "asked about", state: other.state() }),
    }
    if asked_in_24_hours >= QUESTIONS_PER_DAY_MAX {
        return Err(Refusal::TooManyQuestions { per_day_max: QUESTIONS_PER_DAY_MAX });
    }
    let happening = Happening::ListedAsked { deployment: deployment.plan().deployment.clone() };
    Ok(Decided::new((), Event { at: now, actor: Actor::Officer(by), happening }))
}

/// When the commitments of a deployment must be destroyed, as fixed when its list is frozen.
pub fn commitments_due(plan: &Plan, policy: &Policy) -> Timestamp {
    policy.kept(Held::ListCommitment).gone_by(plan.ends)
}

/// The commitments have been destroyed with their key; `questions` is how often they were asked.
pub fn destroy_commitments(purged: &Purged, questions: u64, now: Timestamp) -> Decided<()> {
    let happening = Happening::CommitmentsDestroyed { deployment: purged.plan().deployment.clone(), questions };
    Decided::new((), Event { at: now, actor: Actor::System, happening })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watchlist::roll::tests::{plan, policy};

    #[test]
    fn references_are_one_however_they_are_written() {
        let reference = |text| Reference::new(text).unwrap();
        assert_eq!(reference("ab-12/3456"), reference("AB 12 3456"));
        assert_eq!(reference("Müller, Anna 1990-01-02"), reference("MÜLLER ANNA 19900102"));
        assert_ne!(reference("AB 12 3456"), reference("AB 12 3457"));
        for unusable in ["", "---", "a-1", "ab\u{0}123456", &"9".repeat(201)] {
            assert_eq!(Reference::new(unusable).unwrap_err(), Refusal::ReferenceUnusable, "{unusable:?}");
        }
        assert!(!format!("{:?}", reference("AB 12 3456")).contains("3456"));
    }

    #[test]
    fn a_reference_has_one_spelling_which_is_not_shown() {
        let reference = Reference::new("ab-12/3456").unwrap();
        assert_eq!(reference.canonical(), "AB123456");
        assert_eq!(format!("{reference:?}"), "Reference(not shown)");
        for (length, usable) in [(3, false), (4, true), (200, true), (201, false)] {
            assert_eq!(Reference::new(&"9".repeat(length)).is_ok(), usable, "{length} digits");
        }
    }

    #[test]
    fn what_answers_is_destroyed_the_policys_time_after_the_end_of_the_window() {
        let policy = Policy { commitment_retention: jiff::SignedDuration::from_secs(60), ..policy() };
        assert_eq!(commitments_due(&plan(), &policy), plan().ends + jiff::SignedDuration::from_secs(60));
    }
}
