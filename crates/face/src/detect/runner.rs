//! What the detectors share: laying a picture before the graph, pass by pass, and gathering what it finds.

mod fill;
mod input;
mod shrink;

use std::collections::BTreeSet;

use crate::detect::passes::{self, Pass, plan};
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

impl PixelForm {
    /// What the detector reads for a value of 0 to 255.
    #[inline(always)]
    fn number(&self, value: f32) -> f32 {
        (value - self.mean) * self.scale
    }
}

/// A loaded graph with its options and working memory.
pub(super) struct Runner {
    name: String,
    graph: Box<dyn Graph>,
    options: Options,
    layer: Layer,
    /// What the graph was given since it last forgot: each may have buffers of its own.
    shapes: BTreeSet<[usize; 4]>,
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
        Self { name, graph, options, layer: Layer::new(form), shapes: BTreeSet::new() }
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
            self.shapes.insert(pass.shape());
            candidates.extend(self.read(picture, &pass, &decode)?);
        }
        Ok(nms::distinct(candidates, self.options.overlap_max))
    }

    /// The faces in a cut-out of one, read at one small size whatever its own; the engine forgets it at once.
    pub(super) fn look_closely(
        &mut self,
        close_up: PictureView<'_>,
        decode: impl Fn(&Answer<'_>) -> Result<Vec<Detection>, EngineError>,
    ) -> Result<Vec<Detection>, EngineError> {
        let pass = passes::close_up(close_up.width(), close_up.height(), self.options.input);
        let found = self.read(close_up, &pass, &decode);
        self.layer.let_go();
        self.blank(pass.shape())?;
        Ok(nms::distinct(found?, self.options.overlap_max))
    }

    /// What one pass finds, in the picture's pixels.
    fn read(
        &mut self,
        picture: PictureView<'_>,
        pass: &Pass,
        decode: &impl Fn(&Answer<'_>) -> Result<Vec<Detection>, EngineError>,
    ) -> Result<Vec<Detection>, EngineError> {
        let failed = |found| EngineError::Engine {
            engine: "the resizer",
            attempted: "scale a picture for",
            model: self.name.clone(),
            found,
        };
        let laid = self.layer.lay(picture, pass).map_err(failed);
        let outputs = laid.and_then(|input| self.graph.run(pass.shape(), input));
        // What was laid is somebody's face; the buffers are used again.
        self.layer.forget();
        let outputs = outputs?;
        let (width, height, confidence_min) = (pass.input_width, pass.input_height, self.options.confidence_min);
        let found = decode(&Answer { model: &self.name, outputs: &outputs, width, height, confidence_min })?;
        Ok(found.iter().filter_map(|face| pass.place(face)).filter(|face| sound(face, picture)).collect())
    }

    /// A picture of nothing, in each size that was used, takes the same way through the same buffers.
    pub(super) fn forget(&mut self) -> Result<(), EngineError> {
        self.layer.let_go();
        std::mem::take(&mut self.shapes).into_iter().try_for_each(|shape| self.blank(shape))
    }

    fn blank(&mut self, shape: [usize; 4]) -> Result<(), EngineError> {
        self.graph.run(shape, &vec![0.0; shape.iter().product()]).map(drop)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::detect::{Beyond, InputSize};
    use crate::picture::Picture;

    /// Remembers, as engines do, the last input of each size.
    #[derive(Clone, Default)]
    struct Remembering(Arc<Mutex<BTreeMap<[usize; 4], Vec<f32>>>>);

    impl Graph for Remembering {
        fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Output>, EngineError> {
            self.0.lock().expect("one thread").insert(shape, input.to_vec());
            Ok(Vec::new())
        }
    }

    #[test]
    fn what_was_in_view_is_overwritten_in_the_engine_in_every_size_it_was_read_in() {
        let graph = Remembering::default();
        let options = Options {
            confidence_min: 0.6,
            overlap_max: 0.3,
            long_side_max_px: 640,
            beyond: Beyond::Reduce,
            input: InputSize::Free,
        };
        let form = PixelForm { order: ChannelOrder::Bgr, mean: 0.0, scale: 1.0 };
        let mut runner = Runner::new("remembering".into(), Box::new(graph.clone()), options, form);
        let seen = || {
            let buffers = graph.0.lock().expect("one thread");
            (buffers.len(), buffers.values().filter(|input| input.iter().any(|value| *value != 0.0)).count())
        };
        for (width, height) in [(320, 200), (200, 320), (320, 200)] {
            let grey = Picture::from_rgb(width, height, vec![90; 3 * (width * height) as usize]).expect("whole");
            runner.detect(grey.view().into(), |_| Ok(Vec::new())).expect("nobody");
        }
        assert_eq!(seen(), (2, 2));
        runner.forget().expect("it forgets");
        assert_eq!(seen(), (2, 0));
        for side in [90, 400] {
            let face = Picture::from_rgb(side, side, vec![90; 3 * (side * side) as usize]).expect("whole");
            runner.look_closely(face.view().into(), |_| Ok(Vec::new())).expect("nobody");
            assert_eq!(seen(), (3, 0), "a close-up is forgotten at once, and read at one size");
            assert_eq!(runner.layer.scaling_bytes(), 0);
        }
    }
}
