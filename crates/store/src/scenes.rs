//! What the tests of this crate share: one exercise, taken step by step from nothing to purged, on a real disk.

use std::fs;
use std::path::{Path, PathBuf};

use domain::{
    Age, AlertId, Counts, Deployment, DeploymentId, Draft, Ended, EntryFacts, Equipment, Judgement, Kind, ModelId,
    Nearest, Officer, OfficerId, Operation, OperationId, Outcome, Plan, Policy, Reference, Retention, Role, Score,
    Settlement, Tally, Threshold, settle,
};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::{AlertState, EXERCISE_POLICY, Evidence, NewEntry, Recorded, Store};

/// Bytes that stand for images and can be looked for on the disk.
pub(crate) const LISTED_IMAGE: &[u8] = b"PNG of exercise subject, as listed: 0123456789abcdefghijklmnopqrstuvwxyz";
pub(crate) const LIVE_IMAGE: &[u8] = b"PNG of a passer-by, as seen: zyxwvutsrqponmlkjihgfedcba9876543210";
pub(crate) const LABEL: &str = "exercise subject 1";
/// The outside reference of the person of that label.
pub(crate) const REFERENCE: &str = "AB/12/3456";

/// One store in a folder of its own, and a clock set by hand.
pub(crate) struct Scene {
    folder: TempDir,
    store: Option<Store>,
    now: Timestamp,
    /// Whether the store is closed and opened again after each step.
    restarts: bool,
    deployment: &'static str,
    tally: Tally,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("data"), "overt.example/exercise").unwrap();
        let now = "2026-03-01T09:00:00Z".parse().unwrap();
        Self { folder, store: Some(store), now, restarts: false, deployment: "kx-1", tally: Tally::new() }
    }

    pub(crate) fn with_restarts() -> Self {
        Self { restarts: true, ..Self::new() }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
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
        self.close();
        self.store = Some(Store::open(&self.dir()).unwrap());
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
        let operation = Operation {
            operation: OperationId::new("op-1").unwrap(),
            title: "Exercise".into(),
            force: "Example force".into(),
            purpose: "To learn".into(),
            outside_authoriser: None,
        };
        let opened = operation.open(&officer(Role::AuthorisingOfficer), &policy, now).unwrap();
        self.store().commit(opened).unwrap();
    }

    /// Proposes `deployment` in the opened operation.
    pub(crate) fn propose(&mut self, deployment: &'static str) {
        self.deployment = deployment;
        self.tally = Tally::new();
        let now = self.tick();
        let plan = Plan {
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
        };
        let policy = self.store().policy().unwrap().unwrap();
        let proposed = Draft { plan }.propose(&officer(Role::Proposer), &policy, now).unwrap();
        let proposed = self.store().commit(proposed).unwrap().into_inner();
        self.stepped(Deployment::Proposed(proposed));
    }

    /// Proposed, approved and announced.
    pub(crate) fn announced(&mut self, deployment: &'static str) {
        self.propose(deployment);
        let (policy, now) = (self.store().policy().unwrap().unwrap(), self.tick());
        let proposed = self.deployment().expect_proposed().unwrap().into_inner();
        let approved = proposed.approve(&officer(Role::AuthorisingOfficer), &policy, now).unwrap();
        let approved = self.store().commit(approved).unwrap();
        self.stepped(Deployment::Approved((*approved).clone()));
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

    pub(crate) fn purged(&mut self) {
        let now = self.tick();
        let ended = self.deployment().expect_ended().unwrap();
        let purged = self.store().purge(ended, now).unwrap().into_inner();
        self.stepped(Deployment::Purged(purged));
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

/// How many files below a folder hold these bytes.
pub(crate) fn files_holding(folder: &Path, bytes: &[u8]) -> usize {
    let mut found = 0;
    for file in fs::read_dir(folder).unwrap().flatten() {
        let path = file.path();
        if path.is_dir() {
            found += files_holding(&path, bytes);
        } else {
            let content = fs::read(&path).unwrap();
            found += usize::from(content.windows(bytes.len()).any(|window| window == bytes));
        }
    }
    found
}

/// The shipped profile, with a threshold for the model of these tests.
pub(crate) fn exercise_policy() -> String {
    format!("{EXERCISE_POLICY}\n[[threshold]]\nmodel = \"m\"\nvalue = 0.5\nfpir = 0.001\nevaluation = \"set\"\n")
}

fn model() -> ModelId {
    ModelId::new("m")
}

fn threshold() -> Threshold {
    Threshold::new(model(), 0.5, 0.001, "set".into()).unwrap()
}

fn equipment() -> Equipment {
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
