//! Cameras that are harder to speak to: Motion JPEG with a digest sign-in, or over TLS with a certificate of our own making.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::mjpeg;
use super::script::{Absent, Script};

/// A running camera.
pub(crate) struct Camera {
    script: Script,
    /// The picture that it sends.
    _picture: tempfile::NamedTempFile,
}

impl Camera {
    /// `None`, and says so, where there is no Python.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let picture = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(picture.path(), mjpeg::picture(128)).expect("writes");
        let place = picture.path().to_str().expect("a plain path");
        let arguments: Vec<&str> = std::iter::once(place).chain(arguments.iter().copied()).collect();
        let script = Script::start("mjpeg_server.py", &arguments);
        match script {
            Ok(script) => Some(Self { script, _picture: picture }),
            Err(Absent::Ended) => panic!("the camera in Python does not start"),
            Err(Absent::NotInstalled) => {
                println!("skipped: there is no Python for the camera");
                None
            }
        }
    }

    pub(crate) fn address(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/video.mjpg", self.script.port)
    }
}

/// Somebody who certifies cameras, in a folder that ends with the test.
pub(crate) struct Authority(tempfile::TempDir);

/// A certificate and its key.
pub(crate) struct Certified {
    certificate: String,
    key: String,
}

impl Certified {
    pub(crate) fn arguments(&self) -> [&str; 4] {
        ["--certificate", &self.certificate, "--key", &self.key]
    }
}

impl Authority {
    /// `None`, and says so, where OpenSSL's command is not installed.
    pub(crate) fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let made = openssl(
            folder.path(),
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority \
             -addext keyUsage=critical,keyCertSign -keyout authority.key -out authority.pem",
        );
        if !made {
            println!("skipped: OpenSSL's command does not make a certificate here (Debian: openssl)");
        }
        made.then_some(Self(folder))
    }

    /// Its certificate, as `CameraSettings::authorities` wants it.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("authority.pem")
    }

    /// A certificate for a camera of this name or at this address.
    pub(crate) fn certify(&self, name: &str) -> Certified {
        let folder = self.0.path();
        let kind = if name.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
        std::fs::write(folder.join("names"), format!("subjectAltName={kind}:{name}\n")).expect("writes");
        let request = format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        );
        let sign = format!(
            "x509 -req -in {name}.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names \
             -out {name}.pem"
        );
        assert!(openssl(folder, &request) && openssl(folder, &sign), "a certificate for {name}");
        let place = |ending: &str| folder.join(format!("{name}.{ending}")).display().to_string();
        Certified { certificate: place("pem"), key: place("key") }
    }
}

/// Whether OpenSSL's command did what it was told.
fn openssl(folder: &Path, arguments: &str) -> bool {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
