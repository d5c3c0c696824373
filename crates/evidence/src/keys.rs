//! Keys as text, in the one spelling that C2SP signed-note gives them: those of logs and those of witnesses.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ed25519_dalek::{SigningKey, VerifyingKey};

use crate::EvidenceError;

/// What every signing key's text begins with.
pub(crate) const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";
/// Signature type of Ed25519 in C2SP signed-note: a log's key.
const LOG: u8 = 1;
/// Signature type of a dated Ed25519 cosignature in C2SP tlog-cosignature: a witness's key.
const WITNESS: u8 = 4;

/// The two keys of a log or of a witness, as text.
#[derive(Clone)]
pub struct KeyPair {
    /// `PRIVATE+KEY+<name>+<id>+<key>`: secret, signs checkpoints or cosigns them.
    pub signing: String,
    /// `<name>+<id>+<key>`: public, for everybody who verifies.
    pub verifying: String,
}

impl KeyPair {
    /// The keys of the log `origin` made from 32 bytes of fresh randomness. An origin is a URL without scheme by custom; it has
    /// no white space, no `+` and no control characters.
    pub fn from_seed(origin: &str, seed: [u8; 32]) -> Result<Self, EvidenceError> {
        Self::of_kind(LOG, origin, seed)
    }

    /// The keys of a witness, made and named in the same way. A witness's key signs nothing but cosignatures.
    pub fn of_witness(name: &str, seed: [u8; 32]) -> Result<Self, EvidenceError> {
        Self::of_kind(WITNESS, name, seed)
    }

    /// Both keys of a log from the text of its signing key.
    pub fn from_signing_text(signing: &str) -> Result<Self, EvidenceError> {
        Self::read(LOG, signing).map(|(pair, _)| pair)
    }

    /// Both keys of a witness from the text of its signing key.
    pub fn of_witness_from_signing_text(signing: &str) -> Result<Self, EvidenceError> {
        Self::read(WITNESS, signing).map(|(pair, _)| pair)
    }

    fn of_kind(kind: u8, name: &str, seed: [u8; 32]) -> Result<Self, EvidenceError> {
        if !signed_note::is_key_name_valid(name) || name.chars().any(char::is_control) {
            return Err(bad_key("its name must not be empty nor hold spaces, control characters or `+`"));
        }
        let key = SigningKey::from_bytes(&seed);
        let public = [&[kind][..], key.verifying_key().as_bytes()].concat();
        let private = BASE64_STANDARD.encode([&[kind][..], &seed].concat());
        let id = signed_note::key_id(name, &public);
        Ok(Self {
            signing: format!("{PRIVATE_PREFIX}{name}+{id:08x}+{private}"),
            verifying: format!("{name}+{id:08x}+{}", BASE64_STANDARD.encode(&public)),
        })
    }

    fn read(kind: u8, signing: &str) -> Result<(Self, SigningKey), EvidenceError> {
        let pair = || {
            let mut parts = signing.strip_prefix(PRIVATE_PREFIX)?.splitn(3, '+');
            let (name, _, key) = (parts.next()?, parts.next()?, parts.next()?);
            let key = BASE64_STANDARD.decode(key).ok()?;
            let (found, seed) = key.split_first()?;
            let seed = <[u8; 32]>::try_from(seed).ok()?;
            (*found == kind).then(|| Self::of_kind(kind, name, seed).map(|pair| (pair, SigningKey::from_bytes(&seed))))
        };
        match pair() {
            Some(Ok((pair, key))) if pair.signing == signing => Ok((pair, key)),
            _ if kind == WITNESS => Err(bad_key("it is not the signing key of a witness, which begins PRIVATE+KEY+")),
            _ => Err(bad_key("it is not a signing key of the form PRIVATE+KEY+<origin>+<id>+<key>")),
        }
    }
}

/// A witness's secret key, taken apart.
pub(crate) struct WitnessSecret {
    pub(crate) name: String,
    pub(crate) id: u32,
    pub(crate) key: SigningKey,
}

/// A witness's public key, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct WitnessPublic {
    pub(crate) name: String,
    pub(crate) id: u32,
    pub(crate) key: VerifyingKey,
}

impl WitnessSecret {
    pub(crate) fn read(signing: &str) -> Result<Self, EvidenceError> {
        let (pair, key) = KeyPair::read(WITNESS, signing)?;
        let WitnessPublic { name, id, .. } = WitnessPublic::read(&pair.verifying)?;
        Ok(Self { name, id, key })
    }
}

impl WitnessPublic {
    pub(crate) fn read(verifying: &str) -> Result<Self, EvidenceError> {
        let expected = "a witness's key reads <name>+<8 hexadecimal digits>+<base64 of byte 4 and 32 bytes>";
        if verifying.starts_with(PRIVATE_PREFIX) {
            return Err(bad_key(
                "it is a witness's secret signing key; only its owner may hold it, use the public one",
            ));
        }
        let parts = || {
            let (name, rest) = verifying.split_once('+')?;
            let (id_text, key) = rest.split_once('+')?;
            let public = BASE64_STANDARD.decode(key).ok()?;
            let id = signed_note::key_id(name, &public);
            let (kind, key) = public.split_first()?;
            let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
            let sound = signed_note::is_key_name_valid(name) && id_text == format!("{id:08x}");
            sound.then_some((*kind, Self { name: name.to_owned(), id, key }))
        };
        match parts() {
            Some((WITNESS, public)) => Ok(public),
            Some((LOG, _)) => Err(bad_key(&format!("it is the key of a log, not of a witness; {expected}"))),
            _ => Err(bad_key(expected)),
        }
    }
}

pub(crate) fn bad_key(reason: &str) -> EvidenceError {
    EvidenceError::Key { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_log_and_of_a_witness_are_not_taken_for_each_other() {
        let log = KeyPair::from_seed("example.org/log", [7; 32]).expect("keys");
        let witness = KeyPair::of_witness("witness.example/w1", [7; 32]).expect("keys");
        assert!(WitnessPublic::read(&witness.verifying).is_ok() && WitnessSecret::read(&witness.signing).is_ok());
        assert!(WitnessPublic::read(&log.verifying).is_err_and(|error| error.to_string().contains("key of a log")));
        assert!(WitnessSecret::read(&log.signing).is_err());
        assert!(KeyPair::from_signing_text(&witness.signing).is_err());
        assert!(crate::CheckpointVerifier::new(&witness.verifying).is_err());
        assert!(WitnessPublic::read(&witness.signing).is_err_and(|error| error.to_string().contains("secret")));
        let again = KeyPair::of_witness_from_signing_text(&witness.signing).expect("reads");
        assert_eq!(again.verifying, witness.verifying);
        for bad in ["", "a", "a+b", "a+00000000+BA==", &witness.verifying.replace("w1", "w2")] {
            assert!(WitnessPublic::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_witness_key_is_the_one_that_another_implementation_gives() {
        // By Python's hashlib and cryptography: SHA-256(<name> || "\n" || 0x04 || public key)[:4], C2SP tlog-cosignature.
        let pair = KeyPair::of_witness("witness.example/w1", [7; 32]).expect("keys");
        assert_eq!(pair.verifying, "witness.example/w1+aa4a09d1+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs");
    }
}
