//! Faults of the world: a full disk, a folder that cannot be written, a process that is killed. Tests only.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use domain::Role;

use crate::scenes::{Scene, officer};
use crate::{EXERCISE_POLICY, Store, StoreError};

/// Set in a process that a test starts of itself: the data directory to work on.
const CHILD: &str = "OVERT_STORE_TEST_DIRECTORY";

#[test]
fn a_full_database_records_nothing_and_says_so() {
    let mut scene = Scene::new();
    scene.operation();
    scene.live("kx-1");
    let (d, before) = (scene.d(), scene.store().entries(None).unwrap());
    let pages: i64 = scene.store().connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    scene.store().connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let live = scene.deployment().expect_live().unwrap();
    let full = loop {
        let (pending, now) = (scene.candidate(), scene.tick());
        match scene.store().raise_alert(pending, &live, "c1", |()| crate::scenes::evidence(), now) {
            Ok(_) => continue,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StoreError::DiskFull { .. }), "{full}");
    assert!(full.to_string().contains("free some space"), "{full}");
    let entries = scene.store().entries(None).unwrap();
    let alerts = scene.store().alerts(&d).unwrap();
    assert_eq!(entries.len(), before.len() + alerts.len());
    scene.store().connection.pragma_update_and_check(None, "max_page_count", 1 << 20, |_| Ok(())).unwrap();
    scene.alert();
    assert_eq!(scene.store().check().unwrap(), vec![]);
    scene.reopen();
    assert_eq!(scene.store().entries(None).unwrap().len(), entries.len() + 1);
}

/// The child of the two tests below: adopts policies until it fails or is killed, and tells of each that is recorded.
#[test]
fn child_records_until_it_cannot() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let mut store = Store::open(dir.as_ref()).unwrap();
    let mut now = store.last_recorded().unwrap().unwrap();
    for number in 0..100_000 {
        now += jiff::SignedDuration::from_secs(1);
        let text = format!("{EXERCISE_POLICY}# {number}\n");
        match store.adopt_policy(&text, &officer(Role::AuthorisingOfficer), now) {
            Ok(recorded) => println!("recorded {}", recorded.digest),
            Err(error) => {
                println!("failed {error}");
                return;
            }
        }
    }
}

fn child(scene: &mut Scene, before: &str) -> Command {
    scene.policy();
    scene.close();
    let mut command = Command::new("sh");
    let exe = std::env::current_exe().unwrap();
    command.arg("-c").arg(format!("{before} exec \"$0\" --exact --nocapture faults::child_records_until_it_cannot"));
    command.arg(exe).env(CHILD, scene.dir()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// The digests told by a line of the child, if it tells of one recorded.
fn told(line: &str) -> Option<String> {
    line.split_once("recorded ").map(|(_, digest)| digest.trim().to_owned())
}

fn assert_all_recorded(scene: &mut Scene, told: &[String]) {
    scene.reopen();
    let entries = scene.store().entries(None).unwrap();
    let recorded: Vec<_> = entries
        .iter()
        .filter_map(|(_, entry)| match &entry.fact {
            evidence::Fact::PolicyAdopted { digest, .. } => Some(digest.clone()),
            _ => None,
        })
        .skip(1)
        .collect();
    assert!(recorded.starts_with(told), "{} told, {} recorded", told.len(), recorded.len());
    assert!(recorded.len() <= told.len() + 1, "at most the one in flight was recorded and not told of");
    assert_eq!(scene.store().check().unwrap(), vec![]);
}

#[test]
fn what_was_told_recorded_survives_being_killed() {
    let mut scene = Scene::new();
    let mut child = child(&mut scene, "").spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told: Vec<_> = lines.filter_map(|line| told(&line.unwrap())).take(25).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(told.len(), 25);
    // The child may have recorded more before the signal reached it; those follow the told ones.
    scene.reopen();
    let entries = scene.store().entries(None).unwrap().len();
    assert!(entries > told.len());
    assert_eq!(scene.store().check().unwrap(), vec![]);
}

#[test]
fn a_disk_that_takes_no_more_bytes_records_nothing_more_and_says_so() {
    let mut scene = Scene::new();
    // Files of at most 200 KiB, told by an error instead of a signal.
    let output = child(&mut scene, "trap '' XFSZ; ulimit -f 400;").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told: Vec<_> = text.lines().filter_map(told).collect();
    assert!(text.contains("failed ") && !told.is_empty(), "{text}");
    assert!(text.contains("free space") || text.contains("free some space"), "{text}");
    assert_all_recorded(&mut scene, &told);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    for place in [file.join("data"), "/proc/overt-store".into()] {
        let error = Store::create(&place, "overt.example/exercise").err().unwrap();
        let text = error.to_string();
        assert!(matches!(error, StoreError::Disk { .. }) && text.contains(&*place.to_string_lossy()), "{text}");
    }
}

#[test]
fn a_creation_cut_short_is_begun_anew() {
    let mut scene = Scene::new();
    scene.close();
    let (database, unfinished) = (scene.dir().join("overt.db"), scene.dir().join("overt.db-unfinished"));
    let key = fs::read_to_string(scene.dir().join("public/key")).unwrap();
    fs::rename(&database, &unfinished).unwrap();
    assert!(matches!(Store::open(&scene.dir()), Err(StoreError::NotAStore { .. })));
    let again = Store::create(&scene.dir(), "overt.example/exercise").unwrap();
    assert_ne!(again.verifying_key(), key.trim_end());
    assert!(!unfinished.exists());
    drop(again);
    fs::remove_file(&database).unwrap();
    let error = Store::create(&scene.dir(), "overt.example/exercise").err().unwrap();
    assert!(matches!(error, StoreError::Damaged { .. }), "a key without its database is no empty folder");
}

#[test]
fn an_older_copy_of_the_database_is_refused() {
    let mut scene = Scene::new();
    scene.operation();
    let now = scene.tick();
    scene.store().publish(now).unwrap();
    scene.close();
    let copy = scene.dir().join("copy");
    fs::copy(scene.dir().join("overt.db"), &copy).unwrap();
    scene.reopen();
    scene.propose("kx-1");
    let now = scene.tick();
    scene.store().publish(now).unwrap();
    scene.close();
    fs::rename(&copy, scene.dir().join("overt.db")).unwrap();
    let error = Store::open(&scene.dir()).err().unwrap().to_string();
    assert!(error.contains("it is an older copy"), "{error}");
}

#[test]
fn the_log_key_is_missed_and_another_is_refused() {
    let mut scene = Scene::new();
    scene.close();
    let path = scene.dir().join("keys/log.key");
    let other = evidence::KeyPair::from_seed("overt.example/other", [1; 32]).unwrap();
    fs::write(&path, other.signing).unwrap();
    assert!(matches!(Store::open(&scene.dir()), Err(StoreError::KeyWrong { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(Store::open(&scene.dir()), Err(StoreError::KeyMissing { .. })));
}

#[test]
fn a_person_reads_only_what_is_theirs_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut scene = Scene::new();
    scene.operation();
    scene.live("kx-1");
    let now = scene.tick();
    scene.store().publish(now).unwrap();
    let mode = |path: &str| fs::metadata(scene.dir().join(path)).unwrap().permissions().mode() & 0o777;
    for private in ["overt.db", "overt.db-wal", "keys/log.key", "keys/deployment-kx-1.key", "lock"] {
        assert_eq!(mode(private), 0o600, "{private}");
    }
    assert_eq!(mode("keys"), 0o700);
    for public in ["public/key", "public/checkpoint", "public/notices/kx-1.txt"] {
        assert_eq!(mode(public) & 0o044, 0o044, "{public}");
    }
}
