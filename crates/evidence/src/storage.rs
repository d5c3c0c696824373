//! Where a log's files are put: the seam between this crate and whatever keeps bytes.

use std::collections::BTreeMap;
use std::io;

use crate::EvidenceError;

/// Keeps the files of one log. Paths are relative, of lower-case letters, digits, `.` and `/`, and made by this crate.
///
/// Trusted with nothing: whoever holds the storage can destroy the log or hide its end, but every change of what was
/// published shows in `verify`.
pub trait TileStorage {
    /// The whole file, or nothing where there is none.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Creates or replaces the file, all of it or nothing, and returns only once it would survive a power cut.
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;
}

/// A log's files in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTiles {
    /// Every file by its path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl TileStorage for MemoryTiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.insert(path.to_owned(), bytes.to_owned());
        Ok(())
    }
}

/// Reads, saying what failed.
pub(crate) fn read(storage: &impl TileStorage, path: &str) -> Result<Option<Vec<u8>>, EvidenceError> {
    storage.read(path).map_err(|source| EvidenceError::Storage { doing: "read", path: path.to_owned(), source })
}

/// Writes, saying what failed.
pub(crate) fn write(storage: &mut impl TileStorage, path: &str, bytes: &[u8]) -> Result<(), EvidenceError> {
    storage.write(path, bytes).map_err(|source| EvidenceError::Storage {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

/// Writes a file that may never change: writing it again with the same bytes does nothing, with others it is refused.
pub(crate) fn write_once(storage: &mut impl TileStorage, path: &str, bytes: &[u8]) -> Result<(), EvidenceError> {
    match read(storage, path)? {
        None => write(storage, path, bytes),
        Some(there) if there == bytes => Ok(()),
        Some(_) => Err(EvidenceError::WouldRewrite { path: path.to_owned() }),
    }
}
