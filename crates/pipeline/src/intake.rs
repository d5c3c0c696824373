//! A file of rows and a folder of images in; a watchlist out, with for each image what was measured or why it was refused.
//!
//! First every row is checked, and all faults of all rows are told at once ([`rows::read`]); a file with a fault lists
//! nobody. Then each image is looked at by itself: a refused image is not listed, and the others are. Faults and reasons
//! hold numbers of rows and never a name, a reference or a label. An entry that is like one of another person is flagged,
//! and a person must compare the two before the list can be frozen.

mod likeness;
pub mod rows;

use std::fmt;
use std::path::Path;

use domain::{Announced, Clock, Likeness, Officer, Policy, Threshold};
use face::decode::{self, Limits};
use face::{Faces, Picture, Quality};
use store::{NewEntry, Recorded, Store, StoreError};

use crate::enrol::{Enrolled, one_face};
use crate::error::PipelineError;
use crate::model_id;
use likeness::Listing;
pub use rows::{Row, RowFault, read};

/// Most bytes of one image file.
const IMAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What became of each row, in the order of the file.
pub struct Intake {
    /// One outcome a row.
    pub outcomes: Vec<RowOutcome>,
}

/// What became of one row.
#[derive(Debug)]
pub struct RowOutcome {
    /// The row's number in the file; its heading is number 1.
    pub row: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of one image.
#[derive(Debug)]
pub enum Outcome {
    /// It is on the watchlist.
    Accepted {
        /// The entry's number.
        entry: u32,
        /// What was measured.
        quality: Quality,
        /// The entries of other people that it is like; somebody must compare each pair.
        alike: Vec<(u32, Likeness)>,
    },
    /// It is not.
    Refused(ImageRefusal),
}

/// Why an image is not listed.
#[derive(Clone, Debug, PartialEq)]
pub enum ImageRefusal {
    /// The file could not be read or is no picture.
    Unreadable,
    /// No face was found.
    NoFace,
    /// Several faces were found.
    SeveralFaces {
        /// How many.
        found: usize,
    },
    /// The face is too small.
    TooSmall {
        /// Distance between the eyes, pixels.
        found_px: f32,
        /// The least that the policy allows.
        min_px: u32,
    },
    /// The face is blurred.
    Blurred {
        /// Sharpness, 0 to 100.
        found: f32,
        /// The least that the policy allows.
        min: f64,
    },
    /// The same image stands on the list for the same person.
    ListedAlready {
        /// The entry that it is.
        entry: u32,
    },
    /// The model made no template.
    NoTemplate,
}

impl fmt::Display for ImageRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => write!(out, "the image cannot be read as a picture; export it again"),
            Self::NoFace => write!(out, "no face was found; choose an image in which it is larger or clearer"),
            Self::SeveralFaces { found } => write!(out, "{found} faces were found; cut the image to the one person"),
            Self::TooSmall { found_px, min_px } => write!(
                out,
                "the face is too small: {found_px:.0} pixels between the eyes, {min_px} are the least; find a larger image"
            ),
            Self::Blurred { found, min } => {
                write!(out, "the face is blurred: sharpness {found:.0}, {min:.0} is the least; find a sharper image")
            }
            Self::ListedAlready { entry } => {
                write!(out, "the same image is on the list as entry {entry}; leave it out")
            }
            Self::NoTemplate => write!(out, "the model made nothing of the face; check it with `overt models verify`"),
        }
    }
}

/// Who does it, under which rules, and when.
pub struct Desk<'a> {
    /// The watchlist officer.
    pub officer: &'a Officer,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Enters rows that were read without a fault. `images` is the folder of their images. What was entered before an error
/// of the store or a model stays entered.
pub fn intake(
    store: &mut Store,
    faces: &mut Faces,
    announced: &Recorded<Announced>,
    rows: Vec<Row>,
    images: &Path,
    desk: &Desk<'_>,
) -> Result<Intake, PipelineError> {
    let threshold = desk.policy.threshold_for(&model_id(faces.recognizer.contract()))?.clone();
    let mut listing = Listing::open(store, announced, faces.recognizer.contract())?;
    let mut outcomes = Vec::new();
    for row in rows {
        let number = row.number;
        let outcome = match look(faces, &images.join(&row.image), desk.policy)? {
            Ok((enrolled, quality)) => {
                enter(store, announced, &mut listing, row, enrolled, quality, (desk, &threshold))?
            }
            Err(refusal) => Outcome::Refused(refusal),
        };
        outcomes.push(RowOutcome { row: number, outcome });
    }
    Ok(Intake { outcomes })
}

/// Looks at one image: the one face in it, measured; or why it is refused.
fn look(
    faces: &mut Faces,
    path: &Path,
    policy: &Policy,
) -> Result<Result<(Enrolled, Quality), ImageRefusal>, PipelineError> {
    // Not the picture error itself: it names the file, which may name the person.
    let limits = Limits { bytes_max: IMAGE_BYTES_MAX, ..Limits::default() };
    let Ok(picture) = decode::file(path, &limits) else { return Ok(Err(ImageRefusal::Unreadable)) };
    examine(faces, &picture, policy)
}

/// The one face in a picture, measured against the policy.
fn examine(
    faces: &mut Faces,
    picture: &Picture,
    policy: &Policy,
) -> Result<Result<(Enrolled, Quality), ImageRefusal>, PipelineError> {
    let found = faces.detector.detect(picture.view().into())?;
    let detection = match found.as_slice() {
        [detection] => *detection,
        [] => return Ok(Err(ImageRefusal::NoFace)),
        several => return Ok(Err(ImageRefusal::SeveralFaces { found: several.len() })),
    };
    let quality = Quality::measure(picture.view(), &detection);
    let (found_px, min_px) = (quality.inter_eye_distance_px, policy.eye_distance_px_min);
    if f64::from(found_px) < f64::from(min_px) {
        return Ok(Err(ImageRefusal::TooSmall { found_px, min_px }));
    }
    let (found, min) = (quality.sharpness, policy.sharpness_min);
    if f64::from(found) < min {
        return Ok(Err(ImageRefusal::Blurred { found, min }));
    }
    let enrolled = one_face(faces, picture, &detection)?;
    Ok(enrolled.map(|enrolled| (enrolled, quality)).ok_or(ImageRefusal::NoTemplate))
}

/// Compares a face with those listed before it, and lists it.
fn enter(
    store: &mut Store,
    announced: &Recorded<Announced>,
    listing: &mut Listing,
    row: Row,
    enrolled: Enrolled,
    quality: Quality,
    (desk, threshold): (&Desk<'_>, &Threshold),
) -> Result<Outcome, PipelineError> {
    let label = row.facts.label.clone();
    if let Some(entry) = listing.same_image(&label, &enrolled.template) {
        return Ok(Outcome::Refused(ImageRefusal::ListedAlready { entry }));
    }
    let alike = listing.alike(&label, &enrolled.template, threshold, desk.policy)?;
    let entry = NewEntry {
        facts: row.facts,
        reference: row.reference,
        image_png: &enrolled.image_png,
        template: enrolled.template.values(),
        alike: &alike,
    };
    let listed: Result<_, StoreError> = store.list(announced, desk.officer, entry, desk.clock.now());
    let number = listed?.into_inner();
    listing.add(number, label, enrolled.template);
    Ok(Outcome::Accepted { entry: number, quality, alike })
}

#[cfg(test)]
mod tests;
