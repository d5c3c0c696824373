//! The same clips, watched by ours and by a program that does what one would write first, in turn and on as many processors.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, ensure};
use face::{ScoreKind, models};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::NamedTempFile;

use super::clips::Clip;
use super::cost::Meter;
use super::truth::{Judged, Sighting, Truth};
use super::{Bench, LiveArgs, watch};
use crate::bench::peer::Peer;
use crate::bench::{MISSED, model};

/// What the peers' programs share, in the folder of each.
const SHARED: &str = "faces.py";

/// Most processors that are read from the system's list.
const PROCESSORS_MAX: usize = 1024;

/// A program to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PeerName {
    /// VideoCapture, FaceDetectorYN on every frame (at its full size, and reduced as ours), every face recognised.
    Opencv,
    /// face_recognition as it is ordinarily used, on every frame.
    FaceRecognition,
}

/// Ours and a peer on the same clips.
pub(super) struct Contest {
    /// Numbers of the processors that both may use.
    processors: Vec<usize>,
}

/// All that is printed.
#[derive(Serialize)]
pub(super) struct Outcome {
    cameras: usize,
    size: String,
    /// Of ours; the peer looks at every frame.
    rhythm: &'static str,
    /// So many seconds of each clip were watched.
    watched_seconds: f64,
    processors: usize,
    threads: usize,
    bundle: String,
    /// Listed people who had passed when a clip ended, for each camera.
    listed_passages: usize,
    /// Both runs of ours, one before the peer's and one after; found are the fewer, wrong the more.
    ours: Side,
    peers: Vec<Compared>,
    /// Asked for of each ratio by processor time and by time that passed.
    ratio_min: f64,
}

/// What one side did.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Side {
    name: String,
    frames: u64,
    seconds: f64,
    processor_seconds: f64,
    frames_per_second: f64,
    frames_per_processor_second: f64,
    faces: u64,
    found: usize,
    wrong: usize,
}

/// A peer, and our rate over its.
#[derive(Serialize)]
struct Compared {
    #[serde(flatten)]
    side: Side,
    /// By time that passed, with one processor only: with more, ours watches clips side by side, and the peer one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    ratio_of_processor_time: f64,
}

/// What was watched, in how long, and who was told.
#[derive(Clone, Debug, Default, PartialEq)]
struct Watched {
    frames: u64,
    seconds: f64,
    processor_seconds: f64,
    faces: u64,
    told: Vec<Sighting>,
}

/// A peer's answer about one clip.
#[derive(Deserialize)]
struct Answer {
    frames: u64,
    seconds: f64,
    processor_seconds: f64,
    faces: u64,
    told: Vec<u32>,
}

/// A way in which a peer is run.
struct Mode {
    name: &'static str,
    /// Its file among the peers: a program that tells who is in a clip is no part of this binary.
    program: &'static str,
    long_side: Option<u32>,
}

impl PeerName {
    /// At equal found rate, so many times the peer's frames a second are asked for.
    fn ratio_min(self) -> f64 {
        match self {
            Self::Opencv => 3.0,
            Self::FaceRecognition => 20.0,
        }
    }

    /// Reduced as ours too, where ours is reduced.
    fn modes(self, long_side: Option<u32>) -> Vec<Mode> {
        match self {
            Self::Opencv => {
                let full = Mode { name: "OpenCV, full size", program: "live_opencv.py", long_side: None };
                let reduced = long_side.map(|_| Mode { name: "OpenCV, reduced as ours", long_side, ..full });
                [Some(full), reduced].into_iter().flatten().collect()
            }
            Self::FaceRecognition => {
                vec![Mode { name: "face_recognition", program: "live_face_recognition.py", long_side: None }]
            }
        }
    }
}

impl Contest {
    /// Keeps this process, and with it the decoders and the peer that it starts, to as many processors as asked.
    pub(super) fn prepare(args: &LiveArgs) -> Result<Self> {
        let allowed = allowed_processors(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
        ensure!(
            (1..=allowed.len()).contains(&args.processors),
            "--processors is 1 to {}, as many as this process may use",
            allowed.len()
        );
        ensure!(
            args.beside.is_none_or(|beside| beside <= args.processors),
            "--beside is at most --processors ({}) where there is a peer: ours has no more cameras looked at side by side than processors",
            args.processors
        );
        let processors: Vec<usize> = allowed.into_iter().take(args.processors).collect();
        let list = processors.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let own = std::process::id().to_string();
        let kept = Command::new("taskset").args(["-acp", &list, &own]).stdout(Stdio::null()).status();
        let kept = kept.context("keeping to some processors: taskset did not start; install util-linux")?;
        ensure!(kept.success(), "keeping to processors {list}: taskset ended with {kept}");
        Ok(Self { processors })
    }

    pub(super) fn run(&self, bench: &mut Bench<'_>) -> Result<Outcome> {
        let (args, truth) = (bench.args, Truth::of(bench.clips));
        let peer = args.peer.context("there is no contest without a peer")?;
        let (before, threshold) = watch_once(bench)?;
        let mut peers = Vec::new();
        for mode in peer.modes(args.long_side_max()) {
            let (name, watched) = watch_by_peer(bench, &mode, threshold)?;
            peers.push(Side::of(name, &watched, truth.judge(&watched.told)));
        }
        let (after, _) = watch_once(bench)?;
        let judged = [&before, &after].map(|watched| truth.judge(&watched.told));
        let ours = Side::of("ours".into(), &before.and(after), Judged::worst(judged));
        Ok(Outcome {
            cameras: bench.clips.len(),
            size: args.size.to_string(),
            rhythm: args.rhythm_in_words(),
            watched_seconds: bench.clips.iter().map(|clip| clip.lasts.as_secs_f64()).fold(0.0, f64::max),
            processors: self.processors.len(),
            threads: args.threads,
            bundle: args.bundle.clone(),
            listed_passages: truth.passed(),
            peers: peers.into_iter().map(|side| Compared::of(&ours, side, self.processors.len())).collect(),
            ours,
            ratio_min: peer.ratio_min(),
        })
    }
}

/// Our deployment, from its start on the record to its end; and the threshold that it was run with.
fn watch_once(bench: &mut Bench<'_>) -> Result<(Watched, f32)> {
    let (deployed, cost) = (bench.deploy()?, Meter::start());
    let model = pipeline::model_id(bench.faces.recognizer.contract());
    let threshold = deployed.exercise.policy.threshold_for(&model)?.value();
    let run = deployed.start()?;
    // Waits for the run's thread, with which its cameras go: every decoder has been waited for, and so counts, before this returns.
    watch(&run.running, None, &cost);
    let (seconds, [own, children]) = (cost.seconds(), cost.processor_seconds());
    ensure!(
        children > 0.0,
        "processor time of the decoders is not counted, and would be missing from ours: nothing is compared"
    );
    let processor_seconds = own + children;
    let (status, raised) = (run.running.status(), run.running.raised());
    ensure!(status.stage == pipeline::Stage::Ended, "our run did not end with its recordings: {:?}", status.stage);
    let told = raised.iter().filter_map(|alert| Some((alert.camera.clone(), bench.walkers.person_of(alert.entry)?)));
    let (frames, faces) = (status.frames.captured, status.counts.templates_made);
    Ok((Watched { frames, seconds, processor_seconds, faces, told: told.collect() }, threshold))
}

/// One clip after the other, by a program that has enrolled the same portraits.
fn watch_by_peer(bench: &Bench<'_>, mode: &Mode, threshold: f32) -> Result<(String, Watched)> {
    let models_dir = &bench.options.models_dir;
    let detector = models_dir.join(&models::catalogue()?.manifest(bench.faces.detector.name())?.model_file()?.file);
    let contract = bench.faces.recognizer.contract();
    let recogniser = model::graph_file(&contract.model, models_dir)?;
    let limits = face::detect::YuNet::defaults();
    let task = json!({
        "detector": detector,
        "recogniser": recogniser.path(),
        "form": model::form(&contract.model)?,
        "score": if contract.score == ScoreKind::Cosine { "cosine" } else { "euclidean" },
        "threshold": threshold,
        "confidence_min": limits.confidence_min,
        "overlap_max": limits.overlap_max,
        "long_side": mode.long_side,
        "threads": bench.args.threads,
        "listed": bench.walkers.portraits(),
    });
    let mut order = NamedTempFile::new()?;
    serde_json::to_writer(&mut order, &task).context("writing what the peer is to do")?;
    let [shared, own] = [SHARED, mode.program].map(|file| program(&bench.args.peers.join(file)));
    let mut peer = Peer::start(&bench.args.python, &(shared? + &own?), &[order.path().to_string_lossy().into_owned()])?;
    let mut watched = Watched::default();
    for clip in bench.clips {
        let answer: Answer = peer.ask(&json!({ "clip": clip.file }).to_string())?;
        watched = watched.and(Watched::of(answer, clip, |entry| bench.walkers.person_of(entry)));
    }
    Ok((format!("{} ({})", mode.name, peer.version), watched))
}

/// One of the peers' programs.
fn program(file: &Path) -> Result<String> {
    std::fs::read_to_string(file)
        .with_context(|| format!("reading the peer's program {}: name its folder with --peers", file.display()))
}

/// The processors that the system lets this process run on, from `/proc/self/status`.
fn allowed_processors(status: &str) -> Vec<usize> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let range = |part: &str| {
        let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    };
    list.split(',').filter_map(range).flatten().take(PROCESSORS_MAX).collect()
}

impl Watched {
    fn of(answer: Answer, clip: &Clip, person_of: impl Fn(u32) -> Option<usize>) -> Self {
        let Answer { frames, seconds, processor_seconds, faces, told } = answer;
        let told = told.into_iter().filter_map(|entry| Some((clip.camera.clone(), person_of(entry)?))).collect();
        Self { frames, seconds, processor_seconds, faces, told }
    }

    fn and(mut self, other: Self) -> Self {
        self.told.extend(other.told);
        Self {
            frames: self.frames + other.frames,
            seconds: self.seconds + other.seconds,
            processor_seconds: self.processor_seconds + other.processor_seconds,
            faces: self.faces + other.faces,
            told: self.told,
        }
    }
}

impl Side {
    fn of(name: String, watched: &Watched, judged: Judged) -> Self {
        let Watched { frames, seconds, processor_seconds, faces, .. } = *watched;
        Self {
            name,
            frames,
            seconds,
            processor_seconds,
            frames_per_second: frames as f64 / seconds,
            frames_per_processor_second: frames as f64 / processor_seconds,
            faces,
            found: judged.found,
            wrong: judged.wrong,
        }
    }

    fn text(&self) -> String {
        format!(
            "{}: {:.2} frames/s, {:.2} for each second of processor time; {} frames, {} faces recognised, {} found, {} wrong",
            self.name,
            self.frames_per_second,
            self.frames_per_processor_second,
            self.frames,
            self.faces,
            self.found,
            self.wrong
        )
    }
}

impl Compared {
    fn of(ours: &Side, side: Side, processors: usize) -> Self {
        Self {
            ratio: (processors == 1).then(|| ours.frames_per_second / side.frames_per_second),
            ratio_of_processor_time: ours.frames_per_processor_second / side.frames_per_processor_second,
            side,
        }
    }
}

impl Outcome {
    pub(super) fn text(&self) -> String {
        let Self { cameras, size, rhythm, watched_seconds, processors, threads, listed_passages, ratio_min, .. } = self;
        let mut lines = vec![
            format!(
                "{cameras} clip(s) of {size}, {watched_seconds} s each, {processors} processor(s), {threads} thread(s) a graph, {listed_passages} listed passages; our rhythm: {rhythm}"
            ),
            self.ours.text(),
        ];
        for Compared { side, ratio, ratio_of_processor_time } in &self.peers {
            lines.push(side.text());
            let by_time = ratio.map(|ratio| format!("{ratio:.2} by time that passed, ")).unwrap_or_default();
            lines.push(format!(
                "ratio {by_time}{ratio_of_processor_time:.2} by processor time (at least {ratio_min} is asked for at equal found rate)"
            ));
        }
        lines.join("\n")
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.met() { ExitCode::SUCCESS } else { ExitCode::from(MISSED) }
    }

    /// Missed where a peer is too near by processor time, in which other work on the machine weighs least, or finds more, and
    /// where ours tells somebody who was not there.
    fn met(&self) -> bool {
        let met =
            |peer: &Compared| peer.ratio_of_processor_time >= self.ratio_min && self.ours.found >= peer.side.found;
        self.ours.wrong == 0 && self.peers.iter().all(met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(frames: u64, processor_seconds: f64, told: &[usize]) -> Watched {
        let told = told.iter().map(|person| ("camera 1".to_owned(), *person)).collect();
        Watched { frames, seconds: 2.0 * processor_seconds, processor_seconds, faces: 3, told }
    }

    fn side(frames: u64, found: usize, wrong: usize) -> Side {
        Side::of("one".into(), &watched(frames, 10.0, &[]), Judged { found, wrong })
    }

    #[test]
    fn processors_are_read_as_the_system_lists_them() {
        assert_eq!(allowed_processors("Name:\tovert\nCpus_allowed_list:\t0-2,5,8-9\n"), [0, 1, 2, 5, 8, 9]);
        assert_eq!(allowed_processors("Cpus_allowed_list:\t1\n"), [1]);
        assert!(allowed_processors("").is_empty() && allowed_processors("Cpus_allowed_list:\tall").is_empty());
    }

    #[test]
    fn two_runs_are_one_with_the_rate_of_both_together() {
        let both = watched(100, 10.0, &[2]).and(watched(100, 30.0, &[4]));
        let side = Side::of("ours".into(), &both, Judged { found: 2, wrong: 0 });
        assert_eq!((side.frames, side.frames_per_processor_second, side.frames_per_second), (200, 5.0, 2.5));
        assert_eq!(both.told.len(), 2);
    }

    #[test]
    fn the_ratio_is_ours_over_theirs() {
        let compared = |processors| Compared::of(&side(300, 0, 0), side(50, 0, 0), processors);
        assert_eq!((compared(1).ratio, compared(1).ratio_of_processor_time), (Some(6.0), 6.0));
        assert_eq!((compared(2).ratio, compared(2).ratio_of_processor_time), (None, 6.0));
    }

    #[test]
    fn a_peer_is_reduced_only_where_ours_is() {
        let long_sides = |peer: PeerName, ours| peer.modes(ours).iter().map(|mode| mode.long_side).collect::<Vec<_>>();
        assert_eq!(long_sides(PeerName::Opencv, Some(640)), [None, Some(640)]);
        assert_eq!(long_sides(PeerName::Opencv, None), [None]);
        assert_eq!(long_sides(PeerName::FaceRecognition, Some(640)), [None]);
    }

    #[test]
    fn a_contest_is_met_by_rate_and_by_whom_is_told() {
        let met = |ours: Side, peer: Side| {
            let (peers, processors) = (vec![Compared::of(&ours, peer, 1)], 1);
            let (size, bundle) = ("640x360".to_owned(), "lab-dlib".to_owned());
            let (cameras, watched_seconds, threads, listed_passages, ratio_min) = (1, 1.0, 1, 4, 3.0);
            Outcome {
                rhythm: "usual",
                cameras,
                size,
                watched_seconds,
                processors,
                threads,
                bundle,
                listed_passages,
                ours,
                peers,
                ratio_min,
            }
            .met()
        };
        assert!(met(side(300, 3, 0), side(100, 3, 1)));
        assert!(!met(side(299, 3, 0), side(100, 3, 0)), "too near");
        assert!(!met(side(300, 2, 0), side(100, 3, 0)), "finds fewer");
        assert!(!met(side(300, 3, 1), side(100, 3, 0)), "tells somebody who was not there");
    }
}
