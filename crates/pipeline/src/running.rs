//! A deployment that is running, as screens see it: counts, stage and the masked view.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use capture::Health;
use capture::health::State;
use domain::{AlertId, Counts, Watched};
use face::Rect;
use store::Store;

use crate::cadence::Load;
use crate::examine::PassageSeen;
use crate::metrics::Metrics;
use crate::trace;

/// The store, shared by the pipeline and the screens.
pub type SharedStore = Arc<Mutex<Store>>;

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Frames are flowing.
    Running,
    /// The deployment is paused; the sentence says by what. Frames are dropped, and nothing is compared.
    Paused(String),
    /// The recordings ran out, or somebody stopped it; the deployment has ended.
    Ended,
    /// It stopped because it may not or cannot go on; the sentence says why.
    Stopped(String),
}

impl Stage {
    /// Whether the run is over, so that nothing more will come of it.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Ended | Self::Stopped(_))
    }
}

/// Frames of all cameras, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// Taken from the sources.
    pub captured: u64,
    /// Looked at: examined, or passed over by the rhythm of examination.
    pub processed: u64,
    /// Given up because the machine was too slow.
    pub dropped: u64,
}

/// What a screen may know of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// How far it has come.
    pub stage: Stage,
    /// What was made and what became of it, since the start.
    pub counts: Counts,
    /// Passages decided.
    pub passages: u64,
    /// Faces in view now.
    pub faces_in_view: u64,
    /// Frames.
    pub frames: Frames,
    /// Each camera.
    pub cameras: Vec<CameraStatus>,
}

/// One camera (or recording) as screens and monitors see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraStatus {
    /// Its name.
    pub camera: String,
    /// Its stream.
    pub health: Health,
    /// Frames examined.
    pub examined: u64,
    /// Frames passed over by the rhythm of examination.
    pub passed_over: u64,
    /// Frames passed over because nothing moved and nobody was in view.
    pub still: u64,
    /// Frames whose planes were not what their size asks for.
    pub unbelievable: u64,
    /// What is given up so that frames are examined in time.
    pub load: Load,
    /// Faces followed now.
    pub faces_in_view: u64,
    /// What was made of its frames and what became of it; the sum over all cameras is the deployment's.
    pub counts: Counts,
    /// Passages decided.
    pub passages: u64,
    /// Those of them with a view good enough to be compared early.
    pub passages_usable: u64,
}

impl CameraStatus {
    /// What became of the frames, in words for labels.
    pub fn frame_fates(&self) -> [(&'static str, u64); 7] {
        let counts = &self.health.counts;
        [
            ("examined", self.examined),
            ("passed_over", self.passed_over),
            ("still", self.still),
            ("unbelievable", self.unbelievable),
            ("dropped", counts.frames_dropped),
            ("not_decoded", counts.frames_skipped),
            ("without_place", counts.frames_without_place),
        ]
    }

    /// What went wrong with the stream, in words for labels.
    pub fn faults(&self) -> [(&'static str, u64); 9] {
        let (counts, repairs) = (&self.health.counts, &self.health.repairs);
        [
            ("packet_lost", counts.packets_lost),
            ("packet_damaged", counts.packets_damaged),
            ("reconnect", counts.reconnects),
            ("stall", counts.stalls),
            ("decoder_crash", counts.crashes),
            ("decoder_lie", counts.lies),
            ("decoder_overgrown", counts.overgrown),
            ("clock_back", repairs.went_back),
            ("clock_jump", repairs.jumped),
        ]
    }

    /// Why no frames come, where none do although the recording has not ended.
    pub fn not_streaming(&self) -> Option<String> {
        let fault = self.health.last_fault.as_deref().unwrap_or("no frame yet");
        match self.health.state {
            State::Connecting | State::WaitingToRetry => Some(format!("{} gives no frames: {fault}", self.camera)),
            State::Streaming | State::Ended => None,
        }
    }

    /// What the deployment counted between these two totals is this camera's.
    pub(crate) fn count(&mut self, before: Counts, total: Counts) {
        self.counts.faces_seen += total.faces_seen - before.faces_seen;
        self.counts.templates_made += total.templates_made - before.templates_made;
        self.counts.templates_destroyed += total.templates_destroyed - before.templates_destroyed;
        self.counts.alerts_kept += total.alerts_kept - before.alerts_kept;
    }

    /// So many passages are over, seen so well.
    pub(crate) fn count_passages(&mut self, seen: &[PassageSeen]) {
        self.passages += seen.len() as u64;
        self.passages_usable += seen.iter().filter(|seen| seen.usable).count() as u64;
    }

    fn processed(&self) -> u64 {
        self.examined + self.passed_over + self.still
    }
}

impl Frames {
    /// Those of all cameras.
    pub(crate) fn of(cameras: &[CameraStatus]) -> Self {
        let sum = |of: fn(&CameraStatus) -> u64| cameras.iter().map(of).sum();
        Self {
            captured: sum(|camera| camera.health.counts.frames),
            processed: sum(CameraStatus::processed),
            dropped: sum(|camera| camera.health.counts.frames_dropped),
        }
    }
}

/// A recorded alert, where it was seen and how long it took to reach the record: for the account of an exercise.
#[derive(Clone, Debug, PartialEq)]
pub struct RaisedAlert {
    /// Which alert.
    pub alert: AlertId,
    /// Number of the watchlist entry.
    pub entry: u32,
    /// How alike, in the model's own units; larger is more.
    pub score: f32,
    /// Name of the camera.
    pub camera: String,
    /// Frame in which the compared view was seen.
    pub frame_number: u64,
    /// Where in that frame.
    pub face: Rect,
    /// From the frame that completed the view leaving its source to the alert being durable, in milliseconds.
    pub latency_ms: f64,
}

/// A handle on a run. Dropping it stops the run.
pub struct Running {
    pub(crate) board: Arc<Board>,
    pub(crate) worker: Mutex<Option<JoinHandle<()>>>,
}

/// What the run writes and the screens read.
pub(crate) struct Board {
    pub(crate) cameras: Vec<String>,
    pub(crate) posted: Mutex<Posted>,
    pub(crate) metrics: Metrics,
    pub(crate) stop: Mutex<Option<String>>,
    stopped: Condvar,
    /// What somebody or something outside the run reported since it last looked.
    reports: Mutex<Watched>,
}

pub(crate) struct Posted {
    pub(crate) status: Status,
    pub(crate) views: Vec<Option<(u64, Arc<[u8]>)>>,
    pub(crate) raised: Vec<RaisedAlert>,
}

impl Running {
    /// What screens show.
    pub fn status(&self) -> Status {
        self.board.posted().status.clone()
    }

    /// The newest masked picture of a camera (JPEG) and its number, when it is newer than `seen`.
    pub fn masked_view(&self, camera: usize, seen: u64) -> Option<(u64, Arc<[u8]>)> {
        let newest = self.board.posted().views.get(camera)?.clone()?;
        (newest.0 > seen).then_some(newest)
    }

    /// What the run measures of itself, as a monitor reads it: OpenMetrics text.
    pub fn metrics(&self) -> String {
        self.board.metrics.told(&self.status())
    }

    /// Each stage of the way of a face: its word, how often it was passed, and the mean time it took, milliseconds.
    pub fn stages(&self) -> Vec<(&'static str, u64, f64)> {
        self.board.metrics.means_ms()
    }

    /// The cameras (recordings) by name.
    pub fn cameras(&self) -> &[String] {
        &self.board.cameras
    }

    /// The alerts recorded so far.
    pub fn raised(&self) -> Vec<RaisedAlert> {
        self.board.posted().raised.clone()
    }

    /// Asks the run to end; the deployment is ended on the record.
    pub fn stop(&self, reason: &str) {
        let mut stop = lock(&self.board.stop);
        stop.get_or_insert_with(|| reason.to_owned());
        self.board.stopped.notify_all();
    }

    /// Reports that a camera no longer shows what it was set up to show: a trip-wire, which pauses the deployment.
    pub fn report_camera_moved(&self, camera: &str) {
        self.board.report_camera_moved(camera);
    }

    /// Reports the largest ratio of error rates between two groups that a monitor found: above the policy's, a trip-wire.
    pub fn report_differential(&self, ratio: f64) {
        lock(&self.board.reports).differential_ratio = Some(ratio);
    }

    /// Waits until the run is over and says how it came out.
    pub fn wait(&self) -> Status {
        let worker = lock(&self.worker).take();
        if let Some(worker) = worker
            && worker.join().is_err()
        {
            let found = "the run ended by a fault in the software; the record holds what was counted".to_owned();
            self.board.posted().status.stage = Stage::Stopped(found);
        }
        self.status()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop("the control room closed");
        self.wait();
    }
}

impl Board {
    pub(crate) fn new(cameras: Vec<String>) -> Self {
        let status = Status {
            stage: Stage::Running,
            counts: Counts::default(),
            passages: 0,
            faces_in_view: 0,
            frames: Frames::default(),
            cameras: Vec::new(),
        };
        let views = cameras.iter().map(|_| None).collect();
        Self {
            metrics: Metrics::of(&cameras),
            cameras,
            posted: Mutex::new(Posted { status, views, raised: Vec::new() }),
            stop: Mutex::new(None),
            stopped: Condvar::new(),
            reports: Mutex::default(),
        }
    }

    /// A camera no longer shows what it was set up to show.
    pub(crate) fn report_camera_moved(&self, camera: &str) {
        trace::moved(camera);
        lock(&self.reports).camera_moved = Some(camera.to_owned());
    }

    /// What was reported since this was last asked.
    pub(crate) fn take_reports(&self) -> Watched {
        std::mem::take(&mut *lock(&self.reports))
    }

    /// Waits for at most so long; the reason to stop, if there is one by then.
    pub(crate) fn stop_within(&self, most: Duration) -> Option<String> {
        let waited = self.stopped.wait_timeout_while(lock(&self.stop), most, |stop| stop.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    pub(crate) fn posted(&self) -> MutexGuard<'_, Posted> {
        lock(&self.posted)
    }

    pub(crate) fn stop_reason(&self) -> Option<String> {
        lock(&self.stop).clone()
    }
}

/// Locks, also after a thread that held the lock panicked: what is behind it here is counts and pictures, each replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
