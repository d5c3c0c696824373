//! Every address of the API, each with its one verb.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use store::{AlertRow, AlertState};

use super::{Problem, monitor};
use crate::control_room::Snapshot;
use crate::house::House;

/// The routes.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/api/status", get(status)).route("/api/alerts", get(alerts)).merge(monitor::routes())
}

/// An alert as the public record tells it: without picture, score, label or ground.
#[derive(Serialize)]
struct AlertDocument {
    alert: String,
    camera: String,
    raised: String,
    expires: String,
    state: &'static str,
    judgement: Option<&'static str>,
    seconds_to_decide: Option<u64>,
    outcome: Option<&'static str>,
}

/// `GET /api/status`
async fn status(State(house): State<House>) -> Result<Json<Snapshot>, Problem> {
    Ok(Json(Snapshot::take(&house).await?))
}

/// `GET /api/alerts`, newest first
async fn alerts(State(house): State<House>) -> Result<Json<Vec<AlertDocument>>, Problem> {
    let deployment = house.deployment().clone();
    let rows = house.ask_store(move |store| Ok(store.alerts(&deployment)?)).await?;
    Ok(Json(rows.into_iter().map(AlertDocument::new).collect()))
}

impl AlertDocument {
    fn new(row: AlertRow) -> Self {
        let judgement = row.alert.adjudicated().map(|judged| judged.judgement);
        let outcome = match &row.alert {
            AlertState::Closed(closed) => Some(closed.outcome),
            _ => None,
        };
        let (raised, state) = (row.alert.raised(), row.alert.state());
        Self {
            alert: raised.alert.to_string(),
            raised: raised.raised.to_string(),
            expires: raised.expires.to_string(),
            state,
            judgement: judgement.map(domain::Judgement::word),
            seconds_to_decide: row.seconds_to_decide,
            outcome: outcome.map(domain::Outcome::word),
            camera: row.camera,
        }
    }
}
