//! Charter: what the public record says, how it is written down, and how anyone checks it without trusting us.
//!
//! This crate refuses to know disk, network, clock or faces. Bytes come in, proofs and findings go out.
//! Formats are those of C2SP (signed-note, tlog-checkpoint, tlog-tiles), so strangers can verify with tools we did not write.
//!
//! Read in this order: what an entry says (`entry`, `terms`, `zone`), its bytes (`line`), what an outside body signs (`authorisation`) and
//! the commitments that are opened later (`commitment`); where files lie (`layout`) and are put (`storage`); how the log
//! grows (`log`, `keys`, `checkpoint`); who else vouches for it (`cosignature`, `witness`); how it is doubted (`proof`,
//! `offline`, `verify`, `structure`, `lifecycle`, `steps`, `sources`, `alert_steps`, `undertakings`, `receipts`, `thresholds`, `mandate`,
//! `accounts`).

pub mod entry;
mod terms;
pub mod zone;
pub mod line;
pub mod authorisation;
pub mod commitment;
pub mod layout;
pub mod storage;
mod edge;
pub mod log;
mod keys;
pub mod checkpoint;
pub mod cosignature;
pub mod witness;
pub mod proof;
pub mod offline;
pub mod verify;
mod structure;
pub mod lifecycle;
mod steps;
mod sources;
mod alert_steps;
mod undertakings;
mod receipts;
pub mod thresholds;
mod mandate;
pub mod accounts;
mod error;

#[cfg(test)]
mod samples;

pub use checkpoint::{Checkpoint, CheckpointSigner, CheckpointVerifier, SignedCheckpoint, publish};
pub use cosignature::{Cosigner, Quorum, WitnessKey};
pub use entry::{Counts, ENTRY_BYTES_MAX, Entry, Fact, SUPPRESSED_STEP};
pub use error::EvidenceError;
pub use keys::KeyPair;
pub use log::Log;
pub use offline::OfflineProof;
pub use storage::{MemoryTiles, TileStorage};
pub use terms::{CAMERAS_MAX, CameraDeclaration, DeploymentPlan, Equipment, Results, SeedFigures, ShareTerms};
pub use thresholds::{ThresholdChange, Thresholds};
pub use tlog_tiles::Hash;
pub use verify::{FetchError, Published, Verdict, VerifyError, verify, verify_witnessed};
pub use zone::{Corner, Zone, ZoneError};
