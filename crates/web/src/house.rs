//! What every route may use: the store on a thread that may block, the run, the clock, the form token, the limit on streams.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use domain::{DeploymentId, Kind, Officer};
use jiff::Timestamp;
use pipeline::Running;
use store::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::answer::Fault;
use crate::{Screens, WebError};

/// Most pictures and counters that stream at once; a browser opens about six to one server.
pub(crate) const STREAMS_MAX: usize = 24;
const TOKEN_BYTES: usize = 32;

/// Cheap to clone; one for all requests.
#[derive(Clone)]
pub(crate) struct House(Arc<Rooms>);

struct Rooms {
    screens: Screens,
    form_token: String,
    public_dir: PathBuf,
    verifying_key: String,
    streams: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

impl House {
    /// Takes the screens and makes this process's form token.
    pub(crate) fn open(screens: Screens) -> Result<Self, WebError> {
        let mut token = [0; TOKEN_BYTES];
        getrandom::fill(&mut token).map_err(|error| WebError::NoRandomness { reason: error.to_string() })?;
        let form_token = token.iter().map(|byte| format!("{byte:02x}")).collect();
        let (public_dir, verifying_key) = {
            let store = screens.store.lock().unwrap_or_else(PoisonError::into_inner);
            (store.public_dir().to_owned(), store.verifying_key().to_owned())
        };
        let (streams, closing) = (Arc::new(Semaphore::new(STREAMS_MAX)), watch::Sender::new(false));
        Ok(Self(Arc::new(Rooms { screens, form_token, public_dir, verifying_key, streams, closing })))
    }

    /// Asks the store something, on a thread where waiting for the disk holds up nobody. Keep `ask` short: the run waits too.
    pub(crate) async fn ask_store<T, F>(&self, ask: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, Fault> + Send + 'static,
    {
        let store = Arc::clone(&self.0.screens.store);
        // A thread that panicked while it held the store left nothing half done: what it had not committed is not there.
        let asked = tokio::task::spawn_blocking(move || ask(&mut store.lock().unwrap_or_else(PoisonError::into_inner)));
        asked.await.unwrap_or_else(|_| Err(Fault::Broken("the question to the store was cut short")))
    }

    /// The run.
    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.0.screens.running
    }

    /// The deployment of the control room.
    pub(crate) fn deployment(&self) -> &DeploymentId {
        &self.0.screens.deployment
    }

    /// The kind of that deployment, for pages that are about no other.
    pub(crate) fn kind(&self, store: &Store) -> Result<Kind, Fault> {
        Ok(store.deployment(self.deployment())?.plan().kind)
    }

    /// Who sits at the desk.
    pub(crate) fn operator(&self) -> &Officer {
        &self.0.screens.operator
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.screens.clock.now()
    }

    /// What a form of ours carries and a form of anybody else's does not know.
    pub(crate) fn form_token(&self) -> &str {
        &self.0.form_token
    }

    /// Where the files lie that anyone may have.
    pub(crate) fn public_dir(&self) -> &PathBuf {
        &self.0.public_dir
    }

    /// The log's public key, as text.
    pub(crate) fn verifying_key(&self) -> &str {
        &self.0.verifying_key
    }

    /// A place among the streams, while one is free.
    pub(crate) fn stream_place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.0.streams).try_acquire_owned().map_err(|_| Fault::Busy)
    }

    /// Turns to true when the server is closing.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Tells every stream to end.
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }
}
