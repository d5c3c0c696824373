//! What every command on a data directory shares: where it is, who acts, what is said, and how a refusal is told.

pub(crate) mod adopt;
pub(crate) mod alert;
pub(crate) mod audit;
pub(crate) mod complaint;
pub(crate) mod create;
pub(crate) mod custody;
pub(crate) mod deployment;
pub(crate) mod door;
mod interrupted;
pub(crate) mod operation;
pub(crate) mod share;
pub(crate) mod staff;
pub(crate) mod threshold;
pub(crate) mod watchlist;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use domain::{Clock as _, Deployment, DeploymentId, Officer, OfficerId, Policy, Refusal};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Recorded, Store, StoreError};

use crate::FAILED;
use crate::clock::SystemClock;
use door::Visitor;

/// Exit code of a command that a rule refused: nothing happened.
const REFUSED: u8 = 3;
/// Most bytes read of a text that is published or entered, such as a notice: the store refuses less with its own sentence.
const TEXT_BYTES_MAX: u64 = 1024 * 1024;
/// How often, and how many times, a data directory is tried that another process holds and nobody opens the door of.
const TRY_EVERY: Duration = Duration::from_millis(50);
const TRIES_MAX: u32 = 100;

/// Commands on a data directory: where another process holds it, that process does them, at its [`door`].
#[derive(clap::Subcommand)]
pub(crate) enum DeskCommand {
    /// Name a purpose over time, under a policy.
    Operation(operation::OperationArgs),
    /// Take one authorised use from its proposal to its published results.
    Deployment(deployment::DeploymentArgs),
    /// Build the list of people sought in one deployment.
    Watchlist(watchlist::WatchlistArgs),
    /// Look at candidates, judge them, and record what followed.
    Alert(alert::AlertArgs),
    /// Take complaints in and answer them.
    Complaint(complaint::ComplaintArgs),
    /// Agree what may leave to, or come from, another body.
    Share(share::ShareArgs),
    /// Keep the register of who may act.
    Staff(staff::StaffArgs),
    /// Look for anything that is not as it should be, and read the record.
    Audit(audit::AuditArgs),
    /// Replace keys, and copy what has to survive this machine.
    Custody(custody::CustodyArgs),
    /// `overt policy adopt`.
    #[command(skip)]
    Adopt(adopt::AdoptArgs),
    /// `overt policy threshold`.
    #[command(skip)]
    Threshold(threshold::ThresholdArgs),
}

/// Which data directory, and who acts.
#[derive(Clone, clap::Args)]
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
#[derive(Default)]
pub(crate) struct Said {
    /// Sentences.
    pub text: String,
    /// The same as data.
    pub json: Value,
    /// A picture, and then nothing else.
    picture: Option<Vec<u8>>,
    /// The exit code.
    pub code: u8,
}

/// What a process is answered, byte for byte, by whichever process did the work.
#[derive(Default)]
pub(crate) struct Answer {
    /// For standard output.
    pub out: Vec<u8>,
    /// For standard error.
    pub err: String,
    /// The exit code.
    pub code: u8,
}

/// An open data directory, at one moment, with whoever acts.
pub(crate) struct Session<'a> {
    /// The door to the record.
    pub store: &'a mut Store,
    /// The moment of the command.
    pub now: Timestamp,
    officer: Option<String>,
    /// Set where the command is another process's, and a deployment runs here.
    visitor: Option<&'a Visitor>,
    /// Why the run that goes on here is to end, once this command has let the record go.
    stop_run: Option<String>,
}

/// What came of a command, and why the run that goes on here is to end, if it is.
pub(crate) struct Performed {
    pub answer: Answer,
    pub stop_run: Option<String>,
}

impl DeskCommand {
    /// Does it here, or has it done by the process that holds the data directory.
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self {
            Self::Deployment(args) if args.is_run() => deployment::run(args),
            Self::Custody(args) if args.is_without_store() => custody::run(args),
            command => {
                if command.hands_out_a_picture() {
                    alert::refuse_file_output()?;
                }
                match reach(&command.at().data, || door::ask(&command.at().data))? {
                    Reached::Here(mut store) => perform(command, &mut store, None).answer,
                    Reached::There(answer) => answer,
                }
                .print()
            }
        }
    }

    /// Which data directory, and who acts.
    fn at(&self) -> &At {
        match self {
            Self::Operation(args) => &args.at,
            Self::Deployment(args) => &args.at,
            Self::Watchlist(args) => &args.at,
            Self::Alert(args) => &args.at,
            Self::Complaint(args) => &args.at,
            Self::Share(args) => &args.at,
            Self::Staff(args) => &args.at,
            Self::Audit(args) => &args.at,
            Self::Custody(args) => &args.at,
            Self::Adopt(args) => &args.at,
            Self::Threshold(args) => &args.at,
        }
    }

    fn act(self, session: &mut Session<'_>) -> Result<Said> {
        match self {
            Self::Operation(args) => operation::act(args, session),
            Self::Deployment(args) => deployment::act(args, session),
            Self::Watchlist(args) => watchlist::act(args, session),
            Self::Alert(args) => alert::act(args, session),
            Self::Complaint(args) => complaint::act(args, session),
            Self::Share(args) => share::act(args, session),
            Self::Staff(args) => staff::act(args, session),
            Self::Audit(args) => audit::act(&args, session),
            Self::Custody(args) => custody::act(args, session),
            Self::Adopt(args) => adopt::act(&args, session),
            Self::Threshold(args) => threshold::act(args, session),
        }
    }

    /// Whether it reads pictures of people or words about them.
    pub(crate) fn handles_faces(&self) -> bool {
        match self {
            Self::Deployment(_) | Self::Watchlist(_) | Self::Alert(_) | Self::Complaint(_) | Self::Share(_) => true,
            Self::Operation(_)
            | Self::Staff(_)
            | Self::Audit(_)
            | Self::Custody(_)
            | Self::Adopt(_)
            | Self::Threshold(_) => false,
        }
    }

    /// Whether what it says is a picture of a person.
    fn hands_out_a_picture(&self) -> bool {
        match self {
            Self::Alert(args) => args.is_view(),
            Self::Share(args) => args.is_export(),
            _ => false,
        }
    }
}

/// Does a command on an open store: lets the clock do what is due, acts, publishes what was recorded, and says what came of it.
pub(crate) fn perform(command: DeskCommand, store: &mut Store, visitor: Option<&Visitor>) -> Performed {
    let at = command.at().clone();
    let (mut told, mut stop_run) = (String::new(), None);
    let said = (|| {
        let mut session = Session::open(store, &at, visitor, &mut told)?;
        let said = command.act(&mut session)?;
        stop_run = session.stop_run.take();
        session.store.publish(SystemClock.now()).context("it is recorded, but its publication failed")?;
        Ok(said)
    })();
    let answer = at.answer(said);
    Performed { answer: Answer { err: told + &answer.err, ..answer }, stop_run }
}

impl Said {
    /// A sentence and its data.
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, ..Self::default() }
    }

    /// A picture, for a program that shows it.
    pub(crate) fn picture(png: &[u8]) -> Self {
        Self { picture: Some(png.to_vec()), ..Self::default() }
    }
}

impl Answer {
    /// Something failed; nothing else is said.
    pub(crate) fn failed(found: impl std::fmt::Display) -> Self {
        Self { err: format!("overt: {found}\n"), code: FAILED, ..Self::default() }
    }

    /// Says it.
    pub(crate) fn print(&self) -> Result<ExitCode> {
        eprint!("{}", self.err);
        let mut out = std::io::stdout();
        out.write_all(&self.out).and_then(|()| out.flush()).context("printing the answer")?;
        Ok(ExitCode::from(self.code))
    }
}

impl At {
    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Opens the data directory for what takes longer than a moment; a command of somebody else's is waited for.
    pub(crate) fn hold(&self) -> Result<Store> {
        match reach(&self.data, || Ok(None))? {
            Reached::Here(store) => Ok(*store),
            Reached::There(_) => anyhow::bail!("opening {}: another process holds it", self.data.display()),
        }
    }

    /// Acts on a store that this process holds, and leaves it open.
    pub(crate) fn begin<T>(&self, store: &mut Store, act: impl FnOnce(&mut Session<'_>) -> Result<T>) -> Result<T> {
        let mut told = String::new();
        let done = Session::open(store, self, None, &mut told).and_then(|mut session| act(&mut session));
        eprint!("{told}");
        done
    }

    /// What was said, or the refusal with its rule, or what failed.
    pub(crate) fn answer(&self, said: Result<Said>) -> Answer {
        let said = said.or_else(|error| match refusal(&error) {
            Some(refusal) => Ok(refused(refusal)),
            None => Err(error),
        });
        let in_words = |said: Said| {
            let Said { text, json, picture, code } = said;
            let text = if self.json { serde_json::to_string_pretty(&json)? } else { text };
            let out = picture.unwrap_or_else(|| format!("{}\n", text.trim_end()).into_bytes());
            Ok::<_, anyhow::Error>(Answer { out, code, ..Answer::default() })
        };
        said.and_then(in_words).unwrap_or_else(|error| Answer::failed(format_args!("{error:#}")))
    }
}

/// A data directory that is open here, or what the process that holds it answered.
enum Reached {
    Here(Box<Store>),
    There(Answer),
}

/// Opens a data directory, or asks whoever holds it; tries again for a while where somebody holds it who does not answer,
/// such as another command, which is soon done.
#[allow(clippy::disallowed_methods, reason = "another process is waited for, a bounded time")]
fn reach(data: &Path, ask: impl Fn() -> Result<Option<Answer>>) -> Result<Reached> {
    let mut tries = 1;
    loop {
        match Store::open(data) {
            Err(StoreError::Locked { .. }) if tries < TRIES_MAX => tries += 1,
            store => {
                return Ok(Reached::Here(store.map(Box::new).with_context(|| format!("opening {}", data.display()))?));
            }
        }
        if let Some(answer) = ask()? {
            return Ok(Reached::There(answer));
        }
        std::thread::sleep(TRY_EVERY);
    }
}

/// Prints an answer.
fn print(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{}", text.trim_end()).context("printing the answer")
}

impl<'a> Session<'a> {
    /// Opens it. What the clock owes is done first, whoever calls, and told.
    fn open(store: &'a mut Store, at: &At, visitor: Option<&'a Visitor>, told: &mut String) -> Result<Self> {
        let now = SystemClock.now();
        if visitor.is_none() {
            // Nobody else has the data directory, so whatever runs on the record is run by nobody.
            for deployment in interrupted::end(store, now)? {
                writeln!(told, "{deployment} had been interrupted: it is counted and ended")?;
            }
        }
        for deployment in store.keep_time(now)? {
            writeln!(told, "the clock ended or purged {deployment}")?;
        }
        Ok(Self { store, now, officer: at.officer.clone(), visitor, stop_run: None })
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

    /// Whether the run of this deployment goes on in this process.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.visitor.is_some_and(|visitor| visitor.running.as_str() == name)
    }

    /// Has the run that goes on here ended, once the record is let go: it counts what it has not told yet.
    pub(crate) fn stop_run(&mut self, reason: &str) {
        self.stop_run = Some(reason.to_owned());
    }

    /// Refuses what takes the machine for long while a deployment runs here.
    pub(crate) fn alone(&self, doing: &str) -> Result<()> {
        let Some(Visitor { running, .. }) = self.visitor else { return Ok(()) };
        anyhow::bail!("{doing}: {running} runs, and would stand still meanwhile; do it when that has ended")
    }

    /// A place that somebody names, seen from where they are.
    pub(crate) fn place(&self, path: &Path) -> PathBuf {
        self.visitor.map_or_else(|| path.to_owned(), |visitor| visitor.folder.join(path))
    }

    /// A file that somebody names. Another process's must be a plain one: a pipe would hold the record up, and its own
    /// standard input is not here.
    pub(crate) fn file(&self, path: &Path) -> Result<PathBuf> {
        let place = self.place(path);
        let plain = self.visitor.is_none() || !place.exists() || place.is_file();
        ensure!(plain, "reading {}: it is no plain file, and a deployment runs; give a plain file", path.display());
        Ok(place)
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
    let data = json!({ "refused": { "sentence": sentence, "rule": rule } });
    Said { code: REFUSED, ..Said::new(format!("refused: {sentence}\nrule: {rule}"), data) }
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
