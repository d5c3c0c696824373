//! Who walks through the rendered concourse and who is listed: cut from the pictures installed for exercises, numbered, never named.
//!
//! Subject 1 is listed from one portrait and walks past in others. The remaining subjects are listed from the picture they
//! are cut from, so only size, blur, noise and light set them apart from it: that measures the path, not the model.

use std::path::Path;

use anyhow::{Context, Result, bail};
use capture::concourse::{Rect, Sprite};
use face::decode::{self, Limits};
use face::{Detection, Faces, Picture};

use super::exercise::Subject;

/// People of the group picture who are listed and walk.
const LISTED_FROM_THE_GROUP: usize = 3;
/// People of the group picture who are listed and never come.
const LISTED_AND_ABSENT: usize = 6;
/// How far around a face its own picture reaches, in face widths, when a group picture is cut into people.
const MARGIN_WIDTHS: f32 = 0.35;

/// The cast of a rendered concourse.
pub struct Cast {
    /// Who is listed.
    pub subjects: Vec<Subject>,
    /// Who walks.
    pub sprites: Vec<Sprite>,
    /// For each who walks: the label under which they are listed, if they are.
    pub listed: Vec<Option<String>>,
}

impl Cast {
    /// Reads the pictures for exercises and casts the people in them.
    pub fn gather(models_dir: &Path, faces: &mut Faces) -> Result<Self> {
        let mut cast = Self { subjects: Vec::new(), sprites: Vec::new(), listed: Vec::new() };
        let mut groups = Vec::new();
        let mut portraits: Vec<(String, Picture, Detection)> = Vec::new();
        for path in face::models::pictures(models_dir)? {
            let picture = decode::file(&path, &Limits::default())?;
            let found = faces.detector.detect(picture.view())?;
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
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

    /// Files are named `subject-<letter>-<number>…`: the letter is the person. The first picture of a person is listed; the
    /// others walk, or the first itself where there is no other.
    fn portraits(&mut self, portraits: &[(String, Picture, Detection)]) -> Result<()> {
        let person = |name: &str| name.split('-').nth(1).unwrap_or_default().to_owned();
        let mut people: Vec<String> = portraits.iter().map(|(name, ..)| person(name)).collect();
        people.dedup();
        for letter in people {
            let mut theirs = portraits.iter().filter(|(name, ..)| person(name) == letter);
            let (_, listed, found) = theirs.next().context("a person without a picture")?;
            let label = self.list(cut_out(listed, found)?, "a published portrait");
            // A mask or a hand over the face is another exercise: those pictures are named so and do not walk here.
            let others: Vec<_> = theirs.filter(|(name, ..)| !name.ends_with("covered")).collect();
            for (_, picture, found) in &others {
                self.walk(picture, found, Some(label.clone()))?;
            }
            if others.is_empty() {
                self.walk(listed, found, Some(label))?;
            }
        }
        Ok(())
    }

    fn group(&mut self, picture: &Picture, found: &[Detection]) -> Result<()> {
        let mut left_to_right: Vec<&Detection> = found.iter().collect();
        left_to_right.sort_by(|a, b| a.face.left.total_cmp(&b.face.left));
        for (place, found) in left_to_right.into_iter().enumerate() {
            // Every third person from the left, so that those listed stand in every part of the picture.
            let turn = place / 3;
            let listed = place % 3 == 1 && turn < LISTED_FROM_THE_GROUP + LISTED_AND_ABSENT;
            let label = if listed { Some(self.list(cut_out(picture, found)?, "a published group picture")) } else { None };
            let absent = listed && turn % 3 != 0;
            if !absent {
                self.walk(picture, found, label)?;
            }
        }
        Ok(())
    }

    fn list(&mut self, picture: Picture, image_source: &str) -> String {
        let label = format!("exercise subject {}", self.subjects.len() + 1);
        self.subjects.push(Subject { label: label.clone(), image_source: image_source.to_owned(), picture });
        label
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
    Picture::from_rgb(right - left, bottom - top, rows.collect()).context("cutting a face out of a picture for exercises")
}
