//! Asking witnesses: takes the published checkpoint to each, and puts what they cosign under it.
//!
//! A witness that cannot be reached does not hold up publication: it is named, counted, and asked again the next time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::{Mutex, Weak};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use evidence::WitnessKey;
use evidence::witness::{ADD_CHECKPOINT_PATH, Reply};
use serde::Serialize;
use store::Store;

/// How long a witness may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer: some hundred cosignatures.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;
/// How often one witness is asked in one round: once to learn what it knows, once with the proof from there, once in reserve.
const ATTEMPTS_MAX: usize = 3;
/// How long a running exercise waits before it looks whether there is something new to be cosigned.
const ROUND_INTERVAL: Duration = Duration::from_secs(30);

/// A witness to be asked: `ADDRESS=KEY`.
#[derive(Clone, Debug)]
pub(crate) struct WitnessAt {
    address: String,
    key: WitnessKey,
    /// The number of entries it was found to know.
    knows: u64,
}

impl FromStr for WitnessAt {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((address, key)) = text.split_once('=') else { bail!("a witness is given as ADDRESS=KEY") };
        if !address.starts_with("http://") && !address.starts_with("https://") {
            bail!("a witness's address begins with http:// or https://");
        }
        let key = WitnessKey::new(key)?;
        Ok(Self { address: address.trim_end_matches('/').to_owned(), key, knows: 0 })
    }
}

/// What came of asking all of them once.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Round {
    /// Those who cosigned.
    pub cosigned: Vec<String>,
    /// Those who did not, each with the reason as a sentence.
    pub missing: Vec<String>,
}

impl Round {
    /// As sentences, for people.
    pub(crate) fn words(&self) -> String {
        let mut lines = vec![format!(
            "cosigned by {} of {} witnesses",
            self.cosigned.len(),
            self.cosigned.len() + self.missing.len()
        )];
        lines.extend(self.cosigned.iter().map(|name| format!("  {name}")));
        lines.extend(self.missing.iter().map(|sentence| format!("  missing: {sentence}")));
        lines.join("\n")
    }
}

/// The witnesses of one log.
pub(crate) struct Witnesses {
    known: Vec<WitnessAt>,
    agent: ureq::Agent,
}

impl Witnesses {
    /// These, of which no two may have one key: one party's word counts once.
    pub(crate) fn new(known: &[WitnessAt]) -> Result<Self> {
        for (position, one) in known.iter().enumerate() {
            if known[..position].iter().any(|other| other.key.is_same(&one.key)) {
                bail!("the witness {} is given twice", one.key.name());
            }
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_TIMEOUT))
            .user_agent(concat!("overt/", env!("CARGO_PKG_VERSION")));
        Ok(Self { known: known.to_owned(), agent: config.build().new_agent() })
    }

    /// Takes the published checkpoint to each of them. The store is held only between two requests.
    pub(crate) fn ask(&mut self, store: &Mutex<Store>) -> Result<Round> {
        let mut round = Round::default();
        for witness in &mut self.known {
            match ask_one(&self.agent, witness, store)? {
                Ok(name) => round.cosigned.push(name),
                Err(reason) => round.missing.push(format!("{} at {}: {reason}", witness.key.name(), witness.address)),
            }
        }
        Ok(round)
    }

    /// Asks again whenever there is something new, as long as the store is in use, from a thread of its own.
    pub(crate) fn keep_asking(mut self, store: Weak<Mutex<Store>>) {
        if self.known.is_empty() {
            return;
        }
        std::thread::spawn(move || {
            let mut told = Vec::new();
            while let Some(store) = store.upgrade() {
                match self.ask(&store) {
                    Ok(round) if round.missing != told => {
                        round.missing.iter().for_each(|sentence| eprintln!("overt: not cosigned by {sentence}"));
                        told = round.missing;
                    }
                    Ok(_) => {}
                    Err(error) => eprintln!("overt: asking the witnesses: {error:#}"),
                }
                drop(store);
                wait();
            }
        });
    }
}

#[allow(clippy::disallowed_methods, reason = "paces requests to others")]
fn wait() {
    std::thread::sleep(ROUND_INTERVAL);
}

/// The witness's name, or why it did not cosign. The outer error is the store's.
fn ask_one(agent: &ureq::Agent, witness: &mut WitnessAt, store: &Mutex<Store>) -> Result<Result<String, String>> {
    for _ in 0..ATTEMPTS_MAX {
        let request = match lock(store)?.witness_request(witness.knows) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(Err("nothing is published yet".into())),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let (status, body) = match send(agent, &witness.address, &request.body) {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(format!("it cannot be reached ({error})"))),
        };
        match Reply::read(status, &body) {
            Reply::Knows(size) if size == witness.knows => {
                let sentence =
                    format!("it has cosigned another history of {size} entries: find out which is the true one");
                return Ok(Err(sentence));
            }
            Reply::Knows(size) => witness.knows = size,
            Reply::Declined(reason) => return Ok(Err(reason)),
            Reply::Cosigned(lines) => {
                let names = lock(store)?.add_cosignatures(request.size, &lines, std::slice::from_ref(&witness.key));
                return Ok(match names {
                    Ok(names) if names.is_empty() => Err("it answered with a cosignature by another key".into()),
                    Ok(_) => {
                        witness.knows = request.size;
                        Ok(witness.key.name().to_owned())
                    }
                    Err(error) => Err(error.to_string()),
                });
            }
        }
    }
    Ok(Err("it kept asking for a proof from another size".into()))
}

fn send(agent: &ureq::Agent, address: &str, body: &[u8]) -> Result<(u16, Vec<u8>), ureq::Error> {
    let mut answer = agent.post(format!("{address}/{ADD_CHECKPOINT_PATH}")).send(body)?;
    let bytes = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
    Ok((answer.status().as_u16(), bytes))
}

fn lock(store: &Mutex<Store>) -> Result<std::sync::MutexGuard<'_, Store>> {
    store.lock().map_err(|_| anyhow::anyhow!("the store was left in an unknown state"))
}

/// What `overt cosign` takes.
#[derive(clap::Args)]
pub(crate) struct CosignArgs {
    /// The data directory whose published log is taken to the witnesses.
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// A witness, `ADDRESS=KEY`; may be given several times.
    #[arg(long = "witness", value_name = "ADDRESS=KEY", required = true)]
    witnesses: Vec<WitnessAt>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Asks each witness once; the exit code is 1 where one of them did not cosign.
pub(crate) fn run(args: CosignArgs) -> Result<ExitCode> {
    let store = Store::open(&args.data).with_context(|| format!("opening {}", args.data.display()))?;
    let round = Witnesses::new(&args.witnesses)?.ask(&Mutex::new(store))?;
    let text = if args.json { serde_json::to_string_pretty(&round)? } else { round.words() };
    std::io::Write::write_all(&mut std::io::stdout(), (text + "\n").as_bytes())?;
    Ok(if round.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
