//! What a profile chooses instead of counting: what may be read, how many people judge, whether somebody outside must sign, who may propose and approve.

use super::{Policy, PolicyFault};
use crate::officer::Role;

/// What the frames of a deployment may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Recorded files, in an exercise.
    Recording,
    /// Cameras, in a live deployment.
    Camera,
}

/// How many people judge an alert before anybody is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjudicators {
    /// The operator.
    One,
    /// The operator and, without knowing the first judgement, a second person.
    Two,
}

/// Whether a deployment also needs the signature of somebody outside the operator organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideAuthoriser {
    /// It does not.
    NotNeeded,
    /// It does; the public key that signs is given for each operation, and the operator does not hold its other half.
    Needed,
}

/// Which roles may propose and approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// May propose a deployment.
    pub propose: Vec<Role>,
    /// May approve it.
    pub approve: Vec<Role>,
    /// May approve it in urgency, until it is ratified by a role of `approve`.
    pub approve_urgent: Vec<Role>,
}

impl SourceKind {
    /// Every kind of source.
    pub const ALL: [Self; 2] = [Self::Recording, Self::Camera];

    /// The word in a profile.
    pub fn word(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Camera => "camera",
        }
    }

    /// The kind for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Adjudicators {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    /// The word in a profile.
    pub fn word(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Two => "two",
        }
    }

    /// The choice for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.word() == word)
    }
}

impl OutsideAuthoriser {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::NotNeeded, Self::Needed];

    /// The word in a profile.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotNeeded => "not needed",
            Self::Needed => "needed",
        }
    }

    /// The choice for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.word() == word)
    }
}

/// Roles that decide nothing about a deployment, whatever a profile says.
const SET_APART: [Role; 3] = [Role::Auditor, Role::Regulator, Role::Administrator];

/// Contradictions between who proposes, who approves, and whether there is an urgent route.
pub(super) fn faults(policy: &Policy) -> Vec<PolicyFault> {
    let Roles { propose, approve, approve_urgent } = &policy.roles;
    let mut faults = source_faults(policy);
    let mut fault = |wrong: String| faults.push(PolicyFault { setting: "roles", wrong });
    for (list, may) in [(propose, "propose"), (approve, "approve")] {
        if list.is_empty() {
            fault(format!("no role may {may}; name at least one"));
        }
    }
    for (list, may) in [(approve, "approve"), (approve_urgent, "approve in urgency")] {
        for role in list.iter().filter(|role| propose.contains(role)) {
            fault(format!("the role of {} may {may} what it proposes; keep the two apart", role.word()));
        }
    }
    for (list, may) in [(propose, "propose"), (approve, "approve"), (approve_urgent, "approve in urgency")] {
        for role in list.iter().filter(|role| SET_APART.contains(role)) {
            fault(format!(
                "the role of {} may not {may}: it reads, or keeps the machines, and decides nothing",
                role.word()
            ));
        }
        let twice = list.iter().enumerate().find(|(place, role)| list[..*place].contains(role));
        if let Some((_, role)) = twice {
            fault(format!("the role of {} is named twice among those that {may}", role.word()));
        }
    }
    let of_its_own = approve_urgent.iter().any(|role| !approve.contains(role));
    match policy.urgent_ratification {
        Some(_) if approve_urgent.is_empty() => {
            fault(
                "there is an urgent route (urgent_ratification) and no role may take it; name one or close it".into(),
            );
        }
        Some(_) if !of_its_own => {
            fault(
                "whoever approves in urgency may approve anyway, so nothing would be ratified; name another role"
                    .into(),
            );
        }
        None if !approve_urgent.is_empty() => {
            fault("roles may approve in urgency and there is no urgent route (urgent_ratification)".into());
        }
        _ => {}
    }
    faults
}

/// Without a source nothing could be done under the profile; one named twice is a slip.
fn source_faults(policy: &Policy) -> Vec<PolicyFault> {
    let twice = policy.sources.iter().enumerate().find(|(place, kind)| policy.sources[..*place].contains(kind));
    let wrong = match (policy.sources.is_empty(), twice) {
        (true, _) => "no source is named, so no deployment could read anything; name at least one".to_owned(),
        (false, Some((_, kind))) => format!("the source {:?} is named twice", kind.word()),
        (false, None) => return vec![],
    };
    vec![PolicyFault { setting: "sources", wrong }]
}
