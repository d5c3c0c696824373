//! `overt operation`: named purposes over time, under a policy.

use anyhow::Result;
use domain::{Operation, OperationId};
use serde_json::json;

use super::{At, Said, Session};

/// Arguments of `overt operation`.
#[derive(clap::Args)]
pub(crate) struct OperationArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: OperationCommand,
}

#[derive(clap::Subcommand)]
enum OperationCommand {
    /// Open an operation under the policy in force.
    Open {
        /// Its name on the record.
        operation: String,
        /// What it is called in public.
        #[arg(long)]
        title: String,
        /// The organisation that answers for it.
        #[arg(long)]
        force: String,
        /// What it is for.
        #[arg(long)]
        purpose: String,
        /// Public key of a body outside that must sign each deployment, a C2SP verifier key.
        #[arg(long, value_name = "VKEY")]
        outside_authoriser: Option<String>,
    },
    /// Say what an operation is.
    Show {
        /// Its name on the record.
        operation: String,
    },
}

/// Runs one of them.
pub(crate) fn act(args: OperationArgs, session: &mut Session<'_>) -> Result<Said> {
    match args.command {
        OperationCommand::Open { operation, title, force, purpose, outside_authoriser } => {
            let operation =
                Operation { operation: OperationId::new(&operation)?, title, force, purpose, outside_authoriser };
            let opened = operation.open(&session.officer()?, &session.policy()?, session.now)?;
            let opened = session.store.commit(opened)?;
            Ok(said(&opened, "is open"))
        }
        OperationCommand::Show { operation } => {
            Ok(said(&session.store.operation(&OperationId::new(&operation)?)?, "is on the record"))
        }
    }
}

fn said(operation: &Operation, state: &str) -> Said {
    let Operation { operation, title, force, purpose, outside_authoriser } = operation;
    let text = format!("Operation {operation} {state}: {title}, of {force}. {purpose}");
    let json = json!({
        "operation": operation.to_string(), "title": title, "force": force, "purpose": purpose,
        "outside_authoriser": outside_authoriser,
    });
    Said::new(text, json)
}
