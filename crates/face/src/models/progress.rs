//! What an installer says while it works: a bar on a terminal, one line a step elsewhere, always on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How an installer reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bars and lines on standard error.
    Shown,
    /// Nothing.
    Silent,
}

/// Reports one step at a time.
pub(super) struct Steps {
    progress: Progress,
    on_terminal: bool,
}

/// One step, such as a file being fetched.
pub(super) struct Step {
    bar: ProgressBar,
    label: String,
    progress: Progress,
}

impl Steps {
    pub(super) fn new(progress: Progress) -> Self {
        Self { progress, on_terminal: std::io::stderr().is_terminal() }
    }

    /// Says one line.
    pub(super) fn say(&self, line: &str) {
        say(self.progress, line);
    }

    /// Begins a step of `size_bytes`.
    pub(super) fn begin(&self, label: &str, size_bytes: u64) -> Step {
        let shown = self.progress == Progress::Shown && self.on_terminal;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(size_bytes), target);
        let style = ProgressStyle::with_template("{msg:44} {bar:28} {bytes:>10}/{total_bytes:10} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(label.to_owned());
        if shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Step { bar, label: label.to_owned(), progress: self.progress }
    }
}

impl Step {
    /// Shows that `size_bytes` have come so far.
    pub(super) fn reached(&self, size_bytes: u64) {
        self.bar.set_position(size_bytes);
    }

    /// Ends the step, and says how.
    pub(super) fn end(self, how: &str) {
        self.bar.finish_and_clear();
        say(self.progress, &format!("{}: {how}", self.label));
    }
}

fn say(progress: Progress, line: &str) {
    if progress == Progress::Shown {
        eprintln!("{line}");
    }
}
