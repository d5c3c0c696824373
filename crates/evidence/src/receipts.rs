//! The arithmetic of deletion: every receipt balances, none is missing or counted twice, and together they are the
//! deployment's own total.

use jiff::{SignedDuration, Timestamp};

use crate::Counts;

/// Longest time at either end of a stretch of comparison that no receipt covers: one receipt is sealed every minute.
pub(crate) const UNCOVERED_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Comparison without interruption: from the start or a resumption until the next pause or the end.
#[derive(Clone, Debug)]
struct Stretch {
    from: Timestamp,
    /// The end of time while comparison goes on.
    to: Timestamp,
}

/// The receipts of one deployment so far.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    total: Counts,
    receipts: u64,
    /// Comparison before this moment is covered by receipts, or had not begun.
    covered_until: Timestamp,
    /// Stretches that are not covered to their end, oldest first.
    stretches: Vec<Stretch>,
    /// The end of the authorised window.
    window_ends: Timestamp,
}

impl Ledger {
    /// For comparison that began at `started` and may go on until `window_ends`.
    pub(crate) fn new(started: Timestamp, window_ends: Timestamp) -> Self {
        Self {
            total: Counts::default(),
            receipts: 0,
            covered_until: started,
            stretches: vec![Stretch { from: started, to: Timestamp::MAX }],
            window_ends,
        }
    }

    /// Comparison stopped for the time being, or for good.
    pub(crate) fn stop(&mut self, at: Timestamp) {
        if let Some(stretch) = self.stretches.last_mut().filter(|stretch| stretch.to == Timestamp::MAX) {
            stretch.to = at;
        }
    }

    /// Comparison began again. A receipt may cover the pause, but need not.
    pub(crate) fn resume(&mut self, at: Timestamp) {
        self.stretches.push(Stretch { from: at, to: Timestamp::MAX });
    }

    /// Takes in the receipt for `from..to`, sealed at `at`; says what is wrong with it.
    pub(crate) fn add(&mut self, from: Timestamp, to: Timestamp, at: Timestamp, counts: &Counts) -> Vec<String> {
        let mut wrong = self.wrong_period(from, to, at);
        if !counts.balanced() {
            wrong.push(format!(
                "a deletion receipt does not balance: {} templates made, {} destroyed, {} kept",
                counts.templates_made, counts.templates_destroyed, counts.alerts_kept
            ));
        }
        if counts.templates_made > 0 && from >= self.window_ends {
            wrong.push(format!(
                "{} templates were made after {}, the end of the authorised window",
                counts.templates_made, self.window_ends
            ));
        }
        match self.total.checked_add(counts) {
            Some(total) => self.total = total,
            None => wrong.push("the receipts add up to more than 64 bits hold".into()),
        }
        self.receipts += 1;
        self.covered_until = self.covered_until.max(to);
        self.stretches.retain(|stretch| stretch.to >= to);
        wrong
    }

    /// Closes the account at `at`; says where it differs from the operator's total and from the alerts on the record.
    pub(crate) fn close(&mut self, at: Timestamp, total: &Counts, alerts_raised: u64) -> Vec<String> {
        self.stop(at);
        let mut wrong = self.uncovered_before(at);
        if *total != self.total {
            wrong.push(format!(
                "the deployment's total does not equal the sum of its {} deletion receipts: {}, against {}",
                self.receipts,
                words(total),
                words(&self.total)
            ));
        }
        if total.alerts_kept != alerts_raised {
            wrong.push(format!(
                "{} templates were kept for alerts, but {alerts_raised} alerts are on the record",
                total.alerts_kept
            ));
        }
        wrong
    }

    /// The sum of the receipts.
    pub(crate) fn total(&self) -> &Counts {
        &self.total
    }

    fn wrong_period(&self, from: Timestamp, to: Timestamp, at: Timestamp) -> Vec<String> {
        let mut wrong = Vec::new();
        if from > to {
            wrong.push(format!("a deletion receipt ends ({to}) before it begins ({from})"));
        }
        if to > at {
            wrong.push(format!("a deletion receipt for the time until {to} was sealed before that"));
        }
        if from < self.covered_until {
            let reason = if self.receipts > 0 { "is counted already" } else { "is before the start" };
            wrong.push(format!(
                "a deletion receipt begins at {from}, but the time until {} {reason}",
                self.covered_until
            ));
        }
        wrong.extend(self.uncovered_before(from));
        let is_of_comparison = self.stretches.iter().any(|stretch| stretch.from <= to && from <= stretch.to);
        if from > self.covered_until && !is_of_comparison {
            wrong.push(format!("a deletion receipt for {from} to {to} is of a pause alone and follows no other"));
        }
        wrong
    }

    /// What receipts miss of comparison before `until`, but for a minute at either end of a stretch of it.
    fn uncovered_before(&self, until: Timestamp) -> Vec<String> {
        let missed = self.stretches.iter().filter_map(|stretch| {
            let (first, last) = (stretch.from.max(self.covered_until), stretch.to.min(until));
            let at_an_end = first == stretch.from || last == stretch.to;
            let excused = at_an_end && last.duration_since(first) <= UNCOVERED_MAX;
            (first < last && !excused).then(|| format!("no deletion receipt covers the time from {first} to {last}"))
        });
        missed.collect()
    }
}

fn words(counts: &Counts) -> String {
    format!(
        "{} faces, {} templates made, {} destroyed, {} kept",
        counts.faces_seen, counts.templates_made, counts.templates_destroyed, counts.alerts_kept
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, counts};

    fn ledger() -> Ledger {
        Ledger::new(at(0), at(1_000))
    }

    #[test]
    fn receipts_without_a_gap_close() {
        let mut ledger = ledger();
        assert!(ledger.add(at(1), at(60), at(60), &counts(5, 1)).is_empty());
        assert!(ledger.add(at(60), at(120), at(121), &counts(3, 0)).is_empty());
        ledger.stop(at(125));
        ledger.resume(at(500));
        assert!(ledger.add(at(500), at(530), at(530), &counts(1, 0)).is_empty());
        assert_eq!(ledger.close(at(531), &counts(9, 1), 1), Vec::<String>::new());
        assert_eq!(ledger.total().templates_made, 9);
        let mut covering_the_pause = Ledger::new(at(0), at(1_000));
        assert!(covering_the_pause.add(at(0), at(60), at(60), &counts(1, 0)).is_empty());
        covering_the_pause.stop(at(100));
        covering_the_pause.resume(at(500));
        assert!(covering_the_pause.add(at(60), at(530), at(530), &counts(1, 0)).is_empty());
    }

    #[test]
    fn comparison_before_a_pause_is_covered_too_if_later() {
        let paused = || {
            let mut ledger = ledger();
            assert!(ledger.add(at(0), at(60), at(60), &counts(5, 1)).is_empty());
            ledger.stop(at(400));
            ledger
        };
        assert!(paused().close(at(600), &counts(5, 1), 1)[0].contains("no deletion receipt covers"));
        let mut resumed = paused();
        resumed.resume(at(401));
        assert!(
            resumed.clone().add(at(401), at(430), at(430), &counts(1, 0))[0].contains("no deletion receipt covers")
        );
        // The receipt for the time before the pause is sealed after it, and the next one follows the resumption.
        assert!(resumed.add(at(60), at(400), at(402), &counts(1, 0)).is_empty());
        assert!(resumed.add(at(401), at(430), at(430), &counts(1, 0)).is_empty());
        assert!(resumed.close(at(431), &counts(7, 1), 1).is_empty());
        let mut idle = paused();
        assert!(idle.add(at(60), at(400), at(400), &counts(1, 0)).is_empty());
        assert!(idle.add(at(450), at(460), at(460), &counts(0, 0))[0].contains("of a pause alone"));
    }

    #[test]
    fn each_wrong_receipt_is_told() {
        let table = [
            (60, 59, 60, counts(1, 0), "ends"),
            (60, 120, 119, counts(1, 0), "sealed before"),
            (59, 120, 120, counts(1, 0), "counted already"),
            (61, 120, 120, counts(1, 0), "no deletion receipt covers"),
            (60, 120, 120, Counts { templates_destroyed: 0, ..counts(1, 0) }, "does not balance"),
            (60, 120, 120, counts(u64::MAX, 0), "64 bits"),
        ];
        for (from, to, sealed, counted, expected) in table {
            let mut ledger = ledger();
            assert!(ledger.add(at(0), at(60), at(60), &counts(2, 0)).is_empty());
            let wrong = ledger.add(at(from), at(to), at(sealed), &counted).join("; ");
            assert!(wrong.contains(expected), "{from}..{to}: {wrong}");
        }
        assert!(ledger().add(at(-1), at(60), at(60), &counts(0, 0))[0].contains("is before the start"));
        assert!(ledger().add(at(61), at(90), at(90), &counts(0, 0))[0].contains("no deletion receipt"));
        let mut late = ledger();
        late.stop(at(0));
        late.resume(at(1_000));
        assert!(late.add(at(1_000), at(1_010), at(1_010), &counts(1, 0))[0].contains("authorised window"));
    }

    #[test]
    fn an_account_that_does_not_close_is_told() {
        let mut ledger = ledger();
        assert!(ledger.add(at(0), at(60), at(60), &counts(4, 1)).is_empty());
        assert!(ledger.clone().close(at(61), &counts(5, 1), 1)[0].contains("does not equal the sum"));
        assert!(ledger.clone().close(at(61), &counts(4, 1), 2)[0].contains("2 alerts are on the record"));
        assert!(ledger.clone().close(at(121), &counts(4, 1), 1)[0].contains("no deletion receipt covers"));
        ledger.stop(at(60));
        assert!(ledger.close(at(121), &counts(4, 1), 1).is_empty());
    }
}
