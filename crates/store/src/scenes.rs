//! What the tests of this crate share: one exercise, taken step by step from nothing to purged, on a real disk.

use std::fs;
use std::path::{Path, PathBuf};

use domain::{
    Age, AlertId, Counts, Deployment, DeploymentId, Draft, Ended, EntryFacts, Equipment, Judgement, Kind, ModelId,
    Nearest, Officer, OfficerId, Operation, OperationId, Outcome, Plan, Policy, Reference, Retention, Role, Score,
    Settlement, Tally, Threshold, settle,
};
use evidence::{FetchError, Published};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::disclosure::{COLUMNS, Storage};
pub(crate) use crate::remnants::{files_holding, holding, remnants};
use crate::{AlertState, EXERCISE_POLICY, Evidence, NewEntry, Recorded, Store, StoreError};

/// Bytes that stand for images and can be looked for on the disk.
pub(crate) const LISTED_IMAGE: &[u8] = b"PNG of exercise subject, as listed: 0123456789abcdefghijklmnopqrstuvwxyz";
pub(crate) const LIVE_IMAGE: &[u8] = b"PNG of a passer-by, as seen: zyxwvutsrqponmlkjihgfedcba9876543210";
pub(crate) const LABEL: &str = "exercise subject 1";
/// The outside reference of the person of that label.
pub(crate) const REFERENCE: &str = "AB/12/3456";

/// One store in a folder of its own, and a clock set by hand.
pub(crate) struct Scene {
    dir: PathBuf,
    /// What the data directory is in, if it is to be deleted when dropped.
    _folder: Option<TempDir>,
    /// Entries told of so far, where every entry is told of on the standard output as soon as it is recorded.
    told: Option<u64>,
    store: Option<Store>,
    now: Timestamp,
    /// Whether the store is closed and opened again after each step.
    restarts: bool,
    deployment: &'static str,
    tally: Tally,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    /// In memory instead of on the disk: what is written survives a killed process all the same, and costs no waiting.
    pub(crate) fn in_memory() -> Self {
        Self::in_folder(folder_in_memory())
    }

    fn in_folder(folder: TempDir) -> Self {
        let scene = Self::at(&folder.path().join("data"));
        Self { _folder: Some(folder), ..scene }
    }

    /// Makes the store in a folder, or opens it where there is one and goes on after the last thing recorded.
    pub(crate) fn at(dir: &Path) -> Self {
        let store = match Store::open(dir) {
            Err(StoreError::NotAStore { .. }) => Store::create(dir, "overt.example/exercise").unwrap(),
            store => store.unwrap(),
        };
        let now = store.last_recorded().unwrap().unwrap_or("2026-03-01T09:00:00Z".parse().unwrap());
        Self { store: Some(store), ..Self::closed(dir, now) }
    }

    fn closed(dir: &Path, now: Timestamp) -> Self {
        Self {
            dir: dir.to_owned(),
            _folder: None,
            told: None,
            store: None,
            now,
            restarts: false,
            deployment: "kx-1",
            tally: Tally::new(),
        }
    }

    /// The same scene on a copy of its data directory, both closed.
    pub(crate) fn copied(&mut self) -> Self {
        self.close();
        let folder = folder_in_memory();
        let dir = folder.path().join("data");
        copy_folder(&self.dir, &dir);
        Self { _folder: Some(folder), deployment: self.deployment, tally: self.tally, ..Self::closed(&dir, self.now) }
    }

    pub(crate) fn with_restarts() -> Self {
        Self { restarts: true, ..Self::new() }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.clone()
    }

    /// From now on every entry is told of as soon as it is recorded.
    pub(crate) fn tell(&mut self) {
        let told = *self.told.get_or_insert(0);
        for (number, hash) in leaf_hashes(self.store()).into_iter().skip(told as usize) {
            println!("recorded {number} {hash}");
            self.told = Some(number + 1);
        }
    }

    fn tell_if_asked(&mut self) {
        if self.told.is_some() {
            self.tell();
        }
    }

    pub(crate) fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    /// What the clock shows.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// A second later.
    pub(crate) fn tick(&mut self) -> Timestamp {
        self.pass(SignedDuration::from_secs(1))
    }

    pub(crate) fn pass(&mut self, time: SignedDuration) -> Timestamp {
        self.now += time;
        self.now
    }

    /// Sets the clock.
    pub(crate) fn set(&mut self, now: Timestamp) {
        self.now = now;
    }

    pub(crate) fn close(&mut self) {
        self.store = None;
    }

    pub(crate) fn reopen(&mut self) {
        self.try_reopen().unwrap();
    }

    pub(crate) fn try_reopen(&mut self) -> Result<(), StoreError> {
        self.close();
        self.store = Some(open_when_free(&self.dir())?);
        Ok(())
    }

    /// Turns to another deployment.
    pub(crate) fn turn_to(&mut self, deployment: &'static str) {
        self.deployment = deployment;
    }

    /// The deployment, if there is one.
    pub(crate) fn state(&mut self) -> Option<Deployment> {
        let d = self.d();
        self.store().deployment(&d).ok().map(Recorded::into_inner)
    }

    pub(crate) fn d(&self) -> DeploymentId {
        DeploymentId::new(self.deployment).unwrap()
    }

    pub(crate) fn deployment(&mut self) -> Recorded<Deployment> {
        let d = self.d();
        self.store().deployment(&d).unwrap()
    }

    /// After each step: what the step returned is what the record tells, also after a restart.
    fn stepped(&mut self, state: Deployment) {
        self.tell_if_asked();
        assert_eq!(*self.deployment(), state);
        if self.restarts {
            self.reopen();
            assert_eq!(*self.deployment(), state);
        }
    }

    pub(crate) fn policy(&mut self) -> Policy {
        let now = self.tick();
        self.store().adopt_policy(&exercise_policy(), &officer(Role::AuthorisingOfficer), now).unwrap().into_inner()
    }

    pub(crate) fn operation(&mut self) {
        let (policy, now) = (self.policy(), self.tick());
        let opened = operation().open(&officer(Role::AuthorisingOfficer), &policy, now).unwrap();
        self.store().commit(opened).unwrap();
    }

    /// The plan of the deployment, beginning now.
    pub(crate) fn plan(&self, now: Timestamp) -> Plan {
        Plan {
            deployment: self.d(),
            operation: OperationId::new("op-1").unwrap(),
            kind: Kind::Exercise,
            purpose: "training and demonstration".into(),
            place: "concourse".into(),
            place_ground: "recorded files".into(),
            place_evidence: "ab".repeat(32),
            cameras: 1,
            starts: now,
            ends: now + SignedDuration::from_hours(1),
        }
    }

    /// Proposes `deployment` in the opened operation.
    pub(crate) fn propose(&mut self, deployment: &'static str) {
        self.deployment = deployment;
        self.tally = Tally::new();
        let now = self.tick();
        let plan = self.plan(now);
        let policy = self.store().policy().unwrap().unwrap();
        let proposed = Draft { plan }.propose(&officer(Role::Proposer), &policy, now).unwrap();
        let proposed = self.store().commit(proposed).unwrap().into_inner();
        self.stepped(Deployment::Proposed(proposed));
    }

    pub(crate) fn approved(&mut self, deployment: &'static str) {
        self.propose(deployment);
        let (policy, now) = (self.store().policy().unwrap().unwrap(), self.tick());
        let proposed = self.deployment().expect_proposed().unwrap().into_inner();
        let approved = proposed.approve(&officer(Role::AuthorisingOfficer), &policy, now).unwrap();
        let approved = self.store().commit(approved).unwrap().into_inner();
        self.stepped(Deployment::Approved(approved));
    }

    /// Proposed, approved and announced.
    pub(crate) fn announced(&mut self, deployment: &'static str) {
        self.approved(deployment);
        let approved = self.deployment().expect_approved().unwrap();
        let now = self.tick();
        let announced =
            self.store().publish_notice(approved, &officer(Role::AuthorisingOfficer), "Notice.\n", now).unwrap();
        self.stepped(Deployment::Announced(announced.into_inner()));
    }

    /// Two images of one person and one of another.
    pub(crate) fn list_three(&mut self) {
        for (number, label) in [(1_u32, LABEL), (2, LABEL), (3, "exercise subject 2")] {
            let (announced, now) = (self.deployment().expect_announced().unwrap(), self.tick());
            let listed = self
                .store()
                .list(&announced, &officer(Role::WatchlistOfficer), entry(label, &template(number)), now)
                .unwrap();
            assert_eq!(*listed, number);
            self.stepped(Deployment::Announced(announced.into_inner()));
        }
    }

    /// Announced, listed, frozen, signs confirmed and recording declared.
    pub(crate) fn ready(&mut self, deployment: &'static str) {
        self.announced(deployment);
        self.list_three();
        let (announced, now) = (self.deployment().expect_announced().unwrap(), self.tick());
        let frozen = self.store().freeze_watchlist(announced, &officer(Role::WatchlistOfficer), now).unwrap();
        self.stepped(Deployment::Announced((*frozen).clone()));
        let now = self.tick();
        let signed = frozen
            .into_inner()
            .confirm_signage(&officer(Role::Operator), 2, "north stairs", "https://overt.example/kx-1", now)
            .unwrap();
        let signed = self.store().commit(signed).unwrap();
        self.stepped(Deployment::Announced((*signed).clone()));
        let now = self.tick();
        let declared = signed.into_inner();
        let declared = declared.declare_recording(&officer(Role::Operator), "c1", "dd".into(), 1000, now).unwrap();
        let declared = self.store().commit(declared).unwrap().into_inner();
        self.stepped(Deployment::Announced(declared));
    }

    pub(crate) fn live(&mut self, deployment: &'static str) {
        self.ready(deployment);
        self.start();
    }

    /// Starts what is ready.
    pub(crate) fn start(&mut self) {
        let announced = self.deployment().expect_announced().unwrap().into_inner();
        let (policy, now) = (self.store().policy().unwrap().unwrap(), self.tick());
        let started = announced.start(&officer(Role::Operator), equipment(), &threshold(), &policy, now).unwrap();
        let live = self.store().commit(started).unwrap().into_inner();
        self.stepped(Deployment::Live(live));
    }

    /// A passage that reaches entry 2: recorded as an alert.
    pub(crate) fn alert(&mut self) -> AlertId {
        let now = self.tick();
        let live = self.deployment().expect_live().unwrap();
        let pending = self.candidate();
        let raised = self.store().raise_alert(pending, &live, "c1", |()| evidence(), now).unwrap();
        self.stepped(Deployment::Live(live.into_inner()));
        raised.alert.clone()
    }

    pub(crate) fn candidate(&mut self) -> domain::PendingAlert<()> {
        let live = self.deployment().expect_live().unwrap();
        let policy = self.store().policy().unwrap().unwrap();
        let lease = live.lease(&policy, self.now).unwrap();
        let nearest = Nearest { entry: 2, score: Score::new(model(), 0.75).unwrap() };
        self.tally.face_seen();
        match settle((), Some(nearest), &threshold(), &lease, self.now, &mut self.tally) {
            Settlement::Candidate(pending) => pending,
            _ => panic!("it reaches the threshold"),
        }
    }

    pub(crate) fn adjudicate(&mut self, alert: &AlertId) {
        let now = self.tick();
        self.store().view_evidence(alert, &officer(Role::Operator), now).unwrap();
        let now = self.tick();
        let judged = self.store().judge(alert, &officer(Role::Operator), Judgement::SamePerson, now).unwrap();
        self.tell_if_asked();
        assert!(matches!(*judged, AlertState::Adjudicated(_)));
        assert_eq!(*self.store().alert(alert).unwrap(), *judged);
    }

    pub(crate) fn close_alert(&mut self, alert: &AlertId) {
        self.close_alert_as(alert, Outcome::IdentityConfirmed);
    }

    pub(crate) fn close_alert_as(&mut self, alert: &AlertId, outcome: Outcome) {
        let now = self.tick();
        let policy = self.store().policy().unwrap().unwrap();
        let AlertState::Adjudicated(judged) = self.store().alert(alert).unwrap().into_inner() else { panic!("judged") };
        let closed = judged.record_outcome(&officer(Role::Operator), outcome, &policy, now).unwrap();
        let closed = self.store().commit(closed).unwrap().into_inner();
        self.tell_if_asked();
        assert_eq!(*self.store().alert(alert).unwrap(), AlertState::Closed(closed));
    }

    /// Seals a receipt for what was counted since the last.
    pub(crate) fn receipt(&mut self) {
        let now = self.tick();
        let live = self.deployment().expect_live().unwrap().into_inner();
        let counted = live.count(self.tally.unreported(), now).unwrap();
        let live = self.store().commit(counted).unwrap().into_inner();
        self.tally.mark_reported();
        self.stepped(Deployment::Live(live));
    }

    pub(crate) fn ended(&mut self, deployment: &'static str) -> AlertId {
        self.live(deployment);
        let alert = self.alert();
        let ended = self.end();
        assert_eq!(ended.counts(), Counts { faces_seen: 1, templates_made: 1, templates_destroyed: 0, alerts_kept: 1 });
        alert
    }

    /// Counts what is live, and ends it.
    pub(crate) fn end(&mut self) -> Ended {
        self.receipt();
        let now = self.tick();
        let live = self.deployment().expect_live().unwrap().into_inner();
        let ended = live.end("the recordings ran out", now).unwrap();
        let ended = self.store().commit(ended).unwrap().into_inner();
        self.stepped(Deployment::Ended(ended.clone()));
        ended
    }

    /// After a crash: the last receipt counts the alerts that no receipt has, as `pipeline::recover` does.
    pub(crate) fn count_alerts_since_the_receipt(&mut self) {
        let (now, d) = (self.tick(), self.d());
        let raised = self.store().alerts(&d).unwrap().len() as u64;
        let alerts_only = |counted: Counts| {
            let kept = raised - counted.alerts_kept;
            Counts { faces_seen: kept, templates_made: kept, templates_destroyed: 0, alerts_kept: kept }
        };
        match self.deployment().into_inner() {
            Deployment::Live(live) => {
                let counts = alerts_only(live.counted());
                self.store().commit(live.count(counts, now).unwrap()).unwrap();
            }
            Deployment::Paused(paused) => {
                let counts = alerts_only(paused.counted());
                self.store().commit(paused.count(counts, now).unwrap()).unwrap();
            }
            other => panic!("it is {}", other.state()),
        }
    }

    /// Ends what is live or paused as it is.
    pub(crate) fn end_as_it_is(&mut self) {
        let now = self.tick();
        let reason = "the window closed";
        let ended = match self.deployment().into_inner() {
            Deployment::Live(live) => live.end(reason, now),
            Deployment::Paused(paused) => paused.end(reason, now),
            other => panic!("it is {}", other.state()),
        };
        let ended = self.store().commit(ended.unwrap()).unwrap().into_inner();
        self.stepped(Deployment::Ended(ended));
    }

    /// Gives up what has not begun.
    pub(crate) fn withdraw(&mut self) {
        let (now, by) = (self.tick(), officer(Role::Proposer));
        let withdrawn = match self.deployment().into_inner() {
            Deployment::Proposed(proposed) => proposed.withdraw(&by, "rain", now),
            Deployment::Approved(approved) => approved.withdraw(&by, "rain", now),
            Deployment::Announced(announced) => announced.withdraw(&by, "rain", now),
            other => panic!("it is {}", other.state()),
        };
        let withdrawn = self.store().commit(withdrawn.unwrap()).unwrap().into_inner();
        self.stepped(Deployment::Withdrawn(withdrawn));
    }

    pub(crate) fn pause_and_resume(&mut self) {
        let (now, by) = (self.tick(), officer(Role::Operator));
        let paused = self.deployment().expect_live().unwrap().into_inner().pause(&by, "rain", now).unwrap();
        let paused = self.store().commit(paused).unwrap().into_inner();
        self.stepped(Deployment::Paused(paused.clone()));
        let now = self.tick();
        let live = self.store().commit(paused.resume(&by, now).unwrap()).unwrap().into_inner();
        self.stepped(Deployment::Live(live));
    }

    pub(crate) fn purged(&mut self) {
        let now = self.tick();
        let ended = self.deployment().expect_ended().unwrap();
        let purged = self.store().purge(ended, now).unwrap().into_inner();
        self.stepped(Deployment::Purged(purged));
    }
}

pub(crate) fn operation() -> Operation {
    Operation {
        operation: OperationId::new("op-1").unwrap(),
        title: "Exercise".into(),
        force: "Example force".into(),
        purpose: "To learn".into(),
        outside_authoriser: None,
    }
}

pub(crate) fn officer(role: Role) -> Officer {
    Officer { id: OfficerId::new(&role.word().replace(' ', "-")).unwrap(), role, trained_until: Timestamp::MAX }
}

pub(crate) fn facts(label: &str) -> EntryFacts {
    EntryFacts {
        label: label.into(),
        ground: "exercise subject".into(),
        image_source: "a volunteer's own picture".into(),
        supplier: "the volunteer".into(),
        legal_basis: "consent".into(),
        image_date: "2026-01-02".parse().unwrap(),
        retention: Retention::RetainedUntil("2026-12-31".parse().unwrap()),
        age_at_image: Age::AtLeast(30),
        age: Age::AtLeast(30),
        protected: None,
        origin: domain::Origin::Own,
    }
}

/// An entry of somebody whose reference goes with their label.
pub(crate) fn entry<'a>(label: &str, template: &'a [f32]) -> NewEntry<'a> {
    let reference = if label == LABEL { REFERENCE.to_owned() } else { format!("custody number of {label}") };
    let reference = Reference::new(&reference).unwrap();
    NewEntry { facts: facts(label), reference, image_png: LISTED_IMAGE, template, alike: &[] }
}

pub(crate) fn template(number: u32) -> Vec<f32> {
    (0..128_u16).map(|at| f32::from(at) / 7.0 + number as f32).collect()
}

pub(crate) fn evidence() -> Evidence {
    Evidence {
        live_png: Zeroizing::new(LIVE_IMAGE.to_vec()),
        template: Zeroizing::new(template(9)),
        frame_number: 77,
        offset_ms: 3080,
    }
}

pub(crate) fn folder_in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Copies a folder with all below it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().flatten() {
        let there = to.join(file.file_name());
        if file.path().is_dir() {
            copy_folder(&file.path(), &there);
        } else {
            fs::copy(file.path(), there).unwrap();
        }
    }
}

/// Number and hash of every entry, as told and compared.
pub(crate) fn leaf_hashes(store: &Store) -> Vec<(u64, String)> {
    let mut statement = store.connection.prepare("SELECT seq, hex(leaf_hash) FROM entries ORDER BY seq").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(|row| row.unwrap()).collect()
}

/// The public folder as an outsider reads it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Published for Folder {
    fn fetch(&self, path: &str, _: usize) -> Result<Option<Vec<u8>>, FetchError> {
        Ok(crate::directory::read_if_there(&self.0.join(path)).unwrap())
    }

    fn list(&self, folder: &str, _: usize) -> Result<Option<Vec<String>>, FetchError> {
        let Ok(files) = fs::read_dir(self.0.join(folder)) else { return Ok(Some(Vec::new())) };
        Ok(Some(files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()))
    }
}

/// Bytes of every sealed value, of salts and of the deployments' keys, as they are on the disk now.
pub(crate) fn sealed_bytes(scene: &mut Scene) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in fs::read_dir(scene.dir().join("keys")).unwrap().flatten() {
        let name = file.file_name();
        // Commitments and links of suppressions outlive a purge: they answer and recognise, and open nothing.
        let outlives = ["log.key", "suppression-links.key"].iter().any(|own| name == *own);
        if !outlives && !name.to_string_lossy().starts_with("commitments-") {
            found.push(fs::read(file.path()).unwrap());
        }
    }
    // A process may be killed when a key file is overwritten and not yet unlinked: nothing is left of that one to look for.
    found.retain(|key| key.iter().any(|byte| *byte != 0));
    let connection = &scene.store().connection;
    let salts = [("watchlists", "salt"), ("alerts", "salt")];
    let sealed = COLUMNS.iter().filter(|column| column.storage == Storage::Sealed).map(|c| (c.table, c.column));
    for (table, column) in sealed.chain(salts) {
        let others =
            if table == "key_files" { "AND name NOT LIKE 'commitments-%' AND name <> 'suppression-links'" } else { "" };
        let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL {others}");
        let mut statement = connection.prepare(&sql).unwrap();
        let values = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        found.extend(values.map(|value| value.unwrap()));
    }
    found
}

/// Opens a store that was just closed. Another test that starts a process at this very moment holds the lock for as long as
/// its child is a copy of this one.
#[allow(clippy::disallowed_methods, reason = "another process is waited for, in real time")]
fn open_when_free(dir: &Path) -> Result<Store, StoreError> {
    for _ in 0..200 {
        match Store::open(dir) {
            Err(StoreError::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
            other => return other,
        }
    }
    Store::open(dir)
}

/// The shipped profile, with a threshold for the model of these tests.
pub(crate) fn exercise_policy() -> String {
    format!("{EXERCISE_POLICY}\n[[threshold]]\nmodel = \"m\"\nvalue = 0.5\nfpir = 0.001\nevaluation = \"set\"\n")
}

fn model() -> ModelId {
    ModelId::new("m")
}

pub(crate) fn threshold() -> Threshold {
    Threshold::new(model(), 0.5, 0.001, "set".into()).unwrap()
}

pub(crate) fn equipment() -> Equipment {
    Equipment {
        software: "overt".into(),
        detector: "d".into(),
        recogniser: "r".into(),
        weights_sha256: "ee".into(),
        engine: "e".into(),
        threshold: "0.5".into(),
        threshold_fpir: "0.001".into(),
        threshold_evaluation: "set".into(),
    }
}
