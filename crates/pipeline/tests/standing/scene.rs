//! A drawn place for runs that are watched frame by frame: heads with a plain middle, a detector and a recogniser that
//! know nothing but its colour, and a run that stands at a chosen frame until the test lets it go on.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use capture::{Pace, Recording};
use domain::{
    Age, Announced, Deployment, DeploymentId, Draft, EntryFacts, Equipment, Kind, Live, Officer, OfficerId, Operation,
    OperationId, Plan, Policy, Reference, Retention, Role,
};
use face::align::Alignment;
use face::decode::{self, Limits};
use face::{
    Chip, Contract, Detection, Detector, EngineError, EngineKind, Faces, PictureView, Point, Recognizer, Rect, RgbView,
    ScoreKind, Template,
};
use image::{Rgb, RgbImage};
use jiff::{SignedDuration, Timestamp};
use pipeline::cadence::Rhythm;
use pipeline::{Exercise, Footage, PipelineError, Running, SharedStore, Source};
use store::{EXERCISE_POLICY, NewCamera, NewEntry, Recorded, Store};
use testkit::ManualClock;

/// Who can be in view: somebody listed, somebody much like them, and somebody else.
pub(crate) const LISTED: usize = 0;
pub(crate) const ALIKE: usize = 1;
pub(crate) const NOBODY: usize = 2;
/// The colours of their middles.
const HEADS: [[u8; 3]; 3] = [[214, 90, 70], [70, 110, 220], [80, 180, 110]];
/// Time that passes with each frame: less than half a lease, so that it is renewed in time.
const FRAME: SignedDuration = SignedDuration::from_secs(5);
/// Looks at a run that is to pause: it has no frame left long before.
const LOOKS_MAX: u64 = 1_000_000;
const DIMENSIONS: usize = 64;
const RADIUS: i64 = 44;
const MIDDLE: i64 = 20;

/// A place: its data directory, its clock, and what is decided in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: SharedStore,
    policy: Policy,
}

/// A run that goes on, and the thread it stands on.
pub(crate) struct Watched {
    pub(crate) running: Running,
    pub(crate) deployment: DeploymentId,
    reached: Receiver<usize>,
    go_on: Sender<()>,
}

impl Watched {
    /// Waits until the run stands at the next of its frames to stand at; false when it is over before.
    pub(crate) fn stands(&self) -> bool {
        self.reached.recv().is_ok()
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.go_on.send(()).expect("the run is there");
    }

    /// Lets it go on, and waits until it is paused or over; what it says of that.
    pub(crate) fn until_paused(&self) -> String {
        self.go_on();
        for _ in 0..LOOKS_MAX {
            match self.running.status().stage {
                pipeline::Stage::Running => std::thread::yield_now(),
                stage => return format!("{stage:?}"),
            }
        }
        "it is neither paused nor over".to_owned()
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::at("2026-03-01T09:00:00Z".parse().expect("a date")));
        let mut store = Store::create(&folder.path().join("data"), "overt.example/standing").expect("a store");
        let model = pipeline::model_id(&contract());
        let threshold = format!(
            "\n[[threshold]]\nmodel = \"{}\"\nvalue = 0.9\nfpir = 0.001\nevaluation = \"drawn\"\n",
            model.as_str()
        );
        // No wait for the notice, and a rate is one from the first face on.
        let profile = EXERCISE_POLICY.replacen("\"3 s\"", "\"0 s\"", 1);
        let profile =
            profile.replacen("[false_alert_faces_min]\nvalue = 1000", "[false_alert_faces_min]\nvalue = 1", 1);
        let profile = profile.replacen("value = [\"recording\"]", "value = [\"recording\", \"camera\"]", 1);
        let authoriser = officer(Role::AuthorisingOfficer);
        let adopted = store.adopt_policy(&(profile + &threshold), &authoriser, domain::Clock::now(&*clock));
        let policy = adopted.expect("lawful").into_inner();
        let opened = Operation {
            operation: OperationId::new("drawn").expect("a name"),
            title: "drawn".into(),
            force: "drawn".into(),
            purpose: "drawn".into(),
            outside_authoriser: None,
        };
        store
            .commit(opened.open(&authoriser, &policy, domain::Clock::now(&*clock)).expect("lawful"))
            .expect("recorded");
        Self { folder, clock, store: Arc::new(Mutex::new(store)), policy }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("whole")
    }

    /// The moment, a little later than before.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.advance(SignedDuration::from_millis(10))
    }

    /// Runs a deployment in which, frame by frame, this one is in view, standing at these frames.
    pub(crate) fn run(&self, name: &str, in_view: &[Option<usize>], stand_at: &[usize]) -> Watched {
        let footage = self.folder.path().join(name);
        draw(&footage, in_view);
        let source = || Source {
            camera: "c1".into(),
            footage: Footage::Recording(Recording::open(&footage).expect("a recording")),
        };
        let live = self.live(name, &[source()]);
        let deployment = live.plan().deployment.clone();
        let ((reached, is_reached), (go_on, goes_on)) = (channel(), channel());
        let heads = Heads { frame: 0, clock: Arc::clone(&self.clock), stand_at: stand_at.to_vec(), reached, goes_on };
        let running = pipeline::start(Exercise {
            store: Arc::clone(&self.store),
            live,
            policy: self.policy.clone(),
            faces: faces(Box::new(heads)),
            faces_beside: Vec::new(),
            sources: vec![source()],
            clock: Arc::clone(&self.clock) as Arc<dyn domain::Clock>,
            pace: Pace::AsFastAsConsumed,
            rhythm: Rhythm::EveryFrame,
            view_interval: None,
        });
        Watched { running: running.expect("it runs"), deployment, reached: is_reached, go_on }
    }

    /// Runs a deployment in which these are in view of two cameras, each with one of these detectors.
    pub(crate) fn run_two(&self, name: &str, in_view: [&[Option<usize>]; 2], faces: Vec<Faces>) -> Running {
        let sources = || {
            let source = |camera: usize| {
                let footage = self.folder.path().join(format!("{name}-{camera}"));
                if !footage.exists() {
                    draw(&footage, in_view[camera]);
                }
                let footage = Footage::Recording(Recording::open(&footage).expect("a recording"));
                Source { camera: format!("c{camera}"), footage }
            };
            vec![source(0), source(1)]
        };
        let live = self.live(name, &sources());
        let mut faces = faces.into_iter();
        let running = pipeline::start(Exercise {
            store: Arc::clone(&self.store),
            live,
            policy: self.policy.clone(),
            faces: faces.next().expect("one at least"),
            faces_beside: faces.collect(),
            sources: sources(),
            clock: Arc::clone(&self.clock) as Arc<dyn domain::Clock>,
            pace: Pace::AsFastAsConsumed,
            rhythm: Rhythm::EveryFrame,
            view_interval: None,
        });
        running.expect("it runs")
    }

    /// A live deployment with these sources, each declared as what it is.
    pub(crate) fn live(&self, name: &str, sources: &[Source]) -> Recorded<Live> {
        let is_live = sources.iter().any(|source| matches!(source.footage, Footage::Camera(_)));
        let mut declared = self.announced(name, if is_live { Kind::Live } else { Kind::Exercise }, sources.len());
        let (mut store, policy, now, operator) = (self.store(), &self.policy, || self.now(), officer(Role::Operator));
        for source in sources {
            declared = match &source.footage {
                Footage::Camera(camera) => {
                    let recorded = store.deployment(&declared.plan().deployment).expect("readable").expect_announced();
                    let (name, address) = (source.camera.as_str(), camera.declared_address.as_str());
                    let zone = domain::Zone::whole_view();
                    let new = NewCamera { name, address, zone, face_side_px_min: None };
                    let declared = store.declare_camera(&recorded.expect("announced"), &operator, new, now());
                    declared.expect("lawful").into_inner()
                }
                recorded => {
                    let (digest, bytes) = (recorded.digest().expect("a recording"), recorded.bytes());
                    let declared = declared.declare_recording(&operator, &source.camera, digest, bytes, now());
                    store.commit(declared.expect("lawful")).expect("recorded").into_inner()
                }
            };
        }
        let threshold = policy.threshold_for(&pipeline::model_id(&contract())).expect("measured");
        let started = declared.start(&operator, equipment(), threshold, policy, now()).expect("lawful");
        store.commit(started).expect("recorded")
    }

    /// Runs a live deployment with other sources, or the same.
    pub(crate) fn run_with(&self, live: Recorded<Live>, source: Source) -> Result<Running, PipelineError> {
        pipeline::start(Exercise {
            store: Arc::clone(&self.store),
            live,
            policy: self.policy.clone(),
            faces: faces(Box::new(Nothing)),
            faces_beside: Vec::new(),
            sources: vec![source],
            clock: Arc::clone(&self.clock) as Arc<dyn domain::Clock>,
            pace: Pace::RealTime,
            rhythm: Rhythm::Usual,
            view_interval: None,
        })
    }

    /// Announced, listed, signed, and nothing declared.
    fn announced(&self, name: &str, kind: Kind, cameras: usize) -> Announced {
        let (mut store, policy, now) = (self.store(), &self.policy, || self.now());
        let (authoriser, operator) = (officer(Role::AuthorisingOfficer), officer(Role::Operator));
        let starts = now();
        let plan = Plan {
            deployment: DeploymentId::new(name).expect("a name"),
            operation: OperationId::new("drawn").expect("a name"),
            kind,
            purpose: policy.purposes[0].clone(),
            place: "a wall".into(),
            place_ground: policy.place_grounds[0].clone(),
            place_evidence: "ab".repeat(32),
            cameras: u32::try_from(cameras).expect("few"),
            starts,
            ends: starts + SignedDuration::from_hours(1),
        };
        let proposed = Draft { plan }.propose(&officer(Role::Proposer), policy, now()).expect("lawful");
        let approved = store.commit(proposed).expect("recorded").into_inner().approve(&authoriser, policy, now());
        let approved = store.commit(approved.expect("lawful")).expect("recorded");
        let announced = store.publish_notice(approved, &authoriser, "Notice.\n", now()).expect("recorded");
        let lister = officer(Role::WatchlistOfficer);
        let entry = NewEntry {
            reference: Reference::new("drawn 0001").expect("a reference"),
            facts: facts(policy),
            image_png: b"a listed image",
            template: &template(LISTED),
            alike: &[],
        };
        store.list(&announced, &lister, entry, now()).expect("listed");
        let frozen = store.freeze_watchlist(announced, &lister, now()).expect("recorded").into_inner();
        let signed = frozen.confirm_signage(&operator, 1, "round the back", "https://overt.example/drawn", now());
        store.commit(signed.expect("lawful")).expect("recorded").into_inner()
    }

    /// The facts on the record about a deployment, in words.
    pub(crate) fn told(&self, d: &DeploymentId) -> Vec<String> {
        let entries = self.store().entries(Some(d)).expect("readable");
        entries.iter().map(|(_, entry)| format!("{:?}", entry.fact)).collect()
    }

    /// How a deployment stands.
    pub(crate) fn deployment(&self, d: &DeploymentId) -> Deployment {
        self.store().deployment(d).expect("readable").into_inner()
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }
}

fn facts(policy: &Policy) -> EntryFacts {
    EntryFacts {
        label: "exercise subject".into(),
        ground: policy.grounds[0].clone(),
        image_source: "drawn".into(),
        supplier: "drawn".into(),
        legal_basis: "drawn".into(),
        image_date: "2026-02-01".parse().expect("a date"),
        origin: domain::Origin::Own,
        retention: Retention::Retained,
        age_at_image: Age::AtLeast(30),
        age: Age::AtLeast(30),
        protected: None,
    }
}

/// Somebody in this role.
pub(crate) fn officer(role: Role) -> Officer {
    Officer { id: OfficerId::new(&role.word().replace(' ', "-")).expect("a name"), role, trained_until: Timestamp::MAX }
}

fn draw(folder: &Path, in_view: &[Option<usize>]) {
    std::fs::create_dir(folder).expect("a folder");
    for (frame, head) in in_view.iter().enumerate() {
        let mut picture = RgbImage::from_pixel(240, 180, Rgb([120, 124, 130]));
        for (x, y) in (-RADIUS..=RADIUS).flat_map(|y| (-RADIUS..=RADIUS).map(move |x| (x, y))) {
            let (Some(head), square) = (head, x * x + y * y) else { continue };
            // Stripes, so that it is sharp, round the plain middle.
            let stripe = if (x + y).rem_euclid(8) < 4 { [30, 30, 30] } else { [220, 220, 220] };
            let colour = if square < MIDDLE * MIDDLE { HEADS[*head] } else { stripe };
            if square < RADIUS * RADIUS {
                picture.put_pixel((120 + x) as u32, (90 + y) as u32, Rgb(colour));
            }
        }
        picture.save(folder.join(format!("{frame:03}.png"))).expect("saved");
    }
    decode::file(&folder.join("000.png"), &Limits::default()).expect("a picture");
}

/// Numbers of a direction that has nothing to do with another's: each has its own places.
fn template(head: usize) -> Vec<f32> {
    let mut values = vec![0.0; DIMENSIONS];
    match head {
        // Their cosine is 0.96: above the threshold, and below that of two views of one of them.
        LISTED => values[0] = 1.0,
        ALIKE => (values[0], values[1]) = (0.96, 0.28),
        _ => values[2] = 1.0,
    }
    values
}

fn contract() -> Contract {
    Contract {
        model: "middles".into(),
        weights_sha256: "0".repeat(64),
        alignment: Alignment::Arcface112.name().into(),
        score: ScoreKind::Cosine,
        dimensions: DIMENSIONS,
    }
}

fn equipment() -> Equipment {
    let contract = contract();
    Equipment {
        software: "overt".into(),
        detector: "middles".into(),
        recogniser: contract.model,
        weights_sha256: contract.weights_sha256,
        engine: "drawn".into(),
        threshold: "0.9".into(),
        threshold_fpir: "0.001".into(),
        threshold_evaluation: "drawn".into(),
    }
}

/// A pair of detector and recogniser.
pub(crate) fn faces(detector: Box<dyn Detector>) -> Faces {
    let recognizer = Box::new(Middles(Arc::new(contract())));
    Faces { detector, recognizer, engine: EngineKind::BuiltIn, bundle: "drawn".into() }
}

/// Finds nobody.
struct Nothing;

impl Detector for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    fn detect(&mut self, _: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        Ok(Vec::new())
    }

    /// It keeps nothing of a picture.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Finds the head in the middle of the picture as others do beside it; until two of them met, it waits for another at each frame.
pub(crate) struct Beside(pub(crate) Arc<Meeting>);

/// Where detectors meet.
#[derive(Default)]
pub(crate) struct Meeting {
    at_work: Mutex<usize>,
    met: Condvar,
}

/// How long one waits for another at each frame: a camera whose frame came alone is looked at alone.
const MEETING_WAIT: Duration = Duration::from_millis(200);

impl Meeting {
    /// Whether two were at work at once.
    pub(crate) fn took_place(&self) -> bool {
        *self.at_work.lock().expect("whole") >= 2
    }

    fn come(&self) {
        let mut at_work = self.at_work.lock().expect("whole");
        if *at_work < 2 {
            *at_work += 1;
            self.met.notify_all();
            let alone = |at_work: &mut usize| *at_work < 2;
            let (mut at_work, waited) = self.met.wait_timeout_while(at_work, MEETING_WAIT, alone).expect("whole");
            if waited.timed_out() {
                *at_work -= 1;
            }
        }
    }
}

impl Detector for Beside {
    fn name(&self) -> &str {
        "middles"
    }

    fn detect(&mut self, picture: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        self.0.come();
        Ok(head_in(picture).into_iter().collect())
    }

    /// It keeps nothing of a picture.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Finds the head in the middle of the picture, until authority runs out: with the fifth listed head. Counts what it sees afterwards.
pub(crate) struct Lapsing {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) listed_seen: usize,
    pub(crate) seen_afterwards: Arc<AtomicUsize>,
}

/// Listed heads after which authority runs out: by then frames of every camera are waiting.
const LISTED_UNTIL_LAPSE: usize = 5;

impl Detector for Lapsing {
    fn name(&self) -> &str {
        "middles"
    }

    fn detect(&mut self, picture: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        if self.listed_seen == LISTED_UNTIL_LAPSE {
            self.seen_afterwards.fetch_add(1, Ordering::Relaxed);
            return Ok(Vec::new());
        }
        let found = head_in(picture);
        self.listed_seen += usize::from(found.is_some());
        if self.listed_seen == LISTED_UNTIL_LAPSE {
            // Longer than any lease of an exercise.
            self.clock.advance(SignedDuration::from_mins(10));
        }
        Ok(found.into_iter().collect())
    }

    /// It keeps nothing of a picture.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Finds the head in the middle of the picture; lets time pass, and stands where the test wants it to.
struct Heads {
    frame: usize,
    clock: Arc<ManualClock>,
    stand_at: Vec<usize>,
    reached: Sender<usize>,
    goes_on: Receiver<()>,
}

impl Detector for Heads {
    fn name(&self) -> &str {
        "middles"
    }

    fn detect(&mut self, picture: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        self.clock.advance(FRAME);
        if self.stand_at.contains(&self.frame) {
            self.reached.send(self.frame).expect("the test is there");
            self.goes_on.recv().expect("the test is there");
        }
        self.frame += 1;
        Ok(head_in(picture).into_iter().collect())
    }

    /// It keeps nothing of a picture.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// The head in the middle of a picture.
fn head_in(picture: PictureView<'_>) -> Option<Detection> {
    let picture = picture.to_rgb();
    let middle = &picture.view().row(90)[3 * 120..3 * 120 + 3];
    // As near as video keeps colours.
    let is_near = |colour: &[u8; 3]| colour.iter().zip(middle).all(|(one, other)| one.abs_diff(*other) <= 10);
    if !HEADS.iter().any(is_near) {
        return None;
    }
    let (x, y, radius) = (120.0, 90.0, RADIUS as f32);
    let face = Rect { left: x - radius, top: y - radius, width: 2.0 * radius, height: 2.0 * radius };
    let at = |dx: f32, dy: f32| Point { x: x + dx * radius, y: y + dy * radius };
    let points = [at(-0.34, -0.2), at(0.34, -0.2), at(0.0, 0.16), at(-0.28, 0.5), at(0.28, 0.5)];
    Some(Detection { face, confidence: 0.9, points })
}

/// Knows a head by the colour in the middle of the chip.
struct Middles(Arc<Contract>);

impl Recognizer for Middles {
    fn contract(&self) -> &Arc<Contract> {
        &self.0
    }

    fn align(&self, picture: RgbView<'_>, detection: &Detection) -> Chip {
        Alignment::Arcface112.chip(picture, detection)
    }

    fn embed(&mut self, chips: &[Chip]) -> Result<Vec<Template>, EngineError> {
        let one = |chip: &Chip| {
            let middle = 3 * (chip.side() * chip.side() / 2 + chip.side() / 2) as usize;
            let apart = |head: &usize| {
                let pairs = HEADS[*head].iter().zip(&chip.pixels()[middle..middle + 3]);
                pairs.map(|(one, other)| u32::from(one.abs_diff(*other))).sum::<u32>()
            };
            let head = (0..HEADS.len()).min_by_key(apart).expect("there are heads");
            Template::new(Arc::clone(&self.0), template(head).into()).expect("numbers with a direction")
        };
        Ok(chips.iter().map(one).collect())
    }

    /// It keeps nothing of a face.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}
