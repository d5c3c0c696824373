//! What the detectors share: laying a picture before the graph, pass by pass, and gathering what it finds.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use zeroize::{Zeroize, Zeroizing};

use crate::detect::passes::{Pass, plan};
use crate::detect::{Detection, Options, nms};
use crate::engine::{EngineError, Graph, Output};
use crate::picture::RgbView;
use crate::recognise::ChannelOrder;

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
    form: PixelForm,
    resizer: Resizer,
    scaled: Zeroizing<Vec<u8>>,
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
        Self { name, graph, options, form, resizer: Resizer::new(), scaled: Zeroizing::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// All distinct faces of a picture; `decode` reads one answer of the graph in the input's pixels.
    pub(super) fn detect(
        &mut self,
        picture: RgbView<'_>,
        decode: impl Fn(&Answer<'_>) -> Result<Vec<Detection>, EngineError>,
    ) -> Result<Vec<Detection>, EngineError> {
        let mut candidates = Vec::new();
        for pass in plan(picture.width, picture.height, &self.options) {
            let input = self.input(picture, &pass)?;
            let shape = [1, 3, pass.input_height as usize, pass.input_width as usize];
            let outputs = self.graph.run(shape, input)?;
            let (width, height) = (pass.input_width, pass.input_height);
            let confidence_min = self.options.confidence_min;
            let found = decode(&Answer { model: &self.name, outputs: &outputs, width, height, confidence_min })?;
            candidates.extend(found.iter().filter_map(|face| pass.place(face)).filter(|face| sound(face, picture)));
        }
        Ok(nms::distinct(candidates, self.options.overlap_max))
    }

    /// The graph's input for one pass.
    fn input(&mut self, picture: RgbView<'_>, pass: &Pass) -> Result<Vec<f32>, EngineError> {
        let part = part(picture, pass);
        let (width, height) = (pass.scaled_width, pass.scaled_height);
        if (width, height) == (part.width, part.height) {
            return Ok(planes(part, pass, self.form));
        }
        self.scale(part, width, height)?;
        let scaled = RgbView { width, height, stride_bytes: 3 * width as usize, pixels: &self.scaled };
        let input = planes(scaled, pass, self.form);
        self.scaled.zeroize();
        Ok(input)
    }

    /// Scales a part of a picture into the working memory, averaging where it shrinks.
    fn scale(&mut self, part: RgbView<'_>, width: u32, height: u32) -> Result<(), EngineError> {
        let failed = |found: &dyn std::fmt::Display| EngineError::Engine {
            engine: "the resizer",
            attempted: "scale a picture for",
            model: self.name.clone(),
            found: found.to_string(),
        };
        // The resizer wants rows without gaps; a view with gaps is copied first.
        let row_bytes = 3 * part.width as usize;
        let mut copy = Zeroizing::new(Vec::new());
        let pixels = if part.stride_bytes == row_bytes {
            &part.pixels[..row_bytes * part.height as usize]
        } else {
            (0..part.height).for_each(|y| copy.extend_from_slice(part.row(y)));
            &copy[..]
        };
        // The typed form compiles the one pixel type that is used, not all thirteen.
        let source =
            TypedImageRef::<U8x3>::from_buffer(part.width, part.height, pixels).map_err(|error| failed(&error))?;
        self.scaled.resize(3 * width as usize * height as usize, 0);
        let mut target =
            TypedImage::<U8x3>::from_buffer(width, height, &mut self.scaled).map_err(|error| failed(&error))?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        self.resizer.resize_typed(&source, &mut target, &options).map_err(|error| failed(&error))
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

/// The part of the picture that a pass reads.
fn part<'a>(picture: RgbView<'a>, pass: &Pass) -> RgbView<'a> {
    let start = picture.stride_bytes * pass.top as usize + 3 * pass.left as usize;
    RgbView {
        width: pass.width,
        height: pass.height,
        stride_bytes: picture.stride_bytes,
        pixels: &picture.pixels[start..],
    }
}

/// The pixels as three planes of numbers with black around them.
fn planes(pixels: RgbView<'_>, pass: &Pass, form: PixelForm) -> Vec<f32> {
    let (width, height) = (pass.input_width as usize, pass.input_height as usize);
    let black = (0.0 - form.mean) * form.scale;
    let mut input = vec![black; 3 * width * height];
    let (first, rest) = input.split_at_mut(width * height);
    let (second, third) = rest.split_at_mut(width * height);
    let (red, blue) = match form.order {
        ChannelOrder::Rgb => (first, third),
        ChannelOrder::Bgr => (third, first),
    };
    let number = |value: u8| (f32::from(value) - form.mean) * form.scale;
    let margin = pass.margin_px as usize;
    for y in 0..pixels.height {
        let start = (y as usize + margin) * width + margin;
        let row = start..start + pixels.width as usize;
        let (red, green, blue) = (&mut red[row.clone()], &mut second[row.clone()], &mut blue[row]);
        for (((pixel, red), green), blue) in pixels.row(y).chunks_exact(3).zip(red).zip(green).zip(blue) {
            *red = number(pixel[0]);
            *green = number(pixel[1]);
            *blue = number(pixel[2]);
        }
    }
    input
}

/// Whether a face is made of numbers and touches the picture; a box in the padding is no face.
fn sound(found: &Detection, picture: RgbView<'_>) -> bool {
    let numbers = found.points.iter().all(|point| point.x.is_finite() && point.y.is_finite());
    let face = found.face;
    let inside = face.left < picture.width as f32
        && face.top < picture.height as f32
        && face.right() > 0.0
        && face.bottom() > 0.0;
    numbers && inside && face.area().is_finite() && face.area() > 0.0 && found.confidence.is_finite()
}
