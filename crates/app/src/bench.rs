//! `overt bench`: how fast a part runs here, next to a named peer doing the same work in the same run.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock: that is what it is for")]

#[cfg(all(feature = "video", target_os = "linux"))]
mod clip;
#[cfg(all(feature = "video", target_os = "linux"))]
mod decode;
mod detect;
mod embed;
mod figures;
mod live;
mod log;
mod machine;
mod peer;
mod processor;
mod search;

use std::process::ExitCode;

use clap::Subcommand;

/// Ours and the peer take turns this long, so that other work on the machine meets both alike.
const TURN_SECONDS_MAX: f64 = 1.0;
/// The share of the peer's throughput that is asked of the recogniser.
const EMBEDDING_RATIO_MIN: f64 = 0.95;
/// The share of the peer's throughput that is asked of the detector, from a frame to boxes.
#[cfg(all(feature = "video", target_os = "linux"))]
const DETECTION_RATIO_MIN: f64 = 1.0;
/// Exit code when the measurement was made and missed what is asked for.
const MISSED: u8 = 1;

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// Frames a second of a clip, decoded in a process of its own and handed over.
    #[cfg(all(feature = "video", target_os = "linux"))]
    Decode(decode::DecodeArgs),
    /// What a detector costs: its graph at several input sizes, or from frames of a clip to boxes.
    Detect(detect::DetectArgs),
    /// The public record at size: durable appends, the check of the whole log, and proofs of single entries.
    Log(log::LogArgs),
    /// Several cameras at once, as a governed deployment: who is found, how late, at what cost.
    Live(live::LiveArgs),
    /// Templates a second through a bundle's recogniser: the graph alone, or from frames of a clip.
    Embed(embed::EmbedArgs),
    /// Exact search in a gallery of random vectors, beside what the memory gives.
    Search(search::SearchArgs),
}

/// Runs one of them.
pub(crate) fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        #[cfg(all(feature = "video", target_os = "linux"))]
        BenchCommand::Decode(args) => decode::run(args),
        BenchCommand::Detect(args) => detect::run(args),
        BenchCommand::Log(args) => log::run(args),
        BenchCommand::Live(args) => live::run(args),
        BenchCommand::Embed(args) => embed::run(args),
        BenchCommand::Search(args) => search::run(args),
    }
}
