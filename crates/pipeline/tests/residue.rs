//! The outside scan (`tests/residue/scan.py`) over a real exercise: it finds what is kept while it is kept, and nothing of it
//! after the purge, neither in any file nor in the memory of the process that ran it.
//!
//! The exercise runs in a process of its own, with the allocator of the binary and closed like it, and waits at each stage
//! for the scan of the stage. The needles are made by this process, from the same drawn pictures.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[path = "residue/drawn.rs"]
mod drawn;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use drawn::{HEADS, LISTED};

/// As in the binary: what is freed is overwritten.
#[global_allocator]
static ALLOCATOR: face::process::WipingAllocator = face::process::WipingAllocator;

/// Set in the process that runs the exercise: the folder with its pictures, in which its data directory is made.
const CHILD: &str = "OVERT_RESIDUE_FOLDER";
/// What the scan ends with.
const NOTHING: i32 = 0;
const FOUND: i32 = 1;

/// The process that runs the exercise, a stage at a time.
#[test]
fn child_runs_an_exercise_stage_by_stage() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    face::process::close_to_others();
    let reached = |stage: &str| {
        println!("\nreached {stage}");
        std::io::stdin().read_line(&mut String::new()).expect("a line");
    };
    drawn::exercise(Path::new(&folder), reached);
}

struct Running {
    child: Child,
    told: BufReader<ChildStdout>,
    stdin: ChildStdin,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.args(["--exact", "--nocapture", "child_runs_an_exercise_stage_by_stage"]).env(CHILD, folder);
        command.env("TMPDIR", folder.join("run")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let (told, stdin) = (child.stdout.take().expect("piped"), child.stdin.take().expect("piped"));
        Self { child, told: BufReader::new(told), stdin }
    }

    /// Waits until a stage is reached.
    fn reach(&mut self, stage: &str) {
        let wanted = format!("reached {stage}");
        let mut line = String::new();
        while line.trim_end() != wanted {
            line.clear();
            assert!(self.told.read_line(&mut line).expect("text") > 0, "it ended before it was {stage}");
        }
    }

    fn go_on(&mut self) {
        self.stdin.write_all(b"\n").expect("it listens");
    }
}

/// What is looked for: a folder of files each.
struct Needles {
    /// Templates and images of the listed, and what the exercise keeps of its alerts: kept until the purge.
    templates: PathBuf,
    images: PathBuf,
    alerts: PathBuf,
    /// Of somebody who is not listed, and of every frame: never kept.
    others: PathBuf,
}

impl Needles {
    /// Writes them, all but what the exercise makes: that is put there by the exercise.
    fn write(inputs: &Path, folder: &Path) -> Self {
        let [templates, images, others] = ["templates", "images", "others"].map(|name| folder.join(name));
        let alerts = folder.join(drawn::ALERTS);
        for folder in [&templates, &images, &alerts, &others] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        for head in 0..HEADS.len() {
            let template: Vec<u8> = drawn::template(head).iter().flat_map(|value| value.to_le_bytes()).collect();
            let kind = if head < LISTED { &templates } else { &others };
            std::fs::write(kind.join(format!("{head}.f32")), template).expect("written");
            // As it is seen in the footage: rows of the face itself.
            let (width, height, rgb) = drawn::seen(inputs, head);
            std::fs::write(others.join(format!("seen-{head}.{width}x{height}.rgb")), rgb).expect("written");
        }
        for head in 0..LISTED {
            std::fs::write(images.join(format!("{head}.png")), drawn::listed_png(inputs, head)).expect("written");
        }
        Self { templates, images, alerts, others }
    }

    fn all(&self) -> [&Path; 4] {
        [&self.templates, &self.images, &self.alerts, &self.others]
    }
}

/// What the scan ends with, and what it says.
fn scan(needles: &[&Path], places: &[&Path], process: Option<u32>) -> (i32, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/residue/scan.py");
    let mut command = Command::new("python3");
    command.arg("-B").arg(script).args(places);
    for folder in needles {
        command.arg("--needles").arg(folder);
    }
    if let Some(process) = process {
        command.arg("--pid").arg(process.to_string());
    }
    let output = command.output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&said).into_owned())
}

/// Whether the kernel would write no core file of a process, should it crash: no limit can be raised by it either.
fn leaves_no_core_file(process: u32) -> bool {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).expect("Linux has it");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("Linux has it");
    core.split_whitespace().rev().skip(1).take(2).all(|limit| limit == "0")
}

/// A core file of a process, of all its memory, as root takes one with gdb; `None` where there is no gdb.
fn core_file(process: u32, at: &Path) -> Option<PathBuf> {
    let commands = ["set use-coredump-filter off", "set dump-excluded-mappings on"];
    let mut command = Command::new("gdb");
    command.args(["-nx", "-batch", "-p", &process.to_string()]).args(commands.iter().flat_map(|line| ["-ex", line]));
    command.arg("-ex").arg(format!("gcore {}", at.display())).arg("-ex").arg("detach");
    let Ok(output) = command.output() else {
        println!("skipped: gdb is not installed, and a core file of a closed process is taken with it");
        return None;
    };
    assert!(at.is_file(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    Some(at.to_owned())
}

#[test]
fn the_outside_scan_finds_what_is_kept_and_after_the_purge_nothing() {
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 is not installed, and the outside scan is written in it");
        return;
    }
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
    let (inputs, run) = (folder.path().join("inputs"), folder.path().join("run"));
    std::fs::create_dir(&run).expect("a folder");
    drawn::draw(&inputs);
    let needles = Needles::write(&inputs, folder.path());
    let all = needles.all();
    let mut running = Running::start(folder.path());
    let process = running.child.id();

    running.reach("listed");
    let (found, said) = scan(&[&needles.templates], &[], Some(process));
    if said.contains("the kernel refuses") {
        println!("skipped: only root may read the memory of a closed process, and this user is not root");
        running.child.kill().expect("it is ours");
        running.child.wait().expect("it ends");
        return;
    }
    assert_eq!(found, FOUND, "the watchlist is open: its templates are in memory. {said}");
    let (found, said) = scan(&all, &[&run], None);
    assert_eq!(found, NOTHING, "on the disk they are only sealed. {said}");
    assert!(leaves_no_core_file(process), "a crash writes no core file");
    running.go_on();

    running.reach("judging");
    let core = core_file(process, &folder.path().join("core"));
    for (kept, what) in [(&needles.images, "the listed"), (&needles.alerts, "the alerts")] {
        let (found, said) = scan(&[kept], &[], Some(process));
        assert_eq!(found, FOUND, "somebody judges: pictures of {what} are in memory. {said}");
        if let Some(core) = &core {
            let (found, said) = scan(&[kept], &[core], None);
            assert_eq!(found, FOUND, "and in a core file that root takes. {said}");
        }
    }
    let (found, said) = scan(&[&needles.others], &[&run], Some(process));
    assert_eq!(found, NOTHING, "what is nobody's to keep is gone long before the purge. {said}");
    let (found, said) = scan(&all, &[&run], None);
    assert_eq!(found, NOTHING, "on the disk everything is sealed. {said}");
    running.go_on();

    running.reach("purged");
    let (found, said) = scan(&all, &[&run], Some(process));
    assert_eq!(found, NOTHING, "{said}");
    if let Some(core) = core_file(process, &folder.path().join("core")) {
        let (found, said) = scan(&all, &[&core], None);
        assert_eq!(found, NOTHING, "in a core file that root takes. {said}");
    }
    std::fs::copy(needles.templates.join("0.f32"), run.join("planted")).expect("copied");
    let (found, said) = scan(&all, &[&run], None);
    assert_eq!(found, FOUND, "what is planted is found. {said}");
    running.go_on();
    assert!(running.child.wait().expect("it ends").success());
}
