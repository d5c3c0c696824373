//! The whole router over a whole drawn exercise: what each screen says, who is let in, what is refused, what is never kept.

mod drawn;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use capture::Pace;
use domain::{AlertId, Clock, Judgement, Outcome, Role};
use drawn::{DEPLOYMENT, Drawn, Pass};
use jiff::{SignedDuration, Timestamp};
use tokio_stream::StreamExt;
use tower::ServiceExt;

const HOST: &str = "127.0.0.1:8080";
const BODY_BYTES_MAX: usize = 16 << 20;
const FRAMES: usize = 44;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).expect("text")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in words"))
    }
}

/// An exercise that ran to its end: two listed figures walked past, and two that are not listed.
fn ended() -> (Drawn, Router) {
    let pass = |head, frame| Pass { head, frame, y: 50 + 30 * head as i64 };
    let drawn = Drawn::start(
        &[pass(0, 0), pass(2, 4), pass(1, 8), pass(3, 12)],
        FRAMES,
        Pace::AsFastAsConsumed,
        Ticking::started(),
    );
    assert_eq!(drawn.running.wait().stage, pipeline::Stage::Ended);
    let router = web::router(drawn.screens()).expect("a router");
    (drawn, router)
}

/// One such exercise for all tests that only look: while one of them holds it, the others get the same.
fn looked_at() -> Arc<(Drawn, Router)> {
    static SHARED: Mutex<Weak<(Drawn, Router)>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let exercise = Arc::new(ended());
        *shared = Arc::downgrade(&exercise);
        exercise
    })
}

/// An exercise that is still running, at one frame a second for five minutes.
fn live() -> (Drawn, Router) {
    let drawn = Drawn::start(&[Pass { head: 2, frame: 0, y: 90 }], 300, Pace::RealTime, Ticking::started());
    let router = web::router(drawn.screens()).expect("a router");
    (drawn, router)
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.expect("a body").to_vec();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

async fn fetch(router: &Router, path: &str) -> Answer {
    fetch_with(router, path, &[("host", HOST)]).await
}

async fn fetch_with(router: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    send(router, request.body(Body::empty()).expect("a request")).await
}

async fn page(router: &Router, path: &str) -> String {
    let answer = fetch(router, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.text()
}

async fn submit(router: &Router, path: &str, form: &str) -> Answer {
    submit_with(router, path, form, &[("host", HOST), ("origin", "http://127.0.0.1:8080")]).await
}

async fn submit_with(router: &Router, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(router, request.body(Body::from(form.to_owned())).expect("a request")).await
}

/// The token in the forms of the control room.
async fn token(router: &Router) -> String {
    let room = page(router, "/control-room").await;
    between(&room, "name=\"token\" value=\"", "\"").expect("a form with a token").to_owned()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    rest.find(after).map(|end| &rest[..end])
}

fn alerts(drawn: &Drawn) -> Vec<AlertId> {
    let store = drawn.store.lock().expect("the store");
    let rows = store.alerts(&drawn.screens().deployment).expect("alerts");
    rows.iter().map(|row| row.alert.raised().alert.clone()).collect()
}

#[tokio::test]
async fn every_page_says_exercise_and_is_guarded() {
    let exercise = looked_at();
    let (drawn, router) = &*exercise;
    let alert = format!("/control-room/alerts/{}", alerts(drawn)[0]);
    let deployment = format!("/deployments/{DEPLOYMENT}");
    let faults = ["/nowhere", "/deployments/unheard-of", "/control-room/alerts/x"];
    for path in ["/control-room", &alert, "/deployments", &deployment].into_iter().chain(faults) {
        let answer = fetch(router, path).await;
        let text = answer.text();
        // A fault is about no deployment, so it says of none what it is.
        let says = !faults.contains(&path);
        let banner = "<strong>Exercise</strong> – recorded pictures only; nobody is being scanned";
        assert_eq!(text.contains(banner), says, "{path}");
        assert!(text.contains("<html lang=\"en-GB\">") && text.contains(" – overt</title>"), "{path}");
        assert_eq!(text.contains("– Exercise – overt</title>"), says, "{path}");
        assert_eq!(text.matches("<h1").count(), 1, "{path}");
        assert!(text.contains("class=\"skip\" href=\"#main\"") && text.contains("<main id=\"main\""), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains(" onclick="), "{path}");
        for address in text.split("src=\"").skip(1).chain(text.split("href=\"").skip(1)) {
            assert!(address.starts_with(['/', '#', '?']), "{path}: {}", &address[..40.min(address.len())]);
        }
    }
}

#[tokio::test]
async fn the_control_room_answers_only_to_this_machine() {
    let exercise = looked_at();
    let (drawn, router) = &*exercise;
    let alert = alerts(drawn)[0].clone();
    let live = format!("/control-room/alerts/{alert}/live.png");
    for path in
        ["/", "/control-room", "/control-room/events", "/control-room/alerts", &live, "/api/status", "/api/alerts"]
    {
        for host in ["example.org", "127.0.0.1.example.org:8080", "192.168.0.2:8080", "localhost.:8080"] {
            let answer = fetch_with(router, path, &[("host", host)]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} for {host}");
        }
        assert_eq!(fetch_with(router, path, &[]).await.status, StatusCode::FORBIDDEN, "{path} without a host");
        let embedded = [("host", HOST), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
        assert_eq!(fetch_with(router, path, &embedded).await.status, StatusCode::FORBIDDEN, "{path} embedded");
    }
    for host in ["localhost:8080", "[::1]:8080", HOST] {
        assert_eq!(fetch_with(router, "/control-room", &[("host", host)]).await.status, StatusCode::OK, "{host}");
    }
    let home = fetch(router, "/").await;
    assert_eq!((home.status, home.header("location")), (StatusCode::SEE_OTHER, "/control-room"));
    let elsewhere = [("host", "example.org")];
    assert_eq!(
        fetch_with(router, "/deployments", &elsewhere).await.status,
        StatusCode::OK,
        "public pages are for everybody"
    );
}

#[tokio::test]
async fn a_form_counts_only_with_its_token_from_our_own_page() {
    let (drawn, router) = ended();
    let path = format!("/control-room/alerts/{}/judgement", alerts(&drawn)[0]);
    let token = token(&router).await;
    let whole = format!("token={token}&judgement=same+person");
    let origin = ("origin", "http://127.0.0.1:8080");
    for (form, headers) in [
        ("judgement=same+person", vec![("host", HOST), origin]),
        ("token=&judgement=same+person", vec![("host", HOST), origin]),
        (&whole.replace(&token, &"0".repeat(64)), vec![("host", HOST), origin]),
        (&whole, vec![("host", HOST)]),
        (&whole, vec![("host", HOST), ("origin", "http://example.org")]),
        (&whole, vec![("host", HOST), ("origin", "null")]),
        (&whole, vec![("host", HOST), ("sec-fetch-site", "cross-site")]),
        (&whole, vec![("host", "example.org"), ("origin", "http://example.org")]),
    ] {
        let answer = submit_with(&router, &path, form, &headers).await;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{form} {headers:?}: {}", answer.status);
    }
    let long = format!("{whole}&page={}", "1".repeat(web::FORM_BYTES_MAX));
    assert_eq!(submit(&router, &path, &long).await.status, StatusCode::BAD_REQUEST);
    let room = page(&router, "/control-room").await;
    assert!(room.contains("<strong>2 alerts wait</strong>"), "nothing was judged");
    fetch(&router, &path.replace("/judgement", "/live.png")).await;
    assert_eq!(submit(&router, &path, &whole).await.status, StatusCode::SEE_OTHER);
    assert!(page(&router, "/control-room").await.contains("<strong>1 alert waits</strong>"));
}

#[tokio::test]
async fn a_person_judges_first_and_sees_the_score_afterwards() {
    let (drawn, router) = ended();
    let alert = alerts(&drawn)[1].clone();
    let (own, token) = (format!("/control-room/alerts/{alert}"), token(&router).await);
    let room = page(&router, "/control-room").await;
    assert!(room.contains("<title>(2) Control room – Exercise"));
    assert!(room.contains("It is not an identity"));
    for judgement in Judgement::ALL {
        assert!(room.contains(&format!("name=\"judgement\" value=\"{}\"", judgement.word())));
    }
    let before = page(&router, &own).await;
    assert!(before.contains("shown after your judgement"));
    assert!(!before.contains("alerts begin at"), "the score is hidden");
    let early = submit(&router, &format!("{own}/outcome"), &format!("token={token}&outcome=no+action")).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    let wrong = submit(&router, &format!("{own}/judgement"), &format!("token={token}&judgement=guilty")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);

    let unseen =
        submit(&router, &format!("{own}/judgement"), &format!("token={token}&judgement=not+this+person")).await;
    assert_eq!(unseen.status, StatusCode::CONFLICT, "whoever judges has looked");
    fetch(&router, &format!("{own}/live.png")).await;
    let judged =
        submit(&router, &format!("{own}/judgement"), &format!("token={token}&judgement=not+this+person")).await;
    assert_eq!(
        (judged.status, judged.header("location")),
        (StatusCode::SEE_OTHER, format!("/control-room#alert-{alert}").as_str())
    );
    let twice = submit(&router, &format!("{own}/judgement"), &format!("token={token}&judgement=same+person")).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "the first judgement stands");
    let after = page(&router, &own).await;
    assert!(after.contains("<dd>Not this person") && after.contains("(alerts begin at 0.95; larger is more alike)"));
    for outcome in [Outcome::IdentityConfirmed, Outcome::IdentityRefuted, Outcome::NoAction] {
        assert!(after.contains(&format!("name=\"outcome\" value=\"{}\"", outcome.word())));
    }

    let closed = submit(&router, &format!("{own}/outcome"), &format!("token={token}&outcome=no+action&page=1")).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER);
    let list = page(&router, "/control-room/alerts").await;
    assert!(list.contains("data-waiting=\"1\" data-total=\"2\"") && list.contains("data-state=\"closed\""), "{list}");
}

#[tokio::test]
async fn evidence_is_shown_only_from_the_record_and_never_kept() {
    let exercise = looked_at();
    let (drawn, router) = &*exercise;
    for alert in alerts(drawn) {
        for picture in ["live", "listed"] {
            let answer = fetch(router, &format!("/control-room/alerts/{alert}/{picture}.png")).await;
            assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/png"));
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
            image::load_from_memory(&answer.bytes).expect("a picture");
        }
    }
    let unknown = ["0123456789abcdef", "unheard-of", "..", "%2e%2e%2f", "A", "-"];
    for alert in unknown {
        for part in ["", "/live.png", "/listed.png"] {
            let answer = fetch(router, &format!("/control-room/alerts/{alert}{part}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{alert}{part}");
        }
    }
}

#[tokio::test]
async fn purging_needs_a_tick_and_leaves_only_the_record() {
    let (drawn, router) = ended();
    let (alert, token) = (alerts(&drawn)[0].clone(), token(&router).await);
    let unticked = submit(&router, "/control-room/purge", &format!("token={token}")).await;
    assert_eq!(unticked.status, StatusCode::BAD_REQUEST);
    let purged = submit(&router, "/control-room/purge", &format!("token={token}&understood=yes")).await;
    assert_eq!(purged.status, StatusCode::SEE_OTHER, "{}", purged.text());
    let room = page(&router, "/control-room").await;
    assert!(
        room.contains("Everything sealed is destroyed") && room.contains("<dt>Alerts destroyed</dt><dd>2</dd>"),
        "{room}"
    );
    assert!(!room.contains("Purge now") && room.contains("No alerts."));
    for part in ["", "/live.png", "/listed.png"] {
        let answer = fetch(&router, &format!("/control-room/alerts/{alert}{part}")).await;
        assert!(matches!(answer.status.as_u16(), 404 | 410), "{part}: {}", answer.status);
    }
    let again = submit(&router, "/control-room/purge", &format!("token={token}&understood=yes")).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let text = again.text();
    assert!(
        text.contains("A deployment that is purged cannot be purged.") && text.contains("<strong>The rule:</strong>"),
        "{text}"
    );
}

#[tokio::test]
async fn a_run_is_seen_masked_and_ended_for_a_stated_reason() {
    let (drawn, router) = live();
    let request = Request::get("/control-room/view/0").header("host", HOST).body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "multipart/x-mixed-replace; boundary=overt-picture");
    let mut parts = response.into_body().into_data_stream();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n--overt-picture\r\n") {
        seen.extend_from_slice(&parts.next().await.expect("a part").expect("bytes"));
    }
    let still = fetch(&router, "/control-room/view/0/still.jpg").await;
    assert_eq!(
        (still.status, still.header("content-type"), still.header("cache-control")),
        (StatusCode::OK, "image/jpeg", "no-store")
    );
    for camera in ["1", "-1", "x", "99999999999999999999999"] {
        assert_eq!(fetch(&router, &format!("/control-room/view/{camera}")).await.status, StatusCode::NOT_FOUND);
    }

    let token = token(&router).await;
    let silent = submit(&router, "/control-room/end", &format!("token={token}&reason=+")).await;
    assert_eq!(silent.status, StatusCode::CONFLICT);
    assert!(silent.text().contains("No reason was given; state one."));
    let long = submit(&router, "/control-room/end", &format!("token={token}&reason={}", "x".repeat(301))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    let ended = submit(&router, "/control-room/end", &format!("token={token}&reason=a+drill+%3Cb%3Eis+over")).await;
    assert_eq!((ended.status, ended.header("location")), (StatusCode::SEE_OTHER, "/control-room"));
    drawn.running.wait();
    while parts.next().await.is_some() {}
    assert_eq!(fetch(&router, "/control-room/view/0/still.jpg").await.status, StatusCode::GONE);
    let room = page(&router, "/control-room").await;
    assert!(room.contains("Purge now") && !room.contains("class=\"live-picture\""));
    let public = page(&router, &format!("/deployments/{DEPLOYMENT}")).await;
    assert!(
        public.contains("a drill &#60;b&#62;is over") && !public.contains("<b>is over"),
        "the reason is published, as text"
    );
}

#[tokio::test]
async fn counters_stream_until_the_run_is_over() {
    let exercise = looked_at();
    let (_, router) = &*exercise;
    let request = Request::get("/control-room/events").header("host", HOST).body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    let first = events.next().await.expect("an event").expect("bytes");
    let first = String::from_utf8(first.to_vec()).expect("text");
    assert!(first.starts_with("event: snapshot\ndata: {") && first.contains("\"waiting\":2"), "{first}");
}

#[tokio::test]
async fn the_public_page_tells_what_the_record_tells() {
    let exercise = looked_at();
    let (_, router) = &*exercise;
    let text = page(router, &format!("/deployments/{DEPLOYMENT}")).await;
    let columns = [
        "Deployment",
        "Date",
        "Deployment type",
        "Duration of deployment",
        "Number of cameras",
        "Watchlist number",
        "Threshold settings",
        "Total alerts",
        "Positive alerts",
        "Positive interventions",
        "Incorrect alerts",
        "Incorrect interventions",
        "Arrests or disposals",
        "Faces seen",
        "Incorrect alert rate",
    ];
    let mut rest = text.as_str();
    for column in columns {
        let heading = format!("<th scope=\"row\">{column}</th>");
        let at = rest.find(&heading).unwrap_or_else(|| panic!("{column} in its order"));
        rest = &rest[at + heading.len()..];
    }
    for said in [
        "Nobody is filmed and nobody is scanned.",
        "South Wales Police keeps alerts at most 24 hours.",
        "0.95, in the model&#39;s own units",
        "drawn heads, 2026-03",
        "<td class=\"unknown\">not recorded</td>",
        "1 March 2026",
        "Example Constabulary",
        "Deletion receipt",
        "The reason given: the recordings ran out.",
        "overt verify http://127.0.0.1:8080/log --key 'overt.example/exercise+",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert!(!text.contains("exercise subject 1"), "nobody on the list is named in public");
    let odd = fetch_with(router, &format!("/deployments/{DEPLOYMENT}"), &[("host", "a'b<script>")]).await.text();
    assert!(odd.contains("overt verify http://127.0.0.1/log") && !odd.contains("a'b") && !odd.contains("<script>"));
    let csv = fetch(router, &format!("/deployments/{DEPLOYMENT}/table.csv")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text().starts_with("\"Deployment\",\"Date\","));
    assert!(page(router, "/deployments").await.contains(&format!("href=\"/deployments/{DEPLOYMENT}\"")));
}

#[tokio::test]
async fn a_policy_page_is_made_from_the_file_that_is_in_force() {
    let exercise = looked_at();
    let (drawn, router) = &*exercise;
    let text = drawn.store.lock().expect("the store").policy_text().expect("readable").expect("adopted");
    let policy = store::explain(&text).expect("readable");
    let path = format!("/policies/{}", policy.digest);
    let shown = page(router, &path).await;
    assert!(page(router, &format!("/deployments/{DEPLOYMENT}")).await.contains(&format!("href=\"{path}\"")));
    for said in [
        "The evidence of an alert is kept at most 24 hours, sealed, and then destroyed.",
        "<th scope=\"row\">Faces that matched nobody: picture and template</th><td>everybody who passes</td><td>not kept</td>",
        "<td>at most 24 hours</td>",
        "Somebody is stopped because the software is wrong.",
        "Any profile: 1 second to 31 days.",
        "in force",
    ] {
        assert!(shown.contains(said), "{said}");
    }
    for setting in policy.parts.iter().flat_map(|part| &part.sentences) {
        assert!(shown.contains(&format!("<code>{}</code>", setting.setting)), "{}", setting.setting);
    }

    let changed = text.replacen("[alert_retention]\nvalue = \"24 h\"", "[alert_retention]\nvalue = \"7 h\"", 1);
    let (another, elsewhere) = ended();
    let adopted = {
        let mut store = another.store.lock().expect("the store");
        store.adopt_policy(&changed, &drawn::officer(Role::AuthorisingOfficer), another.clock.now())
    };
    adopted.expect("lawful");
    let digest = store::explain(&changed).expect("readable").digest;
    let shown = page(&elsewhere, &format!("/policies/{digest}")).await;
    assert!(
        shown.contains("The evidence of an alert is kept at most 7 hours")
            && shown.contains("<td>at most 7 hours</td>")
    );
    assert_eq!(fetch(router, &format!("/policies/{digest}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(fetch(router, "/policies/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_log_is_served_whole_and_nothing_beside_it() {
    let exercise = looked_at();
    let (drawn, router) = &*exercise;
    let public = drawn.store.lock().expect("the store").public_dir().to_owned();
    let files = files_below(&public, "");
    assert!(
        files.iter().any(|file| file.starts_with("tile/entries/")) && files.contains(&"checkpoint".to_owned()),
        "{files:?}"
    );
    for file in files {
        let answer = fetch(router, &format!("/log/{file}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        assert_eq!(answer.bytes, std::fs::read(public.join(&file)).expect("a file"), "{file}");
        let keeps = if file == "checkpoint" { "no-cache" } else { answer.header("cache-control") };
        assert_eq!(answer.header("cache-control"), keeps);
    }
    for path in [
        "/log/../overt.db",
        "/log/..%2fovert.db",
        "/log/%2e%2e/overt.db",
        "/log/%2e%2e%2fkeys%2flog.key",
        "/log//etc/passwd",
        "/log/%2fetc%2fpasswd",
        "/log/tile/..%2f..%2f..%2fovert.db",
        "/log/checkpoint%00",
        "/log/notices/..%2f..%2fovert.db",
        "/log/",
        "/log/tile",
        "/log/checkpoints/",
        "/log/checkpoints/999999",
        "/log/tile/0/999",
        "/log/lock",
    ] {
        assert_eq!(fetch(router, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_api_counts_and_shows_nobody() {
    let exercise = looked_at();
    let (_, router) = &*exercise;
    let status = fetch(router, "/api/status").await;
    assert_eq!(status.header("content-type"), "application/json");
    let status: serde_json::Value = serde_json::from_slice(&status.bytes).expect("JSON");
    assert_eq!(status["state"].as_str(), Some("ended"));
    assert_eq!((status["stage"].as_str(), status["alerts"]["waiting"].as_u64()), (Some("ended"), Some(2)));
    let counts = &status["counts"];
    let count = |name: &str| counts[name].as_u64().expect("a count");
    assert_eq!(count("templates_made"), count("templates_destroyed") + count("alerts_kept"));
    assert_eq!((count("faces_seen"), count("frames_captured")), (4, FRAMES as u64));

    let alerts = fetch(router, "/api/alerts").await.text();
    assert!(
        alerts.contains("\"state\":\"raised\"") && !alerts.contains("exercise subject") && !alerts.contains("score"),
        "{alerts}"
    );
    let missing = fetch(router, "/api/nothing").await;
    assert_eq!((missing.status, missing.header("content-type")), (StatusCode::NOT_FOUND, "application/problem+json"));
    let barred = fetch_with(router, "/api/status", &[("host", "example.org")]).await;
    assert_eq!((barred.status, barred.header("content-type")), (StatusCode::FORBIDDEN, "application/problem+json"));
    let request = Request::builder().method(Method::DELETE).uri("/api/alerts").header("host", HOST);
    let refused = send(router, request.body(Body::empty()).expect("a request")).await;
    assert_eq!(
        (refused.status, refused.header("content-type")),
        (StatusCode::METHOD_NOT_ALLOWED, "application/problem+json")
    );
}

#[tokio::test]
async fn a_monitor_reads_numbers_and_nobody() {
    let exercise = looked_at();
    let (_, router) = &*exercise;
    let metrics = fetch(router, "/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    let metrics = metrics.text();
    let value = |name: &str| -> f64 {
        let line =
            metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.trim().parse().expect("a number")
    };
    assert_eq!(value("overt_faces_seen_total"), 4.0);
    let (made, destroyed) = (value("overt_templates_made_total"), value("overt_templates_destroyed_total"));
    assert_eq!(made, destroyed + value("overt_alerts_kept_total"));
    let frames = |fate: &str| format!("overt_camera_frames_total{{camera=\"concourse-1\",fate=\"{fate}\"}}");
    assert_eq!(value(&frames("examined")) + value(&frames("still")) + value(&frames("passed_over")), FRAMES as f64);
    let of_camera = |name: &str| value(&format!("{name}{{camera=\"concourse-1\"}}"));
    assert_eq!(of_camera("overt_alert_latency_seconds_count"), 2.0);
    assert_eq!(of_camera("overt_camera_faces_seen_total"), 4.0);
    assert_eq!(
        (of_camera("overt_camera_templates_made_total"), of_camera("overt_camera_alerts_kept_total")),
        (made, 2.0)
    );
    assert!(metrics.ends_with("# EOF\n") && !metrics.contains("exercise subject"));

    assert_eq!(fetch(router, "/healthz").await.text(), "alive\n");
    let ready = fetch(router, "/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.text(), "not ready: the deployment has ended\n");
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(fetch_with(router, path, &[("host", "example.org")]).await.status, StatusCode::FORBIDDEN);
    }
}

/// A clock that goes on a little with each look.
struct Ticking(AtomicI64);

impl Ticking {
    fn started() -> Arc<dyn Clock> {
        Arc::new(Self(AtomicI64::new(0)))
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-01T09:00:00Z".parse().expect("a time");
        start + SignedDuration::from_millis(self.0.fetch_add(7, Ordering::Relaxed))
    }
}

/// The paths of all files below a folder.
fn files_below(folder: &std::path::Path, prefix: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path(), &format!("{path}/")));
        } else {
            files.push(path);
        }
    }
    files
}
