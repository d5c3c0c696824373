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
    /// The camera's clock, as its sender reports (RTCP) tell it, at the distances of the stream's own times.
    CameraClock,
    /// The arrival here, at the distances of the stream's own times where it has any: the camera tells no time.
    Arrival,
    /// The arrival here, because what the camera told could not be: it went back, or lay too far away. A few such frames
    /// after many good ones stay where the stream's own times put them.
    Repaired,
}

/// What a camera's times were like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Frames whose time was not after that of the frame before; where the stream's own times say how far apart they are,
    /// those whose time lay a second and more before that.
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
///
/// How far two frames lie apart is what the stream's own times say, since a camera's clock comes with packets, and with
/// B-frames FFmpeg gives a picture the clock of a packet up to some frames away. What the clock shows, or else the arrival,
/// only says where on the wall clock the stream lies, and moves that little by little.
#[derive(Default)]
pub(crate) struct Stamper {
    first: Option<Duration>,
    last: Option<Duration>,
    last_camera: Option<Duration>,
    last_stream_us: Option<i64>,
    level: Option<Level>,
    pub(crate) repairs: Repairs,
}

/// What the wall clock times of a stream rest on.
#[derive(Clone, Copy)]
struct Level {
    clock: Clock,
    /// Readings that agreed with it, less those that did not; when none is left it is taken anew.
    trust: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    Camera,
    Arrival,
}

/// When a camera begins to tell its time, its frames are older than the arrivals that were taken before: by no more than
/// this they are let catch up, a step at a time.
const CATCH_UP_MAX: Duration = Duration::from_secs(1);
/// A reading farther than this from where the stream's times lie contradicts them. The clock of a neighbour is nearer: the
/// sixteen frames that H.264 lets be reordered at most are 0.64 s at 25 frames a second.
const APART_MAX: Duration = Duration::from_secs(1);
/// So many readings more must contradict a level than agreed with it, at most, until it is left: more than a second of
/// frames, so that what a network held back and then delivered at once moves nothing.
const TRUST_MAX: u32 = 32;
/// Towards a reading the times lean by at most this part of the distance between two frames. Half of all readings then lie on
/// either side; a tracker does not feel it, and 100 ms are made good in about 3 s.
const LEAN_DIVISOR: u32 = 32;
/// Two frames are at least this far apart, so that their order is kept.
const STEP_MIN: Duration = Duration::from_micros(1);

impl Stamper {
    /// A new connection has a new origin of the stream's own times.
    pub(crate) fn reconnected(&mut self) {
        (self.last_stream_us, self.last_camera, self.level) = (None, None, None);
    }

    /// The stamp of the next frame.
    pub(crate) fn stamp(&mut self, told: Told) -> Stamp {
        let stream_went_back = matches!((self.last_stream_us, told.stream_us), (Some(last), Some(now)) if now <= last);
        let distance = self.distance(told.stream_us);
        self.last_stream_us = told.stream_us.or(self.last_stream_us);
        let judged = match told.camera {
            _ if distance.is_some_and(|distance| distance.is_zero()) => Judgement::WentBack,
            Some(camera) => self.judge(camera, told.arrived_wall, distance),
            None if stream_went_back => Judgement::WentBack,
            None => Judgement::Silent,
        };
        self.last_camera = told.camera.or(self.last_camera);
        self.repairs.went_back += u64::from(matches!(judged, Judgement::WentBack));
        self.repairs.jumped += u64::from(matches!(judged, Judgement::Jumped));
        let (reading, clock) = match judged {
            Judgement::Believed(camera) => (camera, Clock::Camera),
            _ => (told.arrived_wall, Clock::Arrival),
        };
        let since_epoch = self.place(reading, clock, distance, told.arrived_wall);
        let since_epoch = self.last.map_or(since_epoch, |last| since_epoch.max(last.saturating_add(STEP_MIN)));
        self.last = Some(since_epoch);
        let basis = match (judged, self.level.map(|level| level.clock)) {
            (Judgement::WentBack | Judgement::Jumped, _) => Basis::Repaired,
            (_, Some(Clock::Camera)) => Basis::CameraClock,
            (_, Some(Clock::Arrival) | None) => Basis::Arrival,
        };
        let offset = since_epoch.saturating_sub(*self.first.get_or_insert(since_epoch));
        Stamp { arrived: told.arrived, captured: Some(Captured { since_epoch, basis }), offset }
    }

    /// How far the stream says that this frame lies from the one before; nothing where it tells no times, or they went back.
    /// It is zero where a picture was sent in two pieces that FFmpeg takes for two.
    fn distance(&self, stream_us: Option<i64>) -> Option<Duration> {
        let us = stream_us?.checked_sub(self.last_stream_us?)?;
        u64::try_from(us).ok().map(Duration::from_micros)
    }

    fn judge(&self, camera: Duration, arrived: Duration, distance: Option<Duration>) -> Judgement {
        if !is_near(camera, arrived) {
            return Judgement::Jumped;
        }
        let due = self.last.map(|last| last.saturating_add(distance.unwrap_or_default()));
        let long_before = due.is_some_and(|due| camera.saturating_add(CATCH_UP_MAX) < due);
        // With the stream's times at hand the clock of a neighbour, which may be an earlier one, is as good as its own.
        let not_after_its_last = distance.is_none() && self.last_camera.is_some_and(|last| camera <= last);
        if not_after_its_last || long_before { Judgement::WentBack } else { Judgement::Believed(camera) }
    }

    /// Where the frame lies on the wall clock: at the stream's distance from the last one, leaning towards what was read;
    /// where it was read while there is no distance, no last frame, or what they give can not be.
    fn place(&mut self, reading: Duration, clock: Clock, distance: Option<Duration>, arrived: Duration) -> Duration {
        let fresh = Level { clock, trust: 1 };
        let (Some(last), Some(distance), Some(level)) = (self.last, distance, self.level) else {
            self.level = Some(fresh);
            return reading;
        };
        let due = last.saturating_add(distance);
        let agrees = reading.abs_diff(due) <= APART_MAX;
        let settled = level.trust >= TRUST_MAX;
        let leaning = match (level.clock, clock) {
            (held, read) if held == read && agrees => {
                self.level = Some(Level { clock, trust: (level.trust + 1).min(TRUST_MAX) });
                true
            }
            // A camera that begins to tell its time is followed from now on; steady distances are not given up for it.
            (Clock::Arrival, Clock::Camera) => {
                self.level = Some(fresh);
                agrees && settled
            }
            _ if level.trust > 1 && is_near(due, arrived) => {
                self.level = Some(Level { trust: level.trust - 1, ..level });
                return due;
            }
            _ => false,
        };
        if leaning && is_near(due, arrived) {
            return lean(due, reading, distance / LEAN_DIVISOR);
        }
        self.level = Some(fresh);
        reading
    }
}

/// Whether a camera's time can be that of a frame that arrived then.
fn is_near(camera: Duration, arrived: Duration) -> bool {
    camera.saturating_sub(arrived) <= CLOCK_AHEAD_MAX && arrived.saturating_sub(camera) <= CLOCK_DISAGREEMENT_MAX
}

/// `due`, but for `step` at most towards `reading`.
fn lean(due: Duration, reading: Duration, step: Duration) -> Duration {
    reading.clamp(due.saturating_sub(step), due.saturating_add(step))
}

/// What is thought of a time.
#[derive(Clone, Copy)]
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

    const INTERVAL: Duration = Duration::from_millis(40);

    /// What FFmpeg tells of a stream at 25 frames a second whose packets come in this order, given by the places at which
    /// their pictures are shown: its parser gives each packet the camera's clock of the next one. In the order shown.
    fn shifted(decoded: &[u32]) -> Vec<Told> {
        let mut shown: Vec<_> = decoded.windows(2).map(|pair| (pair[0], at(0.0) + INTERVAL * pair[1])).collect();
        shown.sort_by_key(|(place, _)| *place);
        let frame = |(place, camera): (u32, Duration)| {
            told(Some(camera), Some(i64::from(place) * 40_000), at(0.3) + INTERVAL * place)
        };
        shown.into_iter().map(frame).collect()
    }

    /// The order in which IBBBP is sent: 0 4 1 2 3 8 5 6 7 12 …, up to the packet after the last group.
    fn with_b_frames(groups: u32) -> Vec<u32> {
        let group = |first: u32| [first + 4, first + 1, first + 2, first + 3];
        let last = std::iter::once(4 * groups + 4);
        std::iter::once(0).chain((0..groups).flat_map(|number| group(4 * number))).chain(last).collect()
    }

    /// The shortest and the longest time between neighbours.
    fn distances(stamps: &[Stamp]) -> (Duration, Duration) {
        let all = || stamps.windows(2).map(|pair| pair[1].offset - pair[0].offset);
        (all().min().expect("frames"), all().max().expect("frames"))
    }

    #[test]
    fn the_neighbours_times_that_b_frames_bear_make_no_uneven_distances() {
        let mut stamper = Stamper::default();
        let frames = shifted(&with_b_frames(100));
        assert_eq!(frames[1].camera, Some(at(0.08)), "B1 bears the time of B2");
        assert_eq!(frames[4].camera, Some(at(0.04)), "P bears the time of a frame shown three before");
        let stamps: Vec<_> = frames.iter().map(|frame| stamper.stamp(*frame)).collect();
        assert_eq!(stamper.repairs, Repairs::default());
        let (shortest, longest) = distances(&stamps);
        assert!(shortest >= Duration::from_micros(38_750) && longest <= Duration::from_micros(41_250));
        for (stamp, frame) in stamps.iter().zip(0_u32..) {
            let (since_epoch, basis) = captured(*stamp);
            assert_eq!(basis, Basis::CameraClock);
            // The first reading is off by four frames; from there it can only become better.
            assert!(since_epoch.abs_diff(at(0.0) + INTERVAL * frame) <= 5 * INTERVAL, "frame {frame}");
        }
        let last = captured(*stamps.last().expect("frames")).0;
        assert!(last.abs_diff(at(0.0) + INTERVAL * 400) < 2 * INTERVAL, "half of all readings lie on either side");
    }

    #[test]
    fn without_b_frames_distances_are_those_of_the_stream_to_the_microsecond() {
        let mut stamper = Stamper::default();
        let order: Vec<u32> = (0..200).collect();
        let stamps: Vec<_> = shifted(&order).into_iter().map(|frame| stamper.stamp(frame)).collect();
        assert_eq!(distances(&stamps), (INTERVAL, INTERVAL));
        assert!(stamps.iter().all(|stamp| captured(*stamp).1 == Basis::CameraClock));
        assert_eq!(stamper.repairs, Repairs::default());
    }

    /// A stream without B-frames, whose camera's clock shows what `clock` makes of the true time.
    fn steady(
        stamper: &mut Stamper,
        frames: std::ops::Range<u32>,
        clock: impl Fn(Duration) -> Option<Duration>,
    ) -> Vec<Stamp> {
        let frame = |place: u32| {
            let truth = at(0.0) + INTERVAL * place;
            stamper.stamp(told(clock(truth), Some(i64::from(place) * 40_000), truth + INTERVAL))
        };
        frames.map(frame).collect()
    }

    #[test]
    fn one_wrong_reading_is_counted_and_moves_nothing() {
        for wrong in [Duration::from_secs(3), HOUR] {
            let mut stamper = Stamper::default();
            let mut stamps = steady(&mut stamper, 0..100, Some);
            stamps.extend(steady(&mut stamper, 100..101, |truth| Some(truth - wrong)));
            assert_eq!(captured(stamps[100]), (at(4.0), Basis::Repaired));
            stamps.extend(steady(&mut stamper, 101..200, Some));
            assert_eq!(distances(&stamps), (INTERVAL, INTERVAL), "{wrong:?}");
            assert_eq!(captured(stamps[199]), (at(7.96), Basis::CameraClock));
            assert_eq!(stamper.repairs.went_back + stamper.repairs.jumped, 1);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_is_left_for_the_arrivals_at_the_streams_distances() {
        let mut stamper = Stamper::default();
        let mut stamps = steady(&mut stamper, 0..100, Some);
        let back = |truth: Duration| Some(truth - Duration::from_secs(3));
        stamps.extend(steady(&mut stamper, 100..200, back));
        assert!(stamps[100..].iter().all(|stamp| captured(*stamp).1 == Basis::Repaired));
        assert_eq!(stamper.repairs, Repairs { went_back: 100, jumped: 0 });
        assert_eq!(captured(stamps[199]).0, at(8.0), "the arrival, which is a frame after the truth");
        let uneven = stamps.windows(2).filter(|pair| pair[1].offset - pair[0].offset != INTERVAL).count();
        assert_eq!(uneven, 1, "one leap, when the clock is given up");
        // It is set right: from the arrivals it leans to the clock, and does not leap.
        let right = steady(&mut stamper, 200..1_400, Some);
        assert!(right.iter().all(|stamp| captured(*stamp).1 == Basis::CameraClock));
        assert!(distances(&right).0 >= Duration::from_micros(38_750));
        assert_eq!(captured(right[1_199]).0, at(0.0) + INTERVAL * 1_399);
    }

    #[test]
    fn a_clock_that_was_put_forward_is_followed_after_a_while_in_one_leap() {
        let mut stamper = Stamper::default();
        let slow = |truth: Duration| Some(truth - Duration::from_secs(5));
        let mut stamps = steady(&mut stamper, 0..100, slow);
        stamps.extend(steady(&mut stamper, 100..200, Some));
        assert_eq!(captured(stamps[100]).0, at(-1.0), "one reading is not enough");
        assert_eq!(captured(stamps[199]), (at(7.96), Basis::CameraClock));
        let uneven = stamps.windows(2).filter(|pair| pair[1].offset - pair[0].offset != INTERVAL).count();
        assert_eq!((uneven, stamper.repairs), (1, Repairs::default()));
    }

    #[test]
    fn a_camera_without_a_clock_gives_the_streams_distances_also_when_frames_come_in_heaps() {
        let mut stamper = Stamper::default();
        // Five at once, every fifth of a second; the fifth has just been captured.
        let heap = |place: u32| at(0.0) + INTERVAL * (place / 5 * 5 + 4);
        let frame = |place: u32| told(None, Some(i64::from(place) * 40_000), heap(place));
        let stamps: Vec<_> = (0..200).map(|place| stamper.stamp(frame(place))).collect();
        let (shortest, longest) = distances(&stamps);
        assert!(shortest >= Duration::from_micros(38_750) && longest <= Duration::from_micros(41_250));
        assert!(stamps.iter().all(|stamp| captured(*stamp).1 == Basis::Arrival));
        assert_eq!(stamper.repairs, Repairs::default());
    }

    #[test]
    fn a_camera_that_begins_to_tell_its_time_in_a_running_stream_makes_no_leap() {
        let mut stamper = Stamper::default();
        let mut stamps = steady(&mut stamper, 0..100, |_| None);
        stamps.extend(steady(&mut stamper, 100..1_400, Some));
        assert_eq!(captured(stamps[99]), (at(4.0), Basis::Arrival));
        assert_eq!(captured(stamps[1_399]), (at(0.0) + INTERVAL * 1_399, Basis::CameraClock));
        let (shortest, longest) = distances(&stamps);
        assert!(shortest >= Duration::from_micros(38_750) && longest <= INTERVAL);
    }

    #[test]
    fn a_picture_that_comes_in_two_pieces_is_counted_and_moves_nothing() {
        let mut stamper = Stamper::default();
        let piece = |place: u32| {
            let truth = at(0.0) + INTERVAL * place;
            // FFmpeg gives the second piece the clock of the next picture.
            [(truth, place), (truth + INTERVAL, place)]
                .map(|(camera, place)| (camera, i64::from(place) * 40_000, truth))
        };
        let mut stamps = steady(&mut stamper, 0..50, Some);
        let two = piece(50).map(|(camera, us, truth)| stamper.stamp(told(Some(camera), Some(us), truth + INTERVAL)));
        assert_eq!(captured(two[1]), (captured(two[0]).0 + STEP_MIN, Basis::Repaired));
        stamps.push(two[0]);
        stamps.extend(steady(&mut stamper, 51..100, Some));
        let (shortest, longest) = distances(&stamps);
        assert!(shortest >= INTERVAL - STEP_MIN && longest <= INTERVAL + STEP_MIN, "{shortest:?} to {longest:?}");
        assert_eq!(stamper.repairs, Repairs { went_back: 1, jumped: 0 });
    }

    #[test]
    fn a_stream_whose_own_times_leap_takes_nobody_away_from_the_arrival() {
        let mut stamper = Stamper::default();
        steady(&mut stamper, 0..100, |_| None);
        let hour_us = 3_600_000_000;
        let leapt = stamper.stamp(told(None, Some(4_000_000 + hour_us), at(4.04)));
        assert_eq!(captured(leapt), (at(4.04), Basis::Arrival));
        let next = stamper.stamp(told(None, Some(4_040_000 + hour_us), at(4.08)));
        assert_eq!(captured(next).0, at(4.08));
    }
}
