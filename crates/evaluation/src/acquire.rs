//! From the pictures of a set to one template each, with every failure named.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use face::decode::{self, Limits};
use face::{Detection, EngineError, Faces, Picture, Template};
use sha2::{Digest, Sha256};

use crate::error::EvaluationError;
use crate::index::{Index, Row};

/// What the pictures of a set yielded.
pub struct Acquired {
    /// One template for each row of the index; nothing where none could be made.
    pub templates: Vec<Option<Template>>,
    /// The rows without a template, with their reasons.
    pub failures: Vec<Failure>,
    /// Pictures with more than one face.
    pub several_faces: usize,
    /// Pictures that are byte for byte another picture of the set.
    pub copies: usize,
    /// SHA-256 over every row and every file, lower-case hexadecimal: it names exactly the set that was measured.
    pub set_sha256: String,
}

/// A picture that yielded no template: a failure to acquire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its row in the index, from 0.
    pub row: usize,
    /// Why.
    pub reason: String,
}

impl Acquired {
    /// Takes one face from every picture of an index. `progress` is told after each picture how many are done.
    ///
    /// Of several faces the largest is taken, of equal ones the more confident: test sets show their person in front.
    pub fn from_pictures(
        faces: &mut Faces,
        index: &Index,
        folder: &Path,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self, EvaluationError> {
        let files = index.locate(folder)?;
        let mut acquired = Self {
            templates: Vec::new(),
            failures: Vec::new(),
            several_faces: 0,
            copies: 0,
            set_sha256: String::new(),
        };
        let (mut set, mut seen) = (Sha256::new(), HashSet::new());
        for (row, (picture, file)) in index.rows.iter().zip(&files).enumerate() {
            let mut digest = [0; 32];
            let outcome = match read(file) {
                Ok(data) => {
                    digest = Sha256::digest(&data).into();
                    template(faces, &picture.path, &data)?
                }
                Err(found) => Err(format!("{}: {found}", picture.path)),
            };
            set.update(line(picture, &digest));
            acquired.copies += usize::from(!seen.insert(digest));
            match outcome {
                Ok((template, found)) => {
                    acquired.several_faces += usize::from(found > 1);
                    acquired.templates.push(Some(template));
                }
                Err(reason) => {
                    acquired.failures.push(Failure { row, reason });
                    acquired.templates.push(None);
                }
            }
            progress(row + 1);
        }
        acquired.set_sha256 = hexadecimal(&set.finalize());
        Ok(acquired)
    }
}

/// The template of the chosen face and the number of faces found, or why there is none.
fn template(faces: &mut Faces, name: &str, data: &[u8]) -> Result<Result<(Template, usize), String>, EngineError> {
    let picture = match decode::bytes(name, data, &Limits::default()) {
        Ok(picture) => picture,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let found = faces.detector.detect(picture.view().into())?;
    let Some(chosen) = foremost(&found) else {
        let (width, height) = (picture.width(), picture.height());
        return Ok(Err(format!("{name}: no face found in {width} x {height} pixels")));
    };
    Ok(embed(faces, &picture, chosen)?
        .map(|template| (template, found.len()))
        .ok_or_else(|| format!("{name}: no template")))
}

fn embed(faces: &mut Faces, picture: &Picture, chosen: &Detection) -> Result<Option<Template>, EngineError> {
    let chip = faces.recognizer.align(picture.view(), chosen);
    Ok(faces.recognizer.embed(&[chip])?.pop())
}

fn foremost(found: &[Detection]) -> Option<&Detection> {
    let order = |one: &&Detection, other: &&Detection| {
        one.face.area().total_cmp(&other.face.area()).then(one.confidence.total_cmp(&other.confidence))
    };
    found.iter().max_by(order)
}

fn read(file: &PathBuf) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    // One byte more than may be decoded, so that a longer file is refused as such and not as a broken one.
    std::fs::File::open(file)?.take(Limits::default().bytes_max + 1).read_to_end(&mut data)?;
    Ok(data)
}

fn line(row: &Row, digest: &[u8]) -> String {
    format!("{}\t{}\t{}\t{}\n", row.path, row.identity, row.groups.join("\t"), hexadecimal(digest))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
