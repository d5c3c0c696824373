//! Alerts: raised together with their sealed evidence, looked at on the record, rebuilt from it.

use domain::{Adjudicated, AlertId, Closed, DeploymentId, Judgement, Live, Officer, Outcome, PendingAlert, Raised};
use evidence::{Entry, Fact};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};
use zeroize::Zeroizing;

use crate::deployments::refuse_above;
use crate::error::{Doing as _, StoreError};
use crate::recorded::Recorded;
use crate::sealing::{Commitment, Place, SALT_BYTES, SealingKey, fresh_salt, template_bytes};
use crate::store::Store;
use crate::watchlist::{IMAGE_BYTES_MAX, TEMPLATE_VALUES_MAX};

/// Random bytes in the name of an alert: enough that two are never the same.
const ALERT_ID_BYTES: usize = 8;

/// What is kept of a candidate: sealed, for a person to look at. The store adds entry and score.
pub struct Evidence {
    /// The face as it was seen, PNG.
    pub live_png: Zeroizing<Vec<u8>>,
    /// Its template.
    pub template: Zeroizing<Vec<f32>>,
    /// Number of the frame in its recording.
    pub frame_number: u64,
    /// Where in the recording, in milliseconds from its beginning.
    pub offset_ms: u64,
}

/// The evidence of an alert, opened for one look. Wiped when dropped.
pub struct Opened {
    /// The face as it was seen, PNG.
    pub live_png: Zeroizing<Vec<u8>>,
    /// How alike, in the model's own units.
    pub score: f32,
    /// Number of the watchlist entry.
    pub entry: u32,
    /// Number of the frame in its recording.
    pub frame_number: u64,
    /// Where in the recording, in milliseconds from its beginning.
    pub offset_ms: u64,
}

/// An alert in whichever state it is.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertState {
    /// Waits for a person.
    Raised(Raised),
    /// Judged; waits for what follows.
    Adjudicated(Adjudicated),
    /// It is known what followed.
    Closed(Closed),
}

impl AlertState {
    /// The alert as it was raised.
    pub fn raised(&self) -> &Raised {
        match self {
            Self::Raised(raised) => raised,
            Self::Adjudicated(adjudicated) => &adjudicated.alert,
            Self::Closed(closed) => &closed.alert.alert,
        }
    }

    /// The word for its state.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Raised(_) => "raised",
            Self::Adjudicated(_) => "adjudicated",
            Self::Closed(_) => "closed",
        }
    }
}

/// An alert as the control room lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// The alert in its present state.
    pub alert: AlertState,
    /// The camera that saw it.
    pub camera: String,
    /// Number of the watchlist entry.
    pub entry: u32,
    /// That entry's label.
    pub label: String,
    /// That entry's ground.
    pub ground: String,
    /// Seconds from raising to judgement, once judged.
    pub seconds_to_decide: Option<u64>,
}

impl Store {
    /// Records an alert together with its evidence, sealed. On return, and not before, a person may see it. On an
    /// error nothing was recorded and the evidence is wiped.
    pub fn raise_alert<F>(
        &mut self,
        pending: PendingAlert<F>,
        deployment: &Recorded<Live>,
        camera: &str,
        evidence: impl FnOnce(F) -> Evidence,
        now: Timestamp,
    ) -> Result<Recorded<Raised>, StoreError> {
        let d = deployment.plan().deployment.clone();
        let (face, pending) = pending.part();
        let evidence = evidence(face);
        refuse_above("a live image", evidence.live_png.len(), IMAGE_BYTES_MAX, "bytes")?;
        refuse_above("a template", evidence.template.len(), TEMPLATE_VALUES_MAX, "values")?;
        let key = self.key_folder().read(&d)?;
        let alert = fresh_id()?;
        let listing = self.listing_for(&key, &d, &alert, pending.entry())?;
        let particulars = Particulars {
            entry: pending.entry(),
            score: pending.score_value(),
            frame_number: evidence.frame_number,
            offset_ms: evidence.offset_ms,
        };
        let sealed = SealedAlert::seal(&key, &d, &alert, &particulars, &evidence)?;
        drop(evidence);
        let decided = domain::alert::raise(&pending, &d, alert.clone(), camera, sealed.commitment(), now);
        self.record(decided, |transaction, number| {
            sealed.insert(transaction, &d, &alert, number)?;
            listing.insert(transaction, &d, &alert)
        })
    }

    /// The alerts of a deployment, newest first. Empty once it is purged: what they were about is destroyed.
    pub fn alerts(&self, d: &DeploymentId) -> Result<Vec<AlertRow>, StoreError> {
        let sealed = self.sealed_particulars(d)?;
        if sealed.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.key_folder().read(d)?;
        let row = |(alert, sealed): (AlertId, Vec<u8>)| {
            let particulars = Particulars::open(&key, d, &alert, &sealed)?;
            let facts = self.alert_listing(d, &alert)?.facts;
            let entries = self.alert_entries(&alert)?;
            let state = replay(&entries).map_err(|found| damaged(&alert, found))?;
            let (mut camera, mut seconds) = (String::new(), None);
            for entry in &entries {
                match &entry.fact {
                    Fact::AlertRaised { camera: seen_by, .. } => camera.clone_from(seen_by),
                    Fact::AlertAdjudicated { seconds_to_decide, .. } => seconds = Some(*seconds_to_decide),
                    _ => {}
                }
            }
            Ok(AlertRow {
                alert: state,
                camera,
                entry: particulars.entry,
                label: facts.label,
                ground: facts.ground,
                seconds_to_decide: seconds,
            })
        };
        sealed.into_iter().map(row).collect()
    }

    /// An alert in its present state, rebuilt from its entries.
    pub fn alert(&self, a: &AlertId) -> Result<Recorded<AlertState>, StoreError> {
        let entries = self.alert_entries(a)?;
        if entries.is_empty() {
            return Err(StoreError::Unknown { what: "the alert", name: a.to_string() });
        }
        replay(&entries).map(Recorded::new).map_err(|found| damaged(a, found))
    }

    /// Opens the evidence of an alert for an officer to look at; that they did is recorded first.
    pub fn view_evidence(&mut self, a: &AlertId, officer: &Officer, now: Timestamp) -> Result<Opened, StoreError> {
        let alert = self.alert(a)?;
        let d = alert.raised().deployment.clone();
        let key = self.key_folder().read(&d)?;
        let decided = domain::alert::view(alert.raised(), officer, now)?;
        self.record(decided, |_, _| Ok(()))?;
        let doing = "reading an alert";
        let mut statement =
            self.connection.prepare_cached("SELECT particulars, live FROM alerts WHERE alert = ?1").doing(doing)?;
        let sealed: Option<(Vec<u8>, Vec<u8>)> =
            statement.query_row([a.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional().doing(doing)?;
        let Some((particulars, live)) = sealed else {
            return Err(damaged(a, "it is on the record, but its evidence is gone".into()));
        };
        let Particulars { entry, score, frame_number, offset_ms } = Particulars::open(&key, &d, a, &particulars)?;
        let live_png = key.open(&Place { deployment: &d, column: "alerts.live", row: a.as_str() }, &live)?;
        Ok(Opened { live_png, score, entry, frame_number, offset_ms })
    }

    /// The alerts of a deployment with their sealed particulars, newest first.
    pub(crate) fn sealed_particulars(&self, d: &DeploymentId) -> Result<Vec<(AlertId, Vec<u8>)>, StoreError> {
        let doing = "listing alerts";
        let mut statement = self
            .connection
            .prepare_cached("SELECT alert, particulars FROM alerts WHERE deployment = ?1 ORDER BY entry DESC")
            .doing(doing)?;
        let rows = statement
            .query_map([d.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .doing(doing)?;
        rows.map(|row| {
            let (alert, sealed) = row.doing(doing)?;
            Ok((alert_id(&alert)?, sealed))
        })
        .collect()
    }
}

/// Rebuilds an alert from every entry about it, oldest first; the sentence says what does not fit.
pub(crate) fn replay(entries: &[Entry]) -> Result<AlertState, String> {
    let mut state = None;
    for entry in entries {
        state = Some(follow(state, entry)?);
    }
    state.ok_or_else(|| "it was never raised".into())
}

fn follow(state: Option<AlertState>, entry: &Entry) -> Result<AlertState, String> {
    match (state, &entry.fact) {
        (None, Fact::AlertRaised { deployment, alert, expires, .. }) => Ok(AlertState::Raised(Raised {
            alert: AlertId::new(alert).map_err(|error| error.to_string())?,
            deployment: DeploymentId::new(deployment).map_err(|error| error.to_string())?,
            raised: entry.at,
            expires: *expires,
        })),
        (Some(AlertState::Raised(alert)), Fact::AlertAdjudicated { judgement, .. }) => {
            let word = judgement;
            let judgement = Judgement::from_word(word).ok_or_else(|| format!("{word:?} is no judgement"))?;
            Ok(AlertState::Adjudicated(Adjudicated { alert, judgement }))
        }
        (Some(AlertState::Adjudicated(alert)), Fact::OutcomeRecorded { outcome, .. }) => {
            let word = outcome;
            let outcome = Outcome::from_word(word).ok_or_else(|| format!("{word:?} is no outcome"))?;
            Ok(AlertState::Closed(Closed { alert, outcome }))
        }
        (Some(state), _) => Err(format!("it was {} and that allows nothing of the kind", state.state())),
        (None, _) => Err("it was never raised".into()),
    }
}

/// The alert that the database names.
pub(crate) fn alert_id(name: &str) -> Result<AlertId, StoreError> {
    AlertId::new(name).map_err(|error| StoreError::Damaged {
        what: "the name of an alert in the database".into(),
        found: error.to_string(),
    })
}

fn damaged(alert: &AlertId, found: String) -> StoreError {
    StoreError::Damaged { what: format!("alert {alert}"), found }
}

fn fresh_id() -> Result<AlertId, StoreError> {
    let mut bytes = [0; ALERT_ID_BYTES];
    getrandom::fill(&mut bytes).map_err(StoreError::Randomness)?;
    AlertId::new(&crate::policy_file::hexadecimal(&bytes))
        .map_err(|error| StoreError::Bug { doing: "naming an alert", found: error.to_string() })
}

/// The numbers that belong to an alert's evidence.
struct Particulars {
    entry: u32,
    score: f32,
    frame_number: u64,
    offset_ms: u64,
}

impl Particulars {
    const BYTES: usize = 24;

    fn bytes(&self) -> Zeroizing<[u8; Self::BYTES]> {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        bytes[..4].copy_from_slice(&self.entry.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.score.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.frame_number.to_le_bytes());
        bytes[16..].copy_from_slice(&self.offset_ms.to_le_bytes());
        bytes
    }

    fn open(key: &SealingKey, d: &DeploymentId, alert: &AlertId, sealed: &[u8]) -> Result<Self, StoreError> {
        let place = Place { deployment: d, column: "alerts.particulars", row: alert.as_str() };
        let bytes = key.open(&place, sealed)?;
        let read = || {
            let (entry, rest) = bytes.split_first_chunk()?;
            let (score, rest) = rest.split_first_chunk()?;
            let (frame_number, rest) = rest.split_first_chunk()?;
            let (offset_ms, rest) = rest.split_first_chunk()?;
            rest.is_empty().then_some(Self {
                entry: u32::from_le_bytes(*entry),
                score: f32::from_le_bytes(*score),
                frame_number: u64::from_le_bytes(*frame_number),
                offset_ms: u64::from_le_bytes(*offset_ms),
            })
        };
        read().ok_or_else(|| damaged(alert, format!("its particulars have {} bytes", bytes.len())))
    }
}

/// The evidence of an alert as it reaches the disk.
struct SealedAlert {
    salt: [u8; SALT_BYTES],
    particulars: Vec<u8>,
    live: Vec<u8>,
    template: Vec<u8>,
}

impl SealedAlert {
    fn seal(
        key: &SealingKey,
        d: &DeploymentId,
        alert: &AlertId,
        particulars: &Particulars,
        evidence: &Evidence,
    ) -> Result<Self, StoreError> {
        let place = |column| Place { deployment: d, column, row: alert.as_str() };
        Ok(Self {
            salt: fresh_salt()?,
            particulars: key.seal(&place("alerts.particulars"), particulars.bytes().as_ref())?,
            live: key.seal(&place("alerts.live"), &evidence.live_png)?,
            template: key.seal(&place("alerts.template"), &template_bytes(&evidence.template))?,
        })
    }

    fn commitment(&self) -> String {
        commitment(&self.salt, [&self.particulars, &self.live, &self.template])
    }

    fn insert(
        &self,
        transaction: &Transaction<'_>,
        d: &DeploymentId,
        alert: &AlertId,
        entry: Option<u64>,
    ) -> Result<(), StoreError> {
        transaction
            .prepare_cached(
                "INSERT INTO alerts (alert, entry, deployment, salt, particulars, live, template)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut statement| {
                let Self { salt, particulars, live, template } = self;
                statement.execute(params![alert.as_str(), entry, d.as_str(), salt, particulars, live, template])
            })
            .doing("keeping an alert")
            .map(drop)
    }
}

/// The commitment to an alert's sealed evidence: particulars, live image, template.
pub(crate) fn commitment(salt: &[u8], sealed: [&[u8]; 3]) -> String {
    let mut commitment = Commitment::new(salt);
    sealed.iter().for_each(|value| commitment.add(value));
    commitment.finish()
}

#[cfg(test)]
mod tests {
    use domain::{Refusal, Role};
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::{LABEL, LIVE_IMAGE, Scene, evidence, officer};

    #[test]
    fn an_alert_is_listed_opened_on_the_record_and_followed_to_its_outcome() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let (first, second) = (scene.alert(), scene.alert());
        let d = scene.d();
        let rows = scene.store().alerts(&d).unwrap();
        assert_eq!(rows.iter().map(|row| &row.alert.raised().alert).collect::<Vec<_>>(), [&second, &first]);
        let row = &rows[1];
        assert_eq!((row.camera.as_str(), row.entry, row.label.as_str()), ("c1", 2, LABEL));
        assert_eq!((row.ground.as_str(), row.seconds_to_decide), ("exercise subject", None));
        let (now, events) = (scene.tick(), event_count(&mut scene));
        let opened = scene.store().view_evidence(&first, &officer(Role::Operator), now).unwrap();
        assert_eq!((opened.live_png.as_slice(), opened.score, opened.entry), (LIVE_IMAGE, 0.75, 2));
        assert_eq!((opened.frame_number, opened.offset_ms), (77, 3080));
        assert_eq!(event_count(&mut scene), events + 1, "the look is an event");
        let refused = scene.store().view_evidence(&first, &officer(Role::Proposer), now);
        assert!(matches!(refused, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        assert_eq!(event_count(&mut scene), events + 1);
        scene.adjudicate(&first);
        scene.close_alert(&first);
        let rows = scene.store().alerts(&d).unwrap();
        assert!(matches!(rows[1].alert, AlertState::Closed(_)) && rows[1].seconds_to_decide > Some(0));
        assert!(matches!(rows[0].alert, AlertState::Raised(_)));
        scene.reopen();
        assert_eq!(scene.store().alerts(&d).unwrap(), rows);
    }

    #[test]
    fn an_alert_is_judged_once_and_seen_until_it_expires() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = scene.ended("kx-1");
        let AlertState::Raised(raised) = scene.store().alert(&alert).unwrap().into_inner() else { panic!("raised") };
        scene.adjudicate(&alert);
        let now = scene.tick();
        let again = raised.adjudicate(&officer(Role::Operator), Judgement::CannotTell, now).unwrap();
        assert!(matches!(scene.store().commit(again), Err(StoreError::Outdated { .. })));
        let now = scene.pass(SignedDuration::from_hours(24));
        let late = scene.store().view_evidence(&alert, &officer(Role::Operator), now);
        assert!(matches!(late, Err(StoreError::Refusal(Refusal::AlertExpired { .. }))));
        let unknown = AlertId::new("none").unwrap();
        assert!(matches!(scene.store().alert(&unknown), Err(StoreError::Unknown { .. })));
    }

    #[test]
    fn evidence_that_is_damaged_or_too_large_is_refused() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let alert = scene.alert();
        let (live, now) = (scene.deployment().expect_live().unwrap(), scene.tick());
        let pending = scene.candidate();
        let huge = || Evidence { live_png: Zeroizing::new(vec![0; IMAGE_BYTES_MAX + 1]), ..evidence() };
        let refused = scene.store().raise_alert(pending, &live, "c1", |()| huge(), now);
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
        let d = scene.d();
        assert_eq!(scene.store().alerts(&d).unwrap().len(), 1);
        scene.store().connection.execute("UPDATE alerts SET live = substr(live, 2)", []).unwrap();
        let broken = scene.store().view_evidence(&alert, &officer(Role::Operator), now).err().unwrap();
        assert!(matches!(broken, StoreError::SealBroken { .. }), "{broken}");
        let path = scene.store().key_folder().path(&d);
        std::fs::write(&path, [1; 32]).unwrap();
        assert!(matches!(scene.store().alerts(&d), Err(StoreError::KeyWrong { .. })));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(scene.store().alerts(&d), Err(StoreError::KeyMissing { .. })));
        let pending = scene.candidate();
        let refused = scene.store().raise_alert(pending, &live, "c1", |()| evidence(), now);
        assert!(matches!(refused, Err(StoreError::KeyMissing { .. })), "a lost key is never replaced");
    }

    fn event_count(scene: &mut Scene) -> u64 {
        scene.store().connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap()
    }
}
