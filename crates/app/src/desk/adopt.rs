//! `overt policy adopt`: puts a policy profile in force on a data directory.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use super::{At, Said, text_of};

/// Arguments of `overt policy adopt`.
#[derive(clap::Args)]
pub(crate) struct AdoptArgs {
    #[command(flatten)]
    at: At,
    /// The profile, a TOML file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Adopts it.
pub(crate) fn run(args: &AdoptArgs) -> Result<ExitCode> {
    args.at.act(|session| {
        let (text, officer) = (text_of(&args.file)?, session.officer()?);
        let policy = session.store.adopt_policy(&text, &officer, session.now)?;
        let said = format!("{} version {} is in force, SHA-256 {}", policy.profile, policy.version, policy.digest);
        Ok(Said::new(said, json!({ "profile": policy.profile, "version": policy.version, "digest": policy.digest })))
    })
}
