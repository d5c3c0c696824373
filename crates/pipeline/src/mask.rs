//! What a screen may see of a frame: everything too coarse to recognise, every face in blocks, and only recorded alerts clear.
//!
//! Clear is the exception, not the mask: a face the detector missed is still too coarse.

use face::{Picture, PictureView, Rect};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageError, RgbImage, imageops};

/// Width of the picture on screen, in pixels.
const SCREEN_WIDTH_PX_MAX: u32 = 640;
/// Blocks of one colour across the frame, before it is drawn large again: also a face that the detector missed has few of
/// them. `tests/masked_view.rs` measures what a recogniser makes of that, up to faces as high as a third of the frame. With
/// 64 columns dlib's found 44 of 102 people by faces of that size; with 32, 2, and chance finds 1.
pub(crate) const COLUMNS_MAX: u32 = 32;
/// Blocks across a masked face. At 6 x 6 no recogniser in use has a face to align.
const BLOCKS_ACROSS: u32 = 6;
/// How much larger than the face its blocks are, so that hair line and jaw are covered too.
pub(crate) const COVER: f32 = 1.5;
/// JPEG quality of the view.
const JPEG_QUALITY: u8 = 80;
/// Colours of the outlines: grey for a masked face, amber for an alert.
const MASKED_OUTLINE: [u8; 3] = [150, 158, 166];
const ALERT_OUTLINE: [u8; 3] = [242, 169, 0];

/// How one face is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shown {
    /// In blocks.
    Masked(Rect),
    /// Clear: a recorded alert.
    Alert(Rect),
}

/// The masked view of a frame as JPEG.
pub fn masked_jpeg(frame: PictureView<'_>, faces: &[Shown]) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let screen = masked(frame, faces);
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&screen)?;
    Ok(bytes)
}

/// The masked view of a frame.
pub fn masked(frame: PictureView<'_>, faces: &[Shown]) -> RgbImage {
    let width = frame.width().min(SCREEN_WIDTH_PX_MAX);
    let height = ((u64::from(frame.height()) * u64::from(width) / u64::from(frame.width())) as u32).max(1);
    let coarse = frame.averaged(frame.width().div_ceil(COLUMNS_MAX));
    let mut screen = image_of(&coarse, width, height);
    let scale = width as f32 / frame.width() as f32;
    // Alerts first, masks last: where they overlap the mask wins.
    for shown in faces {
        if let Shown::Alert(face) = shown {
            let area = pixels(&grown(face, COVER), scale, &screen);
            draw_clear(&mut screen, frame, area, scale);
            outline(&mut screen, area, ALERT_OUTLINE);
        }
    }
    for shown in faces {
        if let Shown::Masked(face) = shown {
            let area = pixels(&grown(face, COVER), scale, &screen);
            draw_blocks(&mut screen, area);
            outline(&mut screen, area, MASKED_OUTLINE);
        }
    }
    screen
}

/// An area of the screen, in its pixels: left, top, right, bottom (exclusive).
type Area = [u32; 4];

pub(crate) fn grown(face: &Rect, by: f32) -> Rect {
    let (width, height) = (face.width * by, face.height * by);
    let centre = face.centre();
    Rect { left: centre.x - width / 2.0, top: centre.y - height / 2.0, width, height }
}

fn pixels(rect: &Rect, scale: f32, screen: &RgbImage) -> Area {
    let within = |value: f32, max: u32| (value * scale).clamp(0.0, max as f32) as u32;
    let (width, height) = screen.dimensions();
    [within(rect.left, width), within(rect.top, height), within(rect.right(), width), within(rect.bottom(), height)]
}

/// A picture at the size of the screen; black where that cannot be, which nothing here asks for.
fn image_of(picture: &Picture, width: u32, height: u32) -> RgbImage {
    let resized = picture.resized(width, height);
    let image = resized.and_then(|resized| RgbImage::from_raw(width, height, resized.view().pixels.to_vec()));
    image.unwrap_or_else(|| RgbImage::new(width, height))
}

fn draw_blocks(screen: &mut RgbImage, [left, top, right, bottom]: Area) {
    let block = ((right.saturating_sub(left)).max(bottom.saturating_sub(top)) / BLOCKS_ACROSS).max(1);
    for block_top in (top..bottom).step_by(block as usize) {
        for block_left in (left..right).step_by(block as usize) {
            let (block_right, block_bottom) = ((block_left + block).min(right), (block_top + block).min(bottom));
            let middle = *screen.get_pixel((block_left + block_right - 1) / 2, (block_top + block_bottom - 1) / 2);
            for y in block_top..block_bottom {
                for x in block_left..block_right {
                    screen.put_pixel(x, y, middle);
                }
            }
        }
    }
}

fn draw_clear(screen: &mut RgbImage, frame: PictureView<'_>, [left, top, right, bottom]: Area, scale: f32) {
    if left >= right || top >= bottom {
        return;
    }
    let at = |value: u32| value as f32 / scale;
    let part = Rect { left: at(left), top: at(top), width: at(right - left), height: at(bottom - top) };
    let (clear, _) = frame.cut(&part);
    let clear = image_of(&clear, right - left, bottom - top);
    imageops::replace(screen, &clear, i64::from(left), i64::from(top));
}

fn outline(screen: &mut RgbImage, [left, top, right, bottom]: Area, colour: [u8; 3]) {
    const WIDTH_PX: u32 = 2;
    for y in top..bottom {
        for x in left..right {
            let inner = (left + WIDTH_PX..right.saturating_sub(WIDTH_PX)).contains(&x)
                && (top + WIDTH_PX..bottom.saturating_sub(WIDTH_PX)).contains(&y);
            if !inner {
                screen.put_pixel(x, y, image::Rgb(colour));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use face::RgbView;

    use super::*;

    /// A frame of small checks.
    fn checks() -> (u32, u32, Vec<u8>) {
        let (width, height) = (1280, 720);
        let pixels = (0..width * height)
            .flat_map(|i| [if (i % width / 8 + i / width / 8) % 2 == 0 { 0 } else { 255 }; 3])
            .collect();
        (width, height, pixels)
    }

    fn contrast(screen: &RgbImage, [left, top, right, bottom]: Area) -> u8 {
        let values = || (top..bottom).flat_map(|y| (left..right).map(move |x| screen.get_pixel(x, y).0[0]));
        values().max().unwrap_or(0) - values().min().unwrap_or(0)
    }

    #[test]
    fn detail_is_gone_everywhere_but_in_a_recorded_alert() {
        let (width, height, pixels) = checks();
        let frame = RgbView { width, height, stride_bytes: 3 * width as usize, pixels: &pixels }.into();
        let face = Rect { left: 400.0, top: 300.0, width: 80.0, height: 80.0 };
        let missed = masked(frame, &[]);
        assert!(contrast(&missed, [0, 0, 640, 360]) < 16);
        let alert = masked(frame, &[Shown::Alert(face)]);
        assert!(contrast(&alert, [207, 153, 233, 180]) > 200);
        assert!(contrast(&alert, [334, 0, 640, 360]) < 16);
    }

    #[test]
    fn where_a_mask_and_an_alert_overlap_the_mask_wins() {
        let (width, height, pixels) = checks();
        let frame = RgbView { width, height, stride_bytes: 3 * width as usize, pixels: &pixels }.into();
        let face = Rect { left: 400.0, top: 300.0, width: 80.0, height: 80.0 };
        let both = masked(frame, &[Shown::Masked(face), Shown::Alert(face)]);
        // Within one block there is one colour.
        assert_eq!(contrast(&both, [212, 162, 218, 168]), 0);
    }

    #[test]
    fn faces_at_and_beyond_the_edge_do_not_break_it() {
        let (width, height, pixels) = checks();
        let frame = RgbView { width, height, stride_bytes: 3 * width as usize, pixels: &pixels }.into();
        for (left, top) in [(-50.0, -50.0), (1270.0, 710.0), (5000.0, 5000.0), (-5000.0, 20.0)] {
            let face = Rect { left, top, width: 60.0, height: 60.0 };
            assert!(masked_jpeg(frame, &[Shown::Alert(face), Shown::Masked(face)]).is_ok());
        }
    }
}
