//! Pictures: the masked live view of each camera, and the two images of a recorded alert. None may be kept by a browser.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::Refusal;
use pipeline::Stage;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::wrappers::ReceiverStream;

use super::alerts::{named, own};
use crate::answer::Fault;
use crate::house::House;

/// Most pictures a second that a screen is sent.
const VIEW_PICTURES_PER_SECOND_MAX: u64 = 25;
/// Pictures that wait for a slow browser; it gets the newest next.
const PICTURES_WAITING_MAX: usize = 1;
const BOUNDARY: &str = "overt-picture";

/// `GET /control-room/view/{camera}`: one masked picture after another, which any `<img>` shows.
pub(crate) async fn view(State(house): State<House>, Path(camera): Path<String>) -> Result<Response, Fault> {
    let camera = running_camera(&house, &camera)?;
    let place = house.stream_place()?;
    let (send, receive) = mpsc::channel(PICTURES_WAITING_MAX);
    tokio::spawn(async move {
        send_pictures(&house, camera, &send).await;
        drop(place);
    });
    let kind = format!("multipart/x-mixed-replace; boundary={BOUNDARY}");
    let body = Body::from_stream(ReceiverStream::new(receive));
    Ok(([(CONTENT_TYPE, kind.as_str()), (CACHE_CONTROL, "no-store")], body).into_response())
}

/// `GET /control-room/view/{camera}/still.jpg`: the newest masked picture.
pub(crate) async fn still(State(house): State<House>, Path(camera): Path<String>) -> Result<Response, Fault> {
    let camera = running_camera(&house, &camera)?;
    let (_, jpeg) = house.running().masked_view(camera, 0).ok_or(Fault::NotFound("picture of this camera yet"))?;
    Ok(picture("image/jpeg", Bytes::from_owner(jpeg)))
}

/// `GET /control-room/alerts/{alert}/live.png`: what the camera saw. Looking is itself recorded.
pub(crate) async fn live(State(house): State<House>, Path(alert): Path<String>) -> Result<Response, Fault> {
    let alert = named(&alert)?;
    let desk = house.clone();
    let opened = house.ask_store(move |store| {
        own(store, &alert, desk.deployment())?;
        Ok(store.view_evidence(&alert, desk.operator(), desk.now())?)
    });
    // The bytes stay in the buffer that is wiped when it is dropped, which is when the answer has been sent.
    Ok(picture("image/png", Bytes::from_owner(opened.await?.live_png)))
}

/// `GET /control-room/alerts/{alert}/listed.png`: the listed image that the alert is about.
pub(crate) async fn listed(State(house): State<House>, Path(alert): Path<String>) -> Result<Response, Fault> {
    let alert = named(&alert)?;
    let desk = house.clone();
    let image = house.ask_store(move |store| {
        let recorded = own(store, &alert, desk.deployment())?;
        let expired = recorded.raised().expires;
        if desk.now() >= expired {
            return Err(Fault::Refused(Refusal::AlertExpired { expired }));
        }
        Ok(store.alert_listed_image(&alert)?)
    });
    Ok(picture("image/png", Bytes::from_owner(image.await?)))
}

/// Sends each newer picture with the boundary that follows it, because a browser shows a picture when it sees its end.
async fn send_pictures(house: &House, camera: usize, send: &Sender<Result<Bytes, Infallible>>) {
    let mut closing = house.closing();
    let mut pace = interval(Duration::from_millis(1000 / VIEW_PICTURES_PER_SECOND_MAX));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = 0;
    if send.send(Ok(Bytes::from(format!("--{BOUNDARY}\r\n")))).await.is_err() {
        return;
    }
    while !*closing.borrow() && !house.running().status().stage.is_over() {
        tokio::select! {
            _ = pace.tick() => {}
            _ = closing.changed() => return,
            () = send.closed() => return,
        }
        let Some((number, jpeg)) = house.running().masked_view(camera, seen) else { continue };
        seen = number;
        if send_part(&jpeg, send).await.is_err() {
            return;
        }
    }
}

async fn send_part(
    jpeg: &Arc<[u8]>,
    send: &Sender<Result<Bytes, Infallible>>,
) -> Result<(), mpsc::error::SendError<Result<Bytes, Infallible>>> {
    let head = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    send.send(Ok(Bytes::from(head))).await?;
    send.send(Ok(Bytes::from_owner(Arc::clone(jpeg)))).await?;
    send.send(Ok(Bytes::from(format!("\r\n--{BOUNDARY}\r\n")))).await
}

/// The camera of this number, while pictures flow. Afterwards even the last picture is gone: a recorded alert is not
/// masked in it, and its evidence may have been destroyed.
fn running_camera(house: &House, camera: &str) -> Result<usize, Fault> {
    let known = camera.parse::<usize>().ok().filter(|camera| *camera < house.running().cameras().len());
    let camera = known.ok_or(Fault::NotFound("camera of this number"))?;
    match house.running().status().stage {
        Stage::Running | Stage::Paused(_) => Ok(camera),
        Stage::Ended | Stage::Stopped(_) => Err(Fault::Destroyed("the run is over and its pictures are gone")),
    }
}

fn picture(kind: &'static str, bytes: Bytes) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], bytes).into_response()
}
