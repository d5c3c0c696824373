//! Counting what was made and what became of it. Only [`crate::settle`] moves a template from made to destroyed or kept.

use std::num::NonZeroU64;

use evidence::Counts;

/// The running count of one deployment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    counts: Counts,
    reported: Counts,
    suppressed: u64,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A face began to be tracked in the zone.
    pub fn face_seen(&mut self) {
        self.counts.faces_seen += 1;
    }

    /// A template was made and destroyed within a passage, without ever being compared (a better view replaced it).
    pub fn template_replaced(&mut self) {
        self.counts.templates_made += 1;
        self.counts.templates_destroyed += 1;
    }

    pub(crate) fn template_destroyed(&mut self) {
        self.counts.templates_made += 1;
        self.counts.templates_destroyed += 1;
    }

    /// It would have been an alert, but was nearer to somebody suppressed: destroyed like any other.
    pub(crate) fn template_suppressed(&mut self) {
        self.template_destroyed();
        self.suppressed += 1;
    }

    /// How many alerts were suppressed since the deployment started, if any.
    pub fn suppressed(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.suppressed)
    }

    pub(crate) fn template_kept(&mut self) {
        self.counts.templates_made += 1;
        self.counts.alerts_kept += 1;
    }

    /// A template that was to be kept could not be recorded, and was destroyed instead.
    pub fn keeping_failed(&mut self) {
        self.counts.alerts_kept -= 1;
        self.counts.templates_destroyed += 1;
    }

    /// All that was counted since the deployment started.
    pub fn total(&self) -> Counts {
        self.counts
    }

    /// What was counted since the last receipt.
    pub fn unreported(&self) -> Counts {
        Counts {
            faces_seen: self.counts.faces_seen - self.reported.faces_seen,
            templates_made: self.counts.templates_made - self.reported.templates_made,
            templates_destroyed: self.counts.templates_destroyed - self.reported.templates_destroyed,
            alerts_kept: self.counts.alerts_kept - self.reported.alerts_kept,
        }
    }

    /// The last receipt has been recorded.
    pub fn mark_reported(&mut self) {
        self.reported = self.counts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_made_is_destroyed_or_kept_and_each_receipt_counts_from_the_last() {
        let mut tally = Tally::new();
        tally.face_seen();
        tally.face_seen();
        tally.template_replaced();
        tally.template_destroyed();
        tally.template_kept();
        tally.template_kept();
        let first = Counts { faces_seen: 2, templates_made: 4, templates_destroyed: 2, alerts_kept: 2 };
        assert_eq!((tally.total(), tally.unreported()), (first, first));

        tally.mark_reported();
        assert_eq!((tally.total(), tally.unreported()), (first, Counts::default()));

        tally.face_seen();
        tally.template_replaced();
        tally.template_suppressed();
        tally.template_kept();
        let since = Counts { faces_seen: 1, templates_made: 3, templates_destroyed: 2, alerts_kept: 1 };
        let total = Counts { faces_seen: 3, templates_made: 7, templates_destroyed: 4, alerts_kept: 3 };
        assert_eq!((tally.total(), tally.unreported()), (total, since));
        assert!(total.balanced() && since.balanced());
    }

    #[test]
    fn what_could_not_be_kept_is_destroyed() {
        let mut tally = Tally::new();
        tally.template_kept();
        tally.template_kept();
        tally.keeping_failed();
        let counts = Counts { faces_seen: 0, templates_made: 2, templates_destroyed: 1, alerts_kept: 1 };
        assert_eq!(tally.total(), counts);
    }

    #[test]
    fn suppressed_alerts_are_counted_once_there_are_any() {
        let mut tally = Tally::new();
        tally.template_destroyed();
        assert_eq!(tally.suppressed(), None);
        tally.template_suppressed();
        tally.template_suppressed();
        assert_eq!(tally.suppressed(), NonZeroU64::new(2));
        let counts = Counts { faces_seen: 0, templates_made: 3, templates_destroyed: 3, alerts_kept: 0 };
        assert_eq!(tally.total(), counts);
    }
}
