//! What the detectors share: laying a picture before the graph, pass by pass, and gathering what it finds.

mod input;

use zeroize::Zeroize;

use crate::detect::passes::plan;
use crate::detect::{Detection, Options, nms};
use crate::engine::{EngineError, Graph, Output};
use crate::picture::PictureView;
use crate::recognise::ChannelOrder;
use input::Layer;

/// The three grids on which detectors of this family answer: pixels between cells.
pub(super) const STRIDES: [u32; 3] = [8, 16, 32];

/// How a detector reads pixels: `(pixel - mean) * scale`, the same for all colours.
#[derive(Clone, Copy)]
pub(super) struct PixelForm {
    pub(super) order: ChannelOrder,
    pub(super) mean: f32,
    pub(super) scale: f32,
}

/// A loaded graph with its options and working memory.
pub(super) struct Runner {
    name: String,
    graph: Box<dyn Graph>,
    options: Options,
    layer: Layer,
}

/// A graph's answer to one pass.
pub(super) struct Answer<'a> {
    model: &'a str,
    outputs: &'a [Output],
    /// The graph's input.
    width: u32,
    height: u32,
    /// Candidates less certain than this need not be reported.
    pub(super) confidence_min: f32,
}

/// One grid of an answer.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) stride: u32,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Runner {
    pub(super) fn new(name: String, graph: Box<dyn Graph>, options: Options, form: PixelForm) -> Self {
        Self { name, graph, options, layer: Layer::new(form) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// All distinct faces of a picture; `decode` reads one answer of the graph in the input's pixels.
    pub(super) fn detect(
        &mut self,
        picture: PictureView<'_>,
        decode: impl Fn(&Answer<'_>) -> Result<Vec<Detection>, EngineError>,
    ) -> Result<Vec<Detection>, EngineError> {
        let mut candidates = Vec::new();
        for pass in plan(picture.width(), picture.height(), &self.options) {
            let input = self.layer.lay(picture, &pass).map_err(|found| EngineError::Engine {
                engine: "the resizer",
                attempted: "scale a picture for",
                model: self.name.clone(),
                found,
            })?;
            let shape = [1, 3, pass.input_height as usize, pass.input_width as usize];
            let outputs = self.graph.run(shape, input);
            // The input is somebody's face; the buffer is used again.
            input.zeroize();
            let outputs = outputs?;
            let (width, height) = (pass.input_width, pass.input_height);
            let confidence_min = self.options.confidence_min;
            let found = decode(&Answer { model: &self.name, outputs: &outputs, width, height, confidence_min })?;
            candidates.extend(found.iter().filter_map(|face| pass.place(face)).filter(|face| sound(face, picture)));
        }
        Ok(nms::distinct(candidates, self.options.overlap_max))
    }
}

impl Answer<'_> {
    /// The grids of this answer.
    pub(super) fn grids(&self) -> impl Iterator<Item = Grid> + use<> {
        let (width, height) = (self.width, self.height);
        STRIDES.into_iter().map(move |stride| Grid {
            stride,
            columns: (width / stride) as usize,
            rows: (height / stride) as usize,
        })
    }

    /// The output `{kind}_{stride}`, which must have `values` values for each of `anchors` anchors of every cell.
    pub(super) fn output(&self, kind: &str, grid: Grid, anchors: usize, values: usize) -> Result<&[f32], EngineError> {
        let name = format!("{kind}_{}", grid.stride);
        let expected = grid.columns * grid.rows * anchors * values;
        let refuse = |found: String| EngineError::Engine {
            engine: "the detector",
            attempted: "read the outputs of",
            model: self.model.to_owned(),
            found,
        };
        let found = self.outputs.iter().find(|output| output.name == name);
        let output = found
            .ok_or_else(|| refuse(format!("no output is called {name}; this file holds another kind of detector")))?;
        if output.values.len() != expected {
            let found = output.values.len();
            let (width, height) = (self.width, self.height);
            return Err(refuse(format!(
                "{name} has {found} values where an input of {width} x {height} asks for {expected}"
            )));
        }
        Ok(&output.values)
    }
}

/// Whether a face is made of numbers and touches the picture; a box in the padding is no face.
fn sound(found: &Detection, picture: PictureView<'_>) -> bool {
    let numbers = found.points.iter().all(|point| point.x.is_finite() && point.y.is_finite());
    let face = found.face;
    let inside = face.left < picture.width() as f32
        && face.top < picture.height() as f32
        && face.right() > 0.0
        && face.bottom() > 0.0;
    numbers && inside && face.area().is_finite() && face.area() > 0.0 && found.confidence.is_finite()
}
