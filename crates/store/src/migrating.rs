//! A database of an older version is brought to the present one, and goes on with its life. Tests only.

use std::fs;

use rusqlite::Connection;

use crate::Store;
use crate::disclosure;
use crate::scenes::{Scene, files_holding};

/// The format of version 1, which is never changed.
const VERSION_1: &str = include_str!("schema.sql");

/// A data directory as version 1 would have left it, closed: its tables with its columns, and the key in its file.
fn version_1(mut scene: Scene) -> (Scene, Vec<u8>) {
    let key = scene.store().key_files().read("deployment-kx-1").unwrap();
    scene.close();
    let (present, older) = (scene.dir().join("overt.db"), scene.dir().join("older.db"));
    let connection = Connection::open(&older).unwrap();
    connection.pragma_update(None, "foreign_keys", "OFF").unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    connection.execute("ATTACH ?1 AS present", [present.to_str().unwrap()]).unwrap();
    let tables = "SELECT m.name, group_concat(c.name) FROM main.sqlite_schema m JOIN pragma_table_info(m.name) c
                  WHERE m.type = 'table' GROUP BY m.name";
    let copied = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let tables: Result<Vec<_>, _> = connection.prepare(tables).unwrap().query_map([], copied).unwrap().collect();
    for (table, columns) in tables.unwrap() {
        let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM present.{table}");
        connection.execute_batch(&copy).unwrap();
    }
    connection.execute_batch("DETACH present; PRAGMA application_id = 0x6f767274; PRAGMA user_version = 1").unwrap();
    drop(connection);
    for file in ["overt.db", "overt.db-wal", "overt.db-shm"] {
        let _ = fs::remove_file(scene.dir().join(file));
    }
    fs::rename(older, present).unwrap();
    fs::write(scene.dir().join("keys/deployment-kx-1.key"), *key).unwrap();
    // Keys of a kind that version 1 did not know.
    for later in ["commitments-kx-1.key", "suppression-links.key"] {
        fs::remove_file(scene.dir().join("keys").join(later)).unwrap();
    }
    (scene, key.to_vec())
}

fn ended() -> Scene {
    let mut scene = Scene::in_memory();
    scene.operation();
    scene.ended("kx-1");
    scene
}

#[test]
fn a_database_of_version_1_is_brought_up_and_goes_on() {
    let (mut scene, key) = version_1(ended());
    scene.reopen();
    assert_eq!(disclosure::differences(&scene.store().connection).unwrap(), Vec::<String>::new());
    // Version 1 kept no listed image with an alert: its alerts are told of, until they are purged like all others.
    let told = scene.store().check().unwrap();
    assert!(told.iter().all(|finding| finding.found.contains("what it is about is gone")), "{told:?}");
    // The key of version 1 was the data key itself; from its first replacement on it is no longer in any file.
    assert_eq!(files_holding(&scene.dir(), &key), 1);
    let now = scene.tick();
    let by = crate::scenes::officer(domain::Role::Administrator);
    scene.store().rotate_key("deployment-kx-1", &by, now).unwrap();
    assert_eq!(files_holding(&scene.dir(), &key), 0);
    scene.purged();
    assert_eq!(scene.store().check().unwrap(), vec![]);
}

#[test]
fn a_migration_cut_short_leaves_the_older_database() {
    let (scene, _) = version_1(ended());
    let database = scene.dir().join("overt.db");
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE key_files (name TEXT)").unwrap();
    let error = Store::open(&scene.dir()).err().unwrap().to_string();
    assert!(error.contains("bringing it to the present format"), "{error}");
    let connection = Connection::open(&database).unwrap();
    let columns = "SELECT count(*) FROM pragma_table_info('key_files')";
    let columns: i64 = connection.query_row(columns, [], |row| row.get(0)).unwrap();
    assert_eq!(columns, 1, "nothing of the step that failed is there");
    // What was in the way is taken out of it, and the same database is brought up.
    connection.execute_batch("DROP TABLE key_files").unwrap();
    drop(connection);
    let told = Store::open(&scene.dir()).unwrap().check().unwrap();
    assert!(told.iter().all(|finding| finding.found.contains("what it is about is gone")), "{told:?}");
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let (scene, _) = version_1(ended());
    let connection = Connection::open(scene.dir().join("overt.db")).unwrap();
    connection.pragma_update(None, "user_version", 1_000).unwrap();
    drop(connection);
    let error = Store::open(&scene.dir()).err().unwrap().to_string();
    assert!(error.contains("use a newer version of overt"), "{error}");
}
