//! What a peer is given of a model: its graph as our engines get it, and how it reads pictures.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use face::{bundle, models};
use serde_json::json;
use tempfile::NamedTempFile;

/// The model's graph in a file that goes when it is dropped: it must outlive the peer.
pub(super) fn graph_file(model: &str, models_dir: &Path) -> Result<NamedTempFile> {
    let prepared = bundle::prepare(models::catalogue()?.manifest(model)?, models_dir)?;
    let written = || format!("writing the graph of {model} for the peer");
    let mut file = tempfile::Builder::new().suffix(".onnx").tempfile().with_context(written)?;
    file.write_all(&prepared.onnx_bytes).with_context(written)?;
    Ok(file)
}

/// How a recogniser reads a face: alignment, order of the colours, and numbers.
pub(super) fn form(recogniser: &str) -> Result<serde_json::Value> {
    let catalogue = models::catalogue()?;
    let manifest = catalogue.manifest(recogniser)?;
    let (input, template) = manifest
        .input
        .as_ref()
        .zip(manifest.template.as_ref())
        .with_context(|| format!("{recogniser} is no recogniser"))?;
    let order = if input.order == models::Order::Rgb { "rgb" } else { "bgr" };
    Ok(json!({ "alignment": template.alignment.name(), "order": order, "mean": input.mean, "scale": input.scale }))
}
