//! What an exercise reads and whom it lists: a rendered concourse with a known truth, or recorded files without one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use capture::Recording;
use capture::concourse::{Concourse, PassageTruth, Rect, Script, WalkThrough};
use face::Faces;
use face::decode::{self, Limits};
use pipeline::{Footage, RaisedAlert, Source};

use super::account::TruePassage;
use super::cast::Cast;
use super::exercise::Subject;

/// Seed of the rendered concourse: the same everywhere, so that two people see the same exercise.
const SEED: u64 = 20_160_519;
/// Seeds tried for a script that begins with somebody listed.
const SEEDS_TRIED_MAX: u64 = 10_000;
/// Least size of the first face, in pixels: large enough to be compared while it is still walking.
const FIRST_FACE_PX_MIN: f32 = 120.0;
/// Length of the rendered concourse.
const LENGTH: Duration = Duration::from_secs(75);
/// The rendering opens when the first person is on the way already: whoever looks should not have to wait.
const OPENS_AT: Duration = Duration::from_millis(3_520);
/// Most pictures in a watchlist directory.
const SUBJECTS_MAX: usize = 1000;

/// Footage and watchlist of an exercise.
pub(crate) struct Material {
    /// Who is listed.
    pub subjects: Vec<Subject>,
    form: Form,
}

enum Form {
    Rendered { concourse: Box<Concourse>, listed: Vec<Option<String>> },
    Recorded { files: Vec<PathBuf> },
}

/// Whoever looks at an exercise should not have to wait for the first alert.
fn begins_with_somebody_listed(script: &Script, listed: &[Option<String>]) -> bool {
    script.passages.iter().min_by_key(|passage| passage.start).is_some_and(|first| {
        let is_listed = listed.get(first.sprite).is_some_and(Option::is_some);
        is_listed && first.nearest_face_px >= FIRST_FACE_PX_MIN
    })
}

impl Material {
    /// The rendered concourse, cast from the installed pictures.
    pub(crate) fn rendered(models_dir: &Path, faces: &mut Faces) -> Result<Self> {
        let Cast { subjects, sprites, listed } = Cast::gather(models_dir, faces)?;
        let aim = WalkThrough { length: LENGTH, opens_at: OPENS_AT, ..WalkThrough::default() };
        let mut scripts =
            (SEED..SEED + SEEDS_TRIED_MAX).map(|seed| (seed, Script::walk_through(sprites.len(), seed, &aim)));
        let (seed, script) = scripts
            .find(|(_, script)| begins_with_somebody_listed(script, &listed))
            .context("scripting the concourse: nobody listed can begin; run `overt models verify`")?;
        let concourse = Box::new(Concourse::new(sprites, script, seed)?);
        Ok(Self { subjects, form: Form::Rendered { concourse, listed } })
    }

    /// Recorded files and a directory of listed images.
    pub(crate) fn recorded(files: &[PathBuf], watchlist: &Path) -> Result<Self> {
        let listing = || format!("reading the watchlist directory {}", watchlist.display());
        let entries = std::fs::read_dir(watchlist).with_context(listing)?;
        let mut images =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().with_context(listing)?;
        images.retain(|path| path.is_file());
        images.sort();
        if images.is_empty() || images.len() > SUBJECTS_MAX {
            bail!("{}: found {} files; name 1 to {SUBJECTS_MAX} images", listing(), images.len());
        }
        let mut subjects = Vec::new();
        for (place, image) in images.iter().enumerate() {
            let picture = decode::file(image, &Limits::default())?;
            subjects.push(Subject {
                label: format!("exercise subject {}", place + 1),
                image_source: "a file named for this exercise".into(),
                picture,
            });
        }
        Ok(Self { subjects, form: Form::Recorded { files: files.to_vec() } })
    }

    /// The sources, from the beginning: the same each time.
    pub(crate) fn sources(&self) -> Result<Vec<Source>> {
        match &self.form {
            Form::Rendered { concourse, .. } => Ok(vec![Source {
                camera: "rendered concourse".into(),
                footage: Footage::Concourse(Box::new(concourse.again()?)),
            }]),
            Form::Recorded { files } => files
                .iter()
                .enumerate()
                .map(|(place, file)| {
                    Ok(Source {
                        camera: format!("recording {}", place + 1),
                        footage: Footage::Recording(Recording::open(file)?),
                    })
                })
                .collect(),
        }
    }

    /// What truly happened, where it is known.
    pub(crate) fn truth(&self) -> Option<Vec<TruePassage>> {
        let Form::Rendered { concourse, listed } = &self.form else { return None };
        let passage = |passage: &PassageTruth| TruePassage {
            listed: listed.get(passage.sprite).cloned().flatten(),
            largest_face_px: passage.largest_face_px,
        };
        Some(concourse.truth().passages().iter().map(passage).collect())
    }

    /// The passage in which an alert was raised: whose face covers most of the alert's.
    pub(crate) fn passage_at(&self, alert: &RaisedAlert) -> Option<usize> {
        let Form::Rendered { concourse, .. } = &self.form else { return None };
        let truth = concourse.truth();
        let overlap = |rect: &Rect| {
            face::Rect { left: rect.left, top: rect.top, width: rect.width, height: rect.height }.overlap(&alert.face)
        };
        let best = truth.at(alert.frame_number).iter().max_by(|a, b| overlap(&a.face).total_cmp(&overlap(&b.face)))?;
        (overlap(&best.face) > 0.0).then_some(best.passage)
    }
}
