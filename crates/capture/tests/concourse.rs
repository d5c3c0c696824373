//! The rendered concourse, with sprites of one plain colour each: what the truth says must be in the pixels.

use std::time::Duration;

use capture::concourse::{CLEARLY_SEEN, Light, Passage, Path, Rect, Script, Side, Sprite, WalkThrough};
use capture::{CaptureError, Concourse, FrameSource};

/// A bust of one colour: an opaque box with a transparent frame.
fn plain(colour: [u8; 3]) -> Sprite {
    let (width, height) = (120_u32, 140_u32);
    let mut rgba = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let opaque = (10..width - 10).contains(&x) && (10..height).contains(&y);
            rgba.extend([colour[0], colour[1], colour[2], if opaque { 255 } else { 0 }]);
        }
    }
    Sprite { width, height, rgba, face: Rect { left: 40.0, top: 30.0, width: 40.0, height: 52.0 } }
}

const COLOURS: [[u8; 3]; 4] = [[220, 20, 20], [20, 200, 20], [20, 20, 220], [200, 20, 200]];

fn sprites(count: usize) -> Vec<Sprite> {
    (0..count).map(|index| plain(COLOURS[index % COLOURS.len()])).collect()
}

fn aim() -> WalkThrough {
    WalkThrough { length: Duration::from_secs(30), ..WalkThrough::default() }
}

/// A passage that stands in the middle distance for most of its time.
fn standing(sprite: usize, near_across: f32, nearest_face_px: f32) -> Passage {
    let path = Path::Approach {
        far_across: near_across,
        far_face_px: 20.0,
        near_across,
        pause: Duration::from_secs(6),
        leaves: Side::Left,
    };
    Passage {
        sprite,
        start: Duration::ZERO,
        duration: Duration::from_secs(10),
        path,
        nearest_face_px,
        stature_m: 1.7,
        defocus_px: 0.0,
        exposure: Duration::from_millis(8),
        tilt_degrees: 0.0,
    }
}

fn script(passages: Vec<Passage>) -> Script {
    Script {
        width: 1280,
        height: 720,
        frame_interval: Duration::from_millis(100),
        length: Duration::from_secs(10),
        passages,
        light: Light { swing: 0.0, slant: 0.0, period: Duration::from_secs(20) },
        noise_levels: 0.0,
        opens_at: Duration::ZERO,
    }
}

fn is_mostly(pixel: &[u8], colour: [u8; 3]) -> bool {
    pixel.iter().zip(colour).all(|(value, expected)| value.abs_diff(expected) < 70)
}

#[test]
fn the_same_seed_gives_the_same_pixels_in_any_order() {
    let make = |seed: u64| Concourse::new(sprites(8), Script::walk_through(8, 3, &aim()), seed).expect("renders");
    let (mut once, mut again, mut other) = (make(3), make(3), make(4));
    assert_eq!(once.digest(), again.digest());
    assert_ne!(once.digest(), other.digest());
    let length = 3 * 1280 * 720;
    let (mut a, mut b) = (vec![0; length], vec![0; length]);
    for number in [200, 0, 77, 200] {
        once.render(number, &mut a).expect("renders");
        again.render(number, &mut b).expect("renders");
        assert!(a == b, "frame {number}");
    }
    other.render(200, &mut b).expect("renders");
    assert!(a != b, "another seed gives other noise");
    again.render(201, &mut b).expect("renders");
    assert!(a != b, "another frame is another picture");
}

#[test]
fn the_source_counts_and_times_its_frames() {
    let short = WalkThrough { width: 320, height: 180, length: Duration::from_secs(12), ..aim() };
    let mut concourse = Concourse::new(sprites(2), Script::walk_through(2, 1, &short), 1).expect("renders");
    let (total, mut direct) = (concourse.frames_total(), vec![0; 3 * 320 * 180]);
    let mut number = 0;
    while let Some(frame) = concourse.next_frame().expect("renders") {
        assert_eq!((frame.number, frame.width, frame.height), (number, 320, 180));
        assert_eq!(frame.offset, Duration::from_millis(80 * number));
        concourse.render(number, &mut direct).expect("renders");
        assert!(frame.pixels == direct, "frame {number}");
        concourse.reuse(frame.into_spare());
        number += 1;
    }
    assert_eq!(number, total);
    assert!(total >= 150);
}

#[test]
fn where_the_truth_says_a_face_is_there_is_one() {
    let mut script = Script::walk_through(4, 9, &aim());
    (script.light.swing, script.light.slant) = (0.0, 0.0);
    let passages = script.passages.clone();
    let mut concourse = Concourse::new(sprites(4), script, 9).expect("renders");
    let truth = concourse.truth();
    let mut pixels = vec![0; 3 * 1280 * 720];
    let mut looked_at = 0;
    for number in (0..concourse.frames_total()).step_by(13) {
        concourse.render(number, &mut pixels).expect("renders");
        for face in truth.at(number).iter().filter(|face| face.visible_fraction == 1.0 && face.face.width > 20.0) {
            let colour = COLOURS[passages[face.passage].sprite];
            for (across, down) in [(0.5, 0.5), (0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)] {
                let (x, y) = (face.face.left + across * face.face.width, face.face.top + down * face.face.height);
                let at = 3 * (y as usize * 1280 + x as usize);
                assert!(is_mostly(&pixels[at..at + 3], colour), "frame {number}, {face:?}: {:?}", &pixels[at..at + 3]);
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 30, "{looked_at} faces were looked at");
}

#[test]
fn the_nearer_person_hides_the_farther_one() {
    let both = script(vec![standing(0, 0.5, 60.0), standing(1, 0.5, 79.0)]);
    let mut concourse = Concourse::new(sprites(2), both, 1).expect("renders");
    let truth = concourse.truth();
    let seen = truth.at(70);
    assert_eq!(seen.last().expect("the nearer one").passage, 1);
    assert_eq!(seen.last().expect("the nearer one").visible_fraction, 1.0);
    assert!(seen.iter().all(|face| face.passage == 1 || face.visible_fraction < 0.5), "{seen:?}");
    let face = seen.last().expect("the nearer one").face;
    let mut pixels = vec![0; 3 * 1280 * 720];
    concourse.render(70, &mut pixels).expect("renders");
    let at = 3 * (face.centre_y() as usize * 1280 + face.centre_x() as usize);
    assert!(is_mostly(&pixels[at..at + 3], COLOURS[1]));

    let apart = script(vec![standing(0, 0.25, 60.0), standing(1, 0.75, 79.0)]);
    let truth = Concourse::new(sprites(2), apart, 1).expect("renders").truth();
    assert!(truth.at(70).iter().all(|face| face.visible_fraction == 1.0) && truth.at(70).len() == 2);
    let sizes: Vec<_> = truth.passages().iter().map(|passage| passage.largest_face_px.round()).collect();
    assert_eq!(sizes, [60.0, 79.0]);
}

#[test]
fn everybody_is_seen_clearly_at_their_largest() {
    for seed in 0..8 {
        let aim = WalkThrough::default();
        let script = Script::walk_through(29, seed, &aim);
        let walks = script.passages.len();
        let nearest: Vec<f32> = script.passages.iter().map(|passage| passage.nearest_face_px).collect();
        let truth = Concourse::new(sprites(29), script, seed).expect("renders").truth();
        assert_eq!(truth.passages().len(), walks, "seed {seed}: everybody is seen");
        for passage in truth.passages() {
            let enough = passage.frames_at_largest >= aim.frames_at_largest_min;
            assert!(enough, "seed {seed}: {passage:?}");
            // The sprites' faces are 40 pixels wide and are drawn at most twice as large.
            let expected = nearest[passage.passage].min(80.0);
            assert!((passage.largest_face_px - expected).abs() < 1.0, "seed {seed}: {passage:?}, {expected}");
            assert!(passage.from < passage.to);
        }
        let together = (0..750)
            .filter(|frame| truth.at(*frame).iter().filter(|face| face.visible_fraction >= CLEARLY_SEEN).count() >= 2);
        assert!(together.count() > 300, "seed {seed}: several people at the same time");
    }
}

#[test]
fn light_and_noise_change_what_they_should() {
    let mean = |pixels: &[u8]| pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / pixels.len() as f64;
    let mut lit = script(Vec::new());
    lit.light = Light { swing: 0.2, slant: 0.0, period: Duration::from_secs(20) };
    let mut concourse = Concourse::new(Vec::new(), lit, 1).expect("renders");
    let (mut dark, mut bright) = (vec![0; 3 * 1280 * 720], vec![0; 3 * 1280 * 720]);
    concourse.render(0, &mut dark).expect("renders");
    concourse.render(50, &mut bright).expect("renders");
    let brighter = mean(&bright) / mean(&dark);
    assert!((1.15..1.21).contains(&brighter), "a quarter of the period later: {brighter}");

    let mut noisy = script(Vec::new());
    noisy.noise_levels = 4.0;
    let mut concourse = Concourse::new(Vec::new(), noisy, 1).expect("renders");
    concourse.render(0, &mut dark).expect("renders");
    concourse.render(1, &mut bright).expect("renders");
    let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
    let differ = (dark.iter().zip(&bright).map(square).sum::<f64>() / dark.len() as f64).sqrt();
    // Two independent draws differ by the square root of two times their deviation.
    assert!((5.3..6.0).contains(&differ), "{differ}");
}

#[test]
fn contradictions_are_refused_in_words() {
    let refusal = |sprites: Vec<Sprite>, script: Script| match Concourse::new(sprites, script, 1) {
        Err(error @ CaptureError::Script { .. }) => error.to_string(),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was taken"),
    };
    let missing = refusal(sprites(1), script(vec![standing(1, 0.5, 60.0)]));
    assert_eq!(missing, "rendering the concourse: walk 0 shows sprite 1 of 1; sprites are counted from 0");
    refusal(sprites(1), script(vec![standing(0, 0.5, f32::NAN)]));
    refusal(sprites(1), script(vec![standing(0, f32::INFINITY, 60.0)]));
    refusal(sprites(1), Script { width: 0, ..script(Vec::new()) });
    refusal(sprites(1), Script { frame_interval: Duration::ZERO, ..script(Vec::new()) });
    refusal(sprites(1), Script { noise_levels: f32::NAN, ..script(Vec::new()) });
    let mut short = plain([0; 3]);
    short.rgba.pop();
    refusal(vec![short], script(Vec::new()));
    let mut concourse = Concourse::new(Vec::new(), script(Vec::new()), 1).expect("an empty concourse");
    assert!(concourse.render(0, &mut [0; 3]).is_err(), "a buffer that is too small");
}
