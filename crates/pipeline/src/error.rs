//! Why a run did not begin or could not go on, grouped by fault.

use domain::Refusal;

/// Why a run did not begin or could not go on.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the message names")]
pub enum PipelineError {
    /// A rule said no.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The store could not record or read.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The footage could not be read.
    #[error(transparent)]
    Footage(#[from] capture::CaptureError),
    /// A model failed.
    #[error(transparent)]
    Model(#[from] face::EngineError),
    /// The watchlist could not be searched.
    #[error(transparent)]
    Gallery(#[from] face::gallery::GalleryError),
    /// A sealed template does not fit the model in use.
    #[error("watchlist entry {entry} was enrolled with another model than {model}; build the watchlist anew")]
    TemplateOfAnotherModel { entry: u32, model: String },
    /// A listed image has no face, or several.
    #[error("enrolling {image}: {found}; {next}")]
    Enrolment { image: String, found: String, next: &'static str },
    /// The footage is not what the record says.
    #[error("starting {camera}: its digest {digest} is not declared on the record; declare the recording first")]
    FootageNotDeclared { camera: String, digest: String },
    /// The camera is not what the record says.
    #[error(
        "opening {camera}: no camera of this name and address is declared on the record; declare it before the start"
    )]
    CameraNotDeclared { camera: String },
    /// Residue could not be looked for.
    #[error("scanning {path} for residue: {found}; make it readable and scan again")]
    Scan { path: String, found: String },
    /// The system gave no thread.
    #[error("starting the run: {0}; free some memory or processes and try again")]
    Thread(std::io::Error),
}

impl PipelineError {
    /// Which kind of fault it is, in a word: for logs, which hold no sentence with a path or a name in it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Store(_) => "store",
            Self::Footage(_) => "footage",
            Self::Model(_) | Self::TemplateOfAnotherModel { .. } => "model",
            Self::Gallery(_) => "gallery",
            Self::Enrolment { .. } => "enrolment",
            Self::FootageNotDeclared { .. } | Self::CameraNotDeclared { .. } => "not declared",
            Self::Scan { .. } => "scan",
            Self::Thread(_) => "thread",
        }
    }

    /// The rule that said no, where one did.
    pub fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) | Self::Store(store::StoreError::Refusal(refusal)) => Some(refusal.rule()),
            _ => None,
        }
    }
}
