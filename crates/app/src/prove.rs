//! `overt prove`: hands out the proof of one entry, such as a deletion receipt, for somebody to check without the log.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use domain::DeploymentId;
use evidence::Fact;
use evidence::offline::FILE_ENDING;
use store::Store;

/// What `overt prove` takes.
#[derive(clap::Args)]
pub(crate) struct ProveArgs {
    /// The data directory whose published log the entry is in.
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// Number of the entry, from 0.
    #[arg(value_name = "ENTRY", required_unless_present = "deletions_of")]
    entry: Option<u64>,
    /// Instead of one entry: every deletion receipt of a deployment, its end and its purge.
    #[arg(long, value_name = "DEPLOYMENT", conflicts_with = "entry", requires = "out")]
    deletions_of: Option<String>,
    /// The folder in which the files are put, each named by its entry; a single one is printed when absent.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Makes the proofs; each is checked before it is handed out.
pub(crate) fn run(args: ProveArgs) -> Result<ExitCode> {
    let store = Store::open(&args.data).with_context(|| format!("opening {}", args.data.display()))?;
    let entries = match (&args.deletions_of, args.entry) {
        (Some(deployment), _) => deletions_of(&store, deployment)?,
        (None, Some(entry)) => vec![entry],
        (None, None) => bail!("name an entry, or a deployment with --deletions-of"),
    };
    for entry in &entries {
        let proof = store.proof_of(*entry)?;
        match &args.out {
            None => std::io::Write::write_all(&mut std::io::stdout(), proof.as_bytes())?,
            Some(folder) => {
                std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
                let path = folder.join(format!("{entry}.{FILE_ENDING}"));
                std::fs::write(&path, proof).with_context(|| format!("writing {}", path.display()))?;
            }
        }
    }
    if let Some(folder) = &args.out {
        eprintln!("{} proofs in {}", entries.len(), folder.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The entries that say what became of a deployment's templates, images and key.
fn deletions_of(store: &Store, deployment: &str) -> Result<Vec<u64>> {
    let deployment = DeploymentId::new(deployment)?;
    let entries = store.entries(Some(&deployment))?;
    let of_deletion = |fact: &Fact| {
        matches!(fact, Fact::DeletionReceipt { .. } | Fact::DeploymentEnded { .. } | Fact::DeploymentPurged { .. })
    };
    let numbers: Vec<_> = entries.iter().filter(|(_, entry)| of_deletion(&entry.fact)).map(|(n, _)| *n).collect();
    if numbers.is_empty() {
        bail!("there is no deletion receipt of {deployment} on the record");
    }
    Ok(numbers)
}
