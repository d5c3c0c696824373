//! Every address of the control room, each with its one verb.

use axum::Router;
use axum::routing::{get, post};

use super::{alerts, ending, events, pictures, room};
use crate::house::House;

/// The routes.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/control-room", get(room::page))
        .route("/control-room/events", get(events::stream))
        .route("/control-room/view/{camera}", get(pictures::view))
        .route("/control-room/view/{camera}/still.jpg", get(pictures::still))
        .route("/control-room/alerts", get(alerts::list))
        .route("/control-room/alerts/{alert}", get(alerts::page))
        .route("/control-room/alerts/{alert}/live.png", get(pictures::live))
        .route("/control-room/alerts/{alert}/listed.png", get(pictures::listed))
        .route("/control-room/alerts/{alert}/judgement", post(alerts::judge))
        .route("/control-room/alerts/{alert}/outcome", post(alerts::record_outcome))
        .route("/control-room/end", post(ending::end))
        .route("/control-room/purge", post(ending::purge))
}
