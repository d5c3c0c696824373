//! Servers written in Python as processes of their own: each says where it listens, is given orders over its standard input.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What a script exits with when something that it needs is not installed.
const NOT_INSTALLED: i32 = 77;

/// A running script. Dropping it kills it.
pub(crate) struct Script {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

/// Why a script does not run.
#[derive(Debug)]
pub(crate) enum Absent {
    /// Python, or something that it needs, is not installed.
    NotInstalled,
    /// It ended before it listened, as when the port that it was told is in use.
    Ended,
}

impl Script {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Result<Self, Absent> {
        // Debian's GStreamer speaks to Debian's Python.
        let python = if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
        let mut command = Command::new(python);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)).args(arguments);
        let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Absent::NotInstalled),
            started => started.expect("Python starts"),
        };
        let orders = child.stdin.take().expect("its input");
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        let mut script = Self { child, orders, answers, port: 0 };
        match script.hears("ready").and_then(|port| port.trim().parse().ok()) {
            Some(port) => {
                script.port = port;
                Ok(script)
            }
            None if script.child.wait().is_ok_and(|status| status.code() == Some(NOT_INSTALLED)) => {
                Err(Absent::NotInstalled)
            }
            None => Err(Absent::Ended),
        }
    }

    /// Gives an order, and waits until it is taken.
    pub(crate) fn tell(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the server listens");
        assert!(self.hears("done").is_some(), "{order}");
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: a process that this test started.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// What it says after this word, once it says a line that begins with it.
    fn hears(&mut self, word: &str) -> Option<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).ok()?;
        line.strip_prefix(word).map(str::to_owned)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself; a stopped process is ended too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
