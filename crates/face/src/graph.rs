//! Reading, changing and writing ONNX graphs: freeing a fixed input size, cheaper forms of an operation, new graphs.

pub(crate) mod onnx;

use std::collections::{HashMap, HashSet};

use prost::Message;

use onnx::{Attribute, Graph, Model, Node, OperatorSet, Tensor, ValueInfo};

/// Version of the operators in graphs made here; both engines know it.
const OPERATORS_VERSION: i64 = 11;
/// File format version that goes with it.
const FORMAT_VERSION: i64 = 6;

/// Why a graph could not be read or changed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum GraphError {
    /// Not an ONNX file.
    #[error("it is not an ONNX graph: {0}")]
    Unreadable(String),
    /// It holds parts that would be lost when written again.
    #[error("it holds parts of the ONNX format that are not known here ({found} of {expected} bytes understood)")]
    Lossy {
        /// Bytes that would be written.
        found: usize,
        /// Bytes that were read.
        expected: usize,
    },
    /// Its form is not one that can be changed.
    #[error("its input size cannot be freed: {0}")]
    Fixed(String),
}

/// Reads a graph, and refuses one that could not be written again without loss.
pub(crate) fn decode(bytes: &[u8]) -> Result<Model, GraphError> {
    let model = Model::decode(bytes).map_err(|cause| GraphError::Unreadable(cause.to_string()))?;
    if model.graph.is_none() {
        return Err(GraphError::Unreadable("there is no graph in it".to_owned()));
    }
    // The order of fields may differ between writers, their total length does not.
    match model.encoded_len() {
        length if length == bytes.len() => Ok(model),
        found => Err(GraphError::Lossy { found, expected: bytes.len() }),
    }
}

/// Writes a graph.
pub(crate) fn encode(model: &Model) -> Vec<u8> {
    model.encode_to_vec()
}

/// Width and height that the graph's input is fixed to; `None` when at least one of them is free.
pub(crate) fn fixed_input(model: &Model) -> Option<(i64, i64)> {
    let graph = model.graph.as_ref()?;
    match graph_input(graph)?.lengths()?.as_slice() {
        [_, _, Some(height), Some(width)] => Some((*width, *height)),
        _ => None,
    }
}

/// Whether the graph's input is fixed to one picture.
pub(crate) fn is_one_at_a_time(model: &Model) -> bool {
    let lengths = model.graph.as_ref().and_then(graph_input).and_then(ValueInfo::lengths);
    lengths.is_none_or(|lengths| lengths.first() == Some(&Some(1)))
}

/// Frees height and width of a detector's input, so that any multiple of its largest stride can be fed.
///
/// Exporters write three things for a fixed size: the input's sides, the target sizes of `Resize` (made factors here,
/// which they are in a feature pyramid) and the target shapes of `Reshape` (whose longest side becomes "the rest").
pub(crate) fn free_input_size(model: &mut Model) -> Result<(), GraphError> {
    let refused = |what: &str| GraphError::Fixed(what.to_owned());
    let graph = model.graph.as_mut().ok_or_else(|| refused("there is no graph"))?;
    free_resizes(graph)?;
    free_reshapes(graph)?;
    let constants: HashSet<String> = graph.initializer.iter().filter_map(|tensor| tensor.name.clone()).collect();
    let input = graph.input.iter_mut().find(|input| input.name.as_ref().is_some_and(|name| !constants.contains(name)));
    let sides = input.and_then(ValueInfo::sides_mut).ok_or_else(|| refused("its input has no shape"))?;
    let [_, _, height, width] = sides.as_mut_slice() else { return Err(refused("its input has not four sides")) };
    height.free("height");
    width.free("width");
    for output in &mut graph.output {
        if let Some(side) = output.sides_mut().and_then(|sides| sides.get_mut(1)) {
            side.free("places");
        }
    }
    // These shapes are only hints, and wrong now.
    graph.value_info.clear();
    Ok(())
}

/// Rewrites `Min(Max(x, low), high)` as `Clip(x, low, high)`, which engines fuse with the convolution before it.
/// The values are the same, bit for bit. Returns how many were rewritten.
pub(crate) fn clip_for_max_min(model: &mut Model) -> usize {
    let Some(graph) = model.graph.as_mut() else { return 0 };
    let constants: HashMap<String, f32> =
        graph.initializer.iter().filter_map(|tensor| Some((tensor.name.clone()?, tensor.one_float()?))).collect();
    let uses = count_uses(graph);
    let lower: HashMap<String, (usize, String, f32)> = graph
        .node
        .iter()
        .enumerate()
        .filter_map(|(place, node)| {
            let (value, bound) = with_constant(node, "Max", &constants)?;
            let output = node.output.first()?.clone();
            (uses.get(&output) == Some(&1)).then_some((output, (place, value, bound)))
        })
        .collect();
    let mut spent = HashSet::new();
    for node in &mut graph.node {
        let Some((value, high)) = with_constant(node, "Min", &constants) else { continue };
        let Some((place, source, low)) = lower.get(&value) else { continue };
        let name = node.output.first().cloned().unwrap_or_default();
        let bounds = [(format!("{name}_low"), *low), (format!("{name}_high"), high)];
        node.op_type = Some("Clip".to_owned());
        node.input = vec![source.clone(), bounds[0].0.clone(), bounds[1].0.clone()];
        graph.initializer.extend(bounds.iter().map(|(name, bound)| Tensor::floats(name, &[], &[*bound])));
        spent.insert(*place);
    }
    let mut place = 0;
    graph.node.retain(|_| {
        place += 1;
        !spent.contains(&(place - 1))
    });
    drop_unused_constants(graph);
    spent.len()
}

/// A graph under construction, with one input and one output. Each method adds a node and returns its output's name.
pub(crate) struct Builder {
    graph: Graph,
}

impl Builder {
    /// A graph whose input is `input`, with a free number of pictures of three channels.
    pub(crate) fn new(name: &str, input: &str, side: i64) -> Self {
        let input = ValueInfo::tensor(input, &[Err("batch"), Ok(3), Ok(side), Ok(side)]);
        Self { graph: Graph { name: Some(name.to_owned()), input: vec![input], ..Graph::default() } }
    }

    /// A constant of floats.
    pub(crate) fn floats(&mut self, dims: &[i64], values: &[f32]) -> String {
        let name = format!("constant_{}", self.graph.initializer.len());
        self.graph.initializer.push(Tensor::floats(&name, dims, values));
        name
    }

    /// A constant list of integers.
    pub(crate) fn integers(&mut self, values: &[i64]) -> String {
        let name = format!("constant_{}", self.graph.initializer.len());
        self.graph.initializer.push(Tensor::integers(&name, values));
        name
    }

    /// A node with one output.
    pub(crate) fn node(&mut self, operation: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = format!("{}_{}", operation.to_lowercase(), self.graph.node.len());
        self.graph.node.push(Node {
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.clone()],
            op_type: Some(operation.to_owned()),
            attribute: attributes,
            ..Node::default()
        });
        output
    }

    /// The finished model: `value` becomes its output, under the name `output`, with `dimensions` values a picture.
    pub(crate) fn finish(mut self, value: &str, output: &str, dimensions: i64) -> Model {
        for name in self.graph.node.iter_mut().flat_map(|node| node.output.iter_mut()) {
            if name == value {
                *name = output.to_owned();
            }
        }
        self.graph.output = vec![ValueInfo::tensor(output, &[Err("batch"), Ok(dimensions)])];
        Model {
            ir_version: Some(FORMAT_VERSION),
            producer_name: Some("overt".to_owned()),
            graph: Some(self.graph),
            opset_import: vec![OperatorSet { domain: None, version: Some(OPERATORS_VERSION) }],
            ..Model::default()
        }
    }
}

/// The input that is not a constant.
fn graph_input(graph: &Graph) -> Option<&ValueInfo> {
    let is_constant = |name: &Option<String>| graph.initializer.iter().any(|tensor| tensor.name == *name);
    graph.input.iter().find(|input| !is_constant(&input.name))
}

/// How often each value is read, as an input or as an output of the graph.
fn count_uses(graph: &Graph) -> HashMap<String, usize> {
    let inputs = graph.node.iter().flat_map(|node| node.input.iter());
    let outputs = graph.output.iter().filter_map(|output| output.name.as_ref());
    inputs.chain(outputs).fold(HashMap::new(), |mut uses, name| {
        *uses.entry(name.clone()).or_default() += 1;
        uses
    })
}

/// Removes the constants that no node reads any more; engines warn of them.
fn drop_unused_constants(graph: &mut Graph) {
    let uses = count_uses(graph);
    graph.initializer.retain(|tensor| tensor.name.as_ref().is_some_and(|name| uses.contains_key(name)));
}

/// The operands of `node` when it is `operation` of a value and a constant of one element.
fn with_constant(node: &Node, operation: &str, constants: &HashMap<String, f32>) -> Option<(String, f32)> {
    let [first, second] = node.input.as_slice() else { return None };
    if node.op_type.as_deref() != Some(operation) {
        return None;
    }
    match (constants.get(first), constants.get(second)) {
        (None, Some(bound)) => Some((first.clone(), *bound)),
        (Some(bound), None) => Some((second.clone(), *bound)),
        _ => None,
    }
}

/// Gives every `Resize` that names a target size the factor between its input and that size instead.
fn free_resizes(graph: &mut Graph) -> Result<(), GraphError> {
    let shapes: HashMap<String, Vec<Option<i64>>> =
        graph.value_info.iter().filter_map(|value| Some((value.name.clone()?, value.lengths()?))).collect();
    let mut factors = Vec::new();
    for node in graph.node.iter_mut().filter(|node| node.op_type.as_deref() == Some("Resize")) {
        let [value, region, _, sizes] = node.input.as_slice() else { continue };
        let target =
            graph.initializer.iter().find(|tensor| tensor.name.as_ref() == Some(sizes)).and_then(Tensor::int64_values);
        let ratios = target.zip(shapes.get(value)).and_then(|(to, from)| ratios(from, &to));
        let ratios = ratios.ok_or_else(|| GraphError::Fixed("a Resize is not by a whole factor".to_owned()))?;
        let name = format!("{}_factors", node.output.first().map(String::as_str).unwrap_or_default());
        node.input = vec![value.clone(), region.clone(), name.clone()];
        factors.push(Tensor::floats(&name, &[4], &ratios));
    }
    graph.initializer.extend(factors);
    drop_unused_constants(graph);
    Ok(())
}

/// The factors from one shape to another; `None` unless both have four sides and all factors are 1 to 8 and whole.
fn ratios(from: &[Option<i64>], to: &[i64]) -> Option<[f32; 4]> {
    let sides: Vec<f32> = from
        .iter()
        .zip(to)
        .map(|(from, to)| {
            let from = (*from)?;
            (1..=8i16).find(|factor| from.checked_mul(i64::from(*factor)) == Some(*to)).map(f32::from)
        })
        .collect::<Option<_>>()?;
    sides.try_into().ok()
}

/// Replaces the longest fixed side of each `Reshape` target that has no "the rest" side by one.
fn free_reshapes(graph: &mut Graph) -> Result<(), GraphError> {
    let targets: HashSet<String> = graph
        .node
        .iter()
        .filter(|node| node.op_type.as_deref() == Some("Reshape"))
        .filter_map(|node| node.input.get(1).cloned())
        .collect();
    for tensor in &mut graph.initializer {
        let Some(name) = tensor.name.clone().filter(|name| targets.contains(name)) else { continue };
        let mut sides =
            tensor.int64_values().ok_or_else(|| GraphError::Fixed("a Reshape target is not readable".to_owned()))?;
        if sides.contains(&-1) {
            continue;
        }
        let longest =
            sides.iter_mut().max().ok_or_else(|| GraphError::Fixed("a Reshape target is empty".to_owned()))?;
        *longest = -1;
        *tensor = Tensor::integers(&name, &sides);
    }
    Ok(())
}
