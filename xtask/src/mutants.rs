//! Takes single checks out of the rules and expects the model checker to name the promise that is broken then.
//!
//! The list is `crates/domain/tests/mutants.txt`. This is a seeded few, each aimed at one promise; `cargo mutants` on
//! `domain` is the broad net. The file is changed in place, and put back whatever happens but a kill: a changed file that
//! is not committed stops the run before it begins.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use crate::whole::cargo;

const LIST: &str = "crates/domain/tests/mutants.txt";
const SOURCES: &str = "crates/domain/src";

/// One change to the rules.
struct Mutant {
    /// What must be found broken.
    promise: String,
    file: PathBuf,
    /// What stands there, and what is put in its place.
    taken: String,
    put: String,
}

/// Tries every mutant whose promise or file holds one of the filters; `true` when each was found.
pub(crate) fn run(root: &Path, filters: &[String]) -> Result<bool> {
    refuse_changed(root)?;
    let text = std::fs::read_to_string(root.join(LIST)).with_context(|| format!("reading {LIST}"))?;
    let (mut found, mut survived) = (0, Vec::new());
    for mutant in read(&text)? {
        let name = format!("{} ({}: {})", mutant.promise, mutant.file.display(), mutant.taken);
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        if is_found(root, &mutant)? {
            println!("found     {name}");
            found += 1;
        } else {
            println!("SURVIVED  {name}");
            survived.push(name);
        }
    }
    println!("{found} mutants found, {} survived", survived.len());
    Ok(survived.is_empty())
}

/// Puts a mutant in, runs the model, and takes the mutant out again.
fn is_found(root: &Path, mutant: &Mutant) -> Result<bool> {
    let path = root.join(SOURCES).join(&mutant.file);
    let whole = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let places = whole.matches(&mutant.taken).count();
    if places != 1 {
        bail!("{}: {:?} stands there {places} times, not once; mend {LIST}", mutant.file.display(), mutant.taken);
    }
    std::fs::write(&path, whole.replacen(&mutant.taken, &mutant.put, 1))?;
    let tested = cargo(root)
        .args(["test", "--release", "-p", "domain", "--test", "model", "--", "--nocapture"])
        .stdin(Stdio::null())
        .output();
    std::fs::write(&path, whole).with_context(|| format!("putting {} back", path.display()))?;
    let tested = tested.context("running the model")?;
    let said = String::from_utf8_lossy(&tested.stdout).into_owned() + &String::from_utf8_lossy(&tested.stderr);
    if said.contains("could not compile") {
        bail!("{}: {:?} does not compile; mend {LIST}", mutant.file.display(), mutant.put);
    }
    Ok(!tested.status.success() && said.contains(&format!("broken: {}\n", mutant.promise)))
}

/// The list: a line `== promise`, then any number of `file: what stands there ~> what is put in its place`.
fn read(text: &str) -> Result<Vec<Mutant>> {
    let mut promise = None;
    let mut mutants = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("== ") {
            promise = Some(name.to_owned());
            continue;
        }
        let parts = line.split_once(": ").and_then(|(file, change)| Some((file, change.split_once(" ~>")?)));
        let (Some(promise), Some((file, (taken, put)))) = (&promise, parts) else {
            bail!("{LIST}, line {}: it reads `file: what stands there ~> what is put there`", number + 1);
        };
        let (file, taken, put) = (file.into(), lines_of(taken), lines_of(put.trim_start()));
        mutants.push(Mutant { promise: promise.clone(), file, taken, put });
    }
    Ok(mutants)
}

/// `\n` in the list is a line's end.
fn lines_of(text: &str) -> String {
    text.replace("\\n", "\n")
}

fn refuse_changed(root: &Path) -> Result<()> {
    let status = std::process::Command::new("git")
        .args(["status", "--porcelain", "--", SOURCES])
        .current_dir(root)
        .output()
        .context("asking git whether the rules are committed")?;
    if status.status.success() && status.stdout.is_empty() {
        return Ok(());
    }
    bail!("{SOURCES} has changes that are not committed; commit them first, for this changes the files in place");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_a_malformed_line_is_refused() {
        let mutants = read("# why\n== a promise\nx.rs: if a { ~> if false {\n\nx.rs: b ~>\n").unwrap();
        assert_eq!(mutants.len(), 2);
        assert_eq!((mutants[0].promise.as_str(), mutants[0].taken.as_str()), ("a promise", "if a {"));
        assert_eq!((mutants[0].put.as_str(), mutants[1].put.as_str()), ("if false {", ""));
        for bad in ["x.rs: a ~> b", "== p\nx.rs a ~> b", "== p\nx.rs: a"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_mutant_of_the_list_still_fits_the_rules() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for mutant in read(&std::fs::read_to_string(root.join(LIST)).unwrap()).unwrap() {
            let whole = std::fs::read_to_string(root.join(SOURCES).join(&mutant.file)).unwrap();
            assert_eq!(whole.matches(&mutant.taken).count(), 1, "{}: {}", mutant.file.display(), mutant.taken);
        }
    }
}
