//! `overt share`: what may leave to, or come from, another body, under which agreement, and what became of it.

use anyhow::{Result, ensure};
use domain::identifiers::ShareId;
use domain::{AlertId, Direction, Revocation, Share, Shared, Terms};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{At, Said, Session, one_of};

/// Arguments of `overt share`.
#[derive(clap::Args)]
pub(crate) struct ShareArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: ShareCommand,
}

#[derive(clap::Subcommand)]
enum ShareCommand {
    /// List every share on the record.
    List,
    /// Propose a share.
    Propose {
        /// Its name on the record.
        share: String,
        /// Which way: in or out.
        #[arg(long)]
        direction: String,
        /// The other body.
        #[arg(long)]
        with: String,
        /// What is shared.
        #[arg(long)]
        what: String,
        /// The agreement under which it is.
        #[arg(long)]
        agreement: String,
        /// Its legal basis.
        #[arg(long)]
        basis: String,
        /// When it ends.
        #[arg(long)]
        expires: Timestamp,
        /// Days after a use by which its outcome must be told.
        #[arg(long, value_name = "DAYS")]
        outcome_days: i64,
    },
    /// Approve it: another person than proposed it.
    Approve {
        /// The share.
        share: String,
    },
    /// Record that the outcome of what was shared has been told.
    ReportOutcome {
        /// The share.
        share: String,
    },
    /// End it.
    Revoke {
        /// The share.
        share: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Hand the evidence of one alert out under a share: an archive to standard output, into a program and not a file of ours.
    Export {
        /// The share.
        share: String,
        /// The alert.
        #[arg(long)]
        alert: String,
    },
}

impl ShareArgs {
    /// Whether it hands out a picture.
    pub(super) fn is_export(&self) -> bool {
        matches!(self.command, ShareCommand::Export { .. })
    }
}

/// Runs one of them.
pub(crate) fn act(args: ShareArgs, session: &mut Session<'_>) -> Result<Said> {
    use ShareCommand as C;
    let now = session.now;
    let share = match args.command {
        C::List => {
            let shares = session.store.shares()?;
            let text = shares.iter().map(|share| words(share)).collect::<Vec<_>>().join("\n");
            return Ok(Said::new(text, shares.iter().map(|share| data(share)).collect()));
        }
        C::Propose { share, direction, with, what, agreement, basis, expires, outcome_days } => {
            let terms = Terms {
                share: ShareId::new(&share)?,
                direction: one_of("direction", &direction, Direction::from_word(&direction), &["in", "out"])?,
                counterpart: with,
                what: one_of("thing to share", &what, Shared::from_word(&what), &Shared::ALL.map(Shared::word))?,
                agreement,
                basis,
                expires,
                outcome_due: SignedDuration::from_hours(24_i64.saturating_mul(outcome_days.clamp(0, 36_500))),
            };
            session.store.commit(Share::propose(terms, &session.officer()?, &session.policy()?, now)?)?
        }
        C::Approve { share } => {
            let share = session.store.share(&ShareId::new(&share)?)?.into_inner();
            let approved = share.approve(&session.officer()?, now)?;
            session.store.commit(approved)?
        }
        C::ReportOutcome { share } => {
            let share = session.store.share(&ShareId::new(&share)?)?.into_inner();
            let reported = share.report_outcome(&session.officer()?, now)?;
            session.store.commit(reported)?
        }
        C::Revoke { share, reason } => {
            let reason =
                one_of("reason", &reason, Revocation::from_word(&reason), &Revocation::ALL.map(Revocation::word))?;
            let share = session.store.share(&ShareId::new(&share)?)?.into_inner();
            let revoked = share.revoke(&session.officer()?, reason, now)?;
            session.store.commit(revoked)?
        }
        C::Export { share, alert } => return export(session, &share, &alert),
    };
    Ok(Said::new(words(&share), data(&share)))
}

fn export(session: &mut Session<'_>, share: &str, alert: &str) -> Result<Said> {
    let officer = session.officer()?;
    let exported = session.store.export_alert(&AlertId::new(alert)?, &ShareId::new(share)?, &officer, session.now)?;
    ensure!(!exported.live_png.is_empty(), "the evidence of {alert} holds no picture");
    Ok(Said::picture(&exported.live_png))
}

fn words(share: &Share) -> String {
    let terms = share.terms();
    format!(
        "{}: {} {}, {}, {}; until {}, {} used",
        terms.share,
        terms.what.word(),
        terms.direction.word(),
        terms.counterpart,
        share.state(),
        terms.expires,
        share.items()
    )
}

fn data(share: &Share) -> Value {
    let terms = share.terms();
    json!({
        "share": terms.share.to_string(), "direction": terms.direction.word(), "with": terms.counterpart,
        "what": terms.what.word(), "agreement": terms.agreement, "basis": terms.basis, "state": share.state(),
        "expires": terms.expires.to_string(), "items": share.items(),
        "outcome_due": share.outcome_due().map(|due| due.to_string()),
    })
}
