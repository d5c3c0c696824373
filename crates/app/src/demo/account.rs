//! The account of an exercise whose footage has a known truth: which alerts were right, which listed passages were missed.

use std::collections::BTreeMap;

use pipeline::RaisedAlert;

/// Least side of a face, in pixels at its largest, at which a listed passage is expected to be found.
pub(crate) const EXPECTED_FACE_PX_MIN: f32 = 60.0;

/// One passage as the script of the footage has it.
pub(crate) struct TruePassage {
    /// The label of the listed person, if they are listed.
    pub listed: Option<String>,
    /// Side of the face at its largest, in pixels.
    pub largest_face_px: f32,
}

/// An alert beside the truth.
pub(crate) struct TruedAlert {
    /// The passage it was raised in; `None` when nobody was there.
    pub passage: Option<usize>,
    /// The label of the watchlist entry it names.
    pub named: String,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// Alerts that name the person who passed.
    pub alerts_correct: usize,
    /// All other alerts.
    pub alerts_wrong: usize,
    /// Listed passages of at least [`EXPECTED_FACE_PX_MIN`].
    pub listed_passages: usize,
    /// Those of them without a correct alert.
    pub listed_passages_missed: usize,
}

/// Compares alerts with the truth.
pub(crate) fn account(passages: &[TruePassage], alerts: &[TruedAlert]) -> Account {
    let is_correct = |alert: &TruedAlert| {
        let passed = alert.passage.and_then(|passage| passages.get(passage));
        passed.is_some_and(|passage| passage.listed.as_ref() == Some(&alert.named))
    };
    let correct: Vec<usize> =
        alerts.iter().filter(|alert| is_correct(alert)).filter_map(|alert| alert.passage).collect();
    let expected = |passage: &TruePassage| passage.listed.is_some() && passage.largest_face_px >= EXPECTED_FACE_PX_MIN;
    let expected: Vec<usize> = (0..passages.len()).filter(|index| expected(&passages[*index])).collect();
    Account {
        alerts_correct: correct.len(),
        alerts_wrong: alerts.len() - correct.len(),
        listed_passages: expected.len(),
        listed_passages_missed: expected.iter().filter(|index| !correct.contains(index)).count(),
    }
}

/// The alerts of a run beside the truth. `labels` names each watchlist entry; `passage_at` finds who was where.
pub(crate) fn beside_truth(
    raised: &[RaisedAlert],
    labels: &BTreeMap<u32, String>,
    passage_at: impl Fn(&RaisedAlert) -> Option<usize>,
) -> Vec<TruedAlert> {
    let named = |alert: &RaisedAlert| labels.get(&alert.entry).cloned().unwrap_or_default();
    raised.iter().map(|alert| TruedAlert { passage: passage_at(alert), named: named(alert) }).collect()
}

/// The value below which the share `q` (0 to 1) of the values lie, by the nearest rank; `None` of no values.
pub(crate) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (q * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(listed: Option<&str>, largest_face_px: f32) -> TruePassage {
        TruePassage { listed: listed.map(str::to_owned), largest_face_px }
    }

    fn alert(passage: Option<usize>, named: &str) -> TruedAlert {
        TruedAlert { passage, named: named.to_owned() }
    }

    #[test]
    fn each_kind_of_right_and_wrong_is_counted_once() {
        let passages =
            [passage(Some("s1"), 80.0), passage(None, 90.0), passage(Some("s2"), 60.0), passage(Some("s1"), 59.0)];
        let alerts =
            [alert(Some(0), "s1"), alert(Some(0), "s2"), alert(Some(1), "s1"), alert(None, "s1"), alert(Some(3), "s1")];
        let expected = Account { alerts_correct: 2, alerts_wrong: 3, listed_passages: 2, listed_passages_missed: 1 };
        assert_eq!(account(&passages, &alerts), expected);
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.99), Some(3.0));
    }
}
