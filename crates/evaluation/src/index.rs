//! The index of a test set: which picture shows whom, and to which groups the person said to belong.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::EvaluationError;

/// The most pictures in one set: their pairs (32 million) are held in memory, 4 bytes each, and written to a file.
pub const PICTURES_MAX: usize = 8_000;
/// The most bytes of an index file.
const INDEX_BYTES_MAX: u64 = 16 << 20;
/// The most group columns: every column, and every two of them together, is measured.
const GROUP_COLUMNS_MAX: usize = 8;
/// How many missing or repeated pictures an error names.
const NAMED_MAX: usize = 5;
/// The group of people whose cell is empty: they are counted, not hidden.
const NOT_STATED: &str = "(not stated)";

/// A test set as its index describes it. People are numbers here; their names stay in the file.
#[derive(Clone, Debug)]
pub struct Index {
    /// One row for each picture, in the order of the file.
    pub rows: Vec<Row>,
    /// Number of different people.
    pub identities: usize,
    /// Headings of the group columns.
    pub group_columns: Vec<String>,
}

/// One picture of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it lies, from the folder of pictures.
    pub path: String,
    /// Which person it shows, from 0 in order of appearance.
    pub identity: usize,
    /// One value for each group column.
    pub groups: Vec<String>,
}

impl Index {
    /// Reads an index file: a heading `path,identity[,group…]`, then one line for each picture.
    pub fn open(path: &Path) -> Result<Self, EvaluationError> {
        let refuse = |found: String, next| EvaluationError::Index { path: path.to_owned(), found, next };
        let file = std::fs::File::open(path).map_err(|e| refuse(e.to_string(), "name a CSV file that exists"))?;
        let mut text = Vec::new();
        let read = file.take(INDEX_BYTES_MAX + 1).read_to_end(&mut text);
        read.map_err(|e| refuse(e.to_string(), "name a CSV file that can be read"))?;
        if text.len() as u64 > INDEX_BYTES_MAX {
            return Err(refuse(format!("more than {INDEX_BYTES_MAX} bytes"), "evaluate a smaller set"));
        }
        Self::parse(&text).map_err(|(found, next)| refuse(found, next))
    }

    /// Reads an index from its bytes; the error is what was found and what to do.
    pub fn parse(text: &[u8]) -> Result<Self, (String, &'static str)> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let header = reader.headers().map_err(|e| (e.to_string(), "write it as CSV in UTF-8"))?.clone();
        let columns = Columns::find(&header)?;
        let mut index = Self { rows: Vec::new(), identities: 0, group_columns: columns.names(&header) };
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(|e| (e.to_string(), "give every line as many cells as the heading"))?;
            let line = record.position().map_or(0, csv::Position::line);
            if index.rows.len() == PICTURES_MAX {
                return Err((format!("more than {PICTURES_MAX} pictures"), "evaluate a smaller set"));
            }
            let (path, identity) = (record[columns.path].to_owned(), &record[columns.identity]);
            if path.is_empty() || identity.is_empty() {
                return Err((format!("line {line} has no path or no identity"), "fill or remove the line"));
            }
            let next = numbers.len();
            let identity = *numbers.entry(identity.to_owned()).or_insert(next);
            let groups = columns.groups.iter().map(|&column| stated(&record[column])).collect();
            index.rows.push(Row { path, identity, groups });
        }
        index.identities = numbers.len();
        if index.rows.is_empty() {
            return Err(("no line below the heading".to_owned(), "add one line for each picture"));
        }
        Ok(index)
    }

    /// Finds every picture of the index below a folder. Missing and repeated files are refused before anything is measured.
    pub fn locate(&self, folder: &Path) -> Result<Vec<PathBuf>, EvaluationError> {
        let refuse = |found: String, next| EvaluationError::Pictures { path: folder.to_owned(), found, next };
        if !folder.is_dir() {
            return Err(refuse("it is not a folder".to_owned(), "name the folder the index paths start from"));
        }
        let mut files = Vec::with_capacity(self.rows.len());
        let (mut missing, mut repeated, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for row in &self.rows {
            match folder.join(&row.path).canonicalize().ok().filter(|file| file.is_file()) {
                None => missing.push(row.path.as_str()),
                Some(file) if !seen.insert(file.clone()) => repeated.push(row.path.as_str()),
                Some(file) => files.push(file),
            }
        }
        if !missing.is_empty() {
            let found = format!("{} of {} files are missing: {}", missing.len(), self.rows.len(), some(&missing));
            return Err(refuse(found, "correct the index or the folder"));
        }
        if !repeated.is_empty() {
            let found = format!("{} lines name a file a second time: {}", repeated.len(), some(&repeated));
            return Err(refuse(found, "keep one line for each picture"));
        }
        Ok(files)
    }
}

/// Where the columns stand in the heading.
struct Columns {
    path: usize,
    identity: usize,
    groups: Vec<usize>,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, (String, &'static str)> {
        let next = "begin the file with the heading path,identity and any group columns";
        let place = |name: &str| {
            header.iter().position(|cell| cell.eq_ignore_ascii_case(name)).ok_or_else(|| {
                let cells: Vec<&str> = header.iter().take(GROUP_COLUMNS_MAX).collect();
                (format!("no column `{name}` in the heading `{}`", cells.join(",")), next)
            })
        };
        let (path, identity) = (place("path")?, place("identity")?);
        let groups: Vec<usize> = (0..header.len()).filter(|&column| column != path && column != identity).collect();
        if groups.len() > GROUP_COLUMNS_MAX {
            let found = format!("{} group columns, at most {GROUP_COLUMNS_MAX} are allowed", groups.len());
            return Err((found, "keep the columns you want measured"));
        }
        let names: HashSet<&str> = header.iter().collect();
        if names.len() != header.len() || names.contains("") {
            return Err(("two columns with one name, or a column without".to_owned(), "name every column differently"));
        }
        Ok(Self { path, identity, groups })
    }

    fn names(&self, header: &csv::StringRecord) -> Vec<String> {
        self.groups.iter().map(|&column| header[column].to_owned()).collect()
    }
}

fn stated(cell: &str) -> String {
    if cell.is_empty() { NOT_STATED.to_owned() } else { cell.to_owned() }
}

fn some(paths: &[&str]) -> String {
    let named = paths.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    if paths.len() > NAMED_MAX { format!("{named}, …") } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_become_numbers_and_other_columns_groups() {
        let text =
            "\u{feff}identity, path ,gender,region\nann,a/1.png,f,north\nben,b.png,,south\nann,a/2.png,f,north\n";
        let index = Index::parse(text.as_bytes()).expect("a good index");
        assert_eq!(index.identities, 2);
        assert_eq!(index.group_columns, ["gender", "region"]);
        let groups = vec![NOT_STATED.to_owned(), "south".to_owned()];
        assert_eq!(index.rows[1], Row { path: "b.png".to_owned(), identity: 1, groups });
        assert_eq!(index.rows[2].identity, 0);
    }

    #[test]
    fn an_unusable_index_is_refused_with_its_reason() {
        let cases = [
            ("", "no column `path`"),
            ("path,person\na,b\n", "no column `identity`"),
            ("path,identity\n", "no line below"),
            ("path,identity\na.png,\n", "line 2 has no path or no identity"),
            ("path,identity\na.png,1,2\n", "found record with 3 fields"),
            ("path,identity,g,g\na,b,c,d\n", "two columns with one name"),
            ("path,identity,1,2,3,4,5,6,7,8,9\n", "9 group columns"),
            ("path,identity\na\u{0},b\n\u{ff}", "found record with 1 field"),
        ];
        for (text, expected) in cases {
            let (found, _) = Index::parse(text.as_bytes()).expect_err(text);
            assert!(found.contains(expected), "{text:?}: {found}");
        }
        assert!(Index::parse(b"path,identity\n\xff\xfe,b\n").is_err());
    }

    #[test]
    fn missing_and_repeated_files_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.png"), b"x").expect("written");
        let index = Index::parse(b"path,identity\na.png,1\nb.png,1\n").expect("a good index");
        let error = index.locate(folder.path()).expect_err("missing").to_string();
        assert!(error.contains("1 of 2 files are missing: b.png"), "{error}");
        let index = Index::parse(b"path,identity\na.png,1\n./a.png,2\n").expect("a good index");
        let error = index.locate(folder.path()).expect_err("repeated").to_string();
        assert!(error.contains("a second time: ./a.png"), "{error}");
        let error = index.locate(&folder.path().join("none")).expect_err("no folder");
        assert!(error.is_callers());
    }
}
