//! Hostile video: changed streams go through decoders' processes, many of them, and this process stays as it was.

#![cfg(all(feature = "video", target_os = "linux"))]
#![allow(clippy::print_stdout, reason = "a test that is skipped, and what was measured, is said")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use capture::{CaptureError, FrameOptions, Limits, Next, Pace, Recording, Stream, StreamOptions, YuvFrame};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Nothing takes this long.
const LONG: Duration = Duration::from_secs(120);
/// Changed clips of each kind.
const SEEDS: u64 = 40;

/// What decodes: this very program, started again with this test's name. Started by hand it is no decoder.
#[test]
fn serve_decoder() {
    let served = capture::serve_decoder();
    if !std::env::args().any(|argument| argument == capture::DECODER_COMMAND) {
        assert_ne!(served, std::process::ExitCode::SUCCESS, "nobody asked for a decoder");
    }
}

/// A drawn clip, made by FFmpeg's command; `None`, and says so, where that is missing.
fn clip(folder: &Path, name: &str, arguments: &[&str]) -> Option<PathBuf> {
    let path = folder.join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2"]);
    command.args(arguments).arg(&path).stdin(std::process::Stdio::null());
    match command.status() {
        Ok(ended) if ended.success() => Some(path),
        other => {
            println!("skipped: FFmpeg's command does not make {name}: {other:?}");
            None
        }
    }
}

fn play(path: &Path, pace: Pace, mut seen: impl FnMut(&YuvFrame)) -> Result<u64, CaptureError> {
    let limits = Limits { frame_pixels_max: 1920 * 1080, ..Limits::default() };
    let options = StreamOptions { resident_bytes_max: 512 << 20, ..StreamOptions::default() };
    let stream = Stream::replay(Recording::open(path)?, pace, limits, options)?;
    let mut frames = 0;
    loop {
        match stream.next(LONG)? {
            Next::Frame(frame) => {
                frames += 1;
                seen(&frame);
            }
            Next::Ended => return Ok(frames),
            Next::Nothing => panic!("{} stalls", path.display()),
        }
    }
}

/// Changes some bytes, or a stretch, or cuts, as the seed says; the first 40 bytes stay, so that it is recognised.
fn changed(original: &[u8], seed: u64) -> Vec<u8> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut bytes = original.to_vec();
    for _ in 0..1 << (seed % 9) {
        let place = chance.random_range(40..bytes.len());
        bytes[place] = match seed % 3 {
            0 => chance.random(),
            1 => bytes[place] ^ (1 << chance.random_range(0..8)),
            _ => 0xff,
        };
    }
    if seed.is_multiple_of(5) {
        let from = chance.random_range(40..bytes.len());
        let until = bytes.len().min(from + 700);
        chance.fill_bytes(&mut bytes[from..until]);
    }
    if seed.is_multiple_of(7) {
        bytes.truncate(chance.random_range(41..original.len()));
    }
    bytes
}

#[test]
fn changed_streams_never_reach_beyond_their_decoder() {
    let folder = tempfile::tempdir().expect("a folder");
    let kinds: [(&str, &[&str]); 4] = [
        ("h264.mkv", &["-c:v", "libx264", "-profile:v", "high", "-bf", "2"]),
        ("h265.mkv", &["-c:v", "libx265", "-x265-params", "log-level=none"]),
        ("mjpeg.avi", &["-c:v", "mjpeg"]),
        ("h264.ts", &["-c:v", "libx264"]),
    ];
    let resident_before = resident_bytes();
    let (mut whole, mut refused, mut frames) = (0, 0, 0);
    for (name, arguments) in kinds {
        let Some(path) = clip(folder.path(), name, arguments) else { continue };
        let original = std::fs::read(&path).expect("reads");
        assert_eq!(play(&path, Pace::AsFastAsConsumed, |_| {}).expect(name), 50, "{name} as it is");
        for seed in 0..SEEDS {
            let hostile = folder.path().join(format!("changed-{name}"));
            std::fs::write(&hostile, changed(&original, seed)).expect("writes");
            let outcome = play(&hostile, Pace::AsFastAsConsumed, |frame| {
                // Every plane is as large as it says, whatever was decoded.
                let luma = frame.luma();
                assert_eq!(luma.rows().map(|row| row.len()).sum::<usize>(), (frame.width() * frame.height()) as usize);
                assert!(frame.width() * frame.height() <= 1920 * 1080);
            });
            match outcome {
                Ok(seen) => (whole, frames) = (whole + 1, frames + seen),
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
            std::fs::remove_file(&hostile).expect("removes");
        }
    }
    let grown = resident_bytes().saturating_sub(resident_before) >> 20;
    println!("{whole} changed clips played, {refused} refused, {frames} frames; this process grew by {grown} MiB");
    assert!(grown < 200, "what hostile clips took is given back");
}

#[test]
fn a_replay_gives_what_the_file_holds_in_luminance_and_chroma() {
    let folder = tempfile::tempdir().expect("a folder");
    // A plain colour: what comes out is known from the definition of BT.601 (limited range): red is 81, 90, 240.
    let plain = ["-vf", "drawbox=color=red:t=fill,format=yuv420p", "-c:v", "ffv1"];
    let Some(path) = clip(folder.path(), "plain.mkv", &plain) else { return };
    let frames = play(&path, Pace::AsFastAsConsumed, |frame| {
        let capture::Chroma::Planar { blue, red } = frame.chroma() else { panic!("planar") };
        let near = |value: u8, wanted: u8| value.abs_diff(wanted) <= 1;
        assert!(frame.luma().rows().all(|row| row.iter().all(|value| near(*value, 81))));
        assert!(blue.rows().all(|row| row.len() == 160 && row.iter().all(|value| near(*value, 90))));
        assert!(red.rows().all(|row| row.iter().all(|value| near(*value, 240))));
    });
    assert_eq!(frames.expect("plays"), 50);
}

#[test]
fn a_replay_in_real_time_gives_each_frame_when_it_is_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(path) = clip(folder.path(), "paced.mkv", &["-c:v", "libx264"]) else { return };
    let mut arrivals = Vec::new();
    play(&path, Pace::RealTime, |frame| arrivals.push((frame.arrived(), frame.offset()))).expect("plays");
    // Waiting may take longer than asked for, never less.
    let (first, _) = arrivals[0];
    let early = arrivals.iter().filter(|(arrived, offset)| *arrived + Duration::from_millis(5) < first + *offset);
    assert_eq!(early.count(), 0);
}

#[test]
fn a_clip_that_ends_its_decoder_is_an_error_and_the_next_one_plays() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(path) = clip(folder.path(), "good.mkv", &["-c:v", "libx264"]) else { return };
    let stream = Stream::replay(
        Recording::open(&path).expect("opens"),
        Pace::AsFastAsConsumed,
        Limits::default(),
        StreamOptions { queue_frames_max: 1, held_frames_max: 1, ..StreamOptions::default() },
    );
    let stream = stream.expect("starts");
    assert!(matches!(stream.next(LONG), Ok(Next::Frame(_))));
    let decoder = stream.health().process.expect("a process");
    // SAFETY: a decoder that this test started.
    assert_eq!(unsafe { libc::kill(decoder as i32, libc::SIGABRT) }, 0);
    let error = loop {
        match stream.next(LONG) {
            Ok(Next::Frame(_)) => {}
            Ok(_) => panic!("it ended as if whole"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("signal 6") && error.contains("good.mkv"), "{error}");
    let mut again = Recording::open(&path).expect("opens").into_frames(FrameOptions::default()).expect("plays");
    assert!(again.next_frame().expect("plays").is_some());
}

/// Memory of this process alone.
fn resident_bytes() -> u64 {
    let told = std::fs::read_to_string("/proc/self/statm").expect("reads");
    let pages =
        |index: usize| told.split(' ').nth(index).and_then(|number| number.parse::<u64>().ok()).expect("a number");
    (pages(1) - pages(2)) * 4096
}
