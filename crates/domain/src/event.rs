//! Everything that can happen, and for each thing whether the public record says it. There is no third possibility.

use std::collections::BTreeMap;

use evidence::{Counts, DeploymentPlan, Entry, Equipment, Fact, Results, ThresholdChange};
use jiff::Timestamp;

use crate::alert::{AlertStep, Judgement, Outcome};
use crate::complaint::ComplaintStep;
use crate::deployment::{Declaration, Plan};
use crate::identifiers::{AlertId, DeploymentId, OfficerId, OperationId};
use crate::officer::Role;
use crate::share::ShareStep;
use crate::staff::{Member, StaffChange};
use crate::tripwire::Wire;

/// Something that happened: when, by whom, what.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// By whom; the software itself for receipts and for what a clock did. Never published.
    pub actor: Actor,
    /// What.
    pub happening: Happening,
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A member of staff.
    Officer(OfficerId),
    /// The software, doing what a rule or a clock asks.
    System,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is described where its entry is, in evidence::Fact")]
pub enum Happening {
    PolicyAdopted {
        profile: String,
        version: u32,
        digest: String,
    },
    OperationOpened {
        operation: OperationId,
        title: String,
        force: String,
        purpose: String,
        policy_digest: String,
        outside_authoriser: Option<String>,
    },
    StaffChanged {
        member: Member,
        change: StaffChange,
        reason: String,
    },
    StaffCounted {
        by_role: BTreeMap<String, u64>,
    },
    ThresholdProposed {
        change: ThresholdChange,
        role: Role,
    },
    ThresholdSet {
        change: ThresholdChange,
        proposed_by: String,
        approved_by: Role,
    },
    Proposed {
        plan: Plan,
    },
    Approved {
        deployment: DeploymentId,
        role: Role,
    },
    ApprovedUrgently {
        deployment: DeploymentId,
        role: Role,
        ground: String,
        ratify_by: Timestamp,
    },
    Ratified {
        deployment: DeploymentId,
        role: Role,
    },
    OutsideAuthorised {
        deployment: DeploymentId,
        signature: String,
    },
    DocumentFilled {
        deployment: DeploymentId,
        slot: String,
        digest: String,
    },
    NoticePublished {
        deployment: DeploymentId,
        notice_digest: String,
    },
    WatchlistEntryAdded {
        deployment: DeploymentId,
        number: u32,
    },
    WatchlistEntryRemoved {
        deployment: DeploymentId,
        number: u32,
    },
    HigherApprovalGiven {
        deployment: DeploymentId,
        number: u32,
    },
    LikenessAcknowledged {
        deployment: DeploymentId,
        first: u32,
        second: u32,
    },
    WatchlistFrozen {
        deployment: DeploymentId,
        people: u64,
        images: u64,
        by_ground: BTreeMap<String, u64>,
        commitment: String,
        by_approval: BTreeMap<String, u64>,
    },
    SignageConfirmed {
        deployment: DeploymentId,
        signs: u32,
        alternative_route: String,
        page: String,
        role: Role,
    },
    Declared(Declaration),
    Started {
        deployment: DeploymentId,
        equipment: Equipment,
    },
    Paused {
        deployment: DeploymentId,
        reason: String,
    },
    Resumed {
        deployment: DeploymentId,
    },
    Tripped {
        deployment: DeploymentId,
        wire: Wire,
        found: String,
    },
    TripCleared {
        deployment: DeploymentId,
        role: Role,
        reason: String,
    },
    AlertRaised {
        deployment: DeploymentId,
        alert: AlertId,
        camera: String,
        evidence_commitment: String,
        expires: Timestamp,
    },
    AlertViewed {
        deployment: DeploymentId,
        alert: AlertId,
    },
    AlertAdjudicated {
        deployment: DeploymentId,
        alert: AlertId,
        judgement: Judgement,
        seconds_to_decide: u64,
    },
    OutcomeRecorded {
        deployment: DeploymentId,
        alert: AlertId,
        outcome: Outcome,
    },
    AlertStep(AlertStep),
    ComplaintStep(ComplaintStep),
    ShareStep(ShareStep),
    MinuteCounted {
        deployment: DeploymentId,
        from: Timestamp,
        to: Timestamp,
        counts: Counts,
    },
    Ended {
        deployment: DeploymentId,
        reason: String,
        counts: Counts,
    },
    AlertsSuppressed {
        deployment: DeploymentId,
        up_to: u64,
    },
    WatchlistDestroyed {
        deployment: DeploymentId,
        images: u64,
    },
    SuppressionEntered {
        deployment: DeploymentId,
        alert: AlertId,
        expires: Timestamp,
    },
    SuppressionErased {
        deployment: DeploymentId,
        alert: AlertId,
    },
    ListedAsked {
        deployment: DeploymentId,
    },
    CommitmentsDestroyed {
        deployment: DeploymentId,
        questions: u64,
    },
    Purged {
        deployment: DeploymentId,
        alerts_destroyed: u64,
        watchlist_images_destroyed: u64,
        key_destroyed: bool,
    },
    Withdrawn {
        deployment: DeploymentId,
        reason: String,
    },
    ResultsPublished {
        deployment: DeploymentId,
        results: Results,
    },
    KeyRotated {
        key: String,
        generation: u32,
    },
}

/// Whether the public record says it.
#[derive(Clone, Debug, PartialEq)]
pub enum Publication {
    /// It does, in these words.
    Publish(Box<Entry>),
    /// It does not, for this reason.
    Withhold(Withheld),
}

/// Why an event is not on the public record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// One person's being listed or not could be read from it; the published count and commitment cover it.
    WouldPointAtOnePerson,
    /// It is staff conduct inside the control room, kept for the auditor.
    StaffConduct,
    /// It is about how a key is kept, kept for the auditor; it would tell a thief when to come.
    KeyCustody,
    /// It would tell reviewers which pairs were seeded to measure them; the figures are told at the end.
    WouldTellReviewers,
    /// It is about one member of staff; how many could act is published as counts.
    StaffRegister,
}

impl Event {
    /// What the public record says of it: exhaustive, so that a new event does not compile until somebody decides.
    pub fn publication(&self) -> Publication {
        use Happening as H;
        let fact = match self.happening.clone() {
            H::WatchlistEntryAdded { .. } => return Publication::Withhold(Withheld::WouldPointAtOnePerson),
            H::WatchlistEntryRemoved { .. } | H::HigherApprovalGiven { .. } | H::LikenessAcknowledged { .. } => {
                return Publication::Withhold(Withheld::WouldPointAtOnePerson);
            }
            H::SuppressionEntered { .. } | H::SuppressionErased { .. } | H::ListedAsked { .. } => {
                return Publication::Withhold(Withheld::WouldPointAtOnePerson);
            }
            H::AlertViewed { .. } => return Publication::Withhold(Withheld::StaffConduct),
            H::KeyRotated { .. } => return Publication::Withhold(Withheld::KeyCustody),
            H::StaffChanged { .. } => return Publication::Withhold(Withheld::StaffRegister),
            H::StaffCounted { by_role } => Fact::StaffCounted { by_role },
            H::ThresholdProposed { change, role } => Fact::ThresholdProposed { change, role: role.word().into() },
            H::ThresholdSet { change, proposed_by, approved_by } => {
                Fact::ThresholdSet { change, proposed_by, approved_by: approved_by.word().into() }
            }
            H::PolicyAdopted { profile, version, digest } => Fact::PolicyAdopted { profile, version, digest },
            H::OperationOpened { operation, title, force, purpose, policy_digest, outside_authoriser } => {
                let operation = text(&operation);
                Fact::OperationOpened { operation, title, force, purpose, policy_digest, outside_authoriser }
            }
            H::Proposed { plan } => Fact::DeploymentProposed(published_plan(&plan)),
            H::Approved { deployment, role } => {
                Fact::DeploymentApproved { deployment: text(&deployment), role: role.word().into() }
            }
            H::ApprovedUrgently { deployment, role, ground, ratify_by } => Fact::DeploymentApprovedUrgently {
                deployment: text(&deployment),
                role: role.word().into(),
                ground,
                ratify_by,
            },
            H::Ratified { deployment, role } => {
                Fact::DeploymentRatified { deployment: text(&deployment), role: role.word().into() }
            }
            H::OutsideAuthorised { deployment, signature } => {
                Fact::OutsideAuthorised { deployment: text(&deployment), signature }
            }
            H::DocumentFilled { deployment, slot, digest } => {
                Fact::DocumentFilled { deployment: text(&deployment), slot, digest }
            }
            H::NoticePublished { deployment, notice_digest } => {
                Fact::NoticePublished { deployment: text(&deployment), notice_digest }
            }
            H::WatchlistFrozen { deployment, people, images, by_ground, commitment, by_approval } => {
                Fact::WatchlistFrozen {
                    deployment: text(&deployment),
                    people,
                    images,
                    by_ground,
                    commitment,
                    by_approval,
                }
            }
            H::AlertsSuppressed { deployment, up_to } => {
                Fact::AlertsSuppressed { deployment: text(&deployment), up_to }
            }
            H::WatchlistDestroyed { deployment, images } => {
                Fact::WatchlistDestroyed { deployment: text(&deployment), images, key_destroyed: true }
            }
            H::CommitmentsDestroyed { deployment, questions } => {
                Fact::CommitmentsDestroyed { deployment: text(&deployment), questions }
            }
            H::SignageConfirmed { deployment, signs, alternative_route, page, role } => Fact::SignageConfirmed {
                deployment: text(&deployment),
                signs,
                alternative_route,
                page,
                role: role.word().into(),
            },
            H::Declared(declared) => declared.fact(),
            H::Started { deployment, equipment } => {
                Fact::DeploymentStarted { deployment: text(&deployment), equipment }
            }
            H::Paused { deployment, reason } => Fact::DeploymentPaused { deployment: text(&deployment), reason },
            H::Resumed { deployment } => Fact::DeploymentResumed { deployment: text(&deployment) },
            H::Tripped { deployment, wire, found } => {
                Fact::DeploymentTripped { deployment: text(&deployment), wire: wire.word().into(), found }
            }
            H::TripCleared { deployment, role, reason } => {
                Fact::TripCleared { deployment: text(&deployment), role: role.word().into(), reason }
            }
            H::AlertRaised { deployment, alert, camera, evidence_commitment, expires } => Fact::AlertRaised {
                deployment: text(&deployment),
                alert: text(&alert),
                camera,
                evidence_commitment,
                expires,
            },
            H::AlertAdjudicated { deployment, alert, judgement, seconds_to_decide } => Fact::AlertAdjudicated {
                deployment: text(&deployment),
                alert: text(&alert),
                judgement: judgement.word().into(),
                seconds_to_decide,
            },
            H::OutcomeRecorded { deployment, alert, outcome } => Fact::OutcomeRecorded {
                deployment: text(&deployment),
                alert: text(&alert),
                outcome: outcome.word().into(),
            },
            H::AlertStep(step) => match step.publication() {
                Ok(fact) => fact,
                Err(withheld) => return Publication::Withhold(withheld),
            },
            H::ComplaintStep(step) => step.fact(),
            H::ShareStep(step) => step.fact(),
            H::MinuteCounted { deployment, from, to, counts } => {
                Fact::DeletionReceipt { deployment: text(&deployment), from, to, counts }
            }
            H::Ended { deployment, reason, counts } => {
                Fact::DeploymentEnded { deployment: text(&deployment), reason, counts }
            }
            H::Purged { deployment, alerts_destroyed, watchlist_images_destroyed, key_destroyed } => {
                Fact::DeploymentPurged {
                    deployment: text(&deployment),
                    alerts_destroyed,
                    watchlist_images_destroyed,
                    key_destroyed,
                }
            }
            H::Withdrawn { deployment, reason } => Fact::DeploymentWithdrawn { deployment: text(&deployment), reason },
            H::ResultsPublished { deployment, results } => {
                Fact::ResultsPublished { deployment: text(&deployment), results }
            }
        };
        Publication::Publish(Box::new(Entry { at: self.at, fact }))
    }
}

fn text(identifier: &impl ToString) -> String {
    identifier.to_string()
}

/// The plan as the record says it, and as an outside body signs it.
pub fn published_plan(plan: &Plan) -> DeploymentPlan {
    DeploymentPlan {
        deployment: text(&plan.deployment),
        operation: text(&plan.operation),
        deployment_kind: plan.kind.word().into(),
        purpose: plan.purpose.clone(),
        place: plan.place.clone(),
        place_ground: plan.place_ground.clone(),
        place_evidence: plan.place_evidence.clone(),
        cameras: plan.cameras,
        starts: plan.starts,
        ends: plan.ends,
    }
}
