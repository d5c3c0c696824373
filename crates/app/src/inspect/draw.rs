//! Boxes and points drawn into a picture.

use face::{Detection, Picture};

/// Green for boxes, yellow for points: seen on skin and on most grounds.
const BOX: [u8; 3] = [0, 220, 80];
const POINT: [u8; 3] = [255, 220, 0];

/// Draws every face; what reaches over the edge is cut off.
pub(super) fn faces(picture: &mut Picture, found: &[Detection]) {
    // One pixel of line for every 400 of the picture stays visible when it is looked at whole.
    let thick = f32::from(u16::try_from(picture.width().max(picture.height()) / 400).unwrap_or(u16::MAX).max(1));
    for detection in found {
        let face = detection.face;
        let (left, top, right, bottom) = (face.left, face.top, face.right(), face.bottom());
        fill(picture, left, top, right, top + thick, BOX);
        fill(picture, left, bottom - thick, right, bottom, BOX);
        fill(picture, left, top, left + thick, bottom, BOX);
        fill(picture, right - thick, top, right, bottom, BOX);
        for point in detection.points {
            fill(picture, point.x - thick, point.y - thick, point.x + thick, point.y + thick, POINT);
        }
    }
}

/// Fills the pixels between four edges.
fn fill(picture: &mut Picture, left: f32, top: f32, right: f32, bottom: f32, color: [u8; 3]) {
    let (width, height) = (picture.width(), picture.height());
    // Conversions of floats to integers saturate, so edges far outside end at the picture's own.
    let within = |edge: f32, side: u32| (edge.round() as u32).min(side) as usize;
    let (columns, rows) = (within(left, width)..within(right, width), within(top, height)..within(bottom, height));
    let stride = 3 * width as usize;
    for row in rows {
        for column in columns.clone() {
            let at = row * stride + 3 * column;
            picture.pixels_mut()[at..at + 3].copy_from_slice(&color);
        }
    }
}
