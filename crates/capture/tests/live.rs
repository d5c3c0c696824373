//! Cameras as they are: real servers that are killed, stalled, garbled, resized and slow, and what is seen of it here.

#![cfg(all(feature = "video", target_os = "linux"))]
#![allow(clippy::print_stdout, reason = "a test that is skipped, and what was measured, is said")]
#![allow(clippy::disallowed_methods, reason = "waiting for a condition needs a generous end")]

mod live {
    pub(crate) mod mjpeg;
    pub(crate) mod relay;
    pub(crate) mod script;
    pub(crate) mod secure;
    pub(crate) mod server;
    pub(crate) mod watch;
}

use std::time::Duration;

use capture::health::State;
use capture::stamp::Basis;
use capture::{Credentials, Next, PermitKeeper, Skip, Stream, StreamOptions, Transport};

use live::mjpeg;
use live::relay::{Datagrams, Relay};
use live::secure;
use live::server::Server;
use live::watch::{LONG, Watched, camera, credentials, options};

/// What decodes: this very program, started again with this test's name. Started by hand it is no decoder.
#[test]
fn serve_decoder() {
    let served = capture::serve_decoder();
    if !std::env::args().any(|argument| argument == capture::DECODER_COMMAND) {
        assert_ne!(served, std::process::ExitCode::SUCCESS, "nobody asked for a decoder");
    }
}

#[test]
fn rtsp_over_tcp_and_udp_gives_frames_in_order_with_the_cameras_time() {
    let Some(server) = Server::start(&["--size", "320x240"]) else { return };
    for transport in [Transport::Tcp, Transport::Udp] {
        let mut watched = Watched::new(camera(&server.address(), transport), options());
        watched.frames_until("the camera's own clock", |frame| {
            frame.stamp().captured.is_some_and(|captured| captured.basis == Basis::CameraClock)
        });
        let frames = watched.frames(25);
        assert!(frames.iter().all(|frame| (frame.width, frame.height) == (320, 240)));
        assert!(frames.windows(2).all(|pair| pair[0].number < pair[1].number && pair[0].offset < pair[1].offset));
        let delay = frames.iter().map(|frame| frame.delay).max().expect("frames");
        println!("{transport:?}: at most {} ms from capture to arrival", delay.as_millis());
        let health = watched.stream.health();
        assert_eq!((health.state, health.codec.as_deref()), (State::Streaming, Some("h264")));
        assert!(health.counts.packets > 0 && health.counts.packet_bytes > 0 && health.since_key_frame.is_some());
        let confinement = health.confinement.expect("said before the first byte");
        assert!(confinement.no_files && confinement.few_calls, "{confinement:?}");
    }
}

/// At 25 frames a second the stream's times lie 40 ms apart, or several times that where a frame found no place; they lean
/// to the camera's clock by one thirty-second at most. What B-frames do to that clock is not to be seen.
#[test]
fn frames_of_a_stream_with_b_frames_come_at_even_distances() {
    for codec in ["h264-bframes", "h264"] {
        let Some(server) = Server::start(&["--codec", codec]) else { return };
        let mut watched = Watched::new(camera(&server.address(), Transport::Tcp), options());
        watched.frames_until("the camera's own clock", |frame| {
            frame.stamp().captured.is_some_and(|captured| captured.basis == Basis::CameraClock)
        });
        // What it was while it connected depends on how slow the machine is.
        let before = watched.stream.health().repairs;
        let frames = watched.frames(150);
        let apart = frames.windows(2).map(|pair| (pair[1].offset - pair[0].offset).as_secs_f64() / 0.040);
        let uneven: Vec<f64> = apart.filter(|apart| (apart / apart.round().max(1.0) - 1.0).abs() > 0.04).collect();
        let repairs = watched.stream.health().repairs;
        println!("{codec}: {} of 149 distances are uneven; {repairs:?}", uneven.len());
        assert_eq!((uneven, repairs), (Vec::new(), before), "{codec}: distances in frames");
    }
}

#[test]
fn sign_in_by_digest_right_and_wrong() {
    let Some(server) = Server::start(&["--user", "gate", "--password", "p w:ö/@"]) else { return };
    let mut settings = camera(&server.address(), Transport::Tcp);
    settings.credentials = Some(credentials("gate:p w:ö/@"));
    Watched::new(settings.clone(), options()).frames(5);

    settings.credentials = Some(credentials("gate:hunter2"));
    let wrong = Watched::new(settings, options());
    let health = wrong.until("a refusal", |health| health.last_fault.is_some());
    let fault = health.last_fault.expect("a sentence");
    assert!(fault.contains("name and password") && !fault.contains("hunter2"), "{fault}");
    assert_eq!(health.counts.frames, 0);
    let said = format!("{:?}", wrong.stream.health());
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_camera_that_is_killed_and_comes_back_is_seen_again() {
    let Some(server) = Server::start(&[]) else { return };
    let port = server.port();
    let mut watched = Watched::new(camera(&server.address(), Transport::Tcp), options());
    watched.frames(10);
    drop(server);
    watched.until("the loss", |health| health.counts.connections_lost > 0);
    let _server = Server::start_again_at(port, &[]);
    watched.recovers("the camera's return");
    let health = watched.stream.health();
    assert!(health.counts.reconnects > 0 && health.last_fault.is_some(), "{health:?}");
}

#[test]
fn a_new_size_in_the_middle_is_followed() {
    let Some(mut server) = Server::start(&["--size", "320x240"]) else { return };
    let mut watched = Watched::new(camera(&server.address(), Transport::Tcp), options());
    watched.frames(5);
    for (order, size) in [("size 640x360", (640, 360)), ("size 176x144", (176, 144))] {
        server.tell(order);
        watched.frames_until(order, |frame| (frame.width(), frame.height()) == size);
        watched.frames(5);
    }
    assert_eq!(watched.stream.health().counts.crashes, 0);
}

#[test]
fn garbage_in_the_stream_is_survived_and_counted() {
    let Some(server) = Server::start(&[]) else { return };
    let relay = Relay::start(server.port());
    // Garbage may leave both ends waiting for each other: then the stall is what ends it.
    let short = StreamOptions { stall_max: Duration::from_secs(3), ..options() };
    let mut watched = Watched::new(camera(&relay.address(), Transport::Tcp), short);
    watched.frames(10);
    relay.garble();
    watched.until("damage", |health| health.counts.packets_damaged + health.counts.connections_lost > 0);
    relay.pass();
    watched.recovers("the end of the garbage");
}

#[test]
fn a_stalled_camera_is_left_and_found_again() {
    let Some(server) = Server::start(&[]) else { return };
    let short = StreamOptions { stall_max: Duration::from_millis(1500), ..options() };
    let mut watched = Watched::new(camera(&server.address(), Transport::Tcp), short);
    watched.frames(10);
    server.signal(libc::SIGSTOP);
    watched.until("the stall", |health| health.counts.stalls > 0);
    server.signal(libc::SIGCONT);
    watched.recovers("the camera going on");
}

#[test]
fn a_camera_whose_clock_goes_back_is_repaired_and_counted() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut watched = Watched::new(camera(&server.address(), Transport::Tcp), options());
    watched.frames_until("some time to go back by", |frame| frame.offset() > Duration::from_secs(3));
    server.tell("back 2");
    watched.until("a repair", |health| health.repairs.went_back + health.repairs.jumped > 0);
    let frames = watched.frames(20);
    assert!(frames.windows(2).all(|pair| pair[0].offset < pair[1].offset && pair[0].captured < pair[1].captured));
    assert!(frames.iter().all(|frame| frame.delay < Duration::from_secs(11)), "no time is far from its arrival");
}

#[test]
fn two_per_cent_loss_and_jitter_are_survived_and_counted() {
    let Some(server) = Server::start(&["--size", "640x480"]) else { return };
    let relay = Datagrams::start(server.port(), 2, Duration::from_millis(200));
    let mut watched = Watched::new(camera(&relay.address(), Transport::Udp), options());
    watched.until("losses that are counted", |health| health.counts.packets_lost > 5);
    let (asked, got) = (watched.frames(100).len(), relay.dropped());
    let health = watched.stream.health();
    println!("{asked} frames; {got} datagrams dropped on the way, {} counted as lost", health.counts.packets_lost);
    assert_eq!(health.counts.crashes + health.counts.stalls + health.counts.lies, 0, "{health:?}");
}

#[test]
fn a_killed_decoder_is_felt_by_its_own_camera_only() {
    let Some(server) = Server::start(&[]) else { return };
    let mut one = Watched::new(camera(&server.address(), Transport::Tcp), options());
    one.frames(5);
    let mut other = Watched::new(camera(&server.address(), Transport::Tcp), options());
    let before = other.frames(5).last().expect("a frame").number;
    let victim = one.stream.health().process.expect("a process");
    // SAFETY: a decoder that this test started.
    assert_eq!(unsafe { libc::kill(victim as i32, libc::SIGKILL) }, 0);
    let last = other.frames(50).last().expect("a frame").number;
    one.until("the death", |health| health.counts.crashes == 1);
    one.recovers("its decoder's death");
    let (one, health) = (one.stream.health(), other.stream.health());
    assert!(one.counts.crashes == 1 && one.last_fault.is_some_and(|fault| fault.contains("signal 9")));
    assert_eq!((health.counts.crashes, health.counts.reconnects, health.counts.connections_lost), (0, 0, 0));
    // Where this test was too slow to take its frames, that is counted; no other is missing.
    let missing = last - before - 50;
    assert!(missing <= health.counts.frames_dropped, "{missing} frames are missing: {health:?}");
}

/// A decoder that needs more and more memory: pictures grow, and so do the places that hold them.
#[test]
fn a_decoder_that_grows_too_large_is_replaced_and_felt_by_its_own_camera_only() {
    let Some(mut server) = Server::start(&["--size", "176x144"]) else { return };
    let Some(quiet) = Server::start(&[]) else { return };
    let mut other = Watched::new(camera(&quiet.address(), Transport::Tcp), options());
    other.frames(5);
    let small = {
        let mut measured = Watched::new(camera(&server.address(), Transport::Tcp), options());
        measured.frames(60);
        resident_bytes(measured.stream.health().process.expect("a process"))
    };
    // A picture of 2560x1440 is 5.5 MB, and there are 36 places for one: more than 128 MiB together.
    let tight = StreamOptions { resident_bytes_max: small + (64 << 20), ..options() };
    let mut grown = Watched::new(camera(&server.address(), Transport::Tcp), tight);
    grown.frames(60);
    assert_eq!(grown.stream.health().counts.overgrown, 0, "small pictures have room");
    server.tell("size 2560x1440");
    grown.until("the growth", |health| health.counts.overgrown > 0);
    server.tell("size 176x144");
    grown.recovers("its decoder's growth");
    let health = grown.stream.health();
    assert!(health.counts.reconnects > 0 && health.counts.crashes + health.counts.stalls + health.counts.lies == 0);
    assert!(health.last_fault.as_deref().is_some_and(|fault| fault.contains("MiB of memory")), "{health:?}");
    other.frames(5);
    let other = other.stream.health().counts;
    assert_eq!((other.overgrown, other.crashes, other.reconnects, other.connections_lost), (0, 0, 0, 0));
}

/// Memory that a decoder uses, as its parent sees it.
fn resident_bytes(process: u32) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{process}/statm")).expect("it runs");
    let pages: u64 = told.split(' ').nth(1).expect("a number").parse().expect("a number");
    // SAFETY: asks for a number.
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64
}

#[test]
fn a_permit_that_is_not_renewed_stops_frames_and_kills_the_decoder() {
    let Some(server) = Server::start(&[]) else { return };
    let keeper = PermitKeeper::new(Duration::from_secs(60));
    let stream = Stream::camera(camera(&server.address(), Transport::Tcp), options(), keeper.permit()).expect("starts");
    while !matches!(stream.next(LONG).expect("no error"), Next::Frame(_)) {}
    let decoder = stream.health().process.expect("a process");
    // From here on nobody renews it, as when the connection to whoever holds the authority is cut.
    let period = Duration::from_millis(400);
    keeper.renew(period);
    let renewed = std::time::Instant::now();
    let mut last = renewed;
    loop {
        match stream.next(LONG).expect("no error") {
            Next::Frame(_) => last = std::time::Instant::now(),
            Next::Nothing => panic!("neither frames nor an end"),
            Next::Ended => break,
        }
    }
    // What counts is when the frame was handed out; a machine that is late may be late to look at its clock.
    println!("last frame {} ms after the last renewal for {} ms", (last - renewed).as_millis(), period.as_millis());
    assert!(matches!(stream.next(Duration::ZERO), Ok(Next::Ended)), "it stays ended");
    live::watch::until("the decoder's end", || !std::path::Path::new(&format!("/proc/{decoder}")).exists());
    keeper.renew(Duration::from_secs(60));
    assert!(matches!(stream.next(Duration::ZERO), Ok(Next::Ended)), "a late renewal brings nothing back");
}

#[test]
fn mjpeg_over_http_with_basic_and_without() {
    for password in [None, Some("p w")] {
        let server = mjpeg::Server::start(password);
        let mut settings = camera(&server.address(), Transport::Tcp);
        settings.credentials = password.map(|password| credentials(&format!("gate:{password}")));
        let mut watched = Watched::new(settings, options());
        let frames = watched.frames(10);
        assert!(frames.iter().all(|frame| (frame.width, frame.height) == (64, 48)));
        assert_eq!(watched.stream.health().codec.as_deref(), Some("mjpeg"));
    }
    let server = mjpeg::Server::start(Some("right"));
    let mut settings = camera(&server.address(), Transport::Tcp);
    settings.credentials = Some(Credentials::from_file(live::watch::secret("gate:wrong").path()).expect("reads"));
    let refused = Watched::new(settings, options());
    let health = refused.until("a refusal", |health| health.last_fault.is_some());
    assert!(health.last_fault.expect("a sentence").contains("name and password"));
}

/// FFmpeg numbers such pictures, 25 a second, whatever the camera does: their own times say nothing.
#[test]
fn mjpeg_over_http_is_timed_by_arrival() {
    let server = mjpeg::Server::start_at_pace(None, Duration::from_millis(100));
    let mut watched = Watched::new(camera(&server.address(), Transport::Tcp), options());
    let frames = watched.frames(40);
    let (first, last) = (&frames[0], &frames[39]);
    let (told, passed) = (last.offset - first.offset, last.arrived - first.arrived);
    assert!(told.abs_diff(passed) < passed / 4, "{told:?} by the frames' offsets, {passed:?} by their arrivals");
}

#[test]
fn mjpeg_over_http_with_digest_right_and_wrong() {
    let Some(server) = secure::Camera::start(&["--user", "gate", "--password", "p w:ö"]) else { return };
    let mut settings = camera(&server.address("http", "127.0.0.1"), Transport::Tcp);
    settings.credentials = Some(credentials("gate:p w:ö"));
    Watched::new(settings.clone(), options()).frames(10);
    settings.credentials = Some(credentials("gate:hunter2"));
    let refused = Watched::new(settings, options());
    let health = refused.until("a refusal", |health| health.last_fault.is_some());
    let fault = health.last_fault.expect("a sentence");
    assert!(fault.contains("name and password") && !fault.contains("hunter2"), "{fault}");
    assert_eq!(health.counts.frames, 0);
}

/// A camera's TLS must lead to the authorities that were named, for the name in its address.
#[test]
fn mjpeg_over_https_is_watched_only_with_a_certificate_that_leads_to_its_authority() {
    let (Some(ours), Some(theirs)) = (secure::Authority::new(), secure::Authority::new()) else { return };
    let right = ours.certify("localhost");
    let Some(server) = secure::Camera::start(&right.arguments()) else { return };
    let mut settings = camera(&server.address("https", "localhost"), Transport::Tcp);
    settings.authorities = Some(ours.path());
    let mut watched = Watched::new(settings.clone(), options());
    assert!(watched.frames(10).iter().all(|frame| (frame.width, frame.height) == (64, 48)));
    drop(watched);

    let elsewhere = ours.certify("127.0.0.1");
    let Some(impostor) = secure::Camera::start(&elsewhere.arguments()) else { return };
    let mut by_its_name = camera(&impostor.address("https", "127.0.0.1"), Transport::Tcp);
    by_its_name.authorities = Some(ours.path());
    Watched::new(by_its_name, options()).frames(1);
    let named = camera(&impostor.address("https", "localhost"), Transport::Tcp);
    let others = || Some(theirs.path());
    for (what, wrong) in [
        ("another authority", capture::CameraSettings { authorities: others(), ..settings.clone() }),
        ("the system's authorities", capture::CameraSettings { authorities: None, ..settings }),
        ("another name", capture::CameraSettings { authorities: Some(ours.path()), ..named }),
    ] {
        let refused = Watched::new(wrong, options());
        // One attempt for each address of the name, and one more.
        let health = refused.until(what, |health| health.counts.connections_lost > 2);
        assert_eq!(health.counts.frames, 0, "{what}: {health:?}");
        println!("{what}: {:?}", health.last_fault);
    }
}

#[test]
fn a_consumer_that_is_behind_makes_less_be_decoded_and_loses_the_oldest() {
    let Some(server) = Server::start(&[]) else { return };
    // Wide enough that a busy machine, too, keeps up for the 3 s after which everything is decoded again.
    let narrow = StreamOptions { queue_frames_max: 16, ..options() };
    let mut watched = Watched::new(camera(&server.address(), Transport::Tcp), narrow);
    let first = watched.frames(1)[0].number;
    let behind = watched.until("pressure", |health| health.counts.frames_dropped > 3 && health.skip > Skip::Nothing);
    assert_eq!(behind.skip, Skip::NonReference);
    let next = watched.frames(1)[0].number;
    assert!(next > first + 1, "the oldest were dropped: {first}, then {next}");
    watched.keep_up_until("ease", |health| health.skip == Skip::Nothing);
    watched.stream.skip_at_least(Skip::NonKey);
    watched.until("nothing but key frames", |health| health.skip == Skip::NonKey && health.counts.frames_skipped > 10);
}

/// Before anything is started; no camera is needed to say so.
#[test]
fn hardware_is_asked_for_before_a_camera_is() {
    for (name, words) in
        [("no_such_thing", "no hardware called no_such_thing"), ("vdpau", "vdpau can not be used here")]
    {
        let Err(missing) = capture::check_hardware(name) else {
            assert_eq!(name, "vdpau", "nothing else may be here");
            continue;
        };
        let said = missing.to_string();
        assert!(said.contains(words) && said.contains("leave it out"), "{said}");
    }
}

#[test]
fn hardware_that_is_missing_is_refused_in_words() {
    let Some(server) = Server::start(&[]) else { return };
    for (name, words) in
        [("no_such_thing", "no hardware called no_such_thing"), ("vdpau", "vdpau can not be used here")]
    {
        if name == "vdpau" && capture::check_hardware(name).is_ok() {
            println!("skipped: vdpau is here");
            continue;
        }
        let wanting = StreamOptions { hardware: Some(name.to_owned()), ..options() };
        let keeper = PermitKeeper::new(Duration::from_secs(60));
        let settings = camera(&server.address(), Transport::Tcp);
        let stream = Stream::camera(settings, wanting, keeper.permit()).expect("starts");
        let said = loop {
            match stream.next(LONG) {
                Err(error) => break error.to_string(),
                Ok(Next::Nothing) => keeper.renew(Duration::from_secs(60)),
                Ok(_) => panic!("{name} decodes here"),
            }
        };
        assert!(said.contains(words) && said.contains("leave it out"), "{said}");
    }
}
