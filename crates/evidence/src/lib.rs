//! Charter: what the public record says, how it is written down, and how anyone checks it without trusting us.
//!
//! This crate refuses to know disk, network, clock or faces. Bytes come in, proofs and findings go out.
//! Formats are those of C2SP (signed-note, tlog-checkpoint, tlog-tiles), so strangers can verify with tools we did not write.
//!
//! Read in this order: what an entry says (`entry`), its bytes (`line`) and what an outside body signs (`authorisation`);
//! where files lie (`layout`) and are put (`storage`); how the log grows (`log`, `keys`, `checkpoint`); who else vouches for
//! it (`cosignature`, `witness`); how it is doubted (`proof`, `offline`, `verify`, `structure`, `lifecycle`, `steps`,
//! `receipts`, `mandate`, `accounts`).

pub mod entry;
pub mod line;
pub mod authorisation;
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
mod receipts;
mod mandate;
pub mod accounts;
mod error;

#[cfg(test)]
mod samples;

pub use checkpoint::{Checkpoint, CheckpointSigner, CheckpointVerifier, SignedCheckpoint, publish};
pub use cosignature::{Cosigner, Quorum, WitnessKey};
pub use entry::{Counts, DeploymentPlan, ENTRY_BYTES_MAX, Entry, Equipment, Fact, Results};
pub use error::EvidenceError;
pub use keys::KeyPair;
pub use log::Log;
pub use offline::OfflineProof;
pub use storage::{MemoryTiles, TileStorage};
pub use tlog_tiles::Hash;
pub use verify::{FetchError, Published, Verdict, VerifyError, verify, verify_witnessed};
