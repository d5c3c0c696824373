//! What the watchlist of the store keeps, counts and refuses.

use domain::{Age, Role};
use evidence::Fact;

use super::*;
use crate::scenes::{LABEL, LISTED_IMAGE, Scene, entry, facts, officer, template};

fn announced(scene: &mut Scene) -> Recorded<Announced> {
    scene.deployment().expect_announced().unwrap()
}

fn list(scene: &mut Scene, entry: NewEntry<'_>) -> Result<u32, StoreError> {
    let (seen, now) = (announced(scene), scene.tick());
    scene.store().list(&seen, &officer(Role::WatchlistOfficer), entry, now).map(Recorded::into_inner)
}

fn freeze(scene: &mut Scene) -> Result<Recorded<Announced>, StoreError> {
    let (seen, now) = (announced(scene), scene.tick());
    scene.store().freeze_watchlist(seen, &officer(Role::WatchlistOfficer), now)
}

fn refusal<T>(result: Result<T, StoreError>) -> Refusal {
    match result {
        Err(StoreError::Refusal(refusal)) => refusal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[allow(clippy::type_complexity, reason = "one entry, taken apart once")]
fn frozen(scene: &mut Scene) -> Option<(u64, u64, BTreeMap<String, u64>, BTreeMap<String, u64>, String)> {
    let d = scene.d();
    scene.store().entries(Some(&d)).unwrap().into_iter().find_map(|(_, entry)| match entry.fact {
        Fact::WatchlistFrozen { people, images, by_ground, by_approval, commitment, .. } => {
            Some((people, images, by_ground, by_approval, commitment))
        }
        _ => None,
    })
}

#[test]
fn people_are_counted_by_label_and_come_back_as_listed() {
    let mut scene = Scene::new();
    scene.operation();
    scene.live("kx-1");
    let d = scene.d();
    let (people, images, by_ground, by_approval, commitment) = frozen(&mut scene).unwrap();
    assert_eq!((people, images), (2, 3));
    assert_eq!(by_ground, BTreeMap::from([("exercise subject".to_owned(), 2)]));
    assert_eq!(by_approval.values().sum::<u64>(), 2);
    assert_eq!(commitment, scene.store().watchlist_commitment(&d).unwrap());
    let live = scene.deployment().expect_live().unwrap();
    let listed = scene.store().watchlist(&live).unwrap();
    assert_eq!(listed.iter().map(|entry| (entry.number, entry.person)).collect::<Vec<_>>(), [(1, 1), (2, 1), (3, 3)]);
    assert_eq!(listed[2].facts, facts("exercise subject 2"));
    assert_eq!(*listed[1].template, template(2));
    assert_eq!(scene.store().images_of_person(&d, 2).unwrap(), [1, 2]);
    assert_eq!(scene.store().listed_image(&d, 3).unwrap().as_slice(), LISTED_IMAGE);
    assert!(matches!(scene.store().listed_image(&d, 4), Err(StoreError::Unknown { .. })));
}

#[test]
fn a_frozen_watchlist_takes_nobody_even_from_an_older_sight_of_it() {
    let mut scene = Scene::new();
    scene.operation();
    scene.announced("kx-1");
    assert_eq!(refusal(freeze(&mut scene)), Refusal::WatchlistEmpty);
    scene.list_three();
    let (seen, d) = (announced(&mut scene), scene.d());
    freeze(&mut scene).unwrap();
    let now = scene.tick();
    let lister = officer(Role::WatchlistOfficer);
    let frozen = announced(&mut scene);
    let again = scene.store().freeze_watchlist(frozen, &lister, now);
    assert_eq!(refusal(again), Refusal::WatchlistFrozenAlready);
    let late = scene.store().list(&seen, &lister, entry("x", &template(4)), now);
    assert_eq!(refusal(late), Refusal::WatchlistFrozenAlready);
    assert_eq!(refusal(scene.store().unlist(&seen, &lister, 1, now)), Refusal::WatchlistFrozenAlready);
    assert_eq!(scene.store().listed_numbers(&d).unwrap(), [1, 2, 3]);
}

#[test]
fn a_refused_entry_leaves_nothing_behind() {
    let mut scene = Scene::new();
    scene.operation();
    scene.announced("kx-1");
    let d = scene.d();
    let unknown_ground = EntryFacts { ground: "annoying".into(), ..facts("x") };
    assert!(list(&mut scene, NewEntry { facts: unknown_ground, ..entry("x", &[1.0]) }).is_err());
    let huge = vec![0; IMAGE_BYTES_MAX + 1];
    assert!(list(&mut scene, NewEntry { image_png: &huge, ..entry("x", &[1.0]) }).is_err());
    assert!(list(&mut scene, entry("x", &vec![0.0; TEMPLATE_VALUES_MAX + 1])).is_err());
    assert!(scene.store().listed_numbers(&d).unwrap().is_empty());
    for kind in KeyKind::ALL {
        assert_eq!(scene.store().keys_of(kind).state(&d).unwrap(), KeyState::None);
        assert!(!scene.store().keys_of(kind).path(&d).exists());
    }
}

#[test]
fn one_label_is_one_reference_and_the_other_way_round() {
    for (label, reference) in [(LABEL, "another number"), ("exercise subject 9", crate::scenes::REFERENCE)] {
        let mut scene = Scene::new();
        scene.operation();
        scene.announced("kx-1");
        scene.list_three();
        let reference = Reference::new(reference).unwrap();
        list(&mut scene, NewEntry { reference, ..entry(label, &template(4)) }).unwrap();
        assert_eq!(refusal(freeze(&mut scene)), Refusal::PersonContradicted, "{label}");
    }
}

#[test]
fn what_is_alike_must_be_compared_or_taken_off_before_the_freeze() {
    let mut scene = Scene::new();
    scene.operation();
    scene.announced("kx-1");
    scene.list_three();
    let alike = [(1, Likeness::LookAlike), (3, Likeness::Duplicate)];
    let number = list(&mut scene, NewEntry { alike: &alike, ..entry("exercise subject 3", &template(4)) }).unwrap();
    assert_eq!(refusal(freeze(&mut scene)), Refusal::LikenessesOpen { pairs: 2 });
    let (seen, now, d) = (announced(&mut scene), scene.tick(), scene.d());
    let lister = officer(Role::WatchlistOfficer);
    assert!(matches!(scene.store().acknowledge(&seen, &lister, 2, 4, now), Err(StoreError::Unknown { .. })));
    scene.store().acknowledge(&seen, &lister, 1, number, now).unwrap();
    assert_eq!(refusal(freeze(&mut scene)), Refusal::LikenessesOpen { pairs: 1 });
    let states: Vec<_> = scene.store().flags(&d).unwrap().iter().map(|state| state.acknowledged).collect();
    assert_eq!(states, [true, false]);
    let now = scene.tick();
    scene.store().unlist(&seen, &lister, 3, now).unwrap();
    assert!(matches!(scene.store().unlist(&seen, &lister, 3, now), Err(StoreError::Unknown { .. })));
    assert_eq!(scene.store().flags(&d).unwrap().len(), 1);
    scene.store().unlist(&seen, &lister, number, now).unwrap();
    assert_eq!(scene.store().flags(&d).unwrap(), []);
    let next = list(&mut scene, entry("exercise subject 4", &template(5))).unwrap();
    assert_eq!(next, number + 1, "a number is not given twice");
    freeze(&mut scene).unwrap();
    assert_eq!(frozen(&mut scene).map(|found| (found.0, found.1)), Some((2, 3)));
    assert_eq!(scene.store().check().unwrap(), vec![]);
}

#[test]
fn a_child_is_listed_only_with_the_approval_of_somebody_who_did_not_list_them() {
    let mut scene = Scene::new();
    scene.operation();
    scene.announced("kx-1");
    scene.list_three();
    let child = EntryFacts { age: Age::AtLeast(15), age_at_image: Age::AtLeast(15), ..facts("exercise subject 3") };
    let number = list(&mut scene, NewEntry { facts: child, ..entry("exercise subject 3", &template(4)) }).unwrap();
    assert_eq!(refusal(freeze(&mut scene)), Refusal::ApprovalMissing { people: 1 });
    let (seen, now) = (announced(&mut scene), scene.tick());
    let lister = officer(Role::WatchlistOfficer);
    let refused = scene.store().approve_listing(&seen, &lister, number, "risk to life", now);
    assert!(matches!(refusal(refused), Refusal::RoleMayNot { .. }));
    // The same person in another role.
    let same = Officer { role: Role::AuthorisingOfficer, ..lister };
    let refused = scene.store().approve_listing(&seen, &same, number, "risk to life", now);
    assert_eq!(refusal(refused), Refusal::ListerMayNotApprove);
    let authoriser = officer(Role::AuthorisingOfficer);
    let refused = scene.store().approve_listing(&seen, &authoriser, 1, "risk to life", now);
    assert_eq!(refusal(refused), Refusal::ApprovalNotNeeded);
    let published = scene.store().entries(None).unwrap().len();
    scene.store().approve_listing(&seen, &authoriser, number, "risk to life: see file", now).unwrap();
    assert_eq!(scene.store().entries(None).unwrap().len(), published, "an approval points at one person");
    freeze(&mut scene).unwrap();
    let (people, _, _, by_approval, _) = frozen(&mut scene).unwrap();
    assert_eq!((people, by_approval), (3, BTreeMap::from([("not broken down".to_owned(), 3)])));
    assert_eq!(crate::scenes::files_holding(&scene.dir(), b"risk to life"), 0, "the reason is sealed");
}
