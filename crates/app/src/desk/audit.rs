//! `overt audit`: what an auditor asks of a data directory: is it sound, what does it hold, what does its record say.

use anyhow::Result;
use domain::DeploymentId;
use serde_json::json;
use store::disclosure;

use super::{At, Said, Session};

/// Exit code when something was found that should not be.
const FOUND: u8 = 1;

/// Arguments of `overt audit`.
#[derive(clap::Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(clap::Subcommand)]
enum AuditCommand {
    /// Look for anything that is not as it should be: in the database, the log, the keys, and what should be gone.
    Check,
    /// Print every entry of the public record, or those about one deployment.
    Entries {
        /// The deployment.
        deployment: Option<String>,
    },
    /// Say of every column of the database whether it is public, internal, personal or biometric.
    Disclosure,
    /// Print the key that verifies the public log, and where the log lies.
    Log,
}

/// Runs one of them.
pub(crate) fn act(args: &AuditArgs, session: &mut Session<'_>) -> Result<Said> {
    use AuditCommand as C;
    match &args.command {
        C::Check => {
            let findings = session.store.check()?;
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            let text = if lines.is_empty() { "nothing is out of order".to_owned() } else { lines.join("\n") };
            let code = if lines.is_empty() { 0 } else { FOUND };
            Ok(Said { code, ..Said::new(text, json!({ "findings": lines })) })
        }
        C::Entries { deployment } => {
            let deployment = deployment.as_deref().map(DeploymentId::new).transpose()?;
            let entries = session.store.entries(deployment.as_ref())?;
            let json: Vec<_> =
                entries.iter().map(|(number, entry)| json!({ "number": number, "entry": entry })).collect();
            let lines = json.iter().map(|entry| format!("{} {}", entry["number"], entry["entry"])).collect::<Vec<_>>();
            Ok(Said::new(lines.join("\n"), json.into()))
        }
        C::Disclosure => {
            let line = |column: &disclosure::Column| {
                format!("{}.{}: {}", column.table, column.column, column.disclosure.word())
            };
            let text = disclosure::COLUMNS.iter().map(line).collect::<Vec<_>>().join("\n");
            let data = |column: &disclosure::Column| json!({ "table": column.table, "column": column.column, "disclosure": column.disclosure.word() });
            Ok(Said::new(text, disclosure::COLUMNS.iter().map(data).collect()))
        }
        C::Log => {
            let (key, public) = (session.store.verifying_key(), session.store.public_dir().display().to_string());
            Ok(Said::new(format!("key {key}\nlog {public}"), json!({ "key": key, "log": public })))
        }
    }
}
