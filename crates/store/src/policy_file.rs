//! The policy profile as a file: TOML in, `domain::Policy` out, every number with the source it comes from.

use std::fmt;

use domain::{ModelId, Policy, Threshold};
use jiff::SignedDuration;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;

/// The profile of an exercise, as shipped.
pub const EXERCISE_POLICY: &str = include_str!("../../../policies/exercise.toml");

/// Most bytes of a profile; ours has some 5,000.
const POLICY_BYTES_MAX: usize = 256 * 1024;

/// One setting of a profile, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the file.
    pub name: String,
    /// Its value, as text with its unit.
    pub value: String,
    /// Where the value comes from.
    pub source: String,
}

/// Every setting of a profile with its source, in the order of the file format.
pub fn settings(toml: &str) -> Result<Vec<Setting>, StoreError> {
    let file = read_file(toml)?;
    let setting = |name: &str, value: String, source: &str| Setting { name: name.into(), value, source: source.into() };
    let mut settings: Vec<_> =
        file.durations().map(|(name, set)| setting(name, set.value.clone(), &set.source)).into_iter().collect();
    let numbers = [("watchlist_people_max", &file.watchlist_people_max), ("face_side_px_min", &file.face_side_px_min)];
    settings.extend(numbers.map(|(name, set)| setting(name, set.value.to_string(), &set.source)));
    let rate = &file.threshold_fpir_max;
    settings.push(setting("threshold_fpir_max", rate.value.to_string(), &rate.source));
    for threshold in &file.threshold {
        let value = format!("{} at {} (FPIR {})", threshold.model, threshold.value, threshold.fpir);
        settings.push(setting("threshold", value, &threshold.evaluation));
    }
    for (name, set) in [("purposes", &file.purposes), ("grounds", &file.grounds)] {
        settings.push(setting(name, set.value.join("; "), &set.source));
    }
    Ok(settings)
}

/// The profile that the text spells. An unknown or missing setting is refused, and so is one without a source; whether
/// the numbers contradict each other is `domain`'s to say.
pub(crate) fn parse(toml: &str) -> Result<Policy, StoreError> {
    let file = read_file(toml)?;
    let [notice_lead, watchlist_age_max, deployment_length_max, lease, alert_retention] =
        file.durations().map(|(name, set)| duration(name, &set.value));
    let thresholds = file.threshold.iter().map(threshold).collect::<Result<_, _>>()?;
    Ok(Policy {
        profile: file.profile,
        version: file.version,
        digest: digest(toml),
        notice_lead: notice_lead?,
        watchlist_age_max: watchlist_age_max?,
        watchlist_people_max: file.watchlist_people_max.value,
        deployment_length_max: deployment_length_max?,
        lease: lease?,
        alert_retention: alert_retention?,
        threshold_fpir_max: file.threshold_fpir_max.value,
        face_side_px_min: file.face_side_px_min.value,
        thresholds,
        purposes: file.purposes.value,
        grounds: file.grounds.value,
    })
}

/// SHA-256 of a text, lower-case hexadecimal.
pub(crate) fn digest(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    profile: String,
    version: u32,
    notice_lead: Sourced<String>,
    watchlist_age_max: Sourced<String>,
    watchlist_people_max: Sourced<u32>,
    deployment_length_max: Sourced<String>,
    lease: Sourced<String>,
    alert_retention: Sourced<String>,
    threshold_fpir_max: Sourced<f64>,
    face_side_px_min: Sourced<u32>,
    purposes: Sourced<Vec<String>>,
    grounds: Sourced<Vec<String>>,
    #[serde(default)]
    threshold: Vec<ThresholdTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sourced<T> {
    value: T,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdTable {
    model: String,
    value: f32,
    fpir: f64,
    evaluation: String,
}

impl PolicyFile {
    fn durations(&self) -> [(&'static str, &Sourced<String>); 5] {
        [
            ("notice_lead", &self.notice_lead),
            ("watchlist_age_max", &self.watchlist_age_max),
            ("deployment_length_max", &self.deployment_length_max),
            ("lease", &self.lease),
            ("alert_retention", &self.alert_retention),
        ]
    }

    fn sources(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let numbers = [
            ("watchlist_people_max", self.watchlist_people_max.source.as_str()),
            ("threshold_fpir_max", &self.threshold_fpir_max.source),
            ("face_side_px_min", &self.face_side_px_min.source),
            ("purposes", &self.purposes.source),
            ("grounds", &self.grounds.source),
        ];
        self.durations().map(|(name, set)| (name, set.source.as_str())).into_iter().chain(numbers)
    }
}

fn read_file(toml: &str) -> Result<PolicyFile, StoreError> {
    if toml.len() > POLICY_BYTES_MAX {
        return Err(StoreError::TooLarge {
            what: "a policy profile",
            found: toml.len() as u64,
            most: POLICY_BYTES_MAX as u64,
            unit: "bytes",
        });
    }
    let file: PolicyFile = toml::from_str(toml).map_err(|error| unreadable(&error.to_string().trim_end()))?;
    let unsourced = file.sources().find(|(_, source)| source.trim().is_empty()).map(|(name, _)| name);
    match unsourced {
        Some(name) => Err(unreadable(&format!("`{name}` does not say where its value comes from (`source`)"))),
        None => Ok(file),
    }
}

fn threshold(table: &ThresholdTable) -> Result<Threshold, StoreError> {
    let model = ModelId::new(&table.model);
    Ok(Threshold::new(model, table.value, table.fpir, table.evaluation.clone())?)
}

/// `24 h`, `30 s`, `90 min`; days are refused because they are not all of one length.
fn duration(name: &str, text: &str) -> Result<SignedDuration, StoreError> {
    text.parse()
        .map_err(|error| unreadable(&format!("`{name}` is {text:?}, not a duration such as \"24 h\" ({error})")))
}

fn unreadable(found: &impl fmt::Display) -> StoreError {
    StoreError::PolicyUnreadable { found: found.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_profile_is_read_as_written_and_has_no_faults() {
        let policy = parse(EXERCISE_POLICY).unwrap();
        assert_eq!(policy.faults(), vec![]);
        assert_eq!((policy.profile.as_str(), policy.version), ("exercise", 1));
        assert_eq!(policy.notice_lead, SignedDuration::from_secs(3));
        assert_eq!(policy.watchlist_age_max, SignedDuration::from_hours(24));
        assert_eq!(policy.deployment_length_max, SignedDuration::from_hours(2));
        assert_eq!(policy.lease, SignedDuration::from_secs(30));
        assert_eq!(policy.alert_retention, SignedDuration::from_hours(24));
        assert_eq!((policy.watchlist_people_max, policy.face_side_px_min), (1000, 50));
        assert_eq!(policy.threshold_fpir_max, 0.01);
        assert!(policy.purposes.contains(&"training and demonstration".to_owned()));
        assert!(policy.grounds.contains(&"exercise subject".to_owned()));
        assert_eq!(policy.digest, digest(EXERCISE_POLICY));
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180-2");
    }

    #[test]
    fn every_setting_is_shown_with_its_source() {
        let shown = settings(EXERCISE_POLICY).unwrap();
        let lease = shown.iter().find(|setting| setting.name == "lease").unwrap();
        assert_eq!(lease.value, "30 s");
        assert!(shown.len() >= 10 && shown.iter().all(|setting| !setting.source.is_empty()));
    }

    #[test]
    fn what_is_unknown_missing_or_unsourced_is_refused_by_name() {
        let with_threshold =
            format!("{EXERCISE_POLICY}\n[[threshold]]\nmodel = \"m\"\nvalue = 0.5\nfpir = 0.001\nevaluation = \"e\"\n");
        assert!(parse(&with_threshold).unwrap().thresholds.iter().any(|threshold| threshold.model().as_str() == "m"));
        for (from, to, names) in [
            ("[lease]", "[leese]", "leese"),
            ("value = \"30 s\"", "value = \"30 parsecs\"", "lease"),
            ("value = \"30 s\"", "value = 30", "expected a string"),
            ("version = 1", "version = 1\nspeed = 2", "speed"),
            ("version = 1", "", "version"),
            ("evaluation = \"e\"", "evaluation = \"e\"\nwhy = \"?\"", "why"),
        ] {
            let broken = with_threshold.replacen(from, to, 1);
            assert_ne!(broken, with_threshold, "{from}");
            let error = parse(&broken).unwrap_err().to_string();
            assert!(error.contains(names), "{from} -> {to}: {error}");
        }
        let unsourced = "[lease]\nvalue = \"30 s\"\nsource = \" \"\n";
        let start = EXERCISE_POLICY.find("[lease]").unwrap();
        let end = start + EXERCISE_POLICY[start..].find("\n\n").unwrap();
        let broken = format!("{}{unsourced}{}", &EXERCISE_POLICY[..start], &EXERCISE_POLICY[end..]);
        assert!(parse(&broken).unwrap_err().to_string().contains("`lease` does not say where"));
        assert!(parse(&with_threshold.replace("fpir = 0.001", "fpir = 1.5")).is_err());
        assert!(matches!(parse(&"#".repeat(POLICY_BYTES_MAX + 1)), Err(StoreError::TooLarge { .. })));
    }
}
