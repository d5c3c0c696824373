//! One decoder's life from its start to its end, as this side sees it: what it says is checked, what it wants is given.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::message::{
    Assignment, DecoderCounts, Fault, FrameReport, MESSAGE_BYTES_MAX, Order, PIECE_BYTES_MAX, Report,
};
use super::process::{Decoder, ending};
use super::ring::Slot;
use super::socket::{Heard, Patience};
use crate::health::{Confinement, Skip};
use crate::recording::{SealedFile, SealedReader};
use crate::stamp::now;

/// Most messages in a second that are listened to: more is no video.
const MESSAGES_PER_SECOND_MAX: u32 = 50_000;
/// Between two looks at a decoder's memory.
const MEMORY_INTERVAL: Duration = Duration::from_millis(250);

/// What a session may take and use.
#[derive(Clone, Copy)]
pub(crate) struct Patiently {
    /// Until the first frame.
    pub(crate) open_max: Duration,
    /// Between two frames; for a recording, between two words.
    pub(crate) stall_max: Duration,
    pub(crate) resident_bytes_max: u64,
}

/// One running decoder.
pub(crate) struct Session {
    decoder: Decoder,
    footage: Option<Footage>,
    limits: Patiently,
    frame_pixels_max: u64,
    buffer: Vec<u8>,
    begun: Instant,
    heard: Instant,
    has_frames: bool,
    memory_seen: Instant,
    second: (Instant, u32),
    pub(crate) counts: DecoderCounts,
    pub(crate) codec: Option<String>,
    pub(crate) confinement: Option<Confinement>,
}

/// What a step brought.
pub(crate) enum Event {
    Nothing,
    Frame(FrameReport, Slot),
    Over(Over),
}

/// Why a session is over.
#[derive(Debug)]
pub(crate) enum Over {
    /// The recording ran out, after so many damaged pieces.
    Ended { skipped: u64 },
    /// The decoder says that it can not go on.
    Failed { fault: Fault, found: String },
    /// The recording is not the one that was digested.
    Changed(String),
    /// It said nothing, or no frame came, for too long.
    Stalled,
    /// It used too much memory.
    Overgrown(u64),
    /// It said what can not be.
    Lied(String),
    /// Its process ended.
    Crashed(String),
}

/// The recording a decoder asks for pieces of.
struct Footage {
    reader: SealedReader,
    sealed: Arc<SealedFile>,
    changed: Arc<OnceLock<String>>,
}

impl Session {
    pub(crate) fn start(
        assignment: Assignment,
        footage: Option<&Arc<SealedFile>>,
        slots: usize,
        limits: Patiently,
    ) -> io::Result<Self> {
        let frame_pixels_max = assignment.frame_pixels_max;
        let slot_bytes = slot_bytes(&assignment);
        let decoder = Decoder::start(assignment, slots, slot_bytes)?;
        let changed = Arc::new(OnceLock::new());
        let footage = footage.map(|sealed| Footage {
            reader: sealed.reader(&changed),
            sealed: Arc::clone(sealed),
            changed: changed.clone(),
        });
        let now = now();
        Ok(Self {
            decoder,
            footage,
            limits,
            frame_pixels_max,
            buffer: vec![0; MESSAGE_BYTES_MAX],
            begun: now,
            heard: now,
            has_frames: false,
            memory_seen: now,
            second: (now, 0),
            counts: DecoderCounts::default(),
            codec: None,
            confinement: None,
        })
    }

    /// Tells the decoder what to leave out.
    pub(crate) fn skip(&self, skip: Skip) {
        // A decoder that is gone, or does not listen, is found by its silence.
        let _ = self.decoder.line().say(&Order::Skip(skip).encode(), Patience::Now);
    }

    /// Time that the consumer took is not the decoder's.
    pub(crate) fn forgive(&mut self) {
        self.heard = now();
    }

    /// Waits up to `wait` for one thing to happen.
    pub(crate) fn step(&mut self, wait: Duration) -> Event {
        match self.try_step(wait) {
            Ok(event) => event,
            Err(Over::Crashed(found)) if found.is_empty() => Event::Over(Over::Crashed(ending(self.decoder.ended()))),
            Err(over) => Event::Over(over),
        }
    }

    fn try_step(&mut self, wait: Duration) -> Result<Event, Over> {
        let crashed = |error: io::Error| Over::Crashed(error.to_string());
        self.look_after()?;
        if !self.decoder.line().wait(wait).map_err(crashed)? {
            return Ok(Event::Nothing);
        }
        let length = match self.decoder.line().hear(&mut self.buffer, Patience::Now).map_err(crashed)? {
            Heard::Message(length) => length,
            Heard::Nothing => return Ok(Event::Nothing),
            Heard::Gone => return Err(Over::Crashed(String::new())),
        };
        let heard = self.buffer.get(..length).and_then(Report::decode);
        self.follow(heard.ok_or_else(|| Over::Lied(format!("{length} bytes that are no message")))?)
    }

    fn look_after(&mut self) -> Result<(), Over> {
        let now = now();
        let allowed = if self.has_frames { self.limits.stall_max } else { self.limits.open_max };
        let since = if self.has_frames || self.footage.is_some() { self.heard } else { self.begun };
        if now.saturating_duration_since(since) > allowed {
            return Err(Over::Stalled);
        }
        if now.saturating_duration_since(self.memory_seen) >= MEMORY_INTERVAL {
            self.memory_seen = now;
            if let Some(bytes) = self.decoder.resident_bytes().filter(|bytes| *bytes > self.limits.resident_bytes_max) {
                return Err(Over::Overgrown(bytes));
            }
        }
        if now.saturating_duration_since(self.second.0) >= Duration::from_secs(1) {
            self.second = (now, 0);
        }
        self.second.1 += 1;
        if self.second.1 > MESSAGES_PER_SECOND_MAX {
            return Err(Over::Lied(format!("more than {MESSAGES_PER_SECOND_MAX} messages in a second")));
        }
        Ok(())
    }

    fn follow(&mut self, report: Report) -> Result<Event, Over> {
        if self.footage.is_some() {
            self.heard = now();
        }
        match report {
            Report::Ready(confinement) => {
                let unswappable = self.decoder.ring().is_unswappable();
                self.confinement = Some(Confinement { unswappable, ..confinement });
            }
            Report::Opened { codec } => self.codec = Some(codec),
            Report::Counts(counts) => self.counts = counts,
            Report::Frame(frame) => return self.take(frame),
            Report::Want { from, length } => self.give(from, length)?,
            Report::Failed { fault, found } => return Err(Over::Failed { fault, found }),
            Report::Ended { skipped } => {
                self.check_unchanged()?;
                return Err(Over::Ended { skipped });
            }
        }
        Ok(Event::Nothing)
    }

    fn take(&mut self, frame: FrameReport) -> Result<Event, Over> {
        if frame.picture.pixels() > self.frame_pixels_max {
            return Err(Over::Lied(format!("a picture of {} pixels", frame.picture.pixels())));
        }
        let bytes = frame.picture.bytes().ok_or_else(|| Over::Lied(format!("a picture of {:?}", frame.picture)))?;
        let slot = self.decoder.ring().take(frame.slot, bytes).map_err(Over::Lied)?;
        self.heard = now();
        self.has_frames = true;
        Ok(Event::Frame(frame, slot))
    }

    /// Hands over a piece of the recording, every byte of it checked; less at its end.
    fn give(&mut self, from: u64, length: u32) -> Result<(), Over> {
        use std::io::{Read, Seek, SeekFrom};

        let Some(footage) = &mut self.footage else {
            return Err(Over::Lied("a camera's decoder asks for a recording".to_owned()));
        };
        let mut bytes = vec![0; (length as usize).min(PIECE_BYTES_MAX)];
        let read = footage.reader.seek(SeekFrom::Start(from)).and_then(|_| footage.reader.read(&mut bytes));
        if let Some(found) = footage.changed.get() {
            return Err(Over::Changed(found.clone()));
        }
        let read = read.map_err(|error| Over::Changed(error.to_string()))?;
        bytes.truncate(read);
        let said = self.decoder.line().say(&Order::Piece { from, bytes }.encode(), Patience::Now);
        said.map_err(|error| Over::Lied(format!("more wishes than it listens to answers: {error}")))
    }

    /// Whether the recording is still the file that was digested.
    pub(crate) fn check_unchanged(&self) -> Result<(), Over> {
        let Some(footage) = &self.footage else { return Ok(()) };
        footage.sealed.check_unchanged().map_err(|error| match error {
            crate::CaptureError::Changed { found, .. } => Over::Changed(found),
            other => Over::Changed(other.to_string()),
        })
    }

    /// The number the system knows the decoder's process by.
    pub(crate) fn process(&self) -> u32 {
        self.decoder.id()
    }
}

/// Bytes a place needs for the largest picture allowed, its rows padded.
fn slot_bytes(assignment: &Assignment) -> usize {
    const PADDING_BYTES: u64 = 4 << 20;
    let each = match assignment.output {
        super::message::Output::Rgb => 3 * assignment.frame_pixels_max,
        super::message::Output::Yuv => assignment.frame_pixels_max * 3 / 2,
    };
    usize::try_from(each.saturating_add(PADDING_BYTES)).unwrap_or(usize::MAX / 64)
}
