//! What a run measures of itself, in the words of Prometheus (OpenMetrics text): numbers of frames, faces and milliseconds, never of anybody.
//!
//! `docs/reference/metrics.md` lists every name, and a test holds it to what is told. Cameras are labels; faces, entries and alerts are not.

mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::examine::PassageSeen;
use crate::trace::{self, EnteredSpan};

/// A stage of the way of a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    camera: String,
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCamera {
    camera: String,
}

/// What is measured while it happens, by any thread: times, and how well people were seen. What is only counted is read from
/// [`Status`](crate::Status) when asked for.
pub struct Metrics {
    stages: Family<OfStage, Histogram>,
    ages: Family<OfCamera, Histogram>,
    to_alert: Family<OfCamera, Histogram>,
    promising: Family<OfCamera, Histogram>,
    /// The histograms of each camera, so that nobody looks for a name when a frame is measured.
    cameras: Vec<OfOneCamera>,
}

struct OfOneCamera {
    stages: [Histogram; StageOfWork::ALL.len()],
    sums: [Sum; StageOfWork::ALL.len()],
    age: Histogram,
    to_alert: Histogram,
    promising: Histogram,
}

/// What a histogram does not give back: 64 bits of nanoseconds last for 584 years of work.
#[derive(Default)]
struct Sum {
    passes: AtomicU64,
    nanoseconds: AtomicU64,
}

/// Runs from its making until [`Metrics::took`] has it; one that is dropped before measured nothing. The stage is a span meanwhile.
pub(crate) struct Stopwatch {
    stage: StageOfWork,
    from: Instant,
    _span: EnteredSpan,
}

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "how long a stage takes is measured, and decides nothing")]
    pub(crate) fn start(stage: StageOfWork) -> Self {
        Self { stage, _span: trace::stage(stage), from: Instant::now() }
    }
}

impl Metrics {
    /// Of these cameras, which are known by their place among them from then on.
    pub(crate) fn of(cameras: &[String]) -> Self {
        // 0.25 ms to 8 s, each twice the one before.
        let seconds = || Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        // None, 1, 2, 4 … 64.
        let views = || Histogram::new(std::iter::once(0.0).chain(exponential_buckets(1.0, 2.0, 7)));
        let stages = Family::<OfStage, Histogram>::new_with_constructor(seconds);
        let ages = Family::<OfCamera, Histogram>::new_with_constructor(seconds);
        let to_alert = Family::<OfCamera, Histogram>::new_with_constructor(seconds);
        let promising = Family::<OfCamera, Histogram>::new_with_constructor(views);
        let of_one = |camera: &String| {
            let of_stage = |stage: StageOfWork| OfStage { camera: camera.clone(), stage: stage.word() };
            let of_camera = OfCamera { camera: camera.clone() };
            OfOneCamera {
                stages: StageOfWork::ALL.map(|stage| stages.get_or_create_owned(&of_stage(stage))),
                sums: Default::default(),
                age: ages.get_or_create_owned(&of_camera),
                to_alert: to_alert.get_or_create_owned(&of_camera),
                promising: promising.get_or_create_owned(&of_camera),
            }
        };
        let of_each = cameras.iter().map(of_one).collect();
        Self { stages, ages, to_alert, promising, cameras: of_each }
    }

    /// A stage of a camera's work is done.
    pub(crate) fn took(&self, camera: usize, stopwatch: Stopwatch) {
        let took = stopwatch.from.elapsed();
        let Some(of) = self.cameras.get(camera) else { return };
        let stage = stopwatch.stage as usize;
        of.stages[stage].observe(took.as_secs_f64());
        of.sums[stage].passes.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        of.sums[stage].nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// A frame was so old when its examination began.
    pub(crate) fn waited(&self, camera: usize, age: Duration) {
        if let Some(of) = self.cameras.get(camera) {
            of.age.observe(age.as_secs_f64());
        }
    }

    /// An alert was durable so long after the frame that completed it.
    pub(crate) fn alert_took(&self, camera: usize, latency: Duration) {
        if let Some(of) = self.cameras.get(camera) {
            of.to_alert.observe(latency.as_secs_f64());
        }
    }

    /// Passages are over.
    pub(crate) fn passages_over(&self, camera: usize, seen: &[PassageSeen]) {
        if let Some(of) = self.cameras.get(camera) {
            seen.iter().for_each(|seen| of.promising.observe(f64::from(seen.promising_views)));
        }
    }

    /// How often each stage was passed and how long it took on average, milliseconds, over all cameras.
    pub(crate) fn means_ms(&self) -> Vec<(&'static str, u64, f64)> {
        let mean = |stage: StageOfWork| {
            let of_stage = || self.cameras.iter().map(|of| &of.sums[stage as usize]);
            let passes: u64 = of_stage().map(|sum| sum.passes.load(Ordering::Relaxed)).sum();
            let nanoseconds: u64 = of_stage().map(|sum| sum.nanoseconds.load(Ordering::Relaxed)).sum();
            (stage.word(), passes, nanoseconds as f64 / 1e6 / passes.max(1) as f64)
        };
        StageOfWork::ALL.into_iter().map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_measure_side_by_side_and_nothing_is_lost() {
        let cameras = ["north".to_owned(), "south".to_owned()];
        let metrics = Metrics::of(&cameras);
        std::thread::scope(|scope| {
            for camera in [0, 1, 1, 2] {
                let metrics = &metrics;
                scope.spawn(move || {
                    for _ in 0..50 {
                        metrics.took(camera, Stopwatch::start(StageOfWork::Examine));
                        metrics.waited(camera, Duration::from_millis(40));
                    }
                });
            }
        });
        let text = metrics.told(&crate::running::Board::new(Vec::new()).posted().status);
        let holds = |sample: &str| assert!(text.lines().any(|line| line == sample), "{sample} in {text}");
        holds("overt_stage_seconds_count{camera=\"north\",stage=\"examine\"} 50");
        holds("overt_stage_seconds_count{camera=\"south\",stage=\"examine\"} 100");
        holds("overt_frame_age_seconds_count{camera=\"south\"} 100");
        assert_eq!(text.matches("overt_frame_age_seconds_count{").count(), 2, "there is no third camera");
        assert_eq!(metrics.means_ms()[0].1, 150);
    }
}
