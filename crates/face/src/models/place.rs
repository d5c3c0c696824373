//! Writing into the models directory: one installer at a time, and no file under its name before it is whole and checked.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};

use crate::models::{FileEntry, ModelError, hexadecimal};

/// Bytes moved at once.
const CHUNK_BYTES: usize = 1 << 16;
/// What begins the name of everything unfinished; left-overs of a killed install are swept by the next one.
const INCOMPLETE_PREFIX: &str = ".incoming-";
/// Held by the running installer.
const LOCK_FILE: &str = ".install.lock";

/// Why a file was not kept.
#[derive(Debug)]
pub(super) enum KeepError {
    /// The source broke off or gave something else: try the next one.
    Source(String),
    /// The disk refused: no source can help.
    Disk(ModelError),
}

/// The models directory, held by this installer until dropped.
pub(super) struct Place {
    models_dir: PathBuf,
    _lock: File,
}

impl Place {
    /// Makes the directory, waits for other installers, sweeps what a killed one left behind.
    pub(super) fn open(models_dir: &Path, say_waiting: impl FnOnce()) -> Result<Self, ModelError> {
        fs::create_dir_all(models_dir).map_err(|cause| refused("make the directory", models_dir, &cause))?;
        let lock_path = models_dir.join(LOCK_FILE);
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|cause| refused("write", &lock_path, &cause))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                say_waiting();
                lock.lock().map_err(|cause| refused("lock", &lock_path, &cause))?;
            }
            Err(TryLockError::Error(cause)) => return Err(refused("lock", &lock_path, &cause)),
        }
        let place = Self { models_dir: models_dir.to_owned(), _lock: lock };
        place.sweep();
        Ok(place)
    }

    /// A directory for what is being fetched, on the same disk; removed when dropped.
    pub(super) fn scratch(&self) -> Result<TempDir, ModelError> {
        let made = tempfile::Builder::new().prefix(INCOMPLETE_PREFIX).tempdir_in(&self.models_dir);
        made.map_err(|cause| refused("make a directory in", &self.models_dir, &cause))
    }

    /// Streams `source` into the entry's file; it appears under its name only when size and SHA-256 are right and it is on disk.
    pub(super) fn keep(
        &self,
        entry: &FileEntry,
        source: &mut dyn Read,
        on_bytes: &dyn Fn(u64),
    ) -> Result<(), KeepError> {
        let path = self.models_dir.join(&entry.file);
        let folder = path.parent().unwrap_or(&self.models_dir);
        let disk = |attempted: &'static str, cause: &std::io::Error| KeepError::Disk(refused(attempted, &path, cause));
        fs::create_dir_all(folder).map_err(|cause| disk("make the directory of", &cause))?;
        let mut file = new_file(folder).map_err(|cause| disk("begin", &cause))?;
        copy_checked(entry, source, &mut file, on_bytes, |cause| disk("write", cause))?;
        file.as_file().sync_all().map_err(|cause| disk("write", &cause))?;
        file.persist(&path).map_err(|cause| disk("write", &cause.error))?;
        // The file is whole; a directory entry lost to a power cut only means another install.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.models_dir) else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(INCOMPLETE_PREFIX) {
                let path = entry.path();
                // What cannot be removed is only in the way of nobody.
                let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            }
        }
    }
}

/// Copies at most the entry's size, and refuses a source that is shorter, longer or different.
fn copy_checked(
    entry: &FileEntry,
    source: &mut dyn Read,
    file: &mut NamedTempFile,
    on_bytes: &dyn Fn(u64),
    disk: impl Fn(&std::io::Error) -> KeepError,
) -> Result<(), KeepError> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut hash = Sha256::new();
    let mut size_bytes = 0u64;
    loop {
        let count = source
            .read(&mut chunk)
            .map_err(|cause| KeepError::Source(format!("it broke off after {size_bytes} bytes: {cause}")))?;
        if count == 0 {
            break;
        }
        size_bytes += count as u64;
        if size_bytes > entry.size_bytes {
            return Err(KeepError::Source(format!(
                "it is larger than the {} bytes of the catalogue",
                entry.size_bytes
            )));
        }
        hash.update(&chunk[..count]);
        file.write_all(&chunk[..count]).map_err(|cause| disk(&cause))?;
        on_bytes(size_bytes);
    }
    if size_bytes != entry.size_bytes {
        return Err(KeepError::Source(format!("it has {size_bytes} bytes, not {}", entry.size_bytes)));
    }
    match hexadecimal(&hash.finalize()) {
        found if found == entry.sha256 => Ok(()),
        found => Err(KeepError::Source(format!("it has the SHA-256 {found}, not {}", entry.sha256))),
    }
}

/// An unfinished file that other users may read once it is finished.
fn new_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(INCOMPLETE_PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(folder)
}

fn refused(attempted: &'static str, path: &Path, cause: &std::io::Error) -> ModelError {
    ModelError::Directory { attempted, path: path.to_owned(), cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> FileEntry {
        FileEntry {
            platform: None,
            file: "folder/test.bin".to_owned(),
            sha256: hexadecimal(&Sha256::digest(text)),
            size_bytes: text.len() as u64,
            member: None,
        }
    }

    fn keep(place: &Place, entry: &FileEntry, mut source: &[u8]) -> Result<(), KeepError> {
        place.keep(entry, &mut source, &|_| {})
    }

    #[test]
    fn only_the_right_bytes_are_kept_and_nothing_else_is_left_behind() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = Place::open(dir.path(), || {}).expect("the place");
        let entry = entry("right");
        for wrong in ["wrong", "righ", "right and more"] {
            assert!(matches!(keep(&place, &entry, wrong.as_bytes()), Err(KeepError::Source(_))), "{wrong}");
        }
        assert_eq!(fs::read_dir(dir.path().join("folder")).expect("the folder").count(), 0);
        keep(&place, &entry, b"right").expect("kept");
        assert_eq!(fs::read(dir.path().join("folder/test.bin")).expect("the file"), b"right");
        assert_eq!(fs::read_dir(dir.path().join("folder")).expect("the folder").count(), 1);
    }

    #[test]
    fn what_a_killed_install_left_is_swept() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join(".incoming-old")).expect("a left-over");
        fs::write(dir.path().join(".incoming-old/part"), b"half").expect("a left-over");
        let _place = Place::open(dir.path(), || {}).expect("the place");
        assert!(!dir.path().join(".incoming-old").exists());
    }

    #[test]
    fn a_models_directory_that_is_a_file_is_named_in_the_error() {
        let file = NamedTempFile::new().expect("a file");
        let error = Place::open(&file.path().join("models"), || {}).map(|_| ()).expect_err("no directory there");
        assert!(error.to_string().contains("make the directory"), "{error}");
        assert!(error.to_string().contains("OVERT_MODELS"), "{error}");
    }
}
