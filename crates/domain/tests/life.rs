//! The life of a deployment: every action by every role in every state, each condition of a start, and replay from the record.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use domain::deployment::{Destroyed, Recollection};
use domain::watchlist::ask;
use domain::{
    Adjudicators, Age, Announced, Approval, CameraTerms, Counts, Decided, Deployment, DeploymentId, Draft, EntryFacts,
    Equipment, Event, Kind, ModelId, Nearest, Officer, OfficerId, Operation, OperationId, OutsideAuthoriser, Plan,
    Policy, Publication, Refusal, Retention, Role, Roles, Roll, Score, Settlement, SourceKind, SourceRefusal, Tally,
    Threshold, Zone, settle,
};
use jiff::{SignedDuration, Timestamp};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn officer(name: &str, role: Role) -> Officer {
    Officer { id: OfficerId::new(name).unwrap(), role, trained_until: Timestamp::MAX }
}

fn proposer() -> Officer {
    officer("officer-1", Role::Proposer)
}

fn authoriser() -> Officer {
    officer("officer-2", Role::AuthorisingOfficer)
}

fn lister() -> Officer {
    officer("officer-3", Role::WatchlistOfficer)
}

fn operator() -> Officer {
    officer("officer-4", Role::Operator)
}

fn threshold() -> Threshold {
    Threshold::new(ModelId::new("m"), 0.5, 0.001, "set".into()).unwrap()
}

fn policy() -> Policy {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let days = |count: i64| SignedDuration::from_hours(24 * count);
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
        alert_hold_max: days(30),
        complaint_retention: days(365),
        commitment_retention: days(365),
        suppression_length_max: days(180),
        share_length_max: days(31),
        outcome_due: days(7),
        training_validity: days(365),
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
        thresholds: vec![threshold()],
        purposes: words(&["exercise"]),
        grounds: words(&["exercise subject"]),
        protected_grounds: words(&["child", "protected person", "deceased person"]),
        place_grounds: words(&["recorded files"]),
        urgent_grounds: words(&[]),
        documents: words(&[]),
        outcomes: words(&["identity confirmed", "identity refuted", "no action"]),
        oifr_powers: words(&[]),
        oifr_place_classes: words(&[]),
        sources: vec![SourceKind::Recording],
        second_adjudicator: Adjudicators::One,
        outside_authoriser: OutsideAuthoriser::NotNeeded,
        roles: Roles { propose: vec![Role::Proposer], approve: vec![Role::AuthorisingOfficer], approve_urgent: vec![] },
    }
}

fn plan() -> Plan {
    Plan {
        deployment: DeploymentId::new("d1").unwrap(),
        operation: OperationId::new("o1").unwrap(),
        kind: Kind::Exercise,
        purpose: "exercise".into(),
        place: "a rendered concourse".into(),
        place_ground: "recorded files".into(),
        place_evidence: digest(),
        cameras: 1,
        starts: at(100),
        ends: at(3700),
    }
}

fn digest() -> String {
    "ab".repeat(32)
}

fn operation() -> Operation {
    Operation {
        operation: OperationId::new("o1").unwrap(),
        title: "Exercise".into(),
        force: "Example force".into(),
        purpose: "To learn".into(),
        outside_authoriser: None,
    }
}

fn equipment() -> Equipment {
    let word = || "x".to_owned();
    Equipment {
        software: word(),
        detector: word(),
        recogniser: word(),
        weights_sha256: word(),
        engine: word(),
        threshold: word(),
        threshold_fpir: word(),
        threshold_evaluation: word(),
    }
}

/// The record as a store would keep it.
#[derive(Default)]
struct Record(Vec<Recollection>);

impl Record {
    fn take<T>(&mut self, decided: Decided<T>) -> T {
        let (state, event) = decided.into_parts();
        self.remember(&event);
        state
    }

    fn remember(&mut self, event: &Event) {
        if let Publication::Publish(entry) = event.publication() {
            self.0.push(Recollection { actor: event.actor.clone(), entry: *entry });
        }
    }

    fn state(&self) -> Deployment {
        Deployment::replay(&self.0).unwrap().unwrap()
    }
}

/// A list of so many people, each with one image.
fn roll(people: u64) -> Roll {
    let mut roll = Roll::new();
    for number in 1..=people {
        roll.enter(EntryFacts { label: format!("exercise subject {number}"), ..entry() }, Approval::Missing);
    }
    roll
}

fn announced(record: &mut Record) -> Announced {
    let proposed = record.take(Draft { plan: plan() }.propose(&proposer(), &policy(), at(0)).unwrap());
    let approved = record.take(proposed.approve(&authoriser(), &policy(), at(1)).unwrap());
    record.take(approved.announce(&authoriser(), "n".into(), &operation(), &policy(), at(2)).unwrap())
}

fn prepared(record: &mut Record) -> Announced {
    let state = announced(record);
    let state = record.take(state.freeze_watchlist(&lister(), &roll(1), "c".into(), &policy(), at(3)).unwrap());
    let state =
        record.take(state.confirm_signage(&operator(), 4, "by the north stairs", "https://page", at(4)).unwrap());
    record.take(state.declare_recording(&operator(), "camera 1", "digest".into(), 10, at(5)).unwrap())
}

/// Every state a deployment can be in, by name.
fn states() -> Vec<(&'static str, Deployment)> {
    let mut record = Record::default();
    let mut found = Vec::new();
    let proposed = record.take(Draft { plan: plan() }.propose(&proposer(), &policy(), at(0)).unwrap());
    found.push(("proposed", Deployment::Proposed(proposed.clone())));
    found.push((
        "withdrawn",
        Deployment::Withdrawn(proposed.clone().withdraw(&proposer(), "r", at(1)).unwrap().into_parts().0),
    ));
    found.push((
        "approved",
        Deployment::Approved(proposed.approve(&authoriser(), &policy(), at(1)).unwrap().into_parts().0),
    ));
    found.push(("announced", Deployment::Announced(announced(&mut Record::default()))));
    let ready = prepared(&mut Record::default());
    found.push(("prepared", Deployment::Announced(ready.clone())));
    let live = ready.start(&operator(), equipment(), &threshold(), &policy(), at(100)).unwrap().into_parts().0;
    found.push(("live", Deployment::Live(live.clone())));
    found.push(("paused", Deployment::Paused(live.clone().pause(&operator(), "r", at(101)).unwrap().into_parts().0)));
    let ended = live.end("r", at(102)).unwrap().into_parts().0;
    found.push(("ended", Deployment::Ended(ended.clone())));
    let destroyed = Destroyed { alerts: 0, watchlist_images: 1 };
    found.push(("purged", Deployment::Purged(ended.purge(destroyed, at(103)).into_parts().0)));
    found
}

fn entry() -> EntryFacts {
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

#[test]
fn whoever_proposed_may_not_approve_in_any_role() {
    let proposed = Draft { plan: plan() }.propose(&proposer(), &policy(), at(0)).unwrap().into_parts().0;
    let same_person = officer("officer-1", Role::AuthorisingOfficer);
    assert_eq!(proposed.approve(&same_person, &policy(), at(1)).unwrap_err(), Refusal::ProposerMayNotApprove);
}

#[test]
fn a_start_needs_every_one_of_its_conditions() {
    let start = |state: Announced, policy: &Policy, threshold: &Threshold, now| {
        state.start(&operator(), equipment(), threshold, policy, now).map(drop)
    };
    let ready = || prepared(&mut Record::default());
    assert_eq!(start(ready(), &policy(), &threshold(), at(100)), Ok(()));

    let bare = announced(&mut Record::default());
    assert_eq!(start(bare.clone(), &policy(), &threshold(), at(100)), Err(Refusal::WatchlistNotFrozen));
    let listed = bare.freeze_watchlist(&lister(), &roll(1), "c".into(), &policy(), at(3)).unwrap().into_parts().0;
    assert_eq!(start(listed.clone(), &policy(), &threshold(), at(100)), Err(Refusal::SignageNotConfirmed));
    let signed = listed.confirm_signage(&operator(), 1, "round", "https://page", at(4)).unwrap().into_parts().0;
    assert_eq!(start(signed, &policy(), &threshold(), at(100)), Err(SourceRefusal::NoRecordingDeclared.into()));

    let mut long_notice = policy();
    long_notice.notice_lead = SignedDuration::from_secs(99);
    let refused = start(ready(), &long_notice, &threshold(), at(100)).unwrap_err();
    assert_eq!(refused, Refusal::NoticeTooLate { published: at(2), lead: long_notice.notice_lead, earliest: at(101) });
    assert_eq!(start(ready(), &long_notice, &threshold(), at(101)), Ok(()));

    let outside = Refusal::OutsideWindow { starts: at(100), ends: at(3700) };
    assert_eq!(start(ready(), &policy(), &threshold(), at(99)), Err(outside.clone()));
    assert_eq!(start(ready(), &policy(), &threshold(), at(3700)), Err(outside));

    let mut fresh = policy();
    fresh.watchlist_age_max = SignedDuration::from_secs(96);
    assert!(matches!(start(ready(), &fresh, &threshold(), at(100)), Err(Refusal::WatchlistTooOld { .. })));
    let other = Threshold::new(ModelId::new("m"), 0.4, 0.001, "set".into()).unwrap();
    assert_eq!(start(ready(), &policy(), &other, at(100)), Err(Refusal::ThresholdNotInPolicy));
    let unknown = Threshold::new(ModelId::new("n"), 0.5, 0.001, "set".into()).unwrap();
    assert_eq!(start(ready(), &policy(), &unknown, at(100)), Err(Refusal::ThresholdNotMeasured));
    let loose = Threshold::new(ModelId::new("m"), 0.1, 0.02, "set".into()).unwrap();
    assert!(matches!(start(ready(), &policy(), &loose, at(100)), Err(Refusal::ThresholdTooLoose { .. })));
}

#[test]
fn a_watchlist_is_limited_and_once_frozen_stays_so() {
    let freeze =
        |state: Announced, people| state.freeze_watchlist(&lister(), &roll(people), "c".into(), &policy(), at(3));
    let bare = || announced(&mut Record::default());
    assert_eq!(freeze(bare(), 0).unwrap_err(), Refusal::WatchlistEmpty);
    assert_eq!(freeze(bare(), 3).unwrap_err(), Refusal::WatchlistTooLarge { people: 3, people_max: 2 });
    let frozen = freeze(bare(), 2).unwrap().into_parts().0;
    assert_eq!(frozen.list(&lister(), &entry(), 3, &policy(), at(4)).unwrap_err(), Refusal::WatchlistFrozenAlready);
    assert_eq!(freeze(frozen, 1).unwrap_err(), Refusal::WatchlistFrozenAlready);
    let mut elsewhere = entry();
    elsewhere.ground = "because".into();
    assert!(matches!(bare().list(&lister(), &elsewhere, 1, &policy(), at(4)), Err(Refusal::GroundNotInPolicy { .. })));
    let mut nowhere = entry();
    nowhere.image_source = " ".into();
    assert_eq!(bare().list(&lister(), &nowhere, 1, &policy(), at(4)).unwrap_err(), Refusal::WatchlistEntryIncomplete);
}

#[test]
fn a_plan_outside_the_policy_is_not_proposed() {
    let propose = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        Draft { plan }.propose(&proposer(), &policy(), at(0)).map(drop)
    };
    assert_eq!(propose(|_| {}), Ok(()));
    assert!(matches!(propose(|plan| plan.purpose = "curiosity".into()), Err(Refusal::PurposeNotInPolicy { .. })));
    assert_eq!(propose(|plan| plan.ends = plan.starts), Err(Refusal::WindowBackwards));
    assert!(matches!(propose(|plan| plan.ends = at(100 + 7201)), Err(Refusal::WindowTooLong { .. })));
}

#[test]
fn the_record_replays_to_the_state_at_every_step() {
    let mut record = Record::default();
    let ready = prepared(&mut record);
    assert_eq!(record.state(), Deployment::Announced(ready.clone()));
    let live = record.take(ready.start(&operator(), equipment(), &threshold(), &policy(), at(100)).unwrap());
    assert_eq!(record.state(), Deployment::Live(live.clone()));
    let counts = Counts { faces_seen: 3, templates_made: 4, templates_destroyed: 4, alerts_kept: 0 };
    let live = record.take(live.count(counts, at(160)).unwrap());
    assert_eq!(record.state(), Deployment::Live(live.clone()));
    let paused = record.take(live.pause(&operator(), "a camera moved", at(161)).unwrap());
    assert_eq!(record.state(), Deployment::Paused(paused.clone()));
    let live = record.take(paused.resume(&operator(), at(162)).unwrap());
    let ended = record.take(live.end("done", at(163)).unwrap());
    assert_eq!(record.state(), Deployment::Ended(ended.clone()));
    let purged = record.take(ended.purge(Destroyed { alerts: 0, watchlist_images: 1 }, at(164)));
    assert_eq!(record.state(), Deployment::Purged(purged));
    let (resumption, last) = (9, record.0.len() - 1);
    for cut in 0..record.0.len() {
        let mut broken = record.0.clone();
        broken.remove(cut);
        // It may end while paused, and without its last entry it is merely not purged yet; any other gap is found.
        let lawful = cut == resumption || cut == last;
        assert_eq!(Deployment::replay(&broken).is_ok(), lawful, "without entry {cut}");
    }
}

#[test]
fn a_lease_ends_by_itself_and_never_outlasts_the_window() {
    let live = match states().into_iter().find(|(name, _)| *name == "live") {
        Some((_, Deployment::Live(live))) => live,
        _ => unreachable!("there is a live state"),
    };
    let lease = live.lease(&policy(), at(200)).unwrap();
    assert_eq!(lease.check(at(229)), Ok(()));
    assert_eq!(lease.check(at(230)), Err(Refusal::LeaseExpired { expired: at(230) }));
    assert_eq!(lease.check(at(199)), Err(Refusal::ClockWentBack { last: at(200) }));
    assert_eq!(live.lease(&policy(), at(3690)).unwrap().until(), at(3700));
    assert!(live.lease(&policy(), at(3700)).is_err() && live.lease(&policy(), at(99)).is_err());
}

#[test]
fn whether_somebody_was_listed_is_asked_after_the_end_and_twenty_times_a_day_at_most() {
    let officer = officer("officer-5", Role::DataProtectionOfficer);
    for (name, state) in states() {
        let asked = |before| ask(&state, &officer, before, at(200)).map(drop);
        if ["ended", "purged"].contains(&name) {
            assert_eq!((asked(0), asked(19)), (Ok(()), Ok(())), "{name}");
            let refused = Err(Refusal::TooManyQuestions { per_day_max: 20 });
            assert_eq!((asked(20), asked(21)), (refused.clone(), refused), "{name}");
        } else {
            assert_eq!(asked(0), Err(Refusal::WrongState { attempted: "asked about", state: state.state() }));
        }
        assert!(matches!(ask(&state, &operator(), 0, at(200)), Err(Refusal::RoleMayNot { .. })), "{name}");
    }
}

/// A face that says when it is gone.
struct Witness<'a>(&'a std::cell::Cell<bool>);

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn a_face_that_matches_nobody_is_gone_before_settle_returns() {
    let live = states().into_iter().find_map(|(_, state)| state.expect_live().ok()).unwrap();
    let lease = live.lease(&policy(), at(200)).unwrap();
    let score = |model: &str, value| Nearest { entry: 7, score: Score::new(ModelId::new(model), value).unwrap() };
    let cases = [
        ("nobody enrolled", None, at(201), true),
        ("below", Some(score("m", 0.49)), at(201), true),
        ("at the threshold", Some(score("m", 0.5)), at(201), false),
        ("another model", Some(score("n", 0.9)), at(201), true),
        ("lease expired", Some(score("m", 0.9)), at(230), true),
    ];
    for (case, nearest, now, gone_at_once) in cases {
        let gone = std::cell::Cell::new(false);
        let mut tally = Tally::new();
        let settlement = settle(Witness(&gone), nearest, &threshold(), &lease, now, &mut tally);
        assert_eq!(gone.get(), gone_at_once, "{case}");
        assert!(tally.total().balanced(), "{case}");
        assert_eq!(tally.total().templates_made, 1, "{case}");
        assert_eq!(tally.total().alerts_kept, u64::from(!gone_at_once), "{case}");
        assert_eq!(matches!(settlement, Settlement::Candidate(_)), !gone_at_once, "{case}");
        drop(settlement);
        assert!(gone.get(), "{case}: a candidate that nobody records is gone too");
    }
}

fn with_cameras() -> Policy {
    Policy { sources: vec![SourceKind::Camera], ..policy() }
}

fn camera(name: &str) -> CameraTerms {
    let zone = "0,400 1000,400 1000,1000 0,1000".parse().unwrap();
    CameraTerms { name: name.into(), source_commitment: digest(), zone, face_side_px_min: None }
}

/// A live deployment of two cameras, prepared but for these.
fn without_cameras(record: &mut Record) -> Announced {
    let plan = Plan { kind: Kind::Live, cameras: 2, ..plan() };
    let proposed = record.take(Draft { plan }.propose(&proposer(), &with_cameras(), at(0)).unwrap());
    let approved = record.take(proposed.approve(&authoriser(), &with_cameras(), at(1)).unwrap());
    let notice = approved.announce(&authoriser(), "n".into(), &operation(), &with_cameras(), at(2));
    let state = record.take(notice.unwrap());
    let state = record.take(state.freeze_watchlist(&lister(), &roll(1), "c".into(), &with_cameras(), at(3)).unwrap());
    record.take(state.confirm_signage(&operator(), 4, "round", "https://page", at(4)).unwrap())
}

fn declare(state: Announced, terms: CameraTerms) -> Result<Decided<Announced>, Refusal> {
    state.declare_camera(&operator(), terms, &with_cameras(), at(5))
}

#[test]
fn a_live_deployment_opens_the_cameras_it_declared_and_no_other() {
    let mut record = Record::default();
    let state = without_cameras(&mut record);
    let start =
        |state: Announced, policy: &Policy| state.start(&operator(), equipment(), &threshold(), policy, at(100));
    assert_eq!(start(state.clone(), &with_cameras()).unwrap_err(), SourceRefusal::NoCameraDeclared.into());
    let larger = CameraTerms { face_side_px_min: Some(90), ..camera("stairs") };
    let state = record.take(declare(state, camera("gate")).unwrap());
    let state = record.take(declare(state, larger).unwrap());
    assert_eq!(record.state(), Deployment::Announced(state.clone()));

    // The policy may forbid cameras after the plan was proposed.
    let refused = start(state.clone(), &policy()).unwrap_err();
    assert_eq!(refused, SourceRefusal::NotInPolicy { kind: "live", source: "camera" }.into());
    assert!(refused.to_string().contains("\"camera\" is not among its sources") && refused.rule().contains("closed"));

    let live = record.take(start(state, &with_cameras()).unwrap());
    assert_eq!(record.state(), Deployment::Live(live.clone()));
    let zone: Zone = "0,400 1000,400 1000,1000 0,1000".parse().unwrap();
    assert_eq!(live.declares_camera("gate", &digest()), Some(&zone));
    assert_eq!(live.declares_camera("gate", &"cd".repeat(32)), None, "another address");
    assert_eq!(live.declares_camera("platform", &digest()), None, "a camera that was not declared");
    assert!(!live.declares("gate", &digest()), "a camera is no recording");
    let names: Vec<_> = live.cameras().map(|camera| camera.name.as_str()).collect();
    assert_eq!(names, ["gate", "stairs"]);
    let side = |camera| live.face_side_px_min(camera, &with_cameras());
    assert_eq!((side("gate"), side("stairs")), (40, 90));
    let stricter = Policy { face_side_px_min: 100, ..with_cameras() };
    assert_eq!(live.face_side_px_min("stairs", &stricter), 100);
}

#[test]
fn a_camera_is_declared_once_within_the_plan_and_only_for_a_live_deployment() {
    let bare = || without_cameras(&mut Record::default());
    let one = || declare(bare(), camera("gate")).unwrap().into_parts().0;
    let moved = CameraTerms { zone: Zone::whole_view(), ..camera("gate") };
    let again = declare(one(), moved).unwrap_err();
    assert_eq!(again, SourceRefusal::CameraDeclaredAlready { camera: "gate".into() }.into());
    let two = declare(one(), camera("stairs")).unwrap().into_parts().0;
    assert_eq!(declare(two, camera("lift")).unwrap_err(), SourceRefusal::TooManyCameras { most: 2 }.into());
    for name in ["", " gate", "gate\n", &"g".repeat(65)] {
        assert_eq!(declare(bare(), camera(name)).unwrap_err(), SourceRefusal::CameraNameUnfit.into(), "{name:?}");
    }
    let small = CameraTerms { face_side_px_min: Some(39), ..camera("gate") };
    let refused = SourceRefusal::FaceTooSmall { side_px: 39, side_px_min: 40 };
    assert_eq!(declare(bare(), small).unwrap_err(), refused.into());
    let address = CameraTerms { source_commitment: "rtsp://192.0.2.1/1".into(), ..camera("gate") };
    assert_eq!(declare(bare(), address).unwrap_err(), Refusal::DigestMalformed { what: "the camera's address" });

    let exercise = announced(&mut Record::default());
    let refused = exercise.declare_camera(&operator(), camera("gate"), &policy(), at(5)).unwrap_err();
    assert_eq!(refused, SourceRefusal::CameraInExercise.into());
    let refused = bare().declare_recording(&operator(), "gate", digest(), 10, at(5)).unwrap_err();
    assert_eq!(refused, SourceRefusal::RecordingInLive.into());
}

#[test]
fn a_kind_that_the_policy_does_not_allow_is_not_proposed() {
    for (kind, allowed, refused) in
        [(Kind::Live, policy(), ("live", "camera")), (Kind::Exercise, with_cameras(), ("exercise", "recording"))]
    {
        let (kind_word, source) = refused;
        let proposed = Draft { plan: Plan { kind, ..plan() } }.propose(&proposer(), &allowed, at(0));
        assert_eq!(proposed.unwrap_err(), SourceRefusal::NotInPolicy { kind: kind_word, source }.into());
    }
    assert_eq!(Kind::ALL.map(|kind| Kind::from_word(kind.word())), Kind::ALL.map(Some));
}

#[test]
fn a_record_with_a_camera_that_the_rules_refuse_does_not_replay() {
    let mut record = Record::default();
    let state = without_cameras(&mut record);
    record.take(declare(state, camera("gate")).unwrap());
    let camera = record.0.last().unwrap().clone();
    let twice = [record.0.clone(), vec![camera.clone()]].concat();
    assert!(Deployment::replay(&twice).unwrap_err().found.contains("declared already"));
    let mut exercise = Record::default();
    announced(&mut exercise);
    exercise.0.push(camera);
    assert!(Deployment::replay(&exercise.0).unwrap_err().found.contains("opens no camera"));
}

#[test]
fn each_state_has_its_word() {
    for (name, deployment) in states() {
        assert_eq!(deployment.state(), if name == "prepared" { "announced" } else { name });
    }
}
