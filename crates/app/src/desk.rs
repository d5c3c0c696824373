//! What every command on a data directory shares: where it is, who acts, what is said, and how a refusal is told.

pub(crate) mod adopt;
pub(crate) mod alert;
pub(crate) mod audit;
pub(crate) mod complaint;
pub(crate) mod create;
pub(crate) mod deployment;
pub(crate) mod operation;
pub(crate) mod share;
pub(crate) mod staff;
pub(crate) mod watchlist;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use domain::{Clock as _, Deployment, DeploymentId, Officer, OfficerId, Policy, Refusal};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Recorded, Store, StoreError};

use crate::clock::SystemClock;

/// Exit code of a command that a rule refused: nothing happened.
const REFUSED: u8 = 3;
/// Most bytes read of a text that is published or entered, such as a notice: the store refuses less with its own sentence.
const TEXT_BYTES_MAX: u64 = 1024 * 1024;

/// Which data directory, and who acts.
#[derive(clap::Args)]
pub(crate) struct At {
    /// The data directory.
    #[arg(id = "desk_data", long = "data", global = true, value_name = "DIR", default_value = "overt-data")]
    data: PathBuf,
    /// Who acts, by the name in the staff register.
    #[arg(id = "desk_officer", long = "as", global = true, value_name = "OFFICER")]
    officer: Option<String>,
    /// Print one JSON object instead of sentences.
    #[arg(id = "desk_json", long = "json", global = true)]
    json: bool,
}

/// What a command has to say, to people and to programs.
pub(crate) struct Said {
    /// Sentences.
    pub text: String,
    /// The same as data.
    pub json: Value,
}

/// An open data directory, at one moment, with whoever acts.
pub(crate) struct Session {
    /// The door to the record.
    pub store: Store,
    /// The moment of the command.
    pub now: Timestamp,
    officer: Option<String>,
}

impl Said {
    /// A sentence and its data.
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json }
    }
}

impl At {
    /// Opens the data directory, lets the clock do what is due, acts, publishes what was recorded, and says what came of it.
    pub(crate) fn act(&self, action: impl FnOnce(&mut Session) -> Result<Said>) -> Result<ExitCode> {
        self.tell(Session::open(&self.data, self.officer.clone()).and_then(|mut session| {
            let said = action(&mut session)?;
            session.store.publish(SystemClock.now()).context("it is recorded, but its publication failed")?;
            Ok(said)
        }))
    }

    /// Opens the data directory and acts, and leaves it open for what takes longer.
    pub(crate) fn begin(&self, action: impl FnOnce(&mut Session) -> Result<()>) -> Result<Session> {
        let mut session = Session::open(&self.data, self.officer.clone())?;
        action(&mut session)?;
        Ok(session)
    }

    /// Prints what was said, or the refusal with its rule.
    pub(crate) fn tell(&self, said: Result<Said>) -> Result<ExitCode> {
        let (said, code) = match said {
            Ok(said) => (said, ExitCode::SUCCESS),
            Err(error) => match refusal(&error) {
                Some(refusal) => (refused(refusal), ExitCode::from(REFUSED)),
                None => return Err(error),
            },
        };
        let text = if self.json { serde_json::to_string_pretty(&said.json)? } else { said.text };
        print(&text)?;
        Ok(code)
    }
}

/// Prints an answer.
fn print(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{}", text.trim_end()).context("printing the answer")
}

impl Session {
    /// Opens it. What the clock owes is done first, whoever calls.
    fn open(data: &Path, officer: Option<String>) -> Result<Self> {
        let mut store = Store::open(data).with_context(|| format!("opening {}", data.display()))?;
        let now = SystemClock.now();
        for deployment in store.keep_time(now)? {
            eprintln!("the clock ended or purged {deployment}");
        }
        Ok(Self { store, now, officer })
    }

    /// Whoever acts, as the register has them today.
    pub(crate) fn officer(&self) -> Result<Officer> {
        let name =
            self.officer.as_deref().context("this is recorded as somebody's act; name them with --as OFFICER")?;
        Ok(self.store.officer(&OfficerId::new(name)?, self.now)?)
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> Result<Policy> {
        self.store.policy()?.context("no policy is in force; adopt one with `overt policy adopt`")
    }

    /// A deployment as the record has it.
    pub(crate) fn deployment(&self, name: &str) -> Result<Recorded<Deployment>> {
        Ok(self.store.deployment(&DeploymentId::new(name)?)?)
    }
}

/// The refusal that an error carries, if a rule said no.
fn refusal(error: &anyhow::Error) -> Option<&Refusal> {
    error.chain().find_map(|cause| match cause.downcast_ref::<StoreError>() {
        Some(StoreError::Refusal(refusal)) => Some(refusal),
        _ => cause.downcast_ref::<Refusal>(),
    })
}

fn refused(refusal: &Refusal) -> Said {
    let (sentence, rule) = (refusal.to_string(), refusal.rule());
    Said::new(
        format!("refused: {sentence}\nrule: {rule}"),
        json!({ "refused": { "sentence": sentence, "rule": rule } }),
    )
}

/// Reads a text that somebody names, within a limit.
pub(crate) fn text_of(path: &Path) -> Result<String> {
    let doing = || format!("reading {}", path.display());
    let file = std::fs::File::open(path).with_context(doing)?;
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut std::io::Read::take(file, TEXT_BYTES_MAX + 1), &mut text);
    let read = read.with_context(doing)?;
    anyhow::ensure!(read as u64 <= TEXT_BYTES_MAX, "{}: found more than {TEXT_BYTES_MAX} bytes; give less", doing());
    Ok(text)
}

/// SHA-256 of a file that somebody names, hexadecimal: what the record holds of a document.
pub(crate) fn digest_of(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(store::sha256_hex(&bytes))
}

/// The value for a word of a closed list, or the list.
pub(crate) fn one_of<T>(what: &str, word: &str, found: Option<T>, all: &[&str]) -> Result<T> {
    found.with_context(|| format!("{word:?} is no {what}; one of: {}", all.join("; ")))
}
