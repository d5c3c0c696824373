//! The part of a picture that nobody may look at: blanked where it lies, before anything else reads the frame.

use std::ops::Range;

/// What lies outside a zone, for pictures of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    width: u32,
    height: u32,
    /// For each row, the columns that are blanked.
    luma: Vec<Vec<Range<usize>>>,
    /// The same for each row of the chroma, in its own columns: those of which all four pixels are blanked.
    chroma: Vec<Vec<Range<usize>>>,
}

impl Outside {
    /// Of a picture of this size; `contains` says whether a point lies inside the zone, in fractions of width and height.
    pub fn of(width: u32, height: u32, contains: impl Fn(f64, f64) -> bool) -> Self {
        let inside: Vec<Vec<bool>> = (0..height)
            .map(|y| {
                let down = (f64::from(y) + 0.5) / f64::from(height);
                (0..width).map(|x| contains((f64::from(x) + 0.5) / f64::from(width), down)).collect()
            })
            .collect();
        let luma = inside.iter().map(|row| spans(row.iter().map(|inside| !inside))).collect();
        let chroma = inside.chunks(2).map(|rows| {
            let column =
                |x: usize| rows.iter().all(|row| row[2 * x..(2 * x + 2).min(row.len())].iter().all(|inside| !inside));
            spans((0..(width as usize).div_ceil(2)).map(column))
        });
        Self { width, height, chroma: chroma.collect(), luma }
    }

    /// Whether it was made for pictures of this size.
    pub fn fits(&self, width: u32, height: u32) -> bool {
        (self.width, self.height) == (width, height)
    }

    pub(crate) fn luma(&self) -> &[Vec<Range<usize>>] {
        &self.luma
    }

    pub(crate) fn chroma(&self) -> &[Vec<Range<usize>>] {
        &self.chroma
    }
}

/// Runs of `true`.
fn spans(blanked: impl Iterator<Item = bool>) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (at, _) in blanked.enumerate().filter(|(_, blanked)| *blanked) {
        match spans.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => spans.push(at..at + 1),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stamp::Stamp;
    use crate::yuv::{Chroma, Layout, Range as Levels, Storage, YuvFrame, YuvShape};

    fn frame(layout: Layout, range: Levels) -> YuvFrame {
        let shape = YuvShape { range, ..YuvShape::packed(9, 7, layout) };
        let bytes = vec![200; shape.bytes().expect("a shape")];
        YuvFrame::new(0, 0, Stamp::first(Duration::ZERO), shape, Storage::Owned(bytes))
    }

    #[test]
    fn what_lies_outside_is_black_and_the_rest_is_untouched() {
        // The right part from a third on, the lower half with the middle row.
        let outside = Outside::of(9, 7, |x, y| x > 1.0 / 3.0 && y > 0.49);
        assert!(outside.fits(9, 7) && !outside.fits(7, 9));
        for (layout, range, black) in
            [(Layout::I420, Levels::Limited, 16), (Layout::Nv12, Levels::Full, 0), (Layout::I420, Levels::Full, 0)]
        {
            let mut frame = frame(layout, range);
            frame.blank(&outside);
            for y in 0..7 {
                for (x, value) in frame.luma().row(y).iter().enumerate() {
                    let inside = x >= 3 && y >= 3;
                    assert_eq!(*value, if inside { 200 } else { black }, "{layout:?} {x} {y}");
                }
            }
            let inside = |x: usize, y: usize| x >= 1 && y >= 1;
            let expected = |x: usize, y: usize| if inside(x, y) { 200 } else { 128 };
            match frame.chroma() {
                Chroma::Planar { blue, red } => (0..4).for_each(|y| {
                    (0..5).for_each(|x| assert_eq!([blue.row(y)[x], red.row(y)[x]], [expected(x, y); 2], "{x} {y}"));
                }),
                Chroma::Interleaved(both) => (0..4).for_each(|y| {
                    (0..10).for_each(|x| assert_eq!(both.row(y)[x], expected(x / 2, y), "{x} {y}"));
                }),
            }
        }
    }

    #[test]
    fn a_mask_of_another_size_blanks_everything() {
        let mut frame = frame(Layout::I420, Levels::Limited);
        frame.blank(&Outside::of(8, 7, |_, _| true));
        assert!((0..7).all(|y| frame.luma().row(y).iter().all(|value| *value == 16)));
    }
}
