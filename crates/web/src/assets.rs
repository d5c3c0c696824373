//! The style sheet, the script and the mark, built into the program: nothing is fetched from anywhere else.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::house::House;

/// Asked for again on every page load, so that a new version shows at once; from this machine that costs nothing.
const KEEP: &str = "no-cache";

/// The routes.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/assets/style.css", get(async || asset("text/css; charset=utf-8", include_str!("../assets/style.css"))))
        .route(
            "/assets/control-room.js",
            get(async || asset("text/javascript; charset=utf-8", include_str!("../assets/control-room.js"))),
        )
        .route("/assets/mark.svg", get(async || asset("image/svg+xml", include_str!("../assets/mark.svg"))))
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, KEEP)], text).into_response()
}
