//! The counters as they move: one event a second while something changed, until the run, the browser or the server ends.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::wrappers::ReceiverStream;

use super::snapshot::Snapshot;
use crate::answer::Fault;
use crate::house::House;

/// How often it is looked whether something changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Events that wait for a slow browser; it gets the newest next.
const EVENTS_WAITING_MAX: usize = 1;

/// `GET /control-room/events`
pub(crate) async fn stream(State(house): State<House>) -> Result<impl IntoResponse, Fault> {
    let place = house.stream_place()?;
    let (send, receive) = mpsc::channel(EVENTS_WAITING_MAX);
    tokio::spawn(async move {
        tell(&house, &send).await;
        drop(place);
    });
    Ok(Sse::new(ReceiverStream::new(receive)).keep_alive(KeepAlive::default()))
}

async fn tell(house: &House, send: &Sender<Result<Event, Infallible>>) {
    let mut closing = house.closing();
    let mut pace = interval(LOOK_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    while !*closing.borrow() {
        tokio::select! {
            _ = pace.tick() => {}
            _ = closing.changed() => return,
            () = send.closed() => return,
        }
        // A store that fails is said by the page itself when it is next loaded; the browser asks again by itself.
        let Ok(snapshot) = Snapshot::take(house).await else { return };
        if told.as_ref() == Some(&snapshot) {
            continue;
        }
        let Ok(event) = Event::default().event("snapshot").json_data(&snapshot) else { return };
        if send.send(Ok(event)).await.is_err() {
            return;
        }
        told = Some(snapshot);
    }
}
