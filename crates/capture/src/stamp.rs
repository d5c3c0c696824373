//! When a frame was captured: the camera's own clock where it can be believed, the moment of arrival everywhere else.

use std::time::{Duration, Instant};

/// Farthest a camera's clock may be from ours and still be believed.
pub const CLOCK_DISAGREEMENT_MAX: Duration = Duration::from_secs(10);
/// Farthest a camera's clock may run ahead of the arrival of its own frame.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_millis(500);

/// When one frame was captured, and when it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When the packet that completed the frame reached the demuxer; of a recording, when it was decoded. It is what
    /// latencies are counted from.
    pub arrived: Instant,
    /// When the light fell in, as far as is known; nothing for what is not live.
    pub captured: Option<Captured>,
    /// Time since the stream's first frame; grows from frame to frame.
    pub offset: Duration,
}

/// A moment of capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Time since 1970-01-01T00:00:00Z.
    pub since_epoch: Duration,
    /// Where it comes from.
    pub basis: Basis,
}

/// Where a moment of capture comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The camera's clock, as its sender reports (RTCP) tell it.
    CameraClock,
    /// The arrival here: the camera tells no time.
    Arrival,
    /// The arrival here, because what the camera told could not be: it went back, or lay too far away.
    Repaired,
}

/// What a camera's times were like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Frames whose time was not after that of the frame before.
    pub went_back: u64,
    /// Frames whose time lay more than [`CLOCK_DISAGREEMENT_MAX`] away from their arrival, or ahead of it.
    pub jumped: u64,
}

/// What is told of one frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// On the camera's clock, since the Unix epoch.
    pub(crate) camera: Option<Duration>,
    /// On the stream's own scale, from an unknown origin.
    pub(crate) stream_us: Option<i64>,
    /// Arrival on this machine's clock, since the Unix epoch.
    pub(crate) arrived_wall: Duration,
    /// Arrival on this machine's steady clock.
    pub(crate) arrived: Instant,
}

/// Makes stamps that never run backwards of what a camera tells.
#[derive(Default)]
pub(crate) struct Stamper {
    first: Option<Duration>,
    last: Option<Duration>,
    last_camera: Option<Duration>,
    last_stream_us: Option<i64>,
    pub(crate) repairs: Repairs,
}

/// When a camera begins to tell its time, its frames are older than the arrivals that were taken before: by no more than
/// this they are let catch up, a step at a time.
const CATCH_UP_MAX: Duration = Duration::from_secs(1);
/// Two frames are at least this far apart, so that their order is kept.
const STEP_MIN: Duration = Duration::from_micros(1);

impl Stamper {
    /// A new connection has a new origin of the stream's own times.
    pub(crate) fn reconnected(&mut self) {
        (self.last_stream_us, self.last_camera) = (None, None);
    }

    /// The stamp of the next frame.
    pub(crate) fn stamp(&mut self, told: Told) -> Stamp {
        let stream_went_back = matches!((self.last_stream_us, told.stream_us), (Some(last), Some(now)) if now <= last);
        self.last_stream_us = told.stream_us.or(self.last_stream_us);
        let judged = match told.camera {
            Some(camera) => self.judge(camera, told.arrived_wall),
            None if stream_went_back => Judgement::WentBack,
            None => Judgement::Silent,
        };
        self.last_camera = told.camera.or(self.last_camera);
        let (since_epoch, basis) = match judged {
            Judgement::Believed(camera) => (camera, Basis::CameraClock),
            Judgement::Silent => (told.arrived_wall, Basis::Arrival),
            Judgement::WentBack => {
                self.repairs.went_back += 1;
                (told.arrived_wall, Basis::Repaired)
            }
            Judgement::Jumped => {
                self.repairs.jumped += 1;
                (told.arrived_wall, Basis::Repaired)
            }
        };
        let since_epoch = self.last.map_or(since_epoch, |last| since_epoch.max(last.saturating_add(STEP_MIN)));
        self.last = Some(since_epoch);
        let offset = since_epoch.saturating_sub(*self.first.get_or_insert(since_epoch));
        Stamp { arrived: told.arrived, captured: Some(Captured { since_epoch, basis }), offset }
    }

    fn judge(&self, camera: Duration, arrived: Duration) -> Judgement {
        let ahead = camera.saturating_sub(arrived) > CLOCK_AHEAD_MAX;
        let behind = arrived.saturating_sub(camera) > CLOCK_DISAGREEMENT_MAX;
        if ahead || behind {
            return Judgement::Jumped;
        }
        let not_after_its_last = self.last_camera.is_some_and(|last| camera <= last);
        let long_before = self.last.is_some_and(|last| camera.saturating_add(CATCH_UP_MAX) < last);
        if not_after_its_last || long_before { Judgement::WentBack } else { Judgement::Believed(camera) }
    }
}

/// What is thought of a time.
enum Judgement {
    /// The camera tells none.
    Silent,
    Believed(Duration),
    WentBack,
    Jumped,
}

impl Stamp {
    /// The stamp of a frame that is not live: its place in its source, and now.
    pub(crate) fn first(offset: Duration) -> Self {
        Self { arrived: now(), captured: None, offset }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "when a frame arrived is a reading of the clock, and latencies start from it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Time since the Unix epoch.
#[allow(
    clippy::disallowed_methods,
    reason = "when a frame was captured is a reading of the clock; no rule is decided by it here"
)]
pub(crate) fn wall() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(second: f64) -> Duration {
        Duration::from_secs(1_699_999_990) + Duration::from_millis((1000.0 * (10.0 + second)).round() as u64)
    }

    fn told(camera: Option<Duration>, stream_us: Option<i64>, arrived_wall: Duration) -> Told {
        Told { camera, stream_us, arrived_wall, arrived: now() }
    }

    fn captured(stamp: Stamp) -> (Duration, Basis) {
        stamp.captured.map(|captured| (captured.since_epoch, captured.basis)).expect("live")
    }

    #[test]
    fn a_camera_that_begins_to_tell_its_time_catches_up_with_the_arrivals_before() {
        let mut stamper = Stamper::default();
        stamper.stamp(told(None, None, at(1.0)));
        let bases: Vec<_> = (1..10)
            .map(|frame| f64::from(frame) * 0.04)
            .map(|after| captured(stamper.stamp(told(Some(at(0.8 + after)), None, at(1.0 + after)))))
            .collect();
        assert!(bases.iter().all(|(_, basis)| *basis == Basis::CameraClock));
        assert!(bases.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(bases[8].0, at(1.16), "by then it is the camera's own time");
        assert_eq!(stamper.repairs, Repairs::default());
    }

    #[test]
    fn a_cameras_clock_is_believed_where_it_agrees() {
        let mut stamper = Stamper::default();
        let first = stamper.stamp(told(Some(at(0.0)), Some(0), at(0.2)));
        let second = stamper.stamp(told(Some(at(0.04)), Some(40_000), at(0.35)));
        assert_eq!(captured(first), (at(0.0), Basis::CameraClock));
        assert_eq!(captured(second), (at(0.04), Basis::CameraClock));
        assert_eq!((first.offset, second.offset), (Duration::ZERO, Duration::from_millis(40)));
        assert_eq!(stamper.repairs, Repairs::default());
    }

    #[test]
    fn a_clock_that_goes_back_is_repaired_to_arrival_and_counted() {
        let mut stamper = Stamper::default();
        stamper.stamp(told(Some(at(1.0)), Some(0), at(1.1)));
        let back = stamper.stamp(told(Some(at(-2.0)), Some(40_000), at(1.14)));
        assert_eq!(captured(back), (at(1.14), Basis::Repaired));
        let still_back = stamper.stamp(told(Some(at(-1.96)), Some(60_000), at(1.16)));
        assert_eq!(captured(still_back), (at(1.16), Basis::Repaired));
        let far_back = stamper.stamp(told(Some(at(0.0) - HOUR), Some(80_000), at(1.18)));
        assert_eq!(captured(far_back), (at(1.18), Basis::Repaired));
        let again = stamper.stamp(told(Some(at(1.2)), Some(120_000), at(1.22)));
        assert_eq!(captured(again), (at(1.2), Basis::CameraClock));
        assert_eq!(stamper.repairs, Repairs { went_back: 2, jumped: 1 });
    }

    #[test]
    fn a_clock_far_ahead_or_behind_is_not_believed() {
        let mut stamper = Stamper::default();
        assert_eq!(captured(stamper.stamp(told(Some(at(0.0) + HOUR), None, at(0.0)))).1, Basis::Repaired);
        assert_eq!(captured(stamper.stamp(told(Some(at(0.1) - HOUR), None, at(0.1)))).1, Basis::Repaired);
        assert_eq!(stamper.repairs.jumped, 2);
    }

    #[test]
    fn a_stream_that_goes_back_is_counted_although_the_camera_tells_no_time() {
        let mut stamper = Stamper::default();
        assert_eq!(captured(stamper.stamp(told(None, Some(90), at(0.0)))).1, Basis::Arrival);
        assert_eq!(captured(stamper.stamp(told(None, Some(50), at(0.1)))).1, Basis::Repaired);
        stamper.reconnected();
        assert_eq!(captured(stamper.stamp(told(None, Some(0), at(0.2)))).1, Basis::Arrival);
        assert_eq!(stamper.repairs, Repairs { went_back: 1, jumped: 0 });
    }

    #[test]
    fn time_never_runs_backwards_also_when_ours_does() {
        let mut stamper = Stamper::default();
        let first = stamper.stamp(told(None, None, at(5.0)));
        let second = stamper.stamp(told(None, None, at(1.0)));
        assert!(captured(second).0 > captured(first).0);
        assert!(second.offset > first.offset);
    }
}
