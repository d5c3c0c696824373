//! The YuNet face detector (Wu, Peng and Yu, 2023): three grids, one anchor a cell.

use crate::detect::runner::{Answer, PixelForm, Runner};
use crate::detect::{Beyond, Detection, Detector, InputSize, Options};
use crate::engine::{EngineError, Graph};
use crate::geometry::{Point, Rect};
use crate::picture::PictureView;
use crate::recognise::ChannelOrder;

/// YuNet as published by OpenCV (2023mar) and by libfacedetection: reads BGR, 0 to 255.
pub struct YuNet {
    runner: Runner,
}

impl YuNet {
    /// Confidence 0.6 finds all 43 faces of dlib's group pictures and 149 of 176 in five crowded pictures of WIDER FACE; the highest
    /// confidence in 18 pictures without people is 0.61. Up to 1920 pixels, so full-HD frames, are read at their own size.
    pub fn defaults() -> Options {
        Options {
            confidence_min: 0.6,
            overlap_max: 0.3,
            long_side_max_px: 1920,
            beyond: Beyond::Reduce,
            input: InputSize::Free,
        }
    }

    /// A detector of this catalogue name over a loaded graph.
    pub fn new(name: String, graph: Box<dyn Graph>, options: Options) -> Self {
        let form = PixelForm { order: ChannelOrder::Bgr, mean: 0.0, scale: 1.0 };
        Self { runner: Runner::new(name, graph, options, form) }
    }
}

impl Detector for YuNet {
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

/// Reads one answer. The confidence is the geometric mean of "face here" and "object here", as in OpenCV; boxes are a middle relative to
/// the cell and the logarithm of the size, points are relative to the cell, all in cells.
fn decode(answer: &Answer<'_>) -> Result<Vec<Detection>, EngineError> {
    let mut found = Vec::new();
    for grid in answer.grids() {
        let class = answer.output("cls", grid, 1, 1)?;
        let object = answer.output("obj", grid, 1, 1)?;
        let boxes = answer.output("bbox", grid, 1, 4)?;
        let points = answer.output("kps", grid, 1, 10)?;
        let stride = grid.stride as f32;
        for (cell, (class, object)) in class.iter().zip(object).enumerate() {
            let confidence = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
            if confidence.is_nan() || confidence < answer.confidence_min {
                continue;
            }
            let (column, row) = ((cell % grid.columns) as f32, (cell / grid.columns) as f32);
            let shape = &boxes[4 * cell..4 * cell + 4];
            let (x, y) = ((column + shape[0]) * stride, (row + shape[1]) * stride);
            let (width, height) = (shape[2].exp() * stride, shape[3].exp() * stride);
            let face = Rect { left: x - width / 2.0, top: y - height / 2.0, width, height };
            let point = |index: usize| {
                let at = 10 * cell + 2 * index;
                Point { x: (column + points[at]) * stride, y: (row + points[at + 1]) * stride }
            };
            found.push(Detection { face, confidence, points: std::array::from_fn(point) });
        }
    }
    Ok(found)
}
