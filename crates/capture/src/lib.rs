//! Charter: a camera, a clip or a folder of pictures comes in; bounded, timestamped frames go out.
//!
//! This crate has no idea what is in a frame: no faces, no rules, no record. What it refuses:
//! - A recording is no camera: a [`Recording`] is a regular file or a folder of them, proven so before a byte is read;
//!   FFmpeg is handed those bytes and never a name.
//! - It plays nothing live through a recording: every byte that reaches a decoder is checked against the digest taken
//!   when the recording was opened, and a recording that grew or changed ends in an error.
//! - It keeps no picture: a frame's pixels are wiped when it is dropped, and nothing here writes a file.

pub mod frame;
pub mod recording;
#[cfg(all(feature = "video", target_os = "linux"))]
mod clip;
mod folder;
pub mod pace;
pub mod concourse;
pub mod yuv;
pub mod outside;
#[cfg_attr(not(all(feature = "video", target_os = "linux")), allow(dead_code, reason = "only cameras tell the time"))]
pub mod stamp;
mod rgb;
pub mod permit;
#[cfg_attr(not(all(feature = "video", target_os = "linux")), allow(dead_code, reason = "only cameras have a place"))]
pub mod address;
#[cfg_attr(
    not(all(feature = "video", target_os = "linux")),
    allow(dead_code, reason = "only cameras are signed in to")
)]
pub mod credentials;
pub mod health;
pub mod stream;
#[cfg(all(feature = "video", target_os = "linux"))]
mod isolation;
#[cfg(all(feature = "video", target_os = "linux"))]
mod decoder;

pub use address::{Address, Transport};
pub use concourse::Concourse;
pub use credentials::Credentials;
#[cfg(all(feature = "video", target_os = "linux"))]
pub use decoder::serve as serve_decoder;
pub use frame::{CaptureError, Frame, FrameSource};
pub use health::{Health, Skip};
#[cfg(all(feature = "video", target_os = "linux"))]
pub use isolation::process::DECODER_COMMAND;
pub use outside::Outside;
pub use pace::Pace;
pub use permit::{Permit, PermitKeeper};
pub use recording::{FrameOptions, Limits, Recording, Still};
pub use stamp::Stamp;
#[cfg(all(feature = "video", target_os = "linux"))]
pub use stream::check_hardware;
pub use stream::{Bell, CameraSettings, Next, Stream, StreamOptions};
pub use yuv::{Chroma, Plane, YuvFrame, YuvShape};
