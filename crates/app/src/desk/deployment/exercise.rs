//! Starting a deployment, running it to the end of its recordings or until somebody ends it, and ending it: the part that takes time.

use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use capture::Pace;
use domain::{Clock as _, Deployment, DeploymentId, Live, Officer, Policy};
use evidence::Fact;
use face::Faces;
use face::bundle::side_by_side;
use pipeline::{SharedStore, Source, Stage, Status};
use serde_json::json;
use store::{Recorded, Store};
use web::Screens;

use super::super::door::{Door, Inside};
use super::super::{At, Said, Session};
use super::opened::Opened;
use crate::clock::SystemClock;
use crate::demo;
use crate::screens::{Port, VIEW_INTERVAL};

#[derive(clap::Args)]
pub(super) struct RunArgs {
    /// The deployment.
    deployment: String,
    #[command(flatten)]
    opened: Opened,
    /// The models to use; see `overt models list`.
    #[arg(long, default_value = face::bundle::DEFAULT_BUNDLE)]
    bundle: String,
    /// As fast as the machine can, and not as it was recorded.
    #[arg(long)]
    fast: bool,
    /// Put the next seeded pair among the alerts every so many seconds; see `overt watchlist seed`.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..86_400))]
    seed_every_s: Option<u64>,
    /// Serve the control room and the public pages on this port of this machine (127.0.0.1), for the operator who starts it,
    /// until Ctrl-C, which ends the deployment; 0 chooses a free port.
    #[arg(long, value_name = "PORT")]
    screens: Option<u16>,
}

/// Starts it under the rules, waits until the recordings or the authority end (with screens: until they are closed), and says
/// what was counted. Meanwhile other commands on the data directory come to its door.
pub(super) fn run(at: &At, args: &RunArgs) -> Result<ExitCode> {
    args.opened.check_hardware()?;
    // Opened before the record is: an unfit model is no reason to hold the data directory.
    let models = face::models::directory()?;
    let long_side = Some(demo::FRAME_LONG_SIDE_PX_MAX);
    let open = || match args.fast {
        true => demo::open(&args.bundle, &models, long_side),
        false => demo::open_with(1, &args.bundle, &models, long_side),
    };
    let faces = open()?;
    let faces_beside = (1..side_by_side(args.opened.count())).map(|_| open()).collect::<Result<Vec<_>>>()?;
    let port = args.screens.map(Port::take).transpose()?;
    let mut store = at.hold()?;
    // In its place before anything is started: a run that nobody could pause from outside is none.
    let door = Door::place(at.data())?;
    let Started { live, policy, sources, operator } = match at.begin(&mut store, |session| start(session, args, &faces))
    {
        Ok(started) => started,
        Err(error) => return at.answer(Err(error)).print(),
    };
    let deployment = live.plan().deployment.clone();
    let store = Arc::new(Mutex::new(store));
    let running = Arc::new(pipeline::start(pipeline::Exercise {
        store: Arc::clone(&store),
        live,
        policy,
        faces,
        faces_beside,
        sources,
        clock: Arc::new(SystemClock),
        pace: if args.fast { Pace::AsFastAsConsumed } else { Pace::RealTime },
        rhythm: pipeline::cadence::Rhythm::Usual,
        view_interval: port.is_some().then_some(VIEW_INTERVAL),
    })?);
    let (inside, deployment) = (Arc::clone(&running), deployment);
    let open = door.open(Inside { store: Arc::clone(&store), running: inside, deployment: deployment.clone() })?;
    let status = std::thread::scope(|scope| {
        let (over, is_over) = channel::<()>();
        if let Some(seconds) = args.seed_every_s {
            let (store, deployment, camera) = (&store, &deployment, args.opened.first());
            scope.spawn(move || {
                while is_over.recv_timeout(Duration::from_secs(seconds)) == Err(RecvTimeoutError::Timeout) {
                    if let Err(error) = show_seed(store, deployment, camera) {
                        eprintln!("overt: showing a seeded pair: {error:#}");
                    }
                }
            });
        }
        let shown = port.map_or(Ok(()), |port| {
            eprintln!("control room   http://{}/", port.address()?);
            eprintln!("Ctrl-C ends {deployment}.");
            let served = port.serve(Screens {
                store: Arc::clone(&store),
                running: Arc::clone(&running),
                deployment: deployment.clone(),
                operator,
                clock: Arc::new(SystemClock),
            });
            running.stop("the control room was closed");
            served
        });
        let status = running.wait();
        drop(over);
        shown.map(|()| status)
    })?;
    drop(open);
    let said = said(&lock(&store), &deployment, &status);
    at.answer(said).print()
}

/// A live deployment, the policy it runs under, what it reads, and who operates it.
struct Started {
    live: Recorded<Live>,
    policy: Policy,
    sources: Vec<Source>,
    operator: Officer,
}

fn start(session: &mut Session<'_>, args: &RunArgs, faces: &Faces) -> Result<Started> {
    let policy = session.policy()?;
    let announced = session.deployment(&args.deployment)?.expect_announced()?.into_inner();
    let threshold = policy.threshold_for(&pipeline::model_id(faces.recognizer.contract()))?;
    let equipment = demo::exercise::equipment(faces, &policy)?;
    let sources = args.opened.sources()?;
    // Before the start is recorded: it would be the start of nothing.
    let reads_cameras = sources.iter().all(|source| source.footage.digest().is_none());
    let kind = announced.plan().kind;
    anyhow::ensure!(
        reads_cameras == (kind == domain::Kind::Live),
        "running {}: it is of the kind {}; name what it declared, with --{}",
        args.deployment,
        kind.word(),
        kind.source().word()
    );
    let operator = session.officer()?;
    let live = announced.start(&operator, equipment, threshold, &policy, session.now)?;
    let live = session.store.commit(live)?;
    session.store.publish(session.now)?;
    Ok(Started { live, policy, sources, operator })
}

/// Puts the next seeded pair among the alerts, unless the deployment stands still.
fn show_seed(store: &SharedStore, deployment: &DeploymentId, camera: &str) -> Result<()> {
    let mut store = lock(store);
    let recorded = store.deployment(deployment)?;
    if matches!(&*recorded, Deployment::Live(_)) {
        store.show_seed(&recorded.expect_live()?, camera, SystemClock.now())?;
    }
    Ok(())
}

fn said(store: &Store, deployment: &DeploymentId, status: &Status) -> Result<Said> {
    let ended = store.entries(Some(deployment))?.into_iter().find_map(|(_, entry)| match entry.fact {
        Fact::DeploymentEnded { reason, .. } => Some(reason),
        _ => None,
    });
    let state = match &status.stage {
        Stage::Stopped(reason) => format!("stopped: {reason}"),
        Stage::Paused(reason) => format!("paused: {reason}"),
        Stage::Running => "running".to_owned(),
        Stage::Ended => format!("ended: {}", ended.unwrap_or_default()),
    };
    let counts = status.counts;
    let text = format!(
        "{deployment} {state}; {} faces seen, {} templates made, {} destroyed, {} kept as alerts",
        counts.faces_seen, counts.templates_made, counts.templates_destroyed, counts.alerts_kept
    );
    Ok(Said::new(text, json!({ "deployment": deployment.to_string(), "state": state, "counts": counts })))
}

/// Also after another thread panicked: each decision is one transaction, so that none is half there.
fn lock(store: &SharedStore) -> std::sync::MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}
