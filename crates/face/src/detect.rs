//! Finding faces in a picture of any size: boxes, five points and a confidence.

mod nms;
mod passes;
mod runner;
mod scrfd;
mod yunet;

pub use scrfd::Scrfd;
pub use yunet::YuNet;

use crate::engine::EngineError;
use crate::geometry::{Point, Rect};
use crate::picture::PictureView;

/// One face found in a picture, in that picture's pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Where the face is; it may reach over the picture's edge.
    pub face: Rect,
    /// The detector's confidence, 0 to 1.
    pub confidence: f32,
    /// Right eye, left eye, nose tip, right and left mouth corner, of the person (so the first is leftmost in a frontal picture).
    pub points: [Point; 5],
}

/// Finds faces. Implemented by the detectors of the model catalogue and, for tests, by a scripted one.
pub trait Detector: Send {
    /// The catalogue name of the model.
    fn name(&self) -> &str;
    /// All faces with at least the detector's own minimum confidence, most confident first (ties: top, then left).
    fn detect(&mut self, picture: PictureView<'_>) -> Result<Vec<Detection>, EngineError>;
    /// Looks again at a cut-out of one face, larger than it was where it was found, so that its points lie more exactly. Nothing of it is
    /// left in here afterwards. A detector that could not tell more finds nobody in it.
    fn look_closely(&mut self, _close_up: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        Ok(Vec::new())
    }
    /// Overwrites what is left in here of the pictures that were read. Engines keep their buffers.
    fn forget(&mut self) -> Result<(), EngineError>;
}

/// What a detector is asked to do. Each detector has its own measured defaults (`YuNet::defaults()`, `Scrfd::defaults()`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Faces less certain than this are not reported, 0 to 1.
    pub confidence_min: f32,
    /// Of two boxes that share more than this (intersection over union), the less certain one is dropped, 0 to 1.
    pub overlap_max: f32,
    /// Pictures up to this long side are read at their own size.
    pub long_side_max_px: u32,
    /// What happens to larger ones.
    pub beyond: Beyond,
    /// What sizes the graph takes.
    pub input: InputSize,
}

/// How a picture whose long side is over the limit is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// Once, reduced to the limit: quick; small faces are lost.
    Reduce,
    /// In overlapping tiles of the limit's size and once reduced: slow; small faces are kept.
    Tile,
}

/// The input sizes a detector's graph takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputSize {
    /// Any multiple of 32.
    Free,
    /// Only a square of this side; every picture is scaled into it.
    Fixed {
        /// Side of the square.
        side_px: u32,
    },
}
