//! A frame, and what it takes to be a source of them.

use std::path::PathBuf;
use std::time::Duration;

/// One picture from a source: interleaved RGB without padding, wiped when dropped.
pub struct Frame {
    /// Counts from 0 within the source.
    pub number: u64,
    /// Time since the source's first frame.
    pub offset: Duration,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `3 * width * height` bytes.
    pub pixels: Vec<u8>,
}

/// Yields frames in order of time until it ends.
pub trait FrameSource: Send {
    /// What it is, without a path: `clip`, `folder`, `rendered concourse`.
    fn kind(&self) -> &'static str;

    /// The next frame; `None` after the last. An error ends the source.
    fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError>;

    /// Pieces of the source that could not be used so far: damaged packets of a clip, its end when that is missing.
    fn skipped(&self) -> u64 {
        0
    }

    /// Offers a wiped, empty buffer for a later frame, so that a running source stops allocating.
    fn reuse(&mut self, spare: Vec<u8>) {
        drop(spare);
    }
}

/// Why a source could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// What was named is not a recording that may be read.
    #[error("{attempted} {path}: {found}; {next}")]
    Recording {
        /// What was being done.
        attempted: &'static str,
        /// The file or folder as the caller named it.
        path: PathBuf,
        /// What was there instead.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// The recording is not the one whose digest was taken.
    #[error(
        "reading {path}: it changed after its digest was taken ({found}); use a finished copy that nothing writes to"
    )]
    Changed {
        /// The file or folder.
        path: PathBuf,
        /// What changed.
        found: String,
    },
    /// The recording's bytes are whole, but no pictures come out of them.
    #[error("decoding {path}: {found}; {next}")]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// Hardware that was to decode is not here.
    #[error("looking for the hardware {name}: {found}; {next}")]
    Hardware {
        /// FFmpeg's name for it, as it was given.
        name: String,
        /// What was found instead.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// The recording asks for more than is allowed.
    #[error("reading {path}: {found}, more than the limit of {limit}; cut it into smaller recordings")]
    Limit {
        /// The file or folder.
        path: PathBuf,
        /// What it asks for, with its unit.
        found: String,
        /// What is allowed.
        limit: u64,
    },
    /// Sprites or script of the rendered concourse contradict themselves.
    #[error("rendering the concourse: {found}; {next}")]
    Script {
        /// What is wrong.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// A camera could not be named, signed in to, connected to or decoded. Names no password, and no address's query.
    #[error("{attempted} {camera}: {found}; {next}")]
    Camera {
        /// What was being done.
        attempted: &'static str,
        /// The camera as the caller named it, or where its settings came from.
        camera: String,
        /// What was there instead.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// The thread that reads the source could not be started, or stopped without saying why: a bug here.
    #[error("feeding frames: {found}; this is a bug: please report it with the lines printed before")]
    Feed {
        /// What was seen.
        found: String,
    },
}

impl Frame {
    /// Wipes the pixels and hands their buffer on, empty, for another frame.
    pub fn into_spare(mut self) -> Vec<u8> {
        let mut spare = std::mem::take(&mut self.pixels);
        wipe(&mut spare);
        spare.clear();
        spare
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        wipe(&mut self.pixels);
    }
}

/// Most spare buffers a source holds.
const SPARES_MAX: usize = 4;

/// A source's spare buffers: wiped and empty.
#[derive(Default)]
pub(crate) struct Spares(Vec<Vec<u8>>);

impl Spares {
    /// Keeps a spare, up to the limit.
    pub(crate) fn keep(&mut self, spare: Vec<u8>) {
        if self.0.len() < SPARES_MAX && spare.is_empty() {
            self.0.push(spare);
        }
    }

    /// A buffer of `length` zero bytes.
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        let mut buffer = self.0.pop().unwrap_or_default();
        buffer.resize(length, 0);
        buffer
    }
}

/// Overwrites `bytes` with zeros in a way that the compiler may not leave out. One `memset` and a barrier: writing
/// every byte volatile costs a millisecond a frame at 1280 x 720.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spare_is_wiped_and_comes_back_as_zeros() {
        let frame = Frame { number: 0, offset: Duration::ZERO, width: 2, height: 1, pixels: vec![7; 6] };
        let mut spare = frame.into_spare();
        assert!(spare.is_empty() && spare.capacity() >= 6);
        // SAFETY: the six bytes below the capacity were initialised by `vec!` and then overwritten by the wipe.
        unsafe { spare.set_len(6) };
        assert_eq!(spare, [0; 6]);
        spare.clear();
        let mut spares = Spares::default();
        spares.keep(spare);
        assert_eq!(spares.take(4), [0; 4]);
        assert_eq!(spares.take(2), [0; 2]);
    }
}
