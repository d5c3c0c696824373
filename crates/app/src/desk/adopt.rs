//! `overt policy adopt`: puts a policy profile in force on a data directory.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::{At, Said, Session, text_of};

/// Arguments of `overt policy adopt`.
#[derive(clap::Args)]
pub(crate) struct AdoptArgs {
    #[command(flatten)]
    pub(super) at: At,
    /// The profile, a TOML file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Adopts it.
pub(crate) fn act(args: &AdoptArgs, session: &mut Session<'_>) -> Result<Said> {
    let (text, officer) = (text_of(&session.file(&args.file)?)?, session.officer()?);
    let policy = session.store.adopt_policy(&text, &officer, session.now)?;
    let said = format!("{} version {} is in force, SHA-256 {}", policy.profile, policy.version, policy.digest);
    Ok(Said::new(said, json!({ "profile": policy.profile, "version": policy.version, "digest": policy.digest })))
}
