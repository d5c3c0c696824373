//! The decoder's life: hear what to do, shut in, open, decode, and say what came of it.

use std::os::fd::OwnedFd;
use std::time::Duration;

use super::Failure;
use super::confine::{Needs, confine};
use super::ends;
use super::input::{self, Hardware};
use super::line::{Gone, Line, SharedLine};
use super::pictures::{Pictures, Step, Times, prepare_ffmpeg, steady_ns};
use super::place::Writer;
use crate::isolation::message::{Assignment, Fault, FrameReport, Pacing, Report, Source};
use crate::isolation::ring::Memory;
use crate::isolation::socket::Socket;

/// Between two reports of counts, nanoseconds.
const COUNTS_INTERVAL_NS: u64 = 250_000_000;
/// Where certificate authorities lie on common systems.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// What drivers of hardware decoders open.
const HARDWARE_PLACES: [&str; 7] =
    ["/dev/dri", "/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm", "/sys", "/usr/lib", "/proc/self"];

/// Why the life is over.
enum End {
    Failed(Failure),
    Gone,
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Decodes what the parent says, until it ends.
pub(super) fn run(socket: Socket, ring: OwnedFd) -> Result<(), ()> {
    let line = SharedLine::new(Line::new(socket));
    match decode(&line, ring) {
        Ok(()) => Ok(()),
        Err(End::Gone) => Err(()),
        Err(End::Failed(Failure { fault, found })) => {
            // Nobody hears it when the parent is gone.
            let _ = line.lock().say(&Report::Failed { fault, found });
            Err(())
        }
    }
}

fn decode(line: &SharedLine, ring: OwnedFd) -> Result<(), End> {
    let assignment = Assignment::decode(line.lock().first()?).ok_or(Gone)?;
    let bytes = (assignment.slot_bytes as usize).saturating_mul(assignment.slots as usize);
    let memory =
        Memory::map(&ring, bytes).map_err(|error| Failure::new(Fault::Process, format!("no ring: {error}")))?;
    drop(ring);
    line.lock().free_places(assignment.slots);
    prepare_ffmpeg();
    let hardware = match assignment.hardware.as_str() {
        "" => None,
        name => Some(Hardware::open(name)?),
    };
    if let Source::Device { .. } = assignment.source {
        load_devices()?;
    }
    ends::limit_address_space(assignment.address_space_bytes_max);
    let confinement = confine(&needs(&assignment));
    line.lock().say(&Report::Ready(confinement))?;
    let opened = input::open(&assignment, line, hardware)?;
    let pictures = Pictures::new(opened, &assignment);
    line.lock().say(&Report::Opened { codec: pictures.codec().to_owned() })?;
    let writer = Writer::new(assignment.output, assignment.frame_pixels_max, pictures.orientation());
    Loop { line, memory, assignment, pictures, writer, begun_ns: None, told_ns: steady_ns() }.run()
}

/// What this source needs beyond decoding.
fn needs(assignment: &Assignment) -> Needs {
    let mut needs = match &assignment.source {
        Source::Recording { .. } => Needs::default(),
        Source::Rtsp { port, .. } => Needs { port: Some(*port), ..Needs::default() },
        Source::Mjpeg { address, port, authorities, .. } => {
            let usual = AUTHORITIES.iter().map(|place| (*place).to_owned());
            let named = Some(authorities.clone()).filter(|named| !named.is_empty());
            let read = if address.starts_with("https:") { usual.chain(named).collect() } else { Vec::new() };
            Needs { port: Some(*port), read, ..Needs::default() }
        }
        Source::Device { path } => Needs { devices: vec![path.clone()], ..Needs::default() },
    };
    if !assignment.hardware.is_empty() {
        needs.devices.extend(HARDWARE_PLACES.map(str::to_owned));
    }
    needs
}

/// FFmpeg's readers of devices lie in a library of their own, which drags in a hundred others: it is loaded only here.
fn load_devices() -> Result<(), Failure> {
    // SAFETY: asks for a number.
    let version = unsafe { ffmpeg_next::ffi::avformat_version() } >> 16;
    let missing = |what: &str| {
        Failure::new(Fault::Process, format!("USB cameras need FFmpeg's library libavdevice.so.{version}: {what}"))
    };
    let name = std::ffi::CString::new(format!("libavdevice.so.{version}")).map_err(|_| missing("no name"))?;
    // SAFETY: names end with zero; the function takes nothing, returns nothing, and stays loaded as long as the process.
    unsafe {
        let library = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL);
        if library.is_null() {
            return Err(missing("it is not installed"));
        }
        let register = libc::dlsym(library, c"avdevice_register_all".as_ptr());
        if register.is_null() {
            return Err(missing("it lacks avdevice_register_all"));
        }
        std::mem::transmute::<*mut libc::c_void, extern "C" fn()>(register)();
    }
    Ok(())
}

struct Loop<'a> {
    line: &'a SharedLine,
    memory: Memory,
    assignment: Assignment,
    pictures: Pictures,
    writer: Writer,
    /// When the first frame of a recording was shown.
    begun_ns: Option<u64>,
    told_ns: u64,
}

impl Loop<'_> {
    fn run(mut self) -> Result<(), End> {
        loop {
            self.line.lock().catch_up()?;
            let skip = self.line.lock().skip();
            self.pictures.leave_out(skip);
            match self.pictures.step()? {
                Step::Packet => {}
                Step::Picture(times) => self.show(times)?,
                Step::Ended => {
                    self.tell_counts()?;
                    let skipped = self.pictures.counts.damaged;
                    return Ok(self.line.lock().say(&Report::Ended { skipped })?);
                }
            }
            if steady_ns().saturating_sub(self.told_ns) >= COUNTS_INTERVAL_NS {
                self.tell_counts()?;
            }
        }
    }

    fn tell_counts(&mut self) -> Result<(), End> {
        self.told_ns = steady_ns();
        Ok(self.line.lock().say(&Report::Counts(self.pictures.counts))?)
    }

    /// Puts the picture into a place and says so.
    fn show(&mut self, times: Times) -> Result<(), End> {
        let is_recording = matches!(self.assignment.source, Source::Recording { .. });
        if self.assignment.pacing == Pacing::RealTime {
            self.wait_until_due(times.offset)?;
        }
        let Some(slot) = self.place()? else {
            self.pictures.counts.without_place += 1;
            return Ok(());
        };
        let picture = self.writer.prepare(self.pictures.decoded())?;
        let bytes = picture.bytes().filter(|bytes| *bytes as u64 <= self.assignment.slot_bytes);
        let bytes = bytes.ok_or_else(|| {
            Failure::new(
                Fault::Limit(self.assignment.frame_pixels_max),
                format!("a frame of {} pixels", picture.pixels()),
            )
        })?;
        // SAFETY: the parent gave this place to us, it lies inside the mapping, and the picture fits into it.
        let place = unsafe {
            let start = self.memory.start().add(slot as usize * self.assignment.slot_bytes as usize);
            std::slice::from_raw_parts_mut(start, bytes)
        };
        self.writer.write(self.pictures.decoded(), picture, place)?;
        let report = FrameReport {
            slot,
            picture,
            is_key: self.pictures.decoded().is_key(),
            offset_ns: is_recording.then(|| u64::try_from(times.offset.as_nanos()).unwrap_or(u64::MAX)),
            stream_us: times.stream_us,
            camera_us: times.camera_us,
            arrived_ns: if is_recording { steady_ns() } else { times.arrived_ns },
        };
        Ok(self.line.lock().say(&Report::Frame(report))?)
    }

    fn place(&mut self) -> Result<Option<u32>, End> {
        let mut line = self.line.lock();
        if self.assignment.pacing == Pacing::AsConsumed {
            return Ok(Some(line.wait_for_place()?));
        }
        line.catch_up()?;
        Ok(line.place())
    }

    fn wait_until_due(&mut self, offset: Duration) -> Result<(), End> {
        let begun_ns = *self.begun_ns.get_or_insert_with(steady_ns);
        loop {
            let due_ns = begun_ns.saturating_add(u64::try_from(offset.as_nanos()).unwrap_or(u64::MAX));
            let early_ns = due_ns.saturating_sub(steady_ns());
            if early_ns == 0 {
                return Ok(());
            }
            self.tell_counts()?;
            let wait = Duration::from_nanos(early_ns).min(Duration::from_secs(1));
            self.line.lock().listen(wait)?;
        }
    }
}
