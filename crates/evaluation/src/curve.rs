//! The error-rate curve of one-to-one comparison: false match against false non-match at every threshold.

use crate::operating_point::OperatingPoint;

/// Genuine and impostor scores, and the error rates they give at every threshold.
///
/// A pair matches when its score is at least the threshold. The equal error rate is that of Maio et al., "FVC2000"
/// (IEEE TPAMI 24(3), 2002), as the package pyeer computes it.
pub struct RateCurve {
    genuine: Vec<f32>,
    missed: usize,
    impostor: Vec<f32>,
}

/// The error rates at one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    /// The least score that matches.
    pub threshold: f32,
    /// False match rate: share of the impostor pairs that match.
    pub fmr: f64,
    /// False non-match rate: share of the genuine pairs that do not match, pictures without a face among them.
    pub fnmr: f64,
}

/// Where false match and false non-match are equally frequent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EqualError {
    /// The middle of `low` and `high`.
    pub rate: f64,
    /// The smaller of the two rates at the threshold.
    pub low: f64,
    /// The larger of the two rates at the threshold.
    pub high: f64,
    /// The threshold.
    pub threshold: f32,
}

/// Mean and (population) standard deviation of some scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
}

impl RateCurve {
    /// `missed` genuine pairs have no score because a picture yielded no face: they match at no threshold.
    ///
    /// `None` without a genuine and an impostor score, or when a score is not a finite number.
    pub fn new(mut genuine: Vec<f32>, missed: usize, mut impostor: Vec<f32>) -> Option<Self> {
        let finite = genuine.iter().chain(&impostor).all(|score| score.is_finite());
        if genuine.is_empty() || impostor.is_empty() || !finite {
            return None;
        }
        genuine.sort_unstable_by(f32::total_cmp);
        impostor.sort_unstable_by(f32::total_cmp);
        Some(Self { genuine, missed, impostor })
    }

    /// Scores of genuine pairs, ascending.
    pub fn genuine(&self) -> &[f32] {
        &self.genuine
    }

    /// Scores of impostor pairs, ascending.
    pub fn impostor(&self) -> &[f32] {
        &self.impostor
    }

    /// Number of genuine pairs, those without a score among them.
    pub fn genuine_pairs(&self) -> usize {
        self.genuine.len() + self.missed
    }

    /// The rates at one threshold.
    pub fn at(&self, threshold: f32) -> RatePoint {
        let below = |scores: &[f32]| scores.partition_point(|&score| score < threshold);
        self.point(threshold, below(&self.genuine), below(&self.impostor))
    }

    /// The rates at every score that occurs, ascending, and at last just above all of them.
    pub fn points(&self) -> impl Iterator<Item = RatePoint> {
        let (mut genuine, mut impostor, mut above) = (0, 0, false);
        std::iter::from_fn(move || {
            let next = match (self.genuine.get(genuine), self.impostor.get(impostor)) {
                (Some(g), Some(i)) => g.min(*i),
                (Some(score), None) | (None, Some(score)) => *score,
                (None, None) if !std::mem::replace(&mut above, true) => {
                    return Some(self.point(self.highest().next_up(), genuine, impostor));
                }
                (None, None) => return None,
            };
            let point = self.point(next, genuine, impostor);
            genuine += self.genuine[genuine..].iter().take_while(|&&score| score == next).count();
            impostor += self.impostor[impostor..].iter().take_while(|&&score| score == next).count();
            Some(point)
        })
    }

    /// The equal error rate.
    pub fn equal_error(&self) -> EqualError {
        let mut before: Option<RatePoint> = None;
        for after in self.points() {
            if after.fmr <= after.fnmr {
                let crossed_between = before.filter(|_| after.fmr != after.fnmr);
                return match crossed_between {
                    Some(first) if first.fmr + first.fnmr <= after.fmr + after.fnmr => first.equal(),
                    _ => after.equal(),
                };
            }
            before = Some(after);
        }
        // Unreachable: above all scores nothing matches, so that the last point has crossed.
        self.at(f32::INFINITY).equal()
    }

    /// The lowest threshold whose false match rate is at most `fmr`; `None` below one impostor pair.
    pub fn threshold_at(&self, fmr: f64) -> Option<OperatingPoint> {
        OperatingPoint::measure(&self.impostor, fmr)
    }

    /// Area under the curve of true match against false match.
    pub fn area(&self) -> f64 {
        let mut area = 0.0;
        let mut before: Option<RatePoint> = None;
        for after in self.points() {
            if let Some(first) = before {
                area += (first.fmr - after.fmr) * (1.0 - (first.fnmr + after.fnmr) / 2.0);
            }
            before = Some(after);
        }
        area
    }

    /// d': the distance between the two means in units of their common standard deviation; `None` when both have none.
    pub fn decidability(&self) -> Option<f64> {
        let (genuine, impostor) = (spread(&self.genuine), spread(&self.impostor));
        let variance = (genuine.deviation.powi(2) + impostor.deviation.powi(2)) / 2.0;
        (variance > 0.0).then(|| (genuine.mean - impostor.mean).abs() / variance.sqrt())
    }

    fn point(&self, threshold: f32, genuine_below: usize, impostor_below: usize) -> RatePoint {
        let fmr = (self.impostor.len() - impostor_below) as f64 / self.impostor.len() as f64;
        let fnmr = (genuine_below + self.missed) as f64 / self.genuine_pairs() as f64;
        RatePoint { threshold, fmr, fnmr }
    }

    fn highest(&self) -> f32 {
        let last = |scores: &[f32]| scores.last().copied().unwrap_or(f32::MIN);
        last(&self.genuine).max(last(&self.impostor))
    }
}

impl RatePoint {
    fn equal(self) -> EqualError {
        let rate = (self.fmr + self.fnmr) / 2.0;
        let (low, high) = (self.fmr.min(self.fnmr), self.fmr.max(self.fnmr));
        EqualError { rate, low, high, threshold: self.threshold }
    }
}

/// Mean and standard deviation of scores; of none, not a number.
pub fn spread(scores: &[f32]) -> Spread {
    let count = scores.len() as f64;
    let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / count;
    let squares = scores.iter().map(|&score| (f64::from(score) - mean).powi(2)).sum::<f64>();
    Spread { mean, deviation: (squares / count).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separate_scores_have_no_error() {
        let curve = RateCurve::new(vec![0.9, 0.8], 0, vec![0.1, 0.2, 0.3]).expect("scores");
        assert_eq!(curve.equal_error().rate, 0.0);
        assert_eq!(curve.area(), 1.0);
        assert_eq!(curve.at(0.8), RatePoint { threshold: 0.8, fmr: 0.0, fnmr: 0.0 });
        assert_eq!(curve.points().count(), 6);
    }

    #[test]
    fn a_picture_without_a_face_never_matches() {
        let curve = RateCurve::new(vec![0.9, 0.8], 2, vec![0.1, 0.2, 0.3]).expect("scores");
        assert_eq!(curve.at(f32::MIN).fnmr, 0.5);
        assert!(curve.points().all(|point| point.fnmr >= 0.5));
        // Accepting two of three impostors (0.67) is the least that crosses 0.5; one of three is nearer to it from the other side.
        let equal = curve.equal_error();
        assert_eq!((equal.low, equal.high), (1.0 / 3.0, 0.5));
    }

    #[test]
    fn scores_without_information_err_half_the_time() {
        let curve = RateCurve::new(vec![0.5; 4], 0, vec![0.5; 4]).expect("scores");
        assert_eq!(curve.equal_error().rate, 0.5);
        assert_eq!(curve.area(), 0.5);
        assert_eq!(curve.decidability(), None);
    }

    #[test]
    fn scores_that_are_no_numbers_are_refused() {
        assert!(RateCurve::new(vec![], 1, vec![0.1]).is_none());
        assert!(RateCurve::new(vec![0.1], 0, vec![]).is_none());
        assert!(RateCurve::new(vec![0.1], 0, vec![f32::NAN]).is_none());
    }
}
