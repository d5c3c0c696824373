//! Alerts: raised together with their sealed evidence, looked at on the record, rebuilt from it.

use domain::alert::Looks;
use domain::identifiers::NotAnIdentifier;
use domain::{Adjudicated, AlertId, AlertState, DeploymentId, Live, Officer, OfficerId, PendingAlert, Raised};
use evidence::Fact;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};
use zeroize::Zeroizing;

use crate::deployments::refuse_above;
use crate::error::{Doing as _, StoreError};
use crate::log::timestamp;
use crate::recorded::Recorded;
use crate::sealing::{Commitment, KeyState, Place, SALT_BYTES, SealingKey, fresh_salt, template_bytes};
use crate::seeds::Seed;
use crate::store::Store;
use crate::watchlist::{IMAGE_BYTES_MAX, TEMPLATE_VALUES_MAX};

/// Random bytes in the name of an alert or a complaint: enough that two are never the same.
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

/// The evidence of an alert, opened for one look. Wiped when dropped. Whoever judges is shown this and no score.
pub struct Opened {
    /// The face as it was seen, PNG.
    pub live_png: Zeroizing<Vec<u8>>,
    /// Number of the watchlist entry.
    pub entry: u32,
}

/// What is told of an alert only to those who come after its judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertParticulars {
    /// How alike, in the model's own units.
    pub score: f32,
    /// Number of the frame in its recording.
    pub frame_number: u64,
    /// Where in the recording, in milliseconds from its beginning.
    pub offset_ms: u64,
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

    /// The alerts of a deployment, newest first, and among them the seeded pairs that were shown. Empty once it is
    /// purged: what they were about is destroyed.
    pub fn alerts(&self, d: &DeploymentId) -> Result<Vec<AlertRow>, StoreError> {
        let (sealed, mut seeds) = (self.sealed_particulars(d)?, self.shown_seeds(d)?);
        if self.watchlist_keys().state(d)? != KeyState::InUse {
            // Both pictures of a pair are of the list, and gone with it when the deployment ended.
            seeds.clear();
        }
        if sealed.is_empty() && seeds.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.key_folder().read(d)?;
        let mut rows = Vec::with_capacity(sealed.len() + seeds.len());
        for (alert, sealed) in sealed {
            let particulars = Particulars::open(&key, d, &alert, &sealed)?;
            rows.push(self.alert_row(&alert, particulars.entry)?);
        }
        for alert in seeds {
            if let Some(seed) = self.seed(&alert)? {
                rows.push(self.seed_row(&alert, &seed)?);
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.alert.raised().raised));
        Ok(rows)
    }

    /// An alert in its present state, rebuilt from its entries; a seeded pair from what is kept of it.
    pub fn alert(&self, a: &AlertId) -> Result<Recorded<AlertState>, StoreError> {
        let history = self.alert_history(a)?;
        if history.is_empty() {
            let seed = self.seed_state(a)?;
            return seed
                .map(Recorded::new)
                .ok_or_else(|| StoreError::Unknown { what: "the alert", name: a.to_string() });
        }
        AlertState::replay(&history, self.looks(a)?).map(Recorded::new).map_err(|found| damaged(a, found))
    }

    /// Opens the evidence of an alert for an officer to look at; that they did is recorded first, and the time they take
    /// to judge is counted from their first look. The score is not in it.
    pub fn view_evidence(&mut self, a: &AlertId, officer: &Officer, now: Timestamp) -> Result<Opened, StoreError> {
        let alert = self.alert(a)?;
        let d = alert.raised().deployment.clone();
        self.key_folder().read(&d)?;
        let decided = domain::alert::view(alert.raised(), officer, now)?;
        self.record(decided, |_, _| Ok(()))?;
        match self.seed(a)? {
            None => Ok(self.open_evidence(a, &d)?.0),
            Some(seed) => {
                let live_png = self.listed_image(&d, seed.pair.shown)?;
                Ok(Opened { live_png, entry: seed.pair.listed })
            }
        }
    }

    /// The score of an alert and where it was seen, for an officer to look at once it is judged: there is no asking
    /// without the judgement. Nothing for a seeded pair, of which no score was ever made.
    pub fn view_particulars(
        &mut self,
        judged: &Recorded<Adjudicated>,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<Option<AlertParticulars>, StoreError> {
        let (a, d) = (&judged.alert.alert, &judged.alert.deployment);
        self.record(domain::alert::view(&judged.alert, officer, now)?, |_, _| Ok(()))?;
        if self.seed(a)?.is_some() {
            return Ok(None);
        }
        let (_, Particulars { score, frame_number, offset_ms, .. }) = self.open_evidence(a, d)?;
        Ok(Some(AlertParticulars { score, frame_number, offset_ms }))
    }

    /// The evidence of an alert, opened with its deployment's key.
    pub(crate) fn open_evidence(&self, a: &AlertId, d: &DeploymentId) -> Result<(Opened, Particulars), StoreError> {
        let key = self.key_folder().read(d)?;
        let doing = "reading an alert";
        let mut statement =
            self.connection.prepare_cached("SELECT particulars, live FROM alerts WHERE alert = ?1").doing(doing)?;
        let sealed: Option<(Vec<u8>, Vec<u8>)> =
            statement.query_row([a.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional().doing(doing)?;
        let Some((particulars, live)) = sealed else {
            return Err(damaged(a, "it is on the record, but its evidence is gone".into()));
        };
        let particulars = Particulars::open(&key, d, a, &particulars)?;
        let live_png = key.open(&Place { deployment: d, column: "alerts.live", row: a.as_str() }, &live)?;
        Ok((Opened { live_png, entry: particulars.entry }, particulars))
    }

    /// When each officer first looked at an alert.
    pub(crate) fn looks(&self, a: &AlertId) -> Result<Looks, StoreError> {
        let doing = "reading who looked at an alert";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT actor, min(at_ns) FROM events
                 WHERE alert = ?1 AND kind = 'alert-viewed' AND actor IS NOT NULL GROUP BY actor",
            )
            .doing(doing)?;
        let mut rows = statement.query([a.as_str()]).doing(doing)?;
        let mut looks = Looks::new();
        while let Some(row) = rows.next().doing(doing)? {
            let actor: String = row.get(0).doing(doing)?;
            let officer = OfficerId::new(&actor).map_err(|error| damaged(a, error.to_string()))?;
            looks.insert(officer, timestamp(row.get(1).doing(doing)?)?);
        }
        Ok(looks)
    }

    fn alert_row(&self, a: &AlertId, entry: u32) -> Result<AlertRow, StoreError> {
        let history = self.alert_history(a)?;
        let (mut camera, mut seconds) = (String::new(), None);
        for recollection in &history {
            match &recollection.entry.fact {
                Fact::AlertRaised { camera: seen_by, .. } => camera.clone_from(seen_by),
                Fact::AlertAdjudicated { seconds_to_decide, .. } | Fact::AlertJudgedTwice { seconds_to_decide, .. } => {
                    seconds = Some(*seconds_to_decide)
                }
                _ => {}
            }
        }
        let alert = AlertState::replay(&history, self.looks(a)?).map_err(|found| damaged(a, found))?;
        let facts = self.alert_listing(&alert.raised().deployment, a)?.facts;
        Ok(AlertRow { alert, camera, entry, label: facts.label, ground: facts.ground, seconds_to_decide: seconds })
    }

    fn seed_row(&self, a: &AlertId, seed: &Seed) -> Result<AlertRow, StoreError> {
        let alert = self.seed_state(a)?.ok_or_else(|| damaged(a, "its pair was never shown".into()))?;
        let key = self.watchlist_keys().read(&seed.deployment)?;
        let facts = self.listed_facts(&key, &seed.deployment, seed.pair.listed)?.facts;
        let judged = alert.adjudicated().is_some();
        let last = self.seed_judgements(a)?.last().map(|judgement| judgement.seconds_to_decide);
        Ok(AlertRow {
            alert,
            camera: seed.camera.clone(),
            entry: seed.pair.listed,
            label: facts.label,
            ground: facts.ground,
            seconds_to_decide: last.filter(|_| judged),
        })
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

/// A random name for an alert.
pub(crate) fn fresh_id() -> Result<AlertId, StoreError> {
    random_name(AlertId::new)
}

/// A random name, as an identifier of any kind.
pub(crate) fn random_name<T>(name: impl FnOnce(&str) -> Result<T, NotAnIdentifier>) -> Result<T, StoreError> {
    let mut bytes = [0; ALERT_ID_BYTES];
    getrandom::fill(&mut bytes).map_err(StoreError::Randomness)?;
    name(&crate::policy_file::hexadecimal(&bytes))
        .map_err(|error| StoreError::Bug { doing: "making a random name", found: error.to_string() })
}

/// The numbers that belong to an alert's evidence.
pub(crate) struct Particulars {
    pub(crate) entry: u32,
    pub(crate) score: f32,
    pub(crate) frame_number: u64,
    pub(crate) offset_ms: u64,
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
        Self::read(alert, &key.open(&place, sealed)?)
    }

    /// From their bytes, opened.
    pub(crate) fn read(alert: &AlertId, bytes: &[u8]) -> Result<Self, StoreError> {
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
    use domain::{AlertRefusal, Judgement, Refusal, Role};
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
        assert_eq!((opened.live_png.as_slice(), opened.entry), (LIVE_IMAGE, 2));
        assert_eq!(event_count(&mut scene), events + 1, "the look is an event");
        let refused = scene.store().view_evidence(&first, &officer(Role::Proposer), now);
        assert!(matches!(refused, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        assert_eq!(event_count(&mut scene), events + 1);
        let early = scene.store().alert(&first).unwrap().expect_adjudicated().unwrap_err();
        assert_eq!(early, AlertRefusal::NotJudged { state: "raised" }.into());
        scene.adjudicate(&first);
        let (judged, now) = (scene.store().alert(&first).unwrap().expect_adjudicated().unwrap(), scene.tick());
        let told = scene.store().view_particulars(&judged, &officer(Role::Operator), now).unwrap().unwrap();
        assert_eq!(told, AlertParticulars { score: 0.75, frame_number: 77, offset_ms: 3080 });
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
        let (now, policy) = (scene.tick(), scene.store().policy().unwrap().unwrap());
        let unseen = scene.store().judge(&alert, &officer(Role::Operator), Judgement::CannotTell, now);
        let refusal = Refusal::from(AlertRefusal::EvidenceNotSeen);
        assert!(matches!(unseen, Err(StoreError::Refusal(found)) if found == refusal));
        scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
        let AlertState::Raised(raised) = scene.store().alert(&alert).unwrap().into_inner() else { panic!("raised") };
        scene.adjudicate(&alert);
        let now = scene.tick();
        let again = raised.adjudicate(&officer(Role::Operator), Judgement::CannotTell, &policy, now).unwrap();
        assert!(matches!(scene.store().commit(again), Err(StoreError::Outdated { .. })));
        let again = scene.store().judge(&alert, &officer(Role::Operator), Judgement::CannotTell, now);
        assert!(matches!(again, Err(StoreError::Outdated { .. })));
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
