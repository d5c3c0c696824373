//! Keys for one thing each: held evidence, which outlives its deployment's key, and complaints, which have no deployment.
//!
//! The same 32 random bytes in a file as a deployment's key, read anew for each use, and destroyed in the same order:
//! noted, overwritten and removed, then the row together with its entry, then freed space wiped.

use std::path::PathBuf;

use domain::{AlertId, ComplaintId};
use rusqlite::{Connection, OptionalExtension as _, params};
use zeroize::Zeroizing;

use crate::directory;
use crate::error::{Doing as _, DoingWith as _, StoreError};
use crate::sealing::{KEY_BYTES, SealingKey, fingerprint, sealing_key};
use crate::store::Store;

/// What a key of its own is for.
#[derive(Clone, Copy)]
pub(crate) enum OwnKey<'a> {
    /// The held evidence of an alert.
    Hold(&'a AlertId),
    /// The words of a complaint and of its answer.
    Complaint(&'a ComplaintId),
}

impl OwnKey<'_> {
    /// Its name in the database; with `.key`, its file in the keys' folder.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Hold(alert) => format!("hold-{alert}"),
            Self::Complaint(complaint) => format!("complaint-{complaint}"),
        }
    }
}

impl Store {
    /// Makes a key. A file left by a crash before anything was sealed with it is replaced. Returns the fingerprint for
    /// [`note`].
    pub(crate) fn make_own_key(&self, key: OwnKey<'_>) -> Result<(SealingKey, [u8; 32]), StoreError> {
        if self.own_key_noted(key)?.is_some() {
            return Err(StoreError::Bug { doing: "making a key", found: format!("{} is in use", key.name()) });
        }
        let path = self.own_key_path(key);
        directory::destroy(&path).doing_with("removing an unused key", &path)?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut()).map_err(StoreError::Randomness)?;
        directory::write_new_private(&path, bytes.as_ref()).doing_with("writing a key", &path)?;
        Ok((sealing_key(&bytes), fingerprint(&bytes)))
    }

    /// A key, if it is the one that was used and its destruction has not begun.
    pub(crate) fn own_key(&self, key: OwnKey<'_>) -> Result<SealingKey, StoreError> {
        let noted = self.own_key_noted(key)?.filter(|(_, destroying)| !destroying);
        let Some((noted, _)) = noted else { return Err(StoreError::Destroyed { deployment: key.name() }) };
        let path = self.own_key_path(key);
        let bytes = directory::read_if_there(&path).doing_with("reading a key", &path)?.map(Zeroizing::new);
        let Some(bytes) = bytes else { return Err(StoreError::KeyMissing { path }) };
        match <&[u8; KEY_BYTES]>::try_from(bytes.as_slice()) {
            Ok(bytes) if fingerprint(bytes)[..] == noted[..] => Ok(sealing_key(bytes)),
            _ => Err(StoreError::KeyWrong { path }),
        }
    }

    /// Notes that a key is being destroyed, and destroys it. From the first step on nothing opens with it.
    pub(crate) fn destroy_own_key(&self, key: OwnKey<'_>) -> Result<(), StoreError> {
        self.connection
            .execute("UPDATE own_keys SET destroying = 1 WHERE name = ?1", [key.name()])
            .doing("noting that a key is being destroyed")?;
        let path = self.own_key_path(key);
        directory::destroy(&path).doing_with("destroying a key", &path)
    }

    /// The names of all keys in use, as their files are named without `.key`.
    pub(crate) fn own_key_names(&self) -> Result<Vec<String>, StoreError> {
        let doing = "listing keys";
        let mut statement =
            self.connection.prepare("SELECT name FROM own_keys WHERE destroying = 0 ORDER BY name").doing(doing)?;
        let names = statement.query_map([], |row| row.get(0)).doing(doing)?;
        names.collect::<Result<_, _>>().doing(doing)
    }

    fn own_key_path(&self, key: OwnKey<'_>) -> PathBuf {
        self.directory.keys().join(format!("{}.key", key.name()))
    }

    fn own_key_noted(&self, key: OwnKey<'_>) -> Result<Option<(Vec<u8>, bool)>, StoreError> {
        let doing = "looking for a key";
        let mut statement = self
            .connection
            .prepare_cached("SELECT fingerprint, destroying FROM own_keys WHERE name = ?1")
            .doing(doing)?;
        statement.query_row([key.name()], |row| Ok((row.get(0)?, row.get(1)?))).optional().doing(doing)
    }
}

/// Notes in the database that a key is in use from now on.
pub(crate) fn note(connection: &Connection, key: OwnKey<'_>, fingerprint: &[u8; 32]) -> Result<(), StoreError> {
    connection
        .execute("INSERT INTO own_keys (name, fingerprint) VALUES (?1, ?2)", params![key.name(), fingerprint])
        .doing("noting a key")
        .map(drop)
}

/// Forgets a key that is destroyed.
pub(crate) fn forget(connection: &Connection, key: OwnKey<'_>) -> Result<(), StoreError> {
    connection.execute("DELETE FROM own_keys WHERE name = ?1", [key.name()]).doing("forgetting a key").map(drop)
}
