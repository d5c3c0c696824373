//! A recorded video file as a source, demuxed and decoded in this process by FFmpeg's libraries.
//!
//! FFmpeg is handed the bytes of an already opened, digested file and no name: it can open nothing by itself (no
//! protocol is allowed), and only containers that hold their own pictures are tried (no playlists, no lists of files,
//! no devices). Sound and subtitles are never decoded. Demuxers and decoders are C code and not memory-safe: a hostile
//! recording is still decoded in this process, and the pictures inside FFmpeg's own buffers are freed, not wiped.

mod convert;

use std::path::Path;
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use ffmpeg_next as ffmpeg;

use ffmpeg::codec::{self, Id, decoder, threading};
use ffmpeg::format::{self, stream::Disposition};
use ffmpeg::util::error::{EAGAIN, EINVAL};
use ffmpeg::{Dictionary, Discard, Packet, Rational, ffi, frame, media};

use crate::frame::{CaptureError, Frame, FrameSource, Spares};
use crate::recording::{FrameOptions, Limits, SealedFile};
use convert::{Converter, Orientation};

/// The containers that are read, as FFmpeg names their demuxers. Each holds its own pictures; none refers to others.
const CONTAINERS: &str = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpegts,mpeg,gif,ivf";
/// What people call them.
const CONTAINERS_FOR_PEOPLE: &str = "Matroska/WebM, MP4/MOV, AVI, MPEG-TS, MPEG-PS, IVF and GIF are read";
/// The codecs that are decoded: what cameras, recorders and phones write.
const CODECS: [Id; 16] = [
    Id::H264,
    Id::HEVC,
    Id::AV1,
    Id::VP8,
    Id::VP9,
    Id::MPEG4,
    Id::MPEG2VIDEO,
    Id::MPEG1VIDEO,
    Id::H263,
    Id::MJPEG,
    Id::GIF,
    Id::FFV1,
    Id::PNG,
    Id::DVVIDEO,
    Id::PRORES,
    Id::RAWVIDEO,
];
/// Largest single allocation FFmpeg may make: four times a raw 8K frame with four bytes a pixel.
const ALLOCATION_BYTES_MAX: usize = 512 << 20;
/// Most packets, sound included, for one frame allowed.
const PACKETS_PER_FRAME_MAX: u64 = 16;
/// Most decoding threads.
const THREADS_MAX: usize = 16;
/// How often the file system is asked whether the recording changed, in frames.
const CHECK_EVERY_FRAMES: u64 = 64;
/// A recording that ends this much before its stated end was cut off; less is rounding.
const MISSING_END_MIN: Duration = Duration::from_millis(250);
/// Between two frames whose times are missing, equal or run backwards, when the container names no frame rate.
const FALLBACK_INTERVAL: Duration = Duration::from_millis(40);

/// One video stream of a recorded file.
pub(crate) struct Clip {
    // Fields are dropped in this order: the decoder before the input it took its parameters from.
    decoder: decoder::Video,
    input: format::context::Input,
    stream: usize,
    sealed: Arc<SealedFile>,
    changed: Arc<OnceLock<String>>,
    limits: Limits,
    decoded: frame::Video,
    converter: Converter,
    clock: Clock,
    spares: Spares,
    frames: u64,
    packets: u64,
    skipped: u64,
    ending: Ending,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Packets are still to come.
    Reading,
    /// All packets are in; the decoder gives out what it holds.
    Draining,
    Ended,
}

impl Clip {
    /// Finds the video stream of a file and a decoder for it. Decodes nothing yet.
    pub(crate) fn open(sealed: Arc<SealedFile>, options: &FrameOptions) -> Result<Self, CaptureError> {
        prepare_ffmpeg();
        let changed = Arc::new(OnceLock::new());
        let mut input = open_container(&sealed, &changed)?;
        let stream = video_stream(&input, &sealed.path)?;
        for (index, mut other) in input.streams_mut().enumerate() {
            if index != stream.index {
                // SAFETY: `other` borrows `input` mutably, so its AVStream lives and nothing else reads it.
                unsafe { (*other.as_mut_ptr()).discard = Discard::All.into() };
            }
        }
        let decoder = open_decoder(&input, &stream, options, &sealed.path)?;
        Ok(Self {
            decoder,
            input,
            stream: stream.index,
            sealed,
            changed,
            limits: options.limits,
            decoded: frame::Video::empty(),
            converter: Converter::new(stream.orientation),
            clock: Clock::new(stream.time_base, stream.interval),
            spares: Spares::default(),
            frames: 0,
            packets: 0,
            skipped: 0,
            ending: Ending { stated: stream.stated_end, read: None },
            state: State::Reading,
        })
    }

    /// Decodes until a picture is in `self.decoded`; `false` at the end.
    fn decode_next(&mut self) -> Result<bool, CaptureError> {
        loop {
            match self.decoder.receive_frame(&mut self.decoded) {
                Ok(()) => return Ok(true),
                Err(ffmpeg::Error::Eof) => return Ok(false),
                Err(ffmpeg::Error::Other { errno: EAGAIN }) if self.state == State::Draining => return Ok(false),
                Err(ffmpeg::Error::Other { errno: EAGAIN }) => self.feed()?,
                Err(_) => self.skip()?,
            }
        }
    }

    /// Hands the decoder one more packet of the video stream, or the news that there are no more.
    fn feed(&mut self) -> Result<(), CaptureError> {
        let mut packet = Packet::empty();
        let read = packet.read(&mut self.input);
        self.check_changed()?;
        self.packets += 1;
        let packets_max = self.limits.frames_max.saturating_mul(PACKETS_PER_FRAME_MAX);
        if self.packets > packets_max {
            return Err(self.over_limit(format!("{} packets", self.packets), packets_max));
        }
        match read {
            Ok(()) if packet.stream() != self.stream => Ok(()),
            Ok(()) => {
                self.ending.note(&packet);
                // A packet that was cut short is decoded as far as it goes.
                let whole = self.decoder.send_packet(&packet).is_ok() && !packet.is_corrupt();
                if whole { Ok(()) } else { self.skip() }
            }
            Err(ffmpeg::Error::InvalidData) => self.skip(),
            Err(error) => {
                // The end, or damage that the demuxer can not read past: what was decoded so far still counts.
                if error != ffmpeg::Error::Eof {
                    self.skip()?;
                }
                self.state = State::Draining;
                self.decoder.send_eof().or(Ok(()))
            }
        }
    }

    fn skip(&mut self) -> Result<(), CaptureError> {
        self.skipped += 1;
        if self.skipped > self.limits.skipped_max {
            return Err(self.over_limit(format!("{} damaged packets", self.skipped), self.limits.skipped_max));
        }
        Ok(())
    }

    fn take_frame(&mut self) -> Result<Frame, CaptureError> {
        if self.frames >= self.limits.frames_max {
            return Err(self.over_limit(format!("{} frames and more", self.frames), self.limits.frames_max));
        }
        let offset = self.clock.offset_of(self.decoded.timestamp());
        if offset > self.limits.duration_max {
            let found = format!("a frame at {} s", offset.as_secs());
            return Err(self.over_limit(found, self.limits.duration_max.as_secs()));
        }
        let pixels_max = self.limits.frame_pixels_max;
        let shape = self.converter.prepare(&self.decoded).filter(|shape| shape.pixels() <= pixels_max);
        let Some(shape) = shape else {
            let found = format!("a frame of {} x {} pixels", self.decoded.width(), self.decoded.height());
            return Err(self.over_limit(found, pixels_max));
        };
        let mut pixels = self.spares.take(shape.bytes());
        if let Err(found) = self.converter.convert(&self.decoded, &mut pixels) {
            return Err(undecodable(&self.sealed.path, found, "convert it to H.264 in MP4 and try again"));
        }
        let number = self.frames;
        self.frames += 1;
        Ok(Frame { number, offset, width: shape.width, height: shape.height, pixels })
    }

    fn step(&mut self) -> Result<Option<Frame>, CaptureError> {
        if self.frames.is_multiple_of(CHECK_EVERY_FRAMES) {
            self.sealed.check_unchanged()?;
        }
        if self.decode_next()? { self.take_frame().map(Some) } else { self.finish() }
    }

    fn finish(&mut self) -> Result<Option<Frame>, CaptureError> {
        self.state = State::Ended;
        self.sealed.check_unchanged()?;
        if self.ending.is_missing(self.clock.time_base) {
            self.skipped += 1;
        }
        if self.frames == 0 {
            let found = format!("no picture could be decoded; {} packets were damaged", self.skipped);
            return Err(undecodable(&self.sealed.path, found, "check that the recording plays elsewhere"));
        }
        Ok(None)
    }

    fn check_changed(&self) -> Result<(), CaptureError> {
        changed_error(&self.sealed.path, &self.changed)
    }

    fn over_limit(&self, found: String, limit: u64) -> CaptureError {
        CaptureError::Limit { path: self.sealed.path.clone(), found, limit }
    }
}

impl FrameSource for Clip {
    fn kind(&self) -> &'static str {
        "clip"
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
        if self.state == State::Ended {
            return Ok(None);
        }
        let result = self.step();
        if result.is_err() {
            self.state = State::Ended;
        }
        result
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }

    fn reuse(&mut self, spare: Vec<u8>) {
        self.spares.keep(spare);
    }
}

/// What is known of the video stream before decoding.
struct Stream {
    index: usize,
    time_base: Rational,
    interval: Duration,
    orientation: Orientation,
    stated_end: Option<Duration>,
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

/// `ticks` of a time base as a duration; `None` when negative or beyond what a duration holds.
fn duration_of(ticks: i128, time_base: Rational) -> Option<Duration> {
    let (numerator, denominator) = (i128::from(time_base.numerator()), i128::from(time_base.denominator()));
    if denominator <= 0 {
        return None;
    }
    let nanoseconds = ticks.checked_mul(numerator)?.checked_mul(1_000_000_000)?.checked_div(denominator)?;
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// Once for the process: error texts, silence (errors come back as values), and the largest allocation.
fn prepare_ffmpeg() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        // Fails in no version of FFmpeg; without it errors would only lack their text.
        let _ = ffmpeg::init();
        ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
        // SAFETY: sets one global number inside FFmpeg, before anything else of FFmpeg is used here.
        unsafe { ffi::av_max_alloc(ALLOCATION_BYTES_MAX) };
    });
}

/// Opens the container on the sealed bytes. Looking for streams decodes nothing: the codec list for that is empty.
fn open_container(
    sealed: &Arc<SealedFile>,
    changed: &Arc<OnceLock<String>>,
) -> Result<format::context::Input, CaptureError> {
    let mut options = Dictionary::new();
    options.set("format_whitelist", CONTAINERS);
    options.set("protocol_whitelist", "none");
    options.set("codec_whitelist", "none");
    let unusable = |error: ffmpeg::Error| {
        let found = match error {
            // FFmpeg's answer when the container it recognised is not on the list.
            ffmpeg::Error::Other { errno: EINVAL } => "a kind of file that is not read here".to_owned(),
            ffmpeg::Error::InvalidData => "not a video file, or one that was cut off before its index".to_owned(),
            other => other.to_string(),
        };
        undecodable(&sealed.path, found, CONTAINERS_FOR_PEOPLE)
    };
    let bytes = format::context::StreamIo::from_read_seek(sealed.reader(changed)).map_err(unusable)?;
    let opened = format::input_from_stream(bytes, None, Some(options));
    changed_error(&sealed.path, changed)?;
    opened.map_err(unusable)
}

fn video_stream(input: &format::context::Input, path: &Path) -> Result<Stream, CaptureError> {
    let best = input.streams().best(media::Type::Video);
    let stream = best.filter(|stream| !stream.disposition().contains(Disposition::ATTACHED_PIC)).ok_or_else(|| {
        let found = "no video in it (cover pictures are not video)".to_owned();
        undecodable(path, found, "name a recording with a video stream")
    })?;
    let rate = stream.avg_frame_rate();
    let interval = duration_of(1, rate.invert()).filter(|interval| *interval > Duration::ZERO);
    let matrix = stream.side_data().find(|data| data.kind() == codec::packet::side_data::Type::DisplayMatrix);
    Ok(Stream {
        stated_end: stated_end(input, &stream),
        index: stream.index(),
        time_base: stream.time_base(),
        interval: interval.unwrap_or(FALLBACK_INTERVAL),
        orientation: matrix.map_or(Orientation::UPRIGHT, |matrix| Orientation::from_display_matrix(matrix.data())),
    })
}

/// The stream's own stated end; that of the whole file only where there is nothing but this stream in it.
fn stated_end(input: &format::context::Input, stream: &ffmpeg::Stream) -> Option<Duration> {
    let end = stream.start_time().max(0).checked_add(stream.duration()).filter(|_| stream.duration() > 0);
    let of_stream = end.and_then(|end| duration_of(end.into(), stream.time_base()));
    let alone = input.nb_streams() == 1 && input.duration() > 0;
    let of_file = || duration_of(input.duration().into(), Rational(1, ffi::AV_TIME_BASE)).filter(|_| alone);
    of_stream.or_else(of_file)
}

fn open_decoder(
    input: &format::context::Input,
    stream: &Stream,
    options: &FrameOptions,
    path: &Path,
) -> Result<decoder::Video, CaptureError> {
    let next = "convert it to H.264 in MP4 and try again";
    let unusable = |error: ffmpeg::Error| undecodable(path, format!("the decoder refused it: {error}"), next);
    let parameters = input.stream(stream.index).map(|stream| stream.parameters());
    let parameters = parameters.ok_or_else(|| unusable(ffmpeg::Error::StreamNotFound))?;
    let id = parameters.id();
    let known = decoder::find(id).filter(|_| CODECS.contains(&id));
    let codec = known.ok_or_else(|| undecodable(path, format!("video coded as {}", id.name()), next))?;
    let mut context = codec::Context::from_parameters(parameters).map_err(unusable)?;
    check_stated_size(&context, options.limits.frame_pixels_max, path)?;
    let count = options.decode_threads.clamp(1, THREADS_MAX);
    context.set_threading(threading::Config { count, ..threading::Config::kind(threading::Type::Frame) });
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base);
    let mut limits = Dictionary::new();
    limits.set("max_pixels", &options.limits.frame_pixels_max.min(i32::MAX as u64).to_string());
    decoder.open_as_with(codec, limits).and_then(|opened| opened.video()).map_err(unusable)
}

/// Refuses a size that the container states before a decoder could allocate it.
fn check_stated_size(context: &codec::Context, pixels_max: u64, path: &Path) -> Result<(), CaptureError> {
    // SAFETY: the context was just made from the stream's parameters and is alive; both fields are plain numbers.
    let (width, height) = unsafe { ((*context.as_ptr()).width, (*context.as_ptr()).height) };
    if i64::from(width) * i64::from(height) > i64::try_from(pixels_max).unwrap_or(i64::MAX) {
        let found = format!("frames of {width} x {height} pixels");
        return Err(CaptureError::Limit { path: path.to_owned(), found, limit: pixels_max });
    }
    Ok(())
}

fn changed_error(path: &Path, changed: &OnceLock<String>) -> Result<(), CaptureError> {
    match changed.get() {
        Some(found) => Err(CaptureError::Changed { path: path.to_owned(), found: found.clone() }),
        None => Ok(()),
    }
}

fn undecodable(path: &Path, found: String, next: &'static str) -> CaptureError {
    CaptureError::Undecodable { path: path.to_owned(), found, next }
}
