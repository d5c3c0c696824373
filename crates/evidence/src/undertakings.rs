//! Shares and complaints on the record: what may follow what.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Fact, ShareTerms};

/// The shares and complaints spoken of so far.
#[derive(Debug, Default)]
pub(crate) struct Undertakings {
    shares: BTreeMap<String, Share>,
    /// Whether each complaint has been answered, until it is forgotten.
    complaints: BTreeMap<String, bool>,
}

#[derive(Debug)]
struct Share {
    terms: ShareTerms,
    approved: bool,
    revoked: bool,
    /// The earliest use of which nothing has been reported yet.
    unreported_since: Option<Timestamp>,
}

impl Undertakings {
    /// Measures a fact about a share or a complaint against what came before it.
    pub(crate) fn take(&mut self, at: Timestamp, fact: &Fact) -> Vec<String> {
        match fact {
            Fact::ShareProposed(terms) => self.propose(at, terms),
            Fact::ShareApproved { share, .. } => self.go_on(share, |known| known.approve()),
            Fact::ShareUsed { share, counterpart, direction, what, .. } => {
                self.go_on(share, |known| known.pass(at, counterpart, direction, what))
            }
            Fact::ShareOutcomeReported { share } => self.go_on(share, Share::report),
            Fact::ShareRevoked { share, .. } => self.go_on(share, Share::revoke),
            Fact::ComplaintReceived { complaint, .. } => {
                let twice = self.complaints.insert(complaint.clone(), false).is_some();
                told(twice, || format!("complaint {complaint} was received twice"))
            }
            Fact::ComplaintAnswered { complaint, .. } => match self.complaints.get_mut(complaint) {
                None => vec![format!("complaint {complaint} was answered, but never received")],
                Some(answered) => {
                    told(std::mem::replace(answered, true), || format!("complaint {complaint} was answered twice"))
                }
            },
            Fact::ComplaintForgotten { complaint } => {
                let unknown = self.complaints.remove(complaint).is_none();
                told(unknown, || format!("complaint {complaint} was forgotten, but never received"))
            }
            _ => vec![],
        }
    }

    fn propose(&mut self, at: Timestamp, terms: &ShareTerms) -> Vec<String> {
        let name = terms.share.clone();
        let mut wrong = told(terms.expires <= at, || format!("share {name} had expired when it was proposed"));
        let share = Share { terms: terms.clone(), approved: false, revoked: false, unreported_since: None };
        let twice = self.shares.insert(name.clone(), share).is_some();
        wrong.extend(told(twice, || format!("share {name} was proposed twice")));
        wrong
    }

    fn go_on(&mut self, name: &str, step: impl FnOnce(&mut Share) -> Vec<&'static str>) -> Vec<String> {
        match self.shares.get_mut(name) {
            None => vec![format!("share {name} is spoken of, but was never proposed")],
            Some(share) => step(share).into_iter().map(|wrong| format!("share {name} {wrong}")).collect(),
        }
    }
}

impl Share {
    fn approve(&mut self) -> Vec<&'static str> {
        let mut wrong = told(self.revoked, || "was approved after it was revoked");
        wrong.extend(told(std::mem::replace(&mut self.approved, true), || "was approved twice"));
        wrong
    }

    fn pass(&mut self, at: Timestamp, counterpart: &str, direction: &str, what: &str) -> Vec<&'static str> {
        let terms = &self.terms;
        let since = *self.unreported_since.get_or_insert(at);
        let waited = at.duration_since(since).as_secs().unsigned_abs();
        let agreed = terms.counterpart == counterpart && terms.direction == direction && terms.what == what;
        [
            (!self.approved, "was used before it was approved"),
            (self.revoked, "was used after it was revoked"),
            (at >= terms.expires, "was used after it expired"),
            (waited >= terms.outcome_due_seconds.max(1), "was used although an outcome of it was overdue"),
            (!agreed, "was used for something else than it was agreed for"),
        ]
        .into_iter()
        .filter_map(|(wrong, sentence)| wrong.then_some(sentence))
        .collect()
    }

    fn report(&mut self) -> Vec<&'static str> {
        told(self.unreported_since.take().is_none(), || "had an outcome reported, but nothing had passed")
    }

    fn revoke(&mut self) -> Vec<&'static str> {
        told(std::mem::replace(&mut self.revoked, true), || "was revoked twice")
    }
}

fn told<T>(wrong: bool, sentence: impl FnOnce() -> T) -> Vec<T> {
    if wrong { vec![sentence()] } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, complaint, share};

    fn read(facts: &[Fact]) -> String {
        let mut undertakings = Undertakings::default();
        let wrong = facts.iter().zip(0..).flat_map(|(fact, second)| undertakings.take(at(second), fact));
        wrong.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_share_is_proposed_approved_used_reported_and_revoked_in_that_order() {
        let facts = share();
        assert_eq!(read(&facts), "");
        let found: Vec<String> = (0..facts.len())
            .map(|left_out| {
                let mut fewer = facts.clone();
                fewer.remove(left_out);
                read(&fewer)
            })
            .collect();
        assert!(found[0].contains("never proposed"), "{found:?}");
        assert!(found[1].contains("used before it was approved"), "{found:?}");
        assert!(found[2].contains("nothing had passed"), "{found:?}");
        assert_eq!(found[3..], ["", ""]);
        for twice in [0, 1, 3, 4] {
            let mut more = facts.clone();
            more.insert(twice, facts[twice].clone());
            assert!(!read(&more).is_empty(), "{:?}", facts[twice]);
        }
        let mut late = facts.clone();
        late.swap(2, 4);
        assert!(read(&late).contains("used after it was revoked"), "{}", read(&late));
        for change in [
            |terms: &mut ShareTerms| terms.expires = at(2),
            |terms: &mut ShareTerms| terms.counterpart = "another".into(),
            |terms: &mut ShareTerms| terms.direction = "in".into(),
            |terms: &mut ShareTerms| terms.what = "statistics".into(),
        ] {
            let mut changed = facts.clone();
            let Fact::ShareProposed(terms) = &mut changed[0] else { panic!("the first proposes") };
            change(terms);
            assert!(read(&changed).contains("was used"), "{}", read(&changed));
        }
    }

    #[test]
    fn a_use_after_an_overdue_outcome_is_found() {
        let mut facts = share();
        let Fact::ShareProposed(terms) = &mut facts[0] else { panic!("the first proposes") };
        terms.outcome_due_seconds = 1;
        let twice = [facts[0].clone(), facts[1].clone(), facts[2].clone(), facts[2].clone()];
        assert!(read(&twice).contains("overdue"), "{}", read(&twice));
        assert_eq!(read(&facts), "");
    }

    #[test]
    fn a_complaint_is_received_answered_and_forgotten() {
        let facts = complaint();
        assert_eq!(read(&facts), "");
        assert!(read(&facts[1..]).contains("never received"));
        assert_eq!(read(&[facts[0].clone(), facts[2].clone()]), "", "it may be forgotten unanswered");
        assert!(read(&[facts[0].clone(), facts[0].clone()]).contains("received twice"));
        assert!(read(&[facts[0].clone(), facts[1].clone(), facts[1].clone()]).contains("answered twice"));
    }
}
