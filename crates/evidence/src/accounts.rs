//! What the record says of each deployment, in one line each: for people who read a verdict.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::lifecycle::NAME_BYTES_MAX;
use crate::steps::{stage_after, stage_words};
use crate::{Counts, Entry, Fact};

/// Most deployments that are told one by one; the rest are counted.
pub const ACCOUNTS_MAX: usize = 1_000;

/// One deployment, as the record tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its name.
    pub deployment: String,
    /// `exercise` or `live`.
    pub deployment_kind: String,
    /// How far it has come, in words.
    pub state: &'static str,
    /// When comparison began.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// People on its watchlist.
    pub people_listed: u64,
    /// Images on its watchlist.
    pub images_listed: u64,
    /// Deletion receipts.
    pub receipts: u64,
    /// The sum of its receipts.
    pub counts: Counts,
    /// Alerts raised.
    pub alerts: u64,
    /// Alerts that a person judged.
    pub alerts_judged: u64,
    /// What its purge says it destroyed; nothing before the purge.
    pub purge: Option<Purge>,
    /// Images of the watchlist that were destroyed before the purge, when the deployment ended.
    #[serde(skip)]
    images_destroyed: u64,
}

/// What a purge says it destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Purge {
    /// Sealed alerts.
    pub alerts_destroyed: u64,
    /// Sealed images of the watchlist.
    pub watchlist_images_destroyed: u64,
    /// Whether the key went too.
    pub key_destroyed: bool,
}

impl Account {
    /// The account as one sentence.
    pub fn words(&self) -> String {
        let Self { deployment, deployment_kind, state, counts, .. } = self;
        let mut parts = vec![format!("{deployment} ({deployment_kind}) is {state}")];
        match (self.started, self.ended) {
            (Some(started), Some(ended)) => parts.push(format!("it compared faces from {started} to {ended}")),
            (Some(started), None) => parts.push(format!("it has compared faces since {started}")),
            (None, _) => parts.push("it never compared a face".into()),
        }
        if self.people_listed > 0 {
            parts.push(format!("{} people were sought, by {} images", self.people_listed, self.images_listed));
        }
        if self.started.is_some() {
            parts.push(format!(
                "{} faces seen, {} templates made = {} destroyed + {} kept for alerts, in {} receipts",
                counts.faces_seen, counts.templates_made, counts.templates_destroyed, counts.alerts_kept, self.receipts
            ));
            parts.push(format!("{} alerts, {} of them judged by a person", self.alerts, self.alerts_judged));
        }
        if let Some(purge) = &self.purge {
            let key = if purge.key_destroyed { "and the key" } else { "but NOT the key" };
            parts.push(format!(
                "its purge says that {} alerts, {} images {key} were destroyed",
                purge.alerts_destroyed, purge.watchlist_images_destroyed
            ));
        }
        parts.join("; ") + "."
    }
}

/// The accounts of all deployments so far.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    position: BTreeMap<String, usize>,
    told: Vec<Account>,
    untold: u64,
}

impl Accounts {
    /// Takes in the next entry. Whether it is lawful is for others to say.
    pub(crate) fn read(&mut self, entry: &Entry) {
        if let Fact::DeploymentProposed(plan) = &entry.fact {
            return self.open(&plan.deployment, &plan.deployment_kind);
        }
        let Some(name) = entry.fact.deployment() else { return };
        let Some(account) = self.position.get(name).and_then(|position| self.told.get_mut(*position)) else { return };
        if let Some(stage) = stage_after(&entry.fact) {
            account.state = stage_words(stage);
        }
        account.take(entry);
    }

    /// The first `ACCOUNTS_MAX`, and how many more there are.
    pub(crate) fn finish(self) -> (Vec<Account>, u64) {
        (self.told, self.untold)
    }

    fn open(&mut self, deployment: &str, kind: &str) {
        let fits = deployment.len() <= NAME_BYTES_MAX && kind.len() <= NAME_BYTES_MAX;
        if self.told.len() >= ACCOUNTS_MAX || !fits {
            self.untold += 1;
            return;
        }
        if self.position.insert(deployment.to_owned(), self.told.len()).is_none() {
            let state = stage_words(crate::steps::Stage::Proposed);
            let (deployment, deployment_kind) = (deployment.to_owned(), kind.to_owned());
            self.told.push(Account { deployment, deployment_kind, state, ..Account::default() });
        }
    }
}

impl Account {
    fn take(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::WatchlistFrozen { people, images, .. } => {
                (self.people_listed, self.images_listed) = (*people, *images);
            }
            Fact::DeploymentStarted { .. } => self.started = Some(entry.at),
            Fact::DeploymentEnded { .. } => self.ended = Some(entry.at),
            Fact::AlertRaised { .. } => self.alerts += 1,
            Fact::AlertAdjudicated { .. } => self.alerts_judged += 1,
            Fact::DeletionReceipt { counts, .. } => {
                self.receipts += 1;
                self.counts = self.counts.checked_add(counts).unwrap_or(self.counts);
            }
            Fact::WatchlistDestroyed { images, .. } => self.images_destroyed = *images,
            Fact::DeploymentPurged { alerts_destroyed, watchlist_images_destroyed, key_destroyed, .. } => {
                self.purge = Some(Purge {
                    alerts_destroyed: *alerts_destroyed,
                    watchlist_images_destroyed: self.images_destroyed.saturating_add(*watchlist_images_destroyed),
                    key_destroyed: *key_destroyed,
                });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, counts, lawful};

    #[test]
    fn a_deployment_is_told_as_the_record_has_it() {
        let mut accounts = Accounts::default();
        lawful().iter().for_each(|entry| accounts.read(entry));
        let (told, untold) = accounts.finish();
        assert_eq!((told.len(), untold), (1, 0));
        let account = &told[0];
        assert_eq!(
            (account.started, account.ended, account.state),
            (Some(at(600)), Some(at(970)), "purged and its results published")
        );
        assert_eq!((account.people_listed, account.images_listed, account.receipts), (3, 4, 4));
        assert_eq!((account.alerts, account.alerts_judged, account.counts), (1, 1, counts(24, 1)));
        let words = account.words();
        for part in ["d1 (exercise) is purged and", "24 templates made = 23 destroyed + 1 kept", "4 images and the key"]
        {
            assert!(words.contains(part), "{words}");
        }
    }

    #[test]
    fn more_deployments_than_are_told_are_counted() {
        let mut accounts = Accounts::default();
        let mut proposal = lawful().swap_remove(2);
        for number in 0..ACCOUNTS_MAX + 3 {
            if let Fact::DeploymentProposed(plan) = &mut proposal.fact {
                plan.deployment = format!("d{number}");
            }
            accounts.read(&proposal);
        }
        let (told, untold) = accounts.finish();
        assert_eq!((told.len(), untold), (ACCOUNTS_MAX, 3));
        assert!(told[0].words().contains("never compared a face"));
    }
}
