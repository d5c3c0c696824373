//! Charter: the only door to disk. A decision becomes true here, together with its line on the public record, or not at all.
//!
//! This crate refuses to decide: every rule is `domain`'s, every format of the public record `evidence`'s. It keeps what
//! was decided, in one transaction, and says [`Recorded`] only afterwards. Whatever is about one person is sealed with
//! the deployment's own key before it reaches the disk, and ends with that key.
//!
//! What each column may be shown to is declared in [`disclosure`]; what each key is trusted for, and what somebody who
//! steals it can and cannot do, is said in `docs/reference/store.md`.
//!
//! Reading order: what is promised (`recorded`, `error`), where things lie (`directory`, `database`, `disclosure`), how
//! a decision is recorded (`store`, `log`, `chain`, `batch`, `publishing`), who vouches for it (`vouching`, `witnessing`),
//! what is kept of it (`policy_file`, `policy_explained`, `policies`, `deployments`, `cameras`, `staff`, `key_file`, `sealing`,
//! `rotation`, `watchlist`, `listed`, `suppressions`, `alerts`), what follows alerts (`adjudication`, `own_keys`, `holds`,
//! `receipts`, `complaints`, `seeds`), what passes to and from others (`shares`), how it ends (`purge`), what a copy may
//! hold (`backup`), how it is doubted (`check`), and what a log is told (`trace`).

mod recorded;
mod error;
mod directory;
mod database;
pub mod disclosure;
mod store;
mod log;
mod chain;
mod batch;
mod publishing;
mod vouching;
mod witnessing;
mod policy_file;
mod policy_explained;
mod policies;
mod deployments;
mod cameras;
mod staff;
mod thresholds;
mod keeping_time;
mod key_file;
mod sealing;
mod rotation;
mod watchlist;
mod listed;
mod suppressions;
mod alerts;
mod alert_listings;
mod adjudication;
mod own_keys;
mod holds;
mod receipts;
mod complaints;
mod seeds;
mod shares;
mod purge;
mod backup;
mod check;
mod trace;

#[cfg(test)]
mod faulty;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod disk_faults;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod migrating;
#[cfg(test)]
mod remnants;
#[cfg(test)]
mod scenes;

pub use alerts::{AlertParticulars, AlertRow, Evidence, Opened};
pub use batch::BATCH_DECISIONS_MAX;
pub use cameras::{CAMERA_ADDRESS_BYTES_MAX, NewCamera, address_without_sign_in};
pub use check::Finding;
pub use complaints::{ComplaintAbout, ComplaintWords};
pub use domain::AlertState;
pub use error::StoreError;
pub use key_file::KeyAge;
pub use policy_explained::{
    Contradiction, Explained, Explanation, RiskRow, ScheduleRow, Sentence, SettingLimit, explain,
};
pub use policy_file::{EXERCISE_POLICY, SHIPPED_POLICIES, sha256_hex, shipped_policy};
pub use publishing::Checkpoint;
pub use recorded::Recorded;
pub use shares::AlertExport;
pub use store::Store;
pub use suppressions::Suppressed;
pub use vouching::WitnessRequest;
pub use watchlist::{FlagState, Listed, NewEntry};
pub use witnessing::WitnessFolder;
