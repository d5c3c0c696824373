//! The index of the public pages: every deployment on the record, newest first.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use crate::answer::{Fault, show};
use crate::house::House;
use crate::page::Page;
use crate::words;

/// Deployments listed; older ones keep their own pages.
const DEPLOYMENTS_SHOWN_MAX: usize = 100;

#[derive(Template)]
#[template(path = "deployments.html")]
struct IndexPage {
    page: Page,
    deployments: Vec<Line>,
    left_out: usize,
}

struct Line {
    deployment: String,
    place: String,
    kind: &'static str,
    date: String,
    state: &'static str,
}

/// `GET /deployments`
pub(crate) async fn page(State(house): State<House>) -> Result<Html<String>, Fault> {
    let asked = house.clone();
    let page = house.ask_store(move |store| {
        let ids = store.deployments()?;
        let left_out = ids.len().saturating_sub(DEPLOYMENTS_SHOWN_MAX);
        let newest = ids.into_iter().rev().take(DEPLOYMENTS_SHOWN_MAX);
        let lines = newest.map(|id| {
            let deployment = store.deployment(&id)?;
            let plan = deployment.plan();
            Ok::<_, Fault>(Line {
                deployment: id.to_string(),
                place: plan.place.clone(),
                kind: plan.kind.word(),
                date: words::day(plan.starts),
                state: deployment.state(),
            })
        });
        let deployments = lines.collect::<Result<_, Fault>>()?;
        Ok(IndexPage { page: Page::public("Deployments", asked.kind(store)?), deployments, left_out })
    });
    show(&page.await.map_err(Fault::for_public)?)
}
