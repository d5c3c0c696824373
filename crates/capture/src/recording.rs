//! A recording: a regular file, or a folder of them, proven to be one before anything is decoded.
//!
//! The promise "an exercise never opens a camera" is kept here. [`Recording::open`] is the only way from a path to
//! frames. It takes no addresses; it resolves symbolic links first and then refuses whatever is not a regular file or
//! a folder (devices, pipes, sockets) without opening it; it digests every byte before the first is decoded; and what
//! is decoded later is compared with that digest. A file that is still being written, a file that is replaced, a
//! folder into which pictures keep arriving: each ends in [`CaptureError::Changed`]. Nothing here trusts a file's name.
//! What an attacker who may write to the recording can do: make a run fail. What they cannot do: put another picture
//! into it than the record's digest names.

#[cfg_attr(
    not(all(feature = "video", target_os = "linux")),
    allow(dead_code, reason = "only a clip is read in blocks")
)]
mod sealed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::folder::Folder;
use crate::frame::{CaptureError, FrameSource};
#[cfg(all(feature = "video", target_os = "linux"))]
pub(crate) use sealed::SealedReader;
pub(crate) use sealed::{Seal, SealedFile};
use sealed::{refused, unreadable, what_else};

/// Most entries a folder may have.
pub const FOLDER_ENTRIES_MAX: usize = 100_000;
/// Largest picture file in a folder, bytes.
pub const PICTURE_BYTES_MAX: u64 = 64 << 20;
/// What a file in a folder must be called to be taken for a picture; other files are left alone.
pub const PICTURE_EXTENSIONS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "pgm", "ppm", "pnm", "pbm"];

/// A recorded file or folder, digested when it was opened.
pub struct Recording {
    path: PathBuf,
    digest: [u8; 32],
    bytes: u64,
    content: Content,
}

/// How a recording is turned into frames.
pub struct FrameOptions {
    /// Threads that decode a clip, 1 to 16.
    pub decode_threads: usize,
    /// What a recording may ask for.
    pub limits: Limits,
    /// Time between the pictures of a folder.
    pub picture_interval: Duration,
    /// Decodes one picture of a folder: its file name (for messages) and its bytes.
    pub decode_picture: DecodePicture,
}

/// Decodes one picture from untrusted bytes; the error is a sentence that says what was found.
pub type DecodePicture = Box<dyn Fn(&str, &[u8]) -> Result<Still, String> + Send>;

/// A decoded picture: interleaved RGB without padding.
pub struct Still {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `3 * width * height` bytes.
    pub pixels: Vec<u8>,
}

/// What a recording may ask for before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest frame, pixels.
    pub frame_pixels_max: u64,
    /// Most frames.
    pub frames_max: u64,
    /// Longest recording.
    pub duration_max: Duration,
    /// Most damaged packets that are passed over.
    pub skipped_max: u64,
}

impl Default for Limits {
    /// One 8K frame (7680 x 4320); a day of 50 frames a second.
    fn default() -> Self {
        Self {
            frame_pixels_max: 7680 * 4320,
            frames_max: 24 * 3600 * 50,
            duration_max: Duration::from_secs(24 * 3600),
            skipped_max: 1_000,
        }
    }
}

impl Default for FrameOptions {
    /// One decoding thread, one picture a second, and no picture decoder.
    fn default() -> Self {
        Self {
            decode_threads: 1,
            limits: Limits::default(),
            picture_interval: Duration::from_secs(1),
            decode_picture: Box::new(|_, _| Err("no picture decoder was supplied".to_owned())),
        }
    }
}

enum Content {
    File(SealedFile),
    /// Sorted by name.
    Pictures(Vec<Seal>),
}

impl Recording {
    /// Opens a recorded file or folder and digests it. Reads it once from end to end.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        let path = path.as_ref();
        refuse_address(path)?;
        let resolved = std::fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        let metadata = std::fs::metadata(&resolved).map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            let pictures = seal_pictures(&resolved)?;
            let bytes = pictures.iter().map(|picture| picture.bytes).sum();
            let digest = digest_of_folder(&pictures);
            return Ok(Self { path: resolved, digest, bytes, content: Content::Pictures(pictures) });
        }
        let file = SealedFile::open(&resolved)?;
        Ok(Self { path: resolved, digest: file.digest, bytes: file.bytes, content: Content::File(file) })
    }

    /// SHA-256 of the file; of a folder, of what `sha256sum` prints for its pictures in the order of their names. It
    /// names the recording on the public record.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Its length; of a folder, of all its pictures together. At least 1.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it is a folder of pictures.
    pub fn is_folder(&self) -> bool {
        matches!(self.content, Content::Pictures(_))
    }

    /// The last part of its path, for the screens of those who run the exercise. A file's name may say more than the
    /// public should read: the record uses the digest.
    pub fn name_for_people(&self) -> String {
        self.path.file_name().map_or_else(|| "recording".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// The file, when it is one that is decoded as video.
    #[cfg(all(feature = "video", target_os = "linux"))]
    pub(crate) fn into_file(self) -> Result<Arc<SealedFile>, CaptureError> {
        match self.content {
            Content::File(file) => Ok(Arc::new(file)),
            Content::Pictures(_) => {
                let next = "read its pictures as frames instead";
                Err(refused(&self.path, "a folder of pictures".to_owned(), next))
            }
        }
    }

    /// Starts decoding from the beginning. A file is decoded in a process of its own, which is this program again: see
    /// [`serve_decoder`](crate::serve_decoder).
    pub fn into_frames(self, options: FrameOptions) -> Result<Box<dyn FrameSource>, CaptureError> {
        match self.content {
            Content::Pictures(pictures) => Ok(Box::new(Folder::new(self.path, pictures, options))),
            Content::File(file) => clip_frames(Arc::new(file), &options),
        }
    }
}

#[cfg(all(feature = "video", target_os = "linux"))]
fn clip_frames(file: Arc<SealedFile>, options: &FrameOptions) -> Result<Box<dyn FrameSource>, CaptureError> {
    Ok(Box::new(crate::clip::Clip::open(file, options)?))
}

#[cfg(not(all(feature = "video", target_os = "linux")))]
fn clip_frames(file: Arc<SealedFile>, _options: &FrameOptions) -> Result<Box<dyn FrameSource>, CaptureError> {
    let next = "this build reads folders of pictures; build for Linux, with the feature `video`, to read video files";
    Err(refused(&file.path, "a single file".to_owned(), next))
}

/// Refuses `scheme://…` before the file system is asked, so that the message says what is wrong.
fn refuse_address(path: &Path) -> Result<(), CaptureError> {
    let text = path.to_string_lossy();
    match text.split_once("://") {
        Some((scheme, _)) if !scheme.is_empty() && !scheme.contains('/') => {
            let next = "an exercise reads recorded files only: record the stream first, then name the file";
            Err(refused(path, format!("an address of the kind {scheme}://"), next))
        }
        _ => Ok(()),
    }
}

/// Digests every picture directly inside a folder, sorted by name. Folders inside it and files with other endings are
/// left alone; a device, pipe or socket that is named like a picture is refused.
fn seal_pictures(folder: &Path) -> Result<Vec<Seal>, CaptureError> {
    let paths = picture_paths(folder)?;
    if paths.is_empty() {
        let found = format!("a folder without pictures ({})", PICTURE_EXTENSIONS.join(", "));
        return Err(refused(folder, found, "name a folder that holds pictures"));
    }
    paths.iter().map(|path| seal_picture(path)).collect()
}

/// The pictures directly inside a folder, sorted by name; symbolic links are kept as they are named.
pub(crate) fn picture_paths(folder: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let mut paths = Vec::new();
    for (entries, entry) in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?.enumerate() {
        if entries >= FOLDER_ENTRIES_MAX {
            let found = format!("at least {entries} entries");
            return Err(CaptureError::Limit { path: folder.to_owned(), found, limit: FOLDER_ENTRIES_MAX as u64 });
        }
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if is_named_like_a_picture(&path) && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn seal_picture(path: &Path) -> Result<Seal, CaptureError> {
    let resolved = std::fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    let metadata = std::fs::metadata(&resolved).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(refused(path, what_else(&metadata), "a folder of pictures holds regular files only: remove it"));
    }
    if metadata.len() > PICTURE_BYTES_MAX {
        let found = format!("a picture of {} bytes", metadata.len());
        return Err(CaptureError::Limit { path: path.to_owned(), found, limit: PICTURE_BYTES_MAX });
    }
    let mut seal = Seal::of(SealedFile::open(&resolved)?);
    seal.name = path.file_name().unwrap_or_default().to_owned();
    Ok(seal)
}

fn is_named_like_a_picture(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    !hidden && extension.is_some_and(|extension| PICTURE_EXTENSIONS.contains(&extension.as_str()))
}

/// SHA-256 of one line for each picture, sorted by name: its SHA-256 in hexadecimal, two spaces, its name, a line
/// feed. It is what `sha256sum *.jpg | sha256sum` prints, so that anyone can repeat it without this program.
fn digest_of_folder(pictures: &[Seal]) -> [u8; 32] {
    use std::os::unix::ffi::OsStrExt;

    let mut list = Sha256::new();
    for picture in pictures {
        for byte in picture.digest {
            list.update(format!("{byte:02x}"));
        }
        list.update(b"  ");
        list.update(picture.name.as_bytes());
        list.update(b"\n");
    }
    list.finalize().into()
}
