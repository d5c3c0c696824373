//! A deployment brought by a small cast to each stage of its life, with the record that was written on the way.

use domain::deployment::Recollection;
use domain::{Announced, Approved, Decided, Deployment, Draft, Event, Live, Plan, Proposed, Publication, Refusal};

use super::*;

pub const SLOT: &str = "impact assessment";

pub fn proposer() -> Officer {
    officer("officer-1", Role::Proposer)
}

pub fn authoriser() -> Officer {
    officer("officer-2", Role::AuthorisingOfficer)
}

pub fn urgent_authoriser() -> Officer {
    officer("officer-3", Role::UrgentAuthorisingOfficer)
}

pub fn lister() -> Officer {
    officer("officer-4", Role::WatchlistOfficer)
}

pub fn operator() -> Officer {
    officer("officer-5", Role::Operator)
}

/// The record of one deployment, as a store would keep it.
#[derive(Clone, Default)]
pub struct Record(pub Vec<Recollection>);

impl Record {
    /// The state that was decided, once the event is on the record.
    pub fn take<T>(&mut self, decided: Result<Decided<T>, Refusal>) -> T {
        let (state, event) = decided.unwrap().into_parts();
        self.remember(&event);
        state
    }

    pub fn remember(&mut self, event: &Event) {
        if let Publication::Publish(entry) = event.publication() {
            self.0.push(Recollection { actor: event.actor.clone(), entry: *entry });
        }
    }

    /// What it says the deployment is.
    pub fn state(&self) -> Deployment {
        Deployment::replay(&self.0).unwrap().unwrap()
    }
}

pub fn proposed(record: &mut Record, plan: Plan, policy: &Policy) -> Proposed {
    let proposed = record.take(Draft { plan }.propose(&proposer(), policy, at(0)));
    record.take(proposed.fill_document(&proposer(), SLOT, digest(), policy, at(0)))
}

pub fn approved(record: &mut Record, policy: &Policy) -> Approved {
    let proposed = proposed(record, plan(), policy);
    record.take(proposed.approve(&authoriser(), policy, at(0)))
}

pub fn urgently_approved(record: &mut Record, policy: &Policy) -> Approved {
    let proposed = proposed(record, plan(), policy);
    record.take(proposed.approve_urgently(&urgent_authoriser(), "threat to life", policy, at(0)))
}

pub fn announced(record: &mut Record, approved: Approved, policy: &Policy) -> Announced {
    record.take(approved.announce(&authoriser(), "n".into(), &operation(), policy, at(1)))
}

/// With everything that a start needs, all of it from this moment.
pub fn prepared(record: &mut Record, announced: Announced, policy: &Policy, now: Timestamp) -> Announced {
    let state = record.take(announced.freeze_watchlist(&lister(), &roll(1), "c".into(), policy, now));
    let state = record.take(state.confirm_signage(&operator(), 2, "round", "https://page", now));
    record.take(state.declare_recording(&operator(), "c1", digest(), 1, now))
}

/// Started as the window opens.
pub fn live(record: &mut Record, approved: Approved, policy: &Policy) -> Live {
    let announced = announced(record, approved, policy);
    let prepared = prepared(record, announced, policy, at(WINDOW.0));
    record.take(prepared.start(&operator(), equipment(), &threshold("good"), policy, at(WINDOW.0)))
}
