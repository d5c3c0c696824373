//! `overt demo`: an exercise from its public notice to its purge, with its screens, over rendered or recorded pictures.

mod account;
mod cast;
pub(crate) mod exercise;
mod footage;
mod leftovers;
pub(crate) mod officers;
mod report;
mod screens;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use capture::Pace;
use clap::Args;
use domain::Clock;
use face::bundle::{OpenOptions, side_by_side};
use face::models::progress::Progress;
use face::models::{self, InstallOptions, Need};
use face::{Bundle, Faces};

use crate::clock::SystemClock;
use crate::cosign::{WitnessAt, Witnesses};
use exercise::Started;
use footage::Material;
use officers::Staff;

/// Frames are reduced to this long side before faces are looked for: a face of 40 pixels in a frame of 1280, the least that
/// is compared, still has 20. Still images, of which there are few, are read at the detector's own limit.
pub(crate) const FRAME_LONG_SIDE_PX_MAX: u32 = 640;

/// Arguments of `overt demo`.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Port of the screens on 127.0.0.1; 0 chooses a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Recorded files to read instead of the rendered concourse. Cameras and addresses are refused.
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "watchlist")]
    source: Vec<PathBuf>,
    /// A directory of still images, one person each, listed as exercise subjects.
    #[arg(long, value_name = "DIR", requires = "source")]
    watchlist: Option<PathBuf>,
    /// The models to use; see `overt models list`.
    #[arg(long, default_value = face::bundle::DEFAULT_BUNDLE)]
    bundle: String,
    /// Run to the end without screens, end and purge the exercise, and print an account of it.
    #[arg(long)]
    once: bool,
    /// With --once: print the account as one JSON object.
    #[arg(long, requires = "once")]
    json: bool,
    /// A witness that is asked to cosign the public log, `ADDRESS=KEY`; may be given several times.
    #[arg(long = "witness", value_name = "ADDRESS=KEY")]
    witnesses: Vec<WitnessAt>,
    /// Where exercises keep their data; by default in this user's data directory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs the demo.
pub(crate) fn run(args: DemoArgs) -> Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let models_dir = install(&args.bundle)?;
    let directory = match &args.data {
        Some(directory) => directory.clone(),
        None => directories::ProjectDirs::from("", "", "overt")
            .context("this user has no home directory; name one with --data")?
            .data_dir()
            .join("exercises"),
    };
    std::fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    leftovers::sweep(&directory, &*clock)?;

    let staff = Staff::of_an_exercise(clock.now())?;
    // The notice is published first: it has to stand for a while, and the models load meanwhile.
    let cameras = u32::try_from(args.source.len().max(1)).context("too many sources")?;
    let prepared = exercise::announce(&directory, &staff, &exercise::Terms::exercise(cameras), &*clock)?;
    let mut faces = open(&args.bundle, &models_dir, None)?;
    eprintln!(
        "{} with {} on {}",
        faces.detector.name(),
        faces.recognizer.contract().model,
        exercise::engine_name(faces.engine)
    );
    let material = match &args.watchlist {
        Some(watchlist) => Material::recorded(&args.source, watchlist)?,
        None => Material::rendered(&models_dir, &mut faces)?,
    };
    let sources = material.sources()?;
    let started = prepared.start(&staff, &material.subjects, &mut faces, &sources, &*clock)?;
    let Started { store, policy, deployment, live } = started;
    let data_dir = directory.join(deployment.as_str());
    let open_for_frames = || open(&args.bundle, &models_dir, Some(FRAME_LONG_SIDE_PX_MAX));
    let store = Arc::new(Mutex::new(store));
    let witnesses = Witnesses::new(&args.witnesses)?;
    let running = pipeline::start(pipeline::Exercise {
        store: Arc::clone(&store),
        live,
        policy: policy.clone(),
        faces: open_for_frames()?,
        faces_beside: (1..side_by_side(sources.len())).map(|_| open_for_frames()).collect::<Result<_>>()?,
        sources,
        clock: Arc::clone(&clock),
        pace: if args.once { Pace::AsFastAsConsumed } else { Pace::RealTime },
        rhythm: pipeline::cadence::Rhythm::Usual,
        view_interval: (!args.once).then_some(crate::screens::VIEW_INTERVAL),
    })?;
    let exercise = report::Exercise { store, policy, deployment, data_dir, material, bundle: args.bundle.clone() };
    if args.once {
        let report = report::to_the_end(&exercise, &running, open_for_frames, witnesses, &*clock)?;
        return report.print(args.json);
    }
    witnesses.keep_asking(Arc::downgrade(&exercise.store));
    screens::serve(exercise, running, args.port, staff.operator, clock)
}

/// Installs what is missing and says where the models are.
fn install(bundle: &str) -> Result<PathBuf> {
    let models_dir = models::directory()?;
    let options = InstallOptions { models_dir: models_dir.clone(), from: Vec::new(), progress: Progress::Shown };
    let installed = models::install(&[Need::Bundle(bundle.to_owned()), Need::DemoPictures], &options)?;
    for note in &installed.notes {
        eprintln!("{note}");
    }
    Ok(models_dir)
}

/// Opens a bundle with as many threads as the machine has, up to four: what there is to examine is done soonest.
pub(crate) fn open(bundle: &str, models_dir: &std::path::Path, long_side_max_px: Option<u32>) -> Result<Faces> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4);
    open_with(threads, bundle, models_dir, long_side_max_px)
}

/// Opens a bundle with so many threads for each graph. One is what costs least: cameras that come at their own pace leave the
/// other cores to decoding.
pub(crate) fn open_with(
    threads: usize,
    bundle: &str,
    models_dir: &std::path::Path,
    long_side_max_px: Option<u32>,
) -> Result<Faces> {
    let options = OpenOptions { models_dir: models_dir.to_owned(), engine: None, threads, long_side_max_px };
    let faces = Bundle::open(bundle, &options)?;
    if faces.recognizer.contract().dimensions == 0 {
        bail!("the recogniser of {bundle} makes empty templates; run `overt models verify`");
    }
    Ok(faces)
}
