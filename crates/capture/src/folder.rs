//! A folder of still pictures as a source: sorted by name, one at each interval.
//!
//! A picture that can not be decoded ends the source with an error that names it: a recording is chosen with care, and
//! a face that silently was not looked at would be worse than a stop.

use std::path::PathBuf;
use std::time::Duration;

use crate::frame::{CaptureError, Frame, FrameSource, wipe};
use crate::recording::{DecodePicture, FrameOptions, Limits, Seal, Still, picture_paths};

/// The pictures of a recorded folder, one after the other.
pub(crate) struct Folder {
    path: PathBuf,
    pictures: Vec<Seal>,
    next: usize,
    interval: Duration,
    limits: Limits,
    decode: DecodePicture,
}

impl Folder {
    pub(crate) fn new(path: PathBuf, pictures: Vec<Seal>, options: FrameOptions) -> Self {
        let FrameOptions { picture_interval, limits, decode_picture, .. } = options;
        Self { path, pictures, next: 0, interval: picture_interval, limits, decode: decode_picture }
    }

    /// A folder into which pictures keep arriving is not a recording.
    fn check_complete(&self) -> Result<(), CaptureError> {
        let now = picture_paths(&self.path)?;
        let same = now.iter().map(|path| path.file_name()).eq(self.pictures.iter().map(|seal| Some(&*seal.name)));
        if same {
            return Ok(());
        }
        let found = format!("it had {} pictures and now has {}, or other names", self.pictures.len(), now.len());
        Err(CaptureError::Changed { path: self.path.clone(), found })
    }

    fn decode(&self, seal: &Seal) -> Result<Still, CaptureError> {
        let undecodable = |found: String| CaptureError::Undecodable {
            path: seal.path.clone(),
            found,
            next: "remove the picture from the folder, or repair it",
        };
        let mut content = seal.read()?;
        let decoded = (self.decode)(&seal.name.to_string_lossy(), &content);
        wipe(&mut content);
        let still = decoded.map_err(undecodable)?;
        let pixels = u64::from(still.width) * u64::from(still.height);
        if pixels > self.limits.frame_pixels_max {
            let found = format!("a picture of {pixels} pixels");
            return Err(CaptureError::Limit { path: seal.path.clone(), found, limit: self.limits.frame_pixels_max });
        }
        if pixels == 0 || still.pixels.len() as u64 != 3 * pixels {
            let found = format!("{} bytes for {} x {} pixels", still.pixels.len(), still.width, still.height);
            return Err(undecodable(found));
        }
        Ok(still)
    }
}

impl FrameSource for Folder {
    fn kind(&self) -> &'static str {
        "folder"
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
        let Some(seal) = self.pictures.get(self.next) else {
            self.check_complete()?;
            return Ok(None);
        };
        if self.next as u64 >= self.limits.frames_max {
            let found = format!("{} pictures", self.pictures.len());
            return Err(CaptureError::Limit { path: self.path.clone(), found, limit: self.limits.frames_max });
        }
        let still = self.decode(seal)?;
        let times = u32::try_from(self.next).unwrap_or(u32::MAX);
        let offset = self.interval.saturating_mul(times);
        let number = self.next as u64;
        self.next += 1;
        Ok(Some(Frame { number, offset, width: still.width, height: still.height, pixels: still.pixels }))
    }
}
