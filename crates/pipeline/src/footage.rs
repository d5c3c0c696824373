//! What a run may read: recorded files and rendered scenes in an exercise, declared cameras in a live deployment.

use std::path::PathBuf;

use capture::{
    CameraSettings, CaptureError, Concourse, Credentials, FrameOptions, Pace, Permit, Recording, Still, Stream,
    StreamOptions, Transport,
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

/// A camera as it is to be opened. It has one address: what is asked of the record is what is connected to.
#[derive(Clone, Debug)]
pub struct LiveCamera {
    /// Its address, letter for letter as it was declared.
    pub declared_address: String,
    /// How an RTSP camera sends; nothing to others.
    pub transport: Transport,
    /// What it is signed in to with, where it asks.
    pub credentials: Option<Credentials>,
    /// A file of certificates (PEM) that a camera's TLS must lead to; the system's usual ones when absent.
    pub authorities: Option<PathBuf>,
    /// FFmpeg's name of the hardware that decodes, such as `vaapi`; the processor decodes when absent.
    pub hardware: Option<String>,
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
    camera: Option<CameraSettings>,
    hardware: Option<String>,
    zone: Option<Zone>,
}

impl Leave {
    /// Asks the record: a recording by its digest, a camera by the commitment to its address.
    pub(crate) fn asked(live: &Recorded<Live>, store: &Store, source: &Source) -> Result<Self, PipelineError> {
        let camera = source.camera.clone();
        if let Footage::Camera(opened) = &source.footage {
            let commitment = store.camera_commitment(&live.plan().deployment, &camera, &opened.declared_address)?;
            let zone = commitment.and_then(|commitment| live.declares_camera(&camera, &commitment).cloned());
            let zone = zone.ok_or_else(|| PipelineError::CameraNotDeclared { camera: camera.clone() })?;
            let settings = CameraSettings {
                name: camera,
                address: opened.declared_address.parse()?,
                transport: opened.transport,
                credentials: opened.credentials.clone(),
                authorities: opened.authorities.clone(),
            };
            return Ok(Self { camera: Some(settings), hardware: opened.hardware.clone(), zone: Some(zone) });
        }
        let digest = source.footage.digest().unwrap_or_default();
        if !live.declares(&camera, &digest) {
            return Err(PipelineError::FootageNotDeclared { camera, digest });
        }
        Ok(Self { camera: None, hardware: None, zone: None })
    }

    /// Whether it is for a camera, which is opened anew after each pause.
    pub(crate) fn is_for_a_camera(&self) -> bool {
        self.camera.is_some()
    }

    /// Opens the camera for as long as the permit holds; nothing where the leave is for a recording.
    #[allow(clippy::disallowed_methods, reason = "here, with leave of the record, and nowhere else")]
    pub(crate) fn open(&self, permit: Permit, stream: StreamOptions) -> Result<Option<Stream>, CaptureError> {
        let Some(camera) = &self.camera else { return Ok(None) };
        let stream = StreamOptions { hardware: self.hardware.clone(), ..stream };
        Stream::camera(camera.clone(), stream, permit).map(Some)
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
