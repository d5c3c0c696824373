//! The attended exercise: serves the control room and the public pages until interrupted, then ends and purges.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use domain::{Clock, Deployment, Officer};
use pipeline::Running;
use tokio::net::TcpListener;

use super::report::Exercise;
use crate::desk::door::{Door, Inside};

/// Four masked pictures a second are enough to follow, and leave the machine to the faces.
pub(crate) const VIEW_INTERVAL: Duration = Duration::from_millis(250);

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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let screens = web::Screens {
        store: Arc::clone(&exercise.store),
        running: Arc::clone(&running),
        deployment: exercise.deployment.clone(),
        operator,
        clock: Arc::clone(&clock),
    };
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("listening on {address}: choose another port with --port"))?;
        announce(&exercise, listener.local_addr()?);
        web::serve(listener, screens, interrupted()).await?;
        Ok::<_, anyhow::Error>(())
    })?;
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

/// Returns when somebody, or the machine on its way down, asks for the end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    // Where no signal can be waited for, the exercise runs until its window closes; it is purged at the next start.
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        Some(()) = terminated.recv() => {}
        else => std::future::pending().await,
    }
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
