//! The rows of a watchlist: entries, flags and approvals, as they are read and written.

use std::collections::BTreeSet;

use domain::{Age, DeploymentId, EntryFacts, Flag, Likeness, OfficerId, Origin, Retention, ShareId};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Doing as _, StoreError};
use crate::policy_file::hexadecimal;
use crate::sealing::{Commitment, Place, SALT_BYTES, SealingKey};
use crate::store::Store;

/// A flag and whether somebody has compared the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagState {
    /// The two entries and why they are alike.
    pub flag: Flag,
    /// Whether somebody said that they are different people.
    pub acknowledged: bool,
}

/// What is known of an entry, with the commitments to the person's reference.
pub(crate) struct SealedFacts {
    pub(crate) facts: EntryFacts,
    /// Answers "was I on a list?" once the list is frozen.
    pub(crate) commitment: Vec<u8>,
    /// Finds suppressions against the person.
    pub(crate) link: Vec<u8>,
}

/// The three sealed values of an entry.
pub(super) struct SealedEntry {
    pub(super) facts: Vec<u8>,
    pub(super) image: Vec<u8>,
    pub(super) template: Vec<u8>,
}

impl Store {
    /// The flags of a watchlist, in the order of their entries.
    pub fn flags(&self, d: &DeploymentId) -> Result<Vec<FlagState>, StoreError> {
        let doing = "reading the flags of a watchlist";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT first, second, likeness, acknowledged FROM watchlist_flags WHERE deployment = ?1
                 ORDER BY first, second",
            )
            .doing(doing)?;
        let rows = statement
            .query_map([d.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?)))
            .doing(doing)?;
        rows.map(|row| {
            let (first, second, word, acknowledged) = row.doing(doing)?;
            let likeness = Likeness::from_word(&word).ok_or_else(|| StoreError::Damaged {
                what: format!("flag {first}-{second} of {d}"),
                found: format!("{word:?} is no likeness"),
            })?;
            Ok(FlagState { flag: Flag { first, second, likeness }, acknowledged })
        })
        .collect()
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

    pub(super) fn expect_listed(&self, d: &DeploymentId, number: u32) -> Result<(), StoreError> {
        if self.listed_numbers(d)?.contains(&number) {
            return Ok(());
        }
        Err(StoreError::Unknown { what: "the watchlist entry", name: format!("{number} of {d}") })
    }

    pub(super) fn open_listed(
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

    /// The number that was given last.
    pub(super) fn last_number(&self, d: &DeploymentId) -> Result<u32, StoreError> {
        let doing = "counting a watchlist";
        let mut statement =
            self.connection.prepare_cached("SELECT last_number FROM watchlists WHERE deployment = ?1").doing(doing)?;
        Ok(statement.query_row([d.as_str()], |row| row.get(0)).optional().doing(doing)?.unwrap_or(0))
    }

    /// The entries for which a higher approval was given.
    pub(super) fn approved(&self, d: &DeploymentId) -> Result<BTreeSet<u32>, StoreError> {
        let doing = "reading approvals";
        let mut statement = self
            .connection
            .prepare_cached("SELECT number FROM watchlist_approvals WHERE deployment = ?1")
            .doing(doing)?;
        let numbers = statement.query_map([d.as_str()], |row| row.get(0)).doing(doing)?;
        numbers.collect::<Result<_, _>>().doing(doing)
    }

    /// Who entered these entries.
    pub(super) fn listers(&self, d: &DeploymentId, images: &[u32]) -> Result<Vec<OfficerId>, StoreError> {
        let doing = "looking for who entered somebody";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT actor FROM events WHERE deployment = ?1 AND kind = 'watchlist-entry-added' AND listed = ?2",
            )
            .doing(doing)?;
        let mut listers = Vec::new();
        for number in images {
            let actor: String = statement.query_row(params![d.as_str(), number], |row| row.get(0)).doing(doing)?;
            let found = |error: domain::identifiers::NotAnIdentifier| StoreError::Damaged {
                what: format!("who entered number {number} of {d}"),
                found: error.to_string(),
            };
            listers.push(OfficerId::new(&actor).map_err(found)?);
        }
        Ok(listers)
    }
}

/// Begins a watchlist where there is none.
pub(super) fn begin(connection: &Connection, d: &DeploymentId, salt: &[u8]) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO watchlists (deployment, salt) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute(params![d.as_str(), salt]))
        .doing("beginning a watchlist")
        .map(drop)
}

pub(super) fn insert_entry(
    connection: &Connection,
    d: &DeploymentId,
    number: u32,
    sealed: &SealedEntry,
) -> Result<(), StoreError> {
    let doing = "writing a watchlist entry";
    connection
        .prepare_cached(
            "INSERT INTO watchlist_entries (deployment, number, facts, image, template) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut statement| {
            statement.execute(params![d.as_str(), number, sealed.facts, sealed.image, sealed.template])
        })
        .doing(doing)?;
    connection
        .prepare_cached("UPDATE watchlists SET last_number = ?2 WHERE deployment = ?1")
        .and_then(|mut statement| statement.execute(params![d.as_str(), number]))
        .doing(doing)
        .map(drop)
}

pub(super) fn insert_flag(connection: &Connection, d: &DeploymentId, flag: &Flag) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO watchlist_flags (deployment, first, second, likeness) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut statement| statement.execute(params![d.as_str(), flag.first, flag.second, flag.likeness.word()]))
        .doing("flagging a watchlist entry")
        .map(drop)
}

pub(super) fn acknowledge(
    connection: &Connection,
    d: &DeploymentId,
    first: u32,
    second: u32,
) -> Result<(), StoreError> {
    connection
        .execute(
            "UPDATE watchlist_flags SET acknowledged = 1 WHERE deployment = ?1 AND first = ?2 AND second = ?3",
            params![d.as_str(), first, second],
        )
        .doing("acknowledging a flag")
        .map(drop)
}

pub(super) fn delete_entry(connection: &Connection, d: &DeploymentId, number: u32) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM watchlist_flags WHERE deployment = ?1 AND (first = ?2 OR second = ?2)",
        "DELETE FROM watchlist_approvals WHERE deployment = ?1 AND number = ?2",
        "DELETE FROM watchlist_entries WHERE deployment = ?1 AND number = ?2",
    ] {
        connection.execute(sql, params![d.as_str(), number]).doing("taking an entry off a watchlist")?;
    }
    Ok(())
}

/// What is known of an entry, as the text that is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactsText {
    label: String,
    ground: String,
    image_source: String,
    supplier: String,
    legal_basis: String,
    image_date: String,
    retention: String,
    /// The share under which another body's image entered; nothing for the force's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_at_image: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protected: Option<String>,
    commitment: String,
    link: String,
}

impl SealedFacts {
    /// As the text that is sealed.
    pub(crate) fn write(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let facts = &self.facts;
        let text = FactsText {
            label: facts.label.clone(),
            ground: facts.ground.clone(),
            image_source: facts.image_source.clone(),
            supplier: facts.supplier.clone(),
            legal_basis: facts.legal_basis.clone(),
            image_date: facts.image_date.to_string(),
            retention: facts.retention.text(),
            share: match &facts.origin {
                Origin::Own => None,
                Origin::Share(share) => Some(share.to_string()),
            },
            age_at_image: years(facts.age_at_image),
            age: years(facts.age),
            protected: facts.protected.clone(),
            commitment: hexadecimal(&self.commitment),
            link: hexadecimal(&self.link),
        };
        match toml::to_string(&text) {
            Ok(text) => Ok(Zeroizing::new(text.into_bytes())),
            Err(error) => Err(StoreError::Bug { doing: "writing a watchlist entry", found: error.to_string() }),
        }
    }

    /// From the text that was sealed.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let text: FactsText = toml::from_str(std::str::from_utf8(text).ok()?).ok()?;
        let facts = EntryFacts {
            label: text.label,
            ground: text.ground,
            image_source: text.image_source,
            supplier: text.supplier,
            legal_basis: text.legal_basis,
            image_date: text.image_date.parse().ok()?,
            retention: Retention::from_text(&text.retention)?,
            origin: match text.share {
                None => Origin::Own,
                Some(share) => Origin::Share(ShareId::new(&share).ok()?),
            },
            age_at_image: age(text.age_at_image),
            age: age(text.age),
            protected: text.protected,
        };
        Some(Self { facts, commitment: bytes_of(&text.commitment)?, link: bytes_of(&text.link)? })
    }
}

fn years(age: Age) -> Option<u8> {
    match age {
        Age::AtLeast(years) => Some(years),
        Age::Unknown => None,
    }
}

fn age(years: Option<u8>) -> Age {
    years.map_or(Age::Unknown, Age::AtLeast)
}

fn bytes_of(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hexadecimal.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    Some(digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
