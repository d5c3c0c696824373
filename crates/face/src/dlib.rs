//! Reads dlib's face recognition network from the file it was published in and writes it as an ONNX graph.
//!
//! Every number is checked against the one architecture this file can hold; anything else is an error, never a guess.

use crate::graph::Builder;
use crate::graph::onnx::{Attribute, Model};

/// Side of the chips the network reads, in pixels.
pub(crate) const CHIP_SIDE: u32 = 150;
/// Numbers in a template.
pub(crate) const DIMENSIONS: usize = 128;
/// Name of the graph's input: RGB, (pixel - [`MEANS`]) / 256.
const INPUT: &str = "chip";
/// Name of the graph's output.
const OUTPUT: &str = "descriptor";
/// Means of the red, green and blue channel in the file.
const MEANS: [f32; 3] = [122.782, 117.001, 104.298];
/// Values in the largest tensor of the file (a 3x3 convolution of 256 by 256 with its biases, and room).
const TENSOR_VALUES_MAX: usize = 1 << 20;
/// Longest name in the file.
const NAME_BYTES_MAX: usize = 64;

/// Why a file is not dlib's face recognition network.
#[derive(Debug, thiserror::Error, PartialEq)]
pub(crate) enum DlibError {
    /// The file ends too early.
    #[error("the file ends at byte {at} inside {inside}")]
    Truncated {
        /// Where reading stopped.
        at: usize,
        /// What was being read.
        inside: &'static str,
    },
    /// A value is not the one this network has there.
    #[error("byte {at}: {what} is {found}, expected {expected}")]
    Unexpected {
        /// Where the value ends.
        at: usize,
        /// What was read.
        what: &'static str,
        /// What was found.
        found: String,
        /// What this network has there.
        expected: String,
    },
}

/// One layer, innermost (input side) first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Convolution {
        filters: usize,
        inputs: usize,
        side: usize,
        stride: usize,
        padding: usize,
    },
    Affine {
        channels: usize,
    },
    Relu,
    MaxPool,
    AveragePool {
        side: usize,
        stride: usize,
    },
    Add,
    /// The tag at the start of a block, whose input the block's end adds. Tags and skips have a version and no body.
    BlockStart,
    /// Any other tag or skip.
    Mark,
    FullyConnected,
}

/// The weights of one layer.
enum Weights {
    Convolution { kernels: Vec<f32>, biases: Vec<f32> },
    Affine { gamma: Vec<f32>, beta: Vec<f32> },
    FullyConnected(Vec<f32>),
    None,
}

/// Reads the file and builds the graph: input `[batch, 3, 150, 150]`, output `[batch, 128]`.
pub(crate) fn graph_from_file(bytes: &[u8]) -> Result<Model, DlibError> {
    let layers = architecture();
    let mut reader = Reader { bytes, at: 0 };
    let versions = read_head(&mut reader, layers.len())?;
    let mut weights = Vec::with_capacity(layers.len());
    for (place, (layer, version)) in layers.iter().zip(versions.iter().rev()).enumerate() {
        weights.push(read_body(&mut reader, *layer, *version, place == 0)?);
    }
    if reader.at != bytes.len() {
        return Err(reader.unexpected("the end of the network", "more bytes", "the end of the file"));
    }
    Ok(build(&layers, &weights))
}

/// The published network: 29 convolutions in residual blocks of 32, 64, 128 and 256 channels.
fn architecture() -> Vec<Layer> {
    let mut layers = vec![
        Layer::Convolution { filters: 32, inputs: 3, side: 7, stride: 2, padding: 0 },
        Layer::Affine { channels: 32 },
        Layer::Relu,
        Layer::MaxPool,
    ];
    let mut channels = 32;
    let mut block = |layers: &mut Vec<Layer>, filters: usize, down: bool| {
        let (stride, padding) = if down { (2, 0) } else { (1, 1) };
        layers.extend([
            Layer::BlockStart,
            Layer::Convolution { filters, inputs: channels, side: 3, stride, padding },
            Layer::Affine { channels: filters },
            Layer::Relu,
            Layer::Convolution { filters, inputs: filters, side: 3, stride: 1, padding: 1 },
            Layer::Affine { channels: filters },
        ]);
        if down {
            layers.extend([Layer::Mark, Layer::Mark, Layer::AveragePool { side: 2, stride: 2 }]);
        }
        layers.extend([Layer::Add, Layer::Relu]);
        channels = filters;
    };
    for (filters, starts_down, plain) in [(32, false, 3), (64, true, 3), (128, true, 2), (256, true, 2), (256, true, 0)]
    {
        if starts_down {
            block(&mut layers, filters, true);
        }
        for _ in 0..plain {
            block(&mut layers, filters, false);
        }
    }
    layers.extend([Layer::AveragePool { side: 0, stride: 1 }, Layer::FullyConnected]);
    layers
}

/// Everything before the layers' bodies; returns the layers' versions, outermost first.
fn read_head(reader: &mut Reader<'_>, layers: usize) -> Result<Vec<i64>, DlibError> {
    reader.expect("the loss layer's version", 1)?;
    reader.expect_name("the loss layer's name", &["loss_metric_2"])?;
    reader.float("the loss margin")?;
    reader.float("the distance threshold")?;
    let versions = (0..layers)
        .map(|_| match reader.integer("a layer's version")? {
            version @ 1..=3 => Ok(version),
            other => Err(reader.unexpected("a layer's version", other, "1, 2 or 3")),
        })
        .collect::<Result<_, _>>()?;
    reader.expect_name("the input layer's name", &["input_rgb_image_sized"])?;
    for mean in MEANS {
        let found = reader.float("a channel's mean")?;
        if (found - f64::from(mean)).abs() > 1e-5 {
            return Err(reader.unexpected("a channel's mean", found, mean));
        }
    }
    reader.expect("the chip's rows", i64::from(CHIP_SIDE))?;
    reader.expect("the chip's columns", i64::from(CHIP_SIDE))?;
    Ok(versions)
}

/// One layer's body.
fn read_body(reader: &mut Reader<'_>, layer: Layer, version: i64, innermost: bool) -> Result<Weights, DlibError> {
    let weights = match layer {
        Layer::BlockStart | Layer::Mark => return Ok(Weights::None),
        Layer::Convolution { filters, inputs, side, stride, padding } => {
            read_convolution(reader, filters, inputs, [side, stride, padding])?
        }
        Layer::Affine { channels } => read_affine(reader, channels)?,
        Layer::Relu => {
            if reader.expect_name("a layer's name", &["relu_", "relu_2"])? == "relu_2" {
                reader.boolean("relu_2's setting")?;
            }
            Weights::None
        }
        Layer::MaxPool => read_pool(reader, &["max_pool_", "max_pool_2"], 3, 2)?,
        Layer::AveragePool { side, stride } => read_pool(reader, &["avg_pool_", "avg_pool_2"], side, stride)?,
        Layer::Add => {
            reader.expect_name("a layer's name", &["add_prev_"])?;
            Weights::None
        }
        Layer::FullyConnected => read_fully_connected(reader)?,
    };
    for _ in 0..3 {
        reader.boolean("a layer's state")?;
    }
    let tensors = if version == 2 || innermost { 3 } else { 2 };
    for _ in 0..tensors {
        reader.tensor("a layer's working tensor")?;
    }
    if innermost && version == 3 {
        reader.integer("the innermost layer's last field")?;
    }
    Ok(weights)
}

fn read_convolution(
    reader: &mut Reader<'_>,
    filters: usize,
    inputs: usize,
    [side, stride, padding]: [usize; 3],
) -> Result<Weights, DlibError> {
    let name = reader.expect_name("a layer's name", &["con_4", "con_5", "con_6"])?;
    let mut kernels = reader.tensor("a convolution's weights")?;
    let expected = filters * inputs * side * side;
    if kernels.len() != expected + filters {
        return Err(reader.unexpected("a convolution's number of weights", kernels.len(), expected + filters));
    }
    for value in [filters, side, side, stride, stride, padding, padding] {
        reader.expect("a convolution's setting", value as i64)?;
    }
    reader.alias("a convolution's weights' shape")?;
    reader.alias("a convolution's biases' shape")?;
    for _ in 0..4 {
        reader.float("a convolution's learning rate")?;
    }
    for _ in 0..(match name {
        "con_4" => 0,
        "con_5" => 1,
        _ => 2,
    }) {
        reader.boolean("a convolution's switch")?;
    }
    let biases = kernels.split_off(expected);
    Ok(Weights::Convolution { kernels, biases })
}

fn read_affine(reader: &mut Reader<'_>, channels: usize) -> Result<Weights, DlibError> {
    let name = reader.expect_name("a layer's name", &["affine_", "affine_2"])?;
    let mut gamma = reader.tensor("an affine layer's weights")?;
    if gamma.len() != 2 * channels {
        return Err(reader.unexpected("an affine layer's number of weights", gamma.len(), 2 * channels));
    }
    reader.alias("an affine layer's gamma's shape")?;
    reader.alias("an affine layer's beta's shape")?;
    reader.expect("an affine layer's mode", 0)?;
    if name == "affine_2" {
        reader.boolean("affine_2's switch")?;
    }
    let beta = gamma.split_off(channels);
    Ok(Weights::Affine { gamma, beta })
}

fn read_pool(
    reader: &mut Reader<'_>,
    names: &[&'static str],
    side: usize,
    stride: usize,
) -> Result<Weights, DlibError> {
    reader.expect_name("a layer's name", names)?;
    for value in [side, side, stride, stride, 0, 0] {
        reader.expect("a pool's setting", value as i64)?;
    }
    Ok(Weights::None)
}

fn read_fully_connected(reader: &mut Reader<'_>) -> Result<Weights, DlibError> {
    let name = reader.expect_name("a layer's name", &["fc_2", "fc_3"])?;
    reader.expect("the number of outputs", DIMENSIONS as i64)?;
    reader.expect("the number of inputs", 256)?;
    let weights = reader.tensor("the last layer's weights")?;
    if weights.len() != 256 * DIMENSIONS {
        return Err(reader.unexpected("the last layer's number of weights", weights.len(), 256 * DIMENSIONS));
    }
    reader.alias("the last layer's weights' shape")?;
    reader.alias("the last layer's biases' shape")?;
    // 1 = no bias.
    reader.expect("the last layer's bias mode", 1)?;
    for _ in 0..4 {
        reader.float("the last layer's learning rate")?;
    }
    if name == "fc_3" {
        reader.boolean("fc_3's switch")?;
    }
    Ok(Weights::FullyConnected(weights))
}

/// A value in the graph: its name and, for one picture, its channels and side.
#[derive(Clone)]
struct Value {
    name: String,
    channels: usize,
    side: usize,
}

/// Writes the layers as a graph. Affine layers are folded into the convolution before them.
fn build(layers: &[Layer], weights: &[Weights]) -> Model {
    let mut graph = Builder::new("dlib_resnet_v1", INPUT, i64::from(CHIP_SIDE));
    let mut value = Value { name: INPUT.to_owned(), channels: 3, side: CHIP_SIDE as usize };
    let mut block_input = value.clone();
    for (place, layer) in layers.iter().enumerate() {
        match (*layer, &weights[place]) {
            (Layer::Convolution { filters, side, stride, padding, .. }, Weights::Convolution { kernels, biases }) => {
                let folded = fold(kernels, biases, weights.get(place + 1));
                value = convolution(&mut graph, &value, folded, [filters, side, stride, padding]);
            }
            (Layer::Relu, _) => value.name = graph.node("Relu", &[&value.name], Vec::new()),
            (Layer::MaxPool, _) => value = pool(&mut graph, "MaxPool", &value, 3),
            (Layer::AveragePool { side: 0, .. }, _) => {
                value.name = graph.node("GlobalAveragePool", &[&value.name], Vec::new())
            }
            (Layer::AveragePool { side, .. }, _) => block_input = pool(&mut graph, "AveragePool", &block_input, side),
            (Layer::BlockStart, _) => block_input = value.clone(),
            (Layer::Add, _) => value = add(&mut graph, &value, &block_input),
            (Layer::FullyConnected, Weights::FullyConnected(matrix)) => {
                let flat = graph.node("Flatten", &[&value.name], vec![Attribute::int("axis", 1)]);
                let matrix = graph.floats(&[256, DIMENSIONS as i64], matrix);
                value.name = graph.node("MatMul", &[&flat, &matrix], Vec::new());
            }
            // An affine layer is part of its convolution by now.
            _ => {}
        }
    }
    graph.finish(&value.name, OUTPUT, DIMENSIONS as i64)
}

/// The kernels and biases of a convolution with the affine layer that follows it multiplied in.
fn fold(kernels: &[f32], biases: &[f32], next: Option<&Weights>) -> (Vec<f32>, Vec<f32>) {
    let Some(Weights::Affine { gamma, beta }) = next else { return (kernels.to_vec(), biases.to_vec()) };
    let filter_values = kernels.len() / biases.len();
    let kernels = kernels
        .chunks(filter_values)
        .zip(gamma)
        .flat_map(|(kernel, gamma)| kernel.iter().map(move |weight| weight * gamma))
        .collect();
    let biases = biases.iter().zip(gamma.iter().zip(beta)).map(|(bias, (gamma, beta))| bias * gamma + beta).collect();
    (kernels, biases)
}

fn convolution(
    graph: &mut Builder,
    input: &Value,
    weights: (Vec<f32>, Vec<f32>),
    [filters, side, stride, padding]: [usize; 4],
) -> Value {
    let [filters_i, channels_i, side_i, stride_i, padding_i] =
        [filters, input.channels, side, stride, padding].map(|value| value as i64);
    let kernels = graph.floats(&[filters_i, channels_i, side_i, side_i], &weights.0);
    let biases = graph.floats(&[filters_i], &weights.1);
    let attributes = vec![
        Attribute::ints("kernel_shape", &[side_i, side_i]),
        Attribute::ints("strides", &[stride_i, stride_i]),
        Attribute::ints("pads", &[padding_i; 4]),
    ];
    let name = graph.node("Conv", &[&input.name, &kernels, &biases], attributes);
    Value { name, channels: filters, side: (input.side + 2 * padding - side) / stride + 1 }
}

/// Both pools move by two and round down.
fn pool(graph: &mut Builder, operation: &str, input: &Value, side: usize) -> Value {
    let attributes = vec![Attribute::ints("kernel_shape", &[side as i64; 2]), Attribute::ints("strides", &[2, 2])];
    let name = graph.node(operation, &[&input.name], attributes);
    Value { name, channels: input.channels, side: (input.side - side) / 2 + 1 }
}

/// Adds two values after padding the smaller with zeros: channels behind, rows and columns at the end.
fn add(graph: &mut Builder, first: &Value, second: &Value) -> Value {
    let channels = first.channels.max(second.channels);
    let side = first.side.max(second.side);
    let first = pad(graph, first, channels, side);
    let second = pad(graph, second, channels, side);
    let name = graph.node("Add", &[&first, &second], Vec::new());
    Value { name, channels, side }
}

fn pad(graph: &mut Builder, value: &Value, channels: usize, side: usize) -> String {
    if value.channels == channels && value.side == side {
        return value.name.clone();
    }
    let [more_channels, more_side] = [channels - value.channels, side - value.side].map(|count| count as i64);
    let pads = graph.integers(&[0, 0, 0, 0, 0, more_channels, more_side, more_side]);
    graph.node("Pad", &[&value.name, &pads], Vec::new())
}

/// Reads dlib's serialised primitives from a buffer, never past its end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, inside: &'static str) -> Result<&'a [u8], DlibError> {
        let taken = self.at.checked_add(count).and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(DlibError::Truncated { at: self.bytes.len(), inside })?;
        self.at += count;
        Ok(taken)
    }

    /// A control byte (low four bits: number of bytes; top bit: negative), then the magnitude, little end first.
    fn integer(&mut self, what: &'static str) -> Result<i64, DlibError> {
        let control = self.take(1, what)?[0];
        let count = usize::from(control & 0x0f);
        if !(1..=8).contains(&count) || control & 0x70 != 0 {
            return Err(self.unexpected(
                what,
                format!("the control byte {control:#04x}"),
                "an integer of 1 to 8 bytes",
            ));
        }
        let magnitude = self.take(count, what)?.iter().rev().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
        let magnitude = i64::try_from(magnitude).map_err(|_| self.unexpected(what, magnitude, "at most 63 bits"))?;
        Ok(if control & 0x80 == 0 { magnitude } else { -magnitude })
    }

    fn expect(&mut self, what: &'static str, expected: i64) -> Result<(), DlibError> {
        match self.integer(what)? {
            found if found == expected => Ok(()),
            found => Err(self.unexpected(what, found, expected)),
        }
    }

    fn boolean(&mut self, what: &'static str) -> Result<(), DlibError> {
        match self.take(1, what)?[0] {
            b'0' | b'1' => Ok(()),
            other => Err(self.unexpected(what, format!("the byte {other:#04x}"), "0 or 1")),
        }
    }

    /// A mantissa and an exponent of two; infinities and not-a-number are refused.
    fn float(&mut self, what: &'static str) -> Result<f64, DlibError> {
        let mantissa = self.integer(what)?;
        let exponent = self.integer(what)?;
        match i32::try_from(exponent) {
            Ok(exponent) if exponent.abs() < 32_000 => Ok(mantissa as f64 * 2f64.powi(exponent)),
            _ => Err(self.unexpected(what, format!("the exponent {exponent}"), "a finite number")),
        }
    }

    fn expect_name(&mut self, what: &'static str, expected: &[&'static str]) -> Result<&'static str, DlibError> {
        let length = self.integer(what)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= NAME_BYTES_MAX);
        let length = length.ok_or_else(|| self.unexpected(what, "a name of another length", expected.join(" or ")))?;
        let name = self.take(length, what)?;
        let known = expected.iter().copied().find(|known| known.as_bytes() == name);
        known
            .ok_or_else(|| self.unexpected(what, String::from_utf8_lossy(name).escape_default(), expected.join(" or ")))
    }

    fn tensor(&mut self, what: &'static str) -> Result<Vec<f32>, DlibError> {
        self.expect(what, 2)?;
        let count = self.shape(what)?;
        let bytes = self.take(4 * count, what)?;
        let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(self.unexpected(what, value, "finite numbers")),
            None => Ok(values),
        }
    }

    fn alias(&mut self, what: &'static str) -> Result<(), DlibError> {
        self.expect(what, 1)?;
        self.shape(what).map(|_| ())
    }

    /// Four integers; their product.
    fn shape(&mut self, what: &'static str) -> Result<usize, DlibError> {
        let mut count = 1usize;
        for _ in 0..4 {
            let side = self.integer(what)?;
            let product = usize::try_from(side).ok().and_then(|side| count.checked_mul(side));
            count = product
                .filter(|count| *count <= TENSOR_VALUES_MAX)
                .ok_or_else(|| self.unexpected(what, side, "a smaller tensor"))?;
        }
        Ok(count)
    }

    fn unexpected(&self, what: &'static str, found: impl ToString, expected: impl ToString) -> DlibError {
        DlibError::Unexpected { at: self.at, what, found: found.to_string(), expected: expected.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_architecture_has_the_layers_of_the_file() {
        assert_eq!(architecture().len(), 130);
        let convolutions = architecture().iter().filter(|layer| matches!(layer, Layer::Convolution { .. })).count();
        assert_eq!(convolutions, 29);
    }

    #[test]
    fn integers_are_read_little_end_first_with_a_sign() {
        let read = |bytes: &[u8]| Reader { bytes, at: 0 }.integer("a test value");
        assert_eq!(read(&[0x01, 7]), Ok(7));
        assert_eq!(read(&[0x82, 0x01, 0x02]), Ok(-0x201));
        assert_eq!(read(&[0x02, 1]), Err(DlibError::Truncated { at: 2, inside: "a test value" }));
        for bad in [&[0x00, 1][..], &[0x09; 12], &[0x41, 1], &[0x08, 255, 255, 255, 255, 255, 255, 255, 255]] {
            assert!(matches!(read(bad), Err(DlibError::Unexpected { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_tensor_larger_than_the_file_is_refused_before_it_is_allocated() {
        let shape = [0x01, 2, 0x03, 0xff, 0xff, 0xff, 0x01, 1, 0x01, 1, 0x01, 1];
        let mut reader = Reader { bytes: &shape, at: 0 };
        assert!(matches!(reader.tensor("a test tensor"), Err(DlibError::Unexpected { .. })));
    }

    #[test]
    fn a_file_cut_anywhere_or_with_a_changed_field_is_an_error() {
        let Some(bytes) = published() else { return };
        assert!(graph_from_file(&bytes).is_ok());
        for length in (0..2000).chain((2000..bytes.len()).step_by(99_991)).chain([bytes.len() - 1]) {
            assert!(graph_from_file(&bytes[..length]).is_err(), "cut at byte {length}");
        }
        assert!(graph_from_file(&[bytes.as_slice(), &[0]].concat()).is_err());
        // The head and the first body's name are structure to the last byte, except for two settings of training.
        let mut changed = bytes.clone();
        for place in (0..16).chain(30..341) {
            changed[place] ^= 0x55;
            assert!(graph_from_file(&changed).is_err(), "changed byte {place}");
            changed[place] ^= 0x55;
        }
    }

    /// The published file, where it is installed.
    fn published() -> Option<Vec<u8>> {
        let models_dir = crate::models::directory().expect("a models directory");
        let catalogue = crate::models::catalogue().expect("the catalogue");
        let manifest = catalogue.manifest("dlib-resnet-v1").expect("the manifest");
        match crate::models::read_verified(manifest, manifest.model_file().expect("a file"), &models_dir) {
            Ok(bytes) => Some(bytes),
            Err(crate::models::ModelError::Missing { .. }) => {
                eprintln!("skipped: dlib's published file (not installed in {})", models_dir.display());
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}
