//! The two decisions that end it all: ending the deployment, for a stated reason, and destroying everything sealed for it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Redirect;
use domain::Refusal;
use serde::Deserialize;
use tokio::time::interval;

use super::PATH;
use super::alerts::publish;
use crate::answer::Fault;
use crate::door::Posted;
use crate::house::House;

/// Most characters of a reason: it stands in an entry of the public record.
pub(crate) const REASON_CHARS_MAX: usize = 300;
/// How often, and how many times, it is looked whether the run has ended before the page is shown again.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: u32 = 60;

/// A posted end.
#[derive(Deserialize)]
pub(crate) struct EndForm {
    reason: String,
}

/// A posted purge.
#[derive(Deserialize)]
pub(crate) struct PurgeForm {
    /// Present when the box is ticked.
    understood: Option<String>,
}

/// `POST /control-room/end`
pub(crate) async fn end(State(house): State<House>, Posted(form): Posted<EndForm>) -> Result<Redirect, Fault> {
    let reason = form.reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Fault::Refused(Refusal::ReasonMissing));
    }
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(Fault::BadForm(format!("the reason is longer than {REASON_CHARS_MAX} characters")));
    }
    let running = Arc::clone(house.running());
    let asked = tokio::task::spawn_blocking(move || running.stop(&reason)).await;
    asked.map_err(|_| Fault::Broken("the run could not be asked to end"))?;
    let mut pace = interval(LOOK_EVERY);
    for _ in 0..LOOKS_MAX {
        if house.running().status().stage.is_over() {
            break;
        }
        pace.tick().await;
    }
    Ok(Redirect::to(PATH))
}

/// `POST /control-room/purge`
pub(crate) async fn purge(State(house): State<House>, Posted(form): Posted<PurgeForm>) -> Result<Redirect, Fault> {
    if form.understood.is_none() {
        return Err(Fault::BadForm("the box that says it cannot be undone is not ticked".into()));
    }
    let desk = house.clone();
    let purged = house.ask_store(move |store| {
        let ended = store.deployment(desk.deployment())?.expect_ended()?;
        store.purge(ended, desk.now())?;
        publish(store, desk.now());
        Ok(())
    });
    purged.await?;
    Ok(Redirect::to(&format!("{PATH}#purged")))
}
