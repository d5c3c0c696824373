//! A camera that a test watches: frames that must come, and conditions that must come true.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use capture::{CameraSettings, Credentials, Health, Next, PermitKeeper, Stream, StreamOptions, Transport, YuvFrame};

/// Nothing takes this long: a test that waits longer has failed.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// A stream, and the permit that is kept alive while it is watched.
pub(crate) struct Watched {
    pub(crate) stream: Stream,
    keeper: PermitKeeper,
}

/// What is kept of a frame that was given back.
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) offset: Duration,
    pub(crate) captured: Duration,
    pub(crate) arrived: Instant,
    /// From capture to arrival.
    pub(crate) delay: Duration,
}

/// A machine that is busy with other tests may be slow to connect and to decode: that is no fault of a camera.
pub(crate) fn options() -> StreamOptions {
    let (open_max, stall_max) = (Duration::from_secs(30), Duration::from_secs(30));
    StreamOptions { queue_frames_max: 30, open_max, stall_max, ..StreamOptions::default() }
}

pub(crate) fn camera(address: &str, transport: Transport) -> CameraSettings {
    let address = address.parse().expect("an address");
    CameraSettings { name: "gate".to_owned(), address, transport, credentials: None, authorities: None }
}

/// A secret file with this content.
pub(crate) fn secret(content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(content.as_bytes()).expect("writes");
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600)).expect("mode");
    file
}

pub(crate) fn credentials(content: &str) -> Credentials {
    Credentials::from_file(secret(content).path()).expect("credentials")
}

/// Waits until something is so.
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < LONG, "{what} did not come");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

impl Watched {
    pub(crate) fn new(settings: CameraSettings, options: StreamOptions) -> Self {
        let keeper = PermitKeeper::new(capture::permit::PERMIT_MAX);
        let stream = Stream::camera(settings, options, keeper.permit()).expect("starts");
        Self { stream, keeper }
    }

    /// The next so many frames.
    pub(crate) fn frames(&mut self, count: usize) -> Vec<Seen> {
        (0..count).map(|_| self.next("a frame")).collect()
    }

    /// Frames until one is as wanted.
    pub(crate) fn frames_until(&mut self, what: &str, wanted: impl Fn(&YuvFrame) -> bool) {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < LONG, "{what} did not come: {:?}", self.stream.health());
            let frame = self.take(what);
            if wanted(&frame) {
                return;
            }
        }
    }

    /// Frames of a connection made after now; says how long they took.
    pub(crate) fn recovers(&mut self, from: &str) {
        let begun = Instant::now();
        let before = self.stream.health().counts.frames;
        self.frames_until(from, |frame| frame.number() > before);
        println!("{from}: frames again after {} ms", begun.elapsed().as_millis());
    }

    /// Takes frames as they come until its health is as wanted.
    pub(crate) fn keep_up_until(&mut self, what: &str, wanted: impl Fn(&Health) -> bool) {
        let begun = Instant::now();
        while !wanted(&self.stream.health()) {
            assert!(begun.elapsed() < LONG, "{what} did not come: {:?}", self.stream.health());
            drop(self.take(what));
        }
    }

    /// Its health once it is as wanted; frames are left to be dropped meanwhile.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Health) -> bool) -> Health {
        let begun = Instant::now();
        loop {
            self.keeper.renew(capture::permit::PERMIT_MAX);
            let health = self.stream.health();
            if wanted(&health) {
                return health;
            }
            assert!(begun.elapsed() < LONG, "{what} did not come: {health:?}");
            // Waits for the bell rather than for time; what is looked for need not ring it.
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn next(&self, what: &str) -> Seen {
        let frame = self.take(what);
        // Every row is there and may be read.
        let luma = frame.luma();
        assert_eq!(luma.rows().map(|row| row.len()).sum::<usize>(), (frame.width() * frame.height()) as usize);
        let stamp = frame.stamp();
        let captured = stamp.captured.expect("a live frame").since_epoch;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
        let arrived = now.saturating_sub(stamp.arrived.elapsed());
        Seen {
            number: frame.number(),
            width: frame.width(),
            height: frame.height(),
            offset: frame.offset(),
            captured,
            arrived: stamp.arrived,
            delay: arrived.saturating_sub(captured),
        }
    }

    fn take(&self, what: &str) -> YuvFrame {
        self.keeper.renew(capture::permit::PERMIT_MAX);
        match self.stream.next(LONG).expect("no error") {
            Next::Frame(frame) => frame,
            Next::Nothing => panic!("{what} did not come: {:?}", self.stream.health()),
            Next::Ended => panic!("the stream ended before {what}: {:?}", self.stream.health()),
        }
    }
}
