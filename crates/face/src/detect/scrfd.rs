//! The SCRFD face detector with five points (Guo and others, 2021): three grids, two anchors a cell.

use crate::detect::runner::{Answer, PixelForm, Runner};
use crate::detect::{Beyond, Detection, Detector, InputSize, Options};
use crate::engine::{EngineError, Graph};
use crate::geometry::{Point, Rect};
use crate::picture::PictureView;
use crate::recognise::ChannelOrder;

/// Anchors in every cell of a grid.
const ANCHORS: usize = 2;

/// SCRFD with five points: reads RGB as (x - 127.5) / 128.
pub struct Scrfd {
    runner: Runner,
}

impl Scrfd {
    /// Confidence 0.5 (as published) finds all 43 faces of dlib's group pictures and 142 of 176 in five crowded pictures of WIDER FACE;
    /// the highest confidence in 18 pictures without people is 0.41. Its numbers and YuNet's are on different scales.
    pub fn defaults() -> Options {
        Options {
            confidence_min: 0.5,
            overlap_max: 0.4,
            long_side_max_px: 1920,
            beyond: Beyond::Reduce,
            input: InputSize::Free,
        }
    }

    /// A detector of this catalogue name over a loaded graph.
    pub fn new(name: String, graph: Box<dyn Graph>, options: Options) -> Self {
        let form = PixelForm { order: ChannelOrder::Rgb, mean: 127.5, scale: 1.0 / 128.0 };
        Self { runner: Runner::new(name, graph, options, form) }
    }
}

impl Detector for Scrfd {
    fn name(&self) -> &str {
        self.runner.name()
    }

    fn detect(&mut self, picture: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        self.runner.detect(picture, decode)
    }

    fn look_closely(&mut self, close_up: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        self.runner.look_closely(close_up, decode)
    }

    fn forget(&mut self) -> Result<(), EngineError> {
        self.runner.forget()
    }
}

/// Reads one answer. Boxes are the distances from the cell's corner to the four sides, points are relative to it, all in cells.
fn decode(answer: &Answer<'_>) -> Result<Vec<Detection>, EngineError> {
    let mut found = Vec::new();
    for grid in answer.grids() {
        let scores = answer.output("score", grid, ANCHORS, 1)?;
        let boxes = answer.output("bbox", grid, ANCHORS, 4)?;
        let points = answer.output("kps", grid, ANCHORS, 10)?;
        let stride = grid.stride as f32;
        for (anchor, confidence) in scores.iter().enumerate() {
            if confidence.is_nan() || *confidence < answer.confidence_min {
                continue;
            }
            let cell = anchor / ANCHORS;
            let (x, y) = ((cell % grid.columns) as f32, (cell / grid.columns) as f32);
            let side = &boxes[4 * anchor..4 * anchor + 4];
            let (left, top) = ((x - side[0]) * stride, (y - side[1]) * stride);
            let face = Rect { left, top, width: (side[0] + side[2]) * stride, height: (side[1] + side[3]) * stride };
            let point = |index: usize| {
                let at = 10 * anchor + 2 * index;
                Point { x: (x + points[at]) * stride, y: (y + points[at + 1]) * stride }
            };
            found.push(Detection { face, confidence: confidence.min(1.0), points: std::array::from_fn(point) });
        }
    }
    Ok(found)
}
