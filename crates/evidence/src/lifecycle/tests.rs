//! The lawful record, and every way in which it stops being one.

use super::*;
use crate::CameraDeclaration;
use crate::samples::{at, camera, counts, lawful};

fn read(entries: &[Entry]) -> (Tallies, Vec<Problem>) {
    let mut story = Story::default();
    for (index, entry) in entries.iter().enumerate() {
        story.read(index as u64, entry);
    }
    let (tallies, problems, untold) = story.finish();
    assert_eq!(untold, 0);
    (tallies, problems)
}

fn index_of(entries: &[Entry], kind: &str) -> usize {
    let has_kind = |entry: &Entry| serde_json::to_value(&entry.fact).is_ok_and(|fact| fact["kind"] == kind);
    entries.iter().position(has_kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn a_lawful_record_has_no_problem_and_adds_up() {
    let (tallies, problems) = read(&lawful());
    assert_eq!(problems, []);
    assert_eq!(
        tallies,
        Tallies {
            operations: 1,
            deployments: 1,
            deployments_purged: 1,
            deployments_withdrawn: 0,
            receipts: 4,
            alerts: 1,
            counts: counts(24, 1),
        }
    );
}

#[test]
fn no_fact_of_the_lawful_record_can_be_left_out_but_these() {
    let entries = lawful();
    for left_out in 0..entries.len() {
        let mut fewer = entries.clone();
        let entry = fewer.remove(left_out);
        let may_be_left_out = matches!(
            entry.fact,
            Fact::OutcomeRecorded { .. }
                | Fact::DocumentFilled { .. }
                | Fact::TripCleared { .. }
                | Fact::AlertsSuppressed { .. }
                | Fact::ResultsPublished { .. }
        ) || left_out == entries.len() - 1;
        let (_, problems) = read(&fewer);
        assert_eq!(problems.is_empty(), may_be_left_out, "without {:?}: {problems:?}", entry.fact);
    }
}

#[test]
fn no_two_neighbours_that_change_the_stage_can_change_places() {
    let entries = lawful();
    for first in 0..entries.len() - 1 {
        if stage_after(&entries[first].fact).is_none() || stage_after(&entries[first + 1].fact).is_none() {
            continue;
        }
        let mut swapped = entries.clone();
        let (fact, next) = (entries[first].fact.clone(), entries[first + 1].fact.clone());
        swapped[first].fact = next;
        swapped[first + 1].fact = fact;
        assert!(!read(&swapped).1.is_empty(), "{:?}", swapped[first].fact);
    }
}

#[test]
fn few_facts_can_be_said_twice() {
    let entries = lawful();
    for twice in 0..entries.len() {
        let mut more = entries.clone();
        more.insert(twice, entries[twice].clone());
        let may_be_twice = matches!(
            entries[twice].fact,
            Fact::PolicyAdopted { .. }
                | Fact::DocumentFilled { .. }
                | Fact::SignageConfirmed { .. }
                | Fact::RecordingDeclared { .. }
        );
        let (_, problems) = read(&more);
        assert_eq!(problems.is_empty(), may_be_twice, "{:?}: {problems:?}", entries[twice].fact);
    }
}

/// Changes one fact of the lawful record and returns the problems that are told.
fn changed(kind: &str, change: impl FnOnce(&mut Entry)) -> String {
    let mut entries = lawful();
    let index = index_of(&entries, kind);
    change(&mut entries[index]);
    let (_, problems) = read(&entries);
    problems.into_iter().map(|problem| format!("{}: {}\n", problem.entry, problem.sentence)).collect()
}

#[test]
fn counts_and_dates_that_do_not_fit_are_told() {
    let told = changed("deployment-ended", |entry| entry.at = at(959));
    assert!(told.contains("21: it is dated 2026-03-01T09:15:59Z, before the entry it follows"), "{told}");
    let told = changed("deployment-ended", |entry| {
        if let Fact::DeploymentEnded { counts: total, .. } = &mut entry.fact {
            *total = counts(24, 2);
        }
    });
    assert!(told.contains("does not equal the sum of its 4"), "{told}");
    assert!(told.contains("1 alerts are on the record"), "{told}");
    let told = changed("deployment-purged", |entry| {
        entry.fact = Fact::DeploymentPurged {
            deployment: "d1".into(),
            alerts_destroyed: 0,
            watchlist_images_destroyed: 3,
            key_destroyed: false,
        };
    });
    for part in ["0 alerts were destroyed, 1 had", "3 watchlist images", "key was not destroyed"] {
        assert!(told.contains(part), "{told}");
    }
    let told = changed("watchlist-destroyed", |entry| {
        entry.fact = Fact::WatchlistDestroyed { deployment: "d1".into(), images: 3, key_destroyed: false };
    });
    for part in ["3 watchlist images were destroyed, 4 had been listed", "but not the key to it"] {
        assert!(told.contains(part), "{told}");
    }
    for up_to in [0, 4, 6] {
        let told = changed("alerts-suppressed", |entry| {
            entry.fact = Fact::AlertsSuppressed { deployment: "d1".into(), up_to };
        });
        assert!(told.contains("is not rounded up"), "{told}");
    }
    let told = changed("watchlist-frozen", |entry| {
        if let Fact::WatchlistFrozen { by_approval, .. } = &mut entry.fact {
            by_approval.insert("child".into(), 1);
        }
    });
    assert!(told.contains("sum by approval"), "{told}");
    let told = changed("deployment-proposed", |entry| {
        if let Fact::DeploymentProposed(plan) = &mut entry.fact {
            plan.starts = at(700);
            plan.ends = at(890);
        }
    });
    assert!(told.contains("outside its window"), "{told}");
    assert!(told.contains("7 templates were made after"), "{told}");
    let told = changed("watchlist-frozen", |entry| {
        if let Fact::WatchlistFrozen { by_ground, .. } = &mut entry.fact {
            by_ground.insert("wanted".into(), u64::MAX);
        }
    });
    assert!(told.contains("sum by ground"), "{told}");
    let told = changed("alert-raised", |entry| {
        if let Fact::AlertRaised { expires, .. } = &mut entry.fact {
            *expires = at(650);
        }
    });
    assert!(told.contains("had expired"), "{told}");
}

#[test]
fn withdrawal_is_lawful_only_before_the_start_and_ends_everything() {
    let entries = lawful();
    for after in 2..entries.len() {
        let mut cut: Vec<_> = entries[..=after].to_vec();
        let fact = Fact::DeploymentWithdrawn { deployment: "d1".into(), reason: "rain".into() };
        cut.push(Entry { at: at(2_000), fact });
        let (tallies, problems) = read(&cut);
        let started = after >= index_of(&entries, "deployment-started");
        assert_eq!(problems.is_empty(), !started, "{after}: {problems:?}");
        assert_eq!(tallies.deployments_withdrawn, 1);
        cut.push(Entry { at: at(2_001), ..entries[3].clone() });
        let purged = after >= index_of(&entries, "deployment-purged");
        let expected = if purged { "while it was purged" } else { "while it was withdrawn" };
        assert!(read(&cut).1.iter().any(|problem| problem.sentence.contains(expected)), "{after}");
    }
}

#[test]
fn problems_are_told_up_to_the_limit_and_then_counted() {
    let mut story = Story::default();
    for index in 0..PROBLEMS_MAX as u64 + 7 {
        story.read(index, &lawful()[4]);
    }
    let (_, problems, untold) = story.finish();
    assert_eq!((problems.len(), untold), (PROBLEMS_MAX, 7));
    assert!(problems[0].sentence.contains("never proposed"), "{}", problems[0].sentence);
}

/// The lawful record as that of a live deployment with these cameras, planned for so many.
fn live(planned: u32, cameras: &[CameraDeclaration]) -> Vec<Entry> {
    let mut entries = lawful();
    let declared = index_of(&entries, "recording-declared");
    let at = entries.remove(declared).at;
    for camera in cameras.iter().rev() {
        entries.insert(declared, Entry { at, fact: Fact::CameraDeclared(camera.clone()) });
    }
    for entry in &mut entries {
        match &mut entry.fact {
            Fact::DeploymentProposed(plan) => {
                plan.deployment_kind = "live".into();
                plan.cameras = planned;
            }
            Fact::ResultsPublished { results, .. } => results.cameras = planned,
            _ => {}
        }
    }
    entries
}

#[test]
fn a_live_deployment_declares_its_cameras_and_no_more_than_were_planned() {
    let told = |planned, cameras: &[CameraDeclaration]| {
        let (_, problems) = read(&live(planned, cameras));
        problems.into_iter().map(|problem| problem.sentence).collect::<Vec<_>>().join("\n")
    };
    let two = [camera("c1"), camera("c2")];
    assert_eq!(told(2, &two), "");
    assert_eq!(told(3, &two), "", "fewer than planned");
    assert_eq!(told(1, &[]), "deployment d1: it started without a declared camera, although it is live");
    assert_eq!(told(1, &two), "deployment d1: camera c2 was declared, but there were to be 1 at most");
    assert_eq!(told(3, &[camera("c1"), camera("c1")]), "deployment d1: camera c1 was declared twice");
    let long = camera(&"c".repeat(NAME_BYTES_MAX + 1));
    assert!(told(1, &[long]).contains("it gives a name of 201 bytes"));
    let more: Vec<_> = (0..=crate::CAMERAS_MAX).map(|number| camera(&number.to_string())).collect();
    assert!(told(u32::MAX, &more).contains("there were to be 256 at most"));
}

#[test]
fn what_is_declared_is_of_the_kind_that_was_proposed() {
    let told = |entries: &[Entry]| read(entries).1.into_iter().map(|problem| problem.sentence).collect::<Vec<_>>();
    let mut exercise = lawful();
    let declared = index_of(&exercise, "recording-declared");
    exercise.insert(declared, Entry { at: exercise[declared].at, fact: Fact::CameraDeclared(camera("c1")) });
    assert_eq!(told(&exercise), ["deployment d1: a camera was declared, but it is not a live deployment"]);
    let mut mixed = live(1, &[camera("c1")]);
    mixed.insert(declared, Entry { at: mixed[declared].at, fact: lawful()[declared].fact.clone() });
    assert_eq!(told(&mixed), ["deployment d1: a recording was declared, but it is not an exercise"]);
    let mut neither = lawful();
    if let Fact::DeploymentProposed(plan) = &mut neither[2].fact {
        plan.deployment_kind = "rehearsal".into();
    }
    assert!(told(&neither)[0].contains("neither an exercise nor live"), "{:?}", told(&neither));
    let mut late = live(1, &[camera("c1")]);
    let started = index_of(&late, "deployment-started");
    late.insert(started + 1, Entry { at: late[started].at, fact: Fact::CameraDeclared(camera("c2")) });
    assert!(told(&late)[0].contains("had a camera declared while it was comparing"), "{:?}", told(&late));
}
