//! Writes an evaluation: `results.json`, `scores.csv` and `report.html`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::EvaluationError;
use crate::evaluate::{Evaluation, shown};
use crate::report;

impl Evaluation {
    /// The results as JSON text, ended by a line break.
    pub fn json(&self) -> String {
        // Serialising this structure cannot fail: its keys are strings and every number was checked to be finite.
        serde_json::to_string_pretty(&self.results).unwrap_or_default() + "\n"
    }

    /// Writes `results.json`, `scores.csv` and `report.html` into a folder, which is made if need be.
    pub fn write(&self, folder: &Path) -> Result<(), EvaluationError> {
        let refuse = |path: PathBuf| move |source| EvaluationError::Write { path, source };
        std::fs::create_dir_all(folder).map_err(refuse(folder.to_owned()))?;
        let page = report::page(self)?;
        for (name, text) in [("results.json", self.json()), ("report.html", page)] {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(refuse(path))?;
        }
        let path = folder.join("scores.csv");
        File::create(&path).and_then(|file| self.scores(BufWriter::new(file))).map_err(refuse(path))
    }

    /// Every pair as a line `row_a,row_b,kind,score`: lines of the index from 1, the score empty where there was no face.
    fn scores(&self, mut out: impl Write) -> std::io::Result<()> {
        writeln!(out, "row_a,row_b,kind,score")?;
        for pair in self.comparisons.iter() {
            let kind = if pair.genuine { "genuine" } else { "impostor" };
            write!(out, "{},{},{kind},", pair.first + 1, pair.second + 1)?;
            match pair.score {
                Some(score) => writeln!(out, "{}", shown(self.score, score))?,
                None => writeln!(out)?,
            }
        }
        out.flush()
    }
}
