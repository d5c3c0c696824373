//! `overt models`: which models there are, under what terms, whether they are installed and unchanged.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use face::bundle::DEFAULT_BUNDLE;
use face::models::{self, Catalogue, InstallOptions, Kind, Manifest, Need, Progress, State};
use face::{Bundle, EngineKind};
use serde::Serialize;

/// Exit code of a check that came out against a model, as of every other refusal.
const REFUSED: u8 = 2;

/// What `overt models` does.
#[derive(Subcommand)]
pub(crate) enum ModelsCommand {
    /// Show the models and bundles, their terms, and whether they are installed.
    List {
        /// Print one JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Fetch what is missing, check it and keep it.
    Install {
        /// Bundles or models.
        #[arg(value_name = "BUNDLE", default_value = DEFAULT_BUNDLE)]
        names: Vec<String>,
        /// A folder to look for model files in first; may be given several times.
        #[arg(long, value_name = "DIR")]
        from: Vec<PathBuf>,
        /// Also the pictures for exercises.
        #[arg(long)]
        pictures: bool,
    },
    /// Read every installed file through and compare it with the catalogue.
    Verify {
        /// Print one JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Show under what terms models are published and whether they may be used on a deployment.
    Licence {
        /// One model; all when absent.
        #[arg(value_name = "MODEL")]
        model: Option<String>,
    },
}

/// Runs one of them.
pub(crate) fn run(command: ModelsCommand) -> anyhow::Result<ExitCode> {
    match command {
        ModelsCommand::List { json } => list(json),
        ModelsCommand::Install { names, from, pictures } => install(&names, from, pictures),
        ModelsCommand::Verify { json } => verify(json),
        ModelsCommand::Licence { model } => licence(model.as_deref()),
    }
}

/// All that `list` and `verify` print.
#[derive(Serialize)]
struct Report {
    directory: String,
    engine: &'static str,
    models: Vec<ModelReport>,
    bundles: Vec<BundleReport>,
}

/// One model.
#[derive(Serialize)]
struct ModelReport {
    name: String,
    kind: &'static str,
    state: &'static str,
    /// What is wrong, where something is.
    found: Option<String>,
    size_bytes: u64,
    licence: String,
    operational_use: &'static str,
    reason: String,
    summary: String,
}

/// One bundle with what of it is installed.
#[derive(Serialize)]
struct BundleReport {
    name: String,
    summary: String,
    detector: Option<String>,
    recogniser: String,
    usable: bool,
    default: bool,
}

impl Report {
    fn gather(models_dir: &Path) -> anyhow::Result<Self> {
        let catalogue = models::catalogue()?;
        let models: Vec<ModelReport> =
            catalogue.manifests.iter().map(|manifest| ModelReport::of(manifest, models_dir)).collect();
        let is_installed = |name: &str| models.iter().any(|model| model.name == name && model.state == "installed");
        let bundles = bundles(&catalogue, models_dir, &is_installed);
        let engine = if is_installed("onnxruntime") { EngineKind::OnnxRuntime } else { EngineKind::BuiltIn };
        Ok(Self { directory: models_dir.display().to_string(), engine: engine.name(), bundles, models })
    }
}

impl ModelReport {
    fn of(manifest: &Manifest, models_dir: &Path) -> Self {
        let (state, found) = match models::state(manifest, models_dir) {
            State::Installed => ("installed", None),
            State::Missing => ("missing", None),
            State::Damaged(found) => ("damaged", Some(found)),
            State::Unavailable => ("unavailable", Some("there is none for this platform".to_owned())),
        };
        Self {
            name: manifest.name.clone(),
            kind: manifest.kind.name(),
            state,
            found,
            size_bytes: manifest.files.iter().map(|file| file.size_bytes).sum(),
            licence: manifest.licence.name.clone(),
            operational_use: manifest.operational_use.allowed.name(),
            reason: manifest.operational_use.reason.clone(),
            summary: manifest.summary.clone(),
        }
    }
}

fn bundles(catalogue: &Catalogue, models_dir: &Path, is_installed: &dyn Fn(&str) -> bool) -> Vec<BundleReport> {
    let report = |bundle: &models::BundleManifest| {
        let detector = Bundle::resolve(&bundle.name, models_dir).ok().map(|resolved| resolved.detector);
        BundleReport {
            name: bundle.name.clone(),
            summary: bundle.summary.clone(),
            usable: is_installed(&bundle.recogniser) && detector.as_deref().is_some_and(is_installed),
            detector,
            recogniser: bundle.recogniser.clone(),
            default: bundle.name == DEFAULT_BUNDLE,
        }
    };
    catalogue.bundles.iter().map(report).collect()
}

fn list(json: bool) -> anyhow::Result<ExitCode> {
    let report = Report::gather(&models::directory()?)?;
    if json {
        return print(&(serde_json::to_string_pretty(&report)? + "\n"));
    }
    let mut lines =
        vec![format!("{:20} {:11} {:11} {:>9}  {:12} licence", "model", "kind", "state", "size", "operational")];
    for model in &report.models {
        let megabytes = model.size_bytes as f64 / 1e6;
        let ModelReport { name, kind, state, operational_use, licence, .. } = model;
        lines.push(format!("{name:20} {kind:11} {state:11} {megabytes:>6.1} MB  {operational_use:12} {licence}"));
    }
    lines.push(String::new());
    lines.push(format!("{:20} {:7} parts", "bundle", "usable"));
    for bundle in &report.bundles {
        let name = if bundle.default { format!("{} (default)", bundle.name) } else { bundle.name.clone() };
        let usable = if bundle.usable { "yes" } else { "no" };
        lines.push(format!(
            "{name:20} {usable:7} {} and {}",
            bundle.detector.as_deref().unwrap_or("no detector yet"),
            bundle.recogniser
        ));
    }
    lines.push(String::new());
    lines.push(format!("engine {}, models kept in {}", report.engine, report.directory));
    print(&(lines.join("\n") + "\n"))
}

fn install(names: &[String], from: Vec<PathBuf>, pictures: bool) -> anyhow::Result<ExitCode> {
    let catalogue = models::catalogue()?;
    let is_model = |name: &String| catalogue.bundle(name).is_err() && catalogue.manifest(name).is_ok();
    let mut needs: Vec<Need> = names
        .iter()
        .map(|name| if is_model(name) { Need::Model(name.clone()) } else { Need::Bundle(name.clone()) })
        .collect();
    if pictures {
        needs.push(Need::DemoPictures);
    }
    let options = InstallOptions { models_dir: models::directory()?, from, progress: Progress::Shown };
    let installed = models::install(&needs, &options)?;
    let mut lines = Vec::new();
    for (what, entries) in [("fetched", &installed.fetched), ("already there", &installed.present)] {
        if !entries.is_empty() {
            lines.push(format!("{what}: {}", entries.join(", ")));
        }
    }
    for name in installed.fetched.iter().chain(&installed.present) {
        let manifest = catalogue.manifest(name)?;
        if manifest.operational_use.allowed != models::Allowed::Yes && manifest.kind != Kind::Pictures {
            let allowed = manifest.operational_use.allowed.name();
            lines.push(format!("{name}: operational use allowed: {allowed}. {}", manifest.operational_use.reason));
        }
    }
    lines.push(format!("kept in {}", options.models_dir.display()));
    print(&(lines.join("\n") + "\n"))
}

fn verify(json: bool) -> anyhow::Result<ExitCode> {
    let report = Report::gather(&models::directory()?)?;
    let damaged = report.models.iter().filter(|model| model.state == "damaged").count();
    if json {
        print(&(serde_json::to_string_pretty(&report)? + "\n"))?;
    } else {
        let line = |model: &ModelReport| match &model.found {
            Some(found) => format!("{:20} {}: {found}", model.name, model.state),
            None => format!("{:20} {}", model.name, model.state),
        };
        print(&report.models.iter().map(|model| line(model) + "\n").collect::<String>())?;
    }
    Ok(if damaged == 0 { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

fn licence(model: Option<&str>) -> anyhow::Result<ExitCode> {
    let catalogue = models::catalogue()?;
    let manifests = match model {
        Some(name) => vec![catalogue.manifest(name)?],
        None => catalogue.manifests.iter().collect(),
    };
    let text = manifests.iter().map(|manifest| {
        let Manifest { name, summary, licence, operational_use, .. } = manifest;
        let allowed = operational_use.allowed.name();
        format!(
            "{name}: {summary}\nlicence: {}\n{}\noperational use allowed: {allowed}. {}\n",
            licence.name,
            licence.text.trim(),
            operational_use.reason
        )
    });
    print(&text.collect::<Vec<_>>().join("\n"))
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
