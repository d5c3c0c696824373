//! Where a camera is: an RTSP or HTTP address, or a device of this machine. Never with a name or password in it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::frame::CaptureError;

/// Longest address, bytes.
pub const ADDRESS_BYTES_MAX: usize = 2048;

/// Where a camera is. Printing it leaves out what follows a `?`, where cheap cameras want a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    place: Place,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Network(Url, Kind),
    /// A V4L2 device.
    Device(PathBuf),
}

/// What is spoken at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// RTSP, also over TLS.
    Rtsp,
    /// Motion JPEG over HTTP, also over TLS.
    Mjpeg,
}

/// How an RTSP camera sends its pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Inside the connection: nothing is lost, and what is late comes late.
    #[default]
    Tcp,
    /// As datagrams beside it: what is late is lost, and counted.
    Udp,
}

impl FromStr for Address {
    type Err = CaptureError;

    /// Reads `rtsp://`, `rtsps://`, `http://` or `https://` with a host, or `/dev/videoN`. A name or password inside is
    /// refused: it would be seen wherever the address is.
    fn from_str(text: &str) -> Result<Self, CaptureError> {
        if text.len() > ADDRESS_BYTES_MAX {
            return Err(refused("an address", format!("{} bytes", text.len()), "name a shorter one"));
        }
        if is_device(text) {
            return Ok(Self { place: Place::Device(PathBuf::from(text)) });
        }
        let unreadable = |found: String| refused("an address", found, ADDRESSES_FOR_PEOPLE);
        // The text itself is not repeated: it may hold a password.
        let url = Url::parse(text).map_err(|error| unreadable(error.to_string()))?;
        let kind = match url.scheme() {
            "rtsp" | "rtsps" => Kind::Rtsp,
            "http" | "https" => Kind::Mjpeg,
            other => return Err(unreadable(format!("an address of the kind {other}:"))),
        };
        if url.host_str().is_none_or(str::is_empty) {
            return Err(unreadable("an address without a host".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let next = "take it out, and name a secret file or an environment variable instead";
            return Err(refused("an address", "a name or password in it".to_owned(), next));
        }
        Ok(Self { place: Place::Network(url, kind) })
    }
}

const ADDRESSES_FOR_PEOPLE: &str =
    "name rtsp://, rtsps://, http:// or https:// with a host, or a device such as /dev/video0";

impl Address {
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The host that is to be resolved, and the port that may be connected to.
    pub(crate) fn endpoint(&self) -> Option<(String, u16)> {
        let Place::Network(url, _) = &self.place else { return None };
        let usual = match url.scheme() {
            "rtsp" => RTSP_PORT,
            "rtsps" => RTSPS_PORT,
            "http" => 80,
            _ => 443,
        };
        Some((url.host_str()?.to_owned(), url.port().unwrap_or(usual)))
    }
}

const RTSP_PORT: u16 = 554;
const RTSPS_PORT: u16 = 322;

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Device(path) => write!(out, "{}", path.display()),
            Place::Network(url, _) => {
                write!(out, "{}://{}", url.scheme(), url.host_str().unwrap_or(""))?;
                if let Some(port) = url.port() {
                    write!(out, ":{port}")?;
                }
                write!(out, "{}{}", url.path(), if url.query().is_some() { "?…" } else { "" })
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Address({self})")
    }
}

/// Whether it is the name of a V4L2 device as the system gives them, stable ones included.
fn is_device(text: &str) -> bool {
    let numbered = text
        .strip_prefix("/dev/video")
        .is_some_and(|rest| !rest.is_empty() && rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let stable = text.strip_prefix("/dev/v4l/by-id/").or_else(|| text.strip_prefix("/dev/v4l/by-path/"));
    numbered || stable.is_some_and(|rest| !rest.is_empty() && !rest.contains('/') && rest != "..")
}

fn refused(camera: &str, found: String, next: &'static str) -> CaptureError {
    CaptureError::Camera { attempted: "reading the address of", camera: camera.to_owned(), found, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_cameras_are_read() {
        for (text, shown, endpoint) in [
            ("rtsp://192.0.2.7/Streaming/Channels/101", "rtsp://192.0.2.7/Streaming/Channels/101", ("192.0.2.7", 554)),
            ("rtsp://gate.example:8554/live?pw=hidden", "rtsp://gate.example:8554/live?…", ("gate.example", 8554)),
            ("https://gate.example/mjpg/video.mjpg", "https://gate.example/mjpg/video.mjpg", ("gate.example", 443)),
            ("rtsp://[2001:db8::1]/x", "rtsp://[2001:db8::1]/x", ("[2001:db8::1]", 554)),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(address.endpoint(), Some((endpoint.0.to_owned(), endpoint.1)));
        }
        for device in ["/dev/video0", "/dev/video12", "/dev/v4l/by-id/usb-camera-video-index0"] {
            let address: Address = device.parse().expect(device);
            assert!(address.endpoint().is_none() && address.to_string() == device);
        }
    }

    #[test]
    fn what_is_no_camera_is_refused() {
        for text in [
            "",
            "clip.mp4",
            "/dev/sda",
            "/dev/video",
            "/dev/video0/../sda",
            "/dev/v4l/by-id/../../sda",
            "file:///etc/hosts",
            "concat:a|b",
            "rtsp://",
            "rtp://239.0.0.1:5004",
            "udp://239.0.0.1",
            "tcp://192.0.2.1:80",
            "pipe:0",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        assert!(format!("http://192.0.2.1/{}", "a".repeat(ADDRESS_BYTES_MAX)).parse::<Address>().is_err());
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        for text in ["rtsp://admin:hunter2@192.0.2.7/x", "http://hunter2@192.0.2.7/", "rtsp://admin:hunter2@:x/"] {
            let message = text.parse::<Address>().expect_err(text).to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
        let token: Address = "http://192.0.2.7/v?password=hunter2".parse().expect("an address");
        assert!(!format!("{token} {token:?}").contains("hunter2"));
    }
}
