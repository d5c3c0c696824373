//! Every public address. None of them changes anything, and none needs to know who asks.

use axum::Router;
use axum::routing::get;

use super::{deployment, deployments, log_files, policy, sign};
use crate::house::House;

/// The routes.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/deployments", get(deployments::page))
        .route("/deployments/{deployment}", get(deployment::page))
        .route("/deployments/{deployment}/table.csv", get(deployment::csv))
        .route("/deployments/{deployment}/zones/{file}", get(sign::picture))
        .route("/policies/{digest}", get(policy::page))
        .route("/log/{*path}", get(log_files::file))
}
