//! Everything a run tells a log, in one place, so that it can be read at a glance: names of cameras, numbers, durations and words of
//! closed lists. Nobody's name, no picture, no score, no sentence that somebody wrote.
//!
//! `docs/reference/metrics.md` lists every line; a test holds a whole run to that list, and `cargo xtask tidy` keeps other files from telling more.

use std::time::Duration;

use capture::health::State;
use domain::{Cause, Counts};
use jiff::Timestamp;
pub(crate) use tracing::Span;
pub(crate) use tracing::span::EnteredSpan;
use tracing::{debug_span, info, info_span, warn};

use crate::cadence::Load;
use crate::error::PipelineError;
use crate::metrics::StageOfWork;
use crate::running::CameraStatus;

const RUN: &str = "overt::run";
const CAMERA: &str = "overt::camera";
const STAGE: &str = "overt::stage";

/// The whole run, on its own thread.
pub(crate) fn run(cameras: usize) -> EnteredSpan {
    let span = info_span!(target: RUN, "run", cameras).entered();
    info!(target: RUN, "started");
    span
}

/// The run is over: in order, or by a fault of this kind.
pub(crate) fn over(stopped: Option<&PipelineError>) {
    match stopped {
        None => info!(target: RUN, "ended"),
        Some(error) => warn!(target: RUN, fault = error.kind(), rule = error.rule(), "stopped"),
    }
}

/// It stands.
pub(crate) fn paused(cause: &Cause) {
    let by = match cause {
        Cause::Officer => "officer",
        Cause::Trip(wire) => wire.word(),
    };
    warn!(target: RUN, by, "paused");
}

/// It goes on.
pub(crate) fn resumed() {
    info!(target: RUN, "resumed");
}

/// The authority to compare lasts on.
pub(crate) fn lease_renewed(until: Timestamp, now: Timestamp) {
    info!(target: RUN, seconds = until.duration_since(now).as_secs(), "lease renewed");
}

/// What was counted is on the record.
pub(crate) fn receipt_sealed(counts: &Counts) {
    let Counts { faces_seen, templates_made, templates_destroyed, alerts_kept } = *counts;
    info!(target: RUN, faces_seen, templates_made, templates_destroyed, alerts_kept, "receipt sealed");
}

/// An alert is on the record.
pub(crate) fn alert_recorded(camera: &str, latency: Duration) {
    info!(target: CAMERA, camera, milliseconds = milliseconds(latency), "alert recorded");
}

/// A stream was opened.
pub(crate) fn opened(camera: &str) {
    info!(target: CAMERA, camera, "opened");
}

/// A camera no longer shows what it was set up to show.
pub(crate) fn moved(camera: &str) {
    warn!(target: CAMERA, camera, "moved");
}

/// How a camera does, where that is another than it was.
pub(crate) fn stands(status: &CameraStatus, before: (State, Load)) {
    let (camera, counts) = (status.camera.as_str(), &status.health.counts);
    if status.health.state != before.0 {
        match status.health.state {
            State::Streaming => info!(target: CAMERA, camera, reconnects = counts.reconnects, "streams"),
            State::Ended => info!(target: CAMERA, camera, frames = counts.frames, "ended"),
            State::WaitingToRetry => warn!(
                target: CAMERA,
                camera,
                connections_lost = counts.connections_lost,
                stalls = counts.stalls,
                crashes = counts.crashes,
                "lost"
            ),
            State::Connecting => info!(target: CAMERA, camera, "connects"),
        }
    }
    if status.load != before.1 {
        warn!(target: CAMERA, camera, load = status.load as u64, before = before.1 as u64, "load changed");
    }
}

/// One examined frame, with all that follows from it.
pub(crate) fn examination(camera: &str, age: Duration) -> EnteredSpan {
    // A trace of its own: one trace of a run of hours would hold hundreds of thousands of spans.
    debug_span!(target: STAGE, parent: None, "examination", camera, age_ms = milliseconds(age)).entered()
}

/// One pass through a stage.
pub(crate) fn stage(stage: StageOfWork) -> EnteredSpan {
    let span = match stage {
        StageOfWork::Examine => debug_span!(target: STAGE, "examine"),
        StageOfWork::Embed => debug_span!(target: STAGE, "embed"),
        StageOfWork::Search => debug_span!(target: STAGE, "search"),
        StageOfWork::Record => debug_span!(target: STAGE, "record"),
        StageOfWork::Picture => debug_span!(target: STAGE, "picture"),
    };
    span.entered()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use testkit::told::{Listed, Told};

    use super::*;

    /// What was told meanwhile, on this thread.
    fn told(telling: impl FnOnce()) -> Vec<testkit::told::Line> {
        let told = Told::default();
        tracing::subscriber::with_default(told.clone(), telling);
        told.lines()
    }

    #[test]
    fn each_change_of_a_camera_is_told_once() {
        let lines = told(|| {
            let mut status = CameraStatus { camera: "north".into(), ..CameraStatus::default() };
            let mut before = (status.health.state, status.load);
            let states = [State::Connecting, State::Streaming, State::WaitingToRetry, State::Connecting, State::Ended];
            for state in states {
                for load in [Load::Usual, Load::FewerPictures] {
                    (status.health.state, status.load) = (state, load);
                    stands(&status, before);
                    stands(&status, (state, load));
                    before = (state, load);
                }
            }
        });
        let states: Vec<&str> =
            lines.iter().map(|line| line.name.as_str()).filter(|name| *name != "load changed").collect();
        assert_eq!(states, ["streams", "lost", "connects", "ended"]);
        assert_eq!(lines.len() - states.len(), 9);
        let listed = Listed::read(include_str!("../../../docs/reference/metrics.md"));
        assert_eq!(listed.unlisted(&lines, &["north"]), BTreeSet::new());
    }

    #[test]
    fn every_stage_is_a_span_of_its_own_word() {
        let lines = told(|| StageOfWork::ALL.into_iter().for_each(|one| drop(stage(one))));
        let words: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(words, StageOfWork::ALL.map(StageOfWork::word));
    }
}
