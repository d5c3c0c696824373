//! `overt staff`: who may act, in which role, and until when their training holds.

use anyhow::{Context as _, Result};
use domain::staff::Member;
use domain::{OfficerId, Role};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{At, Said, Session, one_of};

/// Arguments of `overt staff`.
#[derive(clap::Args)]
pub(crate) struct StaffArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: StaffCommand,
}

#[derive(clap::Subcommand)]
enum StaffCommand {
    /// Enter the first administrator, while the register is empty: from then on administrators enter everybody.
    First {
        /// A pseudonym, such as a collar number.
        officer: String,
        #[command(flatten)]
        training: Training,
    },
    /// Enter somebody in a role.
    Enrol {
        /// A pseudonym, such as a collar number.
        officer: String,
        /// The role; `overt staff roles` lists them.
        #[arg(long)]
        role: String,
        #[command(flatten)]
        training: Training,
    },
    /// Record that somebody was trained again.
    Renew {
        /// Who.
        officer: String,
        #[command(flatten)]
        training: Training,
    },
    /// Give somebody another role.
    Assign {
        /// Who.
        officer: String,
        /// The role; `overt staff roles` lists them.
        #[arg(long)]
        role: String,
    },
    /// Take somebody off duty.
    Suspend {
        /// Who.
        officer: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Put somebody on duty again.
    Reinstate {
        /// Who.
        officer: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Publish how many could act in each role, and nothing else about them.
    PublishCounts,
    /// List the register.
    List,
    /// List the roles there are.
    Roles,
}

/// How long a training holds.
#[derive(clap::Args)]
struct Training {
    /// Days for which the training holds; the policy has a limit.
    #[arg(long, value_name = "DAYS", default_value_t = 180)]
    trained_days: i64,
}

impl Training {
    fn until(&self, now: Timestamp) -> Result<Timestamp> {
        let length = SignedDuration::from_hours(24_i64.saturating_mul(self.trained_days.clamp(0, 36_500)));
        now.checked_add(length).context("the training would hold beyond the end of the calendar")
    }
}

/// Runs one of them.
pub(crate) fn act(args: StaffArgs, session: &mut Session<'_>) -> Result<Said> {
    use StaffCommand as C;
    let now = session.now;
    let id = |name: &str| Ok::<_, anyhow::Error>(OfficerId::new(name)?);
    let member = match &args.command {
        C::First { officer, training } => {
            session.store.first_administrator(&id(officer)?, training.until(now)?, now)?
        }
        C::Enrol { officer, role, training } => {
            let (by, role, until) = (session.officer()?, role_of(role)?, training.until(now)?);
            session.store.enrol(&id(officer)?, role, until, &by, now)?
        }
        C::Renew { officer, training } => {
            let by = session.officer()?;
            session.store.renew_training(&id(officer)?, training.until(now)?, &by, now)?
        }
        C::Assign { officer, role } => {
            let by = session.officer()?;
            session.store.assign_role(&id(officer)?, role_of(role)?, &by, now)?
        }
        C::Suspend { officer, reason } => {
            let by = session.officer()?;
            session.store.suspend(&id(officer)?, reason, &by, now)?
        }
        C::Reinstate { officer, reason } => {
            let by = session.officer()?;
            session.store.reinstate(&id(officer)?, reason, &by, now)?
        }
        C::PublishCounts => {
            let by = session.officer()?;
            let counts = session.store.publish_staff_counts(&by, now)?.into_inner();
            return Ok(Said::new("How many could act in each role is on the public record.", json!(counts)));
        }
        C::List => {
            let register = session.store.staff()?;
            let text = register.iter().map(words).collect::<Vec<_>>().join("\n");
            return Ok(Said::new(text, register.iter().map(data).collect()));
        }
        C::Roles => {
            let roles = Role::ALL.map(Role::word);
            return Ok(Said::new(roles.join("\n"), json!(roles)));
        }
    };
    Ok(Said::new(words(&member), data(&member)))
}

fn role_of(word: &str) -> Result<Role> {
    one_of("role", word, Role::from_word(word), &Role::ALL.map(Role::word))
}

fn words(member: &Member) -> String {
    let day = member.trained_until().strftime("%Y-%m-%d");
    format!("{}: {}, trained until {day}, {}", member.id(), member.role().word(), member.standing().word())
}

fn data(member: &Member) -> Value {
    json!({
        "officer": member.id().to_string(), "role": member.role().word(), "standing": member.standing().word(),
        "trained_until": member.trained_until().to_string(),
    })
}
