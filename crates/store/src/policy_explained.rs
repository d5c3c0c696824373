//! A profile for people: every setting as a sentence with its source, the purge schedule and the table of risks, all made from the file.

use std::collections::BTreeMap;
use std::fmt;

use domain::policy::{Kept, Part, RISKS, Said, ranges};
use domain::{Policy, PolicyFault};
use serde::Serialize;

use crate::error::StoreError;
use crate::policy_file::{Setting, parse, settings};

/// Everything that a profile says. The command line, the public page and the assessment show this and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Name of the profile.
    pub profile: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of the file.
    pub digest: String,
    /// What contradicts itself; such a profile cannot be adopted.
    pub contradictions: Vec<Contradiction>,
    /// What it allows and forbids, by heading.
    pub parts: Vec<Explained>,
    /// What kind of data is kept for how long, and how it ends.
    pub schedule: Vec<ScheduleRow>,
    /// What may go wrong, and what stands against it.
    pub risks: Vec<RiskRow>,
}

/// A contradiction in a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// The setting.
    pub setting: &'static str,
    /// What is wrong with it.
    pub wrong: String,
}

/// What a profile says under one heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The heading.
    pub heading: &'static str,
    /// What it says.
    pub sentences: Vec<Sentence>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// Its name in the file.
    pub setting: &'static str,
    /// What it is, in a few words.
    pub meaning: &'static str,
    /// Its value as the file spells it; nothing for what the file leaves out.
    pub value: Option<String>,
    /// What it says.
    pub sentence: String,
    /// Where the value comes from.
    pub source: String,
    /// What no profile may exceed, where there is such a limit.
    pub limit: Option<SettingLimit>,
}

/// What no profile may exceed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingLimit {
    /// `1 second to 31 days`.
    pub range: String,
    /// Where it comes from.
    pub source: &'static str,
}

/// One line of the purge schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleRow {
    /// What is kept.
    pub data: &'static str,
    /// Whom it is about.
    pub about: &'static str,
    /// For how long.
    pub kept: String,
    /// From when.
    pub since: &'static str,
    /// How it ends.
    pub ending: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// The setting that says so, where one does.
    pub setting: Option<&'static str>,
}

/// One risk, and what in the profile stands against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RiskRow {
    /// What may go wrong.
    pub risk: &'static str,
    /// What stands against it.
    pub against: Vec<Sentence>,
}

/// Explains a profile, sound or not.
pub fn explain(toml: &str) -> Result<Explanation, StoreError> {
    let policy = parse(toml)?;
    let sentences = sentences(&policy, settings(toml)?);
    let under = |part: Part| {
        let own = sentences.iter().filter(|(of, _)| *of == part).map(|(_, sentence)| sentence.clone());
        Explained { heading: part.heading(), sentences: own.collect() }
    };
    let said_of = |setting: &str| -> Vec<Sentence> {
        let own = sentences.iter().filter(|(_, sentence)| sentence.setting == setting);
        own.map(|(_, sentence)| sentence.clone()).collect()
    };
    let against = |settings: &[&str]| settings.iter().flat_map(|setting| said_of(setting)).collect();
    let risks = RISKS.iter().map(|risk| RiskRow { risk: risk.risk, against: against(risk.settings) });
    Ok(Explanation {
        contradictions: policy.faults().into_iter().map(Contradiction::from).collect(),
        parts: Part::ALL.into_iter().map(under).collect(),
        schedule: policy.schedule().into_iter().map(ScheduleRow::from).collect(),
        risks: risks.collect(),
        profile: policy.profile,
        version: policy.version,
        digest: policy.digest,
    })
}

fn sentences(policy: &Policy, settings: Vec<Setting>) -> Vec<(Part, Sentence)> {
    let mut limits: BTreeMap<_, _> = ranges().into_iter().map(|range| (range.setting, range)).collect();
    let mut written: Vec<Setting> = settings;
    let said = policy.say().into_iter();
    said.map(|Said { part, setting, meaning, sentence, source }| {
        let found = written.iter().position(|written| written.name == setting).map(|place| written.remove(place));
        let limit = limits.remove(setting).map(|range| SettingLimit { range: range.range, source: range.source });
        let (value, of_the_file) = found.map(|setting| (setting.value, setting.source)).unzip();
        let source = source.or(of_the_file).unwrap_or_default();
        (part, Sentence { setting, meaning, value, sentence, source, limit })
    })
    .collect()
}

impl From<PolicyFault> for Contradiction {
    fn from(fault: PolicyFault) -> Self {
        Self { setting: fault.setting, wrong: fault.wrong }
    }
}

impl From<Kept> for ScheduleRow {
    fn from(Kept { held, term, setting }: Kept) -> Self {
        Self {
            data: held.data(),
            about: held.about(),
            kept: term.to_string(),
            since: held.since(),
            ending: held.ending(),
            rule: held.rule(),
            setting,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Policy profile \"{}\", version {}\nSHA-256 {}", self.profile, self.version, self.digest)?;
        if !self.contradictions.is_empty() {
            writeln!(out, "\nThis profile contradicts itself and cannot be adopted")?;
            for Contradiction { setting, wrong } in &self.contradictions {
                writeln!(out, "  {setting}: {wrong}")?;
            }
        }
        for part in &self.parts {
            writeln!(out, "\n{}", part.heading)?;
            for Sentence { setting, sentence, source, .. } in &part.sentences {
                writeln!(out, "  {sentence}\n      {setting}: {source}")?;
            }
        }
        writeln!(out, "\nThe purge schedule")?;
        for row in &self.schedule {
            let setting = row.setting.map(|setting| format!(" ({setting})")).unwrap_or_default();
            writeln!(out, "  {}\n      About {}.", row.data, row.about)?;
            writeln!(out, "      Kept: {}{setting}, {}. It is {}.", row.kept, row.since, row.ending)?;
            writeln!(out, "      Rule: {}.", row.rule)?;
        }
        writeln!(out, "\nWhat may go wrong, and what stands against it")?;
        for RiskRow { risk, against } in &self.risks {
            writeln!(out, "  {risk}")?;
            for Sentence { setting, sentence, .. } in against {
                writeln!(out, "      {sentence} ({setting})")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
