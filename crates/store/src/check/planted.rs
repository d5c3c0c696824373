//! Planted inconsistencies, one for every column and every table there is: each is found by name. Tests only.

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::Store;
use crate::directory::DATABASE;
use crate::disclosure::COLUMNS;
use crate::scenes::Scene;

/// An exercise that has ended and is published, with a row in every table that a deployment fills.
fn prepared() -> Scene {
    let mut scene = Scene::in_memory();
    scene.operation();
    let alert = scene.ended("kx-1");
    let now = scene.tick();
    scene.store().view_evidence(&alert, &crate::scenes::officer(domain::Role::Operator), now).unwrap();
    let now = scene.tick();
    scene.store().publish(now).unwrap();
    assert_eq!(scene.store().check().unwrap(), vec![]);
    scene
}

/// Puts somebody else's hands in a copy of the database.
fn tampered(prepared: &mut Scene, hands: impl FnOnce(&Connection)) -> Scene {
    let scene = prepared.copied();
    let connection = Connection::open(scene.dir().join(DATABASE)).unwrap();
    connection.pragma_update(None, "foreign_keys", "OFF").unwrap();
    hands(&connection);
    scene
}

/// What is told of it: by the opening, or by the check.
fn told(scene: &Scene) -> Vec<String> {
    match Store::open(&scene.dir()) {
        Err(error) => vec![error.to_string()],
        Ok(store) => match store.check() {
            Ok(findings) => findings.iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        },
    }
}

fn rows(scene: &mut Scene, table: &str) -> Vec<i64> {
    let sql = format!("SELECT rowid FROM {table} ORDER BY rowid");
    let mut statement = scene.store().connection.prepare(&sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect()
}

/// Another value of the same kind.
fn altered(value: Value, declared: &str) -> Value {
    match value {
        // Far from every other number, so that no constraint of the table refuses it first; but a flag is 0 or 1.
        Value::Integer(flag @ 0..=1) if declared == "FLAG" => Value::Integer(1 - flag),
        Value::Integer(number) => Value::Integer(number + 1_000_003),
        Value::Text(text) => Value::Text(text + "x"),
        Value::Blob(mut bytes) => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            Value::Blob(bytes)
        }
        Value::Real(number) => Value::Real(number + 1.0),
        Value::Null if declared == "INTEGER" => Value::Integer(1),
        Value::Null if declared == "BLOB" => Value::Blob(vec![1; 32]),
        Value::Null => Value::Text("x".into()),
    }
}

fn alter(connection: &Connection, table: &str, column: &str, row: i64) {
    let value = connection.query_row(&format!("SELECT {column} FROM {table} WHERE rowid = {row}"), [], |r| r.get(0));
    let declared = format!("SELECT type FROM pragma_table_info('{table}') WHERE name = '{column}'");
    let declared: String = connection.query_row(&declared, [], |r| r.get(0)).unwrap();
    let declared = if column == "destroying" { "FLAG".to_owned() } else { declared };
    let sql = format!("UPDATE {table} SET {column} = ?1 WHERE rowid = {row}");
    connection.execute(&sql, [altered(value.unwrap(), &declared)]).unwrap();
}

/// What cannot be told, and why: a commitment to a reference is keyed and cannot be made again once its list is gone, the
/// time of its key is nowhere else, and the key of links recognises people in lists to come, of whom nothing is known yet.
const CANNOT_BE_TOLD: [&str; 3] = ["listed_commitments", "commitment_keys", "suppression_keys"];

#[test]
fn every_column_altered_in_any_row_is_told_of() {
    let mut scene = prepared();
    let mut silent = Vec::new();
    for column in COLUMNS.iter().filter(|column| !CANNOT_BE_TOLD.contains(&column.table)) {
        scene.reopen();
        let rows = rows(&mut scene, column.table);
        for row in rows.into_iter().take(40) {
            let tampered = tampered(&mut scene, |connection| alter(connection, column.table, column.column, row));
            if told(&tampered).is_empty() {
                silent.push(format!("{}.{} of row {row}", column.table, column.column));
            }
        }
    }
    assert!(silent.is_empty(), "altered and not told of: {silent:#?}");
}

#[test]
fn every_row_taken_out_is_told_of_or_written_again() {
    let mut scene = prepared();
    let mut silent = Vec::new();
    let tables: std::collections::BTreeSet<_> = COLUMNS.iter().map(|column| column.table).collect();
    for table in tables.into_iter().filter(|table| !CANNOT_BE_TOLD.contains(table)) {
        scene.reopen();
        for row in rows(&mut scene, table) {
            let mut tampered = tampered(&mut scene, |connection| {
                connection.execute(&format!("DELETE FROM {table} WHERE rowid = {row}"), []).unwrap();
            });
            if told(&tampered).is_empty() {
                tampered.reopen();
                // The newest checkpoint is public: the opening notes it again.
                if !self::rows(&mut tampered, table).contains(&row) {
                    silent.push(format!("{table}, row {row}"));
                }
            }
        }
    }
    assert!(silent.is_empty(), "taken out and not told of: {silent:#?}");
}

#[test]
fn each_kind_of_tampering_is_told_of_in_its_own_words() {
    let mut scene = prepared();
    for (sql, words) in [
        ("DELETE FROM events WHERE kind = 'alert-viewed'", "events up to"),
        ("UPDATE events SET actor = 'nobody' WHERE kind = 'alert-viewed'", "is not as it was recorded"),
        ("UPDATE policies SET text = text || '#'", "entry 0 does not speak of it"),
        ("DELETE FROM notices", "what it speaks of is not kept"),
        ("UPDATE operations SET entry = 0", "entry 0 does not speak of it"),
        ("UPDATE sealing_keys SET destroying = 1", "its purge was begun and not finished"),
        ("UPDATE key_files SET since_ns = since_ns + 1", "nothing happened at the time"),
        ("UPDATE key_files SET generation = 2", "opening the data key of deployment-kx-1"),
        ("UPDATE checkpoints SET at_ns = at_ns + 1", "are not those it was published with"),
        ("UPDATE settings SET value = 'overt.example/other' WHERE name = 'origin'", "it is not the key that was used"),
    ] {
        let tampered = tampered(&mut scene, |connection| connection.execute_batch(sql).unwrap());
        let told = told(&tampered).join("\n");
        assert!(told.contains(words), "{sql}: {told}");
    }
}
