//! The empty concourse: floor, walls, boards and lamps, drawn once by following the line of sight of every pixel.

use super::scene::Camera;

/// The hall, metres: half its width, its length, and the height of its ceiling above the floor.
const HALF_WIDTH_M: f32 = 7.5;
const LENGTH_M: f32 = 46.0;
const CEILING_M: f32 = 5.6;
/// Rays for each pixel, as places inside it: four, none in a row with another.
const RAYS: [(f32, f32); 4] = [(0.125, 0.625), (0.375, 0.125), (0.625, 0.875), (0.875, 0.375)];
/// Distance at which half of a colour has become haze, metres.
const HAZE_HALF_M: f32 = 60.0;
const HAZE: Colour = [214.0, 219.0, 222.0];

type Colour = [f32; 3];

/// The background as RGB.
pub(crate) fn draw(camera: &Camera) -> Vec<u8> {
    let (width, height) = (camera.width as usize, camera.height as usize);
    let mut pixels = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0; 3];
            for (right, down) in RAYS {
                let across = (x as f32 + right - 0.5 * camera.width) / camera.focal_px;
                let up = (camera.horizon - y as f32 - down) / camera.focal_px;
                let colour = along(across, up, camera.height_m);
                sum = std::array::from_fn(|channel| sum[channel] + 0.25 * colour[channel]);
            }
            let (dx, dy) = (x as f32 / camera.width - 0.5, y as f32 / camera.height - 0.5);
            let corner = 1.0 - 0.25 * (dx * dx + dy * dy);
            pixels.extend(sum.map(|value| (corner * value + 0.5) as u8));
        }
    }
    pixels
}

/// What a ray from the camera meets: the ray goes `across` and `up` for each metre forward.
fn along(across: f32, up: f32, camera_m: f32) -> Colour {
    let place = |distance: f32| (across * distance, camera_m + up * distance);
    for sign in SIGNS {
        let (x, y) = place(sign.distance_m);
        if let Some(colour) = sign.colour(x, y) {
            return hazy(colour, sign.distance_m);
        }
    }
    let to_side = if across == 0.0 { LENGTH_M } else { HALF_WIDTH_M / across.abs() };
    let to_floor = if up < 0.0 { -camera_m / up } else { LENGTH_M };
    let to_ceiling = if up > 0.0 { (CEILING_M - camera_m) / up } else { LENGTH_M };
    let distance = to_side.min(to_floor).min(to_ceiling).min(LENGTH_M);
    let (x, y) = place(distance);
    let colour = if distance >= LENGTH_M {
        back_wall(x, y)
    } else if distance == to_side {
        side_wall(distance, y, x > 0.0)
    } else if distance == to_floor {
        floor(x, distance)
    } else {
        ceiling(x, distance)
    };
    hazy(colour, distance)
}

fn hazy(colour: Colour, distance: f32) -> Colour {
    mix(colour, HAZE, distance / (distance + HAZE_HALF_M))
}

/// Stone slabs with joints, a strip of ribbed tiles for the blind, and the lamps' shine.
fn floor(x: f32, z: f32) -> Colour {
    let (slab_x, slab_z) = (x / 1.2, z / 1.2);
    let tone = 172.0 + 14.0 * (speckle(slab_x.floor() as i32, slab_z.floor() as i32) - 0.5);
    let stone = [tone, tone - 3.0, tone - 9.0];
    let joint = near_line(slab_x, 0.012).max(near_line(slab_z, 0.012));
    let mut colour = mix(stone, [128.0, 126.0, 122.0], 0.7 * joint);
    if (x + 4.3).abs() < 0.3 {
        let rib = if (x * 8.0).rem_euclid(1.0) < 0.5 { 1.0 } else { 0.93 };
        colour = [205.0 * rib, 178.0 * rib, 92.0 * rib];
    }
    let shine = (1.0 - (x.abs() - 2.6).abs() / 1.1).max(0.0);
    mix(colour, [238.0, 238.0, 234.0], 0.22 * shine * shine)
}

/// Panels between pilasters, a darker plinth, and framed posters without pictures.
fn side_wall(z: f32, y: f32, right: bool) -> Colour {
    let bay = z / 4.0;
    let inside = bay.rem_euclid(1.0);
    let shade = if right { 0.97 } else { 0.91 };
    let panel = mix([206.0, 204.0, 196.0], [188.0, 190.0, 190.0], y / CEILING_M);
    let colour = if inside < 0.16 {
        [166.0, 164.0, 158.0]
    } else if y < 0.35 {
        [118.0, 116.0, 114.0]
    } else if (0.34..0.82).contains(&inside) && (0.9..2.9).contains(&y) {
        poster(bay.floor() as i32 + if right { 50 } else { 0 }, (inside - 0.34) / 0.48, (y - 0.9) / 2.0)
    } else if (y - 3.6).abs() < 0.05 {
        [150.0, 150.0, 146.0]
    } else {
        panel
    };
    colour.map(|value| value * shade)
}

fn poster(number: i32, across: f32, up: f32) -> Colour {
    const INKS: [Colour; 5] =
        [[88.0, 116.0, 132.0], [150.0, 104.0, 84.0], [108.0, 128.0, 98.0], [168.0, 148.0, 96.0], [112.0, 98.0, 124.0]];
    let edge = across.min(1.0 - across).min(up).min(1.0 - up);
    let ink = INKS[number.rem_euclid(5) as usize];
    if edge < 0.035 {
        [84.0, 84.0, 86.0]
    } else if (0.12..0.22).contains(&up) && (0.1..0.75).contains(&across) {
        [224.0, 222.0, 214.0]
    } else {
        mix(ink, [224.0, 222.0, 214.0], 0.35 * up)
    }
}

/// Beams and two rows of lamps.
fn ceiling(x: f32, z: f32) -> Colour {
    let beam = (z / 4.0).rem_euclid(1.0);
    let lamp = (x.abs() - 2.6).abs() < 0.28 && (0.2..0.8).contains(&beam);
    if lamp {
        [252.0, 251.0, 244.0]
    } else if beam < 0.1 {
        [138.0, 140.0, 142.0]
    } else {
        [172.0, 174.0, 174.0]
    }
}

/// Glass doors with daylight behind, and the wall above them.
fn back_wall(x: f32, y: f32) -> Colour {
    let door = (x / 2.5).rem_euclid(1.0);
    if y < 3.3 && x.abs() < 6.25 {
        let frame = !(0.06..0.94).contains(&door) || (y - 2.3).abs() < 0.07;
        if frame { [120.0, 124.0, 126.0] } else { mix([186.0, 196.0, 200.0], [236.0, 241.0, 244.0], y / 3.3) }
    } else {
        [182.0, 182.0, 178.0]
    }
}

/// A board that hangs across the hall.
struct Sign {
    distance_m: f32,
    left_m: f32,
    right_m: f32,
    bottom_m: f32,
    top_m: f32,
    face: fn(f32, f32) -> Colour,
}

/// The nearest first.
const SIGNS: [Sign; 2] = [
    Sign { distance_m: 15.0, left_m: 1.4, right_m: 5.2, bottom_m: 2.95, top_m: 3.55, face: direction_board },
    Sign { distance_m: 24.0, left_m: -4.6, right_m: 0.4, bottom_m: 3.0, top_m: 4.6, face: departures_board },
];

impl Sign {
    fn colour(&self, x: f32, y: f32) -> Option<Colour> {
        let (across, up) =
            ((x - self.left_m) / (self.right_m - self.left_m), (y - self.bottom_m) / (self.top_m - self.bottom_m));
        if !(0.0..1.0).contains(&across) {
            return None;
        }
        let rod = (across - 0.12).abs().min((across - 0.88).abs()) * (self.right_m - self.left_m) < 0.025;
        match up {
            up if (0.0..1.0).contains(&up) => Some((self.face)(across, up)),
            up if up >= 1.0 && y < CEILING_M && rod => Some([112.0, 114.0, 116.0]),
            _ => None,
        }
    }
}

/// Blue, with an arrow and bars where words would be.
fn direction_board(across: f32, up: f32) -> Colour {
    let (x, y) = (6.33 * across, up);
    let shaft = (0.35..0.75).contains(&x) && (y - 0.5).abs() < 0.06;
    let head = (0.22..0.45).contains(&x) && (y - 0.5).abs() < x - 0.22;
    let words =
        [(1.2, 3.0), (3.2, 4.1)].iter().any(|(from, to)| (*from..*to).contains(&x)) && (0.36..0.62).contains(&y);
    let small = (1.2..2.5).contains(&x) && (0.2..0.27).contains(&y);
    if shaft || head || words || small { [232.0, 234.0, 234.0] } else { [38.0, 66.0, 104.0] }
}

/// Dark, with rows of amber bars.
fn departures_board(across: f32, up: f32) -> Colour {
    let edge = across.min(1.0 - across) < 0.015 || up.min(1.0 - up) < 0.04;
    if edge {
        return [92.0, 94.0, 96.0];
    }
    let row = up * 7.0;
    let lit = (0.35..0.72).contains(&row.rem_euclid(1.0));
    let cell = across * 46.0;
    let column = cell.floor() as i32;
    let gap = matches!(column, 0..=1 | 7..=8 | 26..=28 | 33..=34 | 44..=46);
    let inked = speckle(column, row.floor() as i32 + 9) > 0.25 && cell.rem_euclid(1.0) < 0.72;
    if lit && inked && !gap { [222.0, 168.0, 70.0] } else { [28.0, 30.0, 34.0] }
}

/// 1 on a whole number, 0 farther from it than `half_width`.
fn near_line(value: f32, half_width: f32) -> f32 {
    let inside = value.rem_euclid(1.0);
    if inside.min(1.0 - inside) < half_width { 1.0 } else { 0.0 }
}

/// The same number from 0 to 1 for the same cell.
fn speckle(column: i32, row: i32) -> f32 {
    let mut mixed = (column as u32).wrapping_mul(0x9e37_79b1) ^ (row as u32).wrapping_mul(0x85eb_ca77);
    mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39);
    (mixed >> 16) as f32 / 65_536.0
}

fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    std::array::from_fn(|channel| a[channel] + share * (b[channel] - a[channel]))
}
