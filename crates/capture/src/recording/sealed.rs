//! A regular file whose bytes were digested once and are checked, block by block, each time they are read again.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use crate::frame::{CaptureError, wipe};

/// Largest recorded file, bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 64 << 30;
/// Bytes digested as one block. A seek inside a file costs reading and checking one block: about 0.2 ms.
const BLOCK_BYTES: usize = 256 << 10;
/// Checked blocks a reader holds, so that a file whose sound and picture lie apart does not check the same block twice.
const BLOCKS_HELD: usize = 4;

/// A regular file, open, with the digests of its content.
pub(crate) struct SealedFile {
    pub(crate) path: PathBuf,
    pub(crate) digest: [u8; 32],
    pub(crate) bytes: u64,
    file: File,
    fingerprint: Fingerprint,
    blocks: Vec<[u8; 32]>,
}

/// What a file system says about one file's identity and age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    bytes: u64,
    modified_s: i64,
    modified_ns: i64,
}

/// What is kept of a small file so that it can be read again later as the same one.
#[derive(Clone)]
pub(crate) struct Seal {
    /// Where it is, without symbolic links.
    pub(crate) path: PathBuf,
    /// What it is called in its folder.
    pub(crate) name: OsString,
    pub(crate) digest: [u8; 32],
    pub(crate) bytes: u64,
    fingerprint: Fingerprint,
}

/// Reads a sealed file; a byte that differs from the digest is never handed out.
pub(crate) struct SealedReader {
    sealed: Arc<SealedFile>,
    position: u64,
    /// Most recently used last.
    held: Vec<(u64, Vec<u8>)>,
    changed: Arc<OnceLock<String>>,
}

impl SealedFile {
    /// Opens `path` if it is a regular file, and digests it. `path` has no symbolic links left.
    pub(crate) fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = open_regular(path)?;
        let fingerprint = Fingerprint::of(&file.metadata().map_err(|error| unreadable(path, &error))?);
        if fingerprint.bytes == 0 {
            let found = "an empty file".to_owned();
            return Err(refused(path, found, "name a recording that holds something"));
        }
        if fingerprint.bytes > FILE_BYTES_MAX {
            let found = format!("a file of {} bytes", fingerprint.bytes);
            return Err(CaptureError::Limit { path: path.to_owned(), found, limit: FILE_BYTES_MAX });
        }
        let (digest, blocks) = digest_blocks(&file, fingerprint.bytes, path)?;
        let sealed = Self { path: path.to_owned(), digest, bytes: fingerprint.bytes, file, fingerprint, blocks };
        sealed.check_unchanged()?;
        Ok(sealed)
    }

    /// Compares what the file system says now with what it said before the digest was taken.
    pub(crate) fn check_unchanged(&self) -> Result<(), CaptureError> {
        let now = Fingerprint::of(&self.file.metadata().map_err(|error| unreadable(&self.path, &error))?);
        match self.fingerprint.difference(&now) {
            Some(found) => Err(CaptureError::Changed { path: self.path.clone(), found }),
            None => Ok(()),
        }
    }

    /// A reader from the first byte. `changed` is set, once, when a block no longer has its digest.
    pub(crate) fn reader(self: &Arc<Self>, changed: &Arc<OnceLock<String>>) -> SealedReader {
        SealedReader { sealed: Arc::clone(self), position: 0, held: Vec::new(), changed: Arc::clone(changed) }
    }

    /// One block's bytes, checked.
    fn block(&self, index: u64, mut buffer: Vec<u8>) -> Result<Vec<u8>, String> {
        let start = index * BLOCK_BYTES as u64;
        let length = (self.bytes - start).min(BLOCK_BYTES as u64) as usize;
        buffer.resize(length, 0);
        self.file
            .read_exact_at(&mut buffer, start)
            .map_err(|error| format!("byte {start} can not be read: {error}"))?;
        let expected = self.blocks.get(index as usize);
        if expected.is_some_and(|expected| Sha256::digest(&buffer).as_slice() == expected) {
            return Ok(buffer);
        }
        wipe(&mut buffer);
        Err(format!("the {length} bytes from byte {start} on are not the ones digested"))
    }
}

impl Seal {
    /// Keeps what is known of an opened file, and closes it.
    pub(crate) fn of(sealed: SealedFile) -> Self {
        let name = sealed.path.file_name().unwrap_or_default().to_owned();
        Self { path: sealed.path, name, digest: sealed.digest, bytes: sealed.bytes, fingerprint: sealed.fingerprint }
    }

    /// The whole file again, if it is still the same.
    pub(crate) fn read(&self) -> Result<Vec<u8>, CaptureError> {
        let changed = |found: String| CaptureError::Changed { path: self.path.clone(), found };
        let file = open_regular(&self.path).map_err(|error| changed(error.to_string()))?;
        let now = Fingerprint::of(&file.metadata().map_err(|error| unreadable(&self.path, &error))?);
        if let Some(found) = self.fingerprint.difference(&now) {
            return Err(changed(found));
        }
        let mut content = vec![0; self.bytes as usize];
        file.read_exact_at(&mut content, 0).map_err(|error| changed(error.to_string()))?;
        if Sha256::digest(&content).as_slice() != self.digest {
            wipe(&mut content);
            return Err(changed("its content is not the one digested".to_owned()));
        }
        Ok(content)
    }
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified_s: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
        }
    }

    /// In words, how `now` differs; `None` when it does not.
    fn difference(&self, now: &Self) -> Option<String> {
        if self == now {
            return None;
        }
        Some(if self.bytes == now.bytes {
            "it was written to or replaced; its length is the same".to_owned()
        } else {
            format!("it had {} bytes and now has {}", self.bytes, now.bytes)
        })
    }
}

impl SealedReader {
    /// The checked block that holds the current position.
    fn current(&mut self) -> io::Result<&[u8]> {
        let index = self.position / BLOCK_BYTES as u64;
        if let Some(place) = self.held.iter().position(|(held, _)| *held == index) {
            let block = self.held.remove(place);
            self.held.push(block);
        } else {
            let spare = if self.held.len() < BLOCKS_HELD { Vec::new() } else { self.held.remove(0).1 };
            match self.sealed.block(index, spare) {
                Ok(block) => self.held.push((index, block)),
                Err(found) => {
                    let message = self.changed.get_or_init(|| found).clone();
                    return Err(io::Error::other(message));
                }
            }
        }
        Ok(self.held.last().map_or(&[], |(_, block)| block.as_slice()))
    }
}

impl Read for SealedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.sealed.bytes || buffer.is_empty() {
            return Ok(0);
        }
        let inside = (self.position % BLOCK_BYTES as u64) as usize;
        let block = self.current()?;
        let available = block.get(inside..).unwrap_or(&[]);
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for SealedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.sealed.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

impl Drop for SealedReader {
    fn drop(&mut self) {
        for (_, block) in &mut self.held {
            wipe(block);
        }
    }
}

/// What `metadata` is, in words, when it is neither a regular file nor a folder.
pub(crate) fn what_else(metadata: &Metadata) -> String {
    let kind = metadata.file_type();
    let words = if kind.is_char_device() {
        "a character device, as cameras are"
    } else if kind.is_block_device() {
        "a block device"
    } else if kind.is_fifo() {
        "a named pipe, through which live pictures could come"
    } else if kind.is_socket() {
        "a socket, through which live pictures could come"
    } else if kind.is_dir() {
        "a folder"
    } else {
        "not a regular file"
    };
    words.to_owned()
}

/// A refusal to take `path` as a recording.
pub(crate) fn refused(path: &Path, found: String, next: &'static str) -> CaptureError {
    CaptureError::Recording { attempted: "opening the recording", path: path.to_owned(), found, next }
}

/// The refusal when the system does not let us look.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> CaptureError {
    refused(path, error.to_string(), "check that the path exists and may be read")
}

/// Opens a regular file for reading, and nothing else. Opening a device node can already switch a camera on, so the
/// name is first resolved to an inode without opening it (`O_PATH`), and that very inode is opened once it is known to
/// be a regular file: between the two nobody can put a device in its place.
#[cfg(target_os = "linux")]
fn open_regular(path: &Path) -> Result<File, CaptureError> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;

    let named = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
        .map_err(|error| unreadable(path, &error))?;
    require_regular(path, &named.metadata().map_err(|error| unreadable(path, &error))?)?;
    let inode = PathBuf::from(format!("/proc/self/fd/{}", named.as_raw_fd()));
    OpenOptions::new().read(true).open(inode).map_err(|error| unreadable(path, &error))
}

/// Opens a regular file for reading. Without `O_PATH` the check comes before and after opening.
#[cfg(not(target_os = "linux"))]
fn open_regular(path: &Path) -> Result<File, CaptureError> {
    require_regular(path, &std::fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?)?;
    let file = OpenOptions::new().read(true).open(path).map_err(|error| unreadable(path, &error))?;
    require_regular(path, &file.metadata().map_err(|error| unreadable(path, &error))?)?;
    Ok(file)
}

fn require_regular(path: &Path, metadata: &Metadata) -> Result<(), CaptureError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(refused(path, what_else(metadata), "an exercise reads recorded files only: name a regular file"))
}

/// The file's SHA-256, and the SHA-256 of each of its blocks.
fn digest_blocks(file: &File, bytes: u64, path: &Path) -> Result<([u8; 32], Vec<[u8; 32]>), CaptureError> {
    let mut whole = Sha256::new();
    let mut blocks = Vec::new();
    let mut buffer = vec![0; BLOCK_BYTES];
    let mut start = 0;
    while start < bytes {
        let length = (bytes - start).min(BLOCK_BYTES as u64) as usize;
        let block = &mut buffer[..length];
        file.read_exact_at(block, start).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => CaptureError::Changed {
                path: path.to_owned(),
                found: format!("it should have {bytes} bytes and ended before byte {}", start + length as u64),
            },
            _ => unreadable(path, &error),
        })?;
        whole.update(&*block);
        blocks.push(Sha256::digest(&*block).into());
        start += length as u64;
    }
    wipe(&mut buffer);
    Ok((whole.finalize().into(), blocks))
}
