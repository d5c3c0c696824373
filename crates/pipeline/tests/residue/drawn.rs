//! A drawn exercise, small enough to be scanned at each stage: noisy heads with a plain middle walk past a wall, two of
//! them are listed, and the whole path runs with a detector and a recogniser that know nothing but the middle's colour.

use std::path::Path;
use std::sync::{Arc, Mutex};

use capture::{Pace, Recording};
use domain::{
    Age, Deployment, DeploymentId, Draft, EntryFacts, Equipment, Kind, Live, Officer, OfficerId, Operation,
    OperationId, Plan, Reference, Retention, Role,
};
use face::align::Alignment;
use face::decode::{self, Limits};
use face::{
    Chip, Contract, Detection, Detector, EngineError, EngineKind, Faces, Picture, PictureView, Point, Recognizer, Rect,
    RgbView, ScoreKind, Template,
};
use image::{Rgb, RgbImage};
use jiff::{SignedDuration, Timestamp};
use pipeline::{Exercise, Footage, Source};
use store::{EXERCISE_POLICY, NewEntry, Recorded, Store};
use testkit::ManualClock;

/// The colours of the heads' middles; the first two are listed, the last is nobody.
pub(crate) const HEADS: [[u8; 3]; 3] = [[214, 90, 70], [70, 110, 220], [80, 180, 110]];
pub(crate) const LISTED: usize = 2;
/// Where the exercise puts what it keeps of its alerts, for the scan: beside its own folder, not in it.
pub(crate) const ALERTS: &str = "alerts";
const DIMENSIONS: usize = 128;
const WIDTH: u32 = 480;
const HEIGHT: u32 = 270;
const RADIUS: i64 = 44;
const MIDDLE: i64 = 20;
const FRAMES: usize = 36;

/// Numbers that look random and are the same for the same seed: SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The template of a head: what the recogniser says of it.
pub(crate) fn template(head: usize) -> Vec<f32> {
    let value = |at: usize| (mixed((head * DIMENSIONS + at + 1) as u64) >> 40) as f32 / (1 << 23) as f32 - 1.0;
    let values: Vec<f32> = (0..DIMENSIONS).map(value).collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter().map(|value| value / length).collect()
}

/// A noisy head with a plain middle.
fn head(picture: &mut RgbImage, x: i64, y: i64, head: usize) {
    for (dx, dy) in (-RADIUS..=RADIUS).flat_map(|dy| (-RADIUS..=RADIUS).map(move |dx| (dx, dy))) {
        let (column, row, square) = (x + dx, y + dy, dx * dx + dy * dy);
        let inside =
            (0..i64::from(picture.width())).contains(&column) && (0..i64::from(picture.height())).contains(&row);
        if inside && square < RADIUS * RADIUS {
            let noise = mixed((head as u64 + 1) << 32 | (((dy + 64) * 128 + dx + 64) as u64)).to_le_bytes();
            let colour = if square < MIDDLE * MIDDLE { HEADS[head] } else { [noise[0], noise[1], noise[2]] };
            picture.put_pixel(column as u32, row as u32, Rgb(colour));
        }
    }
}

/// Where a head is in a frame: all of it is in the middle of its passage.
fn place(head: usize, frame: usize) -> (i64, i64) {
    let frame = frame as i64 - 12 * head as i64;
    (frame * 44, 80 + 40 * head as i64)
}

/// Footage and portraits, as PNG.
pub(crate) fn draw(inputs: &Path) {
    std::fs::create_dir_all(inputs.join("footage")).expect("a folder");
    for frame in 0..FRAMES {
        let mut picture = RgbImage::from_pixel(WIDTH, HEIGHT, Rgb([120, 124, 130]));
        for number in 0..HEADS.len() {
            let (x, y) = place(number, frame);
            head(&mut picture, x, y, number);
        }
        picture.save(inputs.join(format!("footage/{frame:03}.png"))).expect("saved");
    }
    for number in 0..LISTED {
        let mut picture = RgbImage::from_pixel(200, 200, Rgb([190, 200, 206]));
        head(&mut picture, 100, 100, number);
        picture.save(inputs.join(format!("portrait-{number}.png"))).expect("saved");
    }
}

/// The face of a head as the footage shows it: width, height, rows.
pub(crate) fn seen(inputs: &Path, number: usize) -> (u32, u32, Vec<u8>) {
    let frame = 12 * number + 5;
    let (x, y) = place(number, frame);
    let picture = decode::file(&inputs.join(format!("footage/{frame:03}.png")), &Limits::default()).expect("drawn");
    let (left, width) = ((x - RADIUS) as usize, 2 * RADIUS as usize);
    let rows = (y - 36..y + 36).map(|row| picture.view().row(row as u32)[3 * left..3 * (left + width)].to_vec());
    (width as u32, 72, rows.flatten().collect())
}

/// The image that is listed of a head.
pub(crate) fn listed_png(inputs: &Path, number: usize) -> Vec<u8> {
    pipeline::enrol(&mut faces(), "listed", &portrait(inputs, number)).expect("one head").image_png.to_vec()
}

fn portrait(inputs: &Path, number: usize) -> Picture {
    decode::file(&inputs.join(format!("portrait-{number}.png")), &Limits::default()).expect("drawn")
}

/// The whole exercise, in `folder`; `reached` is told when the watchlist is open, when its alerts are judged, and of the purge.
pub(crate) fn exercise(folder: &Path, reached: impl Fn(&str)) {
    let inputs = folder.join("inputs");
    let clock = Arc::new(ManualClock::at("2026-03-01T09:00:00Z".parse().expect("a date")));
    let now = || clock.advance(SignedDuration::from_millis(10));
    let mut store = Store::create(&folder.join("run/data"), "overt.example/drawn").expect("a store");
    let recording = Recording::open(inputs.join("footage")).expect("a recording");
    let source = Source { camera: "c1".into(), footage: Footage::Recording(recording) };
    let live = live(&mut store, &inputs, &source, &now);
    let d = live.plan().deployment.clone();
    let opened = store.watchlist(&live).expect("readable");
    assert_eq!(opened.len(), LISTED);
    reached("listed");
    drop(opened);
    let policy = store.policy().expect("readable").expect("adopted");
    let store = Arc::new(Mutex::new(store));
    let running = pipeline::start(Exercise {
        store: Arc::clone(&store),
        live,
        policy,
        faces: faces(),
        faces_beside: Vec::new(),
        sources: vec![source],
        clock: Arc::clone(&clock) as Arc<dyn domain::Clock>,
        pace: Pace::AsFastAsConsumed,
        rhythm: pipeline::cadence::Rhythm::Usual,
        view_interval: Some(std::time::Duration::ZERO),
    })
    .expect("it runs");
    let status = running.wait();
    assert_eq!((status.counts.faces_seen, status.counts.alerts_kept), (3, 2), "{status:?}");
    drop(running);
    let mut store = store.lock().expect("whole");
    let judged: Vec<_> = store
        .alerts(&d)
        .expect("readable")
        .iter()
        .map(|row| {
            let alert = &row.alert.raised().alert;
            let evidence = store.view_evidence(alert, &officer(Role::Operator), now()).expect("readable");
            let listed = store.alert_listed_image(alert).expect("readable");
            std::fs::write(folder.join(ALERTS).join(format!("{}.png", evidence.entry)), &evidence.live_png[..])
                .expect("written");
            (evidence, listed)
        })
        .collect();
    assert_eq!(judged.len(), LISTED);
    reached("judging");
    drop(judged);
    let ended = store.deployment(&d).expect("readable").expect_ended().expect("it has ended");
    store.purge(ended, now()).expect("purged");
    assert!(matches!(*store.deployment(&d).expect("readable"), Deployment::Purged(_)));
    store.publish(now()).expect("published");
    assert_eq!(store.check().expect("readable"), vec![]);
    reached("purged");
}

fn live(store: &mut Store, inputs: &Path, source: &Source, now: &dyn Fn() -> Timestamp) -> Recorded<Live> {
    let authoriser = officer(Role::AuthorisingOfficer);
    let model = pipeline::model_id(&contract());
    let threshold =
        format!("\n[[threshold]]\nmodel = \"{}\"\nvalue = 0.9\nfpir = 0.001\nevaluation = \"drawn\"\n", model.as_str());
    let profile = EXERCISE_POLICY.replacen("\"3 s\"", "\"0 s\"", 1) + &threshold;
    let policy = store.adopt_policy(&profile, &authoriser, now()).expect("lawful").into_inner();
    let operation = OperationId::new("drawn").expect("a name");
    let text = || "drawn".to_owned();
    let opened = Operation {
        operation: operation.clone(),
        title: text(),
        force: text(),
        purpose: text(),
        outside_authoriser: None,
    };
    store.commit(opened.open(&authoriser, &policy, now()).expect("lawful")).expect("recorded");
    let starts = now();
    let plan = Plan {
        deployment: DeploymentId::new("drawn-1").expect("a name"),
        operation,
        kind: Kind::Exercise,
        purpose: policy.purposes[0].clone(),
        place: "a wall".into(),
        place_ground: policy.place_grounds[0].clone(),
        place_evidence: "ab".repeat(32),
        cameras: 1,
        starts,
        ends: starts + SignedDuration::from_hours(1),
    };
    let proposed = Draft { plan }.propose(&officer(Role::Proposer), &policy, now()).expect("lawful");
    let approved = store.commit(proposed).expect("recorded").into_inner().approve(&authoriser, &policy, now());
    let approved = store.commit(approved.expect("lawful")).expect("recorded");
    let announced = store.publish_notice(approved, &authoriser, "Notice.\n", now()).expect("recorded");
    let (mut faces, watchlist_officer) = (faces(), officer(Role::WatchlistOfficer));
    for number in 0..LISTED {
        let label = format!("exercise subject {number}");
        let enrolled = pipeline::enrol(&mut faces, &label, &portrait(inputs, number)).expect("one head");
        let facts = EntryFacts {
            label,
            ground: policy.grounds[0].clone(),
            image_source: text(),
            supplier: text(),
            legal_basis: text(),
            image_date: "2026-02-01".parse().expect("a date"),
            origin: domain::Origin::Own,
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
        store.list(&announced, &watchlist_officer, entry, now()).expect("listed");
    }
    let frozen = store.freeze_watchlist(announced, &watchlist_officer, now()).expect("recorded").into_inner();
    let operator = officer(Role::Operator);
    let signed =
        frozen.confirm_signage(&operator, 1, "round the back", "https://overt.example/drawn-1", now()).expect("lawful");
    let signed = store.commit(signed).expect("recorded").into_inner();
    let (digest, bytes) = (source.footage.digest().expect("a recording"), source.footage.bytes());
    let declared = signed.declare_recording(&operator, &source.camera, digest, bytes, now()).expect("lawful");
    let declared = store.commit(declared).expect("recorded").into_inner();
    let threshold = policy.threshold_for(&model).expect("measured");
    let started = declared.start(&operator, equipment(), threshold, &policy, now()).expect("lawful");
    store.commit(started).expect("recorded")
}

fn officer(role: Role) -> Officer {
    Officer { id: OfficerId::new(&role.word().replace(' ', "-")).expect("a name"), role, trained_until: Timestamp::MAX }
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

fn contract() -> Contract {
    Contract {
        model: "middles".into(),
        weights_sha256: "0".repeat(64),
        alignment: Alignment::Arcface112.name().into(),
        score: ScoreKind::Cosine,
        dimensions: DIMENSIONS,
    }
}

fn faces() -> Faces {
    let recognizer = Box::new(Middles(Arc::new(contract())));
    Faces { detector: Box::new(Heads), recognizer, engine: EngineKind::BuiltIn, bundle: "drawn".into() }
}

/// Finds heads of which the middle is in the picture, all but its edge: video blurs that.
struct Heads;

impl Detector for Heads {
    fn name(&self) -> &str {
        "middles"
    }

    fn detect(&mut self, picture: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        let picture = picture.to_rgb();
        Ok(HEADS.iter().filter_map(|colour| find(picture.view(), colour)).collect())
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

fn find(picture: RgbView<'_>, colour: &[u8; 3]) -> Option<Detection> {
    let mut places = Vec::new();
    for y in 0..picture.height {
        let columns = (0_u32..).zip(picture.row(y).chunks_exact(3)).filter(|(_, pixel)| is_near(pixel, colour));
        places.extend(columns.map(|(x, _)| (x, y)));
    }
    let whole = |places: &[(u32, u32)]| places.len() as f64 > 2.6 * (MIDDLE * MIDDLE) as f64;
    if !whole(&places) {
        return None;
    }
    let mean =
        |of: fn(&(u32, u32)) -> u32| places.iter().map(|place| of(place) as f32).sum::<f32>() / places.len() as f32;
    let (x, y, radius) = (mean(|place| place.0), mean(|place| place.1), RADIUS as f32);
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
            let seen = &chip.pixels()[middle..middle + 3];
            let apart = |head: &usize| {
                HEADS[*head]
                    .iter()
                    .zip(seen)
                    .map(|(one, other)| i32::from(*one).abs_diff(i32::from(*other)))
                    .sum::<u32>()
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
