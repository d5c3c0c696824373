//! Video as a consumer sees it: a camera, a recording or rendered pictures give frames in order, through one short queue.
//!
//! A [`Stream`] hands out [`YuvFrame`]s and never waits for its consumer unless it is told to: when the consumer is
//! behind, the oldest frame is dropped and counted, and less is decoded. Every list here has a limit: frames that wait
//! ([`StreamOptions::queue_frames_max`]), frames the consumer holds ([`StreamOptions::held_frames_max`]), places in a
//! decoder's ring (both together and a few more).

mod queue;
mod rendered;
#[cfg(all(feature = "video", target_os = "linux"))]
mod decoded;
#[cfg(all(feature = "video", target_os = "linux"))]
mod hardware;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::address::{Address, Transport};
use crate::credentials::Credentials;
use crate::frame::{CaptureError, FrameSource};
use crate::health::{Health, Skip};
use crate::pace::Pace;
use crate::yuv::YuvFrame;
#[cfg(all(feature = "video", target_os = "linux"))]
pub use hardware::check_hardware;
pub(crate) use queue::{Held, Queue};

/// Most frames that may wait.
pub const WAITING_FRAMES_MAX: usize = 32;
/// Most frames a consumer may hold at once.
pub const HELD_FRAMES_MAX: usize = 32;

/// Video that runs on threads (and, where bytes are decoded, in a process) of its own. Dropping it ends them; frames that
/// were handed out stay readable until they are dropped.
///
/// It may be shared between threads; frames go to whoever asks first.
pub struct Stream {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// What came of waiting.
pub enum Next {
    /// The next frame.
    Frame(YuvFrame),
    /// No frame came in the time given; the stream goes on.
    Nothing,
    /// The stream is over: the recording ran out, the permit lapsed, or it was stopped.
    Ended,
}

/// One camera.
#[derive(Clone, Debug)]
pub struct CameraSettings {
    /// What people call it; errors name it.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// How an RTSP camera sends; nothing to others.
    pub transport: Transport,
    /// What it is signed in to with, where it asks.
    pub credentials: Option<Credentials>,
    /// A file of certificates (PEM) that a camera's TLS must lead to; the system's usual ones when absent.
    pub authorities: Option<std::path::PathBuf>,
}

/// How a stream is decoded, and what it may use.
#[derive(Clone, Debug)]
pub struct StreamOptions {
    /// Threads that decode, 1 to 16. More threads mean more frames under way, and so more delay.
    pub decode_threads: usize,
    /// FFmpeg's name of a hardware decoder, such as `vaapi` or `cuda`; the processor decodes when absent.
    pub hardware: Option<String>,
    /// Largest picture, pixels; at most 7680 x 4320.
    pub frame_pixels_max: u64,
    /// Frames that may wait for the consumer, 1 to [`WAITING_FRAMES_MAX`].
    pub queue_frames_max: usize,
    /// Frames the consumer may hold at once, 1 to [`HELD_FRAMES_MAX`]. When it holds more, nothing is decoded meanwhile.
    pub held_frames_max: usize,
    /// How long connecting and the first frame may take.
    pub open_max: Duration,
    /// How long a camera may stay without a frame before its process is replaced.
    pub stall_max: Duration,
    /// Memory that the decoder's process may use, bytes, its frames here included.
    pub resident_bytes_max: u64,
    /// What is rung when something happened; streams that are waited for together share one.
    pub bell: Bell,
}

impl Default for StreamOptions {
    /// One thread, pictures up to 4096 x 2304, four frames waiting and four held, 5 s to open, 3 s without a frame, 1 GiB.
    fn default() -> Self {
        Self {
            decode_threads: 1,
            hardware: None,
            frame_pixels_max: 4096 * 2304,
            queue_frames_max: 4,
            held_frames_max: 4,
            open_max: Duration::from_secs(5),
            stall_max: Duration::from_secs(3),
            resident_bytes_max: 1 << 30,
            bell: Bell::default(),
        }
    }
}

impl Stream {
    /// Pictures that are made in this process, such as the rendered concourse or a folder of stills.
    pub fn of_frames(source: Box<dyn FrameSource>, pace: Pace, options: StreamOptions) -> Result<Self, CaptureError> {
        let queue = Arc::new(Queue::new(&options, pace));
        let for_thread = Arc::clone(&queue);
        let thread = spawn("rendered", move || rendered::run(&for_thread, source, pace))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// A camera, watched for as long as `permit` holds. Answers at once: connecting is part of watching, and whatever goes
    /// wrong is tried again with growing pauses, and said by [`Stream::health`]. Only hardware that is missing ends it.
    #[cfg(all(feature = "video", target_os = "linux"))]
    pub fn camera(
        settings: CameraSettings,
        options: StreamOptions,
        permit: crate::Permit,
    ) -> Result<Self, CaptureError> {
        let queue = Arc::new(Queue::new(&options, Pace::RealTime));
        queue.require(permit);
        let for_thread = Arc::clone(&queue);
        let thread = spawn("camera", move || decoded::camera(&for_thread, &settings, &options))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// A recorded video file, decoded in a process of its own. With [`Pace::AsFastAsConsumed`] no frame is dropped.
    #[cfg(all(feature = "video", target_os = "linux"))]
    pub fn replay(
        recording: crate::Recording,
        pace: Pace,
        limits: crate::Limits,
        options: StreamOptions,
    ) -> Result<Self, CaptureError> {
        let sealed = recording.into_file()?;
        let queue = Arc::new(Queue::new(&options, pace));
        let for_thread = Arc::clone(&queue);
        let thread = spawn("replay", move || decoded::replay(&for_thread, &sealed, pace, limits, &options))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Waits up to `wait` for the next frame; with no time to wait, looks only. An error that ended the stream comes once,
    /// after the frames before it; then the stream has ended.
    pub fn next(&self, wait: Duration) -> Result<Next, CaptureError> {
        self.queue.take(wait)
    }

    /// How it is doing now.
    pub fn health(&self) -> Health {
        self.queue.health()
    }

    /// Skips at least this much before decoding, until told otherwise. More may be skipped while the consumer is behind.
    pub fn skip_at_least(&self, skip: Skip) {
        self.queue.lock().skip_asked = skip;
    }

    /// Ends it: waiting frames are wiped and counted as dropped, a decoder's process is killed.
    pub fn stop(&self) {
        self.queue.stop();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.queue.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already turned into an error by `Queue::end_after`.
            let _ = thread.join();
        }
    }
}

/// Rung whenever a stream has a frame or has ended, so that one consumer can wait for many streams at once.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<(Mutex<u64>, Condvar)>);

impl Bell {
    /// How often it has rung.
    pub fn rung(&self) -> u64 {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it has rung more often than `seen`, at most `wait`; how often it has rung then. Look at every stream
    /// between two waits: a ring says that something happened, not where.
    pub fn wait(&self, seen: u64, wait: Duration) -> u64 {
        let (count, rang) = &*self.0;
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        *rang.wait_timeout_while(count, wait, |count| *count <= seen).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn ring(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.1.notify_all();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, CaptureError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map_err(|error| CaptureError::Feed { found: format!("no thread: {error}") })
}
