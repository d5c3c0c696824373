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
