//! The recognition zone of a camera, in one spelling, so that the record fixes in which part of its view faces are compared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most polygons of one zone.
pub const POLYGONS_MAX: usize = 16;
/// Fewest corners of a polygon: with fewer it has no area.
pub const CORNERS_MIN: usize = 3;
/// Most corners of a polygon.
pub const CORNERS_MAX: usize = 64;
/// What the width and the height of a view are counted as.
pub const THOUSANDTHS: u16 = 1000;
/// Most bytes that a zone can be spelt in: two numbers of four digits and two separators for each corner.
const TEXT_BYTES_MAX: usize = POLYGONS_MAX * CORNERS_MAX * 10;

/// A corner of a polygon, in thousandths of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corner {
    /// From the left edge, 0 to 1000.
    pub x: u16,
    /// From the upper edge, 0 to 1000.
    pub y: u16,
}

/// Where in a camera's view faces are compared: the polygons together. Inside a polygon is what the even-odd rule calls
/// so: a line from there to beyond the view crosses its edges an odd number of times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    polygons: Vec<Vec<Corner>>,
}

/// Why something is no recognition zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// There is no polygon, or there are too many.
    #[error("a recognition zone of {polygons} polygons: it has 1 to {POLYGONS_MAX}; join or leave out some")]
    Polygons {
        /// How many.
        polygons: usize,
    },
    /// A polygon has too few corners or too many.
    #[error(
        "polygon {polygon} of the recognition zone has {corners} corners: it needs {CORNERS_MIN} to {CORNERS_MAX}; draw it with as many"
    )]
    Corners {
        /// Its number, from 1.
        polygon: usize,
        /// How many.
        corners: usize,
    },
    /// A corner lies outside the view.
    #[error(
        "polygon {polygon} of the recognition zone has a corner outside the view: {x},{y}; width and height are counted from 0 to {THOUSANDTHS}"
    )]
    OutsideView {
        /// Its number, from 1.
        polygon: usize,
        /// From the left edge.
        x: u16,
        /// From the upper edge.
        y: u16,
    },
    /// A polygon encloses nothing.
    #[error("polygon {polygon} of the recognition zone has no area; give it corners that do not lie in one line")]
    NoArea {
        /// Its number, from 1.
        polygon: usize,
    },
    /// The text is no zone.
    #[error(
        "{found:?} is no corner of a recognition zone; write x,y in thousandths of width and height, with a space between corners and \"; \" between polygons, such as \"0,400 1000,400 1000,1000 0,1000\""
    )]
    NoCorner {
        /// What stands there, cut to a few characters.
        found: String,
    },
    /// The text is longer than any zone.
    #[error("a recognition zone spelt in {bytes} bytes: {TEXT_BYTES_MAX} are the most; draw it with fewer corners")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The text means a zone and spells it in another way than the one there is.
    #[error("the recognition zone is spelt in another way than the one there is; write {canonical:?}")]
    OtherSpelling {
        /// The one spelling.
        canonical: String,
    },
}

impl Zone {
    /// The zone of these polygons, each a list of corners whose last is joined to its first.
    pub fn new(polygons: Vec<Vec<Corner>>) -> Result<Self, ZoneError> {
        if polygons.is_empty() || polygons.len() > POLYGONS_MAX {
            return Err(ZoneError::Polygons { polygons: polygons.len() });
        }
        for (polygon, corners) in (1..).zip(&polygons) {
            if !(CORNERS_MIN..=CORNERS_MAX).contains(&corners.len()) {
                return Err(ZoneError::Corners { polygon, corners: corners.len() });
            }
            if let Some(Corner { x, y }) = corners.iter().copied().find(|corner| corner.x.max(corner.y) > THOUSANDTHS) {
                return Err(ZoneError::OutsideView { polygon, x, y });
            }
            if area_doubled(corners) == 0 {
                return Err(ZoneError::NoArea { polygon });
            }
        }
        Ok(Self { polygons })
    }

    /// All that the camera sees.
    pub fn whole_view() -> Self {
        let corner = |x, y| Corner { x, y };
        let edge = THOUSANDTHS;
        Self { polygons: vec![vec![corner(0, 0), corner(edge, 0), corner(edge, edge), corner(0, edge)]] }
    }

    /// Its polygons, as given.
    pub fn polygons(&self) -> &[Vec<Corner>] {
        &self.polygons
    }

    /// Whether a point lies in it, given in fractions of width and height.
    pub fn contains_fraction(&self, across: f64, down: f64) -> bool {
        let whole = f64::from(THOUSANDTHS);
        self.contains(across * whole, down * whole)
    }

    /// Whether a point lies in it, given in thousandths of width and height; `f64` because pixels seldom lie on whole ones.
    pub fn contains(&self, x: f64, y: f64) -> bool {
        self.polygons
            .iter()
            .any(|corners| edges(corners).filter(|(from, to)| crosses(*from, *to, x, y)).count() % 2 == 1)
    }
}

/// A polygon's edges, the last of which leads back to its first corner.
fn edges(corners: &[Corner]) -> impl Iterator<Item = (Corner, Corner)> + '_ {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// Twice the area by the shoelace formula; 0 where all corners lie in one line, or where two halves outweigh each other.
fn area_doubled(corners: &[Corner]) -> i64 {
    let cross =
        |(from, to): (Corner, Corner)| i64::from(from.x) * i64::from(to.y) - i64::from(to.x) * i64::from(from.y);
    edges(corners).map(cross).sum()
}

/// Whether a line from the point to the right crosses this edge. Of an edge its lower end counts and its upper does not,
/// so that a line through a corner crosses once where the outline goes on, and twice or never where it turns back.
fn crosses(from: Corner, to: Corner, x: f64, y: f64) -> bool {
    let ([from_x, from_y], [to_x, to_y]) = ([from.x, from.y].map(f64::from), [to.x, to.y].map(f64::from));
    (from_y > y) != (to_y > y) && x < from_x + (y - from_y) / (to_y - from_y) * (to_x - from_x)
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, corners) in self.polygons.iter().enumerate() {
            for (place, Corner { x, y }) in corners.iter().enumerate() {
                let before = match (number, place) {
                    (0, 0) => "",
                    (_, 0) => "; ",
                    _ => " ",
                };
                write!(out, "{before}{x},{y}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    /// Refuses every spelling but the one that it would be printed in, so that two texts are two zones.
    fn from_str(text: &str) -> Result<Self, ZoneError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(ZoneError::TooLong { bytes: text.len() });
        }
        let polygons = text.split(';').map(|polygon| polygon.split_whitespace().map(corner).collect());
        let zone = Self::new(polygons.collect::<Result<_, _>>()?)?;
        let canonical = zone.to_string();
        if canonical == text { Ok(zone) } else { Err(ZoneError::OtherSpelling { canonical }) }
    }
}

fn corner(text: &str) -> Result<Corner, ZoneError> {
    let found = || ZoneError::NoCorner { found: text.chars().take(20).collect() };
    let (x, y) = text.split_once(',').ok_or_else(found)?;
    let number = |digits: &str| digits.parse().map_err(|_| found());
    Ok(Corner { x: number(x)?, y: number(y)? })
}

impl TryFrom<String> for Zone {
    type Error = ZoneError;

    fn try_from(text: String) -> Result<Self, ZoneError> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Dice;

    /// Zones tried in each property.
    const ZONES: u64 = 2_000;

    fn any_polygon(dice: &mut Dice) -> Vec<Corner> {
        let corners = CORNERS_MIN as u64 + dice.below((CORNERS_MAX - CORNERS_MIN + 1) as u64);
        (0..corners).map(|_| Corner { x: dice.below(1001) as u16, y: dice.below(1001) as u16 }).collect()
    }

    fn any_zone(dice: &mut Dice) -> Option<Zone> {
        let polygons = 1 + dice.below(POLYGONS_MAX as u64);
        Zone::new((0..polygons).map(|_| any_polygon(dice)).collect()).ok()
    }

    #[test]
    fn what_is_printed_is_read_back_and_read_in_no_other_spelling() {
        let mut dice = Dice(2_026);
        let zones: Vec<_> = (0..ZONES).filter_map(|_| any_zone(&mut dice)).collect();
        assert!(zones.len() > 1_900, "a random polygon seldom has no area");
        for zone in zones {
            let text = zone.to_string();
            assert_eq!(text.parse(), Ok(zone.clone()));
            for other in [format!(" {text}"), format!("{text} "), text.replacen(',', ",0", 1), text.replace(' ', "  ")]
            {
                assert!(other.parse::<Zone>().is_err(), "{other}");
            }
            let bytes = serde_json::to_vec(&zone).unwrap();
            assert_eq!(serde_json::from_slice::<Zone>(&bytes).unwrap(), zone);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_and_never_more() {
        let mut dice = Dice(7);
        let symbols = b"0159,; -+.x\n";
        for _ in 0..20_000 {
            let length = dice.below(40);
            let text: String =
                (0..length).map(|_| char::from(symbols[dice.below(symbols.len() as u64) as usize])).collect();
            if let Ok(zone) = text.parse::<Zone>() {
                assert_eq!(zone.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_no_zone_is_refused_and_says_why() {
        let many = |count: usize, what: &str, between: &str| vec![what; count].join(between);
        for (text, told) in [
            ("", "has 0 corners"),
            ("0,0 1000,0", "has 2 corners"),
            ("0,0 1000,0 1001,5", "outside the view: 1001,5"),
            ("0,0 500,500 1000,1000", "no area"),
            ("0,0 1000,0 0,1000; 5,5 5,5 5,5", "polygon 2 of the recognition zone has no area"),
            ("0,0 1000,0 0,1000;", "polygon 2"),
            ("0,0 1000,0 0,1000;0,0 10,0 0,10", "write \"0,0 1000,0 0,1000; 0,0 10,0 0,10\""),
            ("0,0 1000,0 0,1e3", "\"0,1e3\" is no corner"),
            ("0,0 -1,0 0,10", "\"-1,0\" is no corner"),
            ("+0,0 1000,0 0,1000", "another way"),
        ] {
            let error = text.parse::<Zone>().unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        let triangle = "0,0 1000,0 0,1000";
        assert!(many(POLYGONS_MAX, triangle, "; ").parse::<Zone>().is_ok());
        assert!(many(POLYGONS_MAX + 1, triangle, "; ").parse::<Zone>().is_err());
        let corners = format!("0,0 1000,0 {}", many(CORNERS_MAX - 2, "0,1000", " "));
        assert!(corners.parse::<Zone>().is_ok());
        assert!(format!("{corners} 0,1000").parse::<Zone>().is_err());
        assert_eq!("9".repeat(20_000).parse::<Zone>(), Err(ZoneError::TooLong { bytes: 20_000 }));
    }

    #[test]
    fn inside_is_what_the_even_odd_rule_says() {
        let lower: Zone = "0,400 1000,400 1000,1000 0,1000; 0,0 100,0 100,100 0,100".parse().unwrap();
        for (x, y, inside) in [
            (500.0, 700.0, true),
            (500.0, 399.0, false),
            (50.0, 50.0, true),
            (150.0, 50.0, false),
            (999.9, 400.0, true),
        ] {
            assert_eq!(lower.contains(x, y), inside, "{x},{y}");
        }
        // A concave outline: the notch between its two arms is outside.
        let concave: Zone = "0,0 300,0 300,700 700,700 700,0 1000,0 1000,1000 0,1000".parse().unwrap();
        assert!(concave.contains(150.0, 100.0) && !concave.contains(500.0, 100.0) && concave.contains(500.0, 800.0));
        let whole = Zone::whole_view();
        assert_eq!(whole.to_string(), "0,0 1000,0 1000,1000 0,1000");
        assert!((0..1000).all(|step| whole.contains(f64::from(step), f64::from(999 - step))));
    }

    #[test]
    fn what_is_in_the_zone_covers_its_area() {
        // A grid of points counts the area that the shoelace formula gives of an outline that does not cross itself.
        let mut dice = Dice(99);
        for _ in 0..50 {
            let corner = |dice: &mut Dice| Corner { x: dice.below(1001) as u16, y: dice.below(1001) as u16 };
            let triangle = vec![corner(&mut dice), corner(&mut dice), corner(&mut dice)];
            let area = area_doubled(&triangle).unsigned_abs() as f64 / 2.0;
            let Ok(zone) = Zone::new(vec![triangle]) else { continue };
            let points = (0..200).flat_map(|row| (0..200).map(move |column| (row, column)));
            let inside = points
                .filter(|(row, column)| zone.contains(f64::from(*column) * 5.0 + 2.5, f64::from(*row) * 5.0 + 2.5))
                .count();
            assert!((inside as f64 * 25.0 - area).abs() < 3_000.0 * 5.0, "{zone}: {inside} points, area {area}");
        }
    }
}
