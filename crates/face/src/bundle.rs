//! A bundle: the detector and the recogniser that work together, opened by name.

use std::borrow::Borrow;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::detect::{self, Detector, InputSize, Scrfd, YuNet};
use crate::dlib;
use crate::engine::{self, EngineKind, Graph};
use crate::graph::{self, onnx};
use crate::models::{self, BundleManifest, Catalogue, Manifest, ModelError};
use crate::recognise::{GraphRecognizer, Recognizer};
use crate::template::Contract;

/// The bundle used when none is named.
pub const DEFAULT_BUNDLE: &str = "open";

/// How a bundle is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Where the models are kept.
    pub models_dir: PathBuf,
    /// The engine that must run them; `None` for the one that `OVERT_ENGINE` names, else the fastest that is installed.
    pub engine: Option<EngineKind>,
    /// Threads for each graph, at least one.
    pub threads: usize,
    /// Pictures with a longer side than this are reduced to it before faces are looked for; `None` for the detector's own limit.
    pub long_side_max_px: Option<u32>,
}

/// A named pair of models in the catalogue (`open`, `opencv`, `lab`, `lab-dlib`), with the detector that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Its name.
    pub name: String,
    /// Catalogue name of the detector.
    pub detector: String,
    /// Catalogue name of the recogniser.
    pub recogniser: String,
}

/// An opened bundle, ready to run.
pub struct Faces {
    /// Finds faces.
    pub detector: Box<dyn Detector>,
    /// Makes templates.
    pub recognizer: Box<dyn Recognizer>,
    /// Which engine runs them.
    pub engine: EngineKind,
    /// The bundle's name.
    pub bundle: String,
}

/// A model's graph as the engines get it, and what is known of its input.
pub struct PreparedGraph {
    /// An ONNX file.
    pub onnx_bytes: Vec<u8>,
    /// Width and height it is fixed to, when its input size could not be freed.
    pub fixed_px: Option<(i64, i64)>,
    /// Whether it takes one picture at a time only.
    pub one_at_a_time: bool,
}

impl OpenOptions {
    /// The usual options: models in their usual place, the fastest engine, one thread for each graph.
    pub fn usual() -> Result<Self, ModelError> {
        Ok(Self { models_dir: models::directory()?, engine: None, threads: 1, long_side_max_px: None })
    }
}

impl Bundle {
    /// The bundle called `name` with the first of its detectors that is installed in `models_dir`.
    pub fn resolve(name: &str, models_dir: &Path) -> Result<Self, ModelError> {
        let catalogue = models::catalogue()?;
        resolve(&catalogue, catalogue.bundle(name)?, models_dir)
    }

    /// Checks every file against the catalogue and loads the bundle. A file with one byte changed is refused by name.
    pub fn open(name: &str, options: impl Borrow<OpenOptions>) -> Result<Faces, ModelError> {
        let options = options.borrow();
        let catalogue = models::catalogue()?;
        let bundle = resolve(&catalogue, catalogue.bundle(name)?, &options.models_dir)?;
        let engine = choose_engine(options)?;
        let detector = open_detector(catalogue.manifest(&bundle.detector)?, engine, options)?;
        let recognizer = open_recognizer(catalogue.manifest(&bundle.recogniser)?, engine, options)?;
        Ok(Faces { detector, recognizer, engine, bundle: bundle.name })
    }
}

/// How many times a bundle is opened so that `cameras` can be looked at side by side: once for each core, and no more than there are cameras.
pub fn side_by_side(cameras: usize) -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(cameras).max(1)
}

/// Reads a model's file, checks it, and gives it the form in which the engines run it best.
pub fn prepare(manifest: &Manifest, models_dir: &Path) -> Result<PreparedGraph, ModelError> {
    let bytes = models::read_verified(manifest, manifest.model_file()?, models_dir)?;
    let unusable = |found: String| ModelError::Unusable { model: manifest.name.clone(), found };
    if manifest.name == "dlib-resnet-v1" {
        let model = dlib::graph_from_file(&bytes).map_err(|cause| unusable(cause.to_string()))?;
        return Ok(prepared(&model));
    }
    let Ok(mut model) = graph::decode(&bytes) else {
        // The engines know more of the format than is known here; then the file is used as it is.
        return Ok(PreparedGraph { onnx_bytes: bytes, fixed_px: None, one_at_a_time: true });
    };
    graph::clip_for_max_min(&mut model);
    if manifest.kind == models::Kind::Detector && graph::fixed_input(&model).is_some() {
        let mut freed = model.clone();
        if graph::free_input_size(&mut freed).is_ok() {
            model = freed;
        }
    }
    Ok(prepared(&model))
}

/// The engine the options ask for, else the one that [`engine::ENGINE_VARIABLE`] names, else the fastest, started. A damaged library is
/// an error, an absent one means the built-in engine where none was asked for.
pub fn choose_engine(options: &OpenOptions) -> Result<EngineKind, ModelError> {
    let asked = match options.engine {
        Some(kind) => Some(kind),
        None => named_engine(std::env::var(engine::ENGINE_VARIABLE).ok())?,
    };
    match asked {
        Some(EngineKind::BuiltIn) => return Ok(EngineKind::BuiltIn),
        Some(kind @ (EngineKind::Cuda | EngineKind::TensorRt)) => return start_gpu_engine(kind),
        Some(EngineKind::OnnxRuntime) | None => {}
    }
    let library = models::runtime_library(&options.models_dir)?;
    match (library, asked) {
        (Some(library), Some(_)) => {
            engine::start_onnx_runtime(&library).map(|()| EngineKind::OnnxRuntime).map_err(ModelError::from)
        }
        // The library can be whole and still not load, on a system older than it was built for.
        (Some(library), None) => {
            Ok(engine::start_onnx_runtime(&library).map_or(EngineKind::BuiltIn, |()| EngineKind::OnnxRuntime))
        }
        (None, None) => Ok(EngineKind::BuiltIn),
        (None, Some(_)) => Err(ModelError::Missing {
            model: "onnxruntime".to_owned(),
            path: options.models_dir.join(engine::LIBRARY_FILE),
            install: "onnxruntime".to_owned(),
        }),
    }
}

/// The engine of this name, where one is given.
fn named_engine(name: Option<String>) -> Result<Option<EngineKind>, ModelError> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    EngineKind::from_name(&name).map(Some).ok_or_else(|| ModelError::Unknown {
        what: "engine",
        name,
        known: EngineKind::ALL.map(EngineKind::name).join(", "),
    })
}

/// Starts the library that the operator names for a graphics processor.
fn start_gpu_engine(kind: EngineKind) -> Result<EngineKind, ModelError> {
    let library = std::env::var_os(engine::LIBRARY_VARIABLE).map(PathBuf::from).ok_or_else(|| {
        let found = format!(
            "{} names no library of ONNX Runtime with that provider; the one that `overt models install` fetches has none",
            engine::LIBRARY_VARIABLE
        );
        ModelError::Unusable { model: kind.name().to_owned(), found }
    })?;
    engine::start_onnx_runtime(&library)?;
    Ok(kind)
}

fn resolve(catalogue: &Catalogue, bundle: &BundleManifest, models_dir: &Path) -> Result<Bundle, ModelError> {
    let mut missing = None;
    for name in &bundle.detectors {
        let manifest = catalogue.manifest(name)?;
        let path = models_dir.join(&manifest.model_file()?.file);
        if path.exists() {
            return Ok(Bundle {
                name: bundle.name.clone(),
                detector: name.clone(),
                recogniser: bundle.recogniser.clone(),
            });
        }
        missing.get_or_insert(ModelError::Missing { model: name.clone(), path, install: bundle.name.clone() });
    }
    Err(missing.unwrap_or_else(|| ModelError::Catalogue {
        file: "bundles.toml".to_owned(),
        fault: format!("{} has no detector", bundle.name),
    }))
}

fn open_detector(
    manifest: &Manifest,
    engine: EngineKind,
    options: &OpenOptions,
) -> Result<Box<dyn Detector>, ModelError> {
    let prepared = prepare(manifest, &options.models_dir)?;
    let graph = engine::load(engine, &manifest.name, &prepared.onnx_bytes, options.threads)?;
    let input = match prepared.fixed_px {
        None => InputSize::Free,
        Some((width, height)) if width == height => InputSize::Fixed { side_px: u32::try_from(width).unwrap_or(0) },
        Some((width, height)) => {
            let found = format!("its input is fixed to {width}x{height}, which is not a square");
            return Err(ModelError::Unusable { model: manifest.name.clone(), found });
        }
    };
    let limited = |defaults: detect::Options| match options.long_side_max_px {
        Some(long_side_max_px) => {
            detect::Options { input, long_side_max_px, beyond: detect::Beyond::Reduce, ..defaults }
        }
        None => detect::Options { input, ..defaults },
    };
    let name = manifest.name.clone();
    if name.starts_with("scrfd") {
        return Ok(Box::new(Scrfd::new(name, graph, limited(Scrfd::defaults()))));
    }
    Ok(Box::new(YuNet::new(name, graph, limited(YuNet::defaults()))))
}

fn open_recognizer(
    manifest: &Manifest,
    engine: EngineKind,
    options: &OpenOptions,
) -> Result<Box<dyn Recognizer>, ModelError> {
    let (Some(input), Some(template)) = (&manifest.input, &manifest.template) else {
        return Err(ModelError::Unusable { model: manifest.name.clone(), found: "it is not a recogniser".to_owned() });
    };
    let prepared = prepare(manifest, &options.models_dir)?;
    let mut graph = engine::load(engine, &manifest.name, &prepared.onnx_bytes, options.threads)?;
    if prepared.one_at_a_time {
        graph = Box::new(OneAtATime(graph));
    }
    let form = input.form(template.alignment);
    let contract = Contract {
        model: manifest.name.clone(),
        weights_sha256: manifest.model_file()?.sha256.clone(),
        alignment: form.to_string(),
        score: template.score.into(),
        dimensions: template.dimensions,
    };
    Ok(Box::new(GraphRecognizer::new(graph, Arc::new(contract), form)))
}

fn prepared(model: &onnx::Model) -> PreparedGraph {
    PreparedGraph {
        onnx_bytes: graph::encode(model),
        fixed_px: graph::fixed_input(model),
        one_at_a_time: graph::is_one_at_a_time(model),
    }
}

/// Runs a batch through a graph that takes one picture at a time.
struct OneAtATime(Box<dyn Graph>);

impl Graph for OneAtATime {
    fn run(
        &mut self,
        [pictures, channels, height, width]: [usize; 4],
        input: &[f32],
    ) -> Result<Vec<engine::Output>, engine::EngineError> {
        let single = [1, channels, height, width];
        if pictures <= 1 {
            return self.0.run(single, input);
        }
        let mut joined: Vec<engine::Output> = Vec::new();
        for picture in input.chunks((input.len() / pictures).max(1)) {
            let outputs = self.0.run(single, picture)?;
            if joined.is_empty() {
                joined = outputs;
                continue;
            }
            for (all, one) in joined.iter_mut().zip(outputs) {
                all.values.extend(one.values);
                if let Some(count) = all.shape.first_mut() {
                    *count += 1;
                }
            }
        }
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_named_or_refused_with_the_names_there_are() {
        assert_eq!(named_engine(None).expect("none"), None);
        assert_eq!(named_engine(Some("built-in".into())).expect("known"), Some(EngineKind::BuiltIn));
        assert_eq!(named_engine(Some("onnxruntime-cuda".into())).expect("known"), Some(EngineKind::Cuda));
        let refusal = named_engine(Some("cuda".into())).expect_err("no such name").to_string();
        assert!(refusal.contains("no engine called cuda") && refusal.contains("onnxruntime-tensorrt"), "{refusal}");
    }
}
