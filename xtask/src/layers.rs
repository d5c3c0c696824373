//! The workspace's edges as cargo knows them, against the table in ARCHITECTURE.md: neither may say more than the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::markdown;
use crate::report::Finding;
use crate::whole;

const PAGE: &str = "ARCHITECTURE.md";
const HEADER: [&str; 3] = ["crate", "may depend on", "and in its tests on"];
/// Written where a crate depends on nothing of ours.
const NOTHING: &str = "-";

/// What one crate depends on, by folder name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Edges {
    normal: BTreeSet<String>,
    tests_only: BTreeSet<String>,
}

type Graph = BTreeMap<String, Edges>;

/// What differs, and how many crates were compared.
pub(crate) struct Layers {
    pub(crate) findings: Vec<Finding>,
    pub(crate) crates: usize,
}

/// Compares the table with `cargo metadata`.
pub(crate) fn check(root: &Path) -> Result<Layers> {
    let page = std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("could not read {PAGE}"))?;
    let output = whole::cargo(root).args(["metadata", "--format-version", "1", "--no-deps"]).output();
    let output = output.context("could not run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    let metadata = serde_json::from_slice(&output.stdout).context("could not read what cargo metadata printed")?;
    let actual = actual_edges(&metadata);
    Ok(Layers { findings: differences(&drawn_edges(&page)?, &actual), crates: actual.len() })
}

/// Says what differs; `true` when nothing does.
pub(crate) fn print(layers: &Layers) -> bool {
    for finding in &layers.findings {
        println!("{finding}");
    }
    match layers.findings.len() {
        0 => println!("layers: {} crates, exactly the edges in {PAGE}", layers.crates),
        count => println!("layers: {} crates, {count} differences from {PAGE}", layers.crates),
    }
    layers.findings.is_empty()
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    /// `null` for a normal one, otherwise `dev` or `build`.
    kind: Option<String>,
    /// Where it lies, when it is ours.
    path: Option<String>,
}

/// The edges between our own crates; a build script's count as normal ones.
fn actual_edges(metadata: &Metadata) -> Graph {
    let edges_of = |package: &Package| {
        let mut edges = Edges::default();
        for dependency in &package.dependencies {
            let Some(path) = &dependency.path else { continue };
            let tests_only = dependency.kind.as_deref() == Some("dev");
            let set = if tests_only { &mut edges.tests_only } else { &mut edges.normal };
            set.insert(folder_name(path));
        }
        edges
    };
    let folder = |package: &Package| folder_name(package.manifest_path.trim_end_matches("Cargo.toml"));
    metadata.packages.iter().map(|package| (folder(package), edges_of(package))).collect()
}

fn folder_name(path: &str) -> String {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

/// The edges in the page's table.
fn drawn_edges(page: &str) -> Result<Graph> {
    let rows = markdown::table_rows(page, &HEADER);
    ensure!(!rows.is_empty(), "{PAGE} has no table with the header | {} |", HEADER.join(" | "));
    let mut graph = Graph::new();
    for (line, cells) in rows {
        let [name, normal, tests_only] = cells.as_slice() else {
            anyhow::bail!("{PAGE}:{line}: expected {} cells, found {}", HEADER.len(), cells.len());
        };
        let edges = Edges { normal: names(normal), tests_only: names(tests_only) };
        let name = name.trim_matches('`').to_owned();
        ensure!(graph.insert(name.clone(), edges).is_none(), "{PAGE}:{line}: `{name}` has a row already");
    }
    Ok(graph)
}

fn names(cell: &str) -> BTreeSet<String> {
    let names = cell.split(',').map(|name| name.trim().trim_matches('`'));
    names.filter(|name| !name.is_empty() && *name != NOTHING).map(str::to_owned).collect()
}

fn differences(drawn: &Graph, actual: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    let nothing = Edges::default();
    for name in drawn.keys().chain(actual.keys()).collect::<BTreeSet<_>>() {
        match (drawn.contains_key(name), actual.contains_key(name)) {
            (true, false) => {
                findings.push(Finding::new(PAGE, 0, format!("`{name}` has a row but is no crate of the workspace")))
            }
            (false, true) => {
                findings.push(Finding::new(PAGE, 0, format!("`{name}` is a crate of the workspace without a row")))
            }
            _ => {}
        }
        let (drawn, actual) = (drawn.get(name).unwrap_or(&nothing), actual.get(name).unwrap_or(&nothing));
        findings.extend(edge_differences(name, "depends on", &drawn.normal, &actual.normal));
        findings.extend(edge_differences(name, "in its tests depends on", &drawn.tests_only, &actual.tests_only));
    }
    findings
}

fn edge_differences(name: &str, verb: &str, drawn: &BTreeSet<String>, actual: &BTreeSet<String>) -> Vec<Finding> {
    let extra =
        actual.difference(drawn).map(|other| format!("`{name}` {verb} `{other}`, which the table does not allow"));
    let missing =
        drawn.difference(actual).map(|other| format!("the table says that `{name}` {verb} `{other}`; it does not"));
    extra.chain(missing).map(|message| Finding::new(PAGE, 0, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
| crate | may depend on | and in its tests on |
| --- | --- | --- |
| `evidence` | - | - |
| `domain` | `evidence` | `testkit` |
";

    fn metadata(dependencies_of_domain: &str) -> Metadata {
        let text = format!(
            r#"{{"packages": [
                {{"manifest_path": "/x/crates/evidence/Cargo.toml", "dependencies": [{{"kind": null, "path": null}}]}},
                {{"manifest_path": "/x/crates/domain/Cargo.toml", "dependencies": [{dependencies_of_domain}]}}]}}"#
        );
        serde_json::from_str(&text).expect("the sample is well-formed")
    }

    fn messages(dependencies_of_domain: &str) -> Vec<String> {
        let drawn = drawn_edges(TABLE).expect("the sample has the table");
        let found = differences(&drawn, &actual_edges(&metadata(dependencies_of_domain)));
        found.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn equal_edges_are_silent() {
        let both = r#"{"kind": null, "path": "/x/crates/evidence"}, {"kind": "dev", "path": "/x/crates/testkit"}"#;
        assert_eq!(messages(both), [""; 0]);
    }

    #[test]
    fn an_edge_too_many_and_one_too_few_are_named() {
        let store = r#"{"kind": null, "path": "/x/crates/store"}, {"kind": "dev", "path": "/x/crates/testkit"}"#;
        assert_eq!(
            messages(store),
            [
                "`domain` depends on `store`, which the table does not allow",
                "the table says that `domain` depends on `evidence`; it does not"
            ]
        );
    }

    #[test]
    fn a_test_edge_is_not_a_normal_one() {
        let normal = r#"{"kind": null, "path": "/x/crates/evidence"}, {"kind": null, "path": "/x/crates/testkit"}"#;
        assert_eq!(messages(normal).len(), 2);
    }

    #[test]
    fn crates_without_a_row_and_rows_without_a_crate_are_named() {
        let drawn = drawn_edges(&TABLE.replace("domain", "gone")).expect("the sample has the table");
        let actual = actual_edges(&metadata(r#"{"kind": null, "path": "/x/crates/evidence"}"#));
        let found: Vec<_> = differences(&drawn, &actual).into_iter().map(|finding| finding.message).collect();
        assert!(found.contains(&"`gone` has a row but is no crate of the workspace".to_owned()));
        assert!(found.contains(&"`domain` is a crate of the workspace without a row".to_owned()));
    }

    #[test]
    fn a_page_without_the_table_is_refused() {
        assert!(drawn_edges("nothing here").is_err());
        assert!(drawn_edges(&format!("{TABLE}| `domain` | - | - |\n")).is_err());
    }
}
