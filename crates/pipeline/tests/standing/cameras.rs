//! Cameras open for what the record declares, stay open while it lets them, and for nothing else: with a listening socket in
//! the place of a camera, which sees who connects.

use std::io::{ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use capture::{Recording, Transport};
use domain::Role;
use pipeline::{Footage, LiveCamera, PipelineError, Source, Stage};

use super::scene::{Place, officer};

/// How long a connection is waited for that has to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What decodes: this very program, started again with this test's name. Started by hand it is no decoder.
#[test]
fn serve_decoder() {
    let served = capture::serve_decoder();
    if !std::env::args().any(|argument| argument == capture::DECODER_COMMAND) {
        assert_ne!(served, std::process::ExitCode::SUCCESS, "nobody asked for a decoder");
    }
}

fn camera_at(listener: &TcpListener, name: &str) -> Source {
    let declared_address = format!("rtsp://{}/1", listener.local_addr().expect("bound"));
    let transport = Transport::Tcp;
    let camera = LiveCamera { declared_address, transport, credentials: None, authorities: None, hardware: None };
    Source { camera: name.into(), footage: Footage::Camera(Box::new(camera)) }
}

fn listening() -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.set_nonblocking(true).expect("it does not wait");
    listener
}

/// The next connection, waited for; nothing where none comes in time.
fn connection(listener: &TcpListener, patience: Duration) -> Option<TcpStream> {
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let mut left = patience;
    loop {
        match listener.accept() {
            Ok((stream, _)) => return Some(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        let step = Duration::from_millis(20);
        left = left.checked_sub(step)?;
        // Nobody tells: this waits.
        let _ = told.recv_timeout(step);
        let _ = &tell;
    }
}

/// Whether the other side hangs up in time.
fn is_hung_up(mut stream: TcpStream) -> bool {
    stream.set_nonblocking(false).expect("it waits");
    stream.set_read_timeout(Some(PATIENCE)).expect("not for ever");
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn what_the_record_does_not_declare_is_not_connected_to() {
    let (declared, other) = (listening(), listening());
    let place = Place::new();
    let folder = tempfile::tempdir().expect("a folder");
    image::RgbImage::new(64, 64).save(folder.path().join("1.png")).expect("a picture");
    let recording = || Footage::Recording(Recording::open(folder.path()).expect("a recording"));
    for (number, opened) in [
        camera_at(&other, "north"),
        camera_at(&declared, "south"),
        Source { camera: "north".into(), footage: recording() },
    ]
    .into_iter()
    .enumerate()
    {
        let live = place.live(&format!("live-{number}"), &[camera_at(&declared, "north")]);
        let refused = place.run_with(live, opened).err().expect("it is not declared");
        let kind =
            matches!(refused, PipelineError::CameraNotDeclared { .. } | PipelineError::FootageNotDeclared { .. });
        assert!(kind, "{refused}");
    }
    // A camera has no value to be opened with in an exercise.
    let live = place.live("exercise-1", &[Source { camera: "north".into(), footage: recording() }]);
    assert!(place.run_with(live, camera_at(&declared, "north")).is_err());
    for listener in [declared, other] {
        assert!(connection(&listener, Duration::from_millis(200)).is_none(), "nobody connects");
    }
}

#[test]
fn a_pause_hangs_up_and_only_a_resumption_connects_again() {
    let camera = listening();
    let place = Place::new();
    let live = place.live("live-1", &[camera_at(&camera, "north")]);
    let deployment = live.plan().deployment.clone();
    let running = place.run_with(live, camera_at(&camera, "north")).expect("it is declared");
    let connected = connection(&camera, PATIENCE).expect("the declared camera is opened");

    let live = place.deployment(&deployment).expect_live().expect("live");
    let paused = live.pause(&officer(Role::Operator), "crowding", place.now()).expect("lawful");
    place.store().commit(paused).expect("recorded");
    place.clock.advance(jiff::SignedDuration::from_secs(2));
    assert!(is_hung_up(connected), "the pause hangs up");
    while connection(&camera, Duration::ZERO).is_some() {}
    let connects = connection(&camera, Duration::from_secs(3)).is_some();
    assert!(!connects, "and nobody connects while it lasts: {:?}", running.status());
    assert!(matches!(running.status().stage, Stage::Paused(_)));

    let paused = place.deployment(&deployment).expect_paused().expect("paused");
    let resumed = paused.resume(&officer(Role::Operator), place.now()).expect("lawful");
    place.store().commit(resumed).expect("recorded");
    let again = connection(&camera, PATIENCE).expect("a resumption connects again");
    running.stop("seen enough");
    assert_eq!(running.wait().stage, Stage::Ended);
    assert!(is_hung_up(again), "the end hangs up");
    assert_eq!(place.store().check().expect("readable"), vec![]);
}
