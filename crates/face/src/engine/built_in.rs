//! The engine compiled into the binary (rten) behind [`Graph`]: slower, but it needs nothing installed.

use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensorView, Tensor};

use super::{EngineError, EngineKind, Graph, Output, check_input, failure};

/// A model loaded into the built-in engine.
pub(super) struct BuiltInGraph {
    name: String,
    model: Model,
    input: NodeId,
    threads: Arc<ThreadPool>,
}

/// Loads the graph in `onnx_bytes`.
pub(super) fn load(name: &str, onnx_bytes: &[u8], threads: usize) -> Result<BuiltInGraph, EngineError> {
    let refused = |cause: String| failure(EngineKind::BuiltIn, "load", name, cause);
    let model = Model::load(onnx_bytes.to_vec()).map_err(|cause| refused(cause.to_string()))?;
    let &[input] = model.input_ids() else {
        return Err(refused(format!("the graph has {} inputs, not one", model.input_ids().len())));
    };
    let threads = Arc::new(ThreadPool::with_num_threads(threads));
    Ok(BuiltInGraph { name: name.to_owned(), model, input, threads })
}

impl Graph for BuiltInGraph {
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Output>, EngineError> {
        check_input(EngineKind::BuiltIn, &self.name, shape, input.len())?;
        let refused = |cause: String| failure(EngineKind::BuiltIn, "run", &self.name, cause);
        let input = NdTensorView::from_data(shape, input);
        let options = RunOptions::default().with_thread_pool(Some(self.threads.clone()));
        let ids = self.model.output_ids();
        let ran = self.model.run(vec![(self.input, input.into())], ids, Some(options));
        let values = ran.map_err(|cause| refused(cause.to_string()))?;
        ids.iter()
            .zip(values)
            .map(|(id, value)| {
                let name = self.model.node_info(*id).and_then(|node| node.name()).unwrap_or_default().to_owned();
                let tensor: Tensor<f32> =
                    value.into_tensor().ok_or_else(|| refused(format!("output {name} is not of 32-bit floats")))?;
                Ok(Output { name, shape: tensor.shape().to_vec(), values: tensor.into_data() })
            })
            .collect()
    }
}
