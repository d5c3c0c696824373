//! The data directory: where each file lies, one process at a time, and writing a file so that it survives a power cut.
//!
//! `overt.db`, `keys/` and `lock` are for this process alone (owner only); everything under `public/` is for anyone.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use evidence::TileStorage;

use crate::error::{DoingWith as _, StoreError};

/// The database's file name.
pub(crate) const DATABASE: &str = "overt.db";
/// Its name until the store is completely made; found at the next creation, it marks one that was cut short.
pub(crate) const DATABASE_UNFINISHED: &str = "overt.db-unfinished";
/// Owner reads and writes.
pub(crate) const PRIVATE_FILE: u32 = 0o600;
/// Everybody reads.
const PUBLIC_FILE: u32 = 0o644;

/// An existing data directory, held by this process until dropped.
pub(crate) struct DataDirectory {
    root: PathBuf,
    public: PathBuf,
    keys: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the folders where they are missing, and takes the lock.
    pub(crate) fn make(root: &Path) -> Result<Self, StoreError> {
        let make = |path: &Path, mode| {
            DirBuilder::new().recursive(true).mode(mode).create(path).doing_with("making the folder", path)
        };
        make(root, 0o755)?;
        let lock = lock(root)?;
        make(&root.join("keys"), 0o700)?;
        make(&root.join("public"), 0o755)?;
        sync_folder(root).doing_with("writing the folder", root)?;
        Ok(Self::at(root, lock))
    }

    /// Takes the lock on an existing one.
    pub(crate) fn open(root: &Path) -> Result<Self, StoreError> {
        if !root.join(DATABASE).is_file() {
            return Err(StoreError::NotAStore { directory: root.to_owned() });
        }
        Ok(Self::at(root, lock(root)?))
    }

    fn at(root: &Path, lock: File) -> Self {
        Self { root: root.to_owned(), public: root.join("public"), keys: root.join("keys"), _lock: lock }
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What anyone may be served.
    pub(crate) fn public(&self) -> &Path {
        &self.public
    }

    /// The keys.
    pub(crate) fn keys(&self) -> &Path {
        &self.keys
    }

    /// The public log's files.
    pub(crate) fn tiles(&self) -> DirectoryTiles {
        DirectoryTiles { root: self.public.clone() }
    }

    /// Writes a public file, all of it or nothing, durably.
    pub(crate) fn write_public(&self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.tiles().write(path, bytes).doing_with("writing", &self.public.join(path))
    }
}

/// The files of the public log under one folder.
pub(crate) struct DirectoryTiles {
    root: PathBuf,
}

impl DirectoryTiles {
    fn place(&self, path: &str) -> io::Result<PathBuf> {
        let path = Path::new(path);
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        if plain { Ok(self.root.join(path)) } else { Err(io::Error::other("the path leads out of the public folder")) }
    }
}

impl TileStorage for DirectoryTiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        read_if_there(&self.place(path)?)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        write_durably(&self.root, &self.place(path)?, bytes, PUBLIC_FILE)
    }
}

/// The whole file, or nothing where there is none.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a file that did not exist, readable by the owner only, durably. The bytes reach no other file.
pub(crate) fn write_new_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = act(|| OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path))?;
    act(|| file.write_all(bytes))?;
    act(|| file.sync_all())?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Gives a file another name in the same folder, durably; one that had that name is gone.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    act(|| fs::rename(from, to))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Removes a file, durably. Where there is none nothing happens.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match act(|| fs::remove_file(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
    }
}

/// Overwrites a key with zeros where it lies, then removes it; on return it is gone for good as far as the file system
/// and the disk obey. Doing it again does nothing.
pub(crate) fn destroy(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let bytes = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(KEY_FILE_BYTES_MAX);
    act(|| file.write_all(&vec![0; bytes]))?;
    act(|| file.sync_all())?;
    drop(file);
    remove(path)
}

/// Most bytes of a key file that are overwritten before it is removed; ours have 32, or some 150 of text.
const KEY_FILE_BYTES_MAX: usize = 4096;

/// Makes an empty file for the owner only, so that what the database puts beside it is for the owner only too.
pub(crate) fn touch_private(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(PRIVATE_FILE).open(path).map(drop)
}

/// Makes a folder that only its owner can look into.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).doing_with("making the folder", path)
}

/// Puts the names in a folder on the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    act(|| File::open(folder)?.sync_all())
}

/// Every change of the disk outside the database goes through here, so that a test can make each one fail.
fn act<T>(change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(test)]
    return crate::faulty::act(change);
    #[cfg(not(test))]
    change()
}

/// Creates or replaces a file below `root`, making folders as needed. A power cut leaves the old file or the new one.
pub(crate) fn write_durably(root: &Path, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("it has no folder or no name"));
    };
    make_folders(root, folder)?;
    let mut unfinished = std::ffi::OsString::from(".");
    unfinished.push(name);
    unfinished.push(".unfinished");
    let unfinished = folder.join(unfinished);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let mut file = act(|| options.open(&unfinished))?;
    act(|| file.write_all(bytes))?;
    act(|| file.sync_all())?;
    rename(&unfinished, path)
}

fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    let mut at = root.to_owned();
    for part in folder.strip_prefix(root).map_err(io::Error::other)?.components() {
        let above = at.clone();
        at.push(part);
        match act(|| fs::create_dir(&at)) {
            Ok(()) => sync_folder(&above)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes the lock on a folder, which is held until the file is dropped.
pub(crate) fn lock(root: &Path) -> Result<File, StoreError> {
    let path = root.join("lock");
    let options = || OpenOptions::new().write(true).create(true).truncate(false).mode(PRIVATE_FILE).open(&path);
    let file = options().doing_with("opening the lock", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { directory: root.to_owned() }),
        Err(TryLockError::Error(error)) => Err(error).doing_with("taking the lock", &path),
    }
}
