//! Everything that is told to a log, gathered word by word, and held to a list of what may be told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_global_default;
use tracing::{Event, Metadata, Subscriber};

/// Lines kept: more, and a test tells far more than it means to.
const LINES_MAX: usize = 200_000;

/// One span or event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it comes from, such as `overt::run`.
    pub target: String,
    /// `info` and its kin.
    pub level: String,
    /// The name of a span, or what an event says.
    pub name: String,
    /// Its fields.
    pub fields: BTreeMap<String, Value>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, or yes or no.
    Number,
    /// Text.
    Text(String),
    /// Anything else, as it prints itself.
    Other(String),
}

/// What was told by this process, from all threads.
#[derive(Clone, Default)]
pub struct Told(Arc<Gathered>);

#[derive(Default)]
struct Gathered {
    lines: Mutex<Vec<Line>>,
    spans: AtomicU64,
}

impl Told {
    /// Gathers, from now on, all that this process tells, at every level. Once in a process.
    pub fn gather() -> Self {
        let told = Self::default();
        assert!(set_global_default(told.clone()).is_ok(), "somebody else gathers already");
        told
    }

    /// What was told so far by us; what other libraries say of themselves, nobody hears.
    pub fn lines(&self) -> Vec<Line> {
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.target.starts_with("overt")).cloned().collect()
    }

    fn keep(&self, metadata: &Metadata<'_>, words: Words) {
        let name = words.message.unwrap_or_else(|| metadata.name().to_owned());
        let level = metadata.level().to_string().to_lowercase();
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(lines.len() < LINES_MAX, "more is told than anybody could read");
        lines.push(Line { target: metadata.target().to_owned(), level, name, fields: words.fields });
    }
}

impl Subscriber for Told {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut words = Words::default();
        attributes.record(&mut words);
        self.keep(attributes.metadata(), words);
        Id::from_u64(1 + self.0.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, record: &Record<'_>) {
        let mut words = Words::default();
        record.record(&mut words);
        assert!(words.fields.is_empty(), "fields that come later are not held to the list: {words:?}");
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        self.keep(event.metadata(), words);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Debug, Default)]
struct Words {
    message: Option<String>,
    fields: BTreeMap<String, Value>,
}

impl Words {
    fn put(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Words {
    fn record_f64(&mut self, field: &Field, _: f64) {
        self.put(field, Value::Number);
    }

    fn record_i64(&mut self, field: &Field, _: i64) {
        self.put(field, Value::Number);
    }

    fn record_u64(&mut self, field: &Field, _: u64) {
        self.put(field, Value::Number);
    }

    fn record_bool(&mut self, field: &Field, _: bool) {
        self.put(field, Value::Number);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = Some(format!("{value:?}"));
        } else {
            self.put(field, Value::Other(format!("{value:?}")));
        }
    }
}

/// What may be told: the table of `docs/reference/metrics.md`, by target and name.
pub struct Listed(BTreeMap<(String, String), (String, BTreeSet<String>)>);

impl Listed {
    /// Reads the rows of a page that begin with a target of ours: target, level, what is told, fields.
    pub fn read(page: &str) -> Self {
        let mut listed = BTreeMap::new();
        for row in page.lines().filter(|line| line.starts_with("| `overt::")) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [target, level, name, fields, ..] = cells.as_slice() else { panic!("four cells: {row}") };
            // What stands in a cell between its first two marks, or all of it.
            let bare = |cell: &str| cell.split('`').nth(1).unwrap_or(cell).to_owned();
            let fields = fields.split(", ").filter(|field| *field != "-").map(bare).collect();
            assert!(listed.insert((bare(target), bare(name)), (bare(level), fields)).is_none(), "twice: {row}");
        }
        assert!(!listed.is_empty(), "a list of what may be told");
        Self(listed)
    }

    /// Everything that was told and is not listed, in words. Text must be one of these `words`.
    pub fn unlisted(&self, told: &[Line], words: &[&str]) -> BTreeSet<String> {
        told.iter().flat_map(|line| self.faults(line, words)).collect()
    }

    /// What is listed for these targets and was never told.
    pub fn untold(&self, told: &[Line], targets: &[&str]) -> BTreeSet<String> {
        let told: BTreeSet<_> = told.iter().map(|line| (line.target.clone(), line.name.clone())).collect();
        let asked = self.0.keys().filter(|(target, _)| targets.contains(&target.as_str()));
        asked.filter(|key| !told.contains(key)).map(|(target, name)| format!("{target} {name}")).collect()
    }

    fn faults(&self, line: &Line, words: &[&str]) -> Vec<String> {
        let Some((level, fields)) = self.0.get(&(line.target.clone(), line.name.clone())) else {
            return vec![format!("not listed: {line:?}")];
        };
        let mut faults = Vec::new();
        if *level != line.level {
            faults.push(format!("listed as {level}: {line:?}"));
        }
        for (field, value) in &line.fields {
            let known = match value {
                Value::Number => true,
                Value::Text(text) => words.contains(&text.as_str()),
                Value::Other(_) => false,
            };
            if !fields.contains(field) || !known {
                faults.push(format!("{field} is not listed, or not with this value: {line:?}"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "| target | level | what | fields |\n| `overt::run` | info | `ended` (span) | `faces`, `by` |\n";

    fn line(name: &str, field: &str, value: Value) -> Line {
        let fields = BTreeMap::from([(field.to_owned(), value)]);
        Line { target: "overt::run".into(), level: "info".into(), name: name.into(), fields }
    }

    #[test]
    fn what_is_not_on_the_list_is_found() {
        let listed = Listed::read(PAGE);
        let unlisted = |line: Line| listed.unlisted(&[line], &["officer"]).len();
        assert_eq!(unlisted(line("ended", "faces", Value::Number)), 0);
        assert_eq!(unlisted(line("ended", "by", Value::Text("officer".into()))), 0);
        assert_eq!(unlisted(line("ended", "by", Value::Text("Jane Doe".into()))), 1);
        assert_eq!(unlisted(line("ended", "by", Value::Other("officer".into()))), 1);
        assert_eq!(unlisted(line("ended", "score", Value::Number)), 1);
        assert_eq!(unlisted(line("matched", "faces", Value::Number)), 1);
        assert_eq!(unlisted(Line { level: "warn".into(), ..line("ended", "faces", Value::Number) }), 1);
        assert_eq!(listed.untold(&[], &["overt::run"]).len(), 1);
        assert_eq!(listed.untold(&[line("ended", "faces", Value::Number)], &["overt::run"]).len(), 0);
    }
}
