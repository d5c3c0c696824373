//! Pictures that are rendered or stored as RGB become the kind that cameras give: luminance and halved chroma.

use crate::frame::Frame;
use crate::yuv::{Layout, Matrix, Range, YuvShape};

/// Weights of red, green and blue in luminance (ITU-R BT.709), of 65,536.
const LUMA: [i32; 3] = [13_933, 46_871, 4_732];
/// In the blue difference, full range.
const BLUE: [i32; 3] = [-7_509, -25_259, 32_768];
/// In the red difference, full range.
const RED: [i32; 3] = [32_768, -29_763, -3_005];
/// One half of 65,536, to round.
const HALF: i32 = 1 << 15;

/// The frame's picture in full range; `None` when its sides and its pixels contradict each other.
pub(crate) fn yuv_of(frame: &Frame) -> Option<(YuvShape, Vec<u8>)> {
    let shape = YuvShape {
        range: Range::Full,
        matrix: Matrix::Bt709,
        ..YuvShape::packed(frame.width, frame.height, Layout::I420)
    };
    let mut bytes = vec![0; shape.bytes()?];
    let row_bytes = 3 * shape.width as usize;
    if frame.pixels.len() != row_bytes * shape.height as usize {
        return None;
    }
    let [luma_stride, chroma_stride] = shape.stride_bytes;
    let (luma, chroma) = bytes.split_at_mut(luma_stride * shape.height as usize);
    let (blue, red) = chroma.split_at_mut(chroma_stride * shape.height.div_ceil(2) as usize);
    for (row, to) in frame.pixels.chunks_exact(row_bytes).zip(luma.chunks_exact_mut(luma_stride)) {
        for (pixel, to) in row.chunks_exact(3).zip(to) {
            *to = weigh(LUMA, [pixel[0].into(), pixel[1].into(), pixel[2].into()], 0);
        }
    }
    let chroma_rows = blue.chunks_exact_mut(chroma_stride).zip(red.chunks_exact_mut(chroma_stride));
    for (rows, (blue, red)) in frame.pixels.chunks(2 * row_bytes).zip(chroma_rows) {
        halve(rows, row_bytes, blue, red);
    }
    Some((shape, bytes))
}

/// One row of chroma out of one or two rows of pixels.
fn halve(rows: &[u8], row_bytes: usize, blue: &mut [u8], red: &mut [u8]) {
    let (upper, lower) = rows.split_at(row_bytes);
    let lower = if lower.is_empty() { upper } else { lower };
    for ((upper, lower), (blue, red)) in upper.chunks(6).zip(lower.chunks(6)).zip(blue.iter_mut().zip(red)) {
        let sum = |channel: usize| {
            let of = |pair: &[u8]| {
                i32::from(pair[channel]) + i32::from(pair.get(3 + channel).copied().unwrap_or(pair[channel]))
            };
            (of(upper) + of(lower) + 2) / 4
        };
        let mean = [sum(0), sum(1), sum(2)];
        *blue = weigh(BLUE, mean, 128);
        *red = weigh(RED, mean, 128);
    }
}

fn weigh(weights: [i32; 3], rgb: [i32; 3], zero: i32) -> u8 {
    let sum: i32 = weights.iter().zip(rgb).map(|(weight, value)| weight * value).sum();
    (((sum + HALF) >> 16) + zero).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of(width: u32, height: u32, pixels: Vec<u8>) -> (YuvShape, Vec<u8>) {
        yuv_of(&Frame { number: 0, offset: Duration::ZERO, width, height, pixels }).expect("a picture")
    }

    #[test]
    fn known_colours_have_their_values() {
        // From the definition of BT.709 in full range, rounded: white, black, red, green, blue.
        let known = [
            ([255, 255, 255], [255, 128, 128]),
            ([0, 0, 0], [0, 128, 128]),
            ([255, 0, 0], [54, 99, 255]),
            ([0, 255, 0], [182, 30, 12]),
            ([0, 0, 255], [18, 255, 116]),
        ];
        for (rgb, expected) in known {
            let (shape, bytes) = of(2, 2, rgb.repeat(4));
            let chroma_at = shape.stride_bytes[0] * 2;
            let seen = [bytes[0], bytes[chroma_at], bytes[chroma_at + shape.stride_bytes[1]]];
            assert_eq!(seen, expected, "{rgb:?}");
        }
    }

    #[test]
    fn odd_sides_keep_their_last_column_and_row() {
        let mut pixels = vec![0; 3 * 9];
        pixels[24..].fill(255);
        let (shape, bytes) = of(3, 3, pixels);
        assert_eq!(bytes[2 * shape.stride_bytes[0] + 2], 255);
        let blue = &bytes[3 * shape.stride_bytes[0]..];
        assert_eq!(blue[shape.stride_bytes[1] + 1], 128);
    }
}
