//! While a deployment runs, its process does what other commands ask at its door: with the real binary, models and a folder
//! of pictures.
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[path = "door/rehearsal.rs"]
mod rehearsal;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};

use rehearsal::{Rehearsal, said};

const REFUSED: i32 = 3;
const FAILED: i32 = 2;

/// What the door says to whoever sends this.
fn sent(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    // It stops listening to what is too long.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut told = Vec::new();
    let _ = stream.read_to_end(&mut told);
    String::from_utf8_lossy(&told).into_owned()
}

fn runs(child: &mut Child) -> bool {
    child.try_wait().expect("ours").is_none()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// An alert is looked at, judged, and its score told; a second one is a seeded pair.
fn judged(rehearsal: &Rehearsal, run: &mut Child) {
    let two = |alerts: &serde_json::Value| alerts.as_array().is_some_and(|alerts| alerts.len() >= 2);
    let alerts = rehearsal.until(run, &["alert", "list", "e-1"], two);
    for alert in alerts.as_array().expect("a list") {
        let alert = alert["alert"].as_str().expect("a name");
        for words in
            [&["alert", "view", alert, "--as", "op-1"][..], &["alert", "view", alert, "--listed", "--as", "op-1"]]
        {
            let picture = rehearsal.try_to(words);
            assert!(picture.status.success() && picture.stdout.starts_with(b"\x89PNG"), "{}", said(&picture));
        }
        let judged = rehearsal.does(&["alert", "judge", alert, "same person", "--as", "op-1"]);
        assert!(judged.contains(alert), "{judged}");
    }
    let to_file = std::fs::File::create(rehearsal.inputs().join("picture.png")).expect("a file");
    let alert = alerts[0]["alert"].as_str().expect("a name");
    let refused = rehearsal.command(&["alert", "view", alert, "--as", "op-1"]).stdout(to_file).output().expect("runs");
    assert_eq!(refused.status.code(), Some(FAILED), "a picture goes to no file, at a door either");
}

/// What a rule refuses, what names a file, and what cannot be done beside a run.
fn refusals_and_files(rehearsal: &Rehearsal) {
    let refused = rehearsal.try_to(&["deployment", "end", "e-1", "--reason", "enough", "--as", "wo-1"]);
    assert_eq!(refused.status.code(), Some(REFUSED));
    assert!(said(&refused).contains("rule: "), "{}", said(&refused));
    // A path as the caller means it, who is in another folder than the process that runs.
    let receive = ["complaint", "receive", "--deployment", "e-1", "--as", "dp-1", "--text"];
    rehearsal.does(&[&receive[..], &["words.txt"]].concat());
    let pipe = rehearsal.try_to(&[&receive[..], &["/dev/stdin"]].concat());
    assert!(said(&pipe).contains("no plain file"), "{}", said(&pipe));
    let import = ["watchlist", "import", "e-1", "--rows", "rows.csv", "--images", ".", "--as", "wo-1"];
    assert!(said(&rehearsal.try_to(&import)).contains("e-1 runs"));
    let again = rehearsal.try_to(&["deployment", "run", "e-1", "--recording", "c1=clip", "--as", "op-1"]);
    assert_eq!(again.status.code(), Some(FAILED), "{}", said(&again));
    let [one, two] = [&["alert", "list", "e-1"][..], &["audit", "check"]]
        .map(|words| rehearsal.command(words).spawn().expect("it starts"));
    for output in [one, two].map(|child| child.wait_with_output().expect("ours")) {
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// What comes to the socket that is no command of ours.
fn strangers(rehearsal: &Rehearsal) {
    let (folder, socket) = (rehearsal.data().join("door"), rehearsal.data().join("door/socket"));
    assert_eq!((mode(&folder), mode(&socket)), (0o700, 0o600));
    assert!(sent(&socket, b"garbage").contains("it is none"));
    assert!(sent(&socket, &vec![b'x'; 1 << 20]).contains("more than 65536 bytes"));
    let request = |argv: &str| sent(&socket, format!("{{\"folder\":\"/\",\"argv\":{argv}}}").as_bytes());
    assert!(request("[\"overt\",\"models\",\"list\"]").contains("no command on a data directory"));
    assert!(request("[\"overt\",\"deployment\",\"run\",\"e-1\",\"--recording\",\"c1=clip\"]").contains("runs one"));
    assert!(request("[\"overt\",\"no such command\"]").contains("unrecognized subcommand"));
    let silent: Vec<_> = (0..9).map(|_| UnixStream::connect(&socket).expect("it listens")).collect();
    rehearsal.does(&["deployment", "show", "e-1"]);
    drop(silent);
    for place in [rehearsal.data().parent().expect("a folder"), &rehearsal.data(), &folder, &socket] {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o777)).expect("ours");
    }
    let knock = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(9))";
    let stranger = |command: &mut Command| command.args(["-c", knock]).arg(&socket).output();
    match stranger(Command::new("python3").uid(65534)) {
        Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stdout), "b''\n", "{}", said(&output)),
        Err(_) => println!("skipped: only root can knock as somebody else"),
    }
    let own = stranger(&mut Command::new("python3")).expect("it runs");
    assert_eq!(String::from_utf8_lossy(&own.stdout), "b'overt doo'\n", "{}", said(&own));
}

#[test]
fn commands_are_done_while_a_deployment_runs_and_it_is_ended_from_outside() {
    let Some(rehearsal) = Rehearsal::new() else { return };
    rehearsal.prepare("e-1");
    let mut run = rehearsal.run("e-1", &[]);
    judged(&rehearsal, &mut run);
    refusals_and_files(&rehearsal);
    let state = |words: &[&str]| rehearsal.asks(words)["state"].clone();
    assert_eq!(state(&["deployment", "pause", "e-1", "--reason", "rain", "--as", "op-1"]), "paused");
    assert_eq!(state(&["deployment", "show", "e-1"]), "paused");
    assert_eq!(state(&["deployment", "resume", "e-1", "--as", "op-1"]), "live");
    strangers(&rehearsal);
    assert!(runs(&mut run), "all of this was done beside a run");
    assert_eq!(state(&["deployment", "end", "e-1", "--reason", "enough", "--as", "op-1"]), "ended");
    let output = run.wait_with_output().expect("ours");
    assert!(output.status.success() && said(&output).contains("ended: enough"), "{}", said(&output));
    assert!(!rehearsal.data().join("door/socket").exists());
    let seeds = rehearsal.asks(&["alert", "reveal-seeds", "e-1"]);
    assert_eq!((&seeds["shown"], &seeds["false_accepts"]), (&1.into(), &1.into()), "the seeded pair was taken for one");
    assert_eq!(rehearsal.does(&["audit", "check"]), "nothing is out of order\n");
    let public = rehearsal.data().join("public");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_overt"));
    let verified = verify.arg("verify").arg(&public).arg("--key").arg(public.join("key")).output().expect("it runs");
    assert!(verified.status.success(), "{}", said(&verified));
}

/// What the screens answer to a request without a body.
fn shown(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("they are served");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut told = String::new();
    stream.read_to_string(&mut told).expect("text");
    told
}

#[test]
fn a_deployment_has_its_control_room_until_that_is_closed() {
    let Some(rehearsal) = Rehearsal::new() else { return };
    rehearsal.prepare("e-1");
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let words = ["deployment", "run", "e-1", "--recording", "c1=clip", "--as", "op-1", "--screens", &port];
    let refused = rehearsal.try_to(&words);
    assert!(said(&refused).contains("choose another port"), "{}", said(&refused));
    assert_eq!(rehearsal.asks(&["deployment", "show", "e-1"])["state"], "announced", "nothing was started");

    let mut run = rehearsal.run("e-1", &["--screens", "0"]);
    let mut lines = BufReader::new(run.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
    let address =
        lines.find_map(|line| Some(line.split_once("control room")?.1.trim().to_owned())).expect("it says where");
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    let page = shown(address, "/control-room");
    assert!(page.contains("Exercise"), "{page}");
    assert!(shown(address, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(shown(address, "/metrics").contains("overt_alert_latency_seconds_count"));
    rehearsal.does(&["deployment", "end", "e-1", "--reason", "enough", "--as", "op-1"]);
    assert!(shown(address, "/control-room").contains("ended"), "what was found is still to be judged");
    assert!(runs(&mut run));
    let told = Command::new("kill").arg(run.id().to_string()).status().expect("it runs");
    assert!(told.success() && run.wait().expect("ours").success());
    assert_eq!(rehearsal.does(&["audit", "check"]), "nothing is out of order\n");
}

#[test]
fn what_a_killed_run_left_is_ended_by_the_next_command_and_its_door_is_replaced() {
    let Some(rehearsal) = Rehearsal::new() else { return };
    rehearsal.prepare("e-1");
    let mut run = rehearsal.run("e-1", &[]);
    // An alert and a seeded pair, of which only the one is counted.
    rehearsal.until(&mut run, &["alert", "list", "e-1"], |alerts| alerts.as_array().is_some_and(|all| all.len() > 1));
    run.kill().expect("ours");
    run.wait().expect("ours");
    assert!(rehearsal.data().join("door/socket").exists(), "it had no time to take its door away");
    let show = rehearsal.try_to(&["deployment", "show", "e-1", "--json"]);
    assert!(said(&show).contains("\"state\": \"ended\"") && said(&show).contains("interrupted"), "{}", said(&show));
    assert_eq!(rehearsal.does(&["audit", "check"]), "nothing is out of order\n");
    rehearsal.prepare("e-2");
    let mut run = rehearsal.run("e-2", &[]);
    assert!(runs(&mut run));
    rehearsal.does(&["deployment", "end", "e-2", "--reason", "enough", "--as", "ao-1"]);
    assert!(run.wait().expect("ours").success());
    assert_eq!(rehearsal.does(&["audit", "check"]), "nothing is out of order\n");
}
