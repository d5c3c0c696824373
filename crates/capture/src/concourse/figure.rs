//! Draws one person onto the picture: a shadow on the floor, plain clothes, and the sprite above them.

use super::scene::Pose;
use super::scene::wave;
use super::sprite::{Pyramid, Rect};

/// What of a figure does not change from frame to frame.
pub(crate) struct Figure<'a> {
    pub(crate) pyramid: &'a Pyramid,
    pub(crate) face: Rect,
    pub(crate) size: (f32, f32),
    pub(crate) clothes: [f32; 3],
    pub(crate) skin: [f32; 3],
    pub(crate) defocus_px: f32,
}

/// The picture being drawn.
pub(crate) struct Canvas<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: &'a mut [u8],
    /// One row of a sprite and its running sums, kept from row to row.
    pub(crate) rows: &'a mut Rows,
}

/// Scratch memory for one row. Wiped when dropped by its owner through [`Rows::wipe`].
#[derive(Default)]
pub(crate) struct Rows {
    colours: Vec<[f32; 4]>,
    sums: Vec<[f32; 4]>,
}

impl Rows {
    /// Overwrites what is left of the last sprite.
    pub(crate) fn wipe(&mut self) {
        self.colours.fill([0.0; 4]);
        self.sums.fill([0.0; 4]);
        zeroize::optimization_barrier(self.colours.as_slice());
        zeroize::optimization_barrier(self.sums.as_slice());
    }
}

/// Half the width of the jacket, in face widths, at heights below the middle of the face, in face widths: neck,
/// shoulders, chest, waist, hem. A shoulder is 2.8 face widths across, arms included.
const JACKET: [(f32, f32); 7] =
    [(0.80, 0.34), (1.02, 0.80), (1.24, 1.10), (1.70, 1.14), (3.10, 0.98), (4.20, 1.08), (5.00, 1.14)];
/// Where arms hang from and where hands end, how far out they are, and how thick, in face widths.
const ARM: (f32, f32) = (1.10, 4.70);
const ARM_OUT: (f32, f32) = (1.14, 1.34);
const ARM_HALF: (f32, f32) = (0.30, 0.20);
/// From here down an arm is a hand.
const HAND_FROM: f32 = 0.88;
/// Where legs begin and how thick they are, in face widths.
const LEGS_FROM: f32 = 4.7;
const LEG_HALF: (f32, f32) = (0.50, 0.30);
/// Trousers and shoes.
const LEG_COLOUR: [f32; 3] = [52.0, 54.0, 62.0];
const SHOE_COLOUR: [f32; 3] = [30.0, 28.0, 28.0];

impl Figure<'_> {
    /// Paints the figure over what is already there.
    pub(crate) fn draw(&self, pose: &Pose, canvas: &mut Canvas) {
        shadow(pose, canvas);
        legs(pose, canvas);
        self.arms(pose, canvas);
        self.jacket(pose, canvas);
        self.bust(pose, canvas);
    }

    /// Whether the figure hides what is behind the place `x`, `y`.
    pub(crate) fn covers(&self, pose: &Pose, x: f32, y: f32) -> bool {
        let scale = self.face.width / pose.face_px;
        let (u, v) = self.to_sprite(pose, x, y);
        let opaque = self.pyramid.sampler(scale).at(u, v)[3] > 127.0;
        let down = (y - pose.y) / pose.face_px;
        opaque || jacket_half(down).is_some_and(|half| (x - pose.x).abs() < half * pose.face_px)
    }

    /// A place in the picture as a place in the sprite.
    fn to_sprite(&self, pose: &Pose, x: f32, y: f32) -> (f32, f32) {
        let scale = self.face.width / pose.face_px;
        let (sine, cosine) = pose.lean;
        let (dx, dy) = (scale * (x - pose.x), scale * (y - pose.y));
        (self.face.centre_x() + cosine * dx + sine * dy, self.face.centre_y() - sine * dx + cosine * dy)
    }

    /// The part of the picture that the sprite may touch: left, top, right, bottom.
    fn reach(&self, pose: &Pose) -> [f32; 4] {
        let grow = pose.face_px / self.face.width;
        let (sine, cosine) = pose.lean;
        let mut reach = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for (u, v) in [(0.0, 0.0), (self.size.0, 0.0), (0.0, self.size.1), self.size] {
            let (du, dv) = (grow * (u - self.face.centre_x()), grow * (v - self.face.centre_y()));
            let (x, y) = (pose.x + cosine * du - sine * dv, pose.y + sine * du + cosine * dv);
            reach = [reach[0].min(x), reach[1].min(y), reach[2].max(x), reach[3].max(y)];
        }
        let margin = 2.0 + 0.5 * pose.smear_px;
        [reach[0] - margin, reach[1] - 2.0, reach[2] + margin, reach[3] + 2.0]
    }

    fn bust(&self, pose: &Pose, canvas: &mut Canvas) {
        let [left, top, right, bottom] = self.reach(pose);
        let columns = span(left, right, canvas.width);
        let scale = self.face.width / pose.face_px;
        // A lens out of focus spreads a point over its blur circle: the same as reading a coarser level.
        let sampler = self.pyramid.sampler(scale * (1.0 + self.defocus_px));
        // Sampling reaches beyond the visible columns, so that what smears in from outside is there.
        let margin = (0.5 * pose.smear_px) as usize + 2;
        for y in span(top, bottom, canvas.height) {
            let (mut u, mut v) = self.to_sprite(pose, columns.start as f32 + 0.5 - margin as f32, y as f32 + 0.5);
            let (du, dv) = (scale * pose.lean.1, -scale * pose.lean.0);
            canvas.rows.colours.clear();
            for _ in 0..columns.len() + 2 * margin {
                canvas.rows.colours.push(sampler.at(u, v));
                u += du;
                v += dv;
            }
            if pose.smear_px > 1.0 {
                canvas.rows.smear(pose.smear_px);
            }
            let from = 3 * (y * canvas.width + columns.start);
            let row = &mut canvas.pixels[from..from + 3 * columns.len()];
            for (pixel, [red, green, blue, opaque]) in row.chunks_exact_mut(3).zip(&canvas.rows.colours[margin..]) {
                if *opaque > 0.0 {
                    let rest = 1.0 - opaque / 255.0;
                    for (below, above) in pixel.iter_mut().zip([red, green, blue]) {
                        *below = (above + rest * f32::from(*below) + 0.5) as u8;
                    }
                }
            }
        }
    }
}

impl Rows {
    /// Averages each colour over `width` pixels around it.
    fn smear(&mut self, width: f32) {
        self.sums.clear();
        let mut sum = [0.0; 4];
        self.sums.push(sum);
        for colour in &self.colours {
            sum = std::array::from_fn(|channel| sum[channel] + colour[channel]);
            self.sums.push(sum);
        }
        let last = self.colours.len() as f32 - 0.001;
        for (index, colour) in self.colours.iter_mut().enumerate() {
            let middle = index as f32 + 0.5;
            let (from, to) = ((middle - 0.5 * width).max(0.0), (middle + 0.5 * width).min(last));
            let (before, after) = (sum_to(&self.sums, from), sum_to(&self.sums, to));
            *colour = std::array::from_fn(|channel| (after[channel] - before[channel]) / width);
        }
    }
}

/// The running sum up to a place between two pixels.
fn sum_to(sums: &[[f32; 4]], place: f32) -> [f32; 4] {
    let index = place as i32 as usize;
    let part = place - index as f32;
    let (a, b) = (sums[index], sums[index.wrapping_add(1)]);
    std::array::from_fn(|channel| a[channel] + part * (b[channel] - a[channel]))
}

/// Half the width of the jacket at `down` face widths below the middle of the face.
fn jacket_half(down: f32) -> Option<f32> {
    let above = JACKET.iter().rposition(|(at, _)| *at <= down)?;
    let ((from, start), (to, end)) = (JACKET[above], *JACKET.get(above + 1)?);
    Some(start + (end - start) * (down - from) / (to - from))
}

impl Figure<'_> {
    fn jacket(&self, pose: &Pose, canvas: &mut Canvas) {
        let face = pose.face_px;
        let soft = softness(pose);
        let (top, bottom) = (pose.y + JACKET[0].0 * face, pose.y + JACKET[JACKET.len() - 1].0 * face);
        for y in span(top, bottom, canvas.height) {
            let down = (y as f32 + 0.5 - pose.y) / face;
            let Some(half) = jacket_half(down) else { continue };
            // Darker towards the hem, where less light comes.
            let shade = 1.0 - 0.03 * down;
            band(canvas, y, pose.x, half * face, soft, |across| {
                let round = 1.0 - 0.34 * across * across;
                let seam = if across.abs() < 0.012 { 0.88 } else { 1.0 };
                self.clothes.map(|value| value * shade * round * seam)
            });
        }
    }

    /// Two arms that swing against the legs.
    fn arms(&self, pose: &Pose, canvas: &mut Canvas) {
        let face = pose.face_px;
        let soft = softness(pose);
        for (side, phase) in [(-1.0, 0.5), (1.0, 0.0)] {
            let swing = wave(pose.steps + phase);
            let (top, bottom) = (pose.y + ARM.0 * face, pose.y + (ARM.1 - 0.16 * swing.abs()) * face);
            for y in span(top, bottom, canvas.height) {
                let down = ((y as f32 + 0.5 - top) / (bottom - top)).clamp(0.0, 1.0);
                let out = ARM_OUT.0 + (ARM_OUT.1 - ARM_OUT.0) * (down * (2.0 - down)) - 0.06 * swing * down;
                let shoulder = (down * 6.0).min(1.0);
                let tip = ((1.0 - down) * 14.0).min(1.0);
                let half = (ARM_HALF.0 + (ARM_HALF.1 - ARM_HALF.0) * down) * (shoulder * (2.0 - shoulder) * tip).sqrt();
                let (paint, shade) =
                    if down > HAND_FROM { (self.skin, 0.85) } else { (self.clothes, 0.86 - 0.10 * down) };
                let middle = pose.x + side * out * face;
                band(canvas, y, middle, half * face, soft, |across| {
                    paint.map(|value| value * shade * (1.0 - 0.30 * across * across))
                });
            }
        }
    }
}

fn legs(pose: &Pose, canvas: &mut Canvas) {
    let face = pose.face_px;
    let top = pose.y + LEGS_FROM * face;
    for (side, phase) in [(-1.0, 0.0), (1.0, 0.5)] {
        let lift = wave(pose.steps + phase).max(0.0);
        let foot = pose.feet_y - 0.35 * lift * face;
        for y in span(top, foot, canvas.height) {
            let down = ((y as f32 - top) / (foot - top)).clamp(0.0, 1.0);
            let shoe = ((y as f32 - foot) / (0.34 * face) + 1.0).max(0.0);
            let half = (LEG_HALF.0 + (LEG_HALF.1 - LEG_HALF.0) * down + 0.10 * shoe) * face;
            let middle = pose.x + side * (0.54 - 0.12 * down) * face;
            let shade = 1.0 - 0.25 * lift - 0.15 * down;
            let paint = if shoe > 0.0 { SHOE_COLOUR } else { LEG_COLOUR };
            band(canvas, y, middle, half, softness(pose), |across| {
                paint.map(|value| value * shade * (1.0 - 0.25 * across * across))
            });
        }
    }
}

/// Width of a figure's edges, pixels.
fn softness(pose: &Pose) -> f32 {
    (1.0 + 0.5 * pose.smear_px).max(0.03 * pose.face_px)
}

/// A soft dark ellipse under the feet.
fn shadow(pose: &Pose, canvas: &mut Canvas) {
    let (half, flat) = (1.9 * pose.face_px, 0.34 * pose.face_px);
    for y in span(pose.feet_y - flat, pose.feet_y + flat, canvas.height) {
        let down = (y as f32 + 0.5 - pose.feet_y) / flat;
        for x in span(pose.x - half, pose.x + half, canvas.width) {
            let across = (x as f32 + 0.5 - pose.x) / half;
            let inside = (1.0 - across * across - down * down).max(0.0);
            let rest = 1.0 - 0.45 * inside;
            let at = 3 * (y * canvas.width + x);
            for value in &mut canvas.pixels[at..at + 3] {
                *value = (rest * f32::from(*value) + 0.5) as u8;
            }
        }
    }
}

/// Paints part of one row around `middle`; `colour` is asked from -1 (left edge) to 1. Edges are `soft` pixels wide.
fn band(canvas: &mut Canvas, y: usize, middle: f32, half: f32, soft: f32, colour: impl Fn(f32) -> [f32; 3]) {
    let columns = span(middle - half - soft, middle + half + soft, canvas.width);
    let from = 3 * (y * canvas.width + columns.start);
    let row = &mut canvas.pixels[from..from + 3 * columns.len()];
    for (pixel, x) in row.chunks_exact_mut(3).zip(columns) {
        let distance = (x as f32 + 0.5 - middle).abs();
        let opaque = ((half - distance) / soft + 0.5).clamp(0.0, 1.0);
        let paint = colour(((x as f32 + 0.5 - middle) / half).clamp(-1.0, 1.0));
        for (below, above) in pixel.iter_mut().zip(paint) {
            *below = (f32::from(*below) + opaque * (above - f32::from(*below)) + 0.5) as u8;
        }
    }
}

/// The whole pixels from `from` to `to` that lie in the picture.
fn span(from: f32, to: f32, end: usize) -> std::ops::Range<usize> {
    let clip = |place: f32| place.clamp(0.0, end as f32) as usize;
    clip(from)..clip(to + 1.0).max(clip(from))
}
