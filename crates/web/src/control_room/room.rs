//! The page of the control room.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use domain::Deployment;
use evidence::{Entry, Fact};
use store::Store;

use super::alerts::AlertList;
use super::snapshot::{Counter, Snapshot};
use crate::answer::{Fault, show};
use crate::house::House;
use crate::page::{Page, Wanted};
use crate::words;

#[derive(Template)]
#[template(path = "control_room.html")]
struct RoomPage {
    page: Page,
    token: String,
    deployment: String,
    place: String,
    state: &'static str,
    stopped_because: Option<String>,
    running: bool,
    still: bool,
    cameras: Vec<Camera>,
    counters: Vec<Counter>,
    stage: &'static str,
    list: AlertList,
    may_end: bool,
    may_purge: bool,
    purged: Option<PurgedWords>,
}

/// One live view.
struct Camera {
    index: usize,
    name: String,
    words: String,
    ailing: bool,
}

/// What a purge destroyed, as the record says it.
struct PurgedWords {
    at: String,
    alerts: String,
    images: String,
    key_destroyed: bool,
}

/// `GET /control-room`
pub(crate) async fn page(State(house): State<House>, wanted: Wanted) -> Result<Html<String>, Fault> {
    let asked = house.clone();
    let page = house.ask_store(move |store| RoomPage::look(store, &asked, &wanted)).await?;
    show(&page)
}

impl RoomPage {
    fn look(store: &Store, house: &House, wanted: &Wanted) -> Result<Self, Fault> {
        let (id, now) = (house.deployment(), house.now());
        let deployment = store.deployment(id)?.into_inner();
        let snapshot = Snapshot::look(store, house.running(), id, now)?;
        let list = AlertList::look(store, house, wanted.page())?;
        let purged = match deployment {
            Deployment::Purged(_) => {
                let entries = store.entries(Some(id))?;
                entries.iter().rev().find_map(|(_, entry)| PurgedWords::read(entry, listed_images(&entries)))
            }
            _ => None,
        };
        let names = house.running().cameras().iter().cloned().enumerate();
        let camera = |(index, name): (usize, String)| {
            let watched = snapshot.cameras.get(index);
            let (words, ailing) = watched.map_or((String::new(), false), |of| (of.words.clone(), of.ailing));
            Camera { index, name, words, ailing }
        };
        Ok(Self {
            page: Page::control_room(title(list.waiting), deployment.plan().kind),
            token: house.form_token().to_owned(),
            deployment: id.to_string(),
            place: deployment.plan().place.clone(),
            state: deployment.state(),
            running: snapshot.is_running(),
            still: wanted.still(),
            cameras: names.map(camera).collect(),
            counters: snapshot.counters(),
            stage: snapshot.stage,
            stopped_because: snapshot.stopped_because.as_deref().map(words::sentence_case),
            list,
            may_end: matches!(deployment, Deployment::Live(_) | Deployment::Paused(_)),
            may_purge: matches!(deployment, Deployment::Ended(_)),
            purged,
        })
    }
}

impl PurgedWords {
    /// `images` is how many were listed: the list was destroyed when the deployment ended, before the purge.
    fn read(entry: &Entry, images: u64) -> Option<Self> {
        let Fact::DeploymentPurged { alerts_destroyed, key_destroyed, .. } = &entry.fact else {
            return None;
        };
        Some(Self {
            at: words::moment(entry.at),
            alerts: words::grouped(*alerts_destroyed),
            images: words::grouped(images),
            key_destroyed: *key_destroyed,
        })
    }
}

/// How many images were listed, all of which are destroyed once the deployment is purged: `overt verify` holds both
/// against each other.
fn listed_images(entries: &[(u64, Entry)]) -> u64 {
    let frozen = entries.iter().find_map(|(_, entry)| match entry.fact {
        Fact::WatchlistFrozen { images, .. } => Some(images),
        _ => None,
    });
    frozen.unwrap_or(0)
}

/// The number of alerts that wait stands first, where a narrow browser tab still shows it.
fn title(waiting: usize) -> String {
    if waiting == 0 { "Control room".into() } else { format!("({waiting}) Control room") }
}
