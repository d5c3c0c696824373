//! Every entry of the record in plain words: exhaustive, so that a new kind of entry does not compile until it can be read.

use std::collections::BTreeMap;

use evidence::{CameraDeclaration, Counts, DeploymentPlan, Fact, SeedFigures, ShareTerms};

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
        Fact::ThresholdProposed { change, role } => {
            ("Threshold proposed", format!("Somebody in the role of {role} proposed {}", threshold_in_words(change)))
        }
        Fact::ThresholdSet { change, proposed_by, approved_by } => {
            let words = threshold_in_words(change);
            let sentence =
                format!("Proposed in the role of {proposed_by}, approved by another in that of {approved_by}: {words}");
            ("Threshold set", sentence)
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
        Fact::RecordingDeclared { camera, bytes, .. } => ("Recording declared", recording_in_words(camera, *bytes)),
        Fact::CameraDeclared(camera) => ("Camera declared", camera_in_words(camera)),
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
        Fact::AlertJudgedOnce { alert, .. } => (
            "Alert judged by one of two",
            format!("One person judged alert {alert}. What they saw is told when another has judged it too."),
        ),
        Fact::AlertJudgedTwice { alert, first, second, .. } => (
            "Alert judged by two",
            format!("Two people judged alert {alert}, neither knowing the other's judgement: {first}; {second}."),
        ),
        Fact::AlertEngaged { alert, engagement, .. } => {
            ("Engagement", format!("What became of speaking to the person of alert {alert}: {engagement}."))
        }
        Fact::OutcomeReclassified { alert, outcome, reason, .. } => (
            "Outcome put right",
            format!("What followed alert {alert} is now on the record as {outcome}; the reason: {reason}."),
        ),
        Fact::AlertHeld { alert, ground, until, .. } => (
            "Evidence held",
            format!("The evidence of alert {alert} is kept until {}; the ground: {ground}.", words::moment(*until)),
        ),
        Fact::HoldReleased { alert, .. } => {
            ("Hold lifted", format!("The evidence of alert {alert} is no longer held."))
        }
        Fact::HeldEvidenceDestroyed { alert, .. } => {
            ("Held evidence destroyed", format!("What was held of alert {alert} is destroyed, and its key."))
        }
        Fact::SeedsCommitted { seeds, .. } => (
            "Reviewers to be measured",
            format!("{} of different people will be shown among the alerts.", words::plural(*seeds, "pair")),
        ),
        Fact::SeedsRevealed(figures) => ("Reviewers measured", seeds_in_words(figures)),
        Fact::ComplaintReceived { complaint, about, .. } => {
            ("Complaint received", format!("Complaint {complaint} was received; it names its occasion by {about}."))
        }
        Fact::ComplaintAnswered { complaint, finding } => {
            ("Complaint answered", format!("Complaint {complaint} was answered: {finding}."))
        }
        Fact::ComplaintForgotten { complaint } => {
            ("Complaint forgotten", format!("The words of complaint {complaint} and of its answer are destroyed."))
        }
        Fact::ShareProposed(terms) => ("Share proposed", share_in_words(terms)),
        Fact::ShareApproved { share, role } => {
            ("Share approved", format!("Another person approved share {share}, in the role of {role}."))
        }
        Fact::ShareUsed { share, counterpart, direction, what, items } => (
            "Share used",
            format!(
                "{} of {what} passed {direction} under share {share}, with {counterpart}.",
                words::plural(*items, "item")
            ),
        ),
        Fact::ShareOutcomeReported { share } => {
            ("Outcome of a share", format!("What came of share {share} was reported."))
        }
        Fact::ShareRevoked { share, reason } => {
            ("Share revoked", format!("Share {share} ended; the reason: {reason}."))
        }
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
        Fact::AlertsSuppressed { up_to, .. } => (
            "Alerts suppressed",
            format!(
                "Up to {} not raised: the face was nearer to somebody wrongly stopped before.",
                words::plural(*up_to, "alert")
            ),
        ),
        Fact::WatchlistDestroyed { images, key_destroyed, .. } => {
            let key = if *key_destroyed { "with its key" } else { "but not its key" };
            ("Watchlist destroyed", format!("{} destroyed, {key}.", words::plural(*images, "listed image")))
        }
        Fact::CommitmentsDestroyed { questions, .. } => (
            "Who was listed can no longer be told",
            format!("While it could be, it was asked {}.", words::plural(*questions, "time")),
        ),
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

fn threshold_in_words(change: &evidence::ThresholdChange) -> String {
    let forecast = change.forecast.iter().map(|(group, effect)| format!("{group}: {effect}"));
    format!(
        "the threshold {} for {}, measured at a false-positive rate of {} in {}; before: {}. Why: {}. Expected: {}.",
        change.value,
        change.model,
        change.fpir,
        change.evaluation,
        change.previous.as_deref().unwrap_or("none set"),
        change.reason,
        forecast.collect::<Vec<_>>().join("; ")
    )
}

fn plan_in_words(plan: &DeploymentPlan) -> String {
    let kind = match plan.deployment_kind.as_str() {
        "live" => "A live deployment",
        "exercise" => "An exercise",
        _ => "A deployment",
    };
    format!(
        "{kind} at {}, for {}, from {} to {}.",
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

fn seeds_in_words(figures: &SeedFigures) -> String {
    format!(
        "Of {} shown, reviewers took {} for one person and could not tell {}, in {}; half were judged within {} s, nine in \
         ten within {} s. {} judged by two, {} of them alike.",
        words::plural(figures.shown, "pair"),
        words::grouped(figures.false_accepts),
        words::grouped(figures.cannot_tell),
        words::plural(figures.judgements, "judgement"),
        words::grouped(figures.seconds_to_decide_p50),
        words::grouped(figures.seconds_to_decide_p90),
        words::plural(figures.judged_twice, "pair"),
        words::grouped(figures.agreed),
    )
}

fn share_in_words(terms: &ShareTerms) -> String {
    format!(
        "Share {}: {} would pass {}, with {}, under {} ({}), until {}.",
        terms.share,
        terms.what,
        terms.direction,
        terms.counterpart,
        terms.agreement,
        terms.basis,
        words::moment(terms.expires)
    )
}

fn recording_in_words(camera: &str, bytes: u64) -> String {
    let what =
        if bytes == 0 { "A rendered scene".into() } else { format!("A recording of {}", words::plural(bytes, "byte")) };
    format!("{what} stands in for camera {camera}.")
}

fn camera_in_words(declared: &CameraDeclaration) -> String {
    let side = declared.face_side_px_min.map_or_else(String::new, |side| {
        format!(" A face smaller than {} is not compared there.", words::plural(side.into(), "pixel"))
    });
    let polygons = words::plural(declared.zone.polygons().len() as u64, "polygon");
    format!(
        "Camera {} may be opened, at an address that is committed to and not published. Faces are compared only inside {polygons} of its view, in thousandths of width and height: {}.{side}",
        declared.camera, declared.zone
    )
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
