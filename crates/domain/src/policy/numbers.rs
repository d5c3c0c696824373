//! Counts, rates and thresholds outside their range or against each other.

use super::limits;
use super::{Policy, PolicyFault};

/// Numbers outside their range, then thresholds that the profile itself forbids.
pub(super) fn faults(policy: &Policy) -> Vec<PolicyFault> {
    let counts = [
        (limits::WATCHLIST_PEOPLE, u64::from(policy.watchlist_people_max)),
        (limits::IMAGES_PER_PERSON, u64::from(policy.images_per_person_max)),
        (limits::ADULT_AGE, u64::from(policy.adult_age_years)),
        (limits::EYE_DISTANCE, u64::from(policy.eye_distance_px_min)),
        (limits::FACE_SIDE, u64::from(policy.face_side_px_min)),
        (limits::FALSE_ALERT_FACES, policy.false_alert_faces_min),
    ];
    let rates = [
        (limits::LOOK_ALIKE, policy.look_alike_score),
        (limits::SHARPNESS, policy.sharpness_min),
        (limits::THRESHOLD_FPIR, policy.threshold_fpir_max),
        (limits::FALSE_ALERT_RATE, policy.false_alert_rate_max),
        (limits::DIFFERENTIAL_RATIO, policy.differential_ratio_max),
    ];
    let counts = counts.into_iter().filter_map(|(limit, found)| limit.check(found));
    let rates = rates.into_iter().filter_map(|(limit, found)| limit.check(found));
    counts.chain(rates).chain(threshold_faults(policy)).collect()
}

fn threshold_faults(policy: &Policy) -> Vec<PolicyFault> {
    let mut faults = Vec::new();
    let mut fault = |wrong| faults.push(PolicyFault { setting: "thresholds", wrong });
    for (place, threshold) in policy.thresholds.iter().enumerate() {
        let model = threshold.model();
        if threshold.fpir() > policy.threshold_fpir_max {
            fault(format!("{} was measured at {}, above threshold_fpir_max", model.as_str(), threshold.fpir()));
        }
        if policy.thresholds[..place].iter().any(|before| before.model() == model) {
            fault(format!("{} has two thresholds; keep one", model.as_str()));
        }
    }
    faults
}
