//! A whole intake, with a detector and a recogniser that know nothing but plain colours.

use std::sync::Arc;

use domain::{DeploymentId, Draft, Kind, OfficerId, Operation, OperationId, Plan, Refusal, Role};
use face::align::Alignment;
use face::template::{Contract, ScoreKind, Template};
use face::{Chip, Detection, Detector, EngineError, EngineKind, PictureView, Point, Recognizer, Rect, RgbView};
use jiff::{SignedDuration, Timestamp};
use store::EXERCISE_POLICY;
use tempfile::TempDir;
use testkit::ManualClock;

use super::*;

/// Heads of these colours are found. The first two are one person's by the model, the third is like them, the last is not.
const RED: [u8; 3] = [214, 90, 70];
const ALSO_RED: [u8; 3] = [200, 100, 80];
const ORANGE: [u8; 3] = [214, 150, 60];
const BLUE: [u8; 3] = [70, 110, 220];
const HEADS: [[u8; 3]; 4] = [RED, ALSO_RED, ORANGE, BLUE];
const SIDE: u32 = 160;

pub(crate) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(crate) fn plan() -> Plan {
    Plan {
        deployment: DeploymentId::new("d1").unwrap(),
        operation: OperationId::new("o1").unwrap(),
        kind: Kind::Exercise,
        purpose: "training and demonstration".into(),
        place: "nowhere".into(),
        place_ground: "recorded files".into(),
        place_evidence: "ab".repeat(32),
        cameras: 1,
        starts: now(),
        ends: now() + SignedDuration::from_hours(1),
    }
}

pub(crate) fn policy() -> Policy {
    World::new().policy
}

struct World {
    folder: TempDir,
    store: Store,
    policy: Policy,
    clock: ManualClock,
    faces: Faces,
}

fn officer(role: Role) -> Officer {
    Officer { id: OfficerId::new(&role.word().replace(' ', "-")).unwrap(), role, trained_until: Timestamp::MAX }
}

impl World {
    /// A store in which the exercise policy is in force, with a threshold for the model of colours.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::create(&folder.path().join("data"), "overt.example/exercise").unwrap();
        let contract = Arc::new(contract());
        let model = model_id(&contract);
        let threshold = format!(
            "\n[[threshold]]\nmodel = \"{}\"\nvalue = 0.9\nfpir = 0.001\nevaluation = \"colours\"\n",
            model.as_str()
        );
        let text = EXERCISE_POLICY.to_owned() + &threshold;
        let policy = store.adopt_policy(&text, &officer(Role::AuthorisingOfficer), now()).unwrap().into_inner();
        let recognizer = Box::new(Colours(contract));
        let faces =
            Faces { detector: Box::new(Heads), recognizer, engine: EngineKind::BuiltIn, bundle: "colours".into() };
        Self { folder, store, policy, clock: ManualClock::at(now()), faces }
    }

    fn announced(&mut self) -> Recorded<Announced> {
        let operation = Operation {
            operation: OperationId::new("o1").unwrap(),
            title: "Exercise".into(),
            force: "Example force".into(),
            purpose: "to learn".into(),
            outside_authoriser: None,
        };
        let authoriser = officer(Role::AuthorisingOfficer);
        self.store.commit(operation.open(&authoriser, &self.policy, now()).unwrap()).unwrap();
        let proposed = Draft { plan: plan() }.propose(&officer(Role::Proposer), &self.policy, now()).unwrap();
        let proposed = self.store.commit(proposed).unwrap().into_inner();
        let approved = self.store.commit(proposed.approve(&authoriser, &self.policy, now()).unwrap()).unwrap();
        self.store.publish_notice(approved, &authoriser, "Notice.\n", now()).unwrap()
    }

    /// Draws an image with heads of these colours and this side in a row.
    fn draw(&self, name: &str, heads: &[[u8; 3]], head_px: u32) {
        let mut pixels = vec![128; (3 * SIDE * SIDE) as usize];
        for (place, colour) in (0..).zip(heads) {
            for y in 40..40 + head_px {
                for x in 5 + place * 75..5 + place * 75 + head_px {
                    let at = (3 * (y * SIDE + x)) as usize;
                    pixels[at..at + 3].copy_from_slice(colour);
                }
            }
        }
        let picture = Picture::from_rgb(SIDE, SIDE, pixels).unwrap();
        std::fs::write(self.folder.path().join(name), crate::run::png(&picture)).unwrap();
    }

    /// Takes in rows of reference, label and image.
    fn take(&mut self, announced: &Recorded<Announced>, rows: &[(&str, &str, &str)]) -> Vec<RowOutcome> {
        let row = |(reference, label, image): &(&str, &str, &str)| {
            format!("{reference},{label},{image},exercise subject,drawn,a hand,drawn,2026-01-02,retained,1990,,\n")
        };
        let text = format!("{}\n{}", rows::COLUMNS.join(","), rows.iter().map(row).collect::<String>());
        let rows = read(text.as_bytes(), &plan(), &self.policy, now()).unwrap();
        let lister = officer(Role::WatchlistOfficer);
        let desk = Desk { officer: &lister, policy: &self.policy, clock: &self.clock };
        intake(&mut self.store, &mut self.faces, announced, rows, self.folder.path(), &desk).unwrap().outcomes
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

fn find(picture: RgbView<'_>, head: &[u8; 3]) -> Option<Detection> {
    let places = (0..picture.height).flat_map(|y| {
        let row = (0_u32..).zip(picture.row(y).chunks_exact(3));
        row.filter(|(_, pixel)| pixel == head).map(move |(x, _)| (x, y)).collect::<Vec<_>>()
    });
    let places: Vec<(u32, u32)> = places.collect();
    let (left, top) = (places.iter().map(|(x, _)| *x).min()?, places.iter().map(|(_, y)| *y).min()?);
    let (right, bottom) = (places.iter().map(|(x, _)| *x).max()?, places.iter().map(|(_, y)| *y).max()?);
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

fn refused(outcome: &RowOutcome) -> &ImageRefusal {
    match &outcome.outcome {
        Outcome::Refused(refusal) => refusal,
        Outcome::Accepted { entry, .. } => panic!("row {} became entry {entry}", outcome.row),
    }
}

fn accepted(outcome: &RowOutcome) -> (u32, &[(u32, Likeness)]) {
    match &outcome.outcome {
        Outcome::Accepted { entry, alike, .. } => (*entry, alike),
        Outcome::Refused(refusal) => panic!("row {}: {refusal}", outcome.row),
    }
}

#[test]
fn each_image_is_accepted_as_measured_or_refused_with_its_reason() {
    let mut world = World::new();
    world.policy.sharpness_min = 0.0;
    let announced = world.announced();
    world.draw("red.png", &[RED], 70);
    world.draw("nobody.png", &[], 70);
    world.draw("two.png", &[RED, BLUE], 70);
    world.draw("small.png", &[BLUE], 30);
    std::fs::write(world.folder.path().join("text.png"), "this is no picture").unwrap();
    let outcomes = world.take(
        &announced,
        &[
            ("ref 0001", "subject 1", "red.png"),
            ("ref 0002", "subject 2", "nobody.png"),
            ("ref 0003", "subject 3", "two.png"),
            ("ref 0004", "subject 4", "small.png"),
            ("ref 0005", "subject 5", "text.png"),
            ("ref 0006", "subject 6", "missing.png"),
        ],
    );
    assert_eq!(outcomes.iter().map(|outcome| outcome.row).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    assert_eq!(accepted(&outcomes[0]), (1, &[][..]));
    let Outcome::Accepted { quality, .. } = &outcomes[0].outcome else { unreachable!("accepted") };
    assert!((quality.inter_eye_distance_px - 0.34 * 70.0).abs() < 0.5, "{quality:?}");
    assert_eq!(*refused(&outcomes[1]), ImageRefusal::NoFace);
    assert_eq!(*refused(&outcomes[2]), ImageRefusal::SeveralFaces { found: 2 });
    assert!(matches!(refused(&outcomes[3]), ImageRefusal::TooSmall { min_px: 20, .. }));
    assert_eq!(*refused(&outcomes[4]), ImageRefusal::Unreadable);
    assert_eq!(*refused(&outcomes[5]), ImageRefusal::Unreadable);
    assert_eq!(world.store.listed_so_far(&announced).unwrap().len(), 1, "a refused image is not listed");
    world.policy.sharpness_min = 100.5;
    let blurred = world.take(&announced, &[("ref 0001", "subject 1", "red.png")]);
    assert!(matches!(refused(&blurred[0]), ImageRefusal::Blurred { .. }));
    for outcome in outcomes.iter().skip(1).chain(&blurred) {
        let told = refused(outcome).to_string();
        assert!(!told.contains("ref") && !told.contains("png") && !told.contains("subject"), "{told}");
    }
}

#[test]
fn people_who_are_alike_are_flagged_also_against_an_earlier_intake() {
    let mut world = World::new();
    let announced = world.announced();
    world.draw("red.png", &[RED], 70);
    world.draw("also-red.png", &[ALSO_RED], 70);
    world.draw("orange.png", &[ORANGE], 70);
    world.draw("blue.png", &[BLUE], 70);
    let first = world.take(&announced, &[("ref 0001", "subject 1", "red.png"), ("ref 0002", "subject 2", "blue.png")]);
    assert_eq!((accepted(&first[0]), accepted(&first[1])), ((1, &[][..]), (2, &[][..])));
    let second = world.take(
        &announced,
        &[
            ("ref 0001", "subject 1", "also-red.png"),
            ("ref 0003", "subject 3", "orange.png"),
            ("ref 0004", "subject 4", "blue.png"),
            ("ref 0002", "subject 2", "blue.png"),
        ],
    );
    assert_eq!(accepted(&second[0]), (3, &[][..]), "another image of the same person is no likeness");
    let like_both = [(1, Likeness::LookAlike), (3, Likeness::LookAlike)];
    assert_eq!(accepted(&second[1]), (4, &like_both[..]));
    assert_eq!(accepted(&second[2]), (5, &[(2, Likeness::SameImage)][..]));
    assert_eq!(*refused(&second[3]), ImageRefusal::ListedAlready { entry: 2 });
    let third = world.take(&announced, &[("ref 0005", "subject 5", "also-red.png")]);
    let found = [(1, Likeness::Duplicate), (3, Likeness::SameImage), (4, Likeness::LookAlike)];
    assert_eq!(accepted(&third[0]), (6, &found[..]));
    let frozen = world.store.freeze_watchlist(announced, &officer(Role::WatchlistOfficer), now());
    let open = Refusal::LikenessesOpen { pairs: 6 };
    assert!(matches!(frozen, Err(StoreError::Refusal(refusal)) if refusal == open));
}
