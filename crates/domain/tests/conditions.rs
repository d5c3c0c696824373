//! What a plan, an announcement and a start must meet, each at its edge: the last that passes and the first that does not.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod scene;

use domain::{
    CameraTerms, Deployment, Draft, Due, Kind, ModelId, Operation, OutsideAuthoriser, Overdue, Plan, Policy, Refusal,
    SourceKind, SourceRefusal, Threshold, published_plan,
};
use evidence::authorisation::sign_plan;
use jiff::{SignedDuration, Timestamp};

use scene::stages::*;
use scene::*;

#[test]
fn a_digest_is_sixty_four_lower_case_hexadecimal_digits() {
    let propose = |evidence: &str| {
        let plan = Plan { place_evidence: evidence.into(), ..plan() };
        Draft { plan }.propose(&proposer(), &policy(), at(0)).map(drop)
    };
    let malformed = Err(Refusal::DigestMalformed { what: "the evidence for the place" });
    for (evidence, answer) in [
        ("0123456789abcdef".repeat(4), Ok(())),
        (String::new(), malformed.clone()),
        ("a".repeat(63), malformed.clone()),
        ("a".repeat(65), malformed.clone()),
        ("A".repeat(64), malformed.clone()),
        ("g".repeat(64), malformed.clone()),
        ("é".repeat(32), malformed),
    ] {
        assert_eq!(propose(&evidence), answer, "{evidence}");
    }
}

#[test]
fn the_outside_body_signs_before_the_announcement_where_the_operation_or_the_policy_says_so() {
    let keys = outside_keys();
    let named = Operation { outside_authoriser: Some(keys.verifying), ..operation() };
    let needed = Policy { outside_authoriser: OutsideAuthoriser::Needed, ..policy() };
    let signature = sign_plan(&keys.signing, &published_plan(&plan())).unwrap();
    let announce = |signed: bool, operation: &Operation, policy: &Policy| {
        let record = &mut Record::default();
        let mut state = approved(record, policy);
        if signed {
            state = record.take(state.enter_outside_signature(&authoriser(), &named, &signature, at(0)));
        }
        state.announce(&authoriser(), "n".into(), operation, policy, at(1)).map(drop)
    };
    let missing = Err(Refusal::OutsideSignatureMissing);
    assert_eq!(announce(false, &operation(), &policy()), Ok(()));
    assert_eq!(announce(false, &named, &policy()), missing);
    assert_eq!(announce(false, &operation(), &needed), missing);
    assert_eq!(announce(false, &named, &needed), missing);
    assert_eq!(announce(true, &named, &policy()), Ok(()));
    assert_eq!(announce(true, &named, &needed), Ok(()));
}

#[test]
fn what_was_never_approved_lapses_when_its_window_is_over() {
    let proposed = Deployment::Proposed(proposed(&mut Record::default(), plan(), &policy()));
    let late = at(WINDOW.1);
    assert_eq!(proposed.due(&policy(), after(WINDOW.1, -1)), None);
    assert_eq!(proposed.due(&policy(), late), Some(Due::Lapse(Overdue::Window)));
    let withdrawn = proposed.lapse(&policy(), late).unwrap();
    assert_eq!(Overdue::Window.reason(), "the authorised window closed");
    let domain::Happening::Withdrawn { reason, .. } = &withdrawn.event().happening else { panic!("it is given up") };
    assert_eq!(reason, Overdue::Window.reason());
}

#[test]
fn signs_another_route_and_a_page_are_all_confirmed_or_none() {
    let record = &mut Record::default();
    let approved = approved(record, &policy());
    let announced = announced(record, approved, &policy());
    let confirm =
        |signs, route, page| announced.clone().confirm_signage(&operator(), signs, route, page, at(2)).map(drop);
    assert_eq!(confirm(1, "round", "https://page"), Ok(()));
    assert_eq!(confirm(0, "round", "https://page"), Err(Refusal::SignageNotConfirmed));
    assert_eq!(confirm(1, " ", "https://page"), Err(Refusal::SignageNotConfirmed));
    assert_eq!(confirm(1, "round", " "), Err(Refusal::SignageNotConfirmed));
}

/// A start at this moment, of a deployment whose list was frozen and whose signs were confirmed at these.
fn start(frozen: Timestamp, confirmed: Timestamp, policy: &Policy, now: Timestamp) -> Result<(), Refusal> {
    let record = &mut Record::default();
    let approved = approved(record, policy);
    let state = announced(record, approved, policy);
    let state = record.take(state.freeze_watchlist(&lister(), &roll(1), "c".into(), policy, frozen));
    let state = record.take(state.confirm_signage(&operator(), 2, "round", "https://page", confirmed));
    let state = record.take(state.declare_recording(&operator(), "c1", digest(), 1, confirmed));
    state.start(&operator(), equipment(), &policy.thresholds[0], policy, now).map(drop)
}

#[test]
fn signs_hold_for_twelve_hours_from_their_confirmation_and_not_before_it() {
    let start = |confirmed, now| start(at(4), confirmed, &policy(), now);
    let age_max = SignedDuration::from_hours(12);
    assert_eq!(start(at(3), at(3) + age_max), Ok(()));
    let too_old = Refusal::SignageTooOld { confirmed: at(3), age_max };
    assert_eq!(start(at(3), at(3) + age_max + SignedDuration::from_secs(1)), Err(too_old));
    assert_eq!(start(at(4), at(4)), Ok(()));
    assert_eq!(start(after(4, 1), at(4)), Err(Refusal::SignageNotConfirmed));
}

#[test]
fn a_watchlist_is_as_old_as_the_policy_allows_and_no_older() {
    let start = |frozen| start(frozen, at(5), &policy(), at(5));
    assert_eq!(start(at(3)), Ok(()));
    let age_max = policy().watchlist_age_max;
    assert_eq!(start(after(3, -1)), Err(Refusal::WatchlistTooOld { built: after(3, -1), age_max }));
}

#[test]
fn a_threshold_lets_through_as_many_as_the_policy_allows_and_no_more() {
    let measured = |fpir| {
        let threshold = Threshold::new(ModelId::new("m"), 0.5, fpir, "set".into()).unwrap();
        Policy { thresholds: vec![threshold], threshold_fpir_max: 0.01, ..policy() }
    };
    assert_eq!(start(at(3), at(3), &measured(0.01), at(3)), Ok(()));
    let too_loose = Refusal::ThresholdTooLoose { fpir: 0.02, fpir_max: 0.01 };
    assert_eq!(start(at(3), at(3), &measured(0.02), at(3)), Err(too_loose));
}

#[test]
fn a_camera_asks_for_faces_as_large_as_the_policy_does_or_larger() {
    let rules = Policy { sources: vec![SourceKind::Camera], ..policy() };
    let record = &mut Record::default();
    let proposed = proposed(record, live_plan(), &rules);
    let approved = record.take(proposed.approve(&authoriser(), &rules, at(0)));
    let announced = announced(record, approved, &rules);
    let declare = |side_px| {
        let terms = CameraTerms { face_side_px_min: Some(side_px), ..camera("gate") };
        announced.clone().declare_camera(&operator(), terms, &rules, at(2)).map(drop)
    };
    let too_small = SourceRefusal::FaceTooSmall { side_px: 39, side_px_min: 40 };
    assert_eq!(declare(39), Err(too_small.into()));
    assert_eq!([40, 41].map(declare), [Ok(()), Ok(())]);
}

#[test]
fn the_cameras_declared_so_far_are_told_in_the_order_of_their_names() {
    let rules = Policy { sources: vec![SourceKind::Camera], ..policy() };
    let record = &mut Record::default();
    let proposed = proposed(record, Plan { cameras: 2, ..live_plan() }, &rules);
    let approved = record.take(proposed.approve(&authoriser(), &rules, at(0)));
    let mut announced = announced(record, approved, &rules);
    assert_eq!(announced.cameras().count(), 0);
    for name in ["stairs", "gate"] {
        announced = record.take(announced.declare_camera(&operator(), camera(name), &rules, at(2)));
    }
    assert_eq!(announced.cameras().collect::<Vec<_>>(), [&camera("gate"), &camera("stairs")]);
}

#[test]
fn an_exercise_reads_the_recordings_it_declared_and_no_other() {
    let record = &mut Record::default();
    let approved = approved(record, &policy());
    let live = live(record, approved, &policy());
    assert!(live.declares("c1", &digest()));
    assert!(!live.declares("c1", &"cd".repeat(32)), "another recording");
    assert!(!live.declares("c2", &digest()), "another camera");
    assert_eq!(live.plan().kind, Kind::Exercise);
    assert_eq!(live.declares_camera("c1", &digest()), None, "a recording is no camera");
}

#[test]
fn a_watchlist_frozen_after_the_start_is_none() {
    assert_eq!(start(after(4, 1), at(4), &policy(), at(4)), Err(Refusal::WatchlistNotFrozen));
    assert_eq!(start(at(4), at(4), &policy(), at(4)), Ok(()));
}
