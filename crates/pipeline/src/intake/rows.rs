//! The rows of an intake file (CSV): read whole, checked whole, and every fault told with its row.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path};

use domain::watchlist::TEXT_CHARS_MAX;
use domain::{Age, EntryFacts, Origin, Plan, Policy, Reference, Refusal, Retention, ShareId};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Most bytes of an intake file.
pub const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most rows of an intake file.
pub const ROWS_MAX: usize = 10_000;
/// The columns, in their order. The heading must be exactly these.
pub const COLUMNS: [&str; 12] = [
    "reference",
    "label",
    "image",
    "ground",
    "image_source",
    "supplier",
    "legal_basis",
    "image_date",
    "retention",
    "born",
    "protected",
    "share",
];
/// Most faults that are told of one file; the rest are counted.
const FAULTS_MAX: usize = 1_000;

/// One row without a fault: an image of a person who may be listed. The date of birth is an age here already.
#[derive(Debug)]
pub struct Row {
    /// Its number in the file; the heading is number 1.
    pub number: u64,
    /// The person's reference outside.
    pub reference: Reference,
    /// The image's file name, which leads to no other folder.
    pub image: String,
    /// What is known.
    pub facts: EntryFacts,
}

/// What is wrong with a row. Holds no text of the row but a word of a vocabulary that is not in the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// The row's number in the file; the heading is number 1, and 0 is the file itself.
    pub row: u64,
    /// The column, where it is one column's.
    pub column: Option<&'static str>,
    /// What is wrong with it, as a sentence.
    pub wrong: String,
}

impl fmt::Display for RowFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.row, self.column) {
            (0, _) => write!(out, "the file: {}", self.wrong),
            (row, Some(column)) => write!(out, "row {row}, {column}: {}", self.wrong),
            (row, None) => write!(out, "row {row}: {}", self.wrong),
        }
    }
}

/// Every row, or every fault of every row.
pub fn read(file: &[u8], plan: &Plan, policy: &Policy, now: Timestamp) -> Result<Vec<Row>, Vec<RowFault>> {
    let of_file = |wrong: &str| vec![RowFault { row: 0, column: None, wrong: wrong.to_owned() }];
    if file.len() > FILE_BYTES_MAX {
        return Err(of_file(&format!("it has more than {FILE_BYTES_MAX} bytes; split it")));
    }
    if std::str::from_utf8(file).is_err() {
        return Err(of_file("it is not UTF-8; export it again as UTF-8"));
    }
    // A byte-order mark, as spreadsheets write it, says nothing.
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut read = Read { rows: Vec::new(), faults: Vec::new(), faults_untold: 0 };
    for (position, record) in reader.records().enumerate() {
        // The line on which it begins: empty lines count, as in the editor in which it will be mended.
        let line = record.as_ref().ok().and_then(|record| record.position()).map(csv::Position::line);
        let number = line.unwrap_or(position as u64 + 1);
        match record {
            Ok(record) if position == 0 => {
                if record.iter().ne(COLUMNS) {
                    return Err(of_file(&format!("its heading is not {}", COLUMNS.join(","))));
                }
            }
            Ok(_) if position > ROWS_MAX => {
                return Err(of_file(&format!("it has more than {ROWS_MAX} rows; split it")));
            }
            Ok(record) => read.row(number, &record, plan, policy, now),
            Err(_) => read.tell(number, None, "it cannot be read as comma-separated values".into()),
        }
    }
    read.check_people(policy);
    read.finish()
}

/// What was read so far.
struct Read {
    rows: Vec<Row>,
    faults: Vec<RowFault>,
    faults_untold: u64,
}

impl Read {
    fn tell(&mut self, row: u64, column: Option<&'static str>, wrong: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(RowFault { row, column, wrong });
        } else {
            self.faults_untold += 1;
        }
    }

    fn row(&mut self, number: u64, record: &csv::StringRecord, plan: &Plan, policy: &Policy, now: Timestamp) {
        if record.len() != COLUMNS.len() {
            let wrong = format!("it has {} fields, {} are needed", record.len(), COLUMNS.len());
            return self.tell(number, None, wrong);
        }
        let faults_before = self.faults.len() as u64 + self.faults_untold;
        for (text, column) in record.iter().zip(COLUMNS) {
            if text.chars().any(char::is_control) {
                self.tell(number, Some(column), "it holds control characters; remove them".into());
            } else if text.chars().count() > TEXT_CHARS_MAX {
                self.tell(number, Some(column), format!("it is longer than {TEXT_CHARS_MAX} characters; shorten it"));
            }
        }
        let field = |column: &str| COLUMNS.iter().position(|name| *name == column).map_or("", |at| record[at].trim());
        let today = now.to_zoned(TimeZone::UTC).date();
        let image_date = field("image_date").parse::<Date>().ok();
        let retention = Retention::from_text(field("retention"));
        let born = Born::read(field("born"), today);
        let reference = Reference::new(field("reference"));
        let origin = origin(field("share"));
        for (column, missing, wrong) in [
            ("image_date", image_date.is_none(), "it is no date such as 2026-11-22"),
            (
                "retention",
                retention.is_none(),
                "it is none of: retained, retained until a date, under review, due for deletion",
            ),
            ("born", born.is_none(), "it is no past date such as 1990-05-01, no year, and not the word unknown"),
            ("reference", reference.is_err(), "it has fewer than 4 or more than 200 letters and digits"),
            ("share", origin.is_none(), "it is no name of a share"),
            ("image", !is_file_name(field("image")), "it is no plain file name"),
        ] {
            if missing {
                self.tell(number, Some(column), wrong.into());
            }
        }
        let (Some(image_date), Some(retention), Some(born), Ok(reference), Some(origin)) =
            (image_date, retention, born, reference, origin)
        else {
            return;
        };
        let facts = EntryFacts {
            label: field("label").into(),
            ground: field("ground").into(),
            image_source: field("image_source").into(),
            supplier: field("supplier").into(),
            legal_basis: field("legal_basis").into(),
            image_date,
            origin,
            retention,
            age_at_image: born.age(image_date),
            age: born.age(today),
            protected: Some(field("protected")).filter(|word| !word.is_empty()).map(str::to_owned),
        };
        if let Err(refusal) = facts.check(policy, plan, now) {
            self.tell(number, column_of(&refusal), refusal.to_string());
        }
        if self.faults.len() as u64 + self.faults_untold == faults_before {
            self.rows.push(Row { number, reference, image: field("image").into(), facts });
        }
    }

    /// What can be wrong only between rows: one person entered in two ways, or too often; one image twice.
    fn check_people(&mut self, policy: &Policy) {
        let mut faults = Vec::new();
        let mut by_reference: BTreeMap<&Reference, (&Row, u32)> = BTreeMap::new();
        let mut by_label: BTreeMap<&str, &Row> = BTreeMap::new();
        let mut images: BTreeMap<(&Reference, &str), u64> = BTreeMap::new();
        for row in &self.rows {
            let (first, count) = by_reference.entry(&row.reference).or_insert((row, 0));
            *count += 1;
            if !same_person(first, row) {
                faults.push((row.number, format!("row {} enters the same reference in another way", first.number)));
            }
            if *count == policy.images_per_person_max.saturating_add(1) {
                let most = policy.images_per_person_max;
                faults.push((row.number, format!("the policy allows {most} images of one person; leave this one out")));
            }
            let named = by_label.entry(&row.facts.label).or_insert(row);
            if named.reference != row.reference {
                faults.push((row.number, format!("row {} gives the same label to another reference", named.number)));
            }
            if let Some(other) = images.insert((&row.reference, &row.image), row.number) {
                faults.push((row.number, format!("row {other} is the same image of the same person")));
            }
        }
        let (people, most) = (by_reference.len(), policy.watchlist_people_max as usize);
        if people > most {
            faults.push((0, format!("it names {people} people and the policy allows {most}; review it")));
        }
        for (row, wrong) in faults {
            self.tell(row, None, wrong);
        }
    }

    fn finish(mut self) -> Result<Vec<Row>, Vec<RowFault>> {
        if self.faults_untold > 0 {
            let wrong = format!("{} more faults are not told", self.faults_untold);
            self.faults.push(RowFault { row: 0, column: None, wrong });
        }
        self.faults.sort_by_key(|fault| fault.row);
        match (self.faults.is_empty(), self.rows.is_empty()) {
            (true, false) => Ok(self.rows),
            (true, true) => Err(vec![RowFault { row: 0, column: None, wrong: "it has no rows".into() }]),
            (false, _) => Err(self.faults),
        }
    }
}

/// Whether two rows of one reference say the same of the person.
fn same_person(one: &Row, other: &Row) -> bool {
    let said =
        |row: &Row| (row.facts.label.clone(), row.facts.ground.clone(), row.facts.age, row.facts.protected.clone());
    said(one) == said(other)
}

/// When somebody was born, as far as it is known. Turned into ages, and never kept.
enum Born {
    On(Date),
    Unknown,
}

impl Born {
    /// A date, a year or `unknown`. Of a year the last day is taken: the person is at least so old.
    fn read(text: &str, today: Date) -> Option<Self> {
        if text == "unknown" {
            return Some(Self::Unknown);
        }
        let of_year = || Date::new(text.parse().ok().filter(|year| *year > 1800)?, 12, 31).ok();
        let date = match text.len() {
            4 => of_year(),
            _ => text.parse().ok(),
        };
        date.filter(|date| *date <= today).map(Self::On)
    }

    fn age(&self, on: Date) -> Age {
        match self {
            Self::On(born) => Age::between(*born, on),
            Self::Unknown => Age::Unknown,
        }
    }
}

/// Whose image it is: the force's own, where no share is named.
fn origin(share: &str) -> Option<Origin> {
    if share.is_empty() { Some(Origin::Own) } else { ShareId::new(share).ok().map(Origin::Share) }
}

/// Whether a text names a file of a folder and nothing outside it.
fn is_file_name(text: &str) -> bool {
    let mut parts = Path::new(text).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name.to_str() == Some(text))
        && !text.contains('\\')
}

/// The column that a refusal is about, where it is one.
fn column_of(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::GroundNotInPolicy { .. } => Some("ground"),
        Refusal::ProtectionNotInPolicy { .. } => Some("protected"),
        Refusal::ImageFromTheFuture { .. } | Refusal::ImageTooOld { .. } => Some("image_date"),
        Refusal::ImageNotRetained { .. } => Some("retention"),
        Refusal::AgesContradict => Some("born"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::tests::{now, plan, policy};

    const GOOD: &str = "AB 12 3456,subject 1,one.png,exercise subject,custody record,custody suite,the law,2026-01-02,retained,1990-05-01,,";

    fn file(rows: &[&str]) -> String {
        format!("{}\n{}\n", COLUMNS.join(","), rows.join("\n"))
    }

    fn faults(text: &str) -> Vec<String> {
        let faults = read(text.as_bytes(), &plan(), &policy(), now()).err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_row_becomes_an_entry_and_a_date_of_birth_an_age() {
        let text = format!("\u{feff}{}", file(&[GOOD, &GOOD.replace("one.png", "two.png")]));
        let rows = read(text.as_bytes(), &plan(), &policy(), now()).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].number, rows[0].image.as_str()), (2, "one.png"));
        assert_eq!(rows[0].facts.age, Age::AtLeast(36));
        assert_eq!(rows[0].facts.age_at_image, Age::AtLeast(35));
        let year = read(file(&[&GOOD.replace("1990-05-01", "1990")]).as_bytes(), &plan(), &policy(), now()).unwrap();
        assert_eq!(year[0].facts.age, Age::AtLeast(35), "born at the end of the year at the latest");
        let unknown = read(file(&[&GOOD.replace("1990-05-01", "unknown")]).as_bytes(), &plan(), &policy(), now());
        assert_eq!(unknown.unwrap()[0].facts.age, Age::Unknown);
    }

    #[test]
    fn every_fault_of_every_row_is_told_at_once_and_none_names_anybody() {
        let bad = [
            &GOOD.replace("exercise subject,custody", "wanted,custody"),
            &GOOD.replace("2026-01-02", "2 January").replace("retained", "kept"),
            &GOOD.replace("one.png", "../one.png"),
            &GOOD.replace("1990-05-01", "2090-05-01"),
            &GOOD.replace("AB 12 3456", "-"),
            &GOOD.replace("subject 1", "sub\u{7}ject"),
            &GOOD.replace("the law", " "),
            &GOOD.replace("retained", "due for deletion").replace("1990-05-01,,", "1990-05-01,,No Share"),
            "too,few",
        ];
        let told = faults(&file(&bad.map(|row| -> &str { row })));
        for (row, column) in [
            (2, "ground"),
            (3, "image_date"),
            (3, "retention"),
            (4, "image"),
            (5, "born"),
            (6, "reference"),
            (7, "label"),
            (9, "share"),
        ] {
            let expected = format!("row {row}, {column}: ");
            assert!(told.iter().any(|fault| fault.starts_with(&expected)), "{expected}: {told:#?}");
        }
        assert!(told.iter().any(|fault| fault.starts_with("row 8: the watchlist entry lacks")), "{told:#?}");
        assert!(told.iter().any(|fault| fault.starts_with("row 10: it has 2 fields, 12 are needed")), "{told:#?}");
        for personal in ["3456", "subject 1", "2090", "one.png"] {
            assert!(told.iter().all(|fault| !fault.contains(personal)), "{personal}: {told:#?}");
        }
    }

    #[test]
    fn one_person_is_entered_in_one_way() {
        let with = |from: &str, to: &str| GOOD.replace("one.png", "two.png").replace(from, to);
        for (second, expected) in [
            (with("subject 1", "subject 2"), "row 2 enters the same reference in another way"),
            (with("1990-05-01", "1980-05-01"), "row 2 enters the same reference in another way"),
            (with("AB 12 3456", "AB 12 9999"), "row 2 gives the same label to another reference"),
            (GOOD.to_owned(), "row 2 is the same image of the same person"),
        ] {
            let told = faults(&file(&[GOOD, &second]));
            assert!(told.len() == 1 && told[0].ends_with(expected), "{expected}: {told:?}");
        }
        let many: Vec<String> =
            (0..=policy().images_per_person_max).map(|at| with("two.png", &format!("{at}.png"))).collect();
        let told = faults(&file(&many.iter().map(String::as_str).collect::<Vec<_>>()));
        assert!(told.len() == 1 && told[0].contains("images of one person"), "{told:?}");
    }

    #[test]
    fn a_file_that_is_not_one_is_refused_whole() {
        for (text, expected) in [
            (String::new(), "it has no rows"),
            (COLUMNS.join(","), "it has no rows"),
            (format!("name,{}\n{GOOD}", COLUMNS.join(",")), "its heading is not reference,label"),
            ("x".repeat(FILE_BYTES_MAX + 1), "bytes; split it"),
            (file(&vec!["a"; ROWS_MAX + 1]), "rows; split it"),
        ] {
            let told = faults(&text);
            assert!(told.len() == 1 && told[0].contains(expected), "{expected}: {:?}", told.first());
        }
        let told = read(b"\xff\xfe", &plan(), &policy(), now()).unwrap_err();
        assert!(told[0].to_string().contains("UTF-8"));
        let told = faults(&file(&vec!["a"; ROWS_MAX]));
        assert_eq!(told.len(), FAULTS_MAX + 1);
        assert!(told[0].contains(&format!("{} more faults", ROWS_MAX - FAULTS_MAX)), "{}", told[0]);
    }
}
