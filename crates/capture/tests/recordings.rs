//! Recordings as they come from disks: real clips, damaged ones, and everything that is not a recording.

#![allow(clippy::print_stdout, reason = "a test that is skipped, and a figure that is measured, is said")]

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use capture::{CaptureError, Frame, FrameOptions, FrameSource, Limits, Recording, Still};

/// `ffprobe -count_frames -select_streams v:0 -show_entries stream=width,height,nb_read_frames` of FFmpeg 5.1.9, and
/// the time of the last frame in milliseconds (`ffprobe -show_entries frame=best_effort_timestamp_time`).
#[cfg(feature = "video")]
const CLIPS: [(&str, u64, u32, u32); 11] = [
    ("again.mkv", 77, 640, 480),
    ("bird.mkv", 63, 640, 480),
    ("book.mkv", 109, 640, 480),
    ("brother.mkv", 65, 640, 480),
    ("eat.mkv", 47, 640, 480),
    ("help.mkv", 58, 640, 480),
    ("hungry.mkv", 49, 640, 480),
    ("learn.mkv", 61, 640, 480),
    ("milk.mkv", 51, 640, 480),
    ("face-demographics-walking-and-pause.gif", 41, 480, 270),
    ("one-by-one-person-detection.mp4", 1394, 768, 432),
];

/// What decodes: this very program, started again with this test's name. Started by hand it is no decoder.
#[cfg(all(feature = "video", target_os = "linux"))]
#[test]
fn serve_decoder() {
    assert_eq!(capture::DECODER_COMMAND, "serve_decoder");
    let served = capture::serve_decoder();
    if !std::env::args().any(|argument| argument == capture::DECODER_COMMAND) {
        assert_ne!(served, std::process::ExitCode::SUCCESS, "nobody asked for a decoder");
    }
}

fn shared_video(what: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/faces/video");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {what} (shared/ not found)");
    None
}

fn read_all(source: &mut dyn FrameSource) -> Result<Vec<(u64, Duration, u32, u32)>, CaptureError> {
    let mut seen = Vec::new();
    while let Some(frame) = source.next_frame()? {
        assert_eq!(frame.pixels.len(), 3 * frame.width as usize * frame.height as usize);
        seen.push((frame.number, frame.offset, frame.width, frame.height));
        source.reuse(frame.into_spare());
    }
    Ok(seen)
}

fn open_error(path: &Path) -> CaptureError {
    Recording::open(path).err().unwrap_or_else(|| panic!("{} was taken for a recording", path.display()))
}

fn frames_error(path: &Path) -> CaptureError {
    let opened = Recording::open(path).and_then(|recording| recording.into_frames(FrameOptions::default()));
    match opened {
        Err(error) => error,
        Ok(mut source) => read_all(source.as_mut()).expect_err("it was played"),
    }
}

#[cfg(feature = "video")]
#[test]
fn clips_have_as_many_frames_as_ffprobe_counts() {
    let Some(folder) = shared_video("clips") else { return };
    for (name, frames, width, height) in CLIPS {
        let recording = Recording::open(folder.join(name)).expect(name);
        assert_eq!(recording.name_for_people(), name);
        assert_eq!(recording.bytes(), fs::metadata(folder.join(name)).expect(name).len());
        let options = FrameOptions { decode_threads: 2, ..FrameOptions::default() };
        let mut source = recording.into_frames(options).expect(name);
        let seen = read_all(source.as_mut()).expect(name);
        assert_eq!(seen.len() as u64, frames, "{name}");
        assert_eq!(source.skipped(), 0, "{name}");
        assert_eq!(seen[0].1, Duration::ZERO, "{name}");
        assert!(seen.iter().all(|frame| (frame.2, frame.3) == (width, height)), "{name}");
        assert!(seen.windows(2).all(|pair| pair[0].1 < pair[1].1 && pair[0].0 + 1 == pair[1].0), "{name}");
        assert!(source.next_frame().expect(name).is_none(), "{name} stays ended");
    }
}

#[cfg(feature = "video")]
#[test]
fn offsets_are_the_presentation_times_of_the_file() {
    let Some(folder) = shared_video("offsets") else { return };
    let last = |name: &str| {
        let mut source =
            Recording::open(folder.join(name)).expect(name).into_frames(FrameOptions::default()).expect(name);
        read_all(source.as_mut()).expect(name).last().expect("frames").1
    };
    // ffprobe -show_entries frame=best_effort_timestamp_time: last minus first.
    assert_eq!(last("again.mkv"), Duration::from_millis(2_534));
    assert_eq!(last("one-by-one-person-detection.mp4"), Duration::from_millis(139_300));
    assert_eq!(last("face-demographics-walking-and-pause.gif"), Duration::from_millis(3_330));
}

#[cfg(feature = "video")]
#[test]
fn the_same_file_gives_the_same_pixels_with_any_number_of_threads() {
    let Some(folder) = shared_video("determinism") else { return };
    let pixels = |decode_threads: usize| {
        let options = FrameOptions { decode_threads, ..FrameOptions::default() };
        let mut source =
            Recording::open(folder.join("milk.mkv")).expect("opens").into_frames(options).expect("decodes");
        let mut frames: Vec<Frame> = Vec::new();
        while let Some(frame) = source.next_frame().expect("decodes") {
            frames.push(frame);
        }
        frames
    };
    let (one, four) = (pixels(1), pixels(4));
    assert_eq!(one.len(), four.len());
    assert!(one.iter().zip(&four).all(|(a, b)| a.pixels == b.pixels && a.offset == b.offset));
}

#[test]
fn what_is_not_a_recorded_file_is_never_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe.mkv");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let socket = folder.path().join("socket.mkv");
    let _listener = UnixListener::bind(&socket).expect("binds");
    let link = folder.path().join("link.mkv");
    std::os::unix::fs::symlink("/dev/zero", &link).expect("links");
    // Opening a pipe for reading would wait for a writer for ever: that these return is half of the test.
    for (path, words) in [(pipe.as_path(), "named pipe"), (&socket, "socket"), (&link, "character device")] {
        let message = open_error(path).to_string();
        assert!(message.contains(words), "{message}");
        assert!(message.contains("recorded files only"), "{message}");
    }
    for device in ["/dev/zero", "/dev/null", "/dev/video0", "/dev/stdin", "/dev/tty"] {
        open_error(Path::new(device));
    }
}

#[test]
fn addresses_and_ffmpeg_inputs_are_not_paths() {
    for address in ["rtsp://192.0.2.1/stream", "http://192.0.2.1/a.mp4", "https://192.0.2.1/", "file:///etc/hosts"] {
        let message = open_error(Path::new(address)).to_string();
        assert!(message.contains("an address of the kind"), "{message}");
    }
    for text in ["-", "pipe:0", "concat:a|b", "udp:239.0.0.1", "video=Camera", "0", "", "%04d.png"] {
        assert!(matches!(open_error(Path::new(text)), CaptureError::Recording { .. }), "{text}");
    }
}

#[cfg(feature = "video")]
#[test]
fn files_that_refer_to_other_files_are_refused() {
    let Some(videos) = shared_video("playlists") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let clip = folder.path().join("clip.mkv");
    fs::copy(videos.join("milk.mkv"), &clip).expect("copies");
    let clip = clip.display();
    let hls = format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.7,\n{clip}\n#EXT-X-ENDLIST\n");
    let sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
    let mpd = "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period><AdaptationSet \
        mimeType=\"video/mp4\"><Representation id=\"1\"><BaseURL>http://127.0.0.1:9/a.mp4</BaseURL></Representation>\
        </AdaptationSet></Period></MPD>";
    let lists = [
        ("list.m3u8", hls.clone()),
        ("list.mkv", hls),
        ("list.ffconcat", format!("ffconcat version 1.0\nfile '{clip}'\n")),
        ("stream.sdp", sdp.to_owned()),
        ("manifest.mpd", mpd.to_owned()),
    ];
    for (name, text) in lists {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("writes");
        let message = frames_error(&path).to_string();
        assert!(message.contains("not read here") || message.contains("not a video file"), "{name}: {message}");
        assert!(message.contains(name) && message.contains("Matroska"), "{name}: {message}");
    }
}

#[cfg(feature = "video")]
#[test]
fn empty_garbage_and_tiny_files_are_errors_that_name_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let garbage: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let contents: [(&str, &[u8]); 5] = [
        ("empty.mp4", b""),
        ("one.mkv", b"\x1a"),
        ("garbage.mp4", &garbage),
        ("header.mkv", b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f"),
        ("header.gif", b"GIF89a\x01\x00\x01\x00\x80\x00\x00"),
    ];
    for (name, content) in contents {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("writes");
        let message = frames_error(&path).to_string();
        assert!(message.contains(name), "{message}");
    }
}

#[cfg(feature = "video")]
#[test]
fn truncated_clips_end_early_or_say_why() {
    let Some(videos) = shared_video("truncation") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&str, usize, &[usize]); 3] = [
        ("again.mkv", 77, &[1, 3, 5, 9]),
        ("face-demographics-walking-and-pause.gif", 41, &[1, 3, 5, 9]),
        ("one-by-one-person-detection.mp4", 1394, &[2]),
    ];
    for (name, whole, parts) in cases {
        let content = fs::read(videos.join(name)).expect("reads");
        for tenths in parts {
            let path = folder.path().join(name);
            fs::write(&path, &content[..content.len() * tenths / 10]).expect("writes");
            let source = Recording::open(&path).and_then(|recording| recording.into_frames(FrameOptions::default()));
            let outcome = source.and_then(|mut source| Ok((read_all(source.as_mut())?.len(), source.skipped())));
            match outcome {
                Ok((frames, skipped)) => {
                    println!("{name} {tenths}/10: {frames} frames, {skipped} skipped");
                    assert!(frames > 0 && frames < whole, "{name} {tenths}/10: {frames} frames");
                    // A GIF states no length, so that its missing end can not be seen.
                    assert!(skipped > 0 || name.ends_with(".gif"), "{name} {tenths}/10: the missing end is counted");
                }
                Err(error) => {
                    println!("{error}");
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
        }
    }
}

#[cfg(feature = "video")]
#[test]
fn damage_inside_a_clip_never_panics_and_is_bounded() {
    let Some(videos) = shared_video("damage") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let content = fs::read(videos.join("milk.mkv")).expect("reads");
    for seed in 0..12_u64 {
        let mut damaged = content.clone();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (state >> 20) as usize % damaged.len();
            damaged[place] ^= (state >> 8) as u8;
        }
        let path = folder.path().join("damaged.mkv");
        fs::write(&path, damaged).expect("writes");
        let source = Recording::open(&path).and_then(|recording| recording.into_frames(FrameOptions::default()));
        if let Ok(frames) = source.and_then(|mut source| read_all(source.as_mut())) {
            assert!(frames.len() <= 80, "seed {seed}: {} frames", frames.len());
            assert!(frames.windows(2).all(|pair| pair[0].1 < pair[1].1), "seed {seed}: time runs backwards");
        }
    }
}

#[cfg(feature = "video")]
#[test]
fn a_recording_that_grows_or_changes_is_noticed() {
    let Some(videos) = shared_video("growing files") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clip.mp4");
    let start = || {
        fs::copy(videos.join("one-by-one-person-detection.mp4"), &path).expect("copies");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("is ours");
        let mut source = Recording::open(&path).expect("opens").into_frames(FrameOptions::default()).expect("decodes");
        assert!(source.next_frame().expect("decodes").is_some());
        source
    };
    let mut grown = start();
    fs::OpenOptions::new().append(true).open(&path).expect("opens").write_all(b"more").expect("grows");
    let message = read_all(grown.as_mut()).expect_err("it grew").to_string();
    assert!(message.contains("it changed after its digest was taken"), "{message}");
    assert!(message.contains("3291918 bytes and now has 3291922"), "{message}");
    assert!(grown.next_frame().expect("an error ends the source").is_none());

    // The same length and the same times: only the digest of the block tells.
    let mut altered = start();
    let file = fs::OpenOptions::new().write(true).open(&path).expect("opens");
    let modified = file.metadata().expect("metadata").modified().expect("a time");
    std::os::unix::fs::FileExt::write_all_at(&file, b"other bytes", 1_200_000).expect("writes");
    file.set_modified(modified).expect("sets the time back");
    let message = read_all(altered.as_mut()).expect_err("it was altered").to_string();
    assert!(message.contains("are not the ones digested"), "{message}");
}

#[cfg(feature = "video")]
#[test]
fn limits_are_refusals_with_numbers() {
    let Some(videos) = shared_video("limits") else { return };
    let refusal = |limits: Limits| {
        let options = FrameOptions { limits, ..FrameOptions::default() };
        let source = Recording::open(videos.join("milk.mkv")).and_then(|recording| recording.into_frames(options));
        source.and_then(|mut source| read_all(source.as_mut())).expect_err("a limit").to_string()
    };
    let frames = refusal(Limits { frames_max: 10, ..Limits::default() });
    assert!(frames.contains("10 frames and more, more than the limit of 10"), "{frames}");
    let long = refusal(Limits { duration_max: Duration::from_secs(1), ..Limits::default() });
    assert!(long.contains("more than the limit of 1"), "{long}");
    let large = refusal(Limits { frame_pixels_max: 640 * 479, ..Limits::default() });
    assert!(large.contains("frames of 640 x 480 pixels, more than the limit of 306560"), "{large}");
}

/// Runs FFmpeg's command line to make a clip of its test picture; `None`, and a line, where it is not installed.
#[cfg(feature = "video")]
fn made(folder: &Path, name: &str, arguments: &str) -> Option<PathBuf> {
    let path = folder.join(name);
    let run = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments.split(' ')).arg(&path).status();
    if run.is_ok_and(|status| status.success()) {
        return Some(path);
    }
    println!("skipped: {name} (no ffmpeg command that can make it)");
    None
}

#[cfg(feature = "video")]
#[test]
fn other_containers_rotation_pixel_shape_and_changing_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let test = "-f lavfi -i testsrc=size=320x180:rate=10:duration=1";
    let cases = [
        ("a.avi", format!("{test} -c:v mpeg4"), vec![(320, 180); 10]),
        ("a.ts", format!("{test} -c:v mpeg2video"), vec![(320, 180); 10]),
        ("a.webm", format!("{test} -c:v libvpx -deadline realtime"), vec![(320, 180); 10]),
        ("a.mpg", format!("{test} -c:v mpeg2video -r 25"), vec![(320, 180); 25]),
        ("wide.mp4", format!("{test} -c:v mpeg4 -vf setsar=4/3"), vec![(426, 180); 10]),
        ("tall.mp4", format!("{test} -c:v mpeg4 -vf setsar=1/2"), vec![(320, 360); 10]),
    ];
    for (name, arguments, expected) in cases {
        let Some(path) = made(folder.path(), name, &arguments) else { continue };
        let mut source = Recording::open(&path).expect(name).into_frames(FrameOptions::default()).expect(name);
        let shapes: Vec<_> = read_all(source.as_mut()).expect(name).iter().map(|frame| (frame.2, frame.3)).collect();
        assert_eq!(shapes, expected, "{name}");
    }
    let small = made(folder.path(), "small.ts", "-f lavfi -i testsrc=size=160x120:rate=10:duration=1 -c:v mpeg2video");
    if let (Some(small), large) = (small, folder.path().join("a.ts")) {
        let joined = folder.path().join("joined.ts");
        let both = [fs::read(large).expect("reads"), fs::read(small).expect("reads")].concat();
        fs::write(&joined, both).expect("writes");
        let mut source =
            Recording::open(&joined).expect("opens").into_frames(FrameOptions::default()).expect("decodes");
        let seen = read_all(source.as_mut()).expect("decodes");
        assert!(seen.windows(2).all(|pair| pair[0].1 < pair[1].1), "time runs forward over the joint");
        assert!(seen.iter().any(|frame| frame.2 == 320) && seen.iter().any(|frame| frame.2 == 160));
    }
}

#[cfg(feature = "video")]
#[test]
fn a_clip_filmed_sideways_comes_out_upright() {
    let folder = tempfile::tempdir().expect("a folder");
    // The left half red, the right half blue; turned by the player.
    let halves = "-f lavfi -i color=red:size=160x90:rate=5:duration=1 -f lavfi -i color=blue:size=160x90:rate=5:duration=1 \
        -filter_complex hstack -c:v mpeg4 -qscale:v 2";
    let Some(upright) = made(folder.path(), "upright.mp4", halves) else { return };
    // Where red must be, in the shown picture: (turn, width, height, red's place).
    for (degrees, width, height, red, blue) in
        [(90, 90, 320, (45, 300), (45, 20)), (180, 320, 90, (300, 45), (20, 45)), (270, 90, 320, (45, 20), (45, 300))]
    {
        let turned = format!("-i {} -c copy -metadata:s:v rotate={degrees}", upright.display());
        let Some(path) = made(folder.path(), "turned.mp4", &turned) else { return };
        let mut source = Recording::open(&path).expect("opens").into_frames(FrameOptions::default()).expect("decodes");
        let frame = source.next_frame().expect("decodes").expect("a frame");
        assert_eq!((frame.width, frame.height), (width, height), "{degrees}");
        let at = |(x, y): (usize, usize)| &frame.pixels[3 * (y * width as usize + x)..][..3];
        assert!(at(red)[0] > 200 && at(red)[2] < 60, "{degrees}: {:?} at {red:?}", at(red));
        assert!(at(blue)[2] > 200 && at(blue)[0] < 60, "{degrees}: {:?} at {blue:?}", at(blue));
    }
}

/// Options for folders of pretend pictures: `width height` and then the pixels.
fn pretend_pictures() -> FrameOptions {
    let decode = |name: &str, bytes: &[u8]| match bytes {
        [width, height, pixels @ ..] => {
            Ok(Still { width: (*width).into(), height: (*height).into(), pixels: pixels.to_vec() })
        }
        _ => Err(format!("{name} is too short")),
    };
    FrameOptions {
        decode_picture: Box::new(decode),
        picture_interval: Duration::from_millis(500),
        ..FrameOptions::default()
    }
}

#[test]
fn a_folder_gives_its_pictures_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in
        [("b.PNG", &[1, 1, 20, 20, 20][..]), ("a.jpg", &[2, 1, 1, 2, 3, 4, 5, 6]), ("index.csv", b"x"), (".c.jpg", b"")]
    {
        fs::write(folder.path().join(name), content).expect("writes");
    }
    fs::create_dir(folder.path().join("d.jpg")).expect("a folder inside is left alone");
    let recording = Recording::open(folder.path()).expect("opens");
    assert_eq!(recording.bytes(), 13);
    // (printf '\2\1\1\2\3\4\5\6' >a.jpg; printf '\1\1\24\24\24' >b.PNG; sha256sum a.jpg b.PNG | sha256sum)
    assert_eq!(hexadecimal(recording.digest()), "175c2febe2dc844d73367764385efc01be05e8915d1ce9a16c7f78a670eeaf7d");
    let mut source = recording.into_frames(pretend_pictures()).expect("starts");
    assert_eq!(source.kind(), "folder");
    let seen = read_all(source.as_mut()).expect("decodes");
    assert_eq!(seen, [(0, Duration::ZERO, 2, 1), (1, Duration::from_millis(500), 1, 1)]);
}

#[test]
fn a_folder_that_changes_or_holds_something_else_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(open_error(folder.path()).to_string().contains("a folder without pictures"));
    let picture = folder.path().join("a.jpg");
    fs::write(&picture, [1, 1, 9, 9, 9]).expect("writes");
    let start = || Recording::open(folder.path()).expect("opens").into_frames(pretend_pictures()).expect("starts");

    let mut grown = start();
    let arrived = folder.path().join("b.jpg");
    fs::write(&arrived, [1, 1, 9, 9, 9]).expect("writes");
    let message = read_all(grown.as_mut()).expect_err("a picture arrived").to_string();
    assert!(message.contains("it had 1 pictures and now has 2"), "{message}");

    let mut altered = start();
    fs::write(&arrived, [1, 1, 8, 8, 8]).expect("writes");
    assert!(matches!(read_all(altered.as_mut()), Err(CaptureError::Changed { .. })));

    fs::write(&arrived, [1, 2, 8, 8, 8]).expect("writes");
    let message = read_all(start().as_mut()).expect_err("too short").to_string();
    assert!(message.contains("b.jpg") && message.contains("3 bytes for 1 x 2 pixels"), "{message}");

    fs::remove_file(&arrived).expect("removes");
    assert!(Command::new("mkfifo").arg(&arrived).status().expect("mkfifo runs").success());
    assert!(open_error(folder.path()).to_string().contains("named pipe"));
}

fn hexadecimal(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
