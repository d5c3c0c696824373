//! What the tests of the life cycle share: a small clock, a cast of officers, a policy and a plan at small bounds.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it, and a test stops at the first surprise"
)]

pub mod facts;
pub mod stages;

use domain::{
    Adjudicators, Age, Approval, CameraTerms, DeploymentId, EntryFacts, Equipment, Kind, ModelId, Officer, OfficerId,
    Operation, OperationId, OutsideAuthoriser, Plan, Policy, Retention, Role, Roles, Roll, SourceKind, Threshold, Zone,
};
use evidence::KeyPair;
use jiff::{SignedDuration, Timestamp};

/// One step of the small clock. Twelve hours, the age that signs may have, lie between two steps and three.
pub const TICK: SignedDuration = SignedDuration::from_hours(5);
/// First tick of the window, and the tick at which it is over.
pub const WINDOW: (i64, i64) = (3, 6);

pub fn at(tick: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + tick * TICK.as_secs()).unwrap()
}

/// So many seconds after a tick.
pub fn after(tick: i64, seconds: i64) -> Timestamp {
    at(tick) + SignedDuration::from_secs(seconds)
}

pub fn ticks(count: i32) -> SignedDuration {
    TICK * count
}

pub fn officer(name: &str, role: Role) -> Officer {
    Officer { id: OfficerId::new(name).unwrap(), role, trained_until: Timestamp::MAX }
}

/// Somebody whose training expired before the story begins.
pub fn untrained(name: &str, role: Role) -> Officer {
    Officer { trained_until: at(0), ..officer(name, role) }
}

pub fn threshold(model: &str) -> Threshold {
    let (value, fpir) = match model {
        "good" => (0.5, 0.001),
        "loose" => (0.5, 0.05),
        _ => (0.1, 0.001),
    };
    let model = if model == "claimed" { "good" } else { model };
    Threshold::new(ModelId::new(model), value, fpir, "set".into()).unwrap()
}

/// A policy at small bounds: two ticks of notice, a list of at most two people and two ticks, leases of one tick.
pub fn policy() -> Policy {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    Policy {
        profile: "small".into(),
        version: 1,
        digest: "00".into(),
        notice_lead: ticks(2),
        urgent_ratification: None,
        watchlist_age_max: ticks(2),
        image_age_max: ticks(10_000),
        deployment_length_max: ticks(3),
        lease: ticks(1),
        alert_retention: ticks(4),
        alert_hold_max: ticks(4),
        complaint_retention: ticks(100),
        commitment_retention: ticks(100),
        suppression_length_max: ticks(100),
        share_length_max: ticks(10),
        outcome_due: ticks(2),
        training_validity: ticks(1_000),
        checkpoint_interval: SignedDuration::from_mins(10),
        watchlist_people_max: 2,
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
        thresholds: vec![threshold("good"), threshold("loose")],
        purposes: words(&["exercise"]),
        grounds: words(&["exercise subject"]),
        protected_grounds: words(&["child", "protected person", "deceased person"]),
        place_grounds: words(&["recorded files"]),
        urgent_grounds: words(&["threat to life"]),
        documents: words(&["impact assessment"]),
        outcomes: words(&["identity confirmed", "identity refuted", "no action"]),
        oifr_powers: words(&[]),
        oifr_place_classes: words(&[]),
        sources: vec![SourceKind::Recording],
        second_adjudicator: Adjudicators::One,
        outside_authoriser: OutsideAuthoriser::NotNeeded,
        roles: Roles {
            propose: vec![Role::Proposer],
            approve: vec![Role::AuthorisingOfficer],
            approve_urgent: vec![Role::UrgentAuthorisingOfficer],
        },
    }
}

/// The same with an urgent route of two ticks.
pub fn urgent_policy() -> Policy {
    Policy { urgent_ratification: Some(ticks(2)), ..policy() }
}

pub fn plan() -> Plan {
    Plan {
        deployment: DeploymentId::new("d1").unwrap(),
        operation: OperationId::new("o1").unwrap(),
        kind: Kind::Exercise,
        purpose: "exercise".into(),
        place: "a rendered concourse".into(),
        place_ground: "recorded files".into(),
        place_evidence: digest(),
        cameras: 1,
        starts: at(WINDOW.0),
        ends: at(WINDOW.1),
    }
}

/// The same with cameras.
pub fn live_plan() -> Plan {
    Plan { kind: Kind::Live, ..plan() }
}

/// A camera by this name.
pub fn camera(name: &str) -> CameraTerms {
    let (zone, face_side_px_min) = (Zone::whole_view(), None);
    CameraTerms { name: name.into(), source_commitment: digest(), zone, face_side_px_min }
}

pub fn digest() -> String {
    "ab".repeat(32)
}

pub fn operation() -> Operation {
    Operation {
        operation: OperationId::new("o1").unwrap(),
        title: "Exercise".into(),
        force: "Example force".into(),
        purpose: "To learn".into(),
        outside_authoriser: None,
    }
}

/// Keys of the body outside the force.
pub fn outside_keys() -> KeyPair {
    KeyPair::from_seed("panel.example", [7; 32]).unwrap()
}

pub fn entry() -> EntryFacts {
    EntryFacts {
        label: "exercise subject 1".into(),
        ground: "exercise subject".into(),
        image_source: "a package".into(),
        supplier: "its publisher".into(),
        legal_basis: "consent".into(),
        image_date: jiff::civil::date(2026, 1, 1),
        retention: Retention::Retained,
        age_at_image: Age::AtLeast(30),
        age: Age::AtLeast(30),
        protected: None,
        origin: domain::Origin::Own,
    }
}

pub fn roll(people: u64) -> Roll {
    let mut roll = Roll::new();
    for number in 1..=people {
        roll.enter(EntryFacts { label: format!("exercise subject {number}"), ..entry() }, Approval::Missing);
    }
    roll
}

pub fn equipment() -> Equipment {
    let word = || "x".to_owned();
    Equipment {
        software: word(),
        detector: word(),
        recogniser: word(),
        weights_sha256: word(),
        engine: word(),
        threshold: "0.5".into(),
        threshold_fpir: "0.001".into(),
        threshold_evaluation: "set".into(),
    }
}
