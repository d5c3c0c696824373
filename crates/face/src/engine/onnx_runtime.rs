//! ONNX Runtime behind [`Graph`]: the library is loaded once a process, each model gets a session of its own.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;
use ort::ep::{CUDA, ExecutionProviderDispatch, TensorRT};
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::TensorRef;

use super::{ENGINE_VARIABLE, EngineError, EngineKind, Graph, LIBRARY_VARIABLE, Output, check_input, failure};

/// The one environment of this process; ONNX Runtime allows no second.
static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();

/// Held while the environment is made, so that two threads do not make it at once.
static STARTING: Mutex<()> = Mutex::new(());

/// A model loaded into ONNX Runtime.
pub(super) struct OnnxRuntimeGraph {
    kind: EngineKind,
    model: String,
    session: Session,
}

/// Loads the library and makes the environment, unless that was done before.
pub(super) fn start(library: &Path) -> Result<(), EngineError> {
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if ENVIRONMENT.get().is_some() {
        return Ok(());
    }
    let refused = |cause: String| failure(EngineKind::OnnxRuntime, "start from", &library.display().to_string(), cause);
    if !library.is_file() {
        return Err(refused("there is no such file; `overt models install` fetches it".to_owned()));
    }
    let environment = ort::init_from(library)
        .map_err(|cause| refused(cause.to_string()))?
        .with_name("overt")
        .with_telemetry(false)
        .build()
        .map_err(|cause| refused(cause.to_string()))?;
    environment.set_log_level(LogLevel::Error);
    ENVIRONMENT.get_or_init(|| environment);
    Ok(())
}

/// Makes a session for the graph in `onnx_bytes`.
pub(super) fn load(
    kind: EngineKind,
    model: &str,
    onnx_bytes: &[u8],
    threads: usize,
) -> Result<OnnxRuntimeGraph, EngineError> {
    let refused = |cause: String| failure(kind, "load", model, cause);
    let environment =
        ENVIRONMENT.get().ok_or_else(|| refused("its library is not loaded; run `overt models install`".to_owned()))?;
    let session = builder(environment, threads)
        .and_then(|builder| provided(kind, builder))
        .and_then(|mut builder| builder.commit_from_memory(onnx_bytes))
        .map_err(|cause| refused(told(kind, &cause)))?;
    if session.inputs().len() != 1 {
        return Err(refused(format!("the graph has {} inputs, not one", session.inputs().len())));
    }
    Ok(OnnxRuntimeGraph { kind, model: model.to_owned(), session })
}

/// Every optimisation, one operator at a time, no busy waiting (which would take the cores that decoding needs). What each setting
/// was measured to do stands in docs/reference/engines.md.
fn builder(environment: &Environment, threads: usize) -> ort::Result<SessionBuilder> {
    Ok(Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_intra_op_spinning(false)?
        .with_deterministic_compute(true)?
        .with_log_level(LogLevel::Error)?)
}

/// Adds what computes elsewhere than in the processor. ONNX Runtime would quietly give to the processor what a provider does not have,
/// or everything where the provider is missing; here both are errors.
fn provided(kind: EngineKind, builder: SessionBuilder) -> ort::Result<SessionBuilder> {
    let provider: ExecutionProviderDispatch = match kind {
        EngineKind::Cuda => CUDA::default().build(),
        EngineKind::TensorRt => TensorRT::default().build(),
        EngineKind::OnnxRuntime | EngineKind::BuiltIn => return Ok(builder),
    };
    Ok(builder.with_execution_providers([provider.error_on_failure()])?.with_disable_cpu_fallback()?)
}

/// What the library said, and for a graphics processor what to do about it.
fn told(kind: EngineKind, cause: &ort::Error) -> String {
    if !kind.is_on_gpu() {
        return cause.to_string();
    }
    format!(
        "{cause}; it needs a library of ONNX Runtime that was built with this provider (named in {LIBRARY_VARIABLE}), the driver and \
         the libraries of the graphics processor; without them choose {} in {ENGINE_VARIABLE}",
        EngineKind::OnnxRuntime
    )
}

impl Graph for OnnxRuntimeGraph {
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Output>, EngineError> {
        check_input(self.kind, &self.model, shape, input.len())?;
        run_session(&mut self.session, shape, input).map_err(|cause| failure(self.kind, "run", &self.model, cause))
    }
}

fn run_session(session: &mut Session, shape: [usize; 4], input: &[f32]) -> ort::Result<Vec<Output>> {
    let outputs = session.run(ort::inputs![TensorRef::from_array_view((shape, input))?])?;
    outputs
        .iter()
        .map(|(name, value)| {
            let (shape, values) = value.try_extract_tensor::<f32>()?;
            let shape = shape.iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect();
            Ok(Output { name: name.to_owned(), shape, values: values.to_vec() })
        })
        .collect()
}
