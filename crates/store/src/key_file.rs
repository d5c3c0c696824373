//! The files of keys: each apart from the database, read anew for each use, replaced and destroyed so that a crash at any
//! point leaves the key that is in use, and no other.
//!
//! A file holds 32 random bytes that open one thing only: the data key, which stands in the database sealed with them and
//! seals everything else. So a file can be replaced without a sealed value changing, and the commitments on the public
//! record go on to fit. Without the file the database opens nothing, without the database the file opens nothing.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::directory;
use crate::error::{Doing as _, DoingWith as _, StoreError};
use crate::log::timestamp;
use crate::sealing::{bound_to, open_bound, seal_bound};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// The bytes of a key, wiped when dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// The key files of a store, by name. A name is an identifier behind the word for its kind, and so is no other file's.
pub(crate) struct KeyFiles<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) connection: &'a Connection,
}

/// What the database notes about a key file.
struct Noted {
    fingerprint: Vec<u8>,
    generation: u32,
    /// The data key, sealed. A file of version 1 of the database has none: there the file's bytes are the data key.
    data_key: Option<Vec<u8>>,
}

/// A key file, how many there have been of its name, and since when it is the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAge {
    /// Its name; with `.key`, its file.
    pub name: String,
    /// 1 until it is replaced.
    pub generation: u32,
    /// Since when it is in use.
    pub since: Timestamp,
}

/// A key that is to follow, and is not noted yet.
pub(crate) struct NextKey {
    fingerprint: [u8; 32],
    pub(crate) generation: u32,
    data_key: Vec<u8>,
}

impl KeyFiles<'_> {
    /// Where a key lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    /// Makes a key where none is in use, and returns the data key. What a crash left of one that sealed nothing is
    /// replaced.
    pub(crate) fn make(&self, name: &str) -> Result<KeyBytes, StoreError> {
        self.destroy(name)?;
        let (file_key, data_key) = (fresh_key()?, fresh_key()?);
        let sealed = seal_data_key(name, 1, &file_key, &data_key)?;
        // The row first: a file that the database knows nothing of is nobody's to remove.
        self.connection
            .execute(
                "INSERT INTO key_files (name, fingerprint, generation, data_key, since_ns)
                 VALUES (?1, ?2, 1, ?3, coalesce((SELECT at_ns FROM events ORDER BY seq DESC LIMIT 1), 0))",
                params![name, fingerprint(&file_key), sealed],
            )
            .doing("noting a key file")?;
        let path = self.path(name);
        directory::write_new_private(&path, file_key.as_ref()).doing_with("writing a key", &path)?;
        Ok(data_key)
    }

    /// The data key.
    pub(crate) fn read(&self, name: &str) -> Result<KeyBytes, StoreError> {
        let path = self.path(name);
        let Some(noted) = self.noted(name)? else { return Err(StoreError::KeyMissing { path }) };
        let file_key = self.file_key(name, &noted.fingerprint)?;
        let Some(sealed) = &noted.data_key else { return Ok(file_key) };
        let opened = open_bound(&file_key, &data_key_bound(name, noted.generation), sealed);
        let opened = opened.and_then(|opened| <[u8; KEY_BYTES]>::try_from(opened.as_slice()).ok());
        let broken = || StoreError::SealBroken { what: "the data key".into(), deployment: name.to_owned() };
        opened.map(Zeroizing::new).ok_or_else(broken)
    }

    /// Overwrites and removes every file of a key, and forgets it.
    pub(crate) fn destroy(&self, name: &str) -> Result<(), StoreError> {
        for path in [self.path(name), self.next_path(name)] {
            directory::destroy(&path).doing_with("destroying a key", &path)?;
        }
        self.connection
            .execute("DELETE FROM key_files WHERE name = ?1", [name])
            .doing("forgetting a key file")
            .map(drop)
    }

    /// Puts the key that is to follow beside the one in use. It is in use from [`note_next`] on; [`KeyFiles::settle`] does
    /// the rest.
    pub(crate) fn make_next(&self, name: &str) -> Result<NextKey, StoreError> {
        let data_key = self.read(name)?;
        let generation = self.generation(name)?.saturating_add(1);
        let (file_key, path) = (fresh_key()?, self.next_path(name));
        let data_key = seal_data_key(name, generation, &file_key, &data_key)?;
        directory::destroy(&path).doing_with("removing an unused key", &path)?;
        directory::write_new_private(&path, file_key.as_ref()).doing_with("writing a key", &path)?;
        Ok(NextKey { fingerprint: fingerprint(&file_key), generation, data_key })
    }

    /// Ends a replacement that a crash or a fault cut short, on whichever side of the noting: the key in use lies in its
    /// own file, and the other one is destroyed. Without one there is nothing to do.
    pub(crate) fn settle(&self, name: &str) -> Result<(), StoreError> {
        let (path, next) = (self.path(name), self.next_path(name));
        let Some(found) = read_at(&next)? else { return Ok(()) };
        let in_use = self.noted(name)?.map(|noted| noted.fingerprint);
        if found.map(|key| fingerprint(&key).to_vec()) != in_use {
            return directory::destroy(&next).doing_with("destroying a key that was never used", &next);
        }
        directory::destroy(&path).doing_with("destroying the key before", &path)?;
        directory::rename(&next, &path).doing_with("putting the new key in place", &path)
    }

    /// How many keys of this name there have been.
    pub(crate) fn generation(&self, name: &str) -> Result<u32, StoreError> {
        Ok(self.noted(name)?.map_or(0, |noted| noted.generation))
    }

    /// Every key file, by name.
    pub(crate) fn all(&self) -> Result<Vec<KeyAge>, StoreError> {
        let doing = "listing key files";
        let mut statement = self
            .connection
            .prepare_cached("SELECT name, generation, since_ns FROM key_files ORDER BY name")
            .doing(doing)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).doing(doing)?;
        rows.map(|row| {
            let (name, generation, since) = row.doing(doing)?;
            Ok(KeyAge { name, generation, since: timestamp(since)? })
        })
        .collect()
    }

    fn next_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.next.key"))
    }

    /// The key in whichever of the two files has this fingerprint.
    fn file_key(&self, name: &str, noted: &[u8]) -> Result<KeyBytes, StoreError> {
        let mut found = false;
        for path in [self.path(name), self.next_path(name)] {
            match read_at(&path)? {
                Some(Some(key)) if fingerprint(&key)[..] == *noted => return Ok(key),
                other => found |= other.is_some(),
            }
        }
        let path = self.path(name);
        Err(if found { StoreError::KeyWrong { path } } else { StoreError::KeyMissing { path } })
    }

    fn noted(&self, name: &str) -> Result<Option<Noted>, StoreError> {
        let doing = "looking for a key file";
        let mut statement = self
            .connection
            .prepare_cached("SELECT fingerprint, generation, data_key FROM key_files WHERE name = ?1")
            .doing(doing)?;
        let noted = |row: &rusqlite::Row<'_>| {
            Ok(Noted { fingerprint: row.get(0)?, generation: row.get(1)?, data_key: row.get(2)? })
        };
        statement.query_row([name], noted).optional().doing(doing)
    }
}

/// Notes in the database that the next key is in use, from the event that is being recorded.
pub(crate) fn note_next(connection: &Connection, name: &str, next: &NextKey) -> Result<(), StoreError> {
    connection
        .execute(
            "UPDATE key_files SET fingerprint = ?2, generation = ?3, data_key = ?4,
                    since_ns = (SELECT at_ns FROM events ORDER BY seq DESC LIMIT 1)
             WHERE name = ?1",
            params![name, next.fingerprint, next.generation, next.data_key],
        )
        .doing("noting a new key")
        .map(drop)
}

/// Tells the right key from a wrong one, and nothing else: the key is 256 bits of randomness.
pub(crate) fn fingerprint(key: &[u8; KEY_BYTES]) -> [u8; 32] {
    Sha256::new().chain_update("overt key fingerprint 1\n").chain_update(key).finalize().into()
}

fn fresh_key() -> Result<KeyBytes, StoreError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(StoreError::Randomness)?;
    Ok(bytes)
}

fn seal_data_key(name: &str, generation: u32, file_key: &KeyBytes, data_key: &KeyBytes) -> Result<Vec<u8>, StoreError> {
    seal_bound(file_key, &data_key_bound(name, generation), data_key.as_ref())
}

fn data_key_bound(name: &str, generation: u32) -> Vec<u8> {
    bound_to("key_files.data_key", &generation.to_string(), name)
}

/// The key in a file; the inner nothing where what is there is no key.
fn read_at(path: &Path) -> Result<Option<Option<KeyBytes>>, StoreError> {
    let bytes = directory::read_if_there(path).doing_with("reading a key", path)?.map(Zeroizing::new);
    Ok(bytes.map(|bytes| <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_replacement_cut_short_anywhere_leaves_the_noted_key_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let connection = crate::database::open(&folder.path().join("db")).unwrap();
        connection.execute("INSERT INTO events (at_ns, kind) VALUES (1, 'x')", []).unwrap();
        let keys = folder.path().join("keys");
        fs::create_dir(&keys).unwrap();
        let files = KeyFiles { folder: &keys, connection: &connection };
        let data_key = files.make("deployment-one").unwrap();
        let names = || {
            let mut names: Vec<_> = fs::read_dir(&keys).unwrap().map(|file| file.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let file = || fs::read(files.path("deployment-one")).unwrap();
        // Before the noting: the key in use stays.
        let first = file();
        files.make_next("deployment-one").unwrap();
        assert_eq!(names().len(), 2);
        assert_eq!(*files.read("deployment-one").unwrap(), *data_key);
        files.settle("deployment-one").unwrap();
        assert_eq!((names().len(), file()), (1, first.clone()));
        // After it: the next one, also where the file before is gone already.
        for gone in [false, true] {
            let next = files.make_next("deployment-one").unwrap();
            note_next(&connection, "deployment-one", &next).unwrap();
            assert_eq!(*files.read("deployment-one").unwrap(), *data_key);
            if gone {
                directory::destroy(&files.path("deployment-one")).unwrap();
            }
            files.settle("deployment-one").unwrap();
            assert_eq!(names().len(), 1);
            assert_eq!(*files.read("deployment-one").unwrap(), *data_key);
            files.settle("deployment-one").unwrap();
        }
        assert_eq!(files.all().unwrap()[0].generation, 3);
        fs::write(files.path("deployment-one"), first).unwrap();
        assert!(matches!(files.read("deployment-one"), Err(StoreError::KeyWrong { .. })));
        files.destroy("deployment-one").unwrap();
        assert!(names().is_empty() && files.all().unwrap().is_empty());
        assert!(matches!(files.read("deployment-one"), Err(StoreError::KeyMissing { .. })));
    }
}
