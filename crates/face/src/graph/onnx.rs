//! The messages of the ONNX file format that these models use, so that a graph can be read, changed and written.
//!
//! Field numbers are those of `onnx.proto` (ONNX 1.x). Messages that no model here uses (sparse tensors, training,
//! functions) are left out; [`super::decode`] refuses a file in which something would be lost by that.

use prost::Message;

/// Tensor element type: 32-bit float.
pub(crate) const FLOAT: i32 = 1;
/// Tensor element type: 64-bit integer.
pub(crate) const INT64: i32 = 7;
/// Attribute type: one integer.
pub(crate) const ATTRIBUTE_INT: i32 = 2;
/// Attribute type: a list of integers.
pub(crate) const ATTRIBUTE_INTS: i32 = 7;

/// A whole model file.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Model {
    #[prost(int64, optional, tag = "1")]
    pub(crate) ir_version: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(crate) producer_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) producer_version: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) domain: Option<String>,
    #[prost(int64, optional, tag = "5")]
    pub(crate) model_version: Option<i64>,
    #[prost(string, optional, tag = "6")]
    pub(crate) doc_string: Option<String>,
    #[prost(message, optional, tag = "7")]
    pub(crate) graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub(crate) opset_import: Vec<OperatorSet>,
    #[prost(message, repeated, tag = "14")]
    pub(crate) metadata_props: Vec<Entry>,
}

/// Which version of the operators a model was written for.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OperatorSet {
    #[prost(string, optional, tag = "1")]
    pub(crate) domain: Option<String>,
    #[prost(int64, optional, tag = "2")]
    pub(crate) version: Option<i64>,
}

/// A key and its value.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) value: Option<String>,
}

/// The graph: nodes in an order in which they can run.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(crate) node: Vec<Node>,
    #[prost(string, optional, tag = "2")]
    pub(crate) name: Option<String>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) initializer: Vec<Tensor>,
    #[prost(string, optional, tag = "10")]
    pub(crate) doc_string: Option<String>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) output: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) value_info: Vec<ValueInfo>,
}

/// One operation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(crate) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) output: Vec<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) name: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) op_type: Option<String>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) attribute: Vec<Attribute>,
    #[prost(string, optional, tag = "6")]
    pub(crate) doc_string: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub(crate) domain: Option<String>,
}

/// A constant setting of a node.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Attribute {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(float, optional, tag = "2")]
    pub(crate) f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub(crate) i: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(crate) s: Option<Vec<u8>>,
    #[prost(message, optional, tag = "5")]
    pub(crate) t: Option<Tensor>,
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub(crate) floats: Vec<f32>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub(crate) ints: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub(crate) strings: Vec<Vec<u8>>,
    #[prost(string, optional, tag = "13")]
    pub(crate) doc_string: Option<String>,
    #[prost(int32, optional, tag = "20")]
    pub(crate) r#type: Option<i32>,
}

/// Constant values with a shape.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub(crate) dims: Vec<i64>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) data_type: Option<i32>,
    #[prost(float, repeated, tag = "4")]
    pub(crate) float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub(crate) int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    pub(crate) int64_data: Vec<i64>,
    #[prost(string, optional, tag = "8")]
    pub(crate) name: Option<String>,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub(crate) raw_data: Option<Vec<u8>>,
    #[prost(string, optional, tag = "12")]
    pub(crate) doc_string: Option<String>,
}

/// Name and type of a value that flows through the graph.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ValueInfo {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) r#type: Option<Type>,
    #[prost(string, optional, tag = "3")]
    pub(crate) doc_string: Option<String>,
}

/// The type of a value; only tensors are known here.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Type {
    #[prost(message, optional, tag = "1")]
    pub(crate) tensor_type: Option<TensorType>,
    #[prost(string, optional, tag = "6")]
    pub(crate) denotation: Option<String>,
}

/// Element type and shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TensorType {
    #[prost(int32, optional, tag = "1")]
    pub(crate) elem_type: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) shape: Option<Shape>,
}

/// The sides of a tensor.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub(crate) dim: Vec<Side>,
}

/// One side: a number, or a name where it is free.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Side {
    #[prost(int64, optional, tag = "1")]
    pub(crate) dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(crate) dim_param: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) denotation: Option<String>,
}

impl Tensor {
    /// The values of a 64-bit integer tensor, whichever way they are stored.
    pub(crate) fn int64_values(&self) -> Option<Vec<i64>> {
        if self.data_type != Some(INT64) {
            return None;
        }
        let Some(raw) = &self.raw_data else { return Some(self.int64_data.clone()) };
        let (values, rest) = raw.as_chunks::<8>();
        rest.is_empty().then(|| values.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
    }

    /// The single value of a 32-bit float tensor of one element.
    pub(crate) fn one_float(&self) -> Option<f32> {
        if self.data_type != Some(FLOAT) || self.dims.iter().any(|side| *side != 1) {
            return None;
        }
        match &self.raw_data {
            Some(raw) => Some(f32::from_le_bytes(raw.as_slice().try_into().ok()?)),
            None => self.float_data.first().copied(),
        }
    }

    /// A tensor of 32-bit floats.
    pub(crate) fn floats(name: &str, dims: &[i64], values: &[f32]) -> Self {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self {
            name: Some(name.to_owned()),
            dims: dims.to_vec(),
            data_type: Some(FLOAT),
            raw_data: Some(raw),
            ..Self::default()
        }
    }

    /// A list of 64-bit integers.
    pub(crate) fn integers(name: &str, values: &[i64]) -> Self {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = vec![i64::try_from(values.len()).unwrap_or(i64::MAX)];
        Self { name: Some(name.to_owned()), dims, data_type: Some(INT64), raw_data: Some(raw), ..Self::default() }
    }
}

impl ValueInfo {
    /// A tensor of 32-bit floats; `Err(name)` for a free side, `Ok(length)` for a fixed one.
    pub(crate) fn tensor(name: &str, sides: &[Result<i64, &str>]) -> Self {
        let dim = sides.iter().map(|side| Side::new(*side)).collect();
        let tensor_type = TensorType { elem_type: Some(FLOAT), shape: Some(Shape { dim }) };
        let kind = Type { tensor_type: Some(tensor_type), denotation: None };
        Self { name: Some(name.to_owned()), r#type: Some(kind), doc_string: None }
    }

    /// The sides of a tensor, where they are written down.
    pub(crate) fn sides_mut(&mut self) -> Option<&mut Vec<Side>> {
        Some(&mut self.r#type.as_mut()?.tensor_type.as_mut()?.shape.as_mut()?.dim)
    }

    /// The lengths of the sides; `None` in the place of a free one.
    pub(crate) fn lengths(&self) -> Option<Vec<Option<i64>>> {
        let shape = self.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
        Some(shape.dim.iter().map(|side| side.dim_value.filter(|length| *length > 0)).collect())
    }
}

impl Side {
    fn new(side: Result<i64, &str>) -> Self {
        Self { dim_value: side.ok(), dim_param: side.err().map(str::to_owned), denotation: None }
    }

    /// Makes the side free, under a name.
    pub(crate) fn free(&mut self, name: &str) {
        *self = Self::new(Err(name));
    }
}

impl Attribute {
    /// A list of integers.
    pub(crate) fn ints(name: &str, values: &[i64]) -> Self {
        Self { name: Some(name.to_owned()), r#type: Some(ATTRIBUTE_INTS), ints: values.to_vec(), ..Self::default() }
    }

    /// One integer.
    pub(crate) fn int(name: &str, value: i64) -> Self {
        Self { name: Some(name.to_owned()), r#type: Some(ATTRIBUTE_INT), i: Some(value), ..Self::default() }
    }
}
