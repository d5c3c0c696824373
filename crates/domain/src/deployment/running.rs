//! While it is live and after: paused, resumed, counted, ended.

use std::num::NonZeroU64;

use evidence::{Counts, SUPPRESSED_STEP};
use jiff::Timestamp;

use super::mandate::Mandate;
use super::purged::Purged;
use super::sources::Sources;
use super::{Lease, Plan};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::policy::{Held, Policy};
use crate::refusal::Refusal;
use crate::tripwire::{Trip, Wire};

/// Comparing faces. A source of frames opens only with a recorded one of these.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    pub(super) plan: Plan,
    pub(super) mandate: Mandate,
    pub(super) sources: Sources,
    pub(super) started: Timestamp,
    pub(super) people: u64,
    pub(super) threshold: String,
    pub(super) counted: Counts,
    pub(super) counted_until: Timestamp,
}

/// Stopped for the time being.
#[derive(Clone, Debug, PartialEq)]
pub struct Paused {
    pub(super) live: Live,
    pub(super) cause: Cause,
}

/// What stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody on duty.
    Officer,
    /// A trip-wire.
    Trip(Wire),
}

/// Over; alerts may still be adjudicated until they expire or are purged.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub(super) plan: Plan,
    pub(super) mandate: Mandate,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) people: u64,
    pub(super) threshold: String,
    pub(super) counts: Counts,
}

impl Live {
    pub(super) fn begin(
        plan: Plan,
        mandate: Mandate,
        sources: Sources,
        people: u64,
        threshold: String,
        started: Timestamp,
    ) -> Self {
        let (counted, counted_until) = (Counts::default(), started);
        Self { plan, mandate, sources, started, people, threshold, counted, counted_until }
    }

    /// What it is.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// By whose decision.
    pub fn mandate(&self) -> &Mandate {
        &self.mandate
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

    /// Says how many alerts were suppressed, rounded up so that no one passage can be read from it.
    pub fn tell_suppressed(self, suppressed: NonZeroU64, now: Timestamp) -> Decided<Self> {
        let up_to = suppressed.get().div_ceil(SUPPRESSED_STEP).saturating_mul(SUPPRESSED_STEP);
        let happening = Happening::AlertsSuppressed { deployment: self.plan.deployment.clone(), up_to };
        Decided::new(self, Event { at: now, actor: Actor::System, happening })
    }

    /// Stops for the time being. Anybody on duty may, whether their training has expired or not: stopping protects.
    pub fn pause(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Paused>, Refusal> {
        let by = officer.in_role(&Role::ON_DUTY, "pause a deployment")?;
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        let happening = Happening::Paused { deployment: self.plan.deployment.clone(), reason: reason.to_owned() };
        let event = Event { at: now, actor: Actor::Officer(by), happening };
        Ok(Decided::new(Paused { live: self, cause: Cause::Officer }, event))
    }

    /// A trip-wire was touched: comparison stops by itself.
    pub fn trip(self, trip: &Trip, now: Timestamp) -> Decided<Paused> {
        let event = tripped(&self.plan, trip, now);
        Decided::new(Paused { live: self, cause: Cause::Trip(trip.wire()) }, event)
    }

    /// Somebody whose role may ends it.
    pub fn end_by(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Ended>, Refusal> {
        let by = officer.act_as(&ENDING, "end a deployment", now)?;
        self.over(Actor::Officer(by), reason, now)
    }

    /// Ends by itself: the recordings ran out, the window closed, the approval lapsed.
    pub fn end(self, reason: &str, now: Timestamp) -> Result<Decided<Ended>, Refusal> {
        self.over(Actor::System, reason, now)
    }

    fn over(self, actor: Actor, reason: &str, now: Timestamp) -> Result<Decided<Ended>, Refusal> {
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        let counts = self.counted;
        let happening =
            Happening::Ended { deployment: self.plan.deployment.clone(), reason: reason.to_owned(), counts };
        Ok(Decided::new(self.ended(now), Event { at: now, actor, happening }))
    }

    pub(super) fn ended(self, at: Timestamp) -> Ended {
        let Self { plan, mandate, started, people, threshold, counted, .. } = self;
        Ended { plan, mandate, started, ended: at, people, threshold, counts: counted }
    }
}

impl Paused {
    /// What it is.
    pub fn plan(&self) -> &Plan {
        self.live.plan()
    }

    /// By whose decision.
    pub fn mandate(&self) -> &Mandate {
        self.live.mandate()
    }

    /// What stopped it.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// What the receipts so far add up to.
    pub fn counted(&self) -> Counts {
        self.live.counted
    }

    /// When the last receipt ends: the next one begins here.
    pub fn counted_until(&self) -> Timestamp {
        self.live.counted_until
    }

    /// Goes on after an officer's pause.
    pub fn resume(self, officer: &Officer, now: Timestamp) -> Result<Decided<Live>, Refusal> {
        let by = officer.act_as(&[Role::Operator], "resume a deployment", now)?;
        if self.cause != Cause::Officer {
            return Err(Refusal::TripNotCleared);
        }
        self.check_resumption(now)?;
        let happening = Happening::Resumed { deployment: self.live.plan.deployment.clone() };
        Ok(Decided::new(self.live, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Goes on after a trip-wire, for a stated reason: the authorising officer's to decide, not the operator's.
    pub fn clear_trip(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Live>, Refusal> {
        let by = officer.act_as(&[Role::AuthorisingOfficer], "resume a deployment after a trip-wire", now)?;
        if self.cause == Cause::Officer {
            return Err(Refusal::NothingTripped);
        }
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        self.check_resumption(now)?;
        let happening = Happening::TripCleared {
            deployment: self.live.plan.deployment.clone(),
            role: officer.role,
            reason: reason.to_owned(),
        };
        Ok(Decided::new(self.live, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// A trip-wire is touched while an officer's pause lasts: from here on it is the authorising officer's to resume.
    pub fn trip(self, trip: &Trip, now: Timestamp) -> Decided<Self> {
        let event = tripped(&self.live.plan, trip, now);
        Decided::new(Self { live: self.live, cause: Cause::Trip(trip.wire()) }, event)
    }

    /// Counts what had been made before the pause took effect.
    pub fn count(self, counts: Counts, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let (live, event) = self.live.count(counts, now)?.into_parts();
        Ok(Decided::new(Self { live, cause: self.cause }, event))
    }

    /// Somebody whose role may ends it without going on.
    pub fn end_by(self, officer: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Ended>, Refusal> {
        self.live.end_by(officer, reason, now)
    }

    /// Ends by itself without going on.
    pub fn end(self, reason: &str, now: Timestamp) -> Result<Decided<Ended>, Refusal> {
        self.live.end(reason, now)
    }

    fn check_resumption(&self, now: Timestamp) -> Result<(), Refusal> {
        self.live.mandate.check(now)?;
        let plan = self.live.plan();
        if now >= plan.ends {
            return Err(Refusal::OutsideWindow { starts: plan.starts, ends: plan.ends });
        }
        Ok(())
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

    /// By whose decision.
    pub fn mandate(&self) -> &Mandate {
        &self.mandate
    }

    /// The watchlist has been destroyed with its key: the store says of how many images. It does not outlive the end;
    /// what an open alert needs of it was sealed with the alert.
    pub fn watchlist_destroyed(&self, images: u64, now: Timestamp) -> Decided<()> {
        let happening = Happening::WatchlistDestroyed { deployment: self.plan.deployment.clone(), images };
        Decided::new((), Event { at: now, actor: Actor::System, happening })
    }

    /// When it must be purged at the latest: before any alert of it expires, and at once when an urgent approval lapses.
    pub fn purge_due(&self, policy: &Policy) -> Timestamp {
        let retained = policy.kept(Held::AlertEvidence).gone_by(self.plan.starts);
        self.mandate.lapses().map_or(retained, |lapses| retained.min(lapses))
    }

    /// Everything sealed has been destroyed: the store says how much, and that the key is gone.
    pub fn purge(self, destroyed: Destroyed, now: Timestamp) -> Decided<Purged> {
        let happening = Happening::Purged {
            deployment: self.plan.deployment.clone(),
            alerts_destroyed: destroyed.alerts,
            watchlist_images_destroyed: destroyed.watchlist_images,
            key_destroyed: true,
        };
        Decided::new(Purged::of(self), Event { at: now, actor: Actor::System, happening })
    }
}

/// Who may end a deployment before its time.
const ENDING: [Role; 2] = [Role::Operator, Role::AuthorisingOfficer];

fn tripped(plan: &Plan, trip: &Trip, at: Timestamp) -> Event {
    let happening =
        Happening::Tripped { deployment: plan.deployment.clone(), wire: trip.wire(), found: trip.found().to_owned() };
    Event { at, actor: Actor::System, happening }
}

/// What a purge destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// Sealed alerts.
    pub alerts: u64,
    /// Sealed watchlist images.
    pub watchlist_images: u64,
}
