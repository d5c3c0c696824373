//! Puts a decoded picture into a place of the ring: as it is where the ring knows its layout, converted where not.

use ffmpeg_next as ffmpeg;

use ffmpeg::format::Pixel;
use ffmpeg::software::scaling;
use ffmpeg::{ffi, frame};

use super::Failure;
use super::convert::{Converter, Orientation, is_full_range, is_high_definition};
use crate::isolation::message::{Fault, Output, Picture};
use crate::yuv::{Layout, Matrix, Range, YuvShape};

/// Writes pictures into places.
pub(super) struct Writer {
    output: Output,
    pixels_max: u64,
    orientation: Orientation,
    converter: Converter,
    /// What a picture is brought into when the ring does not know its layout.
    scaler: Option<(Kind, scaling::Context)>,
    scaled: frame::Video,
}

/// What a conversion depends on.
#[derive(Clone, Copy, PartialEq)]
struct Kind {
    format: Pixel,
    width: u32,
    height: u32,
    shown: (u32, u32),
}

impl Writer {
    pub(super) fn new(output: Output, pixels_max: u64, orientation: Orientation) -> Self {
        Self {
            output,
            pixels_max,
            orientation,
            converter: Converter::new(orientation),
            scaler: None,
            scaled: frame::Video::empty(),
        }
    }

    /// How `decoded` will lie; an error when it is larger than is allowed.
    pub(super) fn prepare(&mut self, decoded: &frame::Video) -> Result<Picture, Failure> {
        let shape = self.converter.prepare(decoded).filter(|shape| shape.pixels() <= self.pixels_max);
        let Some(shape) = shape else {
            let found = format!("a frame of {} x {} pixels", decoded.width(), decoded.height());
            return Err(Failure::new(Fault::Limit(self.pixels_max), found));
        };
        let (width, height) = (shape.width, shape.height);
        if self.output == Output::Rgb {
            return Ok(Picture::Rgb { width, height });
        }
        let layout = if is_interleaved(decoded) && self.is_as_shown(decoded) { Layout::Nv12 } else { Layout::I420 };
        let range = if is_full_range(decoded) { Range::Full } else { Range::Limited };
        let matrix = if is_high_definition(decoded) { Matrix::Bt709 } else { Matrix::Bt601 };
        Ok(Picture::Yuv(YuvShape { range, matrix, ..YuvShape::packed(width, height, layout) }))
    }

    /// Writes `decoded` into `place`, which has the bytes of `picture`.
    pub(super) fn write(&mut self, decoded: &frame::Video, picture: Picture, place: &mut [u8]) -> Result<(), Failure> {
        let unusable = |found: String| Failure::new(Fault::Codec, found);
        let Picture::Yuv(shape) = picture else {
            return self.converter.convert(decoded, place).map_err(unusable);
        };
        if !hardware_frame(decoded) {
            return self.write_yuv(decoded, shape, place).map_err(unusable);
        }
        let lowered = lower(decoded).map_err(unusable)?;
        self.write_yuv(&lowered, shape, place).map_err(unusable)
    }

    fn write_yuv(&mut self, decoded: &frame::Video, shape: YuvShape, place: &mut [u8]) -> Result<(), String> {
        let as_it_is = matches!(decoded.format(), Pixel::YUV420P | Pixel::YUVJ420P | Pixel::NV12);
        if as_it_is && self.is_as_shown(decoded) && fits(decoded, shape) {
            copy_planes(decoded, shape, place);
            return Ok(());
        }
        self.scale(decoded, shape)?;
        if self.orientation == Orientation::UPRIGHT {
            copy_planes(&self.scaled, shape, place);
        } else {
            self.turn(shape, place);
        }
        Ok(())
    }

    /// Whether the picture is shown as it is stored: upright, with square pixels.
    fn is_as_shown(&self, decoded: &frame::Video) -> bool {
        let stored = (decoded.width(), decoded.height());
        let shown = self.converter.prepare(decoded).map(|shape| (shape.width, shape.height));
        self.orientation == Orientation::UPRIGHT && shown == Some(stored)
    }

    /// Brings any picture to planar luminance and chroma with square pixels, keeping range and weights.
    fn scale(&mut self, decoded: &frame::Video, shape: YuvShape) -> Result<(), String> {
        let shown = self.orientation.stored_of(shape.width, shape.height);
        let kind = Kind { format: decoded.format(), width: decoded.width(), height: decoded.height(), shown };
        if self.scaler.as_ref().is_none_or(|(known, _)| *known != kind) {
            let flags = scaling::Flags::BILINEAR | scaling::Flags::ACCURATE_RND | scaling::Flags::BITEXACT;
            let target = match (shape.layout, shape.range) {
                (Layout::Nv12, _) => Pixel::NV12,
                (Layout::I420, Range::Full) => Pixel::YUVJ420P,
                (Layout::I420, Range::Limited) => Pixel::YUV420P,
            };
            let made = scaling::Context::get(kind.format, kind.width, kind.height, target, shown.0, shown.1, flags);
            let made = made.map_err(|_| format!("pixels of the kind {:?}, which can not be converted", kind.format))?;
            self.scaled = frame::Video::empty();
            self.scaler = Some((kind, made));
        }
        let Some((_, scaler)) = &mut self.scaler else { return Err("no converter".to_owned()) };
        scaler.run(decoded, &mut self.scaled).map_err(|error| format!("its pixels can not be converted: {error}"))
    }

    /// Copies the planes of the scaled picture, each turned as the recording says.
    fn turn(&self, shape: YuvShape, place: &mut [u8]) {
        let turned = YuvShape::packed(shape.width, shape.height, Layout::I420);
        let (width, height) = self.orientation.stored_of(shape.width, shape.height);
        for (plane, (from, stride_bytes)) in offsets(turned).into_iter().enumerate() {
            let halve = |side: u32| if plane == 0 { side } else { side.div_ceil(2) };
            let to = &mut place[from..];
            let source = self.scaled.data(plane);
            self.orientation.place_bytes(
                (halve(width), halve(height)),
                self.scaled.stride(plane),
                source,
                stride_bytes,
                to,
            );
        }
    }
}

/// Where each plane begins, and its stride.
fn offsets(shape: YuvShape) -> [(usize, usize); 3] {
    let [luma, chroma] = shape.stride_bytes;
    let first = luma * shape.height as usize;
    [(0, luma), (first, chroma), (first + chroma * shape.height.div_ceil(2) as usize, chroma)]
}

/// Whether the decoder's layout is the one that was prepared.
fn fits(decoded: &frame::Video, shape: YuvShape) -> bool {
    let layout = if decoded.format() == Pixel::NV12 { Layout::Nv12 } else { Layout::I420 };
    (decoded.width(), decoded.height(), layout) == (shape.width, shape.height, shape.layout)
}

fn copy_planes(decoded: &frame::Video, shape: YuvShape, place: &mut [u8]) {
    let (width, half) = (shape.width as usize, shape.width.div_ceil(2) as usize);
    let (rows, half_rows) = (shape.height as usize, shape.height.div_ceil(2) as usize);
    let (chroma_bytes, planes) = if shape.layout == Layout::I420 { (half, 3) } else { (2 * half, 2) };
    for (plane, (from, stride_bytes)) in offsets(shape).into_iter().take(planes).enumerate() {
        let (row_bytes, rows) = if plane == 0 { (width, rows) } else { (chroma_bytes, half_rows) };
        copy_rows(decoded.data(plane), decoded.stride(plane), row_bytes, &mut place[from..], stride_bytes, rows);
    }
}

fn copy_rows(source: &[u8], source_stride: usize, row_bytes: usize, to: &mut [u8], to_stride: usize, rows: usize) {
    if source_stride == to_stride && row_bytes <= to_stride {
        let bytes = (to_stride * (rows - 1) + row_bytes).min(source.len());
        to[..bytes].copy_from_slice(&source[..bytes]);
        return;
    }
    for (from, to) in source.chunks(source_stride).zip(to.chunks_mut(to_stride)).take(rows) {
        to[..row_bytes].copy_from_slice(&from[..row_bytes]);
    }
}

/// Whether its chroma is interleaved; graphics processors give it so.
fn is_interleaved(decoded: &frame::Video) -> bool {
    decoded.format() == Pixel::NV12 || hardware_frame(decoded)
}

/// Whether the picture lies in the memory of a graphics processor.
fn hardware_frame(decoded: &frame::Video) -> bool {
    // SAFETY: the frame is alive; the field is a pointer that is only compared.
    unsafe { !(*decoded.as_ptr()).hw_frames_ctx.is_null() }
}

/// Brings a picture from a graphics processor's memory into ours.
fn lower(decoded: &frame::Video) -> Result<frame::Video, String> {
    let mut lowered = frame::Video::empty();
    // SAFETY: both frames are alive, and the target is empty, which lets the call choose its format.
    let answer = unsafe { ffi::av_hwframe_transfer_data(lowered.as_mut_ptr(), decoded.as_ptr(), 0) };
    if answer < 0 {
        return Err(format!("the hardware's picture can not be read: {}", ffmpeg::Error::from(answer)));
    }
    Ok(lowered)
}
