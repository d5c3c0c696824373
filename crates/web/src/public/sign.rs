//! A camera's recognition zone as a sign to print and hang up, drawn from what the public record says and from nothing else.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use evidence::zone::THOUSANDTHS;
use evidence::{CameraDeclaration, DeploymentPlan, Entry, Zone};

use super::deployment::named;
use super::record::Record;
use crate::WebError;
use crate::answer::Fault;
use crate::house::House;
use crate::words;

/// The view on the sign, in tenths of a millimetre: a record says nothing of a camera's shape, and most are 16 to 9.
const VIEW_WIDTH: u32 = 1600;
const VIEW_HEIGHT: u32 = 900;
/// How much room each text has: in lines that ordinary words fill about as wide as the view is drawn. Wider ones are drawn narrower.
const NAME: Fit = Fit { lines: 2, chars: 32, size: 84 };
const PLACE: Fit = Fit { lines: 3, chars: 58, size: 48 };
const ROUTE: Fit = Fit { lines: 6, chars: 44, size: 68 };
/// The longest name of a deployment fits into one line with the word before it.
const RECORD: Fit = Fit { lines: 2, chars: 78, size: 48 };

/// How many lines a text takes at most, of how many characters, at what size of letters in tenths of a millimetre.
#[derive(Clone, Copy)]
struct Fit {
    lines: usize,
    chars: usize,
    size: u32,
}

#[derive(Template)]
#[template(path = "zone.svg")]
struct ZoneSign {
    deployment: String,
    camera: String,
    name: Vec<Line>,
    place: Vec<Line>,
    face_side: Option<String>,
    route: Vec<Line>,
    record: Vec<Line>,
    zone: String,
    /// The corners of each polygon, as an SVG spells them.
    polygons: Vec<String>,
}

/// One line of a text, and how many lines stand above it.
struct Line {
    text: String,
    down: usize,
    /// It is drawn as wide as this, since in some font it would run off the sheet.
    width: Option<u32>,
}

/// The sign of a camera as an SVG picture of a sheet of A4; `None` where the record knows no such camera. `entries` may be
/// the whole record, or what it says of the deployment.
pub fn zone_sign(deployment: &str, camera: &str, entries: &[(u64, Entry)]) -> Result<Option<String>, WebError> {
    let record = Record::read(deployment, entries);
    let declared = record.cameras.iter().find(|declared| declared.camera == camera);
    declared
        .map(|declared| ZoneSign::new(deployment, declared, &record).render())
        .transpose()
        .map_err(|_| WebError::Sign)
}

/// `GET /deployments/{deployment}/zones/{number}.svg`, cameras counted from 1 as the record declares them.
pub(crate) async fn picture(
    State(house): State<House>,
    Path((deployment, file)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let id = named(&deployment)?;
    let unknown = || Fault::Unknown("the sign of this camera");
    let number: usize = file.strip_suffix(".svg").and_then(|number| number.parse().ok()).ok_or_else(unknown)?;
    let drawn = house.ask_store(move |store| {
        store.deployment(&id)?;
        let entries = store.entries(Some(&id))?;
        let cameras = Record::read(id.as_str(), &entries).cameras;
        let Some(declared) = number.checked_sub(1).and_then(|place| cameras.get(place)) else { return Ok(None) };
        zone_sign(id.as_str(), &declared.camera, &entries).map_err(|_| Fault::Broken("the sign could not be written"))
    });
    let sign = drawn.await.map_err(Fault::for_public)?.ok_or_else(unknown)?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], sign).into_response())
}

impl ZoneSign {
    fn new(deployment: &str, declared: &CameraDeclaration, record: &Record) -> Self {
        let route = record.signage.as_ref().map(|(_, route)| wrapped(route, ROUTE)).unwrap_or_default();
        Self {
            deployment: printable(deployment),
            camera: printable(&declared.camera),
            name: wrapped(&format!("Camera {}", declared.camera), NAME),
            place: record.plan.as_ref().map(|plan| wrapped(&place(plan), PLACE)).unwrap_or_default(),
            face_side: declared.face_side_px_min.map(|side| words::plural(side.into(), "pixel")),
            route,
            record: wrapped(&format!("Deployment {deployment}. Drawn from its public record."), RECORD),
            zone: declared.zone.to_string(),
            polygons: outlines(&declared.zone),
        }
    }
}

fn place(plan: &DeploymentPlan) -> String {
    format!("{}, {} to {}", plan.place, words::moment(plan.starts), words::moment(plan.ends))
}

/// Each polygon's corners on the sheet, to a hundredth of a millimetre.
fn outlines(zone: &Zone) -> Vec<String> {
    let part = |thousandths: u16, whole: u32| {
        let tenths = u32::from(thousandths) * whole * 10 / u32::from(THOUSANDTHS);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    let corner =
        |corner: &evidence::zone::Corner| format!("{},{}", part(corner.x, VIEW_WIDTH), part(corner.y, VIEW_HEIGHT));
    zone.polygons().iter().map(|corners| corners.iter().map(corner).collect::<Vec<_>>().join(" ")).collect()
}

/// A text in lines, since SVG breaks none: at spaces where there are any, and cut with an ellipsis where it is too long.
fn wrapped(text: &str, fit: Fit) -> Vec<Line> {
    let mut lines: Vec<String> = Vec::new();
    for word in printable(text).split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(fit.chars) {
            let piece: String = piece.iter().collect();
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + piece.chars().count() <= fit.chars => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                _ => lines.push(piece),
            }
        }
    }
    if lines.len() > fit.lines {
        lines.truncate(fit.lines);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(fit.chars - 1).chain(['…']).collect();
        }
    }
    let line = |(down, text): (usize, String)| {
        let too_wide = width_at_most(&text, fit.size) > VIEW_WIDTH;
        Line { text, down, width: too_wide.then_some(VIEW_WIDTH) }
    };
    lines.into_iter().enumerate().map(line).collect()
}

/// A text with a space in the place of each sign that an SVG may not hold.
fn printable(text: &str) -> String {
    let foreign = |sign: char| sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|sign| if foreign(sign) { ' ' } else { sign }).collect()
}

/// How wide a line is, in tenths of a millimetre, in the widest of the usual fonts (DejaVu Sans and Verdana): which one draws the
/// sign is not known here. Signs of other scripts are taken to be as wide as high.
fn width_at_most(line: &str, size: u32) -> u32 {
    let hundredths = |sign: char| match sign {
        ' ' | '!' | '\'' | '(' | ')' | ',' | '-' | '.' | '/' | ':' | ';' | '|' | 'I' | 'f' | 'i' | 'j' | 'l' | 'r'
        | 't' => 46,
        '%' | '@' | 'M' | 'W' | 'm' | 'w' => 108,
        '#' | '&' | '+' | '<' | '=' | '>' | '^' | '~' | 'A'..='Z' => 86,
        sign if sign.is_ascii() => 66,
        sign if sign.is_lowercase() => 90,
        _ => 100,
    };
    line.chars().map(|sign| hundredths(sign) * size).sum::<u32>() / 100
}

#[cfg(test)]
mod tests {
    use evidence::Fact;

    use super::*;

    /// A live deployment with one camera, as the record has it.
    fn entries(camera: &str, zone: &str, route: Option<&str>) -> Vec<(u64, Entry)> {
        let declared = Fact::CameraDeclared(CameraDeclaration {
            deployment: "gates-1".to_owned(),
            camera: camera.to_owned(),
            source_commitment: "c0ffee".to_owned(),
            zone: zone.parse().expect("a zone"),
            face_side_px_min: Some(80),
        });
        let signage = route.map(|route| Fact::SignageConfirmed {
            deployment: "gates-1".to_owned(),
            signs: 2,
            alternative_route: route.to_owned(),
            page: "https://example.org".to_owned(),
            role: "operator".to_owned(),
        });
        let at = "2026-03-01T09:00:00Z".parse().expect("a time");
        (0..).zip(std::iter::once(declared).chain(signage).map(|fact| Entry { at, fact })).collect()
    }

    /// The corners that the picture draws, in tenths of a millimetre.
    fn corners(sign: &str) -> Vec<Vec<(f64, f64)>> {
        let points = sign.split("<polygon points=\"").skip(1).map(|rest| rest.split('"').next().expect("a list"));
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let corner = |text: &str| text.split_once(',').map(|(x, y)| (number(x), number(y))).expect("a corner");
        points.map(|list| list.split(' ').map(corner).collect()).collect()
    }

    /// Whether a point lies in a polygon: the signs of its angles at the corners add up to a whole turn.
    fn winds_round(corners: &[(f64, f64)], (x, y): (f64, f64)) -> bool {
        let angle = |(to_x, to_y): (f64, f64)| (to_y - y).atan2(to_x - x);
        let turns = corners.iter().zip(corners.iter().cycle().skip(1)).map(|(from, to)| {
            let turn = angle(*to) - angle(*from);
            (turn + 3.0 * std::f64::consts::PI).rem_euclid(2.0 * std::f64::consts::PI) - std::f64::consts::PI
        });
        turns.sum::<f64>().abs() > 1.0
    }

    #[test]
    fn a_point_of_the_view_lies_in_the_drawing_where_it_lies_in_the_zone() {
        let text = "0,0 300,0 300,700 700,700 700,0 1000,0 1000,1000 0,1000; 450,100 550,100 500,333";
        let zone: Zone = text.parse().expect("a zone");
        let sign = zone_sign("gates-1", "east", &entries("east", text, None)).expect("drawn").expect("a sign");
        let drawn = corners(&sign);
        assert_eq!(drawn.len(), 2);
        assert_eq!(drawn[1], [(720.0, 90.0), (880.0, 90.0), (800.0, 299.7)], "1600 and 900 for 1000 thousandths");
        for (x, y) in (0..50)
            .flat_map(|column| (0..50).map(move |row| (20.0 * f64::from(column) + 7.0, 20.0 * f64::from(row) + 7.0)))
        {
            let inside = drawn.iter().any(|corners| winds_round(corners, (x * 1.6, y * 0.9)));
            assert_eq!(inside, zone.contains(x, y), "{x},{y}");
        }
    }

    #[test]
    fn words_of_the_record_are_words_in_the_picture_and_nothing_else() {
        let (camera, route) = ("east \"gate\" <script>&", "<image href='https://example.org'/> & the stairs");
        let entries = entries(camera, "0,0 1000,0 0,1000", Some(route));
        let sign = zone_sign("gates-1", camera, &entries).expect("drawn").expect("a sign");
        assert!(sign.contains("Camera east &#34;gate&#34; &#60;script&#62;&#38;</text>"), "{sign}");
        assert!(sign.contains("&#60;image href=&#39;https://example.org&#39;/&#62;"), "{sign}");
        for foreign in ["<script", "<image", " href=", "<style", " style=", "url(http", "<foreignObject", "onload"] {
            let ours = sign.replace("&#60;image href=", "");
            assert!(!ours.contains(foreign), "{foreign}");
        }
        assert!(sign.matches("url(").count() == sign.matches("url(#").count(), "its own patterns only");
        assert!(zone_sign("gates-1", "west", &entries).expect("drawn").is_none());
        assert!(zone_sign("gates-2", camera, &entries).expect("drawn").is_none(), "of its own deployment only");
    }

    #[test]
    fn signs_that_no_svg_may_hold_are_spaces() {
        let (camera, route) = ("east\u{b}gate", "the\u{0}stairs,\u{1b}[1m left\u{ffff}of\u{9b} it");
        let sign = zone_sign("gates-1", camera, &entries(camera, "0,0 1000,0 0,1000", Some(route)));
        let sign = sign.expect("drawn").expect("a sign");
        assert!(sign.contains(">the stairs, [1m left of it</text>"), "{sign}");
        assert!(sign.contains(">Recognition zone of camera east gate</title>"), "{sign}");
        assert!(sign.chars().all(|sign| sign == '\n' || !(sign.is_control() || sign == '\u{ffff}')));
    }

    #[test]
    fn a_line_that_could_run_off_the_sheet_is_drawn_as_wide_as_the_view() {
        let widths = |text: &str, fit| wrapped(text, fit).iter().map(|line| line.width).collect::<Vec<_>>();
        assert_eq!(widths("Over the bridge and down the stairs", ROUTE), [None]);
        // 40 letters of 0.99 em in DejaVu Sans are 2693 wide, from 250 on a sheet of 2100.
        assert_eq!(widths(&"W".repeat(40), ROUTE), [Some(1600)]);
        assert_eq!(widths(&format!("{} stairs", "人".repeat(44)), ROUTE), [Some(1600), None]);
        let longest = format!("Deployment {}. Drawn from its public record.", "w".repeat(64));
        assert_eq!(widths(&longest, RECORD), [Some(1600), None]);
    }

    #[test]
    fn long_words_are_broken_and_long_texts_end_in_an_ellipsis() {
        let lines = |text: &str| {
            wrapped(text, Fit { lines: 2, chars: 5, size: 10 }).into_iter().map(|line| line.text).collect::<Vec<_>>()
        };
        assert_eq!(lines("ab cd ef"), ["ab cd", "ef"]);
        assert_eq!(lines("abcdefg"), ["abcde", "fg"]);
        assert_eq!(lines("ab cd ef gh ij kl"), ["ab cd", "ef g…"]);
        assert!(lines("  ").is_empty());
    }
}
