//! What is happening at one moment: the run's counts and how its alerts stand. The page, its updates and the API all show this.

use domain::DeploymentId;
use jiff::Timestamp;
use pipeline::cadence::Load;
use pipeline::{CameraStatus, Running, Stage, State, Status};
use serde::Serialize;
use store::{AlertState, Store};

use crate::answer::Fault;
use crate::house::House;
use crate::words;

/// One moment. Holds counts and nothing about any person.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) deployment: String,
    /// The deployment's state on the record.
    pub(crate) state: &'static str,
    /// How far the run has come.
    pub(crate) stage: &'static str,
    /// Why it stopped, where it did so by itself.
    pub(crate) stopped_because: Option<String>,
    pub(crate) counts: Counted,
    pub(crate) alerts: Standing,
    pub(crate) cameras: Vec<Watched>,
}

/// How one camera is doing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Watched {
    pub(crate) name: String,
    /// In one line, for the page.
    pub(crate) words: String,
    /// Whether somebody should look after it.
    pub(crate) ailing: bool,
}

/// The counters on the page; their names are those of the public record where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Counted {
    pub(crate) faces_seen: u64,
    pub(crate) passages: u64,
    pub(crate) templates_made: u64,
    pub(crate) templates_destroyed: u64,
    pub(crate) alerts_kept: u64,
    pub(crate) frames_captured: u64,
    pub(crate) frames_processed: u64,
    pub(crate) frames_dropped: u64,
}

/// How many alerts wait for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Standing {
    /// On the record.
    pub(crate) total: usize,
    /// For a judgement, which may still be given.
    pub(crate) waiting: usize,
    /// For an outcome.
    pub(crate) judged: usize,
    /// For nothing.
    pub(crate) closed: usize,
    /// Expired before they were closed.
    pub(crate) expired: usize,
}

/// One number on the page.
pub(crate) struct Counter {
    /// The name by which updates find it.
    pub(crate) key: &'static str,
    /// What it counts.
    pub(crate) label: &'static str,
    /// The number, grouped.
    pub(crate) value: String,
}

impl Snapshot {
    /// The present moment.
    pub(crate) async fn take(house: &House) -> Result<Self, Fault> {
        let (running, deployment, now) = (house.running().clone(), house.deployment().clone(), house.now());
        house.ask_store(move |store| Self::look(store, &running, &deployment, now)).await
    }

    /// The present moment, for somebody who has the store at hand.
    pub(crate) fn look(
        store: &Store,
        running: &Running,
        deployment: &DeploymentId,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let rows = store.alerts(deployment)?;
        let alerts = Standing::of(rows.iter().map(|row| &row.alert), now);
        let state = store.deployment(deployment)?.state();
        Ok(Self::new(deployment, state, running.status(), alerts))
    }

    fn new(deployment: &DeploymentId, state: &'static str, status: Status, alerts: Standing) -> Self {
        let (stage, stopped_because) = match status.stage {
            Stage::Running => ("running", None),
            Stage::Paused(why) => ("paused", Some(why)),
            Stage::Ended => ("ended", None),
            Stage::Stopped(why) => ("stopped", Some(why)),
        };
        let (counts, frames) = (status.counts, status.frames);
        let counts = Counted {
            faces_seen: counts.faces_seen,
            passages: status.passages,
            templates_made: counts.templates_made,
            templates_destroyed: counts.templates_destroyed,
            alerts_kept: counts.alerts_kept,
            frames_captured: frames.captured,
            frames_processed: frames.processed,
            frames_dropped: frames.dropped,
        };
        let cameras = status.cameras.iter().map(Watched::of).collect();
        Self { deployment: deployment.to_string(), state, stage, stopped_because, counts, alerts, cameras }
    }

    /// Whether pictures are flowing.
    pub(crate) fn is_running(&self) -> bool {
        self.stage == "running"
    }

    /// The counters in the order of the page.
    pub(crate) fn counters(&self) -> Vec<Counter> {
        let of = |key, label, count| Counter { key, label, value: words::grouped(count) };
        let counts = self.counts;
        vec![
            of("faces_seen", "Faces seen", counts.faces_seen),
            of("passages", "Passages", counts.passages),
            of("templates_made", "Templates made", counts.templates_made),
            of("templates_destroyed", "Templates destroyed", counts.templates_destroyed),
            of("alerts_kept", "Alerts kept", counts.alerts_kept),
            of("frames_captured", "Frames captured", counts.frames_captured),
            of("frames_processed", "Frames processed", counts.frames_processed),
            of("frames_dropped", "Frames dropped", counts.frames_dropped),
        ]
    }
}

impl Watched {
    fn of(status: &CameraStatus) -> Self {
        let health = &status.health;
        let state = match health.state {
            State::Connecting => "connecting",
            State::Streaming => "streaming",
            State::WaitingToRetry => "lost, tried again",
            State::Ended => "ended",
        };
        let mut words = vec![state.to_owned()];
        if health.state == State::Streaming {
            words.push(format!("{:.0} frames a second", health.frames_per_second));
            words.extend((health.bits_per_second > 0).then(|| words::bit_rate(health.bits_per_second)));
            words.push(status.load.words().to_owned());
        }
        let lost = health.counts.packets_lost + health.counts.frames_dropped;
        words.extend((lost > 0).then(|| format!("{} lost or dropped", words::grouped(lost))));
        words.extend(health.last_fault.clone().filter(|_| health.state == State::WaitingToRetry));
        let ailing = health.state == State::WaitingToRetry || status.load != Load::Usual;
        Self { name: status.camera.clone(), words: words.join(", "), ailing }
    }
}

impl Standing {
    fn of<'a>(alerts: impl Iterator<Item = &'a AlertState>, now: Timestamp) -> Self {
        let mut standing = Self::default();
        for alert in alerts {
            standing.total += 1;
            match alert {
                over if over.is_over() => standing.closed += 1,
                late if now >= late.raised().expires => standing.expired += 1,
                judged if judged.adjudicated().is_some() => standing.judged += 1,
                _ => standing.waiting += 1,
            }
        }
        standing
    }
}
