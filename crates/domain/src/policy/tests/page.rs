//! What the public page says of a profile and of what is kept: each number in its sentence, and no two lines alike.

use std::collections::BTreeSet;

use super::*;

fn sentence(policy: &Policy, setting: &str) -> String {
    policy.say().into_iter().find(|said| said.setting == setting).unwrap().sentence
}

#[test]
fn each_part_of_the_page_has_a_heading_and_the_settings_stand_in_the_order_of_the_parts() {
    let headings = Part::ALL.map(Part::heading);
    assert_eq!(headings.iter().collect::<BTreeSet<_>>().len(), headings.len());
    assert_eq!((headings[0], headings[8]), ("Before a deployment", "The public record"));
    let mut parts: Vec<_> = sound().say().into_iter().map(|said| said.part).collect();
    parts.dedup();
    assert_eq!(parts, Part::ALL);
}

#[test]
fn a_role_in_urgency_is_named_only_where_there_is_one() {
    let ordinary = "A deployment is proposed by the role of proposer and approved by the role of authorising officer, \
                    never by the person who proposed it.";
    assert_eq!(sentence(&sound(), "roles"), ordinary);
    let in_urgency = " In urgency the role of urgent authorising officer may approve it for the time being.";
    assert_eq!(sentence(&urgent(), "roles"), [ordinary, in_urgency].concat());
}

#[test]
fn closed_vocabularies_are_said_word_by_word() {
    let policy = Policy { documents: words(["impact assessment", "consultation"]), ..sound() };
    let protected = "These are listed only with a recorded higher approval: child; protected person; deceased person.";
    assert_eq!(sentence(&policy, "protected_grounds"), protected);
    let documents =
        "Before it is announced, each of these is on the record with its digest: impact assessment; consultation.";
    assert_eq!(sentence(&policy, "documents"), documents);
}

#[test]
fn one_is_said_of_one_thing_and_several_of_many() {
    let policy = Policy { images_per_person_max: 1, false_alert_faces_min: 1_000, ..sound() };
    assert_eq!(sentence(&policy, "images_per_person_max"), "One person has at most 1 image on a list.");
    assert_eq!(sentence(&policy, "false_alert_faces_min"), "That rate counts once 1,000 faces have been seen.");
    assert_eq!(sentence(&policy, "face_side_px_min"), "A face smaller than 40 pixels is not compared.");
}

#[test]
fn a_threshold_is_said_with_the_evaluation_it_was_measured_in() {
    let threshold = |policy: &Policy| {
        let said = policy.say().into_iter().find(|said| said.setting == "threshold").unwrap();
        (said.sentence, said.source)
    };
    let measured = "With the model m a score of 0.5 or more makes a candidate, measured to give 0.001 (1 in 1,000) \
                    false candidates for each search of somebody who is not listed.";
    assert_eq!(threshold(&sound()), (measured.into(), Some("set".into())));
    let none = "No threshold is measured for this profile, so nothing can be compared under it.";
    let policy = Policy { thresholds: vec![], ..sound() };
    assert_eq!(threshold(&policy), (none.into(), Some("The profile names no evaluation.".into())));
    let of_the_file = sound().say().into_iter().filter(|said| said.source.is_none()).count();
    assert_eq!(of_the_file + 1, sound().say().len(), "every other number comes from the file");
}

#[test]
fn no_two_kinds_of_data_are_said_to_be_the_same_or_to_be_kept_from_the_same_moment() {
    for said in [Held::data, Held::since] {
        assert_eq!(Held::ALL.into_iter().map(said).collect::<BTreeSet<_>>().len(), Held::ALL.len());
    }
}

#[test]
fn only_the_public_record_is_about_nobody() {
    for held in Held::ALL {
        let about = held.about();
        assert_eq!(about.starts_with("nobody"), held == Held::Record, "{held:?}: {about}");
        let people = about.starts_with("whoever") || about.starts_with("everybody");
        assert_eq!(people, held != Held::Record, "{held:?}: {about}");
    }
}

#[test]
fn how_something_ends_is_what_its_term_says() {
    for kept in urgent().schedule() {
        let ending = kept.held.ending();
        let promised = match kept.term {
            Term::Never => "never written to disk",
            Term::AtMost(_) | Term::UntilTheEnd(_) => "key is overwritten",
            Term::Always => "never removed",
        };
        assert!(ending.contains(promised), "{:?}: {ending}", kept.held);
    }
}

#[test]
fn every_kind_of_data_is_kept_under_a_rule_of_its_own() {
    let rules: BTreeSet<_> = Held::ALL.into_iter().map(Held::rule).collect();
    // Frames, and faces that matched nobody, are not kept for one and the same reason.
    assert_eq!(rules.len(), Held::ALL.len() - 1);
    assert_eq!(Held::Frame.rule(), "nothing is kept of people who were not looked for");
    assert_eq!(Held::Unmatched.rule(), Held::Frame.rule());
}
