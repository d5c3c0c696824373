//! One target under fire: what it was given, how many different answers that earned, and what went wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::changes::{Dice, INPUT_BYTES_MAX, change};
use crate::targets::Target;

/// Most inputs that are changed further.
const POOL_MAX: usize = 2_000;
/// Longest that one input may take.
const INPUT_TIME_MAX: Duration = Duration::from_secs(2);
/// How often a slow input is given again before it counts.
const SLOW_TRIES: usize = 3;
/// Most failures that are kept of one target.
const FAILURES_MAX: usize = 10;
/// Inputs above this are not put into the corpus, which is in the repository; nor more of them than that.
const CORPUS_INPUT_BYTES_MAX: usize = 600;
const CORPUS_INPUTS_MAX: usize = 12;
/// Longest shape of an answer.
const SHAPE_BYTES_MAX: usize = 120;
/// Inputs between two looks at the clock.
const INPUTS_TOGETHER: usize = 64;

/// One target, the inputs that earned different answers, and what went wrong.
pub(crate) struct Campaign<'a> {
    target: &'a Target,
    dice: Dice,
    pool: Vec<Vec<u8>>,
    /// How many of the pool were given.
    given: usize,
    answers: BTreeSet<String>,
    inputs: u64,
    time: Duration,
    failures: Vec<(String, Vec<u8>)>,
}

impl<'a> Campaign<'a> {
    /// With the target's own samples and the inputs in its folder of the corpus.
    pub(crate) fn new(target: &'a Target, corpus: &Path, seed: u64) -> Result<Self> {
        let mut pool = (target.samples)();
        let mut paths = Vec::new();
        if corpus.is_dir() {
            let files = fs::read_dir(corpus).with_context(|| format!("listing {}", corpus.display()))?;
            paths = files
                .map(|file| file.map(|file| file.path()))
                .collect::<Result<_, _>>()
                .context("listing the corpus")?;
            paths.sort();
        }
        for path in paths {
            pool.push(fs::read(&path).with_context(|| format!("reading {}", path.display()))?);
        }
        let mut campaign = Self {
            target,
            dice: Dice::new(seed),
            given: pool.len(),
            pool: Vec::new(),
            answers: BTreeSet::new(),
            inputs: 0,
            time: Duration::ZERO,
            failures: Vec::new(),
        };
        for input in pool {
            campaign.give(&input);
            campaign.pool.push(input);
        }
        Ok(campaign)
    }

    /// Changes and gives inputs for this long.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let begun = now();
        while begun.elapsed() < time {
            self.run(INPUTS_TOGETHER);
        }
        self.time += begun.elapsed();
    }

    /// Changes and gives this many inputs.
    pub(crate) fn run(&mut self, inputs: usize) {
        for _ in 0..inputs {
            // The newest are changed more often: they lead on.
            let newest = self.pool.len().saturating_sub(1 + self.dice.below(16));
            let any = self.dice.below(self.pool.len());
            let chosen = if self.dice.below(2) == 0 { newest } else { any };
            let input = change(&self.pool[chosen], self.target.words, &self.pool, &mut self.dice);
            if self.give(&input) && self.pool.len() < POOL_MAX && input.len() < INPUT_BYTES_MAX {
                self.pool.push(input);
            }
        }
    }

    /// Whether the input earned an answer that is new.
    fn give(&mut self, input: &[u8]) -> bool {
        let (answer, mut taken) = self.answer(input);
        self.inputs += 1;
        // Other work on the machine may have been in the way: an input is slow when it always is.
        for _ in 0..SLOW_TRIES {
            if taken > INPUT_TIME_MAX {
                taken = self.answer(input).1;
            }
        }
        if taken > INPUT_TIME_MAX {
            self.fail(format!("it took {} s", taken.as_secs()), input);
        }
        match answer {
            Ok(answer) => self.answers.insert(shape(&answer)),
            Err(panic) => {
                let words = panic.downcast_ref::<String>().cloned();
                let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
                self.fail(words.unwrap_or_else(|| "it panicked".into()), input);
                false
            }
        }
    }

    /// What the target says, or its panic, and how long it took.
    fn answer(&self, input: &[u8]) -> (std::thread::Result<String>, Duration) {
        let begun = now();
        let answer = std::panic::catch_unwind(|| (self.target.run)(input));
        (answer, begun.elapsed())
    }

    fn fail(&mut self, what: String, input: &[u8]) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push((what, input.to_owned()));
        }
    }

    /// What was done, in one line.
    pub(crate) fn words(&self) -> String {
        let Self { target, inputs, answers, failures, time, .. } = self;
        let seconds = time.as_secs_f64();
        let pace = *inputs as f64 / seconds.max(1e-3);
        format!(
            "{:<12} {inputs:>9} inputs in {seconds:.0} s ({pace:.0}/s), {} different answers, {} failures",
            target.name,
            answers.len(),
            failures.len()
        )
    }

    /// Says what went wrong and keeps the inputs; `true` when nothing did.
    pub(crate) fn tell_failures(&self, found: &Path) -> Result<bool> {
        for (number, (what, input)) in self.failures.iter().enumerate() {
            fs::create_dir_all(found).with_context(|| format!("making {}", found.display()))?;
            let path = found.join(format!("{}-{number}", self.target.name));
            fs::write(&path, input).with_context(|| format!("writing {}", path.display()))?;
            println!("  {what}: {}", path.display());
        }
        Ok(self.failures.is_empty())
    }

    /// Puts small inputs that earned a new answer into the corpus, spread over all that were found.
    pub(crate) fn keep(&self, corpus: &Path) -> Result<()> {
        fs::create_dir_all(corpus).with_context(|| format!("making {}", corpus.display()))?;
        let small: Vec<_> =
            self.pool.iter().skip(self.given).filter(|input| input.len() <= CORPUS_INPUT_BYTES_MAX).collect();
        let step = small.len().div_ceil(CORPUS_INPUTS_MAX).max(1);
        for (number, input) in small.iter().step_by(step).enumerate() {
            let path = corpus.join(format!("{number:02}"));
            fs::write(&path, input).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn failures(&self) -> &[(String, Vec<u8>)] {
        &self.failures
    }

    #[cfg(test)]
    pub(crate) fn answers(&self) -> usize {
        self.answers.len()
    }
}

/// An answer without what differs from input to input: numbers, what is quoted, and lines that show the input.
fn shape(answer: &str) -> String {
    let mut shape = String::new();
    for line in answer.lines().filter(|line| !line.contains('|')) {
        for character in line.chars().take_while(|character| !matches!(character, '"' | '`')) {
            match character {
                '0'..='9' if shape.ends_with('#') => {}
                '0'..='9' => shape.push('#'),
                other if other.is_ascii() && shape.len() < SHAPE_BYTES_MAX => shape.push(other),
                _ => {}
            }
        }
    }
    shape
}

#[allow(clippy::disallowed_methods, reason = "paces a run and finds inputs that take too long")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_new_when_its_words_are() {
        assert_eq!(shape("line 17 of \"x\": 3"), shape("line 4 of \"y\\\"y\": 99"));
        assert_ne!(shape("line 17 is missing"), shape("line 17 is double"));
    }

    #[test]
    fn a_target_that_panics_is_caught_with_its_input() {
        let target = Target {
            name: "trap",
            words: &["!"],
            samples: || vec![b"mild".to_vec()],
            run: |input| {
                assert!(!input.contains(&b'!'), "it does not bear this");
                format!("{} bytes", input.len())
            },
        };
        let mut campaign = Campaign::new(&target, Path::new("none"), 1).unwrap();
        campaign.run(2_000);
        let (what, input) = &campaign.failures()[0];
        assert!(what.contains("does not bear") && input.contains(&b'!'));
        let place = std::env::temp_dir().join(format!("overt-fuzz-{}", std::process::id()));
        assert!(!campaign.tell_failures(&place).unwrap());
        assert!(place.join("trap-0").is_file());
        fs::remove_dir_all(place).unwrap();
    }
}
