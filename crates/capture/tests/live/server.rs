//! GStreamer's RTSP server, told what to do to its picture.

use super::script::{Absent, Script};

/// A running server. Dropping it kills it.
pub(crate) struct Server(Script);

/// Attempts to take a port again that was in use a moment ago.
const PORT_ATTEMPTS_MAX: usize = 20;

impl Server {
    /// One at a port that the system chose; `None`, and says so, where GStreamer's server is not installed.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        match Self::launch(0, arguments) {
            Ok(server) => Some(server),
            Err(Absent::Ended) => panic!("GStreamer's RTSP server is there and does not start"),
            Err(Absent::NotInstalled) => {
                println!(
                    "skipped: GStreamer's RTSP server is not installed (Debian: python3-gi gir1.2-gst-rtsp-server-1.0 \
                     gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
                     gstreamer1.0-plugins-ugly)"
                );
                None
            }
        }
    }

    /// One at the port of a server that was there and has ended, as a camera that comes back.
    pub(crate) fn start_again_at(port: u16, arguments: &[&str]) -> Self {
        let started = (0..PORT_ATTEMPTS_MAX).find_map(|_| Self::launch(port, arguments).ok());
        started.unwrap_or_else(|| panic!("a server did not start again at port {port}"))
    }

    fn launch(port: u16, arguments: &[&str]) -> Result<Self, Absent> {
        let port = port.to_string();
        let arguments: Vec<&str> = std::iter::once(port.as_str()).chain(arguments.iter().copied()).collect();
        Script::start("rtsp_server.py", &arguments).map(Self)
    }

    pub(crate) fn address(&self) -> String {
        format!("rtsp://127.0.0.1:{}/live", self.0.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port
    }

    /// Gives an order, and waits until it is taken.
    pub(crate) fn tell(&mut self, order: &str) {
        self.0.tell(order);
    }

    pub(crate) fn signal(&self, signal: i32) {
        self.0.signal(signal);
    }
}
