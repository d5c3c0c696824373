//! `overt policy threshold`: the threshold of a model, proposed by one officer with its evaluation and approved by another.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use domain::{ModelId, ThresholdWish};
use evidence::ThresholdChange;
use serde_json::{Value, json};

use super::{At, Said, Session, digest_of};

/// Arguments of `overt policy threshold`.
#[derive(clap::Args)]
pub(crate) struct ThresholdArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: ThresholdCommand,
}

#[derive(clap::Subcommand)]
enum ThresholdCommand {
    /// List the models of the policy in force, with what it states of each, what is in use, and what is proposed.
    List,
    /// Propose that the policy's threshold of a model is used from now on.
    Propose {
        /// The model, as `overt policy threshold list` names it.
        model: String,
        /// The results of the evaluation that the policy names; their digest is published.
        #[arg(long, value_name = "FILE")]
        results: PathBuf,
        /// Why; it is published.
        #[arg(long)]
        reason: String,
        /// What is expected to change for a group of people, in words; once for each group.
        #[arg(long = "forecast", value_name = "GROUP=WORDS", required = true, value_parser = group_and_words)]
        forecast: Vec<(String, String)>,
    },
    /// Approve what was proposed for a model: another person than proposed it.
    Approve {
        /// The model.
        model: String,
    },
}

fn group_and_words(text: &str) -> Result<(String, String), String> {
    let (group, words) = text.split_once('=').ok_or("write GROUP=WORDS")?;
    Ok((group.to_owned(), words.to_owned()))
}

/// Runs one of them.
pub(crate) fn act(args: ThresholdArgs, session: &mut Session<'_>) -> Result<Said> {
    match args.command {
        ThresholdCommand::List => list(session),
        ThresholdCommand::Propose { model, results, reason, forecast } => {
            let forecast: BTreeMap<_, _> = forecast.into_iter().collect();
            let evaluation_digest = digest_of(&session.file(&results)?)?;
            let wish = ThresholdWish { model: ModelId::new(model), evaluation_digest, reason, forecast };
            let (officer, policy) = (session.officer()?, session.policy()?);
            let proposed = wish.propose(&session.store.thresholds()?, &officer, &policy, session.now)?;
            let proposed = session.store.commit(proposed)?;
            Ok(told(proposed.change(), "is proposed"))
        }
        ThresholdCommand::Approve { model } => {
            let proposed = session.store.proposed_threshold(&ModelId::new(model))?;
            let set = proposed.approve(&session.officer()?, &session.policy()?, session.now)?;
            Ok(told(&*session.store.commit(set)?, "is in use from now on"))
        }
    }
}

fn list(session: &mut Session<'_>) -> Result<Said> {
    let (policy, ledger) = (session.policy()?, session.store.thresholds()?);
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for stated in &policy.thresholds {
        let model = stated.model().as_str();
        let (set, waiting) = (ledger.in_use(model), ledger.proposed(model));
        let value = |change: Option<&ThresholdChange>| change.map_or("none".to_owned(), |change| change.value.clone());
        lines.push(format!(
            "{model}: the policy states {}, FPIR {}, by {}; set: {}; proposed: {}",
            stated.value(),
            stated.fpir(),
            stated.evaluation(),
            value(set),
            value(waiting)
        ));
        rows.push(json!({
            "model": model, "stated": stated.value().to_string(), "fpir": stated.fpir().to_string(),
            "evaluation": stated.evaluation(), "set": set, "proposed": waiting,
        }));
    }
    let text = if lines.is_empty() { "the policy states no threshold".to_owned() } else { lines.join("\n") };
    Ok(Said::new(text, Value::Array(rows)))
}

fn told(change: &ThresholdChange, state: &str) -> Said {
    let text = format!("{}: threshold {}, FPIR {}, {state}", change.model, change.value, change.fpir);
    let data = serde_json::to_value(change).context("the change as data").unwrap_or_default();
    Said::new(text, json!({ "state": state, "change": data }))
}
