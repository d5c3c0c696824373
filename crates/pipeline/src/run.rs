//! The run itself: frames in, one decision a passage, a receipt a minute, until the footage or the authority ends.

mod camera;
mod standing;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use capture::{Bell, Pace, PermitKeeper, StreamOptions};
use domain::{Clock, Counts, Deployment, Lease, Live, Policy, Refusal, Settlement, Tally, Threshold, settle_among};
use face::{Faces, Picture};
use jiff::SignedDuration;
use store::{Evidence, Recorded};

use crate::cadence::Rhythm;
use crate::error::PipelineError;
use crate::footage::{Leave, Source};
use crate::metrics::{StageOfWork, Stopwatch};
use crate::model_id;
use crate::running::{Board, CameraStatus, Frames, RaisedAlert, Running, SharedStore, Stage, lock};
use crate::sought::Sought;
use crate::trace::{self, Span};
use camera::{Camera, Looked, Looking, ObservedFace, Taken, Turn};
use standing::Standing;

/// Frames waiting between a source and the run, for each camera.
const QUEUE_FRAMES_MAX: usize = 4;
/// How long the run waits for a frame before it looks around.
const WAIT: Duration = Duration::from_millis(100);
/// Time between two receipts.
const RECEIPT_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// Everything one exercise needs to run.
pub struct Exercise {
    /// Where decisions are recorded.
    pub store: SharedStore,
    /// The recorded live deployment: without it there is nothing to run.
    pub live: Recorded<Live>,
    /// The policy in force.
    pub policy: Policy,
    /// Detector and recogniser.
    pub faces: Faces,
    /// Further ones of the same models: one more camera is looked at side by side with each.
    pub faces_beside: Vec<Faces>,
    /// What is read; each digest must stand on the record.
    pub sources: Vec<Source>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// As fast as it can be examined, or as it was recorded.
    pub pace: Pace,
    /// Which frames are examined.
    pub rhythm: Rhythm,
    /// Time between two masked pictures of a camera for the screens; `None` when nobody looks.
    pub view_interval: Option<Duration>,
}

/// Starts the run on a thread of its own.
pub fn start(exercise: Exercise) -> Result<Running, PipelineError> {
    let cameras: Vec<String> = exercise.sources.iter().map(|source| source.camera.clone()).collect();
    let board = Arc::new(Board::new(cameras));
    let run = Run::prepare(exercise, Arc::clone(&board))?;
    let work = move || {
        run.run_out();
        // Engines, pictures and the list are gone by now.
        face::process::give_back_freed_memory();
    };
    let worker = std::thread::Builder::new().name("run".into()).spawn(work).map_err(PipelineError::Thread)?;
    Ok(Running { board, worker: Mutex::new(Some(worker)) })
}

struct Run {
    store: SharedStore,
    live: Option<Recorded<Live>>,
    policy: Policy,
    threshold: Threshold,
    /// At least one; as many cameras are looked at side by side.
    faces: Vec<Faces>,
    sought: Sought,
    cameras: Vec<Camera>,
    clock: Arc<dyn Clock>,
    pace: Pace,
    view_interval: Option<Duration>,
    bell: Bell,
    /// Cameras run only as long as this is renewed out of the lease.
    permits: PermitKeeper,
    lease: Lease,
    tally: Tally,
    standing: Standing,
    board: Arc<Board>,
}

impl Run {
    fn prepare(exercise: Exercise, board: Arc<Board>) -> Result<Self, PipelineError> {
        let Exercise { store, live, policy, faces, faces_beside, sources, clock, pace, rhythm, view_interval } =
            exercise;
        let threshold = policy.threshold_for(&model_id(faces.recognizer.contract()))?.clone();
        let now = clock.now();
        let lease = live.lease(&policy, now)?;
        let sought = Sought::open(&lock(&store), &live, faces.recognizer.contract(), now)?;
        let mut cameras = Vec::new();
        let bell = Bell::default();
        for source in sources {
            let leave = Leave::asked(&live, &lock(&store), &source)?;
            let face_side_px_min = live.face_side_px_min(&source.camera, &policy);
            let stream = source.footage.replayed(pace, stream_options(&bell))?;
            let name = source.camera;
            cameras.push(Camera::new(cameras.len(), name, leave, stream, rhythm, face_side_px_min));
        }
        let faces: Vec<Faces> = std::iter::once(faces).chain(faces_beside).collect();
        let (live, tally) = (Some(live), Tally::new());
        Ok(Self {
            store,
            live,
            policy,
            threshold,
            faces,
            sought,
            cameras,
            clock,
            pace,
            view_interval,
            bell,
            permits: PermitKeeper::new(Duration::ZERO),
            lease,
            tally,
            standing: Standing::new(now),
            board,
        })
    }

    /// Runs until the footage ends, somebody stops it, or it may not go on; then counts and ends the deployment.
    fn run_out(mut self) {
        let _run = trace::run(self.cameras.len());
        let outcome = self.frames();
        let (stage, reason) = match &outcome {
            Ok(reason) => (Stage::Ended, reason.clone()),
            Err(error) => (Stage::Stopped(error.to_string()), format!("stopped: {error}")),
        };
        let closed = self.close(&reason);
        self.post_counts();
        trace::over(outcome.as_ref().err().or(closed.as_ref().err()));
        self.board.posted().status.stage = match closed {
            Ok(()) => stage,
            Err(error) => Stage::Stopped(error.to_string()),
        };
    }

    fn frames(&mut self) -> Result<String, PipelineError> {
        loop {
            if let Some(reason) = self.board.stop_reason() {
                return Ok(reason);
            }
            if let Some(reason) = self.keep_to_record()? {
                return Ok(reason);
            }
            self.open_cameras()?;
            let rung = self.bell.rung();
            let (turns, worked, failed) = self.take_turns();
            self.look_and_decide(turns)?;
            failed.map_or(Ok(()), Err)?;
            if worked {
                self.post_counts();
                self.receipt_if_due()?;
            }
            if !self.cameras.iter().any(|camera| camera.open) {
                return Ok("the recordings ran out".to_owned());
            }
            if !worked {
                // A camera that gives nothing is seen to give nothing.
                self.post_counts();
                self.bell.wait(rung, WAIT);
            }
        }
    }

    /// When nobody is looked at any more: nothing that was in view stays in an engine, and nothing of what the scene was like.
    fn forget_view(&mut self) -> Result<(), PipelineError> {
        self.cameras.iter_mut().for_each(Camera::forget);
        // One that fails keeps none of the others from forgetting.
        let forget = |faces: &mut Faces| [faces.recognizer.forget(), faces.detector.forget()];
        let forgot: Vec<_> = self.faces.iter_mut().flat_map(forget).collect();
        Ok(forgot.into_iter().collect::<Result<(), _>>()?)
    }

    /// Opens every camera that is closed, under a permit that lasts as long as the lease.
    fn open_cameras(&mut self) -> Result<(), PipelineError> {
        let closed = |camera: &&mut Camera| camera.open && camera.stream.is_none();
        if !self.cameras.iter_mut().any(|camera| closed(&&mut *camera)) {
            return Ok(());
        }
        let left = self.lease.until().duration_since(self.clock.now());
        let Ok(left) = Duration::try_from(left) else { return Ok(()) };
        if !self.permits.permit().holds() {
            self.permits = PermitKeeper::new(left);
        }
        for camera in self.cameras.iter_mut().filter(closed) {
            camera.stream = camera.leave.open(self.permits.permit(), stream_options(&self.bell))?;
            camera.open = camera.stream.is_some();
            if camera.open {
                trace::opened(&camera.name);
            }
        }
        Ok(())
    }

    /// What each camera has that is to be looked at, by camera; whether any had anything; and how the first failed that did.
    fn take_turns(&mut self) -> (Vec<Option<Turn>>, bool, Option<PipelineError>) {
        let (mut turns, mut worked) = (Vec::with_capacity(self.cameras.len()), false);
        let mut failed = None;
        for camera in &mut self.cameras {
            // What others have taken is looked at although this one failed.
            let taken = camera.take().unwrap_or_else(|error| {
                failed.get_or_insert(error);
                Taken::Nothing
            });
            worked |= !matches!(taken, Taken::Nothing);
            let turn = if let Taken::Turn(turn) = taken { Some(turn) } else { None };
            // A camera ends only with its permit: the record says whether there is another.
            if turn.as_ref().is_some_and(Turn::is_the_end) {
                self.standing.doubt();
            }
            turns.push(turn);
        }
        (turns, worked, failed)
    }

    /// Looks at what came of all cameras, side by side, and decides about it, one camera after the other.
    fn look_and_decide(&mut self, turns: Vec<Option<Turn>>) -> Result<(), PipelineError> {
        let board = Arc::clone(&self.board);
        let (pace, view_interval, metrics) = (self.pace, self.view_interval, &board.metrics);
        let looking = Looking { pace, view_interval, metrics, lease: &self.lease, clock: &*self.clock };
        if turns.iter().any(Option::is_some) {
            // In turn, so that none keeps what it read last for longer than a few frames.
            self.faces.rotate_left(1);
        }
        let looked = look_side_by_side(&mut self.cameras, turns, &mut self.faces, &looking);
        let mut failed = None;
        for (camera, looked) in looked {
            // What a camera's look yielded is accounted for although another's failed.
            let decided = looked.and_then(|looked| self.decide(camera, looked));
            failed = failed.or(decided.err());
        }
        failed.map_or(Ok(()), Err)
    }

    fn decide(&mut self, camera: usize, looked: Looked) -> Result<(), PipelineError> {
        let before = self.tally.total();
        let decided = self.settle(camera, looked);
        // Also where it failed half way: the sum over the cameras is what the receipt says.
        self.cameras[camera].status.count(before, self.tally.total());
        decided
    }

    fn settle(&mut self, camera: usize, looked: Looked) -> Result<(), PipelineError> {
        let _examination = looked.examination.map(Span::entered);
        for _ in 0..looked.faces_seen {
            self.tally.face_seen();
        }
        for (passage, face) in looked.due {
            self.compare(camera, passage, face, looked.arrived)?;
        }
        if looked.without_authority {
            // Nothing is compared without authority: the frame was dropped, and the record says what follows.
            self.standing.doubt();
        }
        if looked.moved {
            self.board.report_camera_moved(&self.cameras[camera].name);
            self.standing.doubt();
        }
        self.cameras[camera].alerted.retain(|passage| !looked.ended.contains(passage));
        self.cameras[camera].status.count_passages(&looked.ended_seen);
        self.board.metrics.passages_over(camera, &looked.ended_seen);
        let mut posted = self.board.posted();
        posted.status.passages += looked.ended.len() as u64;
        if let (Some(jpeg), Some(place)) = (looked.view, posted.views.get_mut(camera)) {
            let number = place.as_ref().map_or(1, |(number, _)| number + 1);
            *place = Some((number, jpeg));
        }
        Ok(())
    }

    /// Compares one template with the watchlist, and lets the rule decide what becomes of it.
    fn compare(
        &mut self,
        camera: usize,
        passage: u64,
        face: ObservedFace,
        arrived: Option<Instant>,
    ) -> Result<(), PipelineError> {
        let stopwatch = Stopwatch::start(StageOfWork::Search);
        // Nobody is searched for once authority ran out; what is settled then is counted and dropped.
        let hits = match self.lease.check(self.clock.now()) {
            Ok(()) => self.sought.hits(&face.template, &self.threshold)?,
            Err(_) => Vec::new(),
        };
        self.board.metrics.took(camera, stopwatch);
        let now = self.clock.now();
        match settle_among(face, hits, &self.threshold, &self.lease, now, &mut self.tally) {
            Settlement::Nobody => Ok(()),
            Settlement::Unusable(Refusal::LeaseExpired { .. }) => {
                self.standing.doubt();
                Ok(())
            }
            Settlement::Suppressed => {
                self.cameras[camera].examiner.decide(passage);
                Ok(())
            }
            Settlement::Unusable(refusal) => Err(PipelineError::Refused(refusal)),
            Settlement::Candidate(pending) => {
                self.cameras[camera].examiner.decide(passage);
                self.raise(camera, passage, pending, arrived)
            }
        }
    }

    fn raise(
        &mut self,
        camera: usize,
        passage: u64,
        pending: domain::PendingAlert<ObservedFace>,
        arrived: Option<Instant>,
    ) -> Result<(), PipelineError> {
        let Some(live) = &self.live else { return Ok(()) };
        let (entry, score) = (pending.entry(), pending.score_value());
        let name = self.cameras[camera].name.clone();
        let mut seen = None;
        let seal = |face: ObservedFace| {
            seen = Some((face.view.frame_number, face.view.face));
            sealed_form(face)
        };
        let stopwatch = Stopwatch::start(StageOfWork::Record);
        let mut store = lock(&self.store);
        // Read while nobody else can record anything: an entry is never dated before another that is there already.
        let raised = store.raise_alert(pending, live, &name, seal, self.clock.now());
        drop(store);
        match raised {
            Ok(raised) => {
                self.board.metrics.took(camera, stopwatch);
                // A passage that ended with its recording was complete when that ended.
                let latency = arrived.map_or(Duration::ZERO, |arrived| arrived.elapsed());
                self.board.metrics.alert_took(camera, latency);
                trace::alert_recorded(&name, latency);
                let latency_ms = 1e3 * latency.as_secs_f64();
                let alert = raised.into_inner().alert;
                self.cameras[camera].alerted.push(passage);
                let account = seen.map(|(frame_number, face)| RaisedAlert {
                    alert,
                    entry,
                    score,
                    camera: name,
                    frame_number,
                    face,
                    latency_ms,
                });
                self.board.posted().raised.extend(account);
                Ok(())
            }
            Err(error) => {
                self.tally.keeping_failed();
                Err(error.into())
            }
        }
    }

    fn receipt_if_due(&mut self) -> Result<(), PipelineError> {
        let Some(live) = &self.live else { return Ok(()) };
        if self.clock.now().duration_since(live.counted_until()) < RECEIPT_INTERVAL {
            return Ok(());
        }
        if self.receipt()? { self.watch_rates() } else { Ok(()) }
    }

    /// Seals a receipt; says whether the deployment still runs. What was counted before a pause is sealed when the run stands.
    fn receipt(&mut self) -> Result<bool, PipelineError> {
        let mut store = lock(&self.store);
        // Read anew: a pause or a renewal since the last receipt is on the record, not in this thread.
        let Deployment::Live(live) = store.deployment(self.lease.deployment())?.into_inner() else {
            self.standing.doubt();
            return Ok(false);
        };
        let counts = self.tally.unreported();
        let recorded = store.commit(live.count(counts, self.clock.now())?)?;
        trace::receipt_sealed(&counts);
        self.tally.mark_reported();
        self.live = Some(recorded);
        store.publish_if_due(self.clock.now())?;
        Ok(true)
    }

    /// The last receipt, then the end; what is due then, because an urgent approval lapsed, is destroyed at once.
    fn close(&mut self, reason: &str) -> Result<(), PipelineError> {
        // An engine that fails to forget does not keep the record from its end.
        let forgot = self.forget_view();
        let unreported = self.tally.unreported();
        let mut store = lock(&self.store);
        let now = self.clock.now();
        match store.deployment(self.lease.deployment())?.into_inner() {
            Deployment::Live(live) => {
                let mut live = store.commit(live.count(unreported, now)?)?;
                trace::receipt_sealed(&unreported);
                if let Some(suppressed) = self.tally.suppressed() {
                    live = store.commit(live.into_inner().tell_suppressed(suppressed, now))?;
                }
                store.commit(live.into_inner().end(reason, now)?)?;
            }
            Deployment::Paused(mut paused) => {
                if unreported != Counts::default() {
                    paused = store.commit(paused.count(unreported, now)?)?.into_inner();
                    trace::receipt_sealed(&unreported);
                }
                store.commit(paused.end(reason, now)?)?;
            }
            _ => {}
        }
        self.tally.mark_reported();
        self.live = None;
        store.keep_time(now)?;
        store.publish(now)?;
        forgot
    }

    fn post_counts(&mut self) {
        let cameras: Vec<CameraStatus> = self.cameras.iter_mut().map(Camera::status).collect();
        let mut posted = self.board.posted();
        posted.status.counts = self.tally.total();
        posted.status.frames = Frames::of(&cameras);
        posted.status.faces_in_view = cameras.iter().map(|camera| camera.faces_in_view).sum();
        posted.status.cameras = cameras;
    }
}

/// Looks at each camera's turn, as many at once as there are pairs of detector and recogniser; answers in the cameras' order.
fn look_side_by_side(
    cameras: &mut [Camera],
    turns: Vec<Option<Turn>>,
    faces: &mut [Faces],
    looking: &Looking<'_>,
) -> Vec<(usize, Result<Looked, PipelineError>)> {
    let jobs: Vec<_> = cameras.iter_mut().zip(turns).enumerate().collect();
    let jobs: Vec<_> = jobs.into_iter().filter_map(|(index, (camera, turn))| Some((index, camera, turn?))).collect();
    let (count, jobs, looked) = (jobs.len(), Mutex::new(jobs.into_iter()), Mutex::new(Vec::new()));
    let work = |faces: &mut Faces| {
        loop {
            let Some((index, camera, turn)) = lock(&jobs).next() else { return };
            let came = camera.look(turn, faces, looking);
            lock(&looked).push((index, came));
        }
    };
    std::thread::scope(|scope| {
        // The first works on this thread: with one camera no other is begun.
        for (at, faces) in faces.iter_mut().take(count).enumerate().rev() {
            if at == 0 {
                work(faces);
            } else {
                // Where the system gives no thread, the others do its work.
                drop(std::thread::Builder::new().name("look".into()).spawn_scoped(scope, || work(faces)));
            }
        }
    });
    let mut looked = looked.into_inner().unwrap_or_else(PoisonError::into_inner);
    looked.sort_by_key(|(index, _)| *index);
    looked
}

/// How streams are read: short queues, one bell for all of them.
fn stream_options(bell: &Bell) -> StreamOptions {
    StreamOptions { queue_frames_max: QUEUE_FRAMES_MAX, bell: bell.clone(), ..StreamOptions::default() }
}

/// What the store seals of a candidate.
fn sealed_form(face: ObservedFace) -> Evidence {
    let ObservedFace { template, view } = face;
    Evidence {
        live_png: png(&view.surroundings).into(),
        template: template.values().to_vec().into(),
        frame_number: view.frame_number,
        offset_ms: u64::try_from(view.offset.as_millis()).unwrap_or(u64::MAX),
    }
}

/// A picture as PNG; empty when the encoder fails, which it does only for want of memory.
pub(crate) fn png(picture: &Picture) -> Vec<u8> {
    use image::ImageEncoder;
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    let view = picture.view();
    match encoder.write_image(view.pixels, view.width, view.height, image::ExtendedColorType::Rgb8) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}
