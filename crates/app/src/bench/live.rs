//! `overt bench live`: several cameras at once, as a governed deployment under the laboratory profile: who is found, how late, at what cost.
//!
//! People of a published research set walk through rendered concourses, which are encoded as a camera would and come back over
//! RTSP or as recordings at their own pace. Half of them are listed from another picture. What is found is compared with the
//! script; the cost is read from the system.

mod clips;
mod contest;
mod cost;
mod soak;
mod truth;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use capture::{Pace, Recording, Transport};
use domain::{Clock as _, Kind};
use face::bundle::side_by_side;
use face::{Bundle, Faces, OpenOptions, models};
use pipeline::cadence::Rhythm;
use pipeline::{Footage, LiveCamera, Running, Source};
use serde::Serialize;
use tempfile::TempDir;

use self::clips::{Clip, Scene, Server, Size, Walkers};
use self::contest::{Contest, PeerName};
use self::cost::Cost;
use self::truth::Truth;
use super::machine::tell;
use crate::clock::SystemClock;
use crate::demo::exercise::{self, Started, Terms};
use crate::demo::officers::Staff;

/// Most cameras of one run.
const CAMERAS_MAX: usize = 16;
/// The long side to which frames are reduced before faces are looked for: a third of 1080p. With 832 or 960 no more is found.
const LONG_SIDE_PX: u32 = 640;
/// How often it is asked whether a run is over.
const WATCH_INTERVAL: Duration = Duration::from_millis(10);
/// Of so many times, memory and load are looked at once.
const WATCHES_PER_LOOK: u32 = 25;
/// The shipped profile under which this runs.
const PROFILE: &str = "laboratory";

/// What `overt bench live` takes.
#[derive(clap::Args)]
pub(crate) struct LiveArgs {
    /// A folder of portraits, one a person, who walk; files of the same person begin alike up to the first `_`.
    #[arg(long, value_name = "DIR")]
    walking: PathBuf,
    /// A folder of other portraits of the same people; every second one is listed.
    #[arg(long, value_name = "DIR")]
    listed: PathBuf,
    /// Where the encoded clips are kept between runs.
    #[arg(long, value_name = "DIR")]
    clips: PathBuf,
    /// Cameras at once.
    #[arg(long, value_name = "N", default_value_t = 4)]
    cameras: usize,
    /// Size of their pictures. Faces have the same pixels at every size, as far as they fit.
    #[arg(long, value_name = "WxH", default_value = "1920x1080")]
    size: Size,
    /// People who walk past each camera, a new one every 0.7 s.
    #[arg(long, value_name = "N", default_value_t = 60)]
    walkers: usize,
    /// Each clip lasts so many seconds at least: people come further apart.
    #[arg(long, value_name = "N", default_value_t = 0)]
    clip_seconds: u64,
    /// Pair of models.
    #[arg(long, value_name = "NAME", default_value = "lab-dlib")]
    bundle: String,
    /// Where frames come from: recordings at their own pace, or a real RTSP server (GStreamer's, run by python3) on this machine.
    #[arg(long, value_enum, default_value_t = Feed::Recordings)]
    from: Feed,
    /// Examine every frame at its full size, as fast as can be: what the usual rhythm is measured against. Recordings only.
    #[arg(long, conflicts_with = "from")]
    every_frame: bool,
    /// As fast as the recordings can be examined, in the usual rhythm unless `--every-frame` is said too.
    #[arg(long, conflicts_with = "from")]
    fast: bool,
    /// Frames are reduced to this long side before faces are looked for.
    #[arg(long, value_name = "PIXELS", default_value_t = LONG_SIDE_PX)]
    long_side: u32,
    /// Threads of each graph.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// How many cameras are looked at side by side; as many as there are cores when absent.
    #[arg(long, value_name = "N")]
    beside: Option<usize>,
    /// Over and over, as fast as can be, until the cameras have sent so many hours of stream: what was made and destroyed, and
    /// whether memory grows.
    #[arg(long, value_name = "HOURS", conflicts_with_all = ["from", "every_frame", "fast"])]
    soak: Option<f64>,
    /// Compare with a program that looks for the same people in the same clips, in the same run and on as many processors.
    #[arg(long, value_enum, requires = "fast")]
    peer: Option<PeerName>,
    /// The Python that has what the peer needs (lists are in benches/peers).
    #[arg(long, value_name = "PATH", default_value = "python3", requires = "peer")]
    python: String,
    /// The folder of the peers' programs, in a checkout.
    #[arg(long, value_name = "DIR", default_value = "benches/peers", requires = "peer")]
    peers: PathBuf,
    /// Both sides watch only the first seconds of each clip.
    #[arg(long, value_name = "N", default_value_t = 20.0, requires = "peer")]
    peer_seconds: f64,
    /// Processors that each side may use when there is a peer.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "peer")]
    processors: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl LiveArgs {
    /// As many as asked for; else as there are cores, and beside a peer no more than it has processors.
    fn looked_at_side_by_side(&self, cameras: usize) -> usize {
        let most = self.peer.map_or(usize::MAX, |_| self.processors);
        self.beside.unwrap_or_else(|| side_by_side(cameras).min(most))
    }

    /// To what frames are reduced before faces are looked for.
    fn long_side_max(&self) -> Option<u32> {
        (!self.every_frame).then_some(self.long_side)
    }

    fn rhythm_in_words(&self) -> &'static str {
        if self.every_frame { "every frame at full size" } else { "usual" }
    }
}

/// Where frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Feed {
    Recordings,
    Rtsp,
}

/// What came of it.
#[derive(Serialize)]
struct Outcome {
    cameras: usize,
    source: &'static str,
    rhythm: &'static str,
    seconds: f64,
    frames_captured: u64,
    frames_dropped: u64,
    frames_examined: u64,
    frames_still: u64,
    frames_lost: u64,
    faces_seen: u64,
    templates_made: u64,
    listed_passages: usize,
    found: usize,
    found_rate: f64,
    wrong_alerts: usize,
    latency_ms_p50: f64,
    latency_ms_p99: f64,
    cost: Cost,
    load_at_worst: usize,
    stages: Vec<Stage>,
}

/// One stage of the way of a face.
#[derive(Serialize)]
struct Stage {
    stage: &'static str,
    passes: u64,
    mean_ms: f64,
}

/// Runs it.
pub(crate) fn run(args: LiveArgs) -> Result<ExitCode> {
    if !(1..=CAMERAS_MAX).contains(&args.cameras) || args.walkers == 0 {
        bail!("--cameras is 1 to {CAMERAS_MAX}, --walkers at least 1");
    }
    let contest = args.peer.map(|_| Contest::prepare(&args)).transpose()?;
    let models_dir = models::directory()?;
    let long_side_max_px = args.long_side_max();
    let threads = args.threads;
    let options = OpenOptions { models_dir, engine: None, threads, long_side_max_px };
    let mut faces = Bundle::open(&args.bundle, &options)?;
    let walkers = Walkers::gather(&args.walking, &args.listed, &mut faces)?;
    let length_min = Duration::from_secs(args.clip_seconds);
    let clip =
        |camera| walkers.clip(camera, &Scene { walkers: args.walkers, size: args.size, length_min }, &args.clips);
    let mut clips: Vec<Clip> = (0..args.cameras).map(clip).collect::<Result<_>>()?;
    if contest.is_some() {
        let length = Duration::try_from_secs_f64(args.peer_seconds).context("--peer-seconds is no length of time")?;
        clips = clips.into_iter().map(|clip| clip.cut(length)).collect::<Result<_>>()?;
    }
    let server = (args.from == Feed::Rtsp).then(|| Server::start(&clips)).transpose()?;
    let mut bench = Bench { args: &args, options: &options, walkers: &walkers, clips: &clips, server, faces };
    if let Some(contest) = contest {
        let outcome = contest.run(&mut bench)?;
        tell("live beside a peer", &outcome, args.json, contest::Outcome::text)?;
        return Ok(outcome.exit_code());
    }
    if let Some(hours) = args.soak {
        tell("live soak", &soak::run(&mut bench, hours)?, args.json, soak::Soak::text)?;
    } else {
        tell("live", &bench.once()?, args.json, Outcome::text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What every deployment of a bench is made of.
struct Bench<'a> {
    args: &'a LiveArgs,
    options: &'a OpenOptions,
    walkers: &'a Walkers,
    clips: &'a [Clip],
    server: Option<Server>,
    faces: Faces,
}

/// A deployment that may start, in a folder that goes with it.
struct Deployed {
    exercise: pipeline::Exercise,
    folder: TempDir,
}

/// A deployment that runs, or ran.
struct Run {
    running: Running,
    /// Deleted when dropped.
    _folder: TempDir,
}

impl Bench<'_> {
    /// One deployment and what came of it.
    fn once(&mut self) -> Result<Outcome> {
        let (deployed, cost) = (self.deploy()?, cost::Meter::start());
        let run = deployed.start()?;
        let lasts = self.clips.iter().map(|clip| clip.lasts).max().unwrap_or_default();
        let load_at_worst = watch(&run.running, self.server.is_some().then_some(lasts), &cost);
        Ok(outcome(self.args, self.walkers, self.clips, &run.running, &cost, load_at_worst))
    }

    /// A deployment from its announcement to its start on the record.
    fn deploy(&mut self) -> Result<Deployed> {
        let (args, folder, clock) = (self.args, tempfile::tempdir()?, Arc::new(SystemClock));
        let sources = sources(self.clips, self.server.as_ref())?;
        let staff = Staff::of_an_exercise(clock.now())?;
        let terms = Terms {
            policy: store::shipped_policy(PROFILE).context("the laboratory profile is shipped")?,
            kind: if self.server.is_some() { Kind::Live } else { Kind::Exercise },
            name: PROFILE,
            place: "no place: rendered people of a published research set, on this machine",
            cameras: u32::try_from(args.cameras)?,
        };
        let prepared = exercise::announce(folder.path(), &staff, &terms, &*clock)?;
        let Started { store, policy, live, .. } =
            prepared.start(&staff, self.walkers.subjects(), &mut self.faces, &sources, &*clock)?;
        let as_fast_as_can_be = args.every_frame || args.fast || args.soak.is_some();
        let exercise = pipeline::Exercise {
            store: Arc::new(Mutex::new(store)),
            live,
            policy,
            faces: Bundle::open(&args.bundle, self.options)?,
            faces_beside: (1..args.looked_at_side_by_side(sources.len()))
                .map(|_| Bundle::open(&args.bundle, self.options))
                .collect::<Result<_, _>>()?,
            sources,
            clock,
            pace: if as_fast_as_can_be { Pace::AsFastAsConsumed } else { Pace::RealTime },
            rhythm: if args.every_frame { Rhythm::EveryFrame } else { Rhythm::Usual },
            view_interval: Some(Duration::from_millis(250)),
        };
        Ok(Deployed { exercise, folder })
    }
}

impl Deployed {
    fn start(self) -> Result<Run> {
        Ok(Run { running: pipeline::start(self.exercise)?, _folder: self.folder })
    }
}

/// The clips as recordings, or as the cameras of the server.
fn sources(clips: &[Clip], server: Option<&Server>) -> Result<Vec<Source>> {
    let source = |clip: &Clip| {
        let footage = match server {
            None => Footage::Recording(Recording::open(&clip.file)?),
            Some(server) => Footage::Camera(Box::new(LiveCamera {
                declared_address: server.address(&clip.camera),
                transport: Transport::Tcp,
                credentials: None,
                authorities: None,
                hardware: None,
            })),
        };
        Ok(Source { camera: clip.camera.clone(), footage })
    };
    clips.iter().map(source).collect()
}

/// Waits for the end of the recordings, or ends what comes from cameras; the highest load that was seen.
#[allow(clippy::disallowed_methods, reason = "a bench waits in real time")]
fn watch(running: &Running, cameras_for: Option<Duration>, cost: &cost::Meter) -> usize {
    let begun = std::time::Instant::now();
    let (mut load_at_worst, mut looks) = (0, 0);
    while !running.status().stage.is_over() {
        // The end is noticed soon, so that a short run is not measured too long; memory is looked at now and then.
        std::thread::sleep(WATCH_INTERVAL);
        looks += 1;
        if looks % WATCHES_PER_LOOK != 0 {
            continue;
        }
        cost.look();
        let loads = running.status().cameras.into_iter().map(|camera| camera.load as usize);
        load_at_worst = load_at_worst.max(loads.max().unwrap_or(0));
        if cameras_for.is_some_and(|length| begun.elapsed() > length) {
            running.stop("the clips are over");
        }
    }
    running.wait();
    load_at_worst
}

fn outcome(
    args: &LiveArgs,
    walkers: &Walkers,
    clips: &[Clip],
    running: &Running,
    cost: &cost::Meter,
    load_at_worst: usize,
) -> Outcome {
    let (status, raised) = (running.status(), running.raised());
    let mut latencies: Vec<f64> = raised.iter().map(|alert| alert.latency_ms).collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies.get(((latencies.len() as f64 * share) as usize).min(latencies.len().max(1) - 1));
    let truth = Truth::of(clips);
    let told = raised.iter().filter_map(|alert| Some((alert.camera.clone(), walkers.person_of(alert.entry)?)));
    let judged = truth.judge(&told.collect::<Vec<_>>());
    let counts = status.counts;
    Outcome {
        cameras: clips.len(),
        source: if args.from == Feed::Rtsp { "rtsp over tcp" } else { "recordings" },
        rhythm: args.rhythm_in_words(),
        seconds: cost.seconds(),
        frames_captured: status.frames.captured,
        frames_dropped: status.frames.dropped,
        frames_examined: status.cameras.iter().map(|camera| camera.examined).sum(),
        frames_still: status.cameras.iter().map(|camera| camera.still).sum(),
        frames_lost: status
            .cameras
            .iter()
            .map(|camera| camera.health.counts.frames_skipped + camera.health.counts.frames_without_place)
            .sum(),
        faces_seen: counts.faces_seen,
        templates_made: counts.templates_made,
        listed_passages: truth.passed(),
        found: judged.found,
        found_rate: judged.found as f64 / truth.passed().max(1) as f64,
        wrong_alerts: judged.wrong,
        latency_ms_p50: at(0.5).copied().unwrap_or(0.0),
        latency_ms_p99: at(0.99).copied().unwrap_or(0.0),
        cost: cost.cost(),
        load_at_worst,
        stages: running.stages().into_iter().map(|(stage, passes, mean_ms)| Stage { stage, passes, mean_ms }).collect(),
    }
}

impl Outcome {
    fn text(&self) -> String {
        let Self { cameras, source, rhythm, seconds, found, listed_passages, .. } = self;
        format!(
            "{cameras} cameras ({source}, {rhythm}), {seconds:.0} s: {} frames, {} examined, {} dropped\n\
             {found} of {listed_passages} listed passages found, {} wrong alerts\n\
             alert latency p50 {:.0} ms, p99 {:.0} ms; {:.2} cores, {:.0} MiB at most",
            self.frames_captured,
            self.frames_examined,
            self.frames_dropped,
            self.wrong_alerts,
            self.latency_ms_p50,
            self.latency_ms_p99,
            self.cost.cores,
            self.cost.resident_mib_max
        )
    }
}
