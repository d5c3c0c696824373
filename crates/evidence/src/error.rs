//! Everything that can go wrong while a record is written, signed or proven, grouped by what to do about it.

use std::io;

/// A failure of writing or proving; verification has its own, `VerifyError`.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// An entry cannot be written down.
    #[error("cannot write an entry of {bytes} bytes: {bytes_max} is the most a log entry may have; say less in it")]
    EntryTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Bytes are not an entry of this record.
    #[error("cannot read an entry: {reason}")]
    EntryUnreadable {
        /// What was found.
        reason: String,
    },
    /// Too many entries at once.
    #[error("cannot append {entries} entries at once: {entries_max} is the most; split the batch")]
    BatchTooLarge {
        /// Number given.
        entries: usize,
        /// The limit.
        entries_max: usize,
    },
    /// The log is full.
    #[error("cannot hold {entries} entries in one log: {entries_max} is the most; begin another log")]
    LogTooLarge {
        /// Number that would be needed.
        entries: u64,
        /// The limit.
        entries_max: u64,
    },
    /// A tile that must exist does not.
    #[error(
        "cannot read {path}, which a log of {size} entries must have: it is missing; restore it from a copy or rebuild it from the records"
    )]
    TileMissing {
        /// The file's path in the log.
        path: String,
        /// Size of the log.
        size: u64,
    },
    /// A tile's bytes cannot be what they should.
    #[error("cannot use {path}: {found}; restore it from a copy or rebuild it from the records")]
    TileMalformed {
        /// The file's path in the log.
        path: String,
        /// What was found.
        found: String,
    },
    /// A file that may never change would have.
    #[error(
        "refused to change {path}: it exists with other bytes, and what was once published stays; find out which history is the true one before going on"
    )]
    WouldRewrite {
        /// The file's path in the log.
        path: String,
    },
    /// Stored tiles do not give the root they should.
    #[error(
        "cannot continue the log at {size} entries: its tiles give root {found}, expected {expected}; restore the tiles from a copy or rebuild them from the records"
    )]
    RootDiffers {
        /// Size of the log.
        size: u64,
        /// Root that the tiles give.
        found: String,
        /// Root that was promised.
        expected: String,
    },
    /// A checkpoint would go back.
    #[error(
        "refused to publish a checkpoint of {size} entries: one of {published} is published already, and a log only grows"
    )]
    WouldShrink {
        /// Size asked for.
        size: u64,
        /// Size published before.
        published: u64,
    },
    /// A key's text is not a key.
    #[error("cannot use this key: {reason}")]
    Key {
        /// What was found and what is expected; never the key itself.
        reason: String,
    },
    /// A checkpoint does not open.
    #[error("cannot open a checkpoint: {reason}")]
    Checkpoint {
        /// What was found.
        reason: String,
    },
    /// A proof does not hold or cannot be made.
    #[error("proof refused: {reason}")]
    Proof {
        /// What was found.
        reason: String,
    },
    /// The storage failed.
    #[error("cannot {doing} {path}")]
    Storage {
        /// `read` or `write`.
        doing: &'static str,
        /// The file's path in the log.
        path: String,
        /// What the storage said.
        source: io::Error,
    },
}
