//! What of a frame may be looked at: a [`Seen`] is made here only, after everything outside the zone was blanked in the frame.

use std::time::Duration;

use capture::{Outside, YuvFrame};
use domain::Zone;
use face::PictureView;
use face::yuv::{Chroma, Colours, Matrix, Plane, Range, YuvView};

/// A frame as it is examined and shown. There is none of a frame of which more could be seen than the zone.
pub struct Seen<'a> {
    picture: PictureView<'a>,
    number: u64,
    offset: Duration,
}

/// Where one camera may be looked at.
pub struct Window {
    zone: Option<Zone>,
    /// What is blanked in frames of the size seen last.
    outside: Option<Outside>,
}

impl Seen<'_> {
    /// Its pixels.
    pub fn picture(&self) -> PictureView<'_> {
        self.picture
    }

    /// Counts from 0 within the source.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Time since the source's first frame.
    pub fn offset(&self) -> Duration {
        self.offset
    }
}

impl Window {
    /// Onto a zone; onto the whole of a recording, which has none.
    pub fn onto(zone: Option<Zone>) -> Self {
        Self { zone, outside: None }
    }

    /// Blanks what lies outside the zone, and looks at the rest where it lies. Nothing, where the frame's planes are not what its
    /// size asks for: its decoder is not to be believed.
    pub fn look<'f>(&mut self, frame: &'f mut YuvFrame) -> Option<Seen<'f>> {
        let (width, height) = (frame.width(), frame.height());
        if let Some(zone) = &self.zone {
            if !self.outside.as_ref().is_some_and(|outside| outside.fits(width, height)) {
                self.outside = Some(Outside::of(width, height, |across, down| zone.contains_fraction(across, down)));
            }
            if let Some(outside) = &self.outside {
                frame.blank(outside);
            }
        }
        let picture = view(frame)?.into();
        Some(Seen { picture, number: frame.number(), offset: frame.offset() })
    }
}

fn view(frame: &YuvFrame) -> Option<YuvView<'_>> {
    let shape = frame.shape();
    let chroma = match frame.chroma() {
        capture::Chroma::Planar { blue, red } => {
            Chroma::Planar { u: plane_of(blue), v: plane_of(red), across: 2, down: 2 }
        }
        capture::Chroma::Interleaved(both) => Chroma::Interleaved(plane_of(both)),
    };
    let matrix = match shape.matrix {
        capture::yuv::Matrix::Bt601 => Matrix::Bt601,
        capture::yuv::Matrix::Bt709 => Matrix::Bt709,
    };
    let range = match shape.range {
        capture::yuv::Range::Limited => Range::Limited,
        capture::yuv::Range::Full => Range::Full,
    };
    YuvView::new(shape.width, shape.height, plane_of(frame.luma()), chroma, Colours { matrix, range })
}

fn plane_of(plane: capture::Plane<'_>) -> Plane<'_> {
    Plane { stride_bytes: plane.stride_bytes(), bytes: plane.bytes() }
}

#[cfg(test)]
mod tests {
    use capture::{CaptureError, Frame, FrameSource, Next, Pace, Stream, StreamOptions};

    use super::*;

    /// One white frame.
    struct White(bool);

    impl FrameSource for White {
        fn kind(&self) -> &'static str {
            "white"
        }

        fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
            let frame = Frame { number: 0, offset: Duration::ZERO, width: 40, height: 20, pixels: vec![255; 2_400] };
            Ok(std::mem::take(&mut self.0).then_some(frame))
        }
    }

    /// How bright each pixel is through a window.
    fn seen_through(mut window: Window) -> Vec<u8> {
        let stream = Stream::of_frames(Box::new(White(true)), Pace::AsFastAsConsumed, StreamOptions::default());
        let Ok(Next::Frame(mut frame)) = stream.expect("it starts").next(Duration::from_secs(60)) else {
            panic!("there is a frame")
        };
        let seen = window.look(&mut frame).expect("a whole frame");
        assert_eq!((seen.number(), seen.offset()), (0, Duration::ZERO));
        seen.picture().to_rgb().view().pixels.chunks_exact(3).map(|pixel| pixel[1]).collect()
    }

    #[test]
    fn nothing_outside_the_zone_is_seen() {
        let zone: Zone = "0,0 500,0 500,1000 0,1000".parse().expect("the left half");
        let seen = seen_through(Window::onto(Some(zone)));
        for (at, value) in seen.iter().enumerate() {
            assert_eq!(*value > 250, at % 40 < 20, "column {}: {value}", at % 40);
            assert!(*value > 250 || *value < 5, "{value}");
        }
        assert!(seen_through(Window::onto(None)).iter().all(|value| *value > 250));
    }
}
