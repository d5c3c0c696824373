//! One camera of a run: what comes of it, who is in its view, and what is told of it. Cameras are looked at side by side, on any thread;
//! what becomes of a face is decided by the run, one camera after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::health::State;
use capture::{Next, Pace, Skip, Stream, YuvFrame};
use domain::{Clock, Lease};
use face::{Faces, Template};

use super::QUEUE_FRAMES_MAX;
use crate::cadence::{Cadence, Load, Rhythm, blocks, is_in_time};
use crate::error::PipelineError;
use crate::examine::{Examined, Examiner, PassageSeen};
use crate::footage::Leave;
use crate::mask::{Shown, masked_jpeg};
use crate::metrics::{Metrics, StageOfWork, Stopwatch};
use crate::running::CameraStatus;
use crate::steadiness::Steadiness;
use crate::trace::{self, Span};
use crate::view::View;
use crate::window::{Seen, Window};

/// How much longer the interval between masked pictures is when they are given up for the sake of faces.
const FEWER_PICTURES: u32 = 8;

/// A face as it is settled: dropped whole, or sealed whole.
pub(super) struct ObservedFace {
    pub(super) template: Template,
    pub(super) view: View,
}

/// One camera, or one recording.
pub(super) struct Camera {
    /// Its place among the cameras of the run.
    index: usize,
    pub(super) name: String,
    pub(super) leave: Leave,
    /// Nothing while a camera is closed because the deployment is paused or its authority ran out.
    pub(super) stream: Option<Stream>,
    pub(super) examiner: Examiner,
    /// Passages with a recorded alert: they are shown clear.
    pub(super) alerted: Vec<u64>,
    /// Whether more may come of it.
    pub(super) open: bool,
    pub(super) status: CameraStatus,
    window: Window,
    cadence: Cadence,
    steadiness: Steadiness,
    /// Which connection to the camera the last frame came over: nobody is followed from one to the next.
    connection: u64,
    viewed: Option<Duration>,
}

/// What there is of a camera at one moment.
pub(super) enum Taken {
    /// No frame came.
    Nothing,
    /// Frames came, and none of them is to be looked at.
    PassedOver,
    /// This is to be looked at.
    Turn(Turn),
}

/// A frame that is to be looked at, or the end of the footage, with which every passage is over.
pub(super) struct Turn(Option<YuvFrame>);

/// What every camera's look needs.
pub(super) struct Looking<'a> {
    pub(super) pace: Pace,
    pub(super) view_interval: Option<Duration>,
    pub(super) metrics: &'a Metrics,
    /// Asked before each look: cameras wait for each other.
    pub(super) lease: &'a Lease,
    pub(super) clock: &'a dyn Clock,
}

/// What a look yielded.
#[derive(Default)]
pub(super) struct Looked {
    /// Passages that became a face seen.
    pub(super) faces_seen: u64,
    /// Faces to decide about now, by passage.
    pub(super) due: Vec<(u64, ObservedFace)>,
    /// Passages that are over.
    pub(super) ended: Vec<u64>,
    /// How well each of them was seen.
    pub(super) ended_seen: Vec<PassageSeen>,
    /// Nothing may be compared any more: the frame was dropped unseen.
    pub(super) without_authority: bool,
    /// When the frame arrived; nothing at the end of the footage.
    pub(super) arrived: Option<Instant>,
    /// The camera shows something else than it was set up to show.
    pub(super) moved: bool,
    /// A masked picture for the screens (JPEG).
    pub(super) view: Option<Arc<[u8]>>,
    /// What follows from the frame is told as part of its examination.
    pub(super) examination: Option<Span>,
}

impl Turn {
    /// Whether the footage ended.
    pub(super) fn is_the_end(&self) -> bool {
        self.0.is_none()
    }
}

impl Camera {
    pub(super) fn new(
        index: usize,
        name: String,
        leave: Leave,
        stream: Option<Stream>,
        rhythm: Rhythm,
        face_side_px_min: u32,
    ) -> Self {
        Self {
            index,
            stream,
            window: Window::onto(leave.zone().cloned()),
            leave,
            examiner: Examiner::new(face_side_px_min),
            cadence: Cadence::new(rhythm),
            steadiness: Steadiness::default(),
            alerted: Vec::new(),
            status: CameraStatus { camera: name.clone(), ..CameraStatus::default() },
            name,
            connection: 0,
            viewed: None,
            open: true,
        }
    }

    /// Takes what has come, up to the first frame that is due.
    pub(super) fn take(&mut self) -> Result<Taken, PipelineError> {
        let mut taken = Taken::Nothing;
        // As many as may wait: a camera that is quicker than the run is not all that the run looks at.
        for _ in 0..QUEUE_FRAMES_MAX {
            let Some(stream) = self.stream.as_ref().filter(|_| self.open) else { break };
            let next = stream.next(Duration::ZERO)?;
            if matches!(next, Next::Nothing) {
                break;
            }
            let Next::Frame(frame) = next else {
                self.stream = None;
                // A camera ends only with its permit, and is opened again with another.
                self.open = self.leave.is_for_a_camera();
                return Ok(Taken::Turn(Turn(None)));
            };
            if self.cadence.is_due(frame.offset()) {
                return Ok(Taken::Turn(Turn(Some(frame))));
            }
            self.status.passed_over += 1;
            taken = Taken::PassedOver;
        }
        Ok(taken)
    }

    /// Looks at a frame: who is in it, and of whom a template is to be compared. Nothing is decided.
    pub(super) fn look(
        &mut self,
        turn: Turn,
        faces: &mut Faces,
        looking: &Looking<'_>,
    ) -> Result<Looked, PipelineError> {
        let mut looked = Looked::default();
        if looking.lease.check(looking.clock.now()).is_err() {
            looked.without_authority = true;
            return Ok(looked);
        }
        let Some(mut frame) = turn.0 else {
            let _examination = trace::examination(&self.name, Duration::ZERO);
            let examined = self.examiner.finish();
            looked.take(self.index, examined, faces, looking)?;
            return Ok(looked);
        };
        looked.arrived = Some(frame.arrived());
        if self.connection != frame.connection() {
            self.connection = frame.connection();
            let _examination = trace::examination(&self.name, Duration::ZERO);
            let examined = self.examiner.finish();
            looked.take(self.index, examined, faces, looking)?;
        }
        let arrived = frame.arrived();
        let Some(seen) = self.window.look(&mut frame) else {
            self.status.unbelievable += 1;
            return Ok(looked);
        };
        // What waits for its consumer is never late.
        let age = if looking.pace == Pace::RealTime { arrived.elapsed() } else { Duration::ZERO };
        if !self.is_worth_examining(&seen, age, looking.pace, &mut looked) {
            self.status.still += 1;
            return Ok(looked);
        }
        looking.metrics.waited(self.index, age);
        let examination = trace::examination(&self.name, age);
        self.status.examined += 1;
        let stopwatch = Stopwatch::start(StageOfWork::Examine);
        let examined = self.examiner.examine(&seen, faces)?;
        looking.metrics.took(self.index, stopwatch);
        // Cameras wait for each other. Of a recording the residue scan chooses the same frames again, unless the machine was behind.
        let has_time = !self.leave.is_for_a_camera() || is_in_time(age);
        self.cadence.crowd(has_time && self.examiner.crowded());
        looked.take(self.index, examined, faces, looking)?;
        looked.view = self.masked_view(&seen, looking);
        looked.examination = Some(examination.exit());
        Ok(looked)
    }

    /// Whether anything moved, or somebody is in view; what the rhythm is to be then, and whether the camera was turned.
    fn is_worth_examining(&mut self, seen: &Seen<'_>, age: Duration, pace: Pace, looked: &mut Looked) -> bool {
        let blocks = blocks(seen.picture());
        if self.examiner.nobody_in_view() && self.cadence.is_still(&blocks, seen.offset()) {
            return false;
        }
        // What was recorded cannot be turned any more.
        if self.leave.is_for_a_camera() && self.steadiness.moved(&blocks, seen.offset()) {
            looked.moved = true;
            self.steadiness = Steadiness::default();
        }
        self.cadence.examined(blocks, seen.offset(), age);
        if let Some(stream) = &self.stream {
            // What was recorded is decoded whole: its frames are counted.
            stream.skip_at_least(if pace == Pace::RealTime { self.cadence.skip() } else { Skip::Nothing });
        }
        true
    }

    /// A masked picture, when it is time for one: only of frames whose faces are known.
    fn masked_view(&mut self, seen: &Seen<'_>, looking: &Looking<'_>) -> Option<Arc<[u8]>> {
        let interval = looking.view_interval?;
        let interval = if self.cadence.load() == Load::FewerPictures { FEWER_PICTURES * interval } else { interval };
        if self.viewed.is_some_and(|viewed| viewed <= seen.offset() && seen.offset() - viewed < interval) {
            return None;
        }
        self.viewed = Some(seen.offset());
        let shown: Vec<Shown> = self
            .examiner
            .shown()
            .map(|(passage, face)| match passage {
                Some(passage) if self.alerted.contains(&passage) => Shown::Alert(face),
                _ => Shown::Masked(face),
            })
            .collect();
        let stopwatch = Stopwatch::start(StageOfWork::Picture);
        // A picture that cannot be encoded is not shown; nothing else depends on it.
        let jpeg = masked_jpeg(seen.picture(), &shown).ok();
        looking.metrics.took(self.index, stopwatch);
        jpeg.map(Arc::from)
    }

    /// Drops the frames that have been waiting since the deployment was paused.
    pub(super) fn drop_waiting(&mut self) -> Result<(), PipelineError> {
        for _ in 0..QUEUE_FRAMES_MAX {
            let Some(stream) = &self.stream else { break };
            if !matches!(stream.next(Duration::ZERO)?, Next::Frame(_)) {
                break;
            }
        }
        Ok(())
    }

    /// Nothing of who was in view is kept, nor of what the scene was like.
    pub(super) fn forget(&mut self) {
        drop(self.examiner.finish());
        self.cadence.forget();
        self.steadiness = Steadiness::default();
        self.alerted.clear();
    }

    /// How it is doing now.
    pub(super) fn status(&mut self) -> CameraStatus {
        let before = (self.status.health.state, self.status.load);
        match &self.stream {
            Some(stream) => self.status.health = stream.health(),
            None => self.status.health.state = State::Ended,
        }
        self.status.load = self.cadence.load();
        self.status.faces_in_view = self.examiner.followed().count() as u64;
        trace::stands(&self.status, before);
        self.status.clone()
    }
}

impl Looked {
    /// Makes the templates of the views that are due. When it is over, the recogniser has forgotten them.
    fn take(
        &mut self,
        camera: usize,
        examined: Examined,
        faces: &mut Faces,
        looking: &Looking<'_>,
    ) -> Result<(), PipelineError> {
        self.faces_seen += examined.faces_seen;
        self.ended.extend(examined.ended);
        self.ended_seen.extend(examined.ended_seen);
        if examined.due.is_empty() {
            return Ok(());
        }
        for (passage, view) in examined.due {
            let stopwatch = Stopwatch::start(StageOfWork::Embed);
            let chip = view.chip(faces)?;
            let template = faces.recognizer.embed(std::slice::from_ref(&chip))?.pop();
            looking.metrics.took(camera, stopwatch);
            self.due.extend(template.map(|template| (passage, ObservedFace { template, view })));
        }
        // The engine keeps what it made last, and was wiped of what it made before by that.
        Ok(faces.recognizer.forget()?)
    }
}
