//! `overt bench decode`: frames a second through a decoder's own process, hand-over included, next to FFmpeg's command.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use capture::{Chroma, Limits, Next, Pace, Recording, Stream, StreamOptions, YuvFrame};
use serde::Serialize;

use super::machine::tell;
use super::{MISSED, processor};

/// How much longer than FFmpeg's command ours may take.
const RATIO_MAX: f64 = 1.2;
/// No frame of a recording is waited for longer.
const FRAME_WAIT: Duration = Duration::from_secs(60);
/// Frames that may wait here: with other work on the machine, neither side stands still for the other.
const QUEUE_FRAMES: usize = 16;
/// Most turns.
const TURNS_MAX: usize = 100;

/// What `overt bench decode` takes.
#[derive(clap::Args)]
pub(crate) struct DecodeArgs {
    /// The clip that is decoded.
    file: PathBuf,
    /// How often ours and, in turn, the peer's run from the first frame to the last.
    #[arg(long, value_name = "N", default_value_t = 5)]
    turns: usize,
    /// Threads that decode, in ours and in the peer's.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Compare with `ffmpeg -i FILE -f null -` in the same run.
    #[arg(long)]
    peer: bool,
    /// FFmpeg's command.
    #[arg(long, value_name = "PATH", default_value = "ffmpeg", requires = "peer")]
    ffmpeg: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// All that is printed.
#[derive(Serialize)]
struct Report {
    frames: u64,
    width: u32,
    height: u32,
    codec: String,
    threads: usize,
    ours: Figures,
    peer: Option<Figures>,
    /// Our median time over the peer's.
    ratio: Option<f64>,
    /// The same of processor time, in which other work on the machine weighs less.
    ratio_of_processor_time: Option<f64>,
    ratio_max: f64,
}

/// The figures of one side.
#[derive(Serialize)]
struct Figures {
    turns: usize,
    median_s: f64,
    fastest_s: f64,
    frames_per_second: f64,
    /// Processor time of all of its processes, median.
    processor_s: f64,
}

/// What one turn took.
struct Turn {
    wall_s: f64,
    processor_s: f64,
}

/// What one of our turns saw.
struct Seen {
    frames: u64,
    width: u32,
    height: u32,
    codec: String,
}

/// Measures ours and, if asked, the peer in turns.
pub(crate) fn run(args: DecodeArgs) -> anyhow::Result<ExitCode> {
    if !(1..=TURNS_MAX).contains(&args.turns) || !(1..=16).contains(&args.threads) {
        bail!("--turns is 1 to {TURNS_MAX} and --threads 1 to 16");
    }
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    let mut seen = None;
    for _ in 0..args.turns {
        let (turn, of_turn) = timed(|| decode(&args))?;
        ours.push(turn);
        seen = Some(of_turn);
        if args.peer {
            peers.push(timed(|| decode_by_peer(&args))?.0);
        }
    }
    let Seen { frames, width, height, codec } = seen.context("no turn was made")?;
    let (ours, peer) = (Figures::of(&ours, frames), args.peer.then(|| Figures::of(&peers, frames)));
    let ratio = peer.as_ref().map(|peer| ours.median_s / peer.median_s);
    let ratio_of_processor_time = peer.as_ref().map(|peer| ours.processor_s / peer.processor_s);
    let report = Report {
        frames,
        width,
        height,
        codec,
        threads: args.threads,
        ours,
        peer,
        ratio,
        ratio_of_processor_time,
        ratio_max: RATIO_MAX,
    };
    tell("decode", &report, args.json, Report::text)?;
    Ok(if ratio.is_some_and(|ratio| ratio > RATIO_MAX) { ExitCode::from(MISSED) } else { ExitCode::SUCCESS })
}

/// Decodes the whole clip in a process of its own; each row of each plane is touched here before a frame is given back.
fn decode(args: &DecodeArgs) -> anyhow::Result<Seen> {
    let recording = Recording::open(&args.file)?;
    let options =
        StreamOptions { decode_threads: args.threads, queue_frames_max: QUEUE_FRAMES, ..StreamOptions::default() };
    let stream = Stream::replay(recording, Pace::AsFastAsConsumed, Limits::default(), options)?;
    let (mut frames, mut size, mut touched) = (0, (0, 0), 0);
    loop {
        match stream.next(FRAME_WAIT)? {
            Next::Frame(frame) => {
                frames += 1;
                size = (frame.width(), frame.height());
                touched += touch(&frame);
            }
            Next::Ended => break,
            Next::Nothing => bail!("no frame came for {} s", FRAME_WAIT.as_secs()),
        }
    }
    // What was read must not be optimised away.
    std::hint::black_box(touched);
    let codec = stream.health().codec.unwrap_or_default();
    Ok(Seen { frames, width: size.0, height: size.1, codec })
}

/// The sum of the first byte of every row.
fn touch(frame: &YuvFrame) -> u64 {
    let of = |plane: capture::Plane<'_>| plane.rows().filter_map(|row| row.first()).map(|byte| u64::from(*byte)).sum();
    let luma: u64 = of(frame.luma());
    let chroma: u64 = match frame.chroma() {
        Chroma::Planar { blue, red } => of(blue) + of(red),
        Chroma::Interleaved(plane) => of(plane),
    };
    luma + chroma
}

fn decode_by_peer(args: &DecodeArgs) -> anyhow::Result<()> {
    let mut command = Command::new(&args.ffmpeg);
    command.args(["-v", "error", "-nostdin", "-threads", &args.threads.to_string(), "-i"]).arg(&args.file);
    command.args(["-an", "-sn", "-f", "null", "-"]).stdin(Stdio::null()).stdout(Stdio::null());
    let ended =
        command.status().with_context(|| format!("starting {}; name it with --ffmpeg", args.ffmpeg.display()))?;
    if !ended.success() {
        bail!("{} ended with {ended}", args.ffmpeg.display());
    }
    Ok(())
}

/// What `run` took, its child processes included.
fn timed<T>(run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Turn, T)> {
    let (begun, before) = (Instant::now(), processor::own_and_children_s());
    let done = run()?;
    Ok((Turn { wall_s: begun.elapsed().as_secs_f64(), processor_s: processor::own_and_children_s() - before }, done))
}

impl Figures {
    /// From at least one turn.
    fn of(turns: &[Turn], frames: u64) -> Self {
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let median_s = median(turns.iter().map(|turn| turn.wall_s).collect());
        let fastest_s = turns.iter().map(|turn| turn.wall_s).fold(f64::INFINITY, f64::min);
        let processor_s = median(turns.iter().map(|turn| turn.processor_s).collect());
        Self { turns: turns.len(), median_s, fastest_s, frames_per_second: frames as f64 / median_s, processor_s }
    }

    fn text(&self) -> String {
        let Self { turns, median_s, fastest_s, frames_per_second, processor_s } = self;
        format!(
            "{frames_per_second:.1} frames/s, median {median_s:.2} s, fastest {fastest_s:.2} s, \
             {processor_s:.2} s of processor time, {turns} turns"
        )
    }
}

impl Report {
    fn text(&self) -> String {
        let Self { frames, width, height, codec, threads, .. } = self;
        let mut lines = vec![
            format!("{frames} frames of {width} x {height}, {codec}, {threads} decoding thread(s)"),
            format!("ours {}", self.ours.text()),
        ];
        if let (Some(peer), Some(ratio)) = (&self.peer, self.ratio) {
            lines.push(format!("peer {} (ffmpeg -f null)", peer.text()));
            let of_processor = self.ratio_of_processor_time.unwrap_or(f64::NAN);
            lines.push(format!(
                "ratio {ratio:.3} of the peer's time, {of_processor:.3} of its processor time (at most {RATIO_MAX} is asked for)"
            ));
        }
        lines.join("\n")
    }
}
