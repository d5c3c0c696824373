//! What the alerts of one deployment come to: the numbers that trip-wires and the published table are made of.

use std::collections::BTreeMap;

use evidence::{Entry, Fact};

use crate::alert::{Judgement, Outcome, Truth};

/// Counts of one deployment, read from its entries. Seeded pairs are no alerts and are in none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Faces tracked in the zone: the denominator of every rate.
    pub faces_seen: u64,
    /// Alerts raised.
    pub alerts: u64,
    /// An identity check confirmed the person.
    pub true_alerts: u64,
    /// An identity check showed somebody else, or, where none was made, whoever judged it saw somebody else.
    pub false_alerts: u64,
    /// Judged, and nobody knows: no check was made, or it could not be told.
    pub unconfirmed: u64,
    /// Nobody has judged them, or only the first of two.
    pub unjudged: u64,
    /// Judged by two people who saw different things.
    pub disputed: u64,
    /// Judged by two people, alike or not.
    pub judged_by_two: u64,
    /// People spoken to.
    pub spoken_to: u64,
    /// Outcomes that were put right afterwards.
    pub reclassified: u64,
    /// Arrests and other disposals.
    pub disposals: u64,
}

#[derive(Default)]
struct Known {
    judgement: Option<Judgement>,
    outcome: Option<Outcome>,
    reclassified: bool,
}

impl Figures {
    /// Counts, from the entries of one deployment in any number, oldest first.
    pub fn of<'entry>(entries: impl IntoIterator<Item = &'entry Entry>) -> Self {
        let mut figures = Self::default();
        let mut alerts = BTreeMap::<&str, Known>::new();
        for entry in entries {
            figures.take(&entry.fact, &mut alerts);
        }
        for known in alerts.values() {
            figures.count(known);
        }
        figures
    }

    /// False alerts per face seen; nothing where no face was seen.
    pub fn false_alert_rate(&self) -> Option<f64> {
        (self.faces_seen > 0).then(|| self.false_alerts as f64 / self.faces_seen as f64)
    }

    fn take<'entry>(&mut self, fact: &'entry Fact, alerts: &mut BTreeMap<&'entry str, Known>) {
        match fact {
            Fact::DeletionReceipt { counts, .. } => {
                self.faces_seen = self.faces_seen.saturating_add(counts.faces_seen);
            }
            Fact::AlertRaised { alert, .. } => drop(alerts.entry(alert).or_default()),
            Fact::AlertAdjudicated { alert, judgement, .. } => {
                alerts.entry(alert).or_default().judgement = Judgement::from_word(judgement);
            }
            Fact::AlertJudgedTwice { alert, first, second, .. } => {
                self.judged_by_two += 1;
                self.disputed += u64::from(first != second);
                let agreed = if first == second { Judgement::from_word(first) } else { Some(Judgement::CannotTell) };
                alerts.entry(alert).or_default().judgement = agreed;
            }
            Fact::AlertEngaged { engagement, .. } => self.spoken_to += u64::from(engagement == "spoken to"),
            Fact::OutcomeRecorded { alert, outcome, .. } => {
                alerts.entry(alert).or_default().outcome = Outcome::from_word(outcome);
            }
            Fact::OutcomeReclassified { alert, outcome, .. } => {
                let known = alerts.entry(alert).or_default();
                known.outcome = Outcome::from_word(outcome);
                known.reclassified = true;
            }
            _ => {}
        }
    }

    fn count(&mut self, known: &Known) {
        self.alerts += 1;
        self.reclassified += u64::from(known.reclassified);
        self.disposals += u64::from(matches!(known.outcome, Some(Outcome::Arrest | Outcome::OtherDisposal)));
        let Some(judgement) = known.judgement else {
            self.unjudged += 1;
            return;
        };
        let checked = known.outcome.map_or(Truth::Unconfirmed, Outcome::truth);
        match crate::alert::truth(judgement, checked) {
            Truth::True => self.true_alerts += 1,
            Truth::False => self.false_alerts += 1,
            Truth::Unconfirmed => self.unconfirmed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use evidence::Counts;
    use jiff::Timestamp;

    use super::*;

    fn word(text: &str) -> String {
        text.to_owned()
    }

    fn entry(fact: Fact) -> Entry {
        Entry { at: Timestamp::UNIX_EPOCH, fact }
    }

    fn minute(faces_seen: u64) -> Entry {
        let (from, to) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let counts = Counts { faces_seen, templates_made: 9, templates_destroyed: 8, alerts_kept: 1 };
        entry(Fact::DeletionReceipt { deployment: word("d1"), from, to, counts })
    }

    fn raised(alert: &str) -> Entry {
        let (camera, evidence_commitment) = (word("gate"), word("c0"));
        let expires = Timestamp::MAX;
        entry(Fact::AlertRaised { deployment: word("d1"), alert: word(alert), camera, evidence_commitment, expires })
    }

    fn judged(alert: &str, judgement: &str) -> Entry {
        let (alert, judgement) = (word(alert), word(judgement));
        entry(Fact::AlertAdjudicated { deployment: word("d1"), alert, judgement, seconds_to_decide: 7 })
    }

    fn judged_once(alert: &str) -> Entry {
        let (alert, judgement_commitment) = (word(alert), word("c0"));
        entry(Fact::AlertJudgedOnce { deployment: word("d1"), alert, judgement_commitment, seconds_to_decide: 7 })
    }

    fn judged_twice(alert: &str, first: &str, second: &str) -> Entry {
        let (alert, first, second, salt) = (word(alert), word(first), word(second), word("00"));
        entry(Fact::AlertJudgedTwice { deployment: word("d1"), alert, first, salt, second, seconds_to_decide: 7 })
    }

    fn engaged(alert: &str, engagement: &str) -> Entry {
        let (alert, engagement) = (word(alert), word(engagement));
        entry(Fact::AlertEngaged { deployment: word("d1"), alert, engagement })
    }

    fn outcome(alert: &str, outcome: &str) -> Entry {
        let (alert, outcome) = (word(alert), word(outcome));
        entry(Fact::OutcomeRecorded { deployment: word("d1"), alert, outcome })
    }

    fn reclassified(alert: &str, outcome: &str) -> Entry {
        let (alert, outcome, reason) = (word(alert), word(outcome), word("later check of identity"));
        entry(Fact::OutcomeReclassified { deployment: word("d1"), alert, outcome, reason })
    }

    #[test]
    fn every_alert_is_counted_once_by_what_a_check_and_those_who_judged_it_made_of_it() {
        let alerts = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11", "a12"].map(raised);
        let followed = [
            judged("a1", "same person"),
            engaged("a1", "spoken to"),
            outcome("a1", "identity confirmed"),
            judged("a2", "same person"),
            engaged("a2", "spoken to"),
            outcome("a2", "arrest"),
            judged("a3", "same person"),
            engaged("a3", "spoken to"),
            outcome("a3", "identity refuted"),
            judged("a4", "not this person"),
            judged("a5", "cannot tell"),
            judged("a6", "same person"),
            engaged("a6", "not found"),
            outcome("a6", "no action"),
            judged("a7", "same person"),
            outcome("a7", "no action"),
            reclassified("a7", "other disposal"),
            judged_once("a8"),
            judged_twice("a9", "same person", "same person"),
            judged_twice("a10", "same person", "not this person"),
            judged_twice("a11", "not this person", "not this person"),
            // Nobody has judged a12.
            minute(40),
            minute(2),
        ];
        let counted = Figures {
            faces_seen: 42,
            alerts: 12,
            true_alerts: 3,
            false_alerts: 3,
            unconfirmed: 4,
            unjudged: 2,
            disputed: 1,
            judged_by_two: 3,
            spoken_to: 3,
            reclassified: 1,
            disposals: 2,
        };
        assert_eq!(Figures::of(alerts.iter().chain(&followed)), counted);
    }

    #[test]
    fn an_outcome_that_was_put_right_counts_as_what_it_is_now() {
        let mut entries = vec![raised("a1"), judged("a1", "same person"), outcome("a1", "arrest")];
        let arrested = Figures { alerts: 1, true_alerts: 1, disposals: 1, ..Figures::default() };
        assert_eq!(Figures::of(&entries), arrested);
        entries.push(reclassified("a1", "identity refuted"));
        assert_eq!(
            Figures::of(&entries),
            Figures { alerts: 1, false_alerts: 1, reclassified: 1, ..Figures::default() }
        );
    }

    #[test]
    fn the_false_alert_rate_is_of_the_faces_seen_and_of_none_where_none_was_seen() {
        let figures = |faces_seen, false_alerts| Figures { faces_seen, false_alerts, ..Figures::default() };
        assert_eq!(figures(0, 0).false_alert_rate(), None);
        assert_eq!(figures(1, 0).false_alert_rate(), Some(0.0));
        assert_eq!(figures(4_000, 3).false_alert_rate(), Some(0.000_75));
    }
}
