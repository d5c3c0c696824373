//! A closed process against a reader of the same user: refused. Run as root, both are somebody else first.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Set in a process that the test starts of itself: whether it closes itself.
const CHILD: &str = "OVERT_FACE_TEST_PROCESS";
/// A user without rights, by custom, for a test that runs as root.
const NOBODY: u32 = 65_534;

#[test]
fn child_waits_to_be_read() {
    let Some(closes) = std::env::var_os(CHILD) else { return };
    if closes == "closed" {
        let closed = face::process::close_to_others();
        assert!(closed.unreadable && closed.no_core, "{closed:?}");
    }
    // SAFETY: the call reads a flag of this process.
    let dumpable = unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) };
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux has limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("it is listed");
    println!("\nready {dumpable} {}", core.split_whitespace().nth(4).expect("a number"));
    std::io::stdin().read_line(&mut String::new()).expect("a line");
}

/// A process and what it says of itself.
fn start(closes: &str, binary: &std::path::Path) -> (Child, String) {
    let mut command = Command::new(binary);
    command.args(["--exact", "--nocapture", "child_waits_to_be_read"]).env(CHILD, closes).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = as_somebody(&mut command).spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let said = lines.map(|line| line.expect("text")).find_map(|line| Some(line.strip_prefix("ready ")?.to_owned()));
    (child, said.expect("it is ready"))
}

/// As root, root's rights are laid down first: root may read everything.
fn as_somebody(command: &mut Command) -> &mut Command {
    // SAFETY: the call takes nothing and always succeeds.
    if unsafe { libc::geteuid() } == 0 { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// Whether another process of the same user can read this one's memory map.
fn is_read(child: &Child) -> bool {
    let mut reader = Command::new("cat");
    reader.arg(format!("/proc/{}/maps", child.id())).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    as_somebody(&mut reader).status().expect("it runs").success()
}

#[test]
fn a_closed_process_is_not_read_by_others_of_its_user_and_leaves_no_core() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("a folder of ours");
    let binary = folder.path().join("process-test");
    std::fs::copy(std::env::current_exe().expect("a path"), &binary).expect("a copy that anybody may run");
    let (mut open, _) = start("open", &binary);
    let (mut closed, said) = start("closed", &binary);
    assert_eq!(said, "0 0", "dumpable, and the size of a core file");
    assert!(is_read(&open), "the reader can read what is not closed");
    assert!(!is_read(&closed), "and not what is");
    for child in [&mut open, &mut closed] {
        child.stdin.take().expect("piped").write_all(b"\n").expect("it listens");
        child.wait().expect("it ends");
    }
}

/// How much of 48 MiB goes back by itself when it is freed below a block in use, MiB: after blocks of that size were freed before.
#[cfg(target_env = "gnu")]
#[test]
fn child_frees_large_blocks() {
    let Some(closes) = std::env::var_os(CHILD) else { return };
    if closes == "closed" {
        face::process::close_to_others();
    }
    let large = || std::hint::black_box(vec![1_u8; 8 << 20]);
    drop(large());
    let blocks: Vec<Vec<u8>> = (0..6).map(|_| large()).collect();
    // Too large for a gap further down.
    let still_used = vec![1_u8; 1 << 20];
    let before = resident_kib();
    drop(blocks);
    println!("\nready {}", before.saturating_sub(resident_kib()) >> 10);
    drop(still_used);
}

#[cfg(target_env = "gnu")]
#[test]
fn a_closed_process_does_not_keep_large_blocks_for_later() {
    let binary = std::env::current_exe().expect("a path");
    let given_back_mib = |closes: &str| {
        let mut child = Command::new(&binary);
        child.args(["--exact", "--nocapture", "child_frees_large_blocks"]).env(CHILD, closes);
        let said = String::from_utf8(child.output().expect("it runs").stdout).expect("text");
        let told = said.lines().find_map(|line| line.strip_prefix("ready ")?.parse::<u64>().ok());
        told.unwrap_or_else(|| panic!("{said}"))
    };
    let (open, closed) = (given_back_mib("open"), given_back_mib("closed"));
    assert!(open < 8 && closed > 40, "{open} and {closed} of 48 MiB");
}

/// Memory of this process that is in the machine, KiB.
#[cfg(target_env = "gnu")]
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number")
}

#[cfg(target_env = "gnu")]
#[test]
fn what_is_freed_below_a_block_in_use_goes_back_to_the_system_when_asked() {
    // Of a size that comes from the heap, which by itself shrinks at its end alone.
    let mut blocks: Vec<Vec<u8>> = (0..2_000).map(|_| vec![1; 64 << 10]).collect();
    let still_used = blocks.pop();
    drop(blocks);
    let before = resident_kib();
    face::process::give_back_freed_memory();
    let given_back = before.saturating_sub(resident_kib());
    assert!(given_back > 100 << 10, "{given_back} KiB of 125 MiB");
    drop(still_used);
}
