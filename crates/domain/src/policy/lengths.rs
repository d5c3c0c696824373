//! Lengths of time that contradict their ceiling or each other.

use jiff::SignedDuration;

use super::limits::{self, Limit};
use super::words::length;
use super::{Policy, PolicyFault};

/// Every length of time with the range it may have, in the order of the file.
fn limited(policy: &Policy) -> Vec<(Limit<SignedDuration>, SignedDuration)> {
    let mut limited = vec![
        (limits::NOTICE_LEAD, policy.notice_lead),
        (limits::WATCHLIST_AGE, policy.watchlist_age_max),
        (limits::IMAGE_AGE, policy.image_age_max),
        (limits::DEPLOYMENT_LENGTH, policy.deployment_length_max),
        (limits::LEASE, policy.lease),
        (limits::ALERT_RETENTION, policy.alert_retention),
        (limits::ALERT_HOLD, policy.alert_hold_max),
        (limits::COMPLAINT_RETENTION, policy.complaint_retention),
        (limits::COMMITMENT_RETENTION, policy.commitment_retention),
        (limits::SUPPRESSION_LENGTH, policy.suppression_length_max),
        (limits::SHARE_LENGTH, policy.share_length_max),
        (limits::OUTCOME_DUE, policy.outcome_due),
        (limits::TRAINING_VALIDITY, policy.training_validity),
        (limits::CHECKPOINT_INTERVAL, policy.checkpoint_interval),
    ];
    limited.extend(policy.urgent_ratification.map(|within| (limits::URGENT_RATIFICATION, within)));
    limited
}

/// A pair of settings of which the first may not be the shorter.
struct AtLeast {
    longer: (&'static str, SignedDuration),
    shorter: (&'static str, SignedDuration),
    why: &'static str,
}

/// Lengths outside their range, then lengths that contradict each other.
pub(super) fn faults(policy: &Policy) -> Vec<PolicyFault> {
    let mut faults: Vec<_> = limited(policy).into_iter().filter_map(|(limit, found)| limit.check(found)).collect();
    let pairs = [
        AtLeast {
            longer: ("alert_retention", policy.alert_retention),
            shorter: ("deployment_length_max", policy.deployment_length_max),
            why: "an alert would expire while its deployment may still run",
        },
        AtLeast {
            longer: ("alert_hold_max", policy.alert_hold_max),
            shorter: ("alert_retention", policy.alert_retention),
            why: "a hold would end before the alert expires anyway",
        },
        AtLeast {
            longer: ("complaint_retention", policy.complaint_retention),
            shorter: ("alert_hold_max", policy.alert_hold_max),
            why: "an alert held because of a complaint would outlive the complaint",
        },
        AtLeast {
            longer: ("commitment_retention", policy.commitment_retention),
            shorter: ("alert_retention", policy.alert_retention),
            why: "somebody stopped could not learn any more whether they were listed",
        },
        AtLeast {
            longer: ("share_length_max", policy.share_length_max),
            shorter: ("outcome_due", policy.outcome_due),
            why: "a share would end before its outcome is overdue, so nothing could be revoked for it",
        },
    ];
    for AtLeast { longer, shorter, why } in pairs {
        if longer.1 < shorter.1 {
            let wrong = format!(
                "{why}; make it at least as long as {} ({}), found {}",
                shorter.0,
                length(shorter.1),
                length(longer.1)
            );
            faults.push(PolicyFault { setting: longer.0, wrong });
        }
    }
    faults
}
