//! Whether what the record says could have happened lawfully: the order of facts, their dates and their counts.
//!
//! Reads entries one after another and remembers only what later ones are measured against, so a log of any length is
//! read in bounded memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::Timestamp;
use serde::Serialize;

use crate::mandate::Mandate;
use crate::receipts::Ledger;
use crate::steps::{Stage, deed, lawful_stages, stage_after, stage_words};
use crate::{Counts, DeploymentPlan, Entry, Fact, Results};

/// Most problems that are told; the rest are counted.
pub const PROBLEMS_MAX: usize = 100;
/// Most policies, operations, deployments and alerts of unpurged deployments that are remembered at one time.
pub const NAMES_MAX: usize = 1_000_000;
/// Longest name that is remembered.
pub const NAME_BYTES_MAX: usize = 200;

/// Something the record says that cannot be, or should not have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Number of the entry, from 0.
    pub entry: u64,
    /// What is wrong with it.
    pub sentence: String,
}

/// What the record adds up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tallies {
    /// Operations opened.
    pub operations: u64,
    /// Deployments proposed.
    pub deployments: u64,
    /// Of these, purged.
    pub deployments_purged: u64,
    /// Of these, withdrawn before they began.
    pub deployments_withdrawn: u64,
    /// Deletion receipts.
    pub receipts: u64,
    /// Alerts raised.
    pub alerts: u64,
    /// The sum of all deletion receipts.
    pub counts: Counts,
}

/// The record as far as it has been read.
#[derive(Debug, Default)]
pub struct Story {
    read_until: Option<Timestamp>,
    policies: BTreeSet<String>,
    /// The outside key that each operation names, if it names one.
    operations: BTreeMap<String, Option<String>>,
    last: u64,
    deployments: BTreeMap<String, Deployment>,
    /// Number of names remembered in all these.
    names: usize,
    tallies: Tallies,
    problems: Vec<Problem>,
    problems_untold: u64,
}

#[derive(Debug)]
struct Deployment {
    stage: Stage,
    facts: Option<Box<Running>>,
    /// What its results must agree with, once it is purged.
    account: Option<Account>,
}

/// What a purged deployment's results are measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    cameras: u32,
    watchlist: u64,
    alerts: u64,
    faces_seen: u64,
}

/// What is remembered of a deployment until it is purged or withdrawn.
#[derive(Debug)]
struct Running {
    is_exercise: bool,
    cameras: u32,
    mandate: Mandate,
    /// Number of people on the watchlist, once it is frozen.
    watchlist_people: u64,
    window: Range<Timestamp>,
    /// Number of images on the watchlist, once it is frozen.
    watchlist_images: Option<u64>,
    signage_confirmed: bool,
    recording_declared: bool,
    /// How often an alert was raised, repetitions too.
    alerts_named: usize,
    /// Whether each alert has been judged.
    alerts: BTreeMap<String, bool>,
    ledger: Option<Ledger>,
}

impl Story {
    /// Takes in the next entry, which is number `index` of the log.
    pub fn read(&mut self, index: u64, entry: &Entry) {
        if self.read_until.is_some_and(|before| entry.at < before) {
            self.tell(index, format!("it is dated {}, before the entry it follows", entry.at));
        }
        self.read_until = self.read_until.max(Some(entry.at));
        self.last = index;
        for sentence in self.take(entry) {
            self.tell(index, sentence);
        }
    }

    /// Notes that entry `index` is wrong.
    pub fn tell(&mut self, index: u64, sentence: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { entry: index, sentence });
        } else {
            self.problems_untold += 1;
        }
    }

    /// What it adds up to, the problems found, and how many more there are.
    pub fn finish(mut self) -> (Tallies, Vec<Problem>, u64) {
        for sentence in self.lapsed() {
            self.tell(self.last, sentence);
        }
        (self.tallies, self.problems, self.problems_untold)
    }

    /// Deployments whose urgent approval lapsed and that are neither purged nor withdrawn, although the record goes on.
    fn lapsed(&self) -> Vec<String> {
        let now = self.read_until.unwrap_or(Timestamp::MIN);
        let lapsed = self.deployments.iter().filter_map(|(name, deployment)| {
            let by = deployment.facts.as_ref()?.mandate.lapsed(now)?;
            Some(format!("deployment {name} lapsed at {by}, ratified by nobody, and by {now} was not purged"))
        });
        lapsed.collect()
    }

    fn take(&mut self, entry: &Entry) -> Vec<String> {
        let new_name = match &entry.fact {
            Fact::PolicyAdopted { digest, .. } => digest,
            Fact::OperationOpened { operation, .. } => operation,
            Fact::DeploymentProposed(plan) => &plan.deployment,
            Fact::AlertRaised { alert, .. } => alert,
            Fact::StaffCounted { .. } => return vec![],
            fact => return self.go_on(entry.at, fact),
        };
        if new_name.len() > NAME_BYTES_MAX {
            return vec![format!("it gives a name of {} bytes, {NAME_BYTES_MAX} are the most", new_name.len())];
        }
        if self.names >= NAMES_MAX {
            return vec![format!("the record has more than {NAMES_MAX} names at one time")];
        }
        self.names += 1;
        match &entry.fact {
            Fact::PolicyAdopted { digest, .. } => {
                self.policies.insert(digest.clone());
                vec![]
            }
            Fact::OperationOpened { operation, policy_digest, outside_authoriser, .. } => {
                self.open(operation, policy_digest, outside_authoriser.clone())
            }
            Fact::DeploymentProposed(plan) => self.propose(plan),
            fact => self.go_on(entry.at, fact),
        }
    }

    fn open(&mut self, operation: &str, policy_digest: &str, outside_key: Option<String>) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self.policies.contains(policy_digest) {
            wrong.push(format!("operation {operation} is opened under a policy that was never adopted"));
        }
        if self.operations.contains_key(operation) {
            wrong.push(format!("operation {operation} is opened twice"));
        } else {
            self.operations.insert(operation.to_owned(), outside_key);
            self.tallies.operations += 1;
        }
        wrong
    }

    fn propose(&mut self, plan: &DeploymentPlan) -> Vec<String> {
        let name = &plan.deployment;
        if self.deployments.contains_key(name) {
            return vec![format!("deployment {name} is proposed twice")];
        }
        let mut wrong = Vec::new();
        let outside_key = self.operations.get(&plan.operation);
        if outside_key.is_none() {
            wrong.push(format!("deployment {name} belongs to {}, which was never opened", plan.operation));
        }
        if plan.starts >= plan.ends {
            wrong.push(format!("deployment {name} has a window that ends before it begins"));
        }
        let facts = Running {
            is_exercise: plan.deployment_kind == "exercise",
            cameras: plan.cameras,
            mandate: Mandate::new(plan, outside_key.and_then(Option::as_ref)),
            watchlist_people: 0,
            window: plan.starts..plan.ends,
            watchlist_images: None,
            signage_confirmed: false,
            recording_declared: false,
            alerts_named: 0,
            alerts: BTreeMap::new(),
            ledger: None,
        };
        let deployment = Deployment { stage: Stage::Proposed, facts: Some(Box::new(facts)), account: None };
        self.deployments.insert(name.clone(), deployment);
        self.tallies.deployments += 1;
        wrong
    }

    fn go_on(&mut self, at: Timestamp, fact: &Fact) -> Vec<String> {
        let name = fact.deployment().unwrap_or_default();
        let Some(deployment) = self.deployments.get_mut(name) else {
            return vec![format!("deployment {name} {}, but it was never proposed", deed(fact))];
        };
        self.tallies.count(fact);
        let mut wrong = Vec::new();
        if !lawful_stages(fact).contains(&deployment.stage) {
            wrong.push(format!("deployment {name} {} while it was {}", deed(fact), stage_words(deployment.stage)));
        }
        let Some(facts) = &mut deployment.facts else {
            if let (Fact::ResultsPublished { results, .. }, Some(account)) = (fact, deployment.account) {
                wrong.extend(found(!account.agrees(results), || {
                    format!("deployment {name}: its results do not agree with its account, or do not add up")
                }));
                deployment.stage = Stage::Accounted;
            }
            return wrong;
        };
        wrong.extend(facts.take(at, fact).into_iter().map(|what| format!("deployment {name}: {what}")));
        // An unlawful step is told once; what follows is then measured from where it led.
        deployment.stage = stage_after(fact).unwrap_or(deployment.stage);
        if matches!(deployment.stage, Stage::Purged | Stage::Withdrawn) {
            self.names -= facts.alerts_named;
            deployment.account = Some(facts.account());
            deployment.facts = None;
        }
        wrong
    }
}

impl Account {
    fn agrees(&self, results: &Results) -> bool {
        let stated = Self {
            cameras: results.cameras,
            watchlist: results.watchlist,
            alerts: results.total_alerts,
            faces_seen: results.faces_seen,
        };
        *self == stated && results.add_up()
    }
}

impl Running {
    fn account(&self) -> Account {
        let total = self.ledger.as_ref().map_or_else(Counts::default, |ledger| *ledger.total());
        Account {
            cameras: self.cameras,
            watchlist: self.watchlist_people,
            alerts: total.alerts_kept,
            faces_seen: total.faces_seen,
        }
    }

    /// Measures a fact against what came before it.
    fn take(&mut self, at: Timestamp, fact: &Fact) -> Vec<String> {
        let mut wrong = self.mandate.take(at, fact);
        wrong.extend(self.take_step(at, fact));
        wrong
    }

    fn take_step(&mut self, at: Timestamp, fact: &Fact) -> Vec<String> {
        match fact {
            Fact::WatchlistFrozen { people, images, by_ground, .. } => self.list(*people, *images, by_ground),
            Fact::SignageConfirmed { signs, .. } => {
                self.signage_confirmed = *signs > 0;
                vec![]
            }
            Fact::RecordingDeclared { .. } => {
                self.recording_declared = true;
                found(!self.is_exercise, || "a recording was declared, but it is not an exercise".into())
            }
            Fact::DeploymentStarted { .. } => self.start(at),
            Fact::DeploymentPaused { .. } | Fact::DeploymentTripped { .. } => {
                if let Some(ledger) = &mut self.ledger {
                    ledger.stop(at);
                }
                vec![]
            }
            Fact::DeploymentResumed { .. } | Fact::TripCleared { .. } => {
                if let Some(ledger) = &mut self.ledger {
                    ledger.resume(at);
                }
                vec![]
            }
            Fact::AlertRaised { alert, expires, .. } => self.raise(at, alert, *expires),
            Fact::AlertAdjudicated { alert, .. } => match self.alerts.get_mut(alert) {
                None => vec![format!("alert {alert} was judged, but never raised")],
                Some(judged) => found(std::mem::replace(judged, true), || format!("alert {alert} was judged twice")),
            },
            Fact::OutcomeRecorded { alert, .. } => match self.alerts.get(alert) {
                None => vec![format!("alert {alert} has an outcome, but was never raised")],
                Some(judged) => found(!judged, || format!("alert {alert} has an outcome, but nobody judged it")),
            },
            Fact::DeletionReceipt { from, to, counts, .. } => match &mut self.ledger {
                Some(ledger) => ledger.add(*from, *to, at, counts),
                None => vec![],
            },
            Fact::DeploymentEnded { counts, .. } => match &mut self.ledger {
                Some(ledger) => ledger.close(at, counts, self.alerts.len() as u64),
                None => vec![],
            },
            Fact::DeploymentPurged { alerts_destroyed, watchlist_images_destroyed, key_destroyed, .. } => {
                self.purge(*alerts_destroyed, *watchlist_images_destroyed, *key_destroyed)
            }
            _ => vec![],
        }
    }

    fn list(&mut self, people: u64, images: u64, by_ground: &BTreeMap<String, u64>) -> Vec<String> {
        let frozen_before = self.watchlist_images.replace(images).is_some();
        self.watchlist_people = people;
        let mut wrong = found(frozen_before, || "its watchlist was frozen twice".into());
        let sum = by_ground.values().try_fold(0_u64, |sum, people| sum.checked_add(*people));
        wrong.extend(found(sum != Some(people), || "the people on the watchlist are not the sum by ground".into()));
        wrong
    }

    fn start(&mut self, at: Timestamp) -> Vec<String> {
        self.ledger = Some(Ledger::new(at, self.window.end));
        let mut wrong = found(!self.window.contains(&at), || {
            format!("it started at {at}, outside its window {} to {}", self.window.start, self.window.end)
        });
        for (missing, what) in [
            (self.watchlist_images.is_none(), "a frozen watchlist"),
            (!self.signage_confirmed, "confirmed signs"),
            (self.is_exercise && !self.recording_declared, "a declared recording, although it is an exercise"),
        ] {
            wrong.extend(found(missing, || format!("it started without {what}")));
        }
        wrong
    }

    fn raise(&mut self, at: Timestamp, alert: &str, expires: Timestamp) -> Vec<String> {
        let mut wrong = found(expires <= at, || format!("alert {alert} had expired when it was raised"));
        self.alerts_named += 1;
        if self.alerts.contains_key(alert) {
            wrong.push(format!("alert {alert} was raised twice"));
        } else {
            self.alerts.insert(alert.to_owned(), false);
        }
        wrong
    }

    fn purge(&self, alerts: u64, images: u64, key_destroyed: bool) -> Vec<String> {
        let kept = self.ledger.as_ref().map_or(0, |ledger| ledger.total().alerts_kept);
        let mut wrong = found(alerts != kept, || format!("{alerts} alerts were destroyed, {kept} had been kept"));
        let listed = self.watchlist_images.unwrap_or(0);
        wrong.extend(found(images != listed, || {
            format!("{images} watchlist images were destroyed, {listed} had been listed")
        }));
        wrong.extend(found(!key_destroyed, || "it was purged, but its key was not destroyed".into()));
        wrong
    }
}

impl Tallies {
    fn count(&mut self, fact: &Fact) {
        match fact {
            Fact::AlertRaised { .. } => self.alerts += 1,
            Fact::DeletionReceipt { counts, .. } => {
                self.receipts += 1;
                // Where a sum does not fit, the deployment's ledger tells the problem.
                self.counts = self.counts.checked_add(counts).unwrap_or(self.counts);
            }
            Fact::DeploymentPurged { .. } => self.deployments_purged += 1,
            Fact::DeploymentWithdrawn { .. } => self.deployments_withdrawn += 1,
            _ => {}
        }
    }
}

fn found(wrong: bool, sentence: impl FnOnce() -> String) -> Vec<String> {
    if wrong { vec![sentence()] } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, counts, lawful};

    fn read(entries: &[Entry]) -> (Tallies, Vec<Problem>) {
        let mut story = Story::default();
        for (index, entry) in entries.iter().enumerate() {
            story.read(index as u64, entry);
        }
        let (tallies, problems, untold) = story.finish();
        assert_eq!(untold, 0);
        (tallies, problems)
    }

    fn index_of(entries: &[Entry], kind: &str) -> usize {
        let has_kind = |entry: &Entry| serde_json::to_value(&entry.fact).is_ok_and(|fact| fact["kind"] == kind);
        entries.iter().position(has_kind).unwrap_or_else(|| panic!("no {kind}"))
    }

    #[test]
    fn a_lawful_record_has_no_problem_and_adds_up() {
        let (tallies, problems) = read(&lawful());
        assert_eq!(problems, []);
        assert_eq!(
            tallies,
            Tallies {
                operations: 1,
                deployments: 1,
                deployments_purged: 1,
                deployments_withdrawn: 0,
                receipts: 4,
                alerts: 1,
                counts: counts(24, 1),
            }
        );
    }

    #[test]
    fn no_fact_of_the_lawful_record_can_be_left_out_but_these() {
        let entries = lawful();
        for left_out in 0..entries.len() {
            let mut fewer = entries.clone();
            let entry = fewer.remove(left_out);
            let may_be_left_out = matches!(
                entry.fact,
                Fact::OutcomeRecorded { .. } | Fact::DocumentFilled { .. } | Fact::TripCleared { .. }
            ) || left_out == entries.len() - 1;
            let (_, problems) = read(&fewer);
            assert_eq!(problems.is_empty(), may_be_left_out, "without {:?}: {problems:?}", entry.fact);
        }
    }

    #[test]
    fn no_two_neighbours_that_change_the_stage_can_change_places() {
        let entries = lawful();
        for first in 0..entries.len() - 1 {
            if stage_after(&entries[first].fact).is_none() || stage_after(&entries[first + 1].fact).is_none() {
                continue;
            }
            let mut swapped = entries.clone();
            let (fact, next) = (entries[first].fact.clone(), entries[first + 1].fact.clone());
            swapped[first].fact = next;
            swapped[first + 1].fact = fact;
            assert!(!read(&swapped).1.is_empty(), "{:?}", swapped[first].fact);
        }
    }

    #[test]
    fn few_facts_can_be_said_twice() {
        let entries = lawful();
        for twice in 0..entries.len() {
            let mut more = entries.clone();
            more.insert(twice, entries[twice].clone());
            let may_be_twice = matches!(
                entries[twice].fact,
                Fact::PolicyAdopted { .. }
                    | Fact::DocumentFilled { .. }
                    | Fact::SignageConfirmed { .. }
                    | Fact::RecordingDeclared { .. }
                    | Fact::OutcomeRecorded { .. }
            );
            let (_, problems) = read(&more);
            assert_eq!(problems.is_empty(), may_be_twice, "{:?}: {problems:?}", entries[twice].fact);
        }
    }

    /// Changes one fact of the lawful record and returns the problems that are told.
    fn changed(kind: &str, change: impl FnOnce(&mut Entry)) -> String {
        let mut entries = lawful();
        let index = index_of(&entries, kind);
        change(&mut entries[index]);
        let (_, problems) = read(&entries);
        problems.into_iter().map(|problem| format!("{}: {}\n", problem.entry, problem.sentence)).collect()
    }

    #[test]
    fn counts_and_dates_that_do_not_fit_are_told() {
        let told = changed("deployment-ended", |entry| entry.at = at(959));
        assert!(told.contains("20: it is dated 2026-03-01T09:15:59Z, before the entry it follows"), "{told}");
        let told = changed("deployment-ended", |entry| {
            if let Fact::DeploymentEnded { counts: total, .. } = &mut entry.fact {
                *total = counts(24, 2);
            }
        });
        assert!(told.contains("does not equal the sum of its 4"), "{told}");
        assert!(told.contains("1 alerts are on the record"), "{told}");
        let told = changed("deployment-purged", |entry| {
            entry.fact = Fact::DeploymentPurged {
                deployment: "d1".into(),
                alerts_destroyed: 0,
                watchlist_images_destroyed: 3,
                key_destroyed: false,
            };
        });
        for part in ["0 alerts were destroyed, 1 had", "3 watchlist images", "key was not destroyed"] {
            assert!(told.contains(part), "{told}");
        }
        let told = changed("deployment-proposed", |entry| {
            if let Fact::DeploymentProposed(plan) = &mut entry.fact {
                plan.starts = at(700);
                plan.ends = at(890);
            }
        });
        assert!(told.contains("outside its window"), "{told}");
        assert!(told.contains("7 templates were made after"), "{told}");
        let told = changed("watchlist-frozen", |entry| {
            if let Fact::WatchlistFrozen { by_ground, .. } = &mut entry.fact {
                by_ground.insert("wanted".into(), u64::MAX);
            }
        });
        assert!(told.contains("sum by ground"), "{told}");
        let told = changed("alert-raised", |entry| {
            if let Fact::AlertRaised { expires, .. } = &mut entry.fact {
                *expires = at(650);
            }
        });
        assert!(told.contains("had expired"), "{told}");
    }

    #[test]
    fn withdrawal_is_lawful_only_before_the_start_and_ends_everything() {
        let entries = lawful();
        for after in 2..entries.len() {
            let mut cut: Vec<_> = entries[..=after].to_vec();
            let fact = Fact::DeploymentWithdrawn { deployment: "d1".into(), reason: "rain".into() };
            cut.push(Entry { at: at(2_000), fact });
            let (tallies, problems) = read(&cut);
            let started = after >= index_of(&entries, "deployment-started");
            assert_eq!(problems.is_empty(), !started, "{after}: {problems:?}");
            assert_eq!(tallies.deployments_withdrawn, 1);
            cut.push(Entry { at: at(2_001), ..entries[3].clone() });
            let purged = after >= entries.len() - 2;
            let expected = if purged { "while it was purged" } else { "while it was withdrawn" };
            assert!(read(&cut).1.iter().any(|problem| problem.sentence.contains(expected)), "{after}");
        }
    }

    #[test]
    fn problems_are_told_up_to_the_limit_and_then_counted() {
        let mut story = Story::default();
        for index in 0..PROBLEMS_MAX as u64 + 7 {
            story.read(index, &lawful()[4]);
        }
        let (_, problems, untold) = story.finish();
        assert_eq!((problems.len(), untold), (PROBLEMS_MAX, 7));
        assert!(problems[0].sentence.contains("never proposed"), "{}", problems[0].sentence);
    }
}
