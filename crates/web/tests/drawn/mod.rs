//! A drawn exercise for tests and for looking at the screens: figures with heads of one plain colour walk past a wall, two of
//! the colours are listed, and the whole path runs with a detector and a recogniser that know nothing but colours.

use std::path::Path;
use std::sync::{Arc, Mutex};

use capture::{Pace, Recording};
use domain::{
    Age, Announced, Clock, DeploymentId, Draft, EntryFacts, Equipment, Kind, Live, Officer, OfficerId, Operation,
    OperationId, Plan, Policy, Reference, Retention, Role,
};
use face::align::Alignment;
use face::{
    Chip, Contract, Detection, Detector, EngineError, EngineKind, Faces, Picture, PictureView, Point, Recognizer, Rect,
    RgbView, ScoreKind, Template,
};
use image::{Rgb, RgbImage};
use jiff::{SignedDuration, Timestamp};
use pipeline::{Exercise, Footage, Running, SharedStore, Source};
use store::{EXERCISE_POLICY, NewEntry, Recorded, Store};
use tempfile::TempDir;
use web::Screens;

const WIDTH: u32 = 400;
const HEIGHT: u32 = 225;
const HEAD_PX: i64 = 36;
const STEP_PX: i64 = 20;
/// Heads of these colours are found; the first two are listed.
const HEADS: [[u8; 3]; 5] = [[214, 90, 70], [70, 110, 220], [80, 180, 110], [228, 196, 70], [160, 90, 190]];
const LISTED: usize = 2;
const CAMERA: &str = "concourse-1";
/// The score at which two colours count as one, a cosine.
const THRESHOLD: f32 = 0.95;

/// The name of the drawn deployment.
pub(crate) const DEPLOYMENT: &str = "drawn-1";

/// Somebody walks past: which head, from which frame on, at what height.
pub(crate) struct Pass {
    pub(crate) head: usize,
    pub(crate) frame: usize,
    pub(crate) y: i64,
}

/// The exercise, running or over.
pub(crate) struct Drawn {
    pub(crate) store: SharedStore,
    pub(crate) running: Arc<Running>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Deleted when dropped.
    _folder: TempDir,
}

impl Drawn {
    /// Prepares the exercise and starts it.
    pub(crate) fn start(passes: &[Pass], frames: usize, pace: Pace, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let footage = folder.path().join("footage");
        draw(passes, frames, &footage);
        let recording = Footage::Recording(Recording::open(&footage).expect("a recording"));
        let source = Source { camera: CAMERA.into(), footage: recording };
        let mut store = Store::create(&folder.path().join("data"), "overt.example/exercise").expect("a store");
        let mut faces = faces();
        let announced = announced(&mut store, &*clock);
        let live = live(&mut store, announced, &mut faces, &source, &*clock);
        store.publish(clock.now()).expect("published");
        let policy = store.policy().expect("readable").expect("adopted");
        let store = Arc::new(Mutex::new(store));
        let exercise = Exercise {
            store: Arc::clone(&store),
            live,
            policy,
            faces,
            faces_beside: Vec::new(),
            sources: vec![source],
            clock: Arc::clone(&clock),
            pace,
            rhythm: pipeline::cadence::Rhythm::Usual,
            view_interval: Some(std::time::Duration::ZERO),
        };
        let running = Arc::new(pipeline::start(exercise).expect("it runs"));
        Self { store, running, clock, _folder: folder }
    }

    /// What the screens are given.
    pub(crate) fn screens(&self) -> Screens {
        Screens {
            store: Arc::clone(&self.store),
            running: Arc::clone(&self.running),
            deployment: DeploymentId::new(DEPLOYMENT).expect("a name"),
            operator: officer(Role::Operator),
            clock: Arc::clone(&self.clock),
        }
    }
}

fn announced(store: &mut Store, clock: &dyn Clock) -> Recorded<Announced> {
    let policy = adopt(store, clock);
    let operation = Operation {
        operation: OperationId::new("drawn").expect("a name"),
        title: "Drawn exercise".into(),
        force: "Example Constabulary".into(),
        purpose: "to look at the screens with figures that are drawn".into(),
        outside_authoriser: None,
    };
    let operation = operation.open(&officer(Role::AuthorisingOfficer), &policy, clock.now()).expect("lawful");
    store.commit(operation).expect("recorded");
    let starts = clock.now();
    let plan = Plan {
        deployment: DeploymentId::new(DEPLOYMENT).expect("a name"),
        operation: OperationId::new("drawn").expect("a name"),
        kind: Kind::Exercise,
        purpose: policy.purposes[0].clone(),
        place: "North concourse (drawn)".into(),
        place_ground: policy.place_grounds[0].clone(),
        place_evidence: "ab".repeat(32),
        cameras: 1,
        starts,
        ends: starts + SignedDuration::from_hours(1),
    };
    let proposed = Draft { plan }.propose(&officer(Role::Proposer), &policy, clock.now()).expect("lawful");
    let proposed = store.commit(proposed).expect("recorded").into_inner();
    let approved = proposed.approve(&officer(Role::AuthorisingOfficer), &policy, clock.now()).expect("lawful");
    let approved = store.commit(approved).expect("recorded");
    let text =
        "An exercise compares drawn figures with a list of two of them.\nNobody is filmed and nobody is scanned.\n";
    store.publish_notice(approved, &officer(Role::AuthorisingOfficer), text, clock.now()).expect("recorded")
}

fn adopt(store: &mut Store, clock: &dyn Clock) -> Policy {
    let model = pipeline::model_id(&contract());
    let threshold = format!(
        "\n[[threshold]]\nmodel = \"{}\"\nvalue = {THRESHOLD}\nfpir = 0.001\nevaluation = \"drawn heads, 2026-03\"\n",
        model.as_str()
    );
    let text = EXERCISE_POLICY.replacen("\"3 s\"", "\"0 s\"", 1) + &threshold;
    store.adopt_policy(&text, &officer(Role::AuthorisingOfficer), clock.now()).expect("lawful").into_inner()
}

fn live(
    store: &mut Store,
    announced: Recorded<Announced>,
    faces: &mut Faces,
    source: &Source,
    clock: &dyn Clock,
) -> Recorded<Live> {
    for number in 0..LISTED {
        let label = format!("exercise subject {}", number + 1);
        let enrolled = pipeline::enrol(faces, &label, &portrait(number)).expect("one head");
        let facts = EntryFacts {
            origin: domain::Origin::Own,
            label,
            ground: "exercise subject".into(),
            image_source: "drawn".into(),
            supplier: "whoever drew it".into(),
            legal_basis: "drawn for the exercise".into(),
            image_date: "2026-03-01".parse().expect("a date"),
            retention: Retention::Retained,
            age_at_image: Age::AtLeast(30),
            age: Age::AtLeast(30),
            protected: None,
        };
        let entry = NewEntry {
            reference: Reference::new(&facts.label).expect("a reference"),
            facts,
            image_png: &enrolled.image_png,
            template: enrolled.template.values(),
            alike: &[],
        };
        store.list(&announced, &officer(Role::WatchlistOfficer), entry, clock.now()).expect("listed");
    }
    let frozen = store.freeze_watchlist(announced, &officer(Role::WatchlistOfficer), clock.now()).expect("recorded");
    let operator = officer(Role::Operator);
    let (route, page) = ("through the east gate", "https://overt.invalid/drawn");
    let signed = frozen.into_inner().confirm_signage(&operator, 2, route, page, clock.now()).expect("lawful");
    let signed = store.commit(signed).expect("recorded").into_inner();
    let (digest, bytes) = (source.footage.digest().expect("a recording"), source.footage.bytes());
    let declared = signed.declare_recording(&operator, &source.camera, digest, bytes, clock.now()).expect("lawful");
    let declared = store.commit(declared).expect("recorded").into_inner();
    let policy = store.policy().expect("readable").expect("adopted");
    let threshold = policy.threshold_for(&pipeline::model_id(&contract())).expect("measured");
    let started = declared.start(&operator, equipment(), threshold, &policy, clock.now()).expect("lawful");
    store.commit(started).expect("recorded")
}

fn equipment() -> Equipment {
    let contract = contract();
    Equipment {
        software: "overt 0.1.0".into(),
        detector: "colours".into(),
        recogniser: contract.model,
        weights_sha256: contract.weights_sha256,
        engine: "drawn".into(),
        threshold: THRESHOLD.to_string(),
        threshold_fpir: "0.001".into(),
        threshold_evaluation: "drawn heads, 2026-03".into(),
    }
}

/// A member of staff in a role.
pub(crate) fn officer(role: Role) -> Officer {
    Officer { id: OfficerId::new(&role.word().replace(' ', "-")).expect("a name"), role, trained_until: Timestamp::MAX }
}

/// One picture a frame, in a folder.
fn draw(passes: &[Pass], frames: usize, folder: &Path) {
    std::fs::create_dir(folder).expect("a folder");
    for frame in 0..frames {
        let mut picture = wall(WIDTH, HEIGHT);
        for pass in passes {
            let Some(step) = frame.checked_sub(pass.frame) else { continue };
            let x = step as i64 * STEP_PX - HEAD_PX;
            figure(&mut picture, x, pass.y, HEAD_PX, HEADS[pass.head]);
        }
        picture.save(folder.join(format!("{frame:05}.png"))).expect("saved");
    }
}

fn portrait(head: usize) -> Picture {
    let mut picture = RgbImage::from_pixel(200, 220, Rgb([190, 200, 206]));
    figure(&mut picture, 100, 90, 55, HEADS[head]);
    Picture::from_rgb(200, 220, picture.into_raw()).expect("a whole picture")
}

fn wall(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let tile = if (x / 24 + y / 24).is_multiple_of(2) { 6 } else { 0 };
        let shade = (96 + y * 80 / height + tile) as u8;
        if y > height * 4 / 5 { Rgb([70, 72, 78]) } else { Rgb([shade, shade, shade.saturating_add(8)]) }
    })
}

fn figure(picture: &mut RgbImage, x: i64, y: i64, radius: i64, head: [u8; 3]) {
    let coat = head.map(|channel| channel / 3 + 20);
    let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
    for row in (y - radius).max(0)..height {
        for column in (x - 2 * radius).max(0)..(x + 2 * radius).min(width) {
            let (dx, dy) = (column - x, row - y);
            let in_head = dx * dx + dy * dy < radius * radius;
            let in_coat = dy > radius * 9 / 10 && dx.abs() < radius + (dy - radius) / 4;
            if in_head || in_coat {
                picture.put_pixel(column as u32, row as u32, Rgb(if in_head { head } else { coat }));
            }
        }
    }
}

fn contract() -> Contract {
    Contract {
        model: "colours".into(),
        weights_sha256: "0".repeat(64),
        alignment: Alignment::Arcface112.name().into(),
        score: ScoreKind::Cosine,
        dimensions: 3,
    }
}

fn faces() -> Faces {
    let recognizer = Box::new(Colours(Arc::new(contract())));
    Faces { detector: Box::new(Heads), recognizer, engine: EngineKind::BuiltIn, bundle: "drawn".into() }
}

/// Finds heads by their colour.
struct Heads;

impl Detector for Heads {
    fn name(&self) -> &str {
        "colours"
    }

    fn detect(&mut self, picture: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        let picture = picture.to_rgb();
        Ok(HEADS.iter().filter_map(|head| find(picture.view(), head)).collect())
    }

    /// It keeps nothing of a picture.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Whether a pixel is of this colour, as near as video keeps colours.
fn is_near(pixel: &[u8], colour: &[u8; 3]) -> bool {
    pixel.iter().zip(colour).all(|(one, other)| one.abs_diff(*other) <= 10)
}

fn find(picture: RgbView<'_>, head: &[u8; 3]) -> Option<Detection> {
    let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
    for y in 0..picture.height {
        let mut places =
            (0..).zip(picture.row(y).chunks_exact(3)).filter(|(_, pixel)| is_near(pixel, head)).map(|(x, _)| x);
        let Some(first) = places.next() else { continue };
        (left, top) = (left.min(first), top.min(y));
        (right, bottom) = (right.max(places.last().unwrap_or(first)), bottom.max(y));
    }
    if left > right {
        return None;
    }
    let face = Rect {
        left: left as f32,
        top: top as f32,
        width: (right - left + 1) as f32,
        height: (bottom - top + 1) as f32,
    };
    let at = |x: f32, y: f32| Point { x: face.left + x * face.width, y: face.top + y * face.height };
    let points = [at(0.33, 0.4), at(0.67, 0.4), at(0.5, 0.58), at(0.36, 0.75), at(0.64, 0.75)];
    Some(Detection { face, confidence: 0.9, points })
}

/// Knows a head by the colour in the middle of the chip.
struct Colours(Arc<Contract>);

impl Recognizer for Colours {
    fn contract(&self) -> &Arc<Contract> {
        &self.0
    }

    fn align(&self, picture: RgbView<'_>, detection: &Detection) -> Chip {
        Alignment::Arcface112.chip(picture, detection)
    }

    fn embed(&mut self, chips: &[Chip]) -> Result<Vec<Template>, EngineError> {
        let one = |chip: &Chip| {
            let middle = 3 * (chip.side() * chip.side() / 2 + chip.side() / 2) as usize;
            let values = [0, 1, 2].map(|channel| f32::from(chip.pixels()[middle + channel]) - 128.5);
            Template::new(Arc::clone(&self.0), values.into()).expect("three numbers with a direction")
        };
        Ok(chips.iter().map(one).collect())
    }

    /// It keeps nothing of a face.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}
