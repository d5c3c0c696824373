//! Starts, watches and ends a decoder's process: the same program again, with a socket, a ring, and nothing else of ours.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use super::message::Assignment;
use super::ring::Ring;
use super::socket::{Patience, Socket};

/// What this program is called with to become a decoder. A program that decodes calls [`crate::serve_decoder`] then.
pub const DECODER_COMMAND: &str = "serve_decoder";
/// What is left of the environment: where libraries lie, which is no secret, and hardware drivers need to know.
const VARIABLES_KEPT: [&str; 3] = ["LD_LIBRARY_PATH", "LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH"];

/// How often a process that hung up is looked for.
const ENDING_LOOKS_MAX: usize = 50;
/// Between two such looks.
const ENDING_LOOK: Duration = Duration::from_millis(2);

/// A running decoder. Dropping it kills the process.
pub(crate) struct Decoder {
    child: Child,
    line: Arc<Socket>,
    ring: Arc<Ring>,
}

impl Decoder {
    /// Starts a process and tells it what to do. `assignment` gets its places from here.
    pub(crate) fn start(mut assignment: Assignment, slots: usize, slot_bytes: usize) -> io::Result<Self> {
        let (ours, theirs) = Socket::pair()?;
        let line = Arc::new(ours);
        let (ring, file) = Ring::new(slots, slot_bytes, Arc::clone(&line))?;
        assignment.slots = slots as u32;
        assignment.slot_bytes = ring.slot_bytes() as u64;
        // Its two ends are handed over as standard input and output: so nothing has to run between fork and exec.
        let mut command = Command::new("/proc/self/exe");
        command.arg0("overt").arg(DECODER_COMMAND).env_clear().process_group(0);
        command.envs(VARIABLES_KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.stdin(theirs.into_fd()).stdout(file).stderr(Stdio::null());
        let child = spawn(command)?;
        let decoder = Self { child, line, ring: Arc::new(ring) };
        decoder.line.say(&assignment.encode(), Patience::Now)?;
        Ok(decoder)
    }

    pub(crate) fn line(&self) -> &Socket {
        &self.line
    }

    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Memory it uses, shared pages included; `None` when the system does not say.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let told = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).ok()?;
        let pages: u64 = told.split(' ').nth(1)?.parse().ok()?;
        // SAFETY: asks for a number.
        let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        Some(pages.saturating_mul(page_bytes.try_into().unwrap_or(4096)))
    }

    /// How it ended, if it did by itself: one that has just hung up is given a moment to.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        for _ in 0..ENDING_LOOKS_MAX {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::park_timeout(ENDING_LOOK);
        }
        None
    }

    /// Ends it.
    fn end(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The number the system knows the process by.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.end();
    }
}

/// How a process ended, in words.
pub(crate) fn ending(status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.signal(), status.code())) {
        Some((Some(signal), _)) => format!("it was ended by signal {signal}"),
        Some((None, Some(code))) => format!("it ended with code {code}"),
        _ => "it hung up".to_owned(),
    }
}

type Wish = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a process from a thread that lives as long as this one: a decoder is killed by the system when the thread that
/// started it ends, so that none outlives us whatever we die of.
fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Wish>>> = OnceLock::new();
    let gone = || io::Error::other("the thread that starts processes is gone");
    let (answer, answered) = mpsc::channel();
    if SPAWNER.get().is_none() {
        let (wishes, wished) = mpsc::channel::<Wish>();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            for (mut command, answer) in wished {
                // Nobody waits any more: the child is dropped, hears nobody, and ends.
                let _ = answer.send(command.spawn());
            }
        })?;
        // When two threads come here at once, the second's spawner ends with its sender.
        let _ = SPAWNER.set(Mutex::new(wishes));
    }
    let spawner = SPAWNER.get().ok_or_else(gone)?;
    let sent = spawner.lock().unwrap_or_else(PoisonError::into_inner).send((command, answer));
    sent.map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}
