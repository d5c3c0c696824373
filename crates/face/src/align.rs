//! The aligned cut-out of one face that a recogniser reads.

mod warp;

use crate::detect::Detection;
use crate::geometry::Point;
use crate::picture::RgbView;
use crate::sealed_memory::Sealed;

/// An aligned face, interleaved RGB, square; wiped when dropped. Neither `Clone`, `Debug` nor serialisable.
pub struct Chip {
    side: u32,
    pixels: Sealed<u8>,
}

impl Chip {
    /// Wraps aligned RGB pixels; `None` when the buffer is not `3 * side * side` bytes.
    pub fn from_rgb(side: u32, pixels: Vec<u8>) -> Option<Self> {
        let pixels = zeroize::Zeroizing::new(pixels);
        let expected = (side as usize).checked_mul(side as usize)?.checked_mul(3)?;
        (side > 0 && pixels.len() == expected).then(|| Self { side, pixels: Sealed::copied(&pixels) })
    }

    /// Side in pixels.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Interleaved RGB, `3 * side * side` bytes.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

/// A named way to cut out a face. A change of its numbers is a new name: templates depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// 112x112 on the five-point template published with ArcFace (also used by SFace in OpenCV).
    Arcface112,
    /// 150x150 with padding 0.25 as dlib's recogniser reads it, on targets calibrated for five-point detectors.
    Dlib150,
}

impl Alignment {
    /// The name in manifests and contracts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arcface112 => "arcface-112",
            Self::Dlib150 => "dlib-150",
        }
    }

    /// The alignment of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Arcface112, Self::Dlib150].into_iter().find(|alignment| alignment.name() == name)
    }

    /// Side of the chip in pixels.
    pub fn side_px(self) -> u32 {
        match self {
            Self::Arcface112 => 112,
            Self::Dlib150 => 150,
        }
    }

    /// Where the five points of a [`Detection`] come to lie in the chip, and how much each counts in the fit.
    fn targets(self) -> [Target; 5] {
        match self {
            Self::Arcface112 => ARCFACE_112,
            Self::Dlib150 => DLIB_150,
        }
    }

    /// Cuts out one detected face. What lies outside the picture is black.
    pub fn chip(self, picture: RgbView<'_>, detection: &Detection) -> Chip {
        let transform = Similarity::fit(&self.targets(), &detection.points);
        let side = self.side_px();
        let mut pixels = Sealed::zeroed(3 * (side * side) as usize);
        warp::warp(picture, &transform, side, &mut pixels);
        Chip { side, pixels }
    }
}

/// A place in the chip for one of the five points, and its weight in the fit.
struct Target {
    x: f64,
    y: f64,
    weight: f64,
}

/// A target with full weight.
const fn target(x: f64, y: f64) -> Target {
    Target { x, y, weight: 1.0 }
}

/// The five-point template published with ArcFace (`arcface_dst` in insightface's `face_align.py`).
const ARCFACE_112: [Target; 5] = [
    target(38.2946, 51.6963),
    target(73.5318, 51.5014),
    target(56.0252, 71.7366),
    target(41.5493, 92.3655),
    target(70.7299, 92.2041),
];

/// Where YuNet's and SCRFD's points lie in chips cut by dlib itself (padding 0.25, its five-landmark model): means over 247 faces
/// of the Face Research Lab London Set and dlib's group pictures, made symmetric. They spread by 1.3 to 2.7 px at the eyes and by 2.4
/// to 4.3 px at nose and mouth, so the eyes count more; that also brings descriptors 3 to 8 % nearer to dlib's own.
const DLIB_150: [Target; 5] = [
    Target { x: 47.55, y: 45.27, weight: 3.0 },
    Target { x: 102.25, y: 45.27, weight: 3.0 },
    Target { x: 74.9, y: 75.99, weight: 1.0 },
    Target { x: 51.1, y: 101.96, weight: 0.7 },
    Target { x: 98.7, y: 101.96, weight: 0.7 },
];

/// A map of the plane that turns, scales and moves: `x' = a x - b y + tx`, `y' = b x + a y + ty`.
struct Similarity {
    a: f64,
    b: f64,
    tx: f64,
    ty: f64,
}

impl Similarity {
    /// The map from chip to picture that brings the targets nearest to the points, by weighted least squares (Umeyama, 1991; in the
    /// plane the best turn without reflection has this closed form).
    ///
    /// It is the inverse of the usual fit of points to targets, so that errors count in chip pixels as with the original software.
    fn fit(targets: &[Target; 5], points: &[Point; 5]) -> Self {
        let total: f64 = targets.iter().map(|target| target.weight).sum();
        let pairs =
            || targets.iter().zip(points).map(|(t, p)| (t.weight / total, t.x, t.y, f64::from(p.x), f64::from(p.y)));
        let (mut mean_u, mut mean_v, mut mean_x, mut mean_y) = (0.0, 0.0, 0.0, 0.0);
        for (weight, u, v, x, y) in pairs() {
            mean_u += weight * u;
            mean_v += weight * v;
            mean_x += weight * x;
            mean_y += weight * y;
        }
        let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
        for (weight, u, v, x, y) in pairs() {
            let (u, v, x, y) = (u - mean_u, v - mean_v, x - mean_x, y - mean_y);
            along += weight * (x * u + y * v);
            across += weight * (x * v - y * u);
            spread += weight * (x * x + y * y);
        }
        // Forward map: chip = (c + i d) * (point - mean) + mean target. Five coincident points have no direction; any will do.
        let (c, d) = if spread > 0.0 { (along / spread, across / spread) } else { (1.0, 0.0) };
        let squared = c * c + d * d;
        let (a, b) = if squared > 0.0 && squared.is_finite() { (c / squared, -d / squared) } else { (1.0, 0.0) };
        Self { a, b, tx: mean_x - (a * mean_u - b * mean_v), ty: mean_y - (b * mean_u + a * mean_v) }
    }

    /// Picture pixels for one chip pixel.
    fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    #[inline(always)]
    fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        (self.a * x - self.b * y + self.tx, self.b * x + self.a * y + self.ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;
    use crate::picture::Picture;

    /// A picture whose red is its x, green its y and blue 128, so that a chip shows where it came from.
    fn ramp(side: u32) -> Picture {
        let pixels = (0..side * side).flat_map(|at| [(at % side) as u8, (at / side) as u8, 128]).collect();
        Picture::from_rgb(side, side, pixels).expect("a whole picture")
    }

    fn detection(points: [(f64, f64); 5]) -> Detection {
        let points = points.map(|(x, y)| Point { x: x as f32, y: y as f32 });
        Detection { face: Rect { left: 0.0, top: 0.0, width: 1.0, height: 1.0 }, confidence: 1.0, points }
    }

    fn targets(alignment: Alignment) -> [(f64, f64); 5] {
        alignment.targets().map(|target| (target.x, target.y))
    }

    #[test]
    fn a_face_already_in_place_is_copied() {
        for alignment in [Alignment::Arcface112, Alignment::Dlib150] {
            let side = alignment.side_px();
            let chip = alignment.chip(ramp(side).view(), &detection(targets(alignment)));
            assert_eq!(chip.pixels(), ramp(side).view().pixels);
        }
    }

    #[test]
    fn turned_scaled_and_moved_faces_come_out_the_same() {
        // The chip's column u and row v must come from picture position s R (u, v) + t, which the ramp's colours show.
        for (scale, degrees, tx, ty) in
            [(0.5, 0.0, 20.0, 30.0), (1.3, 10.0, 30.0, 12.0), (0.9, -25.0, 5.0, 90.0), (0.8, 90.0, 150.0, 20.0)]
        {
            let (sin, cos) = f64::sin_cos(f64::to_radians(degrees));
            let place = |u: f64, v: f64| (scale * (cos * u - sin * v) + tx, scale * (sin * u + cos * v) + ty);
            let points = targets(Alignment::Arcface112).map(|(u, v)| place(u, v));
            let chip = Alignment::Arcface112.chip(ramp(250).view(), &detection(points));
            for (u, v) in [(0, 0), (111, 0), (56, 71), (0, 111), (111, 111)] {
                let (x, y) = place(f64::from(u), f64::from(v));
                let pixel = &chip.pixels()[3 * (v * 112 + u) as usize..][..3];
                assert!(
                    (f64::from(pixel[0]) - x).abs() < 0.6 && (f64::from(pixel[1]) - y).abs() < 0.6,
                    "{pixel:?} for {x} {y}"
                );
            }
        }
    }

    #[test]
    fn strong_reduction_averages_instead_of_picking() {
        // A chequerboard of single pixels, eight of them for one chip pixel: the mean is grey, a single sample would be black or white.
        let side = 8 * 112;
        let pixels =
            (0..side * side).flat_map(|at| [if (at % side + at / side) % 2 == 0 { 255 } else { 0 }; 3]).collect();
        let board = Picture::from_rgb(side, side, pixels).expect("a whole picture");
        let points = targets(Alignment::Arcface112).map(|(u, v)| (8.0 * u + 3.7, 8.0 * v + 3.3));
        let chip = Alignment::Arcface112.chip(board.view(), &detection(points));
        assert!(chip.pixels().iter().all(|value| (120..=136).contains(value)));
    }

    #[test]
    fn points_outside_or_without_sense_give_a_black_chip_and_no_panic() {
        let picture = ramp(64);
        for points in
            [[(1e6, 1e6); 5], [(f64::NAN, 1.0); 5], [(-1e30, 1e30), (1e30, 1e30), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)]]
        {
            let chip = Alignment::Dlib150.chip(picture.view(), &detection(points));
            assert_eq!(chip.pixels().len(), 3 * 150 * 150);
        }
    }

    #[test]
    fn a_chip_has_the_bytes_its_side_asks_for() {
        assert!(Chip::from_rgb(2, vec![0; 12]).is_some());
        assert!(Chip::from_rgb(2, vec![0; 11]).is_none());
        assert!(Chip::from_rgb(0, vec![]).is_none());
    }

    #[test]
    fn names_lead_back() {
        for alignment in [Alignment::Arcface112, Alignment::Dlib150] {
            assert_eq!(Alignment::from_name(alignment.name()), Some(alignment));
        }
        assert_eq!(Alignment::from_name("arcface-113"), None);
    }
}
