//! House rules that neither the compiler nor its linter knows; CONTRIBUTING.md says what they are for.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::markdown;
use crate::ratchet::{self, Overlong, Ratchets};
use crate::report::Finding;
use crate::source;

const FILE_LINES_MAX: usize = 600;
const FILE_LINES_USUAL: usize = 450;
const FUNCTION_LINES_MAX: usize = 70;

/// Words that name no thing: what carries them has not been thought through yet.
const EMPTY_WORDS: [&str; 8] = ["manager", "managers", "handler", "handlers", "helper", "helpers", "util", "utils"];

/// Places of one machine, which mean nothing on another.
const MACHINE_FOLDERS: [&str; 4] = ["home", "root", "work", "Users"];

/// Hosts of package registries: clients are configured by their users, so no file may insist on one. Spelt in halves
/// because this file is searched too.
const REGISTRY_HOSTS: [&str; 5] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".com"),
    concat!("npmjs", ".org"),
];

/// Written by tools, with the registry's name in it.
const GENERATED: [&str; 1] = ["Cargo.lock"];

/// Pictures are not kept under version control, because they might show people; an exception is listed here with what it shows.
const PICTURES_ALLOWED: [&str; 0] = [];
const PICTURE_ENDINGS: [&str; 14] =
    ["avif", "bmp", "gif", "heic", "jpeg", "jpg", "mkv", "mp4", "pgm", "png", "pnm", "ppm", "tiff", "webp"];

const GLOSSARY_HEADER: [&str; 2] = ["word", "meaning"];

/// What was found.
pub(crate) struct Tidiness {
    /// Each one is wrong.
    pub(crate) findings: Vec<Finding>,
    /// Files longer than usual, longest first; not wrong.
    pub(crate) long_files: Vec<(usize, String)>,
    pub(crate) files: usize,
}

/// A text file of the repository.
struct Page {
    /// Relative to the repository, with `/`.
    path: String,
    text: String,
}

/// Applies every rule to every file that git tracks or would track.
pub(crate) fn check(root: &Path) -> Result<Tidiness> {
    let paths = tracked_paths(root)?;
    let pages: Vec<Page> = paths.iter().filter_map(|path| page(root, path)).collect();
    let rust = || pages.iter().filter(|page| page.path.ends_with(".rs"));

    let mut findings: Vec<Finding> = paths.iter().filter_map(|path| picture(path)).collect();
    for page in pages.iter().filter(|page| !GENERATED.contains(&page.path.as_str())) {
        findings.extend(foreign_words(page));
    }
    for page in rust() {
        findings.extend(opening(page));
        findings.extend(charter(page));
        findings.extend(empty_names(page));
        findings.extend(ignored_tests(page));
        findings.extend(told_elsewhere(page));
        findings.extend(markdown::dead_pages(root, &page.path, &page.text));
    }
    for page in pages.iter().filter(|page| page.path.ends_with(".md")) {
        findings.extend(markdown::dead_references(root, &page.path, &page.text));
    }
    let glossary = std::fs::read_to_string(root.join("GLOSSARY.md")).unwrap_or_default();
    findings.extend(glossary_terms(&glossary));
    let ratchets = Ratchets::parse(&std::fs::read_to_string(root.join(ratchet::PATH)).unwrap_or_default())?;
    findings.extend(ratchets.compare(&rust().flat_map(overlong).collect::<Vec<_>>()));

    let mut long_files: Vec<_> = rust().map(|page| (page.text.lines().count(), page.path.clone())).collect();
    long_files.retain(|(lines, _)| *lines > FILE_LINES_USUAL);
    long_files.sort_by(|a, b| b.cmp(a));
    findings.sort();
    Ok(Tidiness { findings, long_files, files: paths.len() })
}

/// Says what was found; `true` when nothing is wrong.
pub(crate) fn print(tidiness: &Tidiness) -> bool {
    for finding in &tidiness.findings {
        println!("{finding}");
    }
    for (lines, path) in &tidiness.long_files {
        println!("note: {path} has {lines} lines; {FILE_LINES_USUAL} is usual, {FILE_LINES_MAX} the limit");
    }
    match tidiness.findings.len() {
        0 => println!("tidy: {} files, nothing to mend", tidiness.files),
        count => println!("tidy: {} files, {count} to mend", tidiness.files),
    }
    tidiness.findings.is_empty()
}

fn tracked_paths(root: &Path) -> Result<BTreeSet<String>> {
    let mut git = Command::new("git");
    let output = git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).output();
    let output = output.context("could not run git, which lists the files to look at")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    let paths = String::from_utf8(output.stdout).context("git listed a path that is not UTF-8")?;
    Ok(paths.split_terminator('\0').filter(|path| root.join(path).is_file()).map(str::to_owned).collect())
}

/// The file as text; `None` when it is not text.
fn page(root: &Path, path: &str) -> Option<Page> {
    let text = std::fs::read_to_string(root.join(path)).ok()?;
    Some(Page { path: path.to_owned(), text })
}

fn picture(path: &str) -> Option<Finding> {
    let ending = path.rsplit_once('.')?.1.to_lowercase();
    let kept = PICTURE_ENDINGS.contains(&ending.as_str()) && !PICTURES_ALLOWED.contains(&path);
    kept.then(|| {
        Finding::new(path, 0, "pictures and clips are not kept here: tests find theirs outside the repository")
    })
}

fn opening(page: &Page) -> Option<Finding> {
    let opens = page.text.starts_with("//! ");
    (!opens).then(|| Finding::new(&page.path, 1, "opens without a `//!` sentence saying why the file exists"))
}

fn charter(page: &Page) -> Option<Finding> {
    let is_crate = page.path.starts_with("crates/") && page.path.ends_with("/src/lib.rs");
    let missing = is_crate && !page.text.starts_with("//! Charter: ");
    missing
        .then(|| Finding::new(&page.path, 1, "a crate opens with `//! Charter: …`: what it does and what it refuses"))
}

fn foreign_words(page: &Page) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        for host in REGISTRY_HOSTS.iter().filter(|host| line.contains(*host)) {
            findings.push(Finding::new(&page.path, index + 1, format!("names the registry host {host}")));
        }
        for folder in MACHINE_FOLDERS.iter().filter(|folder| holds_path(line, &format!("/{folder}/"))) {
            findings.push(Finding::new(
                &page.path,
                index + 1,
                format!("names a place under /{folder}, of one machine"),
            ));
        }
    }
    findings
}

/// Whether a path beginning with `start` stands in the line, and not only a longer path that has such a folder within.
fn holds_path(line: &str, start: &str) -> bool {
    let continues = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "._-*})".contains(c));
    line.match_indices(start).any(|(at, _)| !continues(&line[..at]))
}

fn empty_names(page: &Page) -> Vec<Finding> {
    let stem = Path::new(&page.path).file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let of_file = empty_word(stem).map(|word| Finding::new(&page.path, 0, format!("the file's name says `{word}`")));
    let code = source::code_only(&page.text);
    let of_definitions = source::definitions(&code).into_iter().filter_map(|definition| {
        let getter = definition.keyword == "fn" && definition.name.starts_with("get_");
        let word = if getter { Some("get_".to_owned()) } else { empty_word(&definition.name) };
        let name = format!("{} {}", definition.keyword, definition.name);
        word.map(|word| Finding::new(&page.path, definition.line, format!("{name}: `{word}` says nothing")))
    });
    of_file.into_iter().chain(of_definitions).collect()
}

fn empty_word(name: &str) -> Option<String> {
    source::words(name).into_iter().find(|word| EMPTY_WORDS.contains(&word.as_str()))
}

fn ignored_tests(page: &Page) -> Vec<Finding> {
    let code = source::code_only(&page.text);
    let lines = code.lines().enumerate().filter(|(_, line)| line.contains("#[ignore"));
    lines.map(|(index, _)| Finding::new(&page.path, index + 1, "a test that is not run proves nothing")).collect()
}

/// What a log is told is read at a glance: in one file of each crate that tells of its work, and nowhere else.
fn told_elsewhere(page: &Page) -> Vec<Finding> {
    let in_crate = page.path.starts_with("crates/") && page.path.contains("/src/");
    let may_tell = page.path.starts_with("crates/testkit/") || page.path.contains("/src/trace");
    if !in_crate || may_tell {
        return Vec::new();
    }
    let code = source::code_only(&page.text);
    let lines = code.lines().enumerate().filter(|(_, line)| line.contains("tracing"));
    lines
        .map(|(index, _)| Finding::new(&page.path, index + 1, "what a log is told is said in the crate's `trace.rs`"))
        .collect()
}

fn overlong(page: &Page) -> Vec<Overlong> {
    let of = |line, function: &str, lines, limit| Overlong {
        path: page.path.clone(),
        line,
        function: function.to_owned(),
        lines,
        limit,
    };
    let functions = source::functions(&source::code_only(&page.text)).into_iter();
    let mut found: Vec<_> = functions.map(|f| of(f.line, &f.name, f.lines, FUNCTION_LINES_MAX)).collect();
    found.push(of(0, "", page.text.lines().count(), FILE_LINES_MAX));
    found.retain(|overlong| overlong.lines > overlong.limit);
    found
}

fn glossary_terms(glossary: &str) -> Vec<Finding> {
    let rows = markdown::table_rows(glossary, &GLOSSARY_HEADER);
    if rows.is_empty() {
        return vec![Finding::new("GLOSSARY.md", 0, "has no table with the header `| word | meaning |`")];
    }
    let mut seen = BTreeSet::new();
    let twice = rows.into_iter().filter_map(|(line, cells)| {
        let word = cells.into_iter().next().unwrap_or_default();
        (!seen.insert(word.clone())).then(|| Finding::new("GLOSSARY.md", line, format!("explains `{word}` twice")))
    });
    twice.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page { path: path.to_owned(), text: text.to_owned() }
    }

    fn messages(findings: impl IntoIterator<Item = Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn files_say_why_they_exist() {
        assert!(opening(&page("a.rs", "//! Why.\n")).is_none());
        assert!(opening(&page("a.rs", "use x;\n//! Late.\n")).is_some());
        assert!(charter(&page("crates/x/src/lib.rs", "//! Something.\n")).is_some());
        assert!(charter(&page("crates/x/src/lib.rs", "//! Charter: something.\n")).is_none());
        assert!(charter(&page("crates/x/src/other.rs", "//! Something.\n")).is_none());
    }

    #[test]
    fn pictures_are_found_by_their_ending() {
        assert!(picture("docs/people.JPG").is_some());
        assert!(picture("docs/plan.svg").is_none());
        assert!(picture("LICENSE").is_none());
    }

    #[test]
    fn places_of_one_machine_are_found() {
        let here = format!("cd {}home/me && ls docs/home/x", '/');
        assert_eq!(messages(foreign_words(&page("x", &here))), ["x:1: names a place under /home, of one machine"]);
        assert!(foreign_words(&page("x", "docs/home/x and /workshop and {root}/home/x")).is_empty());
    }

    #[test]
    fn registry_hosts_are_found() {
        let line = format!("\nsee https://{}/crates/x", REGISTRY_HOSTS[0]);
        assert_eq!(foreign_words(&page("x", &line)).len(), 1);
    }

    #[test]
    fn empty_names_are_found_where_they_are_given() {
        let text = "//! A handler.\nfn get_it() {}\nstruct CameraManager;\nfn gets() { let util = handler(); }\n";
        let found = messages(empty_names(&page("src/helpers.rs", text)));
        assert_eq!(
            found,
            [
                "src/helpers.rs: the file's name says `helpers`",
                "src/helpers.rs:2: fn get_it: `get_` says nothing",
                "src/helpers.rs:3: struct CameraManager: `manager` says nothing",
            ]
        );
    }

    #[test]
    fn tests_that_are_not_run_are_found() {
        assert_eq!(ignored_tests(&page("a.rs", "// #[ignore]\n#[test]\n#[ignore = \"slow\"]\nfn x() {}")).len(), 1);
    }

    #[test]
    fn what_is_told_elsewhere_is_found() {
        let told = |path| told_elsewhere(&page(path, "// tracing\nfn x() { tracing::info!(\"tracing\"); }\n")).len();
        assert_eq!((told("crates/web/src/page.rs"), told("crates/web/src/trace.rs")), (1, 0));
        assert_eq!((told("crates/testkit/src/told.rs"), told("crates/app/tests/lines.rs")), (0, 0));
    }

    #[test]
    fn lengths_over_a_limit_are_found() {
        let long = format!("//! Why.\nfn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_LINES_MAX));
        let found: Vec<_> = overlong(&page("a.rs", &long)).into_iter().map(|o| (o.function, o.lines)).collect();
        assert_eq!(found, [("long".to_owned(), FUNCTION_LINES_MAX + 2)]);
        let file = "//! Line.\n".repeat(FILE_LINES_MAX + 1);
        assert_eq!(overlong(&page("a.rs", &file)).len(), 1);
        assert!(overlong(&page("a.rs", "//! Line.\nfn short() {}\n")).is_empty());
    }

    #[test]
    fn the_glossary_has_one_table() {
        assert_eq!(glossary_terms("no table").len(), 1);
        let table = "| word | meaning |\n| --- | --- |\n| probe | a |\n| alert | b |\n| probe | c |\n";
        assert_eq!(messages(glossary_terms(table)), ["GLOSSARY.md:5: explains `probe` twice"]);
    }
}
