//! What a Markdown page refers to: links to local files, headings in them, and paths written as code.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::report::Finding;

/// Folders of the repository; a path in code marks that begins with one of them must exist.
const FOLDERS: [&str; 8] = [".ci/", "benches/", "crates/", "docs/", "fixtures/", "fuzz/", "policies/", "xtask/"];

/// Every reference of the page `path` that leads nowhere.
pub(crate) fn dead_references(root: &Path, path: &str, text: &str) -> Vec<Finding> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    for (index, line) in prose_lines(text) {
        let (prose, code_spans) = split_code_spans(line);
        for target in link_targets(&prose) {
            if let Some(found) = dead_link(root, folder, path, target) {
                findings.push(Finding::new(path, index + 1, found));
            }
        }
        for span in code_spans.iter().filter(|span| is_plain_path(span) && !root.join(span).exists()) {
            findings.push(Finding::new(path, index + 1, format!("`{span}` does not exist")));
        }
    }
    findings
}

/// Pages of `docs/` that a source file sends its reader to and that are not there.
pub(crate) fn dead_pages(root: &Path, path: &str, text: &str) -> Vec<Finding> {
    let in_path = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let pages = line.split(|character| !in_path(character)).map(|word| word.trim_end_matches('.'));
        for page in pages.filter(|word| word.starts_with("docs/") && word.ends_with(".md") && !root.join(word).exists())
        {
            findings.push(Finding::new(path, index + 1, format!("sends the reader to {page}, which does not exist")));
        }
    }
    findings
}

/// The rows of the first table whose header has exactly these cells; empty when there is none.
pub(crate) fn table_rows(text: &str, header: &[&str]) -> Vec<(usize, Vec<String>)> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| cells(line) != header);
    lines.next();
    let rows = lines.skip(1).take_while(|(_, line)| line.starts_with('|'));
    rows.map(|(index, line)| (index + 1, cells(line))).collect()
}

fn cells(line: &str) -> Vec<String> {
    let Some(inner) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')) else { return Vec::new() };
    inner.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// Lines outside fenced blocks, with their index.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// A line's prose and what stands between its single backticks.
fn split_code_spans(line: &str) -> (String, Vec<&str>) {
    let parts: Vec<&str> = line.split('`').collect();
    let prose: Vec<&str> = parts.iter().step_by(2).copied().collect();
    (prose.join("`"), parts.into_iter().skip(1).step_by(2).collect())
}

fn link_targets(prose: &str) -> Vec<&str> {
    prose.split("](").skip(1).filter_map(|after| after.split([')', ' ']).next()).collect()
}

/// Why the link leads nowhere, if so; addresses on the network are not followed.
fn dead_link(root: &Path, folder: &Path, path: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() { PathBuf::from(path) } else { normal(&folder.join(file)) };
    if !root.join(&file).exists() {
        return Some(format!("the link to {target} leads nowhere"));
    }
    let heading_missing = !anchor.is_empty()
        && std::fs::read_to_string(root.join(&file)).is_ok_and(|text| !anchors(&text).contains(anchor));
    heading_missing.then(|| format!("{} has no heading for #{anchor}", file.display()))
}

/// The path with every `folder/..` taken out, so that one that leaves the repository is seen not to exist in it.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut done, part| {
        if part == Component::ParentDir {
            done.pop();
        } else {
            done.push(part);
        }
        done
    })
}

/// The anchors that renderers make of a page's headings: lower-case, spaces to hyphens, punctuation dropped.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose_lines(text).map(|(_, line)| line).filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        kept.chars().filter(|character| character.is_alphanumeric() || "-_".contains(*character)).collect()
    };
    headings.map(anchor).collect()
}

fn is_plain_path(span: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    FOLDERS.iter().any(|folder| span.starts_with(folder)) && span.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        dead_references(root, "src/page.md", text).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn links_must_lead_somewhere() {
        assert_eq!(messages("[a](main.rs) [b](../Cargo.toml) [c](https://example.org/x) `[d](gone.md)`"), [""; 0]);
        assert_eq!(messages("[a](gone.md#there)"), ["the link to gone.md#there leads nowhere"]);
        assert_eq!(messages("```\n[a](gone.md)\n```"), [""; 0]);
    }

    #[test]
    fn paths_in_code_marks_must_exist() {
        assert_eq!(
            messages("`crates/nowhere` and `crates/*/x` and `other/nowhere`"),
            ["`crates/nowhere` does not exist"]
        );
    }

    #[test]
    fn pages_named_in_source_must_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let line = |page: &str| format!("//! See {}/{page}.", "docs");
        assert_eq!(dead_pages(root, "a.rs", &line("gone.md")).len(), 1);
        assert!(dead_pages(&root.join(".."), "a.rs", &line("README.md")).is_empty());
    }

    #[test]
    fn headings_become_anchors() {
        let found = anchors("# The path: of *one* face\n```\n# not this\n```\n");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["the-path-of-one-face"]);
    }

    #[test]
    fn a_table_is_found_by_its_header() {
        let text = "| x |\n|---|\n| no |\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | |\n\nend";
        let rows: Vec<_> = table_rows(text, &["a", "b"]).into_iter().map(|(_, cells)| cells).collect();
        assert_eq!(rows, [["1", "2"], ["3", ""]]);
        assert!(table_rows(text, &["c"]).is_empty());
    }
}
