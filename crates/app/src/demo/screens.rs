//! The attended exercise: serves the control room and the public pages until interrupted, then ends and purges.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use domain::{Clock, Deployment, Officer};
use pipeline::Running;

use super::report::Exercise;
use crate::desk::door::{Door, Inside};
use crate::screens::Port;

/// Serves the screens.
pub(crate) fn serve(
    exercise: Exercise,
    running: Running,
    port: u16,
    operator: Officer,
    clock: Arc<dyn Clock>,
) -> Result<ExitCode> {
    let running = Arc::new(running);
    let inside = Inside {
        store: Arc::clone(&exercise.store),
        running: Arc::clone(&running),
        deployment: exercise.deployment.clone(),
    };
    let door = Door::place(&exercise.data_dir)?.open(inside)?;
    let screens = web::Screens {
        store: Arc::clone(&exercise.store),
        running: Arc::clone(&running),
        deployment: exercise.deployment.clone(),
        operator,
        clock: Arc::clone(&clock),
    };
    let port = Port::take(port)?;
    announce(&exercise, port.address()?);
    port.serve(screens)?;
    drop(door);
    finish(&exercise, &running, &*clock)?;
    Ok(ExitCode::SUCCESS)
}

fn announce(exercise: &Exercise, address: SocketAddr) {
    eprintln!("Exercise {}: recorded pictures only, no camera is opened and nobody is scanned.", exercise.deployment);
    eprintln!("  control room   http://{address}/");
    eprintln!("  public page    http://{address}/deployments/{}", exercise.deployment);
    eprintln!("  data           {}", exercise.data_dir.display());
    eprintln!("Ctrl-C ends the exercise and purges it.");
}

/// Ends the run if it is still going, purges, and says how to check the record.
fn finish(exercise: &Exercise, running: &Running, clock: &dyn Clock) -> Result<()> {
    running.stop("the control room was closed");
    running.wait();
    let mut store = exercise
        .store
        .lock()
        .map_err(|_| anyhow!("the store was left in an unknown state; start the demo again to recover it"))?;
    if let Deployment::Ended(_) = &*store.deployment(&exercise.deployment)? {
        let ended = store.deployment(&exercise.deployment)?.expect_ended()?;
        store.purge(ended, clock.now())?;
        eprintln!("The exercise is ended and purged.");
    }
    store.publish(clock.now())?;
    eprintln!(
        "Check its record:\n  overt verify {} --key {}",
        store.public_dir().display(),
        store.public_dir().join("key").display()
    );
    Ok(())
}
