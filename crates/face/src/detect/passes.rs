//! How a picture of any size is laid before a detector: at its own size, reduced, or in tiles.

use crate::detect::{Beyond, Detection, InputSize, Options};
use crate::geometry::{Point, Rect};

/// Detectors of this family halve their input five times.
pub(super) const STEP_PX: u32 = 32;

/// Pictures up to this long side are mostly cut-outs in which one face reaches the edges. They are read with a black margin around
/// them, since detectors place points worse, or miss the face, where its surroundings are missing.
const SMALL_SIDE_MAX_PX: u32 = 320;

/// That margin, on all four sides.
const MARGIN_PX: u32 = 64;

/// Most tiles of one picture; beyond it tiles grow, so that a small limit and a huge picture stay affordable.
const TILES_MAX: u32 = 256;

/// The side of the graph's input for a close-up of one face, and the black around it on all four sides.
const CLOSE_UP_SIDE_PX: u32 = 192;
const CLOSE_UP_MARGIN_PX: u32 = 16;

/// One reading of a part of a picture at some scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pass {
    /// The part of the picture that is read, pixels.
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    /// The size it is scaled to.
    pub(super) scaled_width: u32,
    pub(super) scaled_height: u32,
    /// Black to the left of and above the scaled picture.
    pub(super) margin_px: u32,
    /// The size of the graph's input; what is left over is black on the right and below.
    pub(super) input_width: u32,
    pub(super) input_height: u32,
    /// Which of the faces found this pass answers for.
    keeps: Keeps,
}

/// Which faces of a pass are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Keeps {
    All,
    /// Those whose middle lies in the tile's own share of the picture and that are small enough to lie in the tile whole.
    Tile {
        left: f32,
        top: f32,
        right: f32,
        bottom: f32,
        side_max_px: f32,
    },
}

impl Pass {
    /// The shape of the graph's input.
    pub(super) fn shape(&self) -> [usize; 4] {
        [1, 3, self.input_height as usize, self.input_width as usize]
    }

    /// A face of the graph's input in the picture's pixels; `None` when another pass answers for it.
    pub(super) fn place(&self, found: &Detection) -> Option<Detection> {
        let across = self.width as f32 / self.scaled_width as f32;
        let down = self.height as f32 / self.scaled_height as f32;
        let (left, top) = (self.left as f32, self.top as f32);
        let margin = self.margin_px as f32;
        let place = |point: Point| Point { x: (point.x - margin) * across + left, y: (point.y - margin) * down + top };
        let Point { x, y } = place(Point { x: found.face.left, y: found.face.top });
        let face = Rect { left: x, top: y, width: found.face.width * across, height: found.face.height * down };
        let points = found.points.map(place);
        let Point { x, y } = face.centre();
        let kept = match self.keeps {
            Keeps::All => true,
            Keeps::Tile { left, top, right, bottom, side_max_px } => {
                x >= left && x < right && y >= top && y < bottom && face.width.max(face.height) <= side_max_px
            }
        };
        kept.then_some(Detection { face, confidence: found.confidence, points })
    }
}

/// The one reading of a close-up, whatever its size.
pub(super) fn close_up(width: u32, height: u32, input: InputSize) -> Pass {
    let (side, margin_px) = match input {
        InputSize::Free => (CLOSE_UP_SIDE_PX, CLOSE_UP_MARGIN_PX),
        InputSize::Fixed { side_px } => (side_px.max(1), 0),
    };
    let (long, room) = (u64::from(width.max(height).max(1)), u64::from(side - 2 * margin_px));
    let fit = |side: u32| (u64::from(side) * room / long).max(1) as u32;
    let (scaled_width, scaled_height) = (fit(width), fit(height));
    Pass {
        left: 0,
        top: 0,
        width,
        height,
        scaled_width,
        scaled_height,
        margin_px,
        input_width: side,
        input_height: side,
        keeps: Keeps::All,
    }
}

/// The passes that read a picture of this size.
pub(super) fn plan(width: u32, height: u32, options: &Options) -> Vec<Pass> {
    let limit = match options.input {
        InputSize::Free => options.long_side_max_px.max(STEP_PX) / STEP_PX * STEP_PX,
        InputSize::Fixed { side_px } => side_px.max(1),
    };
    let mut passes = vec![whole(width, height, limit, options.input)];
    if options.beyond == Beyond::Tile && width.max(height) > limit {
        passes.extend(tiles(width, height, limit, options.input));
    }
    passes
}

/// The whole picture in one pass. A fixed input is always filled; a free one takes the picture's own size up to the limit.
fn whole(width: u32, height: u32, limit: u32, input: InputSize) -> Pass {
    let long = width.max(height);
    let fit =
        |side: u32| (u64::from(side) * u64::from(limit)).div_ceil(u64::from(long)).clamp(1, u64::from(limit)) as u32;
    let grows = matches!(input, InputSize::Fixed { .. });
    let (scaled_width, scaled_height) = if long > limit || grows { (fit(width), fit(height)) } else { (width, height) };
    let margin_px = if long <= SMALL_SIDE_MAX_PX && !grows { MARGIN_PX } else { 0 };
    let (input_width, input_height) = input_size(scaled_width + 2 * margin_px, scaled_height + 2 * margin_px, input);
    let keeps = Keeps::All;
    Pass { left: 0, top: 0, width, height, scaled_width, scaled_height, margin_px, input_width, input_height, keeps }
}

/// Overlapping tiles at the picture's own size. A face up to the overlap lies whole in the tile whose share holds its middle;
/// larger ones are the whole picture's to find.
fn tiles(width: u32, height: u32, limit: u32, input: InputSize) -> Vec<Pass> {
    let mut side = limit;
    let count = |side: u32| starts(width, side).len() * starts(height, side).len();
    while input == InputSize::Free && count(side) > TILES_MAX as usize {
        side = side.saturating_mul(2);
    }
    let mut tiles = Vec::new();
    let side_max_px = overlap(side) as f32;
    for (start_y, top, bottom) in starts(height, side) {
        for (start_x, left, right) in starts(width, side) {
            let (tile_width, tile_height) = (side.min(width), side.min(height));
            let (input_width, input_height) = input_size(tile_width, tile_height, input);
            tiles.push(Pass {
                left: start_x,
                top: start_y,
                width: tile_width,
                height: tile_height,
                scaled_width: tile_width,
                scaled_height: tile_height,
                margin_px: 0,
                input_width,
                input_height,
                keeps: Keeps::Tile { left, top, right, bottom, side_max_px },
            });
        }
    }
    tiles.truncate(TILES_MAX as usize);
    tiles
}

/// Neighbouring tiles share a quarter of their side.
fn overlap(side: u32) -> u32 {
    side / 4
}

/// Along one side of the picture: where tiles start, and the share of the side each answers for (the middle of the overlaps).
fn starts(length: u32, side: u32) -> Vec<(u32, f32, f32)> {
    if length <= side {
        return vec![(0, f32::NEG_INFINITY, f32::INFINITY)];
    }
    let gaps = (length - side).div_ceil((side - overlap(side)).max(1));
    let start = |tile: u32| (u64::from(length - side) * u64::from(tile) / u64::from(gaps)) as u32;
    // Between two tiles the border lies in the middle of what both see.
    let border = |tile: u32| (start(tile) + start(tile - 1) + side) as f32 / 2.0;
    let share = |tile: u32| {
        let from = if tile == 0 { f32::NEG_INFINITY } else { border(tile) };
        let to = if tile == gaps { f32::INFINITY } else { border(tile + 1) };
        (start(tile), from, to)
    };
    (0..=gaps).map(share).collect()
}

/// The graph's input for a scaled picture: the next multiple of the step, or the fixed square.
fn input_size(width: u32, height: u32, input: InputSize) -> (u32, u32) {
    match input {
        InputSize::Free => (width.next_multiple_of(STEP_PX), height.next_multiple_of(STEP_PX)),
        InputSize::Fixed { side_px } => (side_px, side_px),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_up_fills_its_input_but_for_a_margin_whatever_its_size() {
        for (width, height) in [(96, 96), (330, 220), (1, 5_000), (160, 160)] {
            let pass = close_up(width, height, InputSize::Free);
            assert_eq!(pass.shape(), [1, 3, 192, 192]);
            assert_eq!(pass.scaled_width.max(pass.scaled_height), 160, "{width} x {height}");
            // The corner of what is scaled is the corner of the picture.
            let corner = Point { x: 16.0 + pass.scaled_width as f32, y: 16.0 + pass.scaled_height as f32 };
            let face = Rect { left: 16.0, top: 16.0, width: 1.0, height: 1.0 };
            let placed = pass.place(&Detection { face, confidence: 0.9, points: [corner; 5] }).expect("kept");
            assert_eq!((placed.face.left, placed.face.top), (0.0, 0.0));
            let near = |a: f32, b: u32| (a - b as f32).abs() < 0.01 * b as f32;
            assert!(near(placed.points[0].x, width) && near(placed.points[0].y, height), "{placed:?}");
        }
        assert_eq!(close_up(96, 96, InputSize::Fixed { side_px: 640 }).shape(), [1, 3, 640, 640]);
    }

    fn options(long_side_max_px: u32, beyond: Beyond, input: InputSize) -> Options {
        Options { confidence_min: 0.6, overlap_max: 0.3, long_side_max_px, beyond, input }
    }

    fn face(left: f32, top: f32, side: f32) -> Detection {
        Detection {
            face: Rect { left, top, width: side, height: side },
            confidence: 0.9,
            points: [Point { x: left, y: top }; 5],
        }
    }

    #[test]
    fn a_small_picture_is_read_at_its_own_size_and_padded() {
        let passes = plan(500, 375, &options(1920, Beyond::Tile, InputSize::Free));
        assert_eq!(passes.len(), 1);
        let pass = passes[0];
        assert_eq!((pass.scaled_width, pass.scaled_height, pass.input_width, pass.input_height), (500, 375, 512, 384));
        assert_eq!(pass.place(&face(3.0, 4.0, 20.0)), Some(face(3.0, 4.0, 20.0)));
    }

    #[test]
    fn a_large_picture_is_reduced_and_mapped_back() {
        let pass = plan(4000, 3000, &options(1000, Beyond::Reduce, InputSize::Free))[0];
        // 1000 is no multiple of 32; the limit is rounded down to 992.
        assert_eq!((pass.scaled_width, pass.scaled_height, pass.input_width, pass.input_height), (992, 744, 992, 768));
        let placed = pass.place(&face(992.0, 744.0, 0.0)).expect("the only pass keeps all");
        assert!((placed.face.left - 4000.0).abs() < 0.01 && (placed.face.top - 3000.0).abs() < 0.01, "{placed:?}");
    }

    #[test]
    fn a_fixed_input_is_filled_from_both_sides() {
        let fixed = options(1920, Beyond::Reduce, InputSize::Fixed { side_px: 640 });
        for (width, height) in [(92, 112), (1, 1), (4000, 1), (640, 640)] {
            let pass = plan(width, height, &fixed)[0];
            assert_eq!((pass.input_width, pass.input_height), (640, 640));
            assert_eq!(pass.scaled_width.max(pass.scaled_height), 640);
            assert!(pass.scaled_width.min(pass.scaled_height) >= 1);
        }
    }

    #[test]
    fn a_strip_keeps_at_least_one_row() {
        let pass = plan(32_000, 1, &options(640, Beyond::Reduce, InputSize::Free))[0];
        assert_eq!((pass.scaled_width, pass.scaled_height, pass.input_height), (640, 1, 32));
    }

    #[test]
    fn a_cut_out_gets_a_margin_that_is_taken_off_again() {
        let pass = plan(92, 112, &options(1920, Beyond::Reduce, InputSize::Free))[0];
        let expected = (92 + 2 * MARGIN_PX).next_multiple_of(STEP_PX);
        assert_eq!((pass.scaled_width, pass.scaled_height, pass.input_width), (92, 112, expected));
        let margin = MARGIN_PX as f32;
        assert_eq!(pass.place(&face(margin, margin + 5.0, 90.0)), Some(face(0.0, 5.0, 90.0)));
    }

    #[test]
    fn every_small_face_belongs_to_exactly_one_tile_that_sees_it_whole() {
        let passes = plan(2500, 1700, &options(640, Beyond::Tile, InputSize::Free));
        let (reduced, tiles) = passes.split_first().expect("passes");
        assert_eq!(reduced.scaled_width, 640);
        assert!(tiles.len() > 6);
        for top in (0..1540).step_by(7) {
            for left in (0..2340).step_by(7) {
                let (left, top, side) = (left as f32, top as f32, 160.0);
                let owners: Vec<&Pass> = tiles
                    .iter()
                    .filter(|tile| tile.place(&face(left - tile.left as f32, top - tile.top as f32, side)).is_some())
                    .collect();
                assert_eq!(owners.len(), 1, "at {left} {top}");
                let tile = owners[0];
                assert!(left >= tile.left as f32 && left + side <= (tile.left + tile.width) as f32, "at {left} {top}");
                assert!(top >= tile.top as f32 && top + side <= (tile.top + tile.height) as f32, "at {left} {top}");
            }
        }
        assert!(
            tiles.iter().all(|tile| tile.place(&face(100.0, 100.0, 161.0)).is_none()),
            "larger faces are the whole picture's"
        );
    }

    #[test]
    fn the_number_of_tiles_is_limited() {
        let passes = plan(32_768, 2441, &options(32, Beyond::Tile, InputSize::Free));
        assert!(passes.len() <= 1 + TILES_MAX as usize);
        let last = passes.last().expect("passes");
        assert_eq!((last.left + last.width, last.top + last.height), (32_768, 2441), "the last corner is read");
    }
}
