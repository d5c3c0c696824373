//! Every word that the screens tell a log stands on the list in `docs/reference/metrics.md`: a whole exercise, its screens asked for
//! everything and for nothing there is, judged, ended and purged.

#[allow(dead_code, reason = "the drawn exercise can do more than is needed here")]
mod drawn;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use capture::Pace;
use domain::Clock;
use drawn::{Drawn, Pass};
use jiff::{SignedDuration, Timestamp};
use testkit::told::{Line, Listed, Told, Value};
use tower::ServiceExt;

/// All that a field may hold which is no number.
const WORDS: [&str; 11] = [
    "concourse-1",
    "GET",
    "POST",
    "other",
    "none",
    "/control-room",
    "/control-room/alerts/{alert}",
    "/control-room/alerts/{alert}/live.png",
    "/deployments/{deployment}",
    "/log/{*path}",
    "/metrics",
];

/// A clock that goes on a little with each look.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-01T09:00:00Z".parse().expect("a time");
        start + SignedDuration::from_millis(self.0.fetch_add(7, Ordering::Relaxed))
    }
}

async fn ask(router: &Router, method: &str, path: &str) -> (u16, HeaderMap) {
    let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080");
    let request = request.header("x-request-id", "a client's words").body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    (response.status().as_u16(), response.headers().clone())
}

fn routes(lines: &[Line], status: u16) -> usize {
    let name = if status < 500 { "answered" } else { "failed" };
    lines.iter().filter(|line| line.target == "overt::web" && line.name == name).count()
}

#[tokio::test]
async fn every_word_that_the_screens_tell_is_on_the_list() {
    let told = Told::gather();
    let passes = [Pass { head: 0, frame: 0, y: 50 }, Pass { head: 2, frame: 4, y: 110 }];
    let drawn = Drawn::start(&passes, 24, Pace::AsFastAsConsumed, Arc::new(Ticking(AtomicI64::new(0))));
    assert_eq!(drawn.running.wait().stage, pipeline::Stage::Ended);
    let router = web::router(drawn.screens()).expect("a router");
    let deployment = drawn.screens().deployment;
    let alert = {
        let store = drawn.store.lock().expect("the store");
        store.alerts(&deployment).expect("readable")[0].alert.raised().alert.to_string()
    };
    let of_alert = format!("/control-room/alerts/{alert}");
    let asked = [
        ("GET", "/control-room", 200),
        ("GET", &of_alert, 200),
        ("GET", &format!("{of_alert}/live.png"), 200),
        ("GET", &format!("/deployments/{deployment}"), 200),
        ("GET", "/deployments/Jane-Doe", 404),
        ("GET", "/log/checkpoint", 200),
        ("GET", "/metrics", 200),
        ("GET", "/people/Jane-Doe?name=Jane+Doe", 404),
        ("POST", "/metrics", 405),
        ("JANE", "/control-room", 405),
    ];
    let mut numbers = BTreeSet::new();
    for (method, path, status) in asked {
        let (found, headers) = ask(&router, method, path).await;
        assert_eq!(found, status, "{method} {path}");
        let Some(number) = headers.get("x-request-id") else {
            assert!(!path.starts_with("/control-room"), "{path} has no number");
            continue;
        };
        assert!(path.starts_with("/control-room"), "{path} tells how busy the control room is");
        let number = number.to_str().expect("text").parse::<u64>().expect("a number of ours");
        assert!(numbers.insert(number), "each has its own");
    }
    {
        let mut store = drawn.store.lock().expect("the store");
        let ended = store.deployment(&deployment).expect("readable").expect_ended().expect("ended");
        store.purge(ended, drawn.clock.now()).expect("purged");
    }
    let lines = told.lines();
    let listed = Listed::read(include_str!("../../../docs/reference/metrics.md"));
    assert_eq!(listed.unlisted(&lines, &WORDS), BTreeSet::new());
    assert_eq!(routes(&lines, 200), asked.len());
    let said = |target: &str, name: &str| lines.iter().any(|line| line.target == target && line.name == name);
    assert!(said("overt::stage", "picture") && said("overt::store", "deployment purged"));
    assert!(
        lines.iter().any(|line| line.fields.get("route") == Some(&Value::Text("/control-room/alerts/{alert}".into())))
    );
    let untold = listed.untold(&lines, &["overt::web", "overt::store"]);
    assert_eq!(untold, BTreeSet::from(["overt::web failed".to_owned()]), "nothing failed");
    let all = format!("{lines:?}").to_lowercase();
    for secret in ["jane", "subject", "client's words", &alert.to_lowercase(), "drawn-1"] {
        assert!(!all.contains(secret), "{secret}");
    }
}
