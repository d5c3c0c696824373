//! Everything the screens tell a log, in one place: of each request its method, its route as it is written in the program, the
//! status and the time. Never the address that was asked for, which names an alert, nor anything that was sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::header::{HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument as _, debug, debug_span, warn};

const WEB: &str = "overt::web";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Requests since this process began: their numbers are ours, so that nobody can write into a log by sending one.
static REQUESTS: AtomicU64 = AtomicU64::new(1);

/// Tells of a request once its answer begins, and numbers that answer in the control room: on the public pages the number would tell how
/// busy the control room is.
#[allow(clippy::disallowed_methods, reason = "how long an answer takes is measured, and decides nothing")]
pub(crate) async fn tell(request: Request, next: Next) -> Response {
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let (method, route) = (method_word(request.method()), route(&request));
    let span = debug_span!(target: WEB, "request", request = number, method, route = &*route);
    let from = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let milliseconds = u64::try_from(from.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = response.status();
    span.in_scope(|| tell_answer(number, method, &route, status, milliseconds));
    if route.starts_with(crate::control_room::PATH) {
        response.headers_mut().insert(REQUEST_ID, HeaderValue::from(number));
    }
    response
}

fn tell_answer(request: u64, method: &str, route: &str, status: StatusCode, milliseconds: u64) {
    let code = status.as_u16();
    if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        warn!(target: WEB, request, method, route, status = code, milliseconds, "failed");
    } else {
        debug!(target: WEB, request, method, route, status = code, milliseconds, "answered");
    }
}

/// The route as the program has it, such as `/control-room/alerts/{alert}`; `none` where there is none.
fn route(request: &Request) -> String {
    request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned()
}

/// A method of HTTP by its name; whatever else was sent as `other`.
fn method_word(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}
