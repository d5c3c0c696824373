//! `overt policy`: says in words what a policy profile allows, and checks that it does not contradict itself.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use store::{Explanation, StoreError};

use crate::desk::DeskCommand;
use crate::desk::adopt::AdoptArgs;
use crate::desk::threshold::ThresholdArgs;

/// Exit code for a profile that was read and found wrong.
const REFUSED: u8 = 1;
/// Most bytes read of a file; the store refuses less than this with a sentence of its own.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What can be done with a profile.
#[derive(clap::Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say in plain sentences what a profile allows and forbids, how long what is kept, and where each number comes from.
    Explain(ProfileArgs),
    /// Look for contradictions: a length above its ceiling, a role that may approve what it proposes, an empty vocabulary.
    Check(ProfileArgs),
    /// Put a profile in force on a data directory.
    Adopt(AdoptArgs),
    /// Set the threshold of a model by two people, and tell which is in use.
    Threshold(ThresholdArgs),
    /// Print a shipped profile as a file to begin one's own with, or the names of those there are.
    Shipped(ShippedArgs),
}

/// Which profile.
#[derive(clap::Args)]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    which: Which,
    /// Print one JSON object instead of sentences.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The profile, a TOML file.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// One that comes with this software.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(store::SHIPPED_POLICIES.map(|(name, _)| name)))]
    shipped: Option<String>,
}

/// Which shipped profile.
#[derive(clap::Args)]
pub(crate) struct ShippedArgs {
    /// Its name; without one, every name is printed.
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(store::SHIPPED_POLICIES.map(|(name, _)| name)))]
    name: Option<String>,
}

impl PolicyCommand {
    /// The command on a data directory that this is, if it is one.
    pub(crate) fn on_data_directory(self) -> Option<DeskCommand> {
        match self {
            Self::Adopt(args) => Some(DeskCommand::Adopt(args)),
            Self::Threshold(args) => Some(DeskCommand::Threshold(args)),
            Self::Explain(_) | Self::Check(_) | Self::Shipped(_) => None,
        }
    }
}

/// Runs one of them.
pub(crate) fn run(command: PolicyCommand) -> Result<ExitCode> {
    match command {
        PolicyCommand::Explain(args) => explain(&args),
        PolicyCommand::Check(args) => check(&args),
        PolicyCommand::Adopt(args) => DeskCommand::Adopt(args).run(),
        PolicyCommand::Threshold(args) => DeskCommand::Threshold(args).run(),
        PolicyCommand::Shipped(args) => shipped(&args),
    }
}

fn explain(args: &ProfileArgs) -> Result<ExitCode> {
    let explanation = store::explain(&args.which.text()?)?;
    let text = if args.json { serde_json::to_string_pretty(&explanation)? } else { explanation.to_string() };
    print(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The exit code is 0 for a profile that may be adopted, 1 for one that may not, 2 where there is none to read.
fn check(args: &ProfileArgs) -> Result<ExitCode> {
    let verdict = store::explain(&args.which.text()?);
    let text = if args.json { serde_json::to_string_pretty(&verdict_json(&verdict))? } else { verdict_words(&verdict) };
    print(&text)?;
    Ok(ExitCode::from(if is_sound(&verdict) { 0 } else { REFUSED }))
}

fn shipped(args: &ShippedArgs) -> Result<ExitCode> {
    let names = store::SHIPPED_POLICIES.map(|(name, _)| name).join("\n");
    let text = args.name.as_deref().and_then(store::shipped_policy).unwrap_or(&names);
    print(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

impl Which {
    fn text(&self) -> Result<String> {
        if let Some(text) = self.shipped.as_deref().and_then(store::shipped_policy) {
            return Ok(text.to_owned());
        }
        let path = self.file.as_deref().unwrap_or(Path::new(""));
        let mut text = String::new();
        let file = File::open(path).with_context(|| format!("opening the policy profile {}", path.display()))?;
        let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
        read.with_context(|| format!("reading the policy profile {}", path.display()))?;
        Ok(text)
    }
}

fn is_sound(verdict: &Result<Explanation, StoreError>) -> bool {
    verdict.as_ref().is_ok_and(|explanation| explanation.contradictions.is_empty())
}

fn verdict_words(verdict: &Result<Explanation, StoreError>) -> String {
    let found = match verdict {
        Ok(explanation) if explanation.contradictions.is_empty() => {
            let Explanation { profile, version, digest, .. } = explanation;
            return format!(
                "sound: the profile \"{profile}\", version {version}, does not contradict itself\nSHA-256 {digest}"
            );
        }
        Ok(explanation) => &explanation.contradictions,
        Err(error) => return format!("REFUSED: {error}"),
    };
    let lines = found.iter().map(|fault| format!("  {}: {}", fault.setting, fault.wrong));
    format!("REFUSED: the profile contradicts itself\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn verdict_json(verdict: &Result<Explanation, StoreError>) -> Value {
    match verdict {
        Ok(Explanation { profile, version, digest, contradictions, .. }) => json!({
            "sound": is_sound(verdict),
            "profile": profile,
            "version": version,
            "digest": digest,
            "contradictions": contradictions,
        }),
        Err(error) => json!({ "sound": false, "reason": error.to_string() }),
    }
}

fn print(text: &str) -> Result<()> {
    writeln!(io::stdout().lock(), "{text}").context("printing the answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_contradiction_is_named_by_its_setting_in_words_and_in_json() {
        let sound = store::shipped_policy("railway-pilot").unwrap();
        let verdict = store::explain(sound);
        assert!(
            is_sound(&verdict)
                && verdict_words(&verdict).starts_with("sound: the profile \"railway-pilot\", version 2")
        );
        assert_eq!(verdict_json(&verdict)["sound"], json!(true));
        for (from, to, setting, wrong) in [
            ("value = \"90 days\"", "value = \"366 days\"", "alert_hold_max", "at most 365 days"),
            (
                "propose = [\"proposer\"]",
                "propose = [\"authorising officer\"]",
                "roles",
                "may approve what it proposes",
            ),
            (
                "approve_urgent = [\"urgent authorising officer\"]",
                "approve_urgent = []",
                "roles",
                "no role may take it",
            ),
            (
                "value = [\"child\", \"protected person\", \"deceased person\"]",
                "value = []",
                "protected_grounds",
                "empty",
            ),
            ("value = [\"recording\", \"camera\"]", "value = []", "sources", "no source is named"),
        ] {
            let verdict = store::explain(&sound.replacen(from, to, 1));
            let words = verdict_words(&verdict);
            let line = words.lines().find(|line| line.trim_start().starts_with(&format!("{setting}: "))).unwrap();
            assert!(!is_sound(&verdict) && words.starts_with("REFUSED: ") && line.contains(wrong), "{words}");
            let object = verdict_json(&verdict);
            assert_eq!((&object["sound"], &object["contradictions"][0]["setting"]), (&json!(false), &json!(setting)));
        }
        let loose = store::shipped_policy("laboratory").unwrap().replacen("fpir = 0.0038", "fpir = 0.011", 1);
        assert!(verdict_words(&store::explain(&loose)).contains("thresholds: ") && !is_sound(&store::explain(&loose)));
        let unreadable = store::explain("profile = 1");
        assert!(verdict_words(&unreadable).starts_with("REFUSED: ") && !is_sound(&unreadable));
        assert_eq!(verdict_json(&unreadable)["sound"], json!(false));
    }
}
