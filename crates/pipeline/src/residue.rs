//! Looking for what should not be there: templates and chips are made again from the same footage and searched for on disk.
//!
//! The run has no hook for this. Footage of an exercise can be read again bit for bit, the models are deterministic, and
//! the same [`Examiner`] chooses the same views, so what the run made and destroyed can be made once more and looked for.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aho_corasick::AhoCorasick;
use capture::{Next, Pace, StreamOptions};
use face::{Chip, Faces, Template};
use zeroize::Zeroizing;

use crate::cadence::Cadence;
use crate::error::PipelineError;
use crate::examine::{Examined, Examiner};
use crate::footage::Source;
use crate::window::Window;

/// Bytes of a template or chip looked for at a time: long enough that a hit is no accident (at least 2^-128 for random bytes).
const NEEDLE_BYTES: usize = 32;
/// Different bytes a needle must have: a run of one colour would be found anywhere.
const DISTINCT_BYTES_MIN: usize = 8;
/// Needles taken from each template and each chip, evenly spread.
const NEEDLES_EACH: usize = 6;
/// Bytes read from a file at a time.
const BLOCK_BYTES: usize = 1 << 20;
/// Most files looked at.
const FILES_MAX: usize = 100_000;

/// How long one look for a frame waits.
const WAIT: Duration = Duration::from_secs(1);

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Residue {
    /// Templates made again.
    pub templates: u64,
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes_scanned: u64,
    /// Places where something of a face was found.
    pub hits: u64,
    /// The files with hits.
    pub found_in: Vec<PathBuf>,
}

/// The faces of some footage, as byte patterns to look for. Kept in memory only, wiped when dropped.
pub struct Traces {
    patterns: Vec<Zeroizing<Vec<u8>>>,
    templates: u64,
}

/// Makes every template and chip of the footage again and looks for them in every file under `directory`.
pub fn residue(
    sources: Vec<Source>,
    face_side_px_min: u32,
    faces: &mut Faces,
    directory: &Path,
) -> Result<Residue, PipelineError> {
    Traces::of(sources, face_side_px_min, faces)?.look_in(directory)
}

impl Traces {
    /// Reads the footage again.
    pub fn of(sources: Vec<Source>, face_side_px_min: u32, faces: &mut Faces) -> Result<Self, PipelineError> {
        let mut traces = Self { patterns: Vec::new(), templates: 0 };
        for source in sources {
            // What a camera showed cannot be seen again.
            let Some(frames) = source.footage.replayed(Pace::AsFastAsConsumed, StreamOptions::default())? else {
                continue;
            };
            let (mut examiner, mut cadence) = (Examiner::new(face_side_px_min), Cadence::default());
            let mut window = Window::onto(None);
            loop {
                let mut frame = match frames.next(WAIT)? {
                    Next::Frame(frame) => frame,
                    Next::Nothing => continue,
                    Next::Ended => break,
                };
                if !cadence.is_due(frame.offset()) {
                    continue;
                }
                let Some(seen) = window.look(&mut frame) else { continue };
                cadence.examined(Vec::new(), seen.offset(), Duration::ZERO);
                let examined = examiner.examine(&seen, faces)?;
                cadence.crowd(examiner.crowded());
                traces.take(examined, faces)?;
            }
            traces.take(examiner.finish(), faces)?;
        }
        Ok(traces)
    }

    fn take(&mut self, examined: Examined, faces: &mut Faces) -> Result<(), PipelineError> {
        for (_, view) in examined.due {
            let chip = view.chip(faces)?;
            for template in faces.recognizer.embed(std::slice::from_ref(&chip))? {
                self.add_template(&template);
            }
            self.add_chip(&chip);
            faces.recognizer.forget()?;
        }
        Ok(())
    }

    fn add_template(&mut self, template: &Template) {
        self.templates += 1;
        let bytes: Zeroizing<Vec<u8>> =
            template.values().iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>().into();
        self.add(&bytes);
    }

    fn add_chip(&mut self, chip: &Chip) {
        self.add(chip.pixels());
    }

    fn add(&mut self, bytes: &[u8]) {
        let windows = bytes.len() / NEEDLE_BYTES;
        for needle in 0..NEEDLES_EACH {
            let start = (needle * windows / NEEDLES_EACH + windows / (2 * NEEDLES_EACH)) * NEEDLE_BYTES;
            let Some(window) = bytes.get(start..start + NEEDLE_BYTES) else { continue };
            let mut seen = [false; 256];
            window.iter().for_each(|byte| seen[usize::from(*byte)] = true);
            if seen.iter().filter(|seen| **seen).count() >= DISTINCT_BYTES_MIN {
                self.patterns.push(window.to_vec().into());
            }
        }
    }

    /// Looks for the traces in every file under a directory.
    pub fn look_in(&self, directory: &Path) -> Result<Residue, PipelineError> {
        let unreadable = |path: &Path, found: String| PipelineError::Scan { path: path.display().to_string(), found };
        let automaton = AhoCorasick::new(self.patterns.iter().map(|pattern| pattern.as_slice()))
            .map_err(|error| unreadable(directory, error.to_string()))?;
        let mut residue = Residue { templates: self.templates, ..Residue::default() };
        let mut waiting = vec![directory.to_owned()];
        while let Some(path) = waiting.pop() {
            let kind = std::fs::symlink_metadata(&path).map_err(|error| unreadable(&path, error.to_string()))?;
            if kind.is_dir() {
                for entry in std::fs::read_dir(&path).map_err(|error| unreadable(&path, error.to_string()))? {
                    waiting.push(entry.map_err(|error| unreadable(&path, error.to_string()))?.path());
                }
            } else if kind.is_file() {
                residue.files += 1;
                let hits = scan_file(&automaton, &path, &mut residue.bytes_scanned)
                    .map_err(|error| unreadable(&path, error.to_string()))?;
                residue.hits += hits;
                if hits > 0 {
                    residue.found_in.push(path);
                }
            }
            if waiting.len() + residue.files as usize > FILES_MAX {
                return Err(unreadable(directory, format!("more than {FILES_MAX} files")));
            }
        }
        Ok(residue)
    }
}

/// Reads a file block by block, each overlapping the last by one needle, and counts hits.
fn scan_file(automaton: &AhoCorasick, path: &Path, scanned: &mut u64) -> std::io::Result<u64> {
    let mut file = File::open(path)?;
    let mut block = Zeroizing::new(vec![0u8; BLOCK_BYTES + NEEDLE_BYTES]);
    let (mut kept, mut hits) = (0, 0);
    loop {
        let read = file.read(&mut block[kept..])?;
        if read == 0 {
            return Ok(hits);
        }
        *scanned += read as u64;
        let filled = kept + read;
        // A hit wholly inside the overlap was counted with the block before: needles are longer than the overlap.
        hits += automaton.find_overlapping_iter(&block[..filled]).count() as u64;
        let overlap = filled.min(NEEDLE_BYTES - 1);
        block.copy_within(filled - overlap..filled, 0);
        kept = overlap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces() -> (Traces, Vec<u8>) {
        // Knuth's MMIX generator: no window of 32 bytes occurs twice.
        let mut state = 1u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let bytes: Vec<u8> = (0..6000).map(|_| byte()).collect();
        let mut traces = Traces { patterns: Vec::new(), templates: 1 };
        traces.add(&bytes);
        (traces, bytes)
    }

    #[test]
    fn what_is_planted_is_found_wherever_it_lies() {
        let (traces, bytes) = traces();
        assert_eq!(traces.patterns.len(), NEEDLES_EACH);
        for offset in [0, 1, BLOCK_BYTES - 3000, BLOCK_BYTES + 7] {
            let directory = tempfile::tempdir().unwrap();
            let mut planted = vec![0u8; offset];
            planted.extend_from_slice(&bytes);
            std::fs::create_dir(directory.path().join("sub")).unwrap();
            std::fs::write(directory.path().join("sub/file"), &planted).unwrap();
            std::fs::write(directory.path().join("other"), vec![7u8; 100]).unwrap();
            let residue = traces.look_in(directory.path()).unwrap();
            assert_eq!((residue.hits, residue.files), (NEEDLES_EACH as u64, 2), "at {offset}");
            assert_eq!(residue.found_in, vec![directory.path().join("sub/file")]);
            assert_eq!(residue.bytes_scanned, (offset + bytes.len() + 100) as u64);
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_lies_and_one_colour_is_no_trace() {
        let (mut traces, bytes) = traces();
        traces.add(&[9u8; 4000]);
        assert_eq!(traces.patterns.len(), NEEDLES_EACH);
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), &bytes[1..20]).unwrap();
        assert_eq!(traces.look_in(directory.path()).unwrap().hits, 0);
    }
}
