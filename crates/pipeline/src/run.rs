//! The run itself: frames in, one decision a passage, a receipt a minute, until the footage or the authority ends.

mod standing;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use capture::health::State;
use capture::{Bell, Next, Pace, PermitKeeper, Skip, Stream, StreamOptions, YuvFrame};
use domain::{Clock, Counts, Deployment, Lease, Live, Policy, Refusal, Settlement, Tally, Threshold, settle_among};
use face::{Faces, Picture, Template};
use jiff::SignedDuration;
use store::{Evidence, Recorded};

use crate::cadence::{Cadence, Load, Rhythm, blocks};
use crate::error::PipelineError;
use crate::examine::{Examined, Examiner};
use crate::footage::{Leave, Source};
use crate::mask::{Shown, masked_jpeg};
use crate::metrics::{StageOfWork, Stopwatch};
use crate::model_id;
use crate::running::{Board, CameraStatus, Frames, RaisedAlert, Running, SharedStore, Stage, lock};
use crate::sought::Sought;
use crate::steadiness::Steadiness;
use crate::trace;
use crate::view::View;
use crate::window::{Seen, Window};
use standing::Standing;

/// Frames waiting between a source and the run, for each camera.
const QUEUE_FRAMES_MAX: usize = 4;
/// How long the run waits for a frame before it looks around.
const WAIT: Duration = Duration::from_millis(100);
/// How much longer the interval between masked pictures is when they are given up for the sake of faces.
const FEWER_PICTURES: u32 = 8;
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
    let worker =
        std::thread::Builder::new().name("run".into()).spawn(move || run.run_out()).map_err(PipelineError::Thread)?;
    Ok(Running { board, worker: Mutex::new(Some(worker)) })
}

/// A face as it is settled: dropped whole, or sealed whole.
struct ObservedFace {
    template: Template,
    view: View,
}

struct Camera {
    name: String,
    leave: Leave,
    /// Nothing while a camera is closed because the deployment is paused or its authority ran out.
    stream: Option<Stream>,
    window: Window,
    examiner: Examiner,
    cadence: Cadence,
    steadiness: Steadiness,
    alerted: Vec<u64>,
    status: CameraStatus,
    /// Which connection to the camera the last frame came over: nobody is followed from one to the next.
    connection: u64,
    viewed: Option<Duration>,
    views_posted: u64,
    open: bool,
}

struct Run {
    store: SharedStore,
    live: Option<Recorded<Live>>,
    policy: Policy,
    threshold: Threshold,
    faces: Faces,
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
    /// The recogniser's buffers hold the template that was made last.
    remembers: bool,
    standing: Standing,
    board: Arc<Board>,
}

impl Camera {
    /// Drops the frames that have been waiting since the deployment was paused.
    fn drop_waiting(&mut self) -> Result<(), PipelineError> {
        for _ in 0..QUEUE_FRAMES_MAX {
            let Some(stream) = &self.stream else { break };
            if !matches!(stream.next(Duration::ZERO)?, Next::Frame(_)) {
                break;
            }
        }
        Ok(())
    }
}

impl Run {
    fn prepare(exercise: Exercise, board: Arc<Board>) -> Result<Self, PipelineError> {
        let Exercise { store, live, policy, faces, sources, clock, pace, rhythm, view_interval } = exercise;
        let threshold = policy.threshold_for(&model_id(faces.recognizer.contract()))?.clone();
        let now = clock.now();
        let lease = live.lease(&policy, now)?;
        let sought = Sought::open(&lock(&store), &live, faces.recognizer.contract(), now)?;
        let mut cameras = Vec::new();
        let bell = Bell::default();
        for source in sources {
            let leave = Leave::asked(&live, &lock(&store), &source)?;
            cameras.push(Camera {
                stream: source.footage.replayed(pace, stream_options(&bell))?,
                window: Window::onto(leave.zone().cloned()),
                leave,
                examiner: Examiner::new(live.face_side_px_min(&source.camera, &policy)),
                cadence: Cadence::new(rhythm),
                steadiness: Steadiness::default(),
                alerted: Vec::new(),
                status: CameraStatus { camera: source.camera.clone(), ..CameraStatus::default() },
                name: source.camera,
                connection: 0,
                viewed: None,
                views_posted: 0,
                open: true,
            });
        }
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
            remembers: false,
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
            let (mut open, mut worked) = (false, false);
            for camera in 0..self.cameras.len() {
                worked |= self.next_frame(camera)?;
                open |= self.cameras[camera].open;
            }
            self.forget_template()?;
            if !open {
                return Ok("the recordings ran out".to_owned());
            }
            if !worked {
                // A camera that gives nothing is seen to give nothing.
                self.post_counts();
                self.bell.wait(rung, WAIT);
            }
        }
    }

    /// Once each camera had its turn: what was made last is wiped, and it was wiped of what was made before by that.
    fn forget_template(&mut self) -> Result<(), PipelineError> {
        if std::mem::take(&mut self.remembers) {
            self.faces.recognizer.forget()?;
        }
        Ok(())
    }

    /// When nobody is looked at any more: nothing that was in view stays in the engine, and nothing of what the scene was like.
    fn forget_view(&mut self) -> Result<(), PipelineError> {
        for camera in &mut self.cameras {
            drop(camera.examiner.finish());
            camera.cadence.forget();
            camera.steadiness = Steadiness::default();
            camera.alerted.clear();
        }
        self.forget_template()?;
        Ok(self.faces.detector.forget()?)
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

    /// Takes what has come of a camera up to the first frame that is examined; false if nothing has.
    fn next_frame(&mut self, index: usize) -> Result<bool, PipelineError> {
        if !self.cameras[index].open {
            return Ok(false);
        }
        let mut worked = false;
        // As many as may wait: a camera that is quicker than the run is not all that the run looks at.
        for _ in 0..QUEUE_FRAMES_MAX {
            let Some(stream) = &self.cameras[index].stream else { break };
            let next = stream.next(Duration::ZERO)?;
            if matches!(next, Next::Nothing) {
                break;
            }
            worked = true;
            let now = self.clock.now();
            if self.lease.check(now).is_err() {
                // Nothing is compared without authority: the frame is dropped, and the record says what follows.
                self.standing.doubt();
                break;
            }
            match next {
                Next::Frame(mut frame) => {
                    if self.examine(index, &mut frame)? {
                        break;
                    }
                }
                Next::Nothing | Next::Ended => {
                    let examined = self.cameras[index].examiner.finish();
                    self.decide(index, examined, None)?;
                    let camera = &mut self.cameras[index];
                    camera.stream = None;
                    // A camera ends only with its permit: the record says whether there is another.
                    camera.open = camera.leave.is_for_a_camera();
                    self.standing.doubt();
                    break;
                }
            }
        }
        if worked {
            self.post_counts();
            self.receipt_if_due()?;
        }
        Ok(worked)
    }

    /// Examines a frame if it is time to; says whether it was.
    fn examine(&mut self, index: usize, frame: &mut YuvFrame) -> Result<bool, PipelineError> {
        if self.cameras[index].connection != frame.connection() {
            self.cameras[index].connection = frame.connection();
            let examined = self.cameras[index].examiner.finish();
            self.decide(index, examined, Some(frame.arrived()))?;
        }
        let camera = &mut self.cameras[index];
        if !camera.cadence.is_due(frame.offset()) {
            camera.status.passed_over += 1;
            return Ok(false);
        }
        let arrived = frame.arrived();
        let Some(seen) = camera.window.look(frame) else {
            camera.status.unbelievable += 1;
            return Ok(false);
        };
        let blocks = blocks(seen.picture());
        if camera.examiner.nobody_in_view() && camera.cadence.is_still(&blocks, seen.offset()) {
            camera.status.still += 1;
            return Ok(false);
        }
        // What waits for its consumer is never late.
        let age = if self.pace == Pace::RealTime { arrived.elapsed() } else { Duration::ZERO };
        // What was recorded cannot be turned any more.
        let moved = camera.leave.is_for_a_camera() && camera.steadiness.moved(&blocks, seen.offset());
        camera.cadence.examined(blocks, seen.offset(), age);
        if let Some(stream) = &camera.stream {
            // What was recorded is decoded whole: its frames are counted.
            stream.skip_at_least(if self.pace == Pace::RealTime { camera.cadence.skip() } else { Skip::Nothing });
        }
        if moved {
            self.board.report_camera_moved(&camera.name);
            camera.steadiness = Steadiness::default();
            self.standing.doubt();
        }
        camera.status.examined += 1;
        self.board.metrics.waited(index, age);
        let _examination = trace::examination(&camera.name, age);
        let stopwatch = Stopwatch::start(StageOfWork::Examine);
        let examined = camera.examiner.examine(&seen, &mut self.faces)?;
        self.board.metrics.took(index, stopwatch);
        self.decide(index, examined, Some(arrived))?;
        self.post_view(index, &seen);
        Ok(true)
    }

    fn decide(&mut self, camera: usize, examined: Examined, arrived: Option<Instant>) -> Result<(), PipelineError> {
        let before = self.tally.total();
        let decided = self.settle(camera, examined, arrived);
        // Also where it failed half way: the sum over the cameras is what the receipt says.
        self.cameras[camera].status.count(before, self.tally.total());
        decided
    }

    fn settle(&mut self, camera: usize, examined: Examined, arrived: Option<Instant>) -> Result<(), PipelineError> {
        for _ in 0..examined.faces_seen {
            self.tally.face_seen();
        }
        for (passage, view) in examined.due {
            self.compare(camera, passage, view, arrived)?;
        }
        let ended = examined.ended.len() as u64;
        self.cameras[camera].alerted.retain(|passage| !examined.ended.contains(passage));
        self.board.posted().status.passages += ended;
        self.cameras[camera].status.count_passages(&examined.ended_seen);
        self.board.metrics.passages_over(camera, &examined.ended_seen);
        Ok(())
    }

    /// Makes one template, compares it with the watchlist, and lets the rule decide what becomes of it.
    fn compare(
        &mut self,
        camera: usize,
        passage: u64,
        view: View,
        arrived: Option<Instant>,
    ) -> Result<(), PipelineError> {
        let stopwatch = Stopwatch::start(StageOfWork::Embed);
        self.remembers = true;
        let chip = view.chip(&*self.faces.recognizer);
        let mut templates = self.faces.recognizer.embed(std::slice::from_ref(&chip))?;
        drop(chip);
        self.board.metrics.took(camera, stopwatch);
        let Some(template) = templates.pop() else { return Ok(()) };
        let stopwatch = Stopwatch::start(StageOfWork::Search);
        let hits = self.sought.hits(&template, &self.threshold)?;
        self.board.metrics.took(camera, stopwatch);
        let now = self.clock.now();
        let face = ObservedFace { template, view };
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
        self.forget_view()?;
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
        Ok(())
    }

    fn post_counts(&mut self) {
        for camera in &mut self.cameras {
            let before = (camera.status.health.state, camera.status.load);
            match &camera.stream {
                Some(stream) => camera.status.health = stream.health(),
                None => camera.status.health.state = State::Ended,
            }
            camera.status.load = camera.cadence.load();
            camera.status.faces_in_view = camera.examiner.followed().count() as u64;
            trace::stands(&camera.status, before);
        }
        let cameras: Vec<CameraStatus> = self.cameras.iter().map(|camera| camera.status.clone()).collect();
        let mut posted = self.board.posted();
        posted.status.counts = self.tally.total();
        posted.status.frames = Frames::of(&cameras);
        posted.status.faces_in_view = cameras.iter().map(|camera| camera.faces_in_view).sum();
        posted.status.cameras = cameras;
    }

    /// A masked picture, when it is time for one: only of frames whose faces are known.
    fn post_view(&mut self, index: usize, seen: &Seen<'_>) {
        let Some(interval) = self.view_interval else { return };
        let camera = &mut self.cameras[index];
        let interval = if camera.cadence.load() == Load::FewerPictures { FEWER_PICTURES * interval } else { interval };
        if camera.viewed.is_some_and(|viewed| viewed <= seen.offset() && seen.offset() - viewed < interval) {
            return;
        }
        camera.viewed = Some(seen.offset());
        let shown: Vec<Shown> = camera
            .examiner
            .shown()
            .map(|(passage, face)| match passage {
                Some(passage) if camera.alerted.contains(&passage) => Shown::Alert(face),
                _ => Shown::Masked(face),
            })
            .collect();
        let stopwatch = Stopwatch::start(StageOfWork::Picture);
        // A picture that cannot be encoded is not shown; nothing else depends on it.
        if let Ok(jpeg) = masked_jpeg(seen.picture(), &shown) {
            camera.views_posted += 1;
            let view = (camera.views_posted, Arc::from(jpeg));
            if let Some(place) = self.board.posted().views.get_mut(index) {
                *place = Some(view);
            }
        }
        self.board.metrics.took(index, stopwatch);
    }
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
