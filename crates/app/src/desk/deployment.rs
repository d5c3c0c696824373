//! `overt deployment`: one authorised use from its proposal to its published results, every step of it.

mod camera;
mod exercise;
mod opened;
mod steps;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use domain::{Deployment, Kind, Plan};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{At, Said, Session};

/// Arguments of `overt deployment`.
#[derive(clap::Args)]
pub(crate) struct DeploymentArgs {
    #[command(flatten)]
    pub(super) at: At,
    #[command(subcommand)]
    command: DeploymentCommand,
}

#[derive(clap::Subcommand)]
enum DeploymentCommand {
    /// List every deployment on the record.
    List,
    /// Say what a deployment is, and what state it is in.
    Show(Named),
    /// Propose a deployment: an exercise on recorded files, or a live one with cameras.
    Propose(Proposal),
    /// Fill a document slot with the digest of a file, such as the impact assessment.
    Document {
        /// The deployment.
        deployment: String,
        /// The slot, from the policy's list.
        #[arg(long)]
        slot: String,
        /// The document.
        #[arg(long)]
        file: PathBuf,
    },
    /// Approve it: another person than proposed it.
    Approve(Named),
    /// Approve it although it cannot wait for the ordinary approval.
    ApproveUrgently {
        /// The deployment.
        deployment: String,
        /// Why it cannot wait, from the policy's list.
        #[arg(long)]
        ground: String,
    },
    /// Ratify an urgent approval.
    Ratify(Named),
    /// Print the text that the body outside signs.
    OutsideText(Named),
    /// Enter the signature of the body outside.
    OutsideSign {
        /// The deployment.
        deployment: String,
        /// The signed note.
        #[arg(long)]
        signature: PathBuf,
    },
    /// Publish the public notice.
    Announce {
        /// The deployment.
        deployment: String,
        /// The notice, a text.
        #[arg(long)]
        notice: PathBuf,
    },
    /// Confirm signs, public page and the way round, on the spot and on the day.
    ConfirmSigns {
        /// The deployment.
        deployment: String,
        /// Number of signs in place.
        #[arg(long)]
        signs: u32,
        /// The way round the recognition zone.
        #[arg(long)]
        route: String,
        /// Address of the public page that the signs' QR code opens.
        #[arg(long)]
        page: String,
    },
    /// Declare a recording that the exercise will read.
    Declare(Recorded),
    /// Declare a camera that the live deployment will open, with its recognition zone.
    DeclareCamera(camera::DeclaredCamera),
    /// Draw a camera's recognition zone as a sign to print (SVG, A4), from the public record alone.
    DrawZone(camera::DrawnZone),
    /// Start comparison, run it to the end of the recordings or until somebody ends it, and end it.
    Run(exercise::RunArgs),
    /// Stop comparison for the time being.
    Pause(Reasoned),
    /// Go on after a pause.
    Resume(Named),
    /// Go on after a trip-wire stopped it.
    ClearTrip(Reasoned),
    /// End it.
    End(Reasoned),
    /// Give it up before it began.
    Withdraw(Reasoned),
    /// Destroy everything sealed for it, with its key.
    Purge(Named),
    /// Publish what came of it, once it is purged.
    PublishResults(Named),
}

#[derive(clap::Args)]
struct Named {
    /// The deployment.
    deployment: String,
}

#[derive(clap::Args)]
struct Reasoned {
    /// The deployment.
    deployment: String,
    /// Why; it is published, so name nobody.
    #[arg(long)]
    reason: String,
}

/// The words for the kinds of deployment.
fn kind() -> PossibleValuesParser {
    PossibleValuesParser::new(Kind::ALL.map(Kind::word))
}

#[derive(clap::Args)]
struct Proposal {
    /// Its name on the record.
    deployment: String,
    /// The operation it belongs to.
    #[arg(long)]
    operation: String,
    /// Why, from the policy's list.
    #[arg(long)]
    purpose: String,
    /// Where, in words.
    #[arg(long)]
    place: String,
    /// On what ground this place, from the policy's list.
    #[arg(long)]
    place_ground: String,
    /// The evidence for that ground, such as the crime data; its digest is published.
    #[arg(long, value_name = "FILE")]
    place_evidence: PathBuf,
    /// What it reads: recorded files in an exercise, cameras in a live deployment. The policy must allow it.
    #[arg(long, value_name = "KIND", default_value = Kind::Exercise.word(), value_parser = kind())]
    kind: String,
    /// Number of recordings, or of cameras: no more may be declared.
    #[arg(long, default_value_t = 1)]
    cameras: u32,
    /// Beginning of the window, such as 2026-03-01T09:00:00Z.
    #[arg(long)]
    starts: Timestamp,
    /// End of the window.
    #[arg(long)]
    ends: Timestamp,
}

#[derive(clap::Args)]
struct Recorded {
    /// The deployment.
    deployment: String,
    /// The camera whose place the recording takes.
    #[arg(long)]
    camera: String,
    /// The recording: a video, or a folder of pictures.
    #[arg(long)]
    recording: PathBuf,
}

impl DeploymentArgs {
    /// The command that says how a deployment stands.
    pub(super) fn show(at: At, deployment: String) -> Self {
        Self { at, command: DeploymentCommand::Show(Named { deployment }) }
    }

    /// Whether it takes longer than a moment.
    pub(super) fn is_run(&self) -> bool {
        matches!(self.command, DeploymentCommand::Run(_))
    }
}

/// Starts a deployment and runs it to its end; every other command is [`act`]'s.
pub(super) fn run(args: DeploymentArgs) -> Result<ExitCode> {
    match args.command {
        DeploymentCommand::Run(run) => exercise::run(&args.at, &run),
        _ => anyhow::bail!("running a deployment: this is another command"),
    }
}

/// Takes one step.
pub(super) fn act(args: DeploymentArgs, session: &mut Session<'_>) -> Result<Said> {
    use DeploymentCommand as C;
    {
        match args.command {
            C::Run(_) => anyhow::bail!(
                "running a deployment: the process that holds the data directory runs one; wait until it ends"
            ),
            C::List => steps::list(session),
            C::Show(named) => Ok(said(&*session.deployment(&named.deployment)?)),
            C::Propose(proposal) => steps::propose(session, proposal),
            C::Document { deployment, slot, file } => steps::document(session, &deployment, &slot, &file),
            C::Approve(named) => steps::approve(session, &named.deployment),
            C::ApproveUrgently { deployment, ground } => steps::approve_urgently(session, &deployment, &ground),
            C::Ratify(named) => steps::ratify(session, &named.deployment),
            C::OutsideText(named) => steps::outside_text(session, &named.deployment),
            C::OutsideSign { deployment, signature } => steps::outside_sign(session, &deployment, &signature),
            C::Announce { deployment, notice } => steps::announce(session, &deployment, &notice),
            C::ConfirmSigns { deployment, signs, route, page } => {
                steps::confirm_signs(session, &deployment, signs, &route, &page)
            }
            C::Declare(recorded) => steps::declare(session, &recorded),
            C::DeclareCamera(declared) => camera::declare(session, declared),
            C::DrawZone(drawn) => camera::draw(session, &drawn),
            C::Pause(why) => steps::pause(session, &why.deployment, &why.reason),
            C::Resume(named) => steps::resume(session, &named.deployment),
            C::ClearTrip(why) => steps::clear_trip(session, &why.deployment, &why.reason),
            C::End(why) => steps::end(session, &why.deployment, &why.reason),
            C::Withdraw(why) => steps::withdraw(session, &why.deployment, &why.reason),
            C::Purge(named) => steps::purge(session, &named.deployment),
            C::PublishResults(named) => steps::publish_results(session, &named.deployment),
        }
    }
}

/// A deployment and its state.
fn said(deployment: &Deployment) -> Said {
    let Plan { deployment: name, place, starts, ends, purpose, .. } = deployment.plan();
    let state = deployment.state();
    Said::new(format!("{name} is {state}: {purpose}, {place}, {starts} to {ends}"), data(deployment))
}

fn data(deployment: &Deployment) -> Value {
    let plan = deployment.plan();
    json!({
        "deployment": plan.deployment.to_string(), "state": deployment.state(), "operation": plan.operation.to_string(),
        "kind": plan.kind.word(), "purpose": plan.purpose, "place": plan.place, "place_ground": plan.place_ground,
        "place_evidence": plan.place_evidence, "cameras": plan.cameras, "starts": plan.starts.to_string(),
        "ends": plan.ends.to_string(),
    })
}
