//! What the record says while a run goes on: a pause is obeyed, a trip-wire pulled, a time that is over respected.

use std::time::Duration;

use domain::{Cause, Counts, Deployment, Due, Live, Refusal, Watched, tripped};
use jiff::{SignedDuration, Timestamp};

use super::Run;
use crate::error::PipelineError;
use crate::running::{Stage, lock};
use crate::trace;

/// How long a pause or an end on the record may go unnoticed.
const ASK_INTERVAL: SignedDuration = SignedDuration::from_secs(1);
/// How long a paused run sleeps before it looks again.
const NAP: Duration = Duration::from_millis(100);

/// What a run remembers between two looks at the record.
pub(super) struct Standing {
    asked: Timestamp,
    paused: bool,
    /// Counts when a trip-wire was last cleared: what is watched begins there.
    cleared_at: Watched,
}

impl Standing {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { asked: now, paused: false, cleared_at: Watched::default() }
    }

    /// The record is asked before the next frame.
    pub(super) fn doubt(&mut self) {
        self.asked = Timestamp::MIN;
    }
}

impl Run {
    /// Asks the record how the deployment stands, and waits here while it is paused. A reason, when it has to end.
    pub(super) fn keep_to_record(&mut self) -> Result<Option<String>, PipelineError> {
        let since = self.clock.now().duration_since(self.standing.asked);
        if !since.is_negative() && since < ASK_INTERVAL {
            return Ok(None);
        }
        loop {
            let now = self.clock.now();
            self.standing.asked = now;
            let deployment = lock(&self.store).deployment(self.lease.deployment())?.into_inner();
            if let Some(Due::End(overdue)) = deployment.due(&self.policy, now) {
                return Ok(Some(overdue.reason().to_owned()));
            }
            match deployment {
                Deployment::Live(live) => {
                    if self.standing.paused {
                        self.go_on(&live, now)?;
                    }
                    let reports = self.watched_now(now);
                    if !self.pull(live.clone(), &reports)? {
                        self.renew_lease(&live, now)?;
                        return Ok(None);
                    }
                }
                Deployment::Paused(paused) => {
                    self.stand(paused.cause())?;
                    if let Some(reason) = self.board.stop_within(NAP) {
                        return Ok(Some(reason));
                    }
                }
                other => return Err(Refusal::WrongState { attempted: "run", state: other.state() }.into()),
            }
        }
    }

    /// Evaluates the rates, once a minute with the receipt.
    pub(super) fn watch_rates(&mut self) -> Result<(), PipelineError> {
        let watched = Watched { camera_moved: None, differential_ratio: None, ..self.rates()? };
        let live = lock(&self.store).deployment(self.lease.deployment())?.into_inner().expect_live()?;
        if self.pull(live, &watched)? {
            self.standing.doubt();
        }
        Ok(())
    }

    /// Pauses the deployment if a wire is touched; says whether one was.
    fn pull(&mut self, live: Live, watched: &Watched) -> Result<bool, PipelineError> {
        let Some(trip) = tripped(watched, &self.policy) else { return Ok(false) };
        let mut store = lock(&self.store);
        let now = self.clock.now();
        store.commit(live.trip(&trip, now))?;
        store.publish(now)?;
        Ok(true)
    }

    /// What was reported from outside the run since the last look, and whether the lease ran out.
    fn watched_now(&self, now: Timestamp) -> Watched {
        let lease_expired = match self.lease.check(now) {
            Err(Refusal::LeaseExpired { expired }) => Some(expired),
            _ => None,
        };
        Watched { lease_expired, ..self.board.take_reports() }
    }

    /// Faces seen and false alerts since a trip-wire was last cleared.
    fn rates(&self) -> Result<Watched, PipelineError> {
        let false_alerts = lock(&self.store).false_alerts(self.lease.deployment())?;
        let Watched { faces_seen: faces_before, false_alerts: alerts_before, .. } = self.standing.cleared_at;
        Ok(Watched {
            faces_seen: self.tally.total().faces_seen.saturating_sub(faces_before),
            false_alerts: false_alerts.saturating_sub(alerts_before),
            ..Watched::default()
        })
    }

    fn renew_lease(&mut self, live: &Live, now: Timestamp) -> Result<(), PipelineError> {
        let left = self.lease.until().duration_since(now);
        if left <= self.policy.lease / 2 {
            self.lease = live.lease(&self.policy, now)?;
            trace::lease_renewed(self.lease.until(), now);
            if let Some(live) = &self.live {
                self.sought.renew(&lock(&self.store), live, now)?;
            }
        }
        // A permit holds for a minute at most, however long the lease.
        if let Ok(left) = Duration::try_from(self.lease.until().duration_since(now)) {
            self.permits.renew(left);
        }
        Ok(())
    }

    /// Everything in view is dropped and wiped, and what had been counted is put on the record.
    fn stand(&mut self, cause: Cause) -> Result<(), PipelineError> {
        if self.standing.paused {
            return Ok(());
        }
        self.standing.paused = true;
        trace::paused(&cause);
        self.live = None;
        // Cameras are closed, not only unheard.
        self.permits.revoke();
        for camera in &mut self.cameras {
            if camera.leave.is_for_a_camera() {
                camera.stream = None;
            }
        }
        self.forget_view()?;
        let reason = match cause {
            Cause::Officer => "an officer paused it".to_owned(),
            Cause::Trip(wire) => format!("a trip-wire paused it: {}", wire.word()),
        };
        let unreported = self.tally.unreported();
        if unreported != Counts::default() {
            let mut store = lock(&self.store);
            let now = self.clock.now();
            // Read anew: where somebody resumed it meanwhile, the next receipt tells what was counted.
            if let Deployment::Paused(paused) = store.deployment(self.lease.deployment())?.into_inner() {
                store.commit(paused.count(unreported, now)?)?;
                trace::receipt_sealed(&unreported);
                self.tally.mark_reported();
                store.publish(now)?;
            }
        }
        self.post_counts();
        self.board.posted().status.stage = Stage::Paused(reason);
        Ok(())
    }

    /// Compares again, with new authority; frames that were waiting since before are not looked at.
    fn go_on(&mut self, live: &Live, now: Timestamp) -> Result<(), PipelineError> {
        self.lease = live.lease(&self.policy, now)?;
        let false_alerts = lock(&self.store).false_alerts(self.lease.deployment())?;
        let faces_seen = self.tally.total().faces_seen;
        self.standing.cleared_at = Watched { faces_seen, false_alerts, ..Watched::default() };
        self.live = Some(lock(&self.store).deployment(self.lease.deployment())?.expect_live()?);
        for camera in &mut self.cameras {
            camera.drop_waiting()?;
        }
        self.standing.paused = false;
        trace::resumed();
        self.board.posted().status.stage = Stage::Running;
        Ok(())
    }
}
