//! Sealing: what is about one person reaches the disk only encrypted with its deployment's own key, and ends with it.
//!
//! XChaCha20-Poly1305 with a random 192-bit nonce for each value; the place a value stands in (table, column, row,
//! deployment) is bound to it, so that it opens nowhere else. Values are sealed with the deployment's data key, 32 random
//! bytes, which stands in the database sealed with the deployment's own key, 32 random bytes in
//! `keys/deployment-<deployment>.key`. Both are read anew for each use: once the file is destroyed, no copy is left in
//! this process, and nothing opens any more. A replaced key seals the data key anew and leaves every sealed value as it
//! is, so that the commitments on the public record go on to fit.

use std::path::Path;
#[cfg(test)]
use std::path::PathBuf;

use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use domain::DeploymentId;
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{Doing as _, StoreError};
use crate::key_file::{KEY_BYTES, KeyBytes, KeyFile, fingerprint, fresh_key};

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Bytes of a salt: as many as the hash has, so that a commitment cannot be guessed from what it covers.
pub(crate) const SALT_BYTES: usize = 32;

/// Where a sealed value stands. It opens nowhere else.
pub(crate) struct Place<'a> {
    /// The deployment.
    pub(crate) deployment: &'a DeploymentId,
    /// Table and column, as `table.column`.
    pub(crate) column: &'static str,
    /// The row's own name.
    pub(crate) row: &'a str,
}

impl Place<'_> {
    fn bound(&self) -> Vec<u8> {
        format!("overt sealed 1\n{}\n{}\n{}", self.column, self.row, self.deployment).into_bytes()
    }
}

/// The key of one deployment, wiped when dropped.
pub(crate) struct SealingKey {
    cipher: XChaCha20Poly1305,
}

impl SealingKey {
    /// Seals a value: nonce, then what is sealed, then the tag. The plain bytes are copied once, and overwritten.
    pub(crate) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut sealed = vec![0; NONCE_BYTES + plain.len()];
        getrandom::fill(&mut sealed[..NONCE_BYTES]).map_err(StoreError::Randomness)?;
        sealed[NONCE_BYTES..].copy_from_slice(plain);
        let (nonce, text) = sealed.split_at_mut(NONCE_BYTES);
        let tag = match <&XNonce>::try_from(&*nonce) {
            Ok(nonce) => self.cipher.encrypt_inout_detached(nonce, &place.bound(), text.into()).ok(),
            Err(_) => None,
        };
        let Some(tag) = tag else {
            drop(Zeroizing::new(sealed));
            return Err(StoreError::Bug { doing: "sealing", found: "the value is too long to seal".into() });
        };
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens a sealed value, if it stands where it was sealed and nothing of it was changed.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let opened = || {
            let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES)?;
            let (text, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
            let (nonce, tag) = (<&XNonce>::try_from(nonce).ok()?, <&Tag>::try_from(tag).ok()?);
            let mut plain = Zeroizing::new(text.to_vec());
            let buffer = plain.as_mut_slice();
            self.cipher.decrypt_inout_detached(nonce, &place.bound(), buffer.into(), tag).ok()?;
            Some(plain)
        };
        opened().ok_or_else(|| StoreError::SealBroken {
            what: format!("{} {}", place.column, place.row),
            deployment: place.deployment.to_string(),
        })
    }
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

/// What the database notes about a deployment's key.
struct Noted {
    fingerprint: Vec<u8>,
    destroying: bool,
    generation: u32,
    /// The data key, sealed. A database of version 1 has none: there the key itself was used.
    data_key: Option<Vec<u8>>,
}

/// A key that was made and is not noted yet.
pub(crate) struct NewKey {
    fingerprint: [u8; 32],
    generation: u32,
    data_key: Vec<u8>,
}

/// The keys' folder.
pub(crate) struct KeyFolder<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) connection: &'a Connection,
}

impl KeyFolder<'_> {
    /// Where the key of a deployment lies.
    #[cfg(test)]
    pub(crate) fn path(&self, d: &DeploymentId) -> PathBuf {
        self.file(d).path().to_owned()
    }

    /// Makes a key for a deployment that has none, for [`note`].
    pub(crate) fn make(&self, d: &DeploymentId) -> Result<(SealingKey, NewKey), StoreError> {
        let (key, data_key) = (self.file(d).make()?, fresh_key()?);
        let new = NewKey::wrap(d, &key, &data_key, 1)?;
        Ok((sealing_key(&data_key), new))
    }

    /// What opens what is sealed for a deployment.
    pub(crate) fn read(&self, d: &DeploymentId) -> Result<SealingKey, StoreError> {
        let data_key = self.data_key(d, &self.in_use(d)?)?;
        Ok(sealing_key(&data_key))
    }

    /// Makes the key that is to follow a deployment's, for [`note_next`], and says its number.
    pub(crate) fn make_next(&self, d: &DeploymentId) -> Result<(NewKey, u32), StoreError> {
        let noted = self.in_use(d)?;
        let data_key = self.data_key(d, &noted)?;
        let key = self.file(d).make_next()?;
        let generation = noted.generation.saturating_add(1);
        Ok((NewKey::wrap(d, &key, &data_key, generation)?, generation))
    }

    /// Leaves only the file of the key in use: ends a replacement that was cut short.
    pub(crate) fn settle(&self, d: &DeploymentId) -> Result<(), StoreError> {
        match self.noted(d)? {
            Some(noted) if !noted.destroying => self.file(d).settle(&noted.fingerprint),
            _ => Ok(()),
        }
    }

    /// What the database says about a deployment's key.
    pub(crate) fn state(&self, d: &DeploymentId) -> Result<KeyState, StoreError> {
        Ok(match self.noted(d)? {
            None => KeyState::None,
            Some(noted) if noted.destroying => KeyState::Destroying,
            Some(_) => KeyState::InUse,
        })
    }

    /// Overwrites and removes the key of a deployment.
    pub(crate) fn destroy(&self, d: &DeploymentId) -> Result<(), StoreError> {
        self.file(d).destroy()
    }

    fn file(&self, d: &DeploymentId) -> KeyFile {
        KeyFile::named(self.folder, &format!("deployment-{d}"))
    }

    fn in_use(&self, d: &DeploymentId) -> Result<Noted, StoreError> {
        let noted = self.noted(d)?.filter(|noted| !noted.destroying);
        noted.ok_or_else(|| StoreError::Destroyed { deployment: d.to_string() })
    }

    fn data_key(&self, d: &DeploymentId, noted: &Noted) -> Result<KeyBytes, StoreError> {
        let key = self.file(d).read(&noted.fingerprint)?;
        let Some(sealed) = &noted.data_key else { return Ok(key) };
        let opened = sealing_key(&key).open(&data_key_place(d, &noted.generation.to_string()), sealed)?;
        match <[u8; KEY_BYTES]>::try_from(opened.as_slice()) {
            Ok(data_key) => Ok(Zeroizing::new(data_key)),
            Err(_) => Err(StoreError::SealBroken { what: "the data key".into(), deployment: d.to_string() }),
        }
    }

    fn noted(&self, d: &DeploymentId) -> Result<Option<Noted>, StoreError> {
        let doing = "looking for a key";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT fingerprint, destroying, generation, data_key FROM sealing_keys WHERE deployment = ?1",
            )
            .doing(doing)?;
        let noted = |row: &rusqlite::Row<'_>| {
            Ok(Noted {
                fingerprint: row.get(0)?,
                destroying: row.get(1)?,
                generation: row.get(2)?,
                data_key: row.get(3)?,
            })
        };
        statement.query_row([d.as_str()], noted).optional().doing(doing)
    }
}

impl NewKey {
    fn wrap(d: &DeploymentId, key: &KeyBytes, data_key: &KeyBytes, generation: u32) -> Result<Self, StoreError> {
        let place = generation.to_string();
        let data_key = sealing_key(key).seal(&data_key_place(d, &place), data_key.as_ref())?;
        Ok(Self { fingerprint: fingerprint(key), generation, data_key })
    }
}

fn data_key_place<'a>(deployment: &'a DeploymentId, generation: &'a str) -> Place<'a> {
    Place { deployment, column: "sealing_keys.data_key", row: generation }
}

/// Notes in the database that a key is in use from now on: from the event that is being recorded.
pub(crate) fn note(connection: &Connection, d: &DeploymentId, new: &NewKey) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO sealing_keys (deployment, fingerprint, generation, data_key, since_ns)
             VALUES (?1, ?2, ?3, ?4, (SELECT at_ns FROM events ORDER BY seq DESC LIMIT 1))",
        )
        .and_then(|mut statement| statement.execute(params![d.as_str(), new.fingerprint, new.generation, new.data_key]))
        .doing("noting a key")
        .map(drop)
}

/// Notes in the database that the next key is in use, from the event that is being recorded.
pub(crate) fn note_next(connection: &Connection, d: &DeploymentId, new: &NewKey) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE sealing_keys SET fingerprint = ?2, generation = ?3, data_key = ?4,
                    since_ns = (SELECT at_ns FROM events ORDER BY seq DESC LIMIT 1)
             WHERE deployment = ?1",
        )
        .and_then(|mut statement| statement.execute(params![d.as_str(), new.fingerprint, new.generation, new.data_key]))
        .doing("noting a new key")
        .map(drop)
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

fn sealing_key(bytes: &[u8; KEY_BYTES]) -> SealingKey {
    SealingKey { cipher: XChaCha20Poly1305::new(bytes.into()) }
}

#[cfg(test)]
mod tests {
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
