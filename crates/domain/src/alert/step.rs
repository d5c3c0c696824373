//! What can happen to an alert beyond being raised, judged by one person and closed; and whether the record says it.

use evidence::{Fact, SeedFigures};
use jiff::Timestamp;

use super::{Engagement, Judgement, Outcome, Reclassification};
use crate::event::{Happening, Withheld};
use crate::hold::HoldGround;
use crate::identifiers::{AlertId, DeploymentId, ShareId};

/// A step in the life of an alert, or of a pair seeded among the alerts of an exercise.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is described where its entry is, in evidence::Fact")]
pub enum AlertStep {
    JudgedOnce {
        deployment: DeploymentId,
        alert: AlertId,
        commitment: String,
        seconds_to_decide: u64,
    },
    JudgedTwice {
        deployment: DeploymentId,
        alert: AlertId,
        first: Judgement,
        salt: String,
        second: Judgement,
        seconds_to_decide: u64,
    },
    Engaged {
        deployment: DeploymentId,
        alert: AlertId,
        engagement: Engagement,
    },
    Reclassified {
        deployment: DeploymentId,
        alert: AlertId,
        outcome: Outcome,
        reason: Reclassification,
    },
    Held {
        deployment: DeploymentId,
        alert: AlertId,
        ground: HoldGround,
        until: Timestamp,
        evidence_commitment: String,
    },
    HoldReleased {
        deployment: DeploymentId,
        alert: AlertId,
    },
    HeldEvidenceDestroyed {
        deployment: DeploymentId,
        alert: AlertId,
    },
    /// Evidence left under a share; the count is with the share.
    Exported {
        deployment: DeploymentId,
        alert: AlertId,
        share: ShareId,
    },
    SeedsFixed {
        deployment: DeploymentId,
        seeds: u64,
        commitment: String,
    },
    /// A seeded pair was put among the alerts.
    SeedShown {
        deployment: DeploymentId,
        alert: AlertId,
    },
    SeedJudged {
        deployment: DeploymentId,
        alert: AlertId,
        judgement: Judgement,
        seconds_to_decide: u64,
    },
    SeedsRevealed {
        deployment: DeploymentId,
        figures: SeedFigures,
    },
}

impl AlertStep {
    /// The word for it; for a published one it is the word on the record.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::JudgedOnce { .. } => "alert-judged-once",
            Self::JudgedTwice { .. } => "alert-judged-twice",
            Self::Engaged { .. } => "alert-engaged",
            Self::Reclassified { .. } => "outcome-reclassified",
            Self::Held { .. } => "alert-held",
            Self::HoldReleased { .. } => "hold-released",
            Self::HeldEvidenceDestroyed { .. } => "held-evidence-destroyed",
            Self::Exported { .. } => "alert-exported",
            Self::SeedsFixed { .. } => "seeds-committed",
            Self::SeedShown { .. } => "seed-shown",
            Self::SeedJudged { .. } => "seed-judged",
            Self::SeedsRevealed { .. } => "seeds-revealed",
        }
    }

    /// The deployment it is about.
    pub fn deployment(&self) -> &DeploymentId {
        match self {
            Self::JudgedOnce { deployment, .. }
            | Self::JudgedTwice { deployment, .. }
            | Self::Engaged { deployment, .. }
            | Self::Reclassified { deployment, .. }
            | Self::Held { deployment, .. }
            | Self::HoldReleased { deployment, .. }
            | Self::HeldEvidenceDestroyed { deployment, .. }
            | Self::Exported { deployment, .. }
            | Self::SeedsFixed { deployment, .. }
            | Self::SeedShown { deployment, .. }
            | Self::SeedJudged { deployment, .. }
            | Self::SeedsRevealed { deployment, .. } => deployment,
        }
    }

    /// The alert it is about, if it is about one.
    pub fn alert(&self) -> Option<&AlertId> {
        match self {
            Self::JudgedOnce { alert, .. }
            | Self::JudgedTwice { alert, .. }
            | Self::Engaged { alert, .. }
            | Self::Reclassified { alert, .. }
            | Self::Held { alert, .. }
            | Self::HoldReleased { alert, .. }
            | Self::HeldEvidenceDestroyed { alert, .. }
            | Self::Exported { alert, .. }
            | Self::SeedShown { alert, .. }
            | Self::SeedJudged { alert, .. } => Some(alert),
            Self::SeedsFixed { .. } | Self::SeedsRevealed { .. } => None,
        }
    }

    /// What the record says of it, or why it does not: exhaustive.
    pub(crate) fn publication(self) -> Result<Fact, Withheld> {
        let text = |name: DeploymentId| name.to_string();
        let name = |alert: AlertId| alert.to_string();
        Ok(match self {
            Self::Exported { .. } => return Err(Withheld::WouldPointAtOnePerson),
            Self::SeedShown { .. } | Self::SeedJudged { .. } => return Err(Withheld::WouldTellReviewers),
            Self::JudgedOnce { deployment, alert, commitment, seconds_to_decide } => Fact::AlertJudgedOnce {
                deployment: text(deployment),
                alert: name(alert),
                judgement_commitment: commitment,
                seconds_to_decide,
            },
            Self::JudgedTwice { deployment, alert, first, salt, second, seconds_to_decide } => Fact::AlertJudgedTwice {
                deployment: text(deployment),
                alert: name(alert),
                first: first.word().into(),
                salt,
                second: second.word().into(),
                seconds_to_decide,
            },
            Self::Engaged { deployment, alert, engagement } => Fact::AlertEngaged {
                deployment: text(deployment),
                alert: name(alert),
                engagement: engagement.word().into(),
            },
            Self::Reclassified { deployment, alert, outcome, reason } => Fact::OutcomeReclassified {
                deployment: text(deployment),
                alert: name(alert),
                outcome: outcome.word().into(),
                reason: reason.word().into(),
            },
            Self::Held { deployment, alert, ground, until, evidence_commitment } => Fact::AlertHeld {
                deployment: text(deployment),
                alert: name(alert),
                ground: ground.word().into(),
                until,
                evidence_commitment,
            },
            Self::HoldReleased { deployment, alert } => {
                Fact::HoldReleased { deployment: text(deployment), alert: name(alert) }
            }
            Self::HeldEvidenceDestroyed { deployment, alert } => {
                Fact::HeldEvidenceDestroyed { deployment: text(deployment), alert: name(alert) }
            }
            Self::SeedsFixed { deployment, seeds, commitment } => {
                Fact::SeedsCommitted { deployment: text(deployment), seeds, commitment }
            }
            Self::SeedsRevealed { figures, .. } => Fact::SeedsRevealed(figures),
        })
    }
}

impl From<AlertStep> for Happening {
    fn from(step: AlertStep) -> Self {
        Self::AlertStep(step)
    }
}
