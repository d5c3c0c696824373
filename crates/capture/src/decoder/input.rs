//! Opens what is to be decoded: a recording's bytes from the parent, or a camera's connection; then a decoder for its video.
//!
//! FFmpeg is handed bytes, or one address with the one protocol it may speak; of containers only those that hold their
//! own pictures are tried (no playlists, no lists of files). A camera is not probed: what it sends is known from what it
//! says it sends, so that the first picture comes at once.

use std::ffi::CString;
use std::time::Duration;

use ffmpeg_next as ffmpeg;

use ffmpeg::codec::{self, Id, decoder, threading};
use ffmpeg::format::{self, stream::Disposition};
use ffmpeg::util::error::{EACCES, EINVAL, EPERM};
use ffmpeg::{Dictionary, Discard, Rational, ffi, media};

use super::Failure;
use super::convert::Orientation;
use super::line::{Remote, SharedLine};
use crate::isolation::message::{Assignment, Fault, Source};

/// The containers that are read, as FFmpeg names their demuxers. Each holds its own pictures; none refers to others.
const CONTAINERS: &str = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpegts,mpeg,gif,ivf";
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
/// Most decoding threads.
const THREADS_MAX: usize = 16;
/// How long a read from a camera may take, as FFmpeg counts: microseconds.
const CAMERA_TIMEOUT_US: u64 = 10_000_000;
/// How long a datagram that overtook another waits for it: microseconds.
const REORDERING_US: u64 = 300_000;
/// Bytes the system may hold of datagrams that came faster than they were read.
const DATAGRAM_BUFFER_BYTES: u64 = 4 << 20;

/// An opened source and the decoder of its video stream.
pub(super) struct Opened {
    // Fields are dropped in this order: the decoder before the input it took its parameters from.
    pub(super) decoder: decoder::Video,
    pub(super) input: format::context::Input,
    pub(super) stream: Stream,
    pub(super) codec: String,
    _hardware: Option<Hardware>,
}

/// What is known of the video stream before decoding.
pub(super) struct Stream {
    pub(super) index: usize,
    pub(super) time_base: Rational,
    pub(super) interval: Option<Duration>,
    pub(super) orientation: Orientation,
    pub(super) stated_end: Option<Duration>,
}

/// Opens the source. Decodes nothing yet.
pub(super) fn open(assignment: &Assignment, line: &SharedLine, hardware: Option<Hardware>) -> Result<Opened, Failure> {
    let mut input = match &assignment.source {
        Source::Recording { bytes } => open_container(Remote::new(line.clone(), *bytes))?,
        other => open_camera(other)?,
    };
    let stream = video_stream(&input)?;
    for (index, mut other) in input.streams_mut().enumerate() {
        if index != stream.index {
            // SAFETY: `other` borrows `input` mutably, so its AVStream lives and nothing else reads it.
            unsafe { (*other.as_mut_ptr()).discard = Discard::All.into() };
        }
    }
    let (decoder, codec) = open_decoder(&input, &stream, assignment, hardware.as_ref())?;
    Ok(Opened { decoder, input, stream, codec, _hardware: hardware })
}

/// Opens a container on bytes. Looking for streams decodes nothing: the codec list for that is empty.
fn open_container(bytes: Remote) -> Result<format::context::Input, Failure> {
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
        Failure::new(Fault::Container, found)
    };
    let bytes = format::context::StreamIo::from_read_seek(bytes).map_err(unusable)?;
    format::input_from_stream(bytes, None, Some(options)).map_err(unusable)
}

/// Connects to a camera.
fn open_camera(source: &Source) -> Result<format::context::Input, Failure> {
    let mut options = Dictionary::new();
    options.set("timeout", &CAMERA_TIMEOUT_US.to_string());
    let (address, format) = match source {
        Source::Rtsp { address, udp, .. } => {
            options.set("rtsp_transport", if *udp { "udp" } else { "tcp" });
            options.set("allowed_media_types", "video");
            options.set("max_delay", &REORDERING_US.to_string());
            options.set("buffer_size", &DATAGRAM_BUFFER_BYTES.to_string());
            options.set("protocol_whitelist", "tcp,udp,rtp");
            (address.as_str(), "rtsp")
        }
        Source::Mjpeg { address, host, authorities, .. } => {
            options.set("protocol_whitelist", "http,https,tls,tcp");
            options.set("headers", &format!("Host: {host}\r\n"));
            options.set("tls_verify", "1");
            options.set("verifyhost", host_name(host));
            options.set("strict_mime_boundary", "0");
            if !authorities.is_empty() {
                options.set("ca_file", authorities);
            }
            (address.as_str(), "mpjpeg")
        }
        Source::Device { path } => (path.as_str(), "video4linux2"),
        Source::Recording { .. } => return Err(Failure::new(Fault::Process, "a recording has no address")),
    };
    options.set("format_whitelist", format);
    open_address(address, format, options)
}

/// The name in front of a port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Opens an address with one format, without reading more than it takes.
fn open_address(address: &str, format: &str, options: Dictionary) -> Result<format::context::Input, Failure> {
    let text = |text: &str| CString::new(text).map_err(|_| Failure::new(Fault::Connection, "a zero in an address"));
    let (address, name) = (text(address)?, text(format)?);
    // SAFETY: the name ends with zero.
    let demuxer = unsafe { ffi::av_find_input_format(name.as_ptr()) };
    if demuxer.is_null() {
        return Err(Failure::new(Fault::Process, format!("FFmpeg's libraries here do not read {format}")));
    }
    let mut context = std::ptr::null_mut();
    // SAFETY: the dictionary is handed to the call, which leaves in it what it did not use; it is freed afterwards.
    let answer = unsafe {
        let mut options = options.disown();
        let answer =
            ffi::avformat_open_input(&raw mut context, address.as_ptr(), demuxer.cast_mut().cast(), &raw mut options);
        ffi::av_dict_free(&raw mut options);
        answer
    };
    if answer < 0 {
        return Err(not_connected(answer));
    }
    // SAFETY: the call succeeded, so the context is whole and ours.
    Ok(unsafe { format::context::Input::wrap(context) })
}

/// What a camera's refusal means.
fn not_connected(answer: i32) -> Failure {
    let error = ffmpeg::Error::from(answer);
    let fault = match error {
        ffmpeg::Error::HttpUnauthorized | ffmpeg::Error::HttpForbidden => Fault::SignIn,
        ffmpeg::Error::InvalidData => Fault::Container,
        ffmpeg::Error::Other { errno: EACCES | EPERM } => Fault::Connection,
        _ => Fault::Connection,
    };
    let found = match fault {
        Fault::SignIn => "it does not accept this name and password".to_owned(),
        Fault::Container => "it answers something that is no video stream".to_owned(),
        _ => error.to_string(),
    };
    Failure::new(fault, found)
}

fn video_stream(input: &format::context::Input) -> Result<Stream, Failure> {
    let best = input.streams().best(media::Type::Video);
    let stream = best
        .filter(|stream| !stream.disposition().contains(Disposition::ATTACHED_PIC))
        .or_else(|| input.streams().find(|stream| stream.parameters().medium() == media::Type::Video))
        .filter(|stream| !stream.disposition().contains(Disposition::ATTACHED_PIC))
        .ok_or_else(|| Failure::new(Fault::NoVideo, "no video in it (cover pictures are not video)"))?;
    let interval = duration_of(1, stream.avg_frame_rate().invert()).filter(|interval| *interval > Duration::ZERO);
    let matrix = stream.side_data().find(|data| data.kind() == codec::packet::side_data::Type::DisplayMatrix);
    Ok(Stream {
        stated_end: stated_end(input, &stream),
        index: stream.index(),
        time_base: stream.time_base(),
        interval,
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
    assignment: &Assignment,
    hardware: Option<&Hardware>,
) -> Result<(decoder::Video, String), Failure> {
    let unusable = |error: ffmpeg::Error| Failure::new(Fault::Codec, format!("the decoder refused it: {error}"));
    let parameters = input.stream(stream.index).map(|stream| stream.parameters());
    let parameters = parameters.ok_or_else(|| unusable(ffmpeg::Error::StreamNotFound))?;
    let id = parameters.id();
    let known = decoder::find(id).filter(|_| CODECS.contains(&id));
    let codec = known.ok_or_else(|| Failure::new(Fault::Codec, format!("video coded as {}", id.name())))?;
    let mut context = codec::Context::from_parameters(parameters).map_err(unusable)?;
    let pixels_max = assignment.frame_pixels_max;
    check_stated_size(&context, pixels_max)?;
    let count = (assignment.threads as usize).clamp(1, THREADS_MAX);
    context.set_threading(threading::Config { count, ..threading::Config::kind(threading::Type::Frame) });
    if let Some(hardware) = hardware {
        hardware.lend(&mut context)?;
    }
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base);
    let mut limits = Dictionary::new();
    limits.set("max_pixels", &pixels_max.min(i32::MAX as u64).to_string());
    let opened = decoder.open_as_with(codec, limits).and_then(|opened| opened.video()).map_err(unusable)?;
    Ok((opened, id.name().to_owned()))
}

/// Refuses a size that the container states before a decoder could allocate it.
fn check_stated_size(context: &codec::Context, pixels_max: u64) -> Result<(), Failure> {
    // SAFETY: the context was just made from the stream's parameters and is alive; both fields are plain numbers.
    let (width, height) = unsafe { ((*context.as_ptr()).width, (*context.as_ptr()).height) };
    if i64::from(width) * i64::from(height) > i64::try_from(pixels_max).unwrap_or(i64::MAX) {
        return Err(Failure::new(Fault::Limit(pixels_max), format!("frames of {width} x {height} pixels")));
    }
    Ok(())
}

/// A hardware decoder's device.
pub(super) struct Hardware(*mut ffi::AVBufferRef);

impl Hardware {
    /// Opens the device that FFmpeg calls `name`.
    pub(super) fn open(name: &str) -> Result<Self, Failure> {
        let missing = |found: String| Failure::new(Fault::Hardware, found);
        let text = CString::new(name).map_err(|_| missing("a zero in the name of the hardware".to_owned()))?;
        // SAFETY: the name ends with zero.
        let kind = unsafe { ffi::av_hwdevice_find_type_by_name(text.as_ptr()) };
        if kind == ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_NONE {
            return Err(missing(format!("FFmpeg's libraries here know no hardware called {name}")));
        }
        let mut device = std::ptr::null_mut();
        // SAFETY: the place for the device is ours; the rest may be null.
        let answer =
            unsafe { ffi::av_hwdevice_ctx_create(&raw mut device, kind, std::ptr::null(), std::ptr::null_mut(), 0) };
        if answer < 0 {
            return Err(missing(format!("{name} can not be used here: {}", ffmpeg::Error::from(answer))));
        }
        Ok(Self(device))
    }

    /// Lets a decoder use it.
    fn lend(&self, context: &mut codec::Context) -> Result<(), Failure> {
        // SAFETY: the context is not open yet; it gets a reference of its own, which it frees.
        unsafe {
            let device = ffi::av_buffer_ref(self.0);
            if device.is_null() {
                return Err(Failure::new(Fault::Hardware, "no memory for the hardware's device"));
            }
            (*context.as_mut_ptr()).hw_device_ctx = device;
        }
        Ok(())
    }
}

impl Drop for Hardware {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and not used again.
        unsafe { ffi::av_buffer_unref(&raw mut self.0) };
    }
}

/// `ticks` of a time base as a duration; `None` when negative or beyond what a duration holds.
pub(super) fn duration_of(ticks: i128, time_base: Rational) -> Option<Duration> {
    let nanoseconds = nanoseconds_of(ticks, time_base)?;
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// `ticks` of a time base in nanoseconds.
pub(super) fn nanoseconds_of(ticks: i128, time_base: Rational) -> Option<i128> {
    let (numerator, denominator) = (i128::from(time_base.numerator()), i128::from(time_base.denominator()));
    if denominator <= 0 {
        return None;
    }
    ticks.checked_mul(numerator)?.checked_mul(1_000_000_000)?.checked_div(denominator)
}
