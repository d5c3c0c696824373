//! A whole evaluation of a painted set: results, published form, scores and report, without a model.

use std::path::Path;
use std::sync::Arc;

use evaluation::{Evaluation, EvaluationError, Index, Settings};
use face::{
    Chip, Contract, Detection, Detector, EngineError, EngineKind, Faces, PictureView, Point, Recognizer, Rect, RgbView,
};
use face::{ScoreKind, Template};
use serde_json::Value;

const PEOPLE: u8 = 16;
const PICTURES_EACH: u8 = 3;

#[test]
fn a_painted_set_is_measured_and_written() {
    let set = Set::painted();
    let mut done = Vec::new();
    let evaluation = set.evaluate(Settings::default(), &mut |pictures| done.push(pictures)).expect("an evaluation");
    let results = json(&evaluation);
    assert_eq!(done.last(), Some(&51));
    assert_eq!((&results["images"], &results["identities"]), (&51.into(), &17.into()));
    assert_eq!(results["model"]["recogniser"], "mean-colour");
    let reasons: Vec<_> =
        results["failures"].as_array().expect("a list").iter().map(|f| f["reason"].to_string()).collect();
    assert_eq!((results["failures_to_acquire"].as_u64(), reasons.len()), (Some(2), 2));
    assert!(reasons[0].contains("16-0.png"), "{reasons:?}");
    assert!(reasons[1].contains("16-1.png: no face found in 8 x 8 pixels"), "{reasons:?}");
    // The person whose two pictures failed has three genuine pairs, all missed: 3 of 51.
    assert_eq!(results["verification"]["genuine"], 51);
    assert_eq!(results["verification"]["genuine_missed"], 3);
    assert_eq!(results["verification"]["fnmr_at_fmr"]["0.01"], 3.0 / 51.0);
    assert_eq!(results["verification"]["fnmr_at_fmr"]["0.0001"], Value::Null);
    assert_eq!(results["identification"]["enrolled"], 8);
    assert_eq!(results["identification"]["tpir_at_fpir"]["0.001"], Value::Null);
    let notes = results["notes"].to_string();
    assert!(notes.contains("no figure at FMR 0.0001") && notes.contains("no figure at FPIR 0.001"), "{notes}");
    let groups = results["groups"].as_array().expect("a list");
    let named = |name: &str| groups.iter().find(|group| group["group"] == name).expect("a group");
    assert_eq!(named("even")["identities"], 8);
    assert_eq!(named("alone")["fmr"], Value::Null);
    assert!(named("alone")["note"].as_str().expect("a note").contains("one person"));
}

#[test]
fn results_have_the_published_form() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/reference/results.schema.json")).expect("JSON");
    let results = json(&Set::painted().evaluate(Settings::default(), &mut |_| ()).expect("an evaluation"));
    let mut wrong = Vec::new();
    conform(&schema, &schema, &results, "results", &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The check itself must be able to fail.
    let mut bent = results.clone();
    bent["verification"]["eer"] = 2.into();
    bent["model"].as_object_mut().expect("an object").remove("engine");
    bent["groups"][0]["fmr_ci95"] = serde_json::json!([0.1]);
    bent["more"] = true.into();
    conform(&schema, &schema, &bent, "results", &mut wrong);
    assert_eq!(wrong.len(), 4, "{wrong:?}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let set = Set::painted();
    let text =
        |seed| set.evaluate(Settings { seed, ..Settings::default() }, &mut |_| ()).expect("an evaluation").json();
    assert_eq!(text(5), text(5));
    assert_ne!(text(5), text(6));
}

#[test]
fn files_are_written_without_names_or_pictures() {
    let set = Set::painted();
    let out = tempfile::tempdir().expect("a folder");
    let folder = out.path().join("new/results");
    let evaluation = set.evaluate(Settings::default(), &mut |_| ()).expect("an evaluation");
    evaluation.write(&folder).expect("written");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
    assert_eq!(read("results.json"), evaluation.json());
    let (scores, page) = (read("scores.csv"), read("report.html"));
    assert_eq!(scores.lines().count(), 1 + 51 * 50 / 2);
    assert_eq!(scores.lines().filter(|line| line.contains("genuine")).count(), 51);
    assert_eq!(scores.lines().filter(|line| line.ends_with("genuine,")).count(), 3);
    for text in [&scores, &page, &read("results.json")] {
        assert!(!text.contains("person-"), "a name of the index was written");
    }
    assert_eq!(page.matches("<svg role=\"img\"").count(), 2);
    assert!(page.contains("no face found in 8 x 8 pixels"));
    assert!(!page.contains("<img") && !page.contains("<script"));
    let addresses = page.matches("http").count();
    assert_eq!(
        addresses,
        page.matches("http://www.w3.org/2000/svg").count(),
        "the page needs something from elsewhere"
    );
}

#[test]
fn what_cannot_be_measured_is_refused_as_the_callers_fault() {
    let set = Set::painted();
    let strangers = Index::parse(b"path,identity\n0-0.png,a\n1-0.png,b\n").expect("an index");
    let run = |index: &Index, settings| Evaluation::run(&mut faces(), index, set.folder.path(), settings, &mut |_| ());
    let refused = |index: &Index, settings| run(index, settings).err().expect("refused");
    let error = refused(&strangers, Settings::default());
    assert!(matches!(error, EvaluationError::TooLittle { .. }) && error.is_callers(), "{error}");
    let error = refused(&set.index, Settings { splits: 0, ..Settings::default() });
    assert!(error.to_string().contains("--splits"), "{error}");
    let error = refused(&set.index, Settings { resamples: 10, ..Settings::default() });
    assert!(error.to_string().contains("--resamples"), "{error}");
}

/// Painted pictures: each person is a colour, each picture a little off it.
struct Set {
    folder: tempfile::TempDir,
    index: Index,
}

impl Set {
    fn painted() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut index = "path,identity,kind\n".to_owned();
        for person in 0..=PEOPLE {
            for picture in 0..PICTURES_EACH {
                let name = format!("{person}-{picture}.png");
                let file = folder.path().join(&name);
                match (person, picture) {
                    (PEOPLE, 0) => std::fs::write(file, b"").expect("written"),
                    (PEOPLE, 1) => paint(&file, [0, 0, 0]),
                    _ => paint(&file, [40 + 12 * person, 200 - 9 * person + picture, 30 + 50 * (person % 4)]),
                }
                let kind = if person == PEOPLE { "alone" } else { ["even", "odd"][usize::from(person % 2)] };
                index += &format!("{name},person-{person},{kind}\n");
            }
        }
        Self { folder, index: Index::parse(index.as_bytes()).expect("an index") }
    }

    fn evaluate(&self, settings: Settings, progress: &mut dyn FnMut(usize)) -> Result<Evaluation, EvaluationError> {
        Evaluation::run(&mut faces(), &self.index, self.folder.path(), settings, progress)
    }
}

fn paint(file: &Path, colour: [u8; 3]) {
    image::RgbImage::from_pixel(8, 8, image::Rgb(colour)).save(file).expect("a picture");
}

fn json(evaluation: &Evaluation) -> Value {
    serde_json::from_str(&evaluation.json()).expect("JSON")
}

fn faces() -> Faces {
    let contract = Contract {
        model: "mean-colour".to_owned(),
        weights_sha256: "0".repeat(64),
        alignment: "none".to_owned(),
        score: ScoreKind::Euclidean,
        dimensions: 3,
    };
    Faces {
        detector: Box::new(NotBlack),
        recognizer: Box::new(MeanColour(Arc::new(contract))),
        engine: EngineKind::BuiltIn,
        bundle: "painted".to_owned(),
    }
}

/// Sees one face in every picture that is not black.
struct NotBlack;

impl Detector for NotBlack {
    fn name(&self) -> &str {
        "not-black"
    }

    fn detect(&mut self, picture: PictureView<'_>) -> Result<Vec<Detection>, EngineError> {
        let whole = picture.to_rgb();
        let picture = whole.view();
        let face = Rect { left: 0.0, top: 0.0, width: picture.width as f32, height: picture.height as f32 };
        let points = [Point { x: 1.0, y: 1.0 }; 5];
        let seen = picture.row(0).iter().any(|&value| value > 0);
        Ok(if seen { vec![Detection { face, confidence: 0.9, points }] } else { Vec::new() })
    }

    /// It keeps nothing of a picture.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Takes the colour of the first pixel for a template.
struct MeanColour(Arc<Contract>);

impl Recognizer for MeanColour {
    fn contract(&self) -> &Arc<Contract> {
        &self.0
    }

    fn align(&self, picture: RgbView<'_>, _: &Detection) -> Chip {
        Chip::from_rgb(1, picture.row(0)[..3].to_vec()).expect("one pixel")
    }

    fn embed(&mut self, chips: &[Chip]) -> Result<Vec<Template>, EngineError> {
        let values = |chip: &Chip| chip.pixels().iter().map(|&value| f32::from(value)).collect();
        Ok(chips.iter().filter_map(|chip| Template::new(self.0.clone(), values(chip))).collect())
    }

    /// It keeps nothing of a face.
    fn forget(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Checks a value against the part of JSON Schema that the published form uses.
fn conform(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).expect("a definition"),
        None => schema,
    };
    let mut refuse = |broken: bool, rule: &str| {
        if broken {
            wrong.push(format!("{at}: {rule}"));
        }
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    refuse(!types.is_empty() && !types.iter().any(|name| is_a(name, value)), "has another type");
    refuse(schema.get("const").is_some_and(|only| only != value), "is not the constant");
    refuse(schema["enum"].as_array().is_some_and(|choices| !choices.contains(value)), "is none of the choices");
    if let Some(number) = value.as_f64() {
        refuse(schema["minimum"].as_f64().is_some_and(|least| number < least), "is too small");
        refuse(schema["maximum"].as_f64().is_some_and(|most| number > most), "is too large");
    }
    if let Some(items) = value.as_array() {
        refuse(schema["minItems"].as_u64().is_some_and(|least| (items.len() as u64) < least), "has too few items");
        refuse(schema["maxItems"].as_u64().is_some_and(|most| items.len() as u64 > most), "has too many items");
        for (number, item) in items.iter().enumerate() {
            conform(root, &schema["items"], item, &format!("{at}[{number}]"), wrong);
        }
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                wrong.push(format!("{at}: {name} is missing"));
            }
        }
        for (name, member) in members {
            match schema["properties"].get(name) {
                Some(part) => conform(root, part, member, &format!("{at}.{name}"), wrong),
                None if schema["additionalProperties"] == false => {
                    wrong.push(format!("{at}: {name} is not in the form"))
                }
                None => {}
            }
        }
    }
}

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    }
}
