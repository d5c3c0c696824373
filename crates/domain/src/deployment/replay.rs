//! A deployment rebuilt from its entries on the record: the record is the state, so they cannot disagree.

use std::fmt;

use evidence::{DeploymentPlan, Entry, Fact};

use super::before::{Announced, FrozenWatchlist, NoticePublished, Preparation, SignageConfirmed, Withdrawn};
use super::mandate::Mandate;
use super::proposing::{Approved, Documents, Outside, Proposed};
use super::running::{Cause, Live, Paused};
use super::{Deployment, Kind, Plan};
use crate::event::Actor;
use crate::identifiers::{DeploymentId, OperationId};
use crate::officer::Role;
use crate::tripwire::Wire;

/// One entry as remembered by the store: who acted is known to it and not to the public.
#[derive(Clone, Debug, PartialEq)]
pub struct Recollection {
    /// Who acted.
    pub actor: Actor,
    /// What the record says.
    pub entry: Entry,
}

/// The entries of a deployment do not tell a lawful story.
#[derive(Clone, Debug, PartialEq)]
pub struct Inconsistent {
    /// Position among the deployment's entries, from 0.
    pub position: usize,
    /// What does not fit, as a sentence.
    pub found: String,
}

impl fmt::Display for Inconsistent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "entry {} of the deployment does not follow from those before it: {}", self.position, self.found)
    }
}

impl std::error::Error for Inconsistent {}

impl Deployment {
    /// Rebuilds the state from every entry about one deployment, oldest first. `None` when there is none.
    pub fn replay(history: &[Recollection]) -> Result<Option<Self>, Inconsistent> {
        let mut state = None;
        for (position, recollection) in history.iter().enumerate() {
            state = Some(Self::after(state, recollection).map_err(|found| Inconsistent { position, found })?);
        }
        Ok(state)
    }

    /// The state after one more entry, or what does not fit, as a sentence.
    pub fn after(state: Option<Self>, recollection: &Recollection) -> Result<Self, String> {
        follow(state, recollection)
    }
}

fn follow(state: Option<Deployment>, recollection: &Recollection) -> Result<Deployment, String> {
    use Deployment as D;
    let at = recollection.entry.at;
    match (state, &recollection.entry.fact) {
        (None, Fact::DeploymentProposed(plan)) => {
            let Actor::Officer(proposer) = recollection.actor.clone() else { return Err("nobody proposed it".into()) };
            Ok(D::Proposed(Proposed { plan: remembered_plan(plan)?, proposer, documents: Documents::new() }))
        }
        (None, _) => Err("it was never proposed".into()),
        (Some(mut state), Fact::DeploymentRatified { .. }) => {
            ratified(&mut state, recollection)?;
            Ok(state)
        }
        (Some(D::Proposed(state)), fact) => decided(state, fact, recollection),
        (Some(D::Approved(state)), fact) => approved(state, fact, at),
        (Some(D::Announced(state)), fact) => prepared(state, fact, at),
        (Some(D::Live(live)), fact) => ran(live, fact, at),
        (Some(D::Paused(state)), fact) => stood(state, fact, at),
        (Some(state @ D::Ended(_)), Fact::AlertAdjudicated { .. } | Fact::OutcomeRecorded { .. }) => Ok(state),
        (Some(state @ D::Ended(_)), Fact::WatchlistDestroyed { .. }) => Ok(state),
        (Some(state @ D::Purged(_)), Fact::CommitmentsDestroyed { .. }) => Ok(state),
        (Some(state @ D::Ended(_)), fact) if follows_an_alert(fact) || matches!(fact, Fact::SeedsRevealed(_)) => {
            Ok(state)
        }
        (Some(state @ D::Purged(_)), fact) if outlives_the_deployment(fact) => Ok(state),
        (Some(D::Ended(state)), Fact::DeploymentPurged { .. }) => Ok(D::Purged(super::Purged::of(state))),
        (Some(D::Purged(mut state)), Fact::ResultsPublished { results, .. }) if state.results.is_none() => {
            state.results = Some(results.clone());
            Ok(D::Purged(state))
        }
        (Some(state), _) => Err(nothing_of_the_kind(state.state())),
    }
}

fn ratified(state: &mut Deployment, recollection: &Recollection) -> Result<(), String> {
    let Actor::Officer(by) = &recollection.actor else { return Err("nobody ratified it".into()) };
    let word = state.state();
    let mandate = state.mandate_mut().ok_or_else(|| nothing_of_the_kind(word))?;
    if mandate.lapses().is_some_and(|lapses| recollection.entry.at >= lapses) {
        return Err("it was ratified after it had lapsed".into());
    }
    mandate.ratified_by(by).map_err(|refusal| refusal.to_string())
}

fn decided(mut state: Proposed, fact: &Fact, recollection: &Recollection) -> Result<Deployment, String> {
    use Deployment as D;
    let proposer = state.proposer.clone();
    let another = |state: &Proposed| match &recollection.actor {
        Actor::Officer(officer) if *officer != state.proposer => Ok(officer.clone()),
        _ => Err("it was not approved by another person".to_owned()),
    };
    match fact {
        Fact::DocumentFilled { slot, digest, .. } => {
            state.documents.insert(slot.clone(), digest.clone());
            Ok(D::Proposed(state))
        }
        Fact::DeploymentApproved { .. } => {
            another(&state)?;
            Ok(D::Approved(state.approved(Mandate::ordinary(proposer))))
        }
        Fact::DeploymentApprovedUrgently { ratify_by, .. } => {
            let approver = another(&state)?;
            Ok(D::Approved(state.approved(Mandate::urgent(proposer, approver, *ratify_by))))
        }
        Fact::DeploymentWithdrawn { .. } => Ok(D::Withdrawn(Withdrawn { plan: state.plan })),
        _ => Err(nothing_of_the_kind("proposed")),
    }
}

fn approved(mut state: Approved, fact: &Fact, at: jiff::Timestamp) -> Result<Deployment, String> {
    match fact {
        Fact::DocumentFilled { slot, .. } if state.documents.contains_key(slot) => {
            return Err(format!("its document {slot:?} was changed after the approval"));
        }
        Fact::DocumentFilled { slot, digest, .. } => {
            state.documents.insert(slot.clone(), digest.clone());
        }
        Fact::OutsideAuthorised { .. } => state.outside = Outside::Signed,
        Fact::NoticePublished { .. } => return Ok(Deployment::Announced(state.announced(NoticePublished { at }))),
        Fact::DeploymentWithdrawn { .. } => return Ok(Deployment::Withdrawn(Withdrawn { plan: state.plan })),
        _ => return Err(nothing_of_the_kind("approved")),
    }
    Ok(Deployment::Approved(state))
}

/// What may be said of a paused deployment: it goes on as it was paused, or what is said of a live one.
fn stood(state: Paused, fact: &Fact, at: jiff::Timestamp) -> Result<Deployment, String> {
    let by_trip = matches!(state.cause, Cause::Trip(_));
    match fact {
        Fact::DeploymentPaused { .. } => Err("it was paused already".into()),
        Fact::DeploymentResumed { .. } if by_trip => Err("a trip-wire had paused it, and nobody cleared that".into()),
        Fact::DeploymentResumed { .. } => Ok(Deployment::Live(state.live)),
        Fact::TripCleared { role, .. } if by_trip && role == Role::AuthorisingOfficer.word() => {
            Ok(Deployment::Live(state.live))
        }
        Fact::TripCleared { .. } => Err("no trip-wire had paused it, or it was not an authorising officer's".into()),
        fact => match ran(state.live, fact, at)? {
            Deployment::Live(live) => Ok(Deployment::Paused(Paused { live, cause: state.cause })),
            other => Ok(other),
        },
    }
}

fn nothing_of_the_kind(state: &str) -> String {
    format!("it was {state} and that allows nothing of the kind")
}

fn prepared(mut state: Announced, fact: &Fact, at: jiff::Timestamp) -> Result<Deployment, String> {
    match fact {
        Fact::WatchlistFrozen { .. } if state.preparation.watchlist.is_some() => {
            return Err("its watchlist was frozen already".into());
        }
        Fact::WatchlistFrozen { people, .. } => {
            state.preparation.watchlist = Some(FrozenWatchlist { at, people: *people })
        }
        Fact::SeedsCommitted { .. } => {}
        Fact::SignageConfirmed { .. } => state.preparation.signage = Some(SignageConfirmed { at }),
        Fact::RecordingDeclared { camera, digest, .. } => {
            let Announced { plan, preparation, .. } = &mut state;
            let added = preparation.sources.add_recording(plan, camera.clone(), digest.clone());
            added.map_err(|refusal| refusal.to_string())?;
        }
        Fact::CameraDeclared(camera) => {
            let Announced { plan, preparation, .. } = &mut state;
            preparation.sources.add_camera(plan, camera.into()).map_err(|refusal| refusal.to_string())?;
        }
        Fact::DeploymentWithdrawn { .. } => return Ok(Deployment::Withdrawn(Withdrawn { plan: state.plan })),
        Fact::DeploymentStarted { equipment, .. } => {
            let Preparation { watchlist: Some(_), signage: Some(_), sources } = &state.preparation else {
                return Err("it started without a frozen watchlist or confirmed signs".into());
            };
            sources.check_start(&state.plan).map_err(|refusal| refusal.to_string())?;
            return Ok(Deployment::Live(state.begin(equipment.threshold.clone(), at)));
        }
        _ => return Err(nothing_of_the_kind("announced")),
    }
    Ok(Deployment::Announced(state))
}

fn ran(mut live: Live, fact: &Fact, at: jiff::Timestamp) -> Result<Deployment, String> {
    match fact {
        Fact::AlertRaised { .. } | Fact::AlertAdjudicated { .. } | Fact::OutcomeRecorded { .. } => {}
        Fact::AlertsSuppressed { .. } => {}
        fact if follows_an_alert(fact) => {}
        Fact::DeletionReceipt { from, to, counts, .. } => {
            if *from != live.counted_until || to < from || !counts.balanced() {
                return Err("its receipt leaves a gap or does not balance".into());
            }
            live.counted += *counts;
            live.counted_until = *to;
        }
        Fact::DeploymentPaused { .. } => return Ok(Deployment::Paused(Paused { live, cause: Cause::Officer })),
        Fact::DeploymentTripped { wire, .. } => {
            let wire = Wire::from_word(wire).ok_or_else(|| format!("no trip-wire is called {wire:?}"))?;
            return Ok(Deployment::Paused(Paused { live, cause: Cause::Trip(wire) }));
        }
        Fact::DeploymentEnded { counts, .. } => {
            if *counts != live.counted {
                return Err("its receipts do not add up to its total".into());
            }
            return Ok(Deployment::Ended(live.ended(at)));
        }
        _ => return Err(nothing_of_the_kind("live")),
    }
    Ok(Deployment::Live(live))
}

/// What may be said of an alert while its deployment runs and until it is purged.
fn follows_an_alert(fact: &Fact) -> bool {
    let until_purged = matches!(
        fact,
        Fact::AlertJudgedOnce { .. }
            | Fact::AlertJudgedTwice { .. }
            | Fact::AlertEngaged { .. }
            | Fact::AlertHeld { .. }
    );
    until_purged || outlives_the_deployment(fact)
}

/// What may be said of an alert also when its deployment is purged.
fn outlives_the_deployment(fact: &Fact) -> bool {
    matches!(fact, Fact::OutcomeReclassified { .. } | Fact::HoldReleased { .. } | Fact::HeldEvidenceDestroyed { .. })
}

fn remembered_plan(plan: &DeploymentPlan) -> Result<Plan, String> {
    let word = &plan.deployment_kind;
    let kind = Kind::from_word(word).ok_or_else(|| format!("its kind {word:?} is unknown to this version"))?;
    let wrong = |error: crate::identifiers::NotAnIdentifier| error.to_string();
    Ok(Plan {
        deployment: DeploymentId::new(&plan.deployment).map_err(wrong)?,
        operation: OperationId::new(&plan.operation).map_err(wrong)?,
        kind,
        purpose: plan.purpose.clone(),
        place: plan.place.clone(),
        place_ground: plan.place_ground.clone(),
        place_evidence: plan.place_evidence.clone(),
        cameras: plan.cameras,
        starts: plan.starts,
        ends: plan.ends,
    })
}
