//! What a run measures of itself: every name is on the page that lists them, and what is counted of each camera adds up.

#[allow(dead_code, reason = "the drawn place can do more than is needed here")]
#[path = "standing/scene.rs"]
mod scene;

use std::collections::BTreeMap;

use pipeline::Stage;
use scene::{LISTED, NOBODY, Place};

const PAGE: &str = include_str!("../../../docs/reference/metrics.md");

/// Kind and labels of each metric, by name.
type Metrics = BTreeMap<String, (String, Vec<String>)>;

/// As the page lists them: `name{label,label}`, then the kind.
fn listed() -> Metrics {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `overt_"));
    let metric = |row: &str| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let names = cells[1].trim_matches('`');
        let (name, labels) = names.split_once('{').unwrap_or((names, ""));
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        assert!(cells.len() > 5 && !cells[3].is_empty() && !cells[4].is_empty(), "unit and meaning: {row}");
        (name.to_owned(), (cells[2].to_owned(), labels.map(str::to_owned).collect()))
    };
    rows.map(metric).collect()
}

/// As a monitor reads them.
fn told(text: &str) -> Metrics {
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let metric = |(family, kind): (&str, &str)| {
        let sample = match kind {
            "counter" => format!("{family}_total"),
            "histogram" => format!("{family}_count"),
            _ => family.to_owned(),
        };
        let line =
            text.lines().find(|line| line.strip_prefix(&sample).is_some_and(|rest| rest.starts_with([' ', '{'])));
        let line = line.unwrap_or_else(|| panic!("a sample of {sample} in {text}"));
        let labels = line.split_once('{').map_or("", |(_, rest)| rest.split_once('}').expect("closed").0);
        let labels = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned())).collect();
        let name = if kind == "counter" { sample } else { family.to_owned() };
        (name, (kind.to_owned(), labels))
    };
    kinds.map(metric).collect()
}

fn value(text: &str, sample: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{sample} in {text}")).parse().expect("a number")
}

#[test]
fn the_page_lists_every_metric_with_its_kind_and_labels_and_no_other() {
    let place = Place::new();
    let watched = place.run("listed", &[Some(LISTED); 6], &[]);
    assert_eq!(watched.running.wait().stage, Stage::Ended);
    assert_eq!(told(&watched.running.metrics()), listed());
}

#[test]
fn what_is_counted_of_a_camera_is_what_the_receipts_count() {
    let place = Place::new();
    let passage = |head| [vec![Some(head); 6], vec![None; 12]].concat();
    let watched = place.run("counted", &[passage(LISTED), passage(NOBODY), passage(LISTED)].concat(), &[]);
    let status = watched.running.wait();
    assert_eq!(status.stage, Stage::Ended);
    let of = &status.cameras[0];
    assert_eq!((of.counts, of.passages), (status.counts, status.passages));
    // Three people, each large and sharp, six views each of which every one could have been compared early.
    assert_eq!((of.counts.faces_seen, of.counts.alerts_kept, of.passages, of.passages_usable), (3, 2, 3, 3));
    let text = watched.running.metrics();
    assert_eq!(value(&text, "overt_camera_passages_total{camera=\"c1\",usable=\"yes\"}"), 3.0);
    assert_eq!(value(&text, "overt_camera_passages_total{camera=\"c1\",usable=\"no\"}"), 0.0);
    assert_eq!(value(&text, "overt_passage_promising_views_sum{camera=\"c1\"}"), 18.0);
    assert_eq!(value(&text, "overt_alert_latency_seconds_count{camera=\"c1\"}"), 2.0);
    let stage = |stage: &str| value(&text, &format!("overt_stage_seconds_count{{camera=\"c1\",stage=\"{stage}\"}}"));
    assert_eq!((stage("examine"), stage("record"), stage("picture")), (54.0, 2.0, 0.0));
    assert_eq!((stage("embed"), stage("search")), (of.counts.templates_made as f64, of.counts.templates_made as f64));
    assert_eq!(value(&text, "overt_frame_age_seconds_count{camera=\"c1\"}"), 54.0);
    let queue =
        ["overt_camera_frames_waiting", "overt_camera_frames_held"].map(|name| format!("{name}{{camera=\"c1\"}}"));
    assert_eq!(queue.map(|name| value(&text, &name)), [0.0, 0.0], "nothing is left when it is over");
}
