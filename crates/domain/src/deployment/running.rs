//! While it is live and after: paused, resumed, counted, ended, purged.

use std::collections::BTreeMap;

use evidence::Counts;
use jiff::Timestamp;

use super::before::StartAuthorised;
use super::{Lease, Plan, require_role};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::policy::{Held, Policy};
use crate::refusal::Refusal;

/// Comparing faces. A source of frames opens only with a recorded one of these.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    pub(super) plan: Plan,
    pub(super) recordings: BTreeMap<String, String>,
    pub(super) started: Timestamp,
    pub(super) counted: Counts,
    pub(super) counted_until: Timestamp,
}

/// Stopped for the time being.
#[derive(Clone, Debug, PartialEq)]
pub struct Paused {
    pub(super) live: Live,
}

/// Over; alerts may still be adjudicated until they expire or are purged.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub(super) plan: Plan,
    pub(super) ended: Timestamp,
    pub(super) counts: Counts,
}

/// Everything sealed for it is destroyed.
#[derive(Clone, Debug, PartialEq)]
pub struct Purged {
    pub(super) plan: Plan,
    pub(super) counts: Counts,
}

impl Live {
    pub(super) fn begin(plan: Plan, recordings: BTreeMap<String, String>, authorised: &StartAuthorised) -> Self {
        Self { plan, recordings, started: authorised.at, counted: Counts::default(), counted_until: authorised.at }
    }

    /// What it is.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When comparison began.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// When the last receipt ends: the next one begins here.
    pub fn counted_until(&self) -> Timestamp {
        self.counted_until
    }

    /// What the receipts so far add up to.
    pub fn counted(&self) -> Counts {
        self.counted
    }

    /// Whether a recording of this digest was declared for this camera.
    pub fn declares(&self, camera: &str, digest: &str) -> bool {
        self.recordings.get(camera).is_some_and(|declared| declared == digest)
    }

    /// Authority to compare for a short while.
    pub fn lease(&self, policy: &Policy, now: Timestamp) -> Result<Lease, Refusal> {
        Lease::new(self, policy, now)
    }

    /// Counts a stretch of time: what was made and what became of it.
    pub fn count(mut self, counts: Counts, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let from = self.counted_until;
        if now < from {
            return Err(Refusal::ClockWentBack { last: from });
        }
        self.counted += counts;
        self.counted_until = now;
        let happening = Happening::MinuteCounted { deployment: self.plan.deployment.clone(), from, to: now, counts };
        Ok(Decided::new(self, Event { at: now, actor: Actor::System, happening }))
    }

    /// Stops for the time being. Anybody on duty may.
    pub fn pause(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Paused>, Refusal> {
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        let happening = Happening::Paused { deployment: self.plan.deployment.clone(), reason: reason.to_owned() };
        let event = Event { at: now, actor: Actor::Officer(officer.id.clone()), happening };
        Ok(Decided::new(Paused { live: self }, event))
    }

    /// Ends it. `actor` is the system when the recordings ran out or the window closed.
    pub fn end(self, actor: Actor, reason: &str, now: Timestamp) -> Result<Decided<Ended>, Refusal> {
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        let counts = self.counted;
        let happening =
            Happening::Ended { deployment: self.plan.deployment.clone(), reason: reason.to_owned(), counts };
        Ok(Decided::new(Ended { plan: self.plan, ended: now, counts }, Event { at: now, actor, happening }))
    }
}

impl Paused {
    /// What it is.
    pub fn plan(&self) -> &Plan {
        self.live.plan()
    }

    /// What the receipts so far add up to.
    pub fn counted(&self) -> Counts {
        self.live.counted
    }

    /// Counts what had been made before the pause took effect.
    pub fn count(self, counts: Counts, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let (live, event) = self.live.count(counts, now)?.into_parts();
        Ok(Decided::new(Self { live }, event))
    }

    /// Goes on.
    pub fn resume(self, officer: &Officer, now: Timestamp) -> Result<Decided<Live>, Refusal> {
        let by = require_role(officer, Role::Operator, "resume a deployment")?;
        let plan = self.live.plan();
        if now >= plan.ends {
            return Err(Refusal::OutsideWindow { starts: plan.starts, ends: plan.ends });
        }
        let happening = Happening::Resumed { deployment: plan.deployment.clone() };
        Ok(Decided::new(self.live, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Ends it without going on.
    pub fn end(self, actor: Actor, reason: &str, now: Timestamp) -> Result<Decided<Ended>, Refusal> {
        self.live.end(actor, reason, now)
    }
}

impl Ended {
    /// What it was.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When it ended.
    pub fn ended(&self) -> Timestamp {
        self.ended
    }

    /// What was made and what became of it.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// When it must be purged at the latest: no alert of it expires earlier.
    pub fn purge_due(&self, policy: &Policy) -> Timestamp {
        policy.kept(Held::AlertEvidence).gone_by(self.plan.starts)
    }

    /// Everything sealed has been destroyed: the store says how much, and that the key is gone.
    pub fn purge(self, destroyed: Destroyed, now: Timestamp) -> Decided<Purged> {
        let happening = Happening::Purged {
            deployment: self.plan.deployment.clone(),
            alerts_destroyed: destroyed.alerts,
            watchlist_images_destroyed: destroyed.watchlist_images,
            key_destroyed: true,
        };
        Decided::new(
            Purged { plan: self.plan, counts: self.counts },
            Event { at: now, actor: Actor::System, happening },
        )
    }
}

impl Purged {
    /// What it was.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was made and what became of it.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

/// What a purge destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// Sealed alerts.
    pub alerts: u64,
    /// Sealed watchlist images.
    pub watchlist_images: u64,
}
