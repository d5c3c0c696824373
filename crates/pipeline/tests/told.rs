//! Every word that a run tells a log, at every level, stands on the list in `docs/reference/metrics.md`, and names nobody: real
//! deployments that raise alerts, pause, trip, are stopped, and lose a camera.

#[allow(dead_code, reason = "the drawn place can do more than is needed here")]
#[path = "standing/scene.rs"]
mod scene;

use std::collections::BTreeSet;

use domain::{DeploymentId, Role};
use jiff::SignedDuration;
use pipeline::Stage;
use scene::{LISTED, NOBODY, Place, officer};
use testkit::told::{Listed, Told};

/// All that a field may hold which is no number: a camera, who paused, and why a run was stopped.
const WORDS: [&str; 6] =
    ["c1", "north", "officer", "camera moved", "refused", "the life of a deployment has one order"];
/// What no test of a run that nobody hurries comes to see; `trace.rs` shows these by themselves, and the screens' test a picture and a purge.
const ELSEWHERE: [&str; 5] = [
    "overt::camera connects",
    "overt::camera load changed",
    "overt::stage picture",
    "overt::store deployment purged",
    "overt::store freed space wiped",
];

/// Frames: somebody passes, and is gone for as long as ends their passage.
fn passing(heads: &[usize]) -> Vec<Option<usize>> {
    heads.iter().flat_map(|head| [vec![Some(*head); 6], vec![None; 12]].concat()).collect()
}

fn pause(place: &Place, d: &DeploymentId) {
    let live = place.deployment(d).expect_live().expect("live");
    let paused = live.pause(&officer(Role::Operator), "words that somebody wrote", place.now()).expect("lawful");
    place.store().commit(paused).expect("recorded");
}

fn resume(place: &Place, d: &DeploymentId) {
    let paused = place.deployment(d).expect_paused().expect("paused");
    let resumed = paused.resume(&officer(Role::Operator), place.now()).expect("lawful");
    place.store().commit(resumed).expect("recorded");
}

/// An alert, a pause, a second alert after it, the end.
fn paused_and_resumed(place: &Place) {
    let watched = place.run("paused", &passing(&[LISTED, NOBODY, LISTED]), &[20]);
    assert!(watched.stands());
    pause(place, &watched.deployment);
    assert!(watched.until_paused().contains("an officer paused it"));
    resume(place, &watched.deployment);
    assert_eq!(watched.running.wait().stage, Stage::Ended);
    assert_eq!(watched.running.status().counts.alerts_kept, 2);
}

/// A camera that was turned, and the end while the run stands.
fn tripped(place: &Place) {
    let watched = place.run("tripped", &passing(&[LISTED, NOBODY]), &[8]);
    assert!(watched.stands());
    watched.running.report_camera_moved("c1");
    assert!(watched.until_paused().contains("camera moved"));
    watched.running.stop("words that somebody wrote");
    assert_eq!(watched.running.wait().stage, Stage::Ended);
}

/// Somebody ends the deployment on the record while it runs.
fn stopped(place: &Place) {
    let watched = place.run("stopped", &passing(&[NOBODY, NOBODY]), &[3]);
    assert!(watched.stands());
    let live = place.deployment(&watched.deployment).expect_live().expect("live");
    let ended = live.end("words that somebody wrote", place.now()).expect("lawful");
    place.store().commit(ended).expect("recorded");
    place.clock.advance(SignedDuration::from_secs(2));
    watched.go_on();
    assert!(matches!(watched.running.wait().stage, Stage::Stopped(_)));
}

#[cfg(target_os = "linux")]
mod camera {
    //! A camera that hangs up.

    use std::net::TcpListener;

    use capture::Transport;
    use pipeline::{Footage, LiveCamera, Source, State};

    use super::Place;

    /// How often a run is looked at until it has noticed.
    const LOOKS_MAX: u64 = 100_000_000;

    /// What decodes: this very program, started again with this test's name.
    #[test]
    fn serve_decoder() {
        let served = capture::serve_decoder();
        if !std::env::args().any(|argument| argument == capture::DECODER_COMMAND) {
            assert_ne!(served, std::process::ExitCode::SUCCESS, "nobody asked for a decoder");
        }
    }

    /// It is opened, and lost when it hangs up.
    pub(super) fn lost(place: &Place) {
        let camera = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let declared_address = format!("rtsp://{}/1", camera.local_addr().expect("bound"));
        let source = || {
            let live = LiveCamera {
                declared_address: declared_address.clone(),
                transport: Transport::Tcp,
                credentials: None,
                authorities: None,
                hardware: None,
            };
            Source { camera: "north".into(), footage: Footage::Camera(Box::new(live)) }
        };
        let running = place.run_with(place.live("live-1", &[source()]), source()).expect("it is declared");
        drop(camera.accept().expect("the camera is opened"));
        let lost = || running.status().cameras.iter().any(|of| of.health.state == State::WaitingToRetry);
        assert!(
            (0..LOOKS_MAX).any(|_| lost() || {
                std::thread::yield_now();
                false
            }),
            "it is seen to be lost"
        );
        running.stop("words that somebody wrote");
        running.wait();
    }
}

#[test]
fn every_word_that_a_run_tells_is_on_the_list() {
    let told = Told::gather();
    let place = Place::new();
    paused_and_resumed(&place);
    tripped(&place);
    stopped(&place);
    #[cfg(target_os = "linux")]
    camera::lost(&place);

    let page = include_str!("../../../docs/reference/metrics.md");
    let (listed, lines) = (Listed::read(page), told.lines());
    assert_eq!(listed.unlisted(&lines, &WORDS), BTreeSet::new());
    let targets = ["overt::run", "overt::camera", "overt::stage", "overt::store"];
    let mut untold = listed.untold(&lines, &targets);
    ELSEWHERE.iter().for_each(|line| _ = untold.remove(*line));
    assert_eq!(untold, BTreeSet::new(), "it is listed, and nobody tells it");
    let all = format!("{lines:?}").to_lowercase();
    for secret in ["exercise subject", "drawn", "0001", "somebody wrote", "127.0.0.1", "rtsp", "wall"] {
        assert!(!all.contains(secret), "{secret}");
    }
}
