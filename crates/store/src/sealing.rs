//! Sealing: what is about one person reaches the disk only encrypted with its deployment's own key, and ends with it.
//!
//! XChaCha20-Poly1305 with a random 192-bit nonce for each value; the place a value stands in (table, column, row,
//! deployment) is bound to it, so that it opens nowhere else. The key is the data key that `key_file` keeps, read anew for
//! each use: once its file is destroyed, no copy is left in this process.

use std::fmt;
use std::path::{Path, PathBuf};

use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{Doing as _, StoreError};
pub(crate) use crate::key_file::{KEY_BYTES, fingerprint};
use crate::key_file::{KeyBytes, KeyFiles};

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Bytes of a salt: as many as the hash has, so that a commitment cannot be guessed from what it covers.
pub(crate) const SALT_BYTES: usize = 32;

/// Where a sealed value stands. It opens nowhere else.
pub(crate) struct Place<'a> {
    /// The deployment; of a suppression, the suppression itself.
    pub(crate) deployment: &'a dyn fmt::Display,
    /// Table and column, as `table.column`.
    pub(crate) column: &'static str,
    /// The row's own name.
    pub(crate) row: &'a str,
}

impl Place<'_> {
    fn bound(&self) -> Vec<u8> {
        bound_to(self.column, self.row, &self.deployment.to_string())
    }
}

/// What a sealed value is bound to: its column, its row, and whose it is.
pub(crate) fn bound_to(column: &str, row: &str, whose: &str) -> Vec<u8> {
    format!("overt sealed 1\n{column}\n{row}\n{whose}").into_bytes()
}

/// The key of one deployment, wiped when dropped.
pub(crate) struct SealingKey {
    cipher: XChaCha20Poly1305,
}

impl SealingKey {
    /// The key of these bytes.
    pub(crate) fn of(bytes: &[u8; KEY_BYTES]) -> Self {
        sealing_key(bytes)
    }

    /// Seals a value: nonce, then what is sealed, then the tag. The plain bytes are copied once, and overwritten.
    pub(crate) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        seal_with(&self.cipher, &place.bound(), plain)
    }

    /// Opens a sealed value, if it stands where it was sealed and nothing of it was changed.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        open_with(&self.cipher, &place.bound(), sealed).ok_or_else(|| StoreError::SealBroken {
            what: format!("{} {}", place.column, place.row),
            deployment: place.deployment.to_string(),
        })
    }
}

/// Seals a value with these bytes as the key.
pub(crate) fn seal_bound(key: &[u8; KEY_BYTES], bound: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    seal_with(&sealing_key(key).cipher, bound, plain)
}

/// Opens a value that was sealed with these bytes as the key, bound to the same.
pub(crate) fn open_bound(key: &[u8; KEY_BYTES], bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    open_with(&sealing_key(key).cipher, bound, sealed)
}

fn seal_with(cipher: &XChaCha20Poly1305, bound: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut sealed = vec![0; NONCE_BYTES + plain.len()];
    getrandom::fill(&mut sealed[..NONCE_BYTES]).map_err(StoreError::Randomness)?;
    sealed[NONCE_BYTES..].copy_from_slice(plain);
    let (nonce, text) = sealed.split_at_mut(NONCE_BYTES);
    let tag = match <&XNonce>::try_from(&*nonce) {
        Ok(nonce) => cipher.encrypt_inout_detached(nonce, bound, text.into()).ok(),
        Err(_) => None,
    };
    let Some(tag) = tag else {
        drop(Zeroizing::new(sealed));
        return Err(StoreError::Bug { doing: "sealing", found: "the value is too long to seal".into() });
    };
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

fn open_with(cipher: &XChaCha20Poly1305, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES)?;
    let (text, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
    let (nonce, tag) = (<&XNonce>::try_from(nonce).ok()?, <&Tag>::try_from(tag).ok()?);
    let mut plain = Zeroizing::new(text.to_vec());
    let buffer = plain.as_mut_slice();
    cipher.decrypt_inout_detached(nonce, bound, buffer.into(), tag).ok()?;
    Some(plain)
}

/// What the database says about a deployment's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Nothing is or was sealed, or all of it is destroyed.
    None,
    /// In use.
    InUse,
    /// Its destruction has begun.
    Destroying,
}

/// What a key is for. Each kind has its own files and its own table, which is keyed by whose the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Alerts of a deployment, until it is purged.
    Evidence,
    /// The watchlist of a deployment, until it ends.
    Watchlist,
    /// Commitments to who was listed in a deployment, until nobody may ask any more.
    Commitments,
    /// One suppression, until it expires or is erased; the one called [`LINKS`] is of all of them.
    Suppression,
}

/// Whose key it is that links a listed person to suppressions against them.
pub(crate) const LINKS: &str = "links";

impl KeyKind {
    pub(crate) const ALL: [Self; 4] = [Self::Evidence, Self::Watchlist, Self::Commitments, Self::Suppression];

    /// The name of a key. An identifier holds neither `.` nor `/`, so this is no other file; `log` is the log's own.
    pub(crate) fn name(self, whose: &impl fmt::Display) -> String {
        format!("{}{whose}", self.prefix())
    }

    /// What the names of its files begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Evidence => "deployment-",
            Self::Watchlist => "watchlist-",
            Self::Commitments => "commitments-",
            Self::Suppression => "suppression-",
        }
    }

    /// Its table, and the column that says whose the key is.
    fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Evidence => ("sealing_keys", "deployment"),
            Self::Watchlist => ("watchlist_keys", "deployment"),
            Self::Commitments => ("commitment_keys", "deployment"),
            Self::Suppression => ("suppression_keys", "suppression"),
        }
    }

    /// The kind and the owner that the name of a key tells.
    pub(crate) fn of_name(name: &str) -> Option<(Self, &str)> {
        let owner = |kind: Self| Some((kind, name.strip_prefix(kind.prefix())?));
        Self::ALL.into_iter().find_map(owner)
    }

    /// Notes in the database that a key is in use from now on.
    pub(crate) fn note(
        self,
        connection: &Connection,
        whose: &impl fmt::Display,
        fingerprint: &[u8; 32],
    ) -> Result<(), StoreError> {
        let (table, column) = self.table();
        connection
            .prepare_cached(&format!("INSERT INTO {table} ({column}, fingerprint) VALUES (?1, ?2)"))
            .and_then(|mut statement| statement.execute(params![whose.to_string(), fingerprint]))
            .doing("noting a key")
            .map(drop)
    }

    /// Notes that the destruction of a key begins: it opens nothing any more.
    pub(crate) fn begin_destruction(
        self,
        connection: &Connection,
        whose: &impl fmt::Display,
    ) -> Result<(), StoreError> {
        let (table, column) = self.table();
        connection
            .execute(&format!("UPDATE {table} SET destroying = 1 WHERE {column} = ?1"), [whose.to_string()])
            .doing("noting that a key is being destroyed")
            .map(drop)
    }

    /// Forgets a key that is destroyed.
    pub(crate) fn forget(self, connection: &Connection, whose: &impl fmt::Display) -> Result<(), StoreError> {
        let (table, column) = self.table();
        connection
            .execute(&format!("DELETE FROM {table} WHERE {column} = ?1"), [whose.to_string()])
            .doing("forgetting a key")
            .map(drop)
    }
}

/// The keys of one kind in the keys' folder.
pub(crate) struct KeyFolder<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) connection: &'a Connection,
    pub(crate) kind: KeyKind,
}

impl KeyFolder<'_> {
    /// Where a key lies.
    pub(crate) fn path(&self, whose: &impl fmt::Display) -> PathBuf {
        self.files().path(&self.kind.name(whose))
    }

    /// Makes a key for whom there is none. A file left by a crash before anything was sealed with it is replaced. Returns
    /// the fingerprint for [`KeyKind::note`].
    pub(crate) fn make(&self, whose: &impl fmt::Display) -> Result<(SealingKey, [u8; 32]), StoreError> {
        let data_key = self.files().make(&self.kind.name(whose))?;
        Ok((sealing_key(&data_key), fingerprint(&data_key)))
    }

    /// The key, if it is the one that was used.
    pub(crate) fn read(&self, whose: &impl fmt::Display) -> Result<SealingKey, StoreError> {
        Ok(sealing_key(&*self.read_bytes(whose)?))
    }

    /// The key's bytes, for what is keyed but not sealed.
    pub(crate) fn read_bytes(&self, whose: &impl fmt::Display) -> Result<KeyBytes, StoreError> {
        let noted = self.noted(whose)?.filter(|(_, destroying)| !destroying);
        let Some((noted, _)) = noted else { return Err(StoreError::Destroyed { deployment: whose.to_string() }) };
        let data_key = self.files().read(&self.kind.name(whose))?;
        if fingerprint(&data_key)[..] == noted[..] {
            Ok(data_key)
        } else {
            Err(StoreError::KeyWrong { path: self.path(whose) })
        }
    }

    /// The bytes of a key that was made and is not noted yet.
    pub(crate) fn fresh_bytes(&self, whose: &impl fmt::Display) -> Result<KeyBytes, StoreError> {
        self.files().read(&self.kind.name(whose))
    }

    /// Makes the key where there is none yet; the fingerprint of a new one is still to be noted.
    pub(crate) fn make_if_none(&self, whose: &impl fmt::Display) -> Result<Option<[u8; 32]>, StoreError> {
        if self.state(whose)? == KeyState::None { self.make(whose).map(|(_, print)| Some(print)) } else { Ok(None) }
    }

    /// What the database says about a key.
    pub(crate) fn state(&self, whose: &impl fmt::Display) -> Result<KeyState, StoreError> {
        Ok(match self.noted(whose)? {
            None => KeyState::None,
            Some((_, false)) => KeyState::InUse,
            Some((_, true)) => KeyState::Destroying,
        })
    }

    /// Overwrites and removes a key.
    pub(crate) fn destroy(&self, whose: &impl fmt::Display) -> Result<(), StoreError> {
        self.files().destroy(&self.kind.name(whose))
    }

    /// The files of keys, by name.
    fn files(&self) -> KeyFiles<'_> {
        KeyFiles { folder: self.folder, connection: self.connection }
    }

    fn noted(&self, whose: &impl fmt::Display) -> Result<Option<(Vec<u8>, bool)>, StoreError> {
        let doing = "looking for a key";
        let (table, column) = self.kind.table();
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT fingerprint, destroying FROM {table} WHERE {column} = ?1"))
            .doing(doing)?;
        statement.query_row([whose.to_string()], |row| Ok((row.get(0)?, row.get(1)?))).optional().doing(doing)
    }
}

/// A salted commitment: SHA-256 of the salt and of every sealed value behind its length, lower-case hexadecimal.
pub(crate) struct Commitment(Sha256);

impl Commitment {
    /// Begins with a salt.
    pub(crate) fn new(salt: &[u8]) -> Self {
        Self(Sha256::new_with_prefix(salt))
    }

    /// Takes in a sealed value.
    pub(crate) fn add(&mut self, sealed: &[u8]) {
        self.0.update((sealed.len() as u64).to_be_bytes());
        self.0.update(sealed);
    }

    /// The commitment.
    pub(crate) fn finish(self) -> String {
        crate::policy_file::hexadecimal(&self.0.finalize())
    }
}

/// Fresh randomness for a commitment.
pub(crate) fn fresh_salt() -> Result<[u8; SALT_BYTES], StoreError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(StoreError::Randomness)?;
    Ok(salt)
}

/// A template's numbers as bytes, least significant first.
pub(crate) fn template_bytes(template: &[f32]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(template.len() * 4));
    for value in template {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// A template's numbers from its bytes; `None` where they are not whole numbers of four.
pub(crate) fn template_values(bytes: &[u8]) -> Option<Zeroizing<Vec<f32>>> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    let mut template = Zeroizing::new(Vec::with_capacity(chunks.len()));
    template.extend(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)));
    rest.is_empty().then_some(template)
}

/// What seals and opens with these bytes.
pub(crate) fn sealing_key(bytes: &[u8; KEY_BYTES]) -> SealingKey {
    SealingKey { cipher: XChaCha20Poly1305::new(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use domain::DeploymentId;

    use super::*;

    fn place<'a>(deployment: &'a DeploymentId, column: &'static str, row: &'a str) -> Place<'a> {
        Place { deployment, column, row }
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_and_nowhere_else() {
        let (one, two) = (DeploymentId::new("one").unwrap(), DeploymentId::new("two").unwrap());
        let key = sealing_key(&[7; 32]);
        let here = place(&one, "alerts.live", "a1");
        for plain in [&b""[..], b"x", &[9; 100_000]] {
            let sealed = key.seal(&here, plain).unwrap();
            assert_eq!(sealed.len(), plain.len() + NONCE_BYTES + TAG_BYTES);
            assert_eq!(key.open(&here, &sealed).unwrap().as_slice(), plain);
            assert_ne!(key.seal(&here, plain).unwrap(), sealed, "each sealing has its own nonce");
            let elsewhere = [
                place(&two, "alerts.live", "a1"),
                place(&one, "alerts.template", "a1"),
                place(&one, "alerts.live", "a2"),
            ];
            for elsewhere in elsewhere {
                assert!(matches!(key.open(&elsewhere, &sealed), Err(StoreError::SealBroken { .. })));
            }
            assert!(sealing_key(&[8; 32]).open(&here, &sealed).is_err());
        }
    }

    #[test]
    fn every_changed_or_missing_byte_breaks_the_seal() {
        let d = DeploymentId::new("one").unwrap();
        let (key, here) = (sealing_key(&[7; 32]), place(&d, "alerts.live", "a1"));
        let sealed = key.seal(&here, b"a face").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&here, &changed).is_err(), "byte {at}");
            assert!(key.open(&here, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_cipher_is_the_published_one() {
        // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
        let key: [u8; 32] = std::array::from_fn(|at| 0x80 + at as u8);
        let nonce: [u8; 24] = std::array::from_fn(|at| 0x40 + at as u8);
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let mut text = *b"Ladies and Gentlemen of the class of '99: If I could offer you \
            only one tip for the future, sunscreen would be it.";
        let tag =
            sealing_key(&key).cipher.encrypt_inout_detached((&nonce).into(), &aad, text.as_mut_slice().into()).unwrap();
        assert_eq!(text[..8], [0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b]);
        assert_eq!(crate::policy_file::hexadecimal(&tag), "c0875924c1c7987947deafd8780acf49");
    }

    #[test]
    fn templates_survive_the_round_trip_bit_for_bit() {
        let template = [0.0, -0.0, 1.5, f32::MIN_POSITIVE / 2.0, f32::MAX];
        let back = template_values(&template_bytes(&template)).unwrap();
        assert!(back.iter().zip(template).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(template_values(&[1, 2, 3]).is_none());
    }
}
