//! What stops a run from outside or by itself: an officer's pause, each trip-wire, and a suppression, on drawn recordings; and
//! what opens and closes a camera.

#[cfg(target_os = "linux")]
#[path = "standing/cameras.rs"]
mod cameras;
#[path = "standing/scene.rs"]
mod scene;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{AlertState, Cause, Consent, Deployment, DeploymentId, Engagement, Judgement, Outcome, Role, Wire};
use jiff::SignedDuration;
use pipeline::Stage;
use scene::{ALIKE, Beside, LISTED, Lapsing, Meeting, NOBODY, Place, Watched, faces, officer};

/// How often somebody looks at an alert while a frame is examined.
const LOOKS_A_FRAME: usize = 20;

/// Frames: somebody passes, for so many, and is gone for as long as ends their passage.
fn passing(heads: &[usize]) -> Vec<Option<usize>> {
    let passage = |head: &usize| [vec![Some(*head); 6], vec![None; 12]].concat();
    heads.iter().flat_map(passage).collect()
}

/// Lets a run that stands go on to its end, and holds its record against itself.
fn ends_in_order(place: &Place, watched: &Watched) {
    let status = watched.running.wait();
    assert_eq!(status.stage, Stage::Ended, "{status:?}");
    let counts = status.counts;
    assert_eq!(counts.templates_made, counts.templates_destroyed + counts.alerts_kept);
    assert!(matches!(place.deployment(&watched.deployment), Deployment::Ended(_)));
    assert_eq!(place.store().check().expect("readable"), vec![]);
}

fn count(told: &[String], kind: &str) -> usize {
    told.iter().filter(|fact| fact.starts_with(kind)).count()
}

#[test]
fn a_run_stands_still_when_an_officer_pauses_it_and_goes_on_when_one_resumes_it() {
    let place = Place::new();
    // It stands when the second person comes into view.
    let watched = place.run("paused", &passing(&[LISTED, LISTED, LISTED]), &[18]);
    assert!(watched.stands());
    let live = place.deployment(&watched.deployment).expect_live().expect("live");
    let paused = live.pause(&officer(Role::Operator), "crowding", place.now()).expect("lawful");
    place.store().commit(paused).expect("recorded");
    assert!(watched.until_paused().contains("an officer paused it"));
    let before = watched.running.status();
    assert_eq!(before.counts.alerts_kept, 1, "who was in view when it was paused is let go: {before:?}");
    let told = place.told(&watched.deployment);
    assert_eq!((count(&told, "DeploymentPaused"), count(&told, "DeploymentTripped")), (1, 0));
    // Looked at again and again, it stands.
    place.clock.advance(SignedDuration::from_secs(40));
    assert_eq!(watched.running.status().counts, before.counts);
    let paused = place.deployment(&watched.deployment).expect_paused().expect("paused");
    let resumed = paused.resume(&officer(Role::Operator), place.now()).expect("lawful");
    place.store().commit(resumed).expect("recorded");
    ends_in_order(&place, &watched);
    let after = watched.running.status();
    assert!(after.counts.alerts_kept > before.counts.alerts_kept, "it compares again: {after:?}");
    assert_eq!(count(&place.told(&watched.deployment), "DeploymentResumed"), 1);
}

#[test]
fn a_run_that_an_officer_pauses_can_be_ended_without_going_on() {
    let place = Place::new();
    let watched = place.run("given-up", &passing(&[NOBODY, LISTED]), &[3]);
    assert!(watched.stands());
    let live = place.deployment(&watched.deployment).expect_live().expect("live");
    let paused = live.pause(&officer(Role::Operator), "crowding", place.now()).expect("lawful");
    place.store().commit(paused).expect("recorded");
    watched.until_paused();
    watched.running.stop("it does not go on");
    ends_in_order(&place, &watched);
    assert_eq!(watched.running.status().counts.alerts_kept, 0, "nobody was compared after the pause");
    assert_eq!(count(&place.told(&watched.deployment), "DeploymentResumed"), 0);
}

#[test]
fn what_others_record_while_an_alert_is_raised_is_in_order_with_it() {
    let place = Place::new();
    let watched = place.run("busy", &passing(&[LISTED; 8]), &[18]);
    assert!(watched.stands());
    let alert = place.store().alerts(&watched.deployment).expect("readable")[0].alert.raised().alert.clone();
    let operator = officer(Role::Operator);
    watched.go_on();
    // Somebody looks at an alert again and again: the store is never free for long, and time goes on.
    let processed = || watched.running.status().frames.processed;
    let is_over = || watched.running.status().stage.is_over();
    while !is_over() {
        let before = processed();
        for _ in 0..LOOKS_A_FRAME {
            place.store().view_evidence(&alert, &operator, place.now()).expect("readable");
        }
        // Not so often that the run gets no turn before its authority is over: a lock is given to whoever asks first.
        while processed() == before && !is_over() {
            std::thread::yield_now();
        }
    }
    ends_in_order(&place, &watched);
    assert_eq!(watched.running.status().counts.alerts_kept, 8);
}

/// Something touches a wire while a run stands at this frame: it pauses by itself, tells of it once, is not resumed as if an
/// officer had paused it, and goes on when somebody clears the wire.
fn trips(wire: Wire, frame: usize, touch: impl FnOnce(&Place, &Watched)) {
    let place = Place::new();
    let watched = place.run("tripped", &passing(&[LISTED, NOBODY, NOBODY, NOBODY, NOBODY]), &[frame]);
    assert!(watched.stands());
    touch(&place, &watched);
    let stage = watched.until_paused();
    assert!(stage.contains(&format!("a trip-wire paused it: {}", wire.word())), "{stage}");
    let told = place.told(&watched.deployment);
    let tripped: Vec<_> = told.iter().filter(|fact| fact.starts_with("DeploymentTripped")).collect();
    assert!(tripped.len() == 1 && tripped[0].contains(wire.word()), "{tripped:?}");
    let paused = place.deployment(&watched.deployment).expect_paused().expect("paused");
    assert_eq!(paused.cause(), Cause::Trip(wire));
    let (made, officer) = (watched.running.status().counts, officer(Role::AuthorisingOfficer));
    assert!(paused.clone().resume(&officer, place.now()).is_err(), "a wire is not cleared by resuming");
    let cleared = paused.clear_trip(&officer, "looked into", place.now()).expect("lawful");
    place.store().commit(cleared).expect("recorded");
    ends_in_order(&place, &watched);
    assert!(watched.running.status().counts.faces_seen > made.faces_seen, "it compares again");
    let told = place.told(&watched.deployment);
    assert_eq!((count(&told, "DeploymentTripped"), count(&told, "TripCleared")), (1, 1));
}

#[test]
fn a_camera_that_moved_pauses_a_run() {
    trips(Wire::CameraMoved, 22, |_, watched| watched.running.report_camera_moved("c1"));
}

#[test]
fn a_difference_between_groups_pauses_a_run() {
    trips(Wire::Differential, 22, |place, watched| {
        watched.running.report_differential(place.policy().differential_ratio_max + 0.1);
    });
}

#[test]
fn a_difference_that_the_policy_allows_pauses_nothing() {
    let place = Place::new();
    let watched = place.run("alike", &passing(&[NOBODY, NOBODY]), &[10]);
    assert!(watched.stands());
    watched.running.report_differential(place.policy().differential_ratio_max);
    watched.go_on();
    ends_in_order(&place, &watched);
    assert_eq!(count(&place.told(&watched.deployment), "DeploymentTripped"), 0);
}

#[test]
fn an_authority_that_ran_out_pauses_a_run() {
    trips(Wire::LeaseExpired, 22, |place, _| {
        place.clock.advance(place.policy().lease);
    });
}

#[test]
fn more_false_alerts_than_the_policy_allows_pause_a_run() {
    trips(Wire::FalseAlertRate, 22, |place, watched| {
        let alert = place.store().alerts(&watched.deployment).expect("readable")[0].alert.raised().alert.clone();
        let operator = officer(Role::Operator);
        place.store().view_evidence(&alert, &operator, place.now()).expect("readable");
        place.store().judge(&alert, &operator, Judgement::NotThisPerson, place.now()).expect("recorded");
    });
}

/// An alert about somebody who was stopped and is another person; they agree to be suppressed.
fn wrongly_stopped(place: &Place, d: &DeploymentId) {
    let mut store = place.store();
    let rows = store.alerts(d).expect("readable");
    assert_eq!(rows.len(), 1);
    let alert = rows[0].alert.raised().alert.clone();
    let (operator, engagement) = (officer(Role::Operator), officer(Role::EngagementOfficer));
    store.view_evidence(&alert, &operator, place.now()).expect("readable");
    store.judge(&alert, &operator, Judgement::SamePerson, place.now()).expect("recorded");
    let judged = store.alert(&alert).expect("readable").expect_adjudicated().expect("judged");
    store.engage(judged, &engagement, Engagement::SpokenTo, place.now()).expect("recorded");
    let AlertState::Engaged(engaged) = store.alert(&alert).expect("readable").into_inner() else { panic!("engaged") };
    let closed = engaged.record_outcome(&engagement, Outcome::IdentityRefuted, place.policy(), place.now());
    store.commit(closed.expect("lawful")).expect("recorded");
    let consent = Consent { reference: "form 1".into(), given: "2026-03-01".parse().expect("a date") };
    store.suppress(&alert, &officer(Role::DataProtectionOfficer), &consent, place.now()).expect("recorded");
}

#[test]
fn who_was_wrongly_stopped_raises_no_second_alert_and_that_is_counted() {
    let place = Place::new();
    let first = place.run("first", &passing(&[ALIKE]), &[]);
    ends_in_order(&place, &first);
    assert_eq!(first.running.status().counts.alerts_kept, 1, "they are much like somebody listed");
    wrongly_stopped(&place, &first.deployment);
    let second = place.run("second", &passing(&[ALIKE, LISTED, NOBODY]), &[]);
    ends_in_order(&place, &second);
    let counts = second.running.status().counts;
    assert_eq!((counts.faces_seen, counts.alerts_kept), (3, 1), "who is listed still raises one");
    let told = place.told(&second.deployment);
    assert_eq!(count(&told, "AlertRaised"), 1);
    let suppressed: Vec<_> = told.iter().filter(|fact| fact.starts_with("AlertsSuppressed")).collect();
    assert!(suppressed.len() == 1 && suppressed[0].contains("up_to: 5"), "{suppressed:?}");
}

#[test]
fn two_cameras_are_looked_at_at_once_and_decided_about_as_if_they_were_not() {
    let (place, meeting) = (Place::new(), Arc::new(Meeting::default()));
    let beside = || faces(Box::new(Beside(Arc::clone(&meeting))));
    let (one, other) = (passing(&[LISTED, NOBODY, LISTED]), passing(&[NOBODY, LISTED, LISTED, NOBODY]));
    let told = |name: &str, faces: Vec<face::Faces>| {
        let running = place.run_two(name, [&one, &other], faces);
        let status = running.wait();
        assert_eq!(status.stage, Stage::Ended, "{status:?}");
        let raised = running.raised().into_iter().map(|alert| (alert.camera, alert.frame_number, alert.entry));
        (status.counts, status.passages, raised.collect::<BTreeSet<_>>())
    };
    let side_by_side = told("side-by-side", vec![beside(), beside()]);
    assert!(meeting.took_place(), "one waited in vain for the other");
    assert_eq!(side_by_side.0.faces_seen, 7);
    assert_eq!(side_by_side.2.len(), 4);
    assert_eq!(side_by_side, told("one-by-one", vec![beside()]));
    assert_eq!(place.store().check().expect("readable"), vec![]);
}

#[test]
fn a_camera_that_waited_for_another_is_not_looked_at_once_authority_ran_out() {
    let (place, seen_afterwards) = (Place::new(), Arc::new(AtomicUsize::new(0)));
    let clock = Arc::clone(&place.clock);
    let lapsing = Lapsing { clock, listed_seen: 0, seen_afterwards: Arc::clone(&seen_afterwards) };
    // Somebody is in view of the first, nobody of the second; one pair of detector and recogniser looks at both in turn.
    let running = place.run_two("lapsing", [&[Some(LISTED); 40], &[None; 40]], vec![faces(Box::new(lapsing))]);
    while running.status().stage == Stage::Running {
        std::thread::yield_now();
    }
    assert!(matches!(running.status().stage, Stage::Paused(_)), "{:?}", running.status());
    running.stop("seen enough");
    assert_eq!(running.wait().stage, Stage::Ended);
    assert_eq!(seen_afterwards.load(Ordering::Relaxed), 0, "a frame was looked at without authority");
}
