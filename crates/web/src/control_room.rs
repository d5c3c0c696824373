//! The control room: what the run is doing, the alerts that wait for a person, and the two decisions that end it all.

mod alerts;
mod ending;
mod events;
mod pictures;
mod room;
mod routes;
mod snapshot;

pub(crate) use routes::routes;
pub(crate) use snapshot::Snapshot;

/// Where it is.
pub(crate) const PATH: &str = "/control-room";
