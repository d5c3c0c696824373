//! Reads what `cargo test -- --show-output` prints: how many passed, which failed, and which skipped themselves and why.

/// How a test says that it cannot run here.
const SKIP_MARK: &str = "skipped: ";

/// What the tests have printed so far.
#[derive(Default)]
pub(crate) struct TestLog {
    section: Section,
    /// The test whose output is being read.
    test: String,
    /// Whether that test has said that it was skipped.
    test_skipped: bool,
    /// As the test binaries count, for which a test that skips itself has passed.
    succeeded: usize,
    failed: Vec<String>,
    skipped: Vec<String>,
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum Section {
    #[default]
    Results,
    Successes,
    Failures,
}

impl TestLog {
    /// Takes the next line; answers what of it is worth showing.
    pub(crate) fn read(&mut self, line: &str) -> Option<String> {
        match line {
            "successes:" => self.section = Section::Successes,
            "failures:" => self.section = Section::Failures,
            _ if line.starts_with("test result: ") => return self.read_result(line),
            _ if self.section == Section::Successes => self.read_success(line),
            _ if self.section == Section::Results => return self.read_progress(line),
            _ => return Some(line.to_owned()),
        }
        None
    }

    /// To be called when there are no more lines. Cargo can fail although no test did: one may not have compiled.
    pub(crate) fn end(&mut self, succeeded: bool) {
        if !succeeded && self.failed.is_empty() {
            self.failed.push("cargo test stopped before its end".to_owned());
        }
    }

    /// Tests that ran to their end and did not skip themselves.
    pub(crate) fn passed(&self) -> usize {
        self.succeeded.saturating_sub(self.skipped.len())
    }

    /// Names of the tests that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &str> {
        self.failed.iter().map(String::as_str)
    }

    /// Reason and name of the tests that skipped themselves.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = &str> {
        self.skipped.iter().map(String::as_str)
    }

    fn read_result(&mut self, line: &str) -> Option<String> {
        self.section = Section::Results;
        let count = line.split_once(" passed").and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok());
        self.succeeded += count.unwrap_or(0_usize);
        (!line.starts_with("test result: ok. 0 passed; 0 failed; 0 ignored")).then(|| line.to_owned())
    }

    fn read_success(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----")) {
            self.test = name.to_owned();
            self.test_skipped = false;
        } else if let Some(reason) = line.strip_prefix(SKIP_MARK) {
            // A test may say it of each file that it misses; it still is one test.
            if !self.test_skipped {
                self.test_skipped = true;
                self.skipped.push(format!("{reason} [{}]", self.test));
            }
        }
    }

    fn read_progress(&mut self, line: &str) -> Option<String> {
        if let Some(name) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
            self.failed.push(name.to_owned());
        }
        let dull = line.is_empty() || line.ends_with(" ... ok") || line.starts_with("running ");
        (!dull).then(|| line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "
running 4 tests
test a ... ok
test b ... ok
test c ... FAILED
test d ... ok

successes:

---- a stdout ----
skipped: groups (shared/ not found)
skipped: empty (shared/ not found)

---- b stdout ----
nothing to see


successes:
    a
    b
    d

failures:

---- c stdout ----
skipped: this is not one, for it failed
assertion failed

failures:
    c

test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    fn read(text: &str) -> (TestLog, Vec<String>) {
        let mut log = TestLog::default();
        let shown = text.lines().filter_map(|line| log.read(line)).collect();
        (log, shown)
    }

    #[test]
    fn a_skipped_test_is_neither_passed_nor_counted_twice() {
        let (log, _) = read(LOG);
        assert_eq!(log.passed(), 2);
        assert_eq!(log.failed().collect::<Vec<_>>(), ["c"]);
        assert_eq!(log.skipped().collect::<Vec<_>>(), ["groups (shared/ not found) [a]"]);
    }

    #[test]
    fn failures_are_shown_and_successes_are_not() {
        let (_, shown) = read(LOG);
        assert!(shown.iter().any(|line| line == "assertion failed"));
        assert!(!shown.iter().any(|line| line.contains("nothing to see") || line.contains("... ok")));
    }

    #[test]
    fn several_binaries_add_up() {
        let (log, _) = read(&format!("{LOG}{}", LOG.replace("c ... FAILED", "c ... ok")));
        assert_eq!((log.passed(), log.failed().count(), log.skipped().count()), (4, 1, 2));
    }

    #[test]
    fn a_run_that_breaks_off_is_a_failure() {
        let mut log = TestLog::default();
        log.end(false);
        assert_eq!(log.failed().count(), 1);
    }
}
