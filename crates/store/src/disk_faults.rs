//! Every operation against a disk that goes wrong at each of its changes in turn, in three ways: the change fails, fails
//! for want of space, or happens and is said to have failed. Tests only.
//!
//! Whatever the operation says then: after a restart the check finds nothing, the operation happened whole or not at all,
//! and asked again it happens, or is refused because it has happened.

use domain::{AlertId, Deployment, Draft, Judgement, Outcome, Role};
use jiff::{SignedDuration, Timestamp};

use crate::faulty::{self, Way};
use crate::scenes::{Folder, Scene, equipment, evidence, leaf_hashes, officer, operation, template, threshold};
use crate::{AlertState, EXERCISE_POLICY, StoreError};

type Outcomes = Result<(), StoreError>;

/// An operation, and what must have come before it.
struct Row {
    name: &'static str,
    before: fn(&mut Scene),
    does: fn(&mut Scene, Timestamp) -> Outcomes,
}

fn live(scene: &mut Scene) {
    scene.operation();
    scene.live("kx-1");
}

fn alerted(scene: &mut Scene) {
    live(scene);
    scene.alert();
}

fn ended(scene: &mut Scene) {
    scene.operation();
    scene.ended("kx-1");
}

fn announced(scene: &mut Scene) {
    scene.operation();
    scene.announced("kx-1");
}

fn listed(scene: &mut Scene) {
    announced(scene);
    scene.list_three();
}

fn alert(scene: &mut Scene) -> AlertId {
    let d = scene.d();
    scene.store().alerts(&d).unwrap().remove(0).alert.raised().alert.clone()
}

const TABLE: &[Row] = &[
    Row {
        name: "adopt a policy",
        before: |_| (),
        does: |scene, now| {
            let by = officer(Role::AuthorisingOfficer);
            scene.store().adopt_policy(EXERCISE_POLICY, &by, now).map(drop)
        },
    },
    Row {
        name: "open an operation",
        before: |scene| drop(scene.policy()),
        does: |scene, now| {
            let policy = scene.store().policy()?.unwrap();
            let opened = operation().open(&officer(Role::AuthorisingOfficer), &policy, now)?;
            scene.store().commit(opened).map(drop)
        },
    },
    Row {
        name: "propose",
        before: Scene::operation,
        does: |scene, now| {
            let policy = scene.store().policy()?.unwrap();
            let proposed = Draft { plan: scene.plan(now) }.propose(&officer(Role::Proposer), &policy, now)?;
            scene.store().commit(proposed).map(drop)
        },
    },
    Row {
        name: "approve",
        before: |scene| {
            scene.operation();
            scene.propose("kx-1");
        },
        does: |scene, now| {
            let d = scene.d();
            let proposed = scene.store().deployment(&d)?.expect_proposed()?.into_inner();
            let approved =
                proposed.approve(&officer(Role::AuthorisingOfficer), &scene.store().policy()?.unwrap(), now)?;
            scene.store().commit(approved).map(drop)
        },
    },
    Row {
        name: "publish a notice",
        before: |scene| {
            scene.operation();
            scene.approved("kx-1");
        },
        does: |scene, now| {
            let d = scene.d();
            let approved = scene.store().deployment(&d)?.expect_approved()?;
            scene.store().publish_notice(approved, &officer(Role::AuthorisingOfficer), "Notice.\n", now).map(drop)
        },
    },
    Row { name: "list the first", before: announced, does: list },
    Row { name: "list another", before: listed, does: list },
    Row {
        name: "freeze",
        before: listed,
        does: |scene, now| {
            let d = scene.d();
            let announced = scene.store().deployment(&d)?.expect_announced()?;
            scene.store().freeze_watchlist(announced, &officer(Role::WatchlistOfficer), now).map(drop)
        },
    },
    Row {
        name: "start",
        before: |scene| {
            scene.operation();
            scene.ready("kx-1");
        },
        does: |scene, now| {
            let d = scene.d();
            let announced = scene.store().deployment(&d)?.expect_announced()?.into_inner();
            let policy = scene.store().policy()?.unwrap();
            let started = announced.start(&officer(Role::Operator), equipment(), &threshold(), &policy, now)?;
            scene.store().commit(started).map(drop)
        },
    },
    Row {
        name: "raise an alert",
        before: live,
        does: |scene, now| {
            let d = scene.d();
            let live = scene.store().deployment(&d)?.expect_live()?;
            let pending = scene.candidate();
            scene.store().raise_alert(pending, &live, "c1", |()| evidence(), now).map(drop)
        },
    },
    Row {
        name: "look at evidence",
        before: alerted,
        does: |scene, now| {
            let alert = alert(scene);
            scene.store().view_evidence(&alert, &officer(Role::Operator), now).map(drop)
        },
    },
    Row {
        name: "adjudicate",
        before: |scene| {
            alerted(scene);
            let (alert, now) = (alert(scene), scene.tick());
            scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
        },
        does: |scene, now| {
            let alert = alert(scene);
            scene.store().judge(&alert, &officer(Role::Operator), Judgement::SamePerson, now).map(drop)
        },
    },
    Row {
        name: "record an outcome",
        before: |scene| {
            alerted(scene);
            let alert = alert(scene);
            scene.adjudicate(&alert);
        },
        does: |scene, now| {
            let alert = alert(scene);
            let AlertState::Adjudicated(judged) = scene.store().alert(&alert)?.into_inner() else { return Ok(()) };
            let policy = scene.store().policy()?.unwrap();
            let closed = judged.record_outcome(&officer(Role::Operator), Outcome::NoAction, &policy, now)?;
            scene.store().commit(closed).map(drop)
        },
    },
    Row {
        name: "pause",
        before: live,
        does: |scene, now| {
            let d = scene.d();
            let live = scene.store().deployment(&d)?.expect_live()?.into_inner();
            scene.store().commit(live.pause(&officer(Role::Operator), "rain", now)?).map(drop)
        },
    },
    Row {
        name: "end",
        before: live,
        does: |scene, now| {
            let d = scene.d();
            let live = scene.store().deployment(&d)?.expect_live()?.into_inner();
            scene.store().commit(live.end("over", now)?).map(drop)
        },
    },
    Row {
        name: "withdraw",
        before: listed,
        does: |scene, now| {
            let d = scene.d();
            let announced = scene.store().deployment(&d)?.expect_announced()?.into_inner();
            scene.store().commit(announced.withdraw(&officer(Role::Proposer), "rain", now)?).map(drop)
        },
    },
    Row {
        name: "replace a key",
        before: alerted,
        does: |scene, now| scene.store().rotate_key("deployment-kx-1", &officer(Role::Administrator), now).map(drop),
    },
    Row {
        name: "purge",
        before: ended,
        does: |scene, now| {
            let d = scene.d();
            let ended = scene.store().deployment(&d)?.expect_ended()?;
            scene.store().purge(ended, now).map(drop)
        },
    },
    Row {
        name: "purge what is due",
        before: ended,
        does: |scene, now| scene.store().purge_due(now + SignedDuration::from_hours(40 * 24)).map(drop),
    },
    Row { name: "publish", before: ended, does: |scene, now| scene.store().publish(now).map(drop) },
    Row {
        name: "publish more",
        before: |scene| {
            live(scene);
            let now = scene.tick();
            scene.store().publish(now).unwrap();
            scene.alert();
        },
        does: |scene, now| scene.store().publish(now).map(drop),
    },
    Row {
        name: "open",
        before: |scene| {
            ended(scene);
            scene.store().key_files().make_next("deployment-kx-1").unwrap();
        },
        does: |scene, _| scene.try_reopen(),
    },
];

fn list(scene: &mut Scene, now: Timestamp) -> Outcomes {
    let d = scene.d();
    let announced = scene.store().deployment(&d)?.expect_announced()?;
    let by = officer(Role::WatchlistOfficer);
    scene.store().list(&announced, &by, crate::scenes::entry("one more", &template(4)), now).map(drop)
}

#[test]
fn an_operation_happens_whole_or_not_at_all_where_a_change_fails() {
    every_operation(Way::Failed);
}

#[test]
fn an_operation_happens_whole_or_not_at_all_where_the_disk_is_full() {
    every_operation(Way::Full);
}

#[test]
fn an_operation_happens_whole_or_not_at_all_where_a_change_is_said_to_fail_and_does_not() {
    every_operation(Way::FailedButPersisted);
}

fn every_operation(way: Way) {
    faulty::install();
    for row in TABLE {
        let mut prepared = Scene::in_memory();
        (row.before)(&mut prepared);
        let changes = clean_run(row, &mut prepared);
        assert!(changes > 0, "{}: a table that reaches no disk tests nothing", row.name);
        (0..changes).for_each(|number| one_fault(row, &mut prepared, number, way));
    }
}

/// How many changes the operation makes on a sound disk.
fn clean_run(row: &Row, prepared: &mut Scene) -> u64 {
    let mut scene = prepared.copied();
    scene.reopen();
    let now = scene.tick();
    let (outcome, changes) = faulty::counted(|| (row.does)(&mut scene, now));
    outcome.unwrap_or_else(|error| panic!("{}: {error}", row.name));
    changes
}

fn one_fault(row: &Row, prepared: &mut Scene, number: u64, way: Way) {
    let mut scene = prepared.copied();
    scene.reopen();
    let place = format!("{}, change {number}, {way:?}", row.name);
    let (before, now) = (leaf_hashes(scene.store()), scene.tick());
    let outcome = faulty::with_fault(number, way, || (row.does)(&mut scene, now));
    if let Err(error) = &outcome {
        assert!(named(error), "{place}: {error}");
    }
    scene.reopen();
    let findings = scene.store().check().unwrap();
    let begun =
        |found: &str| found == "its purge was begun and not finished" || found.starts_with("it has lain longer");
    assert!(findings.iter().all(|finding| begun(&finding.found)), "{place}: {findings:?}");
    let after = leaf_hashes(scene.store());
    assert!(after.starts_with(&before) && after.len() <= before.len() + 2, "{place}");
    if outcome.is_ok() && row.name != "open" && !row.name.starts_with("publish") && row.name != "look at evidence" {
        assert!(after.len() > before.len() || row.name.starts_with("list") || row.name == "replace a key", "{place}");
    }
    again(row, &mut scene, &place, &before);
}

/// Asked again on a sound disk the operation happens, or has happened.
fn again(row: &Row, scene: &mut Scene, place: &str, before: &[(u64, String)]) {
    let now = scene.tick();
    match (row.does)(scene, now) {
        Ok(()) => {}
        Err(error @ (StoreError::Refusal(_) | StoreError::Outdated { .. } | StoreError::NameTaken { .. })) => {
            assert!(leaf_hashes(scene.store()).len() > before.len(), "{place}: {error}");
        }
        Err(error) => panic!("{place}: {error}"),
    }
    let now = scene.pass(SignedDuration::from_hours(41 * 24));
    scene.store().publish(now).unwrap();
    let findings = scene.store().check().unwrap();
    let late = |found: &str| found.starts_with("it had to be purged") || found.starts_with("it has lain longer");
    assert!(findings.iter().all(|finding| late(&finding.found)), "{place}: {findings:?}");
    let public = scene.dir().join("public");
    let key = std::fs::read_to_string(public.join("key")).unwrap();
    evidence::verify(&Folder(public), &key).unwrap_or_else(|error| panic!("{place}: {error}"));
    if matches!(scene.state(), Some(Deployment::Ended(_))) {
        scene.store().keep_time(now).unwrap();
        assert_eq!(scene.store().check().unwrap(), vec![], "{place}");
    }
}

/// Whether the sentence names what was being done and what to do about it.
fn named(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Disk { .. }
            | StoreError::DiskFull { .. }
            | StoreError::Database { .. }
            | StoreError::Log(_)
            | StoreError::NotWiped { .. }
            | StoreError::ListRemains { .. }
            | StoreError::Damaged { .. }
    )
}
