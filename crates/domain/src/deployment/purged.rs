//! After everything sealed for it is destroyed: its results are published, once, and add up with what was counted.

use evidence::{Counts, Results};
use jiff::Timestamp;

use super::running::Ended;
use super::{Plan, require_role};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::refusal::Refusal;

/// Everything sealed for it is destroyed.
#[derive(Clone, Debug, PartialEq)]
pub struct Purged {
    pub(super) plan: Plan,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) people: u64,
    pub(super) threshold: String,
    pub(super) counts: Counts,
    pub(super) results: Option<Results>,
}

/// What became of the alerts, counted from what people recorded: the columns of the published table that the software
/// cannot count by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
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
}

impl Purged {
    pub(super) fn of(ended: Ended) -> Self {
        let Ended { plan, started, ended, people, threshold, counts, .. } = ended;
        Self { plan, started, ended, people, threshold, counts, results: None }
    }

    /// What it was.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was made and what became of it.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Its published results, if they are.
    pub fn results(&self) -> Option<&Results> {
        self.results.as_ref()
    }

    /// Publishes what came of it. What can be counted is counted here; what people recorded must fit with that.
    pub fn publish_results(
        mut self,
        officer: &Officer,
        followed: Followed,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = require_role(officer, Role::AuthorisingOfficer, "publish the results of a deployment", now)?;
        if self.results.is_some() {
            return Err(Refusal::ResultsPublishedAlready);
        }
        let results = self.row(followed);
        if !results.add_up() {
            return Err(Refusal::ResultsDoNotAddUp { alerts: results.total_alerts });
        }
        let happening =
            Happening::ResultsPublished { deployment: self.plan.deployment.clone(), results: results.clone() };
        self.results = Some(results);
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    fn row(&self, followed: Followed) -> Results {
        let lasted = self.ended.duration_since(self.started).as_secs();
        Results {
            started: self.started,
            duration_seconds: u64::try_from(lasted).unwrap_or(0),
            cameras: self.plan.cameras,
            watchlist: self.people,
            threshold: self.threshold.clone(),
            total_alerts: self.counts.alerts_kept,
            positive_alerts: followed.positive_alerts,
            positive_interventions: followed.positive_interventions,
            incorrect_alerts: followed.incorrect_alerts,
            incorrect_interventions: followed.incorrect_interventions,
            arrests_or_disposals: followed.arrests_or_disposals,
            faces_seen: self.counts.faces_seen,
        }
    }
}
