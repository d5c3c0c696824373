//! What a deployment's frames come from, as the record declares it: recordings of an exercise, cameras of a live one.

use std::collections::BTreeSet;

use crate::{CAMERAS_MAX, DeploymentPlan};

/// What was declared so far.
#[derive(Debug)]
pub(crate) struct Sources {
    kind: Kind,
    /// Number of cameras in the plan.
    planned: u32,
    recordings: Declared,
    /// Names of the declared cameras, at most [`CAMERAS_MAX`].
    cameras: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Exercise,
    Live,
    /// A word that this version does not know: nothing may be declared.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Declared {
    None,
    Some,
}

impl Sources {
    pub(crate) fn of(plan: &DeploymentPlan) -> Self {
        let kind = match plan.deployment_kind.as_str() {
            "exercise" => Kind::Exercise,
            "live" => Kind::Live,
            _ => Kind::Unknown,
        };
        Self { kind, planned: plan.cameras, recordings: Declared::None, cameras: BTreeSet::new() }
    }

    pub(crate) fn is_exercise(&self) -> bool {
        self.kind == Kind::Exercise
    }

    /// Whether the kind of the deployment is one of those there are.
    pub(crate) fn kind_is_known(&self) -> bool {
        self.kind != Kind::Unknown
    }

    pub(crate) fn declare_recording(&mut self) -> Vec<String> {
        self.recordings = Declared::Some;
        if self.is_exercise() { vec![] } else { vec!["a recording was declared, but it is not an exercise".into()] }
    }

    pub(crate) fn declare_camera(&mut self, camera: &str) -> Vec<String> {
        if self.kind != Kind::Live {
            return vec!["a camera was declared, but it is not a live deployment".into()];
        }
        if self.cameras.contains(camera) {
            return vec![format!("camera {camera} was declared twice")];
        }
        let most = CAMERAS_MAX.min(self.planned as usize);
        if self.cameras.len() >= most {
            return vec![format!("camera {camera} was declared, but there were to be {most} at most")];
        }
        self.cameras.insert(camera.to_owned());
        vec![]
    }

    /// What it lacks to be started.
    pub(crate) fn lacking(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Exercise if self.recordings == Declared::None => {
                Some("a declared recording, although it is an exercise")
            }
            Kind::Live if self.cameras.is_empty() => Some("a declared camera, although it is live"),
            _ => None,
        }
    }
}
