//! What an exercise may read: recorded files and rendered scenes. There is no variant for a camera.

use capture::{CaptureError, Concourse, FrameOptions, Pace, Recording, Still, Stream, StreamOptions};
use face::decode::{self, Limits};

/// One source of an exercise, under the name of a camera.
pub struct Source {
    /// The camera's name on the record.
    pub camera: String,
    /// What is read.
    pub footage: Footage,
}

/// Footage that exists before the exercise begins and can be read again, bit for bit.
pub enum Footage {
    /// A regular file or a folder of pictures.
    Recording(Recording),
    /// A rendered concourse, fixed by its script and seed.
    Concourse(Box<Concourse>),
}

impl Footage {
    /// The digest declared on the record: SHA-256, lower-case hexadecimal.
    pub fn digest(&self) -> String {
        let digest = match self {
            Self::Recording(recording) => recording.digest(),
            Self::Concourse(concourse) => concourse.digest(),
        };
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Length in bytes; 0 for a rendered scene, which has no file.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Recording(recording) => recording.bytes(),
            Self::Concourse(_) => 0,
        }
    }

    /// Its frames, from the first.
    pub(crate) fn into_stream(self, pace: Pace, stream: StreamOptions) -> Result<Stream, CaptureError> {
        match self {
            Self::Recording(recording) => Stream::of_frames(recording.into_frames(options())?, pace, stream),
            Self::Concourse(concourse) => Stream::of_frames(concourse, pace, stream),
        }
    }
}

/// How recordings are decoded: pictures of a folder by the same decoder, with the same limits, as every still image.
fn options() -> FrameOptions {
    let decode_picture = |name: &str, bytes: &[u8]| {
        let picture = decode::bytes(name, bytes, &Limits::default()).map_err(|error| error.to_string())?;
        let pixels = picture.view().pixels.to_vec();
        Ok(Still { width: picture.width(), height: picture.height(), pixels })
    };
    FrameOptions { decode_picture: Box::new(decode_picture), ..FrameOptions::default() }
}
