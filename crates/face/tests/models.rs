//! Models as published: the graphs made from them give the published numbers on both engines, and a changed file is refused.

use std::fs;
use std::path::{Path, PathBuf};

use face::bundle::{self, OpenOptions};
use face::engine::{self, Output};
use face::models::{self, ModelError, State};
use face::{Bundle, EngineKind};

/// Largest difference from the original library's numbers that is accepted.
const DESCRIPTOR_TOLERANCE: f32 = 1e-4;
/// Largest difference between a graph and its changed form that is accepted.
const REWRITE_TOLERANCE: f32 = 1e-5;

#[test]
fn dlib_descriptors_are_those_of_the_original_library_on_both_engines() {
    let Some(vectors) = shared("vectors/dlib") else { return };
    let Some((models_dir, prepared)) = prepared("dlib-resnet-v1") else { return };
    let expected = descriptors(&vectors);
    let input: Vec<f32> =
        (0..expected.len()).flat_map(|number| dlib_input(&vectors.join(format!("chip{number}.png")))).collect();
    for engine in engines(&models_dir) {
        let mut graph = engine::load(engine, "dlib-resnet-v1", &prepared.onnx_bytes, 1).expect("the graph");
        let together = graph.run([expected.len(), 3, 150, 150], &input).expect("a batch");
        for (number, expected) in expected.iter().enumerate() {
            let batched = &together[0].values[128 * number..128 * (number + 1)];
            let alone = graph.run([1, 3, 150, 150], &input[67_500 * number..67_500 * (number + 1)]).expect("one chip");
            for found in [batched, &alone[0].values] {
                let difference = largest_difference(found, expected);
                assert!(difference <= DESCRIPTOR_TOLERANCE, "{engine}, chip {number}: {difference}");
            }
        }
    }
}

#[test]
fn a_detector_with_a_freed_input_finds_what_the_original_finds() {
    let Some((models_dir, prepared)) = prepared("scrfd-2.5g") else { return };
    assert_eq!(prepared.fixed_px, None);
    let original = fs::read(models_dir.join("scrfd_2.5g_bnkps.onnx")).expect("the file");
    let input = pattern(3 * 640 * 640);
    for engine in engines(&models_dir) {
        let mut freed = engine::load(engine, "scrfd-2.5g", &prepared.onnx_bytes, 2).expect("the freed graph");
        let found = freed.run([1, 3, 640, 640], &input).expect("640x640");
        let mut fixed = engine::load(engine, "scrfd-2.5g", &original, 2).expect("the published graph");
        let expected = fixed.run([1, 3, 640, 640], &input).expect("640x640");
        assert_same(&found, &expected, engine);
        let smaller = freed.run([1, 3, 384, 640], &pattern(3 * 384 * 640)).expect("640x384");
        let places: Vec<usize> = smaller.iter().map(|output| output.shape[1]).collect();
        assert_eq!(places, [7680, 1920, 480, 7680, 1920, 480, 7680, 1920, 480], "{engine}");
        assert!(
            fixed.run([1, 3, 384, 640], &pattern(3 * 384 * 640)).is_err(),
            "{engine}: the published graph takes one size"
        );
    }
}

#[test]
fn a_recogniser_in_its_faster_form_gives_the_same_numbers() {
    let Some((models_dir, prepared)) = prepared("mobileface-v2") else { return };
    let original = fs::read(models_dir.join("mobileface_v2.onnx")).expect("the file");
    assert_ne!(prepared.onnx_bytes, original);
    let input: Vec<f32> = pattern(2 * 3 * 112 * 112).iter().map(|value| 127.5 + 127.5 * value).collect();
    for engine in engines(&models_dir) {
        let run = |bytes: &[u8]| {
            let mut graph = engine::load(engine, "mobileface-v2", bytes, 1).expect("the graph");
            graph.run([2, 3, 112, 112], &input).expect("a batch of two")
        };
        assert_same(&run(&prepared.onnx_bytes), &run(&original), engine);
    }
}

#[test]
fn both_engines_agree_on_every_installed_detector() {
    for name in ["yunet-2023mar", "yunet-n", "scrfd-2.5g"] {
        let Some((models_dir, prepared)) = prepared(name) else { continue };
        let side = prepared.fixed_px.map_or(320, |(side, _)| usize::try_from(side).expect("a side"));
        let runs: Vec<Vec<Output>> = engines(&models_dir)
            .into_iter()
            .map(|engine| {
                let mut graph = engine::load(engine, name, &prepared.onnx_bytes, 1).expect("the graph");
                graph.run([1, 3, side, side], &pattern(3 * side * side)).expect("a run")
            })
            .collect();
        for (other, first) in runs.iter().skip(1).zip(&runs) {
            assert_eq!(other.len(), first.len());
            for (other, first) in other.iter().zip(first) {
                assert_eq!((&other.name, &other.shape), (&first.name, &first.shape), "{name}");
                let scale = first.values.iter().fold(1.0f32, |scale, value| scale.max(value.abs()));
                assert!(largest_difference(&other.values, &first.values) <= 1e-4 * scale, "{name} {}", first.name);
            }
        }
    }
}

#[test]
fn a_model_file_with_one_byte_changed_is_refused_by_name() {
    let Some((models_dir, _)) = prepared("dlib-resnet-v1") else { return };
    let catalogue = models::catalogue().expect("the catalogue");
    let bundle = catalogue
        .bundles
        .iter()
        .find(|bundle| bundle.recogniser == "dlib-resnet-v1" && Bundle::resolve(&bundle.name, &models_dir).is_ok());
    let Some(bundle) = bundle else {
        return eprintln!("skipped: refusing a changed model (no bundle with it is installed)");
    };
    let resolved = Bundle::resolve(&bundle.name, &models_dir).expect("the bundle");
    for damaged in [&resolved.detector, &resolved.recogniser] {
        let copy = tempfile::tempdir().expect("a directory");
        for name in [&resolved.detector, &resolved.recogniser] {
            let file = &catalogue.manifest(name).expect("a manifest").model_file().expect("a file").file;
            let mut bytes = fs::read(models_dir.join(file)).expect("the model");
            if name == damaged {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            fs::write(copy.path().join(file), bytes).expect("the copy");
        }
        let options = OpenOptions {
            models_dir: copy.path().to_owned(),
            engine: Some(EngineKind::BuiltIn),
            threads: 1,
            long_side_max_px: None,
        };
        let error = Bundle::open(&bundle.name, &options).map(|_| ()).expect_err("one byte was changed");
        assert!(matches!(&error, ModelError::Damaged { model, .. } if model == damaged), "{error}");
        let state = models::state(catalogue.manifest(damaged).expect("a manifest"), copy.path());
        assert!(matches!(&state, State::Damaged(found) if found.contains(damaged.as_str())), "{state:?}");
    }
}

#[test]
fn a_bundle_that_is_not_installed_says_what_to_do() {
    let empty = tempfile::tempdir().expect("a directory");
    let options = OpenOptions { models_dir: empty.path().to_owned(), engine: None, threads: 1, long_side_max_px: None };
    let error = Bundle::open("open", &options).map(|_| ()).expect_err("nothing is there");
    assert!(error.to_string().contains("overt models install open"), "{error}");
    let error = Bundle::open("nonsense", &options).map(|_| ()).expect_err("no such bundle");
    assert!(error.to_string().contains("known are: open, opencv, lab, lab-dlib"), "{error}");
}

#[test]
fn an_input_that_is_not_its_shapes_is_an_error_on_both_engines() {
    let Some((models_dir, prepared)) = prepared("dlib-resnet-v1") else { return };
    for engine in engines(&models_dir) {
        let mut graph = engine::load(engine, "dlib-resnet-v1", &prepared.onnx_bytes, 1).expect("the graph");
        assert!(graph.run([1, 3, 150, 150], &[0.0; 7]).is_err());
        assert!(graph.run([0, 3, 150, 150], &[]).is_err());
        assert!(graph.run([1, 3, 100, 100], &vec![0.0; 30_000]).is_err());
        assert!(graph.run([1, 3, 150, 150], &vec![0.0; 67_500]).is_ok());
    }
    for engine in engines(&models_dir) {
        assert!(engine::load(engine, "nonsense", b"not a graph", 1).is_err());
    }
}

/// A folder of the test material; says that the test is skipped where there is none.
fn shared(path: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !folder.is_dir() {
        eprintln!("skipped: {path} (shared/ not found)");
        return None;
    }
    Some(folder)
}

/// A model's graph; says that the test is skipped where the model is not installed.
fn prepared(name: &str) -> Option<(PathBuf, bundle::PreparedGraph)> {
    let models_dir = models::directory().expect("a models directory");
    let catalogue = models::catalogue().expect("the catalogue");
    match bundle::prepare(catalogue.manifest(name).expect("a manifest"), &models_dir) {
        Ok(prepared) => Some((models_dir, prepared)),
        Err(ModelError::Missing { .. }) => {
            eprintln!("skipped: {name} (not installed in {})", models_dir.display());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The engines that work here; says so where ONNX Runtime is not one of them.
fn engines(models_dir: &Path) -> Vec<EngineKind> {
    match engine::available(models_dir) {
        EngineKind::OnnxRuntime => vec![EngineKind::OnnxRuntime, EngineKind::BuiltIn],
        _ => {
            eprintln!("skipped: onnxruntime (its library is not installed in {})", models_dir.display());
            vec![EngineKind::BuiltIn]
        }
    }
}

/// The original library's numbers for each chip.
fn descriptors(vectors: &Path) -> Vec<Vec<f32>> {
    let mut table = csv::Reader::from_path(vectors.join("descriptors.csv")).expect("descriptors.csv");
    table
        .records()
        .map(|row| row.expect("a row").iter().skip(1).map(|value| value.parse().expect("a number")).collect())
        .collect()
}

/// A chip as dlib's network reads it.
fn dlib_input(path: &Path) -> Vec<f32> {
    let chip = image::open(path).expect("a chip").to_rgb8();
    assert_eq!(chip.dimensions(), (150, 150));
    let plane = |channel: usize, mean: f32| {
        chip.pixels().map(move |pixel| (f32::from(pixel.0[channel]) - mean) / 256.0).collect::<Vec<_>>()
    };
    [plane(0, 122.782), plane(1, 117.001), plane(2, 104.298)].concat()
}

/// Values from -1 to 1 without a period that the networks know.
fn pattern(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

fn assert_same(found: &[Output], expected: &[Output], engine: EngineKind) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!((&found.name, &found.shape), (&expected.name, &expected.shape), "{engine}");
        let difference = largest_difference(&found.values, &expected.values);
        assert!(difference <= REWRITE_TOLERANCE, "{engine} {}: {difference}", found.name);
    }
}

fn largest_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max)
}
