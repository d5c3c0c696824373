//! A rendered station concourse as a source: people from cut-out pictures walk through it, and who was where is known.
//!
//! It stands in for a camera in exercises: the same sprites, script and seed give the same pixels, bit for bit, so a
//! run can be repeated and its answers compared with the [`Truth`].

mod figure;
mod scene;
mod script;
mod sprite;
mod station;
mod truth;

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

pub use script::{Light, Passage, Path, Script, Side, WalkThrough};
pub use sprite::{Rect, SPRITE_FACE_MIN, SPRITE_SIDE_MAX, Sprite};
pub use truth::{AT_LARGEST, CLEARLY_SEEN, FaceTruth, PassageTruth, Truth};

use crate::frame::{CaptureError, Frame, FrameSource, Spares};
use figure::{Canvas, Figure, Rows};
use scene::{Camera, wave};
use sprite::Pyramid;

/// Most sprites.
pub const SPRITES_MAX: usize = 1_000;
/// Most walks.
pub const PASSAGES_MAX: usize = 10_000;
/// Shortest and longest side of the picture, pixels.
pub const SIDE_MIN: u32 = 64;
/// Longest side of the picture, pixels.
pub const SIDE_MAX: u32 = 4_096;
/// Most frames.
pub const FRAMES_MAX: u64 = 200_000;
/// Largest face, pixels across.
const FACE_PX_MAX: f32 = 1_000.0;
/// Entries of the table from which noise is read, in a different place for each row: a mebibyte.
const NOISE_TABLE: usize = 1 << 20;
/// A brightness of one, in the fixed-point numbers with which light is applied.
const LIGHT_ONE: f32 = 128.0;

/// The rendering of a script.
pub struct Concourse {
    sprites: Vec<Sprite>,
    script: Script,
    seed: u64,
    camera: Camera,
    pyramids: Vec<Pyramid>,
    looks: Vec<Looks>,
    background: Vec<u8>,
    noise: Vec<i8>,
    rows: Rows,
    truth: Arc<Truth>,
    frames_total: u64,
    next: u64,
    spares: Spares,
}

impl Concourse {
    /// Checks sprites and script, draws the empty concourse, and works out the truth.
    pub fn new(sprites: Vec<Sprite>, script: Script, seed: u64) -> Result<Self, CaptureError> {
        check(&sprites, &script)?;
        let frames_total = frames_of(&script)?;
        let camera = Camera::new(script.width, script.height);
        let pyramids: Vec<Pyramid> = sprites.iter().map(Pyramid::new).collect();
        let looks: Vec<Looks> = sprites.iter().map(Looks::of).collect();
        let figures = figures(&script, &sprites, &pyramids, &looks);
        let truth = Arc::new(Truth::of(&script, &sprites, &figures, &camera, frames_total));
        Ok(Self {
            background: station::draw(&camera),
            noise: noise_table(seed, script.noise_levels),
            rows: Rows::default(),
            next: 0,
            spares: Spares::default(),
            sprites,
            script,
            seed,
            camera,
            pyramids,
            looks,
            truth,
            frames_total,
        })
    }

    /// Frames from beginning to end.
    pub fn frames_total(&self) -> u64 {
        self.frames_total
    }

    /// Who is where in which frame. Stays valid after the source was handed over.
    pub fn truth(&self) -> Arc<Truth> {
        Arc::clone(&self.truth)
    }

    /// SHA-256 of sprites, script and seed: names this rendering on the public record, as a file's digest would.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(b"overt rendered concourse 1\n");
        digest.update(self.seed.to_be_bytes());
        // The script's own text is exact: numbers are printed so that they read back as the same.
        digest.update(format!("{:?}\n", self.script));
        for sprite in &self.sprites {
            digest.update(format!("{sprite:?}\n"));
            digest.update(&sprite.rgba);
        }
        digest.finalize().into()
    }

    /// The same rendering from its first frame, bit for bit.
    pub fn again(&self) -> Result<Self, CaptureError> {
        let sprites = self.sprites.iter().map(|sprite| Sprite {
            width: sprite.width,
            height: sprite.height,
            rgba: sprite.rgba.clone(),
            face: sprite.face,
        });
        Self::new(sprites.collect(), self.script.clone(), self.seed)
    }

    /// Draws one frame, `3 * width * height` bytes. Any frame, in any order, gives the same pixels each time.
    pub fn render(&mut self, number: u64, pixels: &mut [u8]) -> Result<(), CaptureError> {
        if pixels.len() != self.background.len() {
            let found = format!("a buffer of {} bytes for a frame of {}", pixels.len(), self.background.len());
            return Err(wrong(found, "give it 3 * width * height bytes"));
        }
        let time = moment_of(&self.script, number);
        pixels.copy_from_slice(&self.background);
        let (width, height) = (self.script.width as usize, self.script.height as usize);
        let mut canvas = Canvas { width, height, pixels, rows: &mut self.rows };
        for pose in scene::poses(&self.script, &self.sprites, &self.camera, time) {
            let passage = &self.script.passages[pose.passage];
            figure(passage, &self.sprites, &self.pyramids, &self.looks).draw(&pose, &mut canvas);
        }
        let light = light_across(&self.script, time);
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for row in pixels.chunks_exact_mut(3 * width) {
            let start = random.random_range(0..NOISE_TABLE - row.len());
            expose(row, &light, &self.noise[start..]);
        }
        Ok(())
    }
}

impl FrameSource for Concourse {
    fn kind(&self) -> &'static str {
        "rendered concourse"
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
        if self.next >= self.frames_total {
            return Ok(None);
        }
        let number = self.next;
        self.next += 1;
        let mut pixels = self.spares.take(self.background.len());
        self.render(number, &mut pixels)?;
        let offset = offset_of(&self.script, number);
        Ok(Some(Frame { number, offset, width: self.script.width, height: self.script.height, pixels }))
    }

    fn reuse(&mut self, spare: Vec<u8>) {
        self.spares.keep(spare);
    }
}

impl Drop for Concourse {
    fn drop(&mut self) {
        self.rows.wipe();
    }
}

/// When a frame is shown, since the first.
fn offset_of(script: &Script, frame: u64) -> Duration {
    script.frame_interval.saturating_mul(u32::try_from(frame).unwrap_or(u32::MAX))
}

/// The moment of the script that a frame shows.
fn moment_of(script: &Script, frame: u64) -> Duration {
    script.opens_at.saturating_add(offset_of(script, frame))
}

/// The colours that a sprite lends to the rest of its figure.
struct Looks {
    clothes: [f32; 3],
    skin: [f32; 3],
}

impl Looks {
    fn of(sprite: &Sprite) -> Self {
        Self { clothes: sprite.clothes(), skin: sprite.skin() }
    }
}

fn figures<'a>(script: &Script, sprites: &[Sprite], pyramids: &'a [Pyramid], looks: &[Looks]) -> Vec<Figure<'a>> {
    script.passages.iter().map(|passage| figure(passage, sprites, pyramids, looks)).collect()
}

fn figure<'a>(passage: &Passage, sprites: &[Sprite], pyramids: &'a [Pyramid], looks: &[Looks]) -> Figure<'a> {
    let sprite = &sprites[passage.sprite];
    let Looks { clothes, skin } = looks[passage.sprite];
    Figure {
        pyramid: &pyramids[passage.sprite],
        face: sprite.face,
        size: (sprite.width as f32, sprite.height as f32),
        clothes,
        skin,
        defocus_px: passage.defocus_px,
    }
}

/// Brightness for each byte of a row, in 128ths.
fn light_across(script: &Script, time: Duration) -> Vec<u16> {
    let Light { swing, slant, period } = script.light;
    let turns = time.as_secs_f32() / period.as_secs_f32();
    let whole = 1.0 + swing * wave(turns);
    let side = slant * wave(0.61 * turns + 0.15);
    let width = script.width as f32;
    let at = |x: u32| (LIGHT_ONE * whole * (1.0 + side * (2.0 * x as f32 / width - 1.0))) as u16;
    (0..script.width).flat_map(|x| [at(x); 3]).collect()
}

/// Applies light and noise to one row.
fn expose(row: &mut [u8], light: &[u16], noise: &[i8]) {
    for ((value, light), noise) in row.iter_mut().zip(light).zip(noise) {
        // At most 255 * 250, which fits: `check` keeps brightness below 1.96.
        let lit = (u16::from(*value).wrapping_mul(*light) >> 7) as i16;
        *value = lit.wrapping_add(i16::from(*noise)).clamp(0, 255) as u8;
    }
}

/// Noise with a bell-shaped distribution: the sum of four even ones.
fn noise_table(seed: u64, levels: f32) -> Vec<i8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Four bytes have a mean of 4 * 127.5 and a standard deviation of sqrt(4 * (256^2 - 1) / 12) = 147.8.
    let scale = levels / 147.8;
    let draw = |word: u32| {
        let sum: u16 = word.to_le_bytes().into_iter().map(u16::from).sum();
        (scale * (f32::from(sum) - 510.0)).round() as i8
    };
    (0..NOISE_TABLE).map(|_| draw(random.next_u32())).collect()
}

fn frames_of(script: &Script) -> Result<u64, CaptureError> {
    let shown = script.length.saturating_sub(script.opens_at);
    let frames = shown.as_nanos().checked_div(script.frame_interval.as_nanos()).unwrap_or(u128::MAX);
    match u64::try_from(frames) {
        Ok(frames @ 1..=FRAMES_MAX) => Ok(frames),
        _ => Err(wrong(format!("{frames} frames"), "choose a length and an interval that give 1 to 200,000 frames")),
    }
}

fn check(sprites: &[Sprite], script: &Script) -> Result<(), CaptureError> {
    let sides = SIDE_MIN..=SIDE_MAX;
    if !sides.contains(&script.width) || !sides.contains(&script.height) {
        let found = format!("a picture of {} x {} pixels", script.width, script.height);
        return Err(wrong(found, "choose sides of 64 to 4,096 pixels"));
    }
    if sprites.len() > SPRITES_MAX || script.passages.len() > PASSAGES_MAX {
        let found = format!("{} sprites and {} walks", sprites.len(), script.passages.len());
        return Err(wrong(found, "use at most 1,000 sprites and 10,000 walks"));
    }
    let Light { swing, slant, period } = script.light;
    let steady = (0.0..=0.4).contains(&swing) && (0.0..=0.4).contains(&slant) && !period.is_zero();
    if !steady || !(0.0..=20.0).contains(&script.noise_levels) {
        let found = format!("{:?} and noise of {} levels", script.light, script.noise_levels);
        return Err(wrong(found, "choose swing and slant of 0 to 0.4, a period, and 0 to 20 levels of noise"));
    }
    sprites.iter().try_for_each(Sprite::check)?;
    script.passages.iter().enumerate().try_for_each(|(index, passage)| check_passage(index, passage, sprites.len()))
}

fn check_passage(index: usize, passage: &Passage, sprites: usize) -> Result<(), CaptureError> {
    if passage.sprite >= sprites {
        let found = format!("walk {index} shows sprite {} of {sprites}", passage.sprite);
        return Err(wrong(found, "sprites are counted from 0"));
    }
    let far_fits = match passage.path {
        Path::Approach { far_across, far_face_px, near_across, .. } => {
            (1.0..=FACE_PX_MAX).contains(&far_face_px)
                && [far_across, near_across].iter().all(|at| (-1.0..=2.0).contains(at))
        }
        Path::Crossing { .. } => true,
    };
    let fits = (1.0..=FACE_PX_MAX).contains(&passage.nearest_face_px)
        && (1.0..=2.2).contains(&passage.stature_m)
        && (0.0..=8.0).contains(&passage.defocus_px)
        && (0.0..=15.0).contains(&passage.tilt_degrees)
        && passage.exposure <= Duration::from_millis(100)
        && passage.duration >= Duration::from_secs(1);
    if fits && far_fits {
        return Ok(());
    }
    let next = "keep faces to 1 to 1,000 pixels, people to 1 to 2.2 m, blur to 8 pixels, lean to 15 degrees, exposure to 100 ms, walks to 1 s or more";
    Err(wrong(format!("walk {index} is out of range"), next))
}

fn wrong(found: String, next: &'static str) -> CaptureError {
    CaptureError::Script { found, next }
}
