//! A deployment rebuilt from its entries on the record: the record is the state, so they cannot disagree.

use std::fmt;

use evidence::{Counts, DeploymentPlan, Entry, Fact};

use super::before::{
    Announced, Approved, FrozenWatchlist, NoticePublished, Preparation, Proposed, SignageConfirmed, Withdrawn,
};
use super::running::{Ended, Live, Paused, Purged};
use super::{Deployment, Kind, Plan};
use crate::event::Actor;
use crate::identifiers::{DeploymentId, OperationId};

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
            let next = follow(state, recollection);
            state = Some(next.map_err(|found| Inconsistent { position, found })?);
        }
        Ok(state)
    }
}

fn follow(state: Option<Deployment>, recollection: &Recollection) -> Result<Deployment, String> {
    use Deployment as D;
    let at = recollection.entry.at;
    match (state, &recollection.entry.fact) {
        (None, Fact::DeploymentProposed(plan)) => {
            let Actor::Officer(proposer) = recollection.actor.clone() else { return Err("nobody proposed it".into()) };
            Ok(D::Proposed(Proposed { plan: remembered_plan(plan)?, proposer }))
        }
        (Some(D::Proposed(state)), Fact::DeploymentApproved { .. }) => match &recollection.actor {
            Actor::Officer(officer) if *officer != state.proposer => Ok(D::Approved(Approved { plan: state.plan })),
            _ => Err("it was not approved by another person".into()),
        },
        (Some(D::Approved(state)), Fact::NoticePublished { .. }) => Ok(D::Announced(Announced {
            plan: state.plan,
            notice: NoticePublished { at },
            preparation: Preparation::default(),
        })),
        (Some(D::Announced(state)), fact) => prepared(state, fact, at),
        (Some(D::Live(live)), fact) => ran(live, fact, at),
        (Some(D::Paused(state)), Fact::DeploymentResumed { .. }) => Ok(D::Live(state.live)),
        (Some(D::Paused(_)), Fact::DeploymentPaused { .. }) => Err("it was paused already".into()),
        (Some(D::Paused(state)), fact) => match ran(state.live, fact, at)? {
            D::Live(live) => Ok(D::Paused(Paused { live })),
            ended => Ok(ended),
        },
        (Some(state @ D::Ended(_)), Fact::AlertAdjudicated { .. } | Fact::OutcomeRecorded { .. }) => Ok(state),
        (Some(state @ D::Ended(_)), Fact::WatchlistDestroyed { .. }) => Ok(state),
        (Some(state @ D::Purged(_)), Fact::CommitmentsDestroyed { .. }) => Ok(state),
        (Some(D::Ended(state)), Fact::DeploymentPurged { .. }) => {
            Ok(D::Purged(Purged { plan: state.plan, counts: state.counts }))
        }
        (
            Some(D::Proposed(Proposed { plan, .. }) | D::Approved(Approved { plan })),
            Fact::DeploymentWithdrawn { .. },
        ) => Ok(D::Withdrawn(Withdrawn { plan })),
        (Some(state), _) => Err(format!("it was {} and that allows nothing of the kind", state.state())),
        (None, _) => Err("it was never proposed".into()),
    }
}

fn prepared(mut state: Announced, fact: &Fact, at: jiff::Timestamp) -> Result<Deployment, String> {
    match fact {
        Fact::WatchlistFrozen { .. } if state.preparation.watchlist.is_some() => {
            return Err("its watchlist was frozen already".into());
        }
        Fact::WatchlistFrozen { people, .. } => {
            state.preparation.watchlist = Some(FrozenWatchlist { at, people: *people })
        }
        Fact::SignageConfirmed { .. } => state.preparation.signage = Some(SignageConfirmed { at }),
        Fact::RecordingDeclared { camera, digest, .. } => {
            state.preparation.recordings.insert(camera.clone(), digest.clone());
        }
        Fact::DeploymentWithdrawn { .. } => return Ok(Deployment::Withdrawn(Withdrawn { plan: state.plan })),
        Fact::DeploymentStarted { .. } => {
            let Preparation { watchlist: Some(_), signage: Some(_), recordings } = state.preparation else {
                return Err("it started without a frozen watchlist or confirmed signs".into());
            };
            if recordings.is_empty() {
                return Err("it started without a declared recording".into());
            }
            let (counted, counted_until) = (Counts::default(), at);
            return Ok(Deployment::Live(Live { plan: state.plan, recordings, started: at, counted, counted_until }));
        }
        _ => return Err("it was announced and that allows nothing of the kind".into()),
    }
    Ok(Deployment::Announced(state))
}

fn ran(mut live: Live, fact: &Fact, at: jiff::Timestamp) -> Result<Deployment, String> {
    match fact {
        Fact::AlertRaised { .. } | Fact::AlertAdjudicated { .. } | Fact::OutcomeRecorded { .. } => {}
        Fact::AlertsSuppressed { .. } => {}
        Fact::DeletionReceipt { from, to, counts, .. } => {
            if *from != live.counted_until || to < from || !counts.balanced() {
                return Err("its receipt leaves a gap or does not balance".into());
            }
            live.counted += *counts;
            live.counted_until = *to;
        }
        Fact::DeploymentPaused { .. } => return Ok(Deployment::Paused(Paused { live })),
        Fact::DeploymentEnded { counts, .. } => {
            if *counts != live.counted {
                return Err("its receipts do not add up to its total".into());
            }
            return Ok(Deployment::Ended(Ended { plan: live.plan, ended: at, counts: *counts }));
        }
        _ => return Err("it was live and that allows nothing of the kind".into()),
    }
    Ok(Deployment::Live(live))
}

fn remembered_plan(plan: &DeploymentPlan) -> Result<Plan, String> {
    let kind = match plan.deployment_kind.as_str() {
        "exercise" => Kind::Exercise,
        other => return Err(format!("its kind {other:?} is unknown to this version")),
    };
    let wrong = |error: crate::identifiers::NotAnIdentifier| error.to_string();
    Ok(Plan {
        deployment: DeploymentId::new(&plan.deployment).map_err(wrong)?,
        operation: OperationId::new(&plan.operation).map_err(wrong)?,
        kind,
        purpose: plan.purpose.clone(),
        place: plan.place.clone(),
        cameras: plan.cameras,
        starts: plan.starts,
        ends: plan.ends,
    })
}
