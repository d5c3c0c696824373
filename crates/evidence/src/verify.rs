//! The outsider's check: a published log and a public key in; what is proven, what is not, or what is wrong out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use crate::accounts::{Account, Accounts};
use crate::checkpoint::CheckpointVerifier;
use crate::cosignature::{Quorum, Word};
use crate::lifecycle::{Problem, Story, Tallies};
use crate::storage::MemoryTiles;
use crate::structure::{self, Structure};
use crate::{Entry, EvidenceError, line};

pub use crate::structure::{FOLDER_NAMES_MAX, KEPT_MAX};

/// Entries, and bytes of entries, that are held in memory to be read together.
const TOGETHER_ENTRIES_MAX: usize = 8_192;
const TOGETHER_BYTES_MAX: usize = 8 << 20;

/// A log as it was published, read by somebody who does not trust it.
pub trait Published {
    /// The whole file at this path below the log's root, or nothing where there is none. A file of more than
    /// `bytes_max` bytes must not be read but be refused as `TooLarge`.
    fn fetch(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, FetchError>;

    /// The names of files and folders directly inside this folder (`""` is the log's root), in any order, empty where
    /// there is no such folder; nothing where the source cannot be listed, as over HTTP. More than `names_max` must be
    /// refused as `TooLarge`.
    fn list(&self, folder: &str, names_max: usize) -> Result<Option<Vec<String>>, FetchError>;
}

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// More than the format allows.
    #[error("{path} is larger than {limit}")]
    TooLarge {
        /// The file or folder.
        path: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// The way to it failed.
    #[error("cannot read {path}: {reason}")]
    Failed {
        /// The file or folder.
        path: String,
        /// What was found.
        reason: String,
    },
}

/// Why there is no verdict, or a bad one.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The key is no key. Nothing was checked.
    #[error(transparent)]
    Key(EvidenceError),
    /// There is no log. Nothing was checked.
    #[error(
        "there is no file `checkpoint`, so this is not a log; give the folder or address that holds `checkpoint` and `tile/`"
    )]
    NoLog,
    /// A file could not be read, so nothing can be said.
    #[error("{0}; nothing can be said about the log until it can be read")]
    Unreadable(FetchError),
    /// A file is not what the key's owner signed.
    #[error("{file}: {reason}")]
    Refused {
        /// The file's path in the log.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Too few witnesses vouch for the checkpoint.
    #[error(
        "{} of the witnesses asked for vouch for this checkpoint, {least} were to: {}", .words.iter().filter(|word| word.counts).count(), tell_words(.words)
    )]
    Unwitnessed {
        /// How many were to.
        least: usize,
        /// What each of them said.
        words: Vec<Word>,
    },
    /// The files are whole, but what they say cannot be or should not have been.
    #[error("the log is whole, but what it records is not in order: {}", tell(.problems, *.problems_untold))]
    Record {
        /// The first problems.
        problems: Vec<Problem>,
        /// How many more there are.
        problems_untold: u64,
    },
}

/// What a log proves, found to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The name of the log.
    pub origin: String,
    /// Number of entries.
    pub entries: u64,
    /// Root of the tree over them, base64.
    pub root: String,
    /// Kept checkpoints that were found to be of this same history, the latest included where a copy of it is kept.
    pub checkpoints: u64,
    /// Tiles and bundles compared byte for byte.
    pub tiles: u64,
    /// What the record adds up to; nothing where the entries are somebody else's and only the structure was checked.
    pub record: Option<Tallies>,
    /// What the record says of each deployment, the first ones where there are many.
    pub deployments: Vec<Account>,
    /// How many more deployments there are.
    pub deployments_untold: u64,
    /// What the witnesses asked for said of the checkpoint.
    pub witnesses: Vec<Word>,
    /// What was proven, in plain sentences.
    pub proven: Vec<String>,
    /// What was not, in plain sentences.
    pub not_proven: Vec<String>,
}

/// Checks a whole log against its operator's public key (`<origin>+<id>+<key>`): the signature, every tile computed
/// again from the entries, every kept checkpoint, and, where the entries are those of this record, what they say.
pub fn verify(source: &dyn Published, key: &str) -> Result<Verdict, VerifyError> {
    verify_witnessed(source, key, &Quorum::default(), Timestamp::UNIX_EPOCH)
}

/// The same, and whether enough witnesses vouch for the checkpoint; `now` is what the age of their word is measured by.
pub fn verify_witnessed(
    source: &dyn Published,
    key: &str,
    quorum: &Quorum,
    now: Timestamp,
) -> Result<Verdict, VerifyError> {
    let key = CheckpointVerifier::new(key.trim()).map_err(VerifyError::Key)?;
    let mut reader = Reader::default();
    let structure = structure::check(source, &key, &mut |number, bytes| reader.take(number, bytes))?;
    reader.read_together();
    let words = witnessed(&structure, quorum, now)?;
    let ((deployments, deployments_untold), record) = (
        reader.accounts.finish(),
        match reader.whose {
            Some(Whose::Ours) => {
                let (tallies, problems, problems_untold) = reader.story.finish();
                if !problems.is_empty() {
                    return Err(VerifyError::Record { problems, problems_untold });
                }
                Some(tallies)
            }
            Some(Whose::Others { ours_too: Some(entry) }) => {
                let sentence = "it is of an overt record, but the log began with other entries".into();
                return Err(VerifyError::Record { problems: vec![Problem { entry, sentence }], problems_untold: 0 });
            }
            Some(Whose::Others { ours_too: None }) | None => None,
        },
    );
    Ok(Verdict {
        origin: structure.checkpoint.origin.clone(),
        entries: structure.checkpoint.size,
        root: structure.checkpoint.root.to_string(),
        checkpoints: structure.kept,
        tiles: structure.tiles,
        proven: proven(&structure, record.as_ref(), &words),
        not_proven: not_proven(&structure, record.as_ref(), &words),
        record,
        deployments,
        deployments_untold,
        witnesses: words,
    })
}

/// What each witness asked for said of the checkpoint, if enough of them vouch for it.
fn witnessed(structure: &Structure, quorum: &Quorum, now: Timestamp) -> Result<Vec<Word>, VerifyError> {
    let words = quorum.words(&structure.note, now).map_err(|error| VerifyError::Refused {
        file: crate::layout::CHECKPOINT_PATH.into(),
        reason: error.to_string(),
    })?;
    if words.iter().filter(|word| word.counts).count() < quorum.least {
        return Err(VerifyError::Unwitnessed { least: quorum.least, words });
    }
    Ok(words)
}

/// Whose entries these are, decided by the first.
enum Whose {
    Ours,
    Others {
        /// The first entry that is ours nevertheless.
        ours_too: Option<u64>,
    },
}

/// Reads entries: decoded many at a time on every core, then taken in one after another.
#[derive(Default)]
struct Reader {
    whose: Option<Whose>,
    story: Story,
    accounts: Accounts,
    /// Entries of ours that wait to be read, the first of which has number `first`.
    waiting: Vec<u8>,
    ends: Vec<usize>,
    first: u64,
}

impl Reader {
    fn take(&mut self, number: u64, bytes: &[u8]) {
        let whose = self.whose.get_or_insert_with(|| match line::looks_like_ours(bytes) {
            true => Whose::Ours,
            false => Whose::Others { ours_too: None },
        });
        match whose {
            Whose::Ours => self.wait(number, bytes),
            Whose::Others { ours_too } => {
                if ours_too.is_none() && line::looks_like_ours(bytes) && line::decode(bytes).is_ok() {
                    *ours_too = Some(number);
                }
            }
        }
    }

    fn wait(&mut self, number: u64, bytes: &[u8]) {
        if self.ends.is_empty() {
            self.first = number;
        }
        self.waiting.extend_from_slice(bytes);
        self.ends.push(self.waiting.len());
        if self.ends.len() >= TOGETHER_ENTRIES_MAX || self.waiting.len() >= TOGETHER_BYTES_MAX {
            self.read_together();
        }
    }

    fn read_together(&mut self) {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let places: Vec<_> = begins.zip(self.ends.iter().copied()).collect();
        let decode = |(begin, end): &(usize, usize)| line::decode(&self.waiting[*begin..*end]);
        let entries: Vec<Result<Entry, EvidenceError>> = places.par_iter().with_min_len(256).map(decode).collect();
        for (entry, number) in entries.iter().zip(self.first..) {
            match entry {
                Ok(entry) => {
                    self.story.read(number, entry);
                    self.accounts.read(entry);
                }
                Err(error) => self.story.tell(number, error.to_string()),
            }
        }
        self.waiting.clear();
        self.ends.clear();
    }
}

fn proven(structure: &Structure, record: Option<&Tallies>, words: &[Word]) -> Vec<String> {
    let (origin, size) = (&structure.checkpoint.origin, structure.checkpoint.size);
    let mut sentences = vec![
        format!("The checkpoint of {size} entries is signed by {origin} with the given key."),
        format!(
            "All {} tiles and bundles of entries are byte for byte what those entries give, up to the signed root.",
            structure.tiles
        ),
    ];
    if structure.kept > 0 {
        sentences.push(format!(
            "The log only grew: every kept checkpoint ({}) is signed and is of a beginning of this same log.",
            structure.kept
        ));
    }
    let vouching: Vec<_> = words.iter().filter(|word| word.counts).map(tell_word).collect();
    if !vouching.is_empty() {
        sentences.push(format!(
            "Everybody who relies on these witnesses is shown this same history, up to their word: {}.",
            vouching.join("; ")
        ));
    }
    let Some(tallies) = record else {
        return sentences;
    };
    sentences.push(format!(
        "The facts of every deployment ({}) and operation ({}) stand in a lawful order, and their dates never go back.",
        tallies.deployments, tallies.operations
    ));
    sentences.push(format!(
        "Every deletion receipt ({}) balances, and together they are every ended deployment's total: {} templates made = {} destroyed + {} kept for alerts.",
        tallies.receipts,
        tallies.counts.templates_made,
        tallies.counts.templates_destroyed,
        tallies.counts.alerts_kept
    ));
    sentences
}

fn not_proven(structure: &Structure, record: Option<&Tallies>, words: &[Word]) -> Vec<String> {
    let mut sentences = vec![
        "These are the operator's statements: a log proves that they were made, in this order, and not changed since; not that they are true.".into(),
        "Nothing here proves that anything was erased: a receipt is a statement about erasure.".into(),
        "Dates are the operator's own.".into(),
    ];
    if !words.iter().any(|word| word.counts) {
        sentences.push(
            "Whether others were shown another log: no witness vouches for this one; compare the root with a copy that somebody else keeps.".into(),
        );
    }
    sentences.extend(
        words
            .iter()
            .filter(|word| !word.counts)
            .map(|word| format!("That {} saw this log: {}.", word.witness, tell_word(word))),
    );
    match record {
        None if structure.checkpoint.size == 0 => sentences.push("The log is empty.".into()),
        None => sentences.push(
            "The entries are not those of an overt record: only the structure of the log was checked, not what they say."
                .into(),
        ),
        Some(tallies) => {
            sentences.push(
                "Whether every document that the policy demands was completed: compare the slots on the record with the policy profile, whose text is public.".into(),
            );
            let over = tallies.deployments_purged + tallies.deployments_withdrawn;
            let open = tallies.deployments.saturating_sub(over);
            if open > 0 {
                sentences.push(format!("Not purged yet, so that their accounts are still open: {open} deployments."));
            }
        }
    }
    if structure.kept == 0 {
        sentences.push("No earlier checkpoint was found, so nothing shows what the log was before.".into());
    }
    if !structure.listed {
        sentences.push("The source cannot be listed: files that nothing points to were not looked at.".into());
    }
    let known = words.iter().filter(|word| word.cosigned.is_some()).count();
    let unchecked = structure.checkpoint.signatures_unchecked.saturating_sub(known);
    if unchecked > 0 {
        sentences.push(format!("Signatures on the checkpoint by keys that were not given: {unchecked}."));
    }
    sentences
}

fn tell_words(words: &[Word]) -> String {
    words.iter().map(tell_word).collect::<Vec<_>>().join("; ")
}

fn tell_word(word: &Word) -> String {
    let Word { witness, cosigned, age_seconds, counts } = word;
    match (cosigned, age_seconds) {
        (Some(at), Some(seconds)) if *counts => format!("{witness} cosigned it at {at}, {} ago", age_words(*seconds)),
        (Some(at), Some(seconds)) if *seconds < 0 => format!("{witness} cosigned it at {at}, which is still to come"),
        (Some(at), _) => format!("{witness} cosigned it at {at}, which is too long ago"),
        (None, _) => format!("{witness} did not cosign it"),
    }
}

fn age_words(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{} s", s.max(0)),
        s if s < 7_200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}

fn tell(problems: &[Problem], untold: u64) -> String {
    let told = problems.iter().map(|problem| format!("entry {}: {}", problem.entry, problem.sentence));
    let mut words = told.collect::<Vec<_>>().join("; ");
    if untold > 0 {
        words += &format!("; and {untold} more");
    }
    words
}

impl Published for MemoryTiles {
    fn fetch(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, FetchError> {
        match self.files.get(path) {
            Some(bytes) if bytes.len() > bytes_max => {
                Err(FetchError::TooLarge { path: path.to_owned(), limit: format!("{bytes_max} bytes") })
            }
            found => Ok(found.cloned()),
        }
    }

    fn list(&self, folder: &str, names_max: usize) -> Result<Option<Vec<String>>, FetchError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let inside = self.files.keys().filter_map(|path| path.strip_prefix(&prefix));
        let names: BTreeSet<_> = inside.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect();
        if names.len() > names_max {
            return Err(FetchError::TooLarge { path: folder.to_owned(), limit: format!("{names_max} names") });
        }
        Ok(Some(names.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, lawful};
    use crate::{CheckpointSigner, Fact, KeyPair, Log, publish};

    /// Publishes these lines as one log and checks it.
    fn check(lines: &[Vec<u8>]) -> Result<Verdict, VerifyError> {
        let keys = KeyPair::from_seed("example.org/log", [7; 32]).expect("keys");
        let (mut log, mut storage) = (Log::new(), MemoryTiles::default());
        log.append(&mut storage, lines).expect("appends");
        let signer = CheckpointSigner::new(&keys.signing).expect("signer");
        publish(&mut storage, &signer.sign(log.size(), log.root()).expect("signs")).expect("publishes");
        verify(&storage, &keys.verifying)
    }

    fn lines(entries: &[Entry]) -> Vec<Vec<u8>> {
        entries.iter().map(|entry| line::encode(entry).expect("encodes")).collect()
    }

    #[test]
    fn a_lawful_record_is_proven_with_its_numbers() {
        let verdict = check(&lines(&lawful())).expect("proven");
        let tallies = verdict.record.expect("ours");
        assert_eq!((tallies.deployments, tallies.receipts, tallies.alerts), (1, 4, 1));
        assert_eq!((tallies.counts.templates_made, tallies.counts.alerts_kept), (24, 1));
        let told = verdict.proven.join("\n");
        assert!(told.contains("24 templates made = 23 destroyed + 1 kept"), "{told}");
        assert!(verdict.not_proven.iter().any(|sentence| sentence.contains("operator's statements")));
        assert!(!verdict.not_proven.iter().any(|sentence| sentence.contains("Not purged yet")));
        let open = check(&lines(&lawful()[..12])).expect("proven so far");
        assert!(open.not_proven.iter().any(|sentence| sentence.contains("still open: 1 deployments")));
    }

    #[test]
    fn an_unlawful_record_is_refused_by_entry() {
        let mut entries = lawful();
        entries.remove(5);
        match check(&lines(&entries)) {
            Err(error @ VerifyError::Record { .. }) => {
                assert!(error.to_string().contains("entry 5: deployment d1 had its watchlist frozen"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_that_are_no_entries_are_refused_in_our_log_and_ours_in_others() {
        let mut mixed = lines(&lawful());
        mixed.insert(3, b"{\"at\":\"soon\"}".to_vec());
        assert!(matches!(check(&mixed), Err(VerifyError::Record { problems, .. }) if problems[0].entry == 3));
        let fact = Fact::DeploymentResumed { deployment: "d1".into() };
        let ours = lines(&[Entry { at: at(0), fact }]).remove(0);
        let others = [b"one".to_vec(), b"two".to_vec(), ours];
        assert!(matches!(check(&others), Err(VerifyError::Record { problems, .. }) if problems[0].entry == 2));
        assert!(check(&others[..2]).expect("structure only").record.is_none());
        assert!(check(&[]).expect("empty").not_proven.contains(&"The log is empty.".to_owned()));
    }
}
