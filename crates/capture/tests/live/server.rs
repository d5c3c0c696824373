//! GStreamer's RTSP server as a process of its own, told what to do over its standard input.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
}

/// Attempts to take a port again that was in use a moment ago.
const PORT_ATTEMPTS_MAX: usize = 20;

impl Server {
    /// One at a port that the system chose; `None`, and says so, where GStreamer's server is not installed.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let started = Self::launch(0, arguments);
        if started.is_none() {
            println!(
                "skipped: GStreamer's RTSP server does not start (Debian: python3-gi gir1.2-gst-rtsp-server-1.0 \
                 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly)"
            );
        }
        started
    }

    /// One at the port of a server that was there and has ended, as a camera that comes back.
    pub(crate) fn start_again_at(port: u16, arguments: &[&str]) -> Self {
        let started = (0..PORT_ATTEMPTS_MAX).find_map(|_| Self::launch(port, arguments));
        started.unwrap_or_else(|| panic!("a server did not start again at port {port}"))
    }

    fn launch(port: u16, arguments: &[&str]) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rtsp_server.py");
        // Debian's GStreamer speaks to Debian's Python.
        let python = if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
        let mut command = Command::new(python);
        command.arg(script).arg(port.to_string()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let orders = child.stdin.take().expect("its input");
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        let mut server = Self { child, orders, answers, port };
        server.port = server.hears("ready")?.trim().parse().ok()?;
        Some(server)
    }

    pub(crate) fn address(&self) -> String {
        format!("rtsp://127.0.0.1:{}/live", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
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

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; a stopped process is ended too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
