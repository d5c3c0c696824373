//! What a run measures of itself, in the words of Prometheus (OpenMetrics text): numbers of frames, faces and milliseconds, never of anybody.
//!
//! `docs/reference/metrics.md` lists every name. Cameras are labels; faces, entries and alerts are not.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::running::{CameraStatus, Status};

/// A stage of the way of a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum StageOfWork {
    /// From a frame to the faces in it, measured and followed.
    Examine,
    /// From an aligned face to its template.
    Embed,
    /// A template against the list.
    Search,
    /// A candidate sealed and durably on the record.
    Record,
    /// A masked picture for the screens.
    Picture,
}

impl StageOfWork {
    /// All of them, on the way of a face.
    pub const ALL: [Self; 5] = [Self::Examine, Self::Embed, Self::Search, Self::Record, Self::Picture];

    /// As reports say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Examine => "examine",
            Self::Embed => "embed",
            Self::Search => "search",
            Self::Record => "record",
            Self::Picture => "picture",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    stage: StageOfWork,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCamera {
    camera: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fate {
    camera: String,
    fate: &'static str,
}

/// The time that each stage takes, and the whole way to an alert. Everything else is read from [`Status`] when asked for.
pub struct Metrics {
    stages: Family<OfStage, Histogram>,
    to_alert: Histogram,
    /// Passes and nanoseconds of each stage.
    sums: [Mutex<(u64, u128)>; StageOfWork::ALL.len()],
}

/// Runs from its making until it is told to a stage.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "how long a stage takes is measured, and decides nothing")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // 0.25 ms to 8 s, each twice the one before.
        let histogram = || Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        Self { stages: Family::new_with_constructor(histogram), to_alert: histogram(), sums: Default::default() }
    }
}

impl Metrics {
    pub(crate) fn took(&self, stage: StageOfWork, stopwatch: &Stopwatch) {
        let took = stopwatch.0.elapsed();
        self.stages.get_or_create(&OfStage { stage }).observe(took.as_secs_f64());
        let mut sum = self.sums[stage as usize].lock().unwrap_or_else(PoisonError::into_inner);
        *sum = (sum.0 + 1, sum.1 + took.as_nanos());
    }

    pub(crate) fn alert_took(&self, seconds: f64) {
        self.to_alert.observe(seconds);
    }

    /// How often each stage was passed and how long it took on average, milliseconds.
    pub(crate) fn means_ms(&self) -> Vec<(&'static str, u64, f64)> {
        let mean = |stage: StageOfWork| {
            let (passes, nanoseconds) = *self.sums[stage as usize].lock().unwrap_or_else(PoisonError::into_inner);
            (stage.word(), passes, nanoseconds as f64 / 1e6 / passes.max(1) as f64)
        };
        StageOfWork::ALL.into_iter().map(mean).collect()
    }

    /// The text that a monitor reads.
    pub(crate) fn told(&self, status: &Status) -> String {
        let mut registry = Registry::with_prefix("overt");
        registry.register_with_unit("stage", "Time that a stage takes", Unit::Seconds, self.stages.clone());
        let help = "From the arrival of the last frame that was needed to the alert being durably on the record";
        registry.register_with_unit("alert_latency", help, Unit::Seconds, self.to_alert.clone());
        tell_faces(&mut registry, status);
        tell_cameras(&mut registry, &status.cameras);
        let mut told = String::new();
        // A string takes whatever is written.
        let _ = text::encode(&mut told, &registry);
        told
    }
}

fn tell_faces(registry: &mut Registry, status: &Status) {
    let counts = status.counts;
    for (name, help, value) in [
        ("faces_seen", "Faces seen", counts.faces_seen),
        ("templates_made", "Templates made", counts.templates_made),
        ("templates_destroyed", "Templates destroyed", counts.templates_destroyed),
        ("alerts_kept", "Templates kept as sealed evidence of an alert", counts.alerts_kept),
        ("passages", "Passages that are over", status.passages),
    ] {
        let counter: Counter<u64, AtomicU64> = Counter::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    let running: Gauge = Gauge::default();
    running.set(i64::from(!status.stage.is_over()));
    registry.register("running", "1 while the run lasts, paused or not", running);
}

fn tell_cameras(registry: &mut Registry, cameras: &[CameraStatus]) {
    let frames: Family<Fate, Counter> = Family::default();
    let faults: Family<Fate, Counter> = Family::default();
    let per_second: Family<OfCamera, Gauge<f64, AtomicU64>> = Family::default();
    let bits: Family<OfCamera, Gauge> = Family::default();
    let load: Family<OfCamera, Gauge> = Family::default();
    let in_view: Family<OfCamera, Gauge> = Family::default();
    for status in cameras {
        let camera = || OfCamera { camera: status.camera.clone() };
        for (fate, value) in status.frame_fates() {
            frames.get_or_create(&Fate { camera: status.camera.clone(), fate }).inc_by(value);
        }
        for (fate, value) in status.faults() {
            faults.get_or_create(&Fate { camera: status.camera.clone(), fate }).inc_by(value);
        }
        per_second.get_or_create(&camera()).set(status.health.frames_per_second);
        bits.get_or_create(&camera()).set(i64::try_from(status.health.bits_per_second).unwrap_or(i64::MAX));
        load.get_or_create(&camera()).set(status.load as i64);
        in_view.get_or_create(&camera()).set(i64::try_from(status.faces_in_view).unwrap_or(i64::MAX));
    }
    registry.register("camera_frames", "Frames by what became of them", frames);
    registry.register("camera_faults", "What went wrong between the camera and the first picture", faults);
    registry.register("camera_frames_per_second", "Frames that arrived in the last whole second", per_second);
    registry.register("camera_bits_per_second", "Bits of video received in the last whole second", bits);
    registry.register("camera_load", "What is given up so that frames are examined in time: 0 nothing, 3 most", load);
    registry.register("camera_faces_in_view", "Faces followed now", in_view);
}
