//! Doubting what is kept beside the record: each policy, operation and notice against the entry that speaks of it, and each
//! entry that speaks of one against what is kept.

use evidence::Fact;

use super::Findings;
use crate::error::{Doing as _, StoreError};
use crate::log::entry_of;
use crate::policy_file;
use crate::store::Store;

/// A table that is kept beside the record, the kind of event that fills it, and what it holds: its name, its entry, a text.
const KEPT: [(&str, &str, &str); 3] = [
    ("policies", "policy-adopted", "SELECT k.digest, n.bytes, k.entry, k.text FROM policies k"),
    ("operations", "operation-opened", "SELECT k.operation, n.bytes, k.entry, '' FROM operations k"),
    ("notices", "notice-published", "SELECT k.deployment, n.bytes, k.entry, k.text FROM notices k"),
];

/// Rows that point at an event or an entry which is not what they need.
const POINTERS: [(&str, &str); 3] = [
    (
        "SELECT 'alert ' || a.alert FROM alerts a LEFT JOIN entries n ON n.seq = a.entry
         LEFT JOIN events v ON v.seq = n.event WHERE v.alert IS NOT a.alert OR v.kind IS NOT 'alert-raised'",
        "it does not point at the entry that raised it",
    ),
    (
        "SELECT 'keys/' || name || '.key' FROM key_files WHERE since_ns <> 0 AND since_ns NOT IN (SELECT at_ns FROM events)",
        "nothing happened at the time from which it is said to be in use",
    ),
    (
        "SELECT 'deployment ' || v.deployment FROM events v JOIN watchlists l ON l.deployment = v.deployment
         WHERE v.kind IN ('watchlist-entry-added', 'watchlist-entry-removed')
         GROUP BY v.deployment HAVING count(DISTINCT CASE v.kind WHEN 'watchlist-entry-added' THEN v.listed END)
             - count(DISTINCT CASE v.kind WHEN 'watchlist-entry-removed' THEN v.listed END)
             <> (SELECT count(*) FROM watchlist_entries w WHERE w.deployment = v.deployment)",
        "its watchlist has not as many entries as were entered",
    ),
];

impl Store {
    /// What is kept beside the record.
    pub(super) fn check_kept(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking what is kept beside the record";
        for (table, kind, rows) in KEPT {
            let sql = format!("{rows} LEFT JOIN entries n ON n.seq = k.entry");
            let mut statement = self.connection.prepare(&sql).doing(doing)?;
            let mut rows = statement.query([]).doing(doing)?;
            while let Some(row) = rows.next().doing(doing)? {
                let (name, text): (String, String) = (row.get(0).doing(doing)?, row.get(3).doing(doing)?);
                let number: u64 = row.get(2).doing(doing)?;
                let there = row.get_ref(1).doing(doing)? != rusqlite::types::ValueRef::Null;
                let fact = there.then(|| entry_of(row, 1, number)).and_then(Result::ok).map(|entry| entry.fact);
                if !fact.is_some_and(|fact| speaks_of(&fact, &name, &text)) {
                    findings.tell(format!("{table} {name}"), format!("entry {number} does not speak of it"));
                }
            }
            let missing = format!(
                "SELECT 'entry ' || n.seq FROM events v JOIN entries n ON n.event = v.seq
                 WHERE v.kind = '{kind}' AND n.seq NOT IN (SELECT entry FROM {table})"
            );
            self.tell_of(&missing, "what it speaks of is not kept", findings)?;
        }
        for (sql, found) in POINTERS {
            self.tell_of(sql, found, findings)?;
        }
        Ok(())
    }

    /// Tells of every place that a query names.
    fn tell_of(&self, sql: &str, found: &str, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking what is kept beside the record";
        let mut statement = self.connection.prepare(sql).doing(doing)?;
        let places = statement.query_map([], |row| row.get::<_, String>(0)).doing(doing)?;
        for place in places {
            findings.tell(place.doing(doing)?, found);
        }
        Ok(())
    }
}

/// Whether an entry is the one that a kept name and text need.
fn speaks_of(fact: &Fact, name: &str, text: &str) -> bool {
    match fact {
        Fact::PolicyAdopted { digest, .. } => digest == name && *digest == policy_file::digest(text),
        Fact::OperationOpened { operation, .. } => operation == name,
        Fact::NoticePublished { deployment, notice_digest } => {
            deployment == name && *notice_digest == policy_file::digest(text)
        }
        _ => false,
    }
}
