//! A process that lives whole lives of deployments is killed with SIGKILL at a seeded moment; what it had said was recorded
//! is there, what was destroyed is gone, and life goes on. Tests only.
//!
//! Each point is one process: this test binary, run again. Three of four die at a change of the disk chosen by number,
//! before it, after it, or halfway through a write; the fourth is killed from outside while it tells what it recorded.
//! 100 points by default; `cargo xtask kill --points 1000` does more, and `--seed` repeats others.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::{AlertId, Deployment, Role};
use jiff::SignedDuration;

use crate::AlertState;
use crate::disclosure::{COLUMNS, Storage};
use crate::faulty::{self, Way};
use crate::scenes::{
    Folder, LISTED_IMAGE, LIVE_IMAGE, Scene, files_holding, folder_in_memory, holding, leaf_hashes, officer,
    sealed_bytes, template,
};

/// Points of one run of the tests; `OVERT_KILL_POINTS` sets another number.
const POINTS: u64 = 100;
/// Tells a process that a test starts of itself where to live, by which seed, and when to die.
const CHILD: [&str; 4] = ["OVERT_KILL_DIRECTORY", "OVERT_KILL_LIFE", "OVERT_KILL_CHANGE", "OVERT_KILL_WAY"];
/// About how many entries a life has, for choosing when to kill one from outside.
const ENTRIES_OF_A_LIFE: u64 = 70;
/// Longest pause of the killer between hearing of an entry and killing, in turns of an empty loop: some milliseconds.
const TURNS_MAX: u64 = 2_000_000;

/// Numbers that look random and are the same for the same seed: SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}

/// The process that is killed. As a test of its own, without a directory, it does nothing.
#[test]
fn child_lives_until_it_is_killed() {
    let [Some(dir), life, change, way] = CHILD.map(std::env::var_os) else { return };
    let number = |text: Option<std::ffi::OsString>| text?.to_str()?.parse::<u64>().ok();
    let mut dice = Dice(number(life).unwrap());
    faulty::install();
    let mut lives = || live_three_lives(Path::new(&dir), &mut dice);
    let way = [Way::KilledBefore, Way::KilledHalfway, Way::KilledAfter][number(way).unwrap_or(0) as usize];
    let ((), changes) = faulty::counted(|| match number(change) {
        Some(change) => faulty::with_fault(change, way, lives),
        None => lives(),
    });
    println!("lived {changes}");
}

/// Three deployments from the proposal to whatever becomes of them, told entry by entry.
fn live_three_lives(dir: &Path, dice: &mut Dice) {
    let mut scene = Scene::at(dir);
    scene.tell();
    scene.operation();
    for name in ["kx-0", "kx-1", "kx-2"] {
        if dice.below(5) == 0 {
            scene.announced(name);
            scene.list_three();
            scene.withdraw();
            continue;
        }
        scene.live(name);
        let mut alerts = Vec::new();
        for _ in 0..dice.below(12) {
            work(&mut scene, &mut alerts, dice);
        }
        scene.receipt();
        scene.end_as_it_is();
        match dice.below(4) {
            0 => scene.purged(),
            1 => purge_when_due(&mut scene),
            2 => {
                let now = scene.tick();
                scene.store().publish(now).unwrap();
                scene.purged();
            }
            _ => {}
        }
        let now = scene.tick();
        scene.store().publish(now).unwrap();
        scene.tell();
    }
}

/// One thing that happens while a deployment is live.
fn work(scene: &mut Scene, alerts: &mut Vec<AlertId>, dice: &mut Dice) {
    let now = scene.tick();
    match dice.below(10) {
        0..=2 => alerts.push(scene.alert()),
        3 => scene.receipt(),
        4 => drop(scene.store().publish(now).unwrap()),
        5 => scene.pause_and_resume(),
        6 => {
            let key = scene.store().keys().unwrap().remove(0).name;
            scene.store().rotate_key(&key, &officer(Role::Administrator), now).unwrap();
        }
        7 => {
            let text = format!("{}# {now}\n", crate::scenes::exercise_policy());
            scene.store().adopt_policy(&text, &officer(Role::AuthorisingOfficer), now).unwrap();
            scene.tell();
        }
        _ => match alerts.pop() {
            None => alerts.push(scene.alert()),
            Some(alert) => {
                scene.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
                scene.adjudicate(&alert);
                scene.close_alert(&alert);
            }
        },
    }
}

fn purge_when_due(scene: &mut Scene) {
    let now = scene.pass(SignedDuration::from_hours(40 * 24));
    scene.store().rotate_due(now).unwrap();
    scene.store().purge_due(now).unwrap();
    scene.tell();
}

/// Runs one process and kills it; returns what it told of, and how many changes it made if it lived.
fn run_and_kill(dir: &Path, seed: u64, change: Option<u64>, dice: &mut Dice) -> (Vec<(u64, String)>, Option<u64>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", "kill::child_lives_until_it_is_killed"]);
    command.env(CHILD[0], dir).env(CHILD[1], seed.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(change) = change {
        command.env(CHILD[2], change.to_string()).env(CHILD[3], dice.below(3).to_string());
    }
    let mut child = command.spawn().unwrap();
    let heard_before_killing = dice.below(ENTRIES_OF_A_LIFE);
    let (mut told, mut lived) = (Vec::new(), None);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, entry)) = line.split_once("recorded ") {
            let (number, hash) = entry.split_once(' ').unwrap();
            told.push((number.parse().unwrap(), hash.to_owned()));
        }
        lived = lived.or_else(|| line.strip_prefix("lived ")?.parse().ok());
        if change.is_none() && told.len() as u64 == heard_before_killing + 1 {
            (0..dice.below(TURNS_MAX)).for_each(|_| std::hint::spin_loop());
            child.kill().unwrap();
        }
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "it was to be killed, not to fail: {said}");
    (told, lived)
}

/// What must be true of a data directory whose process was killed, whatever it was doing.
fn doubt(dir: &Path, told: &[(u64, String)]) {
    let mut scene = Scene::at(dir);
    let recorded: BTreeSet<_> = leaf_hashes(scene.store()).into_iter().collect();
    for entry in told {
        assert!(recorded.contains(entry), "entry {} was told of and is lost", entry.0);
    }
    let findings = scene.store().check().unwrap();
    // What the clock owed when the process was killed is told, until the clock is asked again.
    let known = |found: &str| {
        found == "its purge was begun and not finished"
            || found.starts_with("it had to be purged")
            || found.starts_with("it has lain longer than a key may")
    };
    assert!(findings.iter().all(|finding| known(&finding.found)), "{findings:?}");
    verify(&scene);
    let sealed = sealed_bytes(&mut scene);
    go_on_to_the_end(&mut scene);
    assert_eq!(scene.store().check().unwrap(), vec![]);
    verify(&scene);
    assert_nothing_is_left(&mut scene, &sealed);
}

/// As an outsider; a log of which nothing is published yet cannot be verified.
fn verify(scene: &Scene) {
    let public = scene.dir().join("public");
    let key = fs::read_to_string(public.join("key")).unwrap();
    match evidence::verify(&Folder(public), &key) {
        Ok(_) | Err(evidence::VerifyError::NoLog) => {}
        Err(error) => panic!("{error}"),
    }
}

/// Whatever a deployment was doing, it ends, and its time to be purged comes.
fn go_on_to_the_end(scene: &mut Scene) {
    for name in ["kx-0", "kx-1", "kx-2"] {
        scene.turn_to(name);
        let d = scene.d();
        let Ok(deployment) = scene.store().deployment(&d) else { continue };
        match deployment.into_inner() {
            Deployment::Proposed(_) | Deployment::Approved(_) | Deployment::Announced(_) => scene.withdraw(),
            Deployment::Live(_) | Deployment::Paused(_) => {
                scene.count_alerts_since_the_receipt();
                scene.end_as_it_is();
            }
            Deployment::Ended(_) | Deployment::Purged(_) | Deployment::Withdrawn(_) => {}
        }
    }
    let now = scene.pass(SignedDuration::from_hours(40 * 24));
    if scene.store().last_recorded().unwrap().is_some() {
        scene.store().keep_time(now).unwrap();
    }
    scene.store().publish(now).unwrap();
}

fn assert_nothing_is_left(scene: &mut Scene, sealed: &[Vec<u8>]) {
    let keys: Vec<_> = fs::read_dir(scene.dir().join("keys")).unwrap().map(|file| file.unwrap().file_name()).collect();
    // Commitments are kept for their own time, and open nothing; nor do the links of suppressions.
    let may_stay = |key: &str| ["log.key", "suppression-links.key"].contains(&key) || key.starts_with("commitments-");
    assert!(keys.iter().all(|key| may_stay(&key.to_string_lossy())), "{keys:?}");
    for table in COLUMNS.iter().filter(|column| column.storage == Storage::Sealed).map(|column| column.table) {
        let others = if table == "key_files" {
            " WHERE name <> 'suppression-links' AND name NOT LIKE 'commitments-%'"
        } else {
            ""
        };
        let sql = format!("SELECT count(*) FROM {table}{others}");
        let rows: u64 = scene.store().connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    scene.close();
    for value in sealed {
        assert_eq!(holding(&scene.dir(), &value[value.len() - 24..]), Vec::<PathBuf>::new());
    }
    let template = crate::sealing::template_bytes(&template(9));
    for plain in [LISTED_IMAGE, LIVE_IMAGE, &template[..32], crate::scenes::LABEL.as_bytes()] {
        assert_eq!(files_holding(&scene.dir(), plain), 0);
    }
}

/// One point: a life, its end, and the doubting. Most changes of a life that lasts to its end are told in `changes_max`.
fn point(seed: u64, changes_max: &mut u64) {
    let mut dice = Dice(seed);
    let from_outside = dice.below(4) == 0;
    let mut change = (!from_outside).then(|| dice.below(*changes_max));
    loop {
        let folder = folder_in_memory();
        let dir = folder.path().join("data");
        let (told, lived) = run_and_kill(&dir, seed, change, &mut dice);
        doubt(&dir, &told);
        match (lived, change) {
            // It was over before its moment came: it has another, sooner.
            (Some(lived), Some(chosen)) => {
                *changes_max = lived.max(*changes_max);
                change = Some(chosen % lived);
            }
            _ => return,
        }
    }
}

#[test]
fn nothing_told_is_lost_and_nothing_past_its_clock_is_left() {
    let set = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let (points, first) = (set("OVERT_KILL_POINTS", POINTS), set("OVERT_KILL_SEED", 1));
    let mut changes_max = 1_000;
    for seed in first..first + points {
        println!("point {seed} (lives of up to {changes_max} changes)");
        point(seed, &mut changes_max);
    }
    println!("{points} points, lives of up to {changes_max} changes of the disk");
}

#[test]
fn an_alert_that_was_told_of_is_whole_after_a_kill_and_can_be_judged() {
    let folder = folder_in_memory();
    let dir = folder.path().join("data");
    let mut scene = Scene::at(&dir);
    scene.operation();
    scene.live("kx-1");
    let alert = scene.alert();
    // As a killed process leaves it: nothing is closed in order.
    let copy = folder.path().join("killed");
    crate::scenes::copy_folder(&dir, &copy);
    scene.close();
    let mut killed = Scene::at(&copy);
    assert!(matches!(*killed.store().alert(&alert).unwrap(), AlertState::Raised(_)));
    let now = killed.tick();
    let opened = killed.store().view_evidence(&alert, &officer(Role::Operator), now).unwrap();
    assert_eq!(opened.live_png.as_slice(), LIVE_IMAGE);
    killed.adjudicate(&alert);
}
