//! The residue scan looks for what was made: it chooses the frames again that the run chose, also where people cover each other.

#[allow(dead_code, reason = "the drawn place can do more than is needed here")]
#[path = "standing/scene.rs"]
mod scene;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use capture::concourse::{Script, WalkThrough};
use capture::{Concourse, Pace};
use face::{Detection, Detector, EngineError, Faces, PictureView, Point, Rect};
use pipeline::cadence::Rhythm;
use pipeline::residue::Traces;
use pipeline::{Exercise, Footage, Running, Source, Stage};
use scene::{Place, faces};

/// Side of a face, pixels.
const SIDE: f32 = 80.0;

/// Sees two faces in every picture, this far from edge to edge. Counts its looks.
struct Two {
    apart: f32,
    looks: Arc<AtomicU64>,
}

impl Two {
    fn faces(apart: f32) -> (Faces, Arc<AtomicU64>) {
        let looks = Arc::new(AtomicU64::new(0));
        (faces(Box::new(Self { apart, looks: Arc::clone(&looks) })), looks)
    }
}

impl Detector for Two {
    fn name(&self) -> &str {
        "two"
    }

    fn detect(&mut self, _: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let at = |left: f32| {
            let face = Rect { left, top: 40.0, width: SIDE, height: SIDE };
            let point = |x: f32, y: f32| Point { x: left + x * SIDE, y: face.top + y * SIDE };
            let points = [point(0.3, 0.4), point(0.7, 0.4), point(0.5, 0.6), point(0.35, 0.75), point(0.65, 0.75)];
            Detection { face, confidence: 0.9, points }
        };
        Ok(vec![at(10.0), at(10.0 + SIDE + self.apart)])
    }

    fn look_closely(&mut self, _: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        Ok(Vec::new())
    }

    /// It keeps nothing of a picture.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// An empty concourse, three seconds of 12.5 frames a second.
fn empty() -> Source {
    let aim = WalkThrough { width: 320, height: 180, length: Duration::from_secs(3), ..WalkThrough::default() };
    let concourse = Concourse::new(Vec::new(), Script::walk_through(0, 1, &aim), 1).expect("a scene");
    Source { camera: "c1".into(), footage: Footage::Concourse(Box::new(concourse)) }
}

/// A deployment on it, in the usual rhythm.
fn run(place: &Place, name: &str, faces: Faces) -> Running {
    let running = pipeline::start(Exercise {
        store: Arc::clone(&place.store),
        live: place.live(name, &[empty()]),
        policy: place.policy().clone(),
        faces,
        faces_beside: Vec::new(),
        sources: vec![empty()],
        clock: Arc::clone(&place.clock) as Arc<dyn domain::Clock>,
        pace: Pace::AsFastAsConsumed,
        rhythm: Rhythm::Usual,
        view_interval: None,
    });
    running.expect("it runs")
}

/// Frames there were, looks of the run, and looks of the scan.
fn looks(place: &Place, name: &str, apart: f32) -> [u64; 3] {
    let ((running, by_the_run), (mut scanning, by_the_scan)) = (Two::faces(apart), Two::faces(apart));
    let status = run(place, name, running).wait();
    assert_eq!(status.stage, Stage::Ended, "{status:?}");
    Traces::of(vec![empty()], place.policy().face_side_px_min, &mut scanning).expect("read again");
    [status.frames.captured, by_the_run.load(Ordering::Relaxed), by_the_scan.load(Ordering::Relaxed)]
}

#[test]
fn the_scan_looks_as_often_as_the_run_did_and_both_look_more_often_where_people_cover_each_other() {
    let place = Place::new();
    let [frames, by_the_run, by_the_scan] = looks(&place, "apart", SIDE);
    assert_eq!((by_the_run, by_the_scan), (frames.div_ceil(2), frames.div_ceil(2)), "every second one of {frames}");
    let [frames, by_the_run, by_the_scan] = looks(&place, "close", SIDE / 4.0);
    assert_eq!((by_the_run, by_the_scan), (frames, frames), "each");
}
