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
    let (status, _, text) = answer(router, path).await;
    assert_eq!(status, StatusCode::OK, "{path}");
    text
}

/// What is answered: status, kind and text.
async fn answer(router: &Router, path: &str) -> (StatusCode, String, String) {
    let request = Request::get(path).header("host", "127.0.0.1:8080").body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let kind = parts.headers.get("content-type").map_or("", |kind| kind.to_str().expect("words")).to_owned();
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.expect("a body").to_vec();
    (parts.status, kind, String::from_utf8(bytes).expect("text"))
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
        "<img src=\"/deployments/gates-1/zones/1.svg\"",
        "alt=\"Recognition zone of camera east gate &#60;1&#62;, as a sign to print. Corners in thousandths",
        "faces from 80 pixels",
        "Camera declared",
        "inside 2 polygons of its view",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert_eq!(text.matches("/zones/").count(), 2, "a picture that leads to itself");
    assert!(!text.contains("no camera is opened") && !text.contains("<strong>Exercise</strong>"));
    assert!(!text.contains("192.0.2.9") && !text.contains("secret"), "where a camera is stands nowhere");
    let index = page(&router, "/deployments").await;
    assert!(index.contains("gates-1") && index.contains("live"));
    let exercise = page(&router, &format!("/deployments/{DEPLOYMENT}")).await;
    assert!(exercise.contains("<strong>Exercise</strong>") && !exercise.contains("Cameras and recognition zones"));
}

#[tokio::test]
async fn the_sign_of_a_camera_is_drawn_for_everybody_from_the_record_alone() {
    let passes = [Pass { head: 0, frame: 0, y: 50 }];
    let drawn = Drawn::start(&passes, 12, Pace::AsFastAsConsumed, Arc::new(Ticking(AtomicI64::new(0))));
    assert_eq!(drawn.running.wait().stage, pipeline::Stage::Ended);
    let router = web::router(drawn.screens()).expect("a router");
    announce_cameras(&drawn);
    let (status, content_type, sign) = answer(&router, "/deployments/gates-1/zones/1.svg").await;
    assert_eq!((status, content_type.as_str()), (StatusCode::OK, "image/svg+xml"));
    for said in [
        "<title id=\"title\">Recognition zone of camera east gate &#60;1&#62;</title>",
        "from its left and its upper edge: 0,400 1000,400 1000,1000 0,1000; 400,0 600,0 500,300</desc>",
        "Camera east gate &#60;1&#62;</text>",
        "<polygon points=\"0.0,360.0 1600.0,360.0 1600.0,900.0 0.0,900.0\"",
        "<polygon points=\"640.0,0.0 960.0,0.0 800.0,270.0\"",
        "from 80 pixels on",
        "North concourse (drawn)",
        "Deployment gates-1. Drawn from its public record.",
    ] {
        assert!(sign.contains(said), "{said}: {sign}");
    }
    assert!(!sign.contains("192.0.2.9") && !sign.contains("secret") && !sign.contains("The way round"));
    // Whoever has the record can draw the same: the command does.
    let entries = drawn.store.lock().expect("the store").entries(None).expect("entries");
    assert_eq!(web::zone_sign("gates-1", "east gate <1>", &entries).expect("drawn"), Some(sign));
    for nothing in ["0.svg", "2.svg", "1", "1.png", "x.svg", "99999999999999999999.svg"] {
        assert_eq!(answer(&router, &format!("/deployments/gates-1/zones/{nothing}")).await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(answer(&router, &format!("/deployments/{DEPLOYMENT}/zones/1.svg")).await.0, StatusCode::NOT_FOUND);
}
