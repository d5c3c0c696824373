//! The steps of a deployment: which may follow which, and their words.

use crate::Fact;

/// How far a deployment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Proposed,
    Approved,
    Announced,
    Comparing,
    Paused,
    /// Paused by a trip-wire.
    Tripped,
    Ended,
    Purged,
    /// Purged, and its results published.
    Accounted,
    Withdrawn,
}

/// The stages in which a fact may become true.
pub(crate) fn lawful_stages(fact: &Fact) -> &'static [Stage] {
    use Stage::*;
    match fact {
        Fact::PolicyAdopted { .. }
        | Fact::OperationOpened { .. }
        | Fact::StaffCounted { .. }
        | Fact::ThresholdProposed { .. }
        | Fact::ThresholdSet { .. }
        | Fact::DeploymentProposed(_) => &[],
        Fact::DocumentFilled { .. } => &[Proposed, Approved],
        Fact::DeploymentApproved { .. } | Fact::DeploymentApprovedUrgently { .. } => &[Proposed],
        Fact::DeploymentRatified { .. } => &[Approved, Announced, Comparing, Paused, Tripped, Ended],
        Fact::OutsideAuthorised { .. } | Fact::NoticePublished { .. } => &[Approved],
        Fact::WatchlistFrozen { .. }
        | Fact::SignageConfirmed { .. }
        | Fact::RecordingDeclared { .. }
        | Fact::CameraDeclared(_)
        | Fact::DeploymentStarted { .. } => &[Announced],
        Fact::DeploymentPaused { .. } => &[Comparing],
        Fact::DeploymentTripped { .. } => &[Comparing, Paused],
        Fact::DeploymentResumed { .. } => &[Paused],
        Fact::TripCleared { .. } => &[Tripped],
        Fact::AlertRaised { .. } | Fact::DeletionReceipt { .. } | Fact::DeploymentEnded { .. } => {
            &[Comparing, Paused, Tripped]
        }
        Fact::AlertAdjudicated { .. } | Fact::OutcomeRecorded { .. } => &[Comparing, Paused, Tripped, Ended],
        Fact::AlertsSuppressed { .. } => &[Comparing, Paused, Tripped],
        Fact::WatchlistDestroyed { .. } => &[Ended],
        Fact::AlertJudgedOnce { .. }
        | Fact::AlertJudgedTwice { .. }
        | Fact::AlertEngaged { .. }
        | Fact::AlertHeld { .. } => &[Comparing, Paused, Tripped, Ended],
        // What is held outlives its deployment, and so does a mistake about what followed.
        Fact::OutcomeReclassified { .. } | Fact::HoldReleased { .. } | Fact::HeldEvidenceDestroyed { .. } => {
            &[Comparing, Paused, Tripped, Ended, Purged, Accounted]
        }
        Fact::SeedsCommitted { .. } => &[Announced],
        Fact::SeedsRevealed(_) => &[Ended],
        Fact::ComplaintReceived { .. } | Fact::ComplaintAnswered { .. } | Fact::ComplaintForgotten { .. } => &[],
        Fact::ShareProposed(_)
        | Fact::ShareApproved { .. }
        | Fact::ShareUsed { .. }
        | Fact::ShareOutcomeReported { .. }
        | Fact::ShareRevoked { .. } => &[],
        Fact::DeploymentPurged { .. } => &[Ended],
        Fact::CommitmentsDestroyed { .. } => &[Purged, Accounted],
        Fact::ResultsPublished { .. } => &[Purged],
        Fact::DeploymentWithdrawn { .. } => &[Proposed, Approved, Announced],
    }
}

/// The stage that a fact leads to, if it changes the stage.
pub(crate) fn stage_after(fact: &Fact) -> Option<Stage> {
    match fact {
        Fact::DeploymentProposed(_) => Some(Stage::Proposed),
        Fact::DeploymentApproved { .. } | Fact::DeploymentApprovedUrgently { .. } => Some(Stage::Approved),
        Fact::NoticePublished { .. } => Some(Stage::Announced),
        Fact::DeploymentStarted { .. } | Fact::DeploymentResumed { .. } | Fact::TripCleared { .. } => {
            Some(Stage::Comparing)
        }
        Fact::DeploymentPaused { .. } => Some(Stage::Paused),
        Fact::DeploymentTripped { .. } => Some(Stage::Tripped),
        Fact::DeploymentEnded { .. } => Some(Stage::Ended),
        Fact::DeploymentPurged { .. } => Some(Stage::Purged),
        Fact::ResultsPublished { .. } => Some(Stage::Accounted),
        Fact::DeploymentWithdrawn { .. } => Some(Stage::Withdrawn),
        _ => None,
    }
}

/// What the fact says of its deployment, as the verb of a sentence.
pub(crate) fn deed(fact: &Fact) -> &'static str {
    match fact {
        Fact::PolicyAdopted { .. }
        | Fact::OperationOpened { .. }
        | Fact::StaffCounted { .. }
        | Fact::ThresholdProposed { .. }
        | Fact::ThresholdSet { .. } => "was mentioned",
        Fact::DeploymentProposed(_) => "was proposed",
        Fact::DeploymentApproved { .. } => "was approved",
        Fact::DeploymentApprovedUrgently { .. } => "was approved urgently",
        Fact::DeploymentRatified { .. } => "was ratified",
        Fact::OutsideAuthorised { .. } => "was signed by an outside body",
        Fact::DocumentFilled { .. } => "had a document filled",
        Fact::DeploymentTripped { .. } => "touched a trip-wire",
        Fact::TripCleared { .. } => "was resumed after a trip-wire",
        Fact::ResultsPublished { .. } => "had its results published",
        Fact::NoticePublished { .. } => "was announced to the public",
        Fact::WatchlistFrozen { .. } => "had its watchlist frozen",
        Fact::SignageConfirmed { .. } => "had its signs confirmed",
        Fact::RecordingDeclared { .. } => "had a recording declared",
        Fact::CameraDeclared(_) => "had a camera declared",
        Fact::DeploymentStarted { .. } => "was started",
        Fact::DeploymentPaused { .. } => "was paused",
        Fact::DeploymentResumed { .. } => "was resumed",
        Fact::AlertRaised { .. } => "raised an alert",
        Fact::AlertAdjudicated { .. } => "had an alert judged",
        Fact::OutcomeRecorded { .. } => "had an outcome recorded",
        Fact::AlertJudgedOnce { .. } => "had an alert judged by the first of two",
        Fact::AlertJudgedTwice { .. } => "had an alert judged by the second of two",
        Fact::AlertEngaged { .. } => "had an engagement recorded",
        Fact::OutcomeReclassified { .. } => "had an outcome reclassified",
        Fact::AlertHeld { .. } => "had the evidence of an alert held",
        Fact::HoldReleased { .. } => "had a hold lifted",
        Fact::HeldEvidenceDestroyed { .. } => "had held evidence destroyed",
        Fact::SeedsCommitted { .. } => "had its seeded pairs fixed",
        Fact::SeedsRevealed(_) => "had its seeded pairs revealed",
        Fact::ComplaintReceived { .. } | Fact::ComplaintAnswered { .. } | Fact::ComplaintForgotten { .. } => {
            "was complained about"
        }
        Fact::ShareProposed(_)
        | Fact::ShareApproved { .. }
        | Fact::ShareUsed { .. }
        | Fact::ShareOutcomeReported { .. }
        | Fact::ShareRevoked { .. } => "was shared about",
        Fact::DeletionReceipt { .. } => "sealed a deletion receipt",
        Fact::DeploymentEnded { .. } => "was ended",
        Fact::AlertsSuppressed { .. } => "suppressed alerts",
        Fact::WatchlistDestroyed { .. } => "had its watchlist destroyed",
        Fact::DeploymentPurged { .. } => "was purged",
        Fact::CommitmentsDestroyed { .. } => "had its commitments destroyed",
        Fact::DeploymentWithdrawn { .. } => "was withdrawn",
    }
}

/// The stage in words.
pub(crate) fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Proposed => "proposed and not approved",
        Stage::Approved => "approved and not announced to the public",
        Stage::Announced => "announced and not started",
        Stage::Comparing => "comparing",
        Stage::Paused => "paused",
        Stage::Tripped => "paused by a trip-wire",
        Stage::Ended => "ended",
        Stage::Purged => "purged",
        Stage::Accounted => "purged and its results published",
        Stage::Withdrawn => "withdrawn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::one_of_each;

    #[test]
    fn every_step_is_lawful_after_another_and_none_after_the_last() {
        for entry in one_of_each().iter().filter(|entry| entry.fact.deployment().is_some()) {
            let lawful = lawful_stages(&entry.fact);
            let is_first = matches!(entry.fact, Fact::DeploymentProposed(_));
            assert_eq!(lawful.is_empty(), is_first, "{:?}", entry.fact);
            let unanswerable = matches!(entry.fact, Fact::CommitmentsDestroyed { .. });
            let outlives = matches!(
                entry.fact,
                Fact::OutcomeReclassified { .. } | Fact::HoldReleased { .. } | Fact::HeldEvidenceDestroyed { .. }
            ) || unanswerable;
            let is_last = matches!(entry.fact, Fact::ResultsPublished { .. });
            assert_eq!(lawful.contains(&Stage::Purged), is_last || outlives, "{:?}", entry.fact);
            assert_eq!(lawful.contains(&Stage::Accounted), outlives, "{:?}", entry.fact);
            assert!(!lawful.contains(&Stage::Withdrawn), "{:?}", entry.fact);
            assert!(stage_after(&entry.fact).is_none_or(|after| !lawful.contains(&after)), "{:?}", entry.fact);
        }
    }
}
