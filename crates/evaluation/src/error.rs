//! Why an evaluation could not be made, grouped by whose fault it is: the caller's set, the engine, the disk.

use std::path::PathBuf;

/// An evaluation that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The index file cannot be used as it is.
    #[error("cannot read the index {path}: {found}; {next}")]
    Index {
        /// The index file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// The pictures do not fit the index.
    #[error("cannot use the pictures in {path}: {found}; {next}")]
    Pictures {
        /// The folder of pictures.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// The set has too little in it to measure anything.
    #[error("cannot measure error rates: {found}; {next}")]
    TooLittle {
        /// What was found.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// The request makes no sense.
    #[error("cannot evaluate with {option}: {found}; {next}")]
    Option {
        /// The option.
        option: &'static str,
        /// What was found.
        found: String,
        /// What to do.
        next: &'static str,
    },
    /// A model did not run.
    #[error(transparent)]
    Engine(#[from] face::EngineError),
    /// Templates of two models met: a defect of this program.
    #[error(transparent)]
    Contract(#[from] face::template::ContractMismatch),
    /// A result could not be written.
    #[error("cannot write {path}: {source}; check that the folder exists, is writable and has room")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A figure could not be drawn: a defect of this program.
    #[error("cannot draw the {figure}: {found}; this is a defect, please report it")]
    Figure {
        /// Which figure.
        figure: &'static str,
        /// What was found.
        found: String,
    },
}

impl EvaluationError {
    /// Whether the caller can repair this by changing what was given.
    pub fn is_callers(&self) -> bool {
        match self {
            Self::Index { .. } | Self::Pictures { .. } | Self::TooLittle { .. } | Self::Option { .. } => true,
            Self::Engine(_) | Self::Contract(_) | Self::Write { .. } | Self::Figure { .. } => false,
        }
    }
}
