//! A camera's name and password: from a file that nobody else may read, or an environment variable; never printed.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::frame::CaptureError;

/// Longest name and password together, bytes.
pub const CREDENTIALS_BYTES_MAX: usize = 1024;

/// What a camera is signed in to with. Whoever holds it can see what the camera sees, and often turn it; wiped when
/// dropped, and handed to the camera's own process over a socket, never as an argument or in its environment.
#[derive(Clone)]
pub struct Credentials {
    name: Zeroizing<String>,
    password: Zeroizing<String>,
}

impl Credentials {
    /// Reads `name:password` from the first line of a regular file that belongs to this user (or root) and that nobody
    /// else may read or write.
    pub fn from_file(path: &Path) -> Result<Self, CaptureError> {
        let refused = |found: String, next| refused(&path.display().to_string(), found, next);
        let unreadable = |error: std::io::Error| refused(error.to_string(), "check that it exists and may be read");
        // A pipe would wait for a writer for ever: without blocking it is opened at once, and refused.
        let mut options = std::fs::OpenOptions::new();
        let file =
            options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(refused("not a regular file".to_owned(), "name a regular file"));
        }
        if metadata.mode() & 0o077 != 0 {
            let found = format!("mode {:03o}, so that others may read or write it", metadata.mode() & 0o777);
            return Err(refused(found, "take their rights away (chmod 600), and change the password"));
        }
        // SAFETY: asks for a number of this process and changes nothing.
        let own = unsafe { libc::geteuid() };
        if metadata.uid() != own && metadata.uid() != 0 {
            return Err(refused(
                format!("it belongs to user {}", metadata.uid()),
                "let it belong to the user that runs overt",
            ));
        }
        let mut text = Zeroizing::new(String::with_capacity(CREDENTIALS_BYTES_MAX + 1));
        file.take(CREDENTIALS_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text).map_err(|found| refused(found, "write name:password into its first line"))
    }

    /// Reads `name:password` from an environment variable of this process.
    pub fn from_variable(variable: &str) -> Result<Self, CaptureError> {
        let refused = |found: String, next| refused(&format!("the variable {variable}"), found, next);
        let text = std::env::var(variable).map(Zeroizing::new).map_err(|error| {
            let found = if error == std::env::VarError::NotPresent { "it is not set" } else { "it is not UTF-8" };
            refused(found.to_owned(), "set it to name:password")
        })?;
        Self::parse(&text).map_err(|found| refused(found, "set it to name:password"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.len() > CREDENTIALS_BYTES_MAX {
            return Err(format!("more than {CREDENTIALS_BYTES_MAX} bytes"));
        }
        let line = text.lines().next().unwrap_or_default().trim_end_matches('\r');
        let (name, password) = line.split_once(':').ok_or("no colon between name and password")?;
        if name.is_empty() || line.chars().any(char::is_control) {
            return Err("an empty name, or control characters".to_owned());
        }
        Ok(Self { name: Zeroizing::new(name.to_owned()), password: Zeroizing::new(password.to_owned()) })
    }

    /// `name:password` as an address has them before its host: all but letters and digits as `%XX`.
    pub(crate) fn for_address(&self) -> Zeroizing<String> {
        let mut encoded = Zeroizing::new(String::with_capacity(3 * CREDENTIALS_BYTES_MAX + 1));
        for part in [&self.name, &self.password] {
            if !encoded.is_empty() {
                encoded.push(':');
            }
            for byte in part.bytes() {
                if byte.is_ascii_alphanumeric() {
                    encoded.push(byte.into());
                } else {
                    const HEX: &[u8; 16] = b"0123456789ABCDEF";
                    encoded.push('%');
                    encoded.push(HEX[usize::from(byte >> 4)].into());
                    encoded.push(HEX[usize::from(byte & 15)].into());
                }
            }
        }
        encoded
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credentials(…)")
    }
}

fn refused(what: &str, found: String, next: &'static str) -> CaptureError {
    CaptureError::Camera {
        attempted: "reading a camera's name and password from",
        camera: what.to_owned(),
        found,
        next,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(content: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), content).expect("writes");
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("mode");
        file
    }

    #[test]
    fn a_file_that_only_its_owner_reads_is_taken() {
        let read = Credentials::from_file(file("gate 1:a:b@c/d\nsecond line\n", 0o600).path()).expect("read");
        assert_eq!(&**read.for_address(), "gate%201:a%3Ab%40c%2Fd");
        assert_eq!(format!("{read:?}"), "Credentials(…)");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_without_its_content() {
        for mode in [0o640, 0o604, 0o660, 0o644] {
            let message = Credentials::from_file(file("admin:hunter2", mode).path()).expect_err("refused").to_string();
            assert!(message.contains("chmod 600") && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn nonsense_is_refused_without_its_content() {
        for content in ["hunter2", "", ":hunter2", "a\u{7}:hunter2", &format!("a:{}", "hunter2".repeat(200))] {
            let message = Credentials::from_file(file(content, 0o600).path()).expect_err("refused").to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
        assert!(Credentials::from_file(Path::new("/dev/null")).is_err());
        assert!(Credentials::from_file(Path::new("/")).is_err());
        let message = Credentials::from_variable("OVERT_NO_SUCH_VARIABLE").expect_err("not set").to_string();
        assert!(message.contains("OVERT_NO_SUCH_VARIABLE"), "{message}");
    }
}
