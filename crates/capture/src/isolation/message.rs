//! The words that pass between this process and a decoder's: fixed, short, and read with suspicion.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::health::{Confinement, Skip};
use crate::yuv::{Layout, Matrix, Range, YuvShape};

/// Longest message, bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 80 << 10;
/// Most bytes of a recording handed over in one message.
pub(crate) const PIECE_BYTES_MAX: usize = 64 << 10;
/// Longest sentence a decoder may say, bytes.
const SENTENCE_BYTES_MAX: usize = 512;

/// What a decoder is to do; the first thing it is told.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub(crate) source: Source,
    pub(crate) output: Output,
    pub(crate) pacing: Pacing,
    pub(crate) threads: u32,
    /// FFmpeg's name of a kind of hardware; empty for none.
    pub(crate) hardware: String,
    pub(crate) frame_pixels_max: u64,
    pub(crate) frames_max: u64,
    pub(crate) duration_max: Duration,
    pub(crate) skipped_max: u64,
    pub(crate) slots: u32,
    pub(crate) slot_bytes: u64,
    pub(crate) address_space_bytes_max: u64,
}

/// What is decoded.
#[derive(Clone)]
pub(crate) enum Source {
    /// Bytes that are asked for piece by piece.
    Recording { bytes: u64 },
    /// An RTSP camera. The address holds the password.
    Rtsp { address: Zeroizing<String>, port: u16, udp: bool },
    /// A camera that sends JPEGs over HTTP.
    Mjpeg { address: Zeroizing<String>, port: u16, host: String, authorities: String },
    /// A V4L2 device.
    Device { path: String },
}

/// What pictures are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// As decoded, or as near as the ring's layouts allow.
    Yuv,
    /// Upright interleaved RGB with square pixels.
    Rgb,
}

/// How a decoder relates to time and to a full ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pacing {
    /// Frames come when they come; without a place they are thrown away.
    Live,
    /// Frames of a recording come when their offset says; without a place they are thrown away.
    RealTime,
    /// The decoder waits for a place.
    AsConsumed,
}

/// What a decoder is told while it runs.
pub(crate) enum Order {
    /// A place of the ring is free again.
    Free { slot: u32 },
    /// What to leave out.
    Skip(Skip),
    /// A piece of the recording.
    Piece { from: u64, bytes: Vec<u8> },
}

/// What a decoder says.
#[derive(Debug, PartialEq)]
pub(crate) enum Report {
    /// It has shut itself in, and begins.
    Ready(Confinement),
    /// It knows what it decodes.
    Opened { codec: String },
    /// A picture is in a place of the ring.
    Frame(FrameReport),
    /// What was counted so far.
    Counts(DecoderCounts),
    /// It needs a piece of the recording.
    Want { from: u64, length: u32 },
    /// It can not go on.
    Failed { fault: Fault, found: String },
    /// The source ran out; how many damaged pieces there were.
    Ended { skipped: u64 },
}

/// One picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameReport {
    pub(crate) slot: u32,
    pub(crate) picture: Picture,
    pub(crate) is_key: bool,
    /// Since the recording's first frame, nanoseconds; nothing for what is live.
    pub(crate) offset_ns: Option<u64>,
    /// On the stream's own scale, microseconds.
    pub(crate) stream_us: Option<i64>,
    /// On the camera's clock, microseconds since the Unix epoch.
    pub(crate) camera_us: Option<i64>,
    /// On the machine's steady clock, nanoseconds.
    pub(crate) arrived_ns: u64,
}

/// How a picture lies in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picture {
    Yuv(YuvShape),
    Rgb { width: u32, height: u32 },
}

/// What a decoder counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DecoderCounts {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) lost: u64,
    pub(crate) damaged: u64,
    pub(crate) skipped: u64,
    pub(crate) without_place: u64,
}

/// Why a decoder can not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The camera refuses name and password.
    SignIn,
    /// No connection, or it broke.
    Connection,
    /// What came is not a container that is read.
    Container,
    /// There is no video in it.
    NoVideo,
    /// The codec is not decoded here, or its pictures can not be converted.
    Codec,
    /// Nothing could be decoded.
    NoPicture,
    /// The hardware is not there.
    Hardware,
    /// More than the limit, which is told.
    Limit(u64),
    /// The decoder's own process: memory, a library.
    Process,
}

/// Writes one message.
#[derive(Default)]
struct Writer(Zeroizing<Vec<u8>>);

/// Reads one message; every read may find that it has ended.
struct Reader<'a>(&'a [u8]);

impl Writer {
    fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn maybe(self, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.u8(1).u64(value),
            None => self.u8(0),
        }
    }

    fn text(mut self, value: &str) -> Self {
        self = self.u64(value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
        self
    }
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.u64().and_then(|value| value.try_into().ok())
    }

    fn usize(&mut self) -> Option<usize> {
        self.u64().and_then(|value| value.try_into().ok())
    }

    fn maybe(&mut self) -> Option<Option<u64>> {
        match self.u8()? {
            0 => Some(None),
            1 => self.u64().map(Some),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        let length = self.usize().filter(|length| *length <= MESSAGE_BYTES_MAX)?;
        std::str::from_utf8(self.take(length)?).ok().map(str::to_owned)
    }

    fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

impl Assignment {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let writer = match &self.source {
            Source::Recording { bytes } => Writer::default().u8(0).u64(*bytes),
            Source::Rtsp { address, port, udp } => {
                Writer::default().u8(1).text(address).u64((*port).into()).u8((*udp).into())
            }
            Source::Mjpeg { address, port, host, authorities } => {
                Writer::default().u8(2).text(address).u64((*port).into()).text(host).text(authorities)
            }
            Source::Device { path } => Writer::default().u8(3).text(path),
        };
        let pacing = match self.pacing {
            Pacing::Live => 0,
            Pacing::RealTime => 1,
            Pacing::AsConsumed => 2,
        };
        let writer = writer.u8((self.output == Output::Rgb).into()).u8(pacing).u64(self.threads.into());
        let writer = writer.text(&self.hardware).u64(self.frame_pixels_max).u64(self.frames_max);
        let writer = writer.u64(self.duration_max.as_millis() as u64).u64(self.skipped_max);
        writer.u64(self.slots.into()).u64(self.slot_bytes).u64(self.address_space_bytes_max).0
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let source = match reader.u8()? {
            0 => Source::Recording { bytes: reader.u64()? },
            1 => Source::Rtsp {
                address: Zeroizing::new(reader.text()?),
                port: reader.u32()?.try_into().ok()?,
                udp: reader.u8()? == 1,
            },
            2 => Source::Mjpeg {
                address: Zeroizing::new(reader.text()?),
                port: reader.u32()?.try_into().ok()?,
                host: reader.text()?,
                authorities: reader.text()?,
            },
            3 => Source::Device { path: reader.text()? },
            _ => return None,
        };
        let output = if reader.u8()? == 1 { Output::Rgb } else { Output::Yuv };
        let pacing = match reader.u8()? {
            0 => Pacing::Live,
            1 => Pacing::RealTime,
            _ => Pacing::AsConsumed,
        };
        let assignment = Self {
            source,
            output,
            pacing,
            threads: reader.u32()?,
            hardware: reader.text()?,
            frame_pixels_max: reader.u64()?,
            frames_max: reader.u64()?,
            duration_max: Duration::from_millis(reader.u64()?),
            skipped_max: reader.u64()?,
            slots: reader.u32()?,
            slot_bytes: reader.u64()?,
            address_space_bytes_max: reader.u64()?,
        };
        reader.end().map(|()| assignment)
    }
}

impl Order {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Free { slot } => Writer::default().u8(0).u64((*slot).into()).0,
            Self::Skip(skip) => Writer::default().u8(1).u8(*skip as u8).0,
            Self::Piece { from, bytes } => {
                let mut writer = Writer::default().u8(2).u64(*from);
                writer.0.extend_from_slice(bytes);
                writer.0
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        match reader.u8()? {
            0 => Some(Self::Free { slot: reader.u32()? }),
            1 => Some(Self::Skip(match reader.u8()? {
                0 => Skip::Nothing,
                1 => Skip::NonReference,
                _ => Skip::NonKey,
            })),
            2 => Some(Self::Piece { from: reader.u64()?, bytes: reader.0.to_vec() }),
            _ => None,
        }
    }
}

impl Report {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Ready(confinement) => {
                let Confinement { no_files, one_port, few_calls, unswappable: _ } = *confinement;
                Writer::default().u8(0).u8(no_files.into()).u8(one_port.into()).u8(few_calls.into()).0
            }
            Self::Opened { codec } => Writer::default().u8(1).text(codec).0,
            Self::Frame(frame) => frame.encode(Writer::default().u8(2)).0,
            Self::Counts(counts) => {
                let DecoderCounts { packets, bytes, lost, damaged, skipped, without_place } = *counts;
                let writer = Writer::default().u8(3).u64(packets).u64(bytes).u64(lost);
                writer.u64(damaged).u64(skipped).u64(without_place).0
            }
            Self::Want { from, length } => Writer::default().u8(4).u64(*from).u64((*length).into()).0,
            Self::Failed { fault, found } => {
                let (code, limit) = fault.encode();
                Writer::default().u8(5).u8(code).u64(limit).text(&sentence(found)).0
            }
            Self::Ended { skipped } => Writer::default().u8(6).u64(*skipped).0,
        }
    }

    /// What was said; `None` when it is no message.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let flag = |reader: &mut Reader| reader.u8().map(|byte| byte == 1);
        let report = match reader.u8()? {
            0 => Self::Ready(Confinement {
                no_files: flag(&mut reader)?,
                one_port: flag(&mut reader)?,
                few_calls: flag(&mut reader)?,
                unswappable: false,
            }),
            1 => Self::Opened { codec: sentence(&reader.text()?) },
            2 => Self::Frame(FrameReport::decode(&mut reader)?),
            3 => Self::Counts(DecoderCounts {
                packets: reader.u64()?,
                bytes: reader.u64()?,
                lost: reader.u64()?,
                damaged: reader.u64()?,
                skipped: reader.u64()?,
                without_place: reader.u64()?,
            }),
            4 => Self::Want { from: reader.u64()?, length: reader.u32()? },
            5 => {
                let (code, limit) = (reader.u8()?, reader.u64()?);
                Self::Failed { fault: Fault::decode(code, limit)?, found: sentence(&reader.text()?) }
            }
            6 => Self::Ended { skipped: reader.u64()? },
            _ => return None,
        };
        reader.end().map(|()| report)
    }
}

impl FrameReport {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer.u64(self.slot.into()).u8(self.is_key.into()).maybe(self.offset_ns);
        let writer =
            writer.maybe(self.stream_us.map(|value| value as u64)).maybe(self.camera_us.map(|value| value as u64));
        let writer = writer.u64(self.arrived_ns);
        match self.picture {
            Picture::Rgb { width, height } => writer.u8(0).u64(width.into()).u64(height.into()),
            Picture::Yuv(shape) => {
                let writer = writer.u8(if shape.layout == Layout::I420 { 1 } else { 2 });
                let writer = writer.u64(shape.width.into()).u64(shape.height.into());
                let writer = writer.u64(shape.stride_bytes[0] as u64).u64(shape.stride_bytes[1] as u64);
                writer.u8((shape.range == Range::Full).into()).u8((shape.matrix == Matrix::Bt709).into())
            }
        }
    }

    fn decode(reader: &mut Reader) -> Option<Self> {
        let slot = reader.u32()?;
        let is_key = reader.u8()? == 1;
        let offset_ns = reader.maybe()?;
        let stream_us = reader.maybe()?.map(|value| value as i64);
        let camera_us = reader.maybe()?.map(|value| value as i64);
        let arrived_ns = reader.u64()?;
        let kind = reader.u8()?;
        let (width, height) = (reader.u32()?, reader.u32()?);
        let layout = match kind {
            0 => {
                let picture = Picture::Rgb { width, height };
                return Some(Self { slot, picture, is_key, offset_ns, stream_us, camera_us, arrived_ns });
            }
            1 => Layout::I420,
            2 => Layout::Nv12,
            _ => return None,
        };
        let stride_bytes = [reader.usize()?, reader.usize()?];
        let range = if reader.u8()? == 1 { Range::Full } else { Range::Limited };
        let matrix = if reader.u8()? == 1 { Matrix::Bt709 } else { Matrix::Bt601 };
        let picture = Picture::Yuv(YuvShape { width, height, layout, stride_bytes, range, matrix });
        Some(Self { slot, picture, is_key, offset_ns, stream_us, camera_us, arrived_ns })
    }
}

impl Picture {
    /// Bytes that it takes up; `None` when it can not be.
    pub(crate) fn bytes(&self) -> Option<usize> {
        match *self {
            Self::Yuv(shape) => shape.bytes(),
            Self::Rgb { width: 0, .. } | Self::Rgb { height: 0, .. } => None,
            Self::Rgb { width, height } => (width as usize).checked_mul(height as usize)?.checked_mul(3),
        }
    }

    pub(crate) fn pixels(&self) -> u64 {
        let (Self::Yuv(YuvShape { width, height, .. }) | Self::Rgb { width, height }) = *self;
        u64::from(width) * u64::from(height)
    }
}

impl Fault {
    const ALL: [Self; 9] = [
        Self::SignIn,
        Self::Connection,
        Self::Container,
        Self::NoVideo,
        Self::Codec,
        Self::NoPicture,
        Self::Hardware,
        Self::Process,
        Self::Limit(0),
    ];

    fn encode(self) -> (u8, u64) {
        let limit = if let Self::Limit(limit) = self { limit } else { 0 };
        let same = |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(&self);
        (Self::ALL.iter().position(same).unwrap_or(0) as u8, limit)
    }

    fn decode(code: u8, limit: u64) -> Option<Self> {
        match Self::ALL.get(usize::from(code))? {
            Self::Limit(_) => Some(Self::Limit(limit)),
            other => Some(*other),
        }
    }
}

/// A sentence short and plain enough for a log: a decoder that was taken over writes no control characters to a screen.
fn sentence(text: &str) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut short = String::new();
    for letter in plain.take_while(|letter| *letter != '\u{202e}') {
        if short.len() + letter.len_utf8() > SENTENCE_BYTES_MAX {
            break;
        }
        short.push(letter);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports() -> Vec<Report> {
        let shape = YuvShape { range: Range::Full, ..YuvShape::packed(640, 480, Layout::Nv12) };
        let frame = FrameReport {
            slot: 3,
            picture: Picture::Yuv(shape),
            is_key: true,
            offset_ns: Some(7),
            stream_us: Some(-5),
            camera_us: None,
            arrived_ns: 9,
        };
        vec![
            Report::Ready(Confinement { no_files: true, one_port: false, few_calls: true, unswappable: false }),
            Report::Opened { codec: "h264".to_owned() },
            Report::Frame(frame),
            Report::Frame(FrameReport { picture: Picture::Rgb { width: 2, height: 3 }, ..frame }),
            Report::Counts(DecoderCounts { packets: 1, bytes: 2, lost: 3, damaged: 4, skipped: 5, without_place: 6 }),
            Report::Want { from: 1 << 40, length: 4096 },
            Report::Failed { fault: Fault::Limit(77), found: "too much".to_owned() },
            Report::Failed { fault: Fault::Process, found: String::new() },
            Report::Ended { skipped: 2 },
        ]
    }

    #[test]
    fn what_is_said_is_what_is_heard() {
        for report in reports() {
            assert_eq!(Report::decode(&report.encode()), Some(report));
        }
    }

    #[test]
    fn cut_or_lengthened_messages_are_none() {
        for report in reports() {
            let bytes = report.encode();
            for length in 0..bytes.len() {
                assert_eq!(Report::decode(&bytes[..length]), None, "{report:?} cut to {length}");
            }
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(Report::decode(&longer), None, "{report:?} lengthened");
        }
    }

    #[test]
    fn sentences_of_a_decoder_are_short_and_plain() {
        let hostile = format!("\u{1b}[2J\r\n{}", "é".repeat(1000));
        let Some(Report::Failed { found, .. }) =
            Report::decode(&Report::Failed { fault: Fault::Codec, found: hostile }.encode())
        else {
            panic!("a report")
        };
        assert!(found.len() <= SENTENCE_BYTES_MAX && !found.chars().any(char::is_control), "{found}");
    }

    #[test]
    fn an_assignment_arrives_whole() {
        let assignment = Assignment {
            source: Source::Mjpeg {
                address: Zeroizing::new("http://a:b@192.0.2.1/".to_owned()),
                port: 80,
                host: "gate".to_owned(),
                authorities: "ca.pem".to_owned(),
            },
            output: Output::Rgb,
            pacing: Pacing::AsConsumed,
            threads: 2,
            hardware: "vaapi".to_owned(),
            frame_pixels_max: 5,
            frames_max: 6,
            duration_max: Duration::from_millis(7),
            skipped_max: 8,
            slots: 9,
            slot_bytes: 10,
            address_space_bytes_max: 11,
        };
        let bytes = assignment.encode();
        let read = Assignment::decode(&bytes).expect("reads");
        assert_eq!(*read.encode(), *bytes);
        assert!(Assignment::decode(&bytes[1..]).is_none());
    }
}
