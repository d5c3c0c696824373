//! The door of a data directory: while one process runs a deployment in it, other commands on it are done by that process.
//!
//! It is a unix socket, `door/socket` in the data directory, for the user who holds that alone: the folder is 0700, the
//! socket 0600, and whoever knocks is asked of the kernel. What comes through is a command line; the holder does it by the
//! very functions that the command would have called itself, on the same store, under the same rules. No right arises here.

mod caller;
mod wire;

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net as blocking;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use domain::DeploymentId;
use pipeline::{Running, SharedStore};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};

pub(super) use caller::ask;
use wire::Request;

use super::deployment::DeploymentArgs;
use super::{Answer, At, DeskCommand, perform};
use crate::CommandLine;

/// The door's folder in the data directory.
const FOLDER: &str = "door";
/// The socket in it.
const SOCKET: &str = "socket";
/// Most who are served or waiting to be; others wait in the kernel's queue.
const CALLERS_MAX: u32 = 8;
/// A request has to be here within this time.
const REQUEST_WAIT_MAX: Duration = Duration::from_secs(5);
/// An answer has to be taken within this time.
const ANSWER_TAKEN_MAX: Duration = Duration::from_secs(60);
/// What is being done when the run is over has this time to be done.
const CLOSING_MAX: Duration = Duration::from_secs(60);
/// After a failure to let somebody in, such as for want of file descriptors.
const REST: Duration = Duration::from_millis(200);
/// How often, and how many times, it is looked whether a run that was asked to end has.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: u32 = 600;

/// A door that is in its place and not opened yet: who knocks waits.
pub(crate) struct Door {
    listener: blocking::UnixListener,
    socket: PathBuf,
    owner: u32,
}

/// An open door. Dropped, it lets nobody in any more, finishes what it has begun, and is gone.
pub(crate) struct OpenDoor {
    socket: PathBuf,
    close: Option<oneshot::Sender<()>>,
    doorkeeper: Option<JoinHandle<()>>,
}

/// What is behind a door.
pub(crate) struct Inside {
    /// The store that this process holds.
    pub store: SharedStore,
    /// The run.
    pub running: Arc<Running>,
    /// Of which deployment.
    pub deployment: DeploymentId,
}

/// Somebody at the door.
pub(crate) struct Visitor {
    /// The folder that they are in, from which they name files.
    pub folder: PathBuf,
    /// The deployment that runs here.
    pub running: DeploymentId,
}

impl Door {
    /// Puts it in its place in a data directory that this process holds; what a killed process left there is replaced.
    pub(crate) fn place(data: &Path) -> Result<Self> {
        let folder = data.join(FOLDER);
        let doing = || format!("making the door {}", folder.join(SOCKET).display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(doing)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).with_context(doing)?;
        let opened = File::open(&folder).with_context(doing)?;
        let socket = short(&opened);
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).with_context(doing),
            _ => {}
        }
        let listener = blocking::UnixListener::bind(&socket).with_context(doing)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600)).with_context(doing)?;
        listener.set_nonblocking(true).with_context(doing)?;
        let owner = fs::symlink_metadata(&socket).with_context(doing)?.uid();
        Ok(Self { listener, socket: folder.join(SOCKET), owner })
    }

    /// Opens it.
    pub(crate) fn open(self, inside: Inside) -> Result<OpenDoor> {
        let Self { listener, socket, owner } = self;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("opening the door")?;
        let (close, closing) = oneshot::channel();
        let keep = move || runtime.block_on(keep(listener, owner, Arc::new(inside), closing));
        let doorkeeper = std::thread::Builder::new().name("door".into()).spawn(keep).context("opening the door")?;
        Ok(OpenDoor { socket, close: Some(close), doorkeeper: Some(doorkeeper) })
    }
}

impl Drop for OpenDoor {
    fn drop(&mut self) {
        drop(self.close.take());
        if let Some(doorkeeper) = self.doorkeeper.take() {
            // A doorkeeper that panicked has let nobody in since.
            let _ = doorkeeper.join();
        }
        // Whoever comes next replaces one that stays.
        let _ = fs::remove_file(&self.socket);
    }
}

/// The socket in an open folder, by a path that is short whatever the folder's is: a socket's may have some 100 bytes.
fn short(folder: &File) -> PathBuf {
    Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(SOCKET)
}

async fn keep(listener: blocking::UnixListener, owner: u32, inside: Arc<Inside>, mut closing: oneshot::Receiver<()>) {
    let Ok(listener) = UnixListener::from_std(listener) else { return };
    let places = Arc::new(Semaphore::new(CALLERS_MAX as usize));
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let let_in = async { (place.await, listener.accept().await) };
        tokio::select! {
            (place, caller) = let_in => match caller {
                Ok((caller, _)) => drop(tokio::spawn(attend(caller, owner, Arc::clone(&inside), place))),
                Err(_) => sleep(REST).await,
            },
            _ = &mut closing => break,
        }
    }
    drop(listener);
    let _ = timeout(CLOSING_MAX, places.acquire_many(CALLERS_MAX)).await;
}

/// Serves one caller; the place is theirs until they are gone.
async fn attend<P>(mut caller: UnixStream, owner: u32, inside: Arc<Inside>, place: P) {
    if caller.peer_cred().is_ok_and(|peer| peer.uid() == owner) {
        let answer = match timeout(REQUEST_WAIT_MAX, wire::read_request(&mut caller)).await {
            Ok(Ok(request)) => serve(request, &inside).await,
            Ok(Err(found)) => Answer::failed(format_args!("at the door: {found:#}")),
            Err(_) => Answer::failed(format_args!("at the door: no whole request within {REQUEST_WAIT_MAX:?}")),
        };
        // Whoever does not take their answer finds what was done on the record.
        let _ = timeout(ANSWER_TAKEN_MAX, wire::write_answer(&mut caller, &answer)).await;
    }
    drop(place);
}

async fn serve(request: Request, inside: &Arc<Inside>) -> Answer {
    let command = match CommandLine::try_parse_from(&request.argv) {
        Ok(line) => line.on_data_directory(),
        Err(found) => return Answer { err: found.to_string(), code: crate::FAILED, ..Answer::default() },
    };
    let Some(command) = command else {
        return Answer::failed("at the door: this is no command on a data directory; call it without the door");
    };
    let at = command.at().clone();
    let visitor = Visitor { folder: request.folder, running: inside.deployment.clone() };
    let (answer, stop_run) = Arc::clone(inside).done(command, visitor).await;
    let Some(reason) = stop_run else { return answer };
    inside.running.stop(&reason);
    for _ in 0..LOOKS_MAX {
        if inside.running.status().stage.is_over() {
            return Arc::clone(inside).state(at).await;
        }
        sleep(LOOK_EVERY).await;
    }
    Answer::failed(format_args!("{} was asked to end and has not yet; look again", inside.deployment))
}

impl Inside {
    /// Does a command, once nobody else uses the store.
    async fn done(self: Arc<Self>, command: DeskCommand, visitor: Visitor) -> (Answer, Option<String>) {
        let work = tokio::task::spawn_blocking(move || {
            // A panic elsewhere left no half of a decision behind: each is one transaction.
            let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
            let performed = perform(command, &mut store, Some(&visitor));
            (performed.answer, performed.stop_run)
        });
        let fault = "the command ended by a fault in the software; look at the record before you try again";
        work.await.unwrap_or_else(|_| (Answer::failed(fault), None))
    }

    /// How the deployment that ran here stands.
    async fn state(self: Arc<Self>, at: At) -> Answer {
        let command = DeskCommand::Deployment(DeploymentArgs::show(at, self.deployment.to_string()));
        let visitor = Visitor { folder: PathBuf::new(), running: self.deployment.clone() };
        self.done(command, visitor).await.0
    }
}
