//! `overt create`: a data directory with its log, its first policy and the first two people in its register.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use domain::{Clock as _, Officer, OfficerId, Role};
use jiff::SignedDuration;
use serde_json::json;
use store::Store;

use super::text_of;
use crate::clock::SystemClock;

/// Arguments of `overt create`.
#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    /// The new data directory: an empty folder, made if missing.
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// Name of the log: an address without scheme, by custom one of the force, such as record.example.org/lfr.
    #[arg(long)]
    log_name: String,
    /// The policy profile to adopt, a file; or one of `overt policy shipped` by `--shipped`.
    #[arg(long, value_name = "FILE", required_unless_present = "shipped")]
    policy: Option<PathBuf>,
    /// A policy profile that comes with this software.
    #[arg(long, value_name = "NAME", conflicts_with = "policy")]
    shipped: Option<String>,
    /// Who adopts it, by pseudonym: an authorising officer.
    #[arg(long, value_name = "OFFICER")]
    authorising_officer: String,
    /// Who keeps the register, by pseudonym: an administrator.
    #[arg(long, value_name = "OFFICER")]
    administrator: String,
    /// Days for which the training of both holds; the policy has a limit.
    #[arg(long, value_name = "DAYS", default_value_t = 180)]
    trained_days: i64,
}

/// Makes it.
pub(crate) fn run(args: CreateArgs) -> Result<ExitCode> {
    let text = match (&args.policy, &args.shipped) {
        (Some(file), _) => text_of(file)?,
        (None, shipped) => {
            let name = shipped.as_deref().unwrap_or_default();
            store::shipped_policy(name).with_context(|| format!("no profile {name:?} is shipped"))?.to_owned()
        }
    };
    let (authorising, administrator) =
        (OfficerId::new(&args.authorising_officer)?, OfficerId::new(&args.administrator)?);
    let mut store = Store::create(&args.data, &args.log_name)?;
    let now = SystemClock.now();
    let until =
        now.checked_add(SignedDuration::from_hours(24_i64.saturating_mul(args.trained_days.clamp(0, 36_500))))?;
    // The register cannot exist before a policy limits the training in it: who adopts the first policy is entered next.
    let adopts = Officer { id: authorising.clone(), role: Role::AuthorisingOfficer, trained_until: until };
    store.adopt_policy(&text, &adopts, now)?;
    store.first_administrator(&administrator, until, now)?;
    let keeper = store.officer(&administrator, now)?;
    store.enrol(&authorising, Role::AuthorisingOfficer, until, &keeper, now)?;
    store.publish(now)?;
    let said = super::Said::new(
        format!("{} holds the log {}\nkey {}", args.data.display(), args.log_name, store.verifying_key()),
        json!({ "data": args.data, "log": args.log_name, "key": store.verifying_key() }),
    );
    super::print(&said.text)?;
    Ok(ExitCode::SUCCESS)
}
