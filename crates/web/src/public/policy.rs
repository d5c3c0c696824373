//! A policy profile's public page: what it allows and forbids, what is kept for how long, and what stands against each risk.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use store::{Explanation, Sentence};

use crate::answer::{Fault, show};
use crate::house::House;
use crate::page::Page;

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    page: Page,
    policy: Explanation,
    in_force: bool,
}

/// `GET /policies/{digest}`
pub(crate) async fn page(State(house): State<House>, Path(digest): Path<String>) -> Result<Html<String>, Fault> {
    let asked = house.clone();
    let page = house.ask_store(move |store| {
        let Some(text) = store.adopted_policy_text(&digest)? else { return Err(Fault::Unknown("the policy")) };
        let policy = store::explain(&text)?;
        let in_force = store.policy_text()?.is_some_and(|current| current == text);
        let title = format!("Policy profile {}, version {}", policy.profile, policy.version);
        Ok(PolicyPage { page: Page::public(title, asked.kind(store)?), policy, in_force })
    });
    show(&page.await.map_err(Fault::for_public)?)
}

impl PolicyPage {
    /// What no profile may exceed, in words; nothing where nothing is said of it.
    fn limit(&self, sentence: &Sentence) -> String {
        let limit = sentence.limit.as_ref();
        limit.map(|limit| format!("Any profile: {}. {}", limit.range, limit.source)).unwrap_or_default()
    }
}
