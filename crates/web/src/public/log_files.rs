//! The public log's files as anyone may fetch them, at the paths of C2SP tlog-tiles. Only paths of that form are looked up at all.

use std::fs::File;
use std::io::Read;
use std::path::Path as FilePath;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::DeploymentId;
use evidence::layout::{BUNDLE_BYTES_MAX, TILE_LEVELS_MAX, TILE_WIDTH};

use crate::answer::Fault;
use crate::house::House;

/// Most parts of a tile's path: kind, level, four of an index below 2^40 / 256, the folder of partial ones, the width.
const PATH_PARTS_MAX: usize = 8;
const HEX_DIGITS_OF_SHA256: usize = 64;

/// A file of the log that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Served {
    content_type: &'static str,
    /// Whether the same path can ever hold other bytes.
    changes: bool,
}

const BYTES: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /log/{path}`
pub(crate) async fn file(State(house): State<House>, Path(path): Path<String>) -> Result<Response, Fault> {
    let missing = Fault::NotFound("file of this name in the public log");
    let Some(served) = served(&path) else { return Err(missing) };
    let whole = house.public_dir().join(&path);
    let read = tokio::task::spawn_blocking(move || read(&whole)).await;
    let bytes = match read {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing),
        _ => return Err(Fault::Broken("a file of the public log could not be read")),
    };
    let keep = if served.changes { "no-cache" } else { "public, max-age=31536000, immutable" };
    Ok(([(CONTENT_TYPE, served.content_type), (CACHE_CONTROL, keep)], Bytes::from(bytes)).into_response())
}

/// The whole file; more than a full bundle of entries is no file of a log.
fn read(path: &FilePath) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    let mut bytes = Vec::new();
    file.take(BUNDLE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > BUNDLE_BYTES_MAX { Err(std::io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// What the path names, if it has the form of a path in a log. No other path reaches the disk, so none can leave the folder.
fn served(path: &str) -> Option<Served> {
    let parts: Vec<&str> = path.splitn(PATH_PARTS_MAX + 1, '/').collect();
    let text = Served { content_type: TEXT, changes: true };
    match parts.as_slice() {
        ["checkpoint" | "key"] | ["checkpoints", "index"] => Some(text),
        ["checkpoints", size] => is_count(size).then_some(Served { changes: false, ..text }),
        ["notices", name] => DeploymentId::new(name.strip_suffix(".txt")?).is_ok().then_some(text),
        ["policies", name] => is_digest(name.strip_suffix(".toml")?).then_some(Served { changes: false, ..text }),
        ["tile", level, place @ ..] => {
            let level_is_one = *level == "entries"
                || is_count(level) && level.parse().is_ok_and(|level: usize| level < TILE_LEVELS_MAX);
            let changes = level_is_one.then(|| tile_changes(place))??;
            Some(Served { content_type: BYTES, changes })
        }
        _ => None,
    }
}

/// Whether a tile at this place (`x001/067` or `x001/067.p/8`) gives way to a fuller one; nothing when it is no place.
fn tile_changes(place: &[&str]) -> Option<bool> {
    let (index, partial) = match place {
        [index @ .., folder, width] if folder.ends_with(".p") => {
            let width = is_count(width).then(|| width.parse::<usize>().ok())??;
            (1..TILE_WIDTH).contains(&width).then_some(())?;
            ([index, &[folder.strip_suffix(".p")?]].concat(), true)
        }
        index => (index.to_vec(), false),
    };
    let (last, before) = index.split_last()?;
    let in_order =
        is_three_digits(last) && before.iter().all(|part| part.strip_prefix('x').is_some_and(is_three_digits));
    in_order.then_some(partial)
}

fn is_three_digits(part: &str) -> bool {
    part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number as the log writes it: digits without a leading zero.
fn is_count(part: &str) -> bool {
    let digits = !part.is_empty() && part.len() <= 13 && part.bytes().all(|byte| byte.is_ascii_digit());
    digits && (part == "0" || !part.starts_with('0'))
}

fn is_digest(part: &str) -> bool {
    part.len() == HEX_DIGITS_OF_SHA256 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_log_are_served_and_those_that_may_change_are_known() {
        let digest = "a0".repeat(32);
        for (path, changes) in [
            ("checkpoint", true),
            ("key", true),
            ("checkpoints/index", true),
            ("checkpoints/0", false),
            ("checkpoints/1234", false),
            ("notices/kx-1.txt", true),
            (&format!("policies/{digest}.toml"), false),
            ("tile/0/000", false),
            ("tile/5/x001/067", false),
            ("tile/entries/x001/x234/067", false),
            ("tile/0/000.p/8", true),
            ("tile/entries/x001/067.p/255", true),
        ] {
            assert_eq!(served(path).map(|served| served.changes), Some(changes), "{path}");
        }
    }

    #[test]
    fn every_path_that_a_log_can_have_is_served() {
        use evidence::layout::{TileId, TileKind};
        for kind in [TileKind::Hashes(0), TileKind::Hashes(TILE_LEVELS_MAX as u8 - 1), TileKind::Entries] {
            for index in [0, 7, 999, 1_000, 1_234_067, (1 << 32) - 1] {
                for width in [1, 255, TILE_WIDTH] {
                    let path = TileId { kind, index, width }.path();
                    assert_eq!(served(&path).map(|served| served.changes), Some(width < TILE_WIDTH), "{path}");
                }
            }
        }
    }

    #[test]
    fn no_other_path_reaches_the_disk() {
        for path in [
            "",
            "/",
            ".",
            "..",
            "../overt.db",
            "key/..",
            "key/",
            "/key",
            "checkpoint/../../keys/log.key",
            "keys/log.key",
            "checkpoints/../key",
            "checkpoints/",
            "checkpoints/01",
            "checkpoints/-1",
            "checkpoints/12345678901234",
            "notices/../key",
            "notices/..txt",
            "notices/.txt",
            "notices/A.txt",
            "notices/a.txt/",
            "notices/a/b.txt",
            "policies/x.toml",
            "tile",
            "tile/",
            "tile/0",
            "tile/6/000",
            "tile/00/000",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/000/000",
            "tile/0/x000/..",
            "tile/0/000.p",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/08",
            "tile/0/.p/8",
            "tile/0/...p/8",
            "tile/x/000",
            "tile/entries/../000",
            "tile\\0\\000",
            "tile/0/x001/x001/x001/x001/x001/x001/x001/000",
            "checkpoint\0",
            "che%63kpoint",
        ] {
            assert_eq!(served(path), None, "{path:?}");
        }
    }
}
