//! Detecting and embedding end to end on real frames of a clip: ours from a frame as its decoder's process handed it over, Python's
//! from the array that OpenCV decoded of the same frame, with the same graph file in onnxruntime.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use capture::stream::HELD_FRAMES_MAX;
use capture::{Limits, Next, Pace, Recording, Stream, StreamOptions, YuvFrame};
use face::detect::YuNet;
use face::{Bundle, Detection, Faces, OpenOptions, Point};
use pipeline::examine::surroundings;
use pipeline::window::{Seen, Window};
use serde::Serialize;
use serde_json::json;
use tempfile::NamedTempFile;

use super::figures::{Figures, PeerFigures, Ratios, in_turns};
use super::peer::Peer;
use super::{DETECTION_RATIO_MIN, EMBEDDING_RATIO_MIN, MISSED, model};

/// The peer's program, so that it is found wherever the binary runs.
const PEER: &str =
    concat!(include_str!("../../../../benches/peers/faces.py"), include_str!("../../../../benches/peers/clip.py"));
/// No frame of a recording is waited for longer.
const FRAME_WAIT: Duration = Duration::from_secs(60);
/// Narrower faces are not embedded: a recogniser makes little of them.
const FACE_PX_MIN: f32 = 40.0;
/// Most faces that are embedded in a round.
const FACES_MAX: usize = 64;
/// What a live deployment does besides.
const LEFT_OUT: &str = "the second look at a close-up, and forgetting";
/// Detectors read sides that are multiples of this.
const SIDE_STEP_PX: u32 = 32;

/// Which frames are measured on.
#[derive(clap::Args)]
pub(super) struct ClipArgs {
    /// Measure end to end on frames of this clip: from a frame as decoded to boxes, or from a frame and a found face to a template.
    #[arg(long, value_name = "FILE")]
    pub(super) clip: Option<PathBuf>,
    /// So many frames of the clip.
    #[arg(long, value_name = "N", default_value_t = 24)]
    frames: usize,
    /// Every so manieth frame is one of them.
    #[arg(long, value_name = "N", default_value_t = 40)]
    every: u64,
    /// Frames are reduced to this long side before faces are looked for.
    #[arg(long, value_name = "PIXELS", default_value_t = 640)]
    long_side: u32,
}

/// What is measured.
pub(super) struct Asked<'a> {
    pub(super) clip: &'a Path,
    pub(super) args: &'a ClipArgs,
    pub(super) bundle: &'a str,
    pub(super) options: OpenOptions,
    pub(super) seconds: f64,
    /// The peer's Python, where there is a peer.
    pub(super) python: Option<&'a str>,
}

/// All that is printed.
#[derive(Serialize)]
pub(super) struct Report {
    what: &'static str,
    bundle: String,
    model: String,
    engine: &'static str,
    threads: usize,
    frames: usize,
    width: u32,
    height: u32,
    long_side: u32,
    /// Faces of one round: found, or embedded.
    faces: usize,
    /// Faces that the peer found or embedded in one round.
    peer_faces: Option<u32>,
    ours: Figures,
    peer: Option<PeerFigures>,
    ratio: Option<Ratios>,
    /// Asked for of the ratio by medians.
    ratio_min: f64,
    /// What neither side does.
    left_out: &'static str,
}

/// Frames of a clip, held where the decoder's process put them.
struct Held {
    frames: Vec<YuvFrame>,
    /// The frames lie in its ring.
    _stream: Stream,
}

/// A face and the place of its frame among those held.
struct Found {
    frame: usize,
    detection: Detection,
}

/// What the peer is to do, and the graph that it does it with, for as long as it runs.
struct Task {
    graph: NamedTempFile,
    order: NamedTempFile,
}

/// Boxes of whole frames.
pub(super) fn detect(asked: &Asked<'_>) -> Result<Report> {
    let mut faces = asked.open()?;
    let mut held = Held::take(asked)?;
    let (size, numbers) = (held.size(), held.numbers());
    let seen = held.look()?;
    let count = found(&seen, &mut faces)?.len();
    let detector = Bundle::resolve(asked.bundle, &asked.options.models_dir)?.detector;
    let mut peer = None;
    if let Some(python) = asked.python {
        ensure!(detector.starts_with("yunet"), "the peer reads the answers of YuNet only; name a --bundle with it");
        let (scaled, input) = input_size(size, asked.args.long_side);
        let limits = YuNet::defaults();
        let order = json!({
            "what": "detect", "frames": numbers, "scaled": scaled, "input": input,
            "confidence_min": limits.confidence_min, "overlap_max": limits.overlap_max,
        });
        peer = Some(asked.start_peer(python, &detector, order)?);
    }
    let work = |number: usize| {
        black_box(faces.detector.detect(seen[number].picture())?);
        Ok(())
    };
    let times = in_turns(seen.len(), asked.seconds, work, peer.as_mut().map(|(peer, _)| peer))?;
    let times = times.map(|times| Figures::of(&times));
    Ok(Report::new(asked, "detect", (detector, faces.engine.name(), count), (seen.len(), size), times, peer))
}

/// Templates of the faces in them.
pub(super) fn embed(asked: &Asked<'_>) -> Result<Report> {
    let mut faces = asked.open()?;
    let mut held = Held::take(asked)?;
    let (size, numbers) = (held.size(), held.numbers());
    let seen = held.look()?;
    let mut listed = found(&seen, &mut faces)?;
    listed.retain(|found| found.detection.face.width >= FACE_PX_MIN);
    listed.truncate(FACES_MAX);
    ensure!(!listed.is_empty(), "no face of {FACE_PX_MIN} pixels was found; choose other frames with --every");
    let recogniser = faces.recognizer.contract().model.clone();
    let mut peer = None;
    if let Some(python) = asked.python {
        let order = json!({
            "what": "embed", "frames": numbers, "form": model::form(&recogniser)?,
            "faces": listed.iter().map(Found::told).collect::<Vec<_>>(),
        });
        peer = Some(asked.start_peer(python, &recogniser, order)?);
    }
    let work = |number: usize| embed_one(&listed[number], &seen, &mut faces);
    let times = in_turns(listed.len(), asked.seconds, work, peer.as_mut().map(|(peer, _)| peer))?;
    let times = times.map(|times| Figures::of(&times));
    Ok(Report::new(asked, "embed", (recogniser, faces.engine.name(), listed.len()), (seen.len(), size), times, peer))
}

/// As a face goes without what the peer does not do either: a close-up, the aligned face, the graph. A live deployment also looks
/// for the points again in the close-up (`Detector::look_closely`), and has the engines forget when nobody is looked at any more.
fn embed_one(found: &Found, seen: &[Seen<'_>], faces: &mut Faces) -> Result<()> {
    let Detection { face, points, .. } = found.detection;
    let (close, [left, top]) = surroundings(seen[found.frame].picture(), &face);
    let points = points.map(|point| Point { x: point.x - left as f32, y: point.y - top as f32 });
    let chip = faces.recognizer.align(close.view(), &Detection { points, ..found.detection });
    black_box(faces.recognizer.embed(std::slice::from_ref(&chip))?);
    Ok(())
}

/// All faces, in the order of the frames. It warms up what is measured later.
fn found(seen: &[Seen<'_>], faces: &mut Faces) -> Result<Vec<Found>> {
    let mut all = Vec::new();
    for (frame, seen) in seen.iter().enumerate() {
        let here = faces.detector.detect(seen.picture())?;
        all.extend(here.into_iter().map(|detection| Found { frame, detection }));
    }
    Ok(all)
}

impl Found {
    fn told(&self) -> serde_json::Value {
        json!({ "frame": self.frame, "points": self.detection.points.map(|point| [point.x, point.y]) })
    }
}

impl Asked<'_> {
    fn open(&self) -> Result<Faces> {
        let options = OpenOptions { long_side_max_px: Some(self.args.long_side), ..self.options.clone() };
        Ok(Bundle::open(self.bundle, &options)?)
    }

    /// Starts the peer on the graph of this model, as the engines get it; what it does is in `order`.
    fn start_peer(&self, python: &str, model: &str, mut order: serde_json::Value) -> Result<(Peer, Task)> {
        let graph = model::graph_file(model, &self.options.models_dir)?;
        let mut task = Task { graph, order: NamedTempFile::new()? };
        order["graph"] = json!(task.graph.path());
        order["clip"] = json!(self.clip);
        order["threads"] = json!(self.options.threads);
        serde_json::to_writer(&mut task.order, &order).context("writing what the peer is to do")?;
        let peer = Peer::start(python, PEER, &[task.order.path().to_string_lossy().into_owned()])?;
        Ok((peer, task))
    }
}

impl Held {
    /// Decodes the clip until enough frames were taken or it ends.
    fn take(asked: &Asked<'_>) -> Result<Self> {
        let ClipArgs { frames: wanted, every, .. } = *asked.args;
        ensure!(
            (1..=HELD_FRAMES_MAX).contains(&wanted) && every > 0,
            "--frames is 1 to {HELD_FRAMES_MAX}, --every at least 1"
        );
        let options = StreamOptions { held_frames_max: HELD_FRAMES_MAX, ..StreamOptions::default() };
        let stream = Stream::replay(Recording::open(asked.clip)?, Pace::AsFastAsConsumed, Limits::default(), options)?;
        let mut frames = Vec::new();
        while frames.len() < wanted {
            match stream.next(FRAME_WAIT)? {
                // Often nobody is in the first one.
                Next::Frame(frame) if frame.number() > 0 && frame.number().is_multiple_of(every) => frames.push(frame),
                Next::Frame(_) => {}
                Next::Ended => break,
                Next::Nothing => bail!("no frame came for {} s", FRAME_WAIT.as_secs()),
            }
        }
        ensure!(!frames.is_empty(), "the clip ends before frame {every}; take frames closer together with --every");
        Ok(Self { frames, _stream: stream })
    }

    fn size(&self) -> (u32, u32) {
        self.frames.first().map_or((0, 0), |frame| (frame.width(), frame.height()))
    }

    fn numbers(&self) -> Vec<u64> {
        self.frames.iter().map(YuvFrame::number).collect()
    }

    fn look(&mut self) -> Result<Vec<Seen<'_>>> {
        let mut window = Window::onto(None);
        let seen = self.frames.iter_mut().map(|frame| window.look(frame)).collect::<Option<Vec<_>>>();
        seen.context("the decoder handed over a frame whose planes are not what its size asks for")
    }
}

/// The size to which a frame is reduced for a detector, and that of the graph's input around it.
fn input_size((width, height): (u32, u32), long_side: u32) -> ([u32; 2], [u32; 2]) {
    let (long, limit) = (width.max(height), long_side.max(SIDE_STEP_PX) / SIDE_STEP_PX * SIDE_STEP_PX);
    let fit = |side: u32| if long > limit { (side * limit).div_ceil(long).max(1) } else { side };
    let scaled = [width, height].map(fit);
    (scaled, scaled.map(|side| side.next_multiple_of(SIDE_STEP_PX)))
}

impl Report {
    fn new(
        asked: &Asked<'_>,
        what: &'static str,
        (model, engine, faces): (String, &'static str, usize),
        (frames, (width, height)): (usize, (u32, u32)),
        [ours, theirs]: [Figures; 2],
        peer: Option<(Peer, Task)>,
    ) -> Self {
        let peer = peer.map(|(peer, _task)| peer);
        Self {
            what,
            bundle: asked.bundle.to_owned(),
            model,
            engine,
            threads: asked.options.threads,
            frames,
            width,
            height,
            long_side: asked.args.long_side,
            faces,
            peer_faces: peer.as_ref().and_then(|peer| peer.found.first().copied()),
            ours,
            ratio: peer.as_ref().map(|_| Ratios::of(&ours, &theirs)),
            peer: peer.map(|peer| PeerFigures { name: peer.version.clone(), figures: theirs }),
            ratio_min: if what == "detect" { DETECTION_RATIO_MIN } else { EMBEDDING_RATIO_MIN },
            left_out: LEFT_OUT,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        let missed = self.ratio.is_some_and(|ratio| ratio.medians < self.ratio_min);
        if missed { ExitCode::from(MISSED) } else { ExitCode::SUCCESS }
    }

    pub(super) fn text(&self) -> String {
        let Self { what, model, engine, threads, frames, width, height, long_side, faces, .. } = self;
        let mut lines = vec![
            format!(
                "{what}: {model} on {engine}, {threads} thread(s), {frames} frames of {width} x {height}, long side {long_side}, {faces} faces"
            ),
            format!("left out on both sides: {}", self.left_out),
            format!("ours {}", self.ours.text()),
        ];
        if let (Some(peer), Some(ratio)) = (&self.peer, &self.ratio) {
            let peer_faces = self.peer_faces.unwrap_or_default();
            lines.push(format!("peer {} ({}; {peer_faces} faces)", peer.figures.text(), peer.name));
            lines.push(format!("ratio {} (at least {} is asked for by medians)", ratio.text(), self.ratio_min));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::input_size;

    #[test]
    fn the_peer_gets_the_size_that_our_detector_reads() {
        assert_eq!(input_size((1920, 1080), 640), ([640, 360], [640, 384]));
        assert_eq!(input_size((640, 360), 640), ([640, 360], [640, 384]));
        // 1000 is no multiple of 32; the limit is rounded down to 992.
        assert_eq!(input_size((4000, 3000), 1000), ([992, 744], [992, 768]));
        assert_eq!(input_size((32_000, 1), 640), ([640, 1], [640, 32]));
    }
}
