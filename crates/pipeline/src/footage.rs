//! What an exercise may read: recorded files and rendered scenes. There is no variant for a camera.

use capture::{CaptureError, Concourse, FrameSource, Recording};

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
    /// The digest declared on the record.
    pub fn digest(&self) -> String {
        match self {
            Self::Recording(recording) => recording.digest().to_owned(),
            Self::Concourse(concourse) => concourse.digest(),
        }
    }

    /// Length in bytes; 0 for a rendered scene, which has no file.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Recording(recording) => recording.bytes(),
            Self::Concourse(_) => 0,
        }
    }

    /// The frames, from the first.
    pub(crate) fn into_frames(self) -> Result<Box<dyn FrameSource>, CaptureError> {
        match self {
            Self::Recording(recording) => recording.into_frames(),
            Self::Concourse(concourse) => Ok(concourse),
        }
    }
}
