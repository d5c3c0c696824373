//! A key as a file: apart from the database, read anew for each use, and replaced or destroyed so that a crash at any
//! point leaves the key that is in use, and no other.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::directory;
use crate::error::{DoingWith as _, StoreError};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// The bytes of a key, wiped when dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// The file of one key, named after what the key is for. Which key is in use says the fingerprint that the database
/// notes; the file holds that key, and during a replacement a second file holds the next one.
pub(crate) struct KeyFile {
    path: PathBuf,
    next: PathBuf,
}

impl KeyFile {
    /// The key of this name in the keys' folder. A name is an identifier behind the word for its kind, and so is no
    /// other file's.
    pub(crate) fn named(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(format!("{name}.key")), next: folder.join(format!("{name}.next.key")) }
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the key. A file left by a crash before anything was sealed with it is replaced.
    pub(crate) fn make(&self) -> Result<KeyBytes, StoreError> {
        make_at(&self.path)
    }

    /// Makes the key that is to follow. It is in use from the moment its fingerprint is noted; [`KeyFile::settle`] does
    /// the rest.
    pub(crate) fn make_next(&self) -> Result<KeyBytes, StoreError> {
        make_at(&self.next)
    }

    /// The key that has this fingerprint.
    pub(crate) fn read(&self, noted: &[u8]) -> Result<KeyBytes, StoreError> {
        let mut found = false;
        for path in [&self.path, &self.next] {
            match read_at(path)? {
                Some(Ok(key)) if fingerprint(&key)[..] == *noted => return Ok(key),
                other => found |= other.is_some(),
            }
        }
        let path = self.path.clone();
        Err(if found { StoreError::KeyWrong { path } } else { StoreError::KeyMissing { path } })
    }

    /// Ends a replacement that a crash or a fault cut short, on whichever side of the noting: the key in use lies in its
    /// own file, and the other one is destroyed. Without one there is nothing to do.
    pub(crate) fn settle(&self, noted: &[u8]) -> Result<(), StoreError> {
        let Some(next) = read_at(&self.next)? else { return Ok(()) };
        if !next.is_ok_and(|key| fingerprint(&key)[..] == *noted) {
            return directory::destroy(&self.next).doing_with("destroying a key that was never used", &self.next);
        }
        directory::destroy(&self.path).doing_with("destroying the key before", &self.path)?;
        directory::rename(&self.next, &self.path).doing_with("putting the new key in place", &self.path)
    }

    /// Overwrites and removes every file of the key.
    pub(crate) fn destroy(&self) -> Result<(), StoreError> {
        for path in [&self.path, &self.next] {
            directory::destroy(path).doing_with("destroying a key", path)?;
        }
        Ok(())
    }
}

/// Tells the right key from a wrong one, and nothing else: the key is 256 bits of randomness.
pub(crate) fn fingerprint(key: &[u8; KEY_BYTES]) -> [u8; 32] {
    Sha256::new().chain_update("overt key fingerprint 1\n").chain_update(key).finalize().into()
}

/// Fresh bytes for a key.
pub(crate) fn fresh_key() -> Result<KeyBytes, StoreError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(StoreError::Randomness)?;
    Ok(bytes)
}

fn make_at(path: &Path) -> Result<KeyBytes, StoreError> {
    directory::destroy(path).doing_with("removing an unused key", path)?;
    let key = fresh_key()?;
    directory::write_new_private(path, key.as_ref()).doing_with("writing a key", path)?;
    Ok(key)
}

/// The key in a file, or what else is there: its length.
fn read_at(path: &Path) -> Result<Option<Result<KeyBytes, usize>>, StoreError> {
    let bytes = directory::read_if_there(path).doing_with("reading a key", path)?.map(Zeroizing::new);
    Ok(bytes.map(|bytes| match <[u8; KEY_BYTES]>::try_from(bytes.as_slice()) {
        Ok(key) => Ok(Zeroizing::new(key)),
        Err(_) => Err(bytes.len()),
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_replacement_cut_short_anywhere_leaves_the_noted_key_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::named(folder.path(), "deployment-one");
        let old = file.make().unwrap();
        let names = || {
            let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
            names.sort();
            names
        };
        // Before the noting: the old key stays.
        file.make_next().unwrap();
        assert_eq!(*file.read(&fingerprint(&old)).unwrap(), *old);
        file.settle(&fingerprint(&old)).unwrap();
        assert_eq!(names(), ["deployment-one.key"]);
        assert_eq!(*file.read(&fingerprint(&old)).unwrap(), *old);
        // After it: the new one, also where the old file is gone already.
        for old_is_gone in [false, true] {
            let new = file.make_next().unwrap();
            assert_eq!(*file.read(&fingerprint(&new)).unwrap(), *new);
            if old_is_gone {
                directory::destroy(file.path()).unwrap();
            }
            file.settle(&fingerprint(&new)).unwrap();
            assert_eq!(names(), ["deployment-one.key"]);
            assert_eq!(fs::read(file.path()).unwrap(), *new);
            file.settle(&fingerprint(&new)).unwrap();
        }
        assert!(matches!(file.read(&fingerprint(&old)), Err(StoreError::KeyWrong { .. })));
        file.make_next().unwrap();
        file.destroy().unwrap();
        assert_eq!(names(), Vec::<std::ffi::OsString>::new());
        assert!(matches!(file.read(&fingerprint(&old)), Err(StoreError::KeyMissing { .. })));
    }
}
