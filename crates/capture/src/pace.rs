//! Carries frames from a source's own thread to a consumer through a short queue, and says what happened to each.
//!
//! At most `queue_frames_max` frames wait, one is in the source's hands, and the consumer holds what it took: memory
//! does not grow when the consumer is slow. Buffers that come back ([`Feed::recycle`], dropped frames) are wiped and
//! used again by the source.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::frame::{CaptureError, Frame, FrameSource};

/// Most frames that may wait; a larger wish counts as this, and zero as one.
pub const QUEUE_FRAMES_LIMIT: usize = 64;

/// How a source's own time relates to real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The source waits for the consumer; nothing is dropped.
    AsFastAsConsumed,
    /// Each frame comes when its offset says. When the queue is full the *oldest* frame is dropped and counted.
    RealTime,
}

/// What happened to the frames so far. `captured` is `delivered + dropped` plus those that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that the source gave.
    pub captured: u64,
    /// Frames that the consumer took.
    pub delivered: u64,
    /// Frames that nobody took: too old, or waiting when the feed was stopped.
    pub dropped: u64,
    /// Pieces of the source that could not be decoded.
    pub skipped: u64,
}

/// A source running on a thread of its own. Dropping it stops and joins the thread.
pub struct Feed {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Stops a feed from elsewhere: the consumer's [`Feed::next`] returns at once.
#[derive(Clone)]
pub struct Stopper(Arc<Shared>);

impl Feed {
    /// Starts reading `source`. `queue_frames_max` is 1 to [`QUEUE_FRAMES_LIMIT`].
    pub fn spawn(source: Box<dyn FrameSource>, pace: Pace, queue_frames_max: usize) -> Result<Self, CaptureError> {
        let shared = Arc::new(Shared::new(pace, queue_frames_max));
        let for_thread = Arc::clone(&shared);
        let started = thread::Builder::new().name("capture".to_owned()).spawn(move || for_thread.run(source));
        let thread = started.map_err(|error| CaptureError::Feed { found: format!("no thread: {error}") })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Waits for the next frame. `None` when the source has ended or the feed was stopped; an error of the source comes
    /// once, after the frames before it.
    pub fn next(&self) -> Result<Option<Frame>, CaptureError> {
        self.shared.take()
    }

    /// Gives a frame's buffer back to the source; it is wiped first. A frame that is simply dropped is wiped too.
    pub fn recycle(&self, frame: Frame) {
        let spare = frame.into_spare();
        self.shared.lock().keep_spare(spare);
    }

    /// What happened to the frames so far.
    pub fn counts(&self) -> Counts {
        self.shared.lock().counts
    }

    /// A handle that stops this feed.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.shared))
    }
}

impl Stopper {
    /// Ends the feed: waiting frames are wiped and counted as dropped, and the source is not read again.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the source was already turned into an error by `Ending`.
            let _ = thread.join();
        }
    }
}

/// What the source's thread and the consumer share.
struct Shared {
    pace: Pace,
    queue_frames_max: usize,
    state: Mutex<State>,
    /// Wakes the consumer: a frame, an end.
    arrived: Condvar,
    /// Wakes the source: room in the queue, a stop.
    room: Condvar,
}

struct State {
    queue: VecDeque<Frame>,
    spares: Vec<Vec<u8>>,
    spares_max: usize,
    counts: Counts,
    ended: bool,
    stopped: bool,
    error: Option<CaptureError>,
}

impl State {
    fn keep_spare(&mut self, spare: Vec<u8>) {
        if self.spares.len() < self.spares_max {
            self.spares.push(spare);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.queue.pop_front() {
            self.counts.dropped += 1;
            self.keep_spare(oldest.into_spare());
        }
    }
}

impl Shared {
    fn new(pace: Pace, queue_frames_max: usize) -> Self {
        let queue_frames_max = queue_frames_max.clamp(1, QUEUE_FRAMES_LIMIT);
        let state = State {
            queue: VecDeque::with_capacity(queue_frames_max),
            spares: Vec::new(),
            spares_max: queue_frames_max + 1,
            counts: Counts::default(),
            ended: false,
            stopped: false,
            error: None,
        };
        Self { pace, queue_frames_max, state: Mutex::new(state), arrived: Condvar::new(), room: Condvar::new() }
    }

    /// The source's thread: reads until the end, an error or a stop.
    fn run(&self, mut source: Box<dyn FrameSource>) {
        let mut ending = Ending { shared: self, outcome: None };
        ending.outcome = Some(self.pump(source.as_mut()));
    }

    fn pump(&self, source: &mut dyn FrameSource) -> Result<(), CaptureError> {
        let mut start = None;
        loop {
            let spare = {
                let mut state = self.lock();
                if state.stopped {
                    return Ok(());
                }
                state.spares.pop()
            };
            if let Some(spare) = spare {
                source.reuse(spare);
            }
            let read = source.next_frame();
            self.lock().counts.skipped = source.skipped();
            let Some(frame) = read? else { return Ok(()) };
            if self.pace == Pace::RealTime {
                self.wait_until_due(*start.get_or_insert_with(now), frame.offset);
            }
            if !self.offer(frame) {
                return Ok(());
            }
        }
    }

    /// Puts a frame into the queue as the pace demands; `false` when the feed was stopped.
    fn offer(&self, frame: Frame) -> bool {
        let mut state = self.lock();
        state.counts.captured += 1;
        if self.pace == Pace::RealTime && state.queue.len() >= self.queue_frames_max {
            state.drop_oldest();
        }
        while state.queue.len() >= self.queue_frames_max && !state.stopped {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            state.counts.dropped += 1;
            return false;
        }
        state.queue.push_back(frame);
        drop(state);
        self.arrived.notify_one();
        true
    }

    fn take(&self) -> Result<Option<Frame>, CaptureError> {
        let mut state = self.lock();
        while state.queue.is_empty() && !state.ended && !state.stopped {
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(frame) = state.queue.pop_front() {
            state.counts.delivered += 1;
            drop(state);
            self.room.notify_one();
            return Ok(Some(frame));
        }
        state.error.take().map_or(Ok(None), Err)
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        while !state.queue.is_empty() {
            state.drop_oldest();
        }
        state.spares.clear();
        drop(state);
        self.arrived.notify_all();
        self.room.notify_all();
    }

    /// Waits until `start + offset`, or until the feed is stopped.
    fn wait_until_due(&self, start: Instant, offset: Duration) {
        let mut state = self.lock();
        while !state.stopped {
            let early = offset.saturating_sub(now().saturating_duration_since(start));
            if early.is_zero() {
                return;
            }
            state = self.room.wait_timeout(state, early).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A thread that panicked leaves the queue whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the consumer how the source's thread ended, also when it panicked.
struct Ending<'a> {
    shared: &'a Shared,
    outcome: Option<Result<(), CaptureError>>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let panicked = || Err(CaptureError::Feed { found: "the source's thread ended in a panic".to_owned() });
        let mut state = self.shared.lock();
        state.error = self.outcome.take().unwrap_or_else(panicked).err();
        state.ended = true;
        drop(state);
        self.shared.arrived.notify_all();
    }
}

#[allow(clippy::disallowed_methods, reason = "pacing a recorded source to real time is what this file is for")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Gives `frames` frames at offset zero, then reports that all were handed over, then ends as told.
    struct Scripted {
        given: u64,
        frames: u64,
        all_given: Option<Sender<()>>,
        end: fn() -> Result<Option<Frame>, CaptureError>,
    }

    impl FrameSource for Scripted {
        fn kind(&self) -> &'static str {
            "scripted"
        }

        fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
            if self.given == self.frames {
                drop(self.all_given.take());
                return (self.end)();
            }
            let number = self.given;
            self.given += 1;
            let pixels = vec![number as u8; 3];
            Ok(Some(Frame { number, offset: Duration::ZERO, width: 1, height: 1, pixels }))
        }

        fn skipped(&self) -> u64 {
            self.given / 2
        }
    }

    fn scripted(frames: u64, end: fn() -> Result<Option<Frame>, CaptureError>) -> (Box<Scripted>, Receiver<()>) {
        let (all_given, receiver) = channel();
        (Box::new(Scripted { given: 0, frames, all_given: Some(all_given), end }), receiver)
    }

    fn numbers_until_end(feed: &Feed) -> Vec<u64> {
        std::iter::from_fn(|| feed.next().expect("no error").map(|frame| frame.number)).collect()
    }

    #[test]
    fn real_time_drops_the_oldest_and_counts_it() {
        let (source, all_given) = scripted(10, || Ok(None));
        let feed = Feed::spawn(source, Pace::RealTime, 3).expect("starts");
        assert!(all_given.recv().is_err(), "the source hangs up when it has given everything");
        assert_eq!(numbers_until_end(&feed), [7, 8, 9]);
        assert_eq!(feed.counts(), Counts { captured: 10, delivered: 3, dropped: 7, skipped: 5 });
    }

    #[test]
    fn as_fast_as_consumed_drops_nothing() {
        let (source, _all_given) = scripted(50, || Ok(None));
        let feed = Feed::spawn(source, Pace::AsFastAsConsumed, 2).expect("starts");
        assert_eq!(numbers_until_end(&feed), (0..50).collect::<Vec<_>>());
        assert_eq!(feed.counts(), Counts { captured: 50, delivered: 50, dropped: 0, skipped: 25 });
        assert!(feed.next().expect("no error").is_none(), "an ended feed stays ended");
    }

    #[test]
    fn an_error_comes_once_and_after_the_frames_before_it() {
        let (source, _all_given) = scripted(2, || {
            Err(CaptureError::Undecodable { path: "clip".into(), found: "damage".into(), next: "repair it" })
        });
        let feed = Feed::spawn(source, Pace::AsFastAsConsumed, 8).expect("starts");
        assert!(feed.next().expect("first").is_some() && feed.next().expect("second").is_some());
        let error = feed.next().err().expect("the source's error").to_string();
        assert_eq!(error, "decoding clip: damage; repair it");
        assert!(feed.next().expect("only once").is_none());
    }

    #[test]
    fn a_panic_in_the_source_is_an_error_for_the_consumer() {
        let (source, _all_given) = scripted(1, || panic!("on purpose, in a test"));
        let feed = Feed::spawn(source, Pace::AsFastAsConsumed, 8).expect("starts");
        assert!(feed.next().expect("first").is_some());
        assert!(matches!(feed.next(), Err(CaptureError::Feed { .. })));
    }

    #[test]
    fn a_stop_frees_a_source_that_waits_for_room_or_for_its_time() {
        let (source, _all_given) = scripted(u64::MAX, || Ok(None));
        let feed = Feed::spawn(source, Pace::AsFastAsConsumed, 1).expect("starts");
        assert!(feed.next().expect("one").is_some());
        feed.stopper().stop();
        assert!(feed.next().expect("stopped").is_none());
        drop(feed);

        struct InAYear(u64);
        impl FrameSource for InAYear {
            fn kind(&self) -> &'static str {
                "scripted"
            }
            fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
                self.0 += 1;
                let offset = Duration::from_secs((self.0 - 1) * 365 * 24 * 3600);
                Ok(Some(Frame { number: self.0, offset, width: 1, height: 1, pixels: vec![0; 3] }))
            }
        }
        let feed = Feed::spawn(Box::new(InAYear(0)), Pace::RealTime, 4).expect("starts");
        assert!(feed.next().expect("the first comes at once").is_some());
        drop(feed);
    }

    #[test]
    fn every_captured_frame_is_delivered_dropped_or_waiting() {
        let (source, all_given) = scripted(5, || Ok(None));
        let feed = Feed::spawn(source, Pace::RealTime, 4).expect("starts");
        assert!(all_given.recv().is_err());
        assert!(feed.next().expect("one").is_some());
        feed.stopper().stop();
        assert_eq!(feed.counts(), Counts { captured: 5, delivered: 1, dropped: 4, skipped: 2 });
    }

    #[test]
    fn buffers_go_round() {
        struct Reusing(Vec<Vec<u8>>, Sender<usize>);
        impl FrameSource for Reusing {
            fn kind(&self) -> &'static str {
                "scripted"
            }
            fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
                let spare = self.0.pop();
                let _ = self.1.send(spare.as_ref().map_or(0, Vec::capacity));
                let mut pixels = spare.unwrap_or_else(|| Vec::with_capacity(1000));
                pixels.resize(3, 1);
                Ok(Some(Frame { number: 0, offset: Duration::ZERO, width: 1, height: 1, pixels }))
            }
            fn reuse(&mut self, spare: Vec<u8>) {
                assert!(spare.is_empty());
                self.0.push(spare);
            }
        }
        let (told, capacities) = channel();
        let feed = Feed::spawn(Box::new(Reusing(Vec::new(), told)), Pace::AsFastAsConsumed, 1).expect("starts");
        for _ in 0..6 {
            let frame = feed.next().expect("no error").expect("a frame");
            feed.recycle(frame);
        }
        drop(feed);
        let reused = capacities.iter().filter(|capacity| *capacity == 1000).count();
        assert!(reused >= 2, "{reused} of the frames used a buffer again");
    }
}
