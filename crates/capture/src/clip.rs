//! A recorded video file as a source of RGB frames, demuxed and decoded in a process of its own.
//!
//! The process is handed the bytes of an already opened, digested file, every block checked, and no name. Sound and
//! subtitles are never decoded. What the process says is checked; its pictures are copied out of the ring, and wiped there.

use std::sync::Arc;
use std::time::Duration;

use crate::frame::{CaptureError, Frame, FrameSource, Spares};
use crate::isolation::message::{Assignment, Fault, Output, Pacing, Picture, Source};
use crate::isolation::session::{Event, Over, Patiently, Session};
use crate::recording::{FrameOptions, Limits, SealedFile};

/// The containers that are read, as people call them.
const CONTAINERS_FOR_PEOPLE: &str = "Matroska/WebM, MP4/MOV, AVI, MPEG-TS, MPEG-PS, IVF and GIF are read";
/// How often the file system is asked whether the recording changed, in frames.
const CHECK_EVERY_FRAMES: u64 = 64;
/// Places of the ring: one in the consumer's hands, one that is decoded into, one between.
const SLOTS: usize = 3;
/// How long a decoder may work on a recording without a word.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Memory that decoding a recording may take: FFmpeg keeps up to 17 pictures of 8K with each thread.
pub(crate) const RECORDING_BYTES_MAX: u64 = 4 << 30;
/// How long one wait is.
const STEP: Duration = Duration::from_millis(200);

/// One video stream of a recorded file.
pub(crate) struct Clip {
    session: Session,
    sealed: Arc<SealedFile>,
    spares: Spares,
    first: Option<Frame>,
    frames: u64,
    skipped: u64,
    ended: bool,
}

/// What decodes a recording.
pub(crate) fn assignment(bytes: u64, output: Output, pacing: Pacing, threads: usize, limits: &Limits) -> Assignment {
    Assignment {
        source: Source::Recording { bytes },
        output,
        pacing,
        threads: threads as u32,
        hardware: String::new(),
        frame_pixels_max: limits.frame_pixels_max.min(LARGEST_PIXELS),
        frames_max: limits.frames_max,
        duration_max: limits.duration_max,
        skipped_max: limits.skipped_max,
        slots: 0,
        slot_bytes: 0,
        address_space_bytes_max: 4 * RECORDING_BYTES_MAX,
    }
}

/// No picture is larger, whatever is allowed: one of 16,384 x 8,640.
const LARGEST_PIXELS: u64 = 16_384 * 8_640;

impl Clip {
    /// Finds the video stream of a file and a decoder for it, and decodes its first picture.
    pub(crate) fn open(sealed: Arc<SealedFile>, options: &FrameOptions) -> Result<Self, CaptureError> {
        let assignment =
            assignment(sealed.bytes, Output::Rgb, Pacing::AsConsumed, options.decode_threads, &options.limits);
        let patience =
            Patiently { open_max: SILENCE_MAX, stall_max: SILENCE_MAX, resident_bytes_max: RECORDING_BYTES_MAX };
        let session = Session::start(assignment, Some(&sealed), SLOTS, patience)
            .map_err(|error| CaptureError::Feed { found: format!("no decoder: {error}") })?;
        let mut clip =
            Self { session, sealed, spares: Spares::default(), first: None, frames: 0, skipped: 0, ended: false };
        clip.first = clip.read()?;
        Ok(clip)
    }

    fn read(&mut self) -> Result<Option<Frame>, CaptureError> {
        loop {
            match self.session.step(STEP) {
                Event::Nothing => {}
                Event::Over(over) => {
                    self.ended = true;
                    self.skipped = self.session.counts.damaged;
                    return match over {
                        Over::Ended { skipped } => {
                            self.skipped = skipped;
                            Ok(None)
                        }
                        other => Err(error_of(&self.sealed, other)),
                    };
                }
                Event::Frame(report, slot) => {
                    let Picture::Rgb { width, height } = report.picture else {
                        self.ended = true;
                        return Err(error_of(&self.sealed, Over::Lied("a picture that is no RGB".to_owned())));
                    };
                    let mut pixels = self.spares.take(slot.bytes().len());
                    pixels.copy_from_slice(slot.bytes());
                    let number = self.frames;
                    self.frames += 1;
                    self.skipped = self.session.counts.damaged;
                    let offset = Duration::from_nanos(report.offset_ns.unwrap_or(0));
                    return Ok(Some(Frame { number, offset, width, height, pixels }));
                }
            }
        }
    }
}

impl FrameSource for Clip {
    fn kind(&self) -> &'static str {
        "clip"
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.ended {
            return Ok(None);
        }
        if self.frames.is_multiple_of(CHECK_EVERY_FRAMES)
            && let Err(error) = self.sealed.check_unchanged()
        {
            self.ended = true;
            return Err(error);
        }
        self.session.forgive();
        self.read()
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }

    fn reuse(&mut self, spare: Vec<u8>) {
        self.spares.keep(spare);
    }
}

/// Why a recording could not be read to its end.
pub(crate) fn error_of(sealed: &SealedFile, over: Over) -> CaptureError {
    let path = sealed.path.clone();
    let undecodable = |found: String, next: &'static str| CaptureError::Undecodable { path: path.clone(), found, next };
    let apart = "it was decoded in a process of its own, and nothing else was touched; convert it and try again";
    match over {
        Over::Changed(found) => CaptureError::Changed { path, found },
        Over::Failed { fault: Fault::Limit(limit), found } => CaptureError::Limit { path, found, limit },
        Over::Failed { fault: Fault::Container, found } => undecodable(found, CONTAINERS_FOR_PEOPLE),
        Over::Failed { fault: Fault::NoVideo, found } => undecodable(found, "name a recording with a video stream"),
        Over::Failed { fault: Fault::NoPicture, found } => {
            undecodable(found, "check that the recording plays elsewhere")
        }
        Over::Failed { found, .. } => undecodable(found, "convert it to H.264 in MP4 and try again"),
        Over::Stalled => undecodable("the decoder came to no end".to_owned(), apart),
        Over::Overgrown(bytes) => undecodable(format!("the decoder used {} MiB of memory", bytes >> 20), apart),
        Over::Lied(found) => undecodable(format!("the decoder said what can not be: {found}"), apart),
        Over::Crashed(found) => undecodable(format!("the decoder crashed: {found}"), apart),
        Over::Ended { skipped } => undecodable(format!("it ended after {skipped} damaged packets"), apart),
    }
}
