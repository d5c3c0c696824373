//! The chain of events: each one fixes all before it, so that what is on no public record cannot be altered or taken out
//! unnoticed either: who looked at whose evidence, who entered whom on a list, which key was replaced.
//!
//! The chain alone tells of careless hands: whoever can write the database can compute it anew. With every publication its
//! end is vouched for under a key that is derived from the log's and stands in no database, so that from then on only
//! whoever holds the log's key can.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::check::Findings;
use crate::error::{Doing as _, StoreError};
use crate::store::Store;

/// An event as the database holds it.
pub(crate) struct EventRow<'a> {
    pub(crate) at_ns: i64,
    pub(crate) actor: Option<&'a str>,
    pub(crate) kind: &'a str,
    pub(crate) deployment: Option<&'a str>,
    pub(crate) alert: Option<&'a str>,
    pub(crate) listed: Option<u32>,
    pub(crate) withheld: Option<&'a str>,
}

/// The last link: number of its event, and its hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) seq: i64,
    pub(crate) hash: Vec<u8>,
}

impl Link {
    /// The link of the event that follows.
    pub(crate) fn next(&self, event: &EventRow<'_>) -> Self {
        let seq = self.seq + 1;
        let mut hash = Sha256::new_with_prefix("overt event 1\n");
        hash.update(&self.hash);
        for number in [seq, event.at_ns, event.listed.map_or(-1, i64::from)] {
            hash.update(number.to_be_bytes());
        }
        for text in [event.actor, Some(event.kind), event.deployment, event.alert, event.withheld] {
            // Nothing and the empty text are told apart; so are one text and two.
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(text.unwrap_or_default());
        }
        Self { seq, hash: hash.finalize().to_vec() }
    }

    /// The last link in the database.
    pub(crate) fn last(connection: &Connection) -> Result<Self, StoreError> {
        let doing = "reading the last event";
        let mut statement =
            connection.prepare_cached("SELECT seq, chain FROM events ORDER BY seq DESC LIMIT 1").doing(doing)?;
        let last = statement.query_row([], |row| {
            Ok(Self { seq: row.get(0)?, hash: row.get::<_, Option<Vec<u8>>>(1)?.unwrap_or_default() })
        });
        Ok(last.optional().doing(doing)?.unwrap_or_default())
    }
}

/// What vouches for the end of the chain, wiped when dropped. Derived from the text of the log's signing key.
pub(crate) struct VouchingKey(Zeroizing<[u8; 32]>);

impl VouchingKey {
    pub(crate) fn derived_from(signing_key: &str) -> Self {
        let hash = Sha256::new_with_prefix("overt events vouched 1\n").chain_update(signing_key).finalize();
        Self(Zeroizing::new(hash.into()))
    }

    /// What is noted beside a checkpoint: a hash of a keyed hash, as in HMAC.
    fn vouch(&self, size: u64, at_ns: i64, root: &[u8], end: &Link) -> Vec<u8> {
        let inner = Sha256::new_with_prefix(*self.0)
            .chain_update(size.to_be_bytes())
            .chain_update(at_ns.to_be_bytes())
            .chain_update(root)
            .chain_update(end.seq.to_be_bytes())
            .chain_update(&end.hash)
            .finalize();
        Sha256::new_with_prefix(*self.0).chain_update("outer\n").chain_update(inner).finalize().to_vec()
    }
}

impl Store {
    /// Notes the published checkpoint, and vouches for the chain as it is now. A checkpoint that was noted before keeps its
    /// date: nothing new is public, only more events are vouched for.
    pub(crate) fn note_vouched(&self, size: u64, at_ns: i64, root: &[u8]) -> Result<(), StoreError> {
        let doing = "noting the checkpoint";
        let mut noted = self.connection.prepare_cached("SELECT at_ns FROM checkpoints WHERE size = ?1").doing(doing)?;
        let at_ns = noted.query_row([size], |row| row.get(0)).optional().doing(doing)?.unwrap_or(at_ns);
        let end = Link::last(&self.connection)?;
        let vouched = self.vouching.vouch(size, at_ns, root, &end);
        self.connection
            .prepare_cached(
                "INSERT INTO checkpoints (size, at_ns, root, events, vouched) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (size) DO UPDATE SET events = ?4, vouched = ?5",
            )
            .and_then(|mut statement| statement.execute(params![size, at_ns, root, end.seq, vouched]))
            .doing(doing)
            .map(drop)
    }

    /// Every event against its link, and every vouched end of the chain.
    pub(crate) fn check_chain(&self, findings: &mut Findings) -> Result<(), StoreError> {
        let doing = "checking the events";
        let mut vouched = self.vouched()?.into_iter().peekable();
        let mut statement = self
            .connection
            .prepare(
                "SELECT seq, chain, at_ns, actor, kind, deployment, alert, listed, withheld FROM events ORDER BY seq",
            )
            .doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut last = Link::default();
        while let Some(row) = rows.next().doing(doing)? {
            let (seq, found, next) = link_of(row, &last).doing(doing)?;
            if seq != next.seq {
                findings.tell("events", format!("event {} is missing; the next is {seq}", next.seq));
            } else if found != next.hash {
                findings.tell(format!("event {seq}"), "it, or one before it, is not as it was recorded");
            }
            // From here on as it stands, so that one change is told once.
            last = Link { seq, hash: found };
            while let Some(end) = vouched.next_if(|end| end.events <= seq) {
                end.compare(self, &last, findings);
            }
        }
        vouched.for_each(|end| end.compare(self, &last, findings));
        Ok(())
    }

    fn vouched(&self) -> Result<Vec<Vouched>, StoreError> {
        let doing = "reading what was vouched for";
        let mut statement = self
            .connection
            .prepare(
                "SELECT size, at_ns, root, events, vouched FROM checkpoints WHERE vouched IS NOT NULL ORDER BY size",
            )
            .doing(doing)?;
        let rows = statement.query_map([], |row| {
            Ok(Vouched {
                size: row.get(0)?,
                at_ns: row.get(1)?,
                root: row.get(2)?,
                events: row.get(3)?,
                vouched: row.get(4)?,
            })
        });
        rows.doing(doing)?.collect::<Result<_, _>>().doing(doing)
    }
}

/// A row of the checkpoints.
struct Vouched {
    size: u64,
    at_ns: i64,
    root: Vec<u8>,
    events: i64,
    vouched: Vec<u8>,
}

impl Vouched {
    fn compare(&self, store: &Store, end: &Link, findings: &mut Findings) {
        let vouched = store.vouching.vouch(self.size, self.at_ns, &self.root, end);
        if self.events != end.seq || vouched != self.vouched {
            let found = format!("events up to {} are not those it was published with", self.events);
            findings.tell(format!("checkpoint of {} entries", self.size), found);
        }
    }
}

/// Number and link of an event in the database, and the link it should have.
fn link_of(row: &Row<'_>, last: &Link) -> Result<(i64, Vec<u8>, Link), rusqlite::Error> {
    let text = |column| row.get::<_, Option<String>>(column);
    let (actor, kind, deployment, alert, withheld) = (text(3)?, text(4)?, text(5)?, text(6)?, text(8)?);
    let next = last.next(&EventRow {
        at_ns: row.get(2)?,
        actor: actor.as_deref(),
        kind: kind.as_deref().unwrap_or_default(),
        deployment: deployment.as_deref(),
        alert: alert.as_deref(),
        listed: row.get(7)?,
        withheld: withheld.as_deref(),
    });
    Ok((row.get(0)?, row.get::<_, Option<Vec<u8>>>(1)?.unwrap_or_default(), next))
}

/// Gives every event its link, where none has one: a database that an older version made.
pub(crate) fn link_older_events(connection: &Connection) -> Result<(), StoreError> {
    let doing = "linking the events of an older version";
    let linked = connection.query_row("SELECT count(*), count(chain) FROM events", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    if !matches!(linked.doing(doing)?, (1.., 0)) {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction().doing(doing)?;
    let mut last = Link::default();
    {
        let mut statement = transaction
            .prepare(
                "SELECT seq, chain, at_ns, actor, kind, deployment, alert, listed, withheld FROM events ORDER BY seq",
            )
            .doing(doing)?;
        let mut link = transaction.prepare("UPDATE events SET chain = ?2 WHERE seq = ?1").doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let (seq, _, next) = link_of(row, &last).doing(doing)?;
            link.execute(params![seq, next.hash]).doing(doing)?;
            last = next;
        }
    }
    transaction.commit().doing(doing)
}
