//! Charter: an image goes in; faces, quality measures and templates come out; one gallery is searched, exactly.
//!
//! This crate knows pictures, models and numbers. It refuses to know people, rules or the network beyond fetching
//! a model file: there are no names here, no thresholds, no clock, no log, and no function that writes a template
//! or a chip anywhere. A [`Template`] and a [`Chip`] cannot be cloned, printed or serialised, and are wiped when dropped.
//!
//! Reading order: a picture is decoded, faces are detected, aligned and measured, a template is made, a gallery searched.

pub mod picture;
pub mod yuv;
pub mod decode;
pub mod geometry;
pub mod detect;
pub mod align;
pub mod quality;
pub mod template;
pub mod sealed_memory;
pub mod process;
pub mod recognise;
pub mod gallery;
pub mod engine;
pub mod models;
mod dlib;
mod graph;
pub mod bundle;

pub use align::Chip;
pub use bundle::{Bundle, Faces, OpenOptions};
pub use detect::{Detection, Detector};
pub use engine::{EngineError, EngineKind};
pub use gallery::{Gallery, GalleryBuilder, GalleryError, Hit};
pub use geometry::{Point, Rect};
pub use picture::{Picture, PictureView, RgbView};
pub use quality::Quality;
pub use recognise::Recognizer;
pub use template::{Contract, Score, ScoreKind, Template};
pub use yuv::YuvView;
