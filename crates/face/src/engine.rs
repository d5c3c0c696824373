//! The engines that run a model's graph: ONNX Runtime where its library is installed, the built-in one everywhere.

mod built_in;
mod onnx_runtime;

use std::fmt;
use std::path::{Path, PathBuf};

/// File name under which the ONNX Runtime library is installed beside the models.
pub const LIBRARY_FILE: &str = if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else if cfg!(windows) {
    "onnxruntime.dll"
} else {
    "libonnxruntime.so"
};

/// Names the engine where nothing else does, by [`EngineKind::name`].
pub const ENGINE_VARIABLE: &str = "OVERT_ENGINE";

/// Names a library of ONNX Runtime that has the CUDA or TensorRT provider: the catalogue has none, so its digest is not checked.
pub const LIBRARY_VARIABLE: &str = "OVERT_ONNXRUNTIME";

/// Most values one input may hold (an 8-frame batch of 4K pictures), so that a wrong shape cannot ask for all memory.
const INPUT_VALUES_MAX: usize = 8 * 3 * 3840 * 2160;

/// Which engine runs the graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// ONNX Runtime, loaded from the library installed with the models.
    OnnxRuntime,
    /// ONNX Runtime with its CUDA provider, loaded from the library that [`LIBRARY_VARIABLE`] names.
    Cuda,
    /// The same with its TensorRT provider.
    TensorRt,
    /// The pure-Rust engine compiled into the binary (rten).
    BuiltIn,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OnnxRuntime, Self::Cuda, Self::TensorRt, Self::BuiltIn];

    /// The engine called `name`: `onnxruntime`, `onnxruntime-cuda`, `onnxruntime-tensorrt` or `built-in`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it computes in a graphics processor's memory. What stays there of a face after a run nobody has looked at, so the
    /// promise that nothing is kept is not shown for it.
    pub fn is_on_gpu(self) -> bool {
        matches!(self, Self::Cuda | Self::TensorRt)
    }

    /// Its name, as commands and reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::Cuda => "onnxruntime-cuda",
            Self::TensorRt => "onnxruntime-tensorrt",
            Self::BuiltIn => "built-in",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A named output of a graph.
pub struct Output {
    /// The output's name in the graph.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// A loaded graph with one image-like input (NCHW, f32).
pub trait Graph: Send {
    /// Runs the graph on one input of the given shape; outputs in the graph's order. The input stays the caller's, to wipe.
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Output>, EngineError>;
}

/// Why a model did not load or run. Grouped by fault: the file's, the engine's, ours.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The model file is missing, damaged or not what the manifest says.
    #[error("model {model}: {found} ({path}); {next}")]
    Model {
        /// Catalogue name of the model.
        model: String,
        /// The file looked at.
        path: PathBuf,
        /// What was found there.
        found: String,
        /// What to do next.
        next: String,
    },
    /// The engine refused or failed.
    #[error("{engine} could not {attempted} {model}: {found}")]
    Engine {
        /// Which engine.
        engine: &'static str,
        /// What it was asked to do.
        attempted: &'static str,
        /// Catalogue name of the model.
        model: String,
        /// What the engine said.
        found: String,
    },
}

/// Loads an ONNX graph into an engine that works on `threads` threads (at least one).
///
/// All but [`EngineKind::BuiltIn`] need their library started before ([`available`], [`start_onnx_runtime`]). What the library or
/// the machine does not have is an error: no graph ever runs elsewhere than was asked for.
pub fn load(
    kind: EngineKind,
    model_name: &str,
    onnx_bytes: &[u8],
    threads: usize,
) -> Result<Box<dyn Graph>, EngineError> {
    let threads = threads.max(1);
    match kind {
        EngineKind::OnnxRuntime | EngineKind::Cuda | EngineKind::TensorRt => {
            Ok(Box::new(onnx_runtime::load(kind, model_name, onnx_bytes, threads)?))
        }
        EngineKind::BuiltIn => Ok(Box::new(built_in::load(model_name, onnx_bytes, threads)?)),
    }
}

/// The fastest engine that works here: ONNX Runtime when its library lies in `models_dir` and loads, else the built-in one.
pub fn available(models_dir: &Path) -> EngineKind {
    match start_onnx_runtime(&models_dir.join(LIBRARY_FILE)) {
        Ok(()) => EngineKind::OnnxRuntime,
        Err(_) => EngineKind::BuiltIn,
    }
}

/// Loads the ONNX Runtime library into this process. Later calls keep the first library, whatever their path.
pub fn start_onnx_runtime(library: &Path) -> Result<(), EngineError> {
    onnx_runtime::start(library)
}

/// Refuses an input whose length is not its shape's, before an engine sees it.
fn check_input(engine: EngineKind, model: &str, shape: [usize; 4], values: usize) -> Result<(), EngineError> {
    let expected = shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
    match expected {
        Some(expected) if expected == values && values > 0 && values <= INPUT_VALUES_MAX => Ok(()),
        _ => Err(failure(engine, "run", model, format!("the input has {values} values for the shape {shape:?}"))),
    }
}

/// An [`EngineError::Engine`] in the words of `cause`.
fn failure(engine: EngineKind, attempted: &'static str, model: &str, cause: impl fmt::Display) -> EngineError {
    EngineError::Engine { engine: engine.name(), attempted, model: model.to_owned(), found: cause.to_string() }
}
