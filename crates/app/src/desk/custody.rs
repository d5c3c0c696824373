//! `overt custody`: the keys of a data directory and the copies that have to survive its machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use store::{KeyAge, Store, StoreError};

use super::{At, Said, Session};

/// Arguments of `overt custody`.
#[derive(clap::Args)]
pub(crate) struct CustodyArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: CustodyCommand,
}

#[derive(clap::Subcommand)]
enum CustodyCommand {
    /// List the keys, how often each was replaced, and since when it is in use.
    Keys,
    /// Replace a key by another. What is sealed stays as it is, and is not opened.
    Replace {
        /// The key, as `overt custody keys` names it.
        key: String,
    },
    /// Copy the database and all that is public, and no key, into an empty folder.
    Backup {
        /// The folder.
        folder: PathBuf,
    },
    /// Put a copy where the database is missing, beside the keys of this machine.
    Restore {
        /// The folder that `overt custody backup` wrote.
        copy: PathBuf,
    },
    /// Destroy every key but the log's, in a data directory that cannot be opened any more: nothing sealed in it, or in a
    /// copy of it, opens again.
    DestroyKeys {
        /// That it cannot be undone is understood.
        #[arg(long, required = true)]
        understood: bool,
    },
}

impl CustodyArgs {
    /// Whether it is for a data directory that is not there to be opened.
    pub(super) fn is_without_store(&self) -> bool {
        matches!(self.command, CustodyCommand::Restore { .. } | CustodyCommand::DestroyKeys { .. })
    }
}

/// Runs what is done without a store.
pub(super) fn run(args: CustodyArgs) -> Result<ExitCode> {
    let data = args.at.data();
    let said = match &args.command {
        CustodyCommand::Restore { copy } => restore(data, copy),
        CustodyCommand::DestroyKeys { .. } => destroy_keys(data),
        _ => bail!("caring for keys: this command needs the data directory open"),
    };
    args.at.answer(said).print()
}

/// Runs what is done in an open store.
pub(super) fn act(args: CustodyArgs, session: &mut Session<'_>) -> Result<Said> {
    match args.command {
        CustodyCommand::Keys => {
            let keys = session.store.keys()?;
            let line = |key: &KeyAge| format!("{}: number {}, since {}", key.name, key.generation, key.since);
            let text = keys.iter().map(line).collect::<Vec<_>>().join("\n");
            let data =
                |key: &KeyAge| json!({ "key": key.name, "generation": key.generation, "since": key.since.to_string() });
            let text = if keys.is_empty() { "no keys but the log's".to_owned() } else { text };
            Ok(Said::new(text, keys.iter().map(data).collect()))
        }
        CustodyCommand::Replace { key } => {
            let officer = session.officer()?;
            let generation = session.store.rotate_key(&key, &officer, session.now)?.into_inner();
            let text = format!("{key}: replaced, number {generation}; older copies of it open nothing any more");
            Ok(Said::new(text, json!({ "key": key, "generation": generation })))
        }
        CustodyCommand::Backup { folder } => {
            let entries = session.store.backup(&session.place(&folder))?;
            let text = format!("{} holds a copy with {entries} entries, and no key", folder.display());
            Ok(Said::new(text, json!({ "folder": folder, "entries": entries })))
        }
        CustodyCommand::Restore { .. } | CustodyCommand::DestroyKeys { .. } => {
            bail!("caring for keys: a process has the data directory open, so there is nothing to mend; end that first")
        }
    }
}

fn restore(data: &Path, copy: &Path) -> Result<Said> {
    let entries = Store::restore(data, copy)?;
    let text =
        format!("{} holds the copy again, with {entries} entries; look at it with `overt audit check`", data.display());
    Ok(Said::new(text, json!({ "data": data, "entries": entries })))
}

fn destroy_keys(data: &Path) -> Result<Said> {
    // Whatever can be opened can be withdrawn or purged, and that is on the record.
    match Store::open(data) {
        Ok(_) => {
            bail!("destroying the keys of {}: it can be opened; withdraw or purge, which is recorded", data.display())
        }
        Err(error @ (StoreError::Locked { .. } | StoreError::NotAStore { .. } | StoreError::FromTheFuture { .. })) => {
            ensure!(
                matches!(error, StoreError::NotAStore { .. }) && data.join("keys").is_dir(),
                "destroying the keys: {error}"
            );
        }
        Err(error) => eprintln!("overt: {error}"),
    }
    let destroyed = Store::destroy_keys(data)?;
    let text = if destroyed.is_empty() { "there was no key but the log's".to_owned() } else { destroyed.join("\n") };
    Ok(Said::new(format!("destroyed:\n{text}"), json!({ "destroyed": destroyed })))
}
