//! The store: one data directory, opened by one process, and the door through which a decision becomes true.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use domain::{AlertStep, ComplaintStep, Decided, Declaration, Happening};
use evidence::{CheckpointSigner, CheckpointVerifier, KeyPair, Log};
use rusqlite::{Connection, OptionalExtension as _};
use zeroize::Zeroizing;

use crate::chain::VouchingKey;
use crate::database;
use crate::directory::{self, DATABASE, DATABASE_UNFINISHED, DataDirectory};
use crate::error::{Doing as _, DoingWith as _, StoreError};
use crate::log::Remembered;
use crate::publishing;
use crate::recorded::Recorded;

/// The only door to disk. One per data directory; it can move between threads, and one thread uses it at a time.
///
/// Take `now` while holding the store: of two decisions, the one recorded later may not be dated earlier.
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) directory: DataDirectory,
    pub(crate) signer: CheckpointSigner,
    pub(crate) verifying_key: String,
    /// What vouches for events that are on no public record.
    pub(crate) vouching: VouchingKey,
    /// The public log as far as its tiles are written.
    pub(crate) published: Log,
    pub(crate) remembered: RefCell<Option<Remembered>>,
}

impl Store {
    /// Makes a store in an empty folder (made if missing), with a fresh signing key for the log of this name, which is
    /// a URL without scheme by custom, such as `overt.example/exercise`.
    pub fn create(dir: &Path, log_name: &str) -> Result<Self, StoreError> {
        let directory = DataDirectory::make(dir)?;
        if dir.join(DATABASE).exists() {
            return Err(StoreError::ExistsAlready { directory: dir.to_owned() });
        }
        let unfinished = dir.join(DATABASE_UNFINISHED);
        clear_unfinished(&directory, &unfinished)?;
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(StoreError::Randomness)?;
        let keys = KeyPair::from_seed(log_name, *seed)?;
        let connection = database::open(&unfinished)?;
        connection
            .execute("INSERT INTO settings (name, value) VALUES ('origin', ?1)", [log_name])
            .doing("naming the log")?;
        connection.close().map_err(|(_, error)| error).doing("closing the new database")?;
        let key_path = log_key_path(&directory);
        directory::write_new_private(&key_path, keys.signing.as_bytes()).doing_with("writing the key", &key_path)?;
        directory.write_public("key", format!("{}\n", keys.verifying).as_bytes())?;
        let path = dir.join(DATABASE);
        directory::rename(&unfinished, &path).doing_with("naming the new database", &path)?;
        Self::open_in(directory)
    }

    /// Opens the store in a folder, finishing what a crash left half destroyed.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_in(DataDirectory::open(dir)?)
    }

    /// Records a decision: on return its event, and its entry on the public record if it has one, survive a power cut.
    /// On an error nothing is recorded and the decision is dropped. Decisions that go together with other changes have
    /// their own methods.
    pub fn commit<T>(&mut self, decided: Decided<T>) -> Result<Recorded<T>, StoreError> {
        use Happening as H;
        let instead = match &decided.event().happening {
            H::PolicyAdopted { .. } => "adopt_policy",
            H::NoticePublished { .. } => "publish_notice",
            H::WatchlistEntryAdded { .. } => "list",
            H::WatchlistFrozen { .. } => "freeze_watchlist",
            H::WatchlistEntryRemoved { .. } => "unlist",
            H::HigherApprovalGiven { .. } => "approve_listing",
            H::LikenessAcknowledged { .. } => "acknowledge",
            H::WatchlistDestroyed { .. } => "destroy_watchlist",
            H::SuppressionEntered { .. } => "suppress",
            H::SuppressionErased { .. } => "erase_suppression",
            H::ListedAsked { .. } => "was_listed",
            H::CommitmentsDestroyed { .. } => "purge_due",
            H::Ended { deployment, .. } => {
                let deployment = deployment.clone();
                return self.record_end(decided, &deployment);
            }
            H::AlertRaised { .. } => "raise_alert",
            H::AlertViewed { .. } => "view_evidence",
            H::Purged { .. } => "purge",
            H::KeyRotated { .. } => "rotate_key",
            H::Declared(Declaration::Camera { .. }) => "declare_camera",
            H::AlertStep(step) => match own_door(step) {
                Some(door) => door,
                None => return self.record(decided, |_, _| Ok(())),
            },
            H::ComplaintStep(step) => match step {
                ComplaintStep::Received { .. } => "receive_complaint",
                ComplaintStep::Answered { .. } => "answer_complaint",
                ComplaintStep::Forgotten { .. } => "purge_due",
            },
            H::StaffChanged { .. } => "enrol",
            H::OperationOpened { operation, .. } => {
                let operation = operation.clone();
                return self.record_operation(decided, &operation);
            }
            H::Proposed { plan } => {
                let operation = plan.operation.clone();
                self.expect_operation(&operation)?;
                return self.record(decided, |_, _| Ok(()));
            }
            H::Withdrawn { deployment, .. } => {
                let deployment = deployment.clone();
                return self.record_withdrawal(decided, &deployment);
            }
            H::Approved { .. }
            | H::ApprovedUrgently { .. }
            | H::Ratified { .. }
            | H::OutsideAuthorised { .. }
            | H::DocumentFilled { .. }
            | H::Tripped { .. }
            | H::TripCleared { .. }
            | H::ResultsPublished { .. }
            | H::StaffCounted { .. }
            | H::ThresholdProposed { .. }
            | H::ThresholdSet { .. }
            | H::SignageConfirmed { .. }
            | H::Declared(Declaration::Recording { .. })
            | H::Started { .. }
            | H::Paused { .. }
            | H::Resumed { .. }
            | H::AlertAdjudicated { .. }
            | H::OutcomeRecorded { .. }
            | H::ShareStep(_)
            | H::MinuteCounted { .. }
            | H::AlertsSuppressed { .. } => return self.record(decided, |_, _| Ok(())),
        };
        let kind = crate::log::kind_word(&decided.event().happening);
        Err(StoreError::OtherDoor { kind, instead })
    }

    /// What anyone may be served: the public log, the notices, the policy profiles and the verifying key.
    pub fn public_dir(&self) -> &Path {
        self.directory.public()
    }

    /// The key that verifies the log's checkpoints, as text; also in `public/key`.
    pub fn verifying_key(&self) -> &str {
        &self.verifying_key
    }

    fn open_in(directory: DataDirectory) -> Result<Self, StoreError> {
        let connection = database::open(&directory.root().join(DATABASE))?;
        let keys = read_log_key(&directory, &connection)?;
        let signer = CheckpointSigner::new(&keys.signing)?;
        let verifier = CheckpointVerifier::new(&keys.verifying)?;
        let published = publishing::resume(&directory.tiles(), &verifier, &connection)?;
        let mut store = Self {
            connection,
            directory,
            signer,
            vouching: VouchingKey::derived_from(&keys.signing),
            verifying_key: keys.verifying,
            published,
            remembered: RefCell::default(),
        };
        store.finish_publication()?;
        store.restore_public_files()?;
        store.finish_interrupted()?;
        store.settle_keys()?;
        Ok(store)
    }
}

/// The method that records a step of an alert together with what else it changes; nothing where it changes the record alone.
fn own_door(step: &AlertStep) -> Option<&'static str> {
    match step {
        AlertStep::Reclassified { .. } | AlertStep::HoldReleased { .. } => None,
        AlertStep::JudgedOnce { .. } | AlertStep::JudgedTwice { .. } | AlertStep::SeedJudged { .. } => Some("judge"),
        AlertStep::Engaged { .. } => Some("engage"),
        AlertStep::Held { .. } => Some("hold"),
        AlertStep::HeldEvidenceDestroyed { .. } => Some("purge_due"),
        AlertStep::Exported { .. } => Some("export_alert"),
        AlertStep::SeedsFixed { .. } => Some("seed_exercise"),
        AlertStep::SeedShown { .. } => Some("show_seed"),
        AlertStep::SeedsRevealed { .. } => Some("reveal_seeds"),
    }
}

/// Removes what a creation that was cut short left; refuses a folder that holds part of an older store.
fn clear_unfinished(directory: &DataDirectory, unfinished: &Path) -> Result<(), StoreError> {
    let key_path = log_key_path(directory);
    if !unfinished.exists() {
        if key_path.exists() || directory.public().join("checkpoint").exists() {
            let found = "it holds a log key or a published log, but no database".to_owned();
            return Err(StoreError::Damaged { what: directory.root().display().to_string(), found });
        }
        return Ok(());
    }
    directory::destroy(&key_path).doing_with("removing the unfinished key", &key_path)?;
    for ending in ["-wal", "-shm", ""] {
        let path = directory.root().join(format!("{DATABASE_UNFINISHED}{ending}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).doing_with("removing the unfinished database", &path);
            }
            _ => {}
        }
    }
    Ok(())
}

fn log_key_path(directory: &DataDirectory) -> std::path::PathBuf {
    directory.keys().join("log.key")
}

/// The log's keys, if they are of the log that the database belongs to.
fn read_log_key(directory: &DataDirectory, connection: &Connection) -> Result<KeyPair, StoreError> {
    let path = log_key_path(directory);
    let origin: Option<String> = connection
        .query_row("SELECT value FROM settings WHERE name = 'origin'", [], |row| row.get(0))
        .optional()
        .doing("reading the log's name")?;
    let text = directory::read_if_there(&path).doing_with("reading the key", &path)?;
    let text = Zeroizing::new(text.ok_or_else(|| StoreError::KeyMissing { path: path.clone() })?);
    let keys = std::str::from_utf8(&text).ok().and_then(|text| KeyPair::from_signing_text(text.trim_end()).ok());
    match (keys, origin) {
        (Some(keys), Some(origin)) if keys.verifying.starts_with(&format!("{origin}+")) => Ok(keys),
        (_, None) => Err(StoreError::Damaged { what: "the database".into(), found: "it names no log".into() }),
        _ => Err(StoreError::KeyWrong { path }),
    }
}

#[cfg(test)]
mod tests {
    use domain::{Refusal, Role};
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::{Folder, LISTED_IMAGE, LIVE_IMAGE, Scene, officer};

    fn whole_life(mut scene: Scene) {
        scene.operation();
        let alert = scene.ended("kx-1");
        let now = scene.tick();
        scene.store().publish(now).unwrap();
        scene.adjudicate(&alert);
        scene.close_alert(&alert);
        scene.purged();
        let now = scene.tick();
        let checkpoint = scene.store().publish(now).unwrap();
        assert_eq!(scene.store().check().unwrap(), vec![]);
        let entries = scene.store().entries(None).unwrap();
        assert_eq!(checkpoint.size, entries.len() as u64);
        assert_eq!(entries.last().unwrap().0, checkpoint.size - 1);
        let key = fs::read_to_string(scene.dir().join("public/key")).unwrap();
        assert_eq!(key.trim_end(), scene.store().verifying_key());
        let verdict = evidence::verify(&Folder(scene.dir().join("public")), &key).unwrap();
        assert_eq!((verdict.entries, verdict.root), (checkpoint.size, checkpoint.root));
        let record = verdict.record.unwrap();
        assert_eq!((record.deployments, record.deployments_purged, record.alerts), (1, 1, 1));
    }

    #[test]
    fn a_whole_life_is_recorded_and_an_outsider_finds_it_in_order() {
        whole_life(Scene::new());
    }

    #[test]
    fn a_whole_life_is_the_same_with_a_restart_after_each_step() {
        whole_life(Scene::with_restarts());
    }

    #[test]
    fn a_second_opening_is_refused_until_the_first_is_closed() {
        let mut scene = Scene::new();
        assert!(matches!(Store::open(&scene.dir()), Err(StoreError::Locked { .. })));
        assert!(matches!(Store::create(&scene.dir(), "x"), Err(StoreError::Locked { .. })));
        scene.close();
        assert!(matches!(Store::create(&scene.dir(), "x"), Err(StoreError::ExistsAlready { .. })));
        scene.reopen();
        let none = scene.dir().join("none");
        assert!(matches!(Store::open(&none), Err(StoreError::NotAStore { .. })));
        assert!(!none.exists());
    }

    #[test]
    fn nothing_plain_of_a_person_reaches_any_file() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let alert = scene.alert();
        let now = scene.tick();
        let opened = scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
        assert_eq!(opened.live_png.as_slice(), LIVE_IMAGE);
        let template = crate::sealing::template_bytes(&crate::scenes::template(1));
        for plain in [LISTED_IMAGE, LIVE_IMAGE, &template[..32], crate::scenes::LABEL.as_bytes()] {
            assert_eq!(crate::scenes::files_holding(&scene.dir(), plain), 0);
        }
        assert!(crate::scenes::files_holding(&scene.dir(), alert.as_str().as_bytes()) > 0, "the search finds");
    }

    #[test]
    fn what_does_not_follow_from_the_record_is_refused() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let now = scene.tick();
        let (one, two) = (scene.deployment(), scene.deployment());
        let paused = one.expect_live().unwrap().into_inner().pause(&officer(Role::Operator), "rain", now).unwrap();
        scene.store().commit(paused).unwrap();
        let again = two.expect_live().unwrap().into_inner().pause(&officer(Role::Operator), "rain", now).unwrap();
        assert!(matches!(scene.store().commit(again), Err(StoreError::Outdated { .. })));
    }

    #[test]
    fn the_record_never_goes_back_in_time() {
        let mut scene = Scene::new();
        scene.policy();
        let before = scene.store().entries(None).unwrap();
        let now = scene.pass(SignedDuration::from_nanos(-1));
        let error = scene.store().adopt_policy(crate::EXERCISE_POLICY, &officer(Role::AuthorisingOfficer), now);
        assert!(matches!(error, Err(StoreError::Refusal(Refusal::ClockWentBack { .. }))));
        assert_eq!(scene.store().entries(None).unwrap(), before);
        let now = scene.pass(SignedDuration::from_nanos(1));
        scene.store().adopt_policy(crate::EXERCISE_POLICY, &officer(Role::AuthorisingOfficer), now).unwrap();
    }
}
