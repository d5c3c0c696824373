//! Recording: an event, its line on the public record and whatever goes with them, in one transaction; and reading back.

use domain::alert::Looks;
use domain::deployment::{Inconsistent, Recollection};
use domain::{
    Actor, AlertId, AlertState, Complaint, Decided, Deployment, DeploymentId, Event, Happening, Hold, OfficerId,
    Publication, Refusal, Share, StaffChange, Withheld,
};
use evidence::{Entry, TileStorage as _, line};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use crate::chain::{EventRow, Link};
use crate::error::{Doing as _, DoingWith as _, StoreError};
use crate::recorded::Recorded;
use crate::store::Store;

/// The deployment asked for last, as far as its entries were read.
pub(crate) struct Remembered {
    deployment: DeploymentId,
    /// The last event read.
    until: i64,
    /// Number of entries read.
    entries: usize,
    state: Option<Deployment>,
}

impl Store {
    /// The entries on the public record, of one deployment or all, oldest first, each with its number in the log.
    pub fn entries(&self, d: Option<&DeploymentId>) -> Result<Vec<(u64, Entry)>, StoreError> {
        const ALL: &str = "SELECT seq, bytes FROM entries WHERE ?1 IS NULL ORDER BY seq";
        const OF_ONE: &str = "SELECT n.seq, n.bytes FROM events v JOIN entries n ON n.event = v.seq
                              WHERE v.deployment = ?1 ORDER BY v.seq";
        let doing = "reading the record";
        let mut statement = self.connection.prepare_cached(if d.is_some() { OF_ONE } else { ALL }).doing(doing)?;
        let mut rows = statement.query([d.map(DeploymentId::as_str)]).doing(doing)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let number: u64 = row.get(0).doing(doing)?;
            entries.push((number, entry_of(row, 1, number)?));
        }
        Ok(entries)
    }

    /// Records a decision and, in the same transaction, whatever goes `beside` it: that is given the number of the
    /// entry, if there is one. `Recorded` is made only after the commit returned.
    pub(crate) fn record<T>(
        &mut self,
        decided: Decided<T>,
        beside: impl FnOnce(&Transaction<'_>, Option<u64>) -> Result<(), StoreError>,
    ) -> Result<Recorded<T>, StoreError> {
        let (state, event) = decided.into_parts();
        let publication = self.expect_recordable(&event)?;
        let doing = "recording";
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).doing(doing)?;
        let number = insert(&transaction, &event, &publication)?;
        beside(&transaction, number)?;
        transaction.commit().doing(doing)?;
        Ok(Recorded::new(state))
    }

    /// Records a decision about a text that is public from then on. The file is written last before the commit, so that
    /// what is on the record can be read by anyone; where the commit fails the file goes again.
    pub(crate) fn record_with_text<T>(
        &mut self,
        decided: Decided<T>,
        path: &str,
        text: &str,
        beside: impl FnOnce(&Transaction<'_>, Option<u64>) -> Result<(), StoreError>,
    ) -> Result<Recorded<T>, StoreError> {
        let mut tiles = self.directory.tiles();
        let place = self.directory.public().join(path);
        let was_there = place.exists();
        let recorded = self.record(decided, |transaction, number| {
            beside(transaction, number)?;
            tiles.write(path, text.as_bytes()).doing_with("writing", &place)
        });
        if recorded.is_err() && !was_there {
            // Whether it was written or not; that it stays is found by the check.
            let _ = crate::directory::remove(&place);
        }
        recorded
    }

    /// Writes an event in a transaction that somebody else ends.
    pub(crate) fn insert_event(&self, event: &Event) -> Result<(), StoreError> {
        let publication = self.expect_recordable(event)?;
        insert(&self.connection, event, &publication).map(drop)
    }

    /// What the record will say of an event, if it follows from what is on the record now.
    fn expect_recordable(&self, event: &Event) -> Result<Publication, StoreError> {
        let publication = event.publication();
        self.refuse_earlier(event.at)?;
        if let Publication::Publish(entry) = &publication {
            self.refuse_outdated(event, entry)?;
            self.refuse_other_threshold(entry)?;
        }
        Ok(publication)
    }

    /// Refuses what is dated before the last thing recorded.
    pub(crate) fn refuse_earlier(&self, at: Timestamp) -> Result<(), StoreError> {
        match self.last_recorded()? {
            Some(last) if at < last => Err(Refusal::ClockWentBack { last }.into()),
            _ => Ok(()),
        }
    }

    /// When the last thing was recorded.
    pub(crate) fn last_recorded(&self) -> Result<Option<Timestamp>, StoreError> {
        let doing = "reading the last event";
        let mut statement =
            self.connection.prepare_cached("SELECT at_ns FROM events ORDER BY seq DESC LIMIT 1").doing(doing)?;
        let at: Option<i64> = statement.query_row([], |row| row.get(0)).optional().doing(doing)?;
        at.map(timestamp).transpose()
    }

    /// The deployment as its entries tell it; nothing where there are none. The one asked for last stays in memory:
    /// entries are only ever added, so what was read stays true and only newer ones are read.
    pub(crate) fn replayed(&self, d: &DeploymentId) -> Result<Option<Deployment>, StoreError> {
        let remembered = self.remembered.take().filter(|remembered| remembered.deployment == *d);
        let mut remembered =
            remembered.unwrap_or_else(|| Remembered { deployment: d.clone(), until: 0, entries: 0, state: None });
        let doing = "reading a deployment";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT n.seq, n.bytes, v.actor, v.seq FROM events v JOIN entries n ON n.event = v.seq
                 WHERE v.deployment = ?1 AND v.seq > ?2 ORDER BY v.seq",
            )
            .doing(doing)?;
        let mut rows = statement.query(params![d.as_str(), remembered.until]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let number: u64 = row.get(0).doing(doing)?;
            let actor = actor_of(row.get(2).doing(doing)?, number)?;
            let recollection = Recollection { actor, entry: entry_of(row, 1, number)? };
            let next = Deployment::after(remembered.state.take(), &recollection);
            let next = next.map_err(|found| Inconsistent { position: remembered.entries, found });
            remembered.state = Some(next.map_err(|inconsistent| StoreError::Damaged {
                what: format!("deployment {d}"),
                found: inconsistent.to_string(),
            })?);
            remembered.entries += 1;
            remembered.until = row.get(3).doing(doing)?;
        }
        let state = remembered.state.clone();
        self.remembered.replace(Some(remembered));
        Ok(state)
    }

    /// The entries about one alert, oldest first, with who acted.
    pub(crate) fn alert_history(&self, alert: &AlertId) -> Result<Vec<Recollection>, StoreError> {
        let doing = "reading an alert";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT n.seq, n.bytes, v.actor FROM events v JOIN entries n ON n.event = v.seq
                 WHERE v.alert = ?1 ORDER BY v.seq",
            )
            .doing(doing)?;
        let mut rows = statement.query([alert.as_str()]).doing(doing)?;
        let mut history = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            history.push(recollection_of(row)?);
        }
        Ok(history)
    }

    /// Refuses a decision that does not follow from what is on the record now: somebody else has decided meanwhile.
    fn refuse_outdated(&self, event: &Event, entry: &Entry) -> Result<(), StoreError> {
        let about = About::of(&event.happening);
        if let Some(deployment) = about.deployment {
            let recollection = Recollection { actor: event.actor.clone(), entry: entry.clone() };
            Deployment::after(self.replayed(deployment)?, &recollection)
                .map_err(|found| StoreError::Outdated { name: format!("deployment {deployment}"), found })?;
        }
        let last = || Recollection { actor: event.actor.clone(), entry: entry.clone() };
        let followed =
            |name: String, replayed: Result<(), String>| replayed.map_err(|found| StoreError::Outdated { name, found });
        if let Some(alert) = about.alert {
            let mut history = self.alert_history(alert)?;
            history.push(last());
            let replayed = AlertState::replay(&history, Looks::new()).and_then(|_| Hold::replay(&history));
            followed(format!("alert {alert}"), replayed.map(drop))?;
        }
        match &event.happening {
            Happening::ShareStep(step) => {
                let mut history = self.share_history()?;
                history.push(last());
                followed(format!("share {}", step.share()), Share::replay(step.share(), &history).map(drop))
            }
            Happening::ComplaintStep(step) => {
                let mut history = self.complaint_history()?;
                history.push(last());
                let replayed = Complaint::replay(step.complaint(), &history).map(drop);
                followed(format!("complaint {}", step.complaint()), replayed)
            }
            _ => Ok(()),
        }
    }
}

/// Number of entries in the database.
pub(crate) fn entry_count(connection: &Connection) -> Result<u64, StoreError> {
    let doing = "counting entries";
    let mut statement = connection.prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM entries").doing(doing)?;
    statement.query_row([], |row| row.get(0)).doing(doing)
}

/// RFC 6962, section 2.1: the hash of an entry in the tree.
pub(crate) fn leaf_hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

/// A moment as the database holds it: nanoseconds since 1970.
pub(crate) fn nanoseconds(at: Timestamp) -> Result<i64, StoreError> {
    i64::try_from(at.as_nanosecond())
        .map_err(|_| StoreError::Bug { doing: "writing a date", found: format!("{at} is out of range") })
}

/// The moment that the database holds.
pub(crate) fn timestamp(nanoseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_nanosecond(i128::from(nanoseconds))
        .map_err(|error| StoreError::Damaged { what: "a date in the database".into(), found: error.to_string() })
}

/// The entry in this column, which is number `number` of the log.
pub(crate) fn entry_of(row: &Row<'_>, column: usize, number: u64) -> Result<Entry, StoreError> {
    let bytes = row.get_ref(column).doing("reading an entry")?;
    let found = |found: String| StoreError::Damaged { what: format!("entry {number} in the database"), found };
    let bytes = bytes.as_blob().map_err(|error| found(error.to_string()))?;
    line::decode(bytes).map_err(|error| found(error.to_string()))
}

/// An entry with who acted, from a row of number, bytes and actor.
pub(crate) fn recollection_of(row: &Row<'_>) -> Result<Recollection, StoreError> {
    let doing = "reading the record";
    let number: u64 = row.get(0).doing(doing)?;
    Ok(Recollection { actor: actor_of(row.get(2).doing(doing)?, number)?, entry: entry_of(row, 1, number)? })
}

pub(crate) fn actor_of(actor: Option<String>, number: u64) -> Result<Actor, StoreError> {
    let Some(officer) = actor else { return Ok(Actor::System) };
    OfficerId::new(&officer)
        .map(Actor::Officer)
        .map_err(|error| StoreError::Damaged { what: format!("who acted in entry {number}"), found: error.to_string() })
}

/// Writes the event and its entry; returns the entry's number in the log, if there is one.
fn insert(transaction: &Connection, event: &Event, publication: &Publication) -> Result<Option<u64>, StoreError> {
    let doing = "writing an event";
    let About { deployment, alert, listed } = About::of(&event.happening);
    let (entry, withheld) = match publication {
        Publication::Publish(entry) => (Some(line::encode(entry)?), None),
        Publication::Withhold(reason) => (None, Some(withheld_word(*reason))),
    };
    let actor = match &event.actor {
        Actor::Officer(officer) => Some(officer.as_str()),
        Actor::System => None,
    };
    let row = EventRow {
        at_ns: nanoseconds(event.at)?,
        actor,
        kind: kind_word(&event.happening),
        deployment: deployment.map(DeploymentId::as_str),
        alert: alert.map(AlertId::as_str),
        listed,
        withheld,
    };
    let link = Link::last(transaction)?.next(&row);
    transaction
        .prepare_cached(
            "INSERT INTO events (seq, at_ns, actor, kind, deployment, alert, listed, withheld, chain)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .and_then(|mut statement| {
            let EventRow { at_ns, actor, kind, deployment, alert, listed, withheld } = row;
            statement.execute(params![link.seq, at_ns, actor, kind, deployment, alert, listed, withheld, link.hash])
        })
        .doing(doing)?;
    let Some(bytes) = entry else { return Ok(None) };
    let (number, event) = (entry_count(transaction)?, link.seq);
    transaction
        .prepare_cached("INSERT INTO entries (seq, event, bytes, leaf_hash) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut statement| statement.execute(params![number, event, bytes, leaf_hash(&bytes)]))
        .doing("writing an entry")?;
    Ok(Some(number))
}

/// What an event is about, as far as it is looked up later.
struct About<'a> {
    deployment: Option<&'a DeploymentId>,
    alert: Option<&'a AlertId>,
    listed: Option<u32>,
}

impl<'a> About<'a> {
    fn of(happening: &'a Happening) -> Self {
        use Happening as H;
        let (deployment, alert, listed) = match happening {
            H::PolicyAdopted { .. }
            | H::OperationOpened { .. }
            | H::StaffChanged { .. }
            | H::ThresholdProposed { .. }
            | H::ThresholdSet { .. }
            | H::StaffCounted { .. }
            | H::KeyRotated { .. } => (None, None, None),
            H::Proposed { plan } => (Some(&plan.deployment), None, None),
            H::WatchlistEntryAdded { deployment, number }
            | H::WatchlistEntryRemoved { deployment, number }
            | H::HigherApprovalGiven { deployment, number } => (Some(deployment), None, Some(*number)),
            H::LikenessAcknowledged { deployment, second, .. } => (Some(deployment), None, Some(*second)),
            H::SuppressionEntered { deployment, alert, .. } | H::SuppressionErased { deployment, alert } => {
                (Some(deployment), Some(alert), None)
            }
            H::AlertsSuppressed { deployment, .. }
            | H::WatchlistDestroyed { deployment, .. }
            | H::ListedAsked { deployment }
            | H::CommitmentsDestroyed { deployment, .. } => (Some(deployment), None, None),
            H::AlertRaised { deployment, alert, .. }
            | H::AlertViewed { deployment, alert }
            | H::AlertAdjudicated { deployment, alert, .. }
            | H::OutcomeRecorded { deployment, alert, .. } => (Some(deployment), Some(alert), None),
            H::Declared(declared) => (Some(declared.deployment()), None, None),
            H::AlertStep(step) => (Some(step.deployment()), step.alert(), None),
            H::ComplaintStep(_) | H::ShareStep(_) => (None, None, None),
            H::Approved { deployment, .. }
            | H::ApprovedUrgently { deployment, .. }
            | H::Ratified { deployment, .. }
            | H::OutsideAuthorised { deployment, .. }
            | H::DocumentFilled { deployment, .. }
            | H::Tripped { deployment, .. }
            | H::TripCleared { deployment, .. }
            | H::ResultsPublished { deployment, .. }
            | H::NoticePublished { deployment, .. }
            | H::WatchlistFrozen { deployment, .. }
            | H::SignageConfirmed { deployment, .. }
            | H::Started { deployment, .. }
            | H::Paused { deployment, .. }
            | H::Resumed { deployment }
            | H::MinuteCounted { deployment, .. }
            | H::Ended { deployment, .. }
            | H::Purged { deployment, .. }
            | H::Withdrawn { deployment, .. } => (Some(deployment), None, None),
        };
        Self { deployment, alert, listed }
    }
}

/// The word for an event in the database; for a published one it is the word on the record.
pub(crate) fn kind_word(happening: &Happening) -> &'static str {
    use Happening as H;
    match happening {
        H::PolicyAdopted { .. } => "policy-adopted",
        H::OperationOpened { .. } => "operation-opened",
        H::Proposed { .. } => "deployment-proposed",
        H::StaffChanged { change, .. } => match change {
            StaffChange::Enrolled => "staff-enrolled",
            StaffChange::TrainingRenewed => "staff-training-renewed",
            StaffChange::Assigned => "staff-assigned",
            StaffChange::Suspended => "staff-suspended",
            StaffChange::Reinstated => "staff-reinstated",
        },
        H::StaffCounted { .. } => "staff-counted",
        H::ThresholdProposed { .. } => "threshold-proposed",
        H::ThresholdSet { .. } => "threshold-set",
        H::Approved { .. } => "deployment-approved",
        H::ApprovedUrgently { .. } => "deployment-approved-urgently",
        H::Ratified { .. } => "deployment-ratified",
        H::OutsideAuthorised { .. } => "outside-authorised",
        H::DocumentFilled { .. } => "document-filled",
        H::Tripped { .. } => "deployment-tripped",
        H::TripCleared { .. } => "trip-cleared",
        H::ResultsPublished { .. } => "results-published",
        H::NoticePublished { .. } => "notice-published",
        H::WatchlistEntryAdded { .. } => "watchlist-entry-added",
        H::WatchlistEntryRemoved { .. } => "watchlist-entry-removed",
        H::HigherApprovalGiven { .. } => "higher-approval-given",
        H::LikenessAcknowledged { .. } => "likeness-acknowledged",
        H::AlertsSuppressed { .. } => "alerts-suppressed",
        H::WatchlistDestroyed { .. } => "watchlist-destroyed",
        H::SuppressionEntered { .. } => "suppression-entered",
        H::SuppressionErased { .. } => "suppression-erased",
        H::ListedAsked { .. } => "listed-asked",
        H::CommitmentsDestroyed { .. } => "commitments-destroyed",
        H::WatchlistFrozen { .. } => "watchlist-frozen",
        H::SignageConfirmed { .. } => "signage-confirmed",
        H::Declared(declared) => declared.kind(),
        H::Started { .. } => "deployment-started",
        H::Paused { .. } => "deployment-paused",
        H::Resumed { .. } => "deployment-resumed",
        H::AlertRaised { .. } => "alert-raised",
        H::AlertViewed { .. } => "alert-viewed",
        H::AlertAdjudicated { .. } => "alert-adjudicated",
        H::OutcomeRecorded { .. } => "outcome-recorded",
        H::AlertStep(step) => step.kind(),
        H::ComplaintStep(step) => step.kind(),
        H::ShareStep(step) => step.kind(),
        H::MinuteCounted { .. } => "deletion-receipt",
        H::Ended { .. } => "deployment-ended",
        H::Purged { .. } => "deployment-purged",
        H::Withdrawn { .. } => "deployment-withdrawn",
        H::KeyRotated { .. } => "key-rotated",
    }
}

fn withheld_word(withheld: Withheld) -> &'static str {
    match withheld {
        Withheld::WouldPointAtOnePerson => "would point at one person",
        Withheld::StaffConduct => "staff conduct",
        Withheld::KeyCustody => "custody of keys",
        Withheld::WouldTellReviewers => "would tell reviewers",
        Withheld::StaffRegister => "staff register",
    }
}
