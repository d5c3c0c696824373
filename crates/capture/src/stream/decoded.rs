//! The threads behind decoded streams: each watches one decoder's process, and for a camera starts the next when it is lost.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use zeroize::Zeroizing;

use super::queue::Queue;
use super::{CameraSettings, HELD_FRAMES_MAX, StreamOptions, WAITING_FRAMES_MAX};
use crate::address::{Kind, Place, Transport};
use crate::clip::{RECORDING_BYTES_MAX, assignment, error_of};
use crate::frame::CaptureError;
use crate::health::{Skip, State};
use crate::isolation::message::{Assignment, DecoderCounts, Fault, FrameReport, Output, Pacing, Picture, Source};
use crate::isolation::ring::Slot;
use crate::isolation::session::{Event, Over, Patiently, Session};
use crate::pace::Pace;
use crate::recording::{Limits, SealedFile};
use crate::stamp::{Stamp, Stamper, Told, now, wall};
use crate::yuv::{Storage, YuvFrame};

/// How long one wait is: how soon a lapsed permit or a stop is seen.
const STEP: Duration = Duration::from_millis(50);
/// Before the first new attempt.
const RETRY_MIN: Duration = Duration::from_millis(250);
/// Between two attempts at most, but for jitter: a camera that is back is seen within seconds.
const RETRY_MAX: Duration = Duration::from_secs(2);
/// After a camera refused name and password: many lock an account after a few attempts.
const SIGN_IN_RETRY: Duration = Duration::from_secs(30);
/// How long a connection must have lasted for the next attempt to be a first one again.
const STEADY_MIN: Duration = Duration::from_secs(10);
/// Between two looks at whether the consumer keeps up.
const PRESSURE_INTERVAL: Duration = Duration::from_millis(250);
/// How long nothing must have been dropped before everything is decoded again.
const RELAXED_MIN: Duration = Duration::from_secs(3);
/// How long a decoder may work on a recording without a word.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Address space of a decoder beside its ring.
const ADDRESS_SPACE_BYTES: u64 = 4 << 30;
/// Oldest that a frame may claim to be when it arrives here.
const AGE_MAX: Duration = Duration::from_secs(60);

/// Places of the ring: those that may wait, those the consumer may hold, one that is decoded into, one between.
fn slots(options: &StreamOptions) -> usize {
    options.queue_frames_max.clamp(1, WAITING_FRAMES_MAX) + options.held_frames_max.clamp(1, HELD_FRAMES_MAX) + 2
}

/// Plays a recording once.
pub(super) fn replay(
    queue: &Arc<Queue>,
    sealed: &Arc<SealedFile>,
    pace: Pace,
    limits: Limits,
    options: &StreamOptions,
) {
    queue.end_after(|| {
        let pacing = if pace == Pace::RealTime { Pacing::RealTime } else { Pacing::AsConsumed };
        let mut assignment = assignment(sealed.bytes, Output::Yuv, pacing, options.decode_threads, &limits);
        assignment.hardware = options.hardware.clone().unwrap_or_default();
        assignment.frame_pixels_max = assignment.frame_pixels_max.min(options.frame_pixels_max);
        let resident_bytes_max = options.resident_bytes_max.min(RECORDING_BYTES_MAX);
        let patience = Patiently { open_max: SILENCE_MAX, stall_max: SILENCE_MAX, resident_bytes_max };
        let session = Session::start(assignment, Some(sealed), slots(options), patience)
            .map_err(|error| CaptureError::Feed { found: format!("no decoder: {error}") })?;
        let mut watch = Watch::new(queue, Stamper::default());
        match watch.run(session, 0) {
            Ok(Why::Stopped | Why::NotPermitted) | Err(Over::Ended { .. }) => Ok(()),
            Err(over) => Err(error_of(sealed, over)),
        }
    });
}

/// Keeps a camera connected for as long as it is permitted and nobody stops it.
pub(super) fn camera(queue: &Arc<Queue>, settings: &CameraSettings, options: &StreamOptions) {
    queue.end_after(|| Keeper::new(queue, settings, options).keep());
}

struct Keeper<'a> {
    queue: &'a Arc<Queue>,
    settings: &'a CameraSettings,
    options: &'a StreamOptions,
    watch: Watch<'a>,
    attempts: u64,
}

/// Why a watch ended that was not the decoder's doing.
enum Why {
    Stopped,
    NotPermitted,
}

impl<'a> Keeper<'a> {
    fn new(queue: &'a Arc<Queue>, settings: &'a CameraSettings, options: &'a StreamOptions) -> Self {
        Self { queue, settings, options, watch: Watch::new(queue, Stamper::default()), attempts: 0 }
    }

    fn keep(&mut self) -> Result<(), CaptureError> {
        let backoff = || ExponentialBuilder::default().with_min_delay(RETRY_MIN).with_max_delay(RETRY_MAX);
        let mut delays = backoff().without_max_times().with_jitter().build();
        loop {
            let begun = now();
            let over = match self.connect() {
                Ok(session) => match self.watch.run(session, self.attempts) {
                    Ok(Why::Stopped | Why::NotPermitted) => return Ok(()),
                    Err(over) => over,
                },
                Err(over) => over,
            };
            self.attempts += 1;
            let sign_in = matches!(&over, Over::Failed { fault: Fault::SignIn, .. });
            if let Over::Failed { fault: Fault::Hardware, found } = over {
                return Err(self.error(found, super::hardware::NEXT));
            }
            self.note(over);
            if now().saturating_duration_since(begun) >= STEADY_MIN {
                delays = backoff().without_max_times().with_jitter().build();
            }
            let delay = if sign_in { SIGN_IN_RETRY } else { delays.next().unwrap_or(RETRY_MAX) };
            if !self.wait(delay) {
                return Ok(());
            }
            let mut inner = self.queue.lock();
            inner.health.counts.reconnects += 1;
            inner.health.state = State::Connecting;
        }
    }

    fn connect(&self) -> Result<Session, Over> {
        let connection = |found: String| Over::Failed { fault: Fault::Connection, found };
        let source = self.source().map_err(connection)?;
        let (options, slots) = (self.options, slots(self.options));
        let frame_pixels_max = options.frame_pixels_max.clamp(1, LARGEST_PIXELS);
        let assignment = Assignment {
            source,
            output: Output::Yuv,
            pacing: Pacing::Live,
            threads: options.decode_threads as u32,
            hardware: options.hardware.clone().unwrap_or_default(),
            frame_pixels_max,
            frames_max: u64::MAX,
            duration_max: Duration::MAX,
            skipped_max: u64::MAX,
            slots: 0,
            slot_bytes: 0,
            address_space_bytes_max: ADDRESS_SPACE_BYTES + 2 * slots as u64 * frame_pixels_max,
        };
        let StreamOptions { open_max, stall_max, resident_bytes_max, .. } = *options;
        let patience = Patiently { open_max, stall_max, resident_bytes_max };
        Session::start(assignment, None, slots, patience).map_err(|error| Over::Crashed(format!("no process: {error}")))
    }

    /// Names are resolved here, so that a decoder needs no files: it gets a number and the one port.
    fn source(&self) -> Result<Source, String> {
        let (url, kind) = match self.settings.address.place() {
            Place::Device(path) => return Ok(Source::Device { path: path.display().to_string() }),
            Place::Network(url, kind) => (url, *kind),
        };
        let (host, port) = self.settings.address.endpoint().ok_or("an address without a host")?;
        let found: Vec<SocketAddr> = (host.trim_matches(['[', ']']), port)
            .to_socket_addrs()
            .map_err(|error| format!("its name is not known: {error}"))?
            .collect();
        // A name may stand for several addresses: each attempt takes the next.
        let turn = self.attempts as usize % found.len().max(1);
        let found = found.get(turn).ok_or("its name stands for no address")?;
        let mut address = Zeroizing::new(String::with_capacity(4096));
        let sign_in = self.settings.credentials.as_ref().map(|known| known.for_address());
        address.push_str(url.scheme());
        address.push_str("://");
        if let Some(sign_in) = &sign_in {
            address.push_str(sign_in);
            address.push('@');
        }
        address.push_str(&found.to_string());
        address.push_str(url.path());
        if let Some(query) = url.query() {
            address.push('?');
            address.push_str(query);
        }
        Ok(match kind {
            Kind::Rtsp => Source::Rtsp { address, port, udp: self.settings.transport == Transport::Udp },
            Kind::Mjpeg => {
                let authorities = self.settings.authorities.as_ref().map(|path| path.display().to_string());
                let host = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
                Source::Mjpeg { address, port, host, authorities: authorities.unwrap_or_default() }
            }
        })
    }

    /// Counts what happened, and says it.
    fn note(&self, over: Over) {
        let mut inner = self.queue.lock();
        let counts = &mut inner.health.counts;
        counts.connections_lost += 1;
        let said = match over {
            Over::Failed { found, .. } => found,
            Over::Ended { .. } => "it ended the stream".to_owned(),
            Over::Stalled => {
                counts.stalls += 1;
                "no frame came for too long".to_owned()
            }
            Over::Overgrown(bytes) => {
                counts.overgrown += 1;
                format!("its decoder used {} MiB of memory", bytes >> 20)
            }
            Over::Lied(found) | Over::Changed(found) => {
                counts.lies += 1;
                format!("its decoder said what can not be: {found}")
            }
            Over::Crashed(found) => {
                counts.crashes += 1;
                format!("its decoder crashed: {found}")
            }
        };
        let CameraSettings { name, address, .. } = self.settings;
        inner.health.last_fault = Some(format!("camera {name} at {address}: {said}"));
        inner.health.state = State::WaitingToRetry;
    }

    /// Waits before the next attempt; whether there is to be one.
    fn wait(&self, delay: Duration) -> bool {
        let until = now() + delay;
        loop {
            if self.queue.is_stopped() || !self.queue.is_permitted() {
                return false;
            }
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                return true;
            }
            self.queue.pause(left.min(STEP));
        }
    }

    fn error(&self, found: String, next: &'static str) -> CaptureError {
        CaptureError::Camera { attempted: "watching camera", camera: self.settings.name.clone(), found, next }
    }
}

/// One picture of 8K.
const LARGEST_PIXELS: u64 = 7680 * 4320;

/// What outlives a decoder: times, numbers, counts of those before.
struct Watch<'a> {
    queue: &'a Arc<Queue>,
    stamper: Stamper,
    frames: u64,
    /// Counts of the processes before this one.
    before: DecoderCounts,
    pressure: Pressure,
}

/// Whether the consumer keeps up.
struct Pressure {
    looked: Instant,
    dropped: u64,
    eased: Instant,
    skip: Skip,
    told: Skip,
}

impl<'a> Watch<'a> {
    fn new(queue: &'a Arc<Queue>, stamper: Stamper) -> Self {
        let now = now();
        let pressure = Pressure { looked: now, dropped: 0, eased: now, skip: Skip::Nothing, told: Skip::Nothing };
        Self { queue, stamper, frames: 0, before: DecoderCounts::default(), pressure }
    }

    /// Watches one decoder until it is over, or nobody may or wants to see its frames.
    fn run(&mut self, mut session: Session, connection: u64) -> Result<Why, Over> {
        self.stamper.reconnected();
        self.pressure.told = Skip::Nothing;
        let outcome = loop {
            if self.queue.is_stopped() {
                break Ok(Why::Stopped);
            }
            if !self.queue.is_permitted() {
                self.queue.stop();
                break Ok(Why::NotPermitted);
            }
            match session.step(STEP) {
                Event::Nothing => {}
                Event::Over(over) => break Err(over),
                Event::Frame(report, slot) => match self.frame(&report, slot, connection) {
                    Ok(frame) => {
                        if !self.queue.offer(frame) {
                            break Ok(Why::Stopped);
                        }
                        session.forgive();
                    }
                    Err(found) => break Err(Over::Lied(found)),
                },
            }
            self.publish(&session);
            self.press(&session);
        };
        self.publish(&session);
        let counts = &session.counts;
        self.before = sum(&self.before, counts);
        outcome
    }

    fn frame(&mut self, report: &FrameReport, slot: Slot, connection: u64) -> Result<YuvFrame, String> {
        let Picture::Yuv(shape) = report.picture else { return Err("a picture that is not YUV".to_owned()) };
        let (now, wall) = (now(), wall());
        // The steady clock is the same for both processes; what it says of an arrival must be near.
        let age = Duration::from_nanos(steady_ns().saturating_sub(report.arrived_ns));
        if age > AGE_MAX || report.arrived_ns > steady_ns() {
            return Err(format!("a frame that arrived {} s ago", age.as_secs()));
        }
        let arrived = now.checked_sub(age).unwrap_or(now);
        let stamp = match report.offset_ns {
            Some(offset_ns) => Stamp { arrived, captured: None, offset: Duration::from_nanos(offset_ns) },
            None => {
                let camera = report.camera_us.and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros);
                let arrived_wall = wall.saturating_sub(age);
                self.stamper.stamp(Told { camera, stream_us: report.stream_us, arrived_wall, arrived })
            }
        };
        let number = self.frames;
        self.frames += 1;
        Ok(YuvFrame::new(number, connection, stamp, shape, Storage::Slot(slot)).with_key(report.is_key))
    }

    /// Shows what is known of the decoder.
    fn publish(&self, session: &Session) {
        let total = sum(&self.before, &session.counts);
        let mut inner = self.queue.lock();
        let counts = &mut inner.health.counts;
        counts.packets = total.packets;
        counts.packet_bytes = total.bytes;
        counts.packets_lost = total.lost;
        counts.packets_damaged = total.damaged;
        counts.frames_skipped = total.skipped;
        counts.frames_without_place = total.without_place;
        inner.health.repairs = self.stamper.repairs;
        inner.health.skip = self.pressure.told;
        inner.health.process = Some(session.process());
        inner.health.confinement = session.confinement.or(inner.health.confinement);
        if session.codec.is_some() {
            inner.health.codec.clone_from(&session.codec);
        }
    }

    /// Leaves frames out before decoding while the consumer is behind; decodes them again after a while.
    fn press(&mut self, session: &Session) {
        let now = now();
        if now.saturating_duration_since(self.pressure.looked) < PRESSURE_INTERVAL {
            return;
        }
        self.pressure.looked = now;
        let (dropped, asked) = {
            let inner = self.queue.lock();
            let counts = &inner.health.counts;
            (counts.frames_dropped + counts.frames_without_place, inner.skip_asked)
        };
        if dropped > self.pressure.dropped {
            self.pressure.skip = Skip::NonReference;
            self.pressure.eased = now;
        } else if now.saturating_duration_since(self.pressure.eased) >= RELAXED_MIN {
            self.pressure.skip = Skip::Nothing;
        }
        self.pressure.dropped = dropped;
        let skip = self.pressure.skip.max(asked);
        if skip != self.pressure.told {
            self.pressure.told = skip;
            session.skip(skip);
        }
    }
}

fn sum(a: &DecoderCounts, b: &DecoderCounts) -> DecoderCounts {
    DecoderCounts {
        packets: a.packets.saturating_add(b.packets),
        bytes: a.bytes.saturating_add(b.bytes),
        lost: a.lost.saturating_add(b.lost),
        damaged: a.damaged.saturating_add(b.damaged),
        skipped: a.skipped.saturating_add(b.skipped),
        without_place: a.without_place.saturating_add(b.without_place),
    }
}

/// The machine's steady clock, nanoseconds, as a decoder reads it.
fn steady_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
