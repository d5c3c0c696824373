//! A sound profile, and each way in which it may contradict itself.

mod bounds;
mod page;

use super::*;
use crate::alert::Outcome;

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

pub(crate) fn sound() -> Policy {
    Policy {
        profile: "exercise".into(),
        version: 1,
        digest: "00".into(),
        notice_lead: SignedDuration::from_secs(10),
        urgent_ratification: None,
        watchlist_age_max: days(1),
        image_age_max: days(3_653),
        deployment_length_max: SignedDuration::from_hours(2),
        lease: SignedDuration::from_secs(30),
        alert_retention: days(1),
        alert_hold_max: days(40),
        complaint_retention: days(365),
        commitment_retention: days(365),
        suppression_length_max: days(180),
        share_length_max: days(31),
        outcome_due: days(7),
        training_validity: days(365),
        checkpoint_interval: SignedDuration::from_mins(10),
        watchlist_people_max: 100,
        images_per_person_max: 3,
        adult_age_years: 18,
        look_alike_score: 0.8,
        eye_distance_px_min: 20,
        sharpness_min: 0.0,
        face_side_px_min: 40,
        threshold_fpir_max: 0.01,
        false_alert_rate_max: 0.001,
        false_alert_faces_min: 1_000,
        differential_ratio_max: 1.5,
        thresholds: vec![Threshold::new(ModelId::new("m"), 0.5, 0.001, "set".into()).unwrap()],
        purposes: words(["exercise"]),
        grounds: words(["exercise subject"]),
        protected_grounds: words(["child", "protected person", "deceased person"]),
        place_grounds: words(["recorded files"]),
        urgent_grounds: vec![],
        documents: vec![],
        outcomes: Outcome::ALL.map(|outcome| outcome.word().to_owned()).to_vec(),
        oifr_powers: vec![],
        oifr_place_classes: vec![],
        sources: vec![SourceKind::Recording],
        second_adjudicator: Adjudicators::One,
        outside_authoriser: OutsideAuthoriser::NotNeeded,
        roles: Roles { propose: vec![Role::Proposer], approve: vec![Role::AuthorisingOfficer], approve_urgent: vec![] },
    }
}

/// A sound profile with an urgent route.
fn urgent() -> Policy {
    let mut policy = sound();
    policy.urgent_ratification = Some(days(1));
    policy.urgent_grounds = words(["danger to life"]);
    policy.roles.approve_urgent = vec![Role::UrgentAuthorisingOfficer];
    policy
}

type Breakage = (&'static str, fn(&mut Policy));

fn expect_each(sound: fn() -> Policy, broken: &[Breakage]) {
    assert_eq!(sound().faults(), vec![]);
    for (number, (setting, break_it)) in broken.iter().enumerate() {
        let mut policy = sound();
        break_it(&mut policy);
        let found: Vec<_> = policy.faults().iter().map(|fault| fault.setting).collect();
        assert_eq!(found, vec![*setting], "breakage {number}: {:?}", policy.faults());
    }
}

#[test]
fn a_length_of_time_outside_its_range_or_against_another_is_a_fault() {
    expect_each(
        sound,
        &[
            ("notice_lead", |p| p.notice_lead = SignedDuration::from_secs(-1)),
            ("notice_lead", |p| p.notice_lead = days(366)),
            ("watchlist_age_max", |p| p.watchlist_age_max = SignedDuration::from_hours(25)),
            ("image_age_max", |p| p.image_age_max = days(7_306)),
            ("deployment_length_max", |p| p.deployment_length_max = SignedDuration::ZERO),
            ("lease", |p| p.lease = SignedDuration::from_mins(6)),
            ("alert_retention", |p| p.alert_retention = SignedDuration::from_hours(31 * 24 + 1)),
            ("alert_retention", |p| p.alert_retention = SignedDuration::from_hours(1)),
            ("alert_hold_max", |p| p.alert_hold_max = SignedDuration::from_hours(23)),
            ("complaint_retention", |p| p.complaint_retention = days(2_193)),
            ("complaint_retention", |p| p.complaint_retention = days(29)),
            ("commitment_retention", |p| p.commitment_retention = days(2_193)),
            ("commitment_retention", |p| p.commitment_retention = SignedDuration::from_hours(23)),
            ("suppression_length_max", |p| p.suppression_length_max = days(366)),
            ("share_length_max", |p| p.share_length_max = days(366)),
            ("share_length_max", |p| p.share_length_max = days(6)),
            ("outcome_due", |p| p.outcome_due = SignedDuration::ZERO),
            ("training_validity", |p| p.training_validity = days(731)),
            ("checkpoint_interval", |p| p.checkpoint_interval = SignedDuration::from_hours(25)),
        ],
    );
    expect_each(urgent, &[("urgent_ratification", |p| p.urgent_ratification = Some(SignedDuration::from_hours(49)))]);
    let mut held_too_long = sound();
    held_too_long.alert_hold_max = days(366);
    held_too_long.complaint_retention = days(366);
    assert_eq!(
        held_too_long.faults()[0].to_string(),
        "alert_hold_max: found 366 days; it must be at least 1 second and at most 365 days"
    );
}

#[test]
fn a_number_outside_its_range_is_a_fault_and_so_is_a_looser_threshold() {
    let threshold = |model: &str, fpir| Threshold::new(ModelId::new(model), 0.5, fpir, "set".into()).unwrap();
    expect_each(
        sound,
        &[
            ("watchlist_people_max", |p| p.watchlist_people_max = 0),
            ("watchlist_people_max", |p| p.watchlist_people_max = 20_001),
            ("images_per_person_max", |p| p.images_per_person_max = 0),
            ("adult_age_years", |p| p.adult_age_years = 17),
            ("look_alike_score", |p| p.look_alike_score = 1.01),
            ("eye_distance_px_min", |p| p.eye_distance_px_min = 0),
            ("sharpness_min", |p| p.sharpness_min = -0.1),
            ("face_side_px_min", |p| p.face_side_px_min = 15),
            ("threshold_fpir_max", |p| p.threshold_fpir_max = f64::NAN),
            ("threshold_fpir_max", |p| p.threshold_fpir_max = 0.11),
            ("false_alert_rate_max", |p| p.false_alert_rate_max = 0.0011),
            ("false_alert_faces_min", |p| p.false_alert_faces_min = 0),
            ("differential_ratio_max", |p| p.differential_ratio_max = 0.9),
        ],
    );
    let mut policy = sound();
    policy.thresholds.push(threshold("n", 0.05));
    assert_eq!(policy.faults()[0].to_string(), "thresholds: n was measured at 0.05, above threshold_fpir_max");
    policy.thresholds[1] = threshold("m", 0.001);
    assert_eq!(policy.faults()[0].to_string(), "thresholds: m has two thresholds; keep one");
}

#[test]
fn a_vocabulary_constrains_or_is_a_fault() {
    expect_each(
        sound,
        &[
            ("purposes", |p| p.purposes.clear()),
            ("grounds", |p| p.grounds.push(" ".into())),
            ("grounds", |p| p.grounds.push("exercise subject".into())),
            ("protected_grounds", |p| p.protected_grounds.clear()),
            ("place_grounds", |p| p.place_grounds[0].push('\n')),
            ("urgent_grounds", |p| p.urgent_grounds.push("danger to life".into())),
            ("documents", |p| p.documents = vec![String::new()]),
            ("documents", |p| p.documents = (0..65).map(|number| number.to_string()).collect()),
            ("outcomes", |p| p.outcomes.retain(|word| word != "identity refuted")),
            ("outcomes", |p| p.outcomes.push("no further questions".into())),
            ("oifr_powers", |p| {
                p.oifr_powers = vec!["x".repeat(121)];
                p.oifr_place_classes = vec!["public place".into()];
            }),
            ("oifr_place_classes", |p| p.oifr_powers.push("power to ask for a name".into())),
        ],
    );
    expect_each(urgent, &[("urgent_grounds", |p| p.urgent_grounds.clear())]);
}

#[test]
fn nobody_may_approve_what_their_own_role_proposes() {
    expect_each(
        sound,
        &[
            ("sources", |p| p.sources.clear()),
            ("sources", |p| p.sources.push(SourceKind::Recording)),
            ("roles", |p| p.roles.propose.clear()),
            ("roles", |p| p.roles.approve.clear()),
            ("roles", |p| p.roles.approve.push(Role::Proposer)),
            ("roles", |p| p.roles.propose.push(Role::Proposer)),
            ("roles", |p| p.roles.approve_urgent.push(Role::UrgentAuthorisingOfficer)),
            ("roles", |p| p.roles.approve.push(Role::Regulator)),
            ("roles", |p| p.roles.propose.push(Role::Administrator)),
        ],
    );
    expect_each(
        urgent,
        &[
            ("roles", |p| p.roles.approve_urgent.clear()),
            ("roles", |p| p.roles.approve_urgent = vec![Role::AuthorisingOfficer]),
            ("roles", |p| p.roles.approve_urgent.push(Role::Proposer)),
        ],
    );
    let mut policy = sound();
    policy.roles.propose = vec![Role::AuthorisingOfficer];
    let said = policy.faults()[0].to_string();
    assert_eq!(said, "roles: the role of authorising officer may approve what it proposes; keep the two apart");
}

#[test]
fn a_look_alike_floor_lies_below_the_threshold_in_any_units() {
    let policy = sound();
    let floor =
        |value| policy.look_alike_floor(&Threshold::new(ModelId::new("m"), value, 0.001, "set".into()).unwrap());
    assert_eq!(floor(0.5), 0.4);
    assert_eq!(floor(-0.5), -0.625, "a distance of 0.625 is further than one of 0.5");
}

#[test]
fn the_schedule_has_a_line_for_every_kind_of_data_and_expiries_follow_it() {
    let mut policy = urgent();
    let lines: Vec<_> = policy.schedule().iter().map(|kept| kept.term.to_string()).collect();
    let expected = [
        "not kept",
        "not kept",
        "at most 24 hours",
        "at most 40 days",
        "at most 24 hours",
        "until the deployment ends, at most 26 hours",
        "at most 365 days",
        "at most 365 days",
        "at most 180 days",
        "at most 31 days",
        "always",
    ];
    assert_eq!(lines, expected);
    let now = Timestamp::from_second(1_790_000_000).unwrap();
    let gone = |policy: &Policy, held| policy.kept(held).gone_by(now).duration_since(now);
    assert_eq!(gone(&policy, Held::AlertEvidence), days(1));
    policy.alert_retention = SignedDuration::from_hours(7);
    assert_eq!(gone(&policy, Held::AlertEvidence), SignedDuration::from_hours(7));
    assert_eq!(gone(&policy, Held::Unmatched), SignedDuration::ZERO);
    policy.urgent_ratification = None;
    assert_eq!(policy.kept(Held::Unratified).term, Term::Never);
    assert_eq!(policy.kept(Held::Record).gone_by(now), Timestamp::MAX);
    policy.alert_retention = SignedDuration::MAX;
    assert_eq!(gone(&policy, Held::AlertEvidence), Timestamp::MAX.duration_since(now), "it saturates");
}

#[test]
fn every_setting_is_said_once_and_stands_against_a_risk() {
    let policy = sound();
    let said: Vec<_> = policy.say().iter().map(|said| said.setting).collect();
    for (place, setting) in said.iter().enumerate() {
        assert!(!said[..place].contains(setting), "{setting} is said twice");
        assert_eq!(RISKS.iter().filter(|risk| risk.settings.contains(setting)).count(), 1, "{setting}");
    }
    let against: usize = RISKS.iter().map(|risk| risk.settings.len()).sum();
    assert_eq!(against, said.len());
    for range in ranges() {
        assert!(said.contains(&range.setting), "{} has a limit and is not said", range.setting);
    }
    assert!(policy.say().iter().all(|said| said.sentence.ends_with('.') && !said.meaning.is_empty()));
}
