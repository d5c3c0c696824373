//! Who may see each column: declared here for every one, and compared with the live schema by a test and by the check.

use rusqlite::Connection;

/// Who may see what a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// Anyone: it is on the public record, or is served beside it.
    Public,
    /// The operator's staff and auditors: it is about no person.
    Internal,
    /// Those who need it: it is about a person. A person sought stands here only sealed.
    Personal,
    /// Nobody without the deployment's key: a face or a template of one. Only sealed.
    Biometric,
}

impl Disclosure {
    /// The word in `docs/reference/store.md`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Personal => "personal",
            Self::Biometric => "biometric",
        }
    }
}

/// One column, its class and whether it is sealed with the deployment's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// Who may see it.
    pub disclosure: Disclosure,
    /// Whether it reaches the disk only encrypted.
    pub storage: Storage,
}

/// How a column reaches the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As it is.
    Plain,
    /// Sealed: with the deployment's key, or with a key of its own.
    Sealed,
}

use Disclosure::{Biometric, Internal, Personal, Public};

/// Every column there is.
pub const COLUMNS: &[Column] = &[
    plain("events", "seq", Internal),
    plain("events", "at_ns", Internal),
    plain("events", "actor", Personal),
    plain("events", "kind", Internal),
    plain("events", "deployment", Public),
    plain("events", "alert", Public),
    plain("events", "listed", Internal),
    plain("events", "withheld", Internal),
    plain("events", "chain", Internal),
    plain("entries", "seq", Public),
    plain("entries", "event", Internal),
    plain("entries", "bytes", Public),
    plain("entries", "leaf_hash", Public),
    plain("policies", "entry", Public),
    plain("policies", "digest", Public),
    plain("policies", "text", Public),
    plain("operations", "operation", Public),
    plain("operations", "entry", Public),
    plain("notices", "deployment", Public),
    plain("notices", "entry", Public),
    plain("notices", "text", Public),
    plain("sealing_keys", "deployment", Public),
    plain("sealing_keys", "fingerprint", Internal),
    plain("sealing_keys", "destroying", Internal),
    plain("key_files", "name", Internal),
    plain("key_files", "fingerprint", Internal),
    plain("key_files", "generation", Internal),
    plain("key_files", "since_ns", Internal),
    sealed("key_files", "data_key", Biometric),
    plain("watchlists", "deployment", Public),
    plain("watchlists", "salt", Internal),
    plain("watchlists", "last_number", Internal),
    plain("watchlist_keys", "deployment", Public),
    plain("watchlist_keys", "fingerprint", Internal),
    plain("watchlist_keys", "destroying", Internal),
    plain("watchlist_flags", "deployment", Public),
    plain("watchlist_flags", "first", Internal),
    plain("watchlist_flags", "second", Internal),
    plain("watchlist_flags", "likeness", Internal),
    plain("watchlist_flags", "acknowledged", Internal),
    plain("watchlist_approvals", "deployment", Public),
    plain("watchlist_approvals", "number", Internal),
    sealed("watchlist_approvals", "reason", Personal),
    plain("alert_listings", "alert", Public),
    plain("alert_listings", "deployment", Public),
    sealed("alert_listings", "facts", Personal),
    sealed("alert_listings", "image", Biometric),
    plain("commitment_keys", "deployment", Public),
    plain("commitment_keys", "fingerprint", Internal),
    plain("commitment_keys", "destroying", Internal),
    plain("commitment_keys", "until_ns", Internal),
    plain("listed_commitments", "deployment", Public),
    plain("listed_commitments", "commitment", Personal),
    plain("suppression_keys", "suppression", Internal),
    plain("suppression_keys", "fingerprint", Internal),
    plain("suppression_keys", "destroying", Internal),
    plain("suppressions", "suppression", Internal),
    plain("suppressions", "deployment", Public),
    plain("suppressions", "alert", Personal),
    plain("suppressions", "expires_ns", Internal),
    sealed("suppressions", "consent", Personal),
    sealed("suppressions", "template", Biometric),
    sealed("suppressions", "link", Personal),
    plain("watchlist_entries", "deployment", Public),
    plain("watchlist_entries", "number", Internal),
    sealed("watchlist_entries", "facts", Personal),
    sealed("watchlist_entries", "image", Biometric),
    sealed("watchlist_entries", "template", Biometric),
    plain("alerts", "alert", Public),
    plain("alerts", "entry", Public),
    plain("alerts", "deployment", Public),
    plain("alerts", "salt", Internal),
    sealed("alerts", "particulars", Personal),
    sealed("alerts", "live", Biometric),
    sealed("alerts", "template", Biometric),
    plain("first_judgements", "alert", Public),
    plain("first_judgements", "deployment", Public),
    plain("first_judgements", "judgement", Personal),
    plain("first_judgements", "salt", Internal),
    plain("own_keys", "name", Internal),
    plain("own_keys", "fingerprint", Internal),
    plain("own_keys", "destroying", Internal),
    plain("held_alerts", "alert", Public),
    plain("held_alerts", "entry", Public),
    plain("held_alerts", "deployment", Public),
    plain("held_alerts", "salt", Internal),
    sealed("held_alerts", "particulars", Personal),
    sealed("held_alerts", "live", Biometric),
    sealed("held_alerts", "template", Biometric),
    plain("alert_receipts", "code_hash", Internal),
    plain("alert_receipts", "alert", Public),
    plain("alert_receipts", "deployment", Public),
    plain("alert_receipts", "until_ns", Internal),
    plain("complaints", "complaint", Public),
    plain("complaints", "entry", Public),
    plain("complaints", "alert", Personal),
    plain("complaints", "deployment", Internal),
    plain("complaints", "until_ns", Internal),
    sealed("complaints", "text", Personal),
    sealed("complaints", "answer", Personal),
    plain("camera_salts", "deployment", Public),
    plain("camera_salts", "camera", Public),
    plain("camera_salts", "entry", Public),
    plain("camera_salts", "salt", Internal),
    plain("seedings", "deployment", Public),
    plain("seedings", "entry", Public),
    plain("seedings", "salt", Internal),
    plain("seeds", "seed", Internal),
    plain("seeds", "deployment", Public),
    plain("seeds", "number", Internal),
    plain("seeds", "shown", Internal),
    plain("seeds", "listed", Internal),
    plain("seeds", "camera", Internal),
    plain("seeds", "shown_ns", Internal),
    plain("seeds", "expires_ns", Internal),
    plain("seed_judgements", "seed", Internal),
    plain("seed_judgements", "place", Internal),
    plain("seed_judgements", "judge", Personal),
    plain("seed_judgements", "judgement", Personal),
    plain("seed_judgements", "salt", Internal),
    plain("seed_judgements", "seconds", Personal),
    plain("staff", "event", Internal),
    plain("staff", "officer", Personal),
    plain("staff", "role", Personal),
    plain("staff", "trained_until_ns", Personal),
    plain("staff", "standing", Personal),
    plain("staff", "reason", Personal),
    plain("checkpoints", "size", Public),
    plain("checkpoints", "at_ns", Internal),
    plain("checkpoints", "root", Public),
    plain("checkpoints", "events", Internal),
    plain("checkpoints", "vouched", Internal),
    plain("settings", "name", Internal),
    plain("settings", "value", Internal),
];

const fn plain(table: &'static str, column: &'static str, disclosure: Disclosure) -> Column {
    Column { table, column, disclosure, storage: Storage::Plain }
}

const fn sealed(table: &'static str, column: &'static str, disclosure: Disclosure) -> Column {
    Column { table, column, disclosure, storage: Storage::Sealed }
}

/// Columns in the database that are not declared, and declared ones that are not there, as `table.column`.
pub(crate) fn differences(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
    )?;
    let live = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let live = live.collect::<Result<Vec<_>, _>>()?;
    let declared = |table: &str, column: &str| COLUMNS.iter().any(|c| c.table == table && c.column == column);
    let undeclared = live.iter().filter(|(table, column)| !declared(table, column)).map(|(t, c)| format!("{t}.{c}"));
    let exists = |declared: &Column| live.iter().any(|(t, c)| t == declared.table && c == declared.column);
    let missing = COLUMNS.iter().filter(|column| !exists(column)).map(|c| format!("{}.{}", c.table, c.column));
    Ok(undeclared.chain(missing).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live_schema() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let connection = crate::database::open(&folder.path().join("db")).unwrap();
        (folder, connection)
    }

    #[test]
    fn every_column_of_the_live_schema_is_declared_and_no_other() {
        let (_folder, connection) = live_schema();
        assert_eq!(differences(&connection).unwrap(), Vec::<String>::new());
        connection.execute_batch("ALTER TABLE alerts ADD COLUMN name TEXT").unwrap();
        assert_eq!(differences(&connection).unwrap(), ["alerts.name"]);
        connection.execute_batch("ALTER TABLE alerts DROP COLUMN name; DROP TABLE checkpoints").unwrap();
        assert_eq!(
            differences(&connection).unwrap(),
            COLUMNS
                .iter()
                .filter(|c| c.table == "checkpoints")
                .map(|c| format!("checkpoints.{}", c.column))
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_biometric_is_always_sealed_and_what_is_sealed_is_never_public() {
        for column in COLUMNS {
            let sealed = column.storage == Storage::Sealed;
            assert!(sealed || column.disclosure != Biometric, "{}.{}", column.table, column.column);
            assert!(!sealed || matches!(column.disclosure, Personal | Biometric), "{}.{}", column.table, column.column);
        }
    }

    #[test]
    fn the_reference_page_gives_each_column_its_class() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/store.md");
        let page = std::fs::read_to_string(page).unwrap();
        for Column { table, column, disclosure, storage } in COLUMNS {
            let sealed = if *storage == Storage::Sealed { ", sealed" } else { "" };
            let row = format!("| `{table}` | `{column}` | {}{sealed} |", disclosure.word());
            assert!(page.contains(&row), "docs/reference/store.md lacks {row:?}");
        }
    }
}
