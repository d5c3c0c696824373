//! What a deployment's frames come from: recordings of an exercise, cameras of a live one, each declared before the start.
//!
//! An undeclared camera has no value that it could be opened with: [`Live::declares_camera`] is asked with the commitment
//! to the very address, and answers with the zone outside which nothing may be looked at.

use std::collections::BTreeMap;

use evidence::{CAMERAS_MAX, CameraDeclaration, Fact, Zone};
use jiff::Timestamp;

use super::proposing::check_digest;
use super::{Announced, Kind, Live, Plan, SourceRefusal, require_role};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::DeploymentId;
use crate::officer::{Officer, Role};
use crate::policy::{Policy, SourceKind};
use crate::refusal::Refusal;

/// Most characters of a camera's name: it stands in entries, on signs and beside every alert.
pub const CAMERA_NAME_CHARS_MAX: usize = 64;

/// A camera that a live deployment is to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraTerms {
    /// What it is called, on the record and on every screen.
    pub name: String,
    /// Salted commitment to its address, SHA-256 in lower-case hexadecimal.
    pub source_commitment: String,
    /// Where in its view faces are compared.
    pub zone: Zone,
    /// Least side of a face, in pixels, that is compared at this camera; nothing where it is the policy's.
    pub face_side_px_min: Option<u32>,
}

/// What was declared so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sources {
    recordings: BTreeMap<String, String>,
    cameras: BTreeMap<String, CameraTerms>,
}

/// A source was declared.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is described where its entry is, in evidence::Fact")]
pub enum Declaration {
    Recording { deployment: DeploymentId, camera: String, digest: String, bytes: u64 },
    Camera { deployment: DeploymentId, terms: CameraTerms },
}

/// Refuses a plan whose kind of source the policy does not allow.
pub(super) fn check_policy(plan: &Plan, policy: &Policy) -> Result<(), SourceRefusal> {
    let (kind, source) = (plan.kind, plan.kind.source());
    if policy.sources.contains(&source) {
        return Ok(());
    }
    Err(SourceRefusal::NotInPolicy { kind: kind.word(), source: source.word() })
}

impl Sources {
    /// Takes in a recording; of two for one camera the later counts.
    pub(super) fn add_recording(&mut self, plan: &Plan, camera: String, digest: String) -> Result<(), SourceRefusal> {
        if plan.kind != Kind::Exercise {
            return Err(SourceRefusal::RecordingInLive);
        }
        self.recordings.insert(camera, digest);
        Ok(())
    }

    /// Takes in a camera, which stays as it was declared: its zone is what the signs and the public page show.
    pub(super) fn add_camera(&mut self, plan: &Plan, terms: CameraTerms) -> Result<(), SourceRefusal> {
        if plan.kind != Kind::Live {
            return Err(SourceRefusal::CameraInExercise);
        }
        let length = terms.name.chars().count();
        let fits = (1..=CAMERA_NAME_CHARS_MAX).contains(&length) && terms.name.trim() == terms.name;
        if !fits || terms.name.chars().any(char::is_control) {
            return Err(SourceRefusal::CameraNameUnfit);
        }
        let camera = terms.name.clone();
        if self.cameras.insert(camera.clone(), terms).is_some() {
            return Err(SourceRefusal::CameraDeclaredAlready { camera });
        }
        let most = CAMERAS_MAX.min(plan.cameras as usize);
        if self.cameras.len() > most {
            return Err(SourceRefusal::TooManyCameras { most });
        }
        Ok(())
    }

    /// Refuses a start with nothing to read.
    pub(super) fn check_start(&self, plan: &Plan) -> Result<(), SourceRefusal> {
        match plan.kind {
            Kind::Exercise if self.recordings.is_empty() => Err(SourceRefusal::NoRecordingDeclared),
            Kind::Live if self.cameras.is_empty() => Err(SourceRefusal::NoCameraDeclared),
            Kind::Exercise | Kind::Live => Ok(()),
        }
    }
}

impl Announced {
    /// Declares one recording that the exercise will read, by its digest.
    pub fn declare_recording(
        mut self,
        officer: &Officer,
        camera: &str,
        digest: String,
        bytes: u64,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = require_role(officer, Role::Operator, "declare a recording", now)?;
        self.preparation.sources.add_recording(&self.plan, camera.to_owned(), digest.clone())?;
        let deployment = self.plan.deployment.clone();
        let declared = Declaration::Recording { deployment, camera: camera.to_owned(), digest, bytes };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening: Happening::Declared(declared) }))
    }

    /// Declares one camera that the live deployment will open, by a commitment to its address, with its recognition zone.
    /// It may ask for larger faces than the policy does, never for smaller ones.
    pub fn declare_camera(
        mut self,
        officer: &Officer,
        terms: CameraTerms,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = require_role(officer, Role::Operator, "declare a camera", now)?;
        check_digest("the camera's address", &terms.source_commitment)?;
        if let Some(side_px) = terms.face_side_px_min
            && side_px < policy.face_side_px_min
        {
            return Err(SourceRefusal::FaceTooSmall { side_px, side_px_min: policy.face_side_px_min }.into());
        }
        self.preparation.sources.add_camera(&self.plan, terms.clone())?;
        let declared = Declaration::Camera { deployment: self.plan.deployment.clone(), terms };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening: Happening::Declared(declared) }))
    }

    /// The cameras declared so far, in the order of their names.
    pub fn cameras(&self) -> impl Iterator<Item = &CameraTerms> {
        self.preparation.sources.cameras.values()
    }
}

impl Live {
    /// Whether a recording of this digest was declared for this camera.
    pub fn declares(&self, camera: &str, digest: &str) -> bool {
        self.sources.recordings.get(camera).is_some_and(|declared| declared == digest)
    }

    /// The recognition zone of this camera, if it was declared with this commitment to its address: the only leave to open it.
    pub fn declares_camera(&self, camera: &str, source_commitment: &str) -> Option<&Zone> {
        let declared = self.sources.cameras.get(camera)?;
        (declared.source_commitment == source_commitment).then_some(&declared.zone)
    }

    /// The declared cameras, in the order of their names; none in an exercise.
    pub fn cameras(&self) -> impl Iterator<Item = &CameraTerms> {
        self.sources.cameras.values()
    }

    /// Least side of a face, in pixels, that is compared at this camera: its own where it declared one, and never less than
    /// the policy's.
    pub fn face_side_px_min(&self, camera: &str, policy: &Policy) -> u32 {
        let own = self.sources.cameras.get(camera).and_then(|declared| declared.face_side_px_min);
        own.unwrap_or(0).max(policy.face_side_px_min)
    }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Exercise, Self::Live];

    /// The word on the record and on every screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exercise => "exercise",
            Self::Live => "live",
        }
    }

    /// The kind for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What it reads, which the policy must allow.
    pub fn source(self) -> SourceKind {
        match self {
            Self::Exercise => SourceKind::Recording,
            Self::Live => SourceKind::Camera,
        }
    }
}

impl Declaration {
    /// The deployment.
    pub fn deployment(&self) -> &DeploymentId {
        match self {
            Self::Recording { deployment, .. } | Self::Camera { deployment, .. } => deployment,
        }
    }

    /// The word for it, which is also the one on the record.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Recording { .. } => "recording-declared",
            Self::Camera { .. } => "camera-declared",
        }
    }

    /// As the record says it.
    pub fn fact(&self) -> Fact {
        match self.clone() {
            Self::Recording { deployment, camera, digest, bytes } => {
                Fact::RecordingDeclared { deployment: deployment.to_string(), camera, digest, bytes }
            }
            Self::Camera { deployment, terms } => {
                let CameraTerms { name: camera, source_commitment, zone, face_side_px_min } = terms;
                let deployment = deployment.to_string();
                Fact::CameraDeclared(CameraDeclaration {
                    deployment,
                    camera,
                    source_commitment,
                    zone,
                    face_side_px_min,
                })
            }
        }
    }
}

impl From<&CameraDeclaration> for CameraTerms {
    fn from(declared: &CameraDeclaration) -> Self {
        Self {
            name: declared.camera.clone(),
            source_commitment: declared.source_commitment.clone(),
            zone: declared.zone.clone(),
            face_side_px_min: declared.face_side_px_min,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_kinds_and_declarations_stand_on_the_record() {
        assert_eq!(Kind::ALL.map(Kind::word), ["exercise", "live"]);
        assert_eq!(
            ["exercise", "live", "drill", ""].map(Kind::from_word),
            [Some(Kind::Exercise), Some(Kind::Live), None, None]
        );
        let deployment = DeploymentId::new("d1").unwrap();
        let (camera, digest) = ("c1".to_owned(), "d".to_owned());
        let recording = Declaration::Recording { deployment: deployment.clone(), camera, digest, bytes: 1 };
        let (name, source_commitment) = ("c1".into(), "s".into());
        let terms = CameraTerms { name, source_commitment, zone: Zone::whole_view(), face_side_px_min: None };
        let camera = Declaration::Camera { deployment: deployment.clone(), terms };
        assert_eq!((recording.kind(), camera.kind()), ("recording-declared", "camera-declared"));
        assert_eq!((recording.deployment(), camera.deployment()), (&deployment, &deployment));
    }
}
