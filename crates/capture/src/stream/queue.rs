//! The short queue between a stream's thread and its consumer, and the counts of what became of each frame.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Bell, HELD_FRAMES_MAX, Next, StreamOptions, WAITING_FRAMES_MAX};
use crate::frame::CaptureError;
use crate::health::{Health, Skip, State};
use crate::pace::Pace;
use crate::permit::Permit;
use crate::stamp::now;
use crate::yuv::YuvFrame;

/// What a stream's thread and its consumer share.
pub(crate) struct Queue {
    frames_max: usize,
    pace: Pace,
    bell: Bell,
    permit: Mutex<Option<Permit>>,
    inner: Mutex<Inner>,
    held: Arc<AtomicU64>,
    /// Wakes the consumer: a frame, an end.
    arrived: Condvar,
    /// Wakes the stream's thread: room in the queue, a stop.
    room: Condvar,
}

pub(crate) struct Inner {
    waiting: VecDeque<YuvFrame>,
    pub(crate) health: Health,
    last_frame: Option<Instant>,
    last_key: Option<Instant>,
    second: Second,
    pub(crate) skip_asked: Skip,
    ended: bool,
    stopped: bool,
    error: Option<CaptureError>,
}

/// A frame that a consumer has is counted for as long as this lives.
pub(crate) struct Held(Arc<AtomicU64>);

impl Held {
    fn count_in(held: &Arc<AtomicU64>) -> Self {
        held.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(held))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What arrived in the second that runs.
struct Second {
    from: Instant,
    frames: u64,
    bytes: u64,
}

const SECOND: Duration = Duration::from_secs(1);

impl Queue {
    pub(crate) fn new(options: &StreamOptions, pace: Pace) -> Self {
        let frames_max = options.queue_frames_max.clamp(1, WAITING_FRAMES_MAX);
        let inner = Inner {
            waiting: VecDeque::with_capacity(frames_max + HELD_FRAMES_MAX),
            health: Health::default(),
            last_frame: None,
            last_key: None,
            second: Second { from: now(), frames: 0, bytes: 0 },
            skip_asked: Skip::Nothing,
            ended: false,
            stopped: false,
            error: None,
        };
        Self {
            frames_max,
            pace,
            bell: options.bell.clone(),
            permit: Mutex::new(None),
            inner: Mutex::new(inner),
            held: Arc::default(),
            arrived: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// From now on nothing is handed out but while `permit` holds.
    #[cfg_attr(
        not(all(feature = "video", target_os = "linux")),
        allow(dead_code, reason = "only cameras need a permit")
    )]
    pub(crate) fn require(&self, permit: Permit) {
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
    }

    /// Whether frames may be handed out.
    pub(crate) fn is_permitted(&self) -> bool {
        let permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        permit.as_ref().is_none_or(Permit::holds)
    }

    /// Puts a frame into the queue as the pace demands; `false` when the stream was stopped. The frame is wiped then.
    pub(crate) fn offer(&self, frame: YuvFrame) -> bool {
        let mut inner = self.lock();
        inner.note(&frame);
        if self.pace == Pace::RealTime && inner.waiting.len() >= self.frames_max {
            inner.drop_oldest();
        }
        while inner.waiting.len() >= self.frames_max && !inner.stopped {
            inner = self.room.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        if inner.stopped {
            inner.health.counts.frames_dropped += 1;
            return false;
        }
        inner.waiting.push_back(frame);
        drop(inner);
        self.arrived.notify_one();
        self.bell.ring();
        true
    }

    /// Waits up to `wait` for the next frame.
    pub(crate) fn take(&self, wait: Duration) -> Result<Next, CaptureError> {
        let quiet = |inner: &mut Inner| inner.waiting.is_empty() && !inner.ended && !inner.stopped;
        let inner = self.lock();
        let waited = self.arrived.wait_timeout_while(inner, wait, quiet);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !self.is_permitted() {
            inner.stop();
        }
        if let Some(frame) = inner.waiting.pop_front() {
            inner.health.counts.frames_delivered += 1;
            drop(inner);
            self.room.notify_one();
            return Ok(Next::Frame(frame.handed_out(Held::count_in(&self.held))));
        }
        match inner.error.take() {
            Some(error) => Err(error),
            None if inner.ended || inner.stopped => Ok(Next::Ended),
            None => Ok(Next::Nothing),
        }
    }

    pub(crate) fn stop(&self) {
        self.lock().stop();
        self.arrived.notify_all();
        self.room.notify_all();
        self.bell.ring();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits until `start + offset`, or until the stream is stopped.
    pub(crate) fn wait_until_due(&self, start: Instant, offset: Duration) {
        let mut inner = self.lock();
        while !inner.stopped {
            let early = offset.saturating_sub(now().saturating_duration_since(start));
            if early.is_zero() {
                return;
            }
            inner = self.room.wait_timeout(inner, early).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits a while, or until the stream is stopped.
    #[cfg_attr(not(all(feature = "video", target_os = "linux")), allow(dead_code, reason = "only cameras are retried"))]
    pub(crate) fn pause(&self, wait: Duration) {
        let waited = self.room.wait_timeout_while(self.lock(), wait, |inner| !inner.stopped);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Runs the stream's thread, and tells the consumer how it ended, also when it panicked.
    pub(crate) fn end_after(&self, run: impl FnOnce() -> Result<(), CaptureError>) {
        let mut ending = Ending { queue: self, outcome: None };
        ending.outcome = Some(run());
    }

    pub(crate) fn health(&self) -> Health {
        let mut inner = self.lock();
        inner.close_second(0);
        let now = now();
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let (since_frame, since_key_frame) = (since(inner.last_frame), since(inner.last_key));
        let (frames_waiting, frames_held) = (inner.waiting.len() as u64, self.held.load(Ordering::Relaxed));
        Health { since_frame, since_key_frame, frames_waiting, frames_held, ..inner.health.clone() }
    }

    /// A thread that panicked leaves the queue whole: each change to it is one step.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn note(&mut self, frame: &YuvFrame) {
        self.close_second(1);
        self.health.counts.frames += 1;
        self.health.state = State::Streaming;
        self.health.size = Some((frame.width(), frame.height()));
        self.last_frame = Some(frame.arrived());
        if frame.is_key() {
            self.last_key = Some(frame.arrived());
        }
    }

    /// Counts `frames` more; once a second, what arrived in it becomes the rate that is shown.
    fn close_second(&mut self, frames: u64) {
        let passed = now().saturating_duration_since(self.second.from);
        if passed >= SECOND {
            let bytes = self.health.counts.packet_bytes;
            let seconds = passed.as_secs_f64();
            self.health.frames_per_second = self.second.frames as f64 / seconds;
            self.health.bits_per_second = (8.0 * bytes.saturating_sub(self.second.bytes) as f64 / seconds) as u64;
            self.second = Second { from: now(), frames: 0, bytes };
        }
        self.second.frames += frames;
    }

    fn drop_oldest(&mut self) {
        if self.waiting.pop_front().is_some() {
            self.health.counts.frames_dropped += 1;
        }
    }

    fn stop(&mut self) {
        self.stopped = true;
        self.health.state = State::Ended;
        while !self.waiting.is_empty() {
            self.drop_oldest();
        }
    }
}

/// Tells the consumer how the stream's thread ended.
struct Ending<'a> {
    queue: &'a Queue,
    outcome: Option<Result<(), CaptureError>>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let panicked = || Err(CaptureError::Feed { found: "the stream's thread ended in a panic".to_owned() });
        let mut inner = self.queue.lock();
        inner.error = self.outcome.take().unwrap_or_else(panicked).err();
        inner.ended = true;
        inner.health.state = State::Ended;
        drop(inner);
        self.queue.arrived.notify_all();
        self.queue.bell.ring();
    }
}
