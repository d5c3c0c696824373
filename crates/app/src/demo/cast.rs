//! Who walks through the rendered concourse and who is listed: cut from the pictures installed for exercises, numbered, never named.
//!
//! One subject is listed from two portraits and walks past in a third. The others are listed from the picture they are cut
//! from, so only size, blur, noise and light set them apart from it: that measures the path, not the model.

use std::path::Path;

use anyhow::{Context, Result, bail};
use capture::concourse::{Rect, Sprite};
use face::decode::{self, Limits};
use face::{Detection, Faces, Picture, Quality};

use super::exercise::Subject;

/// People of the group picture who are listed; a third of them walk.
const LISTED_FROM_THE_GROUP: usize = 6;
/// How far around a face its own picture reaches, in face widths, when a group picture is cut into people.
const MARGIN_WIDTHS: f32 = 0.35;

/// The cast of a rendered concourse.
pub(crate) struct Cast {
    /// Who is listed.
    pub subjects: Vec<Subject>,
    /// Who walks.
    pub sprites: Vec<Sprite>,
    /// For each who walks: the label under which they are listed, if they are.
    pub listed: Vec<Option<String>>,
}

impl Cast {
    /// Reads the pictures for exercises and casts the people in them.
    pub(crate) fn gather(models_dir: &Path, faces: &mut Faces) -> Result<Self> {
        let mut cast = Self { subjects: Vec::new(), sprites: Vec::new(), listed: Vec::new() };
        let mut groups = Vec::new();
        let mut portraits: Vec<(String, Picture, Detection)> = Vec::new();
        for path in face::models::pictures(models_dir)? {
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            // A mask or a hand over the face is another exercise: those pictures are named so and not used here.
            if name.ends_with("covered") {
                continue;
            }
            let picture = decode::file(&path, &Limits::default())?;
            let found = faces.detector.detect(picture.view().into())?;
            match found.as_slice() {
                [] => {}
                [one] => portraits.push((name, picture, *one)),
                _ => groups.push((picture, found)),
            }
        }
        cast.portraits(&portraits)?;
        for (picture, found) in &groups {
            cast.group(picture, found)?;
        }
        if cast.sprites.is_empty() {
            bail!("casting the exercise: no faces were found in the installed pictures; run `overt models verify`");
        }
        Ok(cast)
    }

    /// Files are named `subject-<letter>-<number>…`: the letter is the person. All pictures of a person but the last are listed
    /// and the last walks; somebody with one picture is listed from it and walks in it.
    fn portraits(&mut self, portraits: &[(String, Picture, Detection)]) -> Result<()> {
        let person = |name: &str| name.split('-').nth(1).unwrap_or_default().to_owned();
        let mut people: Vec<String> = portraits.iter().map(|(name, ..)| person(name)).collect();
        people.dedup();
        for letter in people {
            let theirs: Vec<_> = portraits.iter().filter(|(name, ..)| person(name) == letter).collect();
            let Some((_, walking, found)) = theirs.last() else { continue };
            let label = self.next_label();
            for (_, listed, found) in &theirs[..(theirs.len() - 1).max(1)] {
                self.list(&label, cut_out(listed, found)?, "a published portrait");
            }
            self.walk(walking, found, Some(label))?;
        }
        Ok(())
    }

    /// A list is made of the best pictures there are: the sharpest faces of the group are listed. Every third of them walks,
    /// the others never come; everybody who is not listed walks.
    fn group(&mut self, picture: &Picture, found: &[Detection]) -> Result<()> {
        let mut sharpest_first: Vec<&Detection> = found.iter().collect();
        let sharpness = |found: &Detection| Quality::measure(picture.view(), found).sharpness;
        sharpest_first.sort_by(|a, b| sharpness(b).total_cmp(&sharpness(a)));
        for (place, found) in sharpest_first.into_iter().enumerate() {
            let listed = place < LISTED_FROM_THE_GROUP;
            let label = listed.then(|| self.next_label());
            if let Some(label) = &label {
                self.list(label, cut_out(picture, found)?, "a published group picture");
            }
            if !listed || place % 3 == 0 {
                self.walk(picture, found, label)?;
            }
        }
        Ok(())
    }

    fn list(&mut self, label: &str, picture: Picture, image_source: &str) {
        self.subjects.push(Subject { label: label.to_owned(), image_source: image_source.to_owned(), picture });
    }

    /// A label that nobody has yet: images of one person share theirs and stand together.
    fn next_label(&self) -> String {
        let mut labels: Vec<&str> = self.subjects.iter().map(|subject| subject.label.as_str()).collect();
        labels.dedup();
        format!("exercise subject {}", labels.len() + 1)
    }

    fn walk(&mut self, picture: &Picture, found: &Detection, listed: Option<String>) -> Result<()> {
        let face::Rect { left, top, width, height } = found.face;
        let face = Rect { left, top, width, height };
        self.sprites.push(Sprite::cut(picture.width(), picture.height(), picture.view().pixels, face)?);
        self.listed.push(listed);
        Ok(())
    }
}

/// One person's face and a little around it, as a picture of its own.
fn cut_out(picture: &Picture, found: &Detection) -> Result<Picture> {
    let face = found.face;
    let margin = MARGIN_WIDTHS * face.width;
    let within = |value: f32, max: u32| value.clamp(0.0, max as f32) as u32;
    let (left, right) = (within(face.left - margin, picture.width()), within(face.right() + margin, picture.width()));
    let (top, bottom) = (within(face.top - margin, picture.height()), within(face.bottom() + margin, picture.height()));
    let view = picture.view();
    let rows = (top..bottom).flat_map(|y| view.row(y)[3 * left as usize..3 * right as usize].iter().copied());
    Picture::from_rgb(right - left, bottom - top, rows.collect())
        .context("cutting a face out of a picture for exercises")
}
