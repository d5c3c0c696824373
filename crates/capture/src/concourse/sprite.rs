//! A person's head and shoulders, cut out of a picture, at every size it will be drawn.

use std::fmt;

use crate::frame::{CaptureError, wipe};

/// Longest side of a sprite, pixels.
pub const SPRITE_SIDE_MAX: u32 = 4096;
/// Smallest face in a sprite, pixels across.
pub const SPRITE_FACE_MIN: f32 = 4.0;

/// A rectangle in pixels; `left` and `top` may lie outside the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Distance of its left side from the picture's, pixels.
    pub left: f32,
    /// Distance of its top from the picture's, pixels.
    pub top: f32,
    /// Width, pixels.
    pub width: f32,
    /// Height, pixels.
    pub height: f32,
}

/// A cut-out of one person's head and shoulders. Wiped when dropped.
pub struct Sprite {
    /// Width in pixels, 1 to [`SPRITE_SIDE_MAX`].
    pub width: u32,
    /// Height in pixels, 1 to [`SPRITE_SIDE_MAX`].
    pub height: u32,
    /// `4 * width * height` bytes: red, green, blue and how opaque (not multiplied into the colours).
    pub rgba: Vec<u8>,
    /// Where the face is, in sprite pixels.
    pub face: Rect,
}

impl Rect {
    /// Horizontal middle.
    pub fn centre_x(&self) -> f32 {
        self.left + 0.5 * self.width
    }

    /// Vertical middle.
    pub fn centre_y(&self) -> f32 {
        self.top + 0.5 * self.height
    }
}

impl fmt::Debug for Sprite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sprite {{ {} x {}, {:?} }}", self.width, self.height, self.face)
    }
}

impl Drop for Sprite {
    fn drop(&mut self) {
        wipe(&mut self.rgba);
    }
}

impl Sprite {
    /// Cuts the person with the face `face` out of an RGB picture (`3 * width * height` bytes): an oval for the head,
    /// a neck and a curve for the shoulders, with soft edges. What lies outside the picture is transparent.
    pub fn cut(width: u32, height: u32, rgb: &[u8], face: Rect) -> Result<Self, CaptureError> {
        let expected = 3 * u64::from(width) * u64::from(height);
        if expected == 0 || rgb.len() as u64 != expected {
            return Err(unfit(format!("{} bytes of RGB for {width} x {height} pixels", rgb.len())));
        }
        if !(face.width >= SPRITE_FACE_MIN && face.height >= SPRITE_FACE_MIN && face.height <= 4.0 * face.width) {
            return Err(unfit(format!("a face of {} x {} pixels", face.width, face.height)));
        }
        let bust = Bust::around(&face);
        let wall = Wall::behind(&bust, width, height, rgb);
        let (cut_width, cut_height) = (bust.area.width.round() as u32, bust.area.height.round() as u32);
        if cut_width.max(cut_height) > SPRITE_SIDE_MAX {
            return Err(unfit(format!("a cut-out of {cut_width} x {cut_height} pixels")));
        }
        let (left, top) = (bust.area.left.round() as i64, bust.area.top.round() as i64);
        let mut rgba = Vec::with_capacity(4 * cut_width as usize * cut_height as usize);
        for y in top..top + i64::from(cut_height) {
            for x in left..left + i64::from(cut_width) {
                let inside = (0..i64::from(width)).contains(&x) && (0..i64::from(height)).contains(&y);
                let at = if inside { 3 * (y * i64::from(width) + x) as usize } else { 0 };
                let colour = [rgb[at], rgb[at + 1], rgb[at + 2]];
                let opaque = match inside {
                    true => bust.opacity(x as f32 + 0.5, y as f32 + 0.5, (width, height), wall.unlike(colour)),
                    false => 0.0,
                };
                rgba.extend(colour);
                rgba.push((255.0 * opaque + 0.5) as u8);
            }
        }
        let face = Rect { left: face.left - left as f32, top: face.top - top as f32, ..face };
        Ok(Self { width: cut_width, height: cut_height, rgba, face })
    }

    /// Checks what the caller filled in.
    pub(crate) fn check(&self) -> Result<(), CaptureError> {
        let sides = 1..=SPRITE_SIDE_MAX;
        if !sides.contains(&self.width) || !sides.contains(&self.height) {
            return Err(unfit(format!("{} x {} pixels", self.width, self.height)));
        }
        if self.rgba.len() as u64 != 4 * u64::from(self.width) * u64::from(self.height) {
            return Err(unfit(format!(
                "{} bytes of RGBA for {} x {} pixels",
                self.rgba.len(),
                self.width,
                self.height
            )));
        }
        let Rect { left, top, width, height } = self.face;
        let inside =
            left >= 0.0 && top >= 0.0 && left + width <= self.width as f32 && top + height <= self.height as f32;
        if !(inside && width >= SPRITE_FACE_MIN && height >= SPRITE_FACE_MIN) {
            return Err(unfit(format!("the face {:?}", self.face)));
        }
        Ok(())
    }

    /// Average colour of the clothes: of what is opaque in the outer thirds of the lowest quarter, where the shoulders
    /// are. A dark grey where nothing is.
    pub(crate) fn clothes(&self) -> [f32; 3] {
        let (width, height) = (self.width as usize, self.height as usize);
        let rows = self.rgba.chunks_exact(4 * width).skip(height - height.div_ceil(4));
        let shoulders = rows.flat_map(|row| row.chunks_exact(4).enumerate());
        let outer = shoulders.filter(|(x, pixel)| !(width / 3..width - width / 3).contains(x) && pixel[3] > 127);
        average(outer.map(|(_, pixel)| [pixel[0], pixel[1], pixel[2]])).unwrap_or([60.0; 3])
    }

    /// Average colour of the middle of the face.
    pub(crate) fn skin(&self) -> [f32; 3] {
        let place = |from: f32, length: f32, part: f32| (from + part * length) as usize;
        let (left, right) = (place(self.face.left, self.face.width, 0.3), place(self.face.left, self.face.width, 0.7));
        let (top, bottom) = (place(self.face.top, self.face.height, 0.4), place(self.face.top, self.face.height, 0.7));
        let rows = self.rgba.chunks_exact(4 * self.width as usize).skip(top).take(bottom - top);
        let pixels = rows.flat_map(|row| row.chunks_exact(4).skip(left).take(right - left));
        average(pixels.map(|pixel| [pixel[0], pixel[1], pixel[2]])).unwrap_or([120.0; 3])
    }
}

fn average(colours: impl Iterator<Item = [u8; 3]>) -> Option<[f32; 3]> {
    let mut sum = [0_u64; 3];
    let mut count = 0_u64;
    for colour in colours {
        count += 1;
        sum = std::array::from_fn(|channel| sum[channel] + u64::from(colour[channel]));
    }
    (count > 0).then(|| sum.map(|total| total as f32 / count as f32))
}

/// The outline of a head and shoulders around a face box as detectors draw it: brow to chin, ear to ear.
struct Bust {
    face: Rect,
    /// All of it.
    area: Rect,
    feather: f32,
}

impl Bust {
    fn around(face: &Rect) -> Self {
        let (width, height) = (3.1 * face.width, 0.62 * face.height + face.height + 0.95 * face.width);
        let area = Rect { left: face.centre_x() - 0.5 * width, top: face.top - 0.62 * face.height, width, height };
        Self { face: *face, area, feather: 0.12 * face.width }
    }

    /// 0 outside to 1 inside, for a pixel that is `unlike` (0 to 1) the wall behind the person. Around the face and
    /// above the shoulders, what looks like the wall is left out.
    fn opacity(&self, x: f32, y: f32, picture: (u32, u32), unlike: f32) -> f32 {
        let face = &self.face;
        let across = (x - face.centre_x()) / face.width;
        let down = (y - face.top) / face.height;
        let below = (y - face.top - face.height) / face.width;
        let inner = self.oval(across, 0.60, down - 0.46, 0.62, face.height);
        let head = self.oval(across, 0.80, down - 0.44, 0.94, face.height) * unlike;
        // The neck widens into shoulders that fall away like a flat ellipse.
        let neck = self.soft((0.50 - across.abs()) * face.width) * self.soft((below + 0.35) * face.width);
        let shoulders = self.oval(across, 1.52, below - 0.98, 0.86, face.width);
        let bottom = self.area.top + self.area.height;
        let edge = (bottom - y).min(picture.1 as f32 - y).min(x).min(picture.0 as f32 - x);
        inner.max(head).max(neck).max(shoulders) * (edge / (2.5 * self.feather)).clamp(0.0, 1.0)
    }

    /// Inside of an ellipse with half axes `a` (face widths) and `b` (of `unit` pixels), with a soft edge.
    fn oval(&self, across: f32, a: f32, down: f32, b: f32, unit: f32) -> f32 {
        let radius = ((across / a) * (across / a) + (down / b) * (down / b)).sqrt();
        self.soft((1.0 - radius) * (a * self.face.width).min(b * unit))
    }

    /// 0 to 1 over one feather inside an edge; `inside` is the distance to it, pixels.
    fn soft(&self, inside: f32) -> f32 {
        let t = (inside / self.feather).clamp(0.0, 1.0);
        t * t * (3.0 - 2.0 * t)
    }
}

/// The colour behind a person, taken beside the top of the head on both sides.
struct Wall(Option<[f32; 3]>);

/// Sum of squared differences up to which a pixel is wall, and from which it is not: 12 and 40 levels a channel.
const WALL_LIKE: (f32, f32) = (3.0 * 12.0 * 12.0, 3.0 * 40.0 * 40.0);

impl Wall {
    fn behind(bust: &Bust, width: u32, height: u32, rgb: &[u8]) -> Self {
        let Bust { face, area, .. } = bust;
        let inside = |at: f32, end: u32| (at.max(0.0) as u32).min(end - 1) as usize;
        let (top, bottom) = (inside(area.top, height), inside(face.top, height));
        let sides = [(area.left, area.left + 0.5 * face.width), (area.left + 2.6 * face.width, area.left + area.width)];
        let [left, right] = sides.map(|(from, to)| {
            let (from, to) = (inside(from, width), inside(to, width));
            let rows = (top..=bottom).flat_map(|y| (from..=to).map(move |x| 3 * (y * width as usize + x)));
            average(rows.map(|at| [rgb[at], rgb[at + 1], rgb[at + 2]]))
        });
        // Two sides that differ are no plain wall, and nothing is left out.
        let (Some(left), Some(right)) = (left, right) else { return Self(None) };
        let plain = square_distance(left, right) < WALL_LIKE.1;
        Self(plain.then(|| std::array::from_fn(|channel| 0.5 * (left[channel] + right[channel]))))
    }

    /// 0 for the wall's colour, 1 for any other.
    fn unlike(&self, colour: [u8; 3]) -> f32 {
        let Some(wall) = self.0 else { return 1.0 };
        let t = ((square_distance(wall, colour.map(f32::from)) - WALL_LIKE.0) / (WALL_LIKE.1 - WALL_LIKE.0))
            .clamp(0.0, 1.0);
        t * (2.0 - t)
    }
}

fn square_distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let square = |channel: usize| (a[channel] - b[channel]) * (a[channel] - b[channel]);
    square(0) + square(1) + square(2)
}

/// A sprite at full, half, quarter … size, so that it can be drawn small without flicker.
pub(crate) struct Pyramid {
    levels: Vec<Level>,
}

struct Level {
    width: usize,
    height: usize,
    /// Colours times opacity, with a transparent border one texel wide.
    texels: Vec<[u8; 4]>,
}

impl Pyramid {
    pub(crate) fn new(sprite: &Sprite) -> Self {
        let mut levels = vec![Level::from_sprite(sprite)];
        while let Some(half) = levels.last().and_then(Level::halved) {
            levels.push(half);
        }
        Self { levels }
    }

    /// How to sample when one drawn pixel covers `texels_per_pixel` sprite pixels.
    pub(crate) fn sampler(&self, texels_per_pixel: f32) -> Sampler<'_> {
        let mut fine = 0;
        let mut scale = 1.0;
        while scale * 2.0 <= texels_per_pixel && fine + 1 < self.levels.len() {
            fine += 1;
            scale *= 2.0;
        }
        let coarse = (fine + 1).min(self.levels.len() - 1);
        let mix = (texels_per_pixel / scale - 1.0).clamp(0.0, 1.0);
        Sampler { fine: &self.levels[fine], coarse: &self.levels[coarse], to_fine: 1.0 / scale, mix }
    }
}

/// Reads a sprite between two of its sizes.
pub(crate) struct Sampler<'a> {
    fine: &'a Level,
    coarse: &'a Level,
    to_fine: f32,
    mix: f32,
}

impl Sampler<'_> {
    /// Colour times opacity, and opacity, 0 to 255, at a place in sprite pixels.
    #[inline]
    pub(crate) fn at(&self, x: f32, y: f32) -> [f32; 4] {
        let (x, y) = (x * self.to_fine, y * self.to_fine);
        let fine = self.fine.bilinear(x, y);
        if self.mix < 0.02 {
            return fine;
        }
        let coarse = self.coarse.bilinear(0.5 * x, 0.5 * y);
        std::array::from_fn(|channel| fine[channel] + self.mix * (coarse[channel] - fine[channel]))
    }
}

impl Level {
    fn from_sprite(sprite: &Sprite) -> Self {
        let (width, height) = (sprite.width as usize, sprite.height as usize);
        let mut level = Self { width, height, texels: vec![[0; 4]; (width + 2) * (height + 2)] };
        for (y, row) in sprite.rgba.chunks_exact(4 * width).enumerate() {
            for (x, pixel) in row.chunks_exact(4).enumerate() {
                let opaque = u16::from(pixel[3]);
                let times = |value: u8| ((u16::from(value) * opaque + 127) / 255) as u8;
                level.texels[(y + 1) * (width + 2) + x + 1] =
                    [times(pixel[0]), times(pixel[1]), times(pixel[2]), pixel[3]];
            }
        }
        level
    }

    /// Half the size, each texel the average of four; `None` when nothing is left to halve.
    fn halved(&self) -> Option<Self> {
        if self.width <= 2 || self.height <= 2 {
            return None;
        }
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut half = Self { width, height, texels: vec![[0; 4]; (width + 2) * (height + 2)] };
        let stride = self.width + 2;
        for y in 0..height {
            for x in 0..width {
                // The border stands in for the column or row that an odd size lacks.
                let at = (2 * y + 1) * stride + 2 * x + 1;
                let four = [at, at + 1, at + stride, at + stride + 1].map(|at| self.texels[at]);
                let mean = |channel: usize| (four.iter().map(|texel| u16::from(texel[channel])).sum::<u16>() + 2) / 4;
                half.texels[(y + 1) * (width + 2) + x + 1] = [0, 1, 2, 3].map(|channel| mean(channel) as u8);
            }
        }
        Some(half)
    }

    #[inline]
    fn bilinear(&self, x: f32, y: f32) -> [f32; 4] {
        // Texel centres lie at halves; the border moves every index up by one.
        let x = (x + 0.5).clamp(0.0, self.width as f32 + 0.99);
        let y = (y + 0.5).clamp(0.0, self.height as f32 + 0.99);
        let (column, row) = (x as i32 as usize, y as i32 as usize);
        let (right, down) = (x - column as f32, y - row as f32);
        let stride = self.width + 2;
        let at = row.wrapping_mul(stride).wrapping_add(column);
        let upper = &self.texels[at..at.wrapping_add(2)];
        let lower = &self.texels[at.wrapping_add(stride)..at.wrapping_add(stride).wrapping_add(2)];
        std::array::from_fn(|channel| {
            let [a, b, c, d] = [upper[0], upper[1], lower[0], lower[1]].map(|texel| f32::from(texel[channel]));
            let (above, below) = (a + right * (b - a), c + right * (d - c));
            above + down * (below - above)
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        wipe(self.texels.as_flattened_mut());
    }
}

fn unfit(found: String) -> CaptureError {
    CaptureError::Script {
        found: format!("a sprite has {found}"),
        next: "give it a face box that lies inside its picture",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: u32, height: u32, colour: [u8; 4]) -> Sprite {
        let rgba = colour.repeat(width as usize * height as usize);
        let (w, h) = (width as f32, height as f32);
        Sprite { width, height, rgba, face: Rect { left: 0.25 * w, top: 0.25 * h, width: 0.5 * w, height: 0.5 * h } }
    }

    #[test]
    fn a_plain_sprite_stays_plain_at_every_size() {
        let sprite = plain(37, 51, [200, 100, 50, 255]);
        let pyramid = Pyramid::new(&sprite);
        for scale in [0.5, 1.0, 1.7, 3.0, 6.5] {
            let [red, green, blue, opaque] = pyramid.sampler(scale).at(18.5, 25.5);
            let close = |value: f32, expected: f32| (value - expected).abs() < 3.0;
            assert!(close(red, 200.0) && close(green, 100.0) && close(blue, 50.0) && close(opaque, 255.0), "{scale}");
        }
        assert_eq!(pyramid.sampler(1.0).at(-5.0, 80.0), [0.0; 4], "outside is transparent");
        assert_eq!(sprite.clothes(), [200.0, 100.0, 50.0]);
    }

    #[test]
    fn a_cut_keeps_the_face_and_drops_the_wall() {
        let face = Rect { left: 100.0, top: 80.0, width: 60.0, height: 80.0 };
        let opacities = |rgb: &[u8]| {
            let sprite = Sprite::cut(260, 300, rgb, face).expect("cuts");
            sprite.check().expect("is fit");
            [(0.25, 0.25), (0.75, 0.25), (0.5, 0.5), (0.25, 0.75), (0.75, 0.75), (-0.2, 0.5), (1.2, 0.5), (-0.9, -0.5)]
                .map(|(across, down): (f32, f32)| {
                    let x = sprite.face.left + across * sprite.face.width;
                    let y = sprite.face.top + down * sprite.face.height;
                    sprite.rgba[4 * (y as usize * sprite.width as usize + x as usize) + 3]
                })
        };
        let wall = opacities(&[120; 3 * 260 * 300]);
        assert_eq!(wall, [255, 255, 255, 255, 255, 0, 0, 0], "the face stays, the wall beside it goes");
        // Dark on the left and bright on the right is no plain wall: what is beside the face may be hair.
        let halves: Vec<u8> = (0..260 * 300).flat_map(|at| [if at % 260 < 130 { 20 } else { 230 }; 3]).collect();
        assert!(opacities(&halves)[..7].iter().all(|opacity| *opacity > 200));
        assert_eq!(opacities(&halves)[7], 0, "the corners go");
    }

    #[test]
    fn unfit_sprites_are_refused() {
        let face = Rect { left: 0.0, top: 0.0, width: 10.0, height: 12.0 };
        assert!(Sprite::cut(20, 20, &[0; 3], face).is_err(), "too few bytes");
        assert!(Sprite::cut(1, 1, &[0; 3], Rect { width: f32::NAN, ..face }).is_err(), "no size");
        assert!(Sprite::cut(1, 1, &[0; 3], Rect { width: 1e9, height: 1e9, ..face }).is_err(), "no end");
        let mut outside = plain(8, 8, [0; 4]);
        outside.face.left = 7.0;
        assert!(outside.check().is_err());
    }
}
