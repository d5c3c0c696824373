//! The watchlist of one deployment: everything about a person on it sealed, counted by ground, fixed by a commitment.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Announced, DeploymentId, Direction, EntryFacts, Live, Officer, Origin, Policy, ShareId, Shared};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::deployments::refuse_above;
use crate::error::{Doing as _, StoreError};
use crate::recorded::Recorded;
use crate::sealing::{
    Commitment, KeyFolder, KeyState, Place, SALT_BYTES, SealingKey, fresh_salt, note, template_bytes, template_values,
};
use crate::store::Store;

/// Most bytes of a listed or a live image.
pub(crate) const IMAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most values of a template; known models have 128 to 1,024.
pub(crate) const TEMPLATE_VALUES_MAX: usize = 4096;
/// Most images on one watchlist: ten of each of the thousand people that the exercise policy allows.
const WATCHLIST_IMAGES_MAX: u32 = 10_000;

/// One entry of a watchlist, opened for comparison.
pub struct Listed {
    /// Its number, from 1.
    pub number: u32,
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
        entry: EntryFacts,
        image_png: &[u8],
        template: &[f32],
        now: Timestamp,
    ) -> Result<Recorded<u32>, StoreError> {
        refuse_above("a listed image", image_png.len(), IMAGE_BYTES_MAX, "bytes")?;
        refuse_above("a template", template.len(), TEMPLATE_VALUES_MAX, "values")?;
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?;
        let number = self.images_listed(&d)?.saturating_add(1);
        refuse_above("a watchlist", number as usize, WATCHLIST_IMAGES_MAX as usize, "images")?;
        let decided = announced.list(officer, &entry, number, &self.policy_in_force()?, now)?;
        if let Origin::Share(share) = &entry.origin {
            // Counted before it enters: a crash in between leaves a use too many, never an image too many.
            let passed = self.share(share)?.into_inner();
            let passed = passed.pass(Direction::In, Shared::WatchlistImages, 1, officer, now)?;
            self.record(passed, |_, _| Ok(()))?;
        }
        let (key, fresh) = self.key_for_sealing(&d)?;
        let sealed = SealedEntry::seal(&key, &d, number, &entry, image_png, template)?;
        let salt = fresh_salt()?;
        self.record(decided, |transaction, _| {
            if let Some(fingerprint) = &fresh {
                note(transaction, &d, fingerprint)?;
                insert_watchlist(transaction, &d, &salt)?;
            }
            insert_entry(transaction, &d, number, &sealed)
        })
    }

    /// Fixes the watchlist: counts people (by label) by ground, and commits to every sealed row.
    pub fn freeze_watchlist(
        &mut self,
        announced: Recorded<Announced>,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Announced>, StoreError> {
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?.into_inner();
        let policy = self.policy_in_force()?;
        let (mut people, mut by_ground, mut images) = (BTreeSet::new(), BTreeMap::<_, u64>::new(), 0);
        let mut commitment = String::new();
        if self.key_folder().state(&d)? == KeyState::InUse {
            let key = self.key_folder().read(&d)?;
            for number in self.listed_numbers(&d)? {
                let facts = self.listed_facts(&key, &d, number)?;
                images += 1;
                if people.insert(facts.label) {
                    *by_ground.entry(facts.ground).or_default() += 1;
                }
            }
            commitment = self.watchlist_commitment(&d)?;
        }
        let decided = announced.freeze_watchlist(officer, by_ground, images, commitment, &policy, now)?;
        self.record(decided, |_, _| Ok(()))
    }

    /// The watchlist of a live deployment, opened, in the order of its numbers.
    pub fn watchlist(&self, live: &Recorded<Live>) -> Result<Vec<Listed>, StoreError> {
        let d = &live.plan().deployment;
        let key = self.key_folder().read(d)?;
        let listed = self.listed_numbers(d)?.into_iter().map(|number| {
            let facts = self.listed_facts(&key, d, number)?;
            let bytes = self.open_listed(&key, d, number, "watchlist_entries.template")?;
            let template = template_values(&bytes).ok_or_else(|| StoreError::SealBroken {
                what: format!("watchlist_entries.template {number}"),
                deployment: d.to_string(),
            })?;
            Ok(Listed { number, facts, template })
        });
        listed.collect()
    }

    /// A listed image (PNG), opened. Wiped when dropped.
    pub fn listed_image(&self, d: &DeploymentId, number: u32) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let key = self.key_folder().read(d)?;
        self.open_listed(&key, d, number, "watchlist_entries.image")
    }

    /// What is known of an entry, opened.
    pub(crate) fn listed_facts(
        &self,
        key: &SealingKey,
        d: &DeploymentId,
        number: u32,
    ) -> Result<EntryFacts, StoreError> {
        let text = self.open_listed(key, d, number, "watchlist_entries.facts")?;
        FactsText::read(&text).ok_or_else(|| StoreError::SealBroken {
            what: format!("watchlist_entries.facts {number}"),
            deployment: d.to_string(),
        })
    }

    /// The numbers of a watchlist's entries, ascending.
    pub(crate) fn listed_numbers(&self, d: &DeploymentId) -> Result<Vec<u32>, StoreError> {
        let doing = "reading a watchlist";
        let mut statement = self
            .connection
            .prepare_cached("SELECT number FROM watchlist_entries WHERE deployment = ?1 ORDER BY number")
            .doing(doing)?;
        let numbers = statement.query_map([d.as_str()], |row| row.get(0)).doing(doing)?;
        numbers.collect::<Result<_, _>>().doing(doing)
    }

    /// The commitment to the sealed rows as they are now.
    pub(crate) fn watchlist_commitment(&self, d: &DeploymentId) -> Result<String, StoreError> {
        let doing = "committing to a watchlist";
        let mut salt =
            self.connection.prepare_cached("SELECT salt FROM watchlists WHERE deployment = ?1").doing(doing)?;
        let salt: [u8; SALT_BYTES] = salt.query_row([d.as_str()], |row| row.get(0)).doing(doing)?;
        let mut commitment = Commitment::new(&salt);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT facts, image, template FROM watchlist_entries WHERE deployment = ?1 ORDER BY number",
            )
            .doing(doing)?;
        let mut rows = statement.query([d.as_str()]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            for column in 0..3 {
                let sealed = row.get_ref(column).doing(doing)?;
                commitment.add(sealed.as_blob().map_err(rusqlite::Error::from).doing(doing)?);
            }
        }
        Ok(commitment.finish())
    }

    /// The keys.
    pub(crate) fn key_folder(&self) -> KeyFolder<'_> {
        KeyFolder { folder: self.directory.keys(), connection: &self.connection }
    }

    fn open_listed(
        &self,
        key: &SealingKey,
        d: &DeploymentId,
        number: u32,
        column: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let doing = "reading a watchlist entry";
        let sql = match column {
            "watchlist_entries.facts" => "SELECT facts FROM watchlist_entries WHERE deployment = ?1 AND number = ?2",
            "watchlist_entries.image" => "SELECT image FROM watchlist_entries WHERE deployment = ?1 AND number = ?2",
            _ => "SELECT template FROM watchlist_entries WHERE deployment = ?1 AND number = ?2",
        };
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let sealed: Option<Vec<u8>> =
            statement.query_row(params![d.as_str(), number], |row| row.get(0)).optional().doing(doing)?;
        let Some(sealed) = sealed else {
            return Err(StoreError::Unknown { what: "the watchlist entry", name: format!("{number} of {d}") });
        };
        key.open(&Place { deployment: d, column, row: &number.to_string() }, &sealed)
    }

    /// The deployment's key; a new one, with its fingerprint, where nothing was sealed yet.
    fn key_for_sealing(&self, d: &DeploymentId) -> Result<(SealingKey, Option<[u8; 32]>), StoreError> {
        let keys = self.key_folder();
        if keys.state(d)? == KeyState::None {
            let (key, fingerprint) = keys.make(d)?;
            return Ok((key, Some(fingerprint)));
        }
        Ok((keys.read(d)?, None))
    }

    fn images_listed(&self, d: &DeploymentId) -> Result<u32, StoreError> {
        let doing = "counting a watchlist";
        let mut statement = self
            .connection
            .prepare_cached("SELECT coalesce(max(number), 0) FROM watchlist_entries WHERE deployment = ?1")
            .doing(doing)?;
        statement.query_row([d.as_str()], |row| row.get(0)).doing(doing)
    }

    /// The policy in force, without which nothing is decided.
    pub(crate) fn policy_in_force(&self) -> Result<Policy, StoreError> {
        self.policy()?.ok_or(StoreError::Unknown { what: "the policy", name: "in force".into() })
    }
}

/// The three sealed values of an entry.
struct SealedEntry {
    facts: Vec<u8>,
    image: Vec<u8>,
    template: Vec<u8>,
}

impl SealedEntry {
    fn seal(
        key: &SealingKey,
        d: &DeploymentId,
        number: u32,
        facts: &EntryFacts,
        image_png: &[u8],
        template: &[f32],
    ) -> Result<Self, StoreError> {
        let row = number.to_string();
        let place = |column| Place { deployment: d, column, row: &row };
        Ok(Self {
            facts: key.seal(&place("watchlist_entries.facts"), &FactsText::write(facts)?)?,
            image: key.seal(&place("watchlist_entries.image"), image_png)?,
            template: key.seal(&place("watchlist_entries.template"), &template_bytes(template))?,
        })
    }
}

fn insert_watchlist(connection: &Connection, d: &DeploymentId, salt: &[u8]) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO watchlists (deployment, salt) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute(params![d.as_str(), salt]))
        .doing("beginning a watchlist")
        .map(drop)
}

fn insert_entry(
    connection: &Connection,
    d: &DeploymentId,
    number: u32,
    sealed: &SealedEntry,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO watchlist_entries (deployment, number, facts, image, template) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut statement| {
            statement.execute(params![d.as_str(), number, sealed.facts, sealed.image, sealed.template])
        })
        .doing("writing a watchlist entry")
        .map(drop)
}

/// What is known of an entry, as the text that is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactsText {
    label: String,
    ground: String,
    image_source: String,
    legal_basis: String,
    image_date: String,
    /// The share under which another body's image entered; nothing for the force's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<String>,
}

impl FactsText {
    fn write(facts: &EntryFacts) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let text = Self {
            label: facts.label.clone(),
            ground: facts.ground.clone(),
            image_source: facts.image_source.clone(),
            legal_basis: facts.legal_basis.clone(),
            image_date: facts.image_date.to_string(),
            share: match &facts.origin {
                Origin::Own => None,
                Origin::Share(share) => Some(share.to_string()),
            },
        };
        match toml::to_string(&text) {
            Ok(text) => Ok(Zeroizing::new(text.into_bytes())),
            Err(error) => Err(StoreError::Bug { doing: "writing a watchlist entry", found: error.to_string() }),
        }
    }

    fn read(text: &[u8]) -> Option<EntryFacts> {
        let text: Self = toml::from_str(std::str::from_utf8(text).ok()?).ok()?;
        Some(EntryFacts {
            label: text.label,
            ground: text.ground,
            image_source: text.image_source,
            legal_basis: text.legal_basis,
            image_date: text.image_date.parse().ok()?,
            origin: match text.share {
                None => Origin::Own,
                Some(share) => Origin::Share(ShareId::new(&share).ok()?),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::{Refusal, Role};
    use evidence::Fact;

    use super::*;
    use crate::scenes::{LISTED_IMAGE, Scene, facts, officer, template};

    #[test]
    fn people_are_counted_by_label_and_come_back_as_listed() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let d = scene.d();
        let frozen = scene.store().entries(Some(&d)).unwrap().into_iter().find_map(|(_, entry)| match entry.fact {
            Fact::WatchlistFrozen { people, images, by_ground, commitment, .. } => {
                Some((people, images, by_ground, commitment))
            }
            _ => None,
        });
        let (people, images, by_ground, commitment) = frozen.unwrap();
        assert_eq!((people, images), (2, 3));
        assert_eq!(by_ground, BTreeMap::from([("exercise subject".to_owned(), 2)]));
        assert_eq!(commitment, scene.store().watchlist_commitment(&d).unwrap());
        let live = scene.deployment().expect_live().unwrap();
        let listed = scene.store().watchlist(&live).unwrap();
        assert_eq!(listed.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(listed[2].facts, facts("exercise subject 2"));
        assert_eq!(*listed[1].template, template(2));
        assert_eq!(scene.store().listed_image(&d, 3).unwrap().as_slice(), LISTED_IMAGE);
        assert!(matches!(scene.store().listed_image(&d, 4), Err(StoreError::Unknown { .. })));
    }

    #[test]
    fn a_frozen_watchlist_takes_nobody_even_from_an_older_sight_of_it() {
        let mut scene = Scene::new();
        scene.operation();
        scene.announced("kx-1");
        let empty = scene.deployment().expect_announced().unwrap();
        let now = scene.tick();
        let refused = scene.store().freeze_watchlist(empty, &officer(Role::WatchlistOfficer), now);
        assert!(matches!(refused, Err(StoreError::Refusal(Refusal::WatchlistEmpty))));
        scene.list_three();
        let (one, two, three) = (scene.deployment(), scene.deployment(), scene.deployment());
        let now = scene.tick();
        let freeze = |scene: &mut Scene, seen: Recorded<domain::Deployment>| {
            scene.store().freeze_watchlist(seen.expect_announced().unwrap(), &officer(Role::WatchlistOfficer), now)
        };
        freeze(&mut scene, one).unwrap();
        assert!(matches!(freeze(&mut scene, two), Err(StoreError::Refusal(Refusal::WatchlistFrozenAlready))));
        let seen = three.expect_announced().unwrap();
        let late = scene.store().list(&seen, &officer(Role::WatchlistOfficer), facts("x"), b"", &[], now);
        assert!(matches!(late, Err(StoreError::Refusal(Refusal::WatchlistFrozenAlready))));
        let d = scene.d();
        assert_eq!(scene.store().listed_numbers(&d).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn a_refused_entry_leaves_nothing_behind() {
        let mut scene = Scene::new();
        scene.operation();
        scene.announced("kx-1");
        let (seen, now, d) = (scene.deployment().expect_announced().unwrap(), scene.tick(), scene.d());
        let by = officer(Role::WatchlistOfficer);
        let unknown_ground = EntryFacts { ground: "annoying".into(), ..facts("x") };
        assert!(scene.store().list(&seen, &by, unknown_ground, b"i", &[1.0], now).is_err());
        let huge = vec![0; IMAGE_BYTES_MAX + 1];
        assert!(scene.store().list(&seen, &by, facts("x"), &huge, &[1.0], now).is_err());
        assert!(scene.store().list(&seen, &by, facts("x"), b"i", &vec![0.0; TEMPLATE_VALUES_MAX + 1], now).is_err());
        assert!(scene.store().listed_numbers(&d).unwrap().is_empty());
        assert_eq!(scene.store().key_folder().state(&d).unwrap(), KeyState::None);
        assert!(!scene.store().key_folder().path(&d).exists());
    }
}
