//! An entry as bytes: one line of JSON without a line's end, and exactly one spelling of each entry.

use crate::{ENTRY_BYTES_MAX, Entry, EvidenceError};

/// The bytes of an entry, as the log holds and hashes them: at most 65,535.
pub fn encode(entry: &Entry) -> Result<Vec<u8>, EvidenceError> {
    let bytes = serde_json::to_vec(entry)
        .map_err(|error| EvidenceError::EntryUnreadable { reason: format!("it has no JSON form ({error})") })?;
    if bytes.len() > ENTRY_BYTES_MAX {
        return Err(too_long(bytes.len()));
    }
    Ok(bytes)
}

/// The entry that these bytes spell. Any other spelling than `encode`'s own is refused, so that no two lines of the
/// log can look different and say the same.
pub fn decode(bytes: &[u8]) -> Result<Entry, EvidenceError> {
    if bytes.len() > ENTRY_BYTES_MAX {
        return Err(too_long(bytes.len()));
    }
    let entry: Entry = serde_json::from_slice(bytes).map_err(|error| EvidenceError::EntryUnreadable {
        reason: format!("it is not a dated fact of this record ({error})"),
    })?;
    let mut rest = Rest(bytes);
    if serde_json::to_writer(&mut rest, &entry).is_err() || !rest.0.is_empty() {
        return Err(EvidenceError::EntryUnreadable {
            reason: "it is a dated fact, but not in its one canonical spelling".into(),
        });
    }
    Ok(entry)
}

/// Takes what is written and compares it with what is left of the bytes that it should be: the spelling is checked without
/// being kept.
struct Rest<'a>(&'a [u8]);

impl std::io::Write for Rest<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(std::io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether these bytes begin as every entry of this record does. Cheap: for telling our log from somebody else's.
pub(crate) fn looks_like_ours(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{\"at\":\"")
}

fn too_long(bytes: usize) -> EvidenceError {
    EvidenceError::EntryTooLong { bytes, bytes_max: ENTRY_BYTES_MAX }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_kind_of_fact_survives_the_round_trip() {
        for entry in samples::one_of_each() {
            let bytes = encode(&entry).expect("encodes");
            assert!(!bytes.contains(&b'\n'), "{entry:?}");
            assert!(looks_like_ours(&bytes));
            assert_eq!(decode(&bytes).expect("decodes"), entry);
        }
    }

    #[test]
    fn the_spelling_is_the_published_one() {
        let first = &samples::one_of_each()[0];
        let text = String::from_utf8(encode(first).expect("encodes")).expect("text");
        assert_eq!(
            text,
            r#"{"at":"2026-03-01T09:00:00Z","fact":{"kind":"policy-adopted","profile":"standard","version":1,"digest":"aa"}}"#
        );
    }

    #[test]
    fn another_spelling_is_refused() {
        let good = r#"{"at":"2026-03-01T09:00:00Z","fact":{"kind":"deployment-resumed","deployment":"d1"}}"#;
        decode(good.as_bytes()).expect("the canonical one");
        for bad in [
            r#"{"at":"2026-03-01T09:00:00Z","fact":{"deployment":"d1","kind":"deployment-resumed"}}"#,
            r#"{"fact":{"kind":"deployment-resumed","deployment":"d1"},"at":"2026-03-01T09:00:00Z"}"#,
            r#"{"at":"2026-03-01T10:00:00+01:00","fact":{"kind":"deployment-resumed","deployment":"d1"}}"#,
            r#"{"at":"2026-03-01T09:00:00.000Z","fact":{"kind":"deployment-resumed","deployment":"d1"}}"#,
            r#"{"at":"2026-03-01T09:00:00Z", "fact":{"kind":"deployment-resumed","deployment":"d1"}}"#,
            r#"{"at":"2026-03-01T09:00:00Z","fact":{"kind":"deployment-resumed","deployment":"\u0064\u0031"}}"#,
            r#"{"at":"2026-03-01T09:00:00Z","fact":{"kind":"deployment-resumed","deployment":"d1","note":"x"}}"#,
            r#"{"at":"2026-03-01T09:00:00Z","fact":{"kind":"deployment-resumed","deployment":"d1"},"x":1}"#,
            r#"{"at":"2026-03-01T09:00:00Z","fact":{"kind":"deployment-deleted","deployment":"d1"}}"#,
            r#"{"at":"2026-03-01T09:00:00Z","fact":{"kind":"deployment-resumed","deployment":"d1"}}"#
                .trim_end_matches('}'),
            "",
            "[]",
        ] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_longest_entry_is_65535_bytes() {
        let mut entry = samples::one_of_each().swap_remove(0);
        let crate::Fact::PolicyAdopted { profile, .. } = &mut entry.fact else {
            panic!("the first sample is a policy")
        };
        profile.clear();
        let bytes_left = ENTRY_BYTES_MAX - encode(&entry).expect("short").len();
        let fill = |entry: &mut Entry, bytes: usize| {
            if let crate::Fact::PolicyAdopted { profile, .. } = &mut entry.fact {
                *profile = "x".repeat(bytes);
            }
        };
        fill(&mut entry, bytes_left);
        let longest = encode(&entry).expect("just fits");
        assert_eq!(longest.len(), ENTRY_BYTES_MAX);
        decode(&longest).expect("reads back");
        fill(&mut entry, bytes_left + 1);
        assert!(matches!(encode(&entry), Err(EvidenceError::EntryTooLong { bytes: 65_536, .. })));
        assert!(matches!(decode(&[b' '; 65_536]), Err(EvidenceError::EntryTooLong { .. })));
    }
}
