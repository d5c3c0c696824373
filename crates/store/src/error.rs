//! Everything that can go wrong between a decision and the disk, grouped by whose fault it is.

use std::io;
use std::path::PathBuf;

use domain::Refusal;
use evidence::EvidenceError;

/// Why something was not recorded, read or destroyed. Unless a variant says otherwise, nothing was recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    // The caller's.
    /// A rule said no.
    #[error("{0}")]
    Refusal(#[from] Refusal),
    /// Nothing of that name is on the record.
    #[error("looking for {what} {name}: there is none on the record; check the name")]
    #[allow(missing_docs, reason = "the sentence says it")]
    Unknown { what: &'static str, name: String },
    /// The name is taken.
    #[error("opening {what} {name}: one of that name is on the record already; choose another name")]
    #[allow(missing_docs, reason = "the sentence says it")]
    NameTaken { what: &'static str, name: String },
    /// It was decided from a state that is no longer the present one.
    #[error("recording a decision about {name}: the record has moved on ({found}); read it again and decide anew")]
    #[allow(missing_docs, reason = "the sentence says it")]
    Outdated { name: String, found: String },
    /// A decision that changes more than the record came to the door for those that do not.
    #[error("recording {kind} by `commit`: it goes together with other changes; use `{instead}`")]
    #[allow(missing_docs, reason = "the sentence says it")]
    OtherDoor { kind: &'static str, instead: &'static str },
    /// More than fits.
    #[error("keeping {what}: found {found} {unit}, the most is {most}; give less")]
    #[allow(missing_docs, reason = "the sentence says it")]
    TooLarge { what: &'static str, found: u64, most: u64, unit: &'static str },
    /// A policy profile's text cannot be read.
    #[error("reading the policy profile: {found}; mend the file and adopt it again")]
    #[allow(missing_docs, reason = "the sentence says it")]
    PolicyUnreadable { found: String },
    /// What was asked for was sealed for a deployment whose key is destroyed.
    #[error("opening what was sealed for {deployment}: it was destroyed when the deployment was purged or withdrawn")]
    #[allow(missing_docs, reason = "the sentence says it")]
    Destroyed { deployment: String },

    /// Who was listed can no longer be told.
    #[error(
        "answering whether somebody was listed for {deployment}: no list was frozen for it, or its commitments are destroyed; nobody can tell"
    )]
    #[allow(missing_docs, reason = "the sentence says it")]
    Unanswerable { deployment: String },

    // The data directory's.
    /// There is a store already.
    #[error("creating a store in {directory}: there is one already; open it, or choose an empty folder")]
    #[allow(missing_docs, reason = "the sentence says it")]
    ExistsAlready { directory: PathBuf },
    /// There is no store.
    #[error("opening the store in {directory}: there is none; create it first, or check the path")]
    #[allow(missing_docs, reason = "the sentence says it")]
    NotAStore { directory: PathBuf },
    /// Another process has it open.
    #[error("opening the store in {directory}: another process has it open; end that one first")]
    #[allow(missing_docs, reason = "the sentence says it")]
    Locked { directory: PathBuf },
    /// It was made by a newer version.
    #[error(
        "opening {database}: its format is {found}, this version knows up to {known}; use a newer version of overt"
    )]
    #[allow(missing_docs, reason = "the sentence says it")]
    FromTheFuture { database: PathBuf, found: i64, known: i64 },

    // The disk's.
    /// A file could not be read or written.
    #[error("{doing} {path}: {source}; check permissions, free space and the disk")]
    #[allow(missing_docs, reason = "the sentence says it")]
    Disk { doing: &'static str, path: PathBuf, source: io::Error },
    /// The disk is full.
    #[error("{doing}: the disk is full, nothing was recorded; free some space and try again")]
    #[allow(missing_docs, reason = "the sentence says it")]
    DiskFull { doing: &'static str },
    /// The database could not do it.
    #[error("{doing} in the database: {source}; check permissions, free space and the disk")]
    #[allow(missing_docs, reason = "the sentence says it")]
    Database { doing: &'static str, source: rusqlite::Error },
    /// The deletion is on the record, but the freed space may still hold what was deleted (sealed, its key destroyed).
    #[error(
        "wiping freed space after {deployment} was deleted: {source}; the deletion stands, open the store again to finish"
    )]
    #[allow(missing_docs, reason = "the sentence says it")]
    NotWiped { deployment: String, source: Box<StoreError> },
    /// The end of a deployment is on the record, but its watchlist is not destroyed yet.
    #[error(
        "destroying the watchlist of {deployment}: {source}; its end stands, open the store again or purge what is due"
    )]
    #[allow(missing_docs, reason = "the sentence says it")]
    ListRemains { deployment: String, source: Box<StoreError> },
    /// The public log's files could not be written or read.
    #[error("publishing the log: {0}")]
    Log(#[from] EvidenceError),

    // Damage.
    /// Something on disk is not what was written.
    #[error("reading {what}: {found}; restore the data directory from a copy and run the check")]
    #[allow(missing_docs, reason = "the sentence says it")]
    Damaged { what: String, found: String },
    /// A sealed value does not open with the right key.
    #[error("opening {what} of {deployment}: it is not what was sealed; restore the database from a copy")]
    #[allow(missing_docs, reason = "the sentence says it")]
    SealBroken { what: String, deployment: String },
    /// A key file is gone although nothing destroyed it.
    #[error("reading the key {path}: it is missing; restore it from a copy, or purge the deployment")]
    #[allow(missing_docs, reason = "the sentence says it")]
    KeyMissing { path: PathBuf },
    /// A key file holds another key.
    #[error("reading the key {path}: it is not the key that was used; restore the right one from a copy")]
    #[allow(missing_docs, reason = "the sentence says it")]
    KeyWrong { path: PathBuf },

    // The machine's.
    /// No randomness.
    #[error("making a key or a nonce: the system gives no randomness ({0}); restart the machine")]
    Randomness(getrandom::Error),
    /// Ours.
    #[error("{doing}: {found}; this is a fault in overt, report it")]
    #[allow(missing_docs, reason = "the sentence says it")]
    Bug { doing: &'static str, found: String },
}

/// Names what was being done when the database failed.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        use rusqlite::ErrorCode as Code;
        self.map_err(|source| match source.sqlite_error_code() {
            Some(Code::DiskFull) => StoreError::DiskFull { doing },
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => {
                StoreError::Damaged { what: format!("the database ({doing})"), found: source.to_string() }
            }
            _ => StoreError::Database { doing, source },
        })
    }
}

/// Names the file that failed.
pub(crate) trait DoingWith<T> {
    fn doing_with(self, doing: &'static str, path: &std::path::Path) -> Result<T, StoreError>;
}

impl<T> DoingWith<T> for io::Result<T> {
    fn doing_with(self, doing: &'static str, path: &std::path::Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Disk { doing, path: path.to_owned(), source })
    }
}
