//! A damaged database, a folder that cannot be written, a clock that steps: each is refused by name, loses nothing, and
//! never makes the program panic. Tests only.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};

use domain::{Deployment, Refusal, Role};
use jiff::SignedDuration;
use rusqlite::Connection;

use crate::directory::DATABASE;
use crate::scenes::{Scene, officer, remnants, sealed_bytes};
use crate::{EXERCISE_POLICY, Store, StoreError};

/// Everything in the tables, as text.
fn content(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut content = Vec::new();
    for table in tables {
        let mut rows = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))?;
        let columns = rows.column_count();
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let values: Result<Vec<_>, _> =
                (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column)).collect();
            content.push(format!("{table} {:?}", values?));
        }
    }
    Ok(content)
}

/// What comes of a database file in which these bytes are flipped: told by the opening or the check, or nothing changed.
fn outcome(prepared: &mut Scene, places: &[u64], sound: &[String]) -> Result<(), String> {
    let scene = prepared.copied();
    let file = fs::OpenOptions::new().read(true).write(true).open(scene.dir().join(DATABASE)).unwrap();
    for place in places {
        let mut byte = [0];
        file.read_exact_at(&mut byte, *place).unwrap();
        file.write_all_at(&[byte[0] ^ 0xff], *place).unwrap();
    }
    let Ok(store) = Store::open(&scene.dir()) else { return Ok(()) };
    match store.check() {
        Err(_) => Ok(()),
        Ok(findings) if !findings.is_empty() => Ok(()),
        Ok(_) if content(&store.connection).as_deref() == Ok(sound) => Ok(()),
        Ok(_) => Err(format!("bytes {places:?} flipped, and nothing was told of")),
    }
}

#[test]
fn a_corrupted_page_is_told_of_and_nothing_panics() {
    let mut scene = Scene::in_memory();
    scene.operation();
    scene.ended("kx-1");
    let now = scene.tick();
    scene.store().publish(now).unwrap();
    crate::database::empty_write_ahead_log(&scene.store().connection).unwrap();
    let sound = content(&scene.store().connection).unwrap();
    scene.close();
    let (page, length) = (4096, fs::metadata(scene.dir().join(DATABASE)).unwrap().len());
    assert!(length > 10 * page);
    let mut silent = Vec::new();
    for start in (0..length).step_by(page as usize) {
        // The head of the page, where its cells are, and places all over it, chosen by a fixed stride.
        let head: Vec<u64> = (start..start + 16).collect();
        silent.extend(outcome(&mut scene, &head, &sound).err());
        for step in 0..12 {
            silent.extend(outcome(&mut scene, &[start + (step * 353 + 7) % page], &sound).err());
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn a_database_cut_off_anywhere_is_told_of() {
    let mut scene = Scene::in_memory();
    scene.operation();
    scene.ended("kx-1");
    crate::database::empty_write_ahead_log(&scene.store().connection).unwrap();
    scene.close();
    let length = fs::metadata(scene.dir().join(DATABASE)).unwrap().len();
    for length in (0..length).step_by(4096).chain([1, 100, 5000]) {
        let copy = scene.copied();
        let file = fs::OpenOptions::new().write(true).open(copy.dir().join(DATABASE)).unwrap();
        file.set_len(length).unwrap();
        let told = match Store::open(&copy.dir()) {
            Err(_) => true,
            Ok(store) => store.check().map_or(true, |findings| !findings.is_empty()),
        };
        assert!(told, "cut off at {length}");
    }
}

#[test]
fn a_folder_that_may_only_be_read_is_named_and_stays_as_it_is() {
    let mut scene = Scene::in_memory();
    scene.operation();
    scene.close();
    let dir = scene.dir();
    let mode = |mode| fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let writable = fs::write(dir.join("probe"), "").is_ok();
    if writable {
        // Permissions do not hold for root; a medium that may only be read does, and no test can make one everywhere.
        println!("skipped: this user may write to a folder that may only be read");
        mode(0o755);
        return;
    }
    let error = Store::open(&dir).err().unwrap();
    assert!(matches!(error, StoreError::Disk { .. } | StoreError::Database { .. }), "{error}");
    assert!(error.to_string().contains("check permissions"), "{error}");
    mode(0o755);
    scene.reopen();
    assert_eq!(scene.store().check().unwrap(), vec![]);
}

#[test]
fn a_clock_that_steps_back_is_refused_and_loses_nothing() {
    let mut scene = Scene::in_memory();
    scene.operation();
    let alert = scene.ended("kx-1");
    let before = scene.store().entries(None).unwrap();
    let back = scene.pass(SignedDuration::from_hours(-3));
    let went_back = |error: &StoreError| matches!(error, StoreError::Refusal(Refusal::ClockWentBack { .. }));
    let ended = scene.deployment().expect_ended().unwrap();
    for refused in [
        scene.store().adopt_policy(EXERCISE_POLICY, &officer(Role::AuthorisingOfficer), back).err(),
        scene.store().view_evidence(&alert, &officer(Role::Operator), back).err(),
        scene.store().purge(ended, back).err(),
        scene.store().rotate_key("deployment-kx-1", &officer(Role::Administrator), back).err(),
    ] {
        assert!(refused.as_ref().is_some_and(went_back), "{refused:?}");
    }
    assert!(scene.store().keep_time(back).unwrap().is_empty(), "nothing is due earlier than it was");
    assert_eq!(scene.store().entries(None).unwrap(), before);
    assert_eq!(scene.store().check().unwrap(), vec![]);
    // The clock is set right, and life goes on.
    let now = scene.pass(SignedDuration::from_hours(4));
    scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
    scene.purged();
}

#[test]
fn a_clock_that_steps_forward_purges_what_is_due_and_no_more_is_said_until_it_is_reached() {
    let mut scene = Scene::in_memory();
    scene.operation();
    scene.ended("kx-1");
    scene.ready("kx-2");
    let sealed = sealed_bytes(&mut scene);
    let before = scene.now();
    let forward = scene.pass(SignedDuration::from_hours(24 * 365));
    let done = scene.store().keep_time(forward).unwrap();
    assert_eq!(done.len(), 2, "one is purged, the other's window has closed");
    for name in ["kx-1", "kx-2"] {
        scene.turn_to(name);
        assert!(matches!(*scene.deployment(), Deployment::Purged(_) | Deployment::Withdrawn(_)), "{name}");
    }
    assert_eq!(remnants(&scene.dir(), &sealed), 0);
    assert_eq!(scene.store().check().unwrap(), vec![]);
    // Set right again, it is behind the record: nothing is recorded until it has caught up.
    let refused =
        scene.store().adopt_policy(EXERCISE_POLICY, &officer(Role::AuthorisingOfficer), before).err().unwrap();
    assert!(matches!(refused, StoreError::Refusal(Refusal::ClockWentBack { last }) if last == forward), "{refused}");
    let now = scene.tick();
    scene.store().adopt_policy(EXERCISE_POLICY, &officer(Role::AuthorisingOfficer), now).unwrap();
}
