//! The profile in plain sentences: what it allows and forbids, one sentence for every setting, under a heading.

use super::words::{grouped, length, list, rate};
use super::{Adjudicators, OutsideAuthoriser, Policy, SourceKind};
use crate::officer::Role;
use crate::threshold::Threshold;

/// Under which heading something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the heading of each is its documentation")]
pub enum Part {
    Before,
    Roles,
    Watchlist,
    Comparison,
    Alerts,
    Keeping,
    Shares,
    Handheld,
    Record,
}

/// One setting in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Where it belongs.
    pub part: Part,
    /// The setting, by its name in the file.
    pub setting: &'static str,
    /// What the setting is, in a few words.
    pub meaning: &'static str,
    /// What it says, as a sentence.
    pub sentence: String,
    /// Where the number comes from, where the policy itself knows (thresholds); otherwise the file does.
    pub source: Option<String>,
}

impl Part {
    /// Every part, in the order of reading.
    pub const ALL: [Self; 9] = [
        Self::Before,
        Self::Roles,
        Self::Watchlist,
        Self::Comparison,
        Self::Alerts,
        Self::Keeping,
        Self::Shares,
        Self::Handheld,
        Self::Record,
    ];

    /// The heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Before => "Before a deployment",
            Self::Roles => "Who may do what",
            Self::Watchlist => "Who may be on a watchlist",
            Self::Comparison => "While faces are compared",
            Self::Alerts => "After an alert",
            Self::Keeping => "How long what is kept",
            Self::Shares => "Images that come from others or go to them",
            Self::Handheld => "Handheld use",
            Self::Record => "The public record",
        }
    }
}

impl Policy {
    /// Every setting in a sentence, in the order of reading.
    pub fn say(&self) -> Vec<Said> {
        let parts: [fn(&Self) -> Vec<Said>; 11] =
            [before, roles, watchlist, images, comparison, trip_wires, alerts, keeping, shares, handheld, record];
        parts.iter().flat_map(|part| part(self)).collect()
    }
}

fn said(part: Part, setting: &'static str, meaning: &'static str, sentence: String) -> Said {
    Said { part, setting, meaning, sentence, source: None }
}

fn before(policy: &Policy) -> Vec<Said> {
    let lead = length(policy.notice_lead);
    let documents = match policy.documents.as_slice() {
        [] => "No document has to be on the record before a deployment is announced.".into(),
        words => format!("Before it is announced, each of these is on the record with its digest: {}.", list(words)),
    };
    let outside = match policy.outside_authoriser {
        OutsideAuthoriser::NotNeeded => "Nobody outside the operator organisation has to sign.",
        OutsideAuthoriser::Needed => {
            "Somebody outside the operator organisation must sign too, with a key that the operator does not hold."
        }
    };
    let urgent = policy.urgent_ratification.map_or_else(
        || "There is no urgent route: every deployment waits until its notice has stood.".into(),
        |within| {
            format!(
                "In urgency a start need not wait for the notice; an ordinary approval must follow within {}, or everything from it is destroyed.",
                length(within)
            )
        },
    );
    let urgent_grounds = match policy.urgent_grounds.as_slice() {
        [] => "Nothing makes a deployment urgent.".into(),
        words => format!("Only these make it urgent: {}.", list(words)),
    };
    let say = |setting, meaning, sentence| said(Part::Before, setting, meaning, sentence);
    vec![
        say(
            "purposes",
            "What a deployment may be for",
            format!("A deployment serves one of these purposes, and any other is refused: {}.", list(&policy.purposes)),
        ),
        say(
            "place_grounds",
            "Why a place may be chosen",
            format!("Its place is chosen on one of these grounds, with evidence: {}.", list(&policy.place_grounds)),
        ),
        say("documents", "Documents on the record before it is announced", documents),
        say(
            "notice_lead",
            "The public notice stands before a start for",
            format!("The public is told first: a start is refused until the notice has stood for {lead}."),
        ),
        say("outside_authoriser", "Whether somebody outside must sign", outside.into()),
        say("urgent_ratification", "An urgent approval is ratified within", urgent),
        say("urgent_grounds", "What makes a deployment urgent", urgent_grounds),
    ]
}

fn roles(policy: &Policy) -> Vec<Said> {
    let named = |roles: &[Role]| list(&roles.iter().map(|role| role.word().to_owned()).collect::<Vec<_>>());
    let mut sentence = format!(
        "A deployment is proposed by the role of {} and approved by the role of {}, never by the person who proposed it.",
        named(&policy.roles.propose),
        named(&policy.roles.approve)
    );
    if !policy.roles.approve_urgent.is_empty() {
        let urgent = format!(
            " In urgency the role of {} may approve it for the time being.",
            named(&policy.roles.approve_urgent)
        );
        sentence.push_str(&urgent);
    }
    let judges = match policy.second_adjudicator {
        Adjudicators::One => "One person judges an alert before anybody is spoken to.",
        Adjudicators::Two => {
            "Two people judge an alert before anybody is spoken to, the second without knowing what the first judged."
        }
    };
    let trained = format!("Training counts for {}; whose has expired may not act.", length(policy.training_validity));
    vec![
        said(Part::Roles, "roles", "Who may propose and approve", sentence),
        said(Part::Roles, "second_adjudicator", "How many people judge an alert", judges.into()),
        said(Part::Roles, "training_validity", "Training counts for", trained),
    ]
}

fn watchlist(policy: &Policy) -> Vec<Said> {
    let say = |setting, meaning, sentence| said(Part::Watchlist, setting, meaning, sentence);
    vec![
        say(
            "grounds",
            "On what grounds somebody may be listed",
            format!("Somebody may be listed on one of these grounds, and on no other: {}.", list(&policy.grounds)),
        ),
        say(
            "protected_grounds",
            "Who is listed only with a higher approval",
            format!("These are listed only with a recorded higher approval: {}.", list(&policy.protected_grounds)),
        ),
        say(
            "adult_age_years",
            "Age from which on somebody is an adult",
            format!("Whoever is younger than {} years counts as a child.", policy.adult_age_years),
        ),
        say(
            "watchlist_people_max",
            "Most people on a watchlist",
            format!("A list holds at most {} people.", grouped(policy.watchlist_people_max.into())),
        ),
        say(
            "watchlist_age_max",
            "A watchlist is at most this old",
            format!(
                "A list is built for one deployment; it is at most {} old when comparison starts, and destroyed when it ends.",
                length(policy.watchlist_age_max)
            ),
        ),
    ]
}

fn images(policy: &Policy) -> Vec<Said> {
    let say = |setting, meaning, sentence| said(Part::Watchlist, setting, meaning, sentence);
    vec![
        say(
            "image_age_max",
            "A listed image is at most this old",
            format!("A listed image is at most {} old.", length(policy.image_age_max)),
        ),
        say(
            "images_per_person_max",
            "Most images of one person",
            format!("One person has at most {} on a list.", counted(policy.images_per_person_max.into(), "image")),
        ),
        say(
            "eye_distance_px_min",
            "Least distance between the eyes in a listed image, in pixels",
            format!(
                "In a listed image at least {} lie between the eyes.",
                counted(policy.eye_distance_px_min.into(), "pixel")
            ),
        ),
        say(
            "sharpness_min",
            "Least sharpness of a listed image, from 0 to 100",
            format!(
                "A listed image measures at least {} in sharpness, on a scale from 0 to 100.",
                policy.sharpness_min
            ),
        ),
        say(
            "look_alike_score",
            "Listed people who look this much alike are flagged, as a share of the threshold",
            format!(
                "Two listed people whose likeness reaches {} of the threshold are shown to a person before the list is fixed.",
                policy.look_alike_score
            ),
        ),
    ]
}

/// What may be read, and what never may be.
fn sources(policy: &Policy) -> &'static str {
    let allowed = |kind| policy.sources.contains(&kind);
    match (allowed(SourceKind::Recording), allowed(SourceKind::Camera)) {
        (true, true) => {
            "An exercise reads recorded files, and a live deployment opens cameras: each is declared on the record before the start."
        }
        (true, false) => {
            "Recorded files are read, each declared on the record before the start. No camera may be opened."
        }
        (false, true) => {
            "Cameras are opened, each declared on the record with its recognition zone before the start. No recorded file is read."
        }
        (false, false) => "Nothing may be read: neither a recorded file nor a camera.",
    }
}

fn comparison(policy: &Policy) -> Vec<Said> {
    let say = |setting, meaning, sentence| said(Part::Comparison, setting, meaning, sentence);
    let mut all = vec![
        say("sources", "What faces are compared in", sources(policy).into()),
        say(
            "deployment_length_max",
            "A deployment lasts at most",
            format!("A deployment has a set start and end, at most {} apart.", length(policy.deployment_length_max)),
        ),
        say(
            "lease",
            "Authority to compare ends by itself after",
            format!("Authority to compare ends by itself after {} unless it is renewed.", length(policy.lease)),
        ),
        say(
            "face_side_px_min",
            "Smallest face that is compared, in pixels",
            format!("A face smaller than {} is not compared.", counted(policy.face_side_px_min.into(), "pixel")),
        ),
        say(
            "threshold_fpir_max",
            "Highest measured false-positive identification rate (FPIR) of a threshold",
            format!(
                "A threshold is used only if it was measured to give at most {} false candidates for each search of somebody who is not listed.",
                rate(policy.threshold_fpir_max)
            ),
        ),
    ];
    if policy.thresholds.is_empty() {
        let sentence = "No threshold is measured for this profile, so nothing can be compared under it.".into();
        let none = say("threshold", "Threshold of a model, as measured", sentence);
        all.push(Said { source: Some("The profile names no evaluation.".into()), ..none });
    }
    all.extend(policy.thresholds.iter().map(measured));
    all
}

fn measured(threshold: &Threshold) -> Said {
    let sentence = format!(
        "With the model {} a score of {} or more makes a candidate, measured to give {} false candidates for each search of somebody who is not listed.",
        threshold.model().as_str(),
        threshold.value(),
        rate(threshold.fpir())
    );
    let said = said(Part::Comparison, "threshold", "Threshold of a model, as measured", sentence);
    Said { source: Some(threshold.evaluation().to_owned()), ..said }
}

fn trip_wires(policy: &Policy) -> Vec<Said> {
    let say = |setting, meaning, sentence| said(Part::Comparison, setting, meaning, sentence);
    vec![
        say(
            "false_alert_rate_max",
            "Comparison pauses above this rate of false alerts among faces seen",
            format!(
                "Comparison pauses by itself above {} false alerts for each face seen.",
                rate(policy.false_alert_rate_max)
            ),
        ),
        say(
            "false_alert_faces_min",
            "Faces seen before that rate counts",
            format!("That rate counts once {} have been seen.", counted(policy.false_alert_faces_min, "face")),
        ),
        say(
            "differential_ratio_max",
            "Comparison pauses above this ratio between groups",
            format!(
                "Comparison pauses when the error rate of one group is more than {} times that of another.",
                policy.differential_ratio_max
            ),
        ),
    ]
}

fn alerts(policy: &Policy) -> Vec<Said> {
    let outcomes =
        format!("A person decides what follows, and records one of these outcomes: {}.", list(&policy.outcomes));
    vec![said(Part::Alerts, "outcomes", "What may follow an alert", outcomes)]
}

fn keeping(policy: &Policy) -> Vec<Said> {
    let say = |setting, meaning, sentence| said(Part::Keeping, setting, meaning, sentence);
    vec![
        say(
            "alert_retention",
            "The evidence of an alert is kept at most",
            format!(
                "The evidence of an alert is kept at most {}, sealed, and then destroyed.",
                length(policy.alert_retention)
            ),
        ),
        say(
            "alert_hold_max",
            "A hold may keep it for at most",
            format!(
                "A hold, with a stated reason and an end, may keep it until at most {} after the alert.",
                length(policy.alert_hold_max)
            ),
        ),
        say(
            "complaint_retention",
            "A complaint is kept at most",
            format!("A complaint is kept at most {}.", length(policy.complaint_retention)),
        ),
        say(
            "commitment_retention",
            "“Was I on a list?” is answered for",
            format!(
                "Whether somebody was on a list can be asked for {}; then the key that answers is destroyed.",
                length(policy.commitment_retention)
            ),
        ),
        say(
            "suppression_length_max",
            "A suppression entry lasts at most",
            format!(
                "Somebody wrongly stopped for a likeness may consent to a suppression entry of at most {}, and end it at any time.",
                length(policy.suppression_length_max)
            ),
        ),
    ]
}

fn shares(policy: &Policy) -> Vec<Said> {
    let share = format!(
        "No image or list comes in or goes out without a recorded agreement, which lasts at most {}.",
        length(policy.share_length_max)
    );
    let outcome = format!(
        "What came of a share is reported within {} of its use, or the share is revoked.",
        length(policy.outcome_due)
    );
    vec![
        said(Part::Shares, "share_length_max", "A share lasts at most", share),
        said(Part::Shares, "outcome_due", "The outcome of a share is due within", outcome),
    ]
}

fn handheld(policy: &Policy) -> Vec<Said> {
    let forbidden = || "Photographing somebody with a handheld device to find out who they are is forbidden.".into();
    let (powers, places) = match (policy.oifr_powers.as_slice(), policy.oifr_place_classes.as_slice()) {
        ([], _) | (_, []) => (forbidden(), "There is no place at which it is allowed.".into()),
        (powers, places) => (
            format!(
                "Somebody may be photographed only under one of these powers, chosen beforehand: {}.",
                list(powers)
            ),
            format!("The place is of one of these classes, chosen beforehand: {}.", list(places)),
        ),
    };
    vec![
        said(Part::Handheld, "oifr_powers", "Lawful powers for handheld use", powers),
        said(Part::Handheld, "oifr_place_classes", "Classes of places for handheld use", places),
    ]
}

fn record(policy: &Policy) -> Vec<Said> {
    let sentence = format!("The public record is signed anew at least every {}.", length(policy.checkpoint_interval));
    vec![said(Part::Record, "checkpoint_interval", "The record is signed at least every", sentence)]
}

fn counted(count: u64, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {one}{ending}", grouped(count))
}
