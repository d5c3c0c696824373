//! What the public sees: each deployment with its notice, policy, counts and log, and the log's own files to verify.

mod deployment;
mod deployments;
mod facts;
mod log_files;
mod policy;
mod record;
mod routes;
mod sign;
mod table;

pub(crate) use routes::routes;
pub use sign::zone_sign;
