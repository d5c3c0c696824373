//! Charter: the screens of one deployment, a folder for each audience: control room, public, API.
//!
//! This crate shows what `store` has recorded and `pipeline` is doing, and carries a person's decision to `domain`. It
//! refuses to hold a rule, a threshold or a query of its own, to show a face that is not recorded evidence, to let any
//! machine but this one into the control room, and to need script: every form works without it.
//!
//! Reading order: what routes share (`house`, `door`, `answer`, `page`, `words`, `assets`, `trace`), then the three audiences.

mod house;
mod door;
mod answer;
mod page;
mod words;
mod assets;
mod trace;
mod control_room;
mod public;
mod api;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::Redirect;
use axum::routing::get;
use domain::{Clock, DeploymentId, Officer};
use pipeline::{Running, SharedStore};
use tokio::net::TcpListener;

use crate::house::House;
pub use crate::public::zone_sign;

/// Most bytes of a posted form: the longest field is a reason in words.
pub const FORM_BYTES_MAX: usize = 16 * 1024;

/// What the screens show, and as whom the person at the desk acts.
pub struct Screens {
    /// The record.
    pub store: SharedStore,
    /// The run of the deployment.
    pub running: Arc<Running>,
    /// The deployment that the control room is for.
    pub deployment: DeploymentId,
    /// The member of staff at the desk.
    pub operator: Officer,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why the screens cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address is open to other machines.
    #[error(
        "the control room was to be served on {address}, which other machines can reach; bind it to 127.0.0.1 or ::1"
    )]
    OpenToOthers {
        /// The address found.
        address: SocketAddr,
    },
    /// The machine gave no random bytes.
    #[error(
        "no random bytes for the form token could be had from the machine ({reason}); start again once it has some"
    )]
    NoRandomness {
        /// What was found.
        reason: String,
    },
    /// A sign cannot be written out.
    #[error("drawing the sign of a camera failed; this is a fault of the program: tell its makers which camera it was")]
    Sign,
    /// The network failed.
    #[error("serving the screens failed ({0}); see whether another program uses the port, then start again")]
    Network(#[from] std::io::Error),
}

/// Every route. Reads two constants from the store (where its public files lie, and its public key), so the store must
/// not be locked by the calling thread.
pub fn router(screens: Screens) -> Result<Router, WebError> {
    Ok(routes(House::open(screens)?))
}

/// Serves the screens until `shutdown`; pictures and counters that are still streaming end with it. The listener must be
/// on this machine alone.
pub async fn serve(
    listener: TcpListener,
    screens: Screens,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WebError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(WebError::OpenToOthers { address });
    }
    let house = House::open(screens)?;
    let leaving = house.clone();
    let closing = async move {
        shutdown.await;
        leaving.close();
    };
    axum::serve(listener, routes(house)).with_graceful_shutdown(closing).await?;
    Ok(())
}

fn routes(house: House) -> Router {
    let inside = Router::new()
        .route("/", get(async || Redirect::to(control_room::PATH)))
        .merge(control_room::routes())
        .merge(api::routes())
        .layer(middleware::from_fn(door::only_this_machine));
    Router::new()
        .merge(inside)
        .merge(public::routes())
        .merge(assets::routes())
        .fallback(answer::nothing_here)
        .method_not_allowed_fallback(answer::not_that_way)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn(door::guard_answers))
        .layer(middleware::from_fn(trace::tell))
        .with_state(house)
}
