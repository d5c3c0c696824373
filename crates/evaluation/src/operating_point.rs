//! The threshold at which a measured rate of false acceptances is not exceeded, and how well that is known.

use crate::interval;

/// A threshold with the false-acceptance rate it was measured to give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    /// The least score that is accepted; larger is more alike.
    pub threshold: f32,
    /// The rate asked for, 0 to 1.
    pub target: f64,
    /// The rate measured at the threshold, at most the target.
    pub rate: f64,
    /// How many impostors reached the threshold.
    pub accepted: usize,
    /// How many impostors were measured.
    pub impostors: usize,
    /// The exact 95 % interval of the rate, were the impostors independent of each other.
    pub ci95: [f64; 2],
}

impl OperatingPoint {
    /// The lowest threshold at which at most the share `target` of the impostors is accepted.
    ///
    /// `scores` are sorted, ascending: every impostor's score for a false match rate (FMR), or every non-mated probe's best
    /// score against a gallery for a false-positive identification rate (FPIR), which then holds for a gallery of that size.
    /// `None` when the impostors are too few for the target to be measured at all: fewer than `1 / target`.
    pub fn measure(scores: &[f32], target: f64) -> Option<Self> {
        debug_assert!(scores.is_sorted());
        let allowed = allowed(scores.len(), target)?;
        let threshold = match scores.len().checked_sub(allowed + 1) {
            Some(first_refused) => scores[first_refused].next_up(),
            None => *scores.first()?,
        };
        let accepted = scores.len() - scores.partition_point(|&score| score < threshold);
        let rate = accepted as f64 / scores.len() as f64;
        let ci95 = interval::exact(accepted, scores.len());
        Some(Self { threshold, target, rate, accepted, impostors: scores.len(), ci95 })
    }
}

/// How many of the impostors a rate allows; `None` when it allows not even one, so that nothing would be measured.
fn allowed(impostors: usize, target: f64) -> Option<usize> {
    // The slack is for products such as 0.29 * 100, which floating point puts a hair below the whole number.
    let allowed = (target * impostors as f64 + 1e-9).floor();
    (target > 0.0 && target <= 1.0 && allowed >= 1.0).then_some(allowed as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_sufficient_threshold_is_found() {
        let scores: Vec<f32> = (0..100).map(|n| n as f32 / 100.0).collect();
        let point = OperatingPoint::measure(&scores, 0.01).expect("100 impostors support 1 %");
        assert_eq!((point.accepted, point.impostors), (1, 100));
        assert!(point.threshold > 0.98 && point.threshold < 0.980_001, "{}", point.threshold);
        let point = OperatingPoint::measure(&scores, 0.29).expect("supported");
        assert_eq!(point.accepted, 29);
    }

    #[test]
    fn a_rate_below_one_impostor_is_refused() {
        let scores = vec![0.1; 99];
        assert_eq!(OperatingPoint::measure(&scores, 0.01), None);
        assert_eq!(OperatingPoint::measure(&[], 0.5), None);
        assert_eq!(OperatingPoint::measure(&scores, 0.0), None);
    }

    #[test]
    fn equal_scores_are_accepted_or_refused_together() {
        let mut scores = vec![0.1; 50];
        scores.extend([0.9; 50]);
        let point = OperatingPoint::measure(&scores, 0.25).expect("supported");
        assert_eq!((point.accepted, point.rate), (0, 0.0));
        let point = OperatingPoint::measure(&scores, 0.5).expect("supported");
        assert_eq!(point.accepted, 50);
        let point = OperatingPoint::measure(&scores, 1.0).expect("supported");
        assert_eq!(point.accepted, 100);
    }
}
