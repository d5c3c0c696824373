//! What lies between a camera and us: a relay that can garble a connection, or drop and delay its datagrams.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Passes connections on, and damages what the camera sends while it is told to.
pub(crate) struct Relay {
    port: u16,
    garbling: Arc<AtomicBool>,
}

impl Relay {
    pub(crate) fn start(camera: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let garbling = Arc::new(AtomicBool::new(false));
        let garble = Arc::clone(&garbling);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", camera)) else { continue };
                let (from_client, to_client) = (client.try_clone().expect("a copy"), client);
                let (from_server, to_server) = (server.try_clone().expect("a copy"), server);
                let garble = Arc::clone(&garble);
                thread::spawn(move || pump(from_client, to_server, |_| {}));
                thread::spawn(move || {
                    let mut chance = ChaCha8Rng::seed_from_u64(7);
                    pump(from_server, to_client, |bytes| {
                        if garble.load(Ordering::Relaxed) {
                            for _ in 0..1 + bytes.len() / 200 {
                                let place = chance.random_range(0..bytes.len());
                                bytes[place] = chance.random();
                            }
                        }
                    });
                });
            }
        });
        Self { port, garbling }
    }

    pub(crate) fn address(&self) -> String {
        format!("rtsp://127.0.0.1:{}/live", self.port)
    }

    pub(crate) fn garble(&self) {
        self.garbling.store(true, Ordering::Relaxed);
    }

    pub(crate) fn pass(&self) {
        self.garbling.store(false, Ordering::Relaxed);
    }
}

/// Copies from one to the other until either ends.
fn pump(mut from: TcpStream, mut to: TcpStream, mut change: impl FnMut(&mut [u8])) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length) = from.read(&mut buffer) {
        let bytes = &mut buffer[..length];
        if length == 0 {
            break;
        }
        change(bytes);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    // The other direction may have closed it already.
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}

/// Passes an RTSP conversation on, and its datagrams with loss and jitter: the ports that are agreed on are replaced by
/// this relay's own.
pub(crate) struct Datagrams {
    port: u16,
    dropped: Arc<AtomicU64>,
}

impl Datagrams {
    /// Of a hundred datagrams `loss_per_cent` are dropped; each of the others is late by up to `jitter`.
    pub(crate) fn start(camera: u16, loss_per_cent: u32, jitter: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", camera)) else { continue };
                let count = Arc::clone(&count);
                thread::spawn(move || converse(client, server, loss_per_cent, jitter, &count));
            }
        });
        Self { port, dropped }
    }

    pub(crate) fn address(&self) -> String {
        format!("rtsp://127.0.0.1:{}/live", self.port)
    }

    /// Datagrams dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// One conversation: in the client's words its ports become ours; the camera's answers pass as they are.
fn converse(mut client: TcpStream, server: TcpStream, loss_per_cent: u32, jitter: Duration, dropped: &Arc<AtomicU64>) {
    let ours = pair();
    let own = ours[0].local_addr().expect("an address").port();
    let (from_server, to_client) = (server.try_clone().expect("a copy"), client.try_clone().expect("a copy"));
    thread::spawn(move || pump(from_server, to_client, |_| {}));
    let mut ours = Some(ours);
    let mut to_server = server;
    let mut buffer = [0; 8 << 10];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let mut said = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if let Some((before, rest)) = said.split_once("client_port=") {
            let (ports, after) = rest.split_at(rest.find([';', '\r']).expect("an end"));
            let wanted: u16 = ports.split('-').next().and_then(|port| port.parse().ok()).expect("a port");
            for (from, to) in ours.take().into_iter().flatten().zip([wanted, wanted + 1]) {
                let (to, dropped) = (SocketAddr::from(([127, 0, 0, 1], to)), Arc::clone(dropped));
                thread::spawn(move || pass_late(&from, to, loss_per_cent, jitter, &dropped));
            }
            said = format!("{before}client_port={own}-{}{after}", own + 1);
        }
        if to_server.write_all(said.as_bytes()).is_err() {
            break;
        }
    }
    // The camera may have closed it already.
    let _ = to_server.shutdown(std::net::Shutdown::Both);
}

/// Two sockets with neighbouring ports, as pictures and reports have them; the first is even.
fn pair() -> [UdpSocket; 2] {
    let even = (20_000..30_000).step_by(2).map(|offset| offset + (std::process::id() % 1000) as u16 * 2);
    even.filter_map(|port| {
        Some([UdpSocket::bind(("127.0.0.1", port)).ok()?, UdpSocket::bind(("127.0.0.1", port + 1)).ok()?])
    })
    .next()
    .expect("two free ports")
}

/// Passes datagrams on, but for some, each when its time has come: so that they overtake one another.
fn pass_late(from: &UdpSocket, to: SocketAddr, loss_per_cent: u32, jitter: Duration, dropped: &AtomicU64) {
    let (late, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    let out = from.try_clone().expect("a copy");
    thread::spawn(move || {
        let mut waiting: Vec<(Instant, Vec<u8>)> = Vec::new();
        loop {
            waiting.sort_by_key(|(due, _)| *due);
            let next = waiting
                .first()
                .map_or(Duration::from_secs(1), |(due, _)| due.saturating_duration_since(Instant::now()));
            match due.recv_timeout(next) {
                Ok(datagram) => waiting.push(datagram),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            let ready = waiting.iter().filter(|(due, _)| *due <= now).count();
            waiting.sort_by_key(|(due, _)| *due);
            for (_, datagram) in waiting.drain(..ready) {
                // A client that has gone needs none.
                let _ = out.send_to(&datagram, to);
            }
        }
    });
    let mut chance = ChaCha8Rng::seed_from_u64(11);
    let mut buffer = [0; 2048];
    while let Ok((length, _)) = from.recv_from(&mut buffer) {
        if chance.random_range(0..100) < loss_per_cent {
            dropped.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let wait = jitter.mul_f64(chance.random::<f64>());
        if late.send((Instant::now() + wait, buffer[..length].to_vec())).is_err() {
            return;
        }
    }
}
