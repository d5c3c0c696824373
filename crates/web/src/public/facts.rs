//! Every entry of the record in plain words: exhaustive, so that a new kind of entry does not compile until it can be read.

use std::collections::BTreeMap;

use evidence::{Counts, DeploymentPlan, Fact};

use crate::words;

/// An entry in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// What kind of thing happened.
    pub(super) title: &'static str,
    /// What exactly, as a sentence.
    pub(super) sentence: String,
}

/// Says it.
pub(super) fn say(fact: &Fact) -> Said {
    let (title, sentence) = match fact {
        Fact::PolicyAdopted { profile, version, .. } => {
            ("Policy adopted", format!("The policy profile “{profile}”, version {version}, came into force."))
        }
        Fact::OperationOpened { title, force, purpose, .. } => {
            ("Operation opened", format!("{force} opened the operation “{title}”. Its purpose: {purpose}."))
        }
        Fact::StaffCounted { by_role } => {
            let counts = by_role.iter().map(|(role, people)| format!("{people} in the role of {role}"));
            ("Staff counted", format!("Trained and able to act: {}.", counts.collect::<Vec<_>>().join(", ")))
        }
        Fact::DeploymentProposed(plan) => ("Deployment proposed", plan_in_words(plan)),
        Fact::DeploymentApproved { role, .. } => {
            ("Deployment approved", format!("Another person approved it, in the role of {role}."))
        }
        Fact::DeploymentApprovedUrgently { role, ground, ratify_by, .. } => (
            "Deployment approved urgently",
            format!(
                "Another person approved it without waiting, in the role of {role}, for this reason: {ground}. It lapses at {} unless an authorising officer ratifies it.",
                words::moment(*ratify_by)
            ),
        ),
        Fact::DeploymentRatified { role, .. } => {
            ("Urgent approval ratified", format!("A third person ratified it, in the role of {role}."))
        }
        Fact::OutsideAuthorised { .. } => {
            ("Signed from outside", "The outside body that its operation names signed this plan.".into())
        }
        Fact::DocumentFilled { slot, digest, .. } => {
            ("Document completed", format!("{slot}; its SHA-256 is {digest}."))
        }
        Fact::NoticePublished { .. } => {
            ("Notice published", "The public was told, in the words shown on the deployment's page.".into())
        }
        Fact::WatchlistFrozen { people, images, by_ground, .. } => {
            ("Watchlist fixed", watchlist_in_words(*people, *images, by_ground))
        }
        Fact::SignageConfirmed { signs, alternative_route, page, role, .. } => (
            "Signs confirmed",
            format!(
                "{} in place, confirmed on the spot in the role of {role}; the way round: {alternative_route}; the page on them: {page}.",
                words::plural(u64::from(*signs), "sign")
            ),
        ),
        Fact::RecordingDeclared { camera, bytes, .. } => {
            ("Recording declared", format!("{} stands in for camera {camera}.", recording_in_words(*bytes)))
        }
        Fact::DeploymentStarted { equipment, .. } => (
            "Comparison began",
            format!("{} compares faces with the model {}.", equipment.software, equipment.recogniser),
        ),
        Fact::DeploymentPaused { reason, .. } => ("Comparison paused", format!("The reason given: {reason}.")),
        Fact::DeploymentResumed { .. } => ("Comparison resumed", "Faces are compared again.".into()),
        Fact::DeploymentTripped { wire, found, .. } => {
            ("Comparison stopped by itself", format!("A trip-wire was touched, {wire}: {found}."))
        }
        Fact::TripCleared { role, reason, .. } => (
            "Comparison resumed after a trip-wire",
            format!("Faces are compared again, by decision in the role of {role}. The reason given: {reason}."),
        ),
        Fact::ResultsPublished { results, .. } => (
            "Results published",
            format!(
                "{} of {} alerts positive, {} incorrect; {} faces seen.",
                results.positive_alerts, results.total_alerts, results.incorrect_alerts, results.faces_seen
            ),
        ),
        Fact::AlertRaised { alert, camera, expires, .. } => (
            "Alert raised",
            format!(
                "Camera {camera} gave a candidate, kept sealed as alert {alert} for a person to judge. It is destroyed by {}.",
                words::moment(*expires)
            ),
        ),
        Fact::AlertAdjudicated { alert, judgement, seconds_to_decide, .. } => (
            "Alert judged",
            format!(
                "A person judged alert {alert}: {judgement}, after {}.",
                words::plural(*seconds_to_decide, "second")
            ),
        ),
        Fact::OutcomeRecorded { alert, outcome, .. } => {
            ("Outcome recorded", format!("What followed alert {alert}: {outcome}."))
        }
        Fact::DeletionReceipt { from, to, counts, .. } => (
            "Deletion receipt",
            format!("From {} to {}: {}.", words::clock_time(*from), words::clock_time(*to), counts_in_words(counts)),
        ),
        Fact::DeploymentEnded { reason, counts, .. } => {
            ("Deployment ended", format!("The reason given: {reason}. In all: {}.", counts_in_words(counts)))
        }
        Fact::DeploymentPurged { alerts_destroyed, watchlist_images_destroyed, key_destroyed, .. } => {
            ("Everything destroyed", purge_in_words(*alerts_destroyed, *watchlist_images_destroyed, *key_destroyed))
        }
        Fact::DeploymentWithdrawn { reason, .. } => {
            ("Deployment withdrawn", format!("It was given up before it began. The reason given: {reason}."))
        }
    };
    Said { title, sentence }
}

/// `12 faces seen; 14 templates made, 13 destroyed, 1 kept as an alert`.
pub(super) fn counts_in_words(counts: &Counts) -> String {
    format!(
        "{} seen; {} made, {} destroyed, {} kept for an alert",
        words::plural(counts.faces_seen, "face"),
        words::plural(counts.templates_made, "template"),
        words::grouped(counts.templates_destroyed),
        words::grouped(counts.alerts_kept)
    )
}

fn plan_in_words(plan: &DeploymentPlan) -> String {
    format!(
        "An {} at {}, for {}, from {} to {}.",
        plan.deployment_kind,
        plan.place,
        plan.purpose,
        words::moment(plan.starts),
        words::moment(plan.ends)
    )
}

fn watchlist_in_words(people: u64, images: u64, by_ground: &BTreeMap<String, u64>) -> String {
    let people = if people == 1 { "1 person".into() } else { format!("{} people", words::grouped(people)) };
    let grounds: Vec<String> =
        by_ground.iter().map(|(ground, people)| format!("{ground}, {}", words::grouped(*people))).collect();
    format!("The list was fixed at {people} and {} ({}).", words::plural(images, "image"), grounds.join("; "))
}

fn recording_in_words(bytes: u64) -> String {
    if bytes == 0 { "A rendered scene".into() } else { format!("A recording of {}", words::plural(bytes, "byte")) }
}

fn purge_in_words(alerts: u64, images: u64, key_destroyed: bool) -> String {
    let key = if key_destroyed { "the key that sealed them too" } else { "the key that sealed them was not" };
    format!(
        "{} and {} were destroyed, {key}.",
        words::plural(alerts, "alert"),
        words::plural(images, "watchlist image")
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn receipts_and_purges_are_said_with_their_numbers() {
        let counts = Counts { faces_seen: 12, templates_made: 14, templates_destroyed: 13, alerts_kept: 1 };
        let (from, to): (Timestamp, Timestamp) =
            (Timestamp::UNIX_EPOCH, "1970-01-01T00:01:00Z".parse().expect("a time"));
        let said = say(&Fact::DeletionReceipt { deployment: "d".into(), from, to, counts });
        assert_eq!(
            said.sentence,
            "From 00:00:00 UTC to 00:01:00 UTC: 12 faces seen; 14 templates made, 13 destroyed, 1 kept for an alert."
        );
        let said = say(&Fact::DeploymentPurged {
            deployment: "d".into(),
            alerts_destroyed: 1,
            watchlist_images_destroyed: 20,
            key_destroyed: true,
        });
        assert_eq!(said.sentence, "1 alert and 20 watchlist images were destroyed, the key that sealed them too.");
    }

    #[test]
    fn a_list_is_said_by_ground() {
        let by_ground = BTreeMap::from([("missing".to_owned(), 1), ("wanted".to_owned(), 2_000)]);
        let said = watchlist_in_words(2_001, 2_001, &by_ground);
        assert_eq!(said, "The list was fixed at 2,001 people and 2,001 images (missing, 1; wanted, 2,000).");
    }
}
