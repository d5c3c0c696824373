//! What other programs on this machine may ask: counts and states, no picture and nothing about any person.

mod monitor;
mod problem;
mod routes;

pub(crate) use problem::Problem;
pub(crate) use routes::routes;

/// Whether the path is one of the API's, so that its faults are answered as documents and not as pages.
pub(crate) fn is_mine(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}
