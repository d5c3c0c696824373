//! What a shut-in process can still do, tried by one: this test program again, which says what became of each attempt.

use std::fs::File;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use super::*;

/// Set in the process that is to try.
const TRY: &str = "OVERT_TEST_TRIES";
/// What it says before each answer.
const MARK: &str = "tried ";

/// Shuts itself in and tries, when it was started for that; started with the others, starts a process that does.
fn tried(for_what: &str, test: &str, needs: &Needs, port: u16) -> Option<Vec<(String, String)>> {
    if std::env::var(TRY).is_ok_and(|wanted| wanted == for_what) {
        let confinement = confine(needs);
        let mut out = io::stdout();
        let mut tell = |what: &str, answer: String| writeln!(out, "{MARK}{what}={answer}").expect("says it");
        tell("confined", format!("{} {}", confinement.no_files, confinement.few_calls));
        for (what, answer) in attempts(port) {
            tell(what, answer);
        }
        std::process::exit(0);
    }
    let mut command = Command::new("/proc/self/exe");
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(TRY, for_what)
        .env("TRIED_PORT", port.to_string());
    let output = command.stderr(Stdio::null()).output().expect("starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = said.lines().filter_map(|line| line.split_once(MARK)?.1.split_once('='));
    let answers: Vec<_> = answers.map(|(what, answer)| (what.to_owned(), answer.to_owned())).collect();
    if answers.first().map(|(_, answer)| answer.as_str()) != Some("true true") {
        println!("skipped: this kernel has no Landlock or no seccomp filters: {said}");
        return None;
    }
    println!("{for_what}: {answers:?}");
    Some(answers)
}

/// Everything a decoder has no business doing, and what the system answers.
fn attempts(port: u16) -> Vec<(&'static str, String)> {
    let said = |result: io::Result<()>| {
        result.map_or_else(|error| format!("refused {:?}", error.raw_os_error()), |()| "done".into())
    };
    let call = |answer: i64| if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    let other_port = if port == 9 { 10 } else { 9 };
    vec![
        ("read a file", said(File::open("/etc/passwd").map(drop))),
        ("list a folder", said(std::fs::read_dir("/").map(drop))),
        ("write a file", said(File::create("/dev/shm/overt-test-of-confinement").map(drop))),
        ("take connections", said(TcpListener::bind("127.0.0.1:0").map(drop))),
        ("local socket", said(UnixListener::bind("/dev/shm/overt-test-of-confinement.sock").map(drop))),
        ("connect to its port", said(TcpStream::connect(("127.0.0.1", port)).map(drop))),
        ("connect to another port", said(TcpStream::connect(("127.0.0.1", other_port)).map(drop))),
        ("datagrams", said(UdpSocket::bind("127.0.0.1:0").map(drop))),
        ("start a program", said(Command::new("/bin/true").spawn().map(drop))),
        // SAFETY: plain numbers; what succeeds harms this process alone, which ends at once.
        ("fork", said(call(unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) }))),
        // SAFETY: the same.
        ("raw packets", said(call(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) }.into()))),
        // SAFETY: the same; the parent is this test.
        ("signal another process", said(call(unsafe { libc::kill(libc::getppid(), 0) }.into()))),
        // SAFETY: the same.
        ("trace another process", said(call(unsafe { libc::ptrace(libc::PTRACE_ATTACH, 1, 0, 0) }))),
        ("memory that is code", said(executable_memory())),
        // SAFETY: plain numbers.
        ("control a terminal", said(call(unsafe { libc::ioctl(1, libc::TIOCSTI, c"x".as_ptr()) }.into()))),
        (
            "a thread of its own",
            std::thread::Builder::new()
                .spawn(|| 7)
                .map_or("refused".into(), |thread| format!("done {}", thread.join().unwrap_or(0))),
        ),
    ]
}

fn executable_memory() -> io::Result<()> {
    let access = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping that nobody uses.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), 4096, access, kind, -1, 0) };
    if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn allowed(answers: &[(String, String)]) -> Vec<&str> {
    answers.iter().skip(1).filter(|(_, answer)| answer.starts_with("done")).map(|(what, _)| what.as_str()).collect()
}

#[test]
fn a_recordings_decoder_can_only_compute() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = port_of(&listener);
    let test = "decoder::confine::tests::a_recordings_decoder_can_only_compute";
    let Some(answers) = tried("recording", test, &Needs::default(), port) else { return };
    assert_eq!(allowed(&answers), ["a thread of its own"], "{answers:?}");
    assert_eq!(answers.len(), 17, "every attempt was made: {answers:?}");
}

#[test]
fn a_cameras_decoder_reaches_its_port_and_no_other() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = port_of(&listener);
    let test = "decoder::confine::tests::a_cameras_decoder_reaches_its_port_and_no_other";
    let needs = Needs { port: Some(port), ..Needs::default() };
    let Some(answers) = tried("camera", test, &needs, port) else { return };
    // Datagrams carry the pictures of UDP cameras.
    assert_eq!(allowed(&answers), ["connect to its port", "datagrams", "a thread of its own"], "{answers:?}");
}

/// The parent's listener; in the process that tries, the port it was told.
fn port_of(listener: &TcpListener) -> u16 {
    let told = std::env::var("TRIED_PORT").ok().and_then(|port| port.parse().ok());
    told.unwrap_or_else(|| listener.local_addr().expect("an address").port())
}
