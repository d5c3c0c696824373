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
    following: Following,
    /// Frames in a row that bore the stream's time of the one before.
    pieces: u32,
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

/// How far the times have come to the camera's clock on this connection.
#[derive(Clone, Copy, Default)]
enum Following {
    /// None of its readings was believed yet.
    #[default]
    NotYet,
    /// It began to tell its time after arrivals that lie too far ahead to be caught up with: the times lean to it.
    Behind,
    /// A reading was believed: from now on one that lies long before goes back.
    Reached,
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
/// Times that rest on the arrival may lie ahead of it by this, as when several frames came at once and the first of them was
/// taken to be as new as the last.
const AHEAD_OF_ARRIVAL_MAX: Duration = Duration::from_millis(250);
/// Of what lies farther ahead this part is taken back with each frame, so that a stream whose own times run too fast goes at
/// the pace of its arrivals, and evenly.
const AHEAD_DIVISOR: u32 = 2;
/// A picture comes in so many pieces at most; a stream that shows one time for longer tells none.
const PIECES_MAX: u32 = 16;
/// Two frames are at least this far apart, so that their order is kept.
const STEP_MIN: Duration = Duration::from_micros(1);

impl Stamper {
    /// A new connection has a new origin of the stream's own times.
    pub(crate) fn reconnected(&mut self) {
        (self.last_stream_us, self.last_camera, self.level) = (None, None, None);
        (self.following, self.pieces) = (Following::NotYet, 0);
    }

    /// The stamp of the next frame.
    pub(crate) fn stamp(&mut self, told: Told) -> Stamp {
        let stream_went_back = matches!((self.last_stream_us, told.stream_us), (Some(last), Some(now)) if now <= last);
        let distance = self.distance(told.stream_us);
        let is_piece = distance.is_some_and(|distance| distance.is_zero());
        self.pieces = if is_piece { (self.pieces + 1).min(PIECES_MAX) } else { 0 };
        let distance = distance.filter(|_| self.pieces < PIECES_MAX);
        // A frame without a time lies somewhere between its neighbours: how far they are apart says nothing of it.
        self.last_stream_us = told.stream_us;
        let judged = match told.camera {
            _ if distance.is_some_and(|distance| distance.is_zero()) => Judgement::WentBack,
            Some(camera) => self.judge(camera, told.arrived_wall, distance),
            None if stream_went_back => Judgement::WentBack,
            None => Judgement::Silent,
        };
        self.last_camera = told.camera.or(self.last_camera);
        self.repairs.went_back += u64::from(matches!(judged, Judgement::WentBack));
        self.repairs.jumped += u64::from(matches!(judged, Judgement::Jumped));
        self.following = match judged {
            Judgement::Believed(_) => Following::Reached,
            Judgement::Behind(_) => Following::Behind,
            _ => self.following,
        };
        let (reading, clock) = match judged {
            Judgement::Believed(camera) => (camera, Clock::Camera),
            _ => (told.arrived_wall, Clock::Arrival),
        };
        let continued = self.continued(judged, distance, told.arrived_wall);
        let since_epoch = continued.unwrap_or_else(|| self.place(reading, clock, distance, told.arrived_wall));
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
        match self.following {
            Following::NotYet if distance.is_some() && long_before => Judgement::Behind(camera),
            Following::Behind if distance.is_some() && due.is_some_and(|due| camera < due) => Judgement::Behind(camera),
            _ if not_after_its_last || long_before => Judgement::WentBack,
            _ => Judgement::Believed(camera),
        }
    }

    /// Where a frame lies that says nothing against what the times rest on: a second piece of a picture right after the
    /// first, one without a reading at the stream's distance, one of a slow camera that has just begun to tell its time a
    /// little nearer to that. Nothing where the frame has to be placed by what was read.
    fn continued(&mut self, judged: Judgement, distance: Option<Duration>, arrived: Duration) -> Option<Duration> {
        let (last, distance, level) = (self.last?, distance?, self.level?);
        let due = last.saturating_add(distance);
        match (judged, level.clock, self.following) {
            _ if !is_near(due, arrived) => None,
            _ if distance.is_zero() => Some(due.saturating_add(STEP_MIN)),
            (Judgement::Behind(camera), ..) => {
                self.level = Some(Level { trust: (level.trust + 1).min(TRUST_MAX), ..level });
                Some(lean(due, camera, distance / LEAN_DIVISOR))
            }
            (Judgement::Silent, Clock::Camera, _) | (Judgement::Silent, _, Following::Behind) => Some(due),
            _ => None,
        }
    }

    /// Where the frame lies on the wall clock: at the stream's distance from the last one, leaning towards what was read;
    /// where it was read while there is no distance, no last frame, or what they give can not be.
    fn place(&mut self, reading: Duration, clock: Clock, distance: Option<Duration>, arrived: Duration) -> Duration {
        let fresh = Level { clock, trust: 1 };
        let (Some(last), Some(distance), Some(level)) = (self.last, distance, self.level) else {
            self.level = Some(fresh);
            return reading;
        };
        let mut due = last.saturating_add(distance);
        let mut step = distance / LEAN_DIVISOR;
        if level.clock == Clock::Arrival && distance <= APART_MAX {
            due = due.min(arrived.saturating_add(CLOCK_AHEAD_MAX));
            step = step.max(due.saturating_sub(arrived.saturating_add(AHEAD_OF_ARRIVAL_MAX)) / AHEAD_DIVISOR);
        }
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
            return lean(due, reading, step);
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
    /// Believed, but so far before the arrivals that were taken until now that the times can only lean to it.
    Behind(Duration),
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
mod tests;
