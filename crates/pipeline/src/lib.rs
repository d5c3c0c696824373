//! Charter: runs one authorised deployment, with a limit on every queue.
//!
//! This crate opens footage only for a recorded live deployment, asks the store again before each lease ends, and stops
//! when it may not go on. It refuses to keep anything: a face is dropped by [`domain::settle()`] unless the store recorded
//! it as an alert, and what screens see is masked before it leaves this crate. A camera opens only if the record declares
//! its address for that deployment, stays open only while the lease is renewed, and shows nothing outside its zone.
//!
//! Reading order: what may be read, who is in view, which view is worth comparing, the run, what screens see and what
//! a log is told; then enrolment of a watchlist from images or from a file of rows, recovery after a crash, and the residue scan.

pub mod footage;
pub mod track;
pub mod view;
pub mod window;
pub mod examine;
pub mod cadence;
pub mod steadiness;
mod sought;
pub mod run;
pub mod running;
pub mod metrics;
mod trace;
pub mod mask;
pub mod enrol;
pub mod intake;
pub mod recover;
pub mod residue;
pub mod error;

pub use capture::health::State;
pub use enrol::{Enrolled, enrol};
pub use error::PipelineError;
pub use footage::{Footage, LiveCamera, Source};
pub use intake::{Desk, ImageRefusal, Intake, Outcome, RowFault, RowOutcome, intake};
pub use recover::recover;
pub use residue::{Residue, residue};
pub use run::{Exercise, start};
pub use running::{CameraStatus, Frames, RaisedAlert, Running, SharedStore, Stage, Status};

use domain::ModelId;
use face::template::Contract;

/// The name under which a policy states a threshold: it changes whenever the recogniser's scores could.
pub fn model_id(contract: &Contract) -> ModelId {
    let weights = contract.weights_sha256.get(..16).unwrap_or(&contract.weights_sha256);
    ModelId::new(format!("{}/{}/{}", contract.model, weights, contract.alignment))
}
