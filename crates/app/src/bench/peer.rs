//! A peer of a bench: a Python program that does the same work, measures itself, and is told when it is its turn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A running peer.
pub(super) struct Peer {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Of the library that it measures.
    pub(super) version: String,
    /// What it found, where its work is to find something.
    pub(super) found: Vec<u32>,
    /// Processor time of all turns so far, where the peer tells it.
    pub(super) processor_ms: f64,
}

/// What the peer says.
#[derive(Deserialize)]
struct Answer {
    version: Option<String>,
    missing: Option<String>,
    #[serde(default)]
    found: Vec<u32>,
    runs_ms: Option<Vec<f64>>,
    processor_ms: Option<f64>,
}

impl Peer {
    /// Starts `program` with these arguments and waits until it is ready.
    pub(super) fn start(python: &str, program: &str, arguments: &[String]) -> anyhow::Result<Self> {
        let mut command = Command::new(python);
        command.arg("-c").arg(program).args(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting the peer with {python}; name a Python with --python"))?;
        let orders = child.stdin.take().context("the peer's input")?;
        let answers = BufReader::new(child.stdout.take().context("the peer's output")?);
        let mut peer = Self { child, orders, answers, version: String::new(), found: Vec::new(), processor_ms: 0.0 };
        let hello: Answer = peer.answer()?;
        if let Some(missing) = hello.missing {
            bail!(
                "{python} has no module {missing}; install what the peer needs into a virtual environment and name its Python with --python (benches/peers has the lists)"
            );
        }
        peer.version = hello.version.context("the peer did not say its version")?;
        peer.found = hello.found;
        Ok(peer)
    }

    /// The times of the peer's runs in one turn.
    pub(super) fn turn(&mut self, seconds: f64) -> anyhow::Result<Vec<f64>> {
        let answer: Answer = self.ask(&seconds.to_string())?;
        self.processor_ms += answer.processor_ms.unwrap_or_default();
        answer.runs_ms.context("the peer gave no times")
    }

    /// What the peer answers to one line.
    pub(super) fn ask<A: DeserializeOwned>(&mut self, order: &str) -> anyhow::Result<A> {
        writeln!(self.orders, "{order}").context("asking the peer to run")?;
        self.answer()
    }

    fn answer<A: DeserializeOwned>(&mut self) -> anyhow::Result<A> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("reading the peer's answer")?;
        serde_json::from_str(&line).context("the peer ended or said something else than JSON")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself; it must not outlive us.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
