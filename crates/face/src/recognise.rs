//! Making templates from aligned faces.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::align::{Alignment, Chip};
use crate::detect::Detection;
use crate::engine::{EngineError, Graph, Output};
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
    /// Overwrites what is left in here of the face that was embedded last. Engines keep their buffers, and with them a
    /// template that its owner has wiped long since.
    fn forget(&mut self) -> Result<(), EngineError>;
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
    /// The graph's input, used again for every chip and wiped between two.
    planes: Zeroizing<Vec<f32>>,
}

impl GraphRecognizer {
    /// A recogniser over a loaded graph.
    pub fn new(graph: Box<dyn Graph>, contract: Arc<Contract>, input: InputForm) -> Self {
        Self { graph, contract, input, planes: Zeroizing::default() }
    }
}

impl Recognizer for GraphRecognizer {
    fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    fn align(&self, picture: RgbView<'_>, detection: &Detection) -> Chip {
        self.input.alignment.chip(picture, detection)
    }

    fn embed(&mut self, chips: &[Chip]) -> Result<Vec<Template>, EngineError> {
        // One chip a run: engines take other paths for other batch sizes, and the last bits of a template must not depend on
        // how many faces happened to be in the picture.
        chips.iter().map(|chip| self.embed_one(chip)).collect()
    }

    fn forget(&mut self) -> Result<(), EngineError> {
        // A picture of nothing takes the same way through the same buffers.
        let side = self.input.alignment.side_px() as usize;
        self.graph.run([1, 3, side, side], &vec![0.0; 3 * side * side]).map(drop)
    }
}

impl GraphRecognizer {
    fn embed_one(&mut self, chip: &Chip) -> Result<Template, EngineError> {
        let side = self.input.alignment.side_px();
        if chip.side() != side {
            let found = format!("a chip of {} px was given, the model reads {side} px", chip.side());
            return Err(self.failure("read the input of", found));
        }
        lay(chip, &self.input, &mut self.planes);
        let outputs = self.graph.run([1, 3, side as usize, side as usize], &self.planes);
        // The input is somebody's face. As `zeroize` does it, but many numbers at a time.
        self.planes.fill(0.0);
        zeroize::optimization_barrier(&self.planes[..]);
        let outputs = outputs?;
        let [output] = <[Output; 1]>::try_from(outputs).map_err(|outputs| {
            self.failure("read the outputs of", format!("{} outputs where a recogniser has one", outputs.len()))
        })?;
        let count = output.values.len();
        Template::new(Arc::clone(&self.contract), output.values.into_boxed_slice()).ok_or_else(|| {
            let expected = self.contract.dimensions;
            self.failure(
                "make a template with",
                format!("{count} values where {expected} finite ones with a direction were expected"),
            )
        })
    }

    fn failure(&self, attempted: &'static str, found: String) -> EngineError {
        EngineError::Engine { engine: "the recogniser", attempted, model: self.contract.model.clone(), found }
    }
}

/// Lays the chip as three planes of numbers.
fn lay(chip: &Chip, form: &InputForm, planes: &mut Zeroizing<Vec<f32>>) {
    let count = (chip.side() * chip.side()) as usize;
    planes.resize(3 * count, 0.0);
    let channels = match form.order {
        ChannelOrder::Rgb => [0, 1, 2],
        ChannelOrder::Bgr => [2, 1, 0],
    };
    for (channel, plane) in channels.into_iter().zip(planes.chunks_exact_mut(count.max(1))) {
        let mean = form.mean[channel];
        for (number, pixel) in plane.iter_mut().zip(chip.pixels().as_chunks::<3>().0) {
            *number = (f32::from(pixel[channel]) - mean) * form.scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::ScoreKind;

    /// A graph that answers with the first value of each plane, or with what it is told.
    struct FirstValues(Option<Vec<f32>>);

    impl Graph for FirstValues {
        fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Output>, EngineError> {
            assert_eq!((shape, input.len()), ([1, 3, 112, 112], 3 * 112 * 112));
            let first = || input.chunks_exact(112 * 112).map(|plane| plane[0]).collect();
            Ok(vec![Output { name: "out".into(), shape: vec![1, 3], values: self.0.clone().unwrap_or_else(first) }])
        }
    }

    fn recognizer(answer: Option<Vec<f32>>, order: ChannelOrder) -> GraphRecognizer {
        let input = InputForm { alignment: Alignment::Arcface112, order, mean: [10.0, 20.0, 30.0], scale: 0.5 };
        let contract = Contract {
            model: "first".into(),
            weights_sha256: "00".repeat(32),
            alignment: input.to_string(),
            score: ScoreKind::Euclidean,
            dimensions: 3,
        };
        GraphRecognizer::new(Box::new(FirstValues(answer)), Arc::new(contract), input)
    }

    fn chip() -> Chip {
        Chip::from_rgb(112, [50, 70, 90].repeat(112 * 112)).expect("a whole chip")
    }

    #[test]
    fn pixels_reach_the_graph_in_the_form_it_reads() {
        for (order, expected) in [(ChannelOrder::Rgb, [20.0, 25.0, 30.0]), (ChannelOrder::Bgr, [30.0, 25.0, 20.0])] {
            let templates = recognizer(None, order).embed(&[chip(), chip()]).expect("templates");
            assert_eq!(templates.len(), 2);
            assert!(templates.iter().all(|template| template.values() == expected));
        }
    }

    #[test]
    fn an_answer_that_is_no_template_is_an_error() {
        for answer in [vec![1.0, 2.0], vec![1.0, f32::NAN, 2.0]] {
            assert!(recognizer(Some(answer), ChannelOrder::Rgb).embed(&[chip()]).is_err());
        }
        let small = Chip::from_rgb(2, vec![0; 12]).expect("a whole chip");
        assert!(recognizer(None, ChannelOrder::Rgb).embed(&[small]).is_err());
    }

    #[test]
    fn the_form_has_a_name_that_changes_with_it() {
        assert_eq!(recognizer(None, ChannelOrder::Bgr).contract().alignment, "arcface-112 bgr mean 10,20,30 scale 0.5");
    }
}
