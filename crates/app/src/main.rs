//! The binary: reads the command line, calls one command, and turns what comes back into an exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod clock;
mod compare;
mod cosign;
mod demo;
mod desk;
mod evaluate;
mod inspect;
mod models;
mod policy;
mod prove;
mod screens;
mod trace;
mod verify;
mod witness;

/// Facial recognition that cannot be run in secret, keeps nothing of people it was not looking for, and leaves every
/// decision to a person.
#[derive(Parser)]
#[command(name = "overt", version, about, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run an exercise: a governed deployment over recorded or rendered pictures, with its screens.
    Demo(demo::DemoArgs),
    /// List, install, verify and explain the models.
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// Say what the detector and the quality measures find in still images.
    Inspect(inspect::InspectArgs),
    /// Compare two still images, one to one.
    Compare(compare::CompareArgs),
    /// Measure error rates on a labelled set of still images.
    Evaluate(evaluate::EvaluateArgs),
    /// Make a data directory: its log, its first policy, the first two people in its register.
    Create(desk::create::CreateArgs),
    #[command(flatten)]
    Desk(desk::DeskCommand),
    /// Say in words what a policy profile allows, and check it for contradictions.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Check a public log, or the proof of one entry, as an outsider.
    Verify(verify::VerifyArgs),
    /// Hand out the proof of one entry, such as a deletion receipt, as a file that is checked without the log.
    Prove(prove::ProveArgs),
    /// Run a witness: it vouches that the logs it follows only grow.
    Witness(witness::WitnessArgs),
    /// Take a published log to its witnesses, and put their cosignatures under it.
    Cosign(cosign::CosignArgs),
    /// Measure speed against the named peer.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Decode for the process that started this one; of no use to anybody else.
    #[cfg(all(feature = "video", target_os = "linux"))]
    #[command(name = capture::DECODER_COMMAND, hide = true)]
    ServeDecoder,
}

impl CommandLine {
    /// The command on a data directory that this line is, if it is one.
    fn on_data_directory(self) -> Option<desk::DeskCommand> {
        match self.command {
            Command::Desk(command) => Some(command),
            Command::Policy(command) => command.on_data_directory(),
            _ => None,
        }
    }
}

impl Command {
    /// Whether it tells a log of its work. A decoder is shut in, and says what it says to the process that started it.
    fn tells(&self) -> bool {
        #[cfg(all(feature = "video", target_os = "linux"))]
        if matches!(self, Self::ServeDecoder) {
            return false;
        }
        true
    }

    /// Whether it reads pictures of people, so that nobody else may read this process from then on.
    fn handles_faces(&self) -> bool {
        match self {
            Self::Demo(_) | Self::Inspect(_) | Self::Compare(_) | Self::Evaluate(_) | Self::Bench(_) => true,
            Self::Desk(command) => command.handles_faces(),
            Self::Models(_)
            | Self::Create(_)
            | Self::Policy(_)
            | Self::Verify(_)
            | Self::Prove(_)
            | Self::Witness(_)
            | Self::Cosign(_) => false,
            // It closes itself to others, more tightly.
            #[cfg(all(feature = "video", target_os = "linux"))]
            Self::ServeDecoder => false,
        }
    }
}

/// Exit code of every refused or failed command; 1 means that a check was made and came out against its subject.
const FAILED: u8 = 2;

/// What is freed is overwritten: decoders, encoders and engines keep copies of pictures that are not ours to wipe.
#[global_allocator]
static ALLOCATOR: face::process::WipingAllocator = face::process::WipingAllocator;

fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    if command.handles_faces() {
        for shortcoming in face::process::close_to_others().shortcomings() {
            eprintln!("overt: {shortcoming}");
        }
    }
    let outcome = command.tells().then(trace::begin).transpose().and_then(|_telling| run(command));
    outcome.unwrap_or_else(|error| {
        eprintln!("overt: {error:#}");
        ExitCode::from(FAILED)
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::run(args),
        Command::Models(command) => models::run(command),
        Command::Inspect(args) => inspect::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Create(args) => desk::create::run(args),
        Command::Desk(command) => command.run(),
        Command::Policy(command) => policy::run(command),
        Command::Verify(args) => verify::run(args),
        Command::Prove(args) => prove::run(args),
        Command::Witness(args) => witness::run(args),
        Command::Cosign(args) => cosign::run(args),
        Command::Bench(command) => bench::run(command),
        #[cfg(all(feature = "video", target_os = "linux"))]
        Command::ServeDecoder => Ok(capture::serve_decoder()),
    }
}
