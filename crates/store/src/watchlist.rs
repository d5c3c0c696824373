//! The watchlist of one deployment: everything about a person on it sealed, counted by group, fixed by a commitment.

mod ending;
mod rows;

use std::collections::BTreeMap;

use domain::{
    Announced, Approval, DeploymentId, Direction, EntryFacts, Flag, Likeness, Listing, Live, Officer, Origin, Policy,
    Reference, Refusal, Roll, Shared,
};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use crate::deployments::refuse_above;
use crate::error::{Doing as _, StoreError};
use crate::listed;
use crate::recorded::Recorded;
use crate::sealing::{
    KeyFolder, KeyKind, KeyState, LINKS, Place, SealingKey, fresh_salt, template_bytes, template_values,
};
use crate::store::Store;

pub(crate) use ending::delete_list;
pub use rows::FlagState;
pub(crate) use rows::SealedFacts;

/// Most bytes of a listed or a live image.
pub(crate) const IMAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most values of a template; known models have 128 to 1,024.
pub(crate) const TEMPLATE_VALUES_MAX: usize = 4096;
/// Most images that are ever entered on one watchlist, those taken off again included.
const WATCHLIST_IMAGES_MAX: u32 = 20_000;
/// Most earlier entries that one entry may be flagged with: beyond, the image is no use.
const FLAGS_PER_ENTRY_MAX: usize = 100;
/// Most bytes of the reason of a higher approval.
const REASON_BYTES_MAX: usize = 2_000;

/// One image of one person, to be entered.
pub struct NewEntry<'a> {
    /// What is known.
    pub facts: EntryFacts,
    /// The person's reference outside; only commitments to it are kept.
    pub reference: Reference,
    /// The image, PNG.
    pub image_png: &'a [u8],
    /// Its template.
    pub template: &'a [f32],
    /// Earlier entries of other people that it is like, found by whoever made the template.
    pub alike: &'a [(u32, Likeness)],
}

/// One entry of a watchlist, opened for comparison.
pub struct Listed {
    /// Its number, from 1.
    pub number: u32,
    /// The lowest number among the entries of the same person.
    pub person: u32,
    /// What is known of it.
    pub facts: EntryFacts,
    /// Its template, wiped when dropped.
    pub template: Zeroizing<Vec<f32>>,
}

impl Store {
    /// Enters one image on the watchlist; image and template are sealed, and so is what is known of the person.
    /// Returns the entry's number, from 1.
    pub fn list(
        &mut self,
        announced: &Recorded<Announced>,
        officer: &Officer,
        entry: NewEntry<'_>,
        now: Timestamp,
    ) -> Result<Recorded<u32>, StoreError> {
        refuse_above("a listed image", entry.image_png.len(), IMAGE_BYTES_MAX, "bytes")?;
        refuse_above("a template", entry.template.len(), TEMPLATE_VALUES_MAX, "values")?;
        refuse_above("a listed image", entry.alike.len(), FLAGS_PER_ENTRY_MAX, "entries it is like")?;
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?;
        let number = self.last_number(&d)?.saturating_add(1);
        refuse_above("a watchlist", number as usize, WATCHLIST_IMAGES_MAX as usize, "images")?;
        let decided = announced.list(officer, &entry.facts, number, &self.policy_in_force()?, now)?;
        if let Origin::Share(share) = &entry.facts.origin {
            // Counted before it enters: a crash in between leaves a use too many, never an image too many.
            let passed = self.share(share)?.into_inner();
            let passed = passed.pass(Direction::In, Shared::WatchlistImages, 1, officer, now)?;
            self.record(passed, |_, _| Ok(()))?;
        }
        let fresh = FreshKeys::make(self, &d)?;
        let sealed = self.seal_entry(&fresh, &d, number, &entry)?;
        let salt = fresh_salt()?;
        self.record(decided, |transaction, _| {
            fresh.note(transaction, &d)?;
            rows::begin(transaction, &d, &salt)?;
            rows::insert_entry(transaction, &d, number, &sealed)?;
            entry.alike.iter().try_for_each(|(first, likeness)| {
                rows::insert_flag(transaction, &d, &Flag { first: *first, second: number, likeness: *likeness })
            })
        })
    }

    /// Takes an entry off a watchlist that is not frozen, with its flags and its approval. Its number is not given again.
    pub fn unlist(
        &mut self,
        announced: &Recorded<Announced>,
        officer: &Officer,
        number: u32,
        now: Timestamp,
    ) -> Result<Recorded<u32>, StoreError> {
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?;
        self.expect_listed(&d, number)?;
        let decided = announced.unlist(officer, number, now)?;
        self.record(decided, |transaction, _| rows::delete_entry(transaction, &d, number))
    }

    /// Gives the higher approval that the person of this entry needs. It holds for every image of that person.
    pub fn approve_listing(
        &mut self,
        announced: &Recorded<Announced>,
        officer: &Officer,
        number: u32,
        reason: &str,
        now: Timestamp,
    ) -> Result<Recorded<u32>, StoreError> {
        refuse_above("the reason of an approval", reason.len(), REASON_BYTES_MAX, "bytes")?;
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?;
        self.expect_listed(&d, number)?;
        let key = self.watchlist_keys().read(&d)?;
        let facts = self.listed_facts(&key, &d, number)?.facts;
        let images = self.images_of_person(&d, number)?;
        let listers = self.listers(&d, &images)?;
        let listing = Listing { number, facts: &facts, listers: &listers };
        let decided = announced.approve_listing(officer, &listing, reason, &self.policy_in_force()?, now)?;
        let place = Place { deployment: &d, column: "watchlist_approvals.reason", row: &number.to_string() };
        let sealed = key.seal(&place, reason.as_bytes())?;
        self.record(decided, |transaction, _| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO watchlist_approvals (deployment, number, reason) VALUES (?1, ?2, ?3)",
                )
                .and_then(|mut statement| statement.execute(params![d.as_str(), number, sealed]))
                .doing("keeping an approval")
                .map(drop)
        })
    }

    /// Records that somebody compared two entries that are alike, and that they are different people.
    pub fn acknowledge(
        &mut self,
        announced: &Recorded<Announced>,
        officer: &Officer,
        first: u32,
        second: u32,
        now: Timestamp,
    ) -> Result<Recorded<Flag>, StoreError> {
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?;
        let flags = self.flags(&d)?;
        let found = flags.iter().find(|state| (state.flag.first, state.flag.second) == (first, second));
        let Some(FlagState { flag, .. }) = found else {
            return Err(StoreError::Unknown { what: "the flag", name: format!("{first}-{second} of {d}") });
        };
        let decided = announced.acknowledge(officer, *flag, now)?;
        self.record(decided, |transaction, _| rows::acknowledge(transaction, &d, first, second))
    }

    /// Fixes the watchlist: counts people (by label) by group, commits to every sealed row, and makes the question "was I
    /// on a list?" answerable for each of them.
    pub fn freeze_watchlist(
        &mut self,
        announced: Recorded<Announced>,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Announced>, StoreError> {
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?.into_inner();
        let policy = self.policy_in_force()?;
        let (roll, commitments) = self.roll(&d)?;
        let mut commitment = String::new();
        if roll.images() > 0 {
            commitment = self.watchlist_commitment(&d)?;
        }
        let until = domain::watchlist::commitments_due(announced.plan(), &policy);
        let decided = announced.freeze_watchlist(officer, &roll, commitment, &policy, now)?;
        self.record(decided, |transaction, _| listed::keep(transaction, &d, &commitments, until))
    }

    /// The watchlist of a live deployment, opened, in the order of its numbers.
    pub fn watchlist(&self, live: &Recorded<Live>) -> Result<Vec<Listed>, StoreError> {
        self.opened(&live.plan().deployment)
    }

    /// The watchlist while it is being built, opened, so that a new entry can be compared with those before it.
    pub fn listed_so_far(&self, announced: &Recorded<Announced>) -> Result<Vec<Listed>, StoreError> {
        let d = &announced.plan().deployment;
        if self.watchlist_keys().state(d)? == KeyState::None { Ok(Vec::new()) } else { self.opened(d) }
    }

    /// A listed image (PNG), opened. Wiped when dropped.
    pub fn listed_image(&self, d: &DeploymentId, number: u32) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let key = self.watchlist_keys().read(d)?;
        self.open_listed(&key, d, number, "watchlist_entries.image")
    }

    /// The numbers of every image of the person of this entry, ascending.
    pub fn images_of_person(&self, d: &DeploymentId, number: u32) -> Result<Vec<u32>, StoreError> {
        let key = self.watchlist_keys().read(d)?;
        let label = self.listed_facts(&key, d, number)?.facts.label;
        let mut images = Vec::new();
        for other in self.listed_numbers(d)? {
            if self.listed_facts(&key, d, other)?.facts.label == label {
                images.push(other);
            }
        }
        Ok(images)
    }

    /// Whether the person has a listing whose commitment or link is this one, for every image: what is known of an entry,
    /// opened.
    pub(crate) fn listed_facts(
        &self,
        key: &SealingKey,
        d: &DeploymentId,
        number: u32,
    ) -> Result<SealedFacts, StoreError> {
        let text = self.open_listed(key, d, number, "watchlist_entries.facts")?;
        SealedFacts::read(&text).ok_or_else(|| StoreError::SealBroken {
            what: format!("watchlist_entries.facts {number}"),
            deployment: d.to_string(),
        })
    }

    /// The keys of alerts.
    pub(crate) fn key_folder(&self) -> KeyFolder<'_> {
        self.keys_of(KeyKind::Evidence)
    }

    /// The keys of watchlists.
    pub(crate) fn watchlist_keys(&self) -> KeyFolder<'_> {
        self.keys_of(KeyKind::Watchlist)
    }

    /// The keys of one kind.
    pub(crate) fn keys_of(&self, kind: KeyKind) -> KeyFolder<'_> {
        KeyFolder { folder: self.directory.keys(), connection: &self.connection, kind }
    }

    /// The policy in force, without which nothing is decided.
    pub(crate) fn policy_in_force(&self) -> Result<Policy, StoreError> {
        self.policy()?.ok_or(StoreError::Unknown { what: "the policy", name: "in force".into() })
    }

    fn opened(&self, d: &DeploymentId) -> Result<Vec<Listed>, StoreError> {
        let key = self.watchlist_keys().read(d)?;
        let mut people: BTreeMap<String, u32> = BTreeMap::new();
        let listed = self.listed_numbers(d)?.into_iter().map(|number| {
            let facts = self.listed_facts(&key, d, number)?.facts;
            let bytes = self.open_listed(&key, d, number, "watchlist_entries.template")?;
            let template = template_values(&bytes).ok_or_else(|| StoreError::SealBroken {
                what: format!("watchlist_entries.template {number}"),
                deployment: d.to_string(),
            })?;
            let person = *people.entry(facts.label.clone()).or_insert(number);
            Ok(Listed { number, person, facts, template })
        });
        listed.collect()
    }

    /// The list as the rules see it, and the commitments to its people. One label stands for one reference and the other
    /// way round; where it does not, somebody is entered twice or two people as one.
    fn roll(&self, d: &DeploymentId) -> Result<(Roll, Vec<Vec<u8>>), StoreError> {
        let (mut roll, mut by_label) = (Roll::new(), BTreeMap::new());
        let mut labels: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        if self.watchlist_keys().state(d)? != KeyState::InUse {
            return Ok((roll, Vec::new()));
        }
        let key = self.watchlist_keys().read(d)?;
        let approved = self.approved(d)?;
        for number in self.listed_numbers(d)? {
            let SealedFacts { facts, commitment, .. } = self.listed_facts(&key, d, number)?;
            let label = labels.entry(commitment.clone()).or_insert_with(|| facts.label.clone());
            let known = by_label.entry(facts.label.clone()).or_insert_with(|| commitment.clone());
            if *label != facts.label || *known != commitment {
                return Err(Refusal::PersonContradicted.into());
            }
            let approval = if approved.contains(&number) { Approval::Given } else { Approval::Missing };
            roll.enter(facts, approval);
        }
        roll.leave_open(self.flags(d)?.iter().filter(|state| !state.acknowledged).count() as u64);
        Ok((roll, labels.into_keys().collect()))
    }

    fn seal_entry(
        &self,
        fresh: &FreshKeys,
        d: &DeploymentId,
        number: u32,
        entry: &NewEntry<'_>,
    ) -> Result<rows::SealedEntry, StoreError> {
        let facts = SealedFacts {
            facts: entry.facts.clone(),
            commitment: listed::commitment(&fresh.commitments, d, &entry.reference)?.to_vec(),
            link: listed::link(&fresh.links, &entry.reference)?,
        };
        let row = number.to_string();
        let place = |column| Place { deployment: d, column, row: &row };
        let key = &fresh.watchlist;
        Ok(rows::SealedEntry {
            facts: key.seal(&place("watchlist_entries.facts"), &facts.write()?)?,
            image: key.seal(&place("watchlist_entries.image"), entry.image_png)?,
            template: key.seal(&place("watchlist_entries.template"), &template_bytes(entry.template))?,
        })
    }
}

/// The keys that an entry needs; those that are new are noted together with the first entry.
struct FreshKeys {
    watchlist: SealingKey,
    commitments: Zeroizing<[u8; 32]>,
    links: Zeroizing<[u8; 32]>,
    to_note: Vec<(KeyKind, [u8; 32])>,
}

impl FreshKeys {
    fn make(store: &Store, d: &DeploymentId) -> Result<Self, StoreError> {
        let mut to_note = Vec::new();
        if let Some(print) = store.key_folder().make_if_none(d)? {
            to_note.push((KeyKind::Evidence, print));
        }
        let mut bytes = |kind, whose: &str| -> Result<Zeroizing<[u8; 32]>, StoreError> {
            let keys = store.keys_of(kind);
            match keys.make_if_none(&whose)? {
                None => keys.read_bytes(&whose),
                Some(print) => {
                    to_note.push((kind, print));
                    keys.fresh_bytes(&whose)
                }
            }
        };
        let watchlist = SealingKey::of(&*bytes(KeyKind::Watchlist, d.as_str())?);
        let commitments = bytes(KeyKind::Commitments, d.as_str())?;
        let links = bytes(KeyKind::Suppression, LINKS)?;
        Ok(Self { watchlist, commitments, links, to_note })
    }

    fn note(&self, connection: &Connection, d: &DeploymentId) -> Result<(), StoreError> {
        self.to_note.iter().try_for_each(|(kind, print)| {
            let whose = if *kind == KeyKind::Suppression { LINKS } else { d.as_str() };
            kind.note(connection, &whose, print)
        })
    }
}

#[cfg(test)]
mod tests;
