//! What everybody can see of a live deployment's cameras: that they are declared, with which zones, and not where they are.

mod drawn;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use capture::Pace;
use domain::{Clock, DeploymentId, Draft, Kind, Plan, Role};
use drawn::{DEPLOYMENT, Drawn, Pass};
use jiff::{SignedDuration, Timestamp};
use store::{EXERCISE_POLICY, NewCamera};
use tower::ServiceExt;

const BODY_BYTES_MAX: usize = 16 << 20;

/// A clock that goes on a little each time it is read.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-01T09:00:00Z".parse().expect("a time");
        start + SignedDuration::from_millis(self.0.fetch_add(7, Ordering::Relaxed))
    }
}

async fn page(router: &Router, path: &str) -> String {
    let request = Request::get(path).header("host", "127.0.0.1:8080").body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let bytes = to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body").to_vec();
    String::from_utf8(bytes).expect("text")
}

/// A live deployment beside the exercise, announced and with one of its two cameras declared.
fn announce_cameras(drawn: &Drawn) {
    let (by, now) = (drawn::officer, drawn.clock.now());
    let mut store = drawn.store.lock().expect("the store");
    let profile = EXERCISE_POLICY.replacen("value = [\"recording\"]", "value = [\"recording\", \"camera\"]", 1);
    let policy = store.adopt_policy(&profile, &by(Role::AuthorisingOfficer), now).expect("lawful").into_inner();
    let plan = store.deployment(&drawn.screens().deployment).expect("it is there").plan().clone();
    let deployment = DeploymentId::new("gates-1").expect("a name");
    let plan = Plan { deployment, kind: Kind::Live, cameras: 2, ..plan };
    let proposed = Draft { plan }.propose(&by(Role::Proposer), &policy, now).expect("lawful");
    let proposed = store.commit(proposed).expect("recorded").into_inner();
    let approved = proposed.approve(&by(Role::AuthorisingOfficer), &policy, now).expect("lawful");
    let approved = store.commit(approved).expect("recorded");
    let notice = "Cameras at two gates.\n";
    let announced = store.publish_notice(approved, &by(Role::AuthorisingOfficer), notice, now).expect("recorded");
    let zone = "0,400 1000,400 1000,1000 0,1000; 400,0 600,0 500,300".parse().expect("a zone");
    let (name, address, face_side_px_min) = ("east gate <1>", "rtsp://me:secret@192.0.2.9/1", Some(80));
    let camera = NewCamera { name, address, zone, face_side_px_min };
    store.declare_camera(&announced, &by(Role::Operator), camera, now).expect("recorded");
}

#[tokio::test]
async fn a_live_deployment_shows_its_cameras_and_their_zones_to_everybody() {
    let passes = [Pass { head: 0, frame: 0, y: 50 }];
    let drawn = Drawn::start(&passes, 12, Pace::AsFastAsConsumed, Arc::new(Ticking(AtomicI64::new(0))));
    assert_eq!(drawn.running.wait().stage, pipeline::Stage::Ended);
    let router = web::router(drawn.screens()).expect("a router");
    announce_cameras(&drawn);
    let text = page(&router, "/deployments/gates-1").await;
    for said in [
        "<p class=\"kind live\" role=\"note\"><strong>Live</strong>",
        "– Live – overt</title>",
        "live (cameras, each declared with its zone)",
        "A live deployment at North concourse (drawn)",
        "Recognition zone of camera east gate &#60;1&#62;</title>",
        "Corners in thousandths of the view, from its left and its upper edge: 0,400 1000,400",
        "<polygon points=\"0,400 1000,400 1000,1000 0,1000\" fill-rule=\"evenodd\"",
        "<polygon points=\"400,0 600,0 500,300\"",
        "faces from 80 pixels",
        "Camera declared",
        "inside 2 polygons of its view",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert_eq!(text.matches("<svg").count(), 1);
    assert!(!text.contains("no camera is opened") && !text.contains("<strong>Exercise</strong>"));
    assert!(!text.contains("192.0.2.9") && !text.contains("secret"), "where a camera is stands nowhere");
    let index = page(&router, "/deployments").await;
    assert!(index.contains("gates-1") && index.contains("live"));
    let exercise = page(&router, &format!("/deployments/{DEPLOYMENT}")).await;
    assert!(exercise.contains("<strong>Exercise</strong>") && !exercise.contains("Cameras and recognition zones"));
}
