//! `overt watchlist`: the people sought in one deployment, from the file of rows to the answer years later that they were not.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use domain::deployment::SeedPair;
use domain::watchlist::Reference;
use domain::{AlertId, Consent, DeploymentId};
use pipeline::intake::{Desk, Outcome, read};
use serde_json::{Value, json};

use super::{At, Said, Session};
use crate::clock::SystemClock;
use crate::demo;

/// Arguments of `overt watchlist`.
#[derive(clap::Args)]
pub(crate) struct WatchlistArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: WatchlistCommand,
}

#[derive(clap::Subcommand)]
enum WatchlistCommand {
    /// Enter the rows of a file, each with its image: every fault of every row is told, and each image measured.
    Import {
        /// The deployment.
        deployment: String,
        /// The rows (CSV).
        #[arg(long)]
        rows: PathBuf,
        /// The folder of their images.
        #[arg(long)]
        images: PathBuf,
        /// The models to use; see `overt models list`.
        #[arg(long, default_value = face::bundle::DEFAULT_BUNDLE)]
        bundle: String,
    },
    /// List the pairs of entries that are alike, and whether somebody compared them.
    Flags {
        /// The deployment.
        deployment: String,
    },
    /// Record that a pair was compared by a person.
    Acknowledge {
        /// The deployment.
        deployment: String,
        /// Number of the earlier entry.
        first: u32,
        /// Number of the later one.
        second: u32,
    },
    /// Approve that somebody young or protected is listed.
    Approve {
        /// The deployment.
        deployment: String,
        /// Number of the entry.
        number: u32,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Take an entry off the list.
    Unlist {
        /// The deployment.
        deployment: String,
        /// Number of the entry.
        number: u32,
    },
    /// Fix the list.
    Freeze {
        /// The deployment.
        deployment: String,
    },
    /// Fix which pairs of listed images, of two different people, an exercise shows among its alerts to measure its reviewers.
    Seed {
        /// The exercise.
        deployment: String,
        /// Number of the entry shown as if it had been seen, and of the one it is shown beside; once for each pair.
        #[arg(long = "pair", value_name = "SHOWN:LISTED", required = true, value_parser = pair)]
        pairs: Vec<SeedPair>,
    },
    /// Answer, after the list is gone, whether somebody was on it: yes or no.
    WasListed {
        /// The deployment.
        deployment: String,
        /// The reference under which they would have been listed.
        reference: String,
    },
    /// Keep somebody who was wrongly stopped from being taken for the same person again, with their consent.
    Suppress {
        /// The alert because of which they were stopped.
        alert: String,
        /// Where their consent is filed.
        #[arg(long)]
        consent: String,
        /// When they gave it, such as 2026-03-01.
        #[arg(long)]
        given: jiff::civil::Date,
    },
    /// Erase a suppression at once.
    EraseSuppression {
        /// The suppression.
        suppression: String,
    },
}

fn pair(text: &str) -> Result<SeedPair, String> {
    let (shown, listed) = text.split_once(':').ok_or("write SHOWN:LISTED, two numbers of entries")?;
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number of an entry"));
    Ok(SeedPair { shown: number(shown)?, listed: number(listed)? })
}

/// Runs one of them.
pub(crate) fn act(args: WatchlistArgs, session: &mut Session<'_>) -> Result<Said> {
    use WatchlistCommand as C;
    match args.command {
        C::Import { deployment, rows, images, bundle } => import(session, &deployment, &rows, &images, &bundle),
        C::Flags { deployment } => flags(session, &deployment),
        C::Acknowledge { deployment, first, second } => {
            let announced = session.deployment(&deployment)?.expect_announced()?;
            let officer = session.officer()?;
            session.store.acknowledge(&announced, &officer, first, second, session.now)?;
            Ok(told(&deployment, &format!("entries {first} and {second} were compared")))
        }
        C::Approve { deployment, number, reason } => {
            let announced = session.deployment(&deployment)?.expect_announced()?;
            let officer = session.officer()?;
            session.store.approve_listing(&announced, &officer, number, &reason, session.now)?;
            Ok(told(&deployment, &format!("listing entry {number} is approved")))
        }
        C::Unlist { deployment, number } => {
            let announced = session.deployment(&deployment)?.expect_announced()?;
            let officer = session.officer()?;
            session.store.unlist(&announced, &officer, number, session.now)?;
            Ok(told(&deployment, &format!("entry {number} is off the list")))
        }
        C::Freeze { deployment } => {
            let announced = session.deployment(&deployment)?.expect_announced()?;
            let officer = session.officer()?;
            session.store.freeze_watchlist(announced, &officer, session.now)?;
            Ok(told(&deployment, "its watchlist is fixed"))
        }
        C::Seed { deployment, pairs } => {
            let announced = session.deployment(&deployment)?.expect_announced()?;
            let officer = session.officer()?;
            session.store.seed_exercise(&announced, &officer, &pairs, session.now)?;
            Ok(told(&deployment, &format!("{} seeded pairs are fixed", pairs.len())))
        }
        C::WasListed { deployment, reference } => {
            let (deployment, officer) = (DeploymentId::new(&deployment)?, session.officer()?);
            let reference = Reference::new(&reference)?;
            let listed = session.store.was_listed(&deployment, &reference, &officer, session.now)?;
            Ok(Said::new(if listed { "yes" } else { "no" }, json!({ "listed": listed })))
        }
        C::Suppress { alert, consent, given } => {
            let (alert, officer) = (AlertId::new(&alert)?, session.officer()?);
            let consent = Consent { reference: consent, given };
            let suppression = session.store.suppress(&alert, &officer, &consent, session.now)?;
            let (name, expires) = (suppression.suppression.to_string(), suppression.expires.to_string());
            Ok(Said::new(format!("{name}: until {expires}"), json!({ "suppression": name, "expires": expires })))
        }
        C::EraseSuppression { suppression } => {
            let name = domain::SuppressionId::new(&suppression)?;
            let officer = session.officer()?;
            session.store.erase_suppression(&name, &officer, session.now)?;
            Ok(Said::new(format!("{name} is erased"), json!({ "suppression": suppression, "erased": true })))
        }
    }
}

fn import(
    session: &mut Session<'_>,
    deployment: &str,
    rows: &std::path::Path,
    images: &std::path::Path,
    bundle: &str,
) -> Result<Said> {
    session.alone("building a watchlist")?;
    let announced = session.deployment(deployment)?.expect_announced()?;
    let (officer, policy) = (session.officer()?, session.policy()?);
    let file = std::fs::read(rows).with_context(|| format!("reading {}", rows.display()))?;
    let rows = match read(&file, announced.plan(), &policy, session.now) {
        Ok(rows) => rows,
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            anyhow::bail!("the file lists nobody, because of {} faults:\n{}", lines.len(), lines.join("\n"));
        }
    };
    let mut faces = demo::open(bundle, &face::models::directory()?, None)?;
    let desk = Desk { officer: &officer, policy: &policy, clock: &SystemClock };
    let intake = pipeline::intake::intake(session.store, &mut faces, &announced, rows, images, &desk)?;
    let lines: Vec<(u64, bool, String)> = intake.outcomes.iter().map(|row| words(row.row, &row.outcome)).collect();
    let text = lines.iter().map(|(_, _, line)| line.as_str()).collect::<Vec<_>>().join("\n");
    let json = lines.iter().map(|(row, listed, line)| json!({ "row": row, "listed": listed, "found": line })).collect();
    Ok(Said::new(text, json))
}

fn words(row: u64, outcome: &Outcome) -> (u64, bool, String) {
    match outcome {
        Outcome::Accepted { entry, quality, alike } => {
            let others: Vec<String> = alike.iter().map(|(other, _)| other.to_string()).collect();
            let alike = if others.is_empty() {
                String::new()
            } else {
                format!("; compare it with entry {}", others.join(", "))
            };
            let (eyes, sharp) = (quality.inter_eye_distance_px, quality.sharpness);
            (
                row,
                true,
                format!("row {row}: entry {entry}, {eyes:.0} pixels between the eyes, sharpness {sharp:.0}{alike}"),
            )
        }
        Outcome::Refused(refusal) => (row, false, format!("row {row}: not listed: {refusal}")),
    }
}

fn flags(session: &mut Session<'_>, deployment: &str) -> Result<Said> {
    let flags = session.store.flags(&DeploymentId::new(deployment)?)?;
    let line = |state: &store::FlagState| {
        let compared = if state.acknowledged { "compared" } else { "to be compared" };
        format!("entries {} and {}: {compared}", state.flag.first, state.flag.second)
    };
    let text = flags.iter().map(line).collect::<Vec<_>>().join("\n");
    let data = |state: &store::FlagState| json!({ "first": state.flag.first, "second": state.flag.second, "compared": state.acknowledged });
    let text = if flags.is_empty() { "no two entries are alike".to_owned() } else { text };
    Ok(Said::new(text, flags.iter().map(data).collect::<Value>()))
}

fn told(deployment: &str, what: &str) -> Said {
    Said::new(format!("{deployment}: {what}"), json!({ "deployment": deployment, "done": what }))
}
