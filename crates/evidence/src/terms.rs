//! The longer statements of the record as tables of fields: plan, cameras, results, equipment, shares, and how reviewers were measured.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::zone::Zone;

/// What a deployment is to be, as proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentPlan {
    /// Its name on the record.
    pub deployment: String,
    /// The operation it belongs to.
    pub operation: String,
    /// `exercise` (recorded files only) or `live` (declared cameras).
    pub deployment_kind: String,
    /// Why, from the policy's closed vocabulary.
    pub purpose: String,
    /// Where, in words.
    pub place: String,
    /// Why there, from the policy's closed vocabulary.
    pub place_ground: String,
    /// SHA-256 of the evidence for that ground, hexadecimal.
    pub place_evidence: String,
    /// Number of cameras (for an exercise: recordings).
    pub cameras: u32,
    /// Beginning of the authorised window.
    pub starts: Timestamp,
    /// End of the authorised window.
    pub ends: Timestamp,
}

/// Most cameras of one deployment: each is a decoder, a view that somebody watches and a sign in front of it.
pub const CAMERAS_MAX: usize = 256;

/// A camera that a live deployment will open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraDeclaration {
    /// The deployment.
    pub deployment: String,
    /// What the camera is called.
    pub camera: String,
    /// Salted commitment to its address, hexadecimal (see `commitment::camera`); the address itself is not published.
    pub source_commitment: String,
    /// Where in its view faces are compared.
    pub zone: Zone,
    /// Least side of a face, in pixels, that is compared at this camera; nothing where it is the policy's.
    pub face_side_px_min: Option<u32>,
}

/// What does the comparing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equipment {
    /// Software and version.
    pub software: String,
    /// Detector's catalogue name.
    pub detector: String,
    /// Recogniser's catalogue name.
    pub recogniser: String,
    /// SHA-256 of the recogniser's weights.
    pub weights_sha256: String,
    /// Engine that ran them.
    pub engine: String,
    /// The threshold in the model's own units, as text so that it is exact.
    pub threshold: String,
    /// The false-positive identification rate that this threshold was measured to give.
    pub threshold_fpir: String,
    /// The evaluation in which it was measured.
    pub threshold_evaluation: String,
}

/// On what terms something may pass between the force and another body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareTerms {
    /// Its name on the record.
    pub share: String,
    /// `in` or `out`.
    pub direction: String,
    /// The other body.
    pub counterpart: String,
    /// What kind of thing, from a closed vocabulary.
    pub what: String,
    /// The agreement with that body.
    pub agreement: String,
    /// The legal basis.
    pub basis: String,
    /// When it ends, UTC.
    pub expires: Timestamp,
    /// Seconds after a use within which it must be reported what came of it.
    pub outcome_due_seconds: u64,
}

/// The seeded pairs of an exercise and how its reviewers judged them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedFigures {
    /// The deployment.
    pub deployment: String,
    /// The salt of the commitment, hexadecimal.
    pub salt: String,
    /// The names of all that were fixed, in the order of the commitment.
    pub seeds: Vec<String>,
    /// How many of them were shown.
    pub shown: u64,
    /// Judgements made of them; two of a pair that two people judged.
    pub judgements: u64,
    /// Of these, how many took two people for one.
    pub false_accepts: u64,
    /// Of these, how many could not tell.
    pub cannot_tell: u64,
    /// Pairs that two people judged.
    pub judged_twice: u64,
    /// Of these, pairs judged alike.
    pub agreed: u64,
    /// Half of the judgements took at most so many seconds.
    pub seconds_to_decide_p50: u64,
    /// Nine in ten of them took at most so many seconds.
    pub seconds_to_decide_p90: u64,
}

/// One row of the published table (the columns of the Home Office's, November 2025); the date is that of `started`, the
/// rate of incorrect alerts is `incorrect_alerts / faces_seen`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// When comparison began, UTC.
    pub started: Timestamp,
    /// From then until its end, pauses included.
    pub duration_seconds: u64,
    /// Number of cameras (for an exercise: recordings).
    pub cameras: u32,
    /// People on the watchlist.
    pub watchlist: u64,
    /// The threshold in the model's own units, as text.
    pub threshold: String,
    /// Alerts raised.
    pub total_alerts: u64,
    /// Alerts of somebody whom an identity check confirmed.
    pub positive_alerts: u64,
    /// Times that somebody was spoken to and was the person sought.
    pub positive_interventions: u64,
    /// Alerts of somebody else than the person sought.
    pub incorrect_alerts: u64,
    /// Times that somebody was spoken to and was not the person sought.
    pub incorrect_interventions: u64,
    /// Arrests and other disposals.
    pub arrests_or_disposals: u64,
    /// Faces seen.
    pub faces_seen: u64,
}

impl Results {
    /// Whether the numbers can be of one deployment: no alert counted twice, nobody spoken to without an alert.
    pub fn add_up(&self) -> bool {
        let judged = self.positive_alerts.checked_add(self.incorrect_alerts);
        judged.is_some_and(|judged| judged <= self.total_alerts)
            && self.positive_interventions <= self.positive_alerts
            && self.incorrect_interventions <= self.incorrect_alerts
            && self.arrests_or_disposals <= self.positive_interventions
    }
}
