//! Whether what the record says could have happened lawfully: the order of facts, their dates and their counts.
//!
//! Reads entries one after another and remembers only what later ones are measured against, so a log of any length is
//! read in bounded memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::Timestamp;
use serde::Serialize;

use crate::alert_steps::{AlertSteps, Seeds};
use crate::entry::SUPPRESSED_STEP;
use crate::mandate::Mandate;
use crate::receipts::Ledger;
use crate::sources::Sources;
use crate::steps::{Stage, deed, lawful_stages, stage_after, stage_words};
use crate::thresholds::Thresholds;
use crate::undertakings::Undertakings;
use crate::{Counts, DeploymentPlan, Entry, Fact, Results};

/// Most problems that are told; the rest are counted.
pub const PROBLEMS_MAX: usize = 100;
/// Most policies, operations, deployments, cameras and alerts of unpurged deployments that are remembered at one time.
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
    undertakings: Undertakings,
    /// Number of names remembered in all these.
    names: usize,
    thresholds: Thresholds,
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
    /// Whether the commitments to who was listed were destroyed.
    unanswerable: bool,
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
    sources: Sources,
    cameras: u32,
    mandate: Mandate,
    /// Number of people on the watchlist, once it is frozen.
    watchlist_people: u64,
    window: Range<Timestamp>,
    /// Number of images on the watchlist, once it is frozen.
    watchlist_images: Option<u64>,
    /// Number of these that were destroyed before the purge.
    images_destroyed: Option<u64>,
    suppression_told: bool,
    signage_confirmed: bool,
    /// How often an alert was raised or a camera declared, repetitions too.
    names_given: usize,
    /// How far each alert has come.
    alerts: BTreeMap<String, AlertSteps>,
    /// The pairs that an exercise seeds, once they are fixed.
    seeds: Option<Seeds>,
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
        let threshold = self.thresholds.read(&entry.fact);
        for sentence in self.take(entry).into_iter().chain(threshold) {
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
            Fact::CameraDeclared(camera) => &camera.camera,
            Fact::ShareProposed(terms) => &terms.share,
            Fact::ComplaintReceived { complaint, .. } => complaint,
            Fact::ShareApproved { .. }
            | Fact::ShareUsed { .. }
            | Fact::ShareOutcomeReported { .. }
            | Fact::ShareRevoked { .. }
            | Fact::ComplaintAnswered { .. } => return self.undertakings.take(entry.at, &entry.fact),
            Fact::ComplaintForgotten { .. } => {
                let wrong = self.undertakings.take(entry.at, &entry.fact);
                self.names -= usize::from(wrong.is_empty());
                return wrong;
            }
            Fact::StaffCounted { .. } | Fact::ThresholdProposed { .. } | Fact::ThresholdSet { .. } => return vec![],
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
            fact @ Fact::ShareProposed(_) => self.undertakings.take(entry.at, fact),
            fact @ Fact::ComplaintReceived { about_deployment, .. } => {
                let known = about_deployment.as_ref().is_none_or(|name| self.deployments.contains_key(name));
                let mut wrong = found(!known, || "a complaint is about a deployment that was never proposed".into());
                wrong.extend(self.undertakings.take(entry.at, fact));
                wrong
            }
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
        let sources = Sources::of(plan);
        wrong.extend(found(!sources.kind_is_known(), || {
            format!("deployment {name} is neither an exercise nor live, but of another kind")
        }));
        let facts = Running {
            sources,
            cameras: plan.cameras,
            mandate: Mandate::new(plan, outside_key.and_then(Option::as_ref)),
            watchlist_people: 0,
            window: plan.starts..plan.ends,
            watchlist_images: None,
            images_destroyed: None,
            suppression_told: false,
            signage_confirmed: false,
            names_given: 0,
            alerts: BTreeMap::new(),
            seeds: None,
            ledger: None,
        };
        let deployment =
            Deployment { stage: Stage::Proposed, facts: Some(Box::new(facts)), account: None, unanswerable: false };
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
        if matches!(fact, Fact::CommitmentsDestroyed { .. }) && std::mem::replace(&mut deployment.unanswerable, true) {
            wrong.push(format!("deployment {name} had its commitments destroyed twice"));
        }
        if let (Fact::ResultsPublished { results, .. }, Some(account)) = (fact, deployment.account) {
            wrong.extend(found(!account.agrees(results), || {
                format!("deployment {name}: its results do not agree with its account, or do not add up")
            }));
            deployment.stage = Stage::Accounted;
            return wrong;
        }
        let Some(facts) = &mut deployment.facts else {
            let holds = matches!(fact, Fact::HoldReleased { .. } | Fact::HeldEvidenceDestroyed { .. });
            wrong.extend(found(holds, || format!("deployment {name}: none of its evidence is held any longer")));
            return wrong;
        };
        wrong.extend(facts.take(at, fact).into_iter().map(|what| format!("deployment {name}: {what}")));
        // An unlawful step is told once; what follows is then measured from where it led.
        deployment.stage = stage_after(fact).unwrap_or(deployment.stage);
        if matches!(deployment.stage, Stage::Purged | Stage::Accounted | Stage::Withdrawn) {
            deployment.account = Some(facts.account());
            // What is held outlives the rest, and is measured against what is remembered until it is gone.
            if facts.held() == 0 {
                self.names -= facts.names_given;
                deployment.facts = None;
            }
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
            Fact::WatchlistFrozen { people, images, by_ground, by_approval, .. } => {
                self.list(*people, *images, by_ground, by_approval)
            }
            Fact::AlertsSuppressed { up_to, .. } => self.suppress(*up_to),
            Fact::WatchlistDestroyed { images, key_destroyed, .. } => self.destroy_list(*images, *key_destroyed),
            Fact::SignageConfirmed { signs, .. } => {
                self.signage_confirmed = *signs > 0;
                vec![]
            }
            Fact::RecordingDeclared { .. } => self.sources.declare_recording(),
            Fact::CameraDeclared(camera) => {
                self.names_given += 1;
                self.sources.declare_camera(&camera.camera)
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
            Fact::AlertAdjudicated { alert, .. }
            | Fact::OutcomeRecorded { alert, .. }
            | Fact::AlertJudgedOnce { alert, .. }
            | Fact::AlertJudgedTwice { alert, .. }
            | Fact::AlertEngaged { alert, .. }
            | Fact::OutcomeReclassified { alert, .. }
            | Fact::AlertHeld { alert, .. }
            | Fact::HoldReleased { alert, .. }
            | Fact::HeldEvidenceDestroyed { alert, .. } => match self.alerts.get_mut(alert) {
                None => vec![format!("alert {alert} is spoken of, but was never raised")],
                Some(steps) => steps.take(at, alert, fact),
            },
            Fact::SeedsCommitted { seeds, commitment, .. } => {
                let twice = self.seeds.replace(Seeds::fixed(*seeds, commitment)).is_some();
                let mut wrong = found(twice, || "its seeded pairs were fixed twice".into());
                wrong.extend(found(!self.sources.is_exercise(), || "it seeds pairs, but it is not an exercise".into()));
                wrong
            }
            Fact::SeedsRevealed(figures) => match &mut self.seeds {
                None => vec!["it reveals seeded pairs that were never fixed".into()],
                Some(seeds) => seeds.reveal(figures),
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

    fn list(
        &mut self,
        people: u64,
        images: u64,
        by_ground: &BTreeMap<String, u64>,
        by_approval: &BTreeMap<String, u64>,
    ) -> Vec<String> {
        let frozen_before = self.watchlist_images.replace(images).is_some();
        self.watchlist_people = people;
        let mut wrong = found(frozen_before, || "its watchlist was frozen twice".into());
        let sum = |groups: &BTreeMap<String, u64>| {
            groups.values().try_fold(0_u64, |sum, people| sum.checked_add(*people)) == Some(people)
        };
        wrong.extend(found(!sum(by_ground), || "the people on the watchlist are not the sum by ground".into()));
        wrong.extend(found(!by_approval.is_empty() && !sum(by_approval), || {
            "the people on the watchlist are not the sum by approval".into()
        }));
        wrong
    }

    fn suppress(&mut self, up_to: u64) -> Vec<String> {
        let told_before = std::mem::replace(&mut self.suppression_told, true);
        let mut wrong = found(told_before, || "its suppressed alerts were counted twice".into());
        wrong.extend(found(up_to == 0 || !up_to.is_multiple_of(SUPPRESSED_STEP), || {
            format!("{up_to} suppressed alerts is not rounded up to a multiple of {SUPPRESSED_STEP}")
        }));
        wrong
    }

    fn destroy_list(&mut self, images: u64, key_destroyed: bool) -> Vec<String> {
        let destroyed_before = self.images_destroyed.replace(images).is_some();
        let mut wrong = found(destroyed_before, || "its watchlist was destroyed twice".into());
        let listed = self.watchlist_images.unwrap_or(0);
        wrong.extend(found(images != listed, || {
            format!("{images} watchlist images were destroyed, {listed} had been listed")
        }));
        wrong.extend(found(!key_destroyed, || "its watchlist was destroyed, but not the key to it".into()));
        wrong
    }

    fn start(&mut self, at: Timestamp) -> Vec<String> {
        self.ledger = Some(Ledger::new(at, self.window.end));
        let mut wrong = found(!self.window.contains(&at), || {
            format!("it started at {at}, outside its window {} to {}", self.window.start, self.window.end)
        });
        let list = self.watchlist_images.is_none().then_some("a frozen watchlist");
        let signs = (!self.signage_confirmed).then_some("confirmed signs");
        for what in [list, signs, self.sources.lacking()].into_iter().flatten() {
            wrong.push(format!("it started without {what}"));
        }
        wrong
    }

    fn raise(&mut self, at: Timestamp, alert: &str, expires: Timestamp) -> Vec<String> {
        let mut wrong = found(expires <= at, || format!("alert {alert} had expired when it was raised"));
        self.names_given += 1;
        if self.alerts.contains_key(alert) {
            wrong.push(format!("alert {alert} was raised twice"));
        } else {
            self.alerts.insert(alert.to_owned(), AlertSteps::default());
        }
        wrong
    }

    /// Number of alerts whose evidence is held.
    fn held(&self) -> u64 {
        self.alerts.values().filter(|steps| steps.is_held()).count() as u64
    }

    fn purge(&self, alerts: u64, images: u64, key_destroyed: bool) -> Vec<String> {
        let kept = self.ledger.as_ref().map_or(0, |ledger| ledger.total().alerts_kept);
        let held = self.held();
        let mut wrong = found(alerts.checked_add(held) != Some(kept), || match held {
            0 => format!("{alerts} alerts were destroyed, {kept} had been kept"),
            held => format!("{alerts} alerts were destroyed and {held} are held, {kept} had been kept"),
        });
        wrong.extend(found(self.seeds.as_ref().is_some_and(Seeds::is_hidden), || {
            "it was purged without telling which pairs were seeded".into()
        }));
        let listed = self.watchlist_images.unwrap_or(0).saturating_sub(self.images_destroyed.unwrap_or(0));
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
mod tests;
