//! Asks whether hardware that decodes is here, before anything is started that depends on it.

use std::time::Duration;

use crate::clip::{RECORDING_BYTES_MAX, assignment};
use crate::frame::CaptureError;
use crate::isolation::message::{Fault, Output, Pacing};
use crate::isolation::session::{Event, Over, Patiently, Session};
use crate::recording::Limits;

/// How long a driver may take to open its device.
const OPEN_MAX: Duration = Duration::from_secs(20);
/// How long one wait is.
const STEP: Duration = Duration::from_millis(50);
/// What is to be done where hardware is missing.
pub(super) const NEXT: &str = "name hardware that this machine has, or leave it out";

/// Whether the hardware that FFmpeg calls `name` can be used here. A decoder's process is asked, which opens the device and is
/// ended before it reads anything: a driver is no guest of this one. That it decodes what a camera sends, only the camera shows.
pub fn check_hardware(name: &str) -> Result<(), CaptureError> {
    let mut asked = assignment(0, Output::Yuv, Pacing::AsConsumed, 1, &Limits::default());
    asked.hardware = name.to_owned();
    let patience = Patiently { open_max: OPEN_MAX, stall_max: OPEN_MAX, resident_bytes_max: RECORDING_BYTES_MAX };
    let missing = |found: String| CaptureError::Hardware { name: name.to_owned(), found, next: NEXT };
    let mut session =
        Session::start(asked, None, 1, patience).map_err(|error| missing(format!("no process to ask: {error}")))?;
    // Ends at the latest when its patience does.
    loop {
        let event = session.step(STEP);
        // It says what holds it as soon as the device is open.
        if session.confinement.is_some() {
            return Ok(());
        }
        match event {
            Event::Over(Over::Failed { fault: Fault::Hardware, found }) => return Err(missing(found)),
            Event::Over(over) => return Err(missing(format!("its process gave no answer ({over:?})"))),
            Event::Nothing | Event::Frame(..) => {}
        }
    }
}
