//! Why a rule about recordings and cameras said no.

use std::fmt;

use super::CAMERA_NAME_CHARS_MAX;
use crate::refusal::Refusal;

/// A lawful no about what a deployment reads.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum SourceRefusal {
    NotInPolicy { kind: &'static str, source: &'static str },
    NoRecordingDeclared,
    NoCameraDeclared,
    CameraInExercise,
    RecordingInLive,
    CameraNameUnfit,
    CameraDeclaredAlready { camera: String },
    TooManyCameras { most: usize },
    FaceTooSmall { side_px: u32, side_px_min: u32 },
}

impl SourceRefusal {
    /// The rule it comes from.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::NotInPolicy { .. } => "closed vocabularies: what may be read is chosen in the policy profile",
            Self::NoRecordingDeclared | Self::CameraInExercise => {
                "an exercise reads recorded files that stand on the record, never a camera"
            }
            Self::NoCameraDeclared
            | Self::RecordingInLive
            | Self::CameraNameUnfit
            | Self::CameraDeclaredAlready { .. }
            | Self::TooManyCameras { .. } => {
                "a live deployment opens only cameras that stand on the record, each with its recognition zone"
            }
            Self::FaceTooSmall { .. } => "a face is compared only if it is large enough to be told from others",
        }
    }
}

impl fmt::Display for SourceRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInPolicy { kind, source } => write!(
                out,
                "the policy does not allow a deployment of the kind {kind}: {source:?} is not among its sources; propose another kind, or adopt a profile that allows it"
            ),
            Self::NoRecordingDeclared => {
                write!(out, "no recording is declared; declare each file with its digest before the start")
            }
            Self::NoCameraDeclared => {
                write!(out, "no camera is declared; declare each with its recognition zone before the start")
            }
            Self::CameraInExercise => {
                write!(out, "this is an exercise, which opens no camera; propose a live deployment for that")
            }
            Self::RecordingInLive => {
                write!(out, "this is a live deployment, which reads no recording; propose an exercise for that")
            }
            Self::CameraNameUnfit => write!(
                out,
                "the camera's name is empty, longer than {CAMERA_NAME_CHARS_MAX} characters, or holds control characters or space at an end; give it a plain name"
            ),
            Self::CameraDeclaredAlready { camera } => write!(
                out,
                "camera {camera:?} is declared already and stays as it was declared; withdraw the deployment and propose it anew to change that"
            ),
            Self::TooManyCameras { most } => {
                write!(out, "the plan has {most} cameras at most and no more; propose the deployment anew for more")
            }
            Self::FaceTooSmall { side_px, side_px_min } => write!(
                out,
                "faces from {side_px} pixels are smaller than the {side_px_min} pixels of the policy; ask for that or more"
            ),
        }
    }
}

impl From<SourceRefusal> for Refusal {
    fn from(refusal: SourceRefusal) -> Self {
        Self::Source(refusal)
    }
}
