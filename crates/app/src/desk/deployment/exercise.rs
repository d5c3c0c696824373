//! Starting a deployment, running it to the end of its recordings, and ending it: the part that takes time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use capture::{Pace, Recording};
use pipeline::{Footage, Source, Stage};
use serde_json::json;

use super::super::{At, Said};
use crate::clock::SystemClock;
use crate::demo;

#[derive(clap::Args)]
pub(super) struct RunArgs {
    /// The deployment.
    deployment: String,
    /// A declared recording, in the place of its camera; once for each.
    #[arg(long = "recording", value_name = "CAMERA=FILE", required = true, value_parser = camera_and_file)]
    recordings: Vec<(String, PathBuf)>,
    /// The models to use; see `overt models list`.
    #[arg(long, default_value = face::bundle::DEFAULT_BUNDLE)]
    bundle: String,
    /// As fast as the machine can, and not as it was recorded.
    #[arg(long)]
    fast: bool,
}

fn camera_and_file(text: &str) -> Result<(String, PathBuf), String> {
    let (camera, file) = text.split_once('=').ok_or("write CAMERA=FILE")?;
    Ok((camera.to_owned(), file.into()))
}

/// Starts it under the rules, waits until the recordings or the authority end, and says what was counted.
pub(super) fn run(at: &At, args: RunArgs) -> Result<ExitCode> {
    // Opened before the record is: an unfit model is no reason to hold the data directory.
    let models = face::models::directory()?;
    let faces = demo::open(&args.bundle, &models, Some(demo::FRAME_LONG_SIDE_PX_MAX))?;
    let mut started = None;
    let outcome = at.begin(|session| {
        let policy = session.policy()?;
        let announced = session.deployment(&args.deployment)?.expect_announced()?.into_inner();
        let threshold = policy.threshold_for(&pipeline::model_id(faces.recognizer.contract()))?;
        let equipment = demo::exercise::equipment(&faces, &policy)?;
        let sources = args.recordings.iter().map(source).collect::<Result<Vec<_>>>()?;
        let live = announced.start(&session.officer()?, equipment, threshold, &policy, session.now)?;
        let live = session.store.commit(live)?;
        session.store.publish(session.now)?;
        started = Some((live, policy.clone(), faces, sources));
        Ok(())
    });
    let store = match outcome {
        Ok(session) => Arc::new(Mutex::new(session.store)),
        Err(error) => return at.tell(Err(error)),
    };
    let (live, policy, faces, sources) = started.context("nothing was started")?;
    let pace = if args.fast { Pace::AsFastAsConsumed } else { Pace::RealTime };
    let clock = Arc::new(SystemClock);
    let exercise = pipeline::Exercise {
        store: Arc::clone(&store),
        live,
        policy,
        faces,
        sources,
        clock,
        pace,
        rhythm: pipeline::cadence::Rhythm::Usual,
        view_interval: None,
    };
    let status = pipeline::start(exercise)?.wait();
    let state = match status.stage {
        Stage::Stopped(reason) => format!("stopped: {reason}"),
        Stage::Ended => "ended with its recordings".to_owned(),
        Stage::Paused(reason) => format!("paused: {reason}"),
        Stage::Running => "running".to_owned(),
    };
    let counts = status.counts;
    let text = format!(
        "{} {state}: {} faces seen, {} templates made, {} destroyed, {} kept as alerts",
        args.deployment, counts.faces_seen, counts.templates_made, counts.templates_destroyed, counts.alerts_kept
    );
    at.tell(Ok(Said::new(text, json!({ "deployment": args.deployment, "state": state, "counts": counts }))))
}

fn source((camera, file): &(String, PathBuf)) -> Result<Source> {
    Ok(Source { camera: camera.clone(), footage: Footage::Recording(Recording::open(file)?) })
}
