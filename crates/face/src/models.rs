//! The model catalogue: what may be loaded, where it comes from, whether it is installed and unchanged.

mod fetch;
mod install;
mod manifest;
mod package;
mod place;
pub mod progress;

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::engine::{EngineError, LIBRARY_FILE};

pub use install::{InstallOptions, Installed, Need, install};
pub use manifest::{
    Allowed, Archive, BundleManifest, Catalogue, FileEntry, Input, Kind, Layout, Licence, Manifest, OperationalUse,
    Order, ScoreName, Size, Source, TemplateForm, catalogue,
};
pub use progress::Progress;

/// Environment variable that names the directory models are kept in.
pub const DIRECTORY_VARIABLE: &str = "OVERT_MODELS";
/// Environment variable that names directories to look for model files in, separated like `PATH`.
pub const FROM_VARIABLE: &str = "OVERT_MODELS_FROM";

/// Why a model could not be found, fetched, kept or opened.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is no such model, bundle or engine.
    #[error("there is no {what} called {name}; known are: {known}")]
    Unknown {
        /// `model`, `bundle` or `engine`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The models directory cannot be used.
    #[error(
        "could not {attempted} {path}: {cause}; make it writable, free space, or name another directory in {DIRECTORY_VARIABLE}"
    )]
    Directory {
        /// What was attempted.
        attempted: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// A model's file is not there.
    #[error("model {model} is not installed ({path} is missing); run `overt models install {install}`")]
    Missing {
        /// The model.
        model: String,
        /// Where it would be.
        path: PathBuf,
        /// What to install.
        install: String,
    },
    /// A model's file is not what the manifest says.
    #[error(
        "model {model} is refused: {path} {found}, the catalogue says {expected}; delete it and run `overt models install {model}`"
    )]
    Damaged {
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// No source had it.
    #[error("model {model} could not be had: {tried}")]
    NotObtained {
        /// The model.
        model: String,
        /// Each source that was tried and what it said.
        tried: String,
    },
    /// The file is what was published, yet cannot be used.
    #[error("model {model} cannot be used: {found}")]
    Unusable {
        /// The model.
        model: String,
        /// Why.
        found: String,
    },
    /// The catalogue in the binary is wrong.
    #[error("the catalogue's file {file} is wrong: {fault}; this is an error in overt")]
    Catalogue {
        /// Which file.
        file: String,
        /// What is wrong.
        fault: String,
    },
    /// An engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl ModelError {
    fn unknown<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a String>) -> Self {
        let known = known.map(String::as_str).collect::<Vec<_>>().join(", ");
        Self::Unknown { what, name: name.to_owned(), known }
    }
}

/// How one entry's files are on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All there and unchanged.
    Installed,
    /// At least one is not there.
    Missing,
    /// At least one is not what the manifest says; the text says which and how.
    Damaged(String),
    /// There is none for this platform.
    Unavailable,
}

/// The directory models are kept in: `OVERT_MODELS`, else `models` in the user's data directory.
pub fn directory() -> Result<PathBuf, ModelError> {
    if let Some(path) = env::var_os(DIRECTORY_VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    let places = directories::ProjectDirs::from("", "", "overt");
    let places = places.ok_or_else(|| ModelError::Directory {
        attempted: "find",
        path: PathBuf::from("the user's data directory"),
        cause: "this user has no home directory".to_owned(),
    })?;
    Ok(places.data_dir().join("models"))
}

/// How an entry's files are on disk; reads them through.
pub fn state(manifest: &Manifest, models_dir: &Path) -> State {
    if manifest.files.is_empty() {
        return State::Unavailable;
    }
    let mut state = State::Installed;
    for entry in &manifest.files {
        match read_verified(manifest, entry, models_dir) {
            Ok(_) => {}
            Err(ModelError::Missing { .. }) => state = State::Missing,
            Err(error) => return State::Damaged(error.to_string()),
        }
    }
    state
}

/// The bytes of one file, after checking that size and SHA-256 are those of the manifest.
pub fn read_verified(manifest: &Manifest, entry: &FileEntry, models_dir: &Path) -> Result<Vec<u8>, ModelError> {
    let path = models_dir.join(&entry.file);
    let damaged = |found: String, expected: String| ModelError::Damaged {
        model: manifest.name.clone(),
        path: path.clone(),
        found,
        expected,
    };
    let size_bytes = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return Err(ModelError::Missing { model: manifest.name.clone(), path, install: manifest.name.clone() });
        }
        Err(cause) => return Err(unreadable(&path, &cause)),
    };
    if size_bytes != entry.size_bytes {
        return Err(damaged(format!("has {size_bytes} bytes"), format!("{}", entry.size_bytes)));
    }
    let bytes = fs::read(&path).map_err(|cause| unreadable(&path, &cause))?;
    let found = hexadecimal(&Sha256::digest(&bytes));
    if found != entry.sha256 {
        return Err(damaged(format!("has the SHA-256 {found}"), entry.sha256.clone()));
    }
    Ok(bytes)
}

/// Where the library of ONNX Runtime lies, checked against the catalogue; `None` when it is not installed.
pub fn runtime_library(models_dir: &Path) -> Result<Option<PathBuf>, ModelError> {
    let catalogue = catalogue()?;
    let manifest = catalogue.runtime()?;
    let Some(entry) = manifest.files.iter().find(|entry| entry.file == LIBRARY_FILE) else { return Ok(None) };
    match read_verified(manifest, entry, models_dir) {
        Ok(_) => Ok(Some(models_dir.join(&entry.file))),
        Err(ModelError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The pictures for exercises, in the order of the catalogue, each checked.
pub fn pictures(models_dir: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let mut paths = Vec::new();
    for manifest in catalogue()?.manifests.iter().filter(|manifest| manifest.kind == Kind::Pictures) {
        for entry in &manifest.files {
            read_verified(manifest, entry, models_dir)?;
            paths.push(models_dir.join(&entry.file));
        }
    }
    Ok(paths)
}

/// The directory under which the pictures for exercises lie (`portraits/`, `groups/`).
pub fn pictures_dir(models_dir: &Path) -> PathBuf {
    models_dir.join("pictures")
}

fn unreadable(path: &Path, cause: &io::Error) -> ModelError {
    ModelError::Directory { attempted: "read", path: path.to_owned(), cause: cause.to_string() }
}

/// Lower-case hexadecimal.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
