//! Cameras whose times are good, late, wrong, missing or those of a neighbour, and what becomes of their frames.

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
        [(truth, place), (truth + INTERVAL, place)].map(|(camera, place)| (camera, i64::from(place) * 40_000, truth))
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

#[test]
fn pictures_that_all_come_in_two_pieces_stay_with_the_cameras_clock() {
    let mut stamper = Stamper::default();
    for place in 0..200 {
        let truth = at(0.0) + INTERVAL * place;
        let piece = |camera| told(Some(camera), Some(i64::from(place) * 40_000), truth + 3 * INTERVAL);
        let (first, second) = (stamper.stamp(piece(truth)), stamper.stamp(piece(truth + INTERVAL)));
        assert_eq!(captured(first), (truth, Basis::CameraClock), "picture {place}");
        assert_eq!(captured(second), (truth + STEP_MIN, Basis::Repaired), "picture {place}");
    }
    assert_eq!(stamper.repairs, Repairs { went_back: 200, jumped: 0 });
}

#[test]
fn a_stream_that_shows_one_time_for_ever_is_timed_by_arrival() {
    let mut stamper = Stamper::default();
    let stamps: Vec<_> = (0..100).map(|place| stamper.stamp(told(None, Some(7), at(0.0) + INTERVAL * place))).collect();
    assert_eq!(distances(&stamps[20..]), (INTERVAL, INTERVAL));
    assert_eq!(captured(stamps[99]).0, at(3.96));
}

#[test]
fn a_clock_that_is_told_with_every_second_frame_is_followed_evenly() {
    let mut stamper = Stamper::default();
    let frame = |place: u32| {
        let truth = at(0.0) + INTERVAL * place;
        told((place.is_multiple_of(2)).then_some(truth), Some(i64::from(place) * 40_000), truth + 5 * INTERVAL)
    };
    let stamps: Vec<_> = (0..200).map(|place| stamper.stamp(frame(place))).collect();
    assert_eq!(distances(&stamps), (INTERVAL, INTERVAL));
    assert!(stamps.iter().all(|stamp| captured(*stamp).1 == Basis::CameraClock));
    assert_eq!(captured(stamps[199]).0, at(7.96));
    assert_eq!(stamper.repairs, Repairs::default());
}

#[test]
fn where_every_second_frame_bears_no_time_the_readings_say_where_they_lie() {
    for knows_the_time in [true, false] {
        let mut stamper = Stamper::default();
        let frame = |place: u32| {
            let truth = at(0.0) + INTERVAL * place;
            let stream_us = (place.is_multiple_of(2)).then_some(i64::from(place) * 40_000);
            told(knows_the_time.then_some(truth), stream_us, truth + INTERVAL)
        };
        let stamps: Vec<_> = (0..200).map(|place| stamper.stamp(frame(place))).collect();
        assert_eq!(distances(&stamps), (INTERVAL, INTERVAL));
        assert_eq!(stamper.repairs, Repairs::default());
    }
}

#[test]
fn a_slow_camera_that_begins_to_tell_its_time_late_is_leant_to_and_does_not_go_back() {
    for (told_every, slow) in [(1, 2), (1, 9), (2, 2)] {
        let mut stamper = Stamper::default();
        let clock = |truth: Duration| truth - Duration::from_secs(slow);
        let frame = |place: u32| {
            let truth = at(0.0) + INTERVAL * place;
            let camera = (place >= 10 && place.is_multiple_of(told_every)).then(|| clock(truth));
            told(camera, Some(i64::from(place) * 40_000), truth + INTERVAL)
        };
        let stamps: Vec<_> = (0..10_000).map(|place| stamper.stamp(frame(place))).collect();
        let (shortest, longest) = distances(&stamps);
        assert!(shortest >= Duration::from_micros(38_750) && longest <= INTERVAL, "{shortest:?} to {longest:?}");
        assert_eq!(captured(stamps[11]).1, Basis::Arrival, "not the camera's clock yet");
        assert_eq!(captured(stamps[9_999]), (clock(at(0.0) + INTERVAL * 9_999), Basis::CameraClock));
        assert_eq!(stamper.repairs, Repairs::default());
    }
}

#[test]
fn a_stream_whose_own_times_run_too_fast_goes_at_the_pace_of_its_arrivals() {
    for (sent_ms, shown_ms) in [(40_u32, 42_u32), (40, 67), (40, 200), (500, 1_000)] {
        let mut stamper = Stamper::default();
        let (sent, shown_us) = (Duration::from_millis(sent_ms.into()), i64::from(shown_ms) * 1_000);
        let frame = |place: u32| told(None, Some(i64::from(place) * shown_us), at(0.0) + sent * place);
        let stamps: Vec<_> = (0..1_000).map(|place| stamper.stamp(frame(place))).collect();
        let (shortest, longest) = distances(&stamps[200..]);
        assert!(shortest >= sent * 9 / 10 && longest <= sent * 11 / 10, "{shown_ms}: {shortest:?} to {longest:?}");
        let ahead = captured(stamps[999]).0.saturating_sub(at(0.0) + sent * 999);
        assert!(ahead <= CLOCK_AHEAD_MAX, "{shown_ms}: {ahead:?}");
        assert_eq!(stamper.repairs, Repairs::default());
    }
}
