//! `overt verify`: reads a public log from a folder or an address and says, as an outsider, what it proves.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use domain::Clock as _;
use evidence::{FetchError, Published, Quorum, Verdict, VerifyError, WitnessKey};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clock::SystemClock;

mod proof;

/// Exit code for a log that was read and found wrong.
const REFUSED: u8 = 1;
/// Exit code for a log that could not be read.
const UNREADABLE: u8 = 2;
/// Longest text of a public key, in bytes.
const KEY_BYTES_MAX: u64 = 4_096;
/// How long an address may take to be found and to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one file may take, the largest being 17 MB.
const FILE_TIMEOUT: Duration = Duration::from_secs(60);
const REDIRECTS_MAX: u32 = 3;
/// Deployments told one by one to people; `--json` tells more.
const DEPLOYMENTS_PRINTED_MAX: usize = 50;

/// What `overt verify` takes.
#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    /// The log: the folder or http(s) address in which `checkpoint` and `tile/` lie.
    #[arg(value_name = "DIR|URL", required_unless_present = "proof", conflicts_with = "proof")]
    target: Option<String>,
    /// A proof of one entry, as handed out (`.tlog-proof`): it is checked without the log.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// The log's public key, `<origin>+<id>+<key>`, or a file that holds it. Take it from somewhere else than the log.
    #[arg(long, value_name = "KEY|FILE")]
    key: String,
    /// The public key of a witness, or a file that holds it; may be given several times.
    #[arg(long = "witness", value_name = "KEY|FILE")]
    witnesses: Vec<String>,
    /// How many of these witnesses must have cosigned; all of them, when absent.
    #[arg(long, value_name = "N", requires = "witnesses")]
    quorum: Option<usize>,
    /// The oldest cosignature that counts, in hours; any age, when absent.
    #[arg(long, value_name = "HOURS", requires = "witnesses")]
    witness_age_max: Option<u32>,
    /// Print one JSON object instead of sentences.
    #[arg(long)]
    json: bool,
}

impl VerifyArgs {
    fn quorum(&self) -> Result<Quorum> {
        let read = |text: &String| {
            WitnessKey::new(&text_or_file(text, |text| WitnessKey::new(text).is_ok())?).map_err(anyhow::Error::from)
        };
        let witnesses = self.witnesses.iter().map(read).collect::<Result<Vec<_>>>().context("reading --witness")?;
        for (position, one) in witnesses.iter().enumerate() {
            if witnesses[..position].iter().any(|other| one.is_same(other)) {
                bail!("the witness {} is given twice; its word counts once", one.name());
            }
        }
        let least = self.quorum.unwrap_or(witnesses.len());
        if least > witnesses.len() {
            bail!("--quorum {least} cannot be met by {} witnesses", witnesses.len());
        }
        let age_max = self.witness_age_max.map(|hours| SignedDuration::from_hours(i64::from(hours)));
        Ok(Quorum { witnesses, least, age_max })
    }
}

/// Verifies; the exit code is 0 for a log or a proof that holds, 1 for one that does not, 2 where nothing can be said.
pub(crate) fn run(args: VerifyArgs) -> Result<ExitCode> {
    let (key, quorum, now) = (key_text(&args.key)?, args.quorum()?, SystemClock.now());
    if let Some(file) = &args.proof {
        return proof::run(file, &key, &quorum, now, args.json);
    }
    let target = args.target.as_deref().unwrap_or_default();
    let verdict = if target.starts_with("http://") || target.starts_with("https://") {
        evidence::verify_witnessed(&HttpLog::new(target), &key, &quorum, now)
    } else {
        evidence::verify_witnessed(&DirectoryLog::open(target)?, &key, &quorum, now)
    };
    let (text, code) = match (&verdict, args.json) {
        (Err(VerifyError::Key(_) | VerifyError::NoLog | VerifyError::Unreadable(_)), _) => {
            let error = verdict.err().map(anyhow::Error::from).unwrap_or_else(|| anyhow::anyhow!("nothing was found"));
            return report_unreadable(&error.context(format!("verifying {target}")), args.json);
        }
        (Ok(verdict), true) => (serde_json::to_string_pretty(&verdict_json(verdict)?)?, 0),
        (Ok(verdict), false) => (words(verdict), 0),
        (Err(refusal), true) => (serde_json::to_string_pretty(&refusal_json(refusal))?, REFUSED),
        (Err(refusal), false) => (refusal_words(refusal), REFUSED),
    };
    writeln!(io::stdout().lock(), "{text}").context("printing the verdict")?;
    Ok(ExitCode::from(code))
}

/// A public log in a folder.
pub(crate) struct DirectoryLog {
    folder: PathBuf,
}

impl DirectoryLog {
    /// The log in this folder, which must exist.
    pub(crate) fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref().to_owned();
        if !folder.is_dir() {
            bail!("{} is not a folder; give the one that holds the log's `checkpoint`", folder.display());
        }
        Ok(Self { folder })
    }

    fn failed(&self, path: &str, error: &io::Error) -> FetchError {
        let path = self.folder.join(path).display().to_string();
        FetchError::Failed { path, reason: error.to_string() }
    }
}

impl Published for DirectoryLog {
    fn fetch(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, FetchError> {
        let failed = |error: io::Error| self.failed(path, &error);
        let whole = self.folder.join(path);
        match std::fs::metadata(&whole) {
            Ok(found) if found.is_file() => {}
            // Opening a pipe or a device could wait for ever; a folder is no file of a log.
            Ok(_) => return Err(failed(io::Error::other("it is not a plain file"))),
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        let mut bytes = Vec::new();
        let file = File::open(whole).map_err(failed)?;
        file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > bytes_max {
            return Err(FetchError::TooLarge { path: path.to_owned(), limit: format!("{bytes_max} bytes") });
        }
        Ok(Some(bytes))
    }

    fn list(&self, folder: &str, names_max: usize) -> Result<Option<Vec<String>>, FetchError> {
        let failed = |error: io::Error| self.failed(folder, &error);
        let files = match std::fs::read_dir(self.folder.join(folder)) {
            Ok(files) => files,
            Err(error) if is_absence(&error) => return Ok(Some(Vec::new())),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for file in files {
            if names.len() == names_max {
                return Err(FetchError::TooLarge { path: folder.to_owned(), limit: format!("{names_max} names") });
            }
            // A name that is no text is none of a log's.
            names.extend(file.map_err(failed)?.file_name().into_string().ok());
        }
        Ok(Some(names))
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A public log at an address.
struct HttpLog {
    base: String,
    agent: ureq::Agent,
}

impl HttpLog {
    fn new(address: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTS_MAX)
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(FILE_TIMEOUT))
            .user_agent(concat!("overt/", env!("CARGO_PKG_VERSION")));
        Self { base: address.trim_end_matches('/').to_owned(), agent: config.build().new_agent() }
    }
}

impl Published for HttpLog {
    fn fetch(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, FetchError> {
        let address = format!("{}/{path}", self.base);
        let failed = |reason: String| FetchError::Failed { path: address.clone(), reason };
        let mut answer = self.agent.get(&address).call().map_err(|error| failed(error.to_string()))?;
        match answer.status().as_u16() {
            200 => {}
            404 | 410 => return Ok(None),
            status => return Err(failed(format!("the server answered {status}"))),
        }
        // The library refuses a body that reaches its limit, ours may be reached.
        match answer.body_mut().with_config().limit(bytes_max as u64 + 1).read_to_vec() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                Err(FetchError::TooLarge { path: path.to_owned(), limit: format!("{bytes_max} bytes") })
            }
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn list(&self, _folder: &str, _names_max: usize) -> Result<Option<Vec<String>>, FetchError> {
        Ok(None)
    }
}

/// A log's key as text: given as it is, or in a file.
pub(crate) fn key_text(key: &str) -> Result<String> {
    text_or_file(key, |text| evidence::CheckpointVerifier::new(text).is_ok())
}

fn text_or_file(key: &str, is_key: impl Fn(&str) -> bool) -> Result<String> {
    if is_key(key.trim()) || !Path::new(key).is_file() {
        return Ok(key.trim().to_owned());
    }
    let mut text = String::new();
    let file = File::open(key).with_context(|| format!("opening the key file {key}"))?;
    file.take(KEY_BYTES_MAX).read_to_string(&mut text).with_context(|| format!("reading the key file {key}"))?;
    Ok(text.trim().to_owned())
}

fn words(verdict: &Verdict) -> String {
    let mut lines = vec![
        format!("verified: {}, {} entries", verdict.origin, verdict.entries),
        format!("root {}", verdict.root),
        "Proven:".to_owned(),
    ];
    lines.extend(verdict.proven.iter().map(|sentence| format!("  - {sentence}")));
    lines.push("Not proven:".to_owned());
    lines.extend(verdict.not_proven.iter().map(|sentence| format!("  - {sentence}")));
    let told = verdict.deployments.len().min(DEPLOYMENTS_PRINTED_MAX);
    if told > 0 {
        lines.push("Deployments, as the record has them:".to_owned());
    }
    lines.extend(verdict.deployments[..told].iter().map(|account| format!("  - {}", account.words())));
    let more = (verdict.deployments.len() - told) as u64 + verdict.deployments_untold;
    if more > 0 {
        lines.push(format!("  and {more} more (--json tells more of them)"));
    }
    lines.join("\n")
}

fn verdict_json(verdict: &Verdict) -> Result<Value> {
    let mut object = json!({ "verified": true });
    let fields = serde_json::to_value(verdict)?;
    if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields) {
        object.extend(fields);
    }
    Ok(object)
}

fn refusal_words(refusal: &VerifyError) -> String {
    match refusal {
        VerifyError::Record { problems, problems_untold } => {
            let mut lines = vec!["REFUSED: the log is whole, but what it records is not in order".to_owned()];
            lines.extend(problems.iter().map(|problem| format!("  entry {}: {}", problem.entry, problem.sentence)));
            if *problems_untold > 0 {
                lines.push(format!("  and {problems_untold} more"));
            }
            lines.join("\n")
        }
        other => format!("REFUSED: {other}"),
    }
}

fn refusal_json(refusal: &VerifyError) -> Value {
    match refusal {
        VerifyError::Refused { file, reason } => json!({ "verified": false, "file": file, "reason": reason }),
        VerifyError::Record { problems, problems_untold } => json!({
            "verified": false,
            "reason": "the log is whole, but what it records is not in order",
            "problems": problems,
            "problems_untold": problems_untold,
        }),
        VerifyError::Unwitnessed { least, words } => json!({
            "verified": false,
            "reason": refusal.to_string(),
            "witnesses_needed": least,
            "witnesses": words,
        }),
        other => json!({ "verified": false, "reason": other.to_string() }),
    }
}

/// Nothing can be said: in JSON too, so that a script is not left with nothing to read.
fn report_unreadable(error: &anyhow::Error, json: bool) -> Result<ExitCode> {
    if json {
        let object = json!({ "verified": null, "reason": format!("{error:#}") });
        writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&object)?).context("printing the verdict")?;
    } else {
        writeln!(io::stderr().lock(), "overt: {error:#}").context("printing the reason")?;
    }
    Ok(ExitCode::from(UNREADABLE))
}
