//! The policy profile as a file: TOML in, `domain::Policy` out, every number and word with the source it comes from.

mod spelling;

use std::fmt;

use domain::{ModelId, Policy, Threshold};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use spelling::{Choice, Count, Length, LengthOrNone, RoleLists, Share, Sources, Spelling, Words};

/// The profile of an exercise, as shipped.
pub const EXERCISE_POLICY: &str = include_str!("../../../policies/exercise.toml");

/// Every profile that comes with this software, by its name.
pub const SHIPPED_POLICIES: [(&str, &str); 5] = [
    ("exercise", EXERCISE_POLICY),
    ("laboratory", include_str!("../../../policies/laboratory.toml")),
    ("railway-pilot", include_str!("../../../policies/railway-pilot.toml")),
    ("handheld-trial", include_str!("../../../policies/handheld-trial.toml")),
    ("strict", include_str!("../../../policies/strict.toml")),
];

/// The text of a shipped profile.
pub fn shipped_policy(name: &str) -> Option<&'static str> {
    SHIPPED_POLICIES.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
}

/// Most bytes of a profile; ours have some 15,000.
const POLICY_BYTES_MAX: usize = 256 * 1024;

/// One setting of a profile, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its name in the file.
    pub(crate) name: String,
    /// Its value, as text with its unit.
    pub(crate) value: String,
    /// Where the value comes from.
    pub(crate) source: String,
}

/// Every setting of a profile with its source, in the order of the file format.
pub(crate) fn settings(toml: &str) -> Result<Vec<Setting>, StoreError> {
    let file = read_file(toml)?;
    let mut settings = file.settings();
    settings.extend(file.threshold.iter().map(|threshold| Setting {
        name: "threshold".into(),
        value: format!("{} at {} (FPIR {})", threshold.model, threshold.value, threshold.fpir),
        source: threshold.evaluation.clone(),
    }));
    Ok(settings)
}

/// The profile that the text spells. An unknown or missing setting is refused, and so is one without a source; whether
/// the numbers contradict each other is `domain`'s to say.
pub(crate) fn parse(toml: &str) -> Result<Policy, StoreError> {
    read_file(toml)?.policy(digest(toml))
}

/// SHA-256 of a text, lower-case hexadecimal.
pub(crate) fn digest(text: &str) -> String {
    sha256_hex(text.as_bytes())
}

/// SHA-256 of a document's bytes, lower-case hexadecimal: as document slots and evidence for a place are given.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file, its settings with their sources, and the profile they spell: one list, so that none can be left out of either.
macro_rules! profile {
    ($($name:ident: $spelling:ty,)*) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct PolicyFile {
            profile: String,
            version: u32,
            $($name: Sourced<<$spelling as Spelling>::Text>,)*
            #[serde(default)]
            threshold: Vec<ThresholdTable>,
        }

        impl PolicyFile {
            fn settings(&self) -> Vec<Setting> {
                vec![$(Setting {
                    name: stringify!($name).to_owned(),
                    value: <$spelling>::shown(&self.$name.value),
                    source: self.$name.source.clone(),
                },)*]
            }

            fn policy(self, digest: String) -> Result<Policy, StoreError> {
                Ok(Policy {
                    thresholds: self.threshold.iter().map(threshold).collect::<Result<_, _>>()?,
                    profile: self.profile,
                    version: self.version,
                    digest,
                    $($name: <$spelling>::read(self.$name.value)
                        .map_err(|wrong| unreadable(&format!("`{}`: {wrong}", stringify!($name))))?,)*
                })
            }
        }
    };
}

profile! {
    notice_lead: Length,
    urgent_ratification: LengthOrNone,
    watchlist_age_max: Length,
    image_age_max: Length,
    deployment_length_max: Length,
    lease: Length,
    alert_retention: Length,
    alert_hold_max: Length,
    complaint_retention: Length,
    commitment_retention: Length,
    suppression_length_max: Length,
    share_length_max: Length,
    outcome_due: Length,
    training_validity: Length,
    checkpoint_interval: Length,
    watchlist_people_max: Count<u32>,
    images_per_person_max: Count<u32>,
    adult_age_years: Count<u32>,
    look_alike_score: Share,
    eye_distance_px_min: Count<u32>,
    sharpness_min: Share,
    face_side_px_min: Count<u32>,
    threshold_fpir_max: Share,
    false_alert_rate_max: Share,
    false_alert_faces_min: Count<u64>,
    differential_ratio_max: Share,
    purposes: Words,
    grounds: Words,
    protected_grounds: Words,
    place_grounds: Words,
    urgent_grounds: Words,
    documents: Words,
    outcomes: Words,
    oifr_powers: Words,
    oifr_place_classes: Words,
    sources: Sources,
    second_adjudicator: Choice<domain::Adjudicators>,
    outside_authoriser: Choice<domain::OutsideAuthoriser>,
    roles: RoleLists,
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
    let unsourced = file.settings().into_iter().find(|setting| setting.source.trim().is_empty());
    match unsourced {
        Some(Setting { name, .. }) => {
            Err(unreadable(&format!("`{name}` does not say where its value comes from (`source`)")))
        }
        None => Ok(file),
    }
}

fn threshold(table: &ThresholdTable) -> Result<Threshold, StoreError> {
    if table.evaluation.trim().is_empty() {
        return Err(unreadable(&format!(
            "the threshold of `{}` does not say in which evaluation it was measured",
            table.model
        )));
    }
    let model = ModelId::new(&table.model);
    Ok(Threshold::new(model, table.value, table.fpir, table.evaluation.clone())?)
}

fn unreadable(found: &impl fmt::Display) -> StoreError {
    StoreError::PolicyUnreadable { found: found.to_string() }
}

#[cfg(test)]
mod tests;
