//! The database: opened with the settings that durability and deletion depend on, and brought to the present schema.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::directory::touch_private;
use crate::error::{Doing as _, DoingWith as _, StoreError};

/// Marks the file as ours ("ovrt").
const APPLICATION_ID: i64 = 0x6f76_7274;
/// Statements kept ready; there are about forty in this crate.
const STATEMENTS_KEPT: usize = 64;

/// Each step brings a database from the version of its position to the next. A step, once released, is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("migrations/staff.sql"),
    include_str!("migrations/redress.sql"),
    include_str!("migrations/watchlist.sql"),
    include_str!("migrations/keys.sql"),
    include_str!("migrations/cameras.sql"),
];

/// Opens the database, making it where it is missing.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    touch_private(path).doing_with("opening", path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path, flags).doing("opening the file")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    configure(&connection).doing("setting it up")?;
    migrate(&mut connection, path)?;
    crate::chain::link_older_events(&connection)?;
    Ok(connection)
}

/// `synchronous=FULL`: a commit that returned survives a power cut. `secure_delete`: deleted rows are overwritten with
/// zeros. `temp_store=MEMORY`: nothing of a query or of VACUUM goes to a temporary file.
fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
        let mode: String = row.get(0)?;
        if mode == "wal" { Ok(()) } else { Err(rusqlite::Error::InvalidQuery) }
    })?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "cell_size_check", "ON")
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let found = number("user_version").doing("reading its version")?;
    let application = number("application_id").doing("reading its kind")?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::FromTheFuture { database: path.to_owned(), found, known });
    }
    if found != 0 && application != APPLICATION_ID {
        let found = "it is a database of another program".to_owned();
        return Err(StoreError::Damaged { what: path.display().to_string(), found });
    }
    for (version, step) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let bring_up = || -> Result<(), rusqlite::Error> {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", version as i64 + 1)?;
            transaction.commit()
        };
        bring_up().doing("bringing it to the present format")?;
    }
    Ok(())
}

/// Wipes freed space: pages that deleted rows left are rewritten, and the write-ahead log is emptied. On return the
/// database's files hold live rows only. May be done again at any time.
pub(crate) fn wipe_freed_space(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("VACUUM").doing("rewriting the database without deleted rows")?;
    empty_write_ahead_log(connection)
}

/// Moves everything from the write-ahead log into the database and truncates it to nothing.
pub(crate) fn empty_write_ahead_log(connection: &Connection) -> Result<(), StoreError> {
    let busy = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        .doing("emptying the write-ahead log")?;
    if busy == 0 {
        return Ok(());
    }
    Err(StoreError::Bug { doing: "emptying the write-ahead log", found: "somebody else reads the database".into() })
}
