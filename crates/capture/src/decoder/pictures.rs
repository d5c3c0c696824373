//! The loop that decodes: packets in, pictures out, each with the time it was captured and the time it arrived.

use std::collections::VecDeque;
use std::time::Duration;

use ffmpeg_next as ffmpeg;

use ffmpeg::util::error::EAGAIN;
use ffmpeg::{Discard, Packet, Rational, ffi, frame};

use super::Failure;
use super::ffmpeg_log::packets_lost;
use super::input::{Opened, duration_of, nanoseconds_of};
use crate::health::Skip;
use crate::isolation::message::{Assignment, DecoderCounts, Fault, Source};

/// Most packets, sound included, for one frame allowed.
const PACKETS_PER_FRAME_MAX: u64 = 16;
/// A recording that ends this much before its stated end was cut off; less is rounding.
const MISSING_END_MIN: Duration = Duration::from_millis(250);
/// Between two frames whose times are missing, equal or run backwards, when the container names no frame rate.
const FALLBACK_INTERVAL: Duration = Duration::from_millis(40);
/// Packets whose arrival is remembered until their picture comes out; no decoder holds more.
const ARRIVALS_MAX: usize = 64;

/// What decodes one source.
pub(super) struct Pictures {
    opened: Opened,
    is_live: bool,
    bears_times: bool,
    decoded: frame::Video,
    clock: Clock,
    arrivals: VecDeque<Arrival>,
    frames: u64,
    frames_max: u64,
    duration_max: Duration,
    skipped_max: u64,
    skip: Skip,
    given: u64,
    ending: Ending,
    state: State,
    pub(super) counts: DecoderCounts,
}

/// One decoded picture's times.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// Since the first frame.
    pub(super) offset: Duration,
    pub(super) stream_us: Option<i64>,
    pub(super) camera_us: Option<i64>,
    pub(super) arrived_ns: u64,
}

/// What a call brought.
pub(super) enum Step {
    /// A picture is in [`Pictures::decoded`].
    Picture(Times),
    /// A packet was read, and no picture came of it yet.
    Packet,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Packets are still to come.
    Reading,
    /// All packets are in; the decoder gives out what it holds.
    Draining,
    Ended,
}

/// When the packet with this time came.
struct Arrival {
    pts: Option<i64>,
    arrived_ns: u64,
    camera_us: Option<i64>,
}

impl Pictures {
    pub(super) fn new(opened: Opened, assignment: &Assignment) -> Self {
        let interval = opened.stream.interval.unwrap_or(FALLBACK_INTERVAL);
        let (clock, stated) = (Clock::new(opened.stream.time_base, interval), opened.stream.stated_end);
        Self {
            opened,
            is_live: !matches!(assignment.source, Source::Recording { .. }),
            bears_times: bears_times(&assignment.source),
            decoded: frame::Video::empty(),
            clock,
            arrivals: VecDeque::with_capacity(ARRIVALS_MAX),
            frames: 0,
            frames_max: assignment.frames_max,
            duration_max: assignment.duration_max,
            skipped_max: assignment.skipped_max,
            skip: Skip::Nothing,
            given: 0,
            ending: Ending { stated, read: None },
            state: State::Reading,
            counts: DecoderCounts::default(),
        }
    }

    pub(super) fn decoded(&self) -> &frame::Video {
        &self.decoded
    }

    pub(super) fn orientation(&self) -> super::convert::Orientation {
        self.opened.stream.orientation
    }

    pub(super) fn codec(&self) -> &str {
        &self.opened.codec
    }

    /// Leaves out more or less from the next packet on.
    pub(super) fn leave_out(&mut self, skip: Skip) {
        if skip == self.skip {
            return;
        }
        self.skip = skip;
        self.opened.decoder.skip_frame(match skip {
            Skip::Nothing => Discard::Default,
            Skip::NonReference => Discard::NonReference,
            Skip::NonKey => Discard::NonKey,
        });
    }

    /// Takes a picture from the decoder, or hands it one more packet.
    pub(super) fn step(&mut self) -> Result<Step, Failure> {
        if self.state == State::Ended {
            return Ok(Step::Ended);
        }
        match self.opened.decoder.receive_frame(&mut self.decoded) {
            Ok(()) => self.times().map(Step::Picture),
            Err(ffmpeg::Error::Eof) => self.finish(),
            Err(ffmpeg::Error::Other { errno: EAGAIN }) if self.state == State::Draining => self.finish(),
            Err(ffmpeg::Error::Other { errno: EAGAIN }) => self.feed().map(|()| Step::Packet),
            Err(_) => self.skip_damage().map(|()| Step::Packet),
        }
    }

    /// Hands the decoder one more packet of the video stream, or the news that there are no more.
    fn feed(&mut self) -> Result<(), Failure> {
        let mut packet = Packet::empty();
        let read = packet.read(&mut self.opened.input);
        self.counts.lost = packets_lost();
        if !self.is_live {
            let packets_max = self.frames_max.saturating_mul(PACKETS_PER_FRAME_MAX);
            if self.counts.packets >= packets_max {
                return Err(over(format!("{} packets", self.counts.packets + 1), packets_max));
            }
        }
        match read {
            Ok(()) => {
                self.counts.packets += 1;
                if packet.stream() == self.opened.stream.index { self.give(&packet) } else { Ok(()) }
            }
            Err(ffmpeg::Error::InvalidData) => self.skip_damage(),
            Err(ffmpeg::Error::Other { errno: EAGAIN }) => Ok(()),
            Err(error) if self.is_live => {
                let found =
                    if error == ffmpeg::Error::Eof { "it ended the stream".to_owned() } else { error.to_string() };
                Err(Failure::new(Fault::Connection, found))
            }
            Err(error) => {
                // The end, or damage that the demuxer can not read past: what was decoded so far still counts.
                if error != ffmpeg::Error::Eof {
                    self.skip_damage()?;
                }
                self.state = State::Draining;
                self.opened.decoder.send_eof().or(Ok(()))
            }
        }
    }

    fn give(&mut self, packet: &Packet) -> Result<(), Failure> {
        self.counts.bytes += packet.size() as u64;
        self.ending.note(packet);
        if self.skip == Skip::NonKey && !packet.is_key() {
            self.counts.skipped += 1;
            return Ok(());
        }
        if self.arrivals.len() >= ARRIVALS_MAX {
            self.arrivals.pop_front();
        }
        let arrival = Arrival { pts: packet.pts(), arrived_ns: steady_ns(), camera_us: camera_us(packet) };
        self.arrivals.push_back(arrival);
        // A packet that was cut short is decoded as far as it goes.
        let whole = self.opened.decoder.send_packet(packet).is_ok() && !packet.is_corrupt();
        self.given += u64::from(whole);
        if whole { Ok(()) } else { self.skip_damage() }
    }

    fn skip_damage(&mut self) -> Result<(), Failure> {
        self.counts.damaged += 1;
        if !self.is_live && self.counts.damaged > self.skipped_max {
            return Err(over(format!("{} damaged packets", self.counts.damaged), self.skipped_max));
        }
        Ok(())
    }

    fn times(&mut self) -> Result<Times, Failure> {
        if !self.is_live && self.frames >= self.frames_max {
            return Err(over(format!("{} frames and more", self.frames), self.frames_max));
        }
        let timestamp = self.decoded.timestamp();
        let offset = self.clock.offset_of(timestamp);
        if !self.is_live && offset > self.duration_max {
            return Err(over(format!("a frame at {} s", offset.as_secs()), self.duration_max.as_secs()));
        }
        self.frames += 1;
        let arrival = self.arrival_of(self.decoded.pts().or(timestamp));
        let stream_us = timestamp
            .filter(|_| self.bears_times)
            .and_then(|ticks| nanoseconds_of(ticks.into(), self.opened.stream.time_base))
            .and_then(|nanoseconds| i64::try_from(nanoseconds / 1000).ok());
        let (arrived_ns, camera_us) =
            arrival.map_or((steady_ns(), None), |arrival| (arrival.arrived_ns, arrival.camera_us));
        // With B-frames the packet that completes a picture may be a later one than its own.
        if self.skip != Skip::Nothing {
            self.counts.skipped += self.given.saturating_sub(1);
        }
        self.given = 0;
        Ok(Times { offset, stream_us, camera_us, arrived_ns })
    }

    /// The arrival of the packet that this picture came in; of the last packet when it bears no time.
    fn arrival_of(&mut self, pts: Option<i64>) -> Option<Arrival> {
        let place = self.arrivals.iter().position(|arrival| pts.is_some() && arrival.pts == pts);
        let place = place.or_else(|| self.arrivals.len().checked_sub(1))?;
        self.arrivals.remove(place)
    }

    fn finish(&mut self) -> Result<Step, Failure> {
        self.state = State::Ended;
        if self.ending.is_missing(self.clock.time_base) {
            self.counts.damaged += 1;
        }
        if self.frames == 0 {
            let found = format!("no picture could be decoded; {} packets were damaged", self.counts.damaged);
            return Err(Failure::new(Fault::NoPicture, found));
        }
        Ok(Step::Ended)
    }
}

/// Whether the stream's times say when its pictures were made. JPEGs over HTTP bear none: FFmpeg numbers them, 25 a second.
fn bears_times(source: &Source) -> bool {
    !matches!(source, Source::Mjpeg { .. })
}

fn over(found: String, limit: u64) -> Failure {
    Failure::new(Fault::Limit(limit), found)
}

/// What the camera's own clock showed, microseconds since the Unix epoch, where its sender reports say.
fn camera_us(packet: &Packet) -> Option<i64> {
    let told = packet.side_data().find(|data| data.kind() == ffmpeg::codec::packet::side_data::Type::PRFT)?;
    let wallclock = told.data().get(..size_of::<i64>())?;
    Some(i64::from_ne_bytes(wallclock.try_into().ok()?))
}

/// The machine's steady clock, nanoseconds.
pub(super) fn steady_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Where the container says that the stream ends, and where its packets ended.
struct Ending {
    stated: Option<Duration>,
    /// In ticks of the stream.
    read: Option<i64>,
}

impl Ending {
    fn note(&mut self, packet: &Packet) {
        let end = packet.pts().and_then(|start| start.checked_add(packet.duration().max(0)));
        self.read = self.read.max(end);
    }

    /// Whether the recording was cut off: its packets end well before its stated end. GIF and MPEG streams state none.
    fn is_missing(&self, time_base: Rational) -> bool {
        let read = self.read.and_then(|ticks| duration_of(ticks.into(), time_base));
        matches!((self.stated, read), (Some(stated), Some(read)) if stated > read.saturating_add(MISSING_END_MIN))
    }
}

/// Turns the stream's timestamps into times since its first frame that never run backwards.
struct Clock {
    time_base: Rational,
    interval: Duration,
    first: Option<i64>,
    last: Option<Duration>,
}

impl Clock {
    fn new(time_base: Rational, interval: Duration) -> Self {
        Self { time_base, interval, first: None, last: None }
    }

    /// A missing time, or one not after the last frame's, becomes the last frame's plus one interval.
    fn offset_of(&mut self, timestamp: Option<i64>) -> Duration {
        let told = timestamp.and_then(|timestamp| {
            let ticks = i128::from(timestamp) - i128::from(*self.first.get_or_insert(timestamp));
            duration_of(ticks, self.time_base)
        });
        let offset = match (self.last, told) {
            (None, told) => told.unwrap_or(Duration::ZERO),
            (Some(last), Some(told)) if told > last => told,
            (Some(last), _) => last.saturating_add(self.interval),
        };
        self.last = Some(offset);
        offset
    }
}

/// Once for the process: error texts, what FFmpeg says, and the largest allocation.
pub(super) fn prepare_ffmpeg() {
    /// Four times a raw 8K frame with four bytes a pixel.
    const ALLOCATION_BYTES_MAX: usize = 512 << 20;
    // Fails in no version of FFmpeg; without it errors would only lack their text.
    let _ = ffmpeg::init();
    super::ffmpeg_log::listen();
    // SAFETY: sets one global number inside FFmpeg, before anything else of FFmpeg is used here.
    unsafe { ffi::av_max_alloc(ALLOCATION_BYTES_MAX) };
}
