//! A database of an older version is brought to the present one, and goes on with its life. Tests only.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;

use rusqlite::Connection;

use crate::Store;
use crate::disclosure;
use crate::scenes::Scene;

/// Made by version 1 of the format: an exercise purged, another one ended with an alert.
const VERSION_1: &str = include_str!("../tests/version-1.sql");

/// What the text says behind a name in its head.
fn told(name: &str) -> &'static str {
    VERSION_1.lines().find_map(|line| line.strip_prefix(&format!("-- {name}: "))).unwrap()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap();
    (0..hexadecimal.len()).step_by(2).map(digits).collect()
}

/// A data directory as version 1 left it.
fn version_1() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    for (name, mode) in [("keys", 0o700), ("public", 0o755)] {
        fs::DirBuilder::new().recursive(true).mode(mode).create(dir.join(name)).unwrap();
    }
    fs::write(dir.join("keys/log.key"), told("keys/log.key")).unwrap();
    fs::write(dir.join("keys/deployment-kx-1.key"), bytes(told("keys/deployment-kx-1.key"))).unwrap();
    let connection = Connection::open(dir.join("overt.db")).unwrap();
    connection.pragma_update(None, "foreign_keys", "OFF").unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    folder
}

#[test]
fn a_database_of_version_1_is_brought_up_and_goes_on() {
    let folder = version_1();
    let dir = folder.path().join("data");
    let entries = {
        let store = Store::open(&dir).unwrap();
        assert_eq!(disclosure::differences(&store.connection).unwrap(), Vec::<String>::new());
        store.entries(None).unwrap().len()
    };
    assert_eq!(entries, 23);
    let mut scene = Scene::at(&dir);
    let now = scene.tick();
    // Its public files were not kept with it: they are its image, and are written again.
    assert_eq!(scene.store().publish(now).unwrap().size, 23);
    assert_eq!(scene.store().check().unwrap(), vec![]);
    let d = scene.d();
    let alerts = scene.store().alerts(&d).unwrap();
    assert_eq!((alerts.len(), alerts[0].label.as_str()), (1, crate::scenes::LABEL));
    // The key of version 1 was the data key itself; from its first replacement on it is no longer in any file.
    let key = bytes(told("keys/deployment-kx-1.key"));
    assert_eq!(crate::scenes::files_holding(&dir, &key), 1);
    let now = scene.tick();
    scene.store().rotate_key("deployment-kx-1", &crate::scenes::officer(domain::Role::Administrator), now).unwrap();
    assert_eq!(crate::scenes::files_holding(&dir, &key), 0);
    assert_eq!(scene.store().alerts(&d).unwrap(), alerts);
    assert_eq!(scene.store().check().unwrap(), vec![]);
    scene.purged();
    assert_eq!(scene.store().check().unwrap(), vec![]);
}

#[test]
fn a_migration_cut_short_leaves_the_older_database() {
    let folder = version_1();
    let dir = folder.path().join("data");
    let connection = Connection::open(dir.join("overt.db")).unwrap();
    connection.execute_batch("CREATE TABLE key_files (name TEXT)").unwrap();
    drop(connection);
    let error = Store::open(&dir).err().unwrap().to_string();
    assert!(error.contains("bringing it to the present format"), "{error}");
    let connection = Connection::open(dir.join("overt.db")).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
    let columns = "SELECT count(*) FROM pragma_table_info('key_files')";
    let columns: i64 = connection.query_row(columns, [], |row| row.get(0)).unwrap();
    assert_eq!(columns, 1, "nothing of the step that failed is there");
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let folder = version_1();
    let dir = folder.path().join("data");
    let connection = Connection::open(dir.join("overt.db")).unwrap();
    connection.pragma_update(None, "user_version", 1_000).unwrap();
    drop(connection);
    let error = Store::open(&dir).err().unwrap().to_string();
    assert!(error.contains("use a newer version of overt"), "{error}");
}
