//! What a monitoring system asks: the metrics, whether the process answers, whether it does its work.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use pipeline::Stage;

use crate::house::House;

/// Media type of OpenMetrics text, version 1.0.0.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes. They are for this machine, as the control room is: a collector on it carries them on.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

/// `GET /metrics`
async fn metrics(State(house): State<House>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], house.running().metrics())
}

/// `GET /healthz`: whoever answers is alive.
async fn healthz() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: whether frames are compared now, and why not.
async fn readyz(State(house): State<House>) -> (StatusCode, String) {
    let status = house.running().status();
    let because = match status.stage {
        Stage::Running => {
            let ailing = status.cameras.iter().find_map(|camera| camera.not_streaming());
            let Some(because) = ailing else { return (StatusCode::OK, "ready\n".into()) };
            because
        }
        Stage::Paused(because) => format!("paused: {because}"),
        Stage::Ended => "the deployment has ended".into(),
        Stage::Stopped(because) => format!("stopped: {because}"),
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {because}\n"))
}
