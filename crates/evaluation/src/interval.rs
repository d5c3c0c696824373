//! Intervals that say how far a measured rate can be trusted.

use statrs::function::beta::inv_beta_reg;

/// What lies beyond either end of every interval here: 95 % lie between.
const TAIL: f64 = 0.025;

/// The exact (Clopper-Pearson) 95 % interval of a rate seen `events` times in `trials` independent trials.
///
/// Without a trial nothing is known: the interval is all of 0 to 1.
pub fn exact(events: usize, trials: usize) -> [f64; 2] {
    if trials == 0 {
        return [0.0, 1.0];
    }
    let (events, trials) = (events.min(trials) as f64, trials as f64);
    let low = if events == 0.0 { 0.0 } else { inv_beta_reg(events, trials - events + 1.0, TAIL) };
    let high = if events == trials { 1.0 } else { inv_beta_reg(events + 1.0, trials - events, 1.0 - TAIL) };
    [low, high]
}

/// The middle 95 % of resampled rates, by nearest rank; `None` without any.
pub fn percentile(mut rates: Vec<f64>) -> Option<[f64; 2]> {
    rates.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let rank = (share * rates.len() as f64).ceil() as usize;
        rates.get(rank.clamp(1, rates.len().max(1)) - 1).copied()
    };
    Some([at(TAIL)?, at(1.0 - TAIL)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_intervals_are_the_published_ones() {
        // R 4.3, `binom.test(x, n)$conf.int`; the last row is a year of a force's figures: 10 false alerts in 3,147,436 faces.
        let cases = [
            (0, 10, 0.0, 0.308_497_1),
            (10, 10, 0.691_502_9, 1.0),
            (7, 21, 0.145_876_9, 0.569_675_5),
            (10, 3_147_436, 1.0 / 656_000.0, 1.0 / 171_000.0),
        ];
        for (events, trials, low, high) in cases {
            let [found_low, found_high] = exact(events, trials);
            assert!(
                (found_low - low).abs() <= 1e-6 + 0.01 * low * f64::from(trials > 1000),
                "{events}/{trials}: {found_low}"
            );
            assert!(
                (found_high - high).abs() <= 1e-6 + 0.01 * high * f64::from(trials > 1000),
                "{events}/{trials}: {found_high}"
            );
        }
        assert_eq!(exact(0, 0), [0.0, 1.0]);
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let rates = (0..1000).rev().map(f64::from).collect();
        assert_eq!(percentile(rates), Some([24.0, 974.0]));
        assert_eq!(percentile(vec![0.5]), Some([0.5, 0.5]));
        assert_eq!(percentile(Vec::new()), None);
    }
}
