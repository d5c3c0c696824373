//! Alerts: the list, one by itself, and what a person decides about it. The score stays hidden until the first judgement.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use domain::{AlertId, DeploymentId, Judgement, Outcome, Policy};
use evidence::Fact;
use jiff::Timestamp;
use serde::Deserialize;
use store::{AlertRow, AlertState, Recorded, Store};

use super::PATH;
use crate::answer::{Fault, show};
use crate::door::Posted;
use crate::house::House;
use crate::page::{Page, Wanted};
use crate::words;

/// Alerts on one page of the list: each unjudged one opens two sealed pictures.
pub(crate) const ALERTS_SHOWN_MAX: usize = 20;

/// One page of the list.
pub(crate) struct AlertList {
    pub(crate) alerts: Vec<AlertCard>,
    pub(crate) waiting: usize,
    pub(crate) total: usize,
    pub(crate) number: usize,
    pub(crate) newer: Option<usize>,
    pub(crate) older: Option<usize>,
}

/// One alert, without its pictures and its score.
pub(crate) struct AlertCard {
    pub(crate) id: String,
    pub(crate) camera: String,
    pub(crate) label: String,
    pub(crate) ground: String,
    pub(crate) raised: String,
    pub(crate) raised_clock: String,
    pub(crate) raised_iso: String,
    pub(crate) expires: String,
    pub(crate) state: CardState,
    pub(crate) judgement: Option<String>,
    pub(crate) decided_after: Option<String>,
    pub(crate) outcome: Option<String>,
    /// What the policy lets follow it.
    outcomes: Vec<Outcome>,
    /// Whether its evidence may still be looked at.
    pub(crate) has_evidence: bool,
}

/// What an alert waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CardState {
    /// A judgement.
    Waiting,
    /// An outcome.
    Judged,
    /// Nothing.
    Closed,
    /// Nothing: its evidence is destroyed.
    Expired,
}

/// A button of a form.
pub(crate) struct Choice {
    pub(crate) word: &'static str,
    pub(crate) label: String,
    /// The key that presses it.
    pub(crate) key: usize,
}

#[derive(Template)]
#[template(path = "alert_list.html")]
struct ListPart {
    list: AlertList,
    token: String,
}

#[derive(Template)]
#[template(path = "alert.html")]
struct AlertPage {
    page: Page,
    token: String,
    alert: AlertCard,
    list: Place,
    seen: Option<Seen>,
    next: Option<String>,
}

/// Which page of the list a form returns to.
struct Place {
    number: usize,
}

/// What is told only after the first judgement.
struct Seen {
    score: String,
    threshold: String,
    frame_number: String,
    offset: String,
}

/// A posted judgement.
#[derive(Deserialize)]
pub(crate) struct Judged {
    judgement: String,
    page: Option<String>,
}

/// A posted outcome.
#[derive(Deserialize)]
pub(crate) struct Followed {
    outcome: String,
    page: Option<String>,
}

/// `GET /control-room/alerts`: the list alone, for the script to put in place of the old one.
pub(crate) async fn list(State(house): State<House>, wanted: Wanted) -> Result<Html<String>, Fault> {
    let asked = house.clone();
    let list = house.ask_store(move |store| AlertList::look(store, &asked, wanted.page())).await?;
    show(&ListPart { list, token: house.form_token().to_owned() })
}

/// `GET /control-room/alerts/{alert}`
pub(crate) async fn page(State(house): State<House>, Path(alert): Path<String>) -> Result<Html<String>, Fault> {
    let asked = house.clone();
    let page = house.ask_store(move |store| AlertPage::look(store, &asked, &named(&alert)?)).await?;
    show(&page)
}

/// `POST /control-room/alerts/{alert}/judgement`
pub(crate) async fn judge(
    State(house): State<House>,
    Path(alert): Path<String>,
    Posted(form): Posted<Judged>,
) -> Result<Redirect, Fault> {
    let alert = named(&alert)?;
    let judgement = Judgement::from_word(&form.judgement).ok_or_else(|| no_such_choice("judgement"))?;
    let (desk, id) = (house.clone(), alert.clone());
    let recorded = house.ask_store(move |store| {
        if own(store, &id, desk.deployment())?.adjudicated().is_some() {
            return Err(Fault::Already("this alert has been judged already, and the first judgement stands"));
        }
        store.judge(&id, desk.operator(), judgement, desk.now())?;
        publish(store, desk.now());
        Ok(())
    });
    recorded.await?;
    Ok(back_to(&alert, form.page.as_deref()))
}

/// `POST /control-room/alerts/{alert}/outcome`
pub(crate) async fn record_outcome(
    State(house): State<House>,
    Path(alert): Path<String>,
    Posted(form): Posted<Followed>,
) -> Result<Redirect, Fault> {
    let alert = named(&alert)?;
    let outcome = Outcome::from_word(&form.outcome).ok_or_else(|| no_such_choice("outcome"))?;
    let (desk, id) = (house.clone(), alert.clone());
    let recorded = house.ask_store(move |store| {
        let (policy, now) = (policy(store)?, desk.now());
        let closed = match own(store, &id, desk.deployment())?.into_inner() {
            AlertState::Adjudicated(judged) => judged.record_outcome(desk.operator(), outcome, &policy, now)?,
            AlertState::Engaged(engaged) => engaged.record_outcome(desk.operator(), outcome, &policy, now)?,
            AlertState::Raised(_) | AlertState::JudgedOnce(_) => {
                return Err(Fault::Already("nobody has judged this alert yet; judge it first"));
            }
            AlertState::Closed(_) => return Err(Fault::Already("the outcome of this alert is on the record already")),
        };
        store.commit(closed)?;
        publish(store, desk.now());
        Ok(())
    });
    recorded.await?;
    Ok(back_to(&alert, form.page.as_deref()))
}

/// The alert of this name, if it belongs to the control room's deployment.
pub(super) fn own(store: &Store, alert: &AlertId, deployment: &DeploymentId) -> Result<Recorded<AlertState>, Fault> {
    let recorded = store.alert(alert)?;
    if recorded.raised().deployment == *deployment {
        Ok(recorded)
    } else {
        Err(Fault::NotFound("alert of this name in this deployment"))
    }
}

/// The policy in force, which names the outcomes.
fn policy(store: &Store) -> Result<Policy, Fault> {
    store.policy()?.ok_or(Fault::NotFound("policy in force"))
}

/// The name in an address.
pub(super) fn named(alert: &str) -> Result<AlertId, Fault> {
    AlertId::new(alert).map_err(|error| Fault::NotAName(error.to_string()))
}

/// Puts the newest entries where anyone can see them. Where it fails the decision stands all the same: it is on the
/// record, the public page says how many entries wait, and the run publishes again within a minute.
pub(super) fn publish(store: &mut Store, now: Timestamp) {
    let _said_by_the_public_page = store.publish(now);
}

impl AlertList {
    /// One page, counted from 1, newest first.
    pub(crate) fn look(store: &Store, house: &House, number: usize) -> Result<Self, Fault> {
        let (rows, now) = (store.alerts(house.deployment())?, house.now());
        let pages = rows.len().div_ceil(ALERTS_SHOWN_MAX).max(1);
        let number = number.clamp(1, pages);
        let policy = policy(store)?;
        let cards: Vec<AlertCard> = rows.into_iter().map(|row| AlertCard::new(row, &policy, now)).collect();
        let (waiting, total) = (cards.iter().filter(|card| card.state == CardState::Waiting).count(), cards.len());
        let alerts = cards.into_iter().skip((number - 1) * ALERTS_SHOWN_MAX).take(ALERTS_SHOWN_MAX).collect();
        let (newer, older) = ((number > 1).then(|| number - 1), (number < pages).then(|| number + 1));
        Ok(Self { alerts, waiting, total, number, newer, older })
    }
}

impl AlertCard {
    fn new(row: AlertRow, policy: &Policy, now: Timestamp) -> Self {
        let raised = row.alert.raised();
        let judgement = row.alert.adjudicated().map(|judged| judged.judgement);
        let outcome = match &row.alert {
            AlertState::Closed(closed) => Some(closed.outcome),
            _ => None,
        };
        let state = match &row.alert {
            over if over.is_over() => CardState::Closed,
            _ if now >= raised.expires => CardState::Expired,
            AlertState::Raised(_) | AlertState::JudgedOnce(_) => CardState::Waiting,
            _ => CardState::Judged,
        };
        let may_follow = |outcome: &Outcome| policy.outcomes.iter().any(|word| word == outcome.word());
        Self {
            id: raised.alert.to_string(),
            raised: words::moment(raised.raised),
            raised_clock: words::clock_time(raised.raised),
            raised_iso: raised.raised.to_string(),
            expires: words::moment(raised.expires),
            state,
            judgement: judgement.map(|judgement| capital(judgement.word())),
            decided_after: row.seconds_to_decide.map(|seconds| words::plural(seconds, "second")),
            outcome: outcome.map(|outcome| capital(outcome.word())),
            outcomes: Outcome::ALL.into_iter().filter(may_follow).collect(),
            has_evidence: now < raised.expires,
            camera: row.camera,
            label: row.label,
            ground: row.ground,
        }
    }

    /// Whether it waits for a judgement.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state == CardState::Waiting
    }

    /// The buttons it offers now: judgements, then outcomes, then none.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let words: Vec<&'static str> = match self.state {
            CardState::Waiting => Judgement::ALL.map(Judgement::word).to_vec(),
            CardState::Judged => self.outcomes.iter().map(|outcome| outcome.word()).collect(),
            CardState::Closed | CardState::Expired => Vec::new(),
        };
        words.into_iter().zip(1..).map(|(word, key)| Choice { word, label: capital(word), key }).collect()
    }
}

impl CardState {
    /// The word in the page, by which the script sees a change.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Judged => "judged",
            Self::Closed => "closed",
            Self::Expired => "expired",
        }
    }
}

impl AlertPage {
    fn look(store: &mut Store, house: &House, id: &AlertId) -> Result<Self, Fault> {
        let (deployment, now) = (house.deployment(), house.now());
        own(store, id, deployment)?;
        let rows = store.alerts(deployment)?;
        let place =
            rows.iter().position(|row| row.alert.raised().alert == *id).ok_or(Fault::NotFound("alert of this name"))?;
        let policy = policy(store)?;
        let mut cards: Vec<AlertCard> = rows.into_iter().map(|row| AlertCard::new(row, &policy, now)).collect();
        let alert = cards.swap_remove(place);
        let next = cards.iter().rev().find(|card| card.is_waiting()).map(|card| card.id.clone());
        let judged = matches!(alert.state, CardState::Judged | CardState::Closed);
        let seen = if judged && alert.has_evidence { Seen::open(store, house, id)? } else { None };
        let page = Page::control_room(format!("Alert {}", alert.id), house.kind(store)?);
        let list = Place { number: place / ALERTS_SHOWN_MAX + 1 };
        Ok(Self { page, token: house.form_token().to_owned(), alert, list, seen, next })
    }
}

impl Seen {
    /// What is told after the judgement; nothing for a seeded pair, which has no score.
    fn open(store: &mut Store, house: &House, alert: &AlertId) -> Result<Option<Self>, Fault> {
        let judged = own(store, alert, house.deployment())?.expect_adjudicated()?;
        let Some(told) = store.view_particulars(&judged, house.operator(), house.now())? else { return Ok(None) };
        let entries = store.entries(Some(house.deployment()))?;
        let threshold = entries.into_iter().find_map(|(_, entry)| match entry.fact {
            Fact::DeploymentStarted { equipment, .. } => Some(equipment.threshold),
            _ => None,
        });
        Ok(Some(Self {
            score: format!("{:.3}", told.score),
            threshold: threshold.unwrap_or_else(|| "not recorded".into()),
            frame_number: words::grouped(told.frame_number),
            offset: format!("{}.{} s", words::grouped(told.offset_ms / 1000), told.offset_ms % 1000 / 100),
        }))
    }
}

fn no_such_choice(what: &str) -> Fault {
    Fault::BadForm(format!("its {what} is none of those offered"))
}

/// Back to the alert in its list; the number of the page is taken only as a number.
fn back_to(alert: &AlertId, page: Option<&str>) -> Redirect {
    let query = match page.and_then(|page| page.parse::<usize>().ok()) {
        Some(page) if page > 1 => format!("?page={page}"),
        _ => String::new(),
    };
    Redirect::to(&format!("{PATH}{query}#alert-{alert}"))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str())
}
