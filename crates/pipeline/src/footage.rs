//! What a run may read: recorded files and rendered scenes in an exercise, declared cameras in a live deployment.

use capture::{
    CameraSettings, CaptureError, Concourse, FrameOptions, Pace, Permit, Recording, Still, Stream, StreamOptions,
};
use domain::{Live, Zone};
use face::decode::{self, Limits};
use store::{Recorded, Store};

use crate::error::PipelineError;

/// One source of a run, under the name of a camera.
pub struct Source {
    /// The camera's name on the record.
    pub camera: String,
    /// What is read.
    pub footage: Footage,
}

/// Where frames come from.
pub enum Footage {
    /// A regular file or a folder of pictures.
    Recording(Recording),
    /// A rendered concourse, fixed by its script and seed.
    Concourse(Box<Concourse>),
    /// A camera.
    Camera(Box<LiveCamera>),
}

/// A camera as it is opened.
#[derive(Clone, Debug)]
pub struct LiveCamera {
    /// Its address, letter for letter as it was declared.
    pub declared_address: String,
    /// How it is opened.
    pub settings: CameraSettings,
}

impl Footage {
    /// The digest declared on the record: SHA-256, lower-case hexadecimal. A camera has none: what it will show is not known.
    pub fn digest(&self) -> Option<String> {
        let digest = match self {
            Self::Recording(recording) => recording.digest(),
            Self::Concourse(concourse) => concourse.digest(),
            Self::Camera(_) => return None,
        };
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Length in bytes; 0 for what has no file.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Recording(recording) => recording.bytes(),
            Self::Concourse(_) | Self::Camera(_) => 0,
        }
    }

    /// Frames of what was recorded, from the first. A camera is opened by [`Leave`] alone.
    pub(crate) fn replayed(self, pace: Pace, stream: StreamOptions) -> Result<Option<Stream>, CaptureError> {
        Ok(Some(match self {
            Self::Recording(recording) if recording.is_folder() => {
                Stream::of_frames(recording.into_frames(options())?, pace, stream)?
            }
            Self::Recording(recording) => Stream::replay(recording, pace, capture::Limits::default(), stream)?,
            Self::Concourse(concourse) => Stream::of_frames(concourse, pace, stream)?,
            Self::Camera(_) => return Ok(None),
        }))
    }
}

/// Proof that the record lets this source be read in this live deployment, with the zone outside which nothing is looked at.
/// Made by [`Leave::asked`] only, which wants the recorded deployment.
pub(crate) struct Leave {
    camera: Option<LiveCamera>,
    zone: Option<Zone>,
}

impl Leave {
    /// Asks the record: a recording by its digest, a camera by the commitment to its address.
    pub(crate) fn asked(live: &Recorded<Live>, store: &Store, source: &Source) -> Result<Self, PipelineError> {
        let camera = source.camera.clone();
        if let Footage::Camera(opened) = &source.footage {
            let commitment = store.camera_commitment(&live.plan().deployment, &camera, &opened.declared_address)?;
            let zone = commitment.and_then(|commitment| live.declares_camera(&camera, &commitment).cloned());
            let zone = zone.ok_or(PipelineError::CameraNotDeclared { camera })?;
            return Ok(Self { camera: Some((**opened).clone()), zone: Some(zone) });
        }
        let digest = source.footage.digest().unwrap_or_default();
        if !live.declares(&camera, &digest) {
            return Err(PipelineError::FootageNotDeclared { camera, digest });
        }
        Ok(Self { camera: None, zone: None })
    }

    /// Whether it is for a camera, which is opened anew after each pause.
    pub(crate) fn is_for_a_camera(&self) -> bool {
        self.camera.is_some()
    }

    /// Opens the camera for as long as the permit holds; nothing where the leave is for a recording.
    pub(crate) fn open(&self, permit: Permit, stream: StreamOptions) -> Result<Option<Stream>, CaptureError> {
        let Some(camera) = &self.camera else { return Ok(None) };
        Stream::camera(camera.settings.clone(), stream, permit).map(Some)
    }

    /// Where in its view faces are compared; everywhere in a recording.
    pub(crate) fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
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
