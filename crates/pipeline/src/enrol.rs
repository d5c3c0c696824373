//! One listed image in; its face and template out, for the watchlist of a deployment. Several faces or none are refused.

use face::{Detection, Faces, Picture, Template};
use zeroize::Zeroizing;

use crate::error::PipelineError;
use crate::examine::surroundings;
use crate::run::png;

/// A listed image, ready for the store to seal.
pub struct Enrolled {
    /// The face and a little around it, as PNG.
    pub image_png: Zeroizing<Vec<u8>>,
    /// Its template.
    pub template: Template,
}

/// Makes the template of the one face in a listed image; `image` names it in errors.
pub fn enrol(faces: &mut Faces, image: &str, picture: &Picture) -> Result<Enrolled, PipelineError> {
    let refused =
        |found: &str, next| PipelineError::Enrolment { image: image.to_owned(), found: found.to_owned(), next };
    let found = faces.detector.detect(picture.view().into())?;
    let [detection] = found.as_slice() else {
        return Err(match found.len() {
            0 => refused("no face was found", "choose an image in which the face is larger or clearer"),
            several => refused(&format!("{several} faces were found"), "cut the image to the one person"),
        });
    };
    one_face(faces, picture, detection)?
        .ok_or_else(|| refused("the model returned nothing", "check the model with `overt models verify`"))
}

/// The face of one detection, ready to be sealed; nothing where the model makes nothing of it.
pub(crate) fn one_face(
    faces: &mut Faces,
    picture: &Picture,
    detection: &Detection,
) -> Result<Option<Enrolled>, PipelineError> {
    let chip = faces.recognizer.align(picture.view(), detection);
    let template = faces.recognizer.embed(std::slice::from_ref(&chip))?.pop();
    faces.recognizer.forget()?;
    let (cut, _) = surroundings(picture.view().into(), &detection.face);
    Ok(template.map(|template| Enrolled { image_png: png(&cut).into(), template }))
}
