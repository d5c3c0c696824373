//! A deployment as its entries on the record tell it: read once, shown in many places.

use std::collections::BTreeMap;

use domain::{Judgement, Outcome, Truth};
use evidence::{CameraDeclaration, Counts, DeploymentPlan, Entry, Equipment, Fact};
use jiff::Timestamp;

/// Everything the record says about one deployment.
#[derive(Default)]
pub(super) struct Record {
    pub(super) plan: Option<DeploymentPlan>,
    pub(super) operation: Option<OperationFacts>,
    pub(super) approved: Option<(Timestamp, String)>,
    pub(super) notice: Option<(Timestamp, String)>,
    pub(super) watchlist: Option<WatchlistFacts>,
    pub(super) signage: Option<(u32, String)>,
    pub(super) recordings: Vec<RecordingFacts>,
    pub(super) cameras: Vec<CameraDeclaration>,
    pub(super) started: Option<(Timestamp, Equipment)>,
    pub(super) alerts: BTreeMap<String, AlertFacts>,
    pub(super) receipts: Vec<Receipt>,
    pub(super) ended: Option<(Timestamp, String)>,
    pub(super) purged: Option<PurgeFacts>,
    /// Images of the watchlist destroyed when it ended, before the purge.
    listed_images_destroyed: u64,
}

/// The operation it belongs to.
pub(super) struct OperationFacts {
    pub(super) title: String,
    pub(super) force: String,
    pub(super) purpose: String,
    pub(super) policy_digest: String,
}

/// Its frozen watchlist.
pub(super) struct WatchlistFacts {
    pub(super) people: u64,
    pub(super) images: u64,
    pub(super) by_ground: BTreeMap<String, u64>,
}

/// A recording it read.
pub(super) struct RecordingFacts {
    pub(super) camera: String,
    pub(super) digest: String,
    pub(super) bytes: u64,
}

/// What became of one alert.
#[derive(Default)]
pub(super) struct AlertFacts {
    judgement: Option<Judgement>,
    outcome: Option<Outcome>,
    seconds_to_decide: Option<u64>,
}

/// A stretch of time, counted.
pub(super) struct Receipt {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) counts: Counts,
}

/// What was destroyed in the end.
pub(super) struct PurgeFacts {
    pub(super) at: Timestamp,
    pub(super) alerts: u64,
    pub(super) watchlist_images: u64,
    pub(super) key_destroyed: bool,
}

/// Alerts by what became of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AlertTotals {
    pub(super) total: u64,
    /// An identity check confirmed the person.
    pub(super) positive: u64,
    /// A person judged that it shows somebody else, or an identity check showed so.
    pub(super) incorrect: u64,
    /// Neither is known (yet): no check was made, or it could not be told.
    pub(super) unconfirmed: u64,
    /// No person has judged them.
    pub(super) unjudged: u64,
}

impl Record {
    /// Reads the whole record, oldest first, for one deployment and the operation it belongs to.
    pub(super) fn read(deployment: &str, entries: &[(u64, Entry)]) -> Self {
        let mut record = Self::default();
        for (_, entry) in entries.iter().filter(|(_, entry)| entry.fact.deployment() == Some(deployment)) {
            record.take(entry);
        }
        let operation = record.plan.as_ref().map(|plan| plan.operation.clone());
        record.operation = entries.iter().find_map(|(_, entry)| match &entry.fact {
            Fact::OperationOpened { operation: name, title, force, purpose, policy_digest, .. }
                if Some(name) == operation.as_ref() =>
            {
                Some(OperationFacts {
                    title: title.clone(),
                    force: force.clone(),
                    purpose: purpose.clone(),
                    policy_digest: policy_digest.clone(),
                })
            }
            _ => None,
        });
        record
    }

    /// All its receipts together.
    pub(super) fn counted(&self) -> Counts {
        let add = |sum: Counts, receipt: &Receipt| sum.checked_add(&receipt.counts).unwrap_or(sum);
        self.receipts.iter().fold(Counts::default(), add)
    }

    /// Its alerts by what became of them.
    pub(super) fn alert_totals(&self) -> AlertTotals {
        let mut totals = AlertTotals::default();
        for alert in self.alerts.values() {
            totals.total += 1;
            let counter = match (alert.judgement, alert.outcome.map(Outcome::truth)) {
                (_, Some(Truth::True)) => &mut totals.positive,
                (_, Some(Truth::False)) | (Some(Judgement::NotThisPerson), _) => &mut totals.incorrect,
                (Some(_), _) => &mut totals.unconfirmed,
                (None, _) => &mut totals.unjudged,
            };
            *counter += 1;
        }
        totals
    }

    /// Seconds from alert to judgement, ascending.
    pub(super) fn decision_seconds(&self) -> Vec<u64> {
        let mut seconds: Vec<u64> = self.alerts.values().filter_map(|alert| alert.seconds_to_decide).collect();
        seconds.sort_unstable();
        seconds
    }

    fn take(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.fact {
            Fact::DeploymentProposed(plan) => self.plan = Some(plan.clone()),
            Fact::DeploymentApproved { role, .. } | Fact::DeploymentApprovedUrgently { role, .. } => {
                self.approved = Some((at, role.clone()))
            }
            Fact::NoticePublished { notice_digest, .. } => self.notice = Some((at, notice_digest.clone())),
            Fact::WatchlistFrozen { people, images, by_ground, .. } => {
                self.watchlist =
                    Some(WatchlistFacts { people: *people, images: *images, by_ground: by_ground.clone() });
            }
            Fact::SignageConfirmed { signs, alternative_route, .. } => {
                self.signage = Some((*signs, alternative_route.clone()))
            }
            Fact::RecordingDeclared { camera, digest, bytes, .. } => {
                self.recordings.push(RecordingFacts { camera: camera.clone(), digest: digest.clone(), bytes: *bytes });
            }
            Fact::CameraDeclared(camera) => self.cameras.push(camera.clone()),
            Fact::DeploymentStarted { equipment, .. } => self.started = Some((at, equipment.clone())),
            Fact::DeletionReceipt { from, to, counts, .. } => {
                self.receipts.push(Receipt { from: *from, to: *to, counts: *counts });
            }
            Fact::DeploymentEnded { reason, .. } => self.ended = Some((at, reason.clone())),
            Fact::WatchlistDestroyed { images, .. } => self.listed_images_destroyed = *images,
            Fact::DeploymentPurged { alerts_destroyed, watchlist_images_destroyed, key_destroyed, .. } => {
                self.purged = Some(PurgeFacts {
                    at,
                    alerts: *alerts_destroyed,
                    watchlist_images: self.listed_images_destroyed + *watchlist_images_destroyed,
                    key_destroyed: *key_destroyed,
                });
            }
            Fact::AlertRaised { alert, .. } => drop(self.alerts.entry(alert.clone()).or_default()),
            Fact::AlertAdjudicated { alert, judgement, seconds_to_decide, .. } => {
                let alert = self.alerts.entry(alert.clone()).or_default();
                alert.judgement = Judgement::from_word(judgement);
                alert.seconds_to_decide = Some(*seconds_to_decide);
            }
            Fact::AlertJudgedTwice { alert, first, second, seconds_to_decide, .. } => {
                let alert = self.alerts.entry(alert.clone()).or_default();
                let agreed = first == second;
                alert.judgement = if agreed { Judgement::from_word(first) } else { Some(Judgement::CannotTell) };
                alert.seconds_to_decide = Some(*seconds_to_decide);
            }
            Fact::OutcomeRecorded { alert, outcome, .. } | Fact::OutcomeReclassified { alert, outcome, .. } => {
                self.alerts.entry(alert.clone()).or_default().outcome = Outcome::from_word(outcome);
            }
            Fact::AlertJudgedOnce { .. }
            | Fact::AlertEngaged { .. }
            | Fact::AlertHeld { .. }
            | Fact::HoldReleased { .. }
            | Fact::HeldEvidenceDestroyed { .. }
            | Fact::SeedsCommitted { .. }
            | Fact::SeedsRevealed(_)
            | Fact::ComplaintReceived { .. }
            | Fact::ComplaintAnswered { .. }
            | Fact::ComplaintForgotten { .. }
            | Fact::ShareProposed(_)
            | Fact::ShareApproved { .. }
            | Fact::ShareUsed { .. }
            | Fact::ShareOutcomeReported { .. }
            | Fact::ShareRevoked { .. } => {}
            Fact::AlertsSuppressed { .. }
            | Fact::CommitmentsDestroyed { .. }
            | Fact::PolicyAdopted { .. }
            | Fact::OperationOpened { .. }
            | Fact::StaffCounted { .. }
            | Fact::ThresholdProposed { .. }
            | Fact::ThresholdSet { .. }
            | Fact::DeploymentRatified { .. }
            | Fact::OutsideAuthorised { .. }
            | Fact::DocumentFilled { .. }
            | Fact::DeploymentTripped { .. }
            | Fact::TripCleared { .. }
            | Fact::ResultsPublished { .. }
            | Fact::DeploymentPaused { .. }
            | Fact::DeploymentResumed { .. }
            | Fact::DeploymentWithdrawn { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fact: Fact) -> (u64, Entry) {
        (0, Entry { at: Timestamp::UNIX_EPOCH, fact })
    }

    fn raised(alert: &str) -> (u64, Entry) {
        let expires = Timestamp::UNIX_EPOCH;
        let (deployment, camera, evidence_commitment) = ("d".into(), "c".into(), String::new());
        entry(Fact::AlertRaised { deployment, alert: alert.into(), camera, evidence_commitment, expires })
    }

    fn judged(alert: &str, judgement: Judgement) -> (u64, Entry) {
        let judgement = judgement.word().into();
        entry(Fact::AlertAdjudicated { deployment: "d".into(), alert: alert.into(), judgement, seconds_to_decide: 4 })
    }

    fn followed(alert: &str, outcome: Outcome) -> (u64, Entry) {
        entry(Fact::OutcomeRecorded { deployment: "d".into(), alert: alert.into(), outcome: outcome.word().into() })
    }

    #[test]
    fn each_alert_is_counted_once_by_the_last_that_is_known_of_it() {
        let entries = [
            raised("unjudged"),
            raised("cannot-tell"),
            judged("cannot-tell", Judgement::CannotTell),
            raised("not-this-person"),
            judged("not-this-person", Judgement::NotThisPerson),
            raised("confirmed"),
            judged("confirmed", Judgement::SamePerson),
            followed("confirmed", Outcome::IdentityConfirmed),
            raised("refuted"),
            judged("refuted", Judgement::SamePerson),
            followed("refuted", Outcome::IdentityRefuted),
            raised("unchecked"),
            judged("unchecked", Judgement::SamePerson),
            followed("unchecked", Outcome::NoAction),
        ];
        let totals = Record::read("d", &entries).alert_totals();
        assert_eq!(totals, AlertTotals { total: 6, positive: 1, incorrect: 2, unconfirmed: 2, unjudged: 1 });
        assert_eq!(Record::read("another", &entries).alert_totals(), AlertTotals::default());
    }
}
