//! `overt alert`: candidates, from the first look to what followed, and what a stopped person may ask.

use anyhow::{Context as _, Result, bail};
use domain::hold::{HoldGround, HoldTerms};
use domain::{AlertId, AlertState, DeploymentId, Engagement, Judgement, Outcome, Reclassification};
use jiff::Timestamp;
use serde_json::json;
use store::AlertRow;

use super::{At, Said, Session, one_of};

/// Arguments of `overt alert`.
#[derive(clap::Args)]
pub(crate) struct AlertArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: AlertCommand,
}

#[derive(clap::Subcommand)]
enum AlertCommand {
    /// List the alerts of a deployment, without scores.
    List {
        /// The deployment.
        deployment: String,
    },
    /// Look at the live picture of an alert, or the listed one: PNG, to a program that shows it. Looking is recorded.
    View {
        /// The alert.
        alert: String,
        /// The listed image it is about, instead of the live one.
        #[arg(long)]
        listed: bool,
    },
    /// Judge an alert from its two pictures.
    Judge {
        /// The alert.
        alert: String,
        /// `same person`, `not this person` or `cannot tell`.
        judgement: String,
    },
    /// Tell the score, to somebody who comes after the judgement.
    Score {
        /// The alert.
        alert: String,
    },
    /// Record whether the person was spoken to; who was, is handed the receipt that this prints.
    Engage {
        /// The alert.
        alert: String,
        /// What became of it, in the words of the closed list.
        engagement: String,
    },
    /// Record what followed.
    Outcome {
        /// The alert.
        alert: String,
        /// The outcome, from the policy's list.
        outcome: String,
    },
    /// Put an outcome right.
    Reclassify {
        /// The alert.
        alert: String,
        /// The outcome, from the policy's list.
        outcome: String,
        /// Why, in the words of the closed list.
        #[arg(long)]
        reason: String,
    },
    /// Keep the evidence of an alert longer.
    Hold {
        /// The alert.
        alert: String,
        /// Why, in the words of the closed list.
        #[arg(long)]
        ground: String,
        /// Until when at the latest.
        #[arg(long)]
        until: Timestamp,
    },
    /// Let a hold go.
    Release {
        /// The alert.
        alert: String,
    },
    /// Tell which seeded pairs were among the alerts of an exercise that has ended, and how they were judged.
    RevealSeeds {
        /// The exercise.
        deployment: String,
    },
    /// Answer whoever holds the code of an alert receipt.
    Receipt {
        /// The code.
        code: String,
    },
    /// What the alerts of a deployment came to, as counts.
    Figures {
        /// The deployment.
        deployment: String,
    },
}

impl AlertArgs {
    /// Whether it hands out a picture.
    pub(super) fn is_view(&self) -> bool {
        matches!(self.command, AlertCommand::View { .. })
    }
}

/// Runs one of them.
pub(crate) fn act(args: AlertArgs, session: &mut Session<'_>) -> Result<Said> {
    use AlertCommand as C;
    match args.command {
        C::List { deployment } => list(session, &deployment),
        C::View { alert, listed } => view(session, &AlertId::new(&alert)?, listed),
        C::Judge { alert, judgement } => {
            let all = Judgement::ALL.map(Judgement::word);
            let judgement = one_of("judgement", &judgement, Judgement::from_word(&judgement), &all)?;
            let (alert, officer) = (AlertId::new(&alert)?, session.officer()?);
            let state = session.store.judge(&alert, &officer, judgement, session.now)?;
            Ok(told(&alert, state.state()))
        }
        C::Score { alert } => score(session, &AlertId::new(&alert)?),
        C::Engage { alert, engagement } => engage(session, &AlertId::new(&alert)?, &engagement),
        C::Outcome { alert, outcome } => record_outcome(session, &AlertId::new(&alert)?, &outcome),
        C::Reclassify { alert, outcome, reason } => reclassify(session, &AlertId::new(&alert)?, &outcome, &reason),
        C::Hold { alert, ground, until } => {
            let ground =
                one_of("ground", &ground, HoldGround::from_word(&ground), &HoldGround::ALL.map(HoldGround::word))?;
            let (alert, officer) = (AlertId::new(&alert)?, session.officer()?);
            let hold = session.store.hold(&alert, &officer, HoldTerms { ground, until }, session.now)?;
            let until = hold.until().to_string();
            Ok(Said::new(
                format!("{alert} is held until {until}"),
                json!({ "alert": alert.to_string(), "held_until": until }),
            ))
        }
        C::Release { alert } => {
            let alert = AlertId::new(&alert)?;
            let hold = session.store.expect_hold(&alert)?.into_inner();
            let released = hold.release(&session.officer()?, session.now)?;
            session.store.commit(released)?;
            session.store.keep_time(session.now)?;
            Ok(told(&alert, "no longer held"))
        }
        C::RevealSeeds { deployment } => reveal_seeds(session, &deployment),
        C::Receipt { code } => receipt(session, &code),
        C::Figures { deployment } => {
            let figures = session.store.alert_figures(&DeploymentId::new(&deployment)?)?;
            let json = json!({
                "faces_seen": figures.faces_seen, "alerts": figures.alerts, "true_alerts": figures.true_alerts,
                "false_alerts": figures.false_alerts, "unconfirmed": figures.unconfirmed, "unjudged": figures.unjudged,
                "disputed": figures.disputed, "judged_by_two": figures.judged_by_two, "spoken_to": figures.spoken_to,
                "reclassified": figures.reclassified, "disposals": figures.disposals,
            });
            Ok(Said::new(serde_json::to_string_pretty(&json)?, json))
        }
    }
}

/// Pictures of people go to a program that shows them, and never to a file through this one.
pub(crate) fn refuse_file_output() -> Result<()> {
    use std::io::IsTerminal as _;
    use std::os::fd::AsFd as _;
    let stdout = std::io::stdout();
    let owned = stdout.as_fd().try_clone_to_owned().context("looking where the picture would go")?;
    let kind = std::fs::File::from(owned).metadata().context("looking where the picture would go")?.file_type();
    if kind.is_file() || stdout.is_terminal() {
        bail!(
            "a picture of a person goes to no file and no terminal; pipe it into a program that shows PNG, such as `| feh -`"
        );
    }
    Ok(())
}

fn list(session: &mut Session<'_>, deployment: &str) -> Result<Said> {
    let rows = session.store.alerts(&DeploymentId::new(deployment)?)?;
    let line = |row: &AlertRow| {
        let alert = row.alert.raised();
        format!(
            "{}  {}  {}  {} ({}), at {}",
            alert.alert,
            row.alert.state(),
            row.camera,
            row.label,
            row.ground,
            alert.raised
        )
    };
    let text = rows.iter().map(line).collect::<Vec<_>>().join("\n");
    let text = if rows.is_empty() { "no alerts".to_owned() } else { text };
    let data = |row: &AlertRow| {
        let alert = row.alert.raised();
        json!({
            "alert": alert.alert.to_string(), "state": row.alert.state(), "camera": row.camera, "label": row.label,
            "ground": row.ground, "raised": alert.raised.to_string(), "expires": alert.expires.to_string(),
        })
    };
    Ok(Said::new(text, rows.iter().map(data).collect()))
}

fn view(session: &mut Session<'_>, alert: &AlertId, listed: bool) -> Result<Said> {
    let officer = session.officer()?;
    let opened = session.store.view_evidence(alert, &officer, session.now)?;
    if !listed {
        return Ok(Said::picture(&opened.live_png));
    }
    let deployment = session.store.alert(alert)?.raised().deployment.clone();
    Ok(Said::picture(&session.store.listed_image(&deployment, opened.entry)?))
}

fn score(session: &mut Session<'_>, alert: &AlertId) -> Result<Said> {
    let officer = session.officer()?;
    let state = session.store.alert(alert)?.expect_adjudicated()?;
    let particulars = session.store.view_particulars(&state, &officer, session.now)?;
    let particulars = particulars.context("this pair was shown to measure reviewers; it has no score")?;
    let text = format!("{alert}: score {}, frame {}", particulars.score, particulars.frame_number);
    Ok(Said::new(
        text,
        json!({ "score": particulars.score, "frame": particulars.frame_number, "offset_ms": particulars.offset_ms }),
    ))
}

fn engage(session: &mut Session<'_>, alert: &AlertId, engagement: &str) -> Result<Said> {
    let all = Engagement::ALL.map(Engagement::word);
    let engagement = one_of("engagement", engagement, Engagement::from_word(engagement), &all)?;
    let judged = session.store.alert(alert)?.expect_adjudicated()?;
    let officer = session.officer()?;
    let (_, code) = session.store.engage(judged, &officer, engagement, session.now)?;
    let Some(code) = code else { return Ok(told(alert, engagement.word())) };
    let receipt = session.store.receipt(&code.to_string(), session.now)?;
    Ok(Said::new(receipt.text(&code), json!({ "alert": alert.to_string(), "receipt_code": code.to_string() })))
}

fn record_outcome(session: &mut Session<'_>, alert: &AlertId, outcome: &str) -> Result<Said> {
    let outcome = one_of("outcome", outcome, Outcome::from_word(outcome), &Outcome::ALL.map(Outcome::word))?;
    let (officer, policy, now) = (session.officer()?, session.policy()?, session.now);
    let closed = match session.store.alert(alert)?.into_inner() {
        AlertState::Engaged(engaged) => engaged.record_outcome(&officer, outcome, &policy, now)?,
        other => other.expect_adjudicated()?.record_outcome(&officer, outcome, &policy, now)?,
    };
    session.store.commit(closed)?;
    Ok(told(alert, outcome.word()))
}

fn reclassify(session: &mut Session<'_>, alert: &AlertId, outcome: &str, reason: &str) -> Result<Said> {
    let outcome = one_of("outcome", outcome, Outcome::from_word(outcome), &Outcome::ALL.map(Outcome::word))?;
    let all = Reclassification::ALL.map(Reclassification::word);
    let reason = one_of("reason", reason, Reclassification::from_word(reason), &all)?;
    let AlertState::Closed(closed) = session.store.alert(alert)?.into_inner() else {
        bail!("putting the outcome of {alert} right: it has none yet; record one with `overt alert outcome`");
    };
    let put_right = closed.reclassify(&session.officer()?, outcome, reason, &session.policy()?, session.now)?;
    session.store.commit(put_right)?;
    Ok(told(alert, outcome.word()))
}

fn reveal_seeds(session: &mut Session<'_>, deployment: &str) -> Result<Said> {
    let ended = session.deployment(deployment)?.expect_ended()?;
    let Some(revealed) = session.store.reveal_seeds(&ended, session.now)? else {
        bail!("telling the seeded pairs of {deployment}: none were fixed, or they are told already; see the record");
    };
    let figures = revealed.into_inner();
    let text = format!(
        "{deployment}: {} seeded pairs, {} shown, {} judgements; {} times two people were taken for one, {} times nobody could tell",
        figures.seeds.len(),
        figures.shown,
        figures.judgements,
        figures.false_accepts,
        figures.cannot_tell
    );
    Ok(Said::new(text, serde_json::to_value(&figures)?))
}

fn receipt(session: &mut Session<'_>, code: &str) -> Result<Said> {
    let receipt = session.store.receipt(code, session.now)?;
    let parsed = domain::receipt::ReceiptCode::parse(code).context("this is no code of an alert receipt")?;
    let json = json!({
        "force": receipt.force, "deployment": receipt.deployment, "place": receipt.place, "camera": receipt.camera,
        "raised": receipt.raised.to_string(), "purpose": receipt.purpose, "threshold": receipt.threshold,
        "threshold_fpir": receipt.threshold_fpir, "judgement": receipt.judgement, "engagement": receipt.engagement,
        "outcome": receipt.outcome, "deleted_by": receipt.deleted_by.to_string(),
        "answers_until": receipt.answers_until.to_string(),
    });
    Ok(Said::new(receipt.text(&parsed), json))
}

fn told(alert: &AlertId, state: &str) -> Said {
    Said::new(format!("{alert}: {state}"), json!({ "alert": alert.to_string(), "state": state }))
}
