//! GStreamer's RTSP server as a process of its own, told what to do over its standard input.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
}

/// A port that nobody listens at now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

impl Server {
    /// `None`, and says so, where GStreamer's server is not installed.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        Self::start_at(free_port(), arguments)
    }

    pub(crate) fn start_at(port: u16, arguments: &[&str]) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rtsp_server.py");
        // Debian's GStreamer speaks to Debian's Python.
        let python = if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
        let mut command = Command::new(python);
        command.arg(script).arg(port.to_string()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("starts");
        let orders = child.stdin.take().expect("its input");
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        let mut server = Self { child, orders, answers, port };
        if server.hears("ready") {
            return Some(server);
        }
        println!(
            "skipped: GStreamer's RTSP server does not start (Debian: python3-gi gir1.2-gst-rtsp-server-1.0 \
             gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly)"
        );
        None
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
        assert!(self.hears("done"), "{order}");
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: a process that this test started.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    fn hears(&mut self, word: &str) -> bool {
        let mut line = String::new();
        self.answers.read_line(&mut line).is_ok() && line.trim() == word
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; a stopped process is ended too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
