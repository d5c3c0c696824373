//! Lengths that may only fall: what exceeds a limit stands in `ratchets.txt` with its number, until it no longer does.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::report::Finding;

/// Where the exceptions are kept, relative to the repository.
pub(crate) const PATH: &str = "xtask/ratchets.txt";

/// Lines of each file and function that was over its limit when last looked at.
pub(crate) struct Ratchets {
    allowed: BTreeMap<String, usize>,
}

impl Ratchets {
    /// Reads lines of the form `crates/x/src/y.rs 640` or `crates/x/src/y.rs::name 84`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let entries = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let parse = |line: &str| {
            let (key, lines) = line.rsplit_once(' ')?;
            Some((key.to_owned(), lines.parse().ok()?))
        };
        let allowed = entries
            .map(|line| {
                parse(line).with_context(|| format!("{PATH}: read `{line}`, expected `path[::function] lines`"))
            })
            .collect::<Result<_>>()?;
        Ok(Self { allowed })
    }

    /// Compares everything over its limit with what is allowed: longer is wrong, and so is an allowance larger than needed.
    pub(crate) fn compare(&self, over: &[Overlong]) -> Vec<Finding> {
        let longer = over.iter().filter_map(|found| {
            let allowed = self.allowed.get(&found.key()).copied().unwrap_or(found.limit);
            let message = || format!("{} has {} lines, allowed are {allowed}", found.what(), found.lines);
            (found.lines > allowed).then(|| Finding::new(&found.path, found.line, message()))
        });
        let slack = self.allowed.iter().filter_map(|(key, allowed)| {
            let lines = over.iter().find(|found| &found.key() == key).map(|found| found.lines);
            let message = match lines {
                None => format!("{key} is within its limit now: take its line out"),
                Some(lines) if lines < *allowed => format!("{key} has {lines} lines now: lower its {allowed}"),
                Some(_) => return None,
            };
            Some(Finding::new(PATH, 0, message))
        });
        longer.chain(slack).collect()
    }
}

/// A file or function over its limit.
pub(crate) struct Overlong {
    pub(crate) path: String,
    /// 0 for a whole file.
    pub(crate) line: usize,
    /// Empty for a whole file.
    pub(crate) function: String,
    pub(crate) lines: usize,
    pub(crate) limit: usize,
}

impl Overlong {
    fn key(&self) -> String {
        if self.function.is_empty() { self.path.clone() } else { format!("{}::{}", self.path, self.function) }
    }

    fn what(&self) -> String {
        if self.function.is_empty() { "the file".to_owned() } else { format!("fn {}", self.function) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlong(function: &str, lines: usize) -> Overlong {
        Overlong { path: "a.rs".into(), line: 1, function: function.into(), lines, limit: 70 }
    }

    fn messages(ratchets: &str, over: &[Overlong]) -> Vec<String> {
        let ratchets = Ratchets::parse(ratchets).expect("the sample is well-formed");
        ratchets.compare(over).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_length_may_stay_but_not_grow() {
        assert_eq!(messages("# why\na.rs::long 80\n", &[overlong("long", 80)]), [""; 0]);
        assert_eq!(messages("a.rs::long 80", &[overlong("long", 81)]), ["fn long has 81 lines, allowed are 80"]);
        assert_eq!(messages("", &[overlong("long", 71)]), ["fn long has 71 lines, allowed are 70"]);
    }

    #[test]
    fn an_allowance_falls_with_its_length() {
        assert_eq!(messages("a.rs::long 80", &[overlong("long", 75)]), ["a.rs::long has 75 lines now: lower its 80"]);
        assert_eq!(messages("a.rs 700", &[]), ["a.rs is within its limit now: take its line out"]);
    }

    #[test]
    fn a_line_that_is_not_a_length_is_refused() {
        assert!(Ratchets::parse("a.rs many").is_err());
    }
}
