//! The detectors on real pictures: groups, crowds, and places without people.

#![allow(clippy::print_stdout, reason = "a test that is skipped, and a figure that is measured, is said")]

use std::fs;
use std::path::{Path, PathBuf};

use face::decode::{self, Limits};
use face::detect::{Beyond, InputSize, Options, Scrfd, YuNet};
use face::engine::{self, EngineKind};
use face::{Detection, Detector, Picture, Rect, bundle, models};

/// A face found and one marked by hand are the same when they share this much, as in WIDER FACE's own scoring at its looser setting.
const SAME_FACE: f32 = 0.4;

/// The folder of shared test pictures, when it is there.
fn shared(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(what);
    if !path.exists() {
        println!("skipped: {what} (shared/ not found)");
        return None;
    }
    Some(path)
}

/// The engines that work here: the built-in one everywhere, ONNX Runtime where it is installed with the models.
fn engines() -> Vec<EngineKind> {
    let installed = models::directory().map(|dir| engine::available(&dir));
    match installed {
        Ok(EngineKind::OnnxRuntime) => vec![EngineKind::BuiltIn, EngineKind::OnnxRuntime],
        _ => {
            println!("skipped: ONNX Runtime (not installed with the models)");
            vec![EngineKind::BuiltIn]
        }
    }
}

/// YuNet as libfacedetection publishes it, on one engine.
fn yunet(file: &Path, kind: EngineKind, options: Options) -> YuNet {
    let bytes = fs::read(file).expect("the model can be read");
    YuNet::new("yunet".into(), engine::load(kind, "yunet", &bytes, 2).expect("the model loads"), options)
}

/// SCRFD as the catalogue installs it, on the fastest engine, when it is installed.
fn scrfd(options: Options) -> Option<Scrfd> {
    let dir = models::directory().ok()?;
    let catalogue = models::catalogue().expect("the catalogue");
    let prepared = match bundle::prepare(catalogue.manifest("scrfd-2.5g").expect("in the catalogue"), &dir) {
        Ok(prepared) => prepared,
        Err(reason) => {
            println!("skipped: SCRFD ({reason})");
            return None;
        }
    };
    let input = prepared.fixed_px.map_or(InputSize::Free, |(side, _)| InputSize::Fixed { side_px: side as u32 });
    let graph = engine::load(engine::available(&dir), "scrfd", &prepared.onnx_bytes, 2).expect("the model loads");
    Some(Scrfd::new("scrfd".into(), graph, Options { input, ..options }))
}

fn picture(path: &Path) -> Picture {
    decode::file(path, &Limits::default()).expect("a whole picture")
}

/// The marked faces of one picture that are found, each by another detection.
fn found(marked: &[Rect], mut detections: Vec<Detection>, same: f32) -> usize {
    let hit = |face: &&Rect| {
        let best = detections
            .iter()
            .enumerate()
            .map(|(index, other)| (index, other.face.overlap(face)))
            .max_by(|left, right| left.1.total_cmp(&right.1))
            .filter(|(_, overlap)| *overlap >= same);
        best.map(|(index, _)| detections.swap_remove(index)).is_some()
    };
    marked.iter().filter(hit).count()
}

/// Pictures and marked faces of dlib's group pictures.
fn groups(folder: &Path) -> Vec<(PathBuf, Vec<Rect>)> {
    let mut all: Vec<(PathBuf, Vec<Rect>)> = Vec::new();
    for list in ["training.xml", "testing.xml"] {
        // The lists carry a Latin-1 heading.
        let text = fs::read(folder.join(list)).expect("the list of marked faces");
        for line in String::from_utf8_lossy(&text).lines() {
            let field =
                |name: &str| line.split_once(&format!("{name}='")).and_then(|(_, rest)| rest.split('\'').next());
            let number = |name: &str| field(name).and_then(|text| text.parse::<f32>().ok()).expect("a number");
            if line.contains("<image ") {
                all.push((folder.join(field("file").expect("a file")), Vec::new()));
            } else if line.contains("<box ") {
                let face =
                    Rect { left: number("left"), top: number("top"), width: number("width"), height: number("height") };
                all.last_mut().expect("an image before its boxes").1.push(face);
            }
        }
    }
    all
}

/// Pictures and marked faces of five pictures of WIDER FACE.
fn crowds(folder: &Path) -> Vec<(PathBuf, Vec<Rect>)> {
    let text = fs::read_to_string(folder.join("labelv2_5.txt")).expect("the list of marked faces");
    let mut all: Vec<(PathBuf, Vec<Rect>)> = Vec::new();
    for line in text.lines() {
        if let Some(name) =
            line.strip_prefix("# ").and_then(|rest| rest.split([' ', '/']).find(|part| part.ends_with(".jpg")))
        {
            all.push((folder.join(name), Vec::new()));
        } else {
            let numbers: Vec<f32> =
                line.split_whitespace().take(4).map(|text| text.parse().expect("a number")).collect();
            if let ([left, top, right, bottom], Some(last)) = (&numbers[..], all.last_mut()) {
                last.1.push(Rect { left: *left, top: *top, width: right - left, height: bottom - top });
            }
        }
    }
    all
}

/// How many of the marked faces a detector finds, of how many.
fn score(detector: &mut dyn Detector, pictures: &[(PathBuf, Vec<Rect>)], same: f32) -> (usize, usize) {
    pictures.iter().fold((0, 0), |(hits, all), (path, marked)| {
        let detections = detector.detect(picture(path).view().into()).expect("an answer");
        (hits + found(marked, detections, same), all + marked.len())
    })
}

/// The highest confidence a detector gives to anything in pictures without people.
fn highest_on_nothing(detector: &mut dyn Detector, folder: &Path) -> f32 {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert_eq!(files.len(), 18);
    let best = |path: &PathBuf| {
        detector.detect(picture(path).view().into()).expect("an answer").first().map_or(0.0, |face| face.confidence)
    };
    files.iter().map(best).fold(0.0, f32::max)
}

#[test]
fn yunet_finds_every_face_of_the_groups_on_every_engine() {
    let (Some(model), Some(folder)) = (shared("models/yunet_n_dynamic.onnx"), shared("faces/groups")) else { return };
    for kind in engines() {
        let mut detector = yunet(&model, kind, YuNet::defaults());
        assert_eq!(score(&mut detector, &groups(&folder), SAME_FACE), (43, 43), "{kind}");
    }
}

#[test]
fn yunet_finds_149_of_176_small_faces_in_crowds() {
    let (Some(model), Some(folder)) = (shared("models/yunet_n_dynamic.onnx"), shared("faces/wider")) else { return };
    for kind in engines() {
        let (hits, all) = score(&mut yunet(&model, kind, YuNet::defaults()), &crowds(&folder), SAME_FACE);
        println!("{kind}: {hits} of {all}");
        assert!(all == 176 && hits >= 149, "{kind}: {hits} of {all}");
    }
}

#[test]
fn yunet_sees_nobody_where_nobody_is() {
    let (Some(model), Some(folder)) = (shared("models/yunet_n_dynamic.onnx"), shared("faces/empty")) else { return };
    for kind in engines() {
        let mut detector = yunet(&model, kind, Options { confidence_min: 0.3, ..YuNet::defaults() });
        let highest = highest_on_nothing(&mut detector, &folder);
        println!("{kind}: highest confidence on nothing {highest}");
        assert!(highest <= 0.7, "{kind}: {highest}");
    }
}

#[test]
fn tiles_find_the_small_faces_that_a_reduced_picture_loses() {
    let (Some(model), Some(folder)) = (shared("models/yunet_n_dynamic.onnx"), shared("faces/wider")) else { return };
    let reduced = Options { long_side_max_px: 480, ..YuNet::defaults() };
    let crowds = crowds(&folder);
    let (few, _) = score(&mut yunet(&model, EngineKind::BuiltIn, reduced), &crowds, SAME_FACE);
    let (many, _) =
        score(&mut yunet(&model, EngineKind::BuiltIn, Options { beyond: Beyond::Tile, ..reduced }), &crowds, SAME_FACE);
    println!("reduced to 480 px: {few}, in tiles of 480 px: {many}");
    assert!(many >= 145 && many > few + 20, "{few} {many}");
}

#[test]
fn the_fixed_size_variant_works_by_filling_its_square() {
    let (Some(model), Some(folder)) = (shared("models/yunet_n_640_640.onnx"), shared("faces/groups")) else { return };
    let fixed = Options { input: InputSize::Fixed { side_px: 640 }, ..YuNet::defaults() };
    assert_eq!(score(&mut yunet(&model, EngineKind::BuiltIn, fixed), &groups(&folder), SAME_FACE), (43, 43));
}

#[test]
fn a_picture_of_one_pixel_has_no_face() {
    let Some(model) = shared("models/yunet_n_dynamic.onnx") else { return };
    let mut detector = yunet(&model, EngineKind::BuiltIn, YuNet::defaults());
    for (width, height) in [(1, 1), (1, 40), (3000, 1)] {
        let picture =
            Picture::from_rgb(width, height, vec![200; 3 * (width * height) as usize]).expect("a whole picture");
        assert_eq!(detector.detect(picture.view().into()).expect("an answer"), []);
    }
}

#[test]
fn a_model_of_another_kind_is_refused_by_what_is_missing() {
    let Some(model) = shared("models/yunet_n_dynamic.onnx") else { return };
    let bytes = fs::read(model).expect("the model can be read");
    let graph = engine::load(EngineKind::BuiltIn, "yunet", &bytes, 1).expect("the model loads");
    let mut wrong = Scrfd::new("scrfd".into(), graph, Scrfd::defaults());
    let black = Picture::from_rgb(64, 64, vec![0; 3 * 64 * 64]).expect("a whole picture");
    let error = wrong.detect(black.view().into()).expect_err("YuNet is no SCRFD");
    assert!(error.to_string().contains("score_8"), "{error}");
}

#[test]
fn scrfd_finds_the_groups_and_most_of_the_crowds_and_nobody_where_nobody_is() {
    let (Some(group), Some(crowd), Some(empty)) =
        (shared("faces/groups"), shared("faces/wider"), shared("faces/empty"))
    else {
        return;
    };
    let Some(mut detector) = scrfd(Scrfd::defaults()) else { return };
    let (group, crowd) =
        (score(&mut detector, &groups(&group), SAME_FACE), score(&mut detector, &crowds(&crowd), SAME_FACE));
    let highest = highest_on_nothing(
        &mut scrfd(Options { confidence_min: 0.05, ..Scrfd::defaults() }).expect("installed"),
        &empty,
    );
    println!("groups {group:?}, crowds {crowd:?}, highest confidence on nothing {highest}");
    assert_eq!(group, (43, 43));
    assert!(crowd.0 >= 140, "{crowd:?}");
    assert!(highest < Scrfd::defaults().confidence_min, "{highest}");
}

#[test]
fn an_engine_on_a_graphics_processor_is_refused_in_words_where_there_is_none() {
    let Some(model) = shared("models/yunet_n_dynamic.onnx") else { return };
    let bytes = fs::read(model).expect("the model can be read");
    if !engines().contains(&EngineKind::OnnxRuntime) {
        return;
    }
    // The library of the catalogue has neither provider, on whatever machine.
    for kind in [EngineKind::Cuda, EngineKind::TensorRt] {
        let refusal =
            engine::load(kind, "yunet", &bytes, 1).err().expect("not run by the processor instead").to_string();
        println!("{refusal}");
        assert!(refusal.starts_with(&format!("{kind} could not load yunet: ")), "{refusal}");
        assert!(refusal.contains(engine::LIBRARY_VARIABLE) && refusal.contains(engine::ENGINE_VARIABLE), "{refusal}");
    }
}
