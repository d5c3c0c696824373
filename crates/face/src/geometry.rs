//! Points and rectangles in picture coordinates: x to the right, y down, pixel centres at half-integers.

/// A position in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the top edge.
    pub y: f32,
}

/// An axis-aligned rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Width, not negative.
    pub width: f32,
    /// Height, not negative.
    pub height: f32,
}

impl Rect {
    /// Right edge.
    pub fn right(&self) -> f32 {
        self.left + self.width
    }

    /// Bottom edge.
    pub fn bottom(&self) -> f32 {
        self.top + self.height
    }

    /// Area in square pixels.
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The middle of the rectangle.
    pub fn centre(&self) -> Point {
        Point { x: self.left + self.width / 2.0, y: self.top + self.height / 2.0 }
    }

    /// Intersection over union, 0 when they do not touch.
    pub fn overlap(&self, other: &Rect) -> f32 {
        let width = (self.right().min(other.right()) - self.left.max(other.left)).max(0.0);
        let height = (self.bottom().min(other.bottom()) - self.top.max(other.top)).max(0.0);
        let shared = width * height;
        let union = self.area() + other.area() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }
}
